//! What is known of a key at a moment: its events, replayed in their order.

use ecs::Timestamp;
use jiff::SignedDuration;

use super::key_id::KeyId;
use super::key_report::TimelineEntry;
use super::lifecycle::{Change, LifecycleEvent};
use super::sighting::Sighting;
use super::sorted_keys::SortedKeys;
use super::state::{Certainty, KeyState};
use super::state_machine::{Machine, SETTLES_WITHIN};
use super::use_groups::{UseGroup, UseKind};
use crate::answer::Evidence;

/// What is known of a key at a moment.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) now: Known,
    pub(crate) origin: Option<String>,
    pub(crate) deletion: Option<Deletion>,
    /// Material that was deleted and is not back: its id, where records name it.
    pub(crate) missing: Vec<Option<String>>,
    /// When the imported material expires.
    pub(crate) valid_to: Option<Timestamp>,
    /// Since when nothing can be decrypted.
    pub(crate) unusable_since: Option<Timestamp>,
    pub(crate) timeline: Vec<TimelineEntry>,
}

/// A state, and why.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) state: KeyState,
    pub(crate) certainty: Certainty,
    pub(crate) since: Option<Timestamp>,
    pub(crate) because: String,
    pub(crate) cause: Option<Evidence>,
}

/// A deletion that is scheduled.
#[derive(Debug, Clone)]
pub(crate) struct Deletion {
    /// When its clock began to run.
    pub(crate) from: Timestamp,
    /// `None` when nothing said it: 30 then.
    pub(crate) days: Option<i64>,
    /// `deletionDate`.
    pub(crate) date: Option<Timestamp>,
}

/// The waiting period when a call names none. Source: AWS KMS API reference, ScheduleKeyDeletion.
pub(crate) const DEFAULT_DAYS: i64 = 30;

/// How much later than scheduled KMS may delete a key. Source: AWS KMS developer guide, deleting-keys.html.
const DELETES_WITHIN: SignedDuration = SignedDuration::from_hours(24);

impl Deletion {
    /// The earliest moment at which the key is gone.
    pub(crate) fn ends(&self) -> Option<Timestamp> {
        let hours = self.days.unwrap_or(DEFAULT_DAYS).checked_mul(24)?;
        self.date.or_else(|| self.from.checked_add(SignedDuration::from_hours(hours)).ok())
    }
}

impl Status {
    /// What the events up to a moment say, that moment included.
    pub(crate) fn of(keys: &SortedKeys<'_>, key: &KeyId, at: Timestamp) -> Self {
        let mut machine = Machine::new(key, keys.related(key).into_iter().cloned().collect());
        let mut steps = steps_of(keys, key, at);
        steps.sort_by(|left, right| left.sighting().cmp(right.sighting()));
        let mut steps = steps.as_slice();
        while let Some(first) = steps.first() {
            let time = first.sighting().time;
            let count = steps.iter().take_while(|step| step.sighting().time == time).count();
            let (together, rest) = steps.split_at(count);
            machine.take_together(together.to_vec());
            steps = rest;
        }
        machine.finish(at)
    }
}

/// One thing that happens to a key.
#[derive(Clone, Copy)]
enum Step<'a> {
    Call(&'a LifecycleEvent),
    /// What happens to its key store.
    Store(&'a LifecycleEvent),
    /// What happens to the same key in another Region.
    Related(&'a LifecycleEvent),
    /// The first or the last use of its kind.
    Use(&'a UseGroup, &'a Sighting),
}

impl Step<'_> {
    fn sighting(&self) -> &Sighting {
        match self {
            Self::Call(event) | Self::Store(event) | Self::Related(event) => &event.sighting,
            Self::Use(_, sighting) => sighting,
        }
    }
}

fn steps_of<'a>(keys: &SortedKeys<'a>, key: &KeyId, at: Timestamp) -> Vec<Step<'a>> {
    let events = keys.events(key);
    let mut steps: Vec<Step<'a>> = events.lifecycle.iter().map(|event| Step::Call(event)).collect();
    if let Some(changes) = events.store.as_ref().and_then(|store| keys.stores.get(store)) {
        steps.extend(changes.iter().map(|event| Step::Store(event)));
    }
    for related in keys.related(key) {
        let deleted = |event: &&&LifecycleEvent| event.change == Change::Deleted && event.succeeded();
        steps.extend(keys.events(related).lifecycle.iter().filter(deleted).map(|event| Step::Related(event)));
    }
    for (group, tally) in &events.uses {
        if group.kind == UseKind::Use {
            steps.extend([Step::Use(group, &tally.first), Step::Use(group, &tally.last)]);
        }
    }
    steps.retain(|step| step.sighting().time <= at);
    steps
}

impl Machine<'_> {
    /// Takes what happened in one second, whose order records don't say: uses first, then what KMS would have allowed
    /// and what makes a difference.
    fn take_together(&mut self, mut steps: Vec<Step<'_>>) {
        while let Some(next) = (0..steps.len()).min_by_key(|place| self.turn(&steps[*place])) {
            let step = steps.remove(next);
            self.take(step);
        }
    }

    fn turn(&self, step: &Step<'_>) -> (u8, u8) {
        use KeyState::{PendingDeletion, PendingImport, PendingReplicaDeletion};
        let Step::Call(event) = step else { return (u8::from(!matches!(step, Step::Use(..))), 2) };
        let pending = matches!(self.base.state, PendingDeletion | PendingReplicaDeletion);
        let (rank, allowed) = match event.change {
            Change::Created { .. } => (0, true),
            Change::Replicated { .. } => (1, true),
            Change::DeletionCancelled => (3, pending || self.base.state == KeyState::Unknown),
            Change::Disabled => {
                (4, !pending && !matches!(self.base.state, PendingImport | KeyState::Disabled))
            }
            Change::MaterialDeleted { .. } => (5, true),
            Change::MaterialImported { .. } => (6, !pending),
            Change::Enabled => (7, !pending && !matches!(self.base.state, PendingImport | KeyState::Enabled)),
            Change::DeletionScheduled { .. } => (8, !pending),
            Change::Deleted => (9, true),
            _ => (2, true),
        };
        (if allowed { 1 } else { 2 }, rank)
    }

    fn take(&mut self, step: Step<'_>) {
        let before = self.effective().state;
        let told = match step {
            Step::Use(group, sighting) => self.take_use(group, sighting),
            Step::Call(event) | Step::Store(event) | Step::Related(event) if !event.succeeded() => {
                let error = event.error.as_deref().unwrap_or_default();
                Some((
                    event.principal.as_deref(),
                    event.error.as_deref(),
                    format!("it failed ({error}) and changed nothing"),
                ))
            }
            Step::Call(event) => Some((event.principal.as_deref(), None, self.take_call(event))),
            Step::Store(event) => self.take_store(event).map(|says| (event.principal.as_deref(), None, says)),
            Step::Related(event) => {
                self.take_related(event).map(|says| (event.principal.as_deref(), None, says))
            }
        };
        let after = self.effective().state;
        self.note_usability(after, step.sighting().time);
        let Some((principal, error, says)) = told else { return };
        let changed = before != after;
        self.timeline.push(TimelineEntry {
            time: step.sighting().time.to_string(),
            action: step.sighting().action.to_string(),
            principal: principal.map(str::to_owned),
            error: error.map(str::to_owned),
            before: changed.then_some(before),
            after: changed.then_some(after),
            evidence: step.sighting().evidence(says.clone()),
            says,
        });
    }

    fn finish(mut self, at: Timestamp) -> Status {
        use KeyState::{Creating, Deleted, Disabled, Enabled, PendingDeletion, PendingImport};
        let mut now = self.effective().clone();
        if let Some(moving) = self.moving_since.take()
            && moving
                .since
                .is_some_and(|since| at.duration_since(since) <= SETTLES_WITHIN && Some(since) >= now.since)
            && now.state == Enabled
        {
            now = moving;
        }
        let settled = now.since.is_some_and(|since| at.duration_since(since) > SETTLES_WITHIN);
        if now.state == Creating && settled {
            now.state = if self.origin.as_deref() == Some("EXTERNAL") { PendingImport } else { Enabled };
            now.certainty = Certainty::Inferred;
            now.because.push_str(" That ends by itself within minutes.");
        }
        if let Some(ends) = self.deletion.as_ref().and_then(Deletion::ends)
            && now.state == PendingDeletion
            && at.duration_since(ends) > DELETES_WITHIN
        {
            now.because = format!(
                "Its waiting period ended at {ends}, and KMS deletes a key within a day; no event says that somebody \
                 cancelled it, and none that KMS deleted it."
            );
            now.state = Deleted;
            now.certainty = Certainty::Inferred;
            now.since = Some(ends);
        }
        if let Some(valid_to) = self.valid_to.filter(|until| *until <= at)
            && matches!(now.state, Enabled | Disabled)
        {
            now.because = format!(
                "Its imported material was to expire at {valid_to}; no event says that KMS deleted it."
            );
            now.state = PendingImport;
            now.certainty = Certainty::Inferred;
            now.since = Some(valid_to);
        }
        self.note_usability(now.state, now.since.unwrap_or(at));
        Status {
            now,
            origin: self.origin,
            deletion: self.deletion,
            missing: self.missing,
            valid_to: self.valid_to,
            unusable_since: self.unusable_since,
            timeline: self.timeline,
        }
    }
}
