//! What was read and what was not, as a report shows it.

use serde::Serialize;

/// What was read and what was not. Times are RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Coverage {
    /// How many inputs there were.
    pub inputs: u64,
    /// Of those, fully read.
    pub read: u64,
    /// Partly read.
    pub partly_read: u64,
    /// Skipped.
    pub skipped: u64,
    /// Inputs that were partly read or skipped, by name.
    pub not_fully_read: Vec<InputLine>,
    /// Inputs that were not fully read and are not named above.
    pub not_named: u64,
    /// How many inputs came in each shape.
    pub shapes: Vec<Count>,
    /// Bytes as stored.
    pub bytes_stored: u64,
    /// Bytes after decompression.
    pub bytes_decompressed: u64,
    /// Records met. The sum of the next five.
    pub records: u64,
    /// Records that became events.
    pub events: u64,
    /// Events that had been delivered before.
    pub duplicates: u64,
    /// Records that became nothing, but for those outside of the time range.
    pub dropped: u64,
    /// Records outside of the time range that was asked for.
    pub outside_of_range: u64,
    /// Why records were dropped.
    pub drop_reasons: Vec<Count>,
    /// Events without a readable time.
    pub without_time: u64,
    /// The time range that was asked for, inclusive; `None` for the beginning.
    pub range_from: Option<String>,
    /// Its end, exclusive; `None` for the end.
    pub range_to: Option<String>,
    /// The earliest event.
    pub first_event: Option<String>,
    /// The latest event.
    pub last_event: Option<String>,
    /// Events per account.
    pub accounts: Vec<Count>,
    /// Events of accounts that were too many to keep apart.
    pub other_accounts: u64,
    /// Events per Region.
    pub regions: Vec<Count>,
    /// Events of Regions that were too many to keep apart.
    pub other_regions: u64,
    /// Events by hour; `None` when nobody counted them.
    pub hours: Option<Hours>,
    /// Whether the log files are as they were delivered; `None` when nobody checked.
    pub digests: Option<DigestCheck>,
    /// The file that keeps what could not be read.
    pub dead_letter: Option<DeadLetter>,
    /// Whatever else a reader must know: whole sentences.
    pub notes: Vec<String>,
}

/// A number with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Of what.
    pub name: String,
    /// How many.
    pub count: u64,
}

impl Count {
    /// A number with a name.
    pub fn new(name: impl Into<String>, count: u64) -> Self {
        Self { name: name.into(), count }
    }
}

/// An input that was not read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputLine {
    /// Its path.
    pub name: String,
    /// How far it was read.
    pub outcome: InputOutcome,
    /// Why not whole.
    pub reason: String,
    /// Where reading failed, in bytes of the input as decompressed.
    pub offset: Option<u64>,
    /// Records met.
    pub records: u64,
    /// Records that became events.
    pub events: u64,
    /// Events that had been delivered before.
    pub duplicates: u64,
    /// Records that became nothing.
    pub dropped: u64,
}

/// How far an input was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputOutcome {
    /// A part of it.
    PartlyRead,
    /// Nothing.
    Skipped,
}

/// Events by hour, from the hour of the first event to that of the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hours {
    /// The first hour. RFC 3339, UTC, with minutes and seconds zero.
    pub first: String,
    /// One row for all events, or one an account and Region; of equal length.
    pub rows: Vec<HourRow>,
}

/// Events of one account and Region by hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HourRow {
    /// Whose, such as `all events`.
    pub name: String,
    /// Events in each hour, without holes.
    pub counts: Vec<u64>,
}

/// Whether log files are as they were delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DigestCheck {
    /// In short.
    pub verdict: DigestVerdict,
    /// Whole sentences: how many digests and files, the gaps, what did not match.
    pub says: Vec<String>,
}

/// Whether log files are as they were delivered, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DigestVerdict {
    /// Every file is named by a signed digest, and the chain has no gap.
    Intact,
    /// What could be checked is right, but not everything could be.
    Incomplete,
    /// Something was changed or is missing.
    Broken,
}

/// The file that keeps what could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its path.
    pub file: String,
    /// Its entries.
    pub entries: u64,
}
