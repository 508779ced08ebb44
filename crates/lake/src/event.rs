//! An event on its way into the lake, and out of it.

use ecs::{DataStream, Document, Scalar, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::columns::instant;

/// An event to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What makes it the same event when it is delivered again, together with its `@timestamp`.
    pub id: String,
    /// The event as an ECS document. Its `event.ingested` is replaced by the time of the append.
    pub document: Document,
    /// The raw record; read back as `event.original`. When `None`, the document's own `event.original` is taken.
    pub raw: Option<String>,
}

/// An event as the lake gives it back.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Where it lies.
    pub data_stream: DataStream,
    /// Its id.
    pub id: String,
    /// The document as it was appended, with `event.ingested`, and the raw record as `event.original`.
    pub document: Document,
}

/// What tells that two events are one: 128 bits of SHA-256, so that nobody can make two ids meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EventKey(u128);

impl EventKey {
    pub(crate) fn new(id: &str, timestamp: Option<i64>) -> Self {
        let mut hash = Sha256::new();
        hash.update(timestamp.map_or([0xff; 8], i64::to_le_bytes));
        hash.update([u8::from(timestamp.is_some())]);
        hash.update(id);
        let digest: [u8; 32] = hash.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self(u128::from_le_bytes(half))
    }
}

/// An event made ready for the log and the columns.
#[derive(Debug, Clone)]
pub(crate) struct PreparedEvent {
    pub(crate) id: String,
    /// `@timestamp` in milliseconds since the epoch; `None` when it is missing or no date.
    pub(crate) timestamp: Option<i64>,
    /// The document without the raw record.
    pub(crate) document: Document,
    pub(crate) raw: Option<String>,
    /// `document` as JSON.
    pub(crate) source: String,
}

impl PreparedEvent {
    pub(crate) fn new(event: Event, ingested: Timestamp) -> Self {
        let Event { id, mut document, mut raw } = event;
        let original = take_original(&mut document);
        raw = raw.or(original);
        let mut event = Self::assemble(id, document, raw, String::new());
        event.stamp(ingested);
        event
    }

    /// Sets when it was ingested, in milliseconds.
    pub(crate) fn stamp(&mut self, ingested: Timestamp) {
        put_event_field(&mut self.document, "ingested", format!("{ingested:.3}"));
        let map = Value::Object(std::mem::take(self.document.as_map_mut()));
        self.source = map.to_string();
        if let Value::Object(map) = map {
            self.document = Document::from_map(map);
        }
    }

    /// The event that a log entry or a file holds; `None` when `source` is no JSON object.
    pub(crate) fn stored(id: String, source: String, raw: Option<String>) -> Option<Self> {
        let Ok(Value::Object(map)) = serde_json::from_str(&source) else { return None };
        Some(Self::assemble(id, Document::from_map(map), raw, source))
    }

    fn assemble(id: String, document: Document, raw: Option<String>, source: String) -> Self {
        let timestamp = document.first("@timestamp").and_then(instant);
        Self { id, timestamp, document, raw, source }
    }

    pub(crate) fn key(&self) -> EventKey {
        EventKey::new(&self.id, self.timestamp)
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.id.len() + self.source.len() + self.raw.as_ref().map_or(0, String::len)) as u64
    }
}

/// The document as its caller knows it, with the raw record back in its place.
pub(crate) fn restore(source: &str, raw: Option<&str>) -> Option<Document> {
    let Ok(Value::Object(map)) = serde_json::from_str(source) else { return None };
    let mut document = Document::from_map(map);
    if let Some(raw) = raw {
        put_event_field(&mut document, "original", raw.to_owned());
    }
    Some(document)
}

/// Takes `event.original` out of its usual place, `event` as an object; in any other shape it stays where it is.
fn take_original(document: &mut Document) -> Option<String> {
    if !matches!(document.first("event.original"), Some(Scalar::Str(_))) {
        return None;
    }
    let event = document.as_map_mut().get_mut("event")?.as_object_mut()?;
    match event.shift_remove("original")? {
        Value::String(raw) => Some(raw),
        other => {
            event.insert("original".to_owned(), other);
            None
        }
    }
}

/// Sets `event.<name>` without replacing an `event` that is no object; a dotted key of this name is replaced.
fn put_event_field(document: &mut Document, name: &str, value: String) {
    let dotted = format!("event.{name}");
    let map = document.as_map_mut();
    if map.get("event").is_some_and(|event| !event.is_object()) || map.contains_key(&dotted) {
        map.insert(dotted, Value::String(value));
    } else {
        document.set(&dotted, value);
    }
}
