//! What a sequence asks for: its stages, and where the missing ones lie between the others.

use super::Role;
use super::exceeds;
use super::key_state::Completed;

/// What a sequence asks for, without its filters and keys: those are the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequencePlan {
    /// The stages in order. A stage with runs stands here as often as it is to match.
    pub stages: Vec<StageKind>,
    /// The longest time from the first to the last event, in milliseconds; exactly this much is allowed.
    pub maxspan: Option<u64>,
    /// Whether there is an `until`; where not, [`Role::Until`] has no effect.
    pub until: bool,
}

/// What a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    /// `[ ... ]`: an event that must be there.
    Event,
    /// `![ ... ]`: an event that must not be there.
    Missing,
}

/// What a role comes to, seen from the stages that must be there (counted from 0, the missing ones left out).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The event of this number.
    Event(u16),
    /// Forbidden before the first event.
    Leading,
    /// Forbidden between the event of this number and the next.
    Between(u16),
    /// Forbidden after the last event.
    Trailing,
    Until,
}

/// A plan, worked out.
#[derive(Debug)]
pub(super) struct Layout {
    /// By stage.
    pub(super) places: Vec<Place>,
    /// How many stages must be there.
    pub(super) positives: u16,
    pub(super) maxspan: Option<u64>,
    pub(super) has_leading: bool,
    pub(super) has_trailing: bool,
    until: bool,
}

impl Layout {
    pub(super) fn new(plan: &SequencePlan) -> Self {
        let positives = plan.stages.iter().filter(|kind| **kind == StageKind::Event).count() as u16;
        let mut passed = 0;
        let places: Vec<Place> = plan
            .stages
            .iter()
            .map(|kind| match (kind, passed) {
                (StageKind::Event, at) => {
                    passed += 1;
                    Place::Event(at)
                }
                (StageKind::Missing, 0) => Place::Leading,
                (StageKind::Missing, after) if after == positives => Place::Trailing,
                (StageKind::Missing, after) => Place::Between(after - 1),
            })
            .collect();
        Self {
            has_leading: positives > 0 && places.contains(&Place::Leading),
            has_trailing: places.contains(&Place::Trailing),
            places,
            positives,
            maxspan: plan.maxspan,
            until: plan.until,
        }
    }

    /// What a role comes to; `None` for one that the plan does not have.
    pub(super) fn place(&self, role: Role) -> Option<Place> {
        match role {
            Role::Stage(stage) => self.places.get(usize::from(stage)).copied(),
            Role::Until => self.until.then_some(Place::Until),
        }
    }

    /// Judges the missing stages between and, where nothing may trail, before a complete sequence.
    pub(super) fn allows(&self, completed: &Completed) -> bool {
        let led = self.has_leading
            && !self.has_trailing
            && completed.lead.is_some_and(|lead| !exceeds(self.maxspan, lead, completed.last_time));
        !completed.spoiled && !led
    }

    /// The events of a complete sequence, with a gap for each missing stage.
    pub(super) fn events_by_stage(&self, events: &[u32]) -> Vec<Option<u32>> {
        self.places
            .iter()
            .map(|place| match place {
                Place::Event(at) => events.get(usize::from(*at)).copied(),
                Place::Leading | Place::Between(_) | Place::Trailing | Place::Until => None,
            })
            .collect()
    }
}
