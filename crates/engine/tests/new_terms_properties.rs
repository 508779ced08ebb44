//! New values as every run of a schedule would have found them: the operator against a walk over all runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use bartizan_engine::new_terms::{NewTermsMatcher, NewTermsWindows, Occurrence};
use bartizan_engine::windows::ScheduledRuns;
use ecs::time::Rounding;
use ecs::{DateMath, Timestamp};
use proptest::prelude::*;
use rule::schedule::Schedule;

const HALF_MINUTE: i64 = 30_000;
const DAY: i64 = 24 * 120 * HALF_MINUTE;

#[derive(Debug, Clone)]
struct Case {
    interval: &'static str,
    from: &'static str,
    to: &'static str,
    history: &'static str,
    /// Key, time, and a number that makes the id.
    events: Vec<(u32, i64, u32)>,
}

fn case() -> impl Strategy<Value = Case> {
    let one_of = |values: &'static [&'static str]| prop::sample::select(values);
    // Times of few kinds, so that ends of windows and histories are met exactly; clusters and long pauses.
    let event = (0..3u32, prop_oneof![0..24 * 120i64, 0..40i64, 1000..1050i64], 0..4u32);
    (
        one_of(&["5m", "10m", "1h"]),
        one_of(&["now-6m", "now-5m", "now-9m", "now-2h", "now-1h/h", "now-1d/d"]),
        one_of(&["now", "now", "now-2m", "now/h"]),
        one_of(&["now-20m", "now-3h", "now-7h", "now-6h/h", "now-1d/d", "now-2d"]),
        prop::collection::vec(event, 0..40),
    )
        .prop_map(|(interval, from, to, history, events)| {
            let events = events.into_iter().map(|(key, at, id)| (key, DAY + at * HALF_MINUTE, id)).collect();
            Case { interval, from, to, history, events }
        })
}

impl Case {
    fn schedule(&self) -> Schedule {
        Schedule {
            interval: self.interval.parse().unwrap(),
            from: self.from.parse().unwrap(),
            to: self.to.parse().unwrap(),
        }
    }

    fn id(&self, event: usize) -> String {
        format!("{}-{event}", self.events[event].2)
    }

    /// Key and event of what the operator finds new from `from` on and before `to`; older events are history.
    fn found(&self, order: &[usize], from: i64, to: i64) -> BTreeSet<(u32, u32)> {
        let history: DateMath = self.history.parse().unwrap();
        let runs = ScheduledRuns::new(&self.schedule(), Some(&history)).unwrap();
        let mut matcher = NewTermsMatcher::new(NewTermsWindows::Scheduled(runs));
        for event in order {
            let (key, time, _) = self.events[*event];
            if time >= to {
                continue;
            }
            let id = self.id(*event);
            let occurrence = Occurrence { key, time, id: &id };
            let wanted = time >= from && matcher.may_be_new(&occurrence);
            matcher.push(&occurrence, wanted.then_some(*event as u32));
        }
        matcher.found().into_iter().map(|found| (found.key, found.event)).collect()
    }

    /// The same by walking through every run.
    fn found_by_every_run(&self) -> BTreeSet<(u32, u32)> {
        let schedule = self.schedule();
        let history: DateMath = self.history.parse().unwrap();
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        let (mut within, mut at_start, mut seen_within) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for run in schedule.ticks(at(DAY), at(5 * DAY)) {
            let window = schedule.window(run).unwrap();
            let (from, to) = (window.from.unwrap().as_millisecond(), window.to.unwrap());
            let start = history.resolve(to, Rounding::Down).unwrap().as_millisecond().min(from);
            let end = to.as_millisecond().min(run.as_millisecond());
            for key in 0..3 {
                let mut there: Vec<(i64, String, usize)> = Vec::new();
                for (event, (of, time, _)) in self.events.iter().enumerate() {
                    if *of == key && start <= *time && *time < end {
                        there.push((*time, self.id(event), event));
                    }
                }
                seen_within.extend(there.iter().filter(|(time, ..)| *time > from).map(|(_, _, e)| *e));
                if let Some((time, _, event)) = there.iter().min() {
                    if *time > from {
                        within.insert((key, *event as u32));
                    } else if *time == from {
                        at_start.insert((key, *event as u32));
                    }
                }
            }
        }
        // An event on the very start of a window is new there only when no window ever holds it within.
        at_start.retain(|(_, event)| !seen_within.contains(&(*event as usize)));
        within.extend(at_start);
        within
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn asking_the_last_run_gives_what_every_run_gives(
        case in case(),
        order in any::<prop::sample::Index>(),
        cut in 0..24 * 120i64,
    ) {
        let expected = case.found_by_every_run();
        let mut events: Vec<usize> = (0..case.events.len()).collect();
        let all = (i64::MIN, i64::MAX);
        prop_assert_eq!(case.found(&events, all.0, all.1), expected.clone(), "in the order of arrival");
        if !events.is_empty() {
            let middle = order.index(events.len());
            events.rotate_left(middle);
        }
        prop_assert_eq!(case.found(&events, all.0, all.1), expected.clone(), "in another order");
        events.sort_by_key(|event| case.events[*event].1);
        prop_assert_eq!(case.found(&events, all.0, all.1), expected.clone(), "in order of time");

        // In two halves, where the second has the first as its history.
        let cut = DAY + cut * HALF_MINUTE;
        let mut halves = case.found(&events, all.0, cut);
        let second = case.found(&events, cut, all.1);
        prop_assert!(halves.is_disjoint(&second));
        halves.extend(second);
        prop_assert_eq!(halves, expected, "in two halves");
    }
}
