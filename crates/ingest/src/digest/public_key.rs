//! The public keys that digests are signed for: the answers of `aws cloudtrail list-public-keys`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::error::IngestError;

/// A public key of CloudTrail, of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// `RSAPublicKey` of PKCS#1, in DER.
    pub der: Vec<u8>,
}

/// Public keys by their fingerprints.
///
/// They are what everything else rests on: take them from AWS and keep them where the logs are not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicKeys {
    keys: BTreeMap<String, PublicKey>,
}

/// What stands before a PKCS#1 key in a `SubjectPublicKeyInfo`: the algorithm, `rsaEncryption`.
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

impl PublicKeys {
    /// Reads one or several answers of `aws cloudtrail list-public-keys`, one after the other: of several regions, for
    /// instance, since each has its own keys. Which of them a digest was signed with, its fingerprint alone says.
    pub fn read(json: &[u8]) -> Result<Self, IngestError> {
        let invalid = |reason: String| IngestError::PublicKeys { reason };
        let mut keys = BTreeMap::new();
        for answer in serde_json::Deserializer::from_slice(json).into_iter::<Answer>() {
            for key in answer.map_err(|error| invalid(error.to_string()))?.public_key_list {
                let der = STANDARD
                    .decode(key.value.trim())
                    .map_err(|error| invalid(format!("the key {}: {error}", key.fingerprint)))?;
                let der = pkcs1(&der)
                    .ok_or_else(|| invalid(format!("the key {} is no RSA key in DER", key.fingerprint)))?
                    .to_vec();
                let read = PublicKey { der };
                match keys.get(&key.fingerprint) {
                    Some(PublicKey { der, .. }) if *der != read.der => {
                        return Err(invalid(format!(
                            "two different keys have the fingerprint {}",
                            key.fingerprint
                        )));
                    }
                    _ => keys.insert(key.fingerprint, read),
                };
            }
        }
        if keys.is_empty() {
            return Err(invalid(
                "there is no key in it: its `PublicKeyList` is empty, or there is none".to_owned(),
            ));
        }
        Ok(Self { keys })
    }

    /// Adds the keys of another file. Fails when the same fingerprint stands for another key there.
    pub fn merge(&mut self, other: Self) -> Result<(), IngestError> {
        for (fingerprint, key) in other.keys {
            if self.keys.get(&fingerprint).is_some_and(|known| known.der != key.der) {
                let reason = format!("two different keys have the fingerprint {fingerprint}");
                return Err(IngestError::PublicKeys { reason });
            }
            self.keys.insert(fingerprint, key);
        }
        Ok(())
    }

    /// The key with a fingerprint.
    pub fn get(&self, fingerprint: &str) -> Option<&PublicKey> {
        self.keys.get(fingerprint)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none: then no signature can be checked.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[derive(Deserialize)]
struct Answer {
    // The user guide's sample has it in lower case.
    #[serde(rename = "PublicKeyList", alias = "publicKeyList")]
    public_key_list: Vec<WireKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireKey {
    value: String,
    fingerprint: String,
}

/// The PKCS#1 key itself, also where it is wrapped as a `SubjectPublicKeyInfo`, as one of the guide's samples is.
fn pkcs1(der: &[u8]) -> Option<&[u8]> {
    let inner = sequence(der)?;
    let Some(wrapped) = inner.strip_prefix(&RSA_ENCRYPTION) else { return Some(der) };
    let (_no_unused_bits, key) = element(wrapped, 0x03)?.split_first()?;
    sequence(key).map(|_| key)
}

fn sequence(der: &[u8]) -> Option<&[u8]> {
    element(der, 0x30)
}

/// The content of the one element of this tag that the bytes are.
fn element(der: &[u8], tag: u8) -> Option<&[u8]> {
    let (length, content) = match *der {
        [found, short @ 0..=0x7f, ref content @ ..] if found == tag => (usize::from(short), content),
        [found, 0x81, length, ref content @ ..] if found == tag => (usize::from(length), content),
        [found, 0x82, high, low, ref content @ ..] if found == tag => {
            (usize::from(u16::from_be_bytes([high, low])), content)
        }
        _ => return None,
    };
    (content.len() == length).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn answer(keys: &[(&str, &[u8])]) -> String {
        let keys: Vec<Value> = keys
            .iter()
            .map(|(fingerprint, der)| {
                json!({"Fingerprint": fingerprint, "Value": STANDARD.encode(der),
                    "ValidityStartTime": 1_453_076_702.0, "ValidityEndTime": "2016-02-17T00:00:00Z"})
            })
            .collect();
        json!({ "PublicKeyList": keys }).to_string()
    }

    const ONE: [u8; 8] = [0x30, 6, 2, 1, 5, 2, 1, 3];
    const TWO: [u8; 8] = [0x30, 6, 2, 1, 7, 2, 1, 3];

    #[test]
    fn several_answers_are_one_list() {
        let text = [answer(&[("a", &ONE)]), answer(&[("b", &TWO), ("a", &ONE)])].concat();
        let keys = PublicKeys::read(text.as_bytes()).unwrap();
        assert_eq!(keys.len(), 2);
        let key = keys.get("a").unwrap();
        assert_eq!(key.der, ONE);
        let lower = answer(&[("a", &ONE)]).replace("PublicKeyList", "publicKeyList");
        assert_eq!(PublicKeys::read(lower.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn a_key_may_be_wrapped() {
        let bits = [&[0x03, 9, 0][..], &ONE].concat();
        let wrapped = [&[0x30, 26][..], &RSA_ENCRYPTION, &bits].concat();
        let keys = PublicKeys::read(answer(&[("a", &wrapped)]).as_bytes()).unwrap();
        assert_eq!(keys.get("a").unwrap().der, ONE);
    }

    #[test]
    fn what_is_no_list_of_keys_is_refused() {
        for (text, expected) in [
            (answer(&[]), "there is no key in it"),
            (String::new(), "there is no key in it"),
            ("{}".to_owned(), "missing field `PublicKeyList`"),
            (answer(&[("a", b"text")]), "the key a is no RSA key in DER"),
            (answer(&[("a", &ONE), ("a", &TWO)]), "two different keys have the fingerprint a"),
        ] {
            let error = PublicKeys::read(text.as_bytes()).unwrap_err();
            assert!(
                matches!(&error, IngestError::PublicKeys { reason } if reason.contains(expected)),
                "{error}"
            );
        }
        let mut one = PublicKeys::read(answer(&[("a", &ONE)]).as_bytes()).unwrap();
        assert!(one.merge(one.clone()).is_ok());
        assert!(one.merge(PublicKeys::read(answer(&[("a", &TWO)]).as_bytes()).unwrap()).is_err());
    }
}
