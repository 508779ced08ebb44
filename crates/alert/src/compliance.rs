//! Which values of an event fit ECS.
//!
//! Alerts of all data streams share one mapping, that of ECS. A value that clashes with it is left out of the alert,
//! and said to be; the event keeps it. Fields that ECS does not know fit as they are.
//! Source: elastic/kibana rule_types/factories/utils/traverse_and_mutate_doc.ts.

use std::fmt;
use std::net::IpAddr;
use std::sync::LazyLock;

use ecs::{Catalog, FieldType};
use foldhash::HashMap;
use serde_json::{Map, Value};

use crate::javascript_number;
use crate::source::instant;

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

/// What of a top-level field fits ECS; `None` when nothing is left. Elements of arrays count one by one.
pub(crate) fn compliant(name: &str, value: Value, removed: &mut Vec<RemovedValue>) -> Option<Value> {
    let place = Place { node: Some(&ECS), closed: None };
    compliant_at(place.below(name), name, value, removed)
}

/// Whether all of a top-level field fits ECS, and nothing in it is empty.
pub(crate) fn complies(name: &str, value: &Value) -> bool {
    Place { node: Some(&ECS), closed: None }.below(name).fits_whole(value)
}

fn compliant_at(place: Place, path: &str, value: Value, removed: &mut Vec<RemovedValue>) -> Option<Value> {
    // Nearly always the whole value fits: one look then saves taking it apart.
    if place.fits_whole(&value) {
        return Some(value);
    }
    if let Value::Array(items) = value {
        let kept: Vec<Value> =
            items.into_iter().filter_map(|item| compliant_at(place, path, item, removed)).collect();
        return (!kept.is_empty()).then_some(Value::Array(kept));
    }
    if let Some(expected) = place.clash(&value) {
        removed.push(RemovedValue { path: path.to_owned(), expected, value });
        return None;
    }
    let Value::Object(map) = value else { return Some(value) };
    let mut kept = Map::new();
    for (key, value) in map {
        if let Some(value) = compliant_at(place.below(&key), &format!("{path}.{key}"), value, removed) {
            kept.insert(key, value);
        }
    }
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// A name of ECS as a node of the tree that its dotted names make.
#[derive(Debug, Default)]
struct Node {
    /// `None` for a name that only groups fields, such as `event` or `user.changes`.
    field_type: Option<FieldType>,
    below: HashMap<Box<str>, Node>,
}

static ECS: LazyLock<Node> = LazyLock::new(|| {
    let mut root = Node::default();
    let catalog = Catalog::ecs();
    for name in catalog.names() {
        let node = name.split('.').fold(&mut root, |node, part| node.below.entry(part.into()).or_default());
        node.field_type = catalog.field(name).map(|field| field.field_type);
    }
    root
});

/// The type that ECS gives a field.
pub(crate) fn field_type(name: &str) -> Option<FieldType> {
    name.split('.').try_fold(&*ECS, |node, part| node.below.get(part))?.field_type
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    /// `None` for a name that ECS does not know.
    node: Option<&'static Node>,
    /// The type of the topmost field above that can hold no others.
    closed: Option<FieldType>,
}

impl Place {
    /// The place of a key, which may be dotted, of an object at this place.
    fn below(self, key: &str) -> Self {
        key.split('.').fold(self, |above, part| {
            let field_type = above.node.and_then(|node| node.field_type);
            Self {
                node: above.node.and_then(|node| node.below.get(part)),
                closed: above.closed.or(field_type.filter(|field_type| !holds_objects(*field_type))),
            }
        })
    }

    /// Whether all of a value fits, and nothing in it is empty.
    fn fits_whole(self, value: &Value) -> bool {
        match value {
            Value::Array(items) => !items.is_empty() && items.iter().all(|item| self.fits_whole(item)),
            _ if self.clash(value).is_some() => false,
            Value::Object(map) if map.is_empty() => false,
            // Below a name that ECS does not know it knows none.
            Value::Object(map) if self.node.is_none() => map.values().all(|value| self.fits_whole(value)),
            Value::Object(map) => map.iter().all(|(key, value)| self.below(key).fits_whole(value)),
            _ => true,
        }
    }

    /// The ECS type that a value, which is no array, does not fit. Null is absence and fits everywhere.
    fn clash(self, value: &Value) -> Option<FieldType> {
        if self.closed.is_some() {
            return self.closed;
        }
        let expected = self.node?.field_type.unwrap_or(FieldType::Object);
        let fits = value.is_null()
            || match expected {
                FieldType::GeoPoint => true,
                FieldType::Long => {
                    is_numeric(value) && !value.as_str().is_some_and(|text| text.contains(' '))
                }
                FieldType::Double => is_numeric(value),
                FieldType::Ip => value.as_str().is_some_and(is_ip_or_range),
                FieldType::Date => instant(value).is_some(),
                FieldType::Boolean => {
                    value.is_boolean() || matches!(value.as_str(), Some("true" | "false" | ""))
                }
                FieldType::Object | FieldType::Flattened | FieldType::Nested => value.is_object(),
                FieldType::Keyword
                | FieldType::Wildcard
                | FieldType::Text
                | FieldType::MatchOnlyText
                | FieldType::Version => !value.is_object(),
            };
        (!fits).then_some(expected)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use crate::source::{SourceCopy, copy_source};

    fn copy(source: Value) -> SourceCopy {
        let Value::Object(map) = source else { panic!("not an object") };
        copy_source(ecs::Document::from_map(map))
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
}
