//! When a rule runs, and which window of time a run searches.
//!
//! Ticks are whole multiples of the interval since the epoch, so that a live run and a later one over the same events
//! see the same windows. Windows are half-open, `[from, to)`.
//!
//! ```text
//!   last run that succeeded ──due──▶ runs ──window──▶ what each searches
//!   runs that succeeded ──gaps──▶ time that none has searched ──backfill──▶ the runs that search it
//! ```

use ecs::time::{Rounding, TimeError};
use ecs::{DateMath, Interval, TimeRange, Timestamp};
use jiff::SignedDuration;

use crate::rule::Rule;

/// Time that no run has searched: `[from, to)`, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gap {
    /// The first instant that was not searched.
    pub from: Timestamp,
    /// The first instant after it that was, or that was not asked for.
    pub to: Timestamp,
}

/// A rule's interval and the window that each run searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// How often the rule runs.
    pub interval: Interval,
    /// Where the window starts, relative to the run's start.
    pub from: DateMath,
    /// Where the window ends.
    pub to: DateMath,
}

impl Schedule {
    /// The schedule of a rule.
    pub fn of(rule: &Rule) -> Self {
        Self { interval: rule.interval, from: rule.from.clone(), to: rule.to.clone() }
    }

    /// The window of a run that starts at `now`. Both ends round down.
    ///
    /// # Errors
    /// When an end leaves the years that can be represented.
    pub fn window(&self, now: Timestamp) -> Result<TimeRange, TimeError> {
        let from = self.from.resolve(now, Rounding::Down)?;
        let to = self.to.resolve(now, Rounding::Down)?;
        Ok(TimeRange { from: Some(from), to: Some(to) })
    }

    /// How much more than one interval a window covers; negative when events between runs are never searched.
    ///
    /// # Errors
    /// As [`window`](Self::window).
    pub fn look_back(&self, now: Timestamp) -> Result<SignedDuration, TimeError> {
        let from = self.from.resolve(now, Rounding::Down)?;
        let to = self.to.resolve(now, Rounding::Down)?;
        Ok(to.duration_since(from) - self.interval.as_duration())
    }

    /// The last tick at or before `at`; `None` for an interval of zero.
    pub fn tick_at_or_before(&self, at: Timestamp) -> Option<Timestamp> {
        let interval = i128::from(self.interval.as_seconds()) * 1_000_000_000;
        let nanos = at.as_nanosecond();
        let tick = nanos - nanos.checked_rem_euclid(interval)?;
        Timestamp::from_nanosecond(tick).ok()
    }

    /// The ticks in `[from, to)`, in order; none for an interval of zero.
    pub fn ticks(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> {
        let step = self.interval.as_duration();
        let before = self.tick_at_or_before(from);
        let first =
            before.and_then(|tick| if tick < from { tick.checked_add(step).ok() } else { Some(tick) });
        std::iter::successors(first, move |tick| tick.checked_add(step).ok())
            .take_while(move |tick| *tick < to)
    }

    /// The runs that are due at `now`, in order: one for each tick since the last run that succeeded. Without an earlier run
    /// it is that of the last tick.
    pub fn due(&self, last: Option<Timestamp>, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        let newest = self.tick_at_or_before(now);
        let step = self.interval.as_duration();
        let first = match last {
            None => newest,
            Some(last) => self.tick_at_or_before(last).and_then(|tick| tick.checked_add(step).ok()),
        };
        std::iter::successors(first, move |tick| tick.checked_add(step).ok())
            .take_while(move |tick| newest.is_some_and(|newest| *tick <= newest))
    }

    /// What of `[from, to)` none of these runs, given in order, has searched. A run sees no event that comes after it,
    /// wherever its window ends.
    ///
    /// # Errors
    /// As [`window`](Self::window).
    pub fn gaps(
        &self,
        runs: impl IntoIterator<Item = Timestamp>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Gap>, TimeError> {
        let mut gaps = Vec::new();
        let mut searched = from;
        for run in runs {
            let (start, end) = self.searched(run)?;
            let until = start.min(to);
            if searched < until && start < end {
                gaps.push(Gap { from: searched, to: until });
            }
            if start < end {
                searched = searched.max(end);
            }
        }
        if searched < to {
            gaps.push(Gap { from: searched, to });
        }
        Ok(gaps)
    }

    /// The runs up to `now` whose windows hold a part of a gap, in order. They give the alerts that the runs which did not
    /// happen would have given.
    ///
    /// # Errors
    /// As [`window`](Self::window).
    pub fn backfill(&self, gap: Gap, now: Timestamp) -> Result<Vec<Timestamp>, TimeError> {
        let mut runs = Vec::new();
        for run in self.due(Some(gap.from), now) {
            let (start, end) = self.searched(run)?;
            if gap.to <= start {
                break;
            }
            if gap.from < end && start < end {
                runs.push(run);
            }
        }
        Ok(runs)
    }

    /// Where what a run searches starts and ends: its window, as far as it lies before the run.
    fn searched(&self, run: Timestamp) -> Result<(Timestamp, Timestamp), TimeError> {
        let from = self.from.resolve(run, Rounding::Down)?;
        Ok((from, self.to.resolve(run, Rounding::Down)?.min(run)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schedule(interval: &str, from: &str) -> Schedule {
        Schedule {
            interval: interval.parse().unwrap(),
            from: from.parse().unwrap(),
            to: "now".parse().unwrap(),
        }
    }

    #[test]
    fn a_window_reaches_from_the_look_back_to_now() {
        let now: Timestamp = "2024-05-15T13:47:21Z".parse().unwrap();
        let window = schedule("5m", "now-6m").window(now).unwrap();
        assert_eq!(window.from, Some("2024-05-15T13:41:21Z".parse().unwrap()));
        assert_eq!(window.to, Some(now));
    }

    #[test]
    fn the_look_back_is_what_goes_beyond_the_interval() {
        let now = Timestamp::UNIX_EPOCH;
        for (interval, from, minutes) in [("5m", "now-6m", 1), ("10m", "now-60m", 50), ("1h", "now-30m", -30)]
        {
            let look_back = schedule(interval, from).look_back(now).unwrap();
            assert_eq!(look_back, SignedDuration::from_mins(minutes), "{interval} {from}");
        }
    }

    #[test]
    fn ticks_are_whole_multiples_of_the_interval() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let ticks: Vec<_> =
            schedule("5m", "now-6m").ticks(at("2024-05-15T13:45:00Z"), at("2024-05-15T14:00:00Z")).collect();
        let expected = ["2024-05-15T13:45:00Z", "2024-05-15T13:50:00Z", "2024-05-15T13:55:00Z"];
        assert_eq!(ticks, expected.map(at));
        assert_eq!(
            schedule("0s", "now-6m").ticks(at("2024-05-15T13:45:00Z"), at("2024-05-15T14:00:00Z")).count(),
            0
        );
    }

    #[test]
    fn due_is_each_tick_since_the_last_run() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let due = |last: Option<&str>, now: &str| -> Vec<String> {
            let schedule = schedule("5m", "now-6m");
            let runs = schedule.due(last.map(at), at(now));
            runs.map(|run| run.to_string()[11..16].to_owned()).collect()
        };
        let now = "2024-05-15T13:47:21Z";
        assert_eq!(due(None, now), ["13:45"]);
        assert_eq!(due(Some("2024-05-15T13:45:00Z"), now), [] as [&str; 0]);
        // A run that started late was that of the tick before.
        assert_eq!(due(Some("2024-05-15T13:33:20Z"), now), ["13:35", "13:40", "13:45"]);
        assert_eq!(due(Some("2024-05-15T14:00:00Z"), now), [] as [&str; 0]);
        assert_eq!(schedule("0s", "now-6m").due(None, at(now)).count(), 0);
    }

    #[test]
    fn gaps_lie_where_no_run_has_searched() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let gaps = |from: &str, runs: &[i64]| {
            let gaps = schedule("5m", from).gaps(runs.iter().map(|run| at(*run)), at(0), at(30)).unwrap();
            gaps.iter().map(|gap| (gap.from.as_second() / 60, gap.to.as_second() / 60)).collect::<Vec<_>>()
        };
        assert_eq!(gaps("now-6m", &[5, 10, 15, 20, 25, 30]), []);
        // The windows of the others reach over what is missing, but for what lies between 10 and 14.
        assert_eq!(gaps("now-6m", &[5, 10, 20, 25, 30]), [(10, 14)]);
        assert_eq!(gaps("now-15m", &[5, 10, 20, 25, 30]), []);
        assert_eq!(gaps("now-6m", &[]), [(0, 30)]);
        // A rule that looks back less than its interval has one between any two runs.
        assert_eq!(gaps("now-3m", &[10, 15, 40]), [(0, 7), (10, 12), (15, 30)]);
        let backfill = |from: &str, gap: (i64, i64), now| {
            let gap = Gap { from: at(gap.0), to: at(gap.1) };
            let runs = schedule("5m", from).backfill(gap, at(now)).unwrap();
            runs.iter().map(|run| run.as_second() / 60).collect::<Vec<_>>()
        };
        assert_eq!(backfill("now-6m", (10, 14), 60), [15]);
        assert_eq!(backfill("now-6m", (10, 15), 60), [15, 20]);
        assert_eq!(backfill("now-6m", (10, 30), 21), [15, 20]);
    }

    proptest! {
        /// Instant by instant: an instant is in a gap when no run has searched it, and a backfill leaves none that any run
        /// could search.
        #[test]
        fn gaps_are_what_is_not_searched_and_backfills_search_them(
            minutes in 1i64..12,
            from in prop::sample::select(vec!["now-5m", "now-12m", "now-1h", "now-1h/h", "now-3m"]),
            to in prop::sample::select(vec!["now", "now-2m", "now/h", "now+5m"]),
            missed in prop::collection::btree_set(0usize..60, 0..50),
        ) {
            let schedule = Schedule {
                interval: format!("{minutes}m").parse().unwrap(),
                from: from.parse().unwrap(),
                to: to.parse().unwrap(),
            };
            let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
            let (start, end, now) = (at(1000), at(1120), at(1400));
            let all: Vec<Timestamp> = schedule.ticks(at(800), now).collect();
            let kept = all.iter().enumerate().filter(|(number, _)| !missed.contains(number));
            let mut runs: Vec<Timestamp> = kept.map(|(_, run)| *run).collect();
            let window = |run: &Timestamp| {
                let window = schedule.window(*run).unwrap();
                (window.from.unwrap(), window.to.unwrap().min(*run))
            };
            let searches = |windows: &[(Timestamp, Timestamp)], instant: Timestamp| {
                windows.iter().any(|(from, to)| (*from..*to).contains(&instant))
            };
            let windows = |runs: &[Timestamp]| runs.iter().map(window).collect::<Vec<_>>();
            let (of_all, before) = (windows(&all), windows(&runs));
            let gaps = schedule.gaps(runs.clone(), start, end).unwrap();
            prop_assert!(gaps.is_sorted() && gaps.iter().all(|gap| gap.from < gap.to));
            for gap in &gaps {
                runs.extend(schedule.backfill(*gap, now).unwrap());
            }
            let after = windows(&runs);
            for minute in 1000..1120 {
                let instant = at(minute);
                let in_gap = gaps.iter().any(|gap| gap.from <= instant && instant < gap.to);
                prop_assert_eq!(in_gap, !searches(&before, instant), "{}", instant);
                prop_assert_eq!(searches(&after, instant), searches(&of_all, instant), "{}", instant);
            }
        }

        #[test]
        fn windows_of_all_ticks_leave_no_gap(
            seconds in 1i64..100_000, extra in 0i64..100_000, start in -2_000_000_000i64..2_000_000_000, length in 0i64..1_000,
        ) {
            let schedule = schedule(&format!("{seconds}s"), &format!("now-{}s", seconds + extra));
            let start = Timestamp::from_second(start).unwrap();
            let end = start + SignedDuration::from_secs(length * seconds);
            let mut covered: Option<Timestamp> = None;
            for tick in schedule.ticks(start, end) {
                prop_assert!(start <= tick && tick < end);
                prop_assert_eq!(tick.as_second().rem_euclid(seconds), 0);
                let window = schedule.window(tick).unwrap();
                if let Some(covered) = covered {
                    prop_assert!(window.from.unwrap() <= covered);
                }
                covered = window.to;
            }
            // As many ticks as intervals: none is left out.
            prop_assert_eq!(schedule.ticks(start, end).count() as i64, length);
        }
    }
}
