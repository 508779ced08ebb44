//! The digest chain: what was changed, removed or added after delivery is found, and what cannot be told is said.

#![expect(clippy::unwrap_used, reason = "in tests a failure may panic")]

mod material;

use std::sync::LazyLock;

use bartizan_ingest as ingest;
use ingest::digest::{
    GapKind, InvalidReason, NoSignatureCheck, PublicKeys, Signatures, UnverifiableReason, Verdict,
    VerdictCounts, Verification, read_file, verify,
};
use ingest::{Buffers, Item, Limits, decode};
use jiff::ToSpan;
use material::{Bucket, Chain, Key, gzip, public_keys};
use proptest::prelude::*;

fn counts(verification: &Verification) -> (VerdictCounts, VerdictCounts) {
    let sum = |of: fn(&ingest::digest::TrailSummary) -> VerdictCounts| {
        verification.trails.iter().map(of).fold(VerdictCounts::default(), |a, b| VerdictCounts {
            valid: a.valid + b.valid,
            consistent: a.consistent + b.consistent,
            missing: a.missing + b.missing,
            invalid: a.invalid + b.invalid,
            unverifiable: a.unverifiable + b.unverifiable,
        })
    };
    let (digests, logs) = (sum(|trail| trail.digests), sum(|trail| trail.logs));
    assert_eq!(digests.total() + logs.total(), verification.findings.len() as u64);
    (digests, logs)
}

#[track_caller]
fn verdict<'v>(verification: &'v Verification, object: &str) -> &'v Verdict {
    let mut found = verification.findings.iter().filter(|finding| finding.object.ends_with(object));
    let first = found.next().unwrap_or_else(|| panic!("no {object} in {verification:#?}"));
    assert!(found.next().is_none(), "{object} twice in {verification:#?}");
    &first.verdict
}

/// Every file that is not as it should be, by its name, with what is said of it.
fn blamed(verification: &Verification) -> Vec<(&str, &str)> {
    verification
        .findings
        .iter()
        .filter(|finding| matches!(finding.verdict, Verdict::Invalid(_)))
        .map(|finding| (finding.object.as_str(), finding.verdict.name()))
        .collect()
}

const NONE: VerdictCounts =
    VerdictCounts { valid: 0, consistent: 0, missing: 0, invalid: 0, unverifiable: 0 };

#[test]
fn an_untouched_chain_is_valid_but_for_its_newest_digest() {
    let key = Key::one();
    let bucket = Bucket::with_hours(&key, 6);
    let keys = public_keys(&[(key.fingerprint, &key)]);

    let offline = bucket.verify(&keys, &Signatures::default());
    let (digests, logs) = counts(&offline);
    assert_eq!(digests, VerdictCounts { valid: 5, unverifiable: 1, ..NONE });
    assert_eq!(logs, VerdictCounts { valid: 5, unverifiable: 1, ..NONE });
    let newest = bucket.digests.last().unwrap();
    assert_eq!(*verdict(&offline, newest), Verdict::Unverifiable(UnverifiableReason::NoSignature));
    assert_eq!(
        *verdict(&offline, bucket.logs.last().unwrap()),
        Verdict::Unverifiable(UnverifiableReason::DigestUnverifiable)
    );
    assert_eq!(offline.gaps, []);

    let whole = bucket.verify(&keys, &bucket.newest_signature());
    assert_eq!(counts(&whole), (VerdictCounts { valid: 6, ..NONE }, VerdictCounts { valid: 6, ..NONE }));
    let [trail] = &whole.trails[..] else { panic!("{:?}", whole.trails) };
    assert_eq!((trail.trail.name.as_str(), trail.trail.home_region.as_str()), ("main_trail", "us-east-1"));
    assert_eq!(trail.from, Some("2026-03-10T09:00:00Z".parse().unwrap()));
    assert_eq!(trail.to, Some("2026-03-10T15:00:00Z".parse().unwrap()));
}

#[test]
fn without_keys_hashes_alone_are_held_against_each_other() {
    let key = Key::one();
    let mut bucket = Bucket::with_hours(&key, 4);
    let signatures = bucket.newest_signature();
    let verification = bucket.verify(&PublicKeys::default(), &signatures);
    let (digests, logs) = counts(&verification);
    assert_eq!(digests, VerdictCounts { consistent: 3, unverifiable: 1, ..NONE });
    assert_eq!(logs, VerdictCounts { consistent: 3, unverifiable: 2, ..NONE });
    assert_eq!(
        *verdict(&verification, &bucket.digests[0]),
        Verdict::Consistent(NoSignatureCheck::NoPublicKeys)
    );
    let newest = verdict(&verification, &bucket.digests[3]);
    let no_keys = UnverifiableReason::NoSignatureCheck(NoSignatureCheck::NoPublicKeys);
    assert_eq!(*newest, Verdict::Unverifiable(no_keys));

    bucket.replace(&bucket.logs[0].clone(), "1.11", "1.12");
    bucket.replace(&bucket.digests[1].clone(), "the-bucket", "the_bucket");
    let verification = bucket.verify(&PublicKeys::default(), &signatures);
    assert_eq!(
        blamed(&verification),
        [(&*bucket.digests[1].replace("the-bucket", "the_bucket"), "invalid"), (&bucket.logs[0], "invalid")]
    );
}

#[test]
fn keys_of_another_region_or_with_a_false_name_prove_nothing() {
    let (one, two) = (Key::one(), Key::two());
    let bucket = Bucket::with_hours(&one, 3);
    let verification = bucket.verify(&public_keys(&[(two.fingerprint, &two)]), &bucket.newest_signature());
    let fingerprint = one.fingerprint.to_owned();
    assert_eq!(
        *verdict(&verification, &bucket.digests[0]),
        Verdict::Consistent(NoSignatureCheck::NoPublicKey { fingerprint })
    );
    assert_eq!(blamed(&verification), []);

    let wrong = public_keys(&[(one.fingerprint, &two)]);
    let (digests, logs) = counts(&bucket.verify(&wrong, &bucket.newest_signature()));
    assert_eq!((digests.valid, digests.consistent, logs.valid, logs.consistent), (0, 0, 0, 0));
    assert_eq!(
        digests.invalid, 2,
        "the newest signature does not fit, nor does what it says of the one before"
    );
}

#[test]
fn a_forged_chain_is_found_by_its_signatures() {
    let (aws, forger) = (Key::one(), Key::two());
    let keys = public_keys(&[(aws.fingerprint, &aws)]);
    let genuine = Bucket::with_hours(&aws, 3);
    let mut forged_key = forger;
    forged_key.fingerprint = aws.fingerprint;
    let forged = Bucket::with_hours(&forged_key, 3);
    assert_eq!(genuine.files.keys().collect::<Vec<_>>(), forged.files.keys().collect::<Vec<_>>());
    let (digests, logs) = counts(&forged.verify(&keys, &Signatures::default()));
    assert_eq!((digests.valid, digests.consistent, logs.valid, logs.consistent), (0, 0, 0, 0));
    assert!(digests.invalid > 0);
}

#[test]
fn a_changed_a_cut_and_a_deleted_log_file_are_found() {
    let key = Key::one();
    let mut bucket = Bucket::with_hours(&key, 4);
    let keys = public_keys(&[(key.fingerprint, &key)]);
    let [changed, deleted, appended] = [0, 1, 2].map(|at| bucket.logs[at].clone());
    bucket.replace(&changed, "1.11", "1.12");
    bucket.files.remove(&deleted);
    bucket.change(&appended, |content| content.push(b'\n'));
    let verification = bucket.verify(&keys, &bucket.newest_signature());
    let recorded_by = bucket.digests[0].clone();
    let named_by = recorded_by.clone();
    assert_eq!(*verdict(&verification, &changed), Verdict::Invalid(InvalidReason::Hash { recorded_by }));
    assert_eq!(*verdict(&verification, &deleted), Verdict::Invalid(InvalidReason::Missing { named_by }));
    assert_eq!(
        blamed(&verification),
        [(&*changed, "invalid"), (&*deleted, "missing"), (&*appended, "invalid")]
    );

    // A file that was cut off.
    let mut files: Vec<_> = bucket
        .files
        .iter()
        .map(|(key, content)| {
            let mut bytes = gzip(content);
            if *key == appended {
                bytes.truncate(bytes.len() - 9);
            }
            read_file(key, &bytes[..], &Limits::default())
        })
        .collect();
    files.reverse();
    let verification = verify(&files, &keys, &bucket.newest_signature());
    let cut = verdict(&verification, &appended);
    assert!(matches!(cut, Verdict::Invalid(InvalidReason::Unreadable { .. })), "{cut:?}");
}

#[test]
fn a_changed_digest_is_found_and_proves_nothing() {
    let key = Key::one();
    let mut bucket = Bucket::with_hours(&key, 4);
    let keys = public_keys(&[(key.fingerprint, &key)]);
    let signatures = bucket.newest_signature();
    // Whoever changes a log file changes its hash in the digest too.
    let (digest, log) = (bucket.digests[0].clone(), bucket.logs[0].clone());
    let before = material::hash(&bucket.files[&log]).to_string();
    bucket.replace(&log, "1.11", "1.12");
    let after = material::hash(&bucket.files[&log]).to_string();
    bucket.replace(&digest, &before, &after);
    let verification = bucket.verify(&keys, &signatures);
    assert_eq!(blamed(&verification), [(&*digest, "invalid")]);
    let log = verdict(&verification, &log);
    assert_eq!(*log, Verdict::Unverifiable(UnverifiableReason::DigestInvalid));

    // And the hash of that digest in the next one, and so on up to the newest, which nothing proves without keys.
    let digest = bucket.digests[3].clone();
    bucket.replace(&digest, "\"oldestEventTime\":null", "\"oldestEventTime\":\"\"");
    let without = bucket.verify(&keys, &Signatures::default());
    assert_eq!(*verdict(&without, &digest), Verdict::Unverifiable(UnverifiableReason::NoSignature));
    let with = bucket.verify(&keys, &signatures);
    assert_eq!(*verdict(&with, &digest), Verdict::Invalid(InvalidReason::Signature { recorded_by: None }));
    bucket.change(&digest, |content| content.truncate(100));
    let broken = bucket.verify(&keys, &signatures);
    assert!(matches!(verdict(&broken, &digest), Verdict::Invalid(InvalidReason::Unreadable { .. })));
}

#[test]
fn what_the_newest_digest_says_of_a_proved_one_must_be_true() {
    let key = Key::one();
    let mut bucket = Bucket::with_hours(&key, 3);
    let keys = public_keys(&[(key.fingerprint, &key)]);
    let newest = bucket.digests[2].clone();
    let hash = material::hash(&bucket.files[&bucket.digests[1]]).to_string();
    bucket.replace(&newest, &hash, &"00".repeat(32));
    let verification = bucket.verify(&keys, &Signatures::default());
    let previous = bucket.digests[1].clone();
    assert_eq!(*verdict(&verification, &previous), Verdict::Valid);
    assert_eq!(*verdict(&verification, &newest), Verdict::Invalid(InvalidReason::Predecessor { previous }));
}

#[test]
fn removed_digests_are_missing_unless_the_chain_begins_behind_them() {
    let key = Key::one();
    let keys = public_keys(&[(key.fingerprint, &key)]);
    let whole = Bucket::with_hours(&key, 6);

    let mut bucket = whole.clone();
    bucket.files.remove(&bucket.digests[2]);
    bucket.files.remove(&bucket.digests[3]);
    let verification = bucket.verify(&keys, &bucket.newest_signature());
    assert_eq!(blamed(&verification), [(&*bucket.digests[3], "missing")]);
    let [gap] = &verification.gaps[..] else { panic!("{:?}", verification.gaps) };
    assert_eq!(gap.kind, GapKind::DigestsMissing);
    assert_eq!(gap.from, Some("2026-03-10T11:00:00Z".parse().unwrap()));
    assert_eq!(gap.to, Some("2026-03-10T13:00:00Z".parse().unwrap()));
    // The digest before the gap has no signature any more; its log files are in no digest, or in one without proof.
    let before = verdict(&verification, &bucket.digests[1]);
    assert_eq!(*before, Verdict::Unverifiable(UnverifiableReason::NoSignature));
    let log = verdict(&verification, &bucket.logs[2]);
    assert_eq!(*log, Verdict::Unverifiable(UnverifiableReason::InNoDigest));

    let mut bucket = whole.clone();
    bucket.files.remove(&bucket.digests[0]);
    bucket.files.remove(&bucket.digests[1]);
    let verification = bucket.verify(&keys, &bucket.newest_signature());
    assert_eq!(blamed(&verification), []);
    let [gap] = &verification.gaps[..] else { panic!("{:?}", verification.gaps) };
    assert_eq!((gap.kind, gap.from), (GapKind::BeginsEarlier, None));

    // An old digest in the place of another does not stand for it.
    let mut bucket = whole;
    let old = bucket.files[&bucket.digests[1]].clone();
    bucket.change(&bucket.digests[3].clone(), |content| *content = old);
    let verification = bucket.verify(&keys, &bucket.newest_signature());
    assert_eq!(blamed(&verification), [(&*bucket.digests[3], "missing")]);
}

#[test]
fn a_digest_of_another_account_stands_for_that_account_alone() {
    let key = Key::one();
    let keys = public_keys(&[(key.fingerprint, &key)]);
    let mut bucket = Bucket::with_hours(&key, 3);
    let mut theirs = Bucket::default();
    let mut chain = Chain::new(&key);
    (chain.account, chain.folder) = ("999999999999", "AWSLogs/999999999999");
    chain.end += 1.hour();
    chain.deliver(&mut theirs, 0);
    let (replaced, digest) = (bucket.digests[1].clone(), theirs.digests[0].clone());
    bucket.change(&replaced, |content| content.clone_from(&theirs.files[&digest]));
    // With its own signature, under the name that it was given.
    let mut signatures = bucket.newest_signature();
    signatures.add(&replaced, &theirs.signatures[&digest]).unwrap();
    let verification = bucket.verify(&keys, &signatures);
    assert_eq!(*verdict(&verification, &digest), Verdict::Valid);
    assert_eq!(verification.trails[1].trail.account, "999999999999");
    assert_eq!(blamed(&verification), [(&*replaced, "missing")]);
    assert_eq!(verification.gaps[0].kind, GapKind::DigestsMissing);
}

#[test]
fn files_in_no_digest_are_told_apart() {
    let key = Key::one();
    let keys = public_keys(&[(key.fingerprint, &key)]);
    let mut bucket = Bucket::with_hours(&key, 3);
    let chain = Chain::new(&key);
    let inside = chain.log(&mut bucket, "2026-03-10T09:30:00Z".parse().unwrap(), 7);
    let outside = chain.log(&mut bucket, "2026-03-10T12:30:00Z".parse().unwrap(), 7);
    bucket.files.insert("notes.txt".to_owned(), b"notes".to_vec());
    let verification = bucket.verify(&keys, &bucket.newest_signature());
    for (object, reason) in [
        (&*inside, UnverifiableReason::InNoDigestOfItsTime),
        (&outside, UnverifiableReason::InNoDigest),
        ("notes.txt", UnverifiableReason::NotDelivered),
    ] {
        assert_eq!(*verdict(&verification, object), Verdict::Unverifiable(reason));
    }
    assert_eq!(blamed(&verification), []);
}

#[test]
fn trails_accounts_and_organisations_are_kept_apart() {
    let (one, two) = (Key::one(), Key::two());
    let keys = public_keys(&[(one.fingerprint, &one), (two.fingerprint, &two)]);
    let mut bucket = Bucket::default();
    let mut chains = [Chain::new(&one), Chain::new(&one), Chain::new(&two), Chain::new(&one)];
    chains[1].name = "other";
    chains[2].region = "us-west-2";
    chains[3].account = "444455556666";
    chains[3].folder = "prefix/AWSLogs/o-abcdefghij/444455556666";
    for _ in 0..3 {
        for chain in &mut chains {
            chain.deliver(&mut bucket, 1);
        }
    }
    let verification = bucket.verify(&keys, &Signatures::default());
    assert_eq!(blamed(&verification), []);
    assert_eq!(verification.gaps, []);
    let names: Vec<_> = verification
        .trails
        .iter()
        .map(|sums| {
            assert_eq!((sums.digests.valid, sums.digests.unverifiable), (2, 1), "{sums:?}");
            assert_eq!((sums.logs.valid, sums.logs.unverifiable), (2, 1), "{sums:?}");
            (sums.trail.account.as_str(), sums.trail.region.as_str(), sums.trail.name.as_str())
        })
        .collect();
    assert_eq!(
        names,
        [
            ("111122223333", "eu-west-1", "main_trail"),
            ("111122223333", "eu-west-1", "other"),
            ("111122223333", "us-west-2", "main_trail"),
            ("444455556666", "eu-west-1", "main_trail"),
        ]
    );
}

#[test]
fn a_restart_is_a_gap_and_late_log_files_are_none() {
    let key = Key::one();
    let keys = public_keys(&[(key.fingerprint, &key)]);
    let mut bucket = Bucket::default();
    let mut chain = Chain::new(&key);
    chain.deliver(&mut bucket, 1);
    chain.deliver(&mut bucket, 1);
    chain.restart();
    chain.end += 3.hours();
    chain.deliver(&mut bucket, 1);
    chain.end += 30.minutes();
    chain.deliver(&mut bucket, 1);
    let mut late = Chain::new(&key);
    late.suffix = "_backfill";
    late.end = "2026-03-10T09:30:00Z".parse().unwrap();
    late.deliver(&mut bucket, 1);
    late.restart();
    late.end += 4.hours();
    late.deliver(&mut bucket, 1);

    let signatures: Vec<String> =
        bucket.signatures.iter().map(|(object, signature)| format!("{object} {signature}")).collect();
    let verification = bucket.verify(&keys, &Signatures::read(&signatures.join("\n")).unwrap());
    let (digests, logs) = counts(&verification);
    assert_eq!((digests, logs), (VerdictCounts { valid: 6, ..NONE }, VerdictCounts { valid: 6, ..NONE }));
    let kinds: Vec<_> = verification.gaps.iter().map(|gap| gap.kind).collect();
    assert_eq!(kinds, [GapKind::Restarted, GapKind::NotAdjacent]);
    assert_eq!(verification.gaps[0].to, Some("2026-03-10T14:00:00Z".parse().unwrap()));
}

#[test]
fn files_may_lie_anywhere_and_be_unpacked() {
    let key = Key::one();
    let keys = public_keys(&[(key.fingerprint, &key)]);
    let bucket = Bucket::with_hours(&key, 4);
    let (digests, logs) = counts(&bucket.verify(&keys, &bucket.newest_signature()));
    let mut signatures = bucket.newest_signature();
    signatures.add("AWSLogs/another.json.gz", "00").unwrap();
    assert_eq!(bucket.verify(&keys, &signatures).unused_signatures, ["another.json"]);
    for path in [
        |key: &str| format!("C:\\moved\\{}", key.replace('/', "\\")),
        |key: &str| format!("/other/prefix/{key}"),
        |key: &str| format!("/flat/{}", key.rsplit('/').next().unwrap()),
        |key: &str| format!("/unpacked/{}", key.strip_suffix(".gz").unwrap()),
    ] {
        let moved = bucket.verify_at(&keys, &bucket.newest_signature(), path);
        assert_eq!(counts(&moved), (digests, logs));
    }
    let files: Vec<_> = bucket
        .files
        .iter()
        .map(|(key, content)| read_file(key.strip_suffix(".gz").unwrap(), &content[..], &Limits::default()))
        .collect();
    assert_eq!(counts(&verify(&files, &keys, &bucket.newest_signature())), (digests, logs));

    // Two copies are two files: a changed one beside the right one is found.
    let mut files = files;
    let log = &bucket.logs[0];
    files.push(read_file(&format!("/copy/{log}"), &b"{}"[..], &Limits::default()));
    let verification = verify(&files, &keys, &bucket.newest_signature());
    assert_eq!(blamed(&verification), [(log.as_str(), "invalid")]);
}

#[test]
fn nothing_given_is_nothing_found() {
    assert_eq!(verify(&[], &PublicKeys::default(), &Signatures::default()), Verification::default());
}

/// A chain of six hours, and the keys to it.
static SIX_HOURS: LazyLock<(Bucket, PublicKeys)> = LazyLock::new(|| {
    let key = Key::one();
    (Bucket::with_hours(&key, 6), public_keys(&[(key.fingerprint, &key)]))
});

/// What a hunt reads of a file.
fn records(bytes: &[u8]) -> Vec<String> {
    let mut records = Vec::new();
    decode(bytes, &Limits::default(), &mut Buffers::new(), &mut |item| match item {
        Item::Record(record) => records.push(record.text.to_owned()),
        Item::Fault(fault) => records.push(fault.reason.to_string()),
    });
    records
}

/// Every file that is there has one finding; those that are not are missing.
fn accounts_for_all(bucket: &Bucket, verification: &Verification) {
    let mut paths: Vec<_> = verification.findings.iter().filter_map(|f| f.path.as_deref()).collect();
    paths.sort_unstable();
    let there: Vec<_> = bucket.files.keys().map(|key| format!("/evidence/{key}")).collect();
    assert_eq!(paths, there);
    for finding in verification.findings.iter().filter(|finding| finding.path.is_none()) {
        assert_eq!(finding.verdict.name(), "missing", "{finding:?}");
    }
    counts(verification);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// With the signature of the newest digest, no byte of any file can be changed unnoticed; without keys, none of a
    /// digest or log file that a later digest vouches for.
    #[test]
    fn any_changed_byte_is_found(file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let (mut bucket, keys) = SIX_HOURS.clone();
        let signatures = bucket.newest_signature();
        let name = bucket.files.keys().nth(file.index(bucket.files.len())).unwrap().clone();
        bucket.change(&name, |content| { let at = at.index(content.len()); content[at] ^= flip });

        let found = bucket.verify(&keys, &signatures);
        accounts_for_all(&bucket, &found);
        // The changed file itself never passes. That its signature is by a key that we have, it alone says.
        let path = format!("/evidence/{name}");
        let own = found.findings.iter().find(|finding| finding.path.as_ref() == Some(&path)).unwrap();
        let newest = bucket.digests.last().unwrap();
        match &own.verdict {
            Verdict::Invalid(_) => {}
            Verdict::Unverifiable(UnverifiableReason::NoSignatureCheck(_)) if name == *newest => {}
            _ => prop_assert!(false, "{own:?}"),
        }

        if name != *newest {
            let found = bucket.verify(&PublicKeys::default(), &Signatures::default());
            accounts_for_all(&bucket, &found);
            prop_assert!(!blamed(&found).is_empty(), "{name}");
        }
        let found = bucket.verify(&keys, &Signatures::default());
        accounts_for_all(&bucket, &found);
        let own = found.findings.iter().find(|finding| finding.path.as_ref() == Some(&path)).unwrap();
        prop_assert!(own.verdict != Verdict::Valid);
        prop_assert!(name == *newest || !blamed(&found).is_empty(), "{name}");
    }

    /// Some bytes of a compressed file are no content: the header, and unused bits. Whatever passes is read as it was
    /// delivered.
    #[test]
    fn any_changed_byte_of_a_compressed_file_is_found(at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let (bucket, keys) = &*SIX_HOURS;
        let name = &bucket.logs[0];
        let mut bytes = gzip(&bucket.files[name]);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let files: Vec<_> = bucket.files.iter().map(|(key, content)| {
            let bytes = if key == name { bytes.clone() } else { gzip(content) };
            read_file(key, &bytes[..], &Limits::default())
        }).collect();
        let verification = verify(&files, keys, &bucket.newest_signature());
        let verdict = verdict(&verification, name);
        match verdict {
            Verdict::Valid => prop_assert_eq!(records(&bytes), records(&bucket.files[name]), "{}", at),
            verdict => prop_assert!(matches!(verdict, Verdict::Invalid(_)), "{at}: {verdict:?}"),
        }
    }

    /// Whatever is removed, everything else has a finding, and nothing is valid that was not.
    #[test]
    fn any_removed_files_are_accounted_for(kept in prop::collection::vec(any::<bool>(), 12)) {
        let (mut bucket, keys) = SIX_HOURS.clone();
        let signatures = bucket.newest_signature();
        let mut kept = kept.into_iter();
        bucket.files.retain(|_, _| kept.next().unwrap_or(true));
        let verification = bucket.verify(&keys, &signatures);
        accounts_for_all(&bucket, &verification);
        for finding in &verification.findings {
            let is_missing = finding.path.is_none();
            prop_assert_eq!(is_missing, !bucket.files.contains_key(finding.object.trim_start_matches("/evidence/")), "{:?}", finding);
            prop_assert_eq!(is_missing, matches!(finding.verdict, Verdict::Invalid(_)), "{:?}", finding);
        }
        // A removed log file whose digest is there is missing.
        for (digest, logs) in bucket.digests.iter().zip([0..2, 2..2, 2..3, 3..5, 5..5, 5..6]) {
            if bucket.files.contains_key(digest) {
                for log in &bucket.logs[logs] {
                    let named = verification.findings.iter().any(|finding| finding.object == *log);
                    prop_assert!(named, "{log} of {digest}");
                }
            }
        }
    }
}
