//! Everything that events say of KMS keys, in whatever order they come; to be asked once they are sorted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use ecs::Timestamp;
use foldhash::fast::FixedState;

use super::declared::{
    TrailChange, blamed_keys, blames_kms, changes_trail, declared_keys, declares, resource_of, trail_change,
};
use super::key_id::KeyRef;
use super::key_report::KeyReport;
use super::key_use::{KeyUseBatch, KeyUseReader};
use super::lifecycle::{Change, LifecycleEvent};
use super::sighting::{KMS, Sighting, Tally};
use super::sorted_keys::SortedKeys;
use super::use_facts::{BatchGroup, groups_of, kind_of, shared_hash, state_said};
use super::use_groups::{UseGroup, UseGroups, UseKind};
use super::written_uses::{PlainKey, WrittenUses, plain_key};
use crate::event::Event;
use crate::side_by_side::side_by_side;

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
    /// Uses that nobody asked about yet.
    written: Vec<WrittenUses>,
    written_bytes: usize,
    /// All uses, once somebody asked about all keys.
    read: OnceLock<Box<UsesOfKeys>>,
}

/// The uses of some keys, or of all, added up.
#[derive(Debug, Clone, Default)]
pub struct UsesOfKeys {
    pub(crate) uses: BTreeMap<KeyRef, UseGroups>,
    /// Accounts and Regions in which other keys are used or read.
    pub(crate) used_in: BTreeSet<(Option<String>, Option<String>)>,
}

/// Uses that take more are read and added up at once.
const MOST_WRITTEN_BYTES: usize = 256 << 20;

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
        self.read = OnceLock::new();
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
        self.read = OnceLock::new();
        let tallies = batch.tallies(|row, shared| keep(row) && self.is_new(shared));
        add_up(&mut self.uses, tallies);
    }

    /// Takes in the uses of an input as they are written. `keep` is asked by the row number that the use was pushed with.
    pub fn take_written(&mut self, mut written: WrittenUses, keep: impl Fn(usize) -> bool) {
        self.read = OnceLock::new();
        written.retain(|row, shared| keep(row) && self.is_new(shared));
        if written.is_empty() {
            return;
        }
        self.written_bytes += written.bytes();
        self.written.push(written);
        if self.written_bytes > MOST_WRITTEN_BYTES {
            let mut reader = KeyUseReader::default();
            for written in std::mem::take(&mut self.written) {
                read_written(&mut self.uses, &mut reader, &written, |_| true);
            }
            self.written_bytes = 0;
        }
    }

    /// Sorts what was taken, and finds out which alias was which key when.
    pub fn sorted(&self) -> SortedKeys<'_> {
        if self.written.is_empty() {
            return SortedKeys::of(self, &self.uses, &BTreeSet::new());
        }
        let whole = self.read.get_or_init(|| Box::new(self.uses_where(1, |_| true)));
        SortedKeys::of(self, &whole.uses, &whole.used_in)
    }

    /// As [`KeyHistory::sorted`], where only keys are asked about of which the uses are given; others seem not to be used.
    pub fn sorted_with<'a>(&'a self, uses: &'a UsesOfKeys) -> SortedKeys<'a> {
        SortedKeys::of(self, &uses.uses, &uses.used_in)
    }

    /// The uses of the keys with these ids, read by so many threads. That others are used is in it too, but no more of them.
    pub fn uses_of(&self, ids: &BTreeSet<String>, threads: usize) -> UsesOfKeys {
        self.uses_where(threads, |id| ids.contains(id))
    }

    fn uses_where(&self, threads: usize, wanted: impl Fn(&str) -> bool + Sync) -> UsesOfKeys {
        let mut found = UsesOfKeys::default();
        for (named, groups) in &self.uses {
            match named {
                KeyRef::Key(key) if !wanted(&key.id) => {
                    if groups.iter().any(|(group, _)| group.kind.shows_use()) {
                        found.used_in.insert((key.account.clone(), key.region.clone()));
                    }
                }
                _ => {
                    found.uses.insert(named.clone(), groups.clone());
                }
            }
        }
        let parts: Vec<&[WrittenUses]> =
            self.written.chunks(self.written.len().div_ceil(threads.max(1)).max(1)).collect();
        for (uses, used_in) in side_by_side(&parts, threads, |part| uses_in(part, &wanted)) {
            for (key, groups) in uses {
                found.uses.entry(key).or_default().add_all(groups);
            }
            let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            found.used_in.extend(used_in.into_iter().map(|(account, region)| (part(account), part(region))));
        }
        found
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
        self.sorted().uses_left_out()
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

fn add_up(uses: &mut BTreeMap<KeyRef, UseGroups>, tallies: Vec<(&BatchGroup, Tally)>) {
    let mut add = |(key, group): &(KeyRef, UseGroup), tally| {
        // Looked up first: keys are many texts to copy, and known ones are the rule.
        match uses.get_mut(key) {
            Some(groups) => groups.add(group, tally),
            None => uses.entry(key.clone()).or_default().add(group, tally),
        }
    };
    for (group, tally) in tallies {
        if let Some((last, others)) = group.split_last() {
            others.iter().for_each(|of_key| add(of_key, tally.clone()));
            add(last, tally);
        }
    }
}

/// The uses of keys that are wanted, and the accounts and Regions of the others.
fn uses_in(
    inputs: &[WrittenUses],
    wanted: impl Fn(&str) -> bool,
) -> (BTreeMap<KeyRef, UseGroups>, BTreeSet<(&str, &str)>) {
    let (mut uses, mut used_in) = (BTreeMap::new(), BTreeSet::new());
    let mut reader = KeyUseReader::default();
    let mut last = ("", "");
    for written in inputs {
        read_written(&mut uses, &mut reader, written, |key| {
            let is_wanted = wanted(key.id);
            // Neighbours in an input mostly share theirs.
            if !is_wanted && last != (key.account, key.region) {
                last = (key.account, key.region);
                used_in.insert(last);
            }
            is_wanted
        });
    }
    (uses, used_in)
}

/// Reads the uses of those keys that are wanted, and of those that only reading tells.
fn read_written<'a>(
    uses: &mut BTreeMap<KeyRef, UseGroups>,
    reader: &mut KeyUseReader,
    written: &'a WrittenUses,
    mut wanted: impl FnMut(PlainKey<'a>) -> bool,
) {
    for key_use in written.iter() {
        if plain_key(&key_use).is_none_or(&mut wanted) {
            reader.push(&key_use);
        }
    }
    let batch = reader.batch(Arc::clone(&written.input));
    add_up(uses, batch.tallies(|_, _| true));
}
