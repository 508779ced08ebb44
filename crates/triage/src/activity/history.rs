//! What a principal did before a moment: when, how often, and with which values.

use std::sync::Arc;

use ecs::Timestamp;
use foldhash::HashMap;

use super::{AccessKey, Activity, HOUR, Row, at};
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
/// Where there were too many events to keep them one by one, they are counted by hour: of the hour in which the moment lies,
/// calls of one kind from one place that go on after the moment count as one.
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

/// What events have in common.
#[derive(Clone, Copy)]
pub enum Alike<'a> {
    /// `eventSource` and `eventName`.
    Call(&'a str, &'a str),
    /// `sourceIPAddress`.
    Address(&'a str),
    /// A `sourceIPAddress` for which something holds.
    AddressThat(&'a dyn Fn(&str) -> bool),
    /// A `userAgent` for which something holds.
    UserAgentThat(&'a dyn Fn(&str) -> bool),
    /// `awsRegion`.
    Region(&'a str),
    /// The hour of the day, UTC.
    Hour(u8),
    /// `accessKeyId`.
    AccessKey(&'a str),
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
        let mut hour_of = HourOfDay::default();
        for row in self.rows_before(principal, before).as_slice() {
            let count = gather.add(row);
            if let Some(hour) = hours.get_mut(usize::from(hour_of.row(row))) {
                *hour += count;
            }
        }
        History { data_from: self.span().map(|(from, _)| from), all: gather.seen(), hours }
    }

    /// How often a principal was seen before a moment with something in common.
    pub fn seen(&self, principal: &str, before: Timestamp, alike: Alike<'_>) -> Seen {
        let find = |text: &str| self.texts.find(text);
        match alike {
            Alike::Call(provider, action) => {
                let seen = self.seen_calls(principal, before, &[(provider, action)]);
                seen.into_iter().next().unwrap_or_default()
            }
            Alike::Address(text) => {
                let Some(text) = find(text) else { return Seen::default() };
                self.seen_where(principal, before, |row| row.address == text)
            }
            Alike::Region(text) => {
                let Some(text) = find(text) else { return Seen::default() };
                self.seen_where(principal, before, |row| self.site(row.site).region == text)
            }
            Alike::AccessKey(text) => {
                let Some(key) = AccessKey::of(text).map(find) else { return Seen::default() };
                self.seen_where(principal, before, |row| self.who(row.who).access_key == key)
            }
            Alike::Hour(hour) => {
                let mut hour_of = HourOfDay::default();
                self.seen_where(principal, before, |row| hour_of.row(row) == hour)
            }
            Alike::AddressThat(holds) => {
                let mut holds = self.of_text(holds);
                self.seen_where(principal, before, |row| holds(row.address))
            }
            Alike::UserAgentThat(holds) => {
                let mut holds = self.of_text(holds);
                self.seen_where(principal, before, |row| holds(row.user_agent))
            }
        }
    }

    /// The same of several calls, each `eventSource` and `eventName`.
    pub fn seen_calls(&self, principal: &str, before: Timestamp, calls: &[(&str, &str)]) -> Vec<Seen> {
        let mut gathered: Vec<Gather> = Vec::new();
        // Of each call, which of those it is.
        let mut wanted: Vec<Option<usize>> = vec![None; self.calls.len()];
        // The same call may be asked for more than once.
        let mut places: Vec<usize> = Vec::with_capacity(calls.len());
        for (at, asked) in calls.iter().enumerate() {
            let before_it = calls.iter().take(at).position(|known| known == asked);
            if let Some(place) = before_it.and_then(|known| places.get(known)).copied() {
                places.push(place);
                continue;
            }
            let place = gathered.len();
            places.push(place);
            gathered.push(Gather::new(before));
            let (provider, action) = asked;
            if let Some(asked) = self.texts.find(provider).zip(self.texts.find(action)) {
                let of_call = wanted.iter_mut().zip(&self.calls);
                of_call
                    .filter(|(_, call)| (call.provider, call.action) == asked)
                    .for_each(|(wanted, _)| *wanted = Some(place));
            }
        }
        for row in self.rows_before(principal, before).as_slice() {
            let which = wanted.get(row.call as usize).copied().flatten();
            if let Some(gather) = which.and_then(|at| gathered.get_mut(at)) {
                gather.add(row);
            }
        }
        let seen: Vec<Seen> = gathered.into_iter().map(Gather::seen).collect();
        places.into_iter().map(|place| seen.get(place).cloned().unwrap_or_default()).collect()
    }

    fn seen_where(&self, principal: &str, before: Timestamp, mut holds: impl FnMut(&Row) -> bool) -> Seen {
        let mut gather = Gather::new(before);
        for row in self.rows_before(principal, before).as_slice() {
            if holds(row) {
                gather.add(row);
            }
        }
        gather.seen()
    }

    /// Asks once of each text.
    fn of_text<'a>(&'a self, holds: &'a dyn Fn(&str) -> bool) -> impl FnMut(u32) -> bool + 'a {
        let mut known: HashMap<u32, bool> = HashMap::default();
        move |number| *known.entry(number).or_insert_with(|| holds(self.texts.get(number)))
    }

    /// The rows of a principal that begin before a moment, oldest first.
    fn rows_before(&self, principal: &str, before: Timestamp) -> RowsBefore {
        let rows = self.texts.find(principal).map_or_else(Arc::default, |principal| self.rows_of(principal));
        let before = before.as_millisecond();
        RowsBefore { end: rows.partition_point(|row| row.first < before), rows }
    }
}

/// The first rows of a principal.
struct RowsBefore {
    rows: Arc<[Row]>,
    end: usize,
}

impl RowsBefore {
    fn as_slice(&self) -> &[Row] {
        self.rows.get(..self.end).unwrap_or_default()
    }
}

/// The hour of the day, UTC, of rows that come in order: most are of the same hour as the one before.
#[derive(Default)]
struct HourOfDay {
    ends: Option<i64>,
    hour: u8,
}

impl HourOfDay {
    fn row(&mut self, row: &Row) -> u8 {
        if self.ends.is_none_or(|ends| ends <= row.first) {
            self.ends = Some((row.hour() + 1) * HOUR);
            self.hour = u8::try_from(row.hour().rem_euclid(24)).unwrap_or(0);
        }
        self.hour
    }
}

/// Takes rows in order.
struct Gather {
    before: i64,
    seen: Seen,
    span: Option<(i64, i64)>,
    /// Where the day of the last row ends.
    day_ends: i64,
    /// The same of those that lie more than a day before.
    earlier_day_ends: i64,
}

impl Gather {
    fn new(before: Timestamp) -> Self {
        let before = before.as_millisecond();
        Self { before, seen: Seen::default(), span: None, day_ends: i64::MIN, earlier_day_ends: i64::MIN }
    }

    /// How many events of the row count.
    fn add(&mut self, row: &Row) -> u64 {
        let (count, last) =
            if row.last() < self.before { (u64::from(row.count), row.last()) } else { (1, row.first) };
        let day_ends = || (row.first.div_euclid(DAY) + 1) * DAY;
        let seen = &mut self.seen;
        seen.events += count;
        if self.day_ends <= row.first {
            seen.days += 1;
            self.day_ends = day_ends();
        }
        let (from, to) = self.span.unwrap_or((row.first, last));
        self.span = Some((from.min(row.first), to.max(last)));
        if last < self.before - DAY {
            seen.earlier_events += count;
            if self.earlier_day_ends <= row.first {
                seen.earlier_days += 1;
                self.earlier_day_ends = day_ends();
            }
        }
        count
    }

    fn seen(self) -> Seen {
        let (first, last) = (self.span.map(|(first, _)| at(first)), self.span.map(|(_, last)| at(last)));
        Seen { first, last, ..self.seen }
    }
}
