//! Whatever is done to a lake in whatever order, it holds what a simple list of the acknowledged events holds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use std::collections::BTreeMap;
use std::path::Path;

use bartizan_lake::{Event, Lake, ScanRequest, Settings, Snapshot, Store, TimeField};
use ecs::{DataStream, TimeRange};
use jiff::SignedDuration;
use proptest::prelude::*;
use sample::{at, document, everything, small};
use serde_json::{Value, json};

#[derive(Debug, Clone)]
enum Step {
    /// A data stream, and events: number, second, value of a field whose type varies.
    Append(bool, Vec<(u8, u8, u8)>),
    Flush,
    Compact,
    Retain,
    /// Hours pass.
    Wait(u8),
    Reopen,
    /// A second writer brings events and flushes them.
    Other(Vec<(u8, u8, u8)>),
    /// Events of a range of seconds, by either time.
    Scan(u8, u8, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let events = || prop::collection::vec((0u8..30, 0u8..60, 0u8..6), 0..12);
    let step = prop_oneof![
        5 => (any::<bool>(), events()).prop_map(|(stream, events)| Step::Append(stream, events)),
        3 => Just(Step::Flush),
        2 => Just(Step::Compact),
        1 => Just(Step::Retain),
        2 => (0u8..40).prop_map(Step::Wait),
        2 => Just(Step::Reopen),
        2 => events().prop_map(Step::Other),
        2 => (0u8..60, 0u8..60, any::<bool>()).prop_map(|(a, b, field)| Step::Scan(a, b, field)),
    ];
    prop::collection::vec(step, 1..40)
}

fn made(number: u8, second: u8, value: u8) -> Event {
    let odd = [json!(1), json!("x"), json!([1, 2]), json!(2.5), json!({"k": true}), Value::Null];
    // Some have no time.
    let time =
        if number % 11 == 10 { json!("unknown") } else { json!(at(i64::from(second) * 1_000).to_string()) };
    Event {
        id: format!("event-{number}"),
        document: document(json!({"@timestamp": time, "odd": odd[usize::from(value)], "n": number})),
        raw: number.is_multiple_of(2).then(|| format!("raw {number}")),
    }
}

/// By data stream, id and `@timestamp`: the document as it was first acknowledged, and when in hours.
type Model = BTreeMap<(String, String, String), (Value, i64)>;

fn key(stream: &DataStream, event: &Event) -> (String, String, String) {
    let time = event.document.text("@timestamp").unwrap().to_owned();
    (stream.name(), event.id.clone(), time)
}

fn expected(event: &Event, hour: i64) -> Value {
    let mut document = event.document.clone();
    document.set("event.ingested", format!("{:.3}", at(hour * 3_600_000)));
    if let Some(raw) = &event.raw {
        document.set("event.original", raw.clone());
    }
    Value::Object(document.into_map())
}

fn found(snapshot: &Snapshot, request: &ScanRequest) -> Vec<((String, String, String), Value)> {
    snapshot
        .documents(request)
        .map(|event| {
            let event = event.unwrap();
            let time = event.document.text("@timestamp").unwrap().to_owned();
            let value = Value::Object(event.document.into_map());
            ((event.data_stream.name(), event.id, time), value)
        })
        .collect()
}

fn settings() -> Settings {
    Settings {
        file_rows: 40,
        known_ids: 20,
        retention: Some(SignedDuration::from_hours(50)),
        grace: SignedDuration::from_hours(10),
        max_columns: 3,
        ..small()
    }
}

fn open(folder: &Path, log: &str) -> Lake {
    Lake::open(Store::folder(folder.join("lake")), &folder.join(log), settings()).unwrap()
}

fn check(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let streams = [DataStream::logs("a"), DataStream::logs("b")];
    let mut lake = Some(open(folder.path(), "log"));
    let other = open(folder.path(), "other-log");
    let mut model = Model::new();
    let mut hour = 0i64;
    for step in steps {
        let mut one = lake.take().unwrap();
        let now = at(hour * 3_600_000);
        match step {
            Step::Append(which, events) => {
                let stream = &streams[usize::from(which)];
                let events: Vec<Event> = events.into_iter().map(|(n, s, v)| made(n, s, v)).collect();
                // What the other writer brought is not known before the next commit: nothing exact then.
                one.append(stream, events.clone(), now).unwrap();
                for event in &events {
                    model.entry(key(stream, event)).or_insert_with(|| (expected(event, hour), hour));
                }
            }
            Step::Flush => drop(one.flush().unwrap()),
            Step::Compact => drop(one.compact(now).unwrap()),
            Step::Retain => {
                one.flush().unwrap();
                one.retain(now).unwrap();
                let there: BTreeMap<_, _> =
                    found(&one.snapshot().unwrap(), &everything()).into_iter().collect();
                model.retain(|key, (_, ingested)| {
                    there.contains_key(key) || {
                        assert!(*ingested < hour - 50, "{key:?} of hour {ingested} is gone in hour {hour}");
                        false
                    }
                });
            }
            Step::Wait(hours) => hour += i64::from(hours),
            Step::Reopen => {
                drop(one);
                one = open(folder.path(), "log");
            }
            Step::Other(events) => {
                // Its flush must come after everything of ours, so that it is clear which of two is kept.
                one.flush().unwrap();
                other.refresh().unwrap();
                let events: Vec<Event> = events.into_iter().map(|(n, s, v)| made(n, s, v)).collect();
                other.append(&streams[0], events.clone(), now).unwrap();
                other.flush().unwrap();
                for event in &events {
                    model.entry(key(&streams[0], event)).or_insert_with(|| (expected(event, hour), hour));
                }
                one.refresh().unwrap();
            }
            Step::Scan(a, b, ingested) => {
                let (field, unit) =
                    if ingested { (TimeField::Ingested, 3_600_000) } else { (TimeField::Timestamp, 1_000) };
                let time = TimeRange {
                    from: Some(at(i64::from(a.min(b)) * unit)),
                    to: Some(at(i64::from(a.max(b)) * unit)),
                };
                let request = ScanRequest { time, time_field: field, ..everything() };
                let mut read = found(&one.snapshot().unwrap(), &request);
                let mut expected: Vec<_> = model
                    .iter()
                    .filter(|((_, _, happened), (_, hour))| match field {
                        TimeField::Ingested => time.contains(at(hour * 3_600_000)),
                        TimeField::Timestamp => happened.parse().is_ok_and(|at| time.contains(at)),
                    })
                    .map(|(key, (value, _))| (key.clone(), value.clone()))
                    .collect();
                read.sort_by(|a, b| a.0.cmp(&b.0));
                expected.sort_by(|a, b| a.0.cmp(&b.0));
                assert_eq!(read, expected);
            }
        }
        let mut read = found(&one.snapshot().unwrap(), &everything());
        read.sort_by(|a, b| a.0.cmp(&b.0));
        let expected: Vec<_> = model.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect();
        assert_eq!(read, expected);
        lake = Some(one);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("LAKE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
    ))]

    #[test]
    fn a_lake_holds_what_was_acknowledged(steps in steps()) {
        check(steps);
    }
}
