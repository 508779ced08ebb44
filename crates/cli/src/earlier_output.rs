//! Whether a file that would be overwritten is an earlier output of this program, and no evidence.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Map, Value};

use crate::reporter::csv::COLUMNS;

/// No line that this program writes is longer; a log without line breaks need not be read whole to be known as none.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// True for a file that holds nothing, or nothing but what a hunt writes: alerts as NDJSON, JSON, CSV or table, a report, or a
/// dead letter. What a killed run left behind in a line half written counts too.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn is_earlier_output(path: &Path) -> io::Result<bool> {
    is_output(BufReader::new(File::open(path)?))
}

fn is_output(text: impl BufRead) -> io::Result<bool> {
    let mut lines = Lines { text, line: Vec::new() };
    let Some(first) = lines.next()? else { return Ok(true) };
    match first {
        b"Coverage" => Ok(lines.next()?.is_none_or(|line| line.starts_with(b"  inputs    "))),
        b"{\"alerts\":[" => {
            while let Some(line) = lines.next()? {
                match line {
                    b"]," => {
                        return Ok(lines.next()?.is_none_or(|line| line.starts_with(b"\"rules\":["))
                            && lines.next()?.is_none_or(|line| line.starts_with(b"\"coverage\":{"))
                            && lines.next()?.is_none());
                    }
                    alert if is_alert(alert.strip_suffix(b",").unwrap_or(alert)) => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        page if page.starts_with(b"<!DOCTYPE html>") => Ok(is_report(page)),
        header if header == COLUMNS.join(",").as_bytes() => Ok(true),
        line if is_alert(line) || is_dead_letter(line) => {
            while let Some(line) = lines.next()? {
                if !is_alert(line) && !is_dead_letter(line) {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Does a page begin as reports do? The title stands before the first line break.
fn is_report(page: &[u8]) -> bool {
    let has = |part: &[u8]| page.windows(part.len()).any(|window| window == part);
    has(b"http-equiv=\"Content-Security-Policy\"") && has(" \u{2013} Bartizan</title>".as_bytes())
}

/// Lines without their ends, one at a time.
struct Lines<R> {
    text: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The next line; `None` at the end. The first line counts in any case, a later one only when it has an end.
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let is_first = self.line.is_empty();
        self.line.clear();
        self.text.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line)?;
        let whole = self.line.last() == Some(&b'\n');
        let counts = !self.line.is_empty() && (whole || is_first || self.line.len() as u64 == MAX_LINE_BYTES);
        Ok(counts.then(|| self.line.strip_suffix(b"\n").unwrap_or(&self.line)))
    }
}

fn object(line: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(line).ok()
}

fn is_alert(line: &[u8]) -> bool {
    object(line).is_some_and(|alert| {
        ["kibana.alert.uuid", "kibana.alert.rule.uuid", "kibana.alert.rule.execution.uuid"]
            .iter()
            .all(|field| alert.contains_key(*field))
    })
}

fn is_dead_letter(line: &[u8]) -> bool {
    object(line).is_some_and(|entry| {
        entry.len() == 4
            && entry.get("input").is_some_and(Value::is_string)
            && entry.get("offset").is_some_and(Value::is_u64)
            && entry.get("reason").is_some_and(Value::is_string)
            && (entry.contains_key("text") || entry.contains_key("base64"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERT: &str =
        r#"{"kibana.alert.rule.execution.uuid":"a","kibana.alert.rule.uuid":"b","kibana.alert.uuid":"c"}"#;
    const LETTER: &str = r#"{"input":"a","offset":0,"reason":"not valid JSON","text":"{"}"#;

    #[test]
    fn outputs_are_told_from_evidence() {
        let header = COLUMNS.join(",");
        for (text, expected) in [
            (String::new(), true),
            (format!("{ALERT}\n{ALERT}\n"), true),
            (format!("{ALERT}\n{{\"kiba"), true),
            (format!("{LETTER}\n"), true),
            (format!("{{\"alerts\":[\n{ALERT},\n{ALERT}\n],\n\"rules\":[]\n,\"coverage\":{{}}}}\n"), false),
            (format!("{{\"alerts\":[\n{ALERT},\n{ALERT}\n],\n\"rules\":[],\n\"coverage\":{{}}}}\n"), true),
            ("{\"alerts\":[\n],\n\"rules\":[],\n\"coverage\":{}}\n".to_owned(), true),
            (format!("{header}\n1,2\n"), true),
            ("Coverage\n  inputs    1 file\n".to_owned(), true),
            ("{\"eventVersion\":\"1.11\"}\n".to_owned(), false),
            ("{\"eventVersion\":\"1.11\"}".to_owned(), false),
            (format!("{ALERT}\n{{\"eventVersion\":\"1.11\"}}\n"), false),
            (format!("{ALERT}\n\n{{\"eventVersion\":\"1.11\"}}\n"), false),
            (format!("{{\"alerts\":[\n{ALERT},\n{{\"id\":1}}\n],\n"), false),
            ("{\"alerts\":[]}".to_owned(), false),
            ("time,event\n1,2\n".to_owned(), false),
            ("Coverage\nof the insurance\n".to_owned(), false),
            ("notes".to_owned(), false),
        ] {
            assert_eq!(is_output(text.as_bytes()).unwrap(), expected, "{text}");
        }
        assert!(!is_output(&b"\x1f\x8b\x08\x00"[..]).unwrap());
    }
}
