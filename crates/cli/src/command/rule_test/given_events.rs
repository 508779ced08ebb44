//! The events of a test: what is written in it, as records that each have an id.

use std::fs;
use std::path::Path;

use ecs::{DataStream, Document, Timestamp};
use ingest::decode::{Buffers, Item, Limits, Outcome, RecordKind, decode};
use ingest::integration::aws_cloudtrail::event_time;
use ingest::integration::ecs::read_ecs;
use matcher::value::date_of;
use query::{Diagnostic, Span};
use rule::rule_test::{EventKind, GivenEvents, RuleTest};
use serde_json::{Map, Value, json};

/// An event of a test.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GivenEvent {
    /// CloudTrail's `eventID`, or the document's `_id` or else `event.id`; of an event without one its place among
    /// the others: `event-1`, or `history-1`.
    pub(super) id: String,
    pub(super) kind: RecordKind,
    /// The record, with the id in it.
    pub(super) record: Map<String, Value>,
    pub(super) time: Option<Timestamp>,
    /// Did it happen before what the test is about?
    pub(super) is_history: bool,
}

/// The events of a test, history first. `folder` is where the test's file lies.
///
/// # Errors
/// What cannot be read as events.
pub(super) fn given_events(test: &RuleTest, folder: &Path) -> Result<Vec<GivenEvent>, Vec<Diagnostic>> {
    let (mut events, mut faults) = (Vec::new(), Vec::new());
    for (given, is_history) in [(&test.history, true), (&test.events, false)] {
        let mut records = Vec::new();
        for given in given {
            let read = match given {
                GivenEvents::Table(table) => {
                    of_table(table.value.clone(), test.kind, table.span).map(|r| vec![r])
                }
                GivenEvents::Text(text) => of_bytes(text.value.as_bytes(), text.span),
                GivenEvents::File(file) => of_file(&folder.join(&file.value), file.span),
            };
            match read {
                Ok(read) => records.extend(read),
                Err(fault) => faults.push(fault),
            }
        }
        let of = if is_history { "history" } else { "event" };
        events.extend(
            records
                .into_iter()
                .enumerate()
                .map(|(at, (kind, record))| event(kind, record, format!("{of}-{}", at + 1), is_history)),
        );
    }
    if faults.is_empty() { Ok(events) } else { Err(faults) }
}

/// The events as a hunt reads them: one record a line.
pub(super) fn as_input(events: &[GivenEvent]) -> Vec<u8> {
    let mut input = Vec::new();
    for event in events {
        input.extend_from_slice(Value::Object(event.record.clone()).to_string().as_bytes());
        input.push(b'\n');
    }
    input
}

type Record = (RecordKind, Map<String, Value>);

fn of_table(record: Map<String, Value>, kind: Option<EventKind>, place: Span) -> Result<Record, Diagnostic> {
    let has = |key: &str| record.contains_key(key);
    let like_cloudtrail =
        !has("@timestamp") && ["eventVersion", "eventName", "eventSource", "eventID"].into_iter().any(has);
    let like_ecs = record.keys().any(|key| {
        ["@timestamp", "_source", "_index", "event"].contains(&key.as_str()) || key.starts_with("event.")
    });
    match kind {
        Some(EventKind::CloudTrail) if has("@timestamp") || has("_source") => {
            let fault = Diagnostic::error(
                "test::unreadable-event",
                "this is an ECS document and no raw CloudTrail record",
            );
            Err(fault.at(place).help("the kind of such events is \"ecs\""))
        }
        Some(EventKind::CloudTrail) => Ok((RecordKind::CloudTrail, record)),
        None if like_cloudtrail => Ok((RecordKind::CloudTrail, record)),
        None if !like_ecs => {
            let message = "this is neither like a CloudTrail record nor like an ECS document";
            let fault = Diagnostic::error("test::unreadable-event", message).at(place);
            Err(fault.help("say in the test what it is: kind = \"cloudtrail\" or kind = \"ecs\""))
        }
        None | Some(EventKind::Ecs) => Ok((RecordKind::Ecs, record)),
    }
}

fn of_file(path: &Path, place: Span) -> Result<Vec<Record>, Diagnostic> {
    let bytes = fs::read(path).map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        Diagnostic::error("test::unreadable-event", message).at(place)
    })?;
    of_bytes(&bytes, place)
}

/// Events in any form that a hunt reads; one that cannot be read would be missed in silence, so it is a fault.
fn of_bytes(bytes: &[u8], place: Span) -> Result<Vec<Record>, Diagnostic> {
    let (mut records, mut fault) = (Vec::new(), None);
    let decoded = decode(bytes, &Limits::default(), &mut Buffers::new(), &mut |item| match item {
        Item::Record(record) if record.kind == RecordKind::CloudTrailDigest => {
            fault
                .get_or_insert_with(|| format!("the record at byte {} is a digest: no event", record.offset));
        }
        Item::Record(record) => match serde_json::from_str(record.text) {
            Ok(Value::Object(object)) => records.push((record.kind, object)),
            _ => {
                fault.get_or_insert_with(|| format!("the record at byte {} is no JSON", record.offset));
            }
        },
        Item::Fault(found) => {
            fault.get_or_insert_with(|| format!("at byte {}: {}", found.offset, found.reason));
        }
    });
    if let Outcome::Skipped(reason) = decoded.outcome {
        fault.get_or_insert_with(|| reason.to_string());
    }
    match fault {
        None => Ok(records),
        Some(reason) => {
            let message = format!("these events cannot be read: {reason}");
            Err(Diagnostic::error("test::unreadable-event", message).at(place))
        }
    }
}

fn event(kind: RecordKind, mut record: Map<String, Value>, place: String, is_history: bool) -> GivenEvent {
    if kind != RecordKind::Ecs {
        let id = record.get("eventID").and_then(Value::as_str).map_or(place, str::to_owned);
        record.insert("eventID".to_owned(), id.as_str().into());
        return GivenEvent { id, kind, time: event_time(&record), record, is_history };
    }
    let read = read_ecs(record.clone(), &DataStream::logs("generic"));
    let id = read.id.as_deref().or_else(|| read.document.text("event.id")).map_or(place, str::to_owned);
    let time = time_of(&read.document);
    if ["_source", "fields"].into_iter().any(|key| record.contains_key(key)) && record.contains_key("_index")
    {
        record.insert("_id".to_owned(), id.as_str().into());
    } else if !record.contains_key("_source") {
        // As a search hit, so that it is known as an event whatever is in it.
        let index = record.remove("_index");
        record.remove("_id");
        record =
            Map::from_iter([("_id".to_owned(), json!(id)), ("_source".to_owned(), Value::Object(record))]);
        record.extend(index.map(|index| ("_index".to_owned(), index)));
    } else {
        record.insert("_id".to_owned(), id.as_str().into());
    }
    GivenEvent { id, kind, record, time, is_history }
}

fn time_of(document: &Document) -> Option<Timestamp> {
    let milliseconds = document.first("@timestamp").and_then(date_of)?;
    Timestamp::from_millisecond(milliseconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Result<Vec<GivenEvent>, Vec<Diagnostic>> {
        let text = format!("[[test]]\nname = \"a\"\nalerts = []\n{text}");
        let file = rule::rule_test::read(&text).unwrap();
        given_events(&file.tests[0], Path::new("."))
    }

    #[test]
    fn every_event_has_an_id() {
        let events = given(
            r#"
events = [
  { eventName = "A" }, { eventName = "B", eventID = "b" }, { event.id = "c" }, { _id = "d", event.id = "e" },
  { "@timestamp" = "2026-01-01T00:00:01Z", eventName = "no record" },
]
history = '''{"eventName":"A","eventTime":"2026-01-01T00:00:00Z"}'''
"#,
        )
        .unwrap();
        let shown: Vec<(&str, RecordKind, bool, Option<i64>)> = events
            .iter()
            .map(|e| (e.id.as_str(), e.kind, e.is_history, e.time.map(Timestamp::as_second)))
            .collect();
        use RecordKind::{CloudTrail, Ecs};
        assert_eq!(
            shown,
            [
                ("history-1", CloudTrail, true, Some(1_767_225_600)),
                ("event-1", CloudTrail, false, None),
                ("b", CloudTrail, false, None),
                ("c", Ecs, false, None),
                ("d", Ecs, false, None),
                ("event-5", Ecs, false, Some(1_767_225_601)),
            ]
        );
        let mut read = 0;
        let decoded = decode(&as_input(&events), &Limits::default(), &mut Buffers::new(), &mut |item| {
            let Item::Record(record) = item else { panic!("{item:?}") };
            assert_eq!(record.kind, events[read].kind);
            read += 1;
        });
        assert_eq!((read, decoded.outcome), (6, Outcome::Read));
    }

    #[test]
    fn what_is_no_event_is_a_fault() {
        for (text, expected) in [
            ("events = '{\"a\": 1}'", "these events cannot be read"),
            ("events = '{\"eventName\": '", "these events cannot be read"),
            ("events = [{ detail = { eventName = \"A\" } }]", "this is neither"),
            ("files = 'no such file'", "cannot read ./no such file"),
            ("events = [{ \"@timestamp\" = 1 }]\nkind = 'cloudtrail'", "this is an ECS document"),
        ] {
            let faults = given(text).unwrap_err();
            assert!(faults[0].message.starts_with(expected), "{faults:?}");
            assert!(faults[0].span.is_some());
        }
    }
}
