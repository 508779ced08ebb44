//! A raw record as the event that a lake keeps: the document, data stream and id that a hunt over the same bytes sees.

use ecs::{DataStream, Document, Timestamp};
use ingest::decode::{FaultReason, RawRecord, RecordKind};
use ingest::duplicate::EventKey;
use ingest::enrich::Enrichment;
use ingest::integration::aws_cloudtrail::{DATASET, NormalizeContext, event_time, normalize};
use ingest::integration::ecs::{EcsEvent, read_ecs};
use ingest::ledger::DropReason;
use lake::Event;
use matcher::value::date_of;
use serde_json::{Map, Value};

/// What an event depends on beside its record.
#[derive(Debug)]
pub(super) struct RecordContext<'a> {
    name: &'a str,
    /// The present: `event.created`.
    now: Timestamp,
    /// The time of records without one.
    modified: Timestamp,
    enrichment: &'a Enrichment,
    cloudtrail: DataStream,
    /// Where documents belong that do not say it.
    fallback: DataStream,
}

impl<'a> RecordContext<'a> {
    pub(super) fn new(
        name: &'a str,
        now: Timestamp,
        modified: Timestamp,
        enrichment: &'a Enrichment,
    ) -> Self {
        let (cloudtrail, fallback) = (DataStream::logs(DATASET), DataStream::logs("generic"));
        Self { name, now, modified, enrichment, cloudtrail, fallback }
    }
}

/// An event, and what the account says of it.
#[derive(Debug)]
pub(super) struct ReadEvent {
    pub(super) data_stream: DataStream,
    pub(super) event: Event,
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
    /// `None` when the record does not say.
    pub(super) time: Option<Timestamp>,
}

/// Why a record gives no event.
#[derive(Debug)]
pub(super) enum NoEvent {
    /// It is none.
    Dropped(DropReason),
    /// It cannot be read after all.
    Fault(FaultReason),
}

pub(super) fn read_event(record: &RawRecord<'_>, context: &RecordContext<'_>) -> Result<ReadEvent, NoEvent> {
    if record.kind == RecordKind::CloudTrailDigest {
        return Err(NoEvent::Dropped(DropReason::NotAnEvent(record.kind)));
    }
    let Ok(Value::Object(object)) = serde_json::from_str(record.text) else {
        return Err(NoEvent::Fault(FaultReason::InvalidJson));
    };
    Ok(match record.kind {
        RecordKind::Ecs => ecs_event(record, object, context),
        _ => cloudtrail_event(record, object, context),
    })
}

fn cloudtrail_event(
    record: &RawRecord<'_>,
    object: Map<String, Value>,
    context: &RecordContext<'_>,
) -> ReadEvent {
    let time = event_time(&object);
    let made = if time.is_some() { context.now } else { context.modified };
    let mut normalize_context = NormalizeContext::new(made, &context.cloudtrail);
    normalize_context.enrich = Some(context.enrichment);
    let mut document = normalize(object, &normalize_context);
    let id = document_id(&document, record);
    document.set("log.file.path", context.name);
    document.set("log.offset", record.offset);
    let raw = Some(record.text.to_owned());
    read(context.cloudtrail.clone(), Event { id, document, raw }, time)
}

fn ecs_event(record: &RawRecord<'_>, object: Map<String, Value>, context: &RecordContext<'_>) -> ReadEvent {
    let EcsEvent { mut document, data_stream, id } = read_ecs(object, &context.fallback);
    let id = id.map_or_else(|| document_id(&document, record), String::from);
    let time = document.first("@timestamp").and_then(date_of);
    let time = time.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    // Where the shipper found it says more than where it lies now.
    if document.as_map().get("log").is_none_or(Value::is_object) {
        if document.first("log.file.path").is_none() {
            document.set("log.file.path", context.name);
        }
        if document.first("log.offset").is_none() {
            document.set("log.offset", record.offset);
        }
    }
    read(data_stream, Event { id, document, raw: None }, time)
}

fn read(data_stream: DataStream, event: Event, time: Option<Timestamp>) -> ReadEvent {
    let text = |field| event.document.text(field).map(str::to_owned);
    let account = text("aws.cloudtrail.recipient_account_id").or_else(|| text("cloud.account.id"));
    let region = text("cloud.region");
    ReadEvent { data_stream, event, account, region, time }
}

/// What tells an event from all others of its data stream: its id, and the account that received it. An event without an id
/// is told by all its bytes.
fn document_id(document: &Document, record: &RawRecord<'_>) -> String {
    match (document.text("event.id"), document.text("aws.cloudtrail.recipient_account_id")) {
        (Some(id), Some(account)) => format!("{id}@{account}"),
        (Some(id), None) => id.to_owned(),
        (None, _) => EventKey::of_bytes(record.text.as_bytes()).to_string(),
    }
}
