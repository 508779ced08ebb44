//! Groups of events that are large enough, by a rule's windows: each event counts until an alert has told of it.
//!
//! A group can only become large enough for a run that sees some event of it for the first time: all others see less
//! than the run before. So only those runs are looked at, and only for the groups of those events.
//!
//! Source: elastic/kibana rule_types/threshold/{threshold,find_threshold_signals,build_signal_history}.ts.

use foldhash::HashMap;

use crate::windows::ScheduledRuns;

/// The events of one rule, by groups. Events may come in any order.
#[derive(Debug)]
pub struct ThresholdMatcher {
    windows: ThresholdWindows,
    limits: Limits,
    events: Vec<Event>,
    /// What the events have in the field whose values are counted, event after event.
    values: Vec<u32>,
    /// Of each group, its events, in order of arrival.
    groups: Vec<Vec<u32>>,
}

/// Which events are counted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThresholdWindows {
    /// All events that are no history.
    WholeRange,
    /// Those that the runs of a schedule see.
    Scheduled(ScheduledRuns),
}

/// How large a group has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// At least so many events.
    pub events: u64,
    /// At least so many different values, where values are counted.
    pub values: Option<u64>,
}

/// An event to be counted.
#[derive(Debug, Clone, Copy)]
pub struct CountedEvent<'e> {
    /// When, in milliseconds since the epoch.
    pub time: i64,
    /// Orders events of the same millisecond.
    pub id: &'e str,
    /// An event before the range.
    pub is_history: bool,
    /// The numbers of its groups, each once.
    pub groups: &'e [u32],
    /// The numbers of its values in the field whose values are counted, each once.
    pub values: &'e [u32],
}

/// A group that is large enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeGroup {
    /// Its number.
    pub group: u32,
    /// The run that found it, in milliseconds since the epoch; `None` when the whole range was one window.
    pub run: Option<i64>,
    /// Its events, as the numbers under which they came, in order of time and id.
    pub events: Vec<u32>,
    /// The time of the oldest.
    pub first: i64,
    /// The time of the newest.
    pub last: i64,
    /// How many different values they have; 0 where values are not counted.
    pub values: u64,
    /// Does its newest event lie before the range? Then it gave its alert there.
    pub is_history: bool,
}

#[derive(Debug)]
struct Event {
    time: i64,
    id: Box<str>,
    is_history: bool,
    /// Where its values end.
    values_end: usize,
}

impl ThresholdMatcher {
    /// Nothing counted yet.
    pub fn new(windows: ThresholdWindows, limits: Limits) -> Self {
        Self { windows, limits, events: Vec::new(), values: Vec::new(), groups: Vec::new() }
    }

    /// Takes an event. Events are numbered in the order in which they come.
    pub fn push(&mut self, event: &CountedEvent<'_>) {
        let CountedEvent { time, id, is_history, groups, values } = *event;
        if groups.is_empty() || (is_history && self.windows == ThresholdWindows::WholeRange) {
            return;
        }
        let number = self.events.len() as u32;
        self.values.extend_from_slice(values);
        self.events.push(Event { time, id: id.into(), is_history, values_end: self.values.len() });
        for group in groups {
            let group = *group as usize;
            if group >= self.groups.len() {
                self.groups.resize_with(group + 1, Vec::new);
            }
            self.groups[group].push(number);
        }
    }

    /// How many events were taken.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// True when no event was taken.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The id of an event that was taken.
    pub fn id(&self, event: u32) -> &str {
        &self.events[event as usize].id
    }

    /// The events in the order in which they came, each with the numbers of its groups.
    pub fn counted(&self) -> impl Iterator<Item = (Vec<u32>, CountedEvent<'_>)> {
        let mut groups_of: Vec<Vec<u32>> = vec![Vec::new(); self.events.len()];
        for (group, events) in self.groups.iter().enumerate() {
            events.iter().for_each(|event| groups_of[*event as usize].push(group as u32));
        }
        groups_of.into_iter().zip(&self.events).enumerate().map(|(number, (groups, event))| {
            let Event { time, id, is_history, .. } = event;
            let values = self.values_of(number as u32);
            (groups, CountedEvent { time: *time, id, is_history: *is_history, groups: &[], values })
        })
    }

    /// The groups that are large enough, in the order of runs and of the events' arrival.
    pub fn found(&self) -> Vec<LargeGroup> {
        let mut found = Vec::new();
        for (group, events) in self.groups.iter().enumerate() {
            let mut events = events.clone();
            events.sort_unstable_by(|a, b| self.place(*a).cmp(&self.place(*b)));
            match &self.windows {
                ThresholdWindows::WholeRange => {
                    let mut counted = Counted::default();
                    events.iter().for_each(|event| counted.add(self.values_of(*event)));
                    found.extend(self.large(group, None, &events, &counted));
                }
                ThresholdWindows::Scheduled(runs) => self.found_by_runs(runs, group, &events, &mut found),
            }
        }
        found.sort_by_key(|large| large.run);
        found
    }

    fn found_by_runs(&self, runs: &ScheduledRuns, group: usize, events: &[u32], found: &mut Vec<LargeGroup>) {
        let mut counted = Counted::default();
        // What counts is `events[start..end]`.
        let (mut start, mut end) = (0, 0);
        while let Some(newest) = events.get(end) {
            let Some(run) = runs.first_seeing(self.time(*newest)) else {
                // No window holds it. Nor does one hold it together with others.
                counted.add(self.values_of(*newest));
                end += 1;
                continue;
            };
            while let Some(event) = events.get(end)
                && runs.first_seeing(self.time(*event)) == Some(run)
            {
                counted.add(self.values_of(*event));
                end += 1;
            }
            let window = runs.start(run).unwrap_or(i64::MIN);
            while start < end && self.time(events[start]) < window {
                counted.remove(self.values_of(events[start]));
                start += 1;
            }
            if let Some(large) = self.large(group, Some(run), &events[start..end], &counted) {
                // Events at or before the newest one's time do not count again, and all of these are.
                (start, counted) = (end, Counted::default());
                found.push(large);
            }
        }
    }

    fn large(&self, group: usize, run: Option<i64>, events: &[u32], counted: &Counted) -> Option<LargeGroup> {
        let (first, last) = (self.time(*events.first()?), self.time(*events.last()?));
        let is_history = self.events[*events.last()? as usize].is_history;
        let values = counted.values.len() as u64;
        let large = events.len() as u64 >= self.limits.events
            && self.limits.values.is_none_or(|least| values >= least);
        large.then(|| LargeGroup {
            group: group as u32,
            run,
            events: events.to_vec(),
            first,
            last,
            values,
            is_history,
        })
    }

    fn time(&self, event: u32) -> i64 {
        self.events[event as usize].time
    }

    fn place(&self, event: u32) -> (i64, &str, u32) {
        (self.time(event), self.id(event), event)
    }

    fn values_of(&self, event: u32) -> &[u32] {
        let event = event as usize;
        let start = event.checked_sub(1).map_or(0, |before| self.events[before].values_end);
        &self.values[start..self.events[event].values_end]
    }
}

/// How often each value is there.
#[derive(Debug, Default)]
struct Counted {
    values: HashMap<u32, u32>,
}

impl Counted {
    fn add(&mut self, values: &[u32]) {
        for value in values {
            *self.values.entry(*value).or_insert(0) += 1;
        }
    }

    fn remove(&mut self, values: &[u32]) {
        for value in values {
            if let Some(times) = self.values.get_mut(value) {
                *times -= 1;
                if *times == 0 {
                    self.values.remove(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: [Vec<u32>; 0] = [];

    /// The events of every group that is large enough over the whole range: groups, values and time of each event.
    fn whole(limits: Limits, events: &[(&[u32], &[u32], i64)]) -> Vec<Vec<u32>> {
        let mut matcher = ThresholdMatcher::new(ThresholdWindows::WholeRange, limits);
        for (groups, values, time) in events {
            matcher.push(&CountedEvent { time: *time, id: "", is_history: false, groups, values });
        }
        matcher.found().into_iter().map(|large| large.events).collect()
    }

    #[test]
    fn a_group_needs_events_and_different_values() {
        let two = Limits { events: 2, values: None };
        assert_eq!(whole(two, &[(&[0], &[], 9), (&[1], &[], 1), (&[0], &[], 3)]), [[2, 0]]);
        assert_eq!(whole(two, &[(&[0, 1], &[], 1), (&[1], &[], 2), (&[], &[], 3)]), [[0, 1]]);
        let values = Limits { events: 1, values: Some(2) };
        assert_eq!(whole(values, &[(&[0], &[7], 1), (&[0], &[7], 2)]), NOBODY);
        assert_eq!(whole(values, &[(&[0], &[7, 8], 1)]), [[0]]);
        assert_eq!(whole(values, &[(&[0], &[7], 1), (&[0], &[], 2), (&[0], &[8], 3)]), [[0, 1, 2]]);
        assert_eq!(whole(values, &[]), NOBODY);
    }
}
