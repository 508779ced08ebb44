//! One test run: the rule over its events as in a hunt, and what came of it against what was expected.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

use alert::{Alert, AlertContext, ExecutionType};
use ecs::{Catalog, TimeRange, Timestamp};
use engine::{AlertSink, HuntInput, HuntOptions, HuntOutput, NotRunReason, Plan, RuleStatus, ScanSettings};
use ingest::decode::Limits;
use ingest::enrich::Enrichment;
use query::Diagnostic;
use rule::RuleLibrary;
use rule::library::source_text;
use rule::rule_test::RuleTest;
use serde_json::Value;

use super::comparison::{FoundAlert, compare};
use super::given_events::{GivenEvent, as_input, given_events};
use super::given_exceptions::{exceptions_not_applied, with_exceptions};
use super::given_indicators::{given_indicators, indicators_not_wanted, unread_indicators};
use super::why_missing::why_missing;
use crate::command::{Context, rule_check};
use crate::reporter::rule_tests::{Fault, Verdict};

/// What all tests of a run share.
#[derive(Clone, Copy)]
pub(super) struct Bench<'b> {
    pub(super) catalog: &'b Catalog,
    pub(super) enrichment: &'b Enrichment,
    pub(super) context: Context,
}

/// A file with tests, and the rule that they are about.
pub(super) struct Subject<'s> {
    pub(super) test_file: &'s Path,
    pub(super) test_text: &'s str,
    /// Holds the one rule.
    pub(super) library: &'s RuleLibrary,
}

impl Subject<'_> {
    pub(super) fn fault(&self, diagnostic: Diagnostic) -> Fault {
        Fault { path: self.test_file.to_owned(), text: self.test_text.to_owned(), diagnostic }
    }
}

/// Runs a test.
///
/// # Errors
/// What is no fault of rule or test: the engine cannot go on.
pub(super) fn run_test(bench: &Bench<'_>, subject: &Subject<'_>, test: &RuleTest) -> anyhow::Result<Verdict> {
    let folder = subject.test_file.parent().unwrap_or(Path::new(""));
    let not_run = |faults: Vec<Diagnostic>| {
        Ok(Verdict::NotRun(faults.into_iter().map(|fault| subject.fault(fault)).collect()))
    };
    let events = match given_events(test, folder) {
        Ok(events) => events,
        Err(faults) => return not_run(faults),
    };
    let faults = unknown_events(test, &events);
    if !faults.is_empty() {
        return not_run(faults);
    }
    let library = match with_exceptions(subject, test, folder) {
        Ok(library) => library,
        Err(faults) => return Ok(Verdict::NotRun(faults)),
    };
    let now = test.now.or_else(|| events.iter().filter_map(|event| event.time).max());
    let now = now.unwrap_or(bench.context.now);
    let bench = Bench { context: Context { now, ..bench.context }, ..*bench };
    let indicators = match given_indicators(test, folder) {
        Ok(indicators) => indicators,
        Err(faults) => return not_run(faults),
    };
    let plan = Plan::new(&library, bench.catalog, now).with_indicators(indicators);
    let faults = reasons_not_to_run(&plan, subject);
    if !faults.is_empty() {
        return Ok(Verdict::NotRun(faults));
    }
    let faults: Vec<Diagnostic> =
        [exceptions_not_applied(&plan, test), indicators_not_wanted(&plan, test)].concat();
    if !faults.is_empty() {
        return not_run(faults);
    }
    let mut alerts = Collected(Vec::new());
    let input = HuntInput::Memory {
        name: subject.test_file.to_string_lossy().into_owned(),
        bytes: as_input(&events),
    };
    let inputs = if events.is_empty() { Vec::new() } else { vec![input] };
    let output = HuntOutput { alerts: &mut alerts, dead_letter: None, progress: &mut |_| {} };
    let summary = engine::hunt(&plan, &inputs, options(&bench, now), output)?;
    let faults = unread_indicators(test, &summary.indicators);
    if !faults.is_empty() {
        return not_run(faults);
    }
    let counts = summary.ledger.counts();
    if counts.events < counts.records_in {
        return not_run(vec![lost_events(test, &events, counts)]);
    }
    let found = found_alerts(alerts.0, &events);
    let why = |expected: &_| why_missing(&bench, &plan, &events, expected);
    let failures = compare(&test.alerts, &found, test.alerts_span, bench.catalog, &why);
    Ok(if failures.is_empty() { Verdict::Passed } else { Verdict::Failed(failures) })
}

fn options<'b>(bench: &Bench<'b>, now: Timestamp) -> HuntOptions<'b> {
    HuntOptions {
        investigates: false,
        scan: ScanSettings {
            range: TimeRange::default(),
            now,
            enrichment: bench.enrichment,
            catalog: bench.catalog,
        },
        jobs: NonZeroUsize::MIN,
        limits: Limits::default(),
        max_signals: None,
        windows: engine::Windows::default(),
        alerts: AlertContext {
            space: "default".to_owned(),
            detected_at: now,
            execution_uuid: "00000000-0000-4000-8000-000000000000".to_owned(),
            execution_type: ExecutionType::Manual,
            intended_timestamp: None,
            base_url: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
    }
}

struct Collected(Vec<Alert>);

impl AlertSink for Collected {
    fn alert(&mut self, alert: Alert) -> io::Result<()> {
        self.0.push(alert);
        Ok(())
    }
}

/// The errors in the file that a library has read last.
pub(super) fn faults_of_last_file(library: &RuleLibrary) -> Vec<Fault> {
    let Some(file) = library.outcomes.last() else { return Vec::new() };
    let text = source_text(&file.path).map(|text| text.into_owned()).unwrap_or_default();
    let errors = file.diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
    errors
        .map(|diagnostic| Fault {
            path: file.path.clone(),
            text: text.clone(),
            diagnostic: diagnostic.clone(),
        })
        .collect()
}

/// Ids that no event has, most likely misspelt.
fn unknown_events(test: &RuleTest, events: &[GivenEvent]) -> Vec<Diagnostic> {
    let known: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    let ids = test.alerts.iter().filter_map(|alert| alert.events.as_ref()).flatten();
    ids.filter(|id| !known.contains(&id.value.as_str()))
        .map(|id| {
            let message = format!("no event of the test has the id `{}`", id.value);
            let known = known.iter().take(10).copied().collect::<Vec<_>>().join(", ");
            let found = Diagnostic::error("test::unknown-event", message).at(id.span);
            if known.is_empty() {
                found.help("the test has no events")
            } else {
                found.help(format!("the events are {known}"))
            }
        })
        .collect()
}

/// Why the rule does not run, whatever the test; nothing when it does.
pub(super) fn reasons_not_to_run(plan: &Plan<'_>, subject: &Subject<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (outcome, rule) in plan.outcomes.iter().zip(&subject.library.rules) {
        match &outcome.status {
            RuleStatus::NotRun(NotRunReason::Errors(found)) => {
                let text = source_text(&rule.origin.path).map(|text| text.into_owned()).unwrap_or_default();
                faults.extend(found.iter().filter(|d| d.is_error()).map(|diagnostic| Fault {
                    diagnostic: rule_check::in_file(diagnostic, rule, &text),
                    path: rule.origin.path.clone(),
                    text: text.clone(),
                }));
            }
            RuleStatus::NotRun(reason) => {
                let message = format!("the rule does not run: {reason}");
                faults.push(subject.fault(Diagnostic::error("test::rule-not-run", message)));
            }
            RuleStatus::Ran => {}
        }
    }
    faults
}

/// Records that became no event of their own: most often a copy with the same id.
fn lost_events(test: &RuleTest, events: &[GivenEvent], counts: &ingest::ledger::Counts) -> Diagnostic {
    let mut by_id: BTreeMap<&str, u64> = BTreeMap::new();
    for event in events {
        *by_id.entry(&event.id).or_default() += 1;
    }
    let twice: Vec<&str> = by_id.into_iter().filter(|(_, number)| *number > 1).map(|(id, _)| id).collect();
    let (code, message) = match counts.drops.keys().next() {
        Some(reason) => ("test::unreadable-event", format!("an event of the test cannot be read: {reason}")),
        None => ("test::duplicate-event", format!("several events have the id {}", twice.join(", "))),
    };
    let found = Diagnostic::error(code, message).at(test.name.span);
    if twice.is_empty() { found } else { found.help("of deliveries with the same id a hunt takes the first") }
}

/// The alerts that people would see, but those about the history alone.
fn found_alerts(alerts: Vec<Alert>, events: &[GivenEvent]) -> Vec<FoundAlert> {
    let start = events.iter().filter(|event| !event.is_history).filter_map(|event| event.time).min();
    let is_of_history = |id: &String| events.iter().any(|event| event.is_history && event.id == *id);
    // The alerts of the single events of a sequence stand behind its own.
    let (mut blocks, alerts): (Vec<Alert>, Vec<Alert>) =
        alerts.into_iter().partition(|alert| alert.group_index().is_some());
    blocks.sort_by_key(Alert::group_index);
    let blocks_of = |alert: &Alert| {
        let own =
            blocks.iter().filter(|block| block.group_id().is_some() && block.group_id() == alert.group_id());
        own.map(|block| block.document().clone()).collect::<Vec<_>>()
    };
    alerts
        .into_iter()
        .filter_map(|alert| {
            let ids = evidence(&alert, events);
            let time: Option<Timestamp> = alert.original_time().and_then(|time| time.parse().ok());
            let before = match ids.is_empty() {
                true => time.is_some() && start.is_some() && time < start,
                false => ids.iter().all(is_of_history),
            };
            let reason = alert.reason().unwrap_or_default().to_owned();
            let blocks = blocks_of(&alert);
            (!before).then(|| FoundAlert { events: ids, blocks, document: alert.into_document(), reason })
        })
        .collect()
}

/// The events among the ancestors of an alert, by their ids in the test.
fn evidence(alert: &Alert, events: &[GivenEvent]) -> Vec<String> {
    let ancestors = alert.document().nodes("kibana.alert.ancestors");
    let ancestors = ancestors.into_iter().flat_map(|node| match node {
        Value::Array(nodes) => nodes.iter().collect(),
        node => vec![node],
    });
    ancestors
        .filter_map(|ancestor| {
            let id = ancestor.get("id")?.as_str()?;
            // The id of a CloudTrail event is followed by the account that received it.
            let is_of = |event: &&GivenEvent| {
                id.strip_prefix(event.id.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
            };
            events.iter().find(is_of).map(|event| event.id.clone())
        })
        .collect()
}
