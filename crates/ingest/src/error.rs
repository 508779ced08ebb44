//! What stops ingest as a whole. Bad input does not: that is a fault or a skipped input in the ledger.

use std::path::PathBuf;

/// A failure of the surroundings, not of the logs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// A path that the caller named does not exist.
    #[error("no such file or folder: {}", path.display())]
    NoSuchPath {
        /// As given.
        path: PathBuf,
    },
    /// The dead letter cannot be written, so faults would be lost.
    #[error("cannot write to the dead letter")]
    DeadLetter(#[source] std::io::Error),
    /// A GeoIP file that the caller named cannot be read, or is no MaxMind-format database.
    #[error("cannot use {} as a GeoIP database", path.display())]
    GeoDatabase {
        /// As given.
        path: PathBuf,
        /// Why not.
        #[source]
        source: maxminddb::MaxMindDbError,
    },
    /// A GeoIP database of one kind was named in the place of another.
    #[error("{} is a {found} database, not one of {expected}", path.display())]
    GeoDatabaseKind {
        /// As given.
        path: PathBuf,
        /// `cities` or `autonomous systems`.
        expected: &'static str,
        /// What the file says it is, such as `GeoLite2-ASN`.
        found: String,
    },
    /// A file of public keys is no answer of `list-public-keys`.
    #[error("no list of public keys: {reason}")]
    PublicKeys {
        /// Why not.
        reason: String,
    },
    /// A file of signatures has a line that is none.
    #[error("line {line} of the signatures: {reason}")]
    Signatures {
        /// The line, from 1.
        line: usize,
        /// Why not.
        reason: String,
    },
    /// What a source is to continue from cannot be read. Without it the source begins anew, and loses nothing.
    #[error("the checkpoint of {name} cannot be read: {reason}")]
    Checkpoint {
        /// The source.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A source cannot be reached, or refuses.
    #[error("{name}: cannot {action}")]
    Source {
        /// The source.
        name: String,
        /// What was attempted, such as `receive messages`.
        action: String,
        /// What came of it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
