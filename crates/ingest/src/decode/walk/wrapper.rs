//! What stands around records in a delivery: lines, envelopes, lists, and records that are texts within records.

use super::super::kind::Keys;
use super::super::{FaultReason, Shape, scan, surrogate};
use super::{Broken, Place, Progress, Text, Walk, value_of_line};

impl Walk<'_> {
    /// A line that begins with neither an object nor an array: `TIMESTAMP {…}`, or a fault.
    pub(super) fn line(&mut self, text: Text<'_>, at: usize) -> Progress {
        let line = text.bytes.get(at..).unwrap_or_default();
        match value_of_line(line) {
            Some(value) => {
                let known = self.recognised;
                let progress = self.object(text, text.bytes.len() - value.len(), Place::Free, 0);
                if self.recognised && !known {
                    self.shape = Some(Shape::CloudWatchExport);
                }
                progress
            }
            None => {
                let is_scalar = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
                let reason = if is_scalar { FaultReason::NotAnObject } else { FaultReason::InvalidJson };
                Err(Broken::value(at, text.bytes.len(), reason))
            }
        }
    }

    /// What is inside the value at `at` if its key makes it a wrapper; `None` if not. `keys` came before it.
    pub(super) fn wrapped(
        &mut self,
        text: Text<'_>,
        (key, at): (&[u8], usize),
        place: Place,
        keys: Keys,
        depth: u32,
    ) -> Option<Progress> {
        let value = *text.bytes.get(at)?;
        let shape = match (key, value) {
            (b"Records", b'[') => Shape::LogFile,
            (b"Events", b'[') | (b"CloudTrailEvent", b'"') => Shape::LookupEvents,
            (b"logEvents", b'[') => Shape::CloudWatchSubscription,
            (b"events", b'[') => Shape::CloudWatchEvents,
            (b"message", b'"') if place == Place::LogEvent => Shape::CloudWatchEvents,
            (b"detail", b'{') => Shape::EventBridge,
            (b"hits", b'[' | b'{') => Shape::SearchHits,
            _ => return None,
        };
        // `hits` and `events` are common words: they count when something is found in them.
        if !matches!((key, value), (b"hits" | b"events", _) | (b"detail", _)) {
            self.recognise(text);
        }
        let known = self.recognised;
        if self.shape.is_none() && known && self.records == 0 {
            self.shape = Some(shape);
        }
        let progress = match (key, value) {
            (b"logEvents", _) if keys.is_control_message() => {
                self.notes.control_messages += 1;
                self.skip_value(text, at).map(|found| Some(found.end))
            }
            (b"logEvents" | b"events", _) => self.array(text, at, Place::LogEvent, depth),
            (b"CloudTrailEvent" | b"message", _) => self.embedded(text, at, depth),
            (_, b'{') => self.object(text, at, Place::Free, depth + 1),
            (_, _) => self.array(text, at, Place::Free, depth),
        };
        if self.shape.is_none() && self.recognised && !known {
            self.shape = Some(shape);
        }
        Some(progress)
    }

    /// The object in the JSON string whose quote is at `at`.
    pub(super) fn embedded(&mut self, text: Text<'_>, at: usize, depth: u32) -> Progress {
        let Some((end, _)) = scan::string(text.bytes, at) else {
            return Err(Broken::open(at, FaultReason::Truncated));
        };
        let broken = |reason| Err(Broken::value(at, end, reason));
        let Ok(literal) = str::from_utf8(&text.bytes[at..end]) else {
            return broken(FaultReason::InvalidUtf8);
        };
        let (literal, repaired) = surrogate::repair(literal);
        let Ok(inner) = serde_json::from_str::<String>(&literal) else {
            return broken(FaultReason::InvalidJson);
        };
        if inner.starts_with("CWL CONTROL MESSAGE") {
            self.notes.control_messages += 1;
            return Ok(Some(end));
        }
        let start = scan::skip_space(inner.as_bytes(), 0);
        if inner.as_bytes().get(start) != Some(&b'{') {
            return broken(FaultReason::NotARecord);
        }
        let within = Some(text.offset(at));
        let inner = Text { bytes: inner.as_bytes(), base: 0, input_end: None, within };
        let before = self.records;
        let rest = match self.object(inner, start, Place::Free, depth + 1) {
            Ok(Some(next)) => scan::skip_space(inner.bytes, next),
            Ok(None) => inner.bytes.len(),
            Err(stop) => {
                self.fault(inner, 0..inner.bytes.len(), stop.reason);
                inner.bytes.len()
            }
        };
        if rest < inner.bytes.len() {
            self.fault(inner, rest..inner.bytes.len(), FaultReason::InvalidJson);
        }
        self.notes.repaired_surrogates += u64::from(repaired && self.records > before);
        Ok(Some(end))
    }
}

/// What CloudWatch Logs writes before a message.
pub(super) fn is_timestamp(prefix: &[u8]) -> bool {
    (8..=48).contains(&prefix.len())
        && prefix[0].is_ascii_digit()
        && prefix.iter().all(|byte| byte.is_ascii_digit() || b"TZ:.+-/, \t".contains(byte))
}
