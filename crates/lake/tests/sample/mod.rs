//! Events of our own making, and looks at a lake that every test takes.

#![allow(dead_code, clippy::allow_attributes, reason = "each test takes some of these")]
#![allow(unreachable_pub, reason = "a module of several tests")]

use std::collections::BTreeMap;
use std::path::Path;

use bartizan_lake::{Event, Lake, ScanRequest, Settings, Snapshot, Store};
use ecs::{DataStream, Document, IndexPatterns, Timestamp};
use serde_json::json;

/// Milliseconds since the epoch of the first sample event: 2026-03-14T00:00:00Z.
pub const START: i64 = 1_773_446_400_000;

pub fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(START + milliseconds).unwrap()
}

pub fn stream() -> DataStream {
    DataStream::logs("aws.cloudtrail")
}

pub fn document(value: serde_json::Value) -> Document {
    match value {
        serde_json::Value::Object(map) => Document::from_map(map),
        other => panic!("{other} is not an object"),
    }
}

/// An event of a number, a second later for each.
pub fn event(number: i64) -> Event {
    event_at(number, number * 1_000)
}

/// An event of a number at a time.
pub fn event_at(number: i64, milliseconds: i64) -> Event {
    let action =
        ["DeleteImportedKeyMaterial", "DisableKey", "DescribeKey", "GenerateDataKey"][number as usize % 4];
    Event {
        id: format!("event-{number}"),
        document: document(json!({
            "@timestamp": at(milliseconds).to_string(),
            "event": {"action": action, "provider": "kms.amazonaws.com", "outcome": "success", "category": ["iam"]},
            "source": {"ip": format!("198.51.100.{}", number % 256)},
            "aws": {"cloudtrail": {"flattened": {"request_parameters": {"keyId": format!("key-{number}")}}}},
            "sample": {"number": number},
        })),
        raw: Some(format!("{{\"eventName\":\"{action}\",\"n\":{number}}}")),
    }
}

/// Sizes at which a few events make a file and a few files are compacted.
pub fn small() -> Settings {
    Settings { row_group_rows: 8, compact_from_files: 2, file_rows: 100, ..Settings::default() }
}

pub fn open(folder: &Path) -> Lake {
    open_with(folder, small())
}

pub fn open_with(folder: &Path, settings: Settings) -> Lake {
    Lake::open(Store::folder(folder), &folder.join("log"), settings).unwrap()
}

pub fn everything() -> ScanRequest {
    ScanRequest { streams: IndexPatterns::new(["logs-*"]), ..ScanRequest::default() }
}

/// How often each event is there, by its id.
pub fn ids(snapshot: &Snapshot) -> BTreeMap<String, u64> {
    ids_of(snapshot, &everything())
}

pub fn ids_of(snapshot: &Snapshot, request: &ScanRequest) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for event in snapshot.documents(request) {
        *found.entry(event.unwrap().id).or_default() += 1;
    }
    found
}

/// The events of these numbers, each once.
pub fn once(numbers: impl IntoIterator<Item = i64>) -> BTreeMap<String, u64> {
    numbers.into_iter().map(|number| (format!("event-{number}"), 1)).collect()
}

/// Copies a folder with everything in it, as it would be found after a crash at this moment.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
