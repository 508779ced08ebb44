//! Log files held against the hashes in digests: those that are there, those that are missing, those in no digest.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::content::{FileContent, LocalFile};
use super::digest_file::{LogEntry, Sha256Hash};
use super::finding::{FileKind, Finding, InvalidReason, UnverifiableReason, Verdict};
use super::object_key::{Trail, file_name, is_backfill, log_name, tail};
use super::verify::KnownDigest;

/// A log file in a digest.
#[derive(Clone, Copy)]
struct Claim<'d> {
    digest: &'d KnownDigest<'d>,
    entry: &'d LogEntry,
}

/// What a file is, where it is no digest.
#[derive(Clone, Copy)]
struct LocalLog<'f> {
    path: &'f str,
    content: Result<Sha256Hash, &'f str>,
}

/// One finding for each file that is no digest, and for each log file that is missing.
pub(super) fn findings<'d>(files: &'d [LocalFile], digests: &'d [KnownDigest<'d>]) -> Vec<Finding> {
    let logs: Vec<LocalLog<'d>> = files
        .iter()
        .filter_map(|file| {
            let content = match &file.content {
                FileContent::Other { hash } => Ok(*hash),
                FileContent::Unreadable { reason } => Err(reason.as_str()),
                FileContent::Digest { .. } | FileContent::BrokenDigest { .. } => return None,
            };
            Some(LocalLog { path: &file.path, content })
        })
        .collect();
    let mut by_tail: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, log) in logs.iter().enumerate() {
        if let Some(tail) = tail(log.path) {
            by_tail.entry(tail).or_default().push(at);
        }
        by_name.entry(file_name(log.path)).or_default().push(at);
    }

    let mut claims: BTreeMap<usize, Vec<Claim<'d>>> = BTreeMap::new();
    let mut missing: BTreeMap<&str, Vec<Claim<'d>>> = BTreeMap::new();
    for digest in digests {
        for entry in &digest.digest.logs {
            let claim = Claim { digest, entry };
            let here = tail(&entry.object)
                .and_then(|tail| by_tail.get(&tail))
                .or_else(|| by_name.get(file_name(&entry.object)));
            match here {
                Some(here) => here.iter().for_each(|at| claims.entry(*at).or_default().push(claim)),
                None => missing.entry(&entry.object).or_default().push(claim),
            }
        }
    }

    let covered = CoveredTime::new(digests);
    let there = logs.iter().enumerate().map(|(at, log)| match claims.get(&at) {
        Some(claims) => judge(log, claims),
        None => in_no_digest(log, &covered),
    });
    let missing = missing.into_values().filter_map(|claims| {
        let Claim { digest, entry } = claims.into_iter().max_by_key(|claim| claim.digest.verdict.rank())?;
        let named_by = digest.digest.object.clone();
        Some(Finding {
            kind: FileKind::Log,
            object: entry.object.clone(),
            path: None,
            trail: digest.trail.clone(),
            digest: Some(named_by.clone()),
            verdict: Verdict::Invalid(InvalidReason::Missing { named_by }),
        })
    });
    there.chain(missing).collect()
}

/// The most trustworthy digest counts; of several, the worst that is said.
fn judge(log: &LocalLog<'_>, claims: &[Claim<'_>]) -> Finding {
    let judged = claims.iter().map(|claim| (claim, held_against(log, claim)));
    let chosen = judged
        .min_by_key(|(claim, verdict)| (Reverse(claim.digest.verdict.rank()), verdict.rank()))
        .map(|(claim, verdict)| (claim.digest, claim.entry, verdict));
    let (digest, object, trail, verdict) = match chosen {
        Some((known, entry, verdict)) => {
            (Some(known.digest.object.clone()), entry.object.clone(), known.trail.clone(), verdict)
        }
        None => (
            None,
            log.path.to_owned(),
            Trail::default(),
            Verdict::Unverifiable(UnverifiableReason::InNoDigest),
        ),
    };
    Finding { kind: FileKind::Log, object, path: Some(log.path.to_owned()), trail, digest, verdict }
}

fn held_against(log: &LocalLog<'_>, Claim { digest, entry }: &Claim<'_>) -> Verdict {
    let hash = match log.content {
        Ok(hash) => hash,
        Err(reason) => {
            return Verdict::Invalid(InvalidReason::Unreadable { reason: reason.to_owned() });
        }
    };
    match (entry.hash, &digest.verdict) {
        (None, _) => Verdict::Unverifiable(UnverifiableReason::HashAlgorithm),
        (Some(recorded), _) if recorded != hash => {
            Verdict::Invalid(InvalidReason::Hash { recorded_by: digest.digest.object.clone() })
        }
        (Some(_), Verdict::Valid) => Verdict::Valid,
        (Some(_), Verdict::Consistent(why)) => Verdict::Consistent(why.clone()),
        (Some(_), Verdict::Unverifiable(_)) => Verdict::Unverifiable(UnverifiableReason::DigestUnverifiable),
        (Some(_), Verdict::Invalid(_)) => Verdict::Unverifiable(UnverifiableReason::DigestInvalid),
    }
}

fn in_no_digest(log: &LocalLog<'_>, covered: &CoveredTime<'_>) -> Finding {
    let name = log_name(log.path);
    let reason = match (&name, log.content) {
        (_, Err(reason)) => UnverifiableReason::Unreadable { reason: reason.to_owned() },
        (None, _) => UnverifiableReason::NotDelivered,
        (Some(name), _) => match name.time {
            Some(time) if covered.contains(name.account, name.region, time) => {
                UnverifiableReason::InNoDigestOfItsTime
            }
            _ => UnverifiableReason::InNoDigest,
        },
    };
    let trail = name.map(|name| Trail {
        account: name.account.to_owned(),
        region: name.region.to_owned(),
        ..Trail::default()
    });
    Finding {
        kind: FileKind::Log,
        object: log.path.to_owned(),
        path: Some(log.path.to_owned()),
        trail: trail.unwrap_or_default(),
        digest: None,
        verdict: Verdict::Unverifiable(reason),
    }
}

/// When digests were made, by account and region: stretches that do not overlap, in order.
struct CoveredTime<'d> {
    stretches: BTreeMap<(&'d str, &'d str), Vec<(Timestamp, Timestamp)>>,
}

impl<'d> CoveredTime<'d> {
    fn new(digests: &'d [KnownDigest<'d>]) -> Self {
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for KnownDigest { digest, trail, .. } in digests.iter().filter(|d| !is_backfill(&d.digest.object)) {
            if let (Some(start), Some(end)) = (digest.start, digest.end) {
                all.entry((trail.account.as_str(), trail.region.as_str())).or_default().push((start, end));
            }
        }
        for stretches in all.values_mut() {
            stretches.sort_unstable();
            stretches.dedup_by(|later, earlier| {
                let joins = later.0 <= earlier.1;
                if joins {
                    earlier.1 = earlier.1.max(later.1);
                }
                joins
            });
        }
        Self { stretches: all }
    }

    /// Both ends are inside: a name has no seconds.
    fn contains(&self, account: &str, region: &str, time: Timestamp) -> bool {
        let Some(stretches) = self.stretches.get(&(account, region)) else { return false };
        let before = stretches.partition_point(|(start, _)| *start <= time);
        before.checked_sub(1).and_then(|last| stretches.get(last)).is_some_and(|(_, end)| time <= *end)
    }
}
