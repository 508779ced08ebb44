//! An outage that is longer than what is made up for at once: the newest window runs first, the rest becomes a gap that is
//! shown and filled.

use std::time::Duration;

use serde_json::Value;

use crate::aws_emulator::AwsEmulator;
use crate::cloudtrail::{DELETED, DISABLED, kms_call, log_file, log_key};
use crate::node::{Node, wait_for};

#[test]
fn an_outage_leaves_a_gap_that_is_filled() {
    let Some(aws) = AwsEmulator::start() else { return };
    let mut node = Node::with_schedule(Some(&aws), 1);
    node.start();
    node.wait_until_ready();
    aws.put(&log_key(1), &log_file(&[kms_call("DisableKey", 1)]));
    wait_for("the event", Duration::from_secs(20), || node.metric("bartizan_events_total") >= 1.0);
    wait_for("a first run", Duration::from_secs(20), || !node.all("/api/v1/executions").is_empty());
    node.kill();
    aws.put(&log_key(2), &log_file(&[kms_call("DeleteImportedKeyMaterial", 2)]));
    std::thread::sleep(Duration::from_secs(12));

    node.start();
    node.wait_until_ready();
    let taken = wait_for("both alerts", Duration::from_secs(30), || node.alerts().len() == 2);
    println!("both alerts {taken:?} after the outage");
    wait_for("the gaps", Duration::from_secs(30), || {
        let gaps = node.all("/api/v1/gaps");
        gaps.len() >= 2 && gaps.iter().all(|gap| gap["state"] == "filled")
    });
    let gaps = node.all("/api/v1/gaps");
    println!("{gaps:?}");
    let is_fill = |execution: &Value| execution["kind"] == "gap_fill" && execution["status"] == "succeeded";
    assert!(node.all("/api/v1/executions").iter().filter(|execution| is_fill(execution)).count() >= 2);
    let alerts = node.alerts();
    assert_eq!((alerts[DISABLED].len(), alerts[DELETED].len()), (1, 1));
    let (status, _) = node.stop();
    assert_eq!(status.code(), Some(0));
}
