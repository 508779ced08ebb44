//! Digests held against the signatures and hashes in the digests after them, and log files against digests.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::content::{FileContent, LocalFile};
use super::digest_file::{DigestFile, Sha256Hash};
use super::finding::{FileKind, Finding, InvalidReason, NoSignatureCheck, UnverifiableReason, Verdict};
use super::gap::{Gap, gaps};
use super::log_files;
use super::object_key::{Trail, file_name, is_backfill, trail_of_digest};
use super::public_key::{PublicKey, PublicKeys};
use super::signature::{self, Signatures};
use super::summary::{TrailSummary, summaries};

/// What came of all files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// One for each file given and each file that a digest names: digests first, each by trail and key.
    pub findings: Vec<Finding>,
    /// Where the digests of a trail do not follow each other, by trail and time.
    pub gaps: Vec<Gap>,
    /// Sums by account, region and trail.
    pub trails: Vec<TrailSummary>,
    /// The digests that signatures were given for and that are not there: the names of their files, without `.gz`.
    pub unused_signatures: Vec<String>,
}

/// A digest that could be read.
pub(super) struct KnownDigest<'f> {
    pub(super) path: &'f str,
    pub(super) digest: &'f DigestFile,
    hash: Sha256Hash,
    pub(super) trail: Trail,
    pub(super) verdict: Verdict,
}

/// Checks files against each other, the keys and the signatures. What was downloaded may lie anywhere: files are known
/// by their keys from `AWSLogs/` on, else by their names, which are unique.
///
/// A digest is valid when a signature of it fits: one that the digest after it has, or one that is given. Its hash in a
/// valid digest proves as much. The newest digest of a chain has no digest after it; log files that only it names are
/// as unverifiable as itself.
pub fn verify(files: &[LocalFile], keys: &PublicKeys, signatures: &Signatures) -> Verification {
    let mut digests: Vec<KnownDigest<'_>> = files
        .iter()
        .filter_map(|file| match &file.content {
            FileContent::Digest { digest, hash } => Some(KnownDigest {
                path: &file.path,
                digest,
                hash: *hash,
                trail: trail_of(&file.path, digest),
                verdict: Verdict::Unverifiable(UnverifiableReason::NoSignature),
            }),
            _ => None,
        })
        .collect();
    // Later ones first: what a digest says of the one before it weighs as much as it is itself worth.
    digests.sort_by_key(|known| Reverse((known.digest.end, &known.digest.object, known.path)));
    judge_digests(&mut digests, keys, signatures);
    for known in &mut digests {
        if known.verdict.rank() > Verdict::Unverifiable(UnverifiableReason::NoSignature).rank() {
            // What it says is what was signed; its file may lie under any name.
            known.trail = trail_of(&known.digest.object, known.digest);
        }
    }

    let mut findings: Vec<Finding> = digests.iter().map(finding).collect();
    findings.extend(files.iter().filter_map(broken_digest));
    findings.extend(missing_digests(&digests, &findings));
    findings.extend(log_files::findings(files, &digests));
    findings
        .sort_by(|a, b| (a.kind, &a.trail, &a.object, &a.path).cmp(&(b.kind, &b.trail, &b.object, &b.path)));

    let times: Vec<_> =
        digests.iter().map(|known| (known.trail.clone(), known.digest.start, known.digest.end)).collect();
    let mut chains: BTreeMap<&Trail, Vec<&DigestFile>> = BTreeMap::new();
    for known in digests.iter().filter(|known| !is_backfill(&known.digest.object)) {
        chains.entry(&known.trail).or_default().push(known.digest);
    }
    let there: BTreeSet<&str> = digests.iter().flat_map(names).collect();
    let unused = signatures.file_names().filter(|name| !there.contains(name));
    Verification {
        unused_signatures: unused.map(str::to_owned).collect(),
        gaps: chains.iter().flat_map(|(trail, digests)| gaps(trail, digests)).collect(),
        trails: summaries(&findings, &times),
        findings,
    }
}

/// What the path says comes first: a changed digest may say anything.
fn trail_of(path: &str, digest: &DigestFile) -> Trail {
    trail_of_digest(path)
        .or_else(|| trail_of_digest(&digest.object))
        .unwrap_or_else(|| Trail { account: digest.account.clone(), ..Trail::default() })
}

/// The names that a digest may be named by. That it lies under another than its own may be a change of it.
fn names<'f>(known: &KnownDigest<'f>) -> BTreeSet<&'f str> {
    BTreeSet::from([file_name(&known.digest.object), file_name(known.path)])
}

fn judge_digests(digests: &mut [KnownDigest<'_>], keys: &PublicKeys, signatures: &Signatures) {
    let mut named_by: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, known) in digests.iter().enumerate() {
        if let Some(previous) = &known.digest.previous {
            named_by.entry(file_name(&previous.object)).or_default().push(at);
        }
    }
    for at in 0..digests.len() {
        let Some(known) = digests.get(at) else { continue };
        let mut nexts: Vec<&KnownDigest<'_>> = names(known)
            .into_iter()
            .flat_map(|name| named_by.get(name).into_iter().flatten())
            .filter_map(|next| digests.get(*next))
            .collect();
        nexts.sort_by_key(|next| Reverse(next.verdict.rank()));
        let verdict = judge_digest(known, &nexts, keys, signatures);
        if let Some(known) = digests.get_mut(at) {
            known.verdict = verdict;
        }
    }
    for (at, previous) in contradictions(digests, keys) {
        if let Some(known) = digests.get_mut(at) {
            known.verdict = Verdict::Invalid(InvalidReason::Predecessor { previous });
        }
    }
}

/// `nexts` are the digests that name this one, the most trustworthy first.
fn judge_digest(
    known: &KnownDigest<'_>,
    nexts: &[&KnownDigest<'_>],
    keys: &PublicKeys,
    signatures: &Signatures,
) -> Verdict {
    let KnownDigest { digest, hash, .. } = known;
    let given: Vec<&str> = names(known).into_iter().flat_map(|name| signatures.of(name)).collect();
    let recorded: Vec<_> =
        nexts.iter().filter_map(|next| Some((*next, next.digest.previous_signature.as_deref()?))).collect();
    let recorded_hash =
        nexts.iter().find_map(|next| Some((*next, next.digest.previous.as_ref()?.hash? == *hash)));
    let cannot_check = match usable_key(digest, keys) {
        Ok(key) => {
            let fits = |signature: &str| signature::fits(signature, digest, *hash, key);
            if given.iter().any(|given| fits(given)) || recorded.iter().any(|(_, recorded)| fits(recorded)) {
                return Verdict::Valid;
            }
            let weighty = recorded.first().filter(|(next, _)| next.verdict.rank() > 0);
            match (recorded_hash, weighty) {
                // The hash says more plainly what is wrong.
                (Some((_, false)), _) => {}
                (_, Some((next, _))) => {
                    let recorded_by = Some(next.digest.object.clone());
                    return Verdict::Invalid(InvalidReason::Signature { recorded_by });
                }
                _ if !given.is_empty() => {
                    return Verdict::Invalid(InvalidReason::Signature { recorded_by: None });
                }
                _ => {}
            }
            None
        }
        Err(why) => Some(why),
    };
    match (recorded_hash, cannot_check) {
        (Some((next, false)), _) => {
            Verdict::Invalid(InvalidReason::Hash { recorded_by: next.digest.object.clone() })
        }
        (Some((next, true)), why) => match &next.verdict {
            Verdict::Valid => Verdict::Valid,
            Verdict::Invalid(_) => {
                Verdict::Unverifiable(UnverifiableReason::NextInvalid { next: next.digest.object.clone() })
            }
            _ => Verdict::Consistent(why.unwrap_or(NoSignatureCheck::NotRecorded)),
        },
        (None, Some(why)) if !given.is_empty() || !recorded.is_empty() => {
            Verdict::Unverifiable(UnverifiableReason::NoSignatureCheck(why))
        }
        (None, _) => Verdict::Unverifiable(UnverifiableReason::NoSignature),
    }
}

fn usable_key<'k>(digest: &DigestFile, keys: &'k PublicKeys) -> Result<&'k PublicKey, NoSignatureCheck> {
    if keys.is_empty() {
        return Err(NoSignatureCheck::NoPublicKeys);
    }
    if digest.signature_algorithm != signature::ALGORITHM {
        return Err(NoSignatureCheck::Algorithm { algorithm: digest.signature_algorithm.clone() });
    }
    keys.get(&digest.fingerprint)
        .ok_or_else(|| NoSignatureCheck::NoPublicKey { fingerprint: digest.fingerprint.clone() })
}

/// Digests without a signature of their own that say something else of the digest before them than its signature.
fn contradictions(digests: &[KnownDigest<'_>], keys: &PublicKeys) -> Vec<(usize, String)> {
    let mut valid: BTreeMap<&str, Vec<&KnownDigest<'_>>> = BTreeMap::new();
    for known in digests.iter().filter(|known| known.verdict == Verdict::Valid) {
        valid.entry(file_name(&known.digest.object)).or_default().push(known);
    }
    let contradicts = |known: &KnownDigest<'_>| {
        let previous = known.digest.previous.as_ref()?;
        let candidates = valid.get(file_name(&previous.object))?;
        let agrees = |candidate: &&KnownDigest<'_>| {
            let same_hash = previous.hash.is_none_or(|hash| hash == candidate.hash);
            let recorded = known.digest.previous_signature.as_deref();
            let same_signature = match (usable_key(candidate.digest, keys), recorded) {
                (Ok(key), Some(recorded)) => signature::fits(recorded, candidate.digest, candidate.hash, key),
                _ => true,
            };
            same_hash && same_signature
        };
        (!candidates.iter().any(agrees)).then(|| previous.object.clone())
    };
    digests
        .iter()
        .enumerate()
        .filter(|(_, known)| known.verdict.rank() == 1)
        .filter_map(|(at, known)| Some((at, contradicts(known)?)))
        .collect()
}

fn finding(known: &KnownDigest<'_>) -> Finding {
    Finding {
        kind: FileKind::Digest,
        object: known.digest.object.clone(),
        path: Some(known.path.to_owned()),
        trail: known.trail.clone(),
        digest: None,
        verdict: known.verdict.clone(),
    }
}

fn broken_digest(file: &LocalFile) -> Option<Finding> {
    let FileContent::BrokenDigest { reason } = &file.content else { return None };
    Some(Finding {
        kind: FileKind::Digest,
        object: file.path.clone(),
        path: Some(file.path.clone()),
        trail: trail_of_digest(&file.path).unwrap_or_default(),
        digest: None,
        verdict: Verdict::Invalid(InvalidReason::Unreadable { reason: reason.clone() }),
    })
}

/// Digests that others name and that are not there, unless the chain begins with the digest that names them.
fn missing_digests(digests: &[KnownDigest<'_>], found: &[Finding]) -> Vec<Finding> {
    let mut present: BTreeSet<&str> = digests.iter().map(|known| file_name(&known.digest.object)).collect();
    let invalid = found.iter().filter(|finding| matches!(finding.verdict, Verdict::Invalid(_)));
    present.extend(invalid.filter_map(|finding| finding.path.as_deref()).map(file_name));
    let mut first_ends: BTreeMap<(&Trail, bool), _> = BTreeMap::new();
    for known in digests {
        // Sorted from the last to the first.
        first_ends.insert((&known.trail, is_backfill(&known.digest.object)), known.digest.end);
    }
    let mut missing: BTreeMap<&str, Finding> = BTreeMap::new();
    for known in digests {
        let Some(previous) = &known.digest.previous else { continue };
        let chain = (&known.trail, is_backfill(&known.digest.object));
        let is_first = first_ends.get(&chain).is_none_or(|first| *first >= known.digest.end);
        let name = file_name(&previous.object);
        if is_first || present.contains(name) {
            continue;
        }
        missing.entry(name).or_insert_with(|| Finding {
            kind: FileKind::Digest,
            object: previous.object.clone(),
            path: None,
            trail: trail_of_digest(&previous.object).unwrap_or_else(|| known.trail.clone()),
            digest: Some(known.digest.object.clone()),
            verdict: Verdict::Invalid(InvalidReason::Missing { named_by: known.digest.object.clone() }),
        });
    }
    missing.into_values().collect()
}
