//! The fields that all alerts of a rule share: kept once, and written from a text that is made once.
//!
//! Most of an alert is what its rule says: cloning, sorting and writing that anew cost more than all else about an alert.

use std::sync::OnceLock;

use ecs::Document;
use serde_json::{Map, Value};

/// The fields, flat, with the keys of every object in byte order.
#[derive(Debug)]
pub(crate) struct SharedFields {
    document: Document,
    /// Made when the first alert is written.
    text: OnceLock<SharedText>,
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

    /// These fields and `own` as one document. Where both have a field, that of `own` counts.
    pub(crate) fn with(&self, own: &Document) -> Document {
        let mut map = self.document.as_map().clone();
        map.extend(own.as_map().clone());
        map.sort_keys();
        Document::from_map(map)
    }

    /// Appends [`with`](Self::with) as JSON. The keys of `own` must be in byte order.
    ///
    /// # Errors
    /// None that JSON values can cause.
    pub(crate) fn write_with(&self, own: &Document, to: &mut Vec<u8>) -> serde_json::Result<()> {
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
        for (name, value) in own.as_map() {
            let before = rest.partition_point(|(shared, _)| **shared < **name);
            if let Some((_, end)) = before.checked_sub(1).and_then(|last| rest.get(last)) {
                to.extend_from_slice(&shared.text[written..*end]);
                written = *end;
            }
            rest = &rest[before..];
            if let Some(((shared, end), after)) = rest.split_first()
                && **shared == **name
            {
                (written, rest) = (*end, after);
            }
            write_field(name, value, to)?;
        }
        to.extend_from_slice(&shared.text[written..]);
        // Every field ends with a comma; the last one must not.
        if to.len() > begin {
            to.pop();
        }
        to.push(b'}');
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

fn write_field(name: &str, value: &Value, to: &mut Vec<u8>) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *to, name)?;
    to.push(b':');
    serde_json::to_writer(&mut *to, value)?;
    to.push(b',');
    Ok(())
}

/// A document of these fields with the keys of every object in byte order.
pub(crate) fn sorted(fields: Map<String, Value>) -> Document {
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
        ];
        prop::collection::vec(("[a-c.\"]{0,2}", value), 0..8).prop_map(|fields| fields.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_is_written_is_the_document(shared in fields(), own in fields()) {
            let mut all = shared.clone();
            all.extend(own.clone());
            let expected = sorted(all);
            let (shared, own) = (SharedFields::new(shared), sorted(own));
            let whole = shared.with(&own);
            prop_assert_eq!(&whole, &expected);
            let expected = serde_json::to_string(expected.as_map()).unwrap();
            prop_assert_eq!(serde_json::to_string(whole.as_map()).unwrap(), expected.clone());
            for _ in 0..2 {
                let mut written = Vec::new();
                shared.write_with(&own, &mut written).unwrap();
                prop_assert_eq!(String::from_utf8(written).unwrap(), expected.clone());
            }
        }
    }
}
