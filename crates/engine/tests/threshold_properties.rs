//! Groups as every run of a schedule would have counted them: the operator against a walk over all runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use bartizan_engine::threshold::{CountedEvent, Limits, ThresholdMatcher, ThresholdWindows};
use bartizan_engine::windows::ScheduledRuns;
use ecs::Timestamp;
use proptest::prelude::*;
use rule::schedule::Schedule;

const HALF_MINUTE: i64 = 30_000;
const DAY: i64 = 24 * 120 * HALF_MINUTE;

#[derive(Debug, Clone)]
struct Event {
    groups: Vec<u32>,
    values: Vec<u32>,
    time: i64,
}

#[derive(Debug, Clone)]
struct Case {
    interval: &'static str,
    from: &'static str,
    to: &'static str,
    limits: Limits,
    events: Vec<Event>,
}

/// Group, run, events, and number of values.
type Found = BTreeSet<(u32, i64, Vec<u32>, u64)>;

fn case() -> impl Strategy<Value = Case> {
    let one_of = |values: &'static [&'static str]| prop::sample::select(values);
    let numbers = || prop::sample::subsequence(vec![0, 1, 2], 0..=3);
    let time = prop_oneof![0..24 * 120i64, 0..60i64, 1000..1050i64];
    let event = (numbers(), numbers(), time).prop_map(|(groups, values, at)| Event {
        groups,
        values,
        time: DAY + at * HALF_MINUTE,
    });
    (
        one_of(&["5m", "10m", "1h"]),
        one_of(&["now-6m", "now-5m", "now-9m", "now-2h", "now-1h/h", "now-1d/d"]),
        one_of(&["now", "now", "now-2m", "now/h"]),
        (1..5u64, prop::option::of(0..4u64)).prop_map(|(events, values)| Limits { events, values }),
        prop::collection::vec(event, 0..60),
    )
        .prop_map(|(interval, from, to, limits, events)| Case { interval, from, to, limits, events })
}

impl Case {
    fn schedule(&self) -> Schedule {
        Schedule {
            interval: self.interval.parse().unwrap(),
            from: self.from.parse().unwrap(),
            to: self.to.parse().unwrap(),
        }
    }

    /// What the operator finds from `from` on and before `to`; older events are history.
    fn found(&self, order: &[usize], from: i64, to: i64) -> Found {
        let runs = ScheduledRuns::new(&self.schedule(), None).unwrap();
        let mut matcher = ThresholdMatcher::new(ThresholdWindows::Scheduled(runs), self.limits);
        for event in order {
            let Event { groups, values, time } = &self.events[*event];
            if *time < to {
                let id = format!("{event:03}");
                let is_history = *time < from;
                matcher.push(&CountedEvent { time: *time, id: &id, is_history, groups, values });
            }
        }
        let id = |event: &u32| matcher.id(*event).parse().unwrap();
        let found = matcher.found().into_iter().filter(|large| !large.is_history);
        found.map(|l| (l.group, l.run.unwrap(), l.events.iter().map(id).collect(), l.values)).collect()
    }

    /// The same by walking through every run, with the newest time of each alert of a group as its history.
    fn found_by_every_run(&self) -> Found {
        let schedule = self.schedule();
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        let mut told: BTreeMap<u32, i64> = BTreeMap::new();
        let mut found = Found::new();
        for run in schedule.ticks(at(DAY), at(5 * DAY)) {
            let window = schedule.window(run).unwrap();
            let (from, to) = (window.from.unwrap().as_millisecond(), window.to.unwrap());
            let end = to.as_millisecond().min(run.as_millisecond());
            for group in 0..3 {
                let after = told.get(&group).copied().unwrap_or(i64::MIN);
                let counts = |event: &&(usize, &Event)| {
                    let time = event.1.time;
                    event.1.groups.contains(&group) && from <= time && time < end && time > after
                };
                let events: Vec<(usize, &Event)> = self.events.iter().enumerate().collect();
                let mut events: Vec<_> = events.iter().filter(counts).collect();
                events.sort_by_key(|(number, event)| (event.time, *number));
                let values: BTreeSet<u32> = events.iter().flat_map(|(_, e)| e.values.clone()).collect();
                let enough = self.limits.values.is_none_or(|least| values.len() as u64 >= least);
                if let Some((_, newest)) = events.last()
                    && events.len() as u64 >= self.limits.events
                    && enough
                {
                    let numbers = events.iter().map(|(number, _)| *number as u32).collect();
                    found.insert((group, run.as_millisecond(), numbers, values.len() as u64));
                    told.insert(group, newest.time);
                }
            }
        }
        found
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn asking_the_runs_that_see_something_new_gives_what_every_run_gives(
        case in case(),
        order in any::<prop::sample::Index>(),
        cut in 0..24 * 120i64,
    ) {
        let expected = case.found_by_every_run();
        let mut events: Vec<usize> = (0..case.events.len()).collect();
        let (start, end) = (i64::MIN, i64::MAX);
        prop_assert_eq!(&case.found(&events, start, end), &expected, "in the order of arrival");
        if !events.is_empty() {
            let middle = order.index(events.len());
            events.rotate_left(middle);
        }
        prop_assert_eq!(&case.found(&events, start, end), &expected, "in another order");

        // In two halves, where the second has the first as its history: the same runs find the same groups. Between
        // two runs a cut leaves the first half a part of what the next run sees.
        let cut = DAY + cut * HALF_MINUTE;
        let ids = |found: &Found| found.iter().map(|(group, run, ..)| (*group, *run)).collect::<BTreeSet<_>>();
        let (first, second) = (case.found(&events, start, cut), case.found(&events, cut, end));
        prop_assert_eq!(&(&ids(&first) | &ids(&second)), &ids(&expected), "in two halves");

        let interval = case.schedule().interval.as_seconds() * 1000;
        let on_a_run = cut.div_euclid(interval) * interval;
        if case.to == "now" {
            let (first, second) = (case.found(&events, start, on_a_run), case.found(&events, on_a_run, end));
            prop_assert!(first.is_disjoint(&second));
            prop_assert_eq!(&(&first | &second), &expected, "in two halves, cut at a run");
        }
    }
}
