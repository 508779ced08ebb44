//! A connector that is switched off: nothing is sent, all of it is accounted for, and nothing comes later of itself.

use std::time::Duration;

use serde_json::json;

use crate::cloudtrail::kms_call;
use crate::http::request;
use crate::node::{Node, wait_for};
use crate::webhook_sink::WebhookSink;

/// A call comes in by HTTP; waits until its alert is there.
fn call_and_wait(node: &Node, number: u32) {
    let bearer = format!("Bearer {}", node.token());
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let body = kms_call("DisableKey", number).to_string();
    request(node.address(), "POST", "/ingest/webhook", &headers, body.as_bytes()).unwrap().ok();
    let alerts = || node.all("/api/v1/alerts").len();
    wait_for("the alert", Duration::from_secs(30), || alerts() == number as usize);
}

#[test]
fn a_connector_that_is_switched_off_skips_and_floods_nobody() {
    let (sink, quiet) = (WebhookSink::start(), WebhookSink::start());
    let mut node = Node::new(None);
    node.start();
    node.wait_until_ready();
    // Made switched off, and tried.
    let connector = json!({"type": "webhook", "enabled": false, "config": {"url": quiet.url}});
    node.call("PUT", "/api/v1/connectors/quiet", Some(&connector));
    let test = node.call("POST", "/api/v1/connectors/quiet/test", None).json();
    assert_eq!((&test["sent"], &test["enabled"]), (&json!(true), &json!(false)), "{test}");
    assert_eq!(quiet.received().len(), 1);
    let rules = ["6951f15e-533c-4a60-8014-a3c3ab851a1b", "f6fee40d-8a5e-4cc8-9f73-8688419c6d68"];
    let action = json!({"connector": "quiet", "summary": false, "rules": rules});
    node.call("PUT", "/api/v1/actions/quiet", Some(&action));
    node.tell(&sink);

    for number in 1..=2 {
        call_and_wait(&node, number);
    }
    wait_for("what the other connector sends", Duration::from_secs(20), || sink.received().len() == 2);
    assert_eq!(quiet.received().len(), 1, "nothing but the test");
    assert_eq!(node.metric("bartizan_notifications{state=\"skipped\"}"), 2.0);
    assert_eq!(node.metric("bartizan_notifications{state=\"pending\"}"), 0.0);
    assert_eq!(node.metric("bartizan_connectors{enabled=\"false\"}"), 1.0);
    let skipped = node.get("/api/v1/notifications?state=skipped");
    let skipped = skipped["items"].as_array().unwrap();
    for message in skipped {
        assert_eq!(message["last_error"], "the connector was switched off");
        assert_eq!((&message["connector_id"], &message["attempts"]), (&json!("quiet"), &json!(0)));
    }

    // On again, over a restart: only what is new comes; one of the others by hand.
    node.call("POST", "/api/v1/connectors/quiet/enable", None);
    node.kill();
    node.start();
    node.wait_until_ready();
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(quiet.received().len(), 1, "no flood");
    call_and_wait(&node, 3);
    wait_for("the new message", Duration::from_secs(20), || quiet.received().len() == 2);
    let again = node.call("POST", "/api/v1/notifications/retry", Some(&json!({"ids": [skipped[0]["id"]]})));
    assert_eq!(again.json()["changed"], 1);
    wait_for("the old message", Duration::from_secs(20), || quiet.received().len() == 3);
    assert_eq!(
        node.get("/api/v1/notifications/counts"),
        json!({"pending": 0, "sent": 5, "dead": 0, "skipped": 1})
    );
    let (status, _) = node.stop();
    assert_eq!(status.code(), Some(0));
}
