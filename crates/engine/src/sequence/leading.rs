//! Events that a missing stage forbids before a sequence: the latest of each key.

use foldhash::HashMap;

use super::exceeds;

/// The latest forbidden times of each key.
#[derive(Debug, Default)]
pub(super) struct Leading {
    latest: HashMap<u32, Latest>,
}

/// The two latest distinct times. A start may share its millisecond with the latest, which then does not count.
#[derive(Debug)]
struct Latest {
    time: i64,
    before: Option<i64>,
}

impl Leading {
    /// Notes a forbidden event.
    pub(super) fn forbid(&mut self, key: u32, time: i64) {
        let latest = self.latest.entry(key).or_insert(Latest { time, before: None });
        if latest.time < time {
            *latest = Latest { time, before: Some(latest.time) };
        }
    }

    /// The latest forbidden time strictly before a start, which must not lie before what was noted.
    pub(super) fn nearest_before(&self, key: u32, start: i64) -> Option<i64> {
        if self.latest.is_empty() {
            return None;
        }
        let latest = self.latest.get(&key)?;
        if latest.time < start { Some(latest.time) } else { latest.before }
    }

    /// Forgets what lies more than `maxspan` before `now`: it is as good as not there.
    pub(super) fn forget_expired(&mut self, now: i64, maxspan: u64) {
        self.latest.retain(|_, latest| !exceeds(Some(maxspan), latest.time, now));
    }

    pub(super) fn len(&self) -> usize {
        self.latest.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.latest.capacity() * (size_of::<(u32, Latest)>() + 1)
    }
}
