//! From a group of events that is large enough to its alert: one event is made up that stands for the group.
//!
//! Source: elastic/kibana rule_types/threshold/bulk_create_threshold_signals.ts.

use ecs::{Document, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::context::iso;
use crate::fields;
use crate::hit::{EventHit, ThresholdHit, ThresholdTerm};
use crate::javascript_number;

/// So many ids of events an alert about a group has at most.
pub const MAX_EVIDENCE: usize = 100;

/// The namespace of the ids that Kibana gives to what stands for a group.
const NAMESPACE: Uuid = Uuid::from_u128(0x0684_ec03_7201_4ee0_8ee0_3a3f_6b24_79b2);

/// The event that stands for the group: its newest time, and the fields of the group as dotted names.
///
/// It is all that reason and overrides see.
pub(crate) fn stand_in(hit: &ThresholdHit, rule_id: &str) -> EventHit {
    let mut source = Map::from_iter([(fields::TIMESTAMP.to_owned(), Value::from(iso(hit.last)))]);
    for ThresholdTerm { field, value } in &hit.terms {
        source.insert(field.clone(), value.clone());
    }
    let id = stand_in_id(rule_id, hit.started_at, &hit.terms);
    EventHit { document: Document::from_map(source), id, index: hit.index.clone() }
}

/// What only the alert of a group says: what the group is, and which events are in it.
pub(crate) fn threshold_fields(hit: &ThresholdHit) -> Map<String, Value> {
    let mut found = Map::from_iter([(fields::THRESHOLD_RESULT.to_owned(), threshold_result(hit))]);
    if !hit.event_ids.is_empty() {
        let ids = hit.event_ids.iter().take(MAX_EVIDENCE).map(|id| Value::from(id.as_str())).collect();
        found.insert(fields::EVIDENCE_EVENT_IDS.to_owned(), Value::Array(ids));
    }
    found
}

/// The id of what stands for a group: a UUID.
///
/// The order of values does not count, that of fields does. `started_at` counts, so that the same group in two runs is
/// two alerts. The id is that of Kibana, byte for byte.
pub fn stand_in_id(rule_id: &str, started_at: Timestamp, terms: &[ThresholdTerm]) -> String {
    let fields: Vec<&str> = terms.iter().map(|term| term.field.as_str()).collect();
    let mut values: Vec<String> = terms.iter().map(|term| text(&term.value)).collect();
    // JavaScript sorts by UTF-16 code units, Rust by code points.
    values.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    let name = format!("{rule_id}{}{}{}", iso(started_at), fields.join(","), values.join(","));
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).hyphenated().to_string()
}

/// The value as JavaScript writes it within a text.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => javascript_number::to_text(number.as_f64().unwrap_or(f64::NAN)),
        other => other.to_string(),
    }
}

fn threshold_result(hit: &ThresholdHit) -> Value {
    let term = |term: &ThresholdTerm| json!({ "field": term.field, "value": term.value });
    let mut result = json!({
        "terms": hit.terms.iter().map(term).collect::<Vec<_>>(),
        "count": hit.count,
        "from": iso(hit.first),
    });
    if !hit.cardinality.is_empty() {
        let counted = |(field, value): &(String, u64)| json!({ "field": field, "value": value });
        result["cardinality"] = hit.cardinality.iter().map(counted).collect();
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::build::{BuildOutcome, build};
    use crate::document::Alert;
    use crate::hit::Hit;
    use crate::identity::event_alert_uuid;
    use crate::rule_fields::AlertRule;
    use crate::rule_fields::tests::{context, rule};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn term(field: &str, value: impl Into<Value>) -> ThresholdTerm {
        ThresholdTerm { field: field.to_owned(), value: value.into() }
    }

    fn hit() -> ThresholdHit {
        ThresholdHit {
            terms: vec![term("user.name", "ann"), term("event.category", "iam")],
            count: 12,
            first: at("2024-01-01T00:01:00Z"),
            last: at("2024-01-01T00:03:00.123456Z"),
            cardinality: vec![("source.ip".to_owned(), 4)],
            started_at: at("2024-01-01T00:05:00Z"),
            index: "logs-a,logs-b-*".to_owned(),
            event_ids: vec!["e-1".to_owned(), "e-2".to_owned()],
        }
    }

    fn built(hit: ThresholdHit, rule_fields: Value) -> Alert {
        let rule = rule(rule_fields);
        match build(&Hit::Threshold(hit), &AlertRule::new(&rule), &context()) {
            BuildOutcome::Alert(alert) => *alert,
            other => panic!("no alert: {other:?}"),
        }
    }

    #[test]
    fn the_id_of_the_made_up_event_is_that_of_kibana() {
        let id = |terms: &[ThresholdTerm]| stand_in_id("rule-sig", at("2024-01-01T00:05:00Z"), terms);
        let expected = "273900e8-d6df-52b1-a27c-596d6c52f91e";
        assert_eq!(id(&[term("user.name", "alice"), term("host.name", "host-1")]), expected);
        // Values are sorted, fields are not.
        assert_eq!(id(&[term("user.name", "host-1"), term("host.name", "alice")]), expected);
        assert_ne!(id(&[term("host.name", "host-1"), term("user.name", "alice")]), expected);
        // A number is its text.
        assert_eq!(id(&[term("a", 7.0), term("b", true)]), id(&[term("a", "7"), term("b", "true")]));
        assert_ne!(stand_in_id("rule-sig", at("2024-01-01T00:05:01Z"), &[]), id(&[]));
    }

    #[test]
    fn the_alert_tells_of_the_group_and_of_nothing_else() {
        let alert = built(hit(), json!({"severity": "high"}));
        let id = stand_in_id("my-rule", at("2024-01-01T00:05:00Z"), &hit().terms);
        let uuid = event_alert_uuid("logs-a,logs-b-*", &id, "default", "rule-1");
        let mut own = alert.document().as_map().clone();
        own.retain(|name, _| !name.starts_with("kibana.alert.rule."));
        let expected = json!({
            "@timestamp": "2024-01-01T00:05:00.000Z",
            "bartizan.evidence.event_ids": ["e-1", "e-2"],
            "event.category": "iam",
            "event.kind": "signal",
            "kibana.alert.ancestors": [{"depth": 0, "id": id, "index": "logs-a,logs-b-*", "type": "event"}],
            "kibana.alert.depth": 1,
            "kibana.alert.intended_timestamp": "2024-01-01T00:05:00.000Z",
            "kibana.alert.last_detected": "2024-01-01T00:05:00.000Z",
            "kibana.alert.original_event.category": "iam",
            "kibana.alert.original_time": "2024-01-01T00:03:00.123Z",
            "kibana.alert.reason": "iam event by ann created high alert My rule.",
            "kibana.alert.risk_score": 21,
            "kibana.alert.severity": "high",
            "kibana.alert.start": "2024-01-01T00:05:00.000Z",
            "kibana.alert.status": "active",
            "kibana.alert.threshold_result": {
                "cardinality": [{"field": "source.ip", "value": 4}],
                "count": 12,
                "from": "2024-01-01T00:01:00.000Z",
                "terms": [
                    {"field": "user.name", "value": "ann"},
                    {"field": "event.category", "value": "iam"}
                ]
            },
            "kibana.alert.uuid": uuid.as_str(),
            "kibana.alert.workflow_assignee_ids": [],
            "kibana.alert.workflow_status": "open",
            "kibana.alert.workflow_tags": [],
            "kibana.space_ids": ["default"],
            "kibana.version": "0.1.0",
            "user.name": "ann"
        });
        assert_eq!(Value::Object(own), expected);
    }

    #[test]
    fn what_the_rule_does_not_ask_for_is_not_told() {
        let plain = ThresholdHit { terms: vec![], cardinality: vec![], event_ids: vec![], ..hit() };
        let alert = built(plain, json!({}));
        let document = alert.document().as_map();
        assert_eq!(
            document[fields::THRESHOLD_RESULT],
            json!({"terms": [], "count": 12, "from": "2024-01-01T00:01:00.000Z"})
        );
        assert!(!document.contains_key(fields::EVIDENCE_EVENT_IDS));
        assert_eq!(alert.reason(), Some("event created low alert My rule."));
    }

    #[test]
    fn the_evidence_is_capped() {
        let many = ThresholdHit { event_ids: (0..250).map(|i| i.to_string()).collect(), ..hit() };
        let alert = built(many, json!({}));
        let ids = alert.document().as_map()[fields::EVIDENCE_EVENT_IDS].as_array().unwrap();
        assert_eq!((ids.len(), &ids[0], &ids[99]), (MAX_EVIDENCE, &json!("0"), &json!("99")));
    }

    #[test]
    fn overrides_see_the_fields_of_the_group() {
        let alert = built(
            hit(),
            json!({
                "rule_name_override": "user.name",
                "severity_mapping": [
                    {"field": "event.category", "operator": "equals", "value": "iam", "severity": "critical"},
                ],
                "risk_score_mapping": [{"field": "source.port", "operator": "equals", "value": ""}]
            }),
        );
        assert_eq!(
            (alert.rule_name(), alert.severity(), alert.risk_score()),
            (Some("ann"), Some("critical"), Some(21.0))
        );
    }
}
