//! What every principal does: a row for each event, and the acts that changed something or were refused.

mod history;
mod index;
mod kept;
mod pieces;
mod reader;
mod taking;
mod target;
mod texts;

use std::sync::Arc;

use ecs::Timestamp;
use foldhash::HashMap;

pub use history::{Alike, History, Seen};
pub use kept::{CallsSeen, HourCount, Kept};
pub use reader::{About, AccessKey, ActBatch, ActReader, WhoNumber};

use index::Index;
use pieces::Pieces;
use reader::{Call, EventId, KeptAbout, Site, Who};
use taking::Numbers;
use texts::Texts;

use crate::event::Event;
use crate::place::Place;
use crate::sessions::{SessionCall, Sessions};

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

impl Activity {
    /// An empty activity with limits of one's own.
    pub fn with_limits(limits: ActivityLimits) -> Self {
        Self { limits, ..Self::default() }
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

    /// Did a principal do anything with an access key in `[from, to)`?
    pub fn acted(&self, principal: &str, access_key: &str, (from, to): (Timestamp, Timestamp)) -> bool {
        let Some(principal) = self.texts.find(principal) else { return false };
        let rows = self.rows_of(principal);
        within(&rows, from, to)
            .any(|row| self.access_key(self.who(row.who).access_key).as_str() == access_key)
    }

    /// Whose access key of a session it is; `None` when nobody acted with it.
    pub fn principal_of_key(&self, access_key: &str) -> Option<&str> {
        let key = match AccessKey::of(access_key) {
            AccessKey::Usual(bytes) => AccessKey::Usual(bytes),
            AccessKey::Other(text) => AccessKey::Other(self.texts.find(text)?),
        };
        let principal = self.index.principal_of_key(key, &self.whos, |number| self.texts.get(number))?;
        Some(self.texts.get(principal))
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
    use crate::surroundings::Gravity;

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
