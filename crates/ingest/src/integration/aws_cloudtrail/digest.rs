//! Digest files: CloudTrail's own hash chain over the log files that it delivered.

use serde_json::{Map, Value};

use super::instant::read_instant;
use super::moves::{move_keys, put};

const FIELDS: [(&str, &str); 8] = [
    ("previousDigestS3Object", "previous_s3_object"),
    ("previousDigestSignature", "previous_signature"),
    ("previousDigestHashValue", "previous_hash_value"),
    ("logFiles", "log_files"),
    ("digestS3Bucket", "s3_bucket"),
    ("previousDigestS3Bucket", "previous_s3_bucket"),
    ("previousDigestHashAlgorithm", "previous_hash_algorithm"),
    ("digestSignatureAlgorithm", "signature_algorithm"),
];
const DATES: [(&str, &str); 4] = [
    ("digestStartTime", "start_time"),
    ("digestEndTime", "end_time"),
    ("newestEventTime", "newest_event_time"),
    ("oldestEventTime", "oldest_event_time"),
];

/// Moves the fields of a digest into `aws.cloudtrail.flattened.digest`; empty for every other record.
///
/// Its `end_time` is the record's time, as a digest has no `eventTime`.
pub(super) fn digest(record: &mut Map<String, Value>, errors: &mut Vec<String>) -> Map<String, Value> {
    let mut digest = Map::new();
    move_keys(record, &mut digest, &FIELDS);
    let own = record.remove("digestPublicKeyFingerprint");
    put(&mut digest, "public_key_fingerprint", own.or_else(|| record.remove("publicKeyFingerprint")));
    for (raw, field) in DATES {
        if let Some(value) = record.remove(raw) {
            match read_instant(&value) {
                Some(at) => put(&mut digest, field, Some(at)),
                None => errors.push(format!("the digest's {raw} {value} is no date")),
            }
        }
    }
    digest
}
