//! Hits become alerts, within the cap on alerts per run, and are counted.

use std::collections::{BTreeMap, BTreeSet};

use alert::{Alert, AlertContext, AlertRule, BuildOutcome, EventHit, EventText, Hit, SuppressionState};
use ecs::{Document, FieldTable, IndexPatterns, Known, TimeRange, Timestamp};
use matcher::FilterId;
use rule::rule_type::RuleType;

use crate::error::EngineError;
use crate::event_time::EventTime;
use crate::finisher::Finisher;
use crate::held_events::{HeldEvent, HeldEvents};
use crate::kept_history::{ClosedAlerts, KeepHistory, Seen};
use crate::outcome::RuleOutcome;
use crate::plan::{Plan, PlannedRule};
use crate::shared_scan::FoundEvent;
use crate::waiting_events::WaitingEvents;
use crate::waiting_groups::WaitingGroups;
use crate::waiting_rows::WaitingRows;
use crate::waiting_terms::WaitingTerms;
use crate::waiting_threats::WaitingThreats;
use crate::windows::Windows;

pub mod bounds;
mod esql;
mod finish;
mod suppression;
mod threats;

use bounds::{Bounds, Used};
pub use finish::Finished;
pub use suppression::ChangedAlert;
pub(crate) use suppression::{HitNote, suppression_history};

/// Where alerts go, in the order in which they are made.
pub trait AlertSink {
    /// Takes one alert.
    ///
    /// # Errors
    /// Whatever writing it gave; the run then ends.
    fn alert(&mut self, alert: Alert) -> std::io::Result<()>;
}

/// The detection of one run: hits in, alerts out.
///
/// Without a cap an alert about one event leaves at once, in the order of the input. With a cap the hits of each rule
/// that stay within it are kept until [`Detection::finish`]: the oldest, and of EQL rules the newest, as Elasticsearch
/// has it. Rules whose events have to be put in order are decided there too.
#[derive(Debug)]
pub struct Detection<'p> {
    plan: &'p Plan<'p>,
    context: AlertContext,
    max_signals: Option<u32>,
    windows: Windows,
    range: TimeRange,
    outcomes: Vec<RuleOutcome>,
    /// One for each rule of the plan.
    rules: Vec<RuleState<'p>>,
    held: HeldEvents,
    /// Those of them that lie before the range. Hits that end with one were found by an earlier hunt.
    before_range: BTreeSet<HeldEvent>,
    /// What was found new after the range: alerts of the range may have been folded into those.
    after_range: BTreeSet<HeldEvent>,
    bounds: Option<Bounds<'p>>,
    changed: Vec<ChangedAlert>,
    closed: ClosedAlerts,
    /// Is what rules see kept for the range that follows?
    keeps: bool,
    /// Do indicators come only when events wait for them?
    asks_for_indicators: bool,
}

#[derive(Debug)]
struct RuleState<'p> {
    /// The rule, as its alerts show it.
    alert_rule: AlertRule<'p>,
    /// Hits within the cap: by time, then document id, so that the order is total.
    kept: BTreeMap<(Option<Timestamp>, String), EventHit>,
    waiting: Waiting,
    /// When its events happened.
    time: EventTime,
    /// In milliseconds since the epoch: from when on events before the range count; `None` when none do.
    history_from: Option<i64>,
    /// In milliseconds since the epoch: until when events after the range count; `None` when none do.
    seen_until: Option<i64>,
    /// Does it see all of its history, or know it?
    is_whole: bool,
    /// The alerts that take later hits in, where they were kept. Then no hit before the range counts.
    suppression: Option<SuppressionState>,
    used: Used,
}

/// What is known of the events of a rule that cannot be decided at once.
#[derive(Debug)]
enum Waiting {
    Nothing,
    Events(WaitingEvents),
    Terms(Box<WaitingTerms>),
    Groups(Box<WaitingGroups>),
    Threats(Box<WaitingThreats>),
    Rows(WaitingRows),
}

impl Waiting {
    fn new(finisher: &Finisher, windows: Windows) -> Self {
        match finisher {
            Finisher::EachEvent => Self::Nothing,
            Finisher::InOrder(_) => Self::Events(WaitingEvents::default()),
            Finisher::NewTerms(plan) => Self::Terms(Box::new(WaitingTerms::new(plan, windows))),
            Finisher::Threshold(plan) => Self::Groups(Box::new(WaitingGroups::new(plan, windows))),
            Finisher::ThreatMatch(plan) => Self::Threats(Box::new(WaitingThreats::new(plan))),
            Finisher::Esql(_) => Self::Rows(WaitingRows::default()),
        }
    }
}

impl<'p> Detection<'p> {
    /// Detection with the rules of a plan. `max_signals` caps the alerts of each rule; `None` for no cap.
    pub fn new(plan: &'p Plan<'p>, context: AlertContext, max_signals: Option<u32>) -> Self {
        let state = |planned: &'p PlannedRule<'p>| RuleState {
            alert_rule: AlertRule::new(&planned.rule),
            kept: BTreeMap::new(),
            waiting: Waiting::new(&planned.finisher, Windows::default()),
            time: EventTime::of_rule(&planned.rule),
            history_from: None,
            seen_until: None,
            is_whole: true,
            suppression: None,
            used: Used::default(),
        };
        Self {
            plan,
            context,
            max_signals,
            windows: Windows::default(),
            range: TimeRange::default(),
            outcomes: plan.outcomes.clone(),
            rules: plan.rules.iter().map(state).collect(),
            held: HeldEvents::default(),
            before_range: BTreeSet::new(),
            after_range: BTreeSet::new(),
            bounds: None,
            changed: Vec::new(),
            closed: ClosedAlerts::new(),
            keeps: false,
            asks_for_indicators: false,
        }
    }

    /// The same within bounds: a rule that goes beyond is left out from then on, with the reason as its outcome.
    pub fn within(mut self, bounds: Bounds<'p>) -> Self {
        self.bounds = Some(bounds);
        self
    }

    /// The same where indicators come only when events wait for them, as [`indicator_patterns`](Self::indicator_patterns)
    /// says: then that there are none is no fault of a rule without events.
    pub(crate) fn asking_for_indicators(mut self) -> Self {
        self.asks_for_indicators = true;
        self
    }

    /// The same for some of the rules of the plan; the others are left out, and their outcomes stay empty.
    pub fn only(mut self, wanted: impl Fn(&PlannedRule<'_>) -> bool) -> Self {
        for (state, planned) in self.rules.iter_mut().zip(&self.plan.rules) {
            state.used.is_left_out = !wanted(planned);
        }
        self
    }

    /// The same with other windows than those of the rules' schedules, and with events before the range as history. To be
    /// said before the first event.
    pub fn over(mut self, windows: Windows, range: TimeRange) -> Self {
        self.windows = windows;
        self.range = range;
        for (state, planned) in self.rules.iter_mut().zip(&self.plan.rules) {
            state.waiting = Waiting::new(&planned.finisher, windows);
            let history_from = range.from.and_then(|from| planned.history_from(windows, from));
            state.history_from = history_from.map(Timestamp::as_millisecond);
            let seen_until = range.to.and_then(|to| planned.seen_until(windows, to));
            state.seen_until = seen_until.map(Timestamp::as_millisecond);
        }
        self
    }

    /// The same with what was kept of the range before this one, so that what is seen is kept again. To be said after
    /// [`over`](Self::over) and before the first event. What is no longer what a rule would see is left.
    pub fn keeping(mut self, mut history: KeepHistory) -> Self {
        if self.windows != Windows::AsScheduled {
            return self;
        }
        self.keeps = true;
        self.closed = std::mem::take(&mut history.closed);
        for (state, planned) in self.rules.iter_mut().zip(&self.plan.rules) {
            let from = self.range.from.and_then(|from| history.history_from(planned, self.windows, from));
            state.history_from = from.map(Timestamp::as_millisecond);
            state.is_whole = history.is_whole(planned);
            let kept = history.kept.remove(&planned.rule.rule_id);
            let Some(kept) = kept.filter(|kept| kept.is_of(planned)) else { continue };
            match kept.seen {
                Seen::Terms(terms) => state.waiting = Waiting::Terms(terms),
                Seen::Groups(groups) => state.waiting = Waiting::Groups(groups),
                Seen::Suppression(suppression) => state.suppression = Some(suppression),
            }
        }
        self
    }

    /// Takes an event that passes some filters.
    ///
    /// # Errors
    /// When an alert cannot be handed over, or the event cannot be kept.
    pub fn event(
        &mut self,
        event: FoundEvent,
        time: Option<Timestamp>,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let FoundEvent { filters, document, document_id, stream } = event;
        let hit = EventHit { document, id: document_id, index: stream.name() };
        let (mut held, mut held_text) = (None, None);
        let mut at_once: Vec<usize> = Vec::new();
        // The filters of a rule lie side by side.
        let plan = self.plan;
        let rule_of = |filter: FilterId| plan.filters[filter.index()].rule;
        for passed in filters.chunk_by(|a, b| rule_of(*a) == rule_of(*b)) {
            let Some(rule) = passed.first().map(|filter| rule_of(*filter)) else { continue };
            if !self.begins(rule) {
                continue;
            }
            let planned = &plan.rules[rule];
            if let Some(exception) = excepted_by(planned, &hit.document, &plan.table) {
                self.outcomes[planned.outcome].excepted[exception].events += 1;
                continue;
            }
            let number = |held: &mut Option<HeldEvent>, events: &mut HeldEvents| match held {
                Some(number) => Ok(*number),
                None => Ok(*held.insert(events.push(&hit)?)),
            };
            let takes_text = takes_text(planned, &self.rules[rule].alert_rule);
            match (&planned.finisher, &mut self.rules[rule].waiting) {
                (Finisher::InOrder(in_order), Waiting::Events(waiting)) => {
                    let number = number(&mut held, &mut self.held)?;
                    let first = planned.filters.start;
                    let parts = passed.iter().map(|filter| filter.index() - first);
                    waiting.push(in_order, parts, &hit.document, &plan.table, number);
                }
                (Finisher::NewTerms(terms), Waiting::Terms(waiting)) => {
                    let mut hold = || match held_text {
                        Some(number) if takes_text => Ok(number),
                        None if takes_text && let Some(text) = EventText::of(&hit) => {
                            Ok(*held_text.insert(self.held.push_text(&text)?))
                        }
                        _ => number(&mut held, &mut self.held),
                    };
                    waiting.push(terms, &hit.document, &plan.table, &hit.id, &mut hold)?;
                }
                (Finisher::Threshold(threshold), Waiting::Groups(waiting)) => {
                    waiting.push(threshold, &hit.document, &plan.table, &hit.id);
                }
                (Finisher::ThreatMatch(threat), Waiting::Threats(waiting)) => {
                    let mut hold = || number(&mut held, &mut self.held);
                    for filter in passed {
                        match plan.filters[filter.index()].indicators {
                            Some(_) => {
                                waiting.push_indicator(threat, &hit.document, &plan.table, &mut hold)?
                            }
                            None => waiting.push(threat, &hit.document, &plan.table, &mut hold)?,
                        }
                    }
                }
                (Finisher::Esql(query), Waiting::Rows(waiting)) => {
                    if query.groups_events && is_own_alert(planned, &hit) {
                        self.outcomes[planned.outcome].own_alerts += 1;
                        continue;
                    }
                    let number = number(&mut held, &mut self.held)?;
                    waiting.push(query, &hit.document, (&hit.id, &hit.index), number);
                }
                _ => {
                    at_once.push(rule);
                    continue;
                }
            }
            self.has_waiting(rule);
        }
        if let Some((last, others)) = at_once.split_last() {
            for rule in others {
                self.hit(*rule, hit.clone(), time, sink)?;
            }
            self.hit(*last, hit, time, sink)?;
        }
        Ok(())
    }

    /// Takes an event that passes some filters and lies outside of the range: it is history or an indicator, and no hit.
    ///
    /// # Errors
    /// When an indicator cannot be kept.
    pub fn history(&mut self, event: &FoundEvent) -> Result<(), EngineError> {
        let FoundEvent { filters, document, document_id, stream } = event;
        let mut evidence: Option<EventHit> = None;
        let mut evidence_of = || {
            let event =
                || EventHit { document: document.clone(), id: document_id.clone(), index: stream.name() };
            evidence.get_or_insert_with(event).clone()
        };
        let mut held = None;
        let plan = self.plan;
        let table = &plan.table;
        let rule_of = |filter: FilterId| plan.filters[filter.index()].rule;
        for passed in filters.chunk_by(|a, b| rule_of(*a) == rule_of(*b)) {
            let Some(rule) = passed.first().map(|filter| rule_of(*filter)) else { continue };
            if !self.begins(rule) {
                continue;
            }
            let planned = &plan.rules[rule];
            let is_indicator = |filter: &FilterId| plan.filters[filter.index()].indicators.is_some();
            if passed.iter().any(is_indicator) {
                self.take_indicator(rule, &evidence_of(), &mut held)?;
            }
            let state = &self.rules[rule];
            let Some(time) = state.time.of(document) else { continue };
            let is_after = self.range.to.is_some_and(|to| to.as_millisecond() <= time);
            let from = state.history_from.unwrap_or(i64::MAX);
            let counts =
                if is_after { state.seen_until.is_some_and(|until| time < until) } else { from <= time };
            if passed.iter().all(is_indicator) || !counts || excepted_by(planned, document, table).is_some() {
                continue;
            }
            if let Finisher::Esql(query) = &planned.finisher
                && query.groups_events
                && is_own_alert(planned, &evidence_of())
            {
                continue;
            }
            let folds = self.folds(rule);
            let events = &mut self.held;
            let outside = if is_after { &mut self.after_range } else { &mut self.before_range };
            let mut hold = || {
                let number = match held {
                    Some(number) => number,
                    None => *held.insert(events.push(&evidence_of())?),
                };
                outside.insert(number);
                Ok(number)
            };
            match (&planned.finisher, &mut self.rules[rule].waiting) {
                (Finisher::NewTerms(terms), Waiting::Terms(waiting)) if folds => {
                    waiting.push(terms, document, table, document_id, &mut hold)?;
                }
                (Finisher::NewTerms(terms), Waiting::Terms(waiting)) => {
                    waiting.push_history(terms, document, table, document_id, from);
                }
                (Finisher::Threshold(threshold), Waiting::Groups(waiting)) => {
                    waiting.push_history(threshold, document, table, document_id, from);
                }
                (Finisher::InOrder(in_order), Waiting::Events(waiting)) => {
                    let number = hold()?;
                    let first = planned.filters.start;
                    let parts = passed.iter().map(|filter| filter.index() - first);
                    waiting.push(in_order, parts, document, table, number);
                }
                (Finisher::ThreatMatch(threat), Waiting::Threats(waiting)) => {
                    waiting.push(threat, document, table, &mut hold)?;
                }
                (Finisher::Esql(query), Waiting::Rows(waiting)) => {
                    waiting.push(query, document, (document_id, &stream.name()), hold()?);
                }
                _ => {}
            }
            self.has_waiting(rule);
        }
        Ok(())
    }

    /// Where the indicators lie that events of the range could match. Their times do not count.
    pub(crate) fn indicator_patterns(&self) -> Vec<&'p IndexPatterns> {
        let waits = |state: &RuleState<'_>| match &state.waiting {
            Waiting::Threats(waiting) => waiting.has_events() && !state.used.is_left_out,
            _ => false,
        };
        let waiting = self.rules.iter().zip(&self.plan.rules).filter(|(state, _)| waits(state));
        let filters = waiting.flat_map(|(_, planned)| self.plan.filters_of(planned));
        filters.filter_map(|filter| filter.indicators.as_ref()).collect()
    }

    fn hit(
        &mut self,
        rule: usize,
        hit: EventHit,
        time: Option<Timestamp>,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let planned = &self.plan.rules[rule];
        let outcome = &mut self.outcomes[planned.outcome];
        outcome.hits += 1;
        let Some(cap) = self.max_signals else { return self.make(rule, Hit::Event(hit), sink) };
        let kept = &mut self.rules[rule].kept;
        kept.insert((time, hit.id.clone()), hit);
        if kept.len() > cap as usize {
            if keeps_newest(planned) {
                kept.pop_first()
            } else {
                kept.pop_last()
            };
            outcome.cut += 1;
        }
        Ok(())
    }

    fn make(&mut self, rule: usize, hit: Hit, sink: &mut dyn AlertSink) -> Result<(), EngineError> {
        let built = alert::build_owned(hit, &self.rules[rule].alert_rule, &self.context);
        self.built(rule, built, sink)
    }

    fn built(
        &mut self,
        rule: usize,
        built: BuildOutcome,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let outcome = &mut self.outcomes[self.plan.rules[rule].outcome];
        let is_full = |bounds: Bounds<'_>| bounds.alerts.is_some_and(|most| most <= outcome.alerts);
        if self.bounds.is_some_and(is_full) && !matches!(built, BuildOutcome::SelfFeeding) {
            outcome.cut += 1;
            return Ok(());
        }
        match built {
            BuildOutcome::Alert(alert) => {
                outcome.alerts += 1;
                sink.alert(*alert).map_err(EngineError::Sink)
            }
            BuildOutcome::Group(group) => {
                outcome.alerts += 1;
                outcome.building_blocks += group.blocks.len() as u64;
                group.into_alerts().try_for_each(|alert| sink.alert(alert)).map_err(EngineError::Sink)
            }
            // The rule's own alert came back to it as an event.
            BuildOutcome::SelfFeeding => {
                outcome.own_alerts += 1;
                Ok(())
            }
        }
    }
}

/// The first exception of a rule that takes an event out.
pub(crate) fn excepted_by(
    planned: &PlannedRule<'_>,
    document: &Document,
    table: &FieldTable,
) -> Option<usize> {
    let view = document.view(table);
    planned.exceptions.iter().position(|exception| exception.predicate.eval(&view) == Known::Yes)
}

/// Do the alerts of a rule need no more of their events than [`EventText`] has?
fn takes_text(planned: &PlannedRule<'_>, alert_rule: &AlertRule<'_>) -> bool {
    planned.rule.rule_type.suppression().is_none() && !alert_rule.has_overrides()
}

/// Is an event an alert of the rule itself, or made of one? A rule about groups of events does not see these: it would
/// feed on them, or, if its groups with such an event gave no alert, fall silent.
fn is_own_alert(planned: &PlannedRule<'_>, event: &EventHit) -> bool {
    alert::ancestors::of_event(event).include_rule(&planned.rule.uuid)
}

/// EQL searches give the newest results when there are too many, all others the oldest.
fn keeps_newest(planned: &PlannedRule<'_>) -> bool {
    matches!(planned.rule.rule_type, RuleType::Eql(_))
}
