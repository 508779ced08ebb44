//! When a rule runs, and which window of time a run searches.
//!
//! Ticks are whole multiples of the interval since the epoch, so that a live run and a later one over the same events
//! see the same windows. Windows are half-open, `[from, to)`.

use ecs::time::{Rounding, TimeError};
use ecs::{DateMath, Interval, TimeRange, Timestamp};
use jiff::SignedDuration;

use crate::rule::Rule;

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

    proptest! {
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
