//! An execution: the rules of a plan over events that were made before, such as those of a lake.
//!
//! ```text
//!   events of a range, and around it ──▶ shared scan ──▶ detect ──▶ alerts ──▶ AlertSink
//! ```
//!
//! A hunt reads records; an execution is given documents. What rules find is the same.

use std::collections::BTreeSet;

use alert::AlertContext;
use ecs::{Catalog, DataStream, Document, IndexPatterns, TimeRange, Timestamp};
use ingest::enrich::Enrichment;

use crate::detect::bounds::Bounds;
use crate::detect::{AlertSink, ChangedAlert, Detection};
use crate::error::EngineError;
use crate::kept_history::{KeepHistory, KeptHistories};
use crate::offered_event::OfferedEvent;
use crate::outcome::RuleOutcome;
use crate::plan::{Plan, PlannedRule};
use crate::shared_scan::{Looked, ScanSettings, Scanner, SharedScan};
use crate::windows::Windows;

/// An event that was made before, as a whole document.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeEvent {
    /// The event.
    pub document: Document,
    /// Tells it from all others of its data stream.
    pub id: String,
    /// Where it belongs.
    pub stream: DataStream,
    /// What places it in the range or around it: the time that the rules go by. An event without one lies in the range.
    pub time: Option<Timestamp>,
}

/// Over what to run.
#[derive(Debug)]
pub struct ExecuteOptions<'p> {
    /// What the runs search that are executed: as their schedules have it, those that end in the range. Half-open.
    pub range: TimeRange,
    /// How rules are run whose meaning depends on their window.
    pub windows: Windows,
    /// What is known of fields.
    pub catalog: &'p Catalog,
    /// The most alerts of one rule; `None` for no cap.
    pub max_signals: Option<u32>,
    /// What alerts say of this run.
    pub alerts: AlertContext,
}

/// The account of an execution.
#[derive(Debug, Default)]
pub struct Executed {
    /// Every rule of the plan.
    pub rules: Vec<RuleOutcome>,
    /// Events in the range.
    pub events: u64,
    /// Events around it: history, and what its last run sees.
    pub around: u64,
    /// The newest `@timestamp` among the events in the range.
    pub newest: Option<Timestamp>,
    /// What is kept for the range that starts where this one ends, of rules that ran.
    pub kept: KeptHistories,
    /// Rules that found something without the history that they read late: what they gave does not count.
    pub want_history: BTreeSet<String>,
    /// What changes of alerts that earlier ranges gave, because hits of this one were folded into them. Known only where
    /// histories are kept.
    pub changed: Vec<ChangedAlert>,
}

/// From when until when events count for the rules of a plan, or for those of them with the given ids, around a range too;
/// with `history`, beside what was kept and what is read late. An end is `None` where the range is open.
pub fn needed_range(
    plan: &Plan<'_>,
    only: Option<&BTreeSet<String>>,
    history: Option<&KeepHistory>,
    windows: Windows,
    range: TimeRange,
) -> TimeRange {
    let rules = || {
        let wanted =
            |planned: &&PlannedRule<'_>| only.is_none_or(|only| only.contains(&planned.rule.rule_id));
        plan.rules.iter().filter(wanted)
    };
    let start = |from| rules().filter_map(|rule| history_from(rule, history, windows, from)).min();
    let end = |to| rules().filter_map(|rule| rule.seen_until(windows, to)).max();
    let from = range.from.map(|from| start(from).map_or(from, |start| start.min(from)));
    let to = range.to.map(|to| end(to).map_or(to, |until| until.max(to)));
    TimeRange { from, to }
}

/// From when on events before a range count for a rule, beside what was kept of it.
fn history_from(
    rule: &PlannedRule<'_>,
    history: Option<&KeepHistory>,
    windows: Windows,
    range_from: Timestamp,
) -> Option<Timestamp> {
    match history {
        Some(history) => history.history_from(rule, windows, range_from),
        None => rule.history_from(windows, range_from),
    }
}

/// Some rules of an execution, with what they are run over.
#[derive(Debug)]
pub struct Part<'p> {
    /// The rules.
    pub plan: &'p Plan<'p>,
    /// Which of them: by their ids; `None` for all.
    pub only: Option<&'p BTreeSet<String>>,
    /// Over what.
    pub options: ExecuteOptions<'p>,
    /// What they see of the events: those outside are none of theirs. At least as [`needed_range`] says.
    pub read: TimeRange,
    /// What none of them may go beyond.
    pub bounds: Option<Bounds<'p>>,
    /// What was kept of the range before, so that what is seen is kept again; `None` to keep nothing. Only of schedules'
    /// windows something is kept.
    pub history: Option<KeepHistory>,
}

impl<'p> Part<'p> {
    /// What looks for what the rules of this part want.
    fn scan<'e>(&self, enrichment: &'e Enrichment) -> SharedScan<'e>
    where
        'p: 'e,
    {
        let ExecuteOptions { range, windows, catalog, ref alerts, .. } = self.options;
        let settings = ScanSettings { range, now: alerts.detected_at, enrichment, catalog };
        let is_wanted =
            |rule: &PlannedRule<'_>| self.only.is_none_or(|only| only.contains(&rule.rule.rule_id));
        SharedScan::new(self.plan, settings).only(is_wanted).looking_around(|rule| {
            let from = range.from.filter(|_| is_wanted(rule));
            let from = from.and_then(|from| history_from(rule, self.history.as_ref(), windows, from));
            let until = range.to.filter(|_| is_wanted(rule)).and_then(|to| rule.seen_until(windows, to));
            (from, until)
        })
    }
}

/// Runs several parts over the same events in one pass. Events come in any order and each once, and are made once for all
/// parts, when any may want them. What a part gives does not
/// depend on the others; a part that fails stops none of them. `sinks` are those of the parts, one each.
///
/// Indicators count whatever their time. When events wait for some, `indicators` is called once, and gives all events of the
/// data streams that it is asked for by a function; those that a part has seen already are passed over.
///
/// # Errors
/// When events cannot be had ([`EngineError::Events`]), or it was stopped, which is asked about now and then.
pub fn execute_together<O: OfferedEvent, I: Iterator<Item = Result<O, EngineError>>>(
    parts: Vec<Part<'_>>,
    events: impl Iterator<Item = Result<O, EngineError>>,
    indicators: impl FnOnce(&dyn Fn(&DataStream) -> bool) -> I,
    sinks: &mut [&mut dyn AlertSink],
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Result<Executed, EngineError>>, EngineError> {
    // An execution reads events that are enriched already.
    let enrichment = Enrichment::default();
    let shared: Vec<SharedScan<'_>> = parts.iter().map(|part| part.scan(&enrichment)).collect();
    let mut running: Vec<Running<'_, '_>> = Vec::new();
    for (part, shared) in parts.into_iter().zip(&shared) {
        running.push(Running::new(part, shared.scanner()));
    }
    let mut want = Vec::new();
    for (number, event) in events.enumerate() {
        if number.is_multiple_of(EVENTS_BETWEEN_QUESTIONS) && is_stopped() {
            return Err(EngineError::Stopped);
        }
        let event = event?;
        want.clear();
        for (at, part) in running.iter_mut().enumerate() {
            if part.counts(&event) && part.may_want(at, &event) {
                want.push(at);
            }
        }
        if want.is_empty() {
            continue;
        }
        let event = event.make()?;
        for at in &want {
            running[*at].event(&event, &mut *sinks[*at]);
        }
    }
    let patterns: Vec<IndexPatterns> =
        running.iter().flat_map(|part| part.detection.indicator_patterns()).cloned().collect();
    if !patterns.is_empty() {
        let holds_indicators = |stream: &DataStream| patterns.iter().any(|pattern| pattern.matches(stream));
        for (number, event) in indicators(&holds_indicators).enumerate() {
            if number.is_multiple_of(EVENTS_BETWEEN_QUESTIONS) && is_stopped() {
                return Err(EngineError::Stopped);
            }
            let event = event?;
            want.clear();
            for (at, part) in running.iter_mut().enumerate() {
                if part.is_unseen(&event) && part.may_want(at, &event) {
                    want.push(at);
                }
            }
            if want.is_empty() {
                continue;
            }
            let event = event.make()?;
            want.iter().for_each(|at| running[*at].indicator(&event));
        }
    }
    let done = running.into_iter().zip(sinks.iter_mut()).map(|(part, sink)| part.finish(*sink));
    done.map(|done| match done {
        // Nothing more is wanted of any part.
        Err(EngineError::Stopped) => Err(EngineError::Stopped),
        done => Ok(done),
    })
    .collect()
}

const EVENTS_BETWEEN_QUESTIONS: usize = 256;

/// A part while events come.
struct Running<'p, 's> {
    read: TimeRange,
    scanner: Scanner<'s>,
    detection: Detection<'p>,
    executed: Executed,
    /// The first and the last time of the events in the range.
    data: Option<(Timestamp, Timestamp)>,
    failed: Option<EngineError>,
}

impl<'p, 's> Running<'p, 's> {
    fn new(part: Part<'p>, scanner: Scanner<'s>) -> Self {
        let Part { plan, only, options, read, bounds, history } = part;
        let ExecuteOptions { range, windows, max_signals, alerts, .. } = options;
        let mut detection =
            Detection::new(plan, alerts, max_signals).over(windows, range).asking_for_indicators();
        if let Some(bounds) = bounds {
            detection = detection.within(bounds);
        }
        if let Some(history) = history {
            detection = detection.keeping(history);
        }
        if let Some(only) = only {
            detection = detection.only(|planned| only.contains(&planned.rule.rule_id));
        }
        let executed = Executed::default();
        Self { read, scanner, detection, executed, data: None, failed: None }
    }

    /// Counts an event, if it is one of what the rules see.
    fn counts(&mut self, event: &impl OfferedEvent) -> bool {
        let time = event.time();
        if self.failed.is_some() || time.is_some_and(|time| !self.read.contains(time)) {
            return false;
        }
        if self.scanner.is_in_range(time) {
            self.executed.events += 1;
            self.executed.newest = self.executed.newest.max(event.happened());
            if let Some(time) = time {
                let data = self.data.map_or((time, time), |(a, b)| (a.min(time), b.max(time)));
                self.data = Some(data);
            }
        } else {
            self.executed.around += 1;
        }
        true
    }

    /// Could some rule want an event? `part` is the position of this one.
    fn may_want(&mut self, part: usize, event: &impl OfferedEvent) -> bool {
        match event.known(part) {
            Some(known) => self.scanner.may_want(event.time(), event.stream(), &known),
            None => true,
        }
    }

    fn event(&mut self, event: &MadeEvent, sink: &mut dyn AlertSink) {
        let done = match self.scanner.look(event) {
            Looked::InRange(found) => {
                found.map_or(Ok(()), |found| self.detection.event(*found, event.time, sink))
            }
            Looked::Around(found) => found.map_or(Ok(()), |found| self.detection.history(&found)),
        };
        self.failed = done.err();
    }

    /// Is an event that may be an indicator none of those that were seen already?
    fn is_unseen(&self, event: &impl OfferedEvent) -> bool {
        self.failed.is_none() && event.time().is_some_and(|time| !self.read.contains(time))
    }

    fn indicator(&mut self, event: &MadeEvent) {
        if let Looked::Around(Some(found)) = self.scanner.look(event) {
            self.failed = self.detection.history(&found).err();
        }
    }

    fn finish(self, sink: &mut dyn AlertSink) -> Result<Executed, EngineError> {
        let Self { detection, mut executed, data, failed, .. } = self;
        if let Some(error) = failed {
            return Err(error);
        }
        let finished = detection.finish_keeping(data, sink)?;
        let found_something = |rule_id: &String| {
            finished.outcomes.iter().any(|outcome| outcome.rule_id == *rule_id && outcome.hits > 0)
        };
        executed.want_history = finished.late.into_iter().filter(found_something).collect();
        executed.changed = finished.changed;
        (executed.rules, executed.kept) = (finished.outcomes, finished.kept);
        Ok(executed)
    }
}
