//! From a file in a bucket to a webhook: the founding rules, each of which fires once though six executions see the event.

use std::time::Duration;

use crate::aws_emulator::AwsEmulator;
use crate::cloudtrail::{DELETED, DISABLED, kms_call, log_file, log_key};
use crate::node::{Node, wait_for};
use crate::webhook_sink::WebhookSink;

#[test]
fn each_founding_rule_fires_once_and_is_told_once() {
    let Some(aws) = AwsEmulator::start() else { return };
    let sink = WebhookSink::start();
    let mut node = Node::new(Some(&aws));
    node.start();
    println!("ready after {:?}", node.wait_until_ready());
    node.tell(&sink);

    let calls = ["DisableKey", "DeleteImportedKeyMaterial", "ListKeys"];
    let records: Vec<_> = (1..).zip(calls).map(|(number, action)| kms_call(action, number)).collect();
    aws.put(&log_key(1), &log_file(&records));
    let taken = wait_for("both alerts", Duration::from_secs(60), || sink.received().len() >= 2);
    println!("told {taken:?} after the file was put");

    // Until no window sees the events any more, and a second delivery besides.
    aws.tell_again(&log_key(1));
    std::thread::sleep(Duration::from_secs(38));
    let alerts = node.alerts();
    assert_eq!(alerts.keys().collect::<Vec<_>>(), [DISABLED, DELETED]);
    assert!(alerts.values().all(|ids| ids.len() == 1), "{alerts:?}");
    let mut told: Vec<String> = sink.received().into_iter().flat_map(|message| message.alerts).collect();
    let mut expected: Vec<String> = alerts.into_values().flatten().collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);

    let executions = node.all("/api/v1/executions");
    assert!(executions.iter().all(|execution| execution["status"] == "succeeded"), "{executions:?}");
    for rule_id in ["6951f15e-533c-4a60-8014-a3c3ab851a1b", "f6fee40d-8a5e-4cc8-9f73-8688419c6d68"] {
        let hits = |execution: &&serde_json::Value| {
            execution["rule_id"] == rule_id && execution["metrics"]["hits"] == 1
        };
        let seen_by = executions.iter().filter(hits).count();
        println!("{rule_id}: {seen_by} executions saw the event");
        assert!(seen_by >= 6, "{executions:#?}");
    }
    assert_eq!(node.metric("bartizan_events_total"), 3.0);
    assert_eq!(node.metric("bartizan_duplicates_total"), 3.0);
    assert_eq!(node.metric("bartizan_alerts_total"), 2.0);
    assert_eq!(node.metric("bartizan_alerts{status=\"open\"}"), 2.0);
    assert_eq!(node.metric("bartizan_executions_failed_total"), 0.0);
    assert!(node.metric("detection_lag_seconds") > 0.0);
    assert_eq!(aws.messages(), 0);

    let (status, taken) = node.stop();
    println!("stopped after {taken:?}: {status}");
    assert_eq!(status.code(), Some(0));
    assert!(taken < Duration::from_secs(12), "{taken:?}");
    let inputs = node.sql(
        "SELECT \"bartizan.input.outcome\" AS outcome, \"bartizan.input.events\" AS events, \
         \"bartizan.input.duplicates\" AS duplicates FROM \"logs-bartizan.input-default\" \
         WHERE \"log.file.path\" LIKE 's3://%' ORDER BY duplicates",
    );
    let told: Vec<String> = inputs.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            r#"{"outcome":"read","events":3,"duplicates":0}"#,
            r#"{"outcome":"read","events":0,"duplicates":3}"#
        ]
    );
    let events = node.sql("SELECT count(*) AS n FROM \"logs-aws.cloudtrail-default\"");
    assert_eq!(events[0]["n"], 3);
}
