//! Signatures of digests: those that were kept beside the files, what is signed, and whether it fits.

use std::collections::BTreeMap;

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::digest_file::{DigestFile, Sha256Hash};
use super::object_key::file_name;
use super::public_key::PublicKey;
use crate::error::IngestError;

/// The one algorithm that digests are signed with.
pub(super) const ALGORITHM: &str = "SHA256withRSA";

/// Signatures from the metadata of objects (`x-amz-meta-signature`), which downloaded files do not have. A digest's
/// signature is also in the digest after it, so that only the newest of a chain needs one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signatures {
    /// By the name of the digest's file, which is unique: account, region, trail and time are in it.
    by_file_name: BTreeMap<String, Vec<String>>,
}

impl Signatures {
    /// Reads lines of a digest's key, path or URL (`s3://bucket/key`), white space, and its signature in hexadecimal.
    /// Empty lines and those that begin with `#` are passed over.
    pub fn read(text: &str) -> Result<Self, IngestError> {
        let mut signatures = Self::default();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let invalid = |reason| IngestError::Signatures { line: at + 1, reason };
            let (object, signature) = line
                .rsplit_once(char::is_whitespace)
                .ok_or_else(|| invalid("not a digest and a signature".to_owned()))?;
            signatures.add(object.trim(), signature).map_err(invalid)?;
        }
        Ok(signatures)
    }

    /// Adds the signature of a digest. The error says why it is none.
    pub fn add(&mut self, object: &str, signature: &str) -> Result<(), String> {
        let signature = signature.trim().trim_matches('"');
        if signature.is_empty() || hex::decode(signature).is_err() {
            return Err("the signature is not hexadecimal".to_owned());
        }
        let name = file_name(object).to_owned();
        self.by_file_name.entry(name).or_default().push(signature.to_owned());
        Ok(())
    }

    /// Adds those of another file.
    pub fn extend(&mut self, other: Self) {
        for (name, signatures) in other.by_file_name {
            self.by_file_name.entry(name).or_default().extend(signatures);
        }
    }

    /// How many digests there are signatures for.
    pub fn len(&self) -> usize {
        self.by_file_name.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_file_name.is_empty()
    }

    /// The names of the files that there are signatures for, without `.gz`.
    pub(super) fn file_names(&self) -> impl Iterator<Item = &str> {
        self.by_file_name.keys().map(String::as_str)
    }

    pub(super) fn of<'s>(&'s self, object: &str) -> impl Iterator<Item = &'s str> {
        self.by_file_name.get(file_name(object)).into_iter().flatten().map(String::as_str)
    }
}

/// What CloudTrail signs: the digest's end, its place, the hash of its uncompressed content, and the signature of the
/// digest before, which is `null` in a first one.
///
/// Source: AWS CloudTrail User Guide, "Recreate the data signing string"; for `null` aws/aws-cli,
/// awscli/customizations/cloudtrail/validation.py.
pub fn data_to_sign(digest: &DigestFile, hash: Sha256Hash) -> String {
    let DigestFile { end_text, bucket, object, previous_signature, .. } = digest;
    let previous = previous_signature.as_deref().unwrap_or("null");
    format!("{end_text}\n{bucket}/{object}\n{hash}\n{previous}")
}

/// Whether a signature is that of the digest by the key.
pub(super) fn fits(signature: &str, digest: &DigestFile, hash: Sha256Hash, key: &PublicKey) -> bool {
    let Ok(signature) = hex::decode(signature) else { return false };
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key.der)
        .verify(data_to_sign(digest, hash).as_bytes(), &signature)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_found_by_the_name_of_the_digest() {
        let text =
            "# the newest\n\ns3://bucket/p/AWSLogs/1/d.json.gz\t0aFF\n  ./AWSLogs/my logs/e.json \"00\" \n";
        let signatures = Signatures::read(text).unwrap();
        assert_eq!(signatures.of("AWSLogs/1/d.json.gz").collect::<Vec<_>>(), ["0aFF"]);
        assert_eq!(signatures.of("elsewhere/e.json.gz").collect::<Vec<_>>(), ["00"]);
        assert_eq!(signatures.of("f.json.gz").count(), 0);
        for (text, reason) in [
            ("\nd.json.gz", "not a digest and a signature"),
            ("#\nd.json.gz None", "the signature is not hexadecimal"),
        ] {
            let error = Signatures::read(text).unwrap_err();
            assert_eq!(error.to_string(), format!("line 2 of the signatures: {reason}"));
        }
    }
}
