//! Hits of one rule become alerts, folded where the rule says so.
//!
//! What a hunt finds is given to the runs that live scheduling would have had: each hit to the first that sees it.

use alert::{Hit, Run, SuppressionPolicy, SuppressionState, build_suppressed, candidate, suppress};
use ecs::Timestamp;

use super::{AlertSink, Detection};
use crate::error::EngineError;
use crate::event_time::EventTime;
use crate::plan::PlannedRule;
use crate::windows::{ScheduledRuns, Windows};

/// Gives a hit by its number. Asked twice for those that become alerts, so that they need not lie in memory.
pub(super) type HitOf<'h, 'p> = dyn FnMut(&mut Detection<'p>, usize) -> Result<Hit, EngineError> + 'h;

impl<'p> Detection<'p> {
    /// Makes the alerts of `hits` hits, oldest first. Those of a rule with suppression are folded before the cap counts.
    pub(super) fn make_all(
        &mut self,
        rule: usize,
        hits: usize,
        hit_of: &mut HitOf<'_, 'p>,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let planned = &self.plan.rules[rule];
        let alert_rule = self.rules[rule].alert_rule.clone();
        let context = self.context.clone();
        let Some(policy) = SuppressionPolicy::of(&alert_rule, &context, None) else {
            for number in 0..hits {
                let hit = hit_of(self, number)?;
                self.make(rule, hit, sink)?;
            }
            return Ok(());
        };
        let runs = Runs::of(planned, self.windows, context.detected_at);
        let mut candidates = Vec::with_capacity(hits);
        for number in 0..hits {
            let hit = hit_of(self, number)?;
            let time = runs.time(&hit);
            match candidate(number, &hit, time, runs.run(&hit, time), &policy) {
                Some(candidate) => candidates.push(candidate),
                None => self.outcomes[planned.outcome].own_alerts += 1,
            }
        }
        let suppressed = suppress(candidates, &policy, &mut SuppressionState::default());
        let wanted = self.max_signals.map_or(suppressed.create.len(), |cap| cap as usize);
        let outcome = &mut self.outcomes[planned.outcome];
        let counts = suppressed.counts;
        outcome.suppressed += counts.suppressed + counts.covered + counts.known;
        outcome.cut += suppressed.create.len().saturating_sub(wanted) as u64;
        for new in suppressed.create.into_iter().take(wanted) {
            let hit = hit_of(self, new.found)?;
            self.built(rule, build_suppressed(&hit, &new, &alert_rule, &context), sink)?;
        }
        Ok(())
    }
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
            Windows::AsScheduled => ScheduledRuns::new(&rule::Schedule::of(planned.rule), None),
            Windows::WholeRange => None,
        };
        Self { time: EventTime::of_rule(planned.rule), scheduled, detected_at }
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
            Hit::Threshold(group) => Some(group.last),
        }
        .unwrap_or(self.detected_at)
    }

    /// The first run that sees it.
    fn run(&self, hit: &Hit, time: Timestamp) -> Run {
        let whole = Run { started_at: self.detected_at, from: Timestamp::MIN };
        let Some(runs) = &self.scheduled else { return whole };
        let started_at = match hit {
            Hit::Threshold(group) => Some(group.started_at.as_millisecond()),
            _ => runs.first_seeing(time.as_millisecond()),
        };
        let run = started_at.and_then(|at| {
            let from = Timestamp::from_millisecond(runs.start(at)?).ok()?;
            Some(Run { started_at: Timestamp::from_millisecond(at).ok()?, from })
        });
        // No run sees it, for instance because it lies in a gap of the schedule: a run of its own.
        run.unwrap_or(Run { started_at: time, from: time })
    }
}
