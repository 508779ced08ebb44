//! Stretches of time that the digests do not cover, or not one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::digest_file::DigestFile;
use super::object_key::{Trail, file_name};

/// A place where a trail's digests do not follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose digests.
    pub trail: Trail,
    /// What it is.
    pub kind: GapKind,
    /// Where the digest before ends, in UTC; `None` before the first one.
    pub from: Option<Timestamp>,
    /// Where the digest after begins, in UTC.
    pub to: Option<Timestamp>,
    /// The digest after.
    pub before: String,
}

/// What a gap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GapKind {
    /// The first digest names one before it that is not there: the chain begins earlier than the files. Whether older
    /// files were removed cannot be told.
    BeginsEarlier,
    /// A digest names none before it, though there are older ones: validation or logging was off in between.
    Restarted,
    /// Digests in between are missing.
    DigestsMissing,
    /// A digest begins elsewhere than the one before it ends.
    NotAdjacent,
}

impl fmt::Display for GapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeginsEarlier => {
                "the chain begins earlier than the files: whether older ones were removed cannot be told"
            }
            Self::Restarted => "log file validation, or logging, was off: the chain begins anew",
            Self::DigestsMissing => "digests are missing",
            Self::NotAdjacent => "one digest begins elsewhere than the one before it ends",
        })
    }
}

/// The gaps of one trail's digests, those of backfills apart: they come whenever log files were late.
pub(super) fn gaps(trail: &Trail, digests: &[&DigestFile]) -> Vec<Gap> {
    // Copies of a digest are one.
    let by_name: BTreeMap<&str, &DigestFile> =
        digests.iter().map(|digest| (file_name(&digest.object), *digest)).collect();
    let names: BTreeSet<&str> = by_name.keys().copied().collect();
    let mut in_order: Vec<&DigestFile> = by_name.into_values().collect();
    in_order.sort_by(|a, b| (a.start, a.end, &a.object).cmp(&(b.start, b.end, &b.object)));
    let gap = |kind, from, digest: &DigestFile| Gap {
        trail: trail.clone(),
        kind,
        from,
        to: digest.start,
        before: digest.object.clone(),
    };
    let mut gaps = Vec::new();
    if let Some(first) = in_order.first()
        && first.previous.as_ref().is_some_and(|previous| !names.contains(file_name(&previous.object)))
    {
        gaps.push(gap(GapKind::BeginsEarlier, None, first));
    }
    for pair in in_order.windows(2) {
        let [before, digest] = pair else { continue };
        let kind = match &digest.previous {
            None => GapKind::Restarted,
            Some(previous) if !names.contains(file_name(&previous.object)) => GapKind::DigestsMissing,
            Some(_) if before.end != digest.start => GapKind::NotAdjacent,
            Some(_) => continue,
        };
        gaps.push(gap(kind, before.end, digest));
    }
    gaps
}
