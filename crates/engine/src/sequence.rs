//! EQL's `sequence`: events that follow one another, joined by key, as a pure state machine.
//!
//! ```text
//!   StageEvent ──takes, by key──▶ KeyState: one pending sequence per state ──last stage──▶ FoundSequence
//!   (ascending)                       ▲ leading: forbidden before            trailing: waits for what comes after
//! ```
//!
//! The caller judges events against stages and interns keys; this file knows neither fields nor filters. Keys do not
//! touch one another, so a run may be divided by key and the parts put together again with [`in_order`].
//!
//! The rules are Elasticsearch's (elastic/elasticsearch, `x-pack/plugin/eql`, `execution/sequence/SequenceMatcher`
//! and `TumblingWindow`), read one event at a time instead of one window per stage:
//!
//! - the newest start wins: a state holds one pending sequence, and a new one replaces it;
//! - an event extends what is pending before it starts anew, so it never fills two stages of one sequence;
//! - a pending sequence that is asked for is used up, also where `maxspan` or `until` then refuses it. Hence one that
//!   is past `maxspan`, or met its `until`, may be forgotten at any time: nothing else could become of it.
//!
//! Invariant: what is kept is bounded by the keys alive within `maxspan`, with one pending sequence per state, and by
//! the sequences completed within `maxspan` that wait for a trailing missing event.

mod key_state;
mod leading;
mod ordinal;
mod plan;
mod trailing;

use std::cmp::Ordering;
use std::collections::hash_map::Entry;

use foldhash::HashMap;

use self::key_state::{Completed, KeyState, Moment};
use self::leading::Leading;
use self::plan::{Layout, Place};
use self::trailing::{TrailingWatch, Waiting};

pub use self::ordinal::{Ordinal, Tiebreaker};
pub use self::plan::{SequencePlan, StageKind};

/// Fewer keys than this are never looked through for what has expired.
const FIRST_SWEEP: usize = 64;

/// One event, and all the places it can take.
#[derive(Clone, Debug)]
pub struct StageEvent<'t> {
    /// Its place in the order of the run; must be after that of the event before.
    pub ordinal: Ordinal,
    /// The caller's number of the event, given back in [`FoundSequence::events`].
    pub event: u32,
    /// What it may take part in, in any order; empty is allowed and only lets time pass.
    pub takes: &'t [Take],
}

/// One part an event can take: a stage or `until`, for one value of the key.
///
/// An event of a multi-valued key has one per role and distinct key. A stage with runs is as many stages of the plan,
/// and needs a take for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Take {
    /// The caller's number of the key; equal keys have equal numbers.
    pub key: u32,
    /// What the event is there.
    pub role: Role,
}

/// What an event is for a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It matches the stage of this index in [`SequencePlan::stages`], an event or a forbidden one as the plan says.
    Stage(u16),
    /// It matches `until`.
    Until,
}

/// A sequence that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSequence {
    /// The caller's number of the key.
    pub key: u32,
    /// The caller's number of each stage's event, in the order of the stages; `None` for a missing one.
    pub events: Vec<Option<u32>>,
    /// The place of its last event.
    pub completion: Ordinal,
}

impl FoundSequence {
    /// The caller's number of its first event.
    fn first_event(&self) -> Option<u32> {
        self.events.iter().find_map(|event| *event)
    }
}

/// The order of results: by completion, then by the number of the first event, then by that of the key.
///
/// What one [`SequenceMatcher`] gives out is already in this order; this is for the results of several.
pub fn in_order(mut found: Vec<FoundSequence>) -> Vec<FoundSequence> {
    found.sort_by(result_order);
    found
}

fn result_order(left: &FoundSequence, right: &FoundSequence) -> Ordering {
    (&left.completion, left.first_event(), left.key).cmp(&(&right.completion, right.first_event(), right.key))
}

/// What a matcher holds and has held, for the account of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequenceFigures {
    /// Keys with a pending sequence or a remembered leading event.
    pub keys: usize,
    /// Sequences begun and not yet complete. Those past `maxspan` are in it until the next sweep.
    pub pending: usize,
    /// Complete sequences that wait to see whether a trailing missing event comes.
    pub waiting: usize,
    /// The most `keys` there ever were.
    pub peak_keys: usize,
    /// The most `pending` there ever were.
    pub peak_pending: usize,
    /// The most `waiting` there ever were.
    pub peak_waiting: usize,
    /// Bytes held for all this, near enough.
    pub bytes: usize,
    /// Complete sequences given up because an event of a missing stage was there.
    pub given_up: u64,
    /// Events that came out of order, or twice, and were not judged.
    pub out_of_order: u64,
}

/// Finds the sequences of one plan in a run of events.
#[derive(Debug)]
pub struct SequenceMatcher {
    layout: Layout,
    keys: HashMap<u32, KeyState>,
    leading: Leading,
    trailing: TrailingWatch,
    last: Option<Ordinal>,
    pending: usize,
    sweep_at: usize,
    figures: SequenceFigures,
    /// Emptied after each event, kept for their room.
    takes: Vec<Take>,
    completed: Vec<Completed>,
}

impl SequenceMatcher {
    /// A matcher that has seen nothing.
    ///
    /// A plan with missing stages should have a `maxspan`, as Elasticsearch demands; without one, a forbidden event
    /// counts at any distance. A plan of missing stages only finds nothing.
    pub fn new(plan: &SequencePlan) -> Self {
        Self {
            layout: Layout::new(plan),
            keys: HashMap::default(),
            leading: Leading::default(),
            trailing: TrailingWatch::default(),
            last: None,
            pending: 0,
            sweep_at: FIRST_SWEEP,
            figures: SequenceFigures::default(),
            takes: Vec::new(),
            completed: Vec::new(),
        }
    }

    /// Judges the next event, and adds what is found to `found`, in the order of results.
    ///
    /// With a trailing missing stage, a sequence comes out once no event can undo it: at the first event, of whatever
    /// key, that lies too late, or at [`Self::finish`].
    pub fn push(&mut self, event: StageEvent<'_>, found: &mut Vec<FoundSequence>) {
        if self.last.as_ref().is_some_and(|last| event.ordinal <= *last) {
            self.figures.out_of_order += 1;
            return;
        }
        let moment = Moment { time: event.ordinal.time, event: event.event };
        match event.takes {
            [] => {}
            [take] => self.judge(take.key, &[*take], moment),
            takes => self.judge_by_key(takes, moment),
        }
        self.give_out(&event.ordinal, found);
        self.trailing.release(Some(moment.time), self.layout.maxspan, found);
        self.sweep(moment.time);
        self.last = Some(event.ordinal);
        self.count_peaks();
    }

    /// Says that no further event comes: what waits for trailing missing events is decided on what there was.
    ///
    /// What is pending is forgotten. The figures stay.
    pub fn finish(&mut self, found: &mut Vec<FoundSequence>) {
        self.trailing.release(None, self.layout.maxspan, found);
        self.keys = HashMap::default();
        self.leading = Leading::default();
        self.pending = 0;
    }

    /// What is held now, and was at most. Looks at every key, so not for each event.
    pub fn figures(&self) -> SequenceFigures {
        SequenceFigures {
            keys: self.keys_held(),
            pending: self.pending,
            waiting: self.trailing.len(),
            bytes: self.keys.capacity() * (size_of::<(u32, KeyState)>() + 1)
                + self.keys.values().map(KeyState::bytes_elsewhere).sum::<usize>()
                + self.leading.bytes()
                + self.trailing.bytes(self.layout.places.len()),
            given_up: self.figures.given_up + self.trailing.given_up(),
            ..self.figures
        }
    }

    fn judge_by_key(&mut self, takes: &[Take], moment: Moment) {
        let mut sorted = std::mem::take(&mut self.takes);
        sorted.extend_from_slice(takes);
        // From the last stage to the first: an event extends what is pending before it starts anew. `until` closes.
        sorted.sort_unstable_by_key(|take| match take.role {
            Role::Stage(stage) => (take.key, false, u16::MAX - stage),
            Role::Until => (take.key, true, 0),
        });
        sorted.dedup();
        for of_key in sorted.chunk_by(|left, right| left.key == right.key) {
            self.judge(of_key[0].key, of_key, moment);
        }
        sorted.clear();
        self.takes = sorted;
    }

    /// Judges an event for one key; `takes` from the last stage to the first, `until` at the end.
    fn judge(&mut self, key: u32, takes: &[Take], moment: Moment) {
        let mut places = takes.iter().filter_map(|take| self.layout.place(take.role));
        if self.layout.has_leading || self.layout.has_trailing {
            for place in places.clone() {
                match place {
                    Place::Leading => self.leading.forbid(key, moment.time),
                    Place::Trailing => self.trailing.forbid(key, moment.time, self.layout.maxspan),
                    Place::Event(_) | Place::Between(_) | Place::Until => {}
                }
            }
        }
        match self.keys.entry(key) {
            Entry::Occupied(mut entry) => {
                let state = entry.get_mut();
                let before = state.pending();
                for place in places {
                    match place {
                        Place::Event(0) => {
                            let lead = self.leading.nearest_before(key, moment.time);
                            start(&self.layout, state, key, moment, lead, &mut self.completed);
                        }
                        Place::Event(at) => {
                            let full = state.extend(at, moment, &self.layout);
                            self.completed.extend(full.map(|pending| pending.complete(key)));
                        }
                        Place::Between(after) => state.forbid_after(after, moment.time),
                        Place::Until => state.clear(),
                        Place::Leading | Place::Trailing => {}
                    }
                }
                self.pending = self.pending + state.pending() - before;
                if state.pending() == 0 {
                    entry.remove();
                }
            }
            // Nothing is pending: only a start is of interest.
            Entry::Vacant(entry) => {
                if places.any(|place| place == Place::Event(0)) {
                    let mut state = KeyState::default();
                    let lead = self.leading.nearest_before(key, moment.time);
                    start(&self.layout, &mut state, key, moment, lead, &mut self.completed);
                    let until =
                        takes.last().is_some_and(|take| self.layout.place(take.role) == Some(Place::Until));
                    if state.pending() > 0 && !until {
                        self.pending += state.pending();
                        entry.insert(state);
                    }
                }
            }
        }
    }

    /// Hands on what the event completed: out, or to wait for what trails.
    fn give_out(&mut self, completion: &Ordinal, found: &mut Vec<FoundSequence>) {
        if self.completed.is_empty() {
            return;
        }
        let mut completed = std::mem::take(&mut self.completed);
        completed.sort_by_key(|completed| (completed.events.first().copied(), completed.key));
        for completed in completed.drain(..) {
            if !self.layout.allows(&completed) {
                self.figures.given_up += 1;
                continue;
            }
            let sequence = FoundSequence {
                key: completed.key,
                events: self.layout.events_by_stage(&completed.events),
                completion: completion.clone(),
            };
            if self.layout.has_trailing {
                // With a leading stage too, the clean time is measured from the last event that it forbids.
                let measured_from =
                    if self.layout.has_leading { completed.lead } else { Some(completed.first_time) };
                self.trailing.wait(Waiting::new(sequence, measured_from));
            } else {
                found.push(sequence);
            }
        }
        self.completed = completed;
    }

    /// Forgets what is past `maxspan`, each time the number of keys has doubled: constant work per event, on average.
    fn sweep(&mut self, now: i64) {
        let Some(maxspan) = self.layout.maxspan else { return };
        if self.keys_held() < self.sweep_at {
            return;
        }
        let mut pending = 0;
        self.keys.retain(|_, state| {
            state.forget_expired(now, maxspan);
            pending += state.pending();
            state.pending() > 0
        });
        self.pending = pending;
        self.leading.forget_expired(now, maxspan);
        self.sweep_at = (2 * self.keys_held()).max(FIRST_SWEEP);
        self.keys.shrink_to(self.sweep_at);
    }

    fn keys_held(&self) -> usize {
        self.keys.len() + self.leading.len()
    }

    fn count_peaks(&mut self) {
        let (keys, waiting) = (self.keys_held(), self.trailing.len());
        let figures = &mut self.figures;
        figures.peak_keys = figures.peak_keys.max(keys);
        figures.peak_pending = figures.peak_pending.max(self.pending);
        figures.peak_waiting = figures.peak_waiting.max(waiting);
    }
}

fn start(
    layout: &Layout,
    state: &mut KeyState,
    key: u32,
    moment: Moment,
    lead: Option<i64>,
    completed: &mut Vec<Completed>,
) {
    if layout.positives == 1 {
        completed.push(Completed::at_once(key, moment, lead));
    } else {
        state.start(moment, lead);
    }
}

/// True when two times lie further apart than `maxspan`, in milliseconds; exactly `maxspan` is within.
fn exceeds(maxspan: Option<u64>, from: i64, to: i64) -> bool {
    maxspan.is_some_and(|maxspan| to > from && to.abs_diff(from) > maxspan)
}
