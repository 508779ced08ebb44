//! Hits become alerts, within the cap on alerts per run, and are counted.

use std::collections::BTreeMap;

use alert::{Alert, AlertContext, AlertRule, BuildOutcome, EventHit, Hit};
use ecs::Timestamp;

use crate::error::EngineError;
use crate::outcome::RuleOutcome;
use crate::plan::Plan;
use crate::shared_scan::FoundEvent;

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
/// Without a cap each alert leaves at once, in the order of the input. With a cap the oldest hits of each rule are
/// kept until [`Detection::finish`]; memory is bounded by the cap times the number of rules.
#[derive(Debug)]
pub struct Detection<'p> {
    plan: &'p Plan<'p>,
    /// The rules of the plan, as their alerts show them.
    rules: Vec<AlertRule<'p>>,
    context: AlertContext,
    max_signals: Option<u32>,
    outcomes: Vec<RuleOutcome>,
    /// Per rule, oldest first: time, then document id, so that the order is total.
    kept: Vec<BTreeMap<(Option<Timestamp>, String), EventHit>>,
}

impl<'p> Detection<'p> {
    /// Detection with the rules of a plan. `max_signals` caps the alerts of each rule; `None` for no cap.
    pub fn new(plan: &'p Plan<'p>, context: AlertContext, max_signals: Option<u32>) -> Self {
        let kept = plan.rules.iter().map(|_| BTreeMap::new()).collect();
        let rules = plan.rules.iter().map(|planned| AlertRule::new(planned.rule)).collect();
        Self { plan, rules, context, max_signals, outcomes: plan.outcomes.clone(), kept }
    }

    /// Takes an event that is a hit of some rules.
    ///
    /// # Errors
    /// When an alert cannot be handed over.
    pub fn event(
        &mut self,
        event: FoundEvent,
        time: Option<Timestamp>,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let FoundEvent { rules, document, document_id, stream } = event;
        let hit = EventHit { document, id: document_id, index: stream.name() };
        let (last, others) = match rules.split_last() {
            Some(split) => split,
            None => return Ok(()),
        };
        for rule in others {
            self.hit(*rule, hit.clone(), time, sink)?;
        }
        self.hit(*last, hit, time, sink)
    }

    fn hit(
        &mut self,
        rule: usize,
        hit: EventHit,
        time: Option<Timestamp>,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let outcome = self.plan.rules[rule].outcome;
        self.outcomes[outcome].hits += 1;
        let Some(cap) = self.max_signals else { return self.make(rule, hit, sink) };
        let kept = &mut self.kept[rule];
        kept.insert((time, hit.id.clone()), hit);
        if kept.len() > cap as usize {
            kept.pop_last();
            self.outcomes[outcome].cut += 1;
        }
        Ok(())
    }

    fn make(&mut self, rule: usize, hit: EventHit, sink: &mut dyn AlertSink) -> Result<(), EngineError> {
        let planned = &self.plan.rules[rule];
        match alert::build(&Hit::Event(hit), &self.rules[rule], &self.context) {
            BuildOutcome::Alert(alert) => {
                self.outcomes[planned.outcome].alerts += 1;
                sink.alert(*alert).map_err(EngineError::Sink)
            }
            // The rule's own alert came back to it as an event.
            BuildOutcome::SelfFeeding => {
                self.outcomes[planned.outcome].own_alerts += 1;
                Ok(())
            }
        }
    }

    /// Makes the alerts that were held back, and gives the account of every rule.
    ///
    /// # Errors
    /// When an alert cannot be handed over.
    pub fn finish(mut self, sink: &mut dyn AlertSink) -> Result<Vec<RuleOutcome>, EngineError> {
        for rule in 0..self.kept.len() {
            for hit in std::mem::take(&mut self.kept[rule]).into_values() {
                self.make(rule, hit, sink)?;
            }
        }
        Ok(self.outcomes)
    }
}
