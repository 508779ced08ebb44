//! Bounds of the rules of a run: for how long each may be at work, and how many of its events may wait.

use ecs::Timestamp;
use jiff::SignedDuration;
use query::Diagnostic;

use super::{Detection, Waiting};
use crate::outcome::{NotRunReason, RuleStatus};

/// What bounds each rule of a run, so that none takes all the memory or all the time, and who may end the run early.
#[derive(Clone, Copy)]
pub struct Bounds<'b> {
    /// Events of one rule that may wait until others have been seen; of a new terms rule, values.
    pub waiting_events: Option<u64>,
    /// Alerts of one rule. More are counted as cut; the others of the rule stay.
    pub alerts: Option<u64>,
    /// For how long one rule may be at work: over its events, and over what it makes of them in the end. Where a rule
    /// cannot be stopped half-way it ends late, with a warning.
    pub rule_time: Option<SignedDuration>,
    /// Tells the time.
    pub now: &'b (dyn Fn() -> Timestamp + Sync),
    /// Asked now and then: when true, the run ends with [`EngineError::Stopped`](crate::EngineError::Stopped).
    pub is_stopped: &'b (dyn Fn() -> bool + Sync),
}

/// The code of the warning of a rule that ended late.
pub const LATE: &str = "rule::late";

/// What a rule has used up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    waiting: u64,
    time: SignedDuration,
    since: Option<Timestamp>,
    /// Nothing is done for it any more.
    pub(super) is_left_out: bool,
}

impl std::fmt::Debug for Bounds<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bounds")
            .field("waiting_events", &self.waiting_events)
            .field("alerts", &self.alerts)
            .field("rule_time", &self.rule_time)
            .finish_non_exhaustive()
    }
}

impl Detection<'_> {
    /// Work for a rule begins; false when it is left out.
    pub(super) fn begins(&mut self, rule: usize) -> bool {
        let used = &mut self.rules[rule].used;
        if let Some(bounds) = self.bounds.filter(|bounds| bounds.rule_time.is_some()) {
            used.since = Some((bounds.now)());
        }
        !used.is_left_out
    }

    /// Work for a rule over an event ends; the event may wait.
    pub(super) fn has_waiting(&mut self, rule: usize) {
        let Some(bounds) = self.bounds else { return };
        let state = &mut self.rules[rule];
        state.used.waiting = match &state.waiting {
            Waiting::Terms(terms) => terms.values(),
            _ => state.used.waiting + 1,
        };
        if self.is_late(rule) {
            self.leave_out(rule, NotRunReason::TooLong(bounds.rule_time.unwrap_or_default()));
        }
        if let Some(most) = bounds.waiting_events.filter(|most| *most < self.rules[rule].used.waiting) {
            self.leave_out(rule, NotRunReason::TooManyEvents(most));
        }
    }

    /// A rule has come to its end.
    pub(super) fn has_finished(&mut self, rule: usize) {
        let Some(most) = self.bounds.and_then(|bounds| bounds.rule_time) else { return };
        let outcome = self.plan.rules[rule].outcome;
        if self.is_late(rule) && self.outcomes[outcome].status == RuleStatus::Ran {
            let message = format!("it was at work for more than {most:#}, which is the limit for one rule");
            self.outcomes[outcome].warnings.push(Diagnostic::warning(LATE, message));
        }
    }

    /// Has a rule been at work for too long? Counts up to now.
    pub(super) fn is_late(&mut self, rule: usize) -> bool {
        let Some(bounds) = self.bounds else { return false };
        let Some(most) = bounds.rule_time else { return false };
        let used = &mut self.rules[rule].used;
        let now = (bounds.now)();
        if let Some(since) = used.since.replace(now) {
            used.time = used.time.saturating_add(now.duration_since(since));
        }
        most < used.time
    }

    /// Nothing is done for a rule any more, and nothing that it waits for is kept.
    pub(super) fn leave_out(&mut self, rule: usize, reason: NotRunReason) {
        let state = &mut self.rules[rule];
        if !state.used.is_left_out {
            state.used.is_left_out = true;
            state.waiting = Waiting::Nothing;
            self.outcomes[self.plan.rules[rule].outcome].status = RuleStatus::NotRun(reason);
        }
    }

    /// As [`Self::leave_out`], for a rule that is late.
    pub(super) fn leave_out_late(&mut self, rule: usize) -> bool {
        let most = self.bounds.and_then(|bounds| bounds.rule_time).unwrap_or_default();
        let is_late = self.is_late(rule);
        if is_late {
            self.leave_out(rule, NotRunReason::TooLong(most));
        }
        is_late
    }
}
