//! What a lake does, one behaviour a test, on a local folder.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use bartizan_lake::{
    Column, Condition, Event, Kind, Lake, LakeError, ScanRequest, Settings, Snapshot, Store, TimeField,
};
use ecs::{DataStream, IndexPatterns, Scalar, TimeRange};
use jiff::SignedDuration;
use sample::{at, document, event, event_at, everything, ids, ids_of, once, open, open_with, small, stream};
use serde_json::json;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn an_event_comes_back_as_it_went_in() {
    let folder = folder();
    let lake = open(folder.path());
    lake.append(&stream(), vec![event(7)], at(60_000)).unwrap();
    let mut expected = event(7).document;
    expected.set("event.ingested", "2026-03-14T00:01:00.000Z");
    expected.set("event.original", event(7).raw.unwrap());
    for flushed in [false, true] {
        if flushed {
            lake.flush().unwrap();
        }
        let found: Vec<_> =
            lake.snapshot().unwrap().documents(&everything()).map(|event| event.unwrap()).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0].document, &*found[0].id, &found[0].data_stream),
            (&expected, "event-7", &stream())
        );
    }
}

#[test]
fn the_raw_record_of_a_document_is_kept_once() {
    let folder = folder();
    let lake = open(folder.path());
    let given = document(json!({"@timestamp": "2026-03-14T00:00:00Z", "event": {"original": "the record"}}));
    lake.append(&stream(), vec![Event { id: "a".into(), document: given, raw: None }], at(0)).unwrap();
    let request = ScanRequest {
        columns: Some(["event.original", "_source"].map(str::to_owned).into()),
        ..everything()
    };
    let batch = lake.snapshot().unwrap().scan(&request).next().unwrap().unwrap().batch;
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "the record");
    assert!(!batch.column(1).as_string::<i32>().value(0).contains("the record"));
}

/// A node that slept while another took the lake over brings nothing into files that the other's readers are past.
#[test]
fn who_was_taken_over_writes_no_file_until_it_takes_over_again() {
    let folder = folder();
    let open =
        |name: &str| Lake::open(Store::folder(folder.path()), &folder.path().join(name), small()).unwrap();
    let (first, second, bystander) = (open("log-1"), open("log-2"), open("log-3"));
    first.take_over().unwrap();
    first.append(&stream(), vec![event(1)], at(0)).unwrap();
    first.flush().unwrap();
    first.append(&stream(), vec![event(2)], at(1_000)).unwrap();
    second.take_over().unwrap();
    assert!(matches!(first.flush(), Err(LakeError::TakenOver { .. })));
    second.append(&stream(), vec![event(3)], at(2_000)).unwrap();
    second.flush().unwrap();
    // Others write as before.
    bystander.append(&stream(), vec![event(4)], at(3_000)).unwrap();
    bystander.flush().unwrap();
    assert!(matches!(first.flush(), Err(LakeError::TakenOver { .. })));
    let there = |names: &[&str]| {
        let snapshot = Snapshot::read(Store::folder(folder.path()), None, &small()).unwrap();
        let found = ids(&snapshot);
        assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), names);
        assert!(found.values().all(|count| *count == 1), "{found:?}");
    };
    there(&["event-1", "event-3", "event-4"]);
    // What it held is still there.
    first.take_over().unwrap();
    assert!(first.unflushed_since().unwrap().is_some());
    first.flush().unwrap();
    there(&["event-1", "event-2", "event-3", "event-4"]);
    assert!(second.append(&stream(), vec![event(5)], at(4_000)).is_ok());
    assert!(matches!(second.flush(), Err(LakeError::TakenOver { .. })));
}

#[test]
fn odd_shapes_of_documents_survive() {
    let folder = folder();
    let lake = open(folder.path());
    let shapes = [
        json!({"event": "no object", "a": 1}),
        json!({"event": [{"action": "x"}, {"action": "y"}]}),
        json!({"event.ingested": "2020-01-01T00:00:00Z", "event.original": "dotted"}),
        json!({"event": {"original": ["a", "b"]}, "_id": "inner", "_source": {"x": 1}}),
        json!({"a": {"b": null, "c": []}, "@timestamp": "never"}),
        json!({}),
    ];
    for (number, shape) in shapes.iter().enumerate() {
        let event = Event { id: number.to_string(), document: document(shape.clone()), raw: None };
        lake.append(&stream(), vec![event], at(0)).unwrap();
    }
    lake.flush().unwrap();
    let found: Vec<_> = lake.snapshot().unwrap().documents(&everything()).map(|e| e.unwrap()).collect();
    assert_eq!(found.len(), shapes.len());
    for event in found {
        let shape = &shapes[event.id.parse::<usize>().unwrap()];
        let mut read = event.document;
        assert_eq!(read.first("event.ingested"), Some(Scalar::Str("2026-03-14T00:00:00.000Z")), "{shape}");
        // Apart from the stamp, nothing differs.
        let map = read.as_map_mut();
        map.remove("event.ingested");
        if let Some(event) = map.get_mut("event").and_then(|event| event.as_object_mut()) {
            event.remove("ingested");
        }
        if map.get("event").is_some_and(|event| event.as_object().is_some_and(|event| event.is_empty())) {
            map.remove("event");
        }
        let mut expected = shape.as_object().unwrap().clone();
        expected.remove("event.ingested");
        assert_eq!(*map, expected);
    }
}

#[test]
fn a_delivery_that_comes_again_doubles_nothing() {
    let folder = folder();
    let lake = open(folder.path());
    let delivery = || (0..20).map(event).collect::<Vec<_>>();
    assert_eq!(lake.append(&stream(), delivery(), at(0)).unwrap().appended, 20);
    for step in 0..4 {
        match step {
            1 => drop(lake.flush().unwrap()),
            2 => {
                lake.append(&stream(), (20..40).map(event).collect(), at(0)).unwrap();
                lake.flush().unwrap();
                assert_eq!(lake.compact(at(0)).unwrap().replaced, 2);
            }
            _ => {}
        }
        let receipt = lake.append(&stream(), delivery(), at(1)).unwrap();
        assert_eq!((receipt.appended, receipt.duplicates), (0, 20), "step {step}");
    }
    drop(lake);
    let lake = open(folder.path());
    assert_eq!(lake.append(&stream(), delivery(), at(1)).unwrap().appended, 0);
    // Twice in one append; and the same id at another time is another event.
    let twice = vec![event(50), event(50), event_at(50, 7)];
    let receipt = lake.append(&stream(), twice, at(1)).unwrap();
    assert_eq!((receipt.appended, receipt.duplicates), (2, 1));
    // Another data stream is another place.
    assert_eq!(lake.append(&DataStream::logs("other"), delivery(), at(1)).unwrap().appended, 20);
    lake.flush().unwrap();
    // The last two deliveries before the lake was closed brought nothing that would have carried their number.
    let info = lake.snapshot().unwrap().info();
    assert_eq!(info[0].duplicates, 2 * 20 + 20 + 1);
}

#[test]
fn what_was_appended_is_there_after_opening_again() {
    let folder = folder();
    for round in 0..6 {
        let lake = open(folder.path());
        assert_eq!(ids(&lake.snapshot().unwrap()), once(0..round * 10));
        lake.append(&stream(), (round * 10..round * 10 + 10).map(event).collect(), at(0)).unwrap();
        assert_eq!(ids(&lake.snapshot().unwrap()), once(0..round * 10 + 10));
        if round % 3 == 1 {
            lake.flush().unwrap();
        }
    }
}

#[test]
fn a_snapshot_stays_as_it_is() {
    let folder = folder();
    let lake = open(folder.path());
    lake.append(&stream(), (0..10).map(event).collect(), at(0)).unwrap();
    let in_memory = lake.snapshot().unwrap();
    lake.flush().unwrap();
    let in_one_file = lake.snapshot().unwrap();
    lake.append(&stream(), (10..20).map(event).collect(), at(0)).unwrap();
    lake.flush().unwrap();
    lake.compact(at(0)).unwrap();
    lake.retain(at(0)).unwrap();
    for (snapshot, expected) in [(&in_memory, 10), (&in_one_file, 10), (&lake.snapshot().unwrap(), 20)] {
        assert_eq!(ids(snapshot), once(0..expected));
    }
    // After the grace the files of the old one are gone, which it says.
    let later = at(16 * 60_000);
    assert_eq!(lake.retain(later).unwrap().deleted, 2);
    assert!(matches!(in_one_file.documents(&everything()).next(), Some(Err(LakeError::DamagedFile { .. }))));
    assert_eq!(ids(&lake.snapshot().unwrap()), once(0..20));
}

#[test]
fn another_process_reads_what_is_acknowledged() {
    let folder = folder();
    let lake = open(folder.path());
    lake.append(&stream(), (0..10).map(event).collect(), at(0)).unwrap();
    lake.flush().unwrap();
    lake.append(&stream(), (10..15).map(event).collect(), at(0)).unwrap();
    let log = folder.path().join("log");
    let read = |log| ids(&Snapshot::read(Store::folder(folder.path()), log, &small()).unwrap());
    assert_eq!(read(Some(&*log)), once(0..15));
    assert_eq!(read(None), once(0..10));
    let second = Lake::open(Store::folder(folder.path()), &log, small());
    assert!(matches!(second, Err(LakeError::Locked { .. })));
}

#[test]
fn a_field_keeps_its_type_and_what_does_not_fit_is_counted() {
    let folder = folder();
    let lake = open(folder.path());
    let values = [json!(5), json!("many"), json!("6"), json!([7, "x", 8]), json!({"deep": true})];
    for (number, value) in values.iter().enumerate() {
        let document = document(json!({"@timestamp": at(number as i64).to_string(), "odd": value}));
        lake.append(&stream(), vec![Event { id: number.to_string(), document, raw: None }], at(0)).unwrap();
        if number % 2 == 0 {
            lake.flush().unwrap();
        }
    }
    let snapshot = lake.snapshot().unwrap();
    let info = &snapshot.info()[0];
    assert_eq!(info.clashes, [("odd".to_owned(), 2)].into());
    assert_eq!(info.columns["odd"], Column { kind: Kind::Long, list: true });
    assert_eq!(info.columns["odd.deep"], Column { kind: Kind::Boolean, list: false });
    let request = ScanRequest { columns: Some(vec!["odd".to_owned(), "_id".to_owned()]), ..everything() };
    let mut read = std::collections::BTreeMap::new();
    for batch in snapshot.scan(&request) {
        let batch = batch.unwrap().batch;
        let (lists, ids) = (batch.column(0).as_list::<i32>(), batch.column(1).as_string::<i32>());
        for row in 0..batch.num_rows() {
            let list = lists
                .is_valid(row)
                .then(|| lists.value(row).as_primitive::<arrow_array::types::Int64Type>().values().to_vec());
            read.insert(ids.value(row).to_owned(), list);
        }
    }
    let expected = [Some(vec![5]), None, Some(vec![6]), Some(vec![7, 8]), None];
    assert_eq!(read.into_values().collect::<Vec<_>>(), expected);
    // The documents have every value, and a condition on one that clashed does not leave out its file.
    let condition = Condition::AnyOf { field: "odd".to_owned(), values: vec!["many".to_owned()] };
    let request = ScanRequest { conditions: vec![condition], ..everything() };
    let found = snapshot.documents(&request).map(|e| e.unwrap()).find(|e| e.id == "1").unwrap();
    assert_eq!(found.document.text("odd"), Some("many"));
}

#[test]
fn fields_beyond_the_limit_are_in_the_document_and_can_be_asked_for() {
    let folder = folder();
    let lake = open_with(folder.path(), Settings { max_columns: 2, ..small() });
    let given = json!({"@timestamp": at(0).to_string(), "a": 1, "b": 2, "c": "three"});
    lake.append(&stream(), vec![Event { id: "x".into(), document: document(given), raw: None }], at(0))
        .unwrap();
    lake.flush().unwrap();
    let snapshot = lake.snapshot().unwrap();
    assert_eq!((snapshot.info()[0].columns.len(), snapshot.info()[0].without_column), (2, 1));
    let names = ["c", "aws.cloudtrail.flattened.request_parameters.any", "nowhere"];
    let request = ScanRequest { columns: Some(names.map(str::to_owned).into()), ..everything() };
    let batch = snapshot.scan(&request).next().unwrap().unwrap().batch;
    assert_eq!(batch.column(0).as_list::<i32>().value(0).as_string::<i32>().value(0), "three");
    assert!(batch.column(1).is_null(0) && batch.column(2).is_null(0));
}

#[test]
fn a_key_of_a_flattened_field_is_read_out_of_the_documents() {
    let folder = folder();
    let lake = open(folder.path());
    lake.append(&stream(), (0..3).map(event).collect(), at(0)).unwrap();
    lake.flush().unwrap();
    let name = "aws.cloudtrail.flattened.request_parameters.keyId";
    let snapshot = lake.snapshot().unwrap();
    assert!(!snapshot.info()[0].columns.contains_key(name));
    let request = ScanRequest { columns: Some(vec![name.to_owned()]), ..everything() };
    let batch = snapshot.scan(&request).next().unwrap().unwrap().batch;
    let keys = batch.column(0).as_list::<i32>();
    assert_eq!(keys.value(2).as_string::<i32>().value(0), "key-2");
}

#[test]
fn a_scan_opens_only_the_files_that_it_needs() {
    let folder = folder();
    let lake = open(folder.path());
    for hour in 0..10 {
        let number = hour * 10;
        let events = (number..number + 10).map(|n| event_at(n, hour * 3_600_000 + n % 10 * 1_000)).collect();
        lake.append(&stream(), events, at(hour * 3_600_000 + 60_000)).unwrap();
        lake.flush().unwrap();
    }
    let snapshot = lake.snapshot().unwrap();
    let hour = |hour: i64| at(hour * 3_600_000);
    let time = TimeRange { from: Some(hour(3)), to: Some(hour(5)) };
    for time_field in [TimeField::Timestamp, TimeField::Ingested] {
        let mut scan = snapshot.documents(&ScanRequest { time, time_field, ..everything() });
        assert_eq!(scan.by_ref().count(), 20);
        let account = scan.account();
        assert_eq!((account.files, account.files_outside_time, account.files_opened), (10, 8, 2));
    }
    // Half-open, to the millisecond.
    let exact = TimeRange { from: Some(at(1_000)), to: Some(at(3_000)) };
    let request = ScanRequest { time: exact, ..everything() };
    assert_eq!(ids_of(&snapshot, &request), once([1, 2]));
    // By a field that only one file has values of.
    let any_of = |field: &str, value: &str| {
        let condition = Condition::AnyOf { field: field.to_owned(), values: vec![value.to_owned()] };
        let mut scan = snapshot.documents(&ScanRequest { conditions: vec![condition], ..everything() });
        scan.by_ref().for_each(|event| drop(event.unwrap()));
        scan.account().files_opened
    };
    assert_eq!(any_of("sample.number", "42"), 1);
    assert_eq!(any_of("source.ip", "198.51.100.42"), 1);
    assert_eq!(any_of("event.action", "DisableKey"), 10);
    assert_eq!(any_of("event.action", "StopLogging"), 0);
    assert_eq!(any_of("nowhere", "x"), 0);
    let exists = |field: &str| {
        let condition = Condition::Exists { field: field.to_owned() };
        let mut scan = snapshot.documents(&ScanRequest { conditions: vec![condition], ..everything() });
        scan.by_ref().for_each(|event| drop(event.unwrap()));
        scan.account().files_opened
    };
    assert_eq!((exists("sample"), exists("sample.number"), exists("user.name")), (10, 10, 0));
    // Row groups of eight rows: of a file of ten in a compacted hundred, only those that hold the time.
    lake.compact(at(0)).unwrap();
    let snapshot = lake.snapshot().unwrap();
    let mut scan = snapshot.documents(&ScanRequest { time, ..everything() });
    assert_eq!(scan.by_ref().count(), 20);
    assert!(scan.account().row_groups_outside_time >= 9, "{:?}", scan.account());
}

#[test]
fn retention_drops_files_grown_old_and_deletes_them_after_the_grace() {
    let folder = folder();
    let day = 86_400_000;
    let settings = Settings {
        retention: Some(SignedDuration::from_hours(24 * 3)),
        grace: SignedDuration::from_hours(1),
        ..small()
    };
    let lake = open_with(folder.path(), settings);
    for number in 0..6 {
        // The first is delivered four days late: what counts is when it came.
        let happened = if number == 4 { 0 } else { number * day };
        lake.append(&stream(), vec![event_at(number, happened)], at(number * day)).unwrap();
        lake.flush().unwrap();
    }
    let retained = lake.retain(at(5 * day + 1)).unwrap();
    assert_eq!((retained.dropped, retained.events, retained.deleted), (3, 3, 0));
    assert_eq!(ids(&lake.snapshot().unwrap()), once(3..6));
    assert_eq!(lake.retain(at(5 * day + 3_600_001)).unwrap().deleted, 3);
    assert_eq!(lake.snapshot().unwrap().info()[0].removed_files, 0);
    let files = std::fs::read_dir(folder.path().join("streams/logs-aws.cloudtrail-default/files")).unwrap();
    assert_eq!(files.count(), 3);
}

#[test]
fn two_writers_of_one_store_double_nothing_and_lose_nothing() {
    let folder = folder();
    let writer =
        |name: &str| Lake::open(Store::folder(folder.path()), &folder.path().join(name), small()).unwrap();
    let (a, b) = (writer("log-a"), writer("log-b"));
    // The same delivery reaches both, and each field is seen first in another type.
    let with = |number: i64, odd: serde_json::Value| {
        let mut event = event(number);
        event.document.set("odd", odd);
        event
    };
    a.append(&stream(), (0..10).map(event).chain([with(100, json!(1))]).collect(), at(0)).unwrap();
    b.append(&stream(), (5..15).map(event).chain([with(101, json!("text"))]).collect(), at(0)).unwrap();
    a.flush().unwrap();
    let flushed = b.flush().unwrap();
    assert_eq!(flushed.duplicates, 5);
    assert_eq!(ids(&b.snapshot().unwrap()), once((0..15).chain([100, 101])));
    assert_eq!(b.snapshot().unwrap().info()[0].clashes, [("odd".to_owned(), 1)].into());
    // The first sees the other's files with its next commit, and its memory is compared with them.
    a.append(&stream(), (12..20).map(event).collect(), at(0)).unwrap();
    a.compact(at(0)).unwrap();
    a.flush().unwrap();
    assert_eq!(ids(&a.snapshot().unwrap()), once((0..20).chain([100, 101])));
}

#[test]
fn writers_that_race_lose_nothing() {
    let folder = folder();
    let shared = Arc::new(folder);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = Arc::clone(&shared);
            scope.spawn(move || {
                let log = folder.path().join(format!("log-{writer}"));
                let lake = Lake::open(Store::folder(folder.path()), &log, small()).unwrap();
                for round in 0..10 {
                    let first = writer * 1_000 + round * 5;
                    // Half of what each brings is what another brings too.
                    let events = (first..first + 5).chain(round * 5..round * 5 + 5).map(event).collect();
                    lake.append(&stream(), events, at(0)).unwrap();
                    lake.flush().unwrap();
                    if round % 4 == writer {
                        lake.compact(at(0)).unwrap();
                    }
                }
            });
        }
    });
    let expected = once((0..4).flat_map(|writer| writer * 1_000..writer * 1_000 + 50));
    let snapshot = Snapshot::read(Store::folder(shared.path()), None, &small()).unwrap();
    assert_eq!(ids(&snapshot), expected);
}

#[test]
fn threads_append_at_once_and_readers_see_whole_appends() {
    let folder = folder();
    let lake = open(folder.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let lake = lake.clone();
            scope.spawn(move || {
                for round in 0..25 {
                    let first = thread * 1_000 + round * 4;
                    lake.append(&stream(), (first..first + 4).map(event).collect(), at(0)).unwrap();
                    let there = ids(&lake.snapshot().unwrap());
                    assert!((first..first + 4).all(|n| there.contains_key(&format!("event-{n}"))));
                    assert_eq!(there.len() % 4, 0);
                    if round % 10 == thread {
                        lake.flush().unwrap();
                    }
                }
            });
        }
    });
    drop(lake);
    let expected = once((0..4).flat_map(|thread| thread * 1_000..thread * 1_000 + 100));
    assert_eq!(ids(&open(folder.path()).snapshot().unwrap()), expected);
}

#[test]
fn patterns_choose_data_streams() {
    let folder = folder();
    let lake = open(folder.path());
    for dataset in ["aws.cloudtrail", "okta.system", "odd/../na me"] {
        lake.append(&DataStream::logs(dataset), vec![event(1)], at(0)).unwrap();
        lake.flush().unwrap();
    }
    let count = |patterns: &[&str]| {
        let request = ScanRequest { streams: IndexPatterns::new(patterns), ..ScanRequest::default() };
        lake.snapshot().unwrap().documents(&request).count()
    };
    assert_eq!(count(&["logs-*"]), 3);
    assert_eq!(count(&["filebeat-*", "logs-aws*"]), 3);
    assert_eq!(count(&["logs-okta*"]), 1);
    assert_eq!(count(&["logs-odd/../na me-default"]), 1);
    assert_eq!(count(&[]), 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn memory_has_an_end() {
    let folder = folder();
    let lake = open_with(folder.path(), Settings { memory_bytes: 4_000, flush_rows: 5, ..small() });
    for number in 0..100 {
        lake.append(&stream(), vec![event(number)], at(0)).unwrap();
        assert!(lake.snapshot().unwrap().info()[0].events_in_memory < 20);
    }
    assert_eq!(ids(&lake.snapshot().unwrap()), once(0..100));
}

#[test]
fn a_receipt_says_which_events_were_there() {
    let folder = folder();
    let lake = open(folder.path());
    lake.append(&stream(), vec![event(1), event(3)], at(0)).unwrap();
    lake.flush().unwrap();
    lake.append(&stream(), vec![event(5)], at(0)).unwrap();
    let receipt = lake.append(&stream(), [0, 1, 2, 2, 3, 4, 5].map(event).to_vec(), at(0)).unwrap();
    assert_eq!((receipt.appended, receipt.left_out), (3, vec![1, 3, 4, 6]));
}

#[test]
fn columns_of_several_data_streams_can_be_made_one() {
    let folder = folder();
    let lake = open(folder.path());
    let (one, other) = (DataStream::logs("one"), DataStream::logs("other"));
    let append = |stream: &DataStream, value: serde_json::Value| {
        let mut value = value;
        value["@timestamp"] = "2026-03-14T00:00:00Z".into();
        let id = value.to_string();
        lake.append(stream, vec![Event { id, document: document(value), raw: None }], at(0)).unwrap();
    };
    append(&one, json!({"x": {"number": 1, "mixed": 1, "many": "a"}, "only": {"one": true}}));
    append(&other, json!({"x": {"number": 1.5, "mixed": "text", "many": ["b", "c"]}}));
    let streams = IndexPatterns::new(["logs-*"]);
    let columns = ["x.number", "x.mixed", "x.many", "only.one"].map(str::to_owned).to_vec();
    for flushed in [false, true] {
        if flushed {
            lake.flush().unwrap();
        }
        let snapshot = lake.snapshot().unwrap();
        let types: Vec<_> = snapshot
            .unified_columns(&streams)
            .into_iter()
            .filter(|field| columns.contains(field.name()))
            .collect();
        let request = ScanRequest { unified: true, columns: Some(columns.clone()), ..everything() };
        let mut rows: Vec<String> = Vec::new();
        for batch in snapshot.scan(&request) {
            let batch = batch.unwrap().batch;
            for field in &types {
                assert_eq!(batch.column_by_name(field.name()).unwrap().data_type(), field.data_type());
            }
            let number = batch.column(0).as_primitive::<arrow_array::types::Float64Type>().value(0);
            let mixed = batch.column(1).as_string::<i32>().value(0).to_owned();
            let many = batch.column(2).as_list::<i32>().value(0).len();
            rows.push(format!("{number} {mixed} {many} {}", batch.column(3).is_null(0)));
        }
        rows.sort();
        assert_eq!(rows, ["1 1 1 false", "1.5 text 2 true"]);
    }
}
