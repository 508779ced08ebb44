//! The events of one rule that wait for all others: put in order at the end, and made into hits.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use ecs::{Document, FieldTable, Timestamp};
use matcher::KeyValue;
use query::eql::ast::Pipe;

use crate::finisher::{InOrder, Join};
use crate::held_events::HeldEvent;
use crate::key_table::{KeyTable, each_tuple};
use crate::sample::SampleCollector;
use crate::sequence::{
    FoundSequence, Ordinal, Role, SequenceMatcher, SequencePlan, StageEvent, StageKind, Take, Tiebreaker,
    in_order,
};

/// The events of one rule that wait: where each stands, and what it is to the rule. The events themselves lie in
/// [`HeldEvents`](crate::held_events::HeldEvents).
#[derive(Debug, Default)]
pub(crate) struct WaitingEvents {
    rows: Vec<Row>,
    /// What the rows are to the rule, row after row.
    takes: Vec<PartOfKey>,
    keys: KeyTable,
    /// Events that could take no part because nothing says when they happened.
    without_time: u64,
}

#[derive(Debug)]
struct Row {
    ordinal: Ordinal,
    event: HeldEvent,
    /// Where its takes end.
    takes_end: usize,
}

#[derive(Debug, Clone, Copy)]
struct PartOfKey {
    part: u16,
    key: u32,
}

/// What the events that waited have come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FoundInOrder {
    /// The events of each hit in their order; the hits in ascending order of their last events.
    pub(crate) hits: Vec<Vec<HeldEvent>>,
    /// Events that could take no part because nothing says when they happened.
    pub(crate) without_time: u64,
    /// Sequences that rest on a missing event whose time reaches beyond the data.
    pub(crate) beyond_data: u64,
}

impl WaitingEvents {
    /// Takes an event that passes some filters of the rule, named by their positions among the rule's filters.
    pub(crate) fn push(
        &mut self,
        rule: &InOrder,
        passed: impl Iterator<Item = usize>,
        document: &Document,
        table: &FieldTable,
        event: HeldEvent,
    ) {
        let Some(ordinal) = ordinal(rule, document, event) else {
            self.without_time += 1;
            return;
        };
        let view = document.view(table);
        let before = self.takes.len();
        for part in passed {
            let Some(keys) = rule.parts.get(part).map(|part| &part.keys) else { continue };
            let values: Vec<Vec<KeyValue>> = keys.iter().map(|key| key.values(&view)).collect();
            let (table, takes) = (&mut self.keys, &mut self.takes);
            let _all = each_tuple(&values, &mut |tuple| {
                takes.push(PartOfKey { part: part as u16, key: table.number(tuple) });
                ControlFlow::Continue(())
            });
        }
        if self.takes.len() > before {
            self.rows.push(Row { ordinal, event, takes_end: self.takes.len() });
        }
    }

    /// Puts the events in order, and makes hits of them. `data` are the first and the last time of all events.
    /// Of those whose last event is `before_range` it is not counted what they rest on.
    pub(crate) fn finish(
        self,
        rule: &InOrder,
        data: Option<(Timestamp, Timestamp)>,
        before_range: &BTreeSet<HeldEvent>,
    ) -> FoundInOrder {
        let Self { rows, takes, keys, without_time } = self;
        let mut order: Vec<(usize, usize)> = Vec::with_capacity(rows.len());
        let mut start = 0;
        for (at, row) in rows.iter().enumerate() {
            order.push((at, start));
            start = row.takes_end;
        }
        order.sort_by(|(a, _), (b, _)| rows[*a].ordinal.cmp(&rows[*b].ordinal));
        let in_turn = order.into_iter().map(|(at, start)| (&rows[at], &takes[start..rows[at].takes_end]));
        let mut beyond_data = 0;
        let mut hits = match &rule.join {
            Join::Events => in_turn.map(|(row, _)| vec![row.event]).collect(),
            Join::Sequence(plan) => {
                let mut matcher = SequenceMatcher::new(plan);
                let mut found = Vec::new();
                let mut roles = Vec::new();
                for (row, takes) in in_turn {
                    roles_of(rule, takes, &mut roles);
                    let event =
                        StageEvent { ordinal: row.ordinal.clone(), event: row.event.0, takes: &roles };
                    matcher.push(event, &mut found);
                }
                matcher.finish(&mut found);
                let is_in_range = |one: &&FoundSequence| {
                    let last = one.events.iter().flatten().next_back();
                    last.is_none_or(|event| !before_range.contains(&HeldEvent(*event)))
                };
                let in_range = found.iter().filter(is_in_range);
                beyond_data = in_range.filter(|one| reaches_beyond(plan, one, &rows, data)).count() as u64;
                let events = |events: Vec<Option<u32>>| events.into_iter().flatten().map(HeldEvent).collect();
                in_order(found).into_iter().map(|sequence| events(sequence.events)).collect()
            }
            Join::Sample(plan) => {
                let mut collector = SampleCollector::new(*plan);
                let mut roles = Vec::new();
                for (row, takes) in in_turn {
                    roles_of(rule, takes, &mut roles);
                    for take in &roles {
                        if let Role::Stage(stage) = take.role {
                            collector.push(usize::from(stage), take.key, row.event.0, &row.ordinal);
                        }
                    }
                }
                let by_value = |a: u32, b: u32| keys.tuple(a).cmp(keys.tuple(b));
                let samples = collector.finish(&by_value, None);
                samples.into_iter().map(|s| s.events.into_iter().map(HeldEvent).collect()).collect()
            }
        };
        give_once(&mut hits);
        for pipe in &rule.pipes {
            apply(*pipe, &mut hits);
        }
        FoundInOrder { hits, without_time, beyond_data }
    }
}

/// Where an event stands. Without a time it can be part of no sequence, and stands last elsewhere.
fn ordinal(rule: &InOrder, document: &Document, event: HeldEvent) -> Option<Ordinal> {
    let position = u64::from(event.0);
    match rule.order.ordinal(document, position) {
        None if !matches!(rule.join, Join::Sequence(_)) => {
            Some(Ordinal { time: i64::MAX, tiebreaker: Tiebreaker::None, position })
        }
        ordinal => ordinal,
    }
}

/// Does a missing stage at the beginning or the end of a sequence reach beyond the data?
fn reaches_beyond(
    plan: &SequencePlan,
    found: &FoundSequence,
    rows: &[Row],
    data: Option<(Timestamp, Timestamp)>,
) -> bool {
    let (Some((first, last)), Some(maxspan)) = (data, plan.maxspan) else { return false };
    let maxspan = i64::try_from(maxspan).unwrap_or(i64::MAX);
    let is_missing = |stage: Option<&StageKind>| stage == Some(&StageKind::Missing);
    // Rows come in the order of their numbers.
    let time_of = |event: u32| {
        let at = rows.binary_search_by_key(&event, |row| row.event.0).ok()?;
        Some(rows[at].ordinal.time)
    };
    let begins = found.events.iter().flatten().next().and_then(|event| time_of(*event));
    is_missing(plan.stages.first()) && found.completion.time.saturating_sub(maxspan) < first.as_millisecond()
        || is_missing(plan.stages.last())
            && begins.is_some_and(|begins| begins.saturating_add(maxspan) > last.as_millisecond())
}

fn roles_of(rule: &InOrder, takes: &[PartOfKey], roles: &mut Vec<Take>) {
    roles.clear();
    for take in takes {
        let part = &rule.parts[usize::from(take.part)];
        roles.extend(part.roles.iter().map(|role| Take { role: *role, key: take.key }));
    }
}

/// Events that share several values of a key find each other once for each: that is one hit, since its alert would
/// have the same id each time.
fn give_once(hits: &mut Vec<Vec<HeldEvent>>) {
    let mut seen = foldhash::HashSet::default();
    hits.retain(|hit| seen.insert(hit.clone()));
}

fn apply<T>(pipe: Pipe, hits: &mut Vec<T>) {
    let places = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    match pipe {
        Pipe::Head(n) => hits.truncate(places(n)),
        Pipe::Tail(n) => {
            hits.drain(..hits.len().saturating_sub(places(n)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_found_by_several_keys_is_one() {
        let hit = |events: &[u32]| events.iter().map(|event| HeldEvent(*event)).collect::<Vec<_>>();
        let mut hits =
            vec![hit(&[1, 4]), hit(&[2, 4]), hit(&[1, 4]), hit(&[4, 5]), hit(&[1, 5]), hit(&[4, 5])];
        give_once(&mut hits);
        assert_eq!(hits, [hit(&[1, 4]), hit(&[2, 4]), hit(&[4, 5]), hit(&[1, 5])]);
    }

    #[test]
    fn pipes_count_from_the_ends() {
        let run = |pipes: &[Pipe]| {
            let mut hits = vec![1, 2, 3, 4, 5];
            pipes.iter().for_each(|pipe| apply(*pipe, &mut hits));
            hits
        };
        assert_eq!(run(&[Pipe::Head(2)]), [1, 2]);
        assert_eq!(run(&[Pipe::Tail(2)]), [4, 5]);
        assert_eq!(run(&[Pipe::Head(4), Pipe::Tail(2)]), [3, 4]);
        assert_eq!(run(&[Pipe::Tail(9)]), [1, 2, 3, 4, 5]);
        assert_eq!(run(&[Pipe::Head(0)]), Vec::<i32>::new());
    }
}
