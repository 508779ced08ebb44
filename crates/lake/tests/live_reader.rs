//! What a live reader relies on: `event.ingested` as a position to go on from, and events in order of time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use std::collections::BTreeMap;

use bartizan_lake::{Event, Lake, ScanRequest, Settings, StoredEvent, TimeField};
use ecs::{TimeRange, Timestamp};
use proptest::prelude::*;
use sample::{at, document, event, everything, once, open, open_with, small, stream};
use serde_json::json;

/// What was ingested from the last position to `to`.
fn read_on(lake: &Lake, position: &mut Timestamp, to: Timestamp) -> Vec<StoredEvent> {
    let snapshot = lake.snapshot_through(to).unwrap();
    let request = ScanRequest {
        time: TimeRange { from: Some(*position), to: Some(to) },
        time_field: TimeField::Ingested,
        ..everything()
    };
    *position = to;
    snapshot.documents_in_order(&request).map(|event| event.unwrap()).collect()
}

#[test]
fn a_clock_that_goes_back_does_not_take_stamps_back() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path());
    assert_eq!(lake.append(&stream(), vec![event(1)], at(5_000)).unwrap().ingested, at(5_000));
    assert_eq!(lake.append(&stream(), vec![event(2)], at(4_000)).unwrap().ingested, at(5_000));
    lake.flush().unwrap();
    drop(lake);
    let lake = open(folder.path());
    assert_eq!(lake.append(&stream(), vec![event(3)], at(1_000)).unwrap().ingested, at(5_000));
    lake.snapshot_through(at(9_000)).unwrap();
    let receipt = lake.append(&stream(), vec![event(4)], at(8_999)).unwrap();
    assert_eq!(receipt.ingested, at(9_000));
    let found = lake.snapshot().unwrap().documents_in_order(&everything()).last().unwrap().unwrap();
    // The document and the column agree.
    assert_eq!(found.document.first("event.ingested").unwrap().text(), "2026-03-14T00:00:09.000Z");
    assert_eq!(read_on(&lake, &mut at(9_000), at(9_001)).len(), 1);
}

#[test]
fn an_end_between_two_milliseconds_belongs_to_one_side() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path());
    let half = Timestamp::from_nanosecond(at(10).as_nanosecond() + 500_000).unwrap();
    lake.append(&stream(), vec![event(1)], at(10)).unwrap();
    let mut position = at(0);
    assert_eq!(read_on(&lake, &mut position, half).len(), 1);
    lake.append(&stream(), vec![event(2)], half).unwrap();
    assert_eq!(read_on(&lake, &mut position, at(20)).len(), 1);
}

#[test]
fn appends_at_once_are_read_once_while_they_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path());
    let clock = std::sync::atomic::AtomicI64::new(0);
    let now = || at(clock.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut position = at(-1);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (lake, now) = (&lake, &now);
                scope.spawn(move || {
                    for number in 0..25 {
                        lake.append(&stream(), vec![event(writer * 100 + number)], now()).unwrap();
                    }
                })
            })
            .collect();
        let mut going = true;
        while going {
            going = writers.iter().any(|writer| !writer.is_finished());
            let to = now();
            for event in read_on(&lake, &mut position, to) {
                *seen.entry(event.id).or_default() += 1;
            }
        }
    });
    for event in read_on(&lake, &mut position, at(1_000_000)) {
        *seen.entry(event.id).or_default() += 1;
    }
    assert_eq!(seen, once((0..4).flat_map(|writer| (0..25).map(move |number| writer * 100 + number))));
}

#[test]
fn more_events_than_a_part_holds_come_in_order_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open_with(folder.path(), Settings { row_group_rows: 1_000, ..Settings::default() });
    let count: i64 = 20_000;
    for start in 0..4 {
        // Mixed, spread over several files, several with one time.
        let numbers = (0..count).filter(|number| number % 4 == start).map(|number| (number * 7_919) % count);
        let events = numbers
            .map(|number| {
                let given = document(json!({"@timestamp": at(number / 3).to_string(), "n": number}));
                Event { id: format!("{number:06}"), document: given, raw: None }
            })
            .collect();
        lake.append(&stream(), events, at(start)).unwrap();
        if start < 3 {
            lake.flush().unwrap();
        }
    }
    let untimed = Event { id: "untimed".into(), document: document(json!({"n": -1})), raw: None };
    lake.append(&stream(), vec![untimed], at(9)).unwrap();
    let snapshot = lake.snapshot().unwrap();
    let ids: Vec<String> =
        snapshot.documents_in_order(&everything()).map(|event| event.unwrap().id).collect();
    let expected: Vec<String> =
        std::iter::once("untimed".to_owned()).chain((0..count).map(|n| format!("{n:06}"))).collect();
    assert_eq!(ids, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is appended, flushed, compacted, opened again and read when, with a clock that jumps: each event once.
    #[test]
    fn reading_on_gives_each_event_once(steps in prop::collection::vec((0..6u8, 0..200i64), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let settings = || Settings { compact_from_files: 2, ..small() };
        let mut lake = open_with(folder.path(), settings());
        let (mut position, mut appended) = (at(0), 0);
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        let mut take = |events: Vec<StoredEvent>| {
            for event in events {
                *seen.entry(event.id).or_default() += 1;
            }
        };
        for (step, number) in steps {
            match step {
                0 | 1 => {
                    lake.append(&stream(), vec![event(appended)], at(number)).unwrap();
                    appended += 1;
                }
                2 => drop(lake.flush().unwrap()),
                3 => drop(lake.compact(at(number)).unwrap()),
                4 => {
                    drop(lake);
                    lake = open_with(folder.path(), settings());
                    lake.snapshot_through(position).unwrap();
                }
                _ => {
                    let to = at(number).max(position);
                    take(read_on(&lake, &mut position, to));
                }
            }
        }
        take(read_on(&lake, &mut position, at(1_000)));
        prop_assert_eq!(seen, once(0..appended));
    }

    /// The events are those of an unordered scan, in the order that is promised.
    #[test]
    fn order_is_time_then_id(
        times in prop::collection::vec((0..50i64, 0..1_000u32), 0..60),
        from in prop::option::of(0..50i64),
        to in prop::option::of(0..50i64),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let lake = open_with(folder.path(), small());
        for (number, (time, id)) in times.iter().enumerate() {
            let given = document(json!({"@timestamp": at(*time).to_string()}));
            let event = Event { id: format!("{id}"), document: given, raw: None };
            lake.append(&stream(), vec![event], at(0)).unwrap();
            if number % 7 == 0 {
                lake.flush().unwrap();
            }
        }
        let request = ScanRequest {
            time: TimeRange { from: from.map(at), to: to.map(at) },
            ..everything()
        };
        let snapshot = lake.snapshot().unwrap();
        let key = |event: StoredEvent| {
            (event.document.first("@timestamp").unwrap().text().into_owned(), event.id)
        };
        let ordered: Vec<_> = snapshot.documents_in_order(&request).map(|e| key(e.unwrap())).collect();
        let mut expected: Vec<_> = snapshot.documents(&request).map(|e| key(e.unwrap())).collect();
        expected.sort_by_key(|(time, id)| (time.parse::<Timestamp>().unwrap(), id.clone()));
        prop_assert_eq!(ordered, expected);
    }
}
