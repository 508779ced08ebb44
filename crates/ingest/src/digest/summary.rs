//! Sums for each trail in an account and region.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::finding::{FileKind, Finding, InvalidReason, Verdict};
use super::object_key::Trail;

/// How many files there are of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerdictCounts {
    /// Proved by a signature.
    pub valid: u64,
    /// Hashes agree, but no signature was checked.
    pub consistent: u64,
    /// Named by a digest and not there.
    pub missing: u64,
    /// Changed.
    pub invalid: u64,
    /// Nothing can be said.
    pub unverifiable: u64,
}

impl VerdictCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.valid + self.consistent + self.missing + self.invalid + self.unverifiable
    }

    fn add(&mut self, verdict: &Verdict) {
        *match verdict {
            Verdict::Valid => &mut self.valid,
            Verdict::Consistent(_) => &mut self.consistent,
            Verdict::Invalid(InvalidReason::Missing { .. }) => &mut self.missing,
            Verdict::Invalid(_) => &mut self.invalid,
            Verdict::Unverifiable(_) => &mut self.unverifiable,
        } += 1;
    }
}

/// What was found of one trail in one account and region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailSummary {
    /// Which; without a name for log files that no digest names.
    pub trail: Trail,
    /// The start of the first digest that is there, in UTC.
    pub from: Option<Timestamp>,
    /// The end of the last one, in UTC.
    pub to: Option<Timestamp>,
    /// The digests.
    pub digests: VerdictCounts,
    /// The log files.
    pub logs: VerdictCounts,
}

/// Adds up findings; `times` are the start and end of digests.
pub(super) fn summaries(
    findings: &[Finding],
    times: &[(Trail, Option<Timestamp>, Option<Timestamp>)],
) -> Vec<TrailSummary> {
    let mut by_trail: BTreeMap<&Trail, TrailSummary> = BTreeMap::new();
    for finding in findings {
        let sums = by_trail.entry(&finding.trail).or_default();
        match finding.kind {
            FileKind::Digest => sums.digests.add(&finding.verdict),
            FileKind::Log => sums.logs.add(&finding.verdict),
        }
    }
    for (trail, start, end) in times {
        let sums = by_trail.entry(trail).or_default();
        sums.from = [sums.from, *start].into_iter().flatten().min();
        sums.to = [sums.to, *end].into_iter().flatten().max();
    }
    by_trail.into_iter().map(|(trail, sums)| TrailSummary { trail: trail.clone(), ..sums }).collect()
}
