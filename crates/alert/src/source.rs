//! The event's fields on the alert: copied, as far as they comply with ECS.
//!
//! Alerts of all data streams share one mapping, that of ECS. A value that clashes with it is left out of the alert,
//! and said to be; the event keeps it. Fields that ECS does not know are copied as they are.
//! Source: elastic/kibana rule_types/factories/utils/traverse_and_mutate_doc.ts.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::LazyLock;

use ecs::time::Rounding;
use ecs::{Catalog, DateMath, Document, FieldType, Timestamp};
use serde_json::{Map, Value};

use crate::{fields, javascript_number};

/// A value of the event that the alert does not have.
#[derive(Debug, Clone, PartialEq)]
pub struct RemovedValue {
    /// Dotted name of the field.
    pub path: String,
    /// What ECS says: the type of the field, or of a field above it that can hold no others.
    pub expected: FieldType,
    /// The value; the event still has it.
    pub value: Value,
}

impl fmt::Display for RemovedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, expected, value } = self;
        write!(f, "`{path}` = {value} does not fit the ECS type {}: left out of the alert", expected.name())
    }
}

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

/// Copies an event for its alert.
pub(crate) fn copy_source(document: &Document) -> SourceCopy {
    let mut copy = SourceCopy::default();
    for (key, value) in document.as_map() {
        if NOT_COPIED.contains(&top_level(key)) {
            continue;
        }
        if let Some(value) = compliant(key, value, &mut copy.removed) {
            copy_original(key, &value, &mut copy.originals);
            copy.fields.insert(key.clone(), value);
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

/// What of a value fits ECS; `None` when nothing is left. Elements of arrays count one by one.
fn compliant(path: &str, value: &Value, removed: &mut Vec<RemovedValue>) -> Option<Value> {
    if let Value::Array(items) = value {
        let kept: Vec<Value> = items.iter().filter_map(|item| compliant(path, item, removed)).collect();
        return (!kept.is_empty()).then_some(Value::Array(kept));
    }
    if let Some(expected) = clash(path, value) {
        removed.push(RemovedValue { path: path.to_owned(), expected, value: value.clone() });
        return None;
    }
    let Value::Object(map) = value else { return Some(value.clone()) };
    let mut kept = Map::new();
    for (key, value) in map {
        if let Some(value) = compliant(&format!("{path}.{key}"), value, removed) {
            kept.insert(key.clone(), value);
        }
    }
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// The ECS type that a value, which is no array, does not fit. Null is absence and fits everywhere.
fn clash(path: &str, value: &Value) -> Option<FieldType> {
    let ecs = &ECS.catalog;
    let above = path.match_indices('.').map(|(at, _)| &path[..at]);
    let closed = above.filter_map(|name| ecs.field(name)).find(|field| !holds_objects(field.field_type));
    if let Some(field) = closed {
        return Some(field.field_type);
    }
    let expected = match ecs.field(path) {
        Some(field) => field.field_type,
        None if ECS.groups.contains(path) => FieldType::Object,
        None => return None,
    };
    let fits = value.is_null()
        || match expected {
            FieldType::GeoPoint => true,
            FieldType::Long => is_numeric(value) && !value.as_str().is_some_and(|text| text.contains(' ')),
            FieldType::Double => is_numeric(value),
            FieldType::Ip => value.as_str().is_some_and(is_ip_or_range),
            FieldType::Date => instant(value).is_some(),
            FieldType::Boolean => value.is_boolean() || matches!(value.as_str(), Some("true" | "false" | "")),
            FieldType::Object | FieldType::Flattened | FieldType::Nested => value.is_object(),
            FieldType::Keyword
            | FieldType::Wildcard
            | FieldType::Text
            | FieldType::MatchOnlyText
            | FieldType::Version => !value.is_object(),
        };
    (!fits).then_some(expected)
}

/// ECS, and the names that only group its fields, such as `event` or `user.changes`.
struct Ecs {
    catalog: Catalog,
    groups: HashSet<String>,
}

static ECS: LazyLock<Ecs> = LazyLock::new(|| {
    let catalog = Catalog::ecs();
    let groups = catalog
        .names()
        .flat_map(|name| name.match_indices('.').map(|(at, _)| name[..at].to_owned()))
        .collect();
    Ecs { catalog, groups }
});

/// The type that ECS gives a field.
pub(crate) fn field_type(name: &str) -> Option<FieldType> {
    ECS.catalog.field(name).map(|field| field.field_type)
}

fn holds_objects(field_type: FieldType) -> bool {
    matches!(field_type, FieldType::Object | FieldType::Flattened | FieldType::Nested | FieldType::GeoPoint)
}

/// A number, or a text that names one. The empty text stands for absence in a numeric field.
fn is_numeric(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::String(text) => text.is_empty() || javascript_number::from_text(text).is_some(),
        _ => false,
    }
}

/// An address, or a range of addresses such as `10.0.0.0/8`.
fn is_ip_or_range(text: &str) -> bool {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

/// Keeps the event's own `event.*` and `data_stream.*` apart, since those of the alert may differ.
fn copy_original(key: &str, value: &Value, originals: &mut Map<String, Value>) {
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
        copy_source(&Document::from_map(map))
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
    fn values_that_fit_are_copied_and_others_are_named() {
        // Source, what is copied, what is removed: path and expected type.
        for (source, kept, removed) in [
            (json!({"source": {"ip": "10.0.0.1"}}), json!({"source": {"ip": "10.0.0.1"}}), vec![]),
            (json!({"source": {"ip": "10.0.0.0/8"}}), json!({"source": {"ip": "10.0.0.0/8"}}), vec![]),
            (json!({"source": {"ip": "::1"}}), json!({"source": {"ip": "::1"}}), vec![]),
            (json!({"source": {"ip": "10.0.0.0/33"}}), json!({}), vec![("source.ip", "ip")]),
            (json!({"source": {"ip": "somewhere"}}), json!({}), vec![("source.ip", "ip")]),
            (
                json!({"source.ip": ["::1", "x", "::2", 5]}),
                json!({"source.ip": ["::1", "::2"]}),
                vec![("source.ip", "ip"), ("source.ip", "ip")],
            ),
            (json!({"source": {"port": 443}}), json!({"source": {"port": 443}}), vec![]),
            (json!({"source": {"port": "443"}}), json!({"source": {"port": "443"}}), vec![]),
            (json!({"source": {"port": " 443"}}), json!({}), vec![("source.port", "long")]),
            (json!({"source": {"port": "https"}}), json!({}), vec![("source.port", "long")]),
            (json!({"source": {"port": true}}), json!({}), vec![("source.port", "long")]),
            (json!({"source": {"port": ""}}), json!({"source": {"port": ""}}), vec![]),
            (json!({"event": {"risk_score": "1.5 "}}), json!({"event": {"risk_score": "1.5 "}}), vec![]),
            (json!({"event": {"risk_score": "high"}}), json!({}), vec![("event.risk_score", "double")]),
            (
                json!({"event": {"created": "2024-01-01"}}),
                json!({"event": {"created": "2024-01-01"}}),
                vec![],
            ),
            (
                json!({"event": {"created": 1704067200000i64}}),
                json!({"event": {"created": 1704067200000i64}}),
                vec![],
            ),
            (json!({"event": {"created": "yesterday"}}), json!({}), vec![("event.created", "date")]),
            (json!({"event": {"created": "now-1d"}}), json!({}), vec![("event.created", "date")]),
            (json!({"tls": {"resumed": "true"}}), json!({"tls": {"resumed": "true"}}), vec![]),
            (json!({"tls": {"resumed": "yes"}}), json!({}), vec![("tls.resumed", "boolean")]),
            (json!({"tls": {"resumed": 1}}), json!({}), vec![("tls.resumed", "boolean")]),
            (json!({"user": {"name": {"first": "a"}}}), json!({}), vec![("user.name", "keyword")]),
            (json!({"user.name.first": "a"}), json!({}), vec![("user.name.first", "keyword")]),
            (json!({"user": "alice", "message": "m"}), json!({"message": "m"}), vec![("user", "object")]),
            (
                json!({"user": {"changes": 1, "name": "a"}}),
                json!({"user": {"name": "a"}}),
                vec![("user.changes", "object")],
            ),
            (json!({"dll": {"pe": {"sections": "x"}}}), json!({}), vec![("dll.pe.sections", "nested")]),
            (
                json!({"dll": {"pe": {"sections": [{"name": "x"}, 1]}}}),
                json!({"dll": {"pe": {"sections": [{"name": "x"}]}}}),
                vec![("dll.pe.sections", "nested")],
            ),
            (json!({"labels": {"a": 1}}), json!({"labels": {"a": 1}}), vec![]),
            (json!({"labels": "a"}), json!({}), vec![("labels", "object")]),
            (
                json!({"source": {"geo": {"location": "1,2"}}}),
                json!({"source": {"geo": {"location": "1,2"}}}),
                vec![],
            ),
            (
                json!({"source": {"geo": {"location": {"lat": 1.5, "lon": 2}}}}),
                json!({"source": {"geo": {"location": {"lat": 1.5, "lon": 2}}}}),
                vec![],
            ),
            // A field of ours that ECS does not know is nobody's business here.
            (
                json!({"aws": {"cloudtrail": {"read_only": "maybe"}}}),
                json!({"aws": {"cloudtrail": {"read_only": "maybe"}}}),
                vec![],
            ),
            (
                json!({"x": {"y": [[], {}, {"z": []}]}, "user": {"name": null}}),
                json!({"user": {"name": null}}),
                vec![],
            ),
        ] {
            let copied = copy(source.clone());
            assert_eq!(Value::Object(copied.fields), kept, "{source}");
            let paths: Vec<(&str, &str)> =
                copied.removed.iter().map(|r| (r.path.as_str(), r.expected.name())).collect();
            assert_eq!(paths, removed, "{source}");
        }
    }

    #[test]
    fn a_removed_value_says_what_and_why() {
        let copied = copy(json!({"source": {"port": "https"}}));
        assert_eq!(
            copied.removed[0].to_string(),
            r#"`source.port` = "https" does not fit the ECS type long: left out of the alert"#
        );
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
            let copied = copy_source(&Document::from_map(map.clone()));
            let mut found = leaves(&copied.fields);
            for removed in copied.removed {
                found.extend(leaves(&Map::from_iter([(removed.path, removed.value)])));
            }
            found.sort();
            prop_assert_eq!(found, leaves(&map));
        }
    }
}
