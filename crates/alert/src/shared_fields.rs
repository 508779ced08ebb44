//! The fields that all alerts of a rule share in one run: kept once, and written from a text that is made once.
//!
//! Most of an alert is what its rule says: cloning, sorting and writing that anew cost more than all else about an alert.

use std::sync::OnceLock;

use ecs::Document;
use serde_json::{Map, Value};

use crate::sorted_json::{end_list, in_order, write_field};

/// What takes most of the room, and is the same for all alerts of a rule.
const LONG: [&str; 8] = [
    "kibana.alert.rule.actions",
    "kibana.alert.rule.description",
    "kibana.alert.rule.exceptions_list",
    "kibana.alert.rule.false_positives",
    "kibana.alert.rule.note",
    "kibana.alert.rule.parameters",
    "kibana.alert.rule.setup",
    "kibana.alert.rule.threat",
];

/// The fields, flat, with the keys of every object in byte order.
#[derive(Debug)]
pub(crate) struct SharedFields {
    document: Document,
    /// Made when the first alert is written.
    text: OnceLock<SharedText>,
}

/// A field to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field<'a> {
    /// Its value.
    Value(&'a Value),
    /// `"name":value,`
    Text(&'a [u8]),
}

#[derive(Debug, Default)]
struct SharedText {
    /// `"name":value,` of every field.
    text: Vec<u8>,
    /// Of every field its name and where its text ends.
    ends: Vec<(Box<str>, usize)>,
}

impl SharedFields {
    pub(crate) fn new(fields: Map<String, Value>) -> Self {
        Self { document: sorted(fields), text: OnceLock::new() }
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// These fields and those of `parts` as one document, with the keys of every object in byte order. No field may be
    /// in two of them.
    pub(crate) fn with(&self, parts: [&Document; 2]) -> Document {
        let parts = parts.into_iter().flat_map(|part| part.as_map().clone()).collect();
        let mut map = sorted(parts).into_map();
        map.extend(self.document.as_map().clone());
        map.sort_keys();
        Document::from_map(map)
    }

    /// As [`SharedFields::with`], without the long texts of the rule; the fields themselves are in no order.
    pub(crate) fn brief_with(&self, parts: [&Document; 2]) -> Document {
        let is_brief = |name: &str| !LONG.iter().any(|long| name.starts_with(long));
        let fields = self.document.as_map().iter().filter(|(name, _)| is_brief(name));
        let parts = parts.into_iter().flat_map(|part| part.as_map().clone()).collect();
        let mut map = sorted(parts).into_map();
        map.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
        Document::from_map(map)
    }

    /// Appends these fields and others as one JSON object, with the keys of every object in byte order. No field may be in
    /// both.
    ///
    /// # Errors
    /// None that JSON values can cause.
    pub(crate) fn write_with<'a>(
        &self,
        others: impl IntoIterator<Item = (&'a str, Field<'a>)>,
        to: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        let shared = match self.text.get() {
            Some(text) => text,
            None => {
                let text = SharedText::of(&self.document)?;
                self.text.get_or_init(|| text)
            }
        };
        to.push(b'{');
        let begin = to.len();
        let (mut written, mut rest) = (0, shared.ends.as_slice());
        for (name, field) in in_order(others) {
            let (before, after) = rest.split_at(rest.partition_point(|(shared, _)| **shared < *name));
            if let Some((_, end)) = before.last() {
                to.extend_from_slice(&shared.text[written..*end]);
                written = *end;
            }
            rest = after;
            match field {
                Field::Value(value) => write_field(name, value, to)?,
                Field::Text(text) => to.extend_from_slice(text),
            }
        }
        to.extend_from_slice(&shared.text[written..]);
        end_list(begin, b'}', to);
        Ok(())
    }
}

impl SharedText {
    fn of(document: &Document) -> serde_json::Result<Self> {
        let mut made = Self::default();
        for (name, value) in document.as_map() {
            write_field(name, value, &mut made.text)?;
            made.ends.push((name.as_str().into(), made.text.len()));
        }
        Ok(made)
    }
}

/// A document of these fields with the keys of every object in byte order.
fn sorted(fields: Map<String, Value>) -> Document {
    let mut fields = Value::Object(fields);
    fields.sort_all_objects();
    match fields {
        Value::Object(map) => Document::from_map(map),
        _ => Document::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields() -> impl Strategy<Value = Map<String, Value>> {
        let value = prop_oneof![
            any::<i64>().prop_map(Value::from),
            "[a\"\\\\\u{e9}\n]{0,3}".prop_map(Value::from),
            prop::collection::btree_map("[ab]", any::<bool>().prop_map(Value::from), 0..3)
                .prop_map(|map| map.into_iter().rev().collect::<Map<_, _>>().into()),
            prop::collection::vec(any::<Option<f64>>().prop_map(Value::from), 0..3).prop_map(Value::from),
        ];
        prop::collection::vec(("[a-c.\"]{0,2}", value), 0..8).prop_map(|fields| fields.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_is_written_is_the_document(
            (shared, event, own) in (fields(), fields(), fields()),
        ) {
            // No field is in two parts.
            let without = |mut of: Map<String, Value>, others: &[&Map<String, Value>]| {
                of.retain(|name, _| others.iter().all(|other| !other.contains_key(name)));
                Document::from_map(of)
            };
            let (event, own) = (without(event, &[&shared, &own]), without(own, &[&shared]));
            let mut all = shared.clone();
            all.extend(own.as_map().clone());
            all.extend(event.as_map().clone());
            let expected = sorted(all);
            let shared = SharedFields::new(shared);
            let whole = shared.with([&event, &own]);
            prop_assert_eq!(&whole, &expected);
            let expected = serde_json::to_string(expected.as_map()).unwrap();
            prop_assert_eq!(serde_json::to_string(whole.as_map()).unwrap(), expected.clone());
            for _ in 0..2 {
                let mut written = Vec::new();
                let others = [&event, &own].into_iter().flat_map(|part| part.as_map());
                let others = others.map(|(name, value)| (name.as_str(), Field::Value(value)));
                shared.write_with(others, &mut written).unwrap();
                prop_assert_eq!(String::from_utf8(written).unwrap(), expected.clone());
            }
        }
    }
}
