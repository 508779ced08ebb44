//! CloudTrail's digest chain checked without AWS: over downloaded digests and log files, with the public keys given.
//!
//! ```text
//!   file ──content──▶ LocalFile: a digest, or the hash of a log file ──┐
//!   list-public-keys ──▶ PublicKeys ───────────────────────────────────┼──verify──▶ Verification: a finding for each
//!   metadata of the newest digests ──▶ Signatures ─────────────────────┘             file, the gaps, sums for each trail
//! ```
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of CloudTrail log
//! file integrity validation"; for backfill digests and for `null` aws/aws-cli,
//! awscli/customizations/cloudtrail/validation.py.
//!
//! Invariant: every file given, and every file that a digest names, ends in exactly one [`Finding`].
//! Invariant: [`Verdict::Valid`] rests on a signature. What agrees only with other files that nobody has signed for is
//! [`Verdict::Consistent`].

mod content;
mod digest_file;
mod finding;
mod gap;
mod log_files;
mod object_key;
mod public_key;
mod signature;
mod summary;
mod verify;

pub use content::{FileContent, LocalFile, read_file};
pub use digest_file::{DigestFile, LogEntry, PreviousDigest, Sha256Hash};
pub use finding::{FileKind, Finding, InvalidReason, NoSignatureCheck, UnverifiableReason, Verdict};
pub use gap::{Gap, GapKind};
pub use object_key::Trail;
pub use public_key::{PublicKey, PublicKeys};
pub use signature::{Signatures, data_to_sign};
pub use summary::{TrailSummary, VerdictCounts};
pub use verify::{Verification, verify};
