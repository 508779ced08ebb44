//! What every principal does: a row for each event, and the acts that changed something or were refused.

mod history;
mod index;
mod pieces;
mod reader;
mod target;
mod texts;

use std::sync::Arc;

use ecs::Timestamp;
use foldhash::HashMap;

pub use history::{Alike, History, Seen};
pub use reader::{About, AccessKey, ActBatch, ActReader, WhoNumber};

use index::Index;
use pieces::Pieces;
use reader::{BatchRow, Call, EventId, KeptAbout, Site, Who, uuid_of, uuid_text};
use texts::Texts;

use crate::answer::Evidence;
use crate::event::Event;
use crate::place::Place;
use crate::sessions::{SessionCall, Sessions};
use crate::surroundings::Gravity;

/// How much is kept. What goes beyond is counted, and every statement that it could make wrong is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityLimits {
    /// Rows: events, and where they are too many, counts by profile (principal, session, key, address, client, Region,
    /// account), call and hour; 40 bytes each.
    pub rows: usize,
    /// Bytes of names, addresses, clients and sessions.
    pub text_bytes: usize,
    /// Acts that are in the tables of grave acts; about 90 bytes each.
    pub grave_acts: usize,
    /// Other acts that did not only read, or were refused.
    pub other_acts: usize,
}

impl Default for ActivityLimits {
    fn default() -> Self {
        Self { rows: 4_000_000, text_bytes: 256 << 20, grave_acts: 500_000, other_acts: 500_000 }
    }
}

/// What did not fit within [`ActivityLimits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Events that are in no count.
    pub events: u64,
    /// When the first of them happened.
    pub first: Option<Timestamp>,
    /// Acts that are in the counts, but not kept one by one.
    pub acts: u64,
}

/// What every principal does.
///
/// Made of batches: taken in the same order, the same rows give the same activity, however they were split.
#[derive(Debug, Default)]
pub struct Activity {
    limits: ActivityLimits,
    texts: Texts,
    ids: Texts,
    calls: Vec<Call>,
    call_numbers: HashMap<(u32, u32, u32, bool), u32>,
    /// Those that several readers met are here several times.
    whos: Pieces<Who>,
    sites: Vec<Site>,
    site_numbers: HashMap<Site, u32>,
    readers: HashMap<u64, Numbers>,
    rows: Pieces<Row>,
    /// True once even counts by the hour are too many.
    is_full: bool,
    acts: Pieces<KeptAct>,
    grave: usize,
    places: Vec<Place>,
    /// What kept acts were about, batch by batch.
    abouts: Vec<String>,
    about: usize,
    span: Option<(i64, i64)>,
    events: u64,
    left_out: LeftOut,
    sessions: Sessions,
    index: Index,
}

/// The numbers that a reader's texts, calls and so on have here; `None` for what did not fit.
#[derive(Debug, Default)]
struct Numbers {
    texts: Vec<Option<u32>>,
    whos: Vec<Option<u32>>,
    sites: Vec<Option<u32>>,
    calls: Vec<Option<u32>>,
}

/// Acts of which is kept what they were about; about 300 bytes each.
const MOST_ABOUTS: usize = 200_000;

const HOUR: i64 = 3_600_000;

/// An event; or, where they were too many, those with the same profile and call within one hour.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// The first, in milliseconds since 1970.
    first: i64,
    /// The number of a text: that of `who`.
    principal: u32,
    who: u32,
    site: u32,
    /// The number of a text.
    address: u32,
    /// The number of a text.
    user_agent: u32,
    call: u32,
    /// The last, so many milliseconds later.
    lasts: u32,
    count: u32,
}

/// What events of one profile and call have in common: numbers of texts.
type Alikeness = (Who, Site, u32, u32, u32);

impl Row {
    fn last(&self) -> i64 {
        self.first + i64::from(self.lasts)
    }

    /// Since 1970.
    fn hour(&self) -> i64 {
        self.first.div_euclid(HOUR)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KeptAct {
    time: i64,
    who: u32,
    site: u32,
    address: u32,
    user_agent: u32,
    call: u32,
    id: EventId,
    place: u32,
    offset: u64,
    about: KeptAbout,
    /// Position of what the acts of its batch were about.
    abouts: u32,
}

/// An act that was kept: it did not only read, or was refused. Texts that its record does not have are empty.
#[derive(Debug, Clone)]
pub struct Kept<'a> {
    /// When.
    pub time: Timestamp,
    /// `eventID`, when it is a UUID in its usual form.
    uuid: Option<[u8; 16]>,
    /// `eventID`, when it is another text; else empty.
    other_id: &'a str,
    /// `eventSource`.
    pub provider: &'a str,
    /// `eventName`.
    pub action: &'a str,
    /// `errorCode`.
    pub error: &'a str,
    /// The principal.
    pub principal: &'a str,
    /// The ARN of the identity.
    pub arn: &'a str,
    /// `accessKeyId`.
    pub access_key: AccessKey<&'a str>,
    /// `sourceIPAddress`.
    pub address: &'a str,
    /// `userAgent`.
    pub user_agent: &'a str,
    /// `awsRegion`.
    pub region: &'a str,
    /// The account that it is counted under.
    pub account: &'a str,
    /// How grave, by the tables.
    pub gravity: Option<Gravity>,
    about: KeptAbout,
    abouts: &'a str,
    /// Which `abouts`.
    batch: u32,
    index: &'a Index,
    place: Option<&'a Place>,
    offset: u64,
}

impl Kept<'_> {
    /// `eventID`.
    pub fn id(&self) -> Option<String> {
        let other = || (!self.other_id.is_empty()).then(|| self.other_id.to_owned());
        self.uuid.as_ref().map(uuid_text).or_else(other)
    }

    /// Is that its `eventID`?
    pub fn has_id(&self, id: &str) -> bool {
        match self.uuid {
            Some(uuid) => uuid_of(id) == Some(uuid),
            None => !id.is_empty() && self.other_id == id,
        }
    }

    /// Where the record lies.
    pub fn place(&self) -> Place {
        match self.place {
            Some(Place::File { name, .. }) => Place::File { name: name.clone(), offset: self.offset },
            other => other.cloned().unwrap_or_default(),
        }
    }

    /// What it was about, where that is graded and the record says it: an ARN, an id or a name.
    pub fn target(&self) -> Option<Arc<str>> {
        let begin = self.about.begin()?;
        self.index.target((self.batch, begin), || self.about.target(self.abouts))
    }

    /// The act as evidence for something.
    pub fn evidence(&self, shows: impl Into<String>) -> Evidence {
        Evidence {
            time: self.time.to_string(),
            event_id: self.id(),
            provider: self.provider.to_owned(),
            action: self.action.to_owned(),
            shows: shows.into(),
            place: self.place(),
        }
    }
}

/// Calls of one kind, from one profile, within one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourCount<'a> {
    /// The first.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
    /// How many.
    pub count: u64,
    /// `eventSource`.
    pub provider: &'a str,
    /// `eventName`.
    pub action: &'a str,
    /// `errorCode`; empty for a success.
    pub error: &'a str,
    /// Do they only read?
    pub read_only: bool,
    /// The principal.
    pub principal: &'a str,
    /// The ARN of the identity.
    pub arn: &'a str,
    /// `accessKeyId`.
    pub access_key: AccessKey<&'a str>,
    /// `sourceIPAddress`.
    pub address: &'a str,
    /// `awsRegion`.
    pub region: &'a str,
    /// How grave, by the tables.
    pub gravity: Option<Gravity>,
}

/// How often a call was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallsSeen {
    /// How often.
    pub count: u64,
    /// How often without success.
    pub failed: u64,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
}

impl Activity {
    /// An empty activity with limits of one's own.
    pub fn with_limits(limits: ActivityLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes in the rows of a batch that `keep` says yes to; `keep` may be asked about a row more than once.
    pub fn take(&mut self, batch: ActBatch, keep: impl Fn(usize) -> bool) {
        self.index = Index::default();
        let mut numbers = self.readers.remove(&batch.reader).unwrap_or_default();
        self.learn(&batch, &mut numbers);
        for (at, row) in batch.rows.iter().enumerate() {
            if keep(at) {
                self.take_row(row, &numbers);
            }
        }
        let place = self.place_number(&batch.place);
        let abouts = u32::try_from(self.abouts.len()).unwrap_or(u32::MAX);
        for notable in &batch.notable {
            if !keep(notable.row as usize) {
                continue;
            }
            let Some(row) = batch.rows.get(notable.row as usize) else { continue };
            let Some(row) = numbers.of(row) else {
                self.left_out.acts += 1;
                continue;
            };
            let id = match notable.id {
                EventId::Text(text) => match numbers.text(text) {
                    Some(text) => EventId::Text(self.ids.intern(self.texts.get(text))),
                    None => EventId::None,
                },
                id => id,
            };
            let BatchRow { time, who, site, address, user_agent, call } = row;
            let (offset, about) = (notable.offset, notable.about);
            self.keep_act(KeptAct {
                time,
                who,
                site,
                address,
                user_agent,
                call,
                id,
                place,
                offset,
                about,
                abouts,
            });
        }
        if !batch.abouts.is_empty() && self.about <= MOST_ABOUTS {
            self.abouts.push(batch.abouts);
        }
        self.readers.insert(batch.reader, numbers);
    }

    /// Gives what is new in the batch numbers.
    fn learn(&mut self, batch: &ActBatch, numbers: &mut Numbers) {
        // A batch before this one was left away: what it would have said is not known.
        numbers.texts.resize(batch.texts.first, None);
        numbers.whos.resize(batch.whos.first, None);
        numbers.sites.resize(batch.sites.first, None);
        numbers.calls.resize(batch.calls.first, None);
        for text in batch.texts.iter() {
            let number =
                if self.is_text_full() { self.texts.find(text) } else { Some(self.texts.intern(text)) };
            numbers.texts.push(number);
        }
        for who in &batch.whos.all {
            let number = numbers.who(who).filter(|_| !self.is_text_full()).map(|who| {
                self.whos.push(who);
                u32::try_from(self.whos.len() - 1).unwrap_or(u32::MAX)
            });
            numbers.whos.push(number);
        }
        for site in &batch.sites.all {
            let Self { sites, site_numbers, .. } = self;
            let number =
                numbers.text(site.region).zip(numbers.text(site.account)).map(|(region, account)| {
                    let site = Site { region, account };
                    *site_numbers.entry(site).or_insert_with(|| {
                        sites.push(site);
                        u32::try_from(sites.len() - 1).unwrap_or(u32::MAX)
                    })
                });
            numbers.sites.push(number);
        }
        for call in &batch.calls.all {
            let number = self.call_number(call, numbers);
            numbers.calls.push(number);
        }
    }

    fn is_text_full(&self) -> bool {
        self.texts.size() + self.whos.len() * size_of::<Who>() >= self.limits.text_bytes
    }

    fn take_row(&mut self, row: &BatchRow, numbers: &Numbers) {
        self.events += 1;
        let (first, last) = self.span.unwrap_or((row.time, row.time));
        self.span = Some((first.min(row.time), last.max(row.time)));
        if self.rows.len() >= self.limits.rows && !self.is_full {
            self.count_by_hour();
        }
        let known = numbers.of(row).filter(|_| !self.is_full);
        let Some(BatchRow { time: first, who, site, address, user_agent, call }) = known else {
            self.left_out.events += 1;
            let first = at(row.time);
            self.left_out.first = Some(self.left_out.first.map_or(first, |known| known.min(first)));
            return;
        };
        let principal = self.who(who).principal;
        self.rows.push(Row { first, principal, who, site, address, user_agent, call, lasts: 0, count: 1 });
    }

    /// Makes one row of those with the same profile and call within an hour. When that gives little room, there is none.
    fn count_by_hour(&mut self) {
        let mut rows: Vec<(usize, Row)> =
            std::mem::take(&mut self.rows).iter().copied().enumerate().collect();
        rows.sort_by_cached_key(|(_, row)| (self.alikeness(row), row.first));
        rows.dedup_by(|(_, row), (_, known)| {
            let same = row.hour() == known.hour() && self.alikeness(row) == self.alikeness(known);
            if same {
                let last = row.last().max(known.last());
                known.lasts = u32::try_from(last - known.first).unwrap_or(u32::MAX);
                known.count = known.count.saturating_add(row.count);
            }
            same
        });
        // Numbers depend on which thread met a text first; the order of arrival does not.
        rows.sort_by_key(|(at, _)| *at);
        self.rows = rows.into_iter().map(|(_, row)| row).collect();
        self.is_full = self.rows.len() > self.limits.rows - self.limits.rows / 8;
    }

    /// Reads what only a whole event tells: who took which role session. Each event once; others than those of STS that
    /// succeeded may be left away.
    pub fn observe(&mut self, event: &Event) {
        self.sessions.observe(event);
    }

    /// The same of a call of STS that was read by itself.
    pub fn take_session(&mut self, call: SessionCall) {
        self.sessions.take(call);
    }

    /// Who took which role session.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The first and the last event of the data at hand.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span.map(|(first, last)| (at(first), at(last)))
    }

    /// Events taken, also those that are left out of the counts.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// `awsRegion`s that events were read of, in order.
    pub fn regions(&self) -> Vec<String> {
        self.names(self.sites_seen().map(|site| site.region))
    }

    /// Accounts that events were read of, in order.
    pub fn accounts(&self) -> Vec<String> {
        self.names(self.sites_seen().map(|site| site.account))
    }

    /// Services, as `eventSource`, that events were read of, in order.
    pub fn services(&self) -> Vec<String> {
        let mut seen = vec![false; self.calls.len()];
        self.rows.iter().for_each(|row| note(&mut seen, row.call));
        self.names(self.calls.iter().zip(seen).filter(|(_, seen)| *seen).map(|(call, _)| call.provider))
    }

    fn sites_seen(&self) -> impl Iterator<Item = Site> {
        let mut seen = vec![false; self.sites.len()];
        self.rows.iter().for_each(|row| note(&mut seen, row.site));
        self.sites.iter().copied().zip(seen).filter(|(_, seen)| *seen).map(|(site, _)| site)
    }

    /// Hours between the first and the last event in which there is none.
    pub fn hours_without_events(&self) -> u64 {
        let Some((first, last)) = self.span else { return 0 };
        let hour = |time: i64| time.div_euclid(HOUR);
        let mut hours = foldhash::HashSet::default();
        let mut before = None;
        for row in self.rows.iter() {
            // Events of an hour mostly come together.
            if before.replace(row.hour()) != Some(row.hour()) {
                hours.insert(row.hour());
            }
        }
        u64::try_from(hour(last) - hour(first) + 1).unwrap_or(0).saturating_sub(hours.len() as u64)
    }

    /// Account, Region, hour since 1970, and events in it; the same account, Region and hour may come more than once.
    pub fn events_by_hour(&self) -> impl Iterator<Item = (&str, &str, i64, u64)> {
        let mut counts: HashMap<(u32, i64), u64> = HashMap::default();
        for row in self.rows.iter() {
            *counts.entry((row.site, row.hour())).or_default() += u64::from(row.count);
        }
        counts.into_iter().map(move |((site, hour), count)| {
            let Site { region, account } = self.site(site);
            (self.texts.get(account), self.texts.get(region), hour, count)
        })
    }

    fn names(&self, texts: impl Iterator<Item = u32>) -> Vec<String> {
        let texts: foldhash::HashSet<u32> = texts.collect();
        let mut names: Vec<String> = texts
            .into_iter()
            .map(|text| self.texts.get(text).to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        names.sort();
        names
    }

    /// What did not fit.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// The acts of a principal that did not only read, or were refused, in `[from, to)`, oldest first.
    pub fn acts_of(&self, principal: &str, from: Timestamp, to: Timestamp) -> Vec<Kept<'_>> {
        let acts = self.kept_of(principal);
        let begin = acts.partition_point(|act| act.time < from.as_millisecond());
        let end = acts.partition_point(|act| act.time < to.as_millisecond());
        acts.get(begin..end).unwrap_or_default().iter().filter_map(|act| self.kept(act)).collect()
    }

    /// What a principal read in `[from, to)` without being refused, counted by the hour, in order of the first event. Where
    /// there were too many events to keep them one by one, the counts of the hours at the ends may hold events from outside.
    pub fn reads_of(&self, principal: &str, from: Timestamp, to: Timestamp) -> Vec<HourCount<'_>> {
        let Some(principal) = self.texts.find(principal) else { return Vec::new() };
        let is_read = |call: &Call| call.read_only && self.texts.get(call.error).is_empty();
        let reads: Vec<bool> = self.calls.iter().map(is_read).collect();
        let is_read = |row: &Row| reads.get(row.call as usize).copied().unwrap_or(false);
        self.counts(&self.rows_of(principal), from, to, is_read)
    }

    /// How often a call was made in `[from, to)`: by a principal, or by anybody. Calls of one `eventSource` may be left out.
    /// Where there were too many events to keep them one by one, the hours at the ends count whole. `None` for never.
    pub fn calls_seen(
        &self,
        action: &str,
        by: Option<&str>,
        (from, to): (Timestamp, Timestamp),
        leave_out: Option<&str>,
    ) -> Option<CallsSeen> {
        let action = self.texts.find(action)?;
        let leave_out = leave_out.and_then(|provider| self.texts.find(provider));
        let is_wanted = |call: &Call| call.action == action && Some(call.provider) != leave_out;
        let gather = |rows: &[Row], seen: Option<CallsSeen>| {
            let wanted = |row: &&Row| self.calls.get(row.call as usize).is_some_and(is_wanted);
            within(rows, from, to).filter(wanted).fold(seen, |seen, row| {
                let failed = self.calls.get(row.call as usize).map_or("", |call| self.texts.get(call.error));
                let count = u64::from(row.count);
                let failed = if failed.is_empty() { 0 } else { count };
                let (first, last) = (at(row.first), at(row.last()));
                Some(match seen {
                    None => CallsSeen { count, failed, first, last },
                    Some(seen) => CallsSeen {
                        count: seen.count + count,
                        failed: seen.failed + failed,
                        first: seen.first.min(first),
                        last: seen.last.max(last),
                    },
                })
            })
        };
        match by {
            Some(principal) => gather(&self.rows_of(self.texts.find(principal)?), None),
            None => {
                let calls = (0_u32..).zip(&self.calls).filter(|(_, call)| is_wanted(call));
                calls.fold(None, |seen, (number, _)| {
                    gather(&self.index.rows_of_call(number, &self.rows), seen)
                })
            }
        }
    }

    /// Looks up a kept act by the principal and the event's id.
    pub fn act(&self, principal: &str, id: &str) -> Option<Kept<'_>> {
        let acts = self.kept_of(principal);
        acts.iter().filter_map(|act| self.kept(act)).find(|act| act.has_id(id))
    }

    /// The rows of a principal, oldest first; who acted has one number in them however often it has several.
    fn rows_of(&self, principal: u32) -> Arc<[Row]> {
        self.index.rows_of(principal, &self.rows, |rows| {
            let mut numbers: HashMap<Who, u32> = HashMap::default();
            let mut last = None;
            for row in rows {
                let number = match last {
                    Some((who, number)) if who == row.who => number,
                    _ => *numbers.entry(self.who(row.who)).or_insert(row.who),
                };
                last = Some((row.who, number));
                row.who = number;
            }
        })
    }

    /// The acts of a principal, oldest first.
    fn kept_of(&self, principal: &str) -> Arc<[KeptAct]> {
        let Some(principal) = self.texts.find(principal) else { return Arc::default() };
        self.index.acts_of(principal, &self.acts, |who| self.who(who).principal)
    }

    /// Rows come in order, and as [`Activity::rows_of`] gives them.
    fn counts(
        &self,
        rows: &[Row],
        from: Timestamp,
        to: Timestamp,
        takes: impl Fn(&Row) -> bool,
    ) -> Vec<HourCount<'_>> {
        let mut found: Vec<Row> = Vec::new();
        let mut known: HashMap<([u32; 5], i64), usize> = HashMap::default();
        for row in within(rows, from, to).filter(|row| takes(row)) {
            let alike = [row.who, row.site, row.address, row.user_agent, row.call];
            let at = *known.entry((alike, row.hour())).or_insert(found.len());
            match found.get_mut(at) {
                Some(count) => {
                    let last = row.last().max(count.last());
                    count.lasts = u32::try_from(last - count.first).unwrap_or(u32::MAX);
                    count.count = count.count.saturating_add(row.count);
                }
                None => found.push(*row),
            }
        }
        found.iter().filter_map(|row| self.hour_count(row)).collect()
    }

    fn hour_count(&self, row: &Row) -> Option<HourCount<'_>> {
        let (who, site) = (self.who(row.who), self.site(row.site));
        let call = self.calls.get(row.call as usize)?;
        let text = |number| self.texts.get(number);
        Some(HourCount {
            first: at(row.first),
            last: at(row.last()),
            count: u64::from(row.count),
            provider: text(call.provider),
            action: text(call.action),
            error: text(call.error),
            read_only: call.read_only,
            principal: text(who.principal),
            arn: text(who.arn),
            access_key: self.access_key(who.access_key),
            address: text(row.address),
            region: text(site.region),
            gravity: call.gravity,
        })
    }

    fn alikeness(&self, row: &Row) -> Alikeness {
        (self.who(row.who), self.site(row.site), row.address, row.user_agent, row.call)
    }

    /// Every row has somebody.
    fn who(&self, number: u32) -> Who {
        const NOBODY: Who = Who { principal: 0, arn: 0, access_key: AccessKey::Other(0), account: 0 };
        self.whos.get(number as usize).copied().unwrap_or(NOBODY)
    }

    /// Every row has a site.
    fn site(&self, number: u32) -> Site {
        self.sites.get(number as usize).copied().unwrap_or(Site { region: 0, account: 0 })
    }

    fn access_key(&self, key: AccessKey<u32>) -> AccessKey<&str> {
        match key {
            AccessKey::Usual(bytes) => AccessKey::Usual(bytes),
            AccessKey::Other(text) => AccessKey::Other(self.texts.get(text)),
        }
    }

    fn kept(&self, act: &KeptAct) -> Option<Kept<'_>> {
        let (who, site) = (self.who(act.who), self.site(act.site));
        let call = self.calls.get(act.call as usize)?;
        let text = |number| self.texts.get(number);
        let (uuid, other_id) = match act.id {
            EventId::Uuid(uuid) => (Some(uuid), ""),
            EventId::Text(id) => (None, self.ids.get(id)),
            EventId::None => (None, ""),
        };
        Some(Kept {
            time: at(act.time),
            about: act.about,
            abouts: self.abouts.get(act.abouts as usize).map_or("", String::as_str),
            batch: act.abouts,
            index: &self.index,
            uuid,
            other_id,
            provider: text(call.provider),
            action: text(call.action),
            error: text(call.error),
            principal: text(who.principal),
            arn: text(who.arn),
            access_key: self.access_key(who.access_key),
            address: text(act.address),
            user_agent: text(act.user_agent),
            region: text(site.region),
            account: text(site.account),
            gravity: call.gravity,
            place: self.places.get(act.place as usize),
            offset: act.offset,
        })
    }

    /// `None` when there is no room for its texts.
    fn call_number(&mut self, call: &Call, numbers: &Numbers) -> Option<u32> {
        let provider = numbers.text(call.provider)?;
        let (action, error) = (numbers.text(call.action)?, numbers.text(call.error)?);
        let known = self.call_numbers.entry((provider, action, error, call.read_only));
        let next = u32::try_from(self.calls.len()).ok()?;
        let number = *known.or_insert(next);
        if number == next {
            self.calls.push(Call { provider, action, error, ..*call });
        }
        Some(number)
    }

    fn keep_act(&mut self, mut act: KeptAct) {
        let is_grave = self.calls.get(act.call as usize).is_some_and(|call| call.gravity.is_some());
        let (kept, limit) = if is_grave {
            (self.grave, self.limits.grave_acts)
        } else {
            (self.acts.len() - self.grave, self.limits.other_acts)
        };
        if kept >= limit {
            self.left_out.acts += 1;
            return;
        }
        self.grave += usize::from(is_grave);
        if act.about != KeptAbout::Nothing {
            self.about += 1;
            if self.about > MOST_ABOUTS {
                act.about = KeptAbout::Nothing;
            }
        }
        self.acts.push(act);
    }

    fn place_number(&mut self, place: &Place) -> u32 {
        // Batches of one input mostly come one after the other.
        if self.places.last() != Some(place) {
            self.places.push(place.clone());
        }
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }
}

impl Numbers {
    fn text(&self, number: u32) -> Option<u32> {
        self.texts.get(number as usize).copied().flatten()
    }

    /// The row with the numbers from here.
    fn of(&self, row: &BatchRow) -> Option<BatchRow> {
        let number = |numbers: &[Option<u32>], at: u32| numbers.get(at as usize).copied().flatten();
        Some(BatchRow {
            time: row.time,
            who: number(&self.whos, row.who)?,
            site: number(&self.sites, row.site)?,
            address: self.text(row.address)?,
            user_agent: self.text(row.user_agent)?,
            call: number(&self.calls, row.call)?,
        })
    }

    fn who(&self, who: &Who) -> Option<Who> {
        Some(Who {
            principal: self.text(who.principal)?,
            arn: self.text(who.arn)?,
            access_key: who.access_key.map(|text| self.text(text))?,
            account: self.text(who.account)?,
        })
    }
}

/// The rows that lie in `[from, to)` in whole or in part; they come in order.
fn within(rows: &[Row], from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Row> {
    let (from, to) = (from.as_millisecond(), to.as_millisecond());
    // No row is longer than an hour.
    let begin = rows.partition_point(|row| row.first < from.saturating_sub(HOUR));
    let end = rows.partition_point(|row| row.first < to);
    rows.get(begin..end).unwrap_or_default().iter().filter(move |row| from <= row.last())
}

fn note(seen: &mut [bool], number: u32) {
    if let Some(seen) = seen.get_mut(number as usize) {
        *seen = true;
    }
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::act::Act;

    type Numbers = (u8, u8, u8, u32, bool, bool);

    fn push(batch: &mut ActReader, row: usize, numbers: Numbers) {
        let (principal, action, address, second, refused, id) = numbers;
        let principal = format!("role/{}", principal % 4);
        let action = ["Decrypt", "DisableKey", "PutObject", "ListKeys"][usize::from(action % 4)];
        let id = if id { format!("{row:08x}-0000-4000-8000-000000000000") } else { format!("event {row}") };
        let act = Act {
            time: Timestamp::from_second(1_772_000_000 + i64::from(second % 20_000)).unwrap(),
            id: &id,
            provider: "kms.amazonaws.com",
            action,
            principal: &principal,
            arn: &principal,
            access_key: "",
            address: &format!("192.0.2.{}", address % 5),
            user_agent: "aws-cli/2.27.0",
            region: "eu-west-1",
            account: "111122223333",
            error: if refused { "AccessDenied" } else { "" },
            read_only: matches!(action, "Decrypt" | "ListKeys"),
        };
        batch.push(&act, row as u64, About::Nothing);
    }

    fn activity_of(rows: &[Numbers], keep: &[bool], splits: &[usize], limits: ActivityLimits) -> Activity {
        let mut activity = Activity::with_limits(limits);
        let mut readers = [ActReader::default(), ActReader::default()];
        let mut starts: Vec<usize> = splits.iter().map(|split| split % (rows.len() + 1)).collect();
        starts.extend([0, rows.len()]);
        starts.sort_unstable();
        for pair in starts.windows(2) {
            let reader = &mut readers[pair[0] % 2];
            (pair[0]..pair[1]).for_each(|row| push(reader, row, rows[row]));
            let batch = reader.batch(Place::File { name: "a.json".into(), offset: 0 });
            activity.take(batch, |row| keep[pair[0] + row]);
        }
        activity
    }

    fn everything(activity: &Activity) -> String {
        let ends = ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z"].map(|end| end.parse().unwrap());
        let mut out = format!("{:?} {:?} {}", activity.span(), activity.left_out(), activity.events());
        for principal in 0..4 {
            let principal = format!("role/{principal}");
            out += &format!("{:?}", activity.acts_of(&principal, ends[0], ends[1]));
            out += &format!("{:?}", activity.reads_of(&principal, ends[0], ends[1]));
            for action in ["Decrypt", "DisableKey"] {
                out +=
                    &format!("{:?}", activity.calls_seen(action, Some(&principal), (ends[0], ends[1]), None));
            }
            out += &format!("{:?}", activity.history(&principal, ends[1]));
        }
        out
    }

    proptest! {
        #[test]
        fn however_batches_are_split_the_activity_is_the_same(
            rows in prop::collection::vec(any::<(u8, u8, u8, u32, bool, bool)>(), 0..60),
            keep in prop::collection::vec(any::<bool>(), 60),
            splits in prop::collection::vec(0_usize..60, 0..6),
            most_rows in 0_usize..40, grave_acts in 0_usize..10, other_acts in 0_usize..10,
        ) {
            let limits = ActivityLimits { rows: most_rows, grave_acts, other_acts, ..ActivityLimits::default() };
            let whole = activity_of(&rows, &keep, &[], limits);
            let split = activity_of(&rows, &keep, &splits, limits);
            prop_assert_eq!(everything(&whole), everything(&split));
        }

        #[test]
        fn every_event_is_counted_or_said_to_be_left_out(
            rows in prop::collection::vec(any::<(u8, u8, u8, u32, bool, bool)>(), 0..60), most_rows in 0_usize..40,
        ) {
            let limits = ActivityLimits { rows: most_rows, ..ActivityLimits::default() };
            let activity = activity_of(&rows, &[true; 60], &[], limits);
            let end = "2100-01-01T00:00:00Z".parse().unwrap();
            let counted: u64 = (0..4).map(|p| activity.history(&format!("role/{p}"), end).all.events).sum();
            prop_assert_eq!(counted + activity.left_out().events, rows.len() as u64);
            prop_assert_eq!(activity.events(), rows.len() as u64);
        }
    }

    #[test]
    fn an_act_is_found_again_with_its_place() {
        let mut batch = ActReader::default();
        push(&mut batch, 0, (0, 0, 0, 0, false, true));
        push(&mut batch, 7, (0, 1, 0, 0, false, true));
        let mut activity = Activity::default();
        activity.take(batch.batch(Place::File { name: "a.json".into(), offset: 0 }), |_| true);
        let act = activity.act("role/0", "00000007-0000-4000-8000-000000000000").unwrap();
        assert_eq!((act.action, act.gravity), ("DisableKey", Some(Gravity::Destructive)));
        assert_eq!(act.place(), Place::File { name: "a.json".into(), offset: 7 });
        let read = activity.act("role/0", "00000000-0000-4000-8000-000000000000");
        assert!(read.is_none(), "a read is only counted");
        let seen = |by| activity.calls_seen("Decrypt", by, (Timestamp::UNIX_EPOCH, Timestamp::MAX), None);
        assert_eq!(seen(None).map(|seen| (seen.count, seen.failed)), Some((1, 0)));
        assert_eq!((seen(None), seen(Some("role/9"))), (seen(Some("role/0")), None));
    }
}
