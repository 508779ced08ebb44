//! A key history in the order of time: aliases resolved, every event with the keys that it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use ecs::Timestamp;

use super::alias::AliasTable;
use super::declared::TrailChange;
use super::key_history::KeyHistory;
use super::key_id::{AliasId, KeyId, KeyRef};
use super::lifecycle::{Change, LifecycleEvent, Store};
use super::sighting::Tally;
use super::use_groups::{UseGroup, UseGroups};

/// A [`KeyHistory`] that can be asked. Sort once, ask often.
#[derive(Debug)]
pub struct SortedKeys<'a> {
    pub(crate) keys: BTreeMap<KeyId, EventsOfKey<'a>>,
    pub(crate) aliases: AliasTable,
    pub(crate) stores: BTreeMap<Store, Vec<&'a LifecycleEvent>>,
    pub(crate) trails: Vec<&'a TrailChange>,
    /// Accounts and Regions in which some key is used or read.
    pub(crate) used_in: BTreeSet<(Option<String>, Option<String>)>,
    unresolved: Vec<(AliasId, u64)>,
    /// The same by account and Region.
    unresolved_in: BTreeMap<(Option<String>, Option<String>), u64>,
    uses_left_out: u64,
    /// What was told of the trails of an account up to a moment.
    pub(crate) blind_trails: Mutex<BTreeMap<AccountUntil, Vec<String>>>,
}

/// An account, and how far the data reaches.
type AccountUntil = (Option<String>, Option<Timestamp>);

/// What is known of one key.
#[derive(Debug, Default)]
pub(crate) struct EventsOfKey<'a> {
    /// By time.
    pub(crate) lifecycle: Vec<&'a LifecycleEvent>,
    pub(crate) uses: Vec<(&'a UseGroup, &'a Tally)>,
    pub(crate) store: Option<Store>,
    pub(crate) left_out: u64,
}

impl<'a> SortedKeys<'a> {
    /// `used_in` are places where keys are used whose uses are not among those given.
    pub(crate) fn of(
        history: &'a KeyHistory,
        uses: &'a BTreeMap<KeyRef, UseGroups>,
        used_in: &BTreeSet<(Option<String>, Option<String>)>,
    ) -> Self {
        let mut lifecycle: Vec<&LifecycleEvent> = history.lifecycle.iter().collect();
        lifecycle.sort_by(|left, right| left.sighting.cmp(&right.sighting));
        let aliases = aliases_of(&lifecycle);
        let mut sorted = Self {
            keys: BTreeMap::new(),
            aliases,
            stores: BTreeMap::new(),
            trails: history.trails.iter().collect::<BTreeSet<_>>().into_iter().collect(),
            used_in: BTreeSet::new(),
            unresolved: Vec::new(),
            unresolved_in: BTreeMap::new(),
            uses_left_out: 0,
            blind_trails: Mutex::default(),
        };
        for event in lifecycle {
            sorted.place(event);
        }
        for (named, groups) in uses {
            sorted.uses_left_out += groups.left_out();
            let mut lost = 0;
            for (group, tally) in groups.iter() {
                match sorted.key_of(named, tally) {
                    Some(key) => sorted.keys.entry(key).or_default().uses.push((group, tally)),
                    None => lost += tally.count,
                }
            }
            match named {
                KeyRef::Alias(alias) if lost > 0 => sorted.unresolved.push((alias.clone(), lost)),
                KeyRef::Key(key) if groups.left_out() > 0 => {
                    sorted.keys.entry(key.clone()).or_default().left_out += groups.left_out();
                }
                _ => {}
            }
        }
        for (alias, count) in &sorted.unresolved {
            let place = (alias.account.clone(), alias.region.clone());
            *sorted.unresolved_in.entry(place).or_default() += count;
        }
        let is_used = |events: &EventsOfKey<'_>| events.uses.iter().any(|(group, _)| group.kind.shows_use());
        let used = sorted.keys.iter().filter(|(_, events)| is_used(events));
        sorted.used_in = used.map(|(key, _)| (key.account.clone(), key.region.clone())).collect();
        sorted.used_in.extend(used_in.iter().cloned());
        sorted
    }

    /// Every key that events name, in order.
    pub fn keys(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.keys()
    }

    /// The keys that an event of KMS is about; aliases as they were at its time. An alias whose target no record says is
    /// left out.
    pub fn keys_of(&self, event: &crate::event::Event) -> Vec<KeyId> {
        let named = super::key_id::keys_of(event);
        let mut keys: Vec<KeyId> = named.iter().filter_map(|named| self.resolve(named, event.time)).collect();
        keys.dedup();
        keys
    }

    /// The key that a user means: an ARN, an id, or `alias/…`, at a moment. More than one when Regions or accounts have
    /// keys of that name.
    pub fn find(&self, name: &str, at: Timestamp) -> Vec<KeyId> {
        let named = |key: &&KeyId| key.id == name || key.to_string() == name;
        let by_alias = |key: &&KeyId| self.aliases.of_key(key, at).iter().any(|alias| alias == name);
        self.keys
            .keys()
            .filter(|key| named(key) || name.starts_with("alias/") && by_alias(key))
            .cloned()
            .collect()
    }

    /// Aliases that uses named and whose key no record says, with the number of those uses.
    pub fn unresolved_aliases(&self) -> &[(AliasId, u64)] {
        &self.unresolved
    }

    /// Uses of which only service and error are kept, as their keys have more resources and principals than are kept.
    pub(crate) fn uses_left_out(&self) -> u64 {
        self.uses_left_out
    }

    /// Uses in an account and Region that name an alias whose key no record says.
    pub(crate) fn unresolved_in(&self, account: &Option<String>, region: &Option<String>) -> u64 {
        self.unresolved_in.get(&(account.clone(), region.clone())).copied().unwrap_or(0)
    }

    /// The keys that are the same multi-Region key in other Regions.
    pub(crate) fn related(&self, key: &KeyId) -> Vec<&KeyId> {
        if !key.is_multi_region() {
            return Vec::new();
        }
        self.keys.keys().filter(|other| *other != key && other.is_related(key)).collect()
    }

    pub(crate) fn events(&self, key: &KeyId) -> &EventsOfKey<'a> {
        const NOTHING: &EventsOfKey<'_> =
            &EventsOfKey { lifecycle: Vec::new(), uses: Vec::new(), store: None, left_out: 0 };
        self.keys.get(key).unwrap_or(NOTHING)
    }

    fn place(&mut self, event: &'a LifecycleEvent) {
        let time = event.sighting.time;
        let mut keys: BTreeSet<KeyId> = event.keys.iter().filter_map(|key| self.resolve(key, time)).collect();
        if let Change::Replicated { replica: Some(replica), .. } = &event.change
            && event.succeeded()
        {
            keys.insert(replica.clone());
        }
        if let Change::StoreChanged { store: Some(store), .. } = &event.change
            && event.succeeded()
        {
            self.stores.entry(store.clone()).or_default().push(event);
        }
        for key in keys {
            let events = self.keys.entry(key).or_default();
            events.lifecycle.push(event);
            if let Change::Created { store: Some(store), .. } = &event.change {
                events.store = Some(store.clone());
            }
        }
    }

    fn resolve(&self, named: &KeyRef, at: Timestamp) -> Option<KeyId> {
        match named {
            KeyRef::Key(key) => Some(key.clone()),
            KeyRef::Alias(alias) => self.aliases.target(alias, at).cloned(),
        }
    }

    /// The key of uses, if it was one from the first to the last of them.
    fn key_of(&self, named: &KeyRef, tally: &Tally) -> Option<KeyId> {
        let last = self.resolve(named, tally.last.time)?;
        (self.resolve(named, tally.first.time).is_none_or(|first| first == last)).then_some(last)
    }
}

fn aliases_of(lifecycle: &[&LifecycleEvent]) -> AliasTable {
    let mut aliases = AliasTable::default();
    for event in lifecycle.iter().filter(|event| event.succeeded()) {
        if let Change::AliasPointed { alias: Some(alias), target } = &event.change {
            let target = match target {
                Some(KeyRef::Key(key)) => Some(key.clone()),
                _ => None,
            };
            aliases.point(alias.clone(), event.sighting.time, target);
        }
    }
    aliases
}
