//! Hits of one rule become alerts, folded where the rule says so.
//!
//! What a hunt finds is given to the runs that live scheduling would have had: each hit to the first that finds it. A hunt
//! over a range knows what earlier runs have folded from the events before the range, as far as it has them.

use alert::suppress::{Grouping, SuppressionCounts};
use alert::{
    AlertUuid, Candidate, Hit, Run, Suppressed, SuppressionPolicy, SuppressionState, build_suppressed,
    candidate, suppress,
};
use ecs::Timestamp;
use rule::RuleType;
use serde_json::{Map, Value};

use super::{AlertSink, Detection};
use crate::error::EngineError;
use crate::event_time::EventTime;
use crate::kept_history::{ClosedAlerts, Kind};
use crate::plan::PlannedRule;
use crate::windows::{ScheduledRuns, Windows};

/// What is known of a hit beside its evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HitNote {
    /// The run that finds it first, in milliseconds since the epoch; `None` for the first that sees it.
    pub(crate) run: Option<i64>,
    /// Found before the range, or after it: its alert may take others in, and is made by whoever hunts there.
    pub(crate) is_history: bool,
}

/// What changes of an alert that was made before the range, because hits of the range were folded into it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedAlert {
    /// Its rule.
    pub rule_id: String,
    /// Its id.
    pub uuid: AlertUuid,
    /// The fields to be replaced, flat.
    pub fields: Map<String, Value>,
}

/// From when on hits before the range of a hunt count because their alerts may take in what comes later. `None` when
/// none do.
///
/// With a duration it takes all there were: when an alert was made depends on the one before, and so on. The same holds of new
/// terms: a run may find a value new again, once its history no longer reaches what made it known.
pub(crate) fn suppression_history(
    rule: &rule::Rule,
    windows: Windows,
    range_from: Timestamp,
) -> Option<Timestamp> {
    let suppression = rule.rule_type.suppression()?;
    if windows == Windows::WholeRange {
        return None;
    }
    let runs = ScheduledRuns::new(&rule::Schedule::of(rule), None)?;
    match suppression.duration {
        None if matches!(rule.rule_type, RuleType::NewTerms(_)) => Some(Timestamp::MIN),
        Some(_) => Some(Timestamp::MIN),
        None => Timestamp::from_millisecond(runs.start_around(range_from.as_millisecond())?).ok(),
    }
}

/// Gives a hit by its number. Asked twice for those that become alerts, so that they need not lie in memory.
pub(super) type HitOf<'h, 'p> = dyn FnMut(&mut Detection<'p>, usize) -> Result<Hit, EngineError> + 'h;

impl<'p> Detection<'p> {
    /// Makes the alerts of hits, oldest first. Those of a rule with suppression are folded before the cap counts.
    pub(super) fn make_all(
        &mut self,
        rule: usize,
        hits: &[HitNote],
        hit_of: &mut HitOf<'_, 'p>,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let planned = &self.plan.rules[rule];
        let alert_rule = self.rules[rule].alert_rule.clone();
        let context = self.context.clone();
        let Some(policy) = SuppressionPolicy::of(&alert_rule, &context, None) else {
            for number in 0..hits.len() {
                let hit = hit_of(self, number)?;
                self.make(rule, hit, sink)?;
            }
            return Ok(());
        };
        let runs = Runs::of(planned, self.windows, context.detected_at);
        let mut candidates = Vec::with_capacity(hits.len());
        for (number, note) in hits.iter().enumerate() {
            let hit = hit_of(self, number)?;
            let time = runs.time(&hit);
            match candidate(number, &hit, time, runs.run(note.run, time), &policy) {
                Some(candidate) => candidates.push(candidate),
                None => self.outcomes[planned.outcome].own_alerts += u64::from(!note.is_history),
            }
        }
        let (before, within): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|candidate| hits[candidate.found].is_history);
        let in_range = within.len() as u64;
        let mut state = self.rules[rule].suppression.take().unwrap_or_default();
        // What was folded before the range was counted by who made its alerts.
        let counted_before;
        let mut suppressed = if self.keeps_of(rule) == Some(Kind::Suppression) {
            // No run finds hits both before and within the range, so that both can come one after the other. Then it is
            // known what of the range was folded into earlier alerts.
            let _made_before = suppress_in_turn(before, &policy, &mut state, &self.closed);
            counted_before = SuppressionCounts::default();
            suppress_in_turn(within, &policy, &mut state, &self.closed)
        } else {
            counted_before = match policy.grouping {
                Grouping::PerValue => suppress(before.clone(), &policy, &mut state.clone()).counts,
                _ => SuppressionCounts::default(),
            };
            suppress(before.into_iter().chain(within).collect(), &policy, &mut state)
        };
        self.rules[rule].suppression = Some(state);
        let changed = suppressed.update.drain(..).map(|update| ChangedAlert {
            rule_id: planned.rule.rule_id.clone(),
            fields: update.fields(&context),
            uuid: update.uuid,
        });
        self.changed.extend(changed);
        suppressed.create.retain(|new| !hits[new.found].is_history);
        let created = suppressed.create.len() as u64;
        let folded = match policy.grouping {
            // A hit with several values is in several groups.
            Grouping::PerValue => {
                let folded = |counts: SuppressionCounts| counts.suppressed + counts.covered + counts.known;
                folded(suppressed.counts).saturating_sub(folded(counted_before))
            }
            // Each hit of the range became an alert or was folded.
            _ => in_range.saturating_sub(created),
        };
        let wanted = self.max_signals.map_or(suppressed.create.len(), |cap| cap as usize);
        let outcome = &mut self.outcomes[planned.outcome];
        outcome.suppressed += folded;
        outcome.cut += suppressed.create.len().saturating_sub(wanted) as u64;
        for new in suppressed.create.into_iter().take(wanted) {
            let hit = hit_of(self, new.found)?;
            self.built(rule, build_suppressed(&hit, &new, &alert_rule, &context), sink)?;
        }
        Ok(())
    }
}

/// Decides run by run, so that an alert takes in nothing that a run finds after it was closed.
fn suppress_in_turn(
    mut candidates: Vec<Candidate<usize>>,
    policy: &SuppressionPolicy<'_>,
    state: &mut SuppressionState,
    closed: &ClosedAlerts,
) -> Suppressed<usize> {
    if closed.is_empty() {
        return suppress(candidates, policy, state);
    }
    candidates.sort_by_key(|candidate| candidate.run);
    let mut all = Suppressed { create: Vec::new(), update: Vec::new(), counts: SuppressionCounts::default() };
    for of_run in candidates.chunk_by(|a, b| a.run == b.run) {
        let Some(started_at) = of_run.first().map(|first| first.run.started_at) else { continue };
        let is_open = |uuid: &AlertUuid| closed.get(uuid).is_none_or(|at| started_at < *at);
        state.alerts.retain(|_, alert| is_open(&alert.uuid));
        let Suppressed { create, update, counts } = suppress(of_run.to_vec(), policy, state);
        for change in update {
            // What an earlier run of these has made is changed where it lies.
            match all.create.iter_mut().find(|new| new.uuid == change.uuid) {
                Some(new) => {
                    if let Some(suppression) = &mut new.suppression {
                        (suppression.end, suppression.docs_count) = (change.end, change.docs_count);
                    }
                }
                None => {
                    all.update.retain(|earlier| earlier.uuid != change.uuid);
                    all.update.push(change);
                }
            }
        }
        all.create.extend(create);
        all.counts += counts;
    }
    all
}

/// The runs that find the hits of a rule.
struct Runs {
    time: EventTime,
    /// `None` when the whole range is one run.
    scheduled: Option<ScheduledRuns>,
    detected_at: Timestamp,
}

impl Runs {
    fn of(planned: &PlannedRule<'_>, windows: Windows, detected_at: Timestamp) -> Self {
        let scheduled = match windows {
            Windows::AsScheduled => ScheduledRuns::new(&rule::Schedule::of(&planned.rule), None),
            Windows::WholeRange => None,
        };
        Self { time: EventTime::of_rule(&planned.rule), scheduled, detected_at }
    }

    /// When what was found happened; of several events the newest. What has no time counts as found now.
    fn time(&self, hit: &Hit) -> Timestamp {
        let of_event = |event: &alert::EventHit| {
            let at = self.time.of(&event.document)?;
            Timestamp::from_millisecond(at).ok()
        };
        match hit {
            Hit::Event(event) => of_event(event),
            Hit::NewTerms(new_terms) => of_event(&new_terms.event),
            Hit::Threat(threat) => of_event(&threat.event),
            Hit::Sequence(sequence) => sequence.events.iter().filter_map(of_event).max(),
            Hit::EsqlRow(row) => of_event(&row.event),
            Hit::Threshold(group) => Some(group.last),
            Hit::EsqlGroup(group) => group.last,
        }
        .unwrap_or(self.detected_at)
    }

    /// The run that finds it first: the one given, or else the first that sees it.
    fn run(&self, known: Option<i64>, time: Timestamp) -> Run {
        let whole = Run { started_at: self.detected_at, from: Timestamp::MIN };
        let Some(runs) = &self.scheduled else { return whole };
        let started_at = known.or_else(|| runs.first_seeing(time.as_millisecond()));
        let run = started_at.and_then(|at| {
            let from = Timestamp::from_millisecond(runs.start(at)?).ok()?;
            Some(Run { started_at: Timestamp::from_millisecond(at).ok()?, from })
        });
        // No run sees it, for instance because it lies in a gap of the schedule: a run of its own.
        run.unwrap_or(Run { started_at: time, from: time })
    }
}
