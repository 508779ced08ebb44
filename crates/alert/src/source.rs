//! The event's fields on the alert: copied, as far as they comply with ECS.
//!
//! Source: elastic/kibana rule_types/factories/utils/traverse_and_mutate_doc.ts.

use std::borrow::Cow;

use ecs::time::Rounding;
use ecs::{DateMath, Document, Timestamp};
use serde_json::{Map, Value};

use crate::compliance::{RemovedValue, compliant};
use crate::{fields, javascript_number};

/// What an event gives to its alert.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SourceCopy {
    /// The fields, nested or dotted as in the event; without `event.kind`.
    pub(crate) fields: Map<String, Value>,
    /// `kibana.alert.original_event.*` and `kibana.alert.original_data_stream.*`, flat.
    pub(crate) originals: Map<String, Value>,
    /// What was left out.
    pub(crate) removed: Vec<RemovedValue>,
}

/// Top-level fields that belong to an alert, so that an alert about an alert must not inherit them.
const NOT_COPIED: [&str; 3] = ["kibana", "signal", "threshold_result"];

/// Does an alert take this field from its event, or is it one of its own?
pub(crate) fn is_copied(name: &str) -> bool {
    !NOT_COPIED.contains(&top_level(name))
}

/// About how many fields of its own an alert has beside those that it shares: room for them is made at once.
const ROOM_FOR_OWN: usize = 28;

/// Takes an event apart for its alert.
pub(crate) fn copy_source(document: Document) -> SourceCopy {
    let document = document.into_map();
    let (fields, originals) = (Map::with_capacity(document.len()), Map::with_capacity(ROOM_FOR_OWN));
    let mut copy = SourceCopy { fields, originals, removed: Vec::new() };
    for (key, value) in document {
        if !is_copied(&key) {
            continue;
        }
        if let Some(value) = compliant(&key, value, &mut copy.removed) {
            copy_original(&key, &value, &mut copy.originals);
            copy.fields.insert(key, value);
        }
    }
    remove_event_kind(&mut copy.fields);
    copy
}

/// The value of a field, where Kibana looks for it: under exactly this top-level key, or nested in objects all the way.
/// Arrays are not walked through.
pub(crate) fn lookup<'a>(document: &'a Document, name: &str) -> Option<&'a Value> {
    let root = document.as_map();
    root.get(name).or_else(|| {
        let mut segments = name.split('.');
        let first = root.get(segments.next()?)?;
        segments.try_fold(first, |value, segment| value.as_object()?.get(segment))
    })
}

/// The instant in a date value: an ISO 8601 text, or milliseconds since the epoch.
pub(crate) fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) if !text.contains("||") => {
            let date: DateMath = text.parse().ok()?;
            if date.is_relative() {
                return None;
            }
            // The time is not used: the date is absolute.
            date.resolve(Timestamp::UNIX_EPOCH, Rounding::Down).ok()
        }
        Value::Number(number) => {
            let milliseconds = javascript_number::safe_integer(number.as_f64()?.trunc())?;
            Timestamp::from_millisecond(milliseconds).ok()
        }
        _ => None,
    }
}

/// When the event happened, as the event has it.
pub(crate) fn original_time(document: &Document) -> Option<Timestamp> {
    lookup(document, fields::TIMESTAMP).and_then(instant)
}

/// A map with every object flattened to dotted names below `prefix`; arrays stay whole.
pub(crate) fn flatten_into(prefix: &str, map: &Map<String, Value>, flat: &mut Map<String, Value>) {
    for (key, value) in map {
        let name = format!("{prefix}.{key}");
        match value {
            Value::Object(inner) => flatten_into(&name, inner, flat),
            value => {
                flat.insert(name, value.clone());
            }
        }
    }
}

/// Keeps the event's own `event.*` and `data_stream.*` apart, since those of the alert may differ.
pub(crate) fn copy_original(key: &str, value: &Value, originals: &mut Map<String, Value>) {
    let group = top_level(key);
    let prefix = match group {
        "event" => fields::ORIGINAL_EVENT,
        "data_stream" => fields::ORIGINAL_DATA_STREAM,
        _ => return,
    };
    let name = format!("{prefix}{}", &key[group.len()..]);
    match value {
        Value::Object(map) => flatten_into(&name, map, originals),
        value => {
            originals.insert(name, value.clone());
        }
    }
}

/// A top-level field without the event's kind, which on an alert is that of the alert; `None` when it was nothing else.
pub(crate) fn without_kind<'a>(name: &str, value: &'a Value) -> Option<Cow<'a, Value>> {
    match value {
        _ if name == fields::EVENT_KIND => None,
        Value::Object(event) if name == "event" && event.contains_key("kind") => {
            let mut event = event.clone();
            event.remove("kind");
            (!event.is_empty()).then_some(Cow::Owned(Value::Object(event)))
        }
        value => Some(Cow::Borrowed(value)),
    }
}

fn remove_event_kind(fields: &mut Map<String, Value>) {
    fields.remove(fields::EVENT_KIND);
    if let Some(Value::Object(event)) = fields.get_mut("event") {
        event.remove("kind");
        if event.is_empty() {
            fields.remove("event");
        }
    }
}

fn top_level(key: &str) -> &str {
    key.split('.').next().unwrap_or(key)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn copy(source: Value) -> SourceCopy {
        let Value::Object(map) = source else { panic!("not an object") };
        copy_source(Document::from_map(map))
    }

    #[test]
    fn the_fields_of_alerts_are_not_copied() {
        let copied = copy(json!({
            "kibana": {"alert": {"uuid": "a"}}, "kibana.alert.depth": 1, "signal": {"rule": {}}, "signal.x": 1,
            "threshold_result": {"count": 2}, "kibanax": 1, "message": "m"
        }));
        assert_eq!(Value::Object(copied.fields), json!({"kibanax": 1, "message": "m"}));
        assert_eq!(copied.removed, []);
    }

    #[test]
    fn the_fields_of_the_event_and_its_data_stream_are_kept_apart() {
        let copied = copy(json!({
            "event": {"kind": "event", "category": ["iam"], "risk_score": "high"},
            "event.action": "DisableKey",
            "data_stream": {"dataset": "aws.cloudtrail"},
            "eventful": 1
        }));
        assert_eq!(
            Value::Object(copied.originals),
            json!({
                "kibana.alert.original_event.kind": "event",
                "kibana.alert.original_event.category": ["iam"],
                "kibana.alert.original_event.action": "DisableKey",
                "kibana.alert.original_data_stream.dataset": "aws.cloudtrail"
            })
        );
        assert_eq!(
            Value::Object(copied.fields),
            json!({
                "event": {"category": ["iam"]},
                "event.action": "DisableKey",
                "data_stream": {"dataset": "aws.cloudtrail"},
                "eventful": 1
            })
        );
    }

    #[test]
    fn an_event_with_nothing_but_its_kind_vanishes() {
        for source in [json!({"event": {"kind": "event"}}), json!({"event.kind": "event"})] {
            assert_eq!(copy(source).fields, Map::new());
        }
    }

    #[test]
    fn a_field_is_looked_up_under_its_full_name_or_fully_nested() {
        for (source, found) in [
            (json!({"a.b.c": 1}), true),
            (json!({"a": {"b": {"c": 1}}}), true),
            (json!({"a.b": {"c": 1}}), false),
            (json!({"a": {"b.c": 1}}), false),
            (json!({"a": [{"b": {"c": 1}}]}), false),
            (json!({"a": {"b": 1}}), false),
        ] {
            let Value::Object(map) = source.clone() else { panic!("not an object") };
            assert_eq!(lookup(&Document::from_map(map), "a.b.c").is_some(), found, "{source}");
        }
    }

    /// Any JSON below names that mean something to an alert, and some that do not.
    pub(crate) fn any_source() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e6..1e6).prop_map(Value::from),
            "[-a-z0-9.:/ ]{0,12}".prop_map(Value::from),
            Just(Value::from("10.0.0.1")),
            Just(Value::from("2024-01-01T00:00:00Z")),
        ];
        let name = prop::sample::select(vec![
            "event",
            "kind",
            "action",
            "category",
            "source",
            "ip",
            "port",
            "user",
            "name",
            "process",
            "parent",
            "kibana",
            "signal",
            "data_stream",
            "dataset",
            "@timestamp",
            "labels",
            "x",
            "event.kind",
            "source.ip",
            "threshold_result",
            "rule",
            "depth",
            "ancestors",
            "geo",
            "location",
            "severity",
        ]);
        let value = scalar.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                object(name.clone(), inner),
            ]
        });
        object(
            prop::sample::select(vec![
                "event",
                "source",
                "user",
                "process",
                "kibana",
                "signal",
                "data_stream",
                "@timestamp",
                "x",
                "event.kind",
                "event.severity",
                "source.ip",
                "source.port",
                "threshold_result",
                "host.name",
            ]),
            value,
        )
    }

    fn object(
        names: impl Strategy<Value = &'static str>,
        values: impl Strategy<Value = Value>,
    ) -> impl Strategy<Value = Value> {
        prop::collection::vec((names, values), 0..6).prop_map(|entries| {
            entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>().into()
        })
    }

    /// Every leaf as text, in order of name and value.
    fn leaves(map: &Map<String, Value>) -> Vec<String> {
        let document = Document::from_map(map.clone());
        let of_event = |name: &str| name != "event.kind" && !NOT_COPIED.contains(&top_level(name));
        let leaves = document.leaves().into_iter().filter(|(name, _)| of_event(name));
        let mut texts: Vec<String> = leaves.map(|(name, scalar)| format!("{name} = {scalar:?}")).collect();
        texts.sort();
        texts
    }

    proptest! {
        #[test]
        fn every_value_is_copied_or_reported(source in any_source()) {
            let Value::Object(map) = source else { panic!("not an object") };
            let copied = copy_source(Document::from_map(map.clone()));
            let mut found = leaves(&copied.fields);
            for removed in copied.removed {
                found.extend(leaves(&Map::from_iter([(removed.path, removed.value)])));
            }
            found.sort();
            prop_assert_eq!(found, leaves(&map));
        }
    }
}
