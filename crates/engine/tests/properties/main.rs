//! What must hold for any input: the number of threads changes nothing, a shared scan finds what each rule finds
//! alone, every record is accounted for, and a second run gives the same alerts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod every_run;
mod hunting;
mod kept_history;
mod records;
mod sequences;
mod windows;

use ingest::decode::Limits;
use proptest::prelude::*;
use serde_json::json;

use hunting::{QUERIES, run, run_within};
use records::{file, write};

/// One id in two accounts is two events: a cap must not fold them.
#[test]
fn an_event_of_two_accounts_makes_two_alerts_with_and_without_a_cap() {
    let folder = tempfile::tempdir().unwrap();
    let record = |account: &str| {
        json!({
            "eventVersion": "1.11", "userIdentity": {"type": "IAMUser"}, "eventTime": "2024-05-06T07:08:09Z",
            "eventSource": "kms.amazonaws.com", "eventName": "DisableKey", "recipientAccountId": account,
            "eventID": "00000000-0000-4000-8000-000000000001",
        })
    };
    write(folder.path(), &[(vec![record("111122223333"), record("444455556666")], false, false)]);
    for cap in [None, Some(10)] {
        let (mut alerts, _) = run(folder.path(), &QUERIES[..1], 1, cap);
        alerts.dedup();
        assert_eq!(alerts.len(), 2, "{alerts:?}");
    }
}

/// Alerts of an earlier run that lie beside the logs are told apart from the events that they tell of.
#[test]
fn an_alert_beside_the_logs_hides_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let alert = json!({
        "@timestamp": "2024-05-06T08:00:00Z", "kibana.alert.uuid": "a1",
        "event": {"id": "00000000-0000-4000-8000-000000000001", "action": "DisableKey", "outcome": "success"},
        "data_stream": {"type": "logs", "dataset": "aws.cloudtrail", "namespace": "default"},
        "aws": {"cloudtrail": {"recipient_account_id": "111122223333"}},
    });
    let record = json!({
        "eventVersion": "1.11", "userIdentity": {"type": "IAMUser"}, "eventTime": "2024-05-06T07:08:09Z",
        "eventSource": "kms.amazonaws.com", "eventName": "DisableKey", "recipientAccountId": "111122223333",
        "eventID": "00000000-0000-4000-8000-000000000001",
    });
    write(folder.path(), &[(vec![alert], true, false), (vec![record], false, false)]);
    let (alerts, summary) = run(folder.path(), &QUERIES[..1], 1, None);
    assert_eq!((alerts.len(), summary.ledger.counts().duplicates), (1, 0));
}

/// Whether a quick look or the document judges a record, the coverage says the same of its time.
#[test]
fn a_record_without_a_readable_time_has_none_in_the_coverage() {
    for (name, time) in
        [(json!("DisableKey"), json!(null)), (json!(7), json!(null)), (json!(7), json!("soon"))]
    {
        let folder = tempfile::tempdir().unwrap();
        let record = json!({
            "eventVersion": "1.11", "userIdentity": {"type": "IAMUser"}, "eventName": name, "eventTime": time,
        });
        write(folder.path(), &[(vec![record.clone()], false, false)]);
        let (_, summary) = run(folder.path(), &QUERIES, 1, None);
        let coverage = summary.ledger.coverage();
        assert_eq!((coverage.without_time(), coverage.last_event()), (1, None), "{record}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn threads_order_and_company_change_nothing(files in proptest::collection::vec(file(), 0..6)) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files);
        let (alerts, summary) = run(folder.path(), &QUERIES, 1, None);
        prop_assert!(summary.ledger.balanced(), "{:?}", summary.ledger.counts());
        prop_assert_eq!(summary.ledger.inputs(), files.len() as u64);
        for jobs in [2, 5] {
            let (again, summary_again) = run(folder.path(), &QUERIES, jobs, None);
            prop_assert_eq!(&again, &alerts);
            prop_assert_eq!(&summary_again.ledger, &summary.ledger);
            prop_assert_eq!(&summary_again.rules, &summary.rules);
        }
        let mut alone: Vec<String> = Vec::new();
        for (at, query) in QUERIES.iter().enumerate() {
            let (found, single) = run(folder.path(), &[query], 2, None);
            prop_assert_eq!(single.rules[0].hits, summary.rules[at].hits);
            alone.extend(found);
        }
        let mut together = alerts;
        together.sort();
        alone.sort();
        prop_assert_eq!(together, alone);
    }

    /// How much of an input is held at once changes nothing.
    #[test]
    fn chunks_change_nothing(files in proptest::collection::vec(file(), 0..6), chunk_bytes in 1usize..3000) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files);
        let (alerts, summary) = run(folder.path(), &QUERIES, 1, None);
        let limits = Limits { chunk_bytes, ..Limits::default() };
        let (again, chunked) = run_within(limits, folder.path(), &QUERIES, 2, None);
        prop_assert_eq!(again, alerts);
        prop_assert_eq!(chunked.ledger, summary.ledger);
        prop_assert_eq!(chunked.rules, summary.rules);
    }

    #[test]
    fn a_cap_shows_what_it_cut(files in proptest::collection::vec(file(), 1..5), cap in 1..4u32) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files);
        let (_, whole) = run(folder.path(), &QUERIES, 1, None);
        let (alerts, capped) = run(folder.path(), &QUERIES, 3, Some(cap));
        for (whole, capped) in whole.rules.iter().zip(&capped.rules) {
            prop_assert_eq!(whole.hits, capped.hits);
            prop_assert_eq!(capped.alerts, whole.hits.min(u64::from(cap)));
            prop_assert_eq!(capped.cut, whole.hits - capped.alerts);
        }
        prop_assert_eq!(alerts.len() as u64, capped.rules.iter().map(|r| r.alerts).sum::<u64>());
    }
}
