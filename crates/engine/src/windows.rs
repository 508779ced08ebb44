//! Which windows of time a rule's runs search: the whole range at once, or those of its schedule.
//!
//! A window is `[from, to)`, of a run at a tick of the schedule. A run sees no event that comes after it, wherever its
//! window ends. All times are milliseconds since the epoch, as Elasticsearch compares them.

use ecs::time::Rounding;
use ecs::{DateMath, Timestamp};
use rule::schedule::Schedule;

/// How rules whose meaning depends on their window are run over a past range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Windows {
    /// As their schedules would have run them: the alerts that live runs would have given.
    #[default]
    AsScheduled,
    /// Once each, with the whole range as the window.
    WholeRange,
}

/// The runs of a rule by its schedule, asked for by the events that they see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledRuns {
    interval: i64,
    from: End,
    to: End,
    history: Option<End>,
}

/// Where a window starts or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// So long after the run.
    Fixed(i64),
    /// Another with every run.
    Math(DateMath),
}

/// So many runs after an event are looked at for one that sees it, or no longer does.
const MOST_RUNS: i64 = 1 << 32;

impl ScheduledRuns {
    /// The runs of a schedule. `history` counts from the end of the window; `None` where a rule has no history. `None`
    /// for an interval of zero.
    pub fn new(schedule: &Schedule, history: Option<&DateMath>) -> Option<Self> {
        let interval = schedule.interval.as_seconds().checked_mul(1_000).filter(|interval| *interval > 0)?;
        Some(Self {
            interval,
            from: End::new(&schedule.from),
            to: End::new(&schedule.to),
            history: history.map(End::new),
        })
    }

    /// The first run whose window holds an instant; `None` when none does.
    pub fn first_seeing(&self, at: i64) -> Option<i64> {
        let first = match self.to {
            End::Fixed(offset) => self.first_after(at.saturating_sub(offset.min(0))),
            End::Math(_) => {
                let reaches = |run| self.to.at(run).is_none_or(|to| to > at);
                self.first_that(self.first_after(at), reaches)?
            }
        };
        self.start(first).filter(|start| *start <= at).map(|_| first)
    }

    /// The last run whose window holds an instant and starts before it; of windows that only start with it, the last.
    pub fn last_seeing(&self, at: i64) -> Option<i64> {
        let first = self.first_seeing(at)?;
        // The window must start before the instant, or at it when none does.
        let before = if self.start(first)? < at { at } else { at.saturating_add(1) };
        if let End::Fixed(offset) = self.from {
            return Some(self.first_after(before.saturating_sub(offset).saturating_sub(1)) - self.interval);
        }
        let past = |run| self.start(run).is_none_or(|start| start >= before);
        let last = self.first_that(first, past).map(|run| run - self.interval);
        Some(last.unwrap_or_else(|| first.saturating_add(self.interval.saturating_mul(MOST_RUNS))))
    }

    /// The first run whose window holds an instant and whose history starts after another, which lies before. `None` when
    /// none of the two holds for any.
    pub fn first_forgetting(&self, before: i64, at: i64) -> Option<i64> {
        let forgets = |run| self.history_start(run).is_none_or(|start| start > before);
        self.first_that(self.first_seeing(at)?, forgets)
    }

    /// The last run at or before an instant, whatever it sees.
    pub fn at_or_before(&self, at: i64) -> i64 {
        at.div_euclid(self.interval).saturating_mul(self.interval)
    }

    /// Where the window of a run starts; `None` when that cannot be represented.
    pub fn start(&self, run: i64) -> Option<i64> {
        self.from.at(run)
    }

    /// Where the window of a run ends, which it does not hold: never after the run. `None` when that cannot be represented.
    pub fn end(&self, run: i64) -> Option<i64> {
        Some(self.to.at(run)?.min(run))
    }

    /// Does the window of each run end with the run itself?
    pub fn ends_with_run(&self) -> bool {
        matches!(self.to, End::Fixed(offset) if offset >= 0)
    }

    /// False when the windows of all runs start at one instant.
    pub fn start_moves(&self) -> bool {
        match &self.from {
            End::Fixed(_) => true,
            End::Math(math) => math.is_relative(),
        }
    }

    /// The run after a run.
    pub fn after(&self, run: i64) -> i64 {
        run.saturating_add(self.interval)
    }

    /// The first run whose window ends after an instant: those before see nothing from there on. `None` when none does.
    pub fn first_ending_after(&self, at: i64) -> Option<i64> {
        self.first_that(self.at_or_before(at), |run| self.end(run).is_none_or(|end| end > at))
    }

    /// The run that is the last of a range which ends before an instant: the last whose window ends by then, or else the
    /// first that ends after it. `None` when windows never reach so far.
    pub fn last_of_range(&self, to: i64) -> Option<i64> {
        let after = self.first_ending_after(to)?;
        let before = after.saturating_sub(self.interval);
        Some(if self.end(before) == Some(to) { before } else { after })
    }

    /// The first run from `first` on for which a condition holds that holds for all runs after it too. `None` when there
    /// is none for longer than anyone looks.
    pub(crate) fn next_that(&self, first: i64, holds: impl Fn(i64) -> bool) -> Option<i64> {
        self.first_that(first, holds)
    }

    /// Where the window starts of the run that was under way at an instant: the first to see it, or else the last before.
    pub fn start_around(&self, at: i64) -> Option<i64> {
        self.start(self.first_seeing(at).unwrap_or_else(|| self.at_or_before(at)))
    }

    /// Where the history of a run starts: never after its window.
    pub fn history_start(&self, run: i64) -> Option<i64> {
        let start = self.start(run)?;
        match &self.history {
            Some(history) => Some(history.at(self.to.at(run)?)?.min(start)),
            None => Some(start),
        }
    }

    /// The history of the last run that sees an event reaches at least so far back from the event; zero when unknown.
    pub fn least_reach(&self) -> i64 {
        match (&self.from, &self.to, &self.history) {
            (End::Fixed(from), End::Fixed(to), Some(End::Fixed(history))) => {
                from.saturating_sub(*to).saturating_sub(*history).max(0)
            }
            _ => 0,
        }
    }

    fn first_after(&self, at: i64) -> i64 {
        at.div_euclid(self.interval).saturating_add(1).saturating_mul(self.interval)
    }

    /// The first run from `first` on for which a condition holds that holds for all runs after it too.
    fn first_that(&self, first: i64, holds: impl Fn(i64) -> bool) -> Option<i64> {
        let run = |number: i64| first.saturating_add(number.saturating_mul(self.interval));
        if holds(first) {
            return Some(first);
        }
        let (mut not_yet, mut number) = (0, 1);
        while !holds(run(number)) {
            (not_yet, number) = (number, number * 2);
            if number > MOST_RUNS {
                return None;
            }
        }
        while number - not_yet > 1 {
            let middle = not_yet + (number - not_yet) / 2;
            if holds(run(middle)) {
                number = middle;
            } else {
                not_yet = middle;
            }
        }
        Some(run(number))
    }
}

impl End {
    fn new(math: &DateMath) -> Self {
        match math.fixed_offset().map(|offset| i64::try_from(offset.as_millis())) {
            Some(Ok(offset)) => Self::Fixed(offset),
            _ => Self::Math(math.clone()),
        }
    }

    /// `None` when it leaves the years that can be represented.
    fn at(&self, now: i64) -> Option<i64> {
        match self {
            Self::Fixed(offset) => now.checked_add(*offset),
            Self::Math(math) => {
                let now = Timestamp::from_millisecond(now).ok()?;
                math.resolve(now, Rounding::Down).ok().map(Timestamp::as_millisecond)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;

    fn runs(interval: &str, from: &str, to: &str, history: &str) -> ScheduledRuns {
        let schedule = Schedule {
            interval: interval.parse().unwrap(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        ScheduledRuns::new(&schedule, Some(&history.parse().unwrap())).unwrap()
    }

    #[test]
    fn the_runs_that_see_an_event() {
        for (interval, from, to, at, first, last) in [
            // Ticks at 0, 5, 10 …; the window of the run at 10 is [4, 10).
            ("5m", "now-6m", "now", 4 * MINUTE + 1, Some(5), Some(10)),
            ("5m", "now-6m", "now", 7 * MINUTE, Some(10), Some(10)),
            // One that only starts with the event does not count beside one that holds it within.
            ("5m", "now-6m", "now", 4 * MINUTE, Some(5), Some(5)),
            ("5m", "now-5m", "now", 5 * MINUTE, Some(10), Some(10)),
            // Between two windows.
            ("10m", "now-5m", "now", 12 * MINUTE, None, None),
            ("10m", "now-5m", "now", 15 * MINUTE, Some(20), Some(20)),
            // The window ends before the run, or after it.
            ("5m", "now-20m", "now-10m", 0, Some(15), Some(15)),
            ("5m", "now-20m", "now-10m", 1, Some(15), Some(20)),
            ("5m", "now-6m", "now+1h", 7 * MINUTE, Some(10), Some(10)),
            // Whole days: the run at the start of day 2 and later ones search day 1.
            ("1h", "now-1d/d", "now", DAY + 1, Some(1440 + 60), Some(2 * 1440 + 1380)),
            ("1h", "now-1d/d", "now/d", DAY + 1, Some(2 * 1440), Some(2 * 1440 + 1380)),
            ("1h", "1970-01-02", "1970-01-03", DAY / 2, None, None),
        ] {
            let runs = runs(interval, from, to, "now-7d");
            let minutes = |run: Option<i64>| run.map(|run| run / MINUTE);
            assert_eq!(minutes(runs.first_seeing(at)), first, "{interval} {from} {to} {at}");
            assert_eq!(minutes(runs.last_seeing(at)), last, "{interval} {from} {to} {at}");
        }
    }

    #[test]
    fn the_history_counts_from_the_end_of_the_window() {
        let start = |history: &str| runs("5m", "now-20m", "now-10m", history).history_start(DAY);
        assert_eq!(start("now-1h"), Some(DAY - 70 * MINUTE));
        assert_eq!(start("now-1d/d"), Some(-DAY));
        assert_eq!(start("now"), Some(DAY - 20 * MINUTE));
    }

    proptest! {
        /// Asking every tick gives the same, with fixed windows and with windows by date math.
        #[test]
        fn the_runs_that_see_an_event_are_those_of_a_search(
            minutes in prop::sample::select(vec![1i64, 5, 7, 60, 240]),
            from in prop::sample::select(vec!["now-6m", "now-5m", "now-1h", "now-1d/d", "now/h", "now-90m/h", "1970-01-02"]),
            to in prop::sample::select(vec!["now", "now-3m", "now/h", "now+5m", "now/d", "1970-01-02T12:00:00Z"]),
            half_minutes in 0i64..3 * 24 * 120,
            offset in 0i64..2,
        ) {
            let at = half_minutes * (MINUTE / 2) + offset;
            let runs = runs(&format!("{minutes}m"), from, to, "now-7d");
            let math = |text: &str, run: i64| {
                let now = Timestamp::from_millisecond(run).unwrap();
                text.parse::<DateMath>().unwrap().resolve(now, Rounding::Down).unwrap().as_millisecond()
            };
            let step = minutes * MINUTE;
            // No window here reaches further back than two days, but the one with a date as its start.
            let ticks = (at / step..=(at + 3 * DAY) / step).map(|tick| tick * step);
            let holding: Vec<(i64, i64)> = ticks
                .map(|tick| (tick, math(from, tick)))
                .filter(|(tick, start)| *start <= at && at < math(to, *tick).min(*tick))
                .collect();
            prop_assert_eq!(runs.first_seeing(at), holding.first().map(|(tick, _)| *tick));
            if from == "1970-01-02" {
                prop_assert_eq!(runs.last_seeing(at).is_some(), !holding.is_empty());
            } else {
                let mut within = holding.iter().filter(|(_, start)| *start < at);
                let last = within.next_back().or(holding.last()).map(|(tick, _)| *tick);
                prop_assert_eq!(runs.last_seeing(at), last);
            }
        }
    }
}
