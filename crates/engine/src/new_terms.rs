//! Values that were not there before: which events are the first with their values, by a rule's windows and history.
//!
//! A run finds values new when their oldest event in its history lies in its window. The history of the last run that
//! sees an event is the shortest, so an event is the first with its values for some run when it is for that one: no
//! event that has them too lies between the start of that history and the event. Runs need not be walked through.
//!
//! Source: elastic/kibana rule_types/new_terms/{create_new_terms_alert_type,build_new_terms_aggregation}.ts.

use crate::windows::ScheduledRuns;

/// What is known of the values that the events of one rule have. Events may come in any order.
#[derive(Debug)]
pub struct NewTermsMatcher {
    windows: NewTermsWindows,
    /// Of each key, in order of time.
    spans: Vec<Vec<Span>>,
}

/// What is new for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewTermsWindows {
    /// All events that are no history are one window, and all others its history.
    WholeRange,
    /// Those of the runs of a schedule.
    Scheduled(ScheduledRuns),
}

/// An event has values.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'o> {
    /// The number of the values.
    pub key: u32,
    /// When, in milliseconds since the epoch.
    pub time: i64,
    /// Orders events of the same millisecond.
    pub id: &'o str,
}

/// The first event with values that were not there before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewTerms {
    /// When it happened, in milliseconds since the epoch.
    pub time: i64,
    /// Orders events of the same millisecond.
    pub id: Box<str>,
    /// The number of the values.
    pub key: u32,
    /// The event's number.
    pub event: u32,
    /// The first run for which they are new; `None` when the whole range was one window.
    pub run: Option<i64>,
}

/// Events so close to each other that only the oldest can be the first with its values.
#[derive(Debug)]
struct Span {
    first: i64,
    last: i64,
    oldest: Oldest,
}

#[derive(Debug)]
struct Oldest {
    id: Box<str>,
    /// `None` when it cannot be new, whatever comes.
    event: Option<u32>,
}

impl NewTermsMatcher {
    /// Nothing seen yet.
    pub fn new(windows: NewTermsWindows) -> Self {
        Self { windows, spans: Vec::new() }
    }

    /// Can the event still be the first with its values, by what was seen so far? Once it cannot, it never can.
    pub fn may_be_new(&self, occurrence: &Occurrence<'_>) -> bool {
        let Occurrence { key, time, id } = *occurrence;
        let spans = self.spans.get(key as usize).map_or(&[][..], Vec::as_slice);
        let (before, others) = spans.split_at(spans.partition_point(|span| span.first < time));
        match others.first() {
            Some(same) if same.first == time && *same.oldest.id < *id => false,
            _ => self.is_new(before.last().map(|span| span.last), time),
        }
    }

    /// Takes an event that has values. `event` is its number, and `None` for one that is history or cannot be new.
    pub fn push(&mut self, occurrence: &Occurrence<'_>, event: Option<u32>) {
        let Occurrence { key, time, id } = *occurrence;
        let oldest = || Oldest { id: id.into(), event };
        let reach = self.windows.reach();
        let key = key as usize;
        if key >= self.spans.len() {
            self.spans.resize_with(key + 1, Vec::new);
        }
        let spans = &mut self.spans[key];
        let next = spans.partition_point(|span| span.first <= time);
        if let Some(span) = next.checked_sub(1).map(|at| &mut spans[at]) {
            if span.first == time {
                if *id < *span.oldest.id {
                    span.oldest = oldest();
                }
                return;
            }
            if time <= span.last {
                return;
            }
            if time.saturating_sub(span.last) <= reach {
                span.last = time;
                if spans.get(next).is_some_and(|next| next.first.saturating_sub(time) <= reach) {
                    spans[next - 1].last = spans.remove(next).last;
                }
                return;
            }
        }
        match spans.get_mut(next) {
            Some(span) if span.first.saturating_sub(time) <= reach => {
                span.first = time;
                span.oldest = oldest();
            }
            _ => spans.insert(next, Span { first: time, last: time, oldest: oldest() }),
        }
    }

    /// The first events with new values, in order.
    pub fn found(&self) -> Vec<NewTerms> {
        let mut found = Vec::new();
        for (key, spans) in self.spans.iter().enumerate() {
            let mut before = None;
            for span in spans {
                if let Some(event) = span.oldest.event
                    && self.is_new(before, span.first)
                {
                    let id = span.oldest.id.clone();
                    let run = self.first_run(before, span.first);
                    found.push(NewTerms { time: span.first, id, key: key as u32, event, run });
                }
                before = Some(span.last);
            }
        }
        found.sort_unstable();
        found
    }

    /// Makes history of all that was seen, for events that come later and are of later times. Of what was before `from`
    /// nothing is left. Says of each key whether it has events, and forgets the others: keys are numbered anew, in the
    /// same order.
    pub fn make_history(&mut self, from: i64) -> Vec<bool> {
        for spans in &mut self.spans {
            spans.retain(|span| from <= span.last);
            for span in spans {
                span.oldest = Oldest { id: Box::default(), event: None };
            }
        }
        let is_there = self.spans.iter().map(|spans| !spans.is_empty()).collect();
        self.spans.retain(|spans| !spans.is_empty());
        is_there
    }

    /// Is an event the first with its values? `before` is the newest that has them and is older.
    fn is_new(&self, before: Option<i64>, time: i64) -> bool {
        match &self.windows {
            NewTermsWindows::WholeRange => before.is_none(),
            NewTermsWindows::Scheduled(runs) => {
                let history = runs.last_seeing(time).and_then(|run| runs.history_start(run));
                history.is_some_and(|start| before.is_none_or(|before| before < start))
            }
        }
    }

    /// The first run for which an event is the first with its values, when it is for some.
    fn first_run(&self, before: Option<i64>, time: i64) -> Option<i64> {
        match (&self.windows, before) {
            (NewTermsWindows::WholeRange, _) => None,
            (NewTermsWindows::Scheduled(runs), None) => runs.first_seeing(time),
            (NewTermsWindows::Scheduled(runs), Some(before)) => runs.first_forgetting(before, time),
        }
    }
}

impl NewTermsWindows {
    /// Two events that are not further apart can never both be the first with their values.
    fn reach(&self) -> i64 {
        match self {
            Self::WholeRange => i64::MAX,
            Self::Scheduled(runs) => runs.least_reach(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(windows: NewTermsWindows, times: &[(i64, &str, bool)]) -> Vec<u32> {
        let mut matcher = NewTermsMatcher::new(windows);
        for (at, (time, id, history)) in times.iter().enumerate() {
            let occurrence = Occurrence { key: 0, time: *time, id };
            let event = (!history && matcher.may_be_new(&occurrence)).then_some(at as u32);
            matcher.push(&occurrence, event);
        }
        matcher.found().into_iter().map(|found| found.event).collect()
    }

    #[test]
    fn over_the_whole_range_the_oldest_event_is_new_unless_there_is_history() {
        let whole = |times: &[(i64, &str, bool)]| found(NewTermsWindows::WholeRange, times);
        assert_eq!(whole(&[(5, "b", false), (3, "c", false), (9, "a", false)]), [1]);
        assert_eq!(whole(&[(3, "b", false), (3, "a", false), (3, "c", false)]), [1]);
        assert_eq!(whole(&[(3, "b", false), (1, "a", true)]), [] as [u32; 0]);
        assert_eq!(whole(&[(1, "a", true), (3, "b", false)]), [] as [u32; 0]);
    }
}
