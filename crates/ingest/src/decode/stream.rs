//! A stream becomes raw records and faults: lines chunk by chunk in bounded memory, every other shape as a whole.

use std::io::Read;

use memchr::{memchr, memrchr};

use super::walk::{Walk, value_of_line};
use super::{
    Buffers, Decoded, Encoding, FaultReason, Item, Limits, Notes, Outcome, SkipReason, compression, decode,
    scan, text,
};

/// Memory that is used again from stream to stream: one per thread.
#[derive(Debug, Default)]
pub struct StreamBuffers {
    stored: Vec<u8>,
    decode: Buffers,
}

/// What came of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streamed {
    /// What it was, over all its chunks.
    pub decoded: Decoded,
    /// Bytes that came out of the stream.
    pub bytes_in: u64,
    /// What kept it from being read to its end. What came before that is in `decoded`.
    pub stopped: Option<SkipReason>,
}

/// Reads a stream to its end and decodes it as [`decode`] does: same records, same faults, same offsets.
///
/// Plain UTF-8 text whose first value is a record, or a wrapper of records, alone on its line is read in chunks of
/// [`Limits::chunk_bytes`], cut at line breaks. It may be of any length, and costs the memory of a chunk and of its
/// longest line. A line longer than [`Limits::decompressed_bytes`] is one fault, without its bytes, and reading goes
/// on after it. Everything else is held as a whole, up to that cap.
pub fn decode_stream(
    mut stream: impl Read,
    limits: &Limits,
    buffers: &mut StreamBuffers,
    sink: &mut dyn FnMut(Item<'_>),
) -> Streamed {
    let StreamBuffers { stored, decode: decode_buffers } = buffers;
    stored.clear();
    if stored.capacity() > compression::RETAINED_BYTES.max(limits.chunk_bytes.saturating_mul(2)) {
        *stored = Vec::new();
    }
    // One byte past the cap tells that it was reached.
    let most = limits.decompressed_bytes.saturating_add(1);
    let chunk = limits.chunk_bytes.clamp(1, most);
    let mut more = read_more(&mut stream, chunk, stored);
    if matches!(more, More::Perhaps) {
        if let Some(start) = start_of_lines(stored, limits) {
            return decode_lines(&mut stream, start, (chunk, most), limits, stored, sink);
        }
        more = read_more(&mut stream, most - stored.len(), stored);
    }
    let decoded = decode(stored, limits, decode_buffers, sink);
    Streamed { decoded, bytes_in: stored.len() as u64, stopped: more.stopped() }
}

/// Whether there is more in a stream.
enum More {
    Perhaps,
    No,
    Stopped(String),
}

impl More {
    fn stopped(self) -> Option<SkipReason> {
        match self {
            Self::Stopped(error) => Some(SkipReason::Unreadable(error)),
            Self::Perhaps | Self::No => None,
        }
    }
}

/// Appends up to `length` bytes.
fn read_more(stream: &mut impl Read, length: usize, to: &mut Vec<u8>) -> More {
    match stream.by_ref().take(length as u64).read_to_end(to) {
        Ok(read) if read == length => More::Perhaps,
        Ok(_) => More::No,
        Err(error) => More::Stopped(error.to_string()),
    }
}

/// Where the text begins, if it is to be read in lines: judged by its first value, which must be whole and in order,
/// so that [`decode`] too would take the text for lines from there on.
fn start_of_lines(bytes: &[u8], limits: &Limits) -> Option<usize> {
    if compression::recognise(bytes).is_some() {
        return None;
    }
    let mut transcoded = String::new();
    let head = text::to_utf8(bytes.get(..4)?, &mut transcoded);
    if head.encoding != Encoding::Utf8 {
        return None;
    }
    let start = scan::skip_space(bytes, head.start);
    let line = bytes.get(start..)?;
    let line = line.get(..memchr(b'\n', line)?)?;
    serde_json::from_slice::<serde::de::IgnoredAny>(value_of_line(line)?).ok()?;
    let mut faults = 0u64;
    let mut count = |item: Item<'_>| faults += u64::from(matches!(item, Item::Fault(_)));
    let mut walk = Walk::new(limits, None, &mut count);
    walk.text(line, 0);
    (walk.is_recognised() && faults == 0).then_some(head.start)
}

/// Lines, the first chunk of which is in `held`, and more is in the stream. At most `most` bytes are held.
fn decode_lines(
    stream: &mut impl Read,
    mut start: usize,
    (chunk, most): (usize, usize),
    limits: &Limits,
    held: &mut Vec<u8>,
    sink: &mut dyn FnMut(Item<'_>),
) -> Streamed {
    let mut walk = Walk::new(limits, None, sink);
    walk.expect_lines();
    let mut more = More::Perhaps;
    // The offset of what is held, and how much of that has no line break.
    let (mut base, mut searched) = (0u64, 0);
    loop {
        let is_last = !matches!(more, More::Perhaps);
        let whole_lines = match memrchr(b'\n', held.get(searched..).unwrap_or_default()) {
            _ if is_last => held.len(),
            Some(line_break) => searched + line_break + 1,
            None => 0,
        };
        if let Some(lines) = held.get(..whole_lines).filter(|lines| !lines.is_empty()) {
            walk.lines(lines, start, base, is_last);
            start = 0;
            base += whole_lines as u64;
            held.drain(..whole_lines);
        }
        if is_last {
            break;
        }
        searched = held.len();
        if held.len() < most {
            more = read_more(stream, chunk.min(most - held.len()), held);
            continue;
        }
        walk.lost_line(base, FaultReason::TooLong { limit: limits.decompressed_bytes });
        while matches!(more, More::Perhaps) {
            base += held.len() as u64;
            held.clear();
            more = read_more(stream, chunk, held);
            if let Some(line_break) = memchr(b'\n', held) {
                base += line_break as u64;
                held.drain(..line_break);
                searched = 0;
                break;
            }
            if !matches!(more, More::Perhaps) {
                base += held.len() as u64;
                held.clear();
            }
        }
    }
    let mut decoded = Decoded {
        compression: Vec::new(),
        encoding: Encoding::Utf8,
        shape: None,
        bytes_decompressed: base,
        records: 0,
        faults: 0,
        outcome: Outcome::Read,
        notes: Notes::default(),
    };
    walk.finish(&mut decoded);
    Streamed { decoded, bytes_in: base, stopped: more.stopped() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: usize = 4 << 10;

    fn limits() -> Limits {
        Limits { chunk_bytes: CHUNK, ..Limits::default() }
    }

    #[test]
    fn memory_does_not_grow_with_the_number_of_lines() {
        let lines = "{\"eventID\":\"1\"}\n".repeat(100_000);
        let mut buffers = StreamBuffers::default();
        let streamed = decode_stream(lines.as_bytes(), &limits(), &mut buffers, &mut |_| {});
        assert_eq!(streamed.decoded.records, 100_000);
        assert!(buffers.stored.capacity() <= 4 * CHUNK, "{}", buffers.stored.capacity());
    }

    #[test]
    fn memory_for_a_large_input_is_given_back() {
        let array = format!("[{}1]", " ".repeat(compression::RETAINED_BYTES));
        let mut buffers = StreamBuffers::default();
        let _ = decode_stream(array.as_bytes(), &limits(), &mut buffers, &mut |_| {});
        assert!(buffers.stored.capacity() > compression::RETAINED_BYTES);
        let _ = decode_stream(&b"{}"[..], &limits(), &mut buffers, &mut |_| {});
        assert!(buffers.stored.capacity() <= 4 * CHUNK);
    }

    #[test]
    fn lines_are_told_by_their_first() {
        let record = r#"{"eventID":"1"}"#;
        let deep = format!(r#"{{"eventID":"1","x":{}{}}}"#, "[".repeat(125), "]".repeat(125));
        let cases = [
            (format!("{record}\n{record}"), Some(0)),
            (format!("\u{feff}\n \r\n{record}\r\n"), Some(3)),
            (format!("2026-01-02T03:04:05Z {record}\n"), Some(0)),
            (format!("{{\"detail\":{record}}}\n"), Some(0)),
            (format!("{{\"Records\":[{record},{record}]}}\n"), Some(0)),
            ("{\"@timestamp\":\"x\"}\n".to_owned(), Some(0)),
            (record.to_owned(), None),
            (format!("{record}{record}\n"), None),
            (format!("[{record}]\n"), None),
            (format!("{{\"Records\":[\n{record}]}}\n"), None),
            (format!("{{\"Records\":[{record},{{}}]}}\n"), None),
            (format!("{deep}\n"), None),
            (format!("{{}}\n{record}\n"), None),
            ("{\n\"eventID\":1}\n".to_owned(), None),
            ("text\n".to_owned(), None),
            (String::new(), None),
        ];
        for (text, start) in cases {
            assert_eq!(start_of_lines(text.as_bytes(), &limits()), start, "{text}");
        }
        let utf16: Vec<u8> = format!("{record}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(start_of_lines(&utf16, &limits()), None);
    }
}
