//! Rules, events and runs of these tests, and what came of them in words.

pub(crate) use std::collections::BTreeMap;
pub(crate) use std::path::Path;

pub(crate) use bartizan_alert::fields;
pub(crate) use bartizan_alert::identity::{
    AlertUuid, instance_id, query_suppression_uuid, threshold_instance_id,
};
pub(crate) use bartizan_alert::suppress::{Grouping, Suppression, SuppressionCounts};
pub(crate) use bartizan_alert::{
    AlertContext, AlertRule, BuildOutcome, Candidate, EventHit, ExecutionType, Hit, NewTermsHit, Run,
    SequenceHit, Suppressed, SuppressionPolicy, SuppressionState, SuppressionTerm, ThresholdHit,
    ThresholdTerm, build, build_suppressed, candidate, suppress,
};
pub(crate) use ecs::{Document, Timestamp};
pub(crate) use proptest::prelude::*;
pub(crate) use rule::Rule;
pub(crate) use serde_json::{Map, Value, json};

/// A rule of this type with this suppression.
pub(crate) fn rule(rule_type: &str, suppression: Value) -> Rule {
    let mut object = json!({
        "id": "rule-1", "rule_id": "my-rule", "name": "My rule", "description": "Says what it finds.",
        "severity": "low", "risk_score": 21, "type": rule_type, "query": "event.action: DisableKey",
        "index": ["logs-a"], "alert_suppression": suppression
    });
    match rule_type {
        "eql" => {
            object["language"] = "eql".into();
            object["query"] = "any where true".into();
        }
        "threshold" => object["threshold"] = json!({"field": ["host.name", "user.name"], "value": 2}),
        "new_terms" => {
            object["new_terms_fields"] = json!(["user.name"]);
            object["history_window_start"] = "now-7d".into();
        }
        _ => {}
    }
    let loaded = rule::format::ndjson::read(&object.to_string(), Path::new("rule.ndjson"));
    assert!(loaded.is_ok(), "{:?}", loaded.diagnostics);
    loaded.rules.into_iter().next().expect("one rule")
}

pub(crate) fn context() -> AlertContext {
    AlertContext {
        space: "default".to_owned(),
        detected_at: "2024-06-01T00:00:00Z".parse().unwrap(),
        execution_uuid: "execution-1".to_owned(),
        execution_type: ExecutionType::Manual,
        intended_timestamp: None,
        base_url: None,
        version: "0.1.0".to_owned(),
    }
}

/// So many minutes after midnight.
pub(crate) fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_704_067_200 + minutes * 60).unwrap()
}

/// The run that starts at this minute, and looks back six.
pub(crate) fn run(started_at: i64) -> Run {
    Run { started_at: minute(started_at), from: minute(started_at - 6) }
}

pub(crate) fn event(id: &str, source: Value) -> EventHit {
    let Value::Object(map) = source else { panic!("not an object") };
    EventHit { document: Document::from_map(map), id: id.to_owned(), index: "logs-a".to_owned() }
}

/// An event: the run that finds it, its minute, its id and its host.
pub(crate) type Event = (i64, i64, &'static str, Value);

pub(crate) fn event_hit((_, _, id, host): &Event) -> Hit {
    let source = if host.is_null() { json!({}) } else { json!({"host": {"name": host}}) };
    Hit::Event(event(id, source))
}

pub(crate) fn candidates(events: &[Event], policy: &SuppressionPolicy<'_>) -> Vec<Candidate<&'static str>> {
    let of = |found: &Event| {
        candidate(found.2, &event_hit(found), minute(found.1), run(found.0), policy)
            .expect("no alert of ours")
    };
    events.iter().map(of).collect()
}

pub(crate) fn minutes(at: Timestamp) -> i64 {
    (at.as_second() - 1_704_067_200) / 60
}

/// What becomes of events, as one text: `id start-end +count` for a new alert, `id` for one of its own, `~end +count`
/// for an update; then how many were covered, known and cut.
pub(crate) fn told<T: std::fmt::Display>(suppressed: &Suppressed<T>) -> String {
    let mut told = Vec::new();
    for new in &suppressed.create {
        told.push(match &new.suppression {
            Some(s) => {
                format!("{} {}-{} +{}", new.found, minutes(s.start), minutes(s.end), s.docs_count)
            }
            None => new.found.to_string(),
        });
    }
    told.extend(
        suppressed.update.iter().map(|update| format!("~{} +{}", minutes(update.end), update.docs_count)),
    );
    let SuppressionCounts { covered, known, cut, .. } = suppressed.counts;
    for (count, name) in [(covered, "covered"), (known, "known"), (cut, "cut")] {
        if count > 0 {
            told.push(format!("{count} {name}"));
        }
    }
    told.join(", ")
}

pub(crate) fn in_balance(counts: SuppressionCounts) -> bool {
    let SuppressionCounts { candidates, created, suppressed, covered, known, cut } = counts;
    candidates == created + suppressed + covered + known + cut
}

/// What becomes of events in one call after the other.
pub(crate) fn calls(rule: &Rule, max_signals: Option<u32>, calls: &[&[Event]]) -> Vec<String> {
    let (rule, context) = (AlertRule::new(rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, max_signals).expect("a policy");
    let mut state = SuppressionState::default();
    let call = |events: &&[Event]| {
        let suppressed = suppress(candidates(events, &policy), &policy, &mut state);
        assert!(in_balance(suppressed.counts), "{:?}", suppressed.counts);
        told(&suppressed)
    };
    calls.iter().map(call).collect()
}

pub(crate) const BY_HOST: &str = r#"{"group_by": ["host.name"], "missing_fields_strategy": "suppress"}"#;
pub(crate) const BY_HOST_ELSE_ALONE: &str =
    r#"{"group_by": ["host.name"], "missing_fields_strategy": "doNotSuppress"}"#;
pub(crate) const FOR_10_MINUTES: &str = r#"{
    "group_by": ["host.name"], "missing_fields_strategy": "suppress", "duration": {"value": 10, "unit": "m"}
}"#;

pub(crate) fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
