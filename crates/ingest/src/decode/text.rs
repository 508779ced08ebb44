//! Decompressed bytes become UTF-8 text, and what is plainly no JSON is named.

use std::fmt;

use memchr::memmem;

use super::{FaultReason, SkipReason};

/// How the text of an input was encoded, told by its byte order mark or by the zero bytes in its first characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
        })
    }
}

/// Text that is UTF-8 by intent: each record's own bytes are still to be checked.
pub(super) struct Utf8Text<'a> {
    pub(super) bytes: &'a [u8],
    /// Where the text begins after a byte order mark.
    pub(super) start: usize,
    pub(super) encoding: Encoding,
    pub(super) replaced_units: u64,
    pub(super) cut: Option<FaultReason>,
}

/// Transcodes UTF-16 into `buffer`; UTF-8 stays where it is.
pub(super) fn to_utf8<'a>(bytes: &'a [u8], buffer: &'a mut String) -> Utf8Text<'a> {
    let (encoding, start) = match bytes {
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
        [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
        [1..=255, 0, 1..=255, 0, ..] => (Encoding::Utf16Le, 0),
        [0, 1..=255, 0, 1..=255, ..] => (Encoding::Utf16Be, 0),
        _ => (Encoding::Utf8, 0),
    };
    let to_unit = match encoding {
        Encoding::Utf8 => return Utf8Text { bytes, start, encoding, replaced_units: 0, cut: None },
        Encoding::Utf16Le => u16::from_le_bytes,
        Encoding::Utf16Be => u16::from_be_bytes,
    };
    let (units, odd) = bytes[start..].as_chunks::<2>();
    let mut replaced_units = 0;
    *buffer = String::with_capacity(units.len());
    buffer.extend(char::decode_utf16(units.iter().copied().map(to_unit)).map(|character| {
        character.unwrap_or_else(|_| {
            replaced_units += 1;
            char::REPLACEMENT_CHARACTER
        })
    }));
    let cut = (!odd.is_empty()).then_some(FaultReason::OddLength);
    Utf8Text { bytes: buffer.as_bytes(), start: 0, encoding, replaced_units, cut }
}

/// Why a text cannot hold a record, told from a glance at it.
pub(super) fn not_json(bytes: &[u8]) -> Option<SkipReason> {
    let text = bytes.trim_ascii_start();
    match text.first() {
        None => return Some(SkipReason::Empty),
        Some(b'{' | b'[') => return None,
        Some(_) => {}
    }
    let known = FORMATS.iter().find(|(magic, _)| bytes.starts_with(magic));
    if let Some((_, format)) = known {
        return Some(SkipReason::OtherFormat(format));
    }
    let may_hold_objects =
        [b"{\"".as_slice(), b"{ \""].iter().any(|start| memmem::find(text, start).is_some());
    if may_hold_objects {
        return None;
    }
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_scalar = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    Some(if is_scalar { SkipReason::NoRecords } else { SkipReason::NotJson })
}

/// First bytes of files that people keep beside their logs.
const FORMATS: [(&[u8], &str); 13] = [
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\0\0\0\x01Bud1", "a macOS folder file"),
];
