//! Walks a text value by value and finds the records in it: in their wrappers ([`wrapper`]), and behind faults
//! ([`recovery`]).

mod recovery;
mod wrapper;

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memrchr};

use recovery::look;
use wrapper::is_timestamp;

use super::kind::{Keys, is_canonical};
use super::members::{self, Member};
use super::scan::{self, Unbalanced};
use super::{
    Check, Decoded, Fault, FaultReason, Item, Limits, Notes, Outcome, RawRecord, RecordKind, Shape,
    SkipReason, surrogate,
};

/// Faults kept back while nothing has been recognised yet. More than these are handed over: nothing goes uncounted.
const HELD_FAULTS: usize = 100_000;

/// How often wrappers may stand in wrappers.
const WRAPPER_DEPTH: u32 = 8;

/// How far one step of the search for the next record looks.
const RESYNC_WINDOW: usize = 256 << 10;

/// A stretch of text: the input's, or a string of it that holds JSON.
#[derive(Clone, Copy)]
struct Text<'t> {
    /// As far as may be read now.
    bytes: &'t [u8],
    /// The offset of its first byte.
    base: u64,
    /// Where in `bytes` the input ends, whether or not they were narrowed to a line; none when the input goes on.
    input_end: Option<usize>,
    /// The offset of all of it, when it came out of a string.
    within: Option<u64>,
}

impl<'t> Text<'t> {
    fn offset(&self, at: usize) -> u64 {
        self.within.unwrap_or(self.base + at as u64)
    }

    fn until(self, end: usize) -> Self {
        Self { bytes: self.bytes.get(..end).unwrap_or(self.bytes), ..self }
    }
}

/// What an object is an element of, where that decides how it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anywhere else.
    Free,
    /// `logEvents` or `events` of CloudWatch Logs: the record is in `message`.
    LogEvent,
}

/// A place that stops the walk of a value.
struct Broken {
    /// From here on bytes are lost.
    from: usize,
    /// From here on the next record may begin.
    look: usize,
    reason: FaultReason,
    /// Where the value ends, when its brackets balance.
    end: Option<usize>,
}

impl Broken {
    /// A value that is lost whole, from `from` to `end`.
    fn value(from: usize, end: usize, reason: FaultReason) -> Self {
        Self { from, look: from + 1, reason, end: Some(end) }
    }

    /// A value without an end.
    fn open(from: usize, reason: FaultReason) -> Self {
        Self { from, look: from + 1, reason, end: None }
    }
}

/// Where to go on; `None` when the text is used up and its end accounted for.
type Progress = Result<Option<usize>, Broken>;

pub(super) struct Walk<'w> {
    limits: &'w Limits,
    sink: &'w mut dyn FnMut(Item<'_>),
    /// Why the text ends before its input does; the fault at the end takes it.
    cut: Option<FaultReason>,
    /// The length of the text, as far as it is known.
    length: usize,
    shape: Option<Shape>,
    recognised: bool,
    /// Whether faults are kept back: an input that is no log has none.
    holding: bool,
    held: Vec<(Range<usize>, FaultReason)>,
    /// Values so far.
    count: u64,
    /// Whether one of them was an array.
    arrays: bool,
    /// Once a value was alone on its line, no later value may reach beyond its own: a broken line costs one line.
    lines: bool,
    first_fault: Option<(u64, FaultReason)>,
    records: u64,
    faults: u64,
    notes: Notes,
    /// Bytes scanned in vain. It bounds the work that an input full of faults can cause.
    wasted: usize,
    /// Used again from record to record.
    members: Vec<Member>,
}

impl<'w> Walk<'w> {
    /// For a text that ends early because of `cut`.
    pub(super) fn new(
        limits: &'w Limits,
        cut: Option<FaultReason>,
        sink: &'w mut dyn FnMut(Item<'_>),
    ) -> Self {
        Self {
            limits,
            sink,
            cut,
            length: 0,
            shape: None,
            recognised: false,
            holding: true,
            held: Vec::new(),
            count: 0,
            arrays: false,
            lines: false,
            first_fault: None,
            records: 0,
            faults: 0,
            notes: Notes::default(),
            wasted: 0,
            members: Vec::new(),
        }
    }

    /// From here on every value lies on a line of its own.
    pub(super) fn expect_lines(&mut self) {
        self.lines = true;
    }

    pub(super) fn is_recognised(&self) -> bool {
        self.recognised
    }

    /// All values of the input's text from `start` on.
    pub(super) fn text(&mut self, bytes: &[u8], start: usize) {
        self.values(Text { bytes, base: 0, input_end: Some(bytes.len()), within: None }, start);
        if self.recognised && self.cut.is_some() {
            let text = Text { bytes, base: 0, input_end: Some(bytes.len()), within: None };
            self.fault(text, bytes.len()..bytes.len(), FaultReason::Truncated);
        }
    }

    /// All values of some lines of the text, the first of which is at `base`. Lines must be expected, something must
    /// have been recognised, and what follows must begin with a line.
    pub(super) fn lines(&mut self, bytes: &[u8], start: usize, base: u64, is_last: bool) {
        let input_end = is_last.then_some(bytes.len());
        self.values(Text { bytes, base, input_end, within: None }, start);
    }

    /// Counts a line that was never held.
    pub(super) fn lost_line(&mut self, offset: u64, reason: FaultReason) {
        self.hand_over(Fault { offset, reason, bytes: &[] });
    }

    fn values(&mut self, all: Text<'_>, start: usize) {
        let bytes = all.bytes;
        self.length = usize::try_from(all.base).unwrap_or(usize::MAX).saturating_add(bytes.len());
        let mut at = start;
        loop {
            at = scan::skip_space(bytes, at);
            let Some(&first) = bytes.get(at) else { break };
            let text = if self.lines { all.until(line_end(bytes, at)) } else { all };
            self.count += u64::from(first != b',');
            let progress = match first {
                b'{' => self.object(text, at, Place::Free, 0),
                b'[' => {
                    self.arrays = true;
                    let empty = text.bytes.get(scan::skip_space(text.bytes, at + 1)) == Some(&b']');
                    self.notes.empty_arrays += u64::from(empty);
                    self.array(text, at, Place::Free, 0)
                }
                // Between values of a hand-made list, and the record separator of RFC 7464.
                b',' | 0x1e => Ok(Some(at + 1)),
                _ => {
                    self.lines = true;
                    self.line(all.until(line_end(bytes, at)), at)
                }
            };
            let next = match progress {
                Ok(next) => next,
                Err(broken) => self.resume(text, broken),
            };
            let next = next.unwrap_or(text.bytes.len());
            if !self.lines && matches!(first, b'{' | b'[') {
                self.lines = alone_on_its_line(bytes, at, next);
            }
            at = next;
        }
    }

    /// Writes down what came of the input.
    pub(super) fn finish(self, decoded: &mut Decoded) {
        decoded.shape =
            self.shape.or(self.recognised.then_some(match (self.count, self.arrays, self.lines) {
                (0 | 1, true, _) => Shape::Array,
                (0 | 1, false, _) => Shape::Single,
                (_, _, true) => Shape::Lines,
                (_, _, false) => Shape::Concatenated,
            }));
        decoded.records = self.records;
        decoded.faults = self.faults;
        decoded.notes.add(&self.notes);
        decoded.outcome = match (self.recognised, self.first_fault, self.cut) {
            (true, None, _) => Outcome::Read,
            (true, Some((offset, reason)), _) => Outcome::PartlyRead { offset, reason },
            (false, _, Some(cut)) => Outcome::Skipped(SkipReason::Fault(cut)),
            (false, first, None) => {
                let first =
                    first.map(|(_, reason)| reason).or(self.held.into_iter().next().map(|(_, why)| why));
                Outcome::Skipped(match first {
                    Some(FaultReason::InvalidJson) => SkipReason::NotJson,
                    Some(FaultReason::NotARecord | FaultReason::NotAnObject) | None => SkipReason::NoRecords,
                    Some(reason) => SkipReason::Fault(reason),
                })
            }
        };
    }

    /// The elements of the array whose bracket is at `start`. Faults stay inside.
    fn array(&mut self, text: Text<'_>, start: usize, place: Place, depth: u32) -> Progress {
        let mut at = start + 1;
        loop {
            at = scan::skip_space(text.bytes, at);
            let progress = match text.bytes.get(at) {
                None => Err(Broken::open(at, FaultReason::Truncated)),
                Some(b']') => return Ok(Some(at + 1)),
                // A missing or doubled comma loses nothing.
                Some(b',') => Ok(Some(at + 1)),
                Some(b'{') => self.object(text, at, place, depth + 1),
                Some(_) => match self.skip_value(text, at) {
                    Ok(found) if is_element_end(text.bytes, found.end) => {
                        let reason = self.too_deep(found).unwrap_or(FaultReason::NotAnObject);
                        Err(Broken::value(at, found.end, reason))
                    }
                    // Not a value between commas: the rest of a torn record. Its strings may begin where they end.
                    Ok(_) | Err(Broken { reason: FaultReason::InvalidJson, .. }) => {
                        Err(Broken::open(at, FaultReason::InvalidJson))
                    }
                    Err(broken) => Err(broken),
                },
            };
            let next = match progress {
                Ok(next) => next,
                Err(broken) => self.resume(text, broken),
            };
            match next {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
    }

    /// The object whose brace is at `start`: a record, a wrapper of records, or neither.
    fn object(&mut self, text: Text<'_>, start: usize, place: Place, depth: u32) -> Progress {
        if is_canonical(&text.bytes[start..]) {
            self.recognise(text);
            let mut members = std::mem::take(&mut self.members);
            let outline = self.outline(text, start, &mut members);
            let found = match &outline {
                Some(found) => Ok(*found),
                // Something is out of the ordinary: what it is, and where it ends, is a longer story.
                None => self.container(text, start, self.limits.nesting_depth),
            };
            let known = outline.is_some().then_some(members.as_slice());
            let progress =
                found.and_then(|found| self.record(text, start, found, RecordKind::CloudTrail, known));
            self.members = members;
            return progress.map(Some);
        }
        if depth > WRAPPER_DEPTH {
            let end = self.container(text, start, u32::MAX)?.end;
            return Err(Broken::value(start, end, FaultReason::NotARecord));
        }
        let mut keys = Keys::default();
        let mut wrapper = false;
        let (mut too_deep, mut surrogates) = (self.limits.nesting_depth == 0, false);
        // What a fault further on costs: the whole object, or in a wrapper what was not yet handed over.
        let mut from = start;
        let mut at = scan::skip_space(text.bytes, start + 1);
        loop {
            match text.bytes.get(at) {
                Some(b'}') => break,
                Some(b'"') => {}
                _ => return Err(self.unexpected(text, from, at, start)),
            }
            let Some((key_end, escapes)) = scan::string(text.bytes, at) else {
                return Err(self.unexpected(text, from, text.bytes.len(), start));
            };
            let key = key_name(&text.bytes[at..key_end], escapes);
            at = scan::skip_space(text.bytes, key_end);
            if text.bytes.get(at) != Some(&b':') {
                return Err(self.unexpected(text, from, at, start));
            }
            at = scan::skip_space(text.bytes, at + 1);
            if at >= text.bytes.len() {
                return Err(self.unexpected(text, from, at, start));
            }
            keys.add(&key);
            if keys.any(Keys::SOURCE) && !self.recognised {
                self.shape = Some(Shape::SearchHits);
            }
            if keys.any(Keys::RECORD) {
                self.recognise(text);
            }
            let inner = if keys.any(Keys::RECORD) {
                None
            } else {
                self.wrapped(text, (&key, at), place, keys, depth)
            };
            at = match inner {
                Some(progress) => {
                    wrapper = true;
                    let next = match progress {
                        Ok(next) => next,
                        Err(broken) if broken.end.is_some() => self.resume(text, broken),
                        Err(broken) => return Err(broken),
                    };
                    let Some(next) = next else { return Ok(None) };
                    from = next;
                    next
                }
                None => {
                    let found = match self.skip_value(text, at) {
                        Ok(found) => found,
                        Err(Broken { reason: FaultReason::InvalidJson, .. }) => {
                            return Err(self.unexpected(text, from, at, start));
                        }
                        Err(Broken { reason, .. }) => {
                            return Err(Broken { from, look: look(from, start), reason, end: None });
                        }
                    };
                    too_deep |= found.too_deep;
                    surrogates |= found.surrogates;
                    let end = found.end;
                    if *key == *b"messageType" && text.bytes[at..end] == *b"\"CONTROL_MESSAGE\"" {
                        keys.set_control_message();
                    }
                    end
                }
            };
            at = scan::skip_space(text.bytes, at);
            match text.bytes.get(at) {
                Some(b',') => at = scan::skip_space(text.bytes, at + 1),
                Some(b'}') => {}
                _ => return Err(self.unexpected(text, from, at, start)),
            }
        }
        if wrapper {
            return Ok(Some(at + 1));
        }
        match keys.kind() {
            Some(kind) => {
                self.recognise(text);
                let found = scan::Container { end: at + 1, too_deep, surrogates };
                self.record(text, start, found, kind, None).map(Some)
            }
            None => {
                let found = scan::Container { end: at + 1, too_deep, surrogates };
                let reason = self.too_deep(found).unwrap_or(FaultReason::NotARecord);
                Err(Broken::value(start, found.end, reason))
            }
        }
    }

    /// Hands over the record at `start`, whose end was found, and returns its end.
    fn record(
        &mut self,
        text: Text<'_>,
        start: usize,
        found: scan::Container,
        kind: RecordKind,
        members: Option<&[Member]>,
    ) -> Result<usize, Broken> {
        let broken = |reason| Err(Broken::value(start, found.end, reason));
        if found.end - start > self.limits.record_bytes {
            return broken(FaultReason::TooLong { limit: self.limits.record_bytes });
        }
        if let Some(reason) = self.too_deep(found) {
            return broken(reason);
        }
        let Ok(record) = simdutf8::basic::from_utf8(&text.bytes[start..found.end]) else {
            return broken(FaultReason::InvalidUtf8);
        };
        let (record, repaired) =
            if found.surrogates { surrogate::repair(record) } else { (Cow::Borrowed(record), false) };
        if self.limits.check == Check::Whole && !is_json(&record) {
            return broken(FaultReason::InvalidJson);
        }
        self.notes.repaired_surrogates += u64::from(repaired);
        self.records += 1;
        // A repaired text may be of another length.
        let members = members.filter(|_| !repaired);
        (self.sink)(Item::Record(RawRecord { kind, text: &record, offset: text.offset(start), members }));
        Ok(found.end)
    }

    fn too_deep(&self, found: scan::Container) -> Option<FaultReason> {
        found.too_deep.then_some(FaultReason::NestedTooDeep { limit: self.limits.nesting_depth })
    }

    /// Finds the members and the end of a record within the cap on its size. `None` when it is out of the ordinary.
    fn outline(
        &mut self,
        text: Text<'_>,
        start: usize,
        members: &mut Vec<Member>,
    ) -> Option<scan::Container> {
        let window = text.until(start.saturating_add(self.record_cap()));
        match members::outline(window.bytes, start, self.limits.nesting_depth, members) {
            Ok(found) => Some(found),
            Err(reached) => {
                self.wasted = self.wasted.saturating_add(reached - start);
                None
            }
        }
    }

    /// The most bytes that one record may have; less for an input full of faults, so that it cannot cost hours.
    fn record_cap(&self) -> usize {
        if self.wasted > self.length.saturating_mul(8).saturating_add(1 << 20) {
            self.limits.record_bytes.min(RESYNC_WINDOW)
        } else {
            self.limits.record_bytes
        }
    }

    /// Finds the end of a container within the cap on a record's size.
    fn container(&mut self, text: Text<'_>, start: usize, depth_cap: u32) -> Result<scan::Container, Broken> {
        let limit = self.record_cap();
        let window = text.until(start.saturating_add(limit));
        scan::container(window.bytes, start, depth_cap).map_err(|why| {
            self.wasted = self.wasted.saturating_add(window.bytes.len() - start);
            let reason = match why {
                Unbalanced::Mismatched => FaultReason::InvalidJson,
                Unbalanced::Unclosed { .. } if window.bytes.len() < text.bytes.len() => {
                    FaultReason::TooLong { limit }
                }
                Unbalanced::Unclosed { too_deep: true } => {
                    FaultReason::NestedTooDeep { limit: self.limits.nesting_depth }
                }
                Unbalanced::Unclosed { too_deep: false } => FaultReason::Truncated,
            };
            Broken::open(start, reason)
        })
    }

    /// The end of the value at `at`, which lies one level down in an object.
    fn skip_value(&mut self, text: Text<'_>, at: usize) -> Result<scan::Container, Broken> {
        let flat = |end, surrogates| Ok(scan::Container { end, too_deep: false, surrogates });
        match text.bytes.get(at) {
            Some(b'{' | b'[') => self.container(text, at, self.limits.nesting_depth.saturating_sub(1)),
            Some(b'"') => match scan::string(text.bytes, at) {
                Some((end, escapes)) => flat(end, escapes),
                None => Err(Broken::open(at, FaultReason::Truncated)),
            },
            _ => {
                let end = scan::scalar(text.bytes, at);
                match &text.bytes[at..end] {
                    [b'-' | b'0'..=b'9', ..] | b"true" | b"false" | b"null" => flat(end, false),
                    [] => Err(Broken::open(at, FaultReason::InvalidJson)),
                    _ if end == text.bytes.len() => Err(Broken::open(at, FaultReason::Truncated)),
                    _ => Err(Broken::value(at, end, FaultReason::InvalidJson)),
                }
            }
        }
    }
}

fn key_name(literal: &[u8], escapes: bool) -> Cow<'_, [u8]> {
    let raw = &literal[1..literal.len() - 1];
    if !escapes {
        return Cow::Borrowed(raw);
    }
    match serde_json::from_slice::<String>(literal) {
        Ok(key) => Cow::Owned(key.into_bytes()),
        Err(_) => Cow::Borrowed(raw),
    }
}

fn is_json(record: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(record).is_ok()
}

fn is_element_end(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(scan::skip_space(bytes, at)), None | Some(b',' | b']'))
}

/// The object that a line begins with, behind the timestamp of CloudWatch Logs if there is one, up to the line's end.
pub(super) fn value_of_line(line: &[u8]) -> Option<&[u8]> {
    let brace = memchr(b'{', line)?;
    (brace == 0 || is_timestamp(&line[..brace])).then(|| &line[brace..])
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length)
}

/// Whether the value at `start..end` lies on one line and more follows on later lines.
fn alone_on_its_line(bytes: &[u8], start: usize, end: usize) -> bool {
    let next = scan::skip_space(bytes, end);
    next < bytes.len()
        && memchr(b'\n', &bytes[end..next]).is_some()
        && memchr(b'\n', &bytes[start..end]).is_none()
        && memrchr(b'\n', &bytes[..start]).is_none_or(|line| bytes[line..start].trim_ascii().is_empty())
}
