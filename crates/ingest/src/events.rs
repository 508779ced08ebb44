//! One input becomes events: decoded, normalised, enriched, and every record of it accounted for.
//!
//! The events are those that a hunt over the same bytes sees: same documents, data streams and ids.

use ecs::{DataStream, Document, Timestamp};
use serde_json::{Map, Value};

use crate::decode::{Buffers, FaultReason, Item, Limits, RawRecord, RecordKind, decode};
use crate::duplicate::{EventKey, SeenEvents, document_id};
use crate::enrich::Enrichment;
use crate::integration::aws_cloudtrail::{NormalizeContext, event_time, normalize};
use crate::integration::ecs::{EcsEvent, read_ecs};
use crate::ledger::{DropReason, InputAccount};
use crate::source::Input;

/// An event on its way to where events are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedEvent {
    /// Tells it from all others of its data stream.
    pub id: String,
    /// Where it belongs.
    pub data_stream: DataStream,
    /// The whole event, enriched, with `log.file.path` and `log.offset`.
    pub document: Document,
    /// The record as its source wrote it; `None` for an event that was a document already.
    pub raw: Option<String>,
    /// When it happened; `None` when the record does not say.
    pub time: Option<Timestamp>,
}

impl DecodedEvent {
    /// The account that it is counted under: the recipient's, else the caller's.
    pub fn account(&self) -> Option<&str> {
        let text = |field| self.document.text(field);
        text("aws.cloudtrail.recipient_account_id").or_else(|| text("cloud.account.id"))
    }

    /// Its region.
    pub fn region(&self) -> Option<&str> {
        self.document.text("cloud.region")
    }
}

/// What came of one input.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedInput {
    /// In the order of the input, each once.
    pub events: Vec<DecodedEvent>,
    /// What could not be read, for the dead letter.
    pub faults: Vec<LostBytes>,
    /// Records in = events + duplicates + drops; here only copies within the input are duplicates. See
    /// [`InputAccount::move_to_duplicates`] for those that are found later.
    pub account: InputAccount,
}

/// A fault of an input, with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostBytes {
    /// In the decompressed text.
    pub offset: u64,
    /// Why they could not be read.
    pub reason: FaultReason,
    /// Empty where they were never seen.
    pub bytes: Vec<u8>,
}

/// What events depend on beside their records.
#[derive(Debug, Clone)]
pub struct EventContext<'a> {
    /// The present: `event.created`.
    pub now: Timestamp,
    /// Databases for addresses, and user agents.
    pub enrichment: &'a Enrichment,
    /// Caps on what an input may cost.
    pub limits: &'a Limits,
    /// Where CloudTrail records belong.
    pub cloudtrail: DataStream,
    /// Where documents belong that do not say it.
    pub fallback: DataStream,
}

impl<'a> EventContext<'a> {
    /// With the data streams that a hunt uses: `logs-aws.cloudtrail-default` and `logs-generic-default`.
    pub fn new(now: Timestamp, enrichment: &'a Enrichment, limits: &'a Limits) -> Self {
        let (cloudtrail, fallback) = (DataStream::logs("aws.cloudtrail"), DataStream::logs("generic"));
        Self { now, enrichment, limits, cloudtrail, fallback }
    }
}

/// Reads an input to its end. Never fails: what goes wrong is in the account.
pub fn events_of(input: &Input, context: &EventContext<'_>, buffers: &mut Buffers) -> DecodedInput {
    let mut decoding = Decoding {
        input,
        context,
        seen: SeenEvents::new(),
        events: Vec::new(),
        faults: Vec::new(),
        account: InputAccount::open(&input.name),
        late_fault: None,
    };
    let decoded = decode(&input.bytes, context.limits, buffers, &mut |item| match item {
        Item::Record(record) => decoding.record(&record),
        Item::Fault(fault) => decoding.fault(fault.offset, fault.reason, fault.bytes),
    });
    let Decoding { events, faults, mut account, late_fault, .. } = decoding;
    account.close(&decoded, input.bytes.len() as u64, late_fault);
    DecodedInput { events, faults, account }
}

struct Decoding<'a> {
    input: &'a Input,
    context: &'a EventContext<'a>,
    seen: SeenEvents,
    events: Vec<DecodedEvent>,
    faults: Vec<LostBytes>,
    account: InputAccount,
    /// The first record that was handed over and turned out to be no JSON.
    late_fault: Option<(u64, FaultReason)>,
}

impl Decoding<'_> {
    fn record(&mut self, record: &RawRecord<'_>) {
        let (event, key) = match event_of(record, &self.input.name, self.input.modified, self.context) {
            Ok(event) => event,
            Err(NoEvent::Dropped(reason)) => return self.account.add_drop(reason),
            Err(NoEvent::Fault(reason)) => {
                self.late_fault.get_or_insert_with(|| (record.offset, reason.clone()));
                return self.fault(record.offset, reason, record.text.as_bytes());
            }
        };
        if !self.seen.insert(key) {
            return self.account.add_duplicate();
        }
        add_event(&mut self.account, &event);
        self.events.push(event);
    }

    fn fault(&mut self, offset: u64, reason: FaultReason, bytes: &[u8]) {
        self.account.add_fault(reason.clone());
        self.faults.push(LostBytes { offset, reason, bytes: bytes.to_vec() });
    }
}

/// Why a record gives no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoEvent {
    /// It is none.
    Dropped(DropReason),
    /// It cannot be read after all.
    Fault(FaultReason),
}

/// A record of the input `name` as an event, and what tells it from others. `modified` stands in for the time of records that
/// have none, so that they are the same events when the input is read again; without it the present does.
///
/// # Errors
/// When it gives no event.
pub fn event_of(
    record: &RawRecord<'_>,
    name: &str,
    modified: Option<Timestamp>,
    context: &EventContext<'_>,
) -> Result<(DecodedEvent, EventKey), NoEvent> {
    if record.kind == RecordKind::CloudTrailDigest {
        return Err(NoEvent::Dropped(DropReason::NotAnEvent(record.kind)));
    }
    let Ok(Value::Object(object)) = serde_json::from_str(record.text) else {
        return Err(NoEvent::Fault(FaultReason::InvalidJson));
    };
    Ok(match record.kind {
        RecordKind::Ecs => shipped_event(record, name, object, context),
        _ => cloudtrail_event(record, name, modified, object, context),
    })
}

fn cloudtrail_event(
    record: &RawRecord<'_>,
    name: &str,
    modified: Option<Timestamp>,
    object: Map<String, Value>,
    context: &EventContext<'_>,
) -> (DecodedEvent, EventKey) {
    let time = event_time(&object);
    let created = match time {
        Some(_) => context.now,
        None => modified.unwrap_or(context.now),
    };
    let mut normalize_context = NormalizeContext::new(created, &context.cloudtrail);
    normalize_context.enrich = Some(context.enrichment);
    let mut document = normalize(object, &normalize_context);
    let key = EventKey::of_document(&document, record.text);
    let id = document_id(&document, &key);
    document.set("log.file.path", name);
    document.set("log.offset", record.offset);
    let raw = Some(record.text.to_owned());
    (DecodedEvent { id, data_stream: context.cloudtrail.clone(), document, raw, time }, key)
}

fn shipped_event(
    record: &RawRecord<'_>,
    name: &str,
    object: Map<String, Value>,
    context: &EventContext<'_>,
) -> (DecodedEvent, EventKey) {
    let (mut event, key) = ecs_event(object, record.text, &context.fallback);
    let document = &mut event.document;
    // Where the shipper found it says more than where it lies now, and rules may ask for it.
    if document.as_map().get("log").is_none_or(Value::is_object) {
        if document.first("log.file.path").is_none() {
            document.set("log.file.path", name);
        }
        if document.first("log.offset").is_none() {
            document.set("log.offset", record.offset);
        }
    }
    (event, key)
}

/// The event that a document or a search hit is; `text` is what it was read from.
pub(crate) fn ecs_event(
    object: Map<String, Value>,
    text: &str,
    fallback: &DataStream,
) -> (DecodedEvent, EventKey) {
    let EcsEvent { document, data_stream, id } = read_ecs(object, fallback);
    let key = match &id {
        Some(id) => EventKey::of_event(id, Some(&data_stream.name())),
        None => EventKey::of_document(&document, text),
    };
    let id = id.map_or_else(|| document_id(&document, &key), String::from);
    let time = document_time(&document);
    (DecodedEvent { id, data_stream, document, raw: None, time }, key)
}

/// Counts an event.
pub(crate) fn add_event(account: &mut InputAccount, event: &DecodedEvent) {
    account.add_event(event.account(), event.region(), event.time);
}

/// The `@timestamp` of a document, where it is a date.
pub(crate) fn document_time(document: &Document) -> Option<Timestamp> {
    match document.first("@timestamp")? {
        ecs::Scalar::Int(milliseconds) => Timestamp::from_millisecond(milliseconds).ok(),
        ecs::Scalar::Str(text) => date(text),
        ecs::Scalar::Float(_) | ecs::Scalar::Bool(_) => None,
    }
}

/// ISO 8601: UTC where no offset is given, midnight where no time is.
fn date(text: &str) -> Option<Timestamp> {
    let civil = |text: &str| {
        let at: jiff::civil::DateTime = text.parse().ok()?;
        Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    text.parse().ok().or_else(|| civil(text))
}
