//! One run of some rules over what the lake holds: found alerts by rule, and an account of every rule.
//!
//! A run covers a range of ticks: whatever runs would have ended in `[from, to)` by the rules' schedules is done at once,
//! and gives the alerts that they would have given one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alert::{Alert, AlertContext};
use ecs::{Catalog, DataStream, FieldTable, IndexPatterns, TimeRange, Timestamp};
use engine::late_events::{LateCounter, LateEvents};
use engine::{
    AlertSink, Bounds, ClosedAlerts, EngineError, ExecuteOptions, Executed, KeepHistory, KeptHistories,
    OfferedEvent, Part, Plan, ReadHistory, RuleOutcome, Windows, execute_together, needed_range,
};
use ingest::enrich::Enrichment;
use lake::{Lake, ScanRequest, TimeField};
use rule::{Rule, RuleLibrary, RuleType};

use crate::error::ServerError;
use crate::intake::INPUTS;
use crate::lake_event::{LakeEvent, unreadable};

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
    /// Windows over `event.ingested`, of which no event before the range is looked at as long as nothing is found.
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

    /// Does an event that comes after its window has passed stay unseen?
    fn misses_late_events(self) -> bool {
        matches!(self, Self::WindowsByTimestamp | Self::NewTermsByTimestamp)
    }

    /// Has every event of a range come when it has passed, and none of a later one? Then what rules have seen is kept for
    /// the next range.
    pub fn keeps_history(self) -> bool {
        self.time_field() == TimeField::Ingested
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
    /// Events that came too late for a rule with windows over `@timestamp`, by its id.
    pub late: BTreeMap<String, u64>,
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

/// Rules of one kind with the same range.
#[derive(Debug)]
pub struct Group {
    /// The rules.
    pub plan: Arc<Plan<'static>>,
    /// What is to be run.
    pub request: RunRequest,
    /// Count events that came too late for rules with windows over `@timestamp`.
    pub counts_late: bool,
    /// What the rules have seen up to where this run begins, as far as it was kept.
    pub kept: KeptHistories,
    /// Alerts of the rules that people have closed.
    pub closed: ClosedAlerts,
}

/// How runs are made.
#[derive(Clone, Copy)]
pub struct RunContext<'c> {
    /// Where events lie.
    pub lake: &'c Lake,
    /// What is known of fields.
    pub catalog: &'c Catalog,
    /// What no rule may go beyond, and whether to end early.
    pub bounds: Bounds<'c>,
}

/// What each of some groups gave, in their order.
pub type GroupResults = Vec<Result<RunResult, ServerError>>;

/// Runs all rules of a library. Blocks until it is done.
///
/// # Errors
/// When the lake cannot be read. What is wrong with a rule is in its outcome.
pub fn run(
    context: &RunContext<'_>,
    library: &RuleLibrary,
    request: &RunRequest,
) -> Result<RunResult, ServerError> {
    let plan = Arc::new(Plan::new(library, context.catalog, request.to).into_owned());
    let (kept, closed) = (KeptHistories::new(), ClosedAlerts::new());
    let group = Group { plan, request: request.clone(), counts_late: false, kept, closed };
    let mut results = run_together(context, vec![group])?;
    results.pop().unwrap_or_else(|| Err(ServerError::Defect("a run without a result".to_owned())))
}

/// Runs all rules of several groups; those that the lake is asked for by the same time share one scan. Blocks until it is
/// done. A group that fails stops no other.
///
/// # Errors
/// When the lake cannot be read, or the runs are to end.
pub fn run_together(context: &RunContext<'_>, mut groups: Vec<Group>) -> Result<GroupResults, ServerError> {
    let first = groups.iter_mut().enumerate().map(|(number, group)| {
        let (kept, closed) = (std::mem::take(&mut group.kept), group.closed.clone());
        let history = KeepHistory { kept, reads: ReadHistory::Late, closed };
        Turn { number, only: None, history }
    });
    let first = first.collect();
    let mut results = scan_for(context, &groups, first, true)?;
    let mut second = Vec::new();
    for (number, result) in results.iter().enumerate() {
        if let Ok(result) = result
            && !result.executed.want_history.is_empty()
        {
            let only = Some(result.executed.want_history.clone());
            let closed = groups.get(number).map(|group| group.closed.clone()).unwrap_or_default();
            second.push(Turn { number, only, history: KeepHistory { closed, ..KeepHistory::default() } });
        }
    }
    let again: Vec<(usize, Option<BTreeSet<String>>)> =
        second.iter().map(|turn| (turn.number, turn.only.clone())).collect();
    for ((number, only), with) in again.into_iter().zip(scan_for(context, &groups, second, false)?) {
        let (Some(place), Some(only)) = (results.get_mut(number), only) else { continue };
        let without = std::mem::replace(place, Err(ServerError::Stopping));
        *place = match (without, with) {
            (Ok(without), Ok(with)) => Ok(with_history(without, with, &only)),
            (_, with) => with,
        };
    }
    Ok(results)
}

/// A group to be run, or some rules of it.
struct Turn {
    number: usize,
    /// `None` for all rules.
    only: Option<BTreeSet<String>>,
    history: KeepHistory,
}

/// What rules found with their history in place of what they found without.
fn with_history(without: RunResult, with: RunResult, only: &BTreeSet<String>) -> RunResult {
    let RunResult { mut alerts, mut executed, started, late } = without;
    let mut rules: Vec<RuleOutcome> = executed.rules;
    for outcome in with.executed.rules.into_iter().filter(|outcome| only.contains(&outcome.rule_id)) {
        if let Some(place) = rules.iter_mut().find(|other| other.rule_id == outcome.rule_id) {
            *place = outcome;
        }
    }
    alerts.retain(|rule_id, _| !only.contains(rule_id));
    alerts.extend(with.alerts);
    executed.kept.extend(with.executed.kept);
    executed.changed.retain(|changed| !only.contains(&changed.rule_id));
    executed.changed.extend(with.executed.changed);
    let around = executed.around.max(with.executed.around);
    let executed = Executed { rules, around, ..executed };
    RunResult { alerts, executed, started, late }
}

/// One scan for each time that the groups ask by; the results in the order of the turns.
fn scan_for(
    context: &RunContext<'_>,
    groups: &[Group],
    mut turns: Vec<Turn>,
    is_first: bool,
) -> Result<GroupResults, ServerError> {
    let mut results: Vec<Option<Result<RunResult, ServerError>>> = turns.iter().map(|_| None).collect();
    let mut late_by_place = Vec::new();
    for time_field in [TimeField::Ingested, TimeField::Timestamp] {
        let asks = |turn: &Turn| groups[turn.number].request.kind.time_field() == time_field;
        let places: Vec<usize> = (0..turns.len()).filter(|place| asks(&turns[*place])).collect();
        let is_late = |group: &Group| group.counts_late && group.request.kind.misses_late_events();
        let lates: Vec<usize> = match time_field {
            TimeField::Ingested if is_first => {
                (0..turns.len()).filter(|place| is_late(&groups[turns[*place].number])).collect()
            }
            _ => Vec::new(),
        };
        let late_groups: Vec<&Group> = lates.iter().map(|place| &groups[turns[*place].number]).collect();
        let asked = turns.iter_mut().filter(|turn| asks(turn)).collect();
        let (scanned, counts) = scan_once(context, groups, asked, &late_groups, time_field)?;
        for (place, result) in places.iter().zip(scanned) {
            results[*place] = Some(result);
        }
        late_by_place.extend(lates.into_iter().zip(counts));
    }
    for (place, counts) in late_by_place {
        if let Some(Some(Ok(result))) = results.get_mut(place) {
            result.late = counts;
        }
    }
    Ok(results.into_iter().flatten().collect())
}

fn scan_once(
    context: &RunContext<'_>,
    groups: &[Group],
    turns: Vec<&mut Turn>,
    late: &[&Group],
    time_field: TimeField,
) -> Result<(GroupResults, Vec<BTreeMap<String, u64>>), ServerError> {
    let RunContext { lake, catalog, bounds } = *context;
    let mut parts = Vec::new();
    let mut read: Option<TimeRange> = None;
    let mut through: Option<Timestamp> = None;
    for turn in turns {
        let Turn { number, only, history } = turn;
        let Group { plan, request, .. } = &groups[*number];
        let range = TimeRange { from: Some(request.from), to: Some(request.to) };
        let only = only.as_ref();
        let needed = needed_range(plan, only, Some(history), Windows::AsScheduled, range);
        let options = ExecuteOptions {
            range,
            windows: Windows::AsScheduled,
            catalog,
            max_signals: None,
            alerts: request.alerts.clone(),
        };
        read = Some(read.map_or(needed, |read| joined(read, needed)));
        through = through.max(Some(request.to));
        let history = Some(std::mem::take(history));
        parts.push(Part { plan, only, options, read: needed, bounds: Some(bounds), history });
    }
    // Who counts late events sees them as they came in, whenever they happened.
    let enrichment = Enrichment::default();
    let looks: Vec<LateEvents<'_>> = late
        .iter()
        .map(|Group { plan, request, .. }| {
            let range = TimeRange { from: Some(request.from), to: Some(request.to) };
            read = Some(read.map_or(range, |read| joined(read, range)));
            through = through.max(Some(request.to));
            LateEvents::new(plan, range, catalog, &enrichment)
        })
        .collect();
    let mut counters: Vec<LateCounter<'_>> = looks.iter().map(LateEvents::counter).collect();
    let (Some(read), Some(through)) = (read, through) else { return Ok((Vec::new(), Vec::new())) };
    let snapshot = lake.snapshot_through(through)?;
    let scan =
        ScanRequest { streams: IndexPatterns::new(["*"]), time: read, time_field, ..ScanRequest::default() };
    // The server's own accounts are no events for rules.
    let of_accounts = DataStream::logs(INPUTS);
    let tables: Vec<&FieldTable> = parts.iter().map(|part| &part.plan.table).collect();
    let events = snapshot.glimpses(&scan, &tables).filter_map(|glimpse| match glimpse {
        Ok(glimpse) if *glimpse.data_stream() == of_accounts => None,
        Ok(glimpse) => {
            let event = LakeEvent { glimpse, time_field };
            Some(look_for_late(&event, &mut counters).map(|()| event))
        }
        Err(error) => Some(Err(unreadable(error))),
    });
    let started: Vec<Timestamp> = parts.iter().map(|part| part.options.alerts.detected_at).collect();
    let mut sinks: Vec<ByRule> = parts.iter().map(|_| ByRule::default()).collect();
    let mut taking: Vec<&mut dyn AlertSink> =
        sinks.iter_mut().map(|sink| sink as &mut dyn AlertSink).collect();
    let indicators = |is_wanted: &dyn Fn(&DataStream) -> bool| {
        let streams = snapshot.info().into_iter().map(|stream| stream.data_stream).filter(is_wanted);
        let streams = IndexPatterns::new(streams.map(|stream| stream.name()));
        let glimpses = snapshot.glimpses(&ScanRequest { streams, ..ScanRequest::default() }, &tables);
        glimpses.map(|glimpse| match glimpse {
            Ok(glimpse) => Ok(LakeEvent { glimpse, time_field }),
            Err(error) => Err(unreadable(error)),
        })
    };
    let done = execute_together(parts, events, indicators, &mut taking, bounds.is_stopped)?;
    drop(taking);
    let results = done.into_iter().zip(sinks).zip(started);
    let results = results.map(|((done, sink), started)| {
        Ok(RunResult { alerts: sink.0, executed: done?, started, late: BTreeMap::new() })
    });
    Ok((results.collect(), counters.iter().map(LateCounter::counts).collect()))
}

/// Both ranges, and what lies between.
fn joined(a: TimeRange, b: TimeRange) -> TimeRange {
    // Without an end it goes on for ever.
    TimeRange { from: a.from.min(b.from), to: a.to.zip(b.to).map(|(a, b)| a.max(b)) }
}

/// Counts an event where it came too late. Few do; those are made for it.
fn look_for_late(event: &LakeEvent, counters: &mut [LateCounter<'_>]) -> Result<(), EngineError> {
    let (came, happened) = (event.time(), event.happened());
    let mut made = None;
    for counter in counters.iter_mut().filter(|counter| counter.may_be_late(came, happened)) {
        let event = match &made {
            Some(event) => event,
            None => made.insert(event.event()?),
        };
        counter.look(event, happened);
    }
    Ok(())
}

/// Such a query decides each event alone.
fn asks_for_single_events(text: &str) -> bool {
    let query = query::eql::parse(text).tree;
    matches!(query.body, query::eql::ast::Body::Event(_)) && query.pipes.is_empty()
}
