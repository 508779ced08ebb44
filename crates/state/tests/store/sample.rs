//! Things to store, as small as they may be.

use std::sync::Arc;

use bartizan_state::{
    Actor, AlertDraft, ApiTokenDraft, ConnectorDraft, Execution, ExecutionCommit, ExecutionKind,
    ExecutionStatus, GapDraft, Lease, NotificationDraft, Role, RuleDraft, RuleFormat, StateError, Store,
    Timestamp,
};
use jiff::SignedDuration;
use serde_json::json;

pub(crate) const MINUTE: SignedDuration = SignedDuration::from_mins(1);

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(crate) fn someone() -> Actor {
    Actor::token("someone")
}

pub(crate) fn rule(rule_id: &str, source: &str) -> RuleDraft {
    RuleDraft {
        rule_id: rule_id.to_owned(),
        name: format!("Rule {rule_id}"),
        source: source.to_owned(),
        format: RuleFormat::Toml,
        origin: "rules/one.toml".to_owned(),
        enabled: None,
    }
}

pub(crate) fn alert(id: &str, rule_id: &str, second: i64) -> AlertDraft {
    AlertDraft {
        id: id.to_owned(),
        rule_id: rule_id.to_owned(),
        rule_uuid: format!("uuid-of-{rule_id}"),
        severity: "high".to_owned(),
        risk_score: 73.0,
        timestamp: at(second),
        original_time: Some(at(second - 5)),
        document: json!({ "kibana.alert.uuid": id, "z": 1, "a": "two\u{0}" }),
    }
}

pub(crate) fn execution(id: &str, rule_id: &str, second: i64) -> Execution {
    Execution {
        id: id.to_owned(),
        rule_id: rule_id.to_owned(),
        kind: ExecutionKind::Scheduled,
        tick: at(second),
        window_from: at(second - 540),
        window_to: at(second),
        started: at(second + 1),
        ended: at(second + 2),
        status: ExecutionStatus::Succeeded,
        message: String::new(),
        metrics: json!({ "events_read": 10, "hits": 1 }),
    }
}

pub(crate) fn commit(lease: &Lease, execution: Execution) -> ExecutionCommit {
    ExecutionCommit {
        lease: lease.clone(),
        execution,
        alerts: Vec::new(),
        updates: Vec::new(),
        cursor: None,
        rule_state: None,
        gaps: Vec::new(),
        gap_fill: None,
        notifications: Vec::new(),
    }
}

pub(crate) fn gap(rule_id: &str, from: i64, to: i64) -> GapDraft {
    GapDraft { rule_id: rule_id.to_owned(), from: at(from), to: at(to), reason: "failed".to_owned() }
}

pub(crate) fn notification(dedupe_key: &str, about_alert: Option<&str>) -> NotificationDraft {
    NotificationDraft {
        dedupe_key: dedupe_key.to_owned(),
        connector_id: "hook".to_owned(),
        action_id: Some("action".to_owned()),
        rule_id: Some("r1".to_owned()),
        about_alert: about_alert.map(str::to_owned),
        payload: json!({ "text": "hello" }),
        not_before: None,
    }
}

pub(crate) fn connector(id: &str) -> ConnectorDraft {
    ConnectorDraft {
        id: id.to_owned(),
        name: "The hook".to_owned(),
        enabled: None,
        connector_type: "webhook".to_owned(),
        config: json!({ "url": "https://example.org", "secret": { "env": "HOOK_SECRET" } }),
    }
}

pub(crate) fn token(id: &str, digit: char) -> ApiTokenDraft {
    ApiTokenDraft {
        id: id.to_owned(),
        name: format!("name of {id}"),
        role: Role::Analyst,
        hash: digit.to_string().repeat(64),
        expires: Some(at(1000)),
    }
}

pub(crate) async fn lease(store: &Arc<dyn Store>, holder: &str, second: i64) -> Option<Lease> {
    store.acquire_lease("scheduler", holder, MINUTE, at(second)).await.unwrap()
}

/// PostgreSQL's text holds no NUL: ids with one are refused, free text shows its picture, JSON keeps it.
pub(crate) async fn strange_texts_are_kept_or_refused(store: Arc<dyn Store>) {
    let strange = "quote ' \" \\ $1 ?1 {id} \u{1F980} \u{7f} \r\n end";
    let kept = store.put_rule(rule(strange, strange), &someone(), at(0)).await.unwrap();
    assert_eq!(kept.rule_id, strange);
    assert_eq!(store.rule(strange).await.unwrap(), Some(kept));

    let refused = store.put_rule(rule("a\0b", "x"), &someone(), at(0)).await;
    assert!(matches!(refused, Err(StateError::Invalid { .. })), "{refused:?}");
    let refused = store.put_rule(rule("", "x"), &someone(), at(0)).await;
    assert!(matches!(refused, Err(StateError::Invalid { .. })), "{refused:?}");

    assert_eq!(store.put_rule(rule("r", "a\0b"), &someone(), at(0)).await.unwrap().source, "a\u{2400}b");
    assert!(store.put_alert(alert("a1", "r", 0), at(0)).await.unwrap());
    assert_eq!(store.alert("a1").await.unwrap().unwrap().alert, alert("a1", "r", 0));
}
