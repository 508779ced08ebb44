//! A hunt with some of the rules of these tests.

use std::num::NonZeroUsize;
use std::path::Path;

use alert::{Alert, AlertContext, ExecutionType};
use bartizan_engine::{
    AlertSink, HuntInput, HuntOptions, HuntOutput, HuntSummary, Plan, ScanSettings, Windows, hunt,
};
use ecs::{Catalog, TimeRange, Timestamp};
use ingest::decode::Limits;
use ingest::enrich::Enrichment;
use ingest::source;
use rule::RuleLibrary;

/// No bounds.
pub(crate) const ALL: TimeRange = TimeRange { from: None, to: None };

/// Rules of every kind of anchor: on the action, on other fields, and none at all.
pub(crate) const QUERIES: [&str; 8] = [
    "event.action: DisableKey and event.outcome: success",
    "event.action: (DisableKey or ScheduleKeyDeletion) and not user.name: ana",
    "event.action: Delete*",
    "event.provider: kms.amazonaws.com and source.ip: 192.0.2.0/24",
    "not aws.cloudtrail.user_identity.type: AWSService",
    "aws.cloudtrail.flattened.request_parameters.keyId: *abc*",
    "user_agent.original: *boto* or event.action: DisableKey",
    "aws.cloudtrail.error_code: * and cloud.region: (eu-west-1 or us-east-1)",
];

/// Rules over several events: with and without keys, `maxspan`, `until`, runs, missing events, and a sample.
pub(crate) const SEQUENCES: [&str; 8] = [
    "sequence by user.name [any where event.action == \"ListKeys\"] [any where event.action == \"DisableKey\"]",
    "sequence with maxspan=1m [any where event.action : \"*key*\"] [any where not source.ip == \"192.0.2.7\"] [any where true]",
    "sequence by user.name, cloud.region [any where true] with runs=3 until [any where event.outcome == \"failure\"]",
    "sequence by user.name with maxspan=30s [any where event.action == \"ListKeys\"] ![any where event.outcome == \"failure\"] [any where true]",
    "sequence by user.name with maxspan=45s [any where event.action == \"DisableKey\"] ![any where event.action == \"ListKeys\"]",
    "sequence by ?aws.cloudtrail.error_code [any where true] by user.name [any where true] by user.name",
    "sample by user.name [any where event.action == \"DisableKey\"] [any where event.action == \"ListKeys\"]",
    "any where event.action == \"DeleteAlias\" | tail 2",
];

/// Rules whose meaning depends on their window: the query, and what else makes the rule.
pub(crate) const WINDOWED: [(&str, &str); 8] = [
    (
        "event.provider: *",
        "type = \"new_terms\"\nnew_terms_fields = [\"event.action\"]\nhistory_window_start = \"now-3h\"\nfrom = \"now-9m\"",
    ),
    (
        "event.action: (DisableKey or ListKeys)",
        "type = \"new_terms\"\nnew_terms_fields = [\"user.name\", \"source.ip\"]\nhistory_window_start = \"now-1h/h\"",
    ),
    (
        "event.action: *",
        "type = \"new_terms\"\nnew_terms_fields = [\"related.user\", \"cloud.region\"]\nhistory_window_start = \"now-90m\"\ninterval = \"30m\"\nfrom = \"now-40m\"",
    ),
    ("event.action: DisableKey", "type = \"threshold\"\nthreshold = {field = [\"user.name\"], value = 2}"),
    (
        "event.action: *Key*",
        "type = \"threshold\"\nthreshold = {field = [\"cloud.region\"], value = 1, cardinality = [{field = \"event.action\", value = 2}]}\ninterval = \"10m\"\nfrom = \"now-30m\"",
    ),
    (
        "not event.action: DeleteAlias",
        "type = \"threshold\"\nthreshold = {field = [], value = 4}\ninterval = \"1h\"\nfrom = \"now-1h/h\"",
    ),
    (
        "FROM logs-aws* | WHERE event.action LIKE \"*Key*\" | STATS n = COUNT(*) BY user.name, event.action | WHERE n >= 1",
        "type = \"esql\"\nlanguage = \"esql\"\nfrom = \"now-20m\"",
    ),
    (
        "FROM logs-aws* METADATA _id | SORT @timestamp DESC, _id | LIMIT 2 | KEEP event.id",
        "type = \"esql\"\nlanguage = \"esql\"\ninterval = \"15m\"\nfrom = \"now-40m\"",
    ),
];

pub(crate) fn library(queries: &[&str]) -> RuleLibrary {
    let mut library = RuleLibrary::default();
    for query in queries {
        let windowed = WINDOWED.iter().map(|(query, _)| query);
        let at = QUERIES.iter().chain(&SEQUENCES).chain(windowed).position(|q| q == query).unwrap();
        let kind = match WINDOWED.iter().find(|(of, _)| of == query) {
            Some((_, own)) => own,
            None if SEQUENCES.contains(query) => "type = \"eql\"\nlanguage = \"eql\"",
            None => "type = \"query\"\nlanguage = \"kuery\"",
        };
        // The query names what it reads.
        let index = if kind.contains("esql") { "" } else { "index = [\"logs-aws*\", \"filebeat-*\"]\n" };
        let text = format!(
            "[metadata]\ncreation_date = \"2024/01/01\"\nupdated_date = \"2024/01/01\"\n[rule]\nname = \"Rule {at}\"\n\
             description = \"A rule.\"\nrisk_score = 47\nseverity = \"medium\"\n{kind}\n\
             rule_id = \"00000000-0000-4000-8000-0000000000{at:02}\"\n{index}\
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

/// What a hunt gave, with the alerts whole.
pub(crate) struct Found {
    pub(crate) alerts: Vec<Alert>,
    pub(crate) summary: HuntSummary,
}

struct Whole(Vec<Alert>);

impl AlertSink for Whole {
    fn alert(&mut self, alert: Alert) -> std::io::Result<()> {
        self.0.push(alert);
        Ok(())
    }
}

/// A hunt with one rule, as scheduled, over events that are given as NDJSON.
pub(crate) fn hunt_rule(rule: &str, events: Vec<u8>, range: TimeRange) -> Found {
    let mut library = RuleLibrary::default();
    library.add("rule.toml".into(), rule::format::toml::read(rule, Path::new("rule.toml")));
    let (catalog, enrichment) = (Catalog::builtin(), Enrichment::default());
    let plan = Plan::new(&library, &catalog, Timestamp::UNIX_EPOCH);
    assert_eq!(plan.rules.len(), 1, "{:?} {:?}", library.outcomes, plan.outcomes);
    let options = options(range, Windows::AsScheduled, Limits::default(), 1, None, &catalog, &enrichment);
    let mut alerts = Whole(Vec::new());
    let output = HuntOutput { alerts: &mut alerts, dead_letter: None, progress: &mut |_| {} };
    let input = HuntInput::Memory { name: "events".into(), bytes: events };
    let summary = hunt(&plan, &[input], options, output).unwrap();
    Found { alerts: alerts.0, summary }
}

fn options<'p>(
    range: TimeRange,
    windows: Windows,
    limits: Limits,
    jobs: usize,
    max_signals: Option<u32>,
    catalog: &'p Catalog,
    enrichment: &'p Enrichment,
) -> HuntOptions<'p> {
    HuntOptions {
        investigates: false,
        scan: ScanSettings { range, now: Timestamp::UNIX_EPOCH, enrichment, catalog },
        jobs: NonZeroUsize::new(jobs).unwrap(),
        limits,
        max_signals,
        windows,
        alerts: AlertContext {
            space: "default".into(),
            detected_at: Timestamp::UNIX_EPOCH,
            execution_uuid: "00000000-0000-0000-0000-000000000000".into(),
            execution_type: ExecutionType::Manual,
            intended_timestamp: None,
            base_url: None,
            version: "test".into(),
        },
    }
}

pub(crate) fn run(
    folder: &Path,
    queries: &[&str],
    jobs: usize,
    max_signals: Option<u32>,
) -> (Vec<String>, HuntSummary) {
    run_within(Limits::default(), folder, queries, jobs, max_signals)
}

pub(crate) fn run_within(
    limits: Limits,
    folder: &Path,
    queries: &[&str],
    jobs: usize,
    max_signals: Option<u32>,
) -> (Vec<String>, HuntSummary) {
    run_over(TimeRange::default(), Windows::AsScheduled, limits, folder, queries, jobs, max_signals)
}

pub(crate) fn run_over(
    range: TimeRange,
    windows: Windows,
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
    let options = options(range, windows, limits, jobs, max_signals, &catalog, &enrichment);
    let mut alerts = Collected::default();
    let output = HuntOutput { alerts: &mut alerts, dead_letter: None, progress: &mut |_| {} };
    let summary = hunt(&plan, &inputs, options, output).unwrap();
    (alerts.0, summary)
}
