//! One event as evidence, and the tally of many: how often, the first and the last.

use std::borrow::Cow;
use std::cmp::Ordering;

use ecs::Timestamp;

use crate::answer::Evidence;
use crate::event::Event;
use crate::place::Place;

/// Enough of an event to point to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) time: Timestamp,
    pub(crate) id: Option<Box<str>>,
    pub(crate) provider: Cow<'static, str>,
    pub(crate) action: Cow<'static, str>,
    pub(crate) place: Place,
}

impl Sighting {
    pub(crate) fn of(event: &Event) -> Self {
        Self {
            time: event.time,
            id: event.id.as_deref().map(Box::from),
            provider: if event.provider == KMS {
                Cow::Borrowed(KMS)
            } else {
                Cow::Owned(event.provider.clone())
            },
            action: Cow::Owned(event.action.clone()),
            place: event.place.clone(),
        }
    }

    pub(crate) fn evidence(&self, shows: impl Into<String>) -> Evidence {
        Evidence {
            time: self.time.to_string(),
            event_id: self.id.as_deref().map(str::to_owned),
            provider: self.provider.to_string(),
            action: self.action.to_string(),
            shows: shows.into(),
            place: self.place.clone(),
        }
    }
}

/// The `eventSource` of KMS.
pub(crate) const KMS: &str = "kms.amazonaws.com";

/// By time. Events of one second have no order that records know; theirs is that of ids and places, so that the order of
/// arrival does not matter.
impl Ord for Sighting {
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |sighting: &Self| match &sighting.place {
            Place::File { name, offset } => (0, Some(name.clone()), *offset),
            Place::Lake => (1, None, 0),
            Place::Unknown => (2, None, 0),
        };
        let by_id = || self.id.cmp(&other.id).then_with(|| self.action.cmp(&other.action));
        self.time
            .cmp(&other.time)
            .then_with(by_id)
            .then_with(|| place(self).cmp(&place(other)))
            .then_with(|| self.provider.cmp(&other.provider))
    }
}

impl PartialOrd for Sighting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How often, the first and the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) first: Sighting,
    pub(crate) last: Sighting,
}

impl Tally {
    pub(crate) fn one(sighting: Sighting) -> Self {
        Self { count: 1, first: sighting.clone(), last: sighting }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.count += other.count;
        if other.first < self.first {
            self.first = other.first;
        }
        if other.last > self.last {
            self.last = other.last;
        }
    }
}
