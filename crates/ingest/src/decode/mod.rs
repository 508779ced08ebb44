//! Bytes as they lie in a bucket or a folder become raw records and faults.
//!
//! ```text
//!   input ──compression──▶ bytes ──text──▶ UTF-8 ──shape──▶ RawRecord | Fault ──▶ sink
//! ```
//!
//! Nothing here fails: what cannot be read is a [`Fault`] or a [`SkipReason`], and both are counted.

mod blocks;
mod compression;
mod fault;
mod kind;
pub(crate) mod members;
mod resync;
mod scan;
mod shape;
mod stream;
mod surrogate;
mod text;
mod walk;

use std::fmt;

use members::Member;

pub use compression::Compression;
pub use fault::{Fault, FaultReason, Outcome, SkipReason};
pub use kind::RecordKind;
pub use shape::Shape;
pub use stream::{StreamBuffers, Streamed, decode_stream};
pub use text::Encoding;

/// One raw log entry as its source wrote it, without the wrapper around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// What it is.
    pub kind: RecordKind,
    /// One JSON object, brace to brace. How much of its grammar has been checked is [`Limits::check`]'s choice.
    /// Lone surrogate escapes are repaired in it; everything else is as written, duplicate keys included.
    pub text: &'a str,
    /// Where it begins, in bytes of the decompressed UTF-8 text (for UTF-16: of the transcoded text). A record that
    /// came as a string inside another one has the offset of that string.
    pub offset: u64,
    /// The members at its top level, where the decoder came by them: places in `text`.
    pub(crate) members: Option<&'a [Member]>,
}

impl<'a> RawRecord<'a> {
    /// A record that did not come from [`decode`]: `text` is one JSON object.
    pub fn new(kind: RecordKind, text: &'a str, offset: u64) -> Self {
        Self { kind, text, offset, members: None }
    }
}

/// What [`decode`] hands to its sink, in the order of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<'a> {
    /// A record.
    Record(RawRecord<'a>),
    /// A place that could not be read.
    Fault(Fault<'a>),
}

/// How much of a record's JSON the decoder checks before handing it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Check {
    /// All of it: every record handed over parses as one JSON object.
    #[default]
    Whole,
    /// Strings are closed and brackets balance; no more. Several times faster. Whoever reads the record must then
    /// report what does not parse, as [`FaultReason::InvalidJson`] at the record's offset.
    Outline,
}

/// Caps on what one input may cost. A cap that is reached is reported as the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes that one input may have after decompression; the records before it count. Default 1 GiB. It does
    /// not bound lines that [`decode_stream`] reads in chunks, but each line of them.
    pub decompressed_bytes: usize,
    /// How much of an input of lines [`decode_stream`] reads at once. Default 32 MiB.
    pub chunk_bytes: usize,
    /// How often an input may be compressed (gzip in gzip). Default 3.
    pub compression_depth: u32,
    /// How deep a record may nest, the record itself being 1. Default 120: common JSON parsers stop at 128.
    pub nesting_depth: u32,
    /// Most bytes of one record. Default 16 MiB; CloudTrail's own limit is far below.
    pub record_bytes: usize,
    /// How much of a record is checked.
    pub check: Check,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            decompressed_bytes: 1 << 30,
            chunk_bytes: 32 << 20,
            compression_depth: 3,
            nesting_depth: 120,
            record_bytes: 16 << 20,
            check: Check::Whole,
        }
    }
}

/// Memory that is used again from input to input: one per thread.
#[derive(Default)]
pub struct Buffers {
    compression: compression::Buffers,
    text: String,
}

impl Buffers {
    /// Empty buffers; they grow to the largest input, and shrink again after an unusually large one.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffers").finish_non_exhaustive()
    }
}

/// Things worth saying that cost no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notes {
    /// Records in which a lone surrogate escape (`\ud800`) became `\ufffd`.
    pub repaired_surrogates: u64,
    /// CloudWatch Logs control messages: a delivery test, without records.
    pub control_messages: u64,
    /// Unpaired UTF-16 units that became U+FFFD on transcoding.
    pub replaced_units: u64,
    /// Empty arrays among the values of the input: lists of no records.
    pub empty_arrays: u64,
}

impl Notes {
    pub(crate) fn add(&mut self, other: &Self) {
        self.repaired_surrogates += other.repaired_surrogates;
        self.control_messages += other.control_messages;
        self.replaced_units += other.replaced_units;
        self.empty_arrays += other.empty_arrays;
    }
}

/// What came of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Outermost first; empty when it was not compressed.
    pub compression: Vec<Compression>,
    /// Of the decompressed text.
    pub encoding: Encoding,
    /// `None` when nothing was recognised.
    pub shape: Option<Shape>,
    /// Size after decompression.
    pub bytes_decompressed: u64,
    /// Records handed to the sink.
    pub records: u64,
    /// Faults handed to the sink.
    pub faults: u64,
    /// Read, partly read (with the first fault), or skipped.
    pub outcome: Outcome,
    /// What else is worth saying.
    pub notes: Notes,
}

/// An input decompressed, how it was compressed, and why it is not all of it.
pub(crate) fn inflate<'b>(
    input: &'b [u8],
    limits: &Limits,
    buffers: &'b mut Buffers,
) -> (&'b [u8], Vec<Compression>, Option<FaultReason>) {
    let inflated = compression::decompress(input, limits, &mut buffers.compression);
    (inflated.bytes, inflated.compression, inflated.cut)
}

/// Splits one input into records and faults, in order, and says what it was.
///
/// Total on any bytes. Every record handed over is UTF-8, `{` to `}`, within [`Limits`]. After a fault it goes on at
/// the next record it can find. A truncated input gives all whole records before the cut and then one fault.
/// An input in which nothing is recognised is skipped: its parts are then no faults, because an input that is no log
/// has no records to lose. Only when they are more than 100,000 are they handed over as faults, every one.
pub fn decode(
    input: &[u8],
    limits: &Limits,
    buffers: &mut Buffers,
    sink: &mut dyn FnMut(Item<'_>),
) -> Decoded {
    let inflated = compression::decompress(input, limits, &mut buffers.compression);
    let decoded_text = text::to_utf8(inflated.bytes, &mut buffers.text);
    let mut decoded = Decoded {
        compression: inflated.compression,
        encoding: decoded_text.encoding,
        shape: None,
        bytes_decompressed: inflated.bytes.len() as u64,
        records: 0,
        faults: 0,
        outcome: Outcome::Read,
        notes: Notes { replaced_units: decoded_text.replaced_units, ..Notes::default() },
    };
    let cut = inflated.cut.or(decoded_text.cut);
    let what = text::not_json(decoded_text.bytes.get(decoded_text.start..).unwrap_or_default());
    match (what, cut) {
        (Some(SkipReason::Empty | SkipReason::NotJson), Some(reason)) => {
            decoded.outcome = Outcome::Skipped(SkipReason::Fault(reason));
        }
        (Some(skip), _) => decoded.outcome = Outcome::Skipped(skip),
        (None, cut) => {
            let mut walk = walk::Walk::new(limits, cut, sink);
            walk.text(decoded_text.bytes, decoded_text.start);
            walk.finish(&mut decoded);
        }
    }
    decoded
}
