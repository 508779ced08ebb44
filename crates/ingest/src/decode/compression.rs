//! Undoes gzip and zstd, told by their first bytes, and saves what comes before a cut or a damage.

use std::fmt;
use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::{DecompressionError, Decompressor};
use memchr::memmem;

use super::{FaultReason, Limits};

/// A way of compressing a whole input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 8878, one frame or several.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// What an input decompressed to.
pub(super) struct Inflated<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) compression: Vec<Compression>,
    /// Why `bytes` is not all of it.
    pub(super) cut: Option<FaultReason>,
}

/// Two outputs, so that gzip in gzip needs no copy, and libdeflate's own state.
#[derive(Default)]
pub(super) struct Buffers {
    decompressor: Option<Decompressor>,
    front: Vec<u8>,
    back: Vec<u8>,
}

/// Buffers larger than this are given back before the next input that does not need them.
pub(super) const RETAINED_BYTES: usize = 64 << 20;

/// Deflate cannot make more than this of one byte, so no size hint may claim more.
const DEFLATE_MAX_RATIO: usize = 1032;

/// What the size in a gzip trailer is believed up to at once. A cut-off file has any number there.
const PLAUSIBLE_RATIO: usize = 64;

const GZIP_MEMBER: [u8; 3] = [0x1f, 0x8b, 8];

/// The largest block of a zstd frame.
const ZSTD_BLOCK: usize = 128 << 10;

/// Decompresses as often as [`Limits::compression_depth`] allows; plain bytes come back as they are.
pub(super) fn decompress<'a>(input: &'a [u8], limits: &Limits, buffers: &'a mut Buffers) -> Inflated<'a> {
    let Buffers { decompressor, front, back } = buffers;
    for buffer in [&mut *front, &mut *back] {
        if buffer.len() > RETAINED_BYTES {
            *buffer = Vec::new();
        }
    }
    let cap = limits.decompressed_bytes;
    let mut compression = Vec::new();
    let mut cut = None;
    let mut length = 0;
    loop {
        let source = if compression.is_empty() { input } else { front.get(..length).unwrap_or_default() };
        let Some(layer) = recognise(source) else { break };
        if compression.len() >= limits.compression_depth as usize {
            let reason = FaultReason::CompressedTooOften { limit: limits.compression_depth };
            return Inflated { bytes: &[], compression, cut: Some(reason) };
        }
        let (written, reason) = match layer {
            Compression::Gzip => {
                gunzip(source, cap, decompressor.get_or_insert_with(Decompressor::new), back)
            }
            Compression::Zstd => unzstd(source, cap, back),
        };
        std::mem::swap(front, back);
        length = written;
        compression.push(layer);
        cut = cut.or(reason);
    }
    if !compression.is_empty() {
        return Inflated { bytes: front.get(..length).unwrap_or_default(), compression, cut };
    }
    match input.get(..cap) {
        Some(head) if input.len() > cap => {
            Inflated { bytes: head, compression, cut: Some(FaultReason::OverSize { limit: cap }) }
        }
        _ => Inflated { bytes: input, compression, cut },
    }
}

pub(super) fn recognise(bytes: &[u8]) -> Option<Compression> {
    match bytes {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        // The second is a skippable frame, which may stand before the data.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
        _ => None,
    }
}

/// Returns how much of `out` is filled, and why that is not all. `out` never shrinks, so that it is zeroed once.
fn gunzip(
    input: &[u8],
    cap: usize,
    decompressor: &mut Decompressor,
    out: &mut Vec<u8>,
) -> (usize, Option<FaultReason>) {
    // libdeflate reads one member and does not say where it ended. When what it made has the size that is stated last,
    // the member was the only one, unless another begins where the same size is stated too. If something else follows
    // it, the sizes differ.
    if let Some(trailer) = input.last_chunk::<4>() {
        let stated = u32::from_le_bytes(*trailer);
        let most = cap.min(input.len().saturating_mul(DEFLATE_MAX_RATIO));
        let mut size = (stated as usize).min(input.len().saturating_mul(PLAUSIBLE_RATIO)).min(most).max(1);
        loop {
            if out.len() < size {
                out.resize(size, 0);
            }
            let room = out.len().min(most);
            match decompressor.gzip_decompress(input, &mut out[..room]) {
                Ok(written) if written as u32 == stated && !may_go_on(input, *trailer) => {
                    return (written, None);
                }
                Err(DecompressionError::InsufficientSpace) if room < most => size = most.min(room * 2),
                _ => break,
            }
        }
    }
    gunzip_carefully(input, cap, out)
}

/// Whether a member may begin behind a first one whose trailer states this size. The first bytes of a member alone
/// turn up in the middle of many a file.
fn may_go_on(input: &[u8], size: [u8; 4]) -> bool {
    memmem::find_iter(input, &GZIP_MEMBER)
        .any(|at| input.get(..at).is_some_and(|first| first.ends_with(&size)))
}

/// Member by member, and keeps every byte that comes out before a fault.
fn gunzip_carefully(input: &[u8], cap: usize, out: &mut Vec<u8>) -> (usize, Option<FaultReason>) {
    let mut written = 0;
    let mut rest = input;
    loop {
        let member = written;
        match gzip_header(rest) {
            Ok(header) => rest = rest.get(header..).unwrap_or_default(),
            Err(reason) => return (written, Some(reason)),
        }
        let mut inflate = Decompress::new(false);
        loop {
            if out.len() == written {
                // One byte over the cap, to tell a full output from an overflowing one.
                out.resize(more_than(written, 1 << 16, cap.saturating_add(1)), 0);
            }
            let before = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(rest, &mut out[written..], FlushDecompress::None);
            let read = (inflate.total_in() - before.0) as usize;
            let made = (inflate.total_out() - before.1) as usize;
            rest = rest.get(read..).unwrap_or_default();
            written += made;
            if written > cap {
                return (cap, Some(FaultReason::OverSize { limit: cap }));
            }
            match status {
                Ok(Status::StreamEnd) => break,
                Ok(_) if read == 0 && made == 0 => {
                    return (written, Some(FaultReason::TruncatedStream(Compression::Gzip)));
                }
                Ok(_) => {}
                Err(_) => return (written, Some(FaultReason::CorruptStream(Compression::Gzip))),
            }
        }
        let Some((trailer, after)) = rest.split_first_chunk::<8>() else {
            return (written, Some(FaultReason::TruncatedStream(Compression::Gzip)));
        };
        let inflated = out.get(member..written).unwrap_or_default();
        let [a, b, c, d, size @ ..] = *trailer;
        let sound = u32::from_le_bytes([a, b, c, d]) == libdeflater::crc32(inflated)
            && u32::from_le_bytes(size) == inflated.len() as u32;
        if !sound {
            return (written, Some(FaultReason::CorruptStream(Compression::Gzip)));
        }
        if after.iter().all(|byte| *byte == 0) {
            return (written, None);
        }
        if recognise(after) != Some(Compression::Gzip) {
            return (written, Some(FaultReason::TrailingBytes(Compression::Gzip)));
        }
        rest = after;
    }
}

/// The next size of a full buffer: twice as much, from `least` to `most`, and always one byte more.
fn more_than(written: usize, least: usize, most: usize) -> usize {
    written.saturating_mul(2).max(least).min(most).max(written + 1)
}

/// The length of a member's header (RFC 1952, section 2.3).
fn gzip_header(bytes: &[u8]) -> Result<usize, FaultReason> {
    const TRUNCATED: FaultReason = FaultReason::TruncatedStream(Compression::Gzip);
    let Some((header, mut rest)) = bytes.split_first_chunk::<10>() else { return Err(TRUNCATED) };
    if header[..3] != GZIP_MEMBER {
        return Err(FaultReason::CorruptStream(Compression::Gzip));
    }
    let flags = header[3];
    if flags & 0b100 != 0 {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(TRUNCATED)?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..).ok_or(TRUNCATED)?;
    }
    // A file name, then a comment: each ends with a zero byte.
    for flag in [0b1000, 0b1_0000] {
        if flags & flag != 0 {
            let end = memchr::memchr(0, rest).ok_or(TRUNCATED)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & 0b10 != 0 {
        rest = rest.get(2..).ok_or(TRUNCATED)?;
    }
    Ok(bytes.len() - rest.len())
}

fn unzstd(input: &[u8], cap: usize, out: &mut Vec<u8>) -> (usize, Option<FaultReason>) {
    let fault = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => FaultReason::TruncatedStream(Compression::Zstd),
        _ => FaultReason::CorruptStream(Compression::Zstd),
    };
    let mut decoder = match zstd::stream::read::Decoder::with_buffer(input) {
        Ok(decoder) => decoder,
        Err(error) => return (0, Some(fault(&error))),
    };
    let mut written = 0;
    loop {
        if out.len() == written {
            out.resize(more_than(written, 1 << 18, cap.saturating_add(1)), 0);
        }
        // Small steps: a step that fails loses what it had made so far.
        let end = out.len().min(written + ZSTD_BLOCK);
        match decoder.read(&mut out[written..end]) {
            Ok(0) => return (written, None),
            Ok(made) => written += made,
            Err(error) => return (written, Some(fault(&error))),
        }
        if written > cap {
            return (cap, Some(FaultReason::OverSize { limit: cap }));
        }
    }
}
