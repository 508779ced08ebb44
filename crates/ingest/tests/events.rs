//! An input becomes events: which, under what ids, and every record accounted for.

#![expect(clippy::unwrap_used, reason = "in tests a failure may panic")]

use std::collections::BTreeSet;

use bartizan_ingest as ingest;
use ecs::Timestamp;
use ingest::decode::{Check, FaultReason, Outcome};
use ingest::enrich::Enrichment;
use ingest::source::Input;
use ingest::{Buffers, DecodedInput, EventContext, Limits, events_of};
use proptest::prelude::*;

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn read_with(bytes: &[u8], limits: &Limits, enrichment: &Enrichment) -> DecodedInput {
    let input = Input {
        name: "s3://bucket/key.json.gz".to_owned(),
        bytes: bytes.to_vec(),
        modified: Some(instant("2026-02-01T00:00:00Z")),
    };
    let context = EventContext::new(instant("2026-02-02T00:00:00Z"), enrichment, limits);
    events_of(&input, &context, &mut Buffers::new())
}

fn read(text: &str) -> DecodedInput {
    read_with(text.as_bytes(), &Limits::default(), &Enrichment::default())
}

const RECORD: &str = r#"{"eventVersion":"1.08","userIdentity":{},"eventID":"e1","recipientAccountId":"111122223333","eventTime":"2026-01-05T01:02:03Z","eventName":"Decrypt","awsRegion":"eu-west-1"}"#;

#[test]
fn each_record_becomes_its_event_once() {
    let other = RECORD.replace("111122223333", "444455556666");
    let timeless = RECORD.replace("eventTime", "someTime").replace("e1", "e2");
    let document = r#"{"@timestamp":"2026-01-05","log":{"file":{"path":"/var/log/a"}},"event":{"id":"e1","dataset":"okta.system"}}"#;
    let hit = r#"{"_index":"logs-okta.system-prod","_id":"h1","_source":{"@timestamp":1767571200000}}"#;
    let plain = r#"{"@timestamp":"2026-01-05T00:00:00+01:00","log":"as a text"}"#;
    let digest = r#"{"digestS3Object":"key","digestEndTime":"2026-01-05T00:00:00Z"}"#;
    let lines =
        [RECORD, &other, RECORD, &timeless, document, hit, hit, plain, plain, digest, r#"{"a":"#].join("\n");
    let DecodedInput { events, faults, account } = read(&lines);
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            let path = event.document.text("log.file.path").unwrap_or_default();
            (event.id.as_str(), event.data_stream.name(), event.time.map(|time| time.to_string()), path)
        })
        .collect();
    let (trail, key) = ("logs-aws.cloudtrail-default".to_owned(), "s3://bucket/key.json.gz");
    let time = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen,
        [
            ("e1@111122223333", trail.clone(), time("2026-01-05T01:02:03Z"), key),
            ("e1@444455556666", trail.clone(), time("2026-01-05T01:02:03Z"), key),
            ("e2@111122223333", trail, None, key),
            ("e1", "logs-okta.system-default".to_owned(), time("2026-01-05T00:00:00Z"), "/var/log/a"),
            ("h1", "logs-okta.system-prod".to_owned(), time("2026-01-05T00:00:00Z"), key),
            (&events[5].id, "logs-generic-default".to_owned(), time("2026-01-04T23:00:00Z"), ""),
        ]
    );
    assert_eq!(events[5].document.text("log"), Some("as a text"));
    assert_eq!(events[0].raw.as_deref(), Some(RECORD));
    assert_eq!(events[3].raw, None);
    assert_eq!(events[0].document.text("event.created"), Some("2026-02-02T00:00:00.000Z"));
    // A record without a time has that of its input, so that it is the same event whenever it is read.
    assert_eq!(events[2].document.text("@timestamp"), Some("2026-02-01T00:00:00.000Z"));
    assert_eq!(faults.len(), 1);
    let counts = &account.counts;
    assert_eq!((counts.records_in, counts.events, counts.duplicates, counts.dropped()), (11, 6, 3, 2));
    assert!(counts.balanced());
    assert!(matches!(account.outcome, Outcome::PartlyRead { .. }));
    assert_eq!(account.coverage.accounts().sorted(), [("111122223333", 2), ("444455556666", 1)]);
}

#[test]
fn what_was_not_checked_before_is_a_fault_when_it_does_not_parse() {
    let limits = Limits { check: Check::Outline, ..Limits::default() };
    let bad = RECORD.replace(r#""userIdentity":{}"#, r#""userIdentity":{1}"#);
    let DecodedInput { events, faults, account } =
        read_with(format!("{RECORD}\n{bad}\n").as_bytes(), &limits, &Enrichment::default());
    assert_eq!(events.len(), 1);
    assert_eq!((&faults[0].reason, faults[0].bytes.as_slice()), (&FaultReason::InvalidJson, bad.as_bytes()));
    let offset = RECORD.len() as u64 + 1;
    assert_eq!(account.outcome, Outcome::PartlyRead { offset, reason: FaultReason::InvalidJson });
    assert!(account.counts.balanced());
}

#[test]
fn duplicates_that_are_found_later_leave_the_account_balanced() {
    let mut account = read(RECORD).account;
    account.move_to_duplicates(5);
    assert_eq!((account.counts.records_in, account.counts.events, account.counts.duplicates), (1, 0, 1));
    assert!(account.counts.balanced());
}

proptest! {
    #[test]
    fn records_in_are_events_and_duplicates_and_drops(
        lines in prop::collection::vec(
            prop_oneof![
                (0..4u8, prop::option::of(0..3u8)).prop_map(|(id, account)| {
                    let account = account.map_or_else(String::new, |a| format!(r#","recipientAccountId":"{a}""#));
                    format!(r#"{{"eventVersion":"1.08","userIdentity":{{}},"eventID":"{id}"{account}}}"#)
                }),
                (0..4u8).prop_map(|id| format!(r#"{{"@timestamp":"2026-01-05T00:00:00Z","n":{id}}}"#)),
                Just(r#"{"digestS3Object":"key"}"#.to_owned()),
                "[ -~]{0,20}",
            ],
            0..30,
        ),
        garbage in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let enrichment = Enrichment::default();
        let mut bytes = lines.join("\n").into_bytes();
        bytes.extend(garbage);
        let decoded = read_with(&bytes, &Limits::default(), &enrichment);
        let counts = &decoded.account.counts;
        prop_assert!(counts.balanced(), "{counts:?}");
        prop_assert_eq!(counts.events, decoded.events.len() as u64);
        let keys: BTreeSet<_> =
            decoded.events.iter().map(|event| (event.data_stream.name(), event.id.clone())).collect();
        prop_assert_eq!(keys.len(), decoded.events.len(), "ids tell the events apart");
        prop_assert!(decoded.faults.len() as u64 <= counts.dropped());
    }
}
