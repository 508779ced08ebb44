//! The hash that Kibana identifies alerts by when their evidence is more than one event: the npm package `object-hash`.
//!
//! A value becomes a stream of tagged texts, and SHA-1 of that stream is the hash. For a plain object the stream also
//! describes what JavaScript objects inherit; see `Stream::write_inherited`.
//! Source: `object-hash` 1.3.1 to 3.0.0 with default options (all give the same digests).

use std::collections::BTreeMap;

use ecs::Timestamp;
use serde_json::Value;
use sha1::{Digest, Sha1};

use crate::context::iso;
use crate::identity::hex;
use crate::javascript_number;

/// A JavaScript value.
#[derive(Debug, Clone, PartialEq)]
pub enum HashValue {
    /// `undefined`, for example the version of a document when it was not asked for.
    Undefined,
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// Any number.
    Number(f64),
    /// A string.
    Text(String),
    /// A `Date`; milliseconds count.
    Date(Timestamp),
    /// An array.
    Array(Vec<HashValue>),
    /// A plain object. None of its own keys may be `prototype`, `__proto__` or `constructor`.
    Object(BTreeMap<String, HashValue>),
}

/// The hash of a value: 40 lower-case hexadecimal digits.
pub fn object_hash(value: &HashValue) -> String {
    let mut stream = Stream::default();
    stream.write(value);
    hex(&stream.sha1.finalize())
}

impl From<&str> for HashValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Timestamp> for HashValue {
    fn from(at: Timestamp) -> Self {
        Self::Date(at)
    }
}

impl From<&Value> for HashValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            // JavaScript has no integers: beyond 2^53 it sees the nearest double, and so do we.
            Value::Number(n) => Self::Number(n.as_f64().unwrap_or(f64::NAN)),
            Value::String(s) => Self::Text(s.clone()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(map) => Self::Object(map.iter().map(|(k, v)| (k.clone(), Self::from(v))).collect()),
        }
    }
}

/// What is hashed, and what was met on the way.
///
/// Arrays, dates, objects and functions are numbered when they are first met. A second meeting is written as a
/// reference to that number. Values of ours are trees, so only what objects inherit is ever met twice.
#[derive(Default)]
struct Stream {
    sha1: Sha1,
    met: usize,
    /// The number of `Object.prototype`, once an object was written.
    object_prototype: Option<usize>,
    /// The number of the function `Object`, once an object was written.
    object_function: Option<usize>,
}

impl Stream {
    fn write(&mut self, value: &HashValue) {
        match value {
            HashValue::Undefined => self.raw("Undefined"),
            HashValue::Null => self.raw("Null"),
            HashValue::Bool(b) => self.raw(if *b { "bool:true" } else { "bool:false" }),
            HashValue::Number(n) => self.raw(&format!("number:{}", javascript_number::to_text(*n))),
            HashValue::Text(text) => self.text(text),
            HashValue::Date(at) => {
                self.meet();
                self.raw(&format!("date:{}", iso(*at)));
            }
            HashValue::Array(items) => {
                self.meet();
                self.raw(&format!("array:{}:", items.len()));
                items.iter().for_each(|item| self.write(item));
            }
            HashValue::Object(object) => {
                self.meet();
                self.raw(&format!("object:{}:", object.len() + 3));
                self.write_inherited();
                // JavaScript sorts by UTF-16 code units, Rust by code points.
                let mut own: Vec<(&String, &HashValue)> = object.iter().collect();
                own.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
                for (key, value) in own {
                    self.entry(key, |stream| stream.write(value));
                }
            }
        }
    }

    /// What every plain object inherits: no own `prototype`, `Object.prototype`, and the function `Object`.
    fn write_inherited(&mut self) {
        self.entry("prototype", |stream| stream.raw("Undefined"));
        self.entry("__proto__", |stream| match stream.object_prototype {
            Some(number) => stream.reference(number),
            None => {
                stream.object_prototype = Some(stream.meet());
                stream.raw("object:3:");
                stream.entry("prototype", |stream| stream.raw("Undefined"));
                stream.entry("__proto__", |stream| stream.raw("Null"));
                stream.entry("constructor", Self::write_object_function);
            }
        });
        self.entry("constructor", Self::write_object_function);
    }

    fn write_object_function(&mut self) {
        self.raw("fn:");
        self.text("[native]");
        self.text("function-name:Object");
        match self.object_function {
            Some(number) => self.reference(number),
            None => {
                self.object_function = Some(self.meet());
                self.raw("object:0:");
            }
        }
    }

    fn entry(&mut self, key: &str, write_value: impl FnOnce(&mut Self)) {
        self.text(key);
        self.raw(":");
        write_value(self);
        self.raw(",");
    }

    fn reference(&mut self, number: usize) {
        self.text(&format!("[CIRCULAR:{number}]"));
    }

    /// A text with its length in UTF-16 code units, which is what JavaScript counts.
    fn text(&mut self, text: &str) {
        self.raw(&format!("string:{}:", text.encode_utf16().count()));
        self.raw(text);
    }

    fn raw(&mut self, text: &str) {
        self.sha1.update(text.as_bytes());
    }

    /// Numbers what is met now.
    fn meet(&mut self) -> usize {
        self.met += 1;
        self.met - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn array(items: impl IntoIterator<Item = HashValue>) -> HashValue {
        HashValue::Array(items.into_iter().collect())
    }

    /// Computed with the npm package.
    #[test]
    fn hashes_equal_those_of_the_npm_package() {
        let at = |text: &str| HashValue::from(text.parse::<Timestamp>().unwrap());
        for (name, value, expected) in [
            (
                "new terms, one value",
                HashValue::from(&json!(["logs-a", "doc1", "undefined", "default:rule-1", ["alice"]])),
                "2624a9311bb1e16bf8c3e365c52ed6d5e20ab71a",
            ),
            (
                "new terms, a number",
                HashValue::from(&json!(["logs-a", "doc1", "undefined", "default:rule-1", ["alice", 42]])),
                "1e4fc1338d69145c99dbc187553abde81f2556a1",
            ),
            (
                "ES|QL with a document id",
                array(["doc1".into(), HashValue::Undefined, "logs-a".into(), "default:rule-1".into()]),
                "f1b1a6b342e043d1f720123a948aa37e6ac0c073",
            ),
            (
                "ES|QL, aggregating",
                HashValue::from(&json!([
                    "2024-01-01T00:00:00.000Z2024-01-01T00:05:00.000Z",
                    "FROM logs-* | STATS c=COUNT(*)",
                    "default:rule-1",
                    0
                ])),
                "cec343fe53d8ee205bbbf6c5085292a7766be7cd",
            ),
            (
                "instance of a threshold rule",
                HashValue::from(&json!([["alice", "host-1"], "rule-1", "default"])),
                "a962587757366a17c29ba2744e217d9d97a72796",
            ),
            (
                "instance, one term",
                HashValue::from(&json!([[{"field": "host.name", "value": ["host-1"]}], "rule-1", "default"])),
                "aaa6538b74aed866a4ee98ebe9a5e49fed2a5f3f",
            ),
            (
                "instance, two terms",
                HashValue::from(&json!([
                    [{"field": "host.name", "value": ["host-1"]}, {"field": "user.name", "value": null}],
                    "rule-1",
                    "default"
                ])),
                "aca1f94c3df584ea5c27cd9b6cc7e1674a6d79e7",
            ),
            (
                "query with suppression",
                array([
                    "logs-a".into(),
                    "doc1".into(),
                    "undefined".into(),
                    "default:rule-1".into(),
                    HashValue::from(&json!([{"field": "host.name", "value": "host-1"}])),
                    at("2024-01-01T00:00:00Z"),
                    at("2024-01-01T00:05:00Z"),
                ]),
                "dd1d2109887249ca7153162c21845c9f8156cc1d",
            ),
        ] {
            assert_eq!(object_hash(&value), expected, "{name}");
        }
    }

    #[test]
    fn lengths_are_code_units_and_the_stream_is_utf_8() {
        // SHA-1 of `string:2:😀`.
        let expected = hex(&Sha1::digest("string:2:😀".as_bytes()));
        assert_eq!(object_hash(&"😀".into()), expected);
    }

    #[test]
    fn the_order_of_keys_does_not_matter_but_that_of_values_does() {
        let hash = |value: Value| object_hash(&HashValue::from(&value));
        assert_eq!(hash(json!({"a": 1, "b": 2})), hash(json!({"b": 2, "a": 1})));
        assert_ne!(hash(json!([1, 2])), hash(json!([2, 1])));
        assert_ne!(hash(json!(["1"])), hash(json!([1])));
        assert_ne!(hash(json!([null])), hash(json!([])));
    }
}
