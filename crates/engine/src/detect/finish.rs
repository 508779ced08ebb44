//! The end of a detection: what waited becomes hits and alerts, and what was seen is kept for the range that follows.

use alert::{Hit, NewTermsHit, SequenceHit};
use ecs::Timestamp;
use query::Diagnostic;

use super::{AlertSink, ChangedAlert, Detection, HitNote, Waiting, takes_text};
use crate::error::EngineError;
use crate::finisher::{Finisher, InOrder, Join};
use crate::held_events::{HeldEvent, KeptEvent};
use crate::kept_history::{self, KeptHistories, KeptHistory, Kind, Seen, open_groups};
use crate::key_table::MOST_COMBINATIONS;
use crate::outcome::{RuleOutcome, RuleStatus};
use crate::waiting_events::FoundInOrder;
use crate::waiting_groups::GroupsFound;
use crate::waiting_terms::{FoundTerms, NewTermsFound};

/// What came of a detection.
#[derive(Debug)]
pub struct Finished {
    /// The account of every rule.
    pub outcomes: Vec<RuleOutcome>,
    /// What is kept for the range that starts where this one ends.
    pub kept: KeptHistories,
    /// Rules that did not see the history that they read late.
    pub late: Vec<String>,
    /// What was folded into alerts that were made before the range, where histories are kept.
    pub changed: Vec<ChangedAlert>,
}

impl<'p> Detection<'p> {
    /// Makes the alerts that were held back, and gives the account of every rule. `data` are the first and the last
    /// time of all events, as far as known.
    ///
    /// # Errors
    /// When an alert cannot be handed over, or an event that was kept cannot be had again.
    pub fn finish(
        self,
        data: Option<(Timestamp, Timestamp)>,
        sink: &mut dyn AlertSink,
    ) -> Result<Vec<RuleOutcome>, EngineError> {
        Ok(self.finish_keeping(data, sink)?.outcomes)
    }

    /// The same, with what is kept for the range that starts where this one ends.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_keeping(
        mut self,
        data: Option<(Timestamp, Timestamp)>,
        sink: &mut dyn AlertSink,
    ) -> Result<Finished, EngineError> {
        let mut histories = KeptHistories::new();
        for (rule, planned) in self.plan.rules.iter().enumerate() {
            if self.bounds.is_some_and(|bounds| (bounds.is_stopped)()) {
                return Err(EngineError::Stopped);
            }
            if !self.begins(rule) {
                continue;
            }
            let state = &mut self.rules[rule];
            let kept = std::mem::take(&mut state.kept);
            let waiting = std::mem::replace(&mut state.waiting, Waiting::Nothing);
            let mut seen = None;
            for hit in kept.into_values() {
                self.make(rule, Hit::Event(hit), sink)?;
            }
            match (&planned.finisher, waiting) {
                (Finisher::InOrder(in_order), Waiting::Events(waiting)) => {
                    let found = waiting.finish(in_order, data, &self.before_range);
                    self.finish_in_order(rule, in_order, found, sink)?;
                }
                (Finisher::Threshold(threshold), Waiting::Groups(waiting)) => {
                    self.finish_threshold(rule, waiting.found(threshold), sink)?;
                    seen = self.keeps_from(rule, Kind::Groups).map(|from| {
                        Seen::Groups(Box::new(waiting.into_history(threshold, self.windows, from)))
                    });
                }
                (Finisher::ThreatMatch(threat), Waiting::Threats(waiting)) => {
                    let is_known = waiting.has_events() || !self.asks_for_indicators;
                    self.finish_threats(rule, threat, waiting.finish(threat), is_known, sink)?;
                }
                (Finisher::Esql(query), Waiting::Rows(waiting)) => {
                    self.finish_esql(rule, query, waiting, data, sink)?;
                }
                (_, Waiting::Terms(waiting)) => {
                    self.finish_new_terms(rule, waiting.found(), sink)?;
                    let from = self.keeps_from(rule, Kind::Terms);
                    seen = from.map(|from| Seen::Terms(Box::new(waiting.into_history(from))));
                }
                _ => {}
            }
            self.has_finished(rule);
            if let Some(range_to) = self.range.to
                && self.keeps_of(rule) == Some(Kind::Suppression)
            {
                let state = self.rules[rule].suppression.take();
                seen = state.and_then(|state| open_groups(state, planned, range_to)).map(Seen::Suppression);
            }
            // Of a rule that was left out on the way not everything was seen.
            if let Some(seen) = seen
                && self.outcomes[planned.outcome].status == RuleStatus::Ran
            {
                histories.insert(planned.rule.rule_id.clone(), KeptHistory::new(seen, planned));
            }
        }
        let whole = self.rules.iter().map(|state| state.is_whole).zip(&self.plan.rules);
        let late = whole.filter(|(is_whole, _)| !is_whole).map(|(_, planned)| planned.rule.rule_id.clone());
        let late = late.collect();
        Ok(Finished { late, outcomes: self.outcomes, kept: histories, changed: self.changed })
    }

    /// What is kept of a rule for the range that follows.
    pub(super) fn keeps_of(&self, rule: usize) -> Option<Kind> {
        let keeps = self.keeps && self.rules[rule].is_whole;
        kept_history::kind(&self.plan.rules[rule]).filter(|_| keeps)
    }

    /// From when on, in milliseconds since the epoch, values or counts of a rule are kept; `None` when they are not.
    fn keeps_from(&self, rule: usize, kind: Kind) -> Option<i64> {
        let range_to = self.range.to.filter(|_| self.keeps_of(rule) == Some(kind))?;
        let from = self.plan.rules[rule].history_from(self.windows, range_to).unwrap_or(range_to);
        Some(from.as_millisecond())
    }

    fn finish_in_order(
        &mut self,
        rule: usize,
        in_order: &InOrder,
        found: FoundInOrder,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let FoundInOrder { mut hits, without_time, beyond_data } = found;
        let (folds, counts_before) = (self.folds(rule), self.counts_hits_before(rule));
        let before_range = &self.before_range;
        // Only to alerts that take later hits in does it matter what was found before the range.
        hits.retain(|hit| counts_before || hit.last().is_none_or(|last| !before_range.contains(last)));
        let notes = self.notes(hits.iter().map(|hit| (hit.last().unwrap_or(&NO_EVENT), None)));
        let outcome = &mut self.outcomes[self.plan.rules[rule].outcome];
        outcome.hits += in_range(&notes) as u64;
        outcome.without_time += without_time;
        outcome.beyond_data += beyond_data;
        let (mut kept, mut notes) = (&hits[..], &notes[..]);
        // Folded hits do not use up the cap, so it counts later.
        if let (Some(cap), false) = (self.max_signals, folds) {
            let cut = hits.len().saturating_sub(cap as usize);
            outcome.cut += cut as u64;
            (kept, notes) = (&hits[cut..], &notes[cut..]);
        }
        let mut hit_of = |this: &mut Self, number: usize| this.evidence(&in_order.join, &kept[number]);
        self.make_all(rule, notes, &mut hit_of, sink)
    }

    fn finish_new_terms(
        &mut self,
        rule: usize,
        found: NewTermsFound,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let NewTermsFound { hits, without_time, too_many } = found;
        let notes = self.notes(hits.iter().map(|hit| (&hit.event, hit.run)));
        let wanted = self.account(rule, &notes, without_time, too_many);
        if takes_text(&self.plan.rules[rule], &self.rules[rule].alert_rule) {
            for FoundTerms { event, values, .. } in hits.into_iter().take(wanted) {
                let (rule_of_alert, context) = (&self.rules[rule].alert_rule, &self.context);
                let built = match self.held.get_kept(event)? {
                    KeptEvent::Text(text) => alert::build_new_terms(text, values, rule_of_alert, context),
                    KeptEvent::Whole(event) => {
                        let hit = Hit::NewTerms(NewTermsHit { event, values });
                        alert::build_owned(hit, rule_of_alert, context)
                    }
                };
                self.built(rule, built, sink)?;
            }
            return Ok(());
        }
        let mut hit_of = |this: &mut Self, number: usize| {
            let FoundTerms { event, values, .. } = &hits[number];
            let event = this.held.get(*event)?;
            Ok(Hit::NewTerms(NewTermsHit { event, values: values.clone() }))
        };
        self.make_all(rule, &notes[..wanted], &mut hit_of, sink)
    }

    fn finish_threshold(
        &mut self,
        rule: usize,
        found: GroupsFound,
        sink: &mut dyn AlertSink,
    ) -> Result<(), EngineError> {
        let GroupsFound { hits, without_time, too_many } = found;
        let counts_before = self.counts_hits_before(rule);
        let counted = hits.into_iter().filter(|(_, note)| counts_before || !note.is_history);
        let (hits, notes): (Vec<_>, Vec<_>) = counted.unzip();
        let wanted = self.account(rule, &notes, without_time, too_many);
        let mut hit_of = |_: &mut Self, number: usize| Ok(Hit::Threshold(hits[number].clone()));
        self.make_all(rule, &notes[..wanted], &mut hit_of, sink)
    }

    /// Counts the hits of a rule whose oldest come first. How many of them stay within the cap.
    pub(super) fn account(
        &mut self,
        rule: usize,
        notes: &[HitNote],
        without_time: u64,
        too_many: u64,
    ) -> usize {
        // Folded hits do not use up the cap, so it counts later.
        let cap = self.max_signals.filter(|_| !self.folds(rule));
        let wanted = cap.map_or(notes.len(), |cap| notes.len().min(cap as usize));
        let outcome = &mut self.outcomes[self.plan.rules[rule].outcome];
        outcome.hits += in_range(notes) as u64;
        outcome.cut += (notes.len() - wanted) as u64;
        outcome.without_time += without_time;
        if too_many > 0 {
            let message = format!(
                "{too_many} events have more than {MOST_COMBINATIONS} combinations of values; the others were not looked at"
            );
            outcome.warnings.push(Diagnostic::warning("rule::too-many-combinations", message));
        }
        wanted
    }

    /// What is known of hits beside their evidence: of each its last event, and the run that found it where that is known.
    pub(super) fn notes<'e>(&self, hits: impl Iterator<Item = (&'e HeldEvent, Option<i64>)>) -> Vec<HitNote> {
        let is_outside = |event| self.before_range.contains(event) || self.after_range.contains(event);
        let note = |(last, run)| HitNote { is_history: is_outside(last), run };
        hits.map(note).collect()
    }

    pub(super) fn folds(&self, rule: usize) -> bool {
        self.plan.rules[rule].rule.rule_type.suppression().is_some()
    }

    /// Do hits before the range count for a rule, because alerts of these may take later ones in?
    pub(super) fn counts_hits_before(&self, rule: usize) -> bool {
        self.folds(rule) && self.rules[rule].suppression.is_none()
    }

    fn evidence(&mut self, join: &Join, events: &[HeldEvent]) -> Result<Hit, EngineError> {
        let mut evidence = Vec::with_capacity(events.len());
        for event in events {
            evidence.push(self.held.get(*event)?);
        }
        Ok(match (join, evidence.pop()) {
            (Join::Events, Some(event)) => Hit::Event(event),
            (_, last) => {
                evidence.extend(last);
                Hit::Sequence(SequenceHit { events: evidence })
            }
        })
    }
}

/// Stands for the last event of a hit that has none.
const NO_EVENT: HeldEvent = HeldEvent(u32::MAX);

fn in_range(notes: &[HitNote]) -> usize {
    notes.iter().filter(|note| !note.is_history).count()
}
