//! An alert that was really built, as a finding.

use std::path::Path;

use alert::{AlertContext, AlertRule, BuildOutcome, EventHit, ExecutionType, Hit, build};
use bartizan_report::{Finding, Investigation};
use ecs::Document;
use serde_json::{Value, json};

#[test]
fn a_finding_says_what_its_alert_says() {
    let rule = json!({
        "id": "rule-1", "rule_id": "my-rule", "name": "My rule", "description": "Says what it finds.",
        "severity": "high", "risk_score": 73, "type": "query", "query": "event.action: DisableKey", "index": ["logs-a"]
    });
    let rule = rule::format::ndjson::read(&rule.to_string(), Path::new("rule.ndjson")).rules.remove(0);
    let event = json!({
        "@timestamp": "2026-03-14T02:09:40.000Z",
        "event": { "kind": "event", "action": "DisableKey", "id": "e-1", "provider": "kms.amazonaws.com" },
        "cloud": { "account": { "id": "111122223333" }, "region": "eu-west-1" },
        "log": { "file": { "path": "a.json.gz" }, "offset": 17 }
    });
    let Value::Object(event) = event else { panic!("not an object") };
    let hit = Hit::Event(EventHit {
        document: Document::from_map(event),
        id: "d".to_owned(),
        index: "logs-a".to_owned(),
    });
    let context = AlertContext {
        space: "default".to_owned(),
        detected_at: "2026-03-15T08:30:00Z".parse().unwrap(),
        execution_uuid: "execution-1".to_owned(),
        execution_type: ExecutionType::Manual,
        intended_timestamp: None,
        base_url: None,
        version: "0.1.0".to_owned(),
    };
    let BuildOutcome::Alert(alert) = build(&hit, &AlertRule::new(&rule), &context) else {
        panic!("no alert")
    };
    let reason = "Nobody asked for it.".to_owned();
    let finding = Finding::of_alert(&alert, Vec::new(), Investigation::NotDone { reason });
    assert_eq!(finding.alert.event_ids, ["e-1"]);
    assert_eq!((finding.alert.rule_id.as_str(), finding.alert.severity.as_str()), ("my-rule", "high"));
    assert_eq!(finding.alert.time, "2026-03-14T02:09:40.000Z");
    assert_eq!(finding.alert.risk_score, 73.0);
    assert_eq!(finding.field("event.action").as_deref(), Some("DisableKey"));
    assert_eq!(finding.field("log.offset").as_deref(), Some("17"));
    assert_eq!(finding.field("user.name"), None);
    let document: Value = serde_json::from_str(&finding.document).unwrap();
    assert_eq!(document["kibana.alert.uuid"], finding.alert.uuid);
}
