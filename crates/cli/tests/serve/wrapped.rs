//! New objects that are told by way of SNS and EventBridge: the envelopes that an emulator of these services makes, not ours.

use std::time::Duration;

use crate::aws_emulator::AwsEmulator;
use crate::cloudtrail::{DELETED, DISABLED, kms_call, log_file, log_key};
use crate::node::{Node, wait_for};
use crate::webhook_sink::WebhookSink;

/// A prefix as URLs have it: what is encoded in S3's own messages, and is not in those of EventBridge.
const PREFIX: &str = "our%20trail%2B%C3%BC/";

#[test]
fn objects_are_found_in_the_wraps_of_sns_and_eventbridge() {
    let Some(aws) = AwsEmulator::start() else { return };
    let sink = WebhookSink::start();
    aws.make_bucket_with_topic("by-topic", false);
    aws.make_bucket_with_topic("by-raw-topic", true);
    aws.make_bucket_with_event_bus("by-bus");
    let mut node = Node::new(Some(&aws));
    // What is there before the server runs: S3's tests of the ways, one of them in SNS's envelope.
    let tests = aws.look_at_messages();
    let is_wrapped = |message: &&serde_json::Value| {
        let inner = message["Message"].as_str().unwrap_or_default();
        message["Type"] == "Notification"
            && message["Signature"].is_string()
            && inner.contains("s3:TestEvent")
    };
    assert_eq!(tests.iter().filter(is_wrapped).count(), 1, "{tests:#?}");

    let files =
        [("by-topic", "DisableKey"), ("by-raw-topic", "ListKeys"), ("by-bus", "DeleteImportedKeyMaterial")];
    for (number, (bucket, action)) in (1..).zip(files) {
        let key = format!("{PREFIX}{}", log_key(number));
        aws.put_into(bucket, &key, &log_file(&[kms_call(action, number)]));
    }
    let messages = aws.look_at_messages();
    let bodies: Vec<String> = messages.iter().map(ToString::to_string).collect();
    let kinds = [("Type", "Notification", "by-topic"), ("source", "aws.s3", "by-bus")];
    for (name, value, bucket) in kinds {
        let is_such = messages.iter().zip(&bodies).any(|(message, body)| {
            message[name] == value && body.contains(bucket) && body.contains("CloudTrail_eu-west-1")
        });
        assert!(is_such, "no message with {name} {value} of {bucket}: {messages:#?}");
    }

    node.start();
    node.wait_until_ready();
    node.tell(&sink);
    let taken = wait_for("both alerts", Duration::from_secs(60), || node.alerts().len() == 2);
    println!("both alerts {taken:?} after the server was ready");
    wait_for("the queue to be empty", Duration::from_secs(20), || aws.messages() == 0);
    wait_for("all events", Duration::from_secs(20), || node.metric("bartizan_events_total") >= 3.0);
    assert_eq!(node.alerts().keys().collect::<Vec<_>>(), [DISABLED, DELETED]);
    assert_eq!(node.metric("bartizan_events_total"), 3.0);
    assert_eq!(node.metric("bartizan_set_aside_total"), 0.0);
    assert_eq!(node.metric("bartizan_intake_failures_total"), 0.0);
    assert!(node.all("/api/v1/poison-deliveries").is_empty());
    let (status, _) = node.stop();
    assert_eq!(status.code(), Some(0));
    let inputs = node.sql(
        "SELECT \"log.file.path\" AS path, \"bartizan.input.outcome\" AS outcome, \"bartizan.input.events\" AS events \
         FROM \"logs-bartizan.input-default\" WHERE \"log.file.path\" LIKE 's3://%' ORDER BY path",
    );
    // The bus tells of every change of an object; what is no new object is accounted for and not read.
    let (told, others): (Vec<_>, Vec<_>) = inputs
        .iter()
        .map(|input| (input["path"].as_str().unwrap().to_owned(), &input["outcome"], &input["events"]))
        .partition(|(_, outcome, _)| *outcome == "read");
    let is_skipped =
        |outcome: &serde_json::Value| outcome.as_str().unwrap().starts_with("skipped: tells of Object ");
    assert!(
        others.iter().all(|(path, outcome, _)| path.starts_with("s3://by-bus/") && is_skipped(outcome)),
        "{others:?}"
    );
    let (read, one) = (serde_json::json!("read"), serde_json::json!(1));
    let path = |bucket: &str, number| format!("s3://{bucket}/our trail+\u{fc}/{}", log_key(number));
    assert_eq!(
        told,
        [
            (path("by-bus", 3), &read, &one),
            (path("by-raw-topic", 2), &read, &one),
            (path("by-topic", 1), &read, &one),
        ]
    );
}
