//! One run of some rules over what the lake holds: found alerts by rule, and an account of every rule.
//!
//! A run covers a range of ticks: whatever runs would have ended in `[from, to)` by the rules' schedules is done at once,
//! and gives the alerts that they would have given one by one.

use std::collections::BTreeMap;

use alert::{Alert, AlertContext};
use ecs::{Catalog, DataStream, IndexPatterns, TimeRange, Timestamp};
use engine::{
    AlertSink, ExecuteOptions, Executed, MadeEvent, Plan, RuleOutcome, Windows, execute, needed_range,
};
use lake::{Lake, LakeError, ScanRequest, StoredEvent, TimeField};
use matcher::value::date_of;
use rule::{Rule, RuleLibrary, RuleType};

use crate::error::ServerError;
use crate::intake::INPUTS;
use crate::rule_set::part_of;

/// Which time places an event in the windows of a rule, and how much is to be read for it. Rules of one kind with the same
/// range share one scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleKind {
    /// Each event is decided alone. So that none is missed that comes late, what counts is when it came into the lake,
    /// whatever time the rule names.
    EachEvent,
    /// Windows over `event.ingested`, or of events without it `@timestamp`.
    WindowsByIngested,
    /// Windows over `@timestamp`.
    WindowsByTimestamp,
    /// Windows over `event.ingested`, and a long history, which is read only when there is something to look up.
    NewTermsByIngested,
    /// The same over `@timestamp`.
    NewTermsByTimestamp,
}

impl RuleKind {
    /// The kind of a rule.
    pub fn of(rule: &Rule) -> Self {
        let by_ingested = rule.primary_timestamp() == "event.ingested";
        let suppresses = rule.rule_type.suppression().is_some();
        match &rule.rule_type {
            RuleType::NewTerms(_) if !suppresses && by_ingested => Self::NewTermsByIngested,
            RuleType::NewTerms(_) if !suppresses => Self::NewTermsByTimestamp,
            RuleType::Query(_) | RuleType::SavedQuery(_) if !suppresses => Self::EachEvent,
            RuleType::Eql(eql) if !suppresses && asks_for_single_events(&eql.query) => Self::EachEvent,
            _ if by_ingested => Self::WindowsByIngested,
            _ => Self::WindowsByTimestamp,
        }
    }

    /// The time that the lake is asked by.
    pub fn time_field(self) -> TimeField {
        match self {
            Self::EachEvent | Self::WindowsByIngested | Self::NewTermsByIngested => TimeField::Ingested,
            Self::WindowsByTimestamp | Self::NewTermsByTimestamp => TimeField::Timestamp,
        }
    }

    fn reads_history_late(self) -> bool {
        matches!(self, Self::NewTermsByIngested | Self::NewTermsByTimestamp)
    }
}

/// What is to be run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// All rules are of this kind.
    pub kind: RuleKind,
    /// Which runs: those that end in it. Both ends are given; half-open.
    pub from: Timestamp,
    /// The end.
    pub to: Timestamp,
    /// What the alerts say of the run.
    pub alerts: AlertContext,
}

/// What a run gave.
#[derive(Debug)]
pub struct RunResult {
    /// Alerts of each rule by its id, in the order in which they were made.
    pub alerts: BTreeMap<String, Vec<Alert>>,
    /// The account.
    pub executed: Executed,
    /// When it began.
    pub started: Timestamp,
}

#[derive(Default)]
struct ByRule(BTreeMap<String, Vec<Alert>>);

impl AlertSink for ByRule {
    fn alert(&mut self, alert: Alert) -> std::io::Result<()> {
        let rule_id = alert.rule_id().unwrap_or_default().to_owned();
        self.0.entry(rule_id).or_default().push(alert);
        Ok(())
    }
}

/// Runs all rules of a library. Blocks until it is done.
///
/// # Errors
/// When the lake cannot be read. What is wrong with a rule is in its outcome.
pub fn run(
    lake: &Lake,
    catalog: &Catalog,
    library: &RuleLibrary,
    request: &RunRequest,
) -> Result<RunResult, ServerError> {
    let range = TimeRange { from: Some(request.from), to: Some(request.to) };
    let plan = Plan::new(library, catalog, request.to);
    if !request.kind.reads_history_late() {
        let read = needed_range(&plan, Windows::AsScheduled, range);
        return run_plan(lake, catalog, &plan, request, range, read);
    }
    // Without its history every value is new: what is not found so needs none.
    let without = run_plan(lake, catalog, &plan, request, range, range)?;
    let found: Vec<&str> =
        without.executed.rules.iter().filter(|o| o.hits > 0).map(|o| o.rule_id.as_str()).collect();
    if found.is_empty() {
        return Ok(without);
    }
    let part = part_of(library, |rule| found.contains(&rule.rule_id.as_str()));
    let plan = Plan::new(&part, catalog, request.to);
    let read = needed_range(&plan, Windows::AsScheduled, range);
    let with = run_plan(lake, catalog, &plan, request, range, read)?;
    let mut rules: Vec<RuleOutcome> = without.executed.rules;
    for outcome in with.executed.rules {
        if let Some(place) = rules.iter_mut().find(|other| other.rule_id == outcome.rule_id) {
            *place = outcome;
        }
    }
    let executed = Executed { rules, around: with.executed.around, ..without.executed };
    Ok(RunResult { alerts: with.alerts, executed, started: without.started })
}

fn run_plan(
    lake: &Lake,
    catalog: &Catalog,
    plan: &Plan<'_>,
    request: &RunRequest,
    range: TimeRange,
    read: TimeRange,
) -> Result<RunResult, ServerError> {
    let time_field = request.kind.time_field();
    let snapshot = lake.snapshot_through(request.to)?;
    let scan =
        ScanRequest { streams: IndexPatterns::new(["*"]), time: read, time_field, ..ScanRequest::default() };
    // The server's own accounts are no events for rules.
    let is_event = |event: &Result<StoredEvent, LakeError>| {
        event.as_ref().map_or(true, |event| event.data_stream != DataStream::logs(INPUTS))
    };
    let events = snapshot.documents(&scan).filter(is_event);
    let events = events.map(|event| Ok::<_, LakeError>(made(event?, time_field)));
    let options = ExecuteOptions {
        range,
        windows: Windows::AsScheduled,
        catalog,
        max_signals: None,
        alerts: request.alerts.clone(),
    };
    let mut sink = ByRule::default();
    let executed = execute(plan, events, options, &mut sink)?;
    Ok(RunResult { alerts: sink.0, executed, started: request.alerts.detected_at })
}

fn made(event: StoredEvent, time_field: TimeField) -> MadeEvent {
    let StoredEvent { data_stream, id, document } = event;
    let read = |field: &str| {
        let milliseconds = document.first(field).and_then(date_of)?;
        Timestamp::from_millisecond(milliseconds).ok()
    };
    let time = match time_field {
        TimeField::Timestamp => read("@timestamp"),
        TimeField::Ingested => read("event.ingested").or_else(|| read("@timestamp")),
    };
    MadeEvent { document, id, stream: data_stream, time }
}

/// Such a query decides each event alone.
fn asks_for_single_events(text: &str) -> bool {
    let query = query::eql::parse(text).tree;
    matches!(query.body, query::eql::ast::Body::Event(_)) && query.pipes.is_empty()
}
