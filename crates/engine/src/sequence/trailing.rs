//! Complete sequences that wait to see whether an event comes that a missing stage forbids after them.

use std::collections::VecDeque;

use foldhash::HashMap;

use super::{FoundSequence, exceeds};

/// The waiting sequences, in the order of results.
#[derive(Debug, Default)]
pub(super) struct TrailingWatch {
    waiting: VecDeque<Waiting>,
    /// The number of the one in front; each has the next one's number less one.
    front: u64,
    /// The number of the newest undecided one of each key.
    newest: HashMap<u32, u64>,
    given_up: u64,
}

/// A sequence that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    sequence: FoundSequence,
    /// From when `maxspan` counts; `None` where no later event matters.
    measured_from: Option<i64>,
    verdict: Verdict,
    /// The number of the undecided one of this key before it.
    previous: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Open,
    Keep,
    GiveUp,
}

impl Waiting {
    pub(super) fn new(sequence: FoundSequence, measured_from: Option<i64>) -> Self {
        let verdict = if measured_from.is_some() { Verdict::Open } else { Verdict::Keep };
        Self { sequence, measured_from, verdict, previous: None }
    }
}

impl TrailingWatch {
    /// Takes in a sequence; those before it must come before it in the order of results.
    pub(super) fn wait(&mut self, mut waiting: Waiting) {
        if waiting.verdict == Verdict::Open {
            let number = self.front + self.waiting.len() as u64;
            waiting.previous = self.newest.insert(waiting.sequence.key, number);
        }
        self.waiting.push_back(waiting);
    }

    /// Decides the sequences of a key that end before a forbidden event, strictly earlier in milliseconds.
    pub(super) fn forbid(&mut self, key: u32, time: i64, maxspan: Option<u64>) {
        let mut next = self.newest.get(&key).copied();
        // Those before a decided one are decided too: they end no later, so the same event decided them.
        while let Some(index) = next.and_then(|number| number.checked_sub(self.front))
            && let Some(waiting) = self.waiting.get_mut(index as usize)
            && waiting.verdict == Verdict::Open
        {
            if waiting.sequence.completion.time < time {
                let within = waiting.measured_from.is_some_and(|from| !exceeds(maxspan, from, time));
                waiting.verdict = if within { Verdict::GiveUp } else { Verdict::Keep };
            }
            next = waiting.previous;
        }
    }

    /// Gives out what no event from `now` on can undo; all, when no event comes any more.
    pub(super) fn release(&mut self, now: Option<i64>, maxspan: Option<u64>, found: &mut Vec<FoundSequence>) {
        while let Some(waiting) = self.waiting.front() {
            let decided = waiting.verdict != Verdict::Open
                || now.is_none_or(|now| waiting.measured_from.is_none_or(|from| exceeds(maxspan, from, now)));
            if !decided {
                return;
            }
            let key = waiting.sequence.key;
            if self.newest.get(&key) == Some(&self.front) {
                self.newest.remove(&key);
            }
            self.front += 1;
            match self.waiting.pop_front() {
                Some(waiting) if waiting.verdict != Verdict::GiveUp => found.push(waiting.sequence),
                _ => self.given_up += 1,
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }

    pub(super) fn bytes(&self, stages: usize) -> usize {
        self.waiting.capacity() * size_of::<Waiting>()
            + self.waiting.len() * stages * size_of::<Option<u32>>()
            + self.newest.capacity() * (size_of::<(u32, u64)>() + 1)
    }
}
