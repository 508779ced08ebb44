//! What every principal does: counts by hour, and the acts that changed something or were refused.

mod batch;
mod history;
mod target;
mod texts;

use foldhash::HashMap;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use ecs::Timestamp;

pub use batch::ActBatch;
pub use history::{Common, History, Seen};

use target::target_of;

use batch::{Call, CellKey, EventId, Profile, hash_of_cell, uuid_text};
use texts::Texts;

use crate::act::Act;
use crate::answer::Evidence;
use crate::event::Event;
use crate::gravity::gravity_of;
use crate::place::Place;
use crate::sessions::Sessions;
use crate::surroundings::Gravity;

/// How much is kept. What goes beyond is counted, and every statement that it could make wrong is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityLimits {
    /// Counts by profile (principal, session, key, address, client, Region, account), call and hour; about 60 bytes each.
    pub cells: usize,
    /// Bytes of names, addresses and clients.
    pub text_bytes: usize,
    /// Acts that are in the tables of grave acts; about 60 bytes each.
    pub grave_acts: usize,
    /// Other acts that did not only read, or were refused.
    pub other_acts: usize,
}

impl Default for ActivityLimits {
    fn default() -> Self {
        Self { cells: 2_000_000, text_bytes: 256 << 20, grave_acts: 500_000, other_acts: 500_000 }
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
    profiles: Vec<KnownProfile>,
    profile_numbers: HashMap<[u32; 7], u32>,
    by_principal: HashMap<u32, Vec<u32>>,
    calls: Vec<KnownCall>,
    call_numbers: HashMap<(u32, u32, u32, bool), u32>,
    cells: Vec<Cell>,
    cell_table: HashTable<u32>,
    hasher: RandomState,
    acts: Vec<KeptAct>,
    grave: usize,
    places: Vec<Place>,
    span: Option<(i64, i64)>,
    events: u64,
    left_out: LeftOut,
    sessions: Sessions,
    /// By event id.
    targets: HashMap<String, String>,
}

/// Targets that are kept; about 150 bytes each.
const MOST_TARGETS: usize = 200_000;

#[derive(Debug)]
struct KnownProfile {
    profile: Profile,
    cells: Vec<u32>,
    acts: Vec<u32>,
}

#[derive(Debug)]
struct KnownCall {
    call: Call,
    cells: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    key: CellKey,
    count: u32,
    first: i64,
    last: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KeptAct {
    time: i64,
    profile: u32,
    call: u32,
    id: EventId,
    place: u32,
    offset: u64,
}

/// An act that was kept: it did not only read, or was refused. Texts that its record does not have are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<'a> {
    /// When.
    pub time: Timestamp,
    /// `eventID`.
    pub id: Option<String>,
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
    pub access_key: &'a str,
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
    /// What it was about, where [`Activity::observe`] saw the whole event: an ARN, an id or a name.
    pub target: Option<&'a str>,
    /// Where the record lies.
    pub place: Place,
}

impl Kept<'_> {
    /// The act as evidence for something.
    pub fn evidence(&self, shows: impl Into<String>) -> Evidence {
        Evidence {
            time: self.time.to_string(),
            event_id: self.id.clone(),
            provider: self.provider.to_owned(),
            action: self.action.to_owned(),
            shows: shows.into(),
            place: self.place.clone(),
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
    pub access_key: &'a str,
    /// `sourceIPAddress`.
    pub address: &'a str,
    /// `awsRegion`.
    pub region: &'a str,
    /// How grave, by the tables.
    pub gravity: Option<Gravity>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    count: u32,
    first: i64,
    last: i64,
}

impl Activity {
    /// An empty activity with limits of one's own.
    pub fn with_limits(limits: ActivityLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes in the rows of a batch that `keep` says yes to; `keep` may be asked about a row more than once.
    pub fn take(&mut self, batch: &ActBatch, keep: impl Fn(usize) -> bool) {
        let mut sums = vec![Sum::default(); batch.cells.len()];
        // In the order of the first row that is kept, so that limits fall on the same ones however batches are split.
        let mut order = Vec::new();
        for (number, row) in batch.rows.iter().enumerate() {
            if !keep(number) {
                continue;
            }
            let Some(sum) = sums.get_mut(row.cell as usize) else { continue };
            if sum.count == 0 {
                order.push(row.cell);
                (sum.first, sum.last) = (row.time, row.time);
            }
            sum.count = sum.count.saturating_add(1);
            sum.first = sum.first.min(row.time);
            sum.last = sum.last.max(row.time);
        }
        let mut profiles = vec![None; batch.profiles.len()];
        let mut calls = vec![None; batch.calls.len()];
        for cell in order {
            let (Some(&sum), Some(&key)) = (sums.get(cell as usize), batch.cells.get(cell as usize)) else {
                continue;
            };
            self.add(batch, key, sum, &mut profiles, &mut calls);
        }
        let place = self.place_number(&batch.place);
        for notable in &batch.notable {
            if !keep(notable.row as usize) {
                continue;
            }
            let row = batch.rows.get(notable.row as usize);
            let Some(row) = row else { continue };
            let Some(key) = batch.cells.get(row.cell as usize) else { continue };
            let numbers = (
                profiles.get(key.profile as usize).copied().flatten(),
                calls.get(key.call as usize).copied().flatten(),
            );
            let (Some(profile), Some(call)) = numbers else {
                self.left_out.acts += 1;
                continue;
            };
            let id = match notable.id {
                EventId::Text(text) => EventId::Text(self.ids.intern(batch.texts.get(text))),
                id => id,
            };
            self.keep_act(KeptAct { time: row.time, profile, call, id, place, offset: notable.offset });
        }
    }

    /// Is there more in the whole event than in a quick look at it, so that [`Activity::observe`] has to see it?
    pub fn wants_whole(act: &Act<'_>) -> bool {
        act.provider == "sts.amazonaws.com"
            || !act.read_only && act.error.is_empty() && gravity_of(act.provider, act.action).is_some()
    }

    /// Reads what only a whole event tells: who took which role session, and what a call that changes something was
    /// about. Each event once; others than [`Activity::wants_whole`] names may be left away.
    pub fn observe(&mut self, event: &Event) {
        self.sessions.observe(event);
        let (Some(id), false) = (&event.id, event.read_only) else { return };
        if self.targets.len() < MOST_TARGETS
            && let Some(target) = target_of(event)
        {
            self.targets.insert(id.clone(), target);
        }
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
        self.names(self.profiles.iter().map(|known| known.profile.region))
    }

    /// Accounts that events were read of, in order.
    pub fn accounts(&self) -> Vec<String> {
        self.names(self.profiles.iter().map(|known| known.profile.account))
    }

    /// Services, as `eventSource`, that events were read of, in order.
    pub fn services(&self) -> Vec<String> {
        self.names(self.calls.iter().map(|known| known.call.provider))
    }

    /// Hours between the first and the last event in which there is none.
    pub fn hours_without_events(&self) -> u64 {
        let Some((first, last)) = self.span else { return 0 };
        let hour = |time: i64| time.div_euclid(3_600_000);
        let mut hours: Vec<i32> = self.cells.iter().map(|cell| cell.key.hour).collect();
        hours.sort_unstable();
        hours.dedup();
        u64::try_from(hour(last) - hour(first) + 1).unwrap_or(0).saturating_sub(hours.len() as u64)
    }

    /// Account, Region, hour since 1970, and events in it; the same account, Region and hour may come more than once.
    pub fn events_by_hour(&self) -> impl Iterator<Item = (&str, &str, i64, u64)> {
        self.cells.iter().filter_map(|cell| {
            let profile = self.profiles.get(cell.key.profile as usize)?.profile;
            let (account, region) = (self.texts.get(profile.account), self.texts.get(profile.region));
            Some((account, region, i64::from(cell.key.hour), u64::from(cell.count)))
        })
    }

    fn names(&self, texts: impl Iterator<Item = u32>) -> Vec<String> {
        let texts: std::collections::BTreeSet<u32> = texts.collect();
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
        let (from, to) = (from.as_millisecond(), to.as_millisecond());
        let acts = self.profiles_of(principal).flat_map(|profile| &profile.acts);
        let mut found: Vec<&KeptAct> = acts
            .filter_map(|&act| self.acts.get(act as usize))
            .filter(|act| from <= act.time && act.time < to)
            .collect();
        found.sort_by_key(|act| (act.time, act.place, act.offset));
        found.into_iter().filter_map(|act| self.kept(act)).collect()
    }

    /// The counts of a principal's hours that have an event in `[from, to)`, in order of their first event. The counts
    /// of the hours at the ends may hold events from outside.
    pub fn hours_of(&self, principal: &str, from: Timestamp, to: Timestamp) -> Vec<HourCount<'_>> {
        let cells = self.profiles_of(principal).flat_map(|profile| &profile.cells);
        self.counts(cells, from, to)
    }

    /// As [`Activity::hours_of`], for one call by anybody.
    pub fn hours_of_call(&self, action: &str, from: Timestamp, to: Timestamp) -> Vec<HourCount<'_>> {
        let Some(action) = self.texts.find(action) else { return Vec::new() };
        let cells =
            self.calls.iter().filter(|known| known.call.action == action).flat_map(|known| &known.cells);
        self.counts(cells, from, to)
    }

    /// Looks up a kept act by the principal and the event's id.
    pub fn act(&self, principal: &str, id: &str) -> Option<Kept<'_>> {
        let acts = self.profiles_of(principal).flat_map(|profile| &profile.acts);
        let mut kept = acts.filter_map(|&act| self.acts.get(act as usize)).filter(|act| match &act.id {
            EventId::Uuid(bytes) => uuid_text(bytes) == id,
            EventId::Text(text) => self.ids.get(*text) == id,
            EventId::None => false,
        });
        kept.next().and_then(|act| self.kept(act))
    }

    fn counts<'a>(
        &'a self,
        cells: impl Iterator<Item = &'a u32>,
        from: Timestamp,
        to: Timestamp,
    ) -> Vec<HourCount<'a>> {
        let (from, to) = (from.as_millisecond(), to.as_millisecond());
        let mut found: Vec<(u32, &Cell)> = cells
            .filter_map(|&number| Some((number, self.cells.get(number as usize)?)))
            .filter(|(_, cell)| from <= cell.last && cell.first < to)
            .collect();
        found.sort_by_key(|(number, cell)| (cell.first, *number));
        found.into_iter().filter_map(|(_, cell)| self.hour_count(cell)).collect()
    }

    fn hour_count(&self, cell: &Cell) -> Option<HourCount<'_>> {
        let profile = self.profiles.get(cell.key.profile as usize)?.profile;
        let call = self.calls.get(cell.key.call as usize)?.call;
        let text = |number| self.texts.get(number);
        Some(HourCount {
            first: at(cell.first),
            last: at(cell.last),
            count: u64::from(cell.count),
            provider: text(call.provider),
            action: text(call.action),
            error: text(call.error),
            read_only: call.read_only,
            principal: text(profile.principal),
            arn: text(profile.arn),
            access_key: text(profile.access_key),
            address: text(profile.address),
            region: text(profile.region),
            gravity: call.gravity,
        })
    }

    fn kept(&self, act: &KeptAct) -> Option<Kept<'_>> {
        let profile = self.profiles.get(act.profile as usize)?.profile;
        let call = self.calls.get(act.call as usize)?.call;
        let text = |number| self.texts.get(number);
        let place = match self.places.get(act.place as usize) {
            Some(Place::File { name, .. }) => Place::File { name: name.clone(), offset: act.offset },
            other => other.cloned().unwrap_or_default(),
        };
        let id = match &act.id {
            EventId::Uuid(bytes) => Some(uuid_text(bytes)),
            EventId::Text(id) => Some(self.ids.get(*id).to_owned()),
            EventId::None => None,
        };
        Some(Kept {
            time: at(act.time),
            target: id.as_ref().and_then(|id| self.targets.get(id)).map(String::as_str),
            id,
            provider: text(call.provider),
            action: text(call.action),
            error: text(call.error),
            principal: text(profile.principal),
            arn: text(profile.arn),
            access_key: text(profile.access_key),
            address: text(profile.address),
            user_agent: text(profile.user_agent),
            region: text(profile.region),
            account: text(profile.account),
            gravity: call.gravity,
            place,
        })
    }

    fn profiles_of(&self, principal: &str) -> impl Iterator<Item = &KnownProfile> {
        let numbers = self.texts.find(principal).and_then(|text| self.by_principal.get(&text));
        numbers.into_iter().flatten().filter_map(|&number| self.profiles.get(number as usize))
    }

    fn add(
        &mut self,
        batch: &ActBatch,
        key: CellKey,
        sum: Sum,
        profiles: &mut [Option<u32>],
        calls: &mut [Option<u32>],
    ) {
        self.events += u64::from(sum.count);
        let (first, last) = self.span.unwrap_or((sum.first, sum.last));
        self.span = Some((first.min(sum.first), last.max(sum.last)));
        let profile = known_or(profiles, key.profile, || self.profile_number(batch, key.profile));
        let call = known_or(calls, key.call, || self.call_number(batch, key.call));
        let (Some(profile), Some(call)) = (profile, call) else { return self.leave_out(sum) };
        let key = CellKey { profile, call, hour: key.hour };
        let hash = hash_of_cell(&self.hasher, key);
        let known = self
            .cell_table
            .find(hash, |&at| self.cells.get(at as usize).is_some_and(|cell| cell.key == key))
            .copied();
        if let Some(cell) = known.and_then(|at| self.cells.get_mut(at as usize)) {
            cell.count = cell.count.saturating_add(sum.count);
            cell.first = cell.first.min(sum.first);
            cell.last = cell.last.max(sum.last);
            return;
        }
        let Ok(number) = u32::try_from(self.cells.len()) else { return self.leave_out(sum) };
        if self.cells.len() >= self.limits.cells {
            return self.leave_out(sum);
        }
        self.cells.push(Cell { key, count: sum.count, first: sum.first, last: sum.last });
        let Self { cells, cell_table, hasher, .. } = self;
        cell_table.insert_unique(hash, number, |&at| {
            cells.get(at as usize).map_or(0, |cell| hash_of_cell(hasher, cell.key))
        });
        if let Some(known) = self.profiles.get_mut(profile as usize) {
            known.cells.push(number);
        }
        if let Some(known) = self.calls.get_mut(call as usize) {
            known.cells.push(number);
        }
    }

    fn leave_out(&mut self, sum: Sum) {
        let first = at(sum.first);
        self.left_out.events += u64::from(sum.count);
        self.left_out.first = Some(self.left_out.first.map_or(first, |known| known.min(first)));
    }

    /// `None` when there is no room for a new one.
    fn profile_number(&mut self, batch: &ActBatch, number: u32) -> Option<u32> {
        let texts = batch.profiles.get(number as usize)?.parts().map(|part| batch.texts.get(part));
        let known = texts.map(|text| self.texts.find(text));
        if let Some(found) = all(known).and_then(|parts| self.profile_numbers.get(&parts)) {
            return Some(*found);
        }
        if self.texts.size() >= self.limits.text_bytes || self.cells.len() >= self.limits.cells {
            return None;
        }
        let parts = texts.map(|text| self.texts.intern(text));
        let [principal, arn, access_key, address, user_agent, region, account] = parts;
        let number = u32::try_from(self.profiles.len()).ok()?;
        let profile = Profile { principal, arn, access_key, address, user_agent, region, account };
        self.profiles.push(KnownProfile { profile, cells: Vec::new(), acts: Vec::new() });
        self.profile_numbers.insert(parts, number);
        self.by_principal.entry(principal).or_default().push(number);
        Some(number)
    }

    fn call_number(&mut self, batch: &ActBatch, number: u32) -> Option<u32> {
        let call = *batch.calls.get(number as usize)?;
        let texts = [call.provider, call.action, call.error].map(|part| batch.texts.get(part));
        let known = all(texts.map(|text| self.texts.find(text)));
        let key_of = |[provider, action, error]: [u32; 3]| (provider, action, error, call.read_only);
        if let Some(found) = known.and_then(|parts| self.call_numbers.get(&key_of(parts))) {
            return Some(*found);
        }
        if self.texts.size() >= self.limits.text_bytes || self.cells.len() >= self.limits.cells {
            return None;
        }
        let parts = texts.map(|text| self.texts.intern(text));
        let [provider, action, error] = parts;
        let number = u32::try_from(self.calls.len()).ok()?;
        self.calls.push(KnownCall { call: Call { provider, action, error, ..call }, cells: Vec::new() });
        self.call_numbers.insert(key_of(parts), number);
        Some(number)
    }

    fn keep_act(&mut self, act: KeptAct) {
        let is_grave = self.calls.get(act.call as usize).is_some_and(|known| known.call.gravity.is_some());
        let (kept, limit) = if is_grave {
            (self.grave, self.limits.grave_acts)
        } else {
            (self.acts.len() - self.grave, self.limits.other_acts)
        };
        let Ok(number) = u32::try_from(self.acts.len()) else { return self.left_out.acts += 1 };
        if kept >= limit {
            self.left_out.acts += 1;
            return;
        }
        self.grave += usize::from(is_grave);
        self.acts.push(act);
        if let Some(known) = self.profiles.get_mut(act.profile as usize) {
            known.acts.push(number);
        }
    }

    fn place_number(&mut self, place: &Place) -> u32 {
        // Batches of one input mostly come one after the other.
        if self.places.last() != Some(place) {
            self.places.push(place.clone());
        }
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }
}

fn known_or(known: &mut [Option<u32>], number: u32, find: impl FnOnce() -> Option<u32>) -> Option<u32> {
    let slot = known.get_mut(number as usize)?;
    if slot.is_none() {
        *slot = find();
    }
    *slot
}

fn all<const N: usize>(parts: [Option<u32>; N]) -> Option<[u32; N]> {
    parts.iter().all(Option::is_some).then(|| parts.map(Option::unwrap_or_default))
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Numbers = (u8, u8, u8, u32, bool, bool);

    fn push(batch: &mut ActBatch, row: usize, numbers: Numbers) {
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
        batch.push(&act, row as u64);
    }

    fn activity_of(rows: &[Numbers], keep: &[bool], splits: &[usize], limits: ActivityLimits) -> Activity {
        let mut activity = Activity::with_limits(limits);
        let mut starts: Vec<usize> = splits.iter().map(|split| split % (rows.len() + 1)).collect();
        starts.extend([0, rows.len()]);
        starts.sort_unstable();
        for pair in starts.windows(2) {
            let mut batch = ActBatch::new(Place::File { name: "a.json".into(), offset: 0 });
            (pair[0]..pair[1]).for_each(|row| push(&mut batch, row, rows[row]));
            activity.take(&batch, |row| keep[pair[0] + row]);
        }
        activity
    }

    fn everything(activity: &Activity) -> String {
        let ends = ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z"].map(|end| end.parse().unwrap());
        let mut out = format!("{:?} {:?} {}", activity.span(), activity.left_out(), activity.events());
        for principal in 0..4 {
            let principal = format!("role/{principal}");
            out += &format!("{:?}", activity.acts_of(&principal, ends[0], ends[1]));
            out += &format!("{:?}", activity.hours_of(&principal, ends[0], ends[1]));
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
            cells in 0_usize..40, grave_acts in 0_usize..10, other_acts in 0_usize..10,
        ) {
            let limits = ActivityLimits { cells, grave_acts, other_acts, ..ActivityLimits::default() };
            let whole = activity_of(&rows, &keep, &[], limits);
            let split = activity_of(&rows, &keep, &splits, limits);
            prop_assert_eq!(everything(&whole), everything(&split));
        }

        #[test]
        fn every_event_is_counted_or_said_to_be_left_out(
            rows in prop::collection::vec(any::<(u8, u8, u8, u32, bool, bool)>(), 0..60), cells in 0_usize..40,
        ) {
            let limits = ActivityLimits { cells, ..ActivityLimits::default() };
            let activity = activity_of(&rows, &[true; 60], &[], limits);
            let end = "2100-01-01T00:00:00Z".parse().unwrap();
            let counted: u64 = (0..4).map(|p| activity.history(&format!("role/{p}"), end).all.events).sum();
            prop_assert_eq!(counted + activity.left_out().events, rows.len() as u64);
            prop_assert_eq!(activity.events(), rows.len() as u64);
        }
    }

    #[test]
    fn an_act_is_found_again_with_its_place() {
        let mut batch = ActBatch::new(Place::File { name: "a.json".into(), offset: 0 });
        push(&mut batch, 0, (0, 0, 0, 0, false, true));
        push(&mut batch, 7, (0, 1, 0, 0, false, true));
        let mut activity = Activity::default();
        activity.take(&batch, |_| true);
        let act = activity.act("role/0", "00000007-0000-4000-8000-000000000000").unwrap();
        assert_eq!((act.action, act.gravity), ("DisableKey", Some(Gravity::Destructive)));
        assert_eq!(act.place, Place::File { name: "a.json".into(), offset: 7 });
        assert_eq!(
            activity.act("role/0", "00000000-0000-4000-8000-000000000000"),
            None,
            "a read is only counted"
        );
        assert_eq!(activity.hours_of_call("Decrypt", Timestamp::UNIX_EPOCH, Timestamp::MAX).len(), 1);
    }
}
