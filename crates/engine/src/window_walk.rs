//! Which runs of a schedule have to be looked at for a query over all events of a window, and which events each sees.
//!
//! A run that sees the same events as the one before it gives the same answer, unless the query asks for the time. So of
//! each such row of runs the first is enough, and runs that see nothing are passed over: the number of runs that are
//! looked at depends on the events, and not on the length of the range.

use std::ops::Range;

use crate::windows::ScheduledRuns;

/// Walks through the runs that see some of the events, oldest first.
#[derive(Debug)]
pub struct WindowWalk<'w> {
    runs: &'w ScheduledRuns,
    /// Milliseconds since the epoch, ascending.
    times: &'w [i64],
    /// Is a run of interest that sees the same events as the one before it?
    every_run: bool,
    /// The last run that counts.
    last: i64,
    next: Option<i64>,
}

/// A run, and the events that it sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenByRun {
    /// When it starts, in milliseconds since the epoch.
    pub run: i64,
    /// Positions among the times; not empty.
    pub events: Range<usize>,
}

impl<'w> WindowWalk<'w> {
    /// The runs that see some event. `times` ascend; `until` is the last run that counts, where there is one.
    ///
    /// Without one the walk goes on until no run sees any event; for a window whose start never moves, until there is
    /// one that sees all.
    pub fn new(runs: &'w ScheduledRuns, times: &'w [i64], until: Option<i64>, every_run: bool) -> Self {
        let first = times.first().map(|first| runs.at_or_before(*first));
        let mut walk = Self { runs, times, every_run, last: until.unwrap_or(i64::MAX), next: None };
        walk.next = first.and_then(|first| runs.next_that(first, |run| walk.seen(run).end > 0));
        if let (Some(first), None, false) = (walk.next, until, runs.start_moves()) {
            walk.last = runs.next_that(first, |run| walk.seen(run).end == times.len()).unwrap_or(first);
        }
        walk
    }

    /// What a run sees. Later runs never see earlier events than a run does.
    fn seen(&self, run: i64) -> Range<usize> {
        let before = |at: Option<i64>| match at {
            Some(at) => self.times.partition_point(|time| *time < at),
            // A window that cannot be represented holds nothing.
            None => self.times.len(),
        };
        let (start, end) = (before(self.runs.start(run)), before(self.runs.end(run)));
        start..end.max(start)
    }
}

impl Iterator for WindowWalk<'_> {
    type Item = SeenByRun;

    fn next(&mut self) -> Option<SeenByRun> {
        loop {
            let run = self.next.filter(|run| *run <= self.last)?;
            let events = self.seen(run);
            let following = self.runs.after(run);
            self.next = if self.every_run && !events.is_empty() {
                Some(following)
            } else {
                self.runs.next_that(following, |run| self.seen(run) != events)
            };
            if !events.is_empty() {
                return Some(SeenByRun { run, events });
            }
            if events.start == self.times.len() {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ecs::time::Rounding;
    use ecs::{DateMath, Timestamp};
    use proptest::prelude::*;
    use rule::schedule::Schedule;

    const MINUTE: i64 = 60_000;

    fn runs(interval: &str, from: &str, to: &str) -> ScheduledRuns {
        let schedule = Schedule {
            interval: interval.parse().unwrap(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        ScheduledRuns::new(&schedule, None).unwrap()
    }

    fn walk(
        runs: &ScheduledRuns,
        times: &[i64],
        until: Option<i64>,
        every_run: bool,
    ) -> Vec<(i64, Range<usize>)> {
        WindowWalk::new(runs, times, until, every_run).map(|seen| (seen.run / MINUTE, seen.events)).collect()
    }

    #[test]
    fn only_runs_that_see_something_else_are_looked_at() {
        let runs = runs("5m", "now-1h", "now");
        let times = [MINUTE, 2 * MINUTE, 62 * MINUTE, 100_000 * MINUTE];
        let expected = [(5, 0..2), (65, 2..3), (100_005, 3..4)];
        assert_eq!(walk(&runs, &times, None, false), expected);
        let every = walk(&runs, &times, None, true);
        assert_eq!(every.len(), 12 * 3);
        assert_eq!((every[11].clone(), every[12].clone()), ((60, 0..2), (65, 2..3)));
        assert_eq!(walk(&runs, &times, Some(65 * MINUTE), false), expected[..2]);
        assert_eq!(walk(&runs, &[], None, true), []);
    }

    #[test]
    fn a_window_that_never_moves_is_looked_at_once() {
        let runs = runs("5m", "1970-01-01", "now");
        assert_eq!(walk(&runs, &[MINUTE, 7 * MINUTE], None, false), [(5, 0..1), (10, 0..2)]);
        assert_eq!(walk(&runs, &[MINUTE, 7 * MINUTE], None, true), [(5, 0..1), (10, 0..2)]);
        assert_eq!(walk(&runs, &[-MINUTE], None, false), []);
    }

    proptest! {
        /// Looking at every tick gives the same, with fixed windows and with windows by date math.
        #[test]
        fn walking_gives_what_every_tick_gives(
            minutes in prop::sample::select(vec![1i64, 5, 7, 60, 240]),
            from in prop::sample::select(vec!["now-6m", "now-5m", "now-1h", "now-1d/d", "now/h", "now-90m/h"]),
            to in prop::sample::select(vec!["now", "now-3m", "now/h", "now+5m", "now/d"]),
            half_minutes in prop::collection::vec(0i64..2 * 24 * 120, 0..12),
            until in prop::option::of(0i64..3 * 24 * 60),
            every_run in any::<bool>(),
        ) {
            let mut times: Vec<i64> = half_minutes.iter().map(|at| at * (MINUTE / 2)).collect();
            times.sort_unstable();
            let runs = runs(&format!("{minutes}m"), from, to);
            let math = |text: &str, run: i64| {
                let now = Timestamp::from_millisecond(run).unwrap();
                text.parse::<DateMath>().unwrap().resolve(now, Rounding::Down).unwrap().as_millisecond()
            };
            let mut expected: Vec<(i64, Range<usize>)> = Vec::new();
            let mut before = 0..0;
            for tick in (0..=5 * 24 * 60).step_by(minutes as usize).filter(|tick| until.is_none_or(|until| *tick <= until)) {
                let (start, end) = (math(from, tick * MINUTE), math(to, tick * MINUTE).min(tick * MINUTE));
                let events = times.partition_point(|time| *time < start)..times.partition_point(|time| *time < end);
                if !events.is_empty() && (every_run || events != before) {
                    expected.push((tick, events.clone()));
                }
                before = events;
            }
            prop_assert_eq!(walk(&runs, &times, until.map(|until| until * MINUTE), every_run), expected);
        }
    }
}
