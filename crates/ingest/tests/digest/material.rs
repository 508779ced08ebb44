//! A bucket of log files and digests as CloudTrail would fill it, signed with keys made for these tests alone.

use std::collections::BTreeMap;
use std::io::Write;

use bartizan_ingest as ingest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ingest::Limits;
use ingest::digest::{
    DigestFile, PublicKeys, Sha256Hash, Signatures, Verification, data_to_sign, read_file, verify,
};
use jiff::{Timestamp, ToSpan};
use ring::rsa::KeyPair as RsaKeys;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A key of a region.
pub(crate) struct Key {
    pub(crate) fingerprint: &'static str,
    pair: RsaKeyPair,
}

impl Key {
    pub(crate) fn one() -> Self {
        Self { fingerprint: "11".repeat(16).leak(), pair: pair(include_bytes!("test_key_one.pkcs8")) }
    }

    pub(crate) fn two() -> Self {
        Self { fingerprint: "22".repeat(16).leak(), pair: pair(include_bytes!("test_key_two.pkcs8")) }
    }

    fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
        hex::encode(signature)
    }
}

fn pair(pkcs8: &[u8]) -> RsaKeyPair {
    RsaKeys::from_pkcs8(pkcs8).unwrap()
}

/// The answer of `list-public-keys` with these keys, under the fingerprints given.
pub(crate) fn public_keys(keys: &[(&str, &Key)]) -> PublicKeys {
    let list: Vec<Value> = keys
        .iter()
        .map(|(fingerprint, key)| {
            json!({"Fingerprint": fingerprint, "Value": STANDARD.encode(key.pair.public_key()),
                "ValidityStartTime": 1_453_076_702.0, "ValidityEndTime": 1_455_668_702.0})
        })
        .collect();
    PublicKeys::read(json!({ "PublicKeyList": list }).to_string().as_bytes()).unwrap()
}

/// What was delivered: uncompressed content by key, and each digest's signature.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bucket {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) signatures: BTreeMap<String, String>,
    /// The digests in the order of their delivery.
    pub(crate) digests: Vec<String>,
    pub(crate) logs: Vec<String>,
}

/// One trail in one region, with what its next digest has to say of the last one.
pub(crate) struct Chain<'k> {
    pub(crate) folder: &'static str,
    pub(crate) account: &'static str,
    pub(crate) region: &'static str,
    pub(crate) name: &'static str,
    pub(crate) key: &'k Key,
    pub(crate) suffix: &'static str,
    pub(crate) end: Timestamp,
    previous: Option<String>,
}

pub(crate) const BUCKET: &str = "the-bucket";

impl<'k> Chain<'k> {
    pub(crate) fn new(key: &'k Key) -> Self {
        Self {
            folder: "AWSLogs/111122223333",
            account: "111122223333",
            region: "eu-west-1",
            name: "main_trail",
            key,
            suffix: "",
            end: "2026-03-10T09:00:00Z".parse().unwrap(),
            previous: None,
        }
    }

    /// Delivers an hour: so many log files, and the digest that names them.
    pub(crate) fn deliver(&mut self, bucket: &mut Bucket, logs: usize) {
        let (start, end) = (self.end, self.end + 1.hour());
        self.end = end;
        let entries: Vec<Value> = (0..logs)
            .map(|number| {
                let log = self.log(bucket, start + 10.minutes(), number);
                json!({"s3Bucket": BUCKET, "s3Object": log, "hashValue": hash(&bucket.files[&log]).to_string(),
                    "hashAlgorithm": "SHA-256", "newestEventTime": start.to_string(), "oldestEventTime": start.to_string()})
            })
            .collect();
        self.digest(bucket, start, end, &entries);
    }

    /// Delivers a log file.
    pub(crate) fn log(&self, bucket: &mut Bucket, at: Timestamp, number: usize) -> String {
        let Self { folder, account, region, .. } = self;
        let (day, minute) = (at.strftime("%Y/%m/%d"), at.strftime("%Y%m%dT%H%MZ"));
        let name = format!("{account}_CloudTrail_{region}_{minute}_{}{number}.json.gz", self.name.len());
        let log = format!("{folder}/CloudTrail/{region}/{day}/{name}");
        let content = json!({"Records": [{"eventVersion": "1.11", "eventID": format!("{log}/{number}")}]});
        bucket.files.insert(log.clone(), content.to_string().into_bytes());
        bucket.logs.push(log.clone());
        log
    }

    /// Validation is turned off and on: the next digest names none before it.
    pub(crate) fn restart(&mut self) {
        self.previous = None;
    }

    fn digest(&mut self, bucket: &mut Bucket, start: Timestamp, end: Timestamp, logs: &[Value]) {
        let Self { folder, account, region, name, suffix, .. } = self;
        let (day, second) = (end.strftime("%Y/%m/%d"), end.strftime("%Y%m%dT%H%M%SZ"));
        let object = format!(
            "{folder}/CloudTrail-Digest/{region}/{day}/{account}_CloudTrail-Digest_{region}_{name}_us-east-1_{second}{suffix}.json.gz"
        );
        let previous = self.previous.as_ref();
        let content = json!({
            "awsAccountId": account, "digestStartTime": start.to_string(), "digestEndTime": end.to_string(),
            "digestS3Bucket": BUCKET, "digestS3Object": object,
            "digestPublicKeyFingerprint": self.key.fingerprint, "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": null, "oldestEventTime": null,
            "previousDigestS3Bucket": previous.map(|_| BUCKET), "previousDigestS3Object": previous,
            "previousDigestHashValue": previous.map(|object| hash(&bucket.files[object]).to_string()),
            "previousDigestHashAlgorithm": previous.map(|_| "SHA-256"),
            "previousDigestSignature": previous.map(|object| &bucket.signatures[object]),
            "logFiles": logs,
        });
        let content = content.to_string().into_bytes();
        let read = DigestFile::read(&content).unwrap();
        let signature = self.key.sign(&data_to_sign(&read, hash(&content)));
        bucket.signatures.insert(object.clone(), signature);
        bucket.files.insert(object.clone(), content);
        bucket.digests.push(object.clone());
        self.previous = Some(object);
    }
}

impl Bucket {
    /// Some hours of one trail, with 2, 0, 1, 2, 0 … log files.
    pub(crate) fn with_hours(key: &Key, hours: usize) -> Self {
        let mut bucket = Self::default();
        let mut chain = Chain::new(key);
        for hour in 0..hours {
            chain.deliver(&mut bucket, [2, 0, 1][hour % 3]);
        }
        bucket
    }

    /// Downloads everything to a folder, as it lies in the bucket, and checks it.
    pub(crate) fn verify(&self, keys: &PublicKeys, signatures: &Signatures) -> Verification {
        self.verify_at(keys, signatures, |key| format!("/evidence/{key}"))
    }

    pub(crate) fn verify_at(
        &self,
        keys: &PublicKeys,
        signatures: &Signatures,
        path: impl Fn(&str) -> String,
    ) -> Verification {
        let files: Vec<_> = self
            .files
            .iter()
            .map(|(key, content)| read_file(&path(key), &gzip(content)[..], &Limits::default()))
            .collect();
        verify(&files, keys, signatures)
    }

    /// The signature of the newest digest, as it was kept from its metadata.
    pub(crate) fn newest_signature(&self) -> Signatures {
        let newest = self.digests.last().unwrap();
        Signatures::read(&format!("s3://{BUCKET}/{newest} {}", self.signatures[newest])).unwrap()
    }

    pub(crate) fn change(&mut self, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.files.get_mut(key).unwrap());
    }

    /// Replaces a text within a file.
    pub(crate) fn replace(&mut self, key: &str, from: &str, to: &str) {
        self.change(key, |content| {
            let text = String::from_utf8(content.clone()).unwrap();
            assert!(text.contains(from), "{text}");
            *content = text.replace(from, to).into_bytes();
        });
    }
}

pub(crate) fn hash(content: &[u8]) -> Sha256Hash {
    Sha256Hash(Sha256::digest(content).into())
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
