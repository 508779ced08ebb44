//! Keeps what could not be read: one JSON line a fault, so that nothing is lost and it can be looked into later.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::error::IngestError;

/// Writes faults as NDJSON: `{"input","offset","reason","text"}`, or `"base64"` for `"text"` where the bytes are not
/// UTF-8. Every line is written whole in one call.
#[derive(Debug)]
pub struct DeadLetter<W: Write> {
    writer: W,
    line: Vec<u8>,
    written: u64,
}

#[derive(Serialize)]
struct Entry<'a> {
    input: &'a str,
    offset: u64,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl<W: Write> DeadLetter<W> {
    /// Writes to `writer`, which should be buffered.
    pub fn new(writer: W) -> Self {
        Self { writer, line: Vec::new(), written: 0 }
    }

    /// Keeps `bytes`, lost at `offset` of `input` because of `reason`. `bytes` are written whole, whatever their
    /// length.
    pub fn write(
        &mut self,
        input: &str,
        offset: u64,
        reason: &dyn std::fmt::Display,
        bytes: &[u8],
    ) -> Result<(), IngestError> {
        let text = str::from_utf8(bytes).ok();
        let base64 = text.is_none().then(|| STANDARD.encode(bytes));
        let entry = Entry { input, offset, reason: &reason.to_string(), text, base64 };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &entry)
            .map_err(|error| IngestError::DeadLetter(error.into()))?;
        self.line.push(b'\n');
        self.writer.write_all(&self.line).map_err(IngestError::DeadLetter)?;
        self.written += 1;
        Ok(())
    }

    /// How many entries were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Flushes and gives the writer back.
    pub fn finish(mut self) -> Result<W, IngestError> {
        self.writer.flush().map_err(IngestError::DeadLetter)?;
        Ok(self.writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_bytes_become_base64() {
        let mut letter = DeadLetter::new(Vec::new());
        letter.write("a.json", 7, &"not valid JSON", br#"{"a"}"#).unwrap();
        letter.write("b.json", 0, &"not valid UTF-8", b"\xff\x00").unwrap();
        assert_eq!(letter.written(), 2);
        let written = String::from_utf8(letter.finish().unwrap()).unwrap();
        let expected = concat!(
            r#"{"input":"a.json","offset":7,"reason":"not valid JSON","text":"{\"a\"}"}"#,
            "\n",
            r#"{"input":"b.json","offset":0,"reason":"not valid UTF-8","base64":"/wA="}"#,
            "\n",
        );
        assert_eq!(written, expected);
    }
}
