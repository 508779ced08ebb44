//! Hashes of texts, as hexadecimal digits: `HASH`, `MD5`, `SHA1`, `SHA256`.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/function/
//! scalar/string/Hash.java; the names of algorithms are those of Java's `MessageDigest`.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

use super::{Outcome, Refusal};

/// A name that is no algorithm, or one that is not supported.
pub const UNKNOWN_HASH: Refusal = Refusal("text is no supported hash algorithm");

/// An algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// `MD5`
    Md5,
    /// `SHA-1`, `SHA1`, `SHA`
    Sha1,
    /// `SHA-224`
    Sha224,
    /// `SHA-256`
    Sha256,
    /// `SHA-384`
    Sha384,
    /// `SHA-512`
    Sha512,
    /// `SHA-512/224`
    Sha512To224,
    /// `SHA-512/256`
    Sha512To256,
}

impl HashAlgorithm {
    /// Reads the name of an algorithm, ignoring case. Upstream knows MD2 and the SHA-3 family too.
    pub fn parse(name: &str) -> Outcome<Self> {
        Ok(match name.to_ascii_uppercase().as_str() {
            "MD5" => Self::Md5,
            "SHA" | "SHA1" | "SHA-1" => Self::Sha1,
            "SHA224" | "SHA-224" => Self::Sha224,
            "SHA256" | "SHA-256" => Self::Sha256,
            "SHA384" | "SHA-384" => Self::Sha384,
            "SHA512" | "SHA-512" => Self::Sha512,
            "SHA512/224" | "SHA-512/224" => Self::Sha512To224,
            "SHA512/256" | "SHA-512/256" => Self::Sha512To256,
            _ => return Err(UNKNOWN_HASH),
        })
    }

    /// The hash of the bytes of UTF-8, in small hexadecimal digits.
    pub fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hexadecimal(&Md5::digest(text)),
            Self::Sha1 => hexadecimal(&Sha1::digest(text)),
            Self::Sha224 => hexadecimal(&Sha224::digest(text)),
            Self::Sha256 => hexadecimal(&Sha256::digest(text)),
            Self::Sha384 => hexadecimal(&Sha384::digest(text)),
            Self::Sha512 => hexadecimal(&Sha512::digest(text)),
            Self::Sha512To224 => hexadecimal(&Sha512_224::digest(text)),
            Self::Sha512To256 => hexadecimal(&Sha512_256::digest(text)),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_hashed() {
        let table = [
            ("md5", "", "d41d8cd98f00b204e9800998ecf8427e"),
            ("MD5", "abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("SHA", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("SHA-256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("sha-224", "abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            ("sha-512/256", "abc", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
        ];
        for (name, text, hash) in table {
            assert_eq!(HashAlgorithm::parse(name).unwrap().hash(text), hash, "{name} {text}");
        }
        for (name, digits) in [("SHA-384", 96), ("SHA-512", 128), ("SHA-512/224", 56)] {
            assert_eq!(HashAlgorithm::parse(name).unwrap().hash("abc").len(), digits);
        }
        assert_eq!(HashAlgorithm::parse("crc32"), Err(UNKNOWN_HASH));
    }
}
