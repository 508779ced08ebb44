//! What is said of one file: valid, consistent, invalid or not verifiable, and why.

use std::fmt;

use super::object_key::Trail;

/// What came of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: FileKind,
    /// Its key in the bucket, as a digest has it; else the path of the file.
    pub object: String,
    /// Where it lies here; `None` when it is missing.
    pub path: Option<String>,
    /// Whose it is. For a log file in no digest that is what its name says.
    pub trail: Trail,
    /// The digest that the verdict on a log file rests on.
    pub digest: Option<String>,
    /// What is to be thought of it.
    pub verdict: Verdict,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A digest.
    Digest,
    /// A log file, or what else was given.
    Log,
}

/// What is to be thought of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is as CloudTrail delivered it: a signature says so, its own or that of a digest with its hash.
    Valid,
    /// Its hash is the one in a later digest, or in a digest with such a hash; but no signature was checked. Whoever
    /// changed all of these files together would not be found.
    Consistent(NoSignatureCheck),
    /// It is not as CloudTrail delivered it, or it is missing.
    Invalid(InvalidReason),
    /// Nothing can be said.
    Unverifiable(UnverifiableReason),
}

/// Why no signature was checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoSignatureCheck {
    /// No public key was given.
    NoPublicKeys,
    /// None of those given has this fingerprint.
    NoPublicKey {
        /// The fingerprint.
        fingerprint: String,
    },
    /// It is none of `SHA256withRSA`.
    Algorithm {
        /// What the digest says.
        algorithm: String,
    },
    /// The next digest has no signature of it.
    NotRecorded,
}

/// Why a file is not as it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidReason {
    /// It is not there, although a digest names it and there are older ones of its chain, or it is a log file.
    Missing {
        /// The digest that names it.
        named_by: String,
    },
    /// Its content has another hash.
    Hash {
        /// The digest that has the hash.
        recorded_by: String,
    },
    /// Its signature does not fit.
    Signature {
        /// The digest that has the signature; `None` for one that was given.
        recorded_by: Option<String>,
    },
    /// It has another hash for the digest before, which is proved by its signature.
    Predecessor {
        /// The digest before.
        previous: String,
    },
    /// It cannot be read, or not be decompressed.
    Unreadable {
        /// Why not.
        reason: String,
    },
}

/// Why nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnverifiableReason {
    /// No digest after it is there, which would have its signature, and none was given.
    NoSignature,
    /// A signature is there, but it cannot be checked.
    NoSignatureCheck(NoSignatureCheck),
    /// The digest after it has its hash, but is itself invalid.
    NextInvalid {
        /// The digest after it.
        next: String,
    },
    /// A digest has its hash, but cannot be verified itself.
    DigestUnverifiable,
    /// A digest has its hash, but is invalid.
    DigestInvalid,
    /// Its hash is one of another algorithm than SHA-256.
    HashAlgorithm,
    /// It is in no digest, although the digests of its account and region cover the time in its name. It came from a
    /// trail without validation, or was not delivered by CloudTrail at all.
    InNoDigestOfItsTime,
    /// It is in no digest, and none covers its time.
    InNoDigest,
    /// It is in no digest, and does not have the name of a log file.
    NotDelivered,
    /// It is in no digest, and cannot be read.
    Unreadable {
        /// Why not.
        reason: String,
    },
}

impl Verdict {
    /// `valid`, `consistent`, `missing`, `invalid` or `unverifiable`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Consistent(_) => "consistent",
            Self::Invalid(InvalidReason::Missing { .. }) => "missing",
            Self::Invalid(_) => "invalid",
            Self::Unverifiable(_) => "unverifiable",
        }
    }

    /// Why; `None` for what is valid.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Valid => None,
            Self::Consistent(why) => Some(format!("its hash is the recorded one; {why}")),
            Self::Invalid(why) => Some(why.to_string()),
            Self::Unverifiable(why) => Some(why.to_string()),
        }
    }

    /// How much weight what a digest says of others has.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Valid => 3,
            Self::Consistent(_) => 2,
            Self::Unverifiable(_) => 1,
            Self::Invalid(_) => 0,
        }
    }
}

impl fmt::Display for NoSignatureCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPublicKeys => f.write_str("no signature was checked: no public keys are given"),
            Self::NoPublicKey { fingerprint } => {
                write!(
                    f,
                    "no signature was checked: no public key with the fingerprint {fingerprint} is given"
                )
            }
            Self::Algorithm { algorithm } => {
                write!(f, "no signature was checked: {algorithm} is not supported")
            }
            Self::NotRecorded => f.write_str("no signature was checked: the next digest has none"),
        }
    }
}

impl fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { named_by } => write!(f, "it is not there, but {named_by} names it"),
            Self::Hash { recorded_by } => {
                write!(f, "it was changed: its content has not the hash that {recorded_by} has for it")
            }
            Self::Signature { recorded_by: Some(by) } => {
                write!(f, "it was changed, or {by} was: the signature there does not fit")
            }
            Self::Signature { recorded_by: None } => {
                f.write_str("it was changed: the signature that is given does not fit")
            }
            Self::Predecessor { previous } => {
                write!(f, "it was changed: what it says of {previous} contradicts that one's signature")
            }
            Self::Unreadable { reason } => write!(f, "it was changed or cut off: {reason}"),
        }
    }
}

impl fmt::Display for UnverifiableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSignature => f.write_str(
                "no digest after it is there that would have its signature, which else only the object's metadata in \
                 the bucket have",
            ),
            Self::NoSignatureCheck(why) => why.fmt(f),
            Self::NextInvalid { next } => write!(f, "its hash is the recorded one, but {next} is invalid"),
            Self::DigestUnverifiable => {
                f.write_str("its hash is the one in a digest, but that cannot be verified itself")
            }
            Self::DigestInvalid => f.write_str("its hash is the one in a digest, but that is invalid"),
            Self::HashAlgorithm => f.write_str("its hash in the digest is none of SHA-256"),
            Self::InNoDigestOfItsTime => f.write_str(
                "no digest names it, although there are digests of its time: it is of a trail without validation, or \
                 not from CloudTrail",
            ),
            Self::InNoDigest => f.write_str("no digest names it, and none of those given covers its time"),
            Self::NotDelivered => f.write_str("no digest names it, and its name is not that of a log file"),
            Self::Unreadable { reason } => write!(f, "no digest names it, and it cannot be read: {reason}"),
        }
    }
}
