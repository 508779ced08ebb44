//! What a rule has seen before a range, kept from one execution to the next so that it is not read again.
//!
//! ```text
//!   range 1 ──▶ detection ──▶ alerts                range 2 ──▶ detection ──▶ alerts
//!                   └── values, counts, open groups ──▶ kept ──────┘
//! ```
//!
//! Invariant: with what was kept a rule finds what it would have found with its history read again, as long as the ranges
//! follow each other without a gap and each event comes in the range in which it lies.

use std::collections::BTreeMap;

use alert::{AlertUuid, SuppressionState};
use ecs::{TimeRange, Timestamp};
use rule::{RuleType, Schedule};

use crate::finisher::Finisher;
use crate::plan::PlannedRule;
use crate::waiting_groups::WaitingGroups;
use crate::waiting_terms::WaitingTerms;
use crate::windows::{ScheduledRuns, Windows};

/// What rules have seen, by their ids.
pub type KeptHistories = BTreeMap<String, KeptHistory>;

/// When alerts were closed.
pub type ClosedAlerts = BTreeMap<AlertUuid, Timestamp>;

/// What one rule has seen up to the end of a range.
#[derive(Debug)]
pub struct KeptHistory {
    pub(crate) seen: Seen,
    /// For which moments the exceptions and dates hold with which it was seen.
    holds: TimeRange,
}

/// What a rule with a long history needs of it.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Of a new terms rule, the values.
    Terms(Box<WaitingTerms>),
    /// Of a threshold rule, times, groups and values of its events.
    Groups(Box<WaitingGroups>),
    /// Of a rule whose suppression lasts, the alerts that take later hits in.
    Suppression(SuppressionState),
}

/// How histories are kept in an execution.
#[derive(Debug, Default)]
pub struct KeepHistory {
    /// What was kept of the range that ended where this one starts.
    pub kept: KeptHistories,
    /// What the other rules read.
    pub reads: ReadHistory,
    /// Alerts that people have closed, and when: they take in nothing that a later run finds.
    pub closed: ClosedAlerts,
}

/// What rules read of their history of which nothing was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadHistory {
    /// All of it.
    #[default]
    All,
    /// Nothing of what only matters to a rule that finds something: without its history every value is new, and no hit is
    /// folded into an earlier alert. A rule that finds something so has to be run again, with all of it.
    Late,
}

impl KeepHistory {
    /// What was kept of a rule, when it is what the rule would see now.
    fn kept_of(&self, planned: &PlannedRule<'_>) -> Option<&KeptHistory> {
        self.kept.get(&planned.rule.rule_id).filter(|kept| kept.is_of(planned))
    }

    /// From when on events before a range count for a rule; `None` when none do.
    pub(crate) fn history_from(
        &self,
        planned: &PlannedRule<'_>,
        windows: Windows,
        range_from: Timestamp,
    ) -> Option<Timestamp> {
        let own = match self.kept_of(planned) {
            Some(kept) => Some(kept.kind()),
            None if self.reads == ReadHistory::Late => kind(planned).filter(|kind| *kind != Kind::Groups),
            None => None,
        };
        match own {
            Some(Kind::Terms | Kind::Groups) => None,
            Some(Kind::Suppression) => planned.history_of_type(windows, range_from),
            None => planned.history_from(windows, range_from),
        }
    }

    /// Does a rule see all of its history, or know it?
    pub(crate) fn is_whole(&self, planned: &PlannedRule<'_>) -> bool {
        let is_late =
            self.reads == ReadHistory::Late && kind(planned).is_some_and(|kind| kind != Kind::Groups);
        !is_late || self.kept_of(planned).is_some()
    }
}

impl KeptHistory {
    pub(crate) fn new(seen: Seen, planned: &PlannedRule<'_>) -> Self {
        Self { seen, holds: planned.holds }
    }

    /// How much is kept: values, events and alerts.
    pub fn len(&self) -> u64 {
        match &self.seen {
            Seen::Terms(terms) => terms.values(),
            Seen::Groups(groups) => groups.events(),
            Seen::Suppression(state) => (state.alerts.len() + state.uuids.len()) as u64,
        }
    }

    /// True when nothing is kept: the rule has seen nothing that counts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Would the rule, as planned now, have seen the same?
    pub(crate) fn is_of(&self, planned: &PlannedRule<'_>) -> bool {
        // A plan that holds for its moment alone sees something else every time.
        let is_lasting = planned.holds.from.is_none() || planned.holds.from != planned.holds.to;
        is_lasting && self.holds == planned.holds && kind(planned) == Some(self.kind())
    }

    fn kind(&self) -> Kind {
        match &self.seen {
            Seen::Terms(_) => Kind::Terms,
            Seen::Groups(_) => Kind::Groups,
            Seen::Suppression(_) => Kind::Suppression,
        }
    }
}

/// Which [`Seen`] a rule has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Terms,
    Groups,
    Suppression,
}

/// What is kept of a rule whose windows are those of its schedule; `None` when it reads its history again.
pub(crate) fn kind(planned: &PlannedRule<'_>) -> Option<Kind> {
    let rule = &planned.rule;
    let is_new_terms = matches!(rule.rule_type, RuleType::NewTerms(_));
    match (&planned.finisher, rule.rule_type.suppression()) {
        (Finisher::NewTerms(plan), None) => plan.runs.as_ref().map(|_| Kind::Terms),
        (Finisher::Threshold(plan), None) => plan.runs.as_ref().map(|_| Kind::Groups),
        (Finisher::InOrder(in_order), Some(_)) if in_order.depends_on_range() => None,
        (_, Some(suppression)) if suppression.duration.is_some() && !is_new_terms => {
            let runs = ScheduledRuns::new(&Schedule::of(rule), None)?;
            // What a run finds must lie in one range, whole.
            runs.ends_with_run().then_some(Kind::Suppression)
        }
        _ => None,
    }
}

/// Of the groups of a suppression those that runs from `range_to` on may add to.
pub(crate) fn open_groups(
    mut state: SuppressionState,
    planned: &PlannedRule<'_>,
    range_to: Timestamp,
) -> Option<SuppressionState> {
    let runs = ScheduledRuns::new(&Schedule::of(&planned.rule), None)?;
    let duration = planned.rule.rule_type.suppression()?.duration?.as_duration();
    let start = Timestamp::from_millisecond(runs.start_around(range_to.as_millisecond())?).ok()?;
    if let Ok(at) = start.min(range_to).checked_sub(duration) {
        state.forget_groups_before(at);
    }
    Some(state)
}
