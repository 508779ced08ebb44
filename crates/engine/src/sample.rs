//! EQL's `sample`: for each key, one event per stage, in no order, as a pure collector.
//!
//! Elasticsearch leaves open which events are chosen (elastic/elasticsearch, `x-pack/plugin/eql`,
//! `execution/sample/SampleIterator`). Here it is always the same choice, whatever the order of the rows: the first
//! stage takes the earliest event with which all stages can still have one each, then the second stage does, and so on.

use std::cmp::Ordering;

use foldhash::HashMap;

use crate::sequence::Ordinal;

/// What a sample asks for, without its filters and keys: those are the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplePlan {
    /// How many stages there are.
    pub stages: usize,
}

/// A sample that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSample {
    /// The caller's number of the key.
    pub key: u32,
    /// The caller's number of each stage's event, in the order of the stages; all different.
    pub events: Vec<u32>,
}

/// What a collector holds, for the account of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleFigures {
    /// Keys with at least one event.
    pub keys: usize,
    /// Events kept, an event counted for each stage and key it is kept for.
    pub kept: usize,
}

/// Collects the events of a sample, and chooses.
#[derive(Debug)]
pub struct SampleCollector {
    stages: usize,
    /// By key, then by stage.
    keys: HashMap<u32, Vec<Earliest>>,
    kept: usize,
}

/// The earliest events of a key and stage, in order, and no more of them than there are stages.
///
/// That many are enough for any choice: where a choice gives a stage a later event, the other stages use up all but
/// one of the kept ones at most, so the stage could have one of the kept ones instead, which is earlier too. Hence the
/// choice made is the same as from all events.
type Earliest = Vec<(Ordinal, u32)>;

impl SampleCollector {
    /// A collector that has seen nothing.
    pub fn new(plan: SamplePlan) -> Self {
        Self { stages: plan.stages, keys: HashMap::default(), kept: 0 }
    }

    /// Takes in an event that matches a stage, counted from 0, under a key; in any order.
    ///
    /// An event of several stages or keys is given once for each. The same event, stage and key again has no effect,
    /// nor has a stage that the plan does not have.
    pub fn push(&mut self, stage: usize, key: u32, event: u32, ordinal: &Ordinal) {
        if stage >= self.stages {
            return;
        }
        let by_stage = self.keys.entry(key).or_insert_with(|| vec![Earliest::new(); self.stages]);
        let earliest = &mut by_stage[stage];
        if earliest.len() == self.stages && earliest.last().is_some_and(|(latest, _)| latest <= ordinal) {
            return;
        }
        if let Err(at) = earliest.binary_search_by(|(kept, number)| (kept, *number).cmp(&(ordinal, event))) {
            if earliest.len() == self.stages {
                earliest.pop();
            } else {
                self.kept += 1;
            }
            earliest.insert(at, (ordinal.clone(), event));
        }
    }

    /// Chooses: at most one sample per key, in the order of the keys, and at most `size` of them.
    ///
    /// `key_order` compares two of the caller's keys; Elasticsearch gives them ascending, null first.
    pub fn finish(self, key_order: &dyn Fn(u32, u32) -> Ordering, size: Option<usize>) -> Vec<FoundSample> {
        let mut keys: Vec<(u32, Vec<Earliest>)> =
            self.keys.into_iter().filter(|(_, by_stage)| by_stage.iter().all(|s| !s.is_empty())).collect();
        keys.sort_by(|(left, _), (right, _)| key_order(*left, *right).then_with(|| left.cmp(right)));
        keys.iter()
            .filter_map(|(key, by_stage)| choose(by_stage).map(|events| FoundSample { key: *key, events }))
            .take(size.unwrap_or(usize::MAX))
            .collect()
    }

    /// What is held now.
    pub fn figures(&self) -> SampleFigures {
        SampleFigures { keys: self.keys.len(), kept: self.kept }
    }
}

/// One event for each stage, all different, the earliest for the first stage, then for the second, and so on.
fn choose(by_stage: &[Earliest]) -> Option<Vec<u32>> {
    let mut chosen = Vec::with_capacity(by_stage.len());
    for (stage, candidates) in by_stage.iter().enumerate() {
        let event = candidates.iter().map(|(_, event)| *event).find(|event| {
            !chosen.contains(event) && {
                chosen.push(*event);
                let rest_can_be_served = can_serve(&by_stage[stage + 1..], &chosen);
                chosen.pop();
                rest_can_be_served
            }
        })?;
        chosen.push(event);
    }
    Some(chosen)
}

/// True when each of these stages can have an event of its own that is not taken: a matching of all stages, found by
/// augmenting paths, as trying all choices would take exponential time.
fn can_serve(by_stage: &[Earliest], taken: &[u32]) -> bool {
    let mut owner: HashMap<u32, usize> = HashMap::default();
    (0..by_stage.len()).all(|stage| serve(stage, by_stage, taken, &mut owner, &mut Vec::new()))
}

/// Gives a stage an event, moving other stages to other events if need be.
fn serve(
    stage: usize,
    by_stage: &[Earliest],
    taken: &[u32],
    owner: &mut HashMap<u32, usize>,
    tried: &mut Vec<u32>,
) -> bool {
    for (_, event) in &by_stage[stage] {
        if taken.contains(event) || tried.contains(event) {
            continue;
        }
        tried.push(*event);
        let free = match owner.get(event).copied() {
            Some(other) => serve(other, by_stage, taken, owner, tried),
            None => true,
        };
        if free {
            owner.insert(*event, stage);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::Tiebreaker;

    type Rows<'r> = Vec<&'r [u32]>;

    /// `rows`: for each stage, the events of key 0, whose time is their number.
    fn sample(rows: &[&[u32]]) -> Option<Vec<u32>> {
        let mut collector = SampleCollector::new(SamplePlan { stages: rows.len() });
        for (stage, events) in rows.iter().enumerate() {
            for event in *events {
                collector.push(stage, 0, *event, &at(*event));
            }
        }
        assert!(collector.figures().kept <= rows.len() * rows.len());
        collector.finish(&|left, right| left.cmp(&right), None).pop().map(|found| found.events)
    }

    fn at(event: u32) -> Ordinal {
        Ordinal { time: i64::from(event), tiebreaker: Tiebreaker::None, position: 0 }
    }

    #[test]
    fn each_stage_has_an_event_of_its_own_the_earliest_that_leaves_one_for_all() {
        let cases: [(Rows, Option<Vec<u32>>); 9] = [
            (vec![&[1]], Some(vec![1])),
            (vec![&[1], &[2]], Some(vec![1, 2])),
            (vec![&[1], &[1]], None),
            (vec![&[1], &[]], None),
            (vec![&[2, 1], &[1]], Some(vec![2, 1])),
            (vec![&[1, 2, 3], &[4, 5], &[3, 4]], Some(vec![1, 4, 3])),
            (vec![&[1, 2], &[1, 2], &[1, 2]], None),
            (vec![&[1, 2, 3, 4], &[1, 2], &[1, 2]], Some(vec![3, 1, 2])),
            (vec![&[5, 6, 7, 8], &[5, 6], &[6, 7], &[5, 7, 9]], Some(vec![5, 6, 7, 9])),
        ];
        for (rows, expected) in cases {
            assert_eq!(sample(&rows), expected, "{rows:?}");
        }
    }

    #[test]
    fn one_sample_per_key_in_the_order_of_keys_up_to_size() {
        let collect = |events: &[u32]| {
            let mut collector = SampleCollector::new(SamplePlan { stages: 2 });
            for event in events {
                collector.push((*event % 2) as usize, event / 4, *event, &at(*event));
            }
            collector.push(0, 9, 100, &at(100));
            collector.push(2, 9, 101, &at(101));
            collector
        };
        let found = |key: u32, events: [u32; 2]| FoundSample { key, events: events.to_vec() };
        let all = [found(2, [8, 9]), found(1, [4, 5]), found(0, [0, 1])];
        let descending = |left: u32, right: u32| right.cmp(&left);
        let in_order: Vec<u32> = (0..12).collect();
        let backwards: Vec<u32> = (0..12).rev().collect();
        assert_eq!(collect(&in_order).finish(&descending, None), all);
        assert_eq!(collect(&backwards).finish(&descending, None), all, "the order of rows changes nothing");
        assert_eq!(collect(&in_order).finish(&descending, Some(2)), all[..2]);
        assert_eq!(collect(&in_order).figures(), SampleFigures { keys: 4, kept: 13 });
    }

    #[test]
    fn many_stages_over_too_few_events_are_refused_at_once() {
        let events: Vec<u32> = (0..29).collect();
        let rows: Vec<&[u32]> = vec![&events; 30];
        assert_eq!(sample(&rows), None);
    }

    #[test]
    fn what_is_kept_is_enough_for_the_choice_from_all_events() {
        // All ways to spread five events over three stages, each event in any set of stages.
        for code in 0..8_u32.pow(5) {
            let stages_of = |event: u32| code / 8_u32.pow(event) % 8;
            let rows: Vec<Vec<u32>> = (0..3)
                .map(|stage| (0..5).filter(|event| stages_of(*event) >> stage & 1 == 1).collect())
                .collect();
            let mut first = None;
            for &a in &rows[0] {
                for &b in &rows[1] {
                    for &c in &rows[2] {
                        if first.is_none() && a != b && a != c && b != c {
                            first = Some(vec![a, b, c]);
                        }
                    }
                }
            }
            let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
            assert_eq!(sample(&rows), first, "{rows:?}");
        }
    }
}
