//! Indicators and the events that match them, as one run has them.

use alert::{EventHit, Hit, IndicatorMatch, ThreatHit};
use ecs::Known;
use query::Diagnostic;

use super::{AlertSink, Detection, Waiting, excepted_by};
use crate::error::EngineError;
use crate::finisher::{Finisher, ThreatPlan};
use crate::held_events::HeldEvent;
use crate::indicators::as_queried;
use crate::threat_match::MOST_MATCHES;
use crate::waiting_threats::{ThreatFound, ThreatsFound};

impl Detection<'_> {
    /// Takes an indicator that lies in no data stream: whatever their index patterns, the rules that look for indicators
    /// have it. False when none of them wants it. To be said before the first event.
    ///
    /// # Errors
    /// When the indicator cannot be kept.
    pub fn indicator(&mut self, indicator: &EventHit) -> Result<bool, EngineError> {
        let plan = self.plan;
        let queried = as_queried(&indicator.document);
        let view = queried.view(&plan.table);
        let mut held = None;
        let mut wanted = false;
        for filter in plan.filters.iter().filter(|filter| filter.indicators.is_some()) {
            if filter.predicate.eval(&view) == Known::Yes {
                wanted |= self.take_indicator(filter.rule, indicator, &mut held)?;
            }
        }
        Ok(wanted)
    }

    /// Takes an indicator for a rule; false when one of the rule's exceptions takes it out.
    pub(super) fn take_indicator(
        &mut self,
        rule: usize,
        indicator: &EventHit,
        held: &mut Option<HeldEvent>,
    ) -> Result<bool, EngineError> {
        let (plan, events) = (self.plan, &mut self.held);
        let planned = &plan.rules[rule];
        if let Some(exception) = excepted_by(planned, &indicator.document, &plan.table) {
            self.outcomes[planned.outcome].excepted[exception].events += 1;
            return Ok(false);
        }
        let mut hold = || match held {
            Some(number) => Ok(*number),
            None => Ok(*held.insert(events.push(indicator)?)),
        };
        if let (Finisher::ThreatMatch(threat), Waiting::Threats(waiting)) =
            (&planned.finisher, &mut self.rules[rule].waiting)
        {
            waiting.push_indicator(threat, &indicator.document, &plan.table, &mut hold)?;
        }
        Ok(true)
    }

    /// Of too many hits the newest become alerts; with suppression the oldest, as Kibana has it. `is_known`: were all
    /// indicators looked at?
    pub(super) fn finish_threats(
        &mut self,
        rule: usize,
        plan: &ThreatPlan,
        found: ThreatsFound,
        is_known: bool,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let ThreatsFound { hits, indicators, untold } = found;
        let outcome = &mut self.outcomes[self.plan.rules[rule].outcome];
        if is_known {
            outcome.indicators = Some(indicators);
            outcome.warnings.extend(warnings(indicators, untold));
        }
        // With suppression the cap counts later, and this is all of them.
        let notes = self.notes(hits.iter().map(|hit| (&hit.event, None)));
        let wanted = self.account(rule, &notes, 0, 0);
        let kept = &hits[hits.len() - wanted..];
        let notes = &notes[hits.len() - wanted..];
        let mut hit_of =
            |this: &mut Self, number: usize| this.threat_hit(plan, &kept[number]).map(Hit::Threat);
        self.make_all(rule, notes, &mut hit_of, sink)
    }

    fn threat_hit(&mut self, plan: &ThreatPlan, found: &ThreatFound) -> Result<ThreatHit, EngineError> {
        let event = self.held.get(found.event)?;
        let mut matches = Vec::new();
        for (indicator, fields) in &found.matches {
            let indicator = self.held.get(*indicator)?;
            for matched in fields {
                let field = &plan.fields[matched.event];
                let (event, indicator_document) = (&event.document, &indicator.document);
                let atomic =
                    field.common_value(event, matched.indicator, indicator_document, &self.plan.table);
                let field = field.name.to_string();
                matches.push(IndicatorMatch { indicator: indicator.clone(), field, atomic });
            }
        }
        Ok(ThreatHit { event, matches })
    }
}

fn warnings(indicators: u64, untold: u64) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    if indicators == 0 {
        let message = "no indicators were found for it, so nothing can match: they are given with --indicators, or lie in \
                       a data stream of its threat_index";
        warnings.push(Diagnostic::warning("rule::no-indicators", message));
    }
    if untold > 0 {
        let message = format!(
            "events match more than {MOST_MATCHES} indicators each; {untold} matches beyond that are not on their alerts"
        );
        warnings.push(Diagnostic::warning("rule::too-many-matches", message));
    }
    warnings
}
