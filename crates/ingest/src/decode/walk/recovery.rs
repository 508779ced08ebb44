//! What becomes of faults, and how the walk finds its way again after one.

use std::ops::Range;

use memchr::memchr;

use super::super::{Fault, FaultReason, Item, resync};
use super::{Broken, HELD_FAULTS, RESYNC_WINDOW, Text, Walk};

impl Walk<'_> {
    /// The grammar is broken at `at`, inside the object that began at `start`.
    pub(super) fn unexpected(&mut self, text: Text<'_>, from: usize, at: usize, start: usize) -> Broken {
        let look = look(from, start);
        if at >= text.bytes.len() {
            return Broken { from, look, reason: FaultReason::Truncated, end: None };
        }
        let end = if from == start {
            self.container(text, start, u32::MAX).ok().map(|found| found.end)
        } else {
            None
        };
        Broken { from, look, reason: FaultReason::InvalidJson, end }
    }

    /// Counts what is broken as one fault and says where the next record may be.
    pub(super) fn resume(&mut self, text: Text<'_>, broken: Broken) -> Option<usize> {
        let Broken { from, look, reason, end } = broken;
        // A value that is whole is searched as well: a torn record may have swallowed others, and a wrapper that we
        // do not know may hold some.
        let until = text.until(end.unwrap_or(usize::MAX));
        let next = self.next_record(until.bytes, look).or(end);
        self.fault(text, from..next.unwrap_or(text.bytes.len()), reason);
        next
    }

    /// The next brace at or after `from` that begins a record or a wrapper of one, by its keys.
    pub(super) fn next_record(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            at += memchr(b'{', bytes.get(at..)?)?;
            if self.wasted > self.length.saturating_mul(16).saturating_add(4 << 20) {
                return None;
            }
            if resync::follows_a_value(&bytes[..at]) {
                let window = &bytes[..bytes.len().min(at + RESYNC_WINDOW)];
                let (found, seen) = resync::has_record_key(window, at, self.limits.nesting_depth);
                if found {
                    return Some(at);
                }
                self.wasted = self.wasted.saturating_add(seen - at);
            }
            at += 1;
        }
    }

    /// From now on this input is a log, and its faults are losses.
    pub(super) fn recognise(&mut self, text: Text<'_>) {
        if self.recognised {
            return;
        }
        self.recognised = true;
        self.hand_over_held(text);
    }

    pub(super) fn hand_over_held(&mut self, text: Text<'_>) {
        self.holding = false;
        for (range, reason) in std::mem::take(&mut self.held) {
            self.fault(text, range, reason);
        }
    }

    pub(super) fn fault(&mut self, text: Text<'_>, range: Range<usize>, reason: FaultReason) {
        let outermost = text.within.is_none();
        // An end that comes too early is the input's end only where the input ends.
        let reason = match reason {
            FaultReason::Truncated if !outermost || text.input_end != Some(range.end) => {
                FaultReason::InvalidJson
            }
            FaultReason::Truncated => match (self.recognised, self.cut.take()) {
                (true, Some(cut)) => cut,
                (_, cut) => {
                    self.cut = cut;
                    FaultReason::Truncated
                }
            },
            reason => reason,
        };
        if self.holding && outermost {
            self.held.push((range, reason));
            if self.held.len() > HELD_FAULTS {
                self.hand_over_held(text);
            }
            return;
        }
        let offset = text.offset(range.start);
        self.hand_over(Fault { offset, reason, bytes: text.bytes.get(range).unwrap_or_default() });
    }

    pub(super) fn hand_over(&mut self, fault: Fault<'_>) {
        self.faults += 1;
        if self.first_fault.is_none() {
            self.first_fault = Some((fault.offset, fault.reason.clone()));
        }
        (self.sink)(Item::Fault(fault));
    }
}

/// Where to look for the next record after a fault that costs the bytes from `from` on, in the object at `start`:
/// the object itself was tried.
pub(super) fn look(from: usize, start: usize) -> usize {
    from + usize::from(from == start)
}
