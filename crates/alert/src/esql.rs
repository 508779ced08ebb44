//! From a row of an ES|QL query to its alert: the event with the columns of the row, or the columns and the events behind
//! them.
//!
//! Source: elastic/kibana rule_types/esql/{esql,wrap_esql_alerts}.ts, utils/merge_esql_result_in_source.ts. There an alert
//! about a group of events does not say which events these are.

use ecs::Document;
use serde_json::{Map, Value};

use crate::fields;
use crate::hit::{EsqlGroupHit, EsqlRowHit, EventHit};
use crate::identity::{AlertUuid, esql_event_alert_uuid, esql_group_alert_uuid};
use crate::source::is_copied;
use crate::threshold::MAX_EVIDENCE;

/// The id of the alert about a row that stands for one event.
pub(crate) fn row_uuid(row: &EsqlRowHit, space: &str, rule_uuid: &str) -> AlertUuid {
    esql_event_alert_uuid(&row.event.index, &row.event.id, &row.identity, space, rule_uuid)
}

/// The id of the alert about a row that stands for a group of events.
pub(crate) fn group_uuid(group: &EsqlGroupHit, space: &str, rule_uuid: &str) -> AlertUuid {
    esql_group_alert_uuid(&group.identity, group.ordinal, group.tile, space, rule_uuid)
}

/// The event with the columns of its row: where both have a field, the row's counts.
///
/// Columns below `kibana` are left out, as no alert takes these from its event; what the event has there says that it
/// is an alert itself.
pub(crate) fn with_columns(row: EsqlRowHit) -> EventHit {
    let EsqlRowHit { mut event, columns, .. } = row;
    for (name, value) in columns.into_iter().filter(|(name, _)| is_copied(name)) {
        put(&mut event.document, &name, value);
    }
    event
}

/// The document that stands for a group: the columns under their dotted names.
pub(crate) fn stand_in(columns: &[(String, Value)]) -> Document {
    Document::from_map(columns.iter().cloned().collect())
}

/// What only the alert of a group says: which events are in it, and how many.
pub(crate) fn evidence_fields(group: &EsqlGroupHit) -> Map<String, Value> {
    // People know events by their own id.
    let id = |event: &EventHit| Value::from(event.document.text("event.id").unwrap_or(&event.id));
    let ids = group.events.iter().take(MAX_EVIDENCE).map(id).collect();
    Map::from_iter([
        (fields::EVIDENCE_EVENT_IDS.to_owned(), Value::Array(ids)),
        (fields::EVIDENCE_EVENT_COUNT.to_owned(), group.count.into()),
    ])
}

/// Sets a field where the document has it, or else nested. Where a value on the way is no object it stays, and the field
/// stands under its dotted name.
fn put(document: &mut Document, name: &str, value: Value) {
    let root = document.as_map_mut();
    if root.contains_key(name) || !is_free(root, name) {
        root.insert(name.to_owned(), value);
    } else {
        document.set(name, value);
    }
}

/// Is there nothing but objects on the way to a field?
fn is_free(root: &Map<String, Value>, name: &str) -> bool {
    let Some((head, tail)) = name.split_once('.') else { return true };
    match root.get(head) {
        None => true,
        Some(Value::Object(inner)) => is_free(inner, tail),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use crate::build::{BuildOutcome, build};
    use crate::document::Alert;
    use crate::hit::Hit;
    use crate::rule_fields::AlertRule;
    use crate::rule_fields::tests::{context, rule};

    fn event(id: &str, source: Value) -> EventHit {
        let Value::Object(map) = source else { panic!("not an object") };
        EventHit { document: Document::from_map(map), id: id.to_owned(), index: "logs-a".to_owned() }
    }

    fn columns(columns: Value) -> Vec<(String, Value)> {
        let Value::Object(map) = columns else { panic!("not an object") };
        map.into_iter().collect()
    }

    fn built(hit: Hit, rule_fields: Value) -> Alert {
        let rule = rule(rule_fields);
        match build(&hit, &AlertRule::new(&rule), &context()) {
            BuildOutcome::Alert(alert) => *alert,
            other => panic!("no alert: {other:?}"),
        }
    }

    fn own(alert: &Alert) -> Value {
        let mut own = alert.document().as_map().clone();
        own.retain(|name, _| !name.starts_with("kibana.") && name != "@timestamp" && name != "event.kind");
        Value::Object(own)
    }

    #[test]
    fn the_row_wins_over_its_event() {
        for (source, row, expected) in [
            (
                json!({"user": {"name": "Ann", "id": 7}}),
                json!({"user.name": "ann", "Esql.n": 3}),
                json!({"user": {"name": "ann", "id": 7}, "Esql": {"n": 3}}),
            ),
            (json!({"user.name": "Ann"}), json!({"user.name": "ann"}), json!({"user.name": "ann"})),
            // What is in the way stays.
            (
                json!({"own": "text", "list": [{"a": 1}]}),
                json!({"own.name": "ann", "list.a": 2}),
                json!({"own": "text", "own.name": "ann", "list": [{"a": 1}], "list.a": 2}),
            ),
            (
                json!({"message": "m"}),
                json!({"kibana.alert.rule.name": "x", "tags": ["a", "b"]}),
                json!({"message": "m", "tags": ["a", "b"]}),
            ),
        ] {
            let row =
                EsqlRowHit { event: event("doc1", source), columns: columns(row), identity: Vec::new() };
            let alert = built(Hit::EsqlRow(row), json!({}));
            assert_eq!(own(&alert), expected);
            assert_eq!(alert.uuid(), Some("f1b1a6b342e043d1f720123a948aa37e6ac0c073"));
            let ancestors = &alert.document().as_map()[fields::ANCESTORS];
            assert_eq!(*ancestors, json!([{"depth": 0, "id": "doc1", "index": "logs-a", "type": "event"}]));
        }
    }

    fn group() -> EsqlGroupHit {
        EsqlGroupHit {
            columns: columns(json!({
                "user.name": "ann", "Esql.n": 3, "event.severity": 73, "kibana.alert.rule.name": ["a"], "tags": ["a", "b"]
            })),
            identity: vec![json!("ann")],
            ordinal: 0,
            tile: "2024-01-01T00:00:00Z".parse().unwrap(),
            events: vec![
                event("doc1", json!({"event": {"id": "e-1"}, "user": {"name": "ann"}, "message": "m"})),
                event(
                    "doc2",
                    json!({"kibana.alert.uuid": "doc2", "kibana.alert.depth": 2, "kibana.alert.rule.uuid": "other"}),
                ),
            ],
            count: 3,
            last: "2024-01-01T00:03:00Z".parse().ok(),
        }
    }

    #[test]
    fn the_alert_of_a_group_has_the_columns_and_the_evidence() {
        let alert = built(
            Hit::EsqlGroup(group()),
            json!({"severity_mapping": [{"field": "event.severity", "operator": "equals", "value": "73", "severity": "high"}]}),
        );
        let expected = json!({
            "user.name": "ann", "Esql.n": 3, "event.severity": 73, "tags": ["a", "b"],
            "bartizan.evidence.event_ids": ["e-1", "doc2"], "bartizan.evidence.event_count": 3,
        });
        assert_eq!(own(&alert), expected);
        assert_eq!(alert.severity(), Some("high"));
        assert_eq!(alert.original_time(), Some("2024-01-01T00:03:00.000Z"));
        assert_eq!(alert.reason(), Some("event by ann created high alert My rule."));
        let document = alert.document().as_map();
        assert_eq!(document[fields::DEPTH], 3);
        assert_eq!(
            document[fields::ANCESTORS],
            json!([
                {"depth": 0, "id": "doc1", "index": "logs-a", "type": "event"},
                {"depth": 2, "id": "doc2", "index": "logs-a", "rule": "other", "type": "signal"}
            ])
        );
    }

    #[test]
    fn what_the_query_computes_for_a_group_does_not_count_for_its_id() {
        let uuid = |group: EsqlGroupHit| built(Hit::EsqlGroup(group), json!({})).uuid().map(str::to_owned);
        let first = uuid(group());
        assert_eq!(
            uuid(EsqlGroupHit { columns: columns(json!({"Esql.n": 4})), count: 4, last: None, ..group() }),
            first
        );
        assert_ne!(uuid(EsqlGroupHit { identity: vec![json!("ben")], ..group() }), first);
        assert_ne!(uuid(EsqlGroupHit { tile: "2024-01-01T00:05:00Z".parse().unwrap(), ..group() }), first);
        assert_ne!(uuid(EsqlGroupHit { ordinal: 1, ..group() }), first);
    }

    #[test]
    fn an_alert_names_no_more_than_a_hundred_events_and_counts_them_all() {
        let events: Vec<EventHit> = (0..150).map(|at| event(&at.to_string(), json!({}))).collect();
        let alert = built(Hit::EsqlGroup(EsqlGroupHit { events, count: 150, ..group() }), json!({}));
        let document = alert.document().as_map();
        assert_eq!(document[fields::EVIDENCE_EVENT_COUNT], 150);
        for name in [fields::EVIDENCE_EVENT_IDS, fields::ANCESTORS] {
            assert_eq!(document[name].as_array().map(Vec::len), Some(MAX_EVIDENCE), "{name}");
        }
    }
}
