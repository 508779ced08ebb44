//! What could not be read, where, and why; and what that makes of its input.

use super::Compression;

/// A place in an input that gave no record. It stands for one lost record, or for a stretch of bytes in which no
/// record could be told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault<'a> {
    /// Where it begins, counted as [`super::RawRecord::offset`] is.
    pub offset: u64,
    /// Why.
    pub reason: FaultReason,
    /// All bytes that are lost with it; empty when they were never seen (a cut-off file) or are more than may be
    /// held (a line longer than [`super::Limits::decompressed_bytes`]).
    pub bytes: &'a [u8],
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FaultReason {
    /// The input ends inside a value.
    #[error("the input ends in the middle of a value")]
    Truncated,
    /// The compressed stream ends too early.
    #[error("the {0} stream ends too early")]
    TruncatedStream(Compression),
    /// The compressed stream is damaged: what came before the damage was read.
    #[error("the {0} stream is damaged")]
    CorruptStream(Compression),
    /// Bytes after the end of a compressed stream that are neither another member nor zero padding.
    #[error("bytes after the end of the {0} stream")]
    TrailingBytes(Compression),
    /// More bytes than [`super::Limits::decompressed_bytes`].
    #[error("more than {limit} bytes after decompression")]
    OverSize {
        /// The cap.
        limit: usize,
    },
    /// Compressed more often than [`super::Limits::compression_depth`].
    #[error("compressed more than {limit} times over")]
    CompressedTooOften {
        /// The cap.
        limit: u32,
    },
    /// The operating system gave an error while the input was read.
    #[error("reading stopped: {0}")]
    ReadStopped(String),
    /// UTF-16 text with half a unit at its end.
    #[error("UTF-16 text of an odd length")]
    OddLength,
    /// Nested deeper than [`super::Limits::nesting_depth`].
    #[error("nested deeper than {limit}")]
    NestedTooDeep {
        /// The cap.
        limit: u32,
    },
    /// No end within [`super::Limits::record_bytes`].
    #[error("no end of the record within {limit} bytes")]
    TooLong {
        /// The cap that was in force; it sinks for an input full of faults, so that it cannot cost hours.
        limit: usize,
    },
    /// Not JSON.
    #[error("not valid JSON")]
    InvalidJson,
    /// Not UTF-8.
    #[error("not valid UTF-8")]
    InvalidUtf8,
    /// A JSON object that is neither a CloudTrail record nor an ECS document, nor a known wrapper of them.
    #[error("not a CloudTrail record")]
    NotARecord,
    /// A document that a shipper sent and that can be no event, in a few words.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// A JSON value, where a record should be, that is no object.
    #[error("not a JSON object")]
    NotAnObject,
}

/// Why an input was not read at all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// No bytes, or only white space.
    #[error("empty")]
    Empty,
    /// Known to be something else.
    #[error("{0}, not a log")]
    OtherFormat(&'static str),
    /// Not JSON in any shape we know.
    #[error("not JSON")]
    NotJson,
    /// JSON, but with no CloudTrail record or ECS document in it.
    #[error("no CloudTrail records or ECS documents in it")]
    NoRecords,
    /// Damaged before the first record.
    #[error("{0}")]
    Fault(FaultReason),
    /// The operating system would not let us read it.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// A symbolic link that leads back to a folder above it.
    #[error("symbolic link loop")]
    SymlinkLoop,
    /// A pipe, socket or device.
    #[error("not a regular file")]
    NotAFile,
    /// A message that only tries whether messages arrive.
    #[error("a test message, without a log")]
    TestMessage,
    /// A notification of something else than a new object, in the words of the notification.
    #[error("tells of {0}, not of a new object")]
    NotCreated(String),
}

/// What came of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every byte of it is accounted for by records and their wrappers.
    Read,
    /// Something in it could not be read.
    PartlyRead {
        /// Where the first fault is.
        offset: u64,
        /// Why.
        reason: FaultReason,
    },
    /// Nothing of it was read.
    Skipped(SkipReason),
}
