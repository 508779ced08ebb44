//! What rules find whose meaning depends on their window: neither how events are delivered nor in how many hunts counts.

use std::collections::BTreeSet;

use bartizan_engine::Windows;
use ecs::{TimeRange, Timestamp};
use ingest::decode::Limits;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::hunting::{ALL, QUERIES, WINDOWED, run_over};
use crate::records::{record, shuffled, write};

/// Records of one day, often close to each other, each with an id of its own.
fn records() -> impl Strategy<Value = Vec<Value>> {
    let later = prop_oneof![0..120u32, 0..30u32, 0..7200u32];
    proptest::collection::vec((record(), later), 0..32).prop_map(|records| {
        let mut second = 0;
        let records = records.into_iter().enumerate().map(|(at, (mut record, later))| {
            second += later;
            record["eventTime"] = at_second(second).to_string().into();
            record["eventID"] = format!("00000000-0000-4000-8000-{at:012}").into();
            record
        });
        records.collect()
    })
}

fn at_second(second: u32) -> Timestamp {
    Timestamp::from_second(1_715_000_400 + i64::from(second)).unwrap()
}

fn queries() -> Vec<&'static str> {
    WINDOWED.iter().map(|(query, _)| *query).collect()
}

fn alerts(
    range: TimeRange,
    windows: Windows,
    folder: &std::path::Path,
    queries: &[&str],
) -> BTreeSet<String> {
    let (alerts, summary) = run_over(range, windows, Limits::default(), folder, queries, 2, None);
    assert!(summary.ledger.balanced(), "{:?}", summary.ledger.counts());
    let found: BTreeSet<String> = alerts.iter().cloned().collect();
    assert_eq!(found.len(), alerts.len(), "an alert was made twice");
    found
}

/// The rules above are no use to the tests below if they find nothing.
#[test]
fn every_rule_finds_something() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["ListKeys", "DisableKey", "DisableKey", "ListKeys", "ListKeys"];
    let records = names.iter().enumerate().map(|(at, name)| {
        json!({
            "eventVersion": "1.11", "userIdentity": {"type": "IAMUser", "userName": "ana"}, "eventName": name,
            "eventTime": at_second(at as u32).to_string(), "eventSource": "kms.amazonaws.com",
            "eventID": format!("00000000-0000-4000-8000-{at:012}"), "awsRegion": "eu-west-1",
            "sourceIPAddress": "192.0.2.7",
        })
    });
    write(folder.path(), &[(records.collect(), false, false)]);
    for windows in [Windows::AsScheduled, Windows::WholeRange] {
        let (_, summary) = run_over(ALL, windows, Limits::default(), folder.path(), &queries(), 1, None);
        for rule in &summary.rules {
            assert!(rule.alerts > 0, "{}", rule.name);
        }
    }
}

/// An event before the range is history, which the account has outside of the range; other rules do not see it.
#[test]
fn what_lies_before_the_range_is_history_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let record = |at: usize, second: u32| {
        json!({
            "eventVersion": "1.11", "userIdentity": {"type": "IAMUser", "userName": "ana"}, "eventName": "DisableKey",
            "eventTime": at_second(second).to_string(), "eventSource": "kms.amazonaws.com",
            "eventID": format!("00000000-0000-4000-8000-{at:012}"),
        })
    };
    // Long before, before, a second delivery of that, and in the range.
    let times = [(0, 0), (1, 14_000), (1, 14_000), (2, 14_400)];
    write(folder.path(), &[(times.map(|(id, second)| record(id, second)).to_vec(), false, false)]);
    let rules = [QUERIES[0], WINDOWED[0].0, WINDOWED[3].0];
    let hits = |from: u32, windows: Windows| {
        let range = TimeRange { from: Some(at_second(from)), to: None };
        let (_, summary) = run_over(range, windows, Limits::default(), folder.path(), &rules, 1, None);
        let counts = summary.ledger.counts();
        let outside = counts.records_in - counts.events - counts.duplicates;
        (summary.rules.iter().map(|rule| rule.hits).collect::<Vec<_>>(), outside, counts.duplicates)
    };
    for windows in [Windows::AsScheduled, Windows::WholeRange] {
        // The event before the range is too long ago for the threshold, and is counted once.
        assert_eq!(hits(14_400, windows), (vec![1, 0, 0], 3, 0), "{windows:?}");
        // What lies further back than the history does not count.
        assert_eq!(hits(13_900, windows), (vec![2, 1, u64::from(windows == Windows::WholeRange)], 1, 1));
    }
}

/// What is among the newest of some of a run's events need not be among the newest of all: the last run of a range sees
/// the events after it as well.
#[test]
fn a_run_is_never_cut_in_two() {
    let folder = tempfile::tempdir().unwrap();
    let records = (0..4).map(|at: usize| {
        json!({
            "eventVersion": "1.11", "eventName": "DisableKey", "eventSource": "kms.amazonaws.com",
            "eventTime": at_second(at as u32 * 60).to_string(), "eventID": format!("00000000-0000-4000-8000-{at:012}"),
        })
    });
    write(folder.path(), &[(records.collect(), false, false)]);
    let (newest_two, _) = WINDOWED[7];
    let over = |range| alerts(range, Windows::AsScheduled, folder.path(), &[newest_two]);
    let cut = Some(at_second(90));
    assert_eq!(over(ALL).len(), 2);
    assert_eq!(over(TimeRange { from: None, to: cut }), BTreeSet::new());
    assert_eq!(over(TimeRange { from: cut, to: None }), over(ALL));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn files_their_order_and_company_change_nothing(
        records in records(),
        cuts in proptest::collection::vec(0..32usize, 0..5),
        places in proptest::collection::vec(any::<u16>(), 32),
        whole_range in any::<bool>(),
    ) {
        let windows = if whole_range { Windows::WholeRange } else { Windows::AsScheduled };
        let whole = tempfile::tempdir().unwrap();
        write(whole.path(), &[(records.clone(), false, false)]);
        let expected = alerts(ALL, windows, whole.path(), &queries());

        let parts = tempfile::tempdir().unwrap();
        write(parts.path(), &shuffled(records, &places, &cuts));
        prop_assert_eq!(&alerts(ALL, windows, parts.path(), &queries()), &expected);

        let alone = queries().iter().flat_map(|query| alerts(ALL, windows, parts.path(), &[query])).collect();
        prop_assert_eq!(&expected, &alone);
    }

    /// The events before the second half are its history.
    #[test]
    fn two_halves_give_what_the_whole_gives(records in records(), cut in 0..36_000u32) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[(records, true, false)]);
        let over = |range| alerts(range, Windows::AsScheduled, folder.path(), &queries());
        let cut = Some(at_second(cut));
        let first = over(TimeRange { from: None, to: cut });
        let second = over(TimeRange { from: cut, to: None });
        prop_assert_eq!(&first | &second, over(ALL));
    }
}
