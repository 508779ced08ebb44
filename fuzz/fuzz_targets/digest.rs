//! Reads any bytes as a digest and as a log file; each file has one finding, and nothing is valid without keys.

#![no_main]

use ingest::Limits;
use ingest::digest::{PublicKeys, Signatures, Verdict, read_file, verify};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { decompressed_bytes: 1 << 20, ..Limits::default() };
    let digest = "1_CloudTrail-Digest_eu-west-1_main_eu-west-1_20260310T130000Z.json.gz";
    let halves = bytes.split_at(bytes.len() / 2);
    let files = [
        read_file(digest, bytes, &limits),
        read_file("AWSLogs/1/a.json.gz", halves.0, &limits),
        read_file("any", halves.1, &limits),
    ];
    let keys = PublicKeys::read(bytes).unwrap_or_default();
    let signatures = std::str::from_utf8(bytes).ok().and_then(|text| Signatures::read(text).ok());
    for keys in [keys, PublicKeys::default()] {
        let verification = verify(&files, &keys, &signatures.clone().unwrap_or_default());
        let found = verification.findings.iter().filter(|finding| finding.path.is_some()).count();
        assert_eq!(found, files.len());
        let valid = verification.findings.iter().any(|finding| finding.verdict == Verdict::Valid);
        assert!(!valid || !keys.is_empty());
    }
});
