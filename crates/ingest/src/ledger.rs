//! The account of every input and every record of a run: nothing is lost in silence.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use foldhash::fast::RandomState;
use jiff::Timestamp;

use crate::decode::{Compression, Decoded, FaultReason, Notes, Outcome, RecordKind, Shape, SkipReason};

/// Why a record gave no event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// It could not be read.
    Fault(FaultReason),
    /// It is what it should be, but no event: a digest.
    NotAnEvent(RecordKind),
    /// Its time lies outside of the range that was asked for.
    OutsideOfRange,
    /// It was read, but its integration could make no event of it; in the integration's words.
    NotNormalised(String),
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(reason) => reason.fmt(f),
            Self::NotAnEvent(kind) => write!(f, "{kind}: holds no events"),
            Self::OutsideOfRange => f.write_str("outside of the time range"),
            Self::NotNormalised(reason) => f.write_str(reason),
        }
    }
}

/// Counts over one input, or over all. The invariant is [`Counts::balanced`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// As stored.
    pub bytes_in: u64,
    /// After decompression.
    pub bytes_decompressed: u64,
    /// Records met: those that were read and those that were lost. A fault counts as one record.
    pub records_in: u64,
    /// Records that became events.
    pub events: u64,
    /// Events that had been delivered before.
    pub duplicates: u64,
    /// Records that became nothing, by reason. At most [`DROP_REASONS`] different reasons are kept; the others count
    /// as [`Counts::other_drops`].
    pub drops: BTreeMap<DropReason, u64>,
    /// Drops whose reasons were too many to keep apart.
    pub other_drops: u64,
    /// Oddities that cost no record.
    pub notes: Notes,
}

/// How many different reasons for drops are kept apart.
pub const DROP_REASONS: usize = 1000;

impl Counts {
    /// Counts a drop. [`Counts::records_in`] is the caller's to count.
    pub fn drop_record(&mut self, reason: DropReason) {
        self.drop_records(reason, 1);
    }

    fn drop_records(&mut self, reason: DropReason, count: u64) {
        let room = self.drops.len() < DROP_REASONS;
        match self.drops.get_mut(&reason) {
            Some(known) => *known += count,
            None if room => {
                self.drops.insert(reason, count);
            }
            None => self.other_drops += count,
        }
    }

    /// Records dropped for whatever reason.
    pub fn dropped(&self) -> u64 {
        self.drops.values().sum::<u64>() + self.other_drops
    }

    /// Whether every record is accounted for: records in = events + duplicates + drops.
    pub fn balanced(&self) -> bool {
        self.records_in == self.events + self.duplicates + self.dropped()
    }

    /// Adds another input's counts.
    pub fn add(&mut self, other: &Self) {
        self.bytes_in += other.bytes_in;
        self.bytes_decompressed += other.bytes_decompressed;
        self.records_in += other.records_in;
        self.events += other.events;
        self.duplicates += other.duplicates;
        for (reason, count) in &other.drops {
            self.drop_records(reason.clone(), *count);
        }
        self.other_drops += other.other_drops;
        self.notes.add(&other.notes);
    }
}

/// Where and when the events are from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    accounts: Tally,
    regions: Tally,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    without_time: u64,
}

impl Coverage {
    /// Counts one event; what it does not say is left out.
    pub fn add_event(&mut self, account: Option<&str>, region: Option<&str>, time: Option<Timestamp>) {
        if let Some(account) = account {
            self.accounts.add(account, 1);
        }
        if let Some(region) = region {
            self.regions.add(region, 1);
        }
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        } else {
            self.without_time += 1;
        }
    }

    /// Counts events by account and by region, for callers that count by themselves.
    pub fn add_names<'n>(
        &mut self,
        accounts: impl Iterator<Item = (&'n str, u64)>,
        regions: impl Iterator<Item = (&'n str, u64)>,
    ) {
        accounts.filter(|(_, count)| *count > 0).for_each(|(name, count)| self.accounts.add(name, count));
        regions.filter(|(_, count)| *count > 0).for_each(|(name, count)| self.regions.add(name, count));
    }

    /// Adds what another input covers.
    pub fn add(&mut self, other: &Self) {
        self.accounts.merge(&other.accounts);
        self.regions.merge(&other.regions);
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
        self.without_time += other.without_time;
    }

    /// Events per account.
    pub fn accounts(&self) -> &Tally {
        &self.accounts
    }

    /// Events per region.
    pub fn regions(&self) -> &Tally {
        &self.regions
    }

    /// The earliest event time, in UTC.
    pub fn first_event(&self) -> Option<Timestamp> {
        self.first
    }

    /// The latest event time, in UTC.
    pub fn last_event(&self) -> Option<Timestamp> {
        self.last
    }

    /// Events whose records say no time that can be read. No time range leaves them out.
    pub fn without_time(&self) -> u64 {
        self.without_time
    }
}

/// How many different names a [`Tally`] keeps apart.
pub const TALLY_NAMES: usize = 100_000;

/// Counts by name, at most [`TALLY_NAMES`] of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    counts: HashMap<Box<str>, u64, RandomState>,
    other: u64,
}

impl Tally {
    fn add(&mut self, name: &str, count: u64) {
        let room = self.counts.len() < TALLY_NAMES;
        match self.counts.get_mut(name) {
            Some(known) => *known += count,
            None if room => {
                self.counts.insert(name.into(), count);
            }
            None => self.other += count,
        }
    }

    fn merge(&mut self, other: &Self) {
        for (name, count) in other.sorted() {
            self.add(name, count);
        }
        self.other += other.other;
    }

    /// The counts by name.
    pub fn sorted(&self) -> Vec<(&str, u64)> {
        let mut sorted: Vec<_> = self.counts.iter().map(|(name, count)| (&**name, *count)).collect();
        sorted.sort_unstable();
        sorted
    }

    /// How many different names were kept.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// What was counted under names that were too many to keep.
    pub fn other(&self) -> u64 {
        self.other
    }
}

/// What became of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputAccount {
    /// Its path, or [`crate::source::stdin::NAME`].
    pub name: String,
    /// Read, partly read or skipped, and why.
    pub outcome: Outcome,
    /// Outermost first; empty for an input that is not compressed.
    pub compression: Vec<Compression>,
    /// `None` when nothing was recognised.
    pub shape: Option<Shape>,
    /// Bytes, records, events, duplicates, drops.
    pub counts: Counts,
    /// Accounts, regions and times of its events.
    pub coverage: Coverage,
}

impl InputAccount {
    /// An input that was never opened, or could not be.
    pub fn skipped(name: impl Into<String>, reason: SkipReason) -> Self {
        Self {
            name: name.into(),
            outcome: Outcome::Skipped(reason),
            compression: Vec::new(),
            shape: None,
            counts: Counts::default(),
            coverage: Coverage::default(),
        }
    }

    /// An input of which nothing was decoded yet: count into it while [`crate::decode::decode`] runs, then
    /// [`InputAccount::close`] it.
    pub fn open(name: impl Into<String>) -> Self {
        Self { outcome: Outcome::Read, ..Self::skipped(name, SkipReason::Empty) }
    }

    /// Counts a fault as a record that came in and was dropped.
    pub fn add_fault(&mut self, reason: FaultReason) {
        self.counts.records_in += 1;
        self.counts.drop_record(DropReason::Fault(reason));
    }

    /// Counts an event.
    pub fn add_event(&mut self, account: Option<&str>, region: Option<&str>, time: Option<Timestamp>) {
        self.counts.records_in += 1;
        self.counts.events += 1;
        self.coverage.add_event(account, region, time);
    }

    /// Counts events for a caller that looked at each: how many, how many of them without a time, and the first and
    /// last time of the others. Their names are counted with [`Coverage::add_names`].
    ///
    /// A copy of an event has its time, so that duplicates among those looked at change nothing.
    pub fn add_events(&mut self, events: u64, without_time: u64, times: Option<(Timestamp, Timestamp)>) {
        self.counts.records_in += events;
        self.counts.events += events;
        self.coverage.without_time += without_time;
        if let Some((first, last)) = times.filter(|_| events > without_time) {
            self.coverage.first = Some(self.coverage.first.map_or(first, |known| known.min(first)));
            self.coverage.last = Some(self.coverage.last.map_or(last, |known| known.max(last)));
        }
    }

    /// Counts a record that had been delivered before.
    pub fn add_duplicate(&mut self) {
        self.counts.records_in += 1;
        self.counts.duplicates += 1;
    }

    /// Counts events of this input as duplicates after all, for whoever found out that they were delivered before in
    /// another input. What the input covers stays: a copy of an event has its time and its names.
    pub fn move_to_duplicates(&mut self, events: u64) {
        let moved = events.min(self.counts.events);
        self.counts.events -= moved;
        self.counts.duplicates += moved;
    }

    /// Counts a record that was read but is no event, or could not be made one.
    pub fn add_drop(&mut self, reason: DropReason) {
        self.counts.records_in += 1;
        self.counts.drop_record(reason);
    }

    /// Takes over what the decoder says of an input of `bytes_in` bytes. A record that was handed over and dropped
    /// later, because it does not parse, makes a fully read input a partly read one: give its offset and reason as
    /// `late_fault`.
    pub fn close(&mut self, decoded: &Decoded, bytes_in: u64, late_fault: Option<(u64, FaultReason)>) {
        self.outcome = match (&decoded.outcome, late_fault) {
            (Outcome::Read, Some((offset, reason))) => Outcome::PartlyRead { offset, reason },
            (Outcome::PartlyRead { offset: first, .. }, Some((offset, reason))) if offset < *first => {
                Outcome::PartlyRead { offset, reason }
            }
            (outcome, _) => outcome.clone(),
        };
        self.compression.clone_from(&decoded.compression);
        self.shape = decoded.shape;
        self.counts.bytes_in += bytes_in;
        self.counts.bytes_decompressed += decoded.bytes_decompressed;
        self.counts.notes.add(&decoded.notes);
    }
}

/// How many inputs that were not fully read are kept by name.
pub const KEPT_INPUTS: usize = 100_000;

/// The account of a whole run.
///
/// Its memory is bounded: a fully read input leaves only its counts; one that was partly read or skipped is kept by
/// name, up to [`KEPT_INPUTS`] of each, and the rest are counted in [`Ledger::unnamed_partly_read`] and
/// [`Ledger::unnamed_skipped`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    inputs: u64,
    read: u64,
    partly_read: Vec<InputAccount>,
    skipped: Vec<InputAccount>,
    unnamed_partly_read: u64,
    unnamed_skipped: u64,
    shapes: BTreeMap<Shape, u64>,
    counts: Counts,
    coverage: Coverage,
}

impl Ledger {
    /// No input yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a finished input.
    pub fn add(&mut self, input: InputAccount) {
        self.inputs += 1;
        self.counts.add(&input.counts);
        self.coverage.add(&input.coverage);
        if let Some(shape) = input.shape {
            *self.shapes.entry(shape).or_default() += 1;
        }
        match &input.outcome {
            Outcome::Read => self.read += 1,
            Outcome::PartlyRead { .. } => keep(&mut self.partly_read, input, &mut self.unnamed_partly_read),
            Outcome::Skipped(_) => keep(&mut self.skipped, input, &mut self.unnamed_skipped),
        }
    }

    /// Takes over another thread's entries.
    pub fn merge(&mut self, other: Self) {
        self.inputs += other.inputs;
        self.read += other.read;
        self.counts.add(&other.counts);
        self.coverage.add(&other.coverage);
        self.unnamed_partly_read += other.unnamed_partly_read;
        self.unnamed_skipped += other.unnamed_skipped;
        for (shape, count) in other.shapes {
            *self.shapes.entry(shape).or_default() += count;
        }
        for input in other.partly_read {
            keep(&mut self.partly_read, input, &mut self.unnamed_partly_read);
        }
        for input in other.skipped {
            keep(&mut self.skipped, input, &mut self.unnamed_skipped);
        }
    }

    /// How many inputs there were.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// How many were fully read.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// How many were partly read, kept by name or not.
    pub fn partly_read(&self) -> u64 {
        self.partly_read.len() as u64 + self.unnamed_partly_read
    }

    /// How many were skipped, kept by name or not.
    pub fn skipped(&self) -> u64 {
        self.skipped.len() as u64 + self.unnamed_skipped
    }

    /// Partly read and skipped inputs that are kept, by name.
    pub fn not_fully_read(&self) -> Vec<&InputAccount> {
        let mut kept: Vec<_> = self.partly_read.iter().chain(&self.skipped).collect();
        kept.sort_by(|a, b| a.name.cmp(&b.name));
        kept
    }

    /// Partly read inputs beyond [`KEPT_INPUTS`].
    pub fn unnamed_partly_read(&self) -> u64 {
        self.unnamed_partly_read
    }

    /// Skipped inputs beyond [`KEPT_INPUTS`].
    pub fn unnamed_skipped(&self) -> u64 {
        self.unnamed_skipped
    }

    /// How many inputs came in each shape.
    pub fn shapes(&self) -> &BTreeMap<Shape, u64> {
        &self.shapes
    }

    /// The sums over all inputs.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Where and when the events of all inputs are from.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Whether every input and every record is accounted for.
    pub fn balanced(&self) -> bool {
        self.inputs == self.read + self.partly_read() + self.skipped() && self.counts.balanced()
    }
}

fn keep(kept: &mut Vec<InputAccount>, input: InputAccount, rest: &mut u64) {
    if kept.len() < KEPT_INPUTS {
        // Its coverage is in the sums; a tally for each of many bad files would be memory for nothing.
        kept.push(InputAccount { coverage: Coverage::default(), ..input });
    } else {
        *rest += 1;
    }
}
