//! Everything that events say of KMS keys, in whatever order they come; to be asked once they are sorted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use ecs::Timestamp;
use foldhash::fast::FixedState;

use super::declared::{
    TrailChange, blamed_keys, blames_kms, changes_trail, declared_keys, declares, resource_of, trail_change,
};
use super::key_id::KeyRef;
use super::key_report::KeyReport;
use super::key_use::KeyUseBatch;
use super::lifecycle::{Change, LifecycleEvent};
use super::sighting::{KMS, Sighting, Tally};
use super::sorted_keys::SortedKeys;
use super::use_facts::{groups_of, kind_of, shared_hash, state_said};
use super::use_groups::{UseGroup, UseGroups, UseKind};
use crate::event::Event;

/// What events say of KMS keys. Give it events in any order, then ask [`KeyHistory::sorted`].
///
/// Management calls are kept one by one; uses are added up, so that memory does not grow with them. A management call
/// that comes twice counts once: by `sharedEventID`, else by `eventID`. Uses that come twice by `eventID` are the caller's
/// to leave out; those that two accounts have recorded count once, up to a million of them.
#[derive(Debug, Clone, Default)]
pub struct KeyHistory {
    pub(crate) lifecycle: Vec<LifecycleEvent>,
    by_id: HashMap<Box<str>, usize, FixedState>,
    pub(crate) uses: BTreeMap<KeyRef, UseGroups>,
    pub(crate) trails: Vec<TrailChange>,
    shared: HashSet<u64, FixedState>,
    duplicates: u64,
}

/// Beyond this, uses that two accounts have recorded count twice.
const MOST_SHARED: usize = 1_000_000;

impl KeyHistory {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether an event has to be given to [`KeyHistory::observe`]: management calls of KMS, calls of other services that
    /// name a key for a resource, and calls that change what a trail records. What
    /// [`KeyUseReader::takes`](super::key_use::KeyUseReader::takes) of KMS is better given as
    /// [`KeyUse`](super::key_use::KeyUse); for failures of other services ask [`KeyHistory::wants_error`] as well.
    pub fn wants(provider: &str, action: &str) -> bool {
        provider == KMS || declares(provider, action) || changes_trail(provider, action)
    }

    /// Whether an event of another service that failed has to be given to [`KeyHistory::observe`], by its `errorCode`.
    pub fn wants_error(code: &str) -> bool {
        blames_kms(code)
    }

    /// Takes an event. Those that say nothing of keys are passed over.
    pub fn observe(&mut self, event: &Event) {
        if event.provider == KMS {
            let Some(kind) = kind_of(&event.action) else {
                self.keep(event);
                return;
            };
            if self.is_new(event.shared_id.as_deref().map_or(0, shared_hash)) {
                for (key, group) in groups_of(event, kind) {
                    self.uses.entry(key).or_default().add(&group, Tally::one(Sighting::of(event)));
                }
            }
            return;
        }
        if changes_trail(&event.provider, &event.action) {
            self.trails.extend(trail_change(event));
        }
        match event.error.as_deref() {
            None if declares(&event.provider, &event.action) => {
                self.add_all(event, UseKind::Declared, declared_keys(event), resource_of(event));
            }
            Some(code) if blames_kms(code) => {
                self.add_all(event, UseKind::ServiceFailure, blamed_keys(event), resource_of(event));
            }
            _ => {}
        }
    }

    /// Merges the uses of an input. `keep` is asked by the row number that the use was pushed with.
    pub fn take(&mut self, batch: &KeyUseBatch, keep: impl Fn(usize) -> bool) {
        for (group, tally) in batch.tallies(|row, shared| keep(row) && self.is_new(shared)) {
            let mut add = |(key, group): &(KeyRef, UseGroup), tally| {
                // Looked up first: keys are many texts to copy, and known ones are the rule.
                match self.uses.get_mut(key) {
                    Some(groups) => groups.add(group, tally),
                    None => self.uses.entry(key.clone()).or_default().add(group, tally),
                }
            };
            if let Some((last, others)) = group.split_last() {
                others.iter().for_each(|of_key| add(of_key, tally.clone()));
                add(last, tally);
            }
        }
    }

    /// Sorts what was taken, and finds out which alias was which key when.
    pub fn sorted(&self) -> SortedKeys<'_> {
        SortedKeys::of(self)
    }

    /// Every key that events name, at a moment, the riskiest first.
    pub fn reports(&self, at: Timestamp) -> Vec<KeyReport> {
        self.sorted().reports(at)
    }

    /// Events that came again and were left out.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Uses of which only service and error are kept, as their keys have more resources and principals than are kept.
    pub fn uses_left_out(&self) -> u64 {
        self.uses.values().map(UseGroups::left_out).sum()
    }

    fn add_all(&mut self, event: &Event, kind: UseKind, keys: Vec<KeyRef>, resource: Option<String>) {
        let message = event.error_message.as_deref().unwrap_or_default();
        let group = UseGroup {
            service: Some(Arc::from(event.provider.as_str())),
            resource: resource.map(Arc::from),
            principal: event.identity.principal().map(Arc::from),
            error: event.error.as_deref().map(Arc::from),
            state: event.error.as_ref().and_then(|_| state_said(message)),
            ..UseGroup::nothing_but(kind)
        };
        for key in keys {
            self.uses.entry(key).or_default().add(&group, Tally::one(Sighting::of(event)));
        }
    }

    fn keep(&mut self, event: &Event) {
        let new = LifecycleEvent::of(event);
        // Such as GenerateRandom.
        if new.keys.is_empty() && new.change == Change::Other {
            return;
        }
        let Some(id) = event.shared_id.as_deref().or(event.id.as_deref()) else {
            self.lifecycle.push(new);
            return;
        };
        match self.by_id.get(id) {
            // Of two that are the same the smaller stays, so that it does not matter which came first.
            Some(known) => {
                self.duplicates += 1;
                if let Some(known) = self.lifecycle.get_mut(*known)
                    && new.sighting < known.sighting
                {
                    *known = new;
                }
            }
            None => {
                self.by_id.insert(id.into(), self.lifecycle.len());
                self.lifecycle.push(new);
            }
        }
    }

    fn is_new(&mut self, shared: u64) -> bool {
        if shared == 0 || self.shared.len() >= MOST_SHARED {
            return true;
        }
        let new = self.shared.insert(shared);
        self.duplicates += u64::from(!new);
        new
    }
}
