//! The ledger balances, whatever is entered and however it is merged.

#![expect(clippy::unwrap_used, reason = "in tests a failure may panic")]

use bartizan_ingest as ingest;
use ingest::decode::{Outcome, SkipReason};
use ingest::{
    Buffers, DropReason, EventKey, FaultReason, InputAccount, Item, Ledger, Limits, SeenEvents, decode,
};
use jiff::Timestamp;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Entry {
    Event(Option<u8>, Option<i64>),
    Duplicate,
    Fault,
    Drop(u8),
}

fn inputs() -> impl Strategy<Value = Vec<(u8, Vec<Entry>)>> {
    let entry = prop_oneof![
        (prop::option::of(0..5u8), prop::option::of(-1000..1000i64)).prop_map(|(a, t)| Entry::Event(a, t)),
        Just(Entry::Duplicate),
        Just(Entry::Fault),
        (0..4u8).prop_map(Entry::Drop),
    ];
    prop::collection::vec((0..3u8, prop::collection::vec(entry, 0..20)), 0..12)
}

fn account(name: usize, outcome: u8, entries: &[Entry]) -> InputAccount {
    let mut input = InputAccount::open(format!("{name:03}.json"));
    input.outcome = match outcome {
        0 => Outcome::Read,
        1 => Outcome::PartlyRead { offset: 1, reason: FaultReason::Truncated },
        _ => Outcome::Skipped(SkipReason::NotJson),
    };
    for entry in entries {
        match entry {
            Entry::Event(account, time) => {
                let time = time.map(|second| Timestamp::from_second(second).unwrap());
                input.add_event(account.map(|n| format!("{n}")).as_deref(), Some("eu-west-1"), time);
            }
            Entry::Duplicate => input.add_duplicate(),
            Entry::Fault => input.add_fault(FaultReason::InvalidJson),
            Entry::Drop(n) => input.add_drop(DropReason::NotNormalised(format!("reason {n}"))),
        }
    }
    input
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn always_balanced_and_merging_changes_nothing(inputs in inputs(), split in 0usize..12) {
        let accounts: Vec<_> =
            inputs.iter().enumerate().map(|(n, (outcome, entries))| account(n, *outcome, entries)).collect();
        let mut whole = Ledger::new();
        let (mut left, mut right) = (Ledger::new(), Ledger::new());
        for (n, account) in accounts.iter().enumerate() {
            whole.add(account.clone());
            if n < split { left.add(account.clone()) } else { right.add(account.clone()) }
        }
        right.merge(left);
        prop_assert!(whole.balanced() && right.balanced());
        prop_assert_eq!(whole.counts(), right.counts());
        prop_assert_eq!(whole.coverage(), right.coverage());
        prop_assert_eq!(whole.not_fully_read(), right.not_fully_read());

        let entries: Vec<_> = inputs.iter().flat_map(|(_, entries)| entries).collect();
        prop_assert_eq!(whole.counts().records_in, entries.len() as u64);
        let events = entries.iter().filter(|entry| matches!(entry, Entry::Event(..))).count() as u64;
        prop_assert_eq!(whole.counts().events, events);
        let times = entries.iter().filter_map(|entry| match entry { Entry::Event(_, time) => *time, _ => None });
        let timeless = events - times.clone().count() as u64;
        prop_assert_eq!(whole.coverage().without_time(), timeless);
        prop_assert_eq!(whole.coverage().first_event().map(|t| t.as_second()), times.clone().min());
        prop_assert_eq!(whole.coverage().last_event().map(|t| t.as_second()), times.max());
        let by_region: u64 = whole.coverage().regions().sorted().iter().map(|(_, count)| count).sum();
        prop_assert_eq!(by_region, events);
    }
}

#[test]
fn an_unbalanced_account_is_noticed() {
    let mut input = InputAccount::open("a.json");
    input.counts.records_in = 1;
    let mut ledger = Ledger::new();
    ledger.add(input);
    assert!(!ledger.balanced());
}

#[test]
fn reasons_and_inputs_beyond_the_caps_are_still_counted() {
    let mut input = InputAccount::open("a.json");
    for n in 0..ingest::ledger::DROP_REASONS + 7 {
        input.add_drop(DropReason::NotNormalised(n.to_string()));
    }
    assert_eq!((input.counts.drops.len(), input.counts.other_drops), (ingest::ledger::DROP_REASONS, 7));
    let mut ledger = Ledger::new();
    ledger.add(input);
    for n in 0..ingest::ledger::KEPT_INPUTS + 3 {
        ledger.add(InputAccount::skipped(n.to_string(), SkipReason::Empty));
    }
    assert_eq!((ledger.skipped(), ledger.unnamed_skipped()), (ingest::ledger::KEPT_INPUTS as u64 + 3, 3));
    assert!(ledger.balanced());
}

/// Decoder, duplicates and ledger together, as a run uses them.
#[test]
fn a_small_run_is_accounted_for() {
    let record = |id: &str, account: &str| {
        format!(
            r#"{{"eventVersion":"1.08","userIdentity":{{}},"eventID":"{id}","recipientAccountId":"{account}"}}"#
        )
    };
    let (a, b, a2) = (record("a", "1"), record("b", "1"), record("a", "2"));
    let files = [
        ("1.json", format!(r#"{{"Records":[{a},{b},{{"x":1}}]}}"#)),
        ("2.json", format!("{a}\n{a2}\n")),
        ("3.json", format!(r#"{{"Records":[{b},{{"eventVer"#)),
        ("4.txt", "Hello.".to_owned()),
        ("5.json", r#"{"digestS3Object":"d"}"#.to_owned()),
    ];
    let mut seen = SeenEvents::new();
    let mut ledger = Ledger::new();
    let mut buffers = Buffers::new();
    for (name, text) in &files {
        let mut input = InputAccount::open(*name);
        let decoded = decode(text.as_bytes(), &Limits::default(), &mut buffers, &mut |item| match item {
            Item::Fault(fault) => input.add_fault(fault.reason),
            Item::Record(record) if record.kind == ingest::RecordKind::CloudTrailDigest => {
                input.add_drop(DropReason::NotAnEvent(record.kind));
            }
            Item::Record(record) => {
                let value: serde_json::Value = serde_json::from_str(record.text).unwrap();
                let text = |key: &str| value[key].as_str();
                if seen.insert(EventKey::of_event(text("eventID").unwrap(), text("recipientAccountId"))) {
                    input.add_event(text("recipientAccountId"), None, None);
                } else {
                    input.add_duplicate();
                }
            }
        });
        input.close(&decoded, text.len() as u64, None);
        ledger.add(input);
    }
    let counts = ledger.counts();
    assert!(ledger.balanced());
    assert_eq!((counts.records_in, counts.events, counts.duplicates, counts.dropped()), (8, 3, 2, 3));
    assert_eq!((ledger.inputs(), ledger.read(), ledger.partly_read(), ledger.skipped()), (5, 2, 2, 1));
    assert_eq!(ledger.coverage().accounts().sorted(), [("1", 2), ("2", 1)]);
    let reasons: Vec<_> = counts.drops.iter().map(|(reason, count)| (reason.to_string(), *count)).collect();
    assert_eq!(
        reasons,
        [
            ("the input ends in the middle of a value".to_owned(), 1),
            ("not a CloudTrail record".to_owned(), 1),
            ("CloudTrail digest: holds no events".to_owned(), 1),
        ]
    );
}
