//! What alerts about one event take from it, as bytes that can be kept, and written into alerts without making a tree of
//! them.

use std::iter;

use ecs::Document;
use serde_json::{Map, Value};

use crate::ancestors;
use crate::compliance::complies;
use crate::context::iso;
use crate::fields;
use crate::hit::EventHit;
use crate::reason::what_happened;
use crate::sorted_json::{in_order, write_field};
use crate::source::{copy_original, is_copied, original_time, without_kind};

/// What alerts about one event take from it.
///
/// The bytes are for this program alone, and for as long as it runs: another version may have others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventText {
    /// Pieces, each behind its length: the event's id, its index, what happened, the original time, and then of each
    /// field its name and `"name":value,`, in byte order of the names.
    bytes: Box<[u8]>,
}

/// Most events need less room.
const ROOM: usize = 6 * 1024;
/// Pieces before those of the fields.
const BEFORE_FIELDS: usize = 4;

impl EventText {
    /// `None` for events of which alerts say more: for alerts, and for events with values that do not fit ECS.
    pub fn of(event: &EventHit) -> Option<Self> {
        let document = event.document.as_map();
        let fits = |(name, value): (&String, &Value)| !is_copied(name) || complies(name, value);
        if ancestors::is_alert(&event.document) || !document.iter().all(fits) {
            return None;
        }
        let copied = document.iter().filter(|(name, _)| is_copied(name) && *name != fields::TIMESTAMP);
        let mut originals = Map::new();
        for (name, value) in copied.clone() {
            copy_original(name, value, &mut originals);
        }
        let time = original_time(&event.document).map(iso).unwrap_or_default();
        let mut bytes = Vec::with_capacity(ROOM);
        for text in [&event.id, &event.index, &what_happened(&event.document), &time] {
            push(&mut bytes, |bytes| bytes.extend_from_slice(text.as_bytes()))?;
        }
        let all = copied.chain(&originals);
        for (name, value) in in_order(all.map(|(name, value)| (name.as_str(), value))) {
            let Some(value) = without_kind(name, value) else { continue };
            push(&mut bytes, |bytes| bytes.extend_from_slice(name.as_bytes()))?;
            push(&mut bytes, |bytes| write_field(name, &value, bytes))?.ok()?;
        }
        Some(Self { bytes: bytes.into() })
    }

    /// The same again, of what [`as_bytes`](Self::as_bytes) gave.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into() }
    }

    /// What it is made of.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The event's id within its index.
    pub fn id(&self) -> &str {
        self.piece(0)
    }

    /// Where the event lies.
    pub fn index(&self) -> &str {
        self.piece(1)
    }

    /// The first half of the reason.
    pub(crate) fn what_happened(&self) -> &str {
        self.piece(2)
    }

    /// As alerts write it; `None` when the event does not say.
    pub(crate) fn original_time(&self) -> Option<&str> {
        Some(self.piece(3)).filter(|time| !time.is_empty())
    }

    /// The name and `"name":value,` of each field that alerts have of the event, in byte order of the names.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut pieces = self.pieces().skip(BEFORE_FIELDS);
        iter::from_fn(move || Some((text(pieces.next()?), pieces.next()?)))
    }

    /// The fields as a tree.
    pub(crate) fn document(&self) -> Document {
        let field = |(name, field): (&str, &[u8])| {
            let object = [b"{", field.strip_suffix(b",")?, b"}"].concat();
            let mut object: Map<String, Value> = serde_json::from_slice(&object).ok()?;
            Some((name.to_owned(), object.swap_remove(name)?))
        };
        Document::from_map(self.fields().filter_map(field).collect())
    }

    fn piece(&self, number: usize) -> &str {
        text(self.pieces().nth(number).unwrap_or_default())
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.bytes;
        iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk()?;
            let (piece, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some(piece)
        })
    }
}

/// Appends a piece behind its length. `None` when it is too long.
fn push<T>(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> T) -> Option<T> {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    let written = write(bytes);
    let length = u32::try_from(bytes.len() - start - 4).ok()?;
    bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Some(written)
}

fn text(piece: &[u8]) -> &str {
    std::str::from_utf8(piece).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    use crate::build::{BuildOutcome, build, build_new_terms};
    use crate::document::Alert;
    use crate::hit::{Hit, NewTermsHit};
    use crate::rule_fields::AlertRule;
    use crate::rule_fields::tests::{context, rule};
    use crate::source::tests::any_source;

    fn event(source: Value) -> EventHit {
        let Value::Object(map) = source else { panic!("not an object") };
        EventHit { document: Document::from_map(map), id: "doc1".to_owned(), index: "logs-a".to_owned() }
    }

    fn alert(outcome: BuildOutcome) -> Alert {
        let BuildOutcome::Alert(alert) = outcome else { panic!("no alert") };
        *alert
    }

    fn json(alert: &Alert) -> String {
        let mut text = Vec::new();
        alert.write_json(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    proptest! {
        #[test]
        fn alerts_of_text_are_those_of_the_event(source in any_source(), building_block in any::<bool>()) {
            let event = event(source);
            let Some(text) = EventText::of(&event) else { return Ok(()) };
            let text = EventText::of_bytes(text.as_bytes());
            let building_block = if building_block { json!({"building_block_type": "default"}) } else { json!({}) };
            let rule = rule(building_block);
            let (rule, values) = (AlertRule::new(&rule), vec![json!("new"), json!(1)]);
            let of_text = alert(build_new_terms(text, values.clone(), &rule, &context()));
            let of_event = alert(build(&Hit::NewTerms(NewTermsHit { event, values }), &rule, &context()));
            prop_assert_eq!(json(&of_text), json(&of_event));
            prop_assert_eq!(&of_text, &of_event);
            prop_assert_eq!(of_text.values("event.kind"), of_event.values("event.kind"));
        }
    }

    #[test]
    fn alerts_and_what_does_not_fit_have_no_text() {
        for (source, has_text) in [
            (json!({"source": {"ip": "10.0.0.1"}, "x": [null, "y\n"]}), true),
            (json!({"source": {"ip": "somewhere"}}), false),
            (json!({"user": {}}), false),
            (json!({"kibana.alert.uuid": "u"}), false),
            (json!({"signal": {"rule": {}}}), false),
            (json!({"threshold_result": []}), true),
        ] {
            assert_eq!(EventText::of(&event(source.clone())).is_some(), has_text, "{source}");
        }
    }
}
