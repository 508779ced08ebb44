//! What must hold for any input: the number of threads changes nothing, a shared scan finds what each rule finds
//! alone, every record is accounted for, and a second run gives the same alerts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::NonZeroUsize;
use std::path::Path;

use alert::{Alert, AlertContext, ExecutionType};
use bartizan_engine::{AlertSink, HuntInput, HuntOptions, HuntOutput, HuntSummary, Plan, ScanSettings, hunt};
use ecs::{Catalog, TimeRange, Timestamp};
use ingest::decode::Limits;
use ingest::enrich::Enrichment;
use ingest::source;
use proptest::prelude::*;
use rule::RuleLibrary;
use serde_json::{Value, json};

/// Rules of every kind of anchor: on the action, on other fields, and none at all.
const QUERIES: [&str; 8] = [
    "event.action: DisableKey and event.outcome: success",
    "event.action: (DisableKey or ScheduleKeyDeletion) and not user.name: ana",
    "event.action: Delete*",
    "event.provider: kms.amazonaws.com and source.ip: 192.0.2.0/24",
    "not aws.cloudtrail.user_identity.type: AWSService",
    "aws.cloudtrail.flattened.request_parameters.keyId: *abc*",
    "user_agent.original: *boto* or event.action: DisableKey",
    "aws.cloudtrail.error_code: * and cloud.region: (eu-west-1 or us-east-1)",
];

fn library(queries: &[&str]) -> RuleLibrary {
    let mut library = RuleLibrary::default();
    for query in queries {
        let at = QUERIES.iter().position(|q| q == query).unwrap();
        let text = format!(
            "[metadata]\ncreation_date = \"2024/01/01\"\nupdated_date = \"2024/01/01\"\n[rule]\nname = \"Rule {at}\"\n\
             description = \"A rule.\"\nrisk_score = 47\nseverity = \"medium\"\ntype = \"query\"\nlanguage = \"kuery\"\n\
             rule_id = \"00000000-0000-4000-8000-00000000000{at}\"\nindex = [\"logs-aws*\", \"filebeat-*\"]\n\
             query = '''{query}'''\n"
        );
        library.add(format!("{at}.toml").into(), rule::format::toml::read(&text, Path::new("rule.toml")));
    }
    assert!(library.failed.is_empty() && library.rules.len() == queries.len(), "{:?}", library.outcomes);
    library
}

#[derive(Default)]
struct Collected(Vec<String>);

impl AlertSink for Collected {
    fn alert(&mut self, alert: Alert) -> std::io::Result<()> {
        self.0.push(format!("{:?} {:?} {:?}", alert.rule_name(), alert.event_id(), alert.uuid()));
        Ok(())
    }
}

fn run(folder: &Path, queries: &[&str], jobs: usize, max_signals: Option<u32>) -> (Vec<String>, HuntSummary) {
    run_within(Limits::default(), folder, queries, jobs, max_signals)
}

fn run_within(
    limits: Limits,
    folder: &Path,
    queries: &[&str],
    jobs: usize,
    max_signals: Option<u32>,
) -> (Vec<String>, HuntSummary) {
    let (library, catalog, enrichment) = (library(queries), Catalog::builtin(), Enrichment::default());
    let plan = Plan::new(&library, &catalog, Timestamp::UNIX_EPOCH);
    assert_eq!(plan.rules.len(), queries.len(), "{:?}", plan.outcomes);
    let found = source::find(&[folder.to_owned()]).unwrap();
    let inputs: Vec<HuntInput> = found.files.into_iter().map(HuntInput::File).collect();
    let options = HuntOptions {
        scan: ScanSettings {
            range: TimeRange::default(),
            now: Timestamp::UNIX_EPOCH,
            enrichment: &enrichment,
            catalog: &catalog,
        },
        jobs: NonZeroUsize::new(jobs).unwrap(),
        limits,
        max_signals,
        alerts: AlertContext {
            space: "default".into(),
            detected_at: Timestamp::UNIX_EPOCH,
            execution_uuid: "00000000-0000-0000-0000-000000000000".into(),
            execution_type: ExecutionType::Manual,
            intended_timestamp: None,
            base_url: None,
            version: "test".into(),
        },
    };
    let mut alerts = Collected::default();
    let output = HuntOutput { alerts: &mut alerts, dead_letter: None, progress: &mut |_| {} };
    let summary = hunt(&plan, &inputs, options, output).unwrap();
    (alerts.0, summary)
}

fn record() -> impl Strategy<Value = Value> {
    let one_of = |values: &'static [&'static str]| proptest::sample::select(values);
    let id = 0..40u32;
    let kind = one_of(&["IAMUser", "AWSService", "AssumedRole", "Root"]);
    (
        id,
        one_of(&["DisableKey", "ScheduleKeyDeletion", "DeleteAlias", "ListKeys", "disablekey"]),
        one_of(&["kms.amazonaws.com", "s3.amazonaws.com"]),
        one_of(&["192.0.2.7", "198.51.100.1", "AWS Internal"]),
        one_of(&["eu-west-1", "us-east-1", "ap-south-1"]),
        proptest::option::of(one_of(&["AccessDenied", ""])),
        one_of(&["ana", "ben"]),
        kind,
        one_of(&["Boto3/1.34 boto", "console", "-"]),
        any::<bool>(),
    )
        .prop_map(|(id, name, source, address, region, error, user, kind, agent, key)| {
            let mut record = json!({
                "eventVersion": "1.11", "userIdentity": {"type": kind, "userName": user, "arn": "arn:aws:iam::111122223333:user/x"},
                "eventTime": "2024-05-06T07:08:09Z", "eventSource": source, "eventName": name, "awsRegion": region,
                "sourceIPAddress": address, "userAgent": agent, "errorCode": error,
                "eventID": format!("00000000-0000-4000-8000-{id:012}"), "recipientAccountId": "111122223333",
            });
            if key {
                record["requestParameters"] = json!({"keyId": "key-abc-1", "nested": {"eventName": "DisableKey"}});
            }
            record
        })
}

/// A file: records, and whether it is cut off before its end.
fn file() -> impl Strategy<Value = (Vec<Value>, bool, bool)> {
    (proptest::collection::vec(record(), 0..12), any::<bool>(), any::<bool>())
}

fn write(folder: &Path, files: &[(Vec<Value>, bool, bool)]) {
    for (at, (records, lines, cut)) in files.iter().enumerate() {
        let mut text = if *lines {
            records.iter().map(|r| format!("{r}\n")).collect::<String>()
        } else {
            json!({"Records": records}).to_string()
        };
        if *cut {
            text.truncate(text.len() * 2 / 3);
        }
        std::fs::write(folder.join(format!("{at:03}.json")), text).unwrap();
    }
}

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
