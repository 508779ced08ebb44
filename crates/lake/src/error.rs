//! What can go wrong in a lake.

use std::path::PathBuf;

/// Why the lake could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// A file of the log or of a folder store could not be read or written.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried, for example `cannot write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The bucket did not do what it was asked for.
    #[error("{action} {path} in the bucket")]
    Bucket {
        /// What was tried.
        action: &'static str,
        /// The object's path.
        path: String,
        /// What the store said.
        #[source]
        source: object_store::Error,
    },
    /// Settings of the bucket that cannot be understood.
    #[error("bucket setting {name}: {reason}")]
    BucketSetting {
        /// The setting.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process has this log open for writing.
    #[error("another process writes to the lake's log in {}", folder.display())]
    Locked {
        /// The log's folder.
        folder: PathBuf,
    },
    /// Acknowledged entries of the log cannot be read: the disk lost or changed them. Nothing was changed.
    #[error("the log segment {} is damaged at byte {at}: {reason}", path.display())]
    DamagedLog {
        /// The segment.
        path: PathBuf,
        /// Where the first unreadable entry begins.
        at: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A manifest cannot be read: the store lost or changed a part of it. Nothing was changed.
    #[error("the manifest {path} is damaged: {reason}")]
    DamagedManifest {
        /// Its path in the store.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that the manifest names is not there, or not what was written.
    #[error("the data file {path} is damaged: {reason}")]
    DamagedFile {
        /// Its path in the store.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An fsync of the log failed before; what is on disk is unknown until the lake is opened again.
    #[error("the log failed earlier and takes no more events until the lake is opened again")]
    LogFailed,
    /// The lake was opened for reading.
    #[error("the lake is open for reading only")]
    ReadOnly,
    /// Unflushed events fill the memory that the settings allow, and flushing them failed.
    #[error("{bytes} bytes of events wait in memory and cannot be flushed")]
    MemoryFull {
        /// How much waits.
        bytes: u64,
        /// Why the flush failed.
        #[source]
        source: Box<LakeError>,
    },
    /// Other writers were quicker, again and again.
    #[error("the manifest of {stream} could not be committed: other writers were quicker {attempts} times")]
    Contended {
        /// The data stream.
        stream: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// Another writer has taken the data stream over since this one did.
    #[error(
        "another node has taken {stream} over: what this one has and did not write to files stays in its log until it is the active one again"
    )]
    TakenOver {
        /// The data stream.
        stream: String,
    },
    /// One append of more than a gibibyte.
    #[error("an append of {bytes} bytes is too large; split it")]
    TooLarge {
        /// The size of the encoded entry.
        bytes: u64,
    },
    /// The name of a data stream is too long for a folder.
    #[error("the data stream name {name} is too long")]
    LongName {
        /// The name.
        name: String,
    },
    /// Columns could not be made, cut or joined.
    #[error("columns of {stream}")]
    Columns {
        /// The data stream.
        stream: String,
        /// What Arrow said.
        #[source]
        source: arrow_schema::ArrowError,
    },
    /// A Parquet file could not be written.
    #[error("a data file of {stream} could not be written")]
    Write {
        /// The data stream.
        stream: String,
        /// What Parquet said.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// A thread panicked while it held a part of the lake.
    #[error("the lake is in an unknown state after a panic; open it again")]
    Poisoned,
}

pub(crate) type Result<T, E = LakeError> = std::result::Result<T, E>;

impl<T> From<std::sync::PoisonError<T>> for LakeError {
    fn from(_: std::sync::PoisonError<T>) -> Self {
        Self::Poisoned
    }
}
