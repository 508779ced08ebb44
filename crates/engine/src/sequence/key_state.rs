//! The pending sequences of one key: at most one in each state.

use smallvec::SmallVec;

use super::exceeds;
use super::plan::Layout;

/// When an event happened, and which it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) time: i64,
    pub(super) event: u32,
}

/// The events of a sequence so far; nearly all rules have up to four stages.
type Events = SmallVec<[u32; 4]>;

/// The pending sequences of one key.
#[derive(Debug, Default)]
pub(super) struct KeyState {
    /// By state, ascending, each state at most once. Most keys have but one.
    pending: SmallVec<[Pending; 1]>,
}

/// A sequence that has begun.
#[derive(Debug)]
pub(super) struct Pending {
    /// The number of its last event: 0 for one that has only started.
    state: u16,
    /// True when an event of a missing stage came between two of its events.
    spoiled: bool,
    first_time: i64,
    last_time: i64,
    /// The earliest event forbidden after its last one.
    forbidden: Option<i64>,
    /// The latest event forbidden before its first one.
    lead: Option<i64>,
    events: Events,
}

/// A sequence that has all its events.
#[derive(Debug)]
pub(super) struct Completed {
    pub(super) key: u32,
    pub(super) spoiled: bool,
    pub(super) first_time: i64,
    pub(super) last_time: i64,
    pub(super) lead: Option<i64>,
    pub(super) events: Events,
}

impl KeyState {
    /// How many sequences are pending.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Begins a sequence, in place of one that has only begun.
    pub(super) fn start(&mut self, moment: Moment, lead: Option<i64>) {
        let started = Pending::start(moment, lead);
        match self.pending.first_mut() {
            Some(first) if first.state == 0 => *first = started,
            _ => self.pending.insert(0, started),
        }
    }

    /// Extends the sequence that lacks event number `at`, and returns it when that was the last.
    ///
    /// A sequence that is past `maxspan` is used up all the same.
    pub(super) fn extend(&mut self, at: u16, moment: Moment, layout: &Layout) -> Option<Pending> {
        let index = self.index_of(at.checked_sub(1)?)?;
        let pending = &mut self.pending[index];
        let refused = exceeds(layout.maxspan, pending.first_time, moment.time);
        if refused || at + 1 == layout.positives {
            let mut taken = self.pending.remove(index);
            taken.append(moment);
            return (!refused).then_some(taken);
        }
        pending.append(moment);
        // The newer one replaces what was in the state it comes to.
        if self.pending.get(index + 1).is_some_and(|next| next.state == at) {
            self.pending.remove(index + 1);
        }
        None
    }

    /// Notes an event that is forbidden after event number `after`, strictly later in milliseconds.
    pub(super) fn forbid_after(&mut self, after: u16, time: i64) {
        if let Some(index) = self.index_of(after) {
            let pending = &mut self.pending[index];
            if pending.last_time < time && pending.forbidden.is_none() {
                pending.forbidden = Some(time);
            }
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }

    /// Forgets what no event from `now` on can extend.
    pub(super) fn forget_expired(&mut self, now: i64, maxspan: u64) {
        self.pending.retain(|pending| !exceeds(Some(maxspan), pending.first_time, now));
    }

    /// Bytes kept outside of this itself.
    pub(super) fn bytes_elsewhere(&self) -> usize {
        let own = if self.pending.spilled() { self.pending.capacity() * size_of::<Pending>() } else { 0 };
        let events = self.pending.iter().map(|pending| &pending.events).filter(|events| events.spilled());
        own + events.map(|events| events.capacity() * size_of::<u32>()).sum::<usize>()
    }

    fn index_of(&self, state: u16) -> Option<usize> {
        self.pending.binary_search_by_key(&state, |pending| pending.state).ok()
    }
}

impl Pending {
    fn start(moment: Moment, lead: Option<i64>) -> Self {
        let Moment { time, event } = moment;
        let mut events = Events::new();
        events.push(event);
        Self { state: 0, spoiled: false, first_time: time, last_time: time, forbidden: None, lead, events }
    }

    fn append(&mut self, moment: Moment) {
        self.spoiled |= self.forbidden.take().is_some_and(|forbidden| forbidden < moment.time);
        self.state += 1;
        self.last_time = moment.time;
        self.events.push(moment.event);
    }

    /// Names the key of a sequence that has all its events.
    pub(super) fn complete(self, key: u32) -> Completed {
        let Self { spoiled, first_time, last_time, lead, events, .. } = self;
        Completed { key, spoiled, first_time, last_time, lead, events }
    }
}

impl Completed {
    /// A sequence of one event.
    pub(super) fn at_once(key: u32, moment: Moment, lead: Option<i64>) -> Self {
        Pending::start(moment, lead).complete(key)
    }
}
