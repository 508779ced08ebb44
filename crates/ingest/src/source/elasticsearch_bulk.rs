//! The body of Elasticsearch's `_bulk`: documents as shippers send them become events, and each is answered.
//!
//! Events are added, never changed: `index` and `create` mean the same, `update` and `delete` are refused, each by
//! itself. Source: Elasticsearch API reference, "Bulk index or delete documents".

use std::collections::BTreeSet;

use ecs::{DataStream, Document, Scalar, Timestamp};
use memchr::memchr;
use serde_json::{Map, Value, json};

use super::http_events::HttpAnswer;
use crate::decode::{Buffers, FaultReason, Limits, Outcome, Shape, SkipReason, inflate};
use crate::duplicate::SeenEvents;
use crate::events::{DecodedEvent, LostBytes, add_event, document_time, ecs_event};
use crate::ledger::{DropReason, InputAccount};

/// What a body is read with.
#[derive(Debug, Clone, Copy)]
pub struct BulkRequest<'a> {
    /// What the ledger calls it.
    pub name: &'a str,
    /// The index in the address, `/INDEX/_bulk`: for actions that name none.
    pub index: Option<&'a str>,
    /// Where documents belong that do not say it, in themselves or by their index.
    pub fallback: &'a DataStream,
    /// Caps; see [`super::http_events::body_limits`].
    pub limits: &'a Limits,
}

/// What a body holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Bulk {
    /// To be committed, each once.
    pub events: Vec<DecodedEvent>,
    /// Documents that were refused, for the dead letter.
    pub faults: Vec<LostBytes>,
    /// Each action is a record: an event, a duplicate within the body, or a drop.
    pub account: InputAccount,
    /// One for each action, in order.
    pub items: Vec<BulkItem>,
    /// Ingest pipelines that were asked for. None is run: the events are kept as they came.
    pub pipelines: BTreeSet<String>,
}

/// What became of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkItem {
    /// `index`, `create`, `update` or `delete`.
    pub action: BulkAction,
    /// The index as the shipper called it, else the data stream.
    pub index: String,
    /// The id as the shipper called it, else that of the event; `None` for what is refused and has none.
    pub id: Option<String>,
    /// Why it was refused.
    pub refused: Option<FaultReason>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkAction {
    /// Adds an event.
    Index,
    /// Adds an event.
    Create,
    /// Would change one.
    Update,
    /// Would remove one.
    Delete,
}

impl BulkAction {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "index" => Self::Index,
            "create" => Self::Create,
            "update" => Self::Update,
            "delete" => Self::Delete,
            _ => return None,
        })
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// A body that cannot be told apart into actions and documents. Nothing of it is used, as in Elasticsearch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct MalformedBulk {
    /// Counted from 1.
    pub line: usize,
    /// Why not.
    pub reason: String,
    /// True when it is larger than it may be.
    pub too_large: bool,
    /// The input, as skipped.
    pub account: Box<InputAccount>,
}

impl MalformedBulk {
    fn new(name: &str, line: usize, reason: FaultReason, text: impl Into<String>) -> Self {
        let too_large = matches!(reason, FaultReason::OverSize { .. });
        let account = Box::new(InputAccount::skipped(name, SkipReason::Fault(reason)));
        Self { line, reason: text.into(), too_large, account }
    }

    /// 400, or 413 when the body is too large; the whole body then belongs into the dead letter.
    pub fn answer(&self) -> HttpAnswer {
        let status = if self.too_large { 413 } else { 400 };
        error_answer(status, "illegal_argument_exception", &self.to_string())
    }
}

/// An answer as Elasticsearch gives errors of whole requests.
pub fn error_answer(status: u16, kind: &str, reason: &str) -> HttpAnswer {
    let cause = json!({"type": kind, "reason": reason});
    let error = json!({"root_cause": [cause], "type": kind, "reason": reason});
    HttpAnswer { status, body: json!({"error": error, "status": status}) }
}

/// The answer while nothing can be committed. Shippers try again after 429.
pub fn busy_answer() -> HttpAnswer {
    error_answer(429, "es_rejected_execution_exception", "events cannot be kept at present")
}

impl Bulk {
    /// The answer to a body whose events were committed.
    pub fn answer(&self, took_milliseconds: u64) -> HttpAnswer {
        let errors = self.items.iter().any(|item| item.refused.is_some());
        let items: Vec<Value> = self.items.iter().map(BulkItem::answer).collect();
        HttpAnswer::ok(json!({"took": took_milliseconds, "errors": errors, "items": items}))
    }
}

impl BulkItem {
    fn answer(&self) -> Value {
        let of_item = match &self.refused {
            None => json!({
                "_index": self.index,
                "_id": self.id,
                "_version": 1,
                "result": "created",
                "_shards": {"total": 1, "successful": 1, "failed": 0},
                "_seq_no": 0,
                "_primary_term": 1,
                "status": 201,
            }),
            Some(reason) => {
                let kind = match reason {
                    _ if matches!(self.action, BulkAction::Update | BulkAction::Delete) => {
                        "illegal_argument_exception"
                    }
                    _ => "document_parsing_exception",
                };
                json!({
                    "_index": self.index,
                    "_id": self.id,
                    "status": 400,
                    "error": {"type": kind, "reason": reason.to_string()},
                })
            }
        };
        let mut item = Map::new();
        item.insert(self.action.name().to_owned(), of_item);
        Value::Object(item)
    }
}

/// Reads a body, compressed or not.
///
/// # Errors
/// When a line that should be an action is none, or the body is too large or damaged.
pub fn read_bulk(
    body: &[u8],
    request: &BulkRequest<'_>,
    buffers: &mut Buffers,
) -> Result<Bulk, Box<MalformedBulk>> {
    let malformed = |line, reason: FaultReason, text: &str| {
        Err(Box::new(MalformedBulk::new(request.name, line, reason, text)))
    };
    let (text, compression, cut) = inflate(body, request.limits, buffers);
    if let Some(reason) = cut {
        let text = reason.to_string();
        return malformed(1, reason, &text);
    }
    let mut account = InputAccount::open(request.name);
    account.compression = compression;
    account.shape = Some(Shape::Lines);
    account.counts.bytes_in = body.len() as u64;
    account.counts.bytes_decompressed = text.len() as u64;
    let mut reading = Reading {
        request,
        seen: SeenEvents::new(),
        bulk: Bulk {
            events: Vec::new(),
            faults: Vec::new(),
            account,
            items: Vec::new(),
            pipelines: BTreeSet::new(),
        },
    };
    let mut lines = Lines { text, at: 0, line: 0 };
    while let Some((_, bytes)) = lines.next() {
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let Some((action, metadata)) = read_action(bytes) else {
            return malformed(lines.line, FaultReason::InvalidJson, "not an action with its metadata");
        };
        let source = if action == BulkAction::Delete { None } else { lines.next() };
        let (offset, source) = source.unwrap_or((lines.at, &[]));
        reading.action(action, metadata, offset, source);
    }
    if reading.bulk.items.is_empty() {
        return malformed(1, FaultReason::Refused("no action"), "no action");
    }
    Ok(reading.bulk)
}

struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    /// Of the line that was given last.
    line: usize,
}

impl<'a> Lines<'a> {
    /// The next line, and where it begins.
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (start, length) = (self.at, memchr(b'\n', rest).unwrap_or(rest.len()));
        self.at += length + 1;
        self.line += 1;
        Some((start, &rest[..length]))
    }
}

/// `{"create":{"_index":…}}`: one key, and its object.
fn read_action(line: &[u8]) -> Option<(BulkAction, Map<String, Value>)> {
    let action: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let mut entries = action.into_iter();
    match (entries.next()?, entries.next()) {
        ((name, Value::Object(metadata)), None) => Some((BulkAction::parse(&name)?, metadata)),
        _ => None,
    }
}

struct Reading<'a> {
    request: &'a BulkRequest<'a>,
    seen: SeenEvents,
    bulk: Bulk,
}

impl Reading<'_> {
    fn action(&mut self, action: BulkAction, metadata: Map<String, Value>, offset: usize, source: &[u8]) {
        let text = |key: &str| match metadata.get(key)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let index = text("_index").or_else(|| self.request.index.map(str::to_owned));
        let id = text("_id");
        self.bulk.pipelines.extend(text("pipeline").filter(|name| name != "_none"));
        match self.read_event(action, index.as_deref(), id.as_deref(), source) {
            Ok((event, key)) => {
                self.bulk.items.push(BulkItem {
                    action,
                    index: index.unwrap_or_else(|| event.data_stream.name()),
                    id: Some(id.unwrap_or_else(|| event.id.clone())),
                    refused: None,
                });
                if self.seen.insert(key) {
                    add_event(&mut self.bulk.account, &event);
                    self.bulk.events.push(event);
                } else {
                    self.bulk.account.add_duplicate();
                }
            }
            Err(reason) => {
                let offset = offset as u64;
                let account = &mut self.bulk.account;
                account.add_drop(DropReason::Fault(reason.clone()));
                if account.outcome == Outcome::Read {
                    account.outcome = Outcome::PartlyRead { offset, reason: reason.clone() };
                }
                let bytes = if source.is_empty() {
                    json!({action.name(): metadata}).to_string().into_bytes()
                } else {
                    source.to_vec()
                };
                self.bulk.faults.push(LostBytes { offset, reason: reason.clone(), bytes });
                let index = index.unwrap_or_else(|| self.request.fallback.name());
                self.bulk.items.push(BulkItem { action, index, id, refused: Some(reason) });
            }
        }
    }

    fn read_event(
        &self,
        action: BulkAction,
        index: Option<&str>,
        id: Option<&str>,
        source: &[u8],
    ) -> Result<(DecodedEvent, crate::EventKey), FaultReason> {
        if matches!(action, BulkAction::Update | BulkAction::Delete) {
            return Err(FaultReason::Refused("events are added, never changed or removed"));
        }
        if source.len() > self.request.limits.record_bytes {
            return Err(FaultReason::TooLong { limit: self.request.limits.record_bytes });
        }
        let text = str::from_utf8(source).map_err(|_| FaultReason::InvalidUtf8)?.trim();
        if text.is_empty() {
            return Err(FaultReason::Refused("an action without its document"));
        }
        let value: Value = serde_json::from_str(text).map_err(|_| FaultReason::InvalidJson)?;
        let Value::Object(object) = value else { return Err(FaultReason::NotAnObject) };
        let mut document = Document::from_map(object);
        check_time(&mut document)?;
        let mut hit = Map::new();
        hit.insert("_source".to_owned(), Value::Object(document.into_map()));
        for (key, value) in [("_index", index), ("_id", id)] {
            if let Some(value) = value {
                hit.insert(key.to_owned(), Value::from(value));
            }
        }
        Ok(ecs_event(hit, text, self.request.fallback))
    }
}

/// An event has a time. Milliseconds that are written as text or with a fraction are written as a date, which is what
/// everyone else reads.
fn check_time(document: &mut Document) -> Result<(), FaultReason> {
    if document_time(document).is_some() {
        return Ok(());
    }
    let milliseconds = match document.first("@timestamp") {
        None => return Err(FaultReason::Refused("no @timestamp")),
        Some(Scalar::Str(text)) => text.parse().ok(),
        Some(Scalar::Float(milliseconds)) if milliseconds.abs() < 1e15 => Some(milliseconds as i64),
        Some(_) => None,
    };
    let time = milliseconds.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    let time = time.ok_or(FaultReason::Refused("@timestamp is no date"))?;
    document.as_map_mut().insert("@timestamp".to_owned(), Value::from(format!("{time:.3}")));
    Ok(())
}
