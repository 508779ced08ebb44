//! The states that a key went through, replayed from its events, each with its cause and with how sure it is.
//!
//! Source: AWS KMS developer guide, key-state.html, deleting-keys.html, importing-keys-delete-key-material.html.

use std::collections::BTreeSet;

use ecs::Timestamp;
use jiff::SignedDuration;

use super::key_id::KeyId;
use super::key_report::TimelineEntry;
use super::lifecycle::{Change, LifecycleEvent, StoreAct};
use super::sighting::Sighting;
use super::sorted_keys::SortedKeys;
use super::state::{Certainty, KeyState};
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

/// What follows by itself, or is seen late as KMS is eventually consistent, is taken to be through by then. Ours.
const SETTLES_WITHIN: SignedDuration = SignedDuration::from_mins(15);

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

struct Machine<'k> {
    key: &'k KeyId,
    base: Known,
    /// While its key store is disconnected.
    store_down: Option<Known>,
    origin: Option<String>,
    deletion: Option<Deletion>,
    missing: Vec<Option<String>>,
    /// Materials that wait for a rotation; to delete one of these does no harm.
    pending_rotation: BTreeSet<String>,
    valid_to: Option<Timestamp>,
    unusable_since: Option<Timestamp>,
    moving_since: Option<Known>,
    /// The same key in other Regions, as far as it still exists.
    related: BTreeSet<KeyId>,
    failures_told: BTreeSet<(Option<Box<str>>, Option<KeyState>)>,
    timeline: Vec<TimelineEntry>,
}

impl<'k> Machine<'k> {
    fn new(key: &'k KeyId, related: BTreeSet<KeyId>) -> Self {
        Self {
            key,
            base: Known {
                state: KeyState::Unknown,
                certainty: Certainty::Unknown,
                since: None,
                because: "No event says in which state it is.".to_owned(),
                cause: None,
            },
            store_down: None,
            origin: None,
            deletion: None,
            missing: Vec::new(),
            pending_rotation: BTreeSet::new(),
            valid_to: None,
            unusable_since: None,
            moving_since: None,
            related,
            failures_told: BTreeSet::new(),
            timeline: Vec::new(),
        }
    }

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

    fn effective(&self) -> &Known {
        use KeyState::{Deleted, PendingDeletion, PendingReplicaDeletion};
        match &self.store_down {
            // So that a deletion can always be cancelled, a pending key stays pending whatever its store does.
            Some(down) if !matches!(self.base.state, Deleted | PendingDeletion | PendingReplicaDeletion) => {
                down
            }
            _ => &self.base,
        }
    }

    fn note_usability(&mut self, state: KeyState, time: Timestamp) {
        match state {
            KeyState::Enabled | KeyState::Updating | KeyState::Creating | KeyState::Unknown => {
                self.unusable_since = None;
            }
            _ => self.unusable_since = self.unusable_since.or(Some(time)),
        }
    }

    fn enter(
        &mut self,
        state: KeyState,
        certainty: Certainty,
        sighting: &Sighting,
        because: impl Into<String>,
    ) {
        let because = because.into();
        let shows = format!("it is {state:?} from then on");
        let since = Some(sighting.time);
        self.base = Known { state, certainty, since, because, cause: Some(sighting.evidence(shows)) };
    }

    fn take_call(&mut self, event: &LifecycleEvent) -> String {
        use Certainty::{Inferred, Recorded};
        use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion};
        let sighting = &event.sighting;
        let pending = matches!(self.base.state, PendingDeletion | PendingReplicaDeletion);
        match &event.change {
            Change::Created { origin, state, .. } => {
                self.origin = origin.clone().or(self.origin.take());
                let external = self.origin.as_deref() == Some("EXTERNAL");
                let state_or = state.unwrap_or(if external { PendingImport } else { Enabled });
                let certainty = if state.is_some() { Recorded } else { Inferred };
                self.enter(state_or, certainty, sighting, "CreateKey made it in this state.");
                "the key is made".to_owned()
            }
            Change::Enabled => {
                self.enter(Enabled, Recorded, sighting, "EnableKey switched it on.");
                self.deletion = None;
                "the key is switched on".to_owned()
            }
            Change::Disabled => {
                self.enter(Disabled, Recorded, sighting, "DisableKey switched it off.");
                "the key is switched off".to_owned()
            }
            Change::DeletionScheduled { days, date, state } => self.schedule(sighting, *days, *date, *state),
            Change::DeletionCancelled => {
                self.deletion = None;
                if self.missing.is_empty() {
                    let because = "CancelKeyDeletion stopped its deletion, and always leaves a key disabled.";
                    self.enter(Disabled, Recorded, sighting, because);
                } else {
                    let because = "CancelKeyDeletion stopped its deletion. AWS's guide says that a key is disabled then; \
                                   its imported material was deleted before and is not back, and whether the state shows \
                                   that is not confirmed: read it with DescribeKey.";
                    self.enter(Disabled, Inferred, sighting, because);
                }
                "the deletion is cancelled".to_owned()
            }
            Change::Deleted => {
                self.deletion = None;
                self.enter(
                    KeyState::Deleted,
                    Recorded,
                    sighting,
                    "KMS deleted it when its waiting period was over.",
                );
                "KMS deletes the key for ever".to_owned()
            }
            Change::MaterialImported { .. } => self.import(event),
            Change::MaterialDeleted { material, expired } => {
                self.origin.get_or_insert_with(|| "EXTERNAL".to_owned());
                self.lose_material(sighting, material.as_ref(), *expired)
            }
            Change::ImportPrepared => {
                self.origin.get_or_insert_with(|| "EXTERNAL".to_owned());
                "an import of material is prepared".to_owned()
            }
            Change::Rotated { material, origin } => {
                if let Some(origin) = origin {
                    self.origin.get_or_insert_with(|| origin.clone());
                }
                match material {
                    Some(material) => {
                        self.pending_rotation.remove(material);
                    }
                    None => self.pending_rotation.clear(),
                }
                "its material is rotated".to_owned()
            }
            Change::PolicyPut { bypasses_check, keeps_root } => {
                let root = match keeps_root {
                    Some(false) => "; the new one does not name the account's root",
                    _ => "",
                };
                let check = if *bypasses_check { ", past the check against a lock-out" } else { "" };
                format!("its policy is replaced{check}{root}")
            }
            Change::Granted(grant) => {
                format!("a grant is made to {}", grant.grantee.as_deref().unwrap_or("somebody not named"))
            }
            Change::GrantEnded { .. } => "a grant ends".to_owned(),
            Change::AliasPointed { alias, target } => {
                let name = alias.as_ref().map_or("an alias", |alias| alias.name.as_str());
                if target.is_some() { format!("{name} points to it") } else { format!("{name} is deleted") }
            }
            Change::Replicated { replica, state } => match replica {
                Some(replica) if replica == self.key => {
                    let certainty = if state.is_some() { Recorded } else { Inferred };
                    if self.base.state == KeyState::Unknown {
                        let because = "ReplicateKey is making it.";
                        self.enter(state.unwrap_or(KeyState::Creating), certainty, sighting, because);
                    }
                    "the replica is made".to_owned()
                }
                Some(replica) => {
                    format!("it is replicated to {}", replica.region.as_deref().unwrap_or("a Region"))
                }
                None => "it is replicated".to_owned(),
            },
            Change::PrimaryMoved { region } => {
                let mut moving = self.base.clone();
                moving.state = KeyState::Updating;
                moving.since = Some(sighting.time);
                moving.certainty = Inferred;
                moving.because =
                    "UpdatePrimaryRegion moves its primary Region; that ends by itself.".to_owned();
                moving.cause = Some(sighting.evidence("its primary Region is being moved"));
                self.moving_since = Some(moving);
                format!("its primary Region becomes {}", region.as_deref().unwrap_or("another one"))
            }
            Change::Synchronized => {
                self.moving_since = None;
                if self.base.state == KeyState::Creating {
                    let state =
                        if self.origin.as_deref() == Some("EXTERNAL") { PendingImport } else { Enabled };
                    self.enter(
                        state,
                        Inferred,
                        sighting,
                        "SynchronizeMultiRegionKey has settled the new replica.",
                    );
                }
                "KMS brings its replicas in step".to_owned()
            }
            Change::StoreChanged { .. } => "its key store is changed".to_owned(),
            Change::Other if pending => format!("{} while it waits for its deletion", sighting.action),
            Change::Other => format!("{} is called", sighting.action),
        }
    }

    fn schedule(
        &mut self,
        sighting: &Sighting,
        days: Option<i64>,
        date: Option<Timestamp>,
        state: Option<KeyState>,
    ) -> String {
        use KeyState::{PendingDeletion, PendingReplicaDeletion};
        // The record of a primary with replicas has no date, as its clock does not run yet.
        let waits = date.is_none() && self.key.is_multi_region() && !self.related.is_empty();
        let guess = if waits { PendingReplicaDeletion } else { PendingDeletion };
        let certainty = if state.is_none() && waits { Certainty::Inferred } else { Certainty::Recorded };
        let state = state.unwrap_or(guess);
        let because = if state == PendingReplicaDeletion {
            "ScheduleKeyDeletion was called for a primary that has replicas: its waiting period begins when the last of \
             them is deleted."
        } else {
            "ScheduleKeyDeletion set its deletion."
        };
        self.enter(state, certainty, sighting, because);
        self.deletion = Some(Deletion { from: sighting.time, days, date });
        match days {
            Some(days) => format!("its deletion is set, after {days} days"),
            None => format!("its deletion is set; no waiting period is named, so {DEFAULT_DAYS} days"),
        }
    }

    fn lose_material(&mut self, sighting: &Sighting, material: Option<&String>, expired: bool) -> String {
        use KeyState::{Deleted, PendingDeletion, PendingImport, PendingReplicaDeletion};
        if material.is_some_and(|material| self.pending_rotation.remove(material)) {
            return "material that waited for a rotation is deleted; the key goes on".to_owned();
        }
        let lost = material.cloned();
        if !self.missing.contains(&lost) && (lost.is_some() || self.missing.is_empty()) {
            self.missing.push(lost);
        }
        self.valid_to = None;
        let (because, says) = if expired {
            ("Its imported material expired, and KMS deleted it.", "its imported material has expired")
        } else {
            ("DeleteImportedKeyMaterial deleted its imported material.", "its imported material is deleted")
        };
        if !matches!(self.base.state, Deleted | PendingDeletion | PendingReplicaDeletion | PendingImport) {
            self.enter(PendingImport, Certainty::Recorded, sighting, because);
        }
        says.to_owned()
    }

    fn import(&mut self, event: &LifecycleEvent) -> String {
        use KeyState::{Creating, Enabled, PendingImport, Unknown};
        let Change::MaterialImported { material, valid_to, expires, new } = &event.change else {
            return String::new();
        };
        self.origin.get_or_insert_with(|| "EXTERNAL".to_owned());
        if *new && self.missing.is_empty() && self.base.state != PendingImport {
            self.pending_rotation.extend(material.clone());
            return "further material is imported, for a rotation".to_owned();
        }
        let was_missing = !self.missing.is_empty();
        let proven = material.is_some() && self.missing.contains(material);
        let place = match material {
            Some(_) if proven => self.missing.iter().position(|missing| missing == material),
            // One side does not name it. KMS takes no other bytes for an existing material.
            Some(_) => self.missing.iter().position(Option::is_none),
            None => (!self.missing.is_empty()).then_some(0),
        };
        if let Some(place) = place {
            self.missing.remove(place);
        }
        self.valid_to = valid_to.filter(|_| *expires != Some(false));
        let until = self.valid_to.map(|until| format!(", to expire {until}")).unwrap_or_default();
        if !self.missing.is_empty() {
            return format!("material is imported{until}; what was deleted is still missing");
        }
        if matches!(self.base.state, PendingImport | Unknown | Creating) {
            let certainty = if was_missing && !proven { Certainty::Inferred } else { Certainty::Recorded };
            let because = "ImportKeyMaterial gave it its material.";
            self.enter(Enabled, certainty, &event.sighting, because);
        }
        format!("its material is imported{until}")
    }

    fn take_store(&mut self, event: &LifecycleEvent) -> Option<String> {
        let Change::StoreChanged { does, .. } = &event.change else { return None };
        match does {
            StoreAct::Disconnect | StoreAct::Delete => {
                self.store_down = Some(Known {
                    state: KeyState::Unavailable,
                    certainty: Certainty::Recorded,
                    since: Some(event.sighting.time),
                    because: format!(
                        "{} took its key store away, and every key in it.",
                        event.sighting.action
                    ),
                    cause: Some(event.sighting.evidence("its key store is disconnected")),
                });
                Some("its key store is taken away".to_owned())
            }
            StoreAct::Connect => {
                let was_down = self.store_down.take().is_some();
                if was_down && self.base.state != KeyState::Unknown {
                    self.base.certainty = Certainty::Inferred;
                }
                Some("its key store is being connected".to_owned())
            }
            StoreAct::Other => None,
        }
    }

    fn take_related(&mut self, event: &LifecycleEvent) -> Option<String> {
        let gone: Vec<KeyId> = self
            .related
            .iter()
            .filter(|key| {
                event
                    .keys
                    .iter()
                    .any(|named| matches!(named, super::key_id::KeyRef::Key(named) if named == *key))
            })
            .cloned()
            .collect();
        for key in &gone {
            self.related.remove(key);
        }
        let region = gone.first()?.region.clone().unwrap_or_default();
        if self.base.state == KeyState::PendingReplicaDeletion && self.related.is_empty() {
            let because =
                "Its last replica that the logs know of is deleted, so its waiting period has begun.";
            self.enter(KeyState::PendingDeletion, Certainty::Inferred, &event.sighting, because);
            if let Some(deletion) = &mut self.deletion {
                deletion.from = event.sighting.time;
            }
        }
        Some(format!("the key of {region} is deleted"))
    }

    fn take_use<'g>(
        &mut self,
        group: &'g UseGroup,
        sighting: &Sighting,
    ) -> Option<(Option<&'g str>, Option<&'g str>, String)> {
        use KeyState::{Creating, Deleted, Enabled, Unknown, Updating};
        let known = self.effective();
        let settled = known.since.is_none_or(|since| sighting.time.duration_since(since) > SETTLES_WITHIN);
        let before = known.state;
        let Some(error) = group.error.as_deref() else {
            match before {
                Enabled | Updating | Deleted => {}
                Unknown | Creating => {
                    self.enter(
                        Enabled,
                        Certainty::Inferred,
                        sighting,
                        "A use succeeded, so it was enabled then.",
                    );
                }
                _ if settled => {
                    let because = format!(
                        "A use succeeded although it was {before:?} before: the logs lack the call that made it work again."
                    );
                    (self.deletion, self.store_down) = (None, None);
                    self.missing.clear();
                    self.enter(Enabled, Certainty::Inferred, sighting, because);
                }
                _ => {}
            }
            return None;
        };
        if let Some(said) = group.state
            && said != before
            && match before {
                Unknown => true,
                Deleted => false,
                _ => settled && !(said == KeyState::Disabled && self.deletion.is_some()),
            }
        {
            let because = format!(
                "A use failed with {error}, which says that it is {said:?}; the logs lack the call that made it so."
            );
            self.enter(said, Certainty::Inferred, sighting, because);
        }
        let new = self.failures_told.insert((Some(error.into()), group.state));
        new.then(|| (group.principal.as_deref(), Some(error), format!("a use fails with {error}")))
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
