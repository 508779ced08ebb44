//! What is done with the events that pass a rule's filters.

use std::sync::Mutex;

use ecs::time::Rounding;
use ecs::{DateMath, Timestamp};
use matcher::JoinKey;
use query::eql::ast::Pipe;
use rule::Rule;
use rule::schedule::Schedule;

use crate::event_order::EventOrder;
use crate::event_time::EventTime;
use crate::new_terms::NewTermsWindows;
use crate::sample::SamplePlan;
use crate::sequence::{Role, SequencePlan, StageKind};
use crate::threshold::{Limits, ThresholdWindows};
pub use crate::waiting_threats::{MappedPair, ReadField, ThreatPlan};
use crate::windows::{ScheduledRuns, Windows};

/// What is done with the events that pass a rule's filters.
#[derive(Debug)]
pub enum Finisher {
    /// Each of them is a hit, at once.
    EachEvent,
    /// They wait until all events have been seen, since their order matters.
    InOrder(Box<InOrder>),
    /// The first with values that were not there before are hits.
    NewTerms(Box<NewTermsPlan>),
    /// Groups of them that are large enough are hits.
    Threshold(Box<ThresholdPlan>),
    /// Those that a query lets through, or the groups that it makes of them, are hits.
    Esql(Box<EsqlPlan>),
    /// Those of the first filter that match one of the second, an indicator, are hits.
    ThreatMatch(Box<ThreatPlan>),
}

impl Finisher {
    /// From when on events count that lie before the range of a hunt: as history, and for windows that reach back.
    /// `None` when none do.
    pub fn history_from(&self, windows: Windows, range_from: Timestamp) -> Option<Timestamp> {
        match self {
            Self::EachEvent | Self::InOrder(_) | Self::ThreatMatch(_) => None,
            Self::NewTerms(plan) => plan.history_from(windows, range_from),
            Self::Threshold(plan) => plan.history_from(windows, range_from),
            Self::Esql(plan) => plan.history_from(windows, range_from),
        }
    }
}

/// Which values of its events a rule has not seen before.
#[derive(Debug)]
pub struct NewTermsPlan {
    /// When an event happened.
    pub time: EventTime,
    /// The fields whose combined values count.
    pub fields: Vec<JoinKey>,
    /// The runs by the rule's schedule; `None` when it has none.
    pub runs: Option<ScheduledRuns>,
    /// How far the history reaches back.
    pub history: DateMath,
}

impl NewTermsPlan {
    /// What is new for whom. A rule without a schedule is run over the whole range.
    pub fn windows(&self, windows: Windows) -> NewTermsWindows {
        match (windows, &self.runs) {
            (Windows::AsScheduled, Some(runs)) => NewTermsWindows::Scheduled(runs.clone()),
            _ => NewTermsWindows::WholeRange,
        }
    }

    fn history_from(&self, windows: Windows, range_from: Timestamp) -> Option<Timestamp> {
        match self.windows(windows) {
            NewTermsWindows::WholeRange => self.history.resolve(range_from, Rounding::Down).ok(),
            NewTermsWindows::Scheduled(runs) => {
                let start = runs.history_start(runs.at_or_before(range_from.as_millisecond()))?;
                Timestamp::from_millisecond(start).ok()
            }
        }
        .filter(|from| *from < range_from)
    }

    /// With suppression, a value of the range that a late run finds new may be folded into what an earlier run has found,
    /// and that may lie after the range: as far as the last run reaches that sees the range.
    pub(crate) fn seen_until(&self, windows: Windows, range_to: Timestamp) -> Option<Timestamp> {
        let NewTermsWindows::Scheduled(runs) = self.windows(windows) else { return None };
        let last = range_to.as_millisecond().checked_sub(1)?;
        let until = runs.end(runs.last_seeing(last)?)?;
        Timestamp::from_millisecond(until).ok().filter(|until| range_to < *until)
    }
}

/// Which groups of its events a rule finds large enough.
#[derive(Debug)]
pub struct ThresholdPlan {
    /// When an event happened.
    pub time: EventTime,
    /// The fields whose values make a group, with their names; none for one group of all events.
    pub fields: Vec<(String, JoinKey)>,
    /// How large a group has to be.
    pub limits: Limits,
    /// The field whose values are counted.
    pub cardinality: Option<(String, JoinKey)>,
    /// The runs by the rule's schedule; `None` when it has none.
    pub runs: Option<ScheduledRuns>,
    /// The rule's index patterns, joined by `,`.
    pub index: String,
}

/// What a window has alerted of does not count in the next, and so on: so many windows back, and at least a day, such
/// a chain of alerts is followed before the range.
const CHAIN: i64 = 12;
const DAY: i64 = 86_400_000;

impl ThresholdPlan {
    /// Which events are counted together. A rule without a schedule is run over the whole range.
    pub fn windows(&self, windows: Windows) -> ThresholdWindows {
        match (windows, &self.runs) {
            (Windows::AsScheduled, Some(runs)) => ThresholdWindows::Scheduled(runs.clone()),
            _ => ThresholdWindows::WholeRange,
        }
    }

    /// The first run that sees an instant: what the whole range as one window has for the start of its run.
    pub fn run_after(&self, at: i64) -> i64 {
        self.runs.as_ref().and_then(|runs| runs.first_seeing(at)).unwrap_or(at)
    }

    fn history_from(&self, windows: Windows, range_from: Timestamp) -> Option<Timestamp> {
        let ThresholdWindows::Scheduled(runs) = self.windows(windows) else { return None };
        let run = runs.at_or_before(range_from.as_millisecond());
        let start = runs.start(run)?;
        let chain = run.saturating_sub(start).saturating_mul(CHAIN).max(DAY);
        Timestamp::from_millisecond(start.saturating_sub(chain)).ok()
    }
}

/// A query over the events of a window.
#[derive(Debug)]
pub struct EsqlPlan {
    /// When an event happened.
    pub time: EventTime,
    /// The runs by the rule's schedule; `None` when it has none.
    pub runs: Option<ScheduledRuns>,
    /// The query, made ready. One thread runs it at a time.
    pub query: Mutex<esql::Plan>,
    /// Does what a row becomes depend on the other events, or on the time of the run?
    pub depends_on_window: bool,
    /// Does the query ask for the time of the run?
    pub reads_now: bool,
    /// Do rows stand for groups of events, and not for single ones?
    pub groups_events: bool,
}

/// Over which events a query is run at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EsqlWindows {
    /// Any: each row depends on its event alone.
    Any,
    /// All events that are no history.
    WholeRange,
    /// Those that the runs of a schedule see.
    Scheduled(ScheduledRuns),
}

impl EsqlPlan {
    /// Over which events the query is run at once. A rule without a schedule is run over the whole range.
    pub fn windows(&self, windows: Windows) -> EsqlWindows {
        match (windows, &self.runs) {
            _ if !self.depends_on_window => EsqlWindows::Any,
            (Windows::AsScheduled, Some(runs)) => EsqlWindows::Scheduled(runs.clone()),
            _ => EsqlWindows::WholeRange,
        }
    }

    /// The first run of a hunt over a range sees events before the range. What it finds was perhaps found before, by one
    /// of the runs that saw some of these events: they are looked at again.
    fn history_from(&self, windows: Windows, range_from: Timestamp) -> Option<Timestamp> {
        let EsqlWindows::Scheduled(runs) = self.windows(windows) else { return None };
        let first = runs.start(runs.first_ending_after(range_from.as_millisecond())?)?;
        let from = runs.start_around(first)?.min(first);
        Some(Timestamp::from_millisecond(from).unwrap_or(Timestamp::MIN)).filter(|from| *from < range_from)
    }

    /// The last run of a hunt over a range sees events after the range. What a query finds in some of the events of a run,
    /// such as the newest of them, need not be what it finds in all.
    pub(crate) fn seen_until(&self, windows: Windows, range_to: Timestamp) -> Option<Timestamp> {
        let EsqlWindows::Scheduled(runs) = self.windows(windows) else { return None };
        let until = runs.end(runs.last_of_range(range_to.as_millisecond())?)?;
        Timestamp::from_millisecond(until).ok().filter(|until| range_to < *until)
    }
}

/// How the events of a rule are put in order, and what is made of them then.
#[derive(Debug)]
pub struct InOrder {
    /// What comes before what.
    pub order: EventOrder,
    /// What a hit is made of.
    pub join: Join,
    /// One for each filter of the rule.
    pub parts: Vec<Part>,
    /// What is kept of the hits, in ascending order.
    pub pipes: Vec<Pipe>,
}

impl InOrder {
    /// Does what is found depend on where the range starts and ends? So it is with samples, and with the first and last
    /// of all hits.
    pub(crate) fn depends_on_range(&self) -> bool {
        matches!(self.join, Join::Sample(_)) || !self.pipes.is_empty()
    }

    /// A sequence that ends in the range may begin before it: by its `maxspan`, or else where a live run would have
    /// begun to look.
    pub(crate) fn history_from(
        &self,
        rule: &Rule,
        windows: Windows,
        range_from: Timestamp,
    ) -> Option<Timestamp> {
        let Join::Sequence(plan) = &self.join else { return None };
        if windows == Windows::WholeRange {
            return None;
        }
        let range_from = range_from.as_millisecond();
        let from = match plan.maxspan {
            Some(maxspan) => range_from.saturating_sub(i64::try_from(maxspan).unwrap_or(i64::MAX)),
            None => ScheduledRuns::new(&Schedule::of(rule), None)?.start_around(range_from)?,
        };
        Some(Timestamp::from_millisecond(from).unwrap_or(Timestamp::MIN))
    }

    /// Is an event that passes this filter, by its position among the rule's, part of a hit? Those that pass only an
    /// `until` or a missing stage are not.
    pub fn takes_in(&self, filter: usize) -> bool {
        let Join::Sequence(plan) = &self.join else { return true };
        let is_event = |role: &Role| match role {
            Role::Stage(stage) => plan.stages.get(usize::from(*stage)) == Some(&StageKind::Event),
            Role::Until => false,
        };
        self.parts.get(filter).is_some_and(|part| part.roles.iter().any(is_event))
    }

    /// Each event a hit of its own.
    pub(crate) fn single_events(rule: &Rule) -> Self {
        Self {
            order: EventOrder {
                timestamp_field: rule.primary_timestamp().to_owned(),
                tiebreaker_field: None,
            },
            join: Join::Events,
            parts: vec![Part { roles: Vec::new(), keys: Vec::new() }],
            pipes: Vec::new(),
        }
    }
}

/// What a hit is made of.
#[derive(Debug)]
pub enum Join {
    /// One event.
    Events,
    /// Events in order.
    Sequence(SequencePlan),
    /// Events that share keys.
    Sample(SamplePlan),
}

/// What an event is to its rule when it passes a filter.
#[derive(Debug)]
pub struct Part {
    /// Several for a stage that repeats; none for single events.
    pub roles: Vec<Role>,
    /// What it has to have in common with the other events.
    pub keys: Vec<JoinKey>,
}
