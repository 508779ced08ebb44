//! What a principal did before a moment: when, how often, and with which values.

use std::collections::BTreeSet;

use ecs::Timestamp;

use super::{Activity, Cell, at};
use crate::actor::{MIN_DATA_DAYS, USUAL_DAYS, USUAL_EVENTS};

/// A day: what was first seen within it before an alert may be the alert's own story.
const DAY: i64 = 86_400_000;

/// What a principal did before a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The first event of the whole data at hand.
    pub data_from: Option<Timestamp>,
    /// Everything of the principal.
    pub all: Seen,
    /// By hour of the day, UTC.
    pub hours: [u64; 24],
}

/// How often something was seen before a moment.
///
/// Counts are kept by hour: of the hour in which the moment lies, calls of one kind from one place that go on after the
/// moment count as one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Events.
    pub events: u64,
    /// The first.
    pub first: Option<Timestamp>,
    /// The last.
    pub last: Option<Timestamp>,
    /// Days, UTC, with an event.
    pub days: u64,
    /// Events that lie more than 24 hours before the moment.
    pub earlier_events: u64,
    /// Days with such an event.
    pub earlier_days: u64,
}

/// What events have in common, as far as they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Common<'a> {
    /// `eventSource`.
    pub provider: &'a str,
    /// `eventName`.
    pub action: &'a str,
    /// `sourceIPAddress`.
    pub address: &'a str,
    /// `userAgent`.
    pub user_agent: &'a str,
    /// `awsRegion`.
    pub region: &'a str,
    /// `accessKeyId`.
    pub access_key: &'a str,
    /// The ARN of the identity.
    pub arn: &'a str,
    /// Hour of the day, UTC.
    pub hour: u8,
}

impl Seen {
    /// Was it seen so often and on so many days, more than 24 hours before, that it is usual?
    pub fn is_usual(&self) -> bool {
        self.earlier_events >= USUAL_EVENTS && self.earlier_days >= USUAL_DAYS
    }
}

impl Activity {
    /// Do the logs reach back [`MIN_DATA_DAYS`] before a moment, and is everything since in the counts?
    pub fn reaches_back(&self, before: Timestamp) -> bool {
        let lost = self.left_out().first.is_some_and(|first| first < before);
        let from = self.span().map(|(from, _)| from);
        !lost && from.is_some_and(|from| before.duration_since(from).as_hours() >= MIN_DATA_DAYS * 24)
    }

    /// What a principal did before a moment, that moment excluded.
    pub fn history(&self, principal: &str, before: Timestamp) -> History {
        let mut hours = [0; 24];
        let mut gather = Gather::new(before);
        for (cell, common) in self.commons(principal) {
            let count = gather.add(cell);
            if let Some(hour) = hours.get_mut(usize::from(common.hour)) {
                *hour += count;
            }
        }
        History { data_from: self.span().map(|(from, _)| from), all: gather.seen(), hours }
    }

    /// How often a principal was seen before a moment with something that holds.
    pub fn seen(
        &self,
        principal: &str,
        before: Timestamp,
        mut holds: impl FnMut(&Common<'_>) -> bool,
    ) -> Seen {
        let mut gather = Gather::new(before);
        for (cell, common) in self.commons(principal) {
            if cell.first < gather.before && holds(&common) {
                gather.add(cell);
            }
        }
        gather.seen()
    }

    fn commons(&self, principal: &str) -> impl Iterator<Item = (&Cell, Common<'_>)> {
        self.profiles_of(principal).flat_map(move |known| {
            let text = |number| self.texts.get(number);
            let profile = known.profile;
            let of_profile = Common {
                provider: "",
                action: "",
                address: text(profile.address),
                user_agent: text(profile.user_agent),
                region: text(profile.region),
                access_key: text(profile.access_key),
                arn: text(profile.arn),
                hour: 0,
            };
            known.cells.iter().filter_map(move |&number| {
                let cell = self.cells.get(number as usize)?;
                let call = self.calls.get(cell.key.call as usize)?.call;
                let hour = u8::try_from(cell.key.hour.rem_euclid(24)).unwrap_or(0);
                let (provider, action) = (text(call.provider), text(call.action));
                Some((cell, Common { provider, action, hour, ..of_profile }))
            })
        })
    }
}

struct Gather {
    before: i64,
    events: u64,
    span: Option<(i64, i64)>,
    days: BTreeSet<i32>,
    earlier_events: u64,
    earlier_days: BTreeSet<i32>,
}

impl Gather {
    fn new(before: Timestamp) -> Self {
        Self {
            before: before.as_millisecond(),
            events: 0,
            span: None,
            days: BTreeSet::new(),
            earlier_events: 0,
            earlier_days: BTreeSet::new(),
        }
    }

    /// The events of the cell that count.
    fn add(&mut self, cell: &Cell) -> u64 {
        if cell.first >= self.before {
            return 0;
        }
        let (count, last) =
            if cell.last < self.before { (u64::from(cell.count), cell.last) } else { (1, cell.first) };
        let day = cell.key.hour.div_euclid(24);
        self.events += count;
        let (from, to) = self.span.unwrap_or((cell.first, last));
        self.span = Some((from.min(cell.first), to.max(last)));
        self.days.insert(day);
        if last < self.before - DAY {
            self.earlier_events += count;
            self.earlier_days.insert(day);
        }
        count
    }

    fn seen(self) -> Seen {
        Seen {
            events: self.events,
            first: self.span.map(|(first, _)| at(first)),
            last: self.span.map(|(_, last)| at(last)),
            days: self.days.len() as u64,
            earlier_events: self.earlier_events,
            earlier_days: self.earlier_days.len() as u64,
        }
    }
}
