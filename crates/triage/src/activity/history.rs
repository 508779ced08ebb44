//! What a principal did before a moment: when, how often, and with which values.

use ecs::Timestamp;
use foldhash::HashMap;

use super::{AccessKey, Activity, Row, at};
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
        self.rows_before(principal, before, |row| {
            let count = gather.add(row);
            if let Some(hour) = hours.get_mut(usize::from(hour_of_day(row))) {
                *hour += count;
            }
        });
        History { data_from: self.span().map(|(from, _)| from), all: gather.seen(), hours }
    }

    /// How often a principal was seen before a moment with something in common.
    pub fn seen(&self, principal: &str, before: Timestamp, alike: Alike<'_>) -> Seen {
        let mut gather = Gather::new(before);
        let mut gather_where = |mut holds: Box<dyn FnMut(&Row) -> bool + '_>| {
            self.rows_before(principal, before, |row| {
                if holds(row) {
                    gather.add(row);
                }
            });
        };
        match alike {
            Alike::Call(provider, action) => {
                if let (Some(provider), Some(action)) = (self.texts.find(provider), self.texts.find(action)) {
                    gather_where(Box::new(move |row| {
                        let call = self.calls.get(row.call as usize);
                        call.is_some_and(|call| (call.provider, call.action) == (provider, action))
                    }));
                }
            }
            Alike::Address(text) => {
                if let Some(text) = self.texts.find(text) {
                    gather_where(Box::new(move |row| row.address == text));
                }
            }
            Alike::Region(text) => {
                if let Some(text) = self.texts.find(text) {
                    gather_where(Box::new(move |row| self.site(row.site).region == text));
                }
            }
            Alike::AccessKey(text) => {
                if let Some(key) = AccessKey::of(text).map(|text| self.texts.find(text)) {
                    gather_where(Box::new(move |row| self.who(row.who).access_key == key));
                }
            }
            Alike::Hour(hour) => gather_where(Box::new(move |row| hour_of_day(row) == hour)),
            Alike::AddressThat(holds) => {
                let mut holds = self.of_text(holds);
                gather_where(Box::new(move |row| holds(row.address)));
            }
            Alike::UserAgentThat(holds) => {
                let mut holds = self.of_text(holds);
                gather_where(Box::new(move |row| holds(row.user_agent)));
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
    fn rows_before(&self, principal: &str, before: Timestamp, mut take: impl FnMut(&Row)) {
        let Some(principal) = self.texts.find(principal) else { return };
        let rows = self.index.rows_of(principal, &self.rows);
        let before = before.as_millisecond();
        rows.iter().take_while(|row| row.first < before).for_each(&mut take);
    }
}

fn hour_of_day(row: &Row) -> u8 {
    u8::try_from(row.hour().rem_euclid(24)).unwrap_or(0)
}

/// Takes rows in order.
struct Gather {
    before: i64,
    seen: Seen,
    span: Option<(i64, i64)>,
    last_day: Option<i64>,
    last_earlier_day: Option<i64>,
}

impl Gather {
    fn new(before: Timestamp) -> Self {
        let before = before.as_millisecond();
        Self { before, seen: Seen::default(), span: None, last_day: None, last_earlier_day: None }
    }

    /// How many events of the row count.
    fn add(&mut self, row: &Row) -> u64 {
        let (count, last) =
            if row.last() < self.before { (u64::from(row.count), row.last()) } else { (1, row.first) };
        let day = Some(row.first.div_euclid(DAY));
        let seen = &mut self.seen;
        seen.events += count;
        seen.days += u64::from(self.last_day != day);
        self.last_day = day;
        let (from, to) = self.span.unwrap_or((row.first, last));
        self.span = Some((from.min(row.first), to.max(last)));
        if last < self.before - DAY {
            seen.earlier_events += count;
            seen.earlier_days += u64::from(self.last_earlier_day != day);
            self.last_earlier_day = day;
        }
        count
    }

    fn seen(self) -> Seen {
        let (first, last) = (self.span.map(|(first, _)| at(first)), self.span.map(|(_, last)| at(last)));
        Seen { first, last, ..self.seen }
    }
}
