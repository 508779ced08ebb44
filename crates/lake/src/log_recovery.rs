//! Reads the log back: what was acknowledged, and where a torn tail begins.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use memchr::memmem;

use crate::error::{LakeError, Result};
use crate::folder::{fault, names};
use crate::log_entry::{LogEntry, MAGIC, decode, unframe};

/// Begins every segment; its format is the last byte.
const SEGMENT_MAGIC: [u8; 8] = *b"\x89BZLOG\0\x01";

/// One segment as it was found.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) first: u64,
    pub(crate) entries: Vec<LogEntry>,
    /// Bytes that are whole; behind them is a torn tail.
    pub(crate) whole: u64,
    pub(crate) torn: u64,
}

impl Segment {
    /// The last entry of it, or of those before it.
    pub(crate) fn last(&self) -> u64 {
        self.entries.last().map_or(self.first.saturating_sub(1), |entry| entry.sequence)
    }
}

pub(crate) fn segment_header(first: u64) -> Vec<u8> {
    let mut bytes = SEGMENT_MAGIC.to_vec();
    bytes.extend(first.to_le_bytes());
    let sum = crc32fast::hash(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

pub(crate) fn segment_path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.log"))
}

/// The segments in order. Only the last one may have a torn tail, and only behind everything that was acknowledged;
/// anything else is damage. Changes nothing on disk.
pub(crate) fn read_log(folder: &Path) -> Result<Vec<Segment>> {
    let found: Vec<(u64, PathBuf)> = names(folder, false)?
        .iter()
        .filter_map(|name| Some((name.strip_suffix(".log")?.parse().ok()?, folder.join(name))))
        .collect();
    let mut segments: Vec<Segment> = Vec::new();
    let count = found.len();
    for (at, (first, path)) in found.into_iter().enumerate() {
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // Trimmed since the listing: its events are in files.
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) => return Err(fault("cannot read", &path)(e)),
        };
        let damaged = |at: u64, reason: &str| LakeError::DamagedLog {
            path: path.clone(),
            at,
            reason: reason.to_owned(),
        };
        if let Some(before) = segments.last()
            && before.last() + 1 != first
        {
            return Err(damaged(0, &format!("entries {} to {} are missing", before.last() + 1, first - 1)));
        }
        let segment = read_segment(&bytes, first, &path)?;
        if segment.torn > 0 && at + 1 < count {
            return Err(damaged(segment.whole, "an entry before the newest segment cannot be read"));
        }
        segments.push(segment);
    }
    Ok(segments)
}

fn read_segment(bytes: &[u8], first: u64, path: &Path) -> Result<Segment> {
    let damaged = |at: usize, reason: &str| LakeError::DamagedLog {
        path: path.to_owned(),
        at: at as u64,
        reason: reason.to_owned(),
    };
    let header = segment_header(first);
    let mut segment =
        Segment { path: path.to_owned(), first, entries: Vec::new(), whole: 0, torn: bytes.len() as u64 };
    if !bytes.starts_with(&header) {
        // A segment takes entries only once its header is durable.
        return if memmem::find(bytes, &MAGIC).is_some() {
            Err(damaged(0, "its header cannot be read"))
        } else {
            Ok(segment)
        };
    }
    let mut at = header.len();
    while at < bytes.len() {
        let Some(framed) = unframe(&bytes[at..]) else { break };
        if framed.sequence != segment.last() + 1 {
            return Err(damaged(at, "an entry is missing before this one"));
        }
        let Some(entry) = decode(framed) else { return Err(damaged(at, "an entry is not what was written")) };
        segment.entries.push(entry);
        at += framed.bytes;
    }
    // Entries behind the first unreadable one say whether it had been acknowledged.
    for found in memmem::find_iter(&bytes[at..], &MAGIC) {
        if unframe(&bytes[at + found..]).is_some_and(|later| later.synced > at as u64) {
            return Err(damaged(at, "an acknowledged entry cannot be read"));
        }
    }
    segment.whole = at as u64;
    segment.torn = (bytes.len() - at) as u64;
    Ok(segment)
}
