//! What a key was used for, added up: one tally for each service, resource, principal, material and error.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::sighting::Tally;
use super::state::KeyState;

/// What events have in common that are added up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UseGroup {
    pub(crate) kind: UseKind,
    /// Such as `s3.amazonaws.com`; `None` for direct use.
    pub(crate) service: Option<Arc<str>>,
    pub(crate) resource: Option<Arc<str>>,
    pub(crate) principal: Option<Arc<str>>,
    pub(crate) material: Option<Arc<str>>,
    pub(crate) error: Option<Arc<str>>,
    /// The state that the message of the error speaks of.
    pub(crate) state: Option<KeyState>,
}

impl UseGroup {
    /// Of a kind; all else is missing.
    pub(crate) fn nothing_but(kind: UseKind) -> Self {
        let (service, resource, principal, material, error) = (None, None, None, None, None);
        Self { kind, service, resource, principal, material, error, state: None }
    }
}

/// What sort of event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum UseKind {
    /// A cryptographic call.
    Use,
    /// GetPublicKey: what is encrypted afterwards is not seen by anybody.
    PublicKey,
    /// A call that only reads about the key.
    Read,
    /// A call of another service that names the key for a resource.
    Declared,
    /// A call of another service that failed for the key.
    ServiceFailure,
}

impl UseKind {
    /// Does it show that the trail records uses of keys?
    pub(crate) fn shows_use(self) -> bool {
        matches!(self, Self::Use | Self::PublicKey | Self::Read)
    }
}

/// The tallies of one key. Bounded: beyond [`MOST_GROUPS`], events are added up by kind, service and error alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct UseGroups {
    /// By a hash, so that those which stay don't depend on the order of arrival: the smallest ones do.
    groups: BTreeMap<(u64, UseGroup), Tally>,
    folded: BTreeMap<UseGroup, Tally>,
}

/// How many groups one key has at most.
pub(crate) const MOST_GROUPS: usize = 4_096;

impl UseGroups {
    pub(crate) fn add(&mut self, group: &UseGroup, tally: Tally) {
        const SEED: u64 = 0x6b6d_735f_7573_6573;
        let hash = FixedState::with_seed(SEED).hash_one(group);
        match self.groups.entry((hash, group.clone())) {
            Entry::Occupied(mut entry) => entry.get_mut().add(tally),
            Entry::Vacant(entry) => {
                entry.insert(tally);
                // A group that leaves never comes back: the bound only falls. So its events are all in one place.
                if self.groups.len() > MOST_GROUPS
                    && let Some(((_, group), tally)) = self.groups.pop_last()
                {
                    self.fold(group, tally);
                }
            }
        }
    }

    /// Adds all that others hold of the same key.
    pub(crate) fn add_all(&mut self, others: Self) {
        for ((_, group), tally) in others.groups {
            self.add(&group, tally);
        }
        for (group, tally) in others.folded {
            self.fold(group, tally);
        }
    }

    fn fold(&mut self, group: UseGroup, tally: Tally) {
        let group = UseGroup { resource: None, principal: None, material: None, ..group };
        match self.folded.entry(group) {
            Entry::Occupied(mut entry) => entry.get_mut().add(tally),
            Entry::Vacant(entry) => {
                entry.insert(tally);
            }
        }
    }

    /// Everything, in an order that does not depend on the order of arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&UseGroup, &Tally)> {
        self.groups.iter().map(|((_, group), tally)| (group, tally)).chain(self.folded.iter())
    }

    /// Events whose resource, principal and material are not kept.
    pub(crate) fn left_out(&self) -> u64 {
        self.folded.values().map(|tally| tally.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sighting::Sighting;
    use super::*;
    use crate::place::Place;

    #[test]
    fn what_is_left_out_does_not_depend_on_the_order() {
        let many = 2 * MOST_GROUPS;
        let add = |groups: &mut UseGroups, number: usize| {
            let resource = Some(Arc::from(format!("arn:aws:sqs:eu-west-1:1:q{}", number % many)));
            let sighting = Sighting {
                time: ecs::Timestamp::UNIX_EPOCH,
                id: Some(number.to_string().into()),
                provider: "kms.amazonaws.com".into(),
                action: "Decrypt".into(),
                place: Place::Unknown,
            };
            let group = UseGroup { resource, ..UseGroup::nothing_but(UseKind::Use) };
            groups.add(&group, Tally::one(sighting));
        };
        let (mut straight, mut backwards) = (UseGroups::default(), UseGroups::default());
        (0..3 * many).for_each(|number| add(&mut straight, number));
        (0..3 * many).rev().for_each(|number| add(&mut backwards, number));
        let all = |groups: &UseGroups| -> Vec<(UseGroup, Tally)> {
            groups.iter().map(|(group, tally)| (group.clone(), tally.clone())).collect()
        };
        assert!(all(&straight) == all(&backwards));
        let (mut one, mut other) = (UseGroups::default(), UseGroups::default());
        (0..3 * many).for_each(|number| add(if number % 3 == 0 { &mut one } else { &mut other }, number));
        one.add_all(other);
        assert!(all(&straight) == all(&one));
        assert_eq!(straight.iter().map(|(_, tally)| tally.count).sum::<u64>(), 3 * many as u64);
        assert_eq!(straight.left_out(), 3 * (many - MOST_GROUPS) as u64);
    }
}
