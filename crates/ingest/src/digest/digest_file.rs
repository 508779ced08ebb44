//! What a digest file says: which log files were delivered in an hour, and which digest came before.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

/// The SHA-256 hash of a file's uncompressed content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Hash(pub [u8; 32]);

impl Sha256Hash {
    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A digest file, as far as it is needed to check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestFile {
    /// The account whose logs it is about.
    pub account: String,
    /// The start of the time of delivery that it covers, in UTC; `None` where it is no date.
    pub start: Option<Timestamp>,
    /// The end, in UTC; `None` where it is no date.
    pub end: Option<Timestamp>,
    /// The end as written, which is signed.
    pub end_text: String,
    /// The bucket that it was delivered to.
    pub bucket: String,
    /// Its key in that bucket.
    pub object: String,
    /// Which key it is signed with.
    pub fingerprint: String,
    /// How it is signed: `SHA256withRSA`.
    pub signature_algorithm: String,
    /// The digest before it; `None` in the first one since validation or logging began.
    pub previous: Option<PreviousDigest>,
    /// The signature of the previous digest as written, which is signed too.
    pub previous_signature: Option<String>,
    /// The log files that were delivered; none in an hour without any.
    pub logs: Vec<LogEntry>,
}

/// What a digest says of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousDigest {
    /// The bucket that it was delivered to.
    pub bucket: String,
    /// Its key in that bucket.
    pub object: String,
    /// The hash of its content; `None` when it is none of SHA-256.
    pub hash: Option<Sha256Hash>,
}

/// What a digest says of a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The bucket that it was delivered to.
    pub bucket: String,
    /// Its key in that bucket.
    pub object: String,
    /// The hash of its content; `None` when it is none of SHA-256.
    pub hash: Option<Sha256Hash>,
}

impl DigestFile {
    /// Reads the uncompressed content of a digest file. The error says what is wrong with it.
    pub fn read(content: &[u8]) -> Result<Self, String> {
        let wire: Wire = serde_json::from_slice(content).map_err(|error| error.to_string())?;
        let previous = match (wire.previous_digest_s3_bucket, wire.previous_digest_s3_object) {
            (Some(bucket), Some(object)) => {
                let (hash, algorithm) =
                    (wire.previous_digest_hash_value, wire.previous_digest_hash_algorithm);
                let hash = hash.map(|hash| sha256(&hash, algorithm.as_deref(), "previousDigestHashValue"));
                Some(PreviousDigest { bucket, object, hash: hash.transpose()?.flatten() })
            }
            (None, None) => None,
            _ => return Err("it names half of a previous digest".to_owned()),
        };
        let logs = wire.log_files.unwrap_or_default().into_iter().map(|log| {
            let hash = sha256(&log.hash_value, log.hash_algorithm.as_deref(), "hashValue")?;
            Ok(LogEntry { bucket: log.s3_bucket, object: log.s3_object, hash })
        });
        Ok(Self {
            account: wire.aws_account_id,
            start: wire.digest_start_time.parse().ok(),
            end: wire.digest_end_time.parse().ok(),
            end_text: wire.digest_end_time,
            bucket: wire.digest_s3_bucket,
            object: wire.digest_s3_object,
            fingerprint: wire.digest_public_key_fingerprint,
            signature_algorithm: wire.digest_signature_algorithm,
            previous,
            previous_signature: wire.previous_digest_signature,
            logs: logs.collect::<Result<_, String>>()?,
        })
    }
}

/// `None` when the hash is one of another algorithm, which we cannot compare.
fn sha256(text: &str, algorithm: Option<&str>, field: &str) -> Result<Option<Sha256Hash>, String> {
    match algorithm {
        Some("SHA-256") => match Sha256Hash::from_hex(text) {
            Some(hash) => Ok(Some(hash)),
            None => Err(format!("{field} is no SHA-256 hash: {text}")),
        },
        _ => Ok(None),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    aws_account_id: String,
    digest_start_time: String,
    digest_end_time: String,
    digest_s3_bucket: String,
    digest_s3_object: String,
    digest_public_key_fingerprint: String,
    digest_signature_algorithm: String,
    previous_digest_s3_bucket: Option<String>,
    previous_digest_s3_object: Option<String>,
    previous_digest_hash_value: Option<String>,
    previous_digest_hash_algorithm: Option<String>,
    previous_digest_signature: Option<String>,
    log_files: Option<Vec<WireLog>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLog {
    s3_bucket: String,
    s3_object: String,
    hash_value: String,
    hash_algorithm: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_digest_says_what_came_before_and_what_was_delivered() {
        let hash = "ab".repeat(32);
        let mut value = json!({
            "awsAccountId": "111122223333", "digestStartTime": "2026-03-10T09:00:00Z",
            "digestEndTime": "2026-03-10T10:00:00Z", "digestS3Bucket": "b", "digestS3Object": "o",
            "digestPublicKeyFingerprint": "f", "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": null, "previousDigestS3Bucket": "b", "previousDigestS3Object": "p",
            "previousDigestHashValue": hash, "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": "00", "a field to come": {},
            "logFiles": [{"s3Bucket": "b", "s3Object": "l", "hashValue": hash, "hashAlgorithm": "SHA-256"},
                {"s3Bucket": "b", "s3Object": "m", "hashValue": "whatever", "hashAlgorithm": "SHA3-512"}],
        });
        let digest = DigestFile::read(value.to_string().as_bytes()).unwrap();
        let expected = Sha256Hash([0xab; 32]);
        assert_eq!(digest.previous.unwrap().hash, Some(expected));
        assert_eq!(digest.logs.iter().map(|log| log.hash).collect::<Vec<_>>(), [Some(expected), None]);
        assert_eq!(digest.end, Some("2026-03-10T10:00:00Z".parse().unwrap()));

        for field in ["Bucket", "Object"] {
            let mut half = value.clone();
            half[format!("previousDigestS3{field}")] = json!(null);
            assert_eq!(
                DigestFile::read(half.to_string().as_bytes()),
                Err("it names half of a previous digest".to_owned())
            );
        }
        for field in
            ["previousDigestS3Bucket", "previousDigestS3Object", "previousDigestHashValue", "logFiles"]
        {
            value[field] = json!(null);
        }
        let first = DigestFile::read(value.to_string().as_bytes()).unwrap();
        assert_eq!((first.previous, first.logs), (None, Vec::new()));
        value["digestS3Object"] = json!(null);
        assert!(DigestFile::read(value.to_string().as_bytes()).is_err());
    }

    #[test]
    fn a_hash_that_is_none_is_no_digest() {
        let log = json!({"s3Bucket": "b", "s3Object": "l", "hashValue": "abc", "hashAlgorithm": "SHA-256"});
        let value = json!({
            "awsAccountId": "1", "digestStartTime": "", "digestEndTime": "", "digestS3Bucket": "b",
            "digestS3Object": "o", "digestPublicKeyFingerprint": "f", "digestSignatureAlgorithm": "x",
            "logFiles": [log],
        });
        let error = DigestFile::read(value.to_string().as_bytes()).unwrap_err();
        assert_eq!(error, "hashValue is no SHA-256 hash: abc");
    }
}
