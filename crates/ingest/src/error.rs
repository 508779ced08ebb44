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
}
