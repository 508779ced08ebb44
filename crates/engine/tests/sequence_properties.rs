//! What must hold for sequences: a table of the rules, and a slow reading of them, written apart, that agrees on any
//! stream of events.
//!
//! The reference keeps every event and works one stage at a time over the whole stream of a key, as Elasticsearch
//! does over a window. The engine works one event at a time and keeps next to nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use bartizan_engine::sequence::{
    FoundSequence, Ordinal, Role, SequenceFigures, SequenceMatcher, SequencePlan, StageEvent, StageKind,
    Take, Tiebreaker, in_order,
};
use proptest::prelude::*;
use proptest::sample::Index;

/// An event of a test, its number being its index before the stream was put in order.
#[derive(Clone, Debug)]
struct Row {
    ordinal: Ordinal,
    event: u32,
    takes: Vec<Take>,
}

fn run(plan: &SequencePlan, rows: &[Row]) -> Vec<FoundSequence> {
    run_with_figures(plan, rows).0
}

fn run_with_figures(plan: &SequencePlan, rows: &[Row]) -> (Vec<FoundSequence>, SequenceFigures) {
    let mut matcher = SequenceMatcher::new(plan);
    let mut found = Vec::new();
    for row in rows {
        push(&mut matcher, row, &mut found);
    }
    matcher.finish(&mut found);
    (found, matcher.figures())
}

fn push(matcher: &mut SequenceMatcher, row: &Row, found: &mut Vec<FoundSequence>) {
    matcher.push(StageEvent { ordinal: row.ordinal.clone(), event: row.event, takes: &row.takes }, found);
}

// ---------------------------------------------------------------------------------------------------------------------
// The table.

/// Stages are letters, `!` marks a missing one. An event is its time and the letters it matches, `U` being `until`,
/// then its keys where they are not just 1. Results are the events' indexes, `_` for a missing stage.
const TABLE: &[(&str, &str, Option<u64>, &str, &str)] = &[
    // Consumption.
    ("in order", "A B", None, "0A 1B", "0-1"),
    ("not against the order", "A B", None, "0B 1A", ""),
    ("others in between do not matter", "A B", None, "0A 1C 2B", "0-2"),
    ("the newest start wins", "A B", None, "0A 1A 2B", "1-2"),
    ("what was replaced is lost", "A B", None, "0A 1A 2B 3B", "1-2"),
    ("a pending sequence is used up", "A B", None, "0A 1B 2B", "0-1"),
    ("the newest of a later state wins", "A B C", None, "0A 1B 2A 3B 4C", "2-3-4"),
    ("a later start leaves what got further", "A B C", None, "0A 1B 2A 3C", "0-1-3"),
    ("an older one may complete, then the newer", "A B C", None, "0A 1B 2A 3C 4B 5C", "0-1-3 2-4-5"),
    ("one event does not fill two stages", "A A", None, "0A", ""),
    ("one event ends and begins", "A A", None, "0A 1A 2A", "0-1 1-2"),
    ("one event moves all states on", "A A A", None, "0A 1A 2A 3A", "0-1-2 1-2-3"),
    ("an event of several stages extends first", "A B", None, "0AB 1AB 2B", "0-1 1-2"),
    ("the same time follows by position", "A B", None, "5A 5B", "0-1"),
    ("one stage", "A", None, "0A 1B 2A", "0 2"),
    // Keys.
    ("keys are apart", "A B", None, "0A/1 1A/2 2B/1 3B/2", "0-2 1-3"),
    ("another key does not use up", "A B", None, "0A/1 1B/2 2B/1", "0-2"),
    ("each value of a key takes part", "A B", None, "0A/12 1B/1 2B/2", "0-1 0-2"),
    ("each shared value is a sequence", "A B", None, "0A/12 1B/12", "0-1 0-1"),
    ("ties go by first event, then key", "A B", None, "0A/2 1A/1 2B/12", "0-2 1-2"),
    // maxspan.
    ("exactly maxspan is allowed", "A B", Some(5), "0A 5B", "0-1"),
    ("more is not", "A B", Some(5), "0A 6B", ""),
    ("it counts from the first event", "A B C", Some(5), "0A 4B 6C", ""),
    ("what it refuses is used up", "A B C", Some(5), "0A 3B 6C 7C", ""),
    ("what it refuses does not come back", "A B C", Some(5), "0A 6B 7A 8C", ""),
    ("no time at all", "A B", Some(0), "3A 3B 4A 5B", "0-1"),
    // until.
    ("until ends it", "A B", None, "0A 1U 2B", ""),
    ("until of another key does not", "A B", None, "0A/1 1U/2 2B/1", "0-2"),
    ("until before does not", "A B", None, "0U 1A 2B", "1-2"),
    ("until after does not", "A B", None, "0A 1B 2U", "0-1"),
    ("until at the last event ends it", "A B", None, "0AU 1B", ""),
    ("until at the completing event does not", "A B", None, "0A 1BU", "0-1"),
    ("until at a middle event ends it", "A B C", None, "0A 1BU 2C", ""),
    ("what until refused is used up", "A B", None, "0A 1U 2B 3B", ""),
    ("until ends all states", "A B C", None, "0A 1B 2A 3U 4C 5B 6C", ""),
    ("after until it begins anew", "A B", None, "0A 1U 2A 3B", "2-3"),
    // Runs: a stage repeated.
    ("runs overlap", "A A A", Some(10), "0A 1A 2A 3A 30A", "0-1-2 1-2-3"),
    ("runs, then another", "A A B", None, "0A 1A 2A 3B", "1-2-3"),
    ("too few of a run", "A A B", None, "0A 1B", ""),
    // Missing, between.
    ("nothing between", "A !M B", Some(9), "0A 2B", "0-_-1"),
    ("something between", "A !M B", Some(9), "0A 1M 2B", ""),
    ("of another key", "A !M B", Some(9), "0A/1 1M/2 2B/1", "0-_-2"),
    ("before and after do not matter", "A !M B", Some(9), "0M 1A 2B 3M", "1-_-2"),
    ("between means by time: not at the first", "A !M B", Some(9), "1A 1M 2B", "0-_-2"),
    ("between means by time: not at the second", "A !M B", Some(9), "1A 2M 2B", "0-_-2"),
    ("a forbidden one is used up", "A !M B", Some(9), "0A 1M 2B 3B", ""),
    ("a forbidden one does not bring back an older", "A !M B C", Some(9), "0A 1B 2A 3M 4B 5C", ""),
    ("a newer start after it is clean", "A !M B", Some(9), "0A 1M 2A 3B", "2-_-3"),
    ("only between its neighbours", "A B !M C", Some(9), "0A 1M 2B 3C", "0-2-_-3"),
    ("the second gap", "A !M B !N C", Some(9), "0A 1N 2B 3M 4C", "0-_-2-_-4"),
    ("either of two between", "A !M !N B", Some(9), "0A 1N 2B", ""),
    ("a missing run is one", "A !M !M B", Some(9), "0A 1B", "0-_-_-1"),
    ("an event may be both", "A !B B", Some(9), "0A 2B", "0-_-1"),
    // Missing, leading.
    ("nothing before", "!M A", Some(5), "0A", "_-0"),
    ("something before", "!M A", Some(5), "0M 5A", ""),
    ("more than maxspan before", "!M A", Some(5), "0M 6A", "_-1"),
    ("counted to the last event", "!M A B", Some(5), "0M 4A 6B 8A 9B", "_-1-2 _-3-4"),
    ("within, counted to the last event", "!M A B", Some(5), "0M 3A 5B", ""),
    ("before means by time", "!M A", Some(5), "1M 1A", "_-1"),
    ("the one before that, at the same time", "!M A", Some(5), "0M 1M 1A", ""),
    ("after does not matter", "!M A B", Some(5), "0A 1M 2B", "_-0-2"),
    ("leading, of another key", "!M A", Some(5), "0M/2 1A/1", "_-1"),
    ("several leading", "!M !N A", Some(5), "0M 10A 11N 12A", "_-_-1"),
    // Missing, trailing.
    ("nothing after", "A !M", Some(5), "0A", "0-_"),
    ("something after", "A !M", Some(5), "0A 5M", ""),
    ("more than maxspan after", "A !M", Some(5), "0A 6M", "0-_"),
    ("counted from the first event", "A B !M", Some(5), "0A 3B 6M", "0-1-_"),
    ("within, counted from the first event", "A B !M", Some(5), "0A 3B 5M", ""),
    ("after means by time", "A !M", Some(5), "1A 1M", "0-_"),
    ("trailing, of another key", "A !M", Some(5), "0A/1 1M/2", "0-_"),
    ("before does not matter", "A !M", Some(5), "0M 1A", "1-_"),
    ("only the nearest, by each sequence", "A !M", Some(5), "0A 4A 7M", "0-_"),
    ("trailing after between", "A !N B !M", Some(5), "0A 1N 2B 10A 11B 12M 20A 21B", "6-_-7-_"),
    // Missing, both ends.
    ("neither", "!M A !M", Some(5), "0A", "_-0-_"),
    ("only before", "!M A !M", Some(5), "0M 1A", "_-1-_"),
    ("only after", "!M A !M", Some(5), "0A 1M", "_-0-_"),
    ("both, within maxspan of each other", "!M A !M", Some(5), "0M 3A 5M", ""),
    ("both, further apart", "!M A !M", Some(5), "0M 3A 6M", "_-1-_"),
    ("both, of two kinds", "!M A !N", Some(5), "0N 1M 2A 3M 4N", ""),
    ("both, the nearest count", "!M A !M", Some(5), "0M 4M 6A 8M 20M", ""),
];

#[test]
fn the_rules_one_by_one() {
    for (name, stages, maxspan, events, expected) in TABLE {
        let (plan, rows) = (plan(stages, *maxspan), rows(stages, events));
        assert_eq!(shown(&run(&plan, &rows)), *expected, "{name}");
        assert_eq!(shown(&reference(&plan, &rows)), *expected, "{name}, by the reference");
    }
}

fn plan(stages: &str, maxspan: Option<u64>) -> SequencePlan {
    let kind = |stage: &str| if stage.starts_with('!') { StageKind::Missing } else { StageKind::Event };
    SequencePlan { stages: stages.split(' ').map(kind).collect(), maxspan, until: true }
}

fn rows(stages: &str, events: &str) -> Vec<Row> {
    let stages: Vec<&str> = stages.split(' ').map(|stage| stage.trim_start_matches('!')).collect();
    let row = |(index, text): (usize, &str)| {
        let (text, keys) = text.split_once('/').unwrap_or((text, "1"));
        let letters = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let time = text[..text.len() - letters.len()].parse().unwrap();
        let mut takes = Vec::new();
        for key in keys.chars().map(|key| key.to_digit(10).unwrap()) {
            for (stage, _) in stages.iter().enumerate().filter(|(_, stage)| letters.contains(**stage)) {
                takes.push(Take { key, role: Role::Stage(stage as u16) });
            }
            if letters.contains('U') {
                takes.push(Take { key, role: Role::Until });
            }
        }
        let ordinal = Ordinal { time, tiebreaker: Tiebreaker::None, position: index as u64 };
        Row { ordinal, event: index as u32, takes }
    };
    events.split(' ').enumerate().map(row).collect()
}

fn shown(found: &[FoundSequence]) -> String {
    let sequence = |sequence: &FoundSequence| {
        let events: Vec<String> = sequence
            .events
            .iter()
            .map(|event| event.map_or("_".to_owned(), |event| event.to_string()))
            .collect();
        events.join("-")
    };
    found.iter().map(sequence).collect::<Vec<_>>().join(" ")
}

#[test]
fn tiebreakers_decide_who_is_before_and_no_value_is_last() {
    let row = |event: u32, tiebreaker: Tiebreaker, role: u16| Row {
        ordinal: Ordinal { time: 7, tiebreaker, position: u64::from(event) },
        event,
        takes: vec![Take { key: 0, role: Role::Stage(role) }],
    };
    let mut rows =
        vec![row(0, Tiebreaker::None, 1), row(1, Tiebreaker::Whole(4), 0), row(2, Tiebreaker::Whole(3), 1)];
    rows.sort_by(|left, right| left.ordinal.cmp(&right.ordinal));
    assert_eq!(shown(&run(&plan("A B", None), &rows)), "1-0");
}

#[test]
fn an_event_out_of_order_or_given_twice_is_counted_and_not_judged() {
    let plan = plan("A B", None);
    let mut rows = rows("A B", "3A 2B 4B");
    rows.insert(1, rows[0].clone());
    let (found, figures) = run_with_figures(&plan, &rows);
    assert_eq!(shown(&found), "0-2");
    assert_eq!(figures.out_of_order, 2);
}

#[test]
fn a_trailing_missing_event_is_decided_by_the_passing_of_time_whatever_the_key() {
    let plan = plan("A B !M", Some(5));
    let rows = rows("A B !M", "0A/1 2B/1 5C/2 6C/2 9A/1");
    let mut matcher = SequenceMatcher::new(&plan);
    let mut found = Vec::new();
    let mut given_out = Vec::new();
    for row in &rows {
        push(&mut matcher, row, &mut found);
        given_out.push(found.len());
    }
    assert_eq!(given_out, [0, 0, 0, 1, 1], "not at 5, which is within maxspan; at 6");
    assert_eq!(matcher.figures().peak_waiting, 1);
    matcher.finish(&mut found);
    assert_eq!(shown(&found), "0-1-_");
}

#[test]
fn sequences_given_up_for_missing_stages_are_counted() {
    for (stages, events) in [("A !M B", "0A 1M 2B"), ("!M A", "0M 1A"), ("A !M", "0A 1M")] {
        let (found, figures) = run_with_figures(&plan(stages, Some(5)), &rows(stages, events));
        assert_eq!((found.len(), figures.given_up), (0, 1), "{stages}");
    }
}

#[test]
fn keys_that_can_no_longer_complete_are_forgotten() {
    for (stages, expected) in [("A B", 0), ("!M A B", 0), ("A B !M", 0), ("A !M", 50_000)] {
        // One new key a millisecond, of whose one event the first two stages take hold: a hundred keys are alive at a
        // time, and as many again may wait for the next sweep.
        let rows: Vec<Row> = (0..50_000_u32)
            .map(|event| Row {
                ordinal: Ordinal { time: i64::from(event), tiebreaker: Tiebreaker::None, position: 0 },
                event,
                takes: (0..2).map(|stage| Take { key: event, role: Role::Stage(stage) }).collect(),
            })
            .collect();
        let (found, figures) = run_with_figures(&plan(stages, Some(100)), &rows);
        assert_eq!(found.len(), expected, "{stages}");
        let peaks = [figures.peak_keys, figures.peak_pending, figures.peak_waiting];
        assert!(peaks.iter().all(|peak| *peak <= 2 * 2 * 101), "{stages}: {figures:?}");
        assert_eq!((figures.keys, figures.pending, figures.waiting), (0, 0, 0), "{stages}");
        assert!(figures.bytes < 100_000, "{stages}: {figures:?}");
    }
}

#[test]
fn what_long_sequences_hold_is_counted() {
    let plan = SequencePlan { stages: vec![StageKind::Event; 20], maxspan: None, until: false };
    let mut matcher = SequenceMatcher::new(&plan);
    let takes: Vec<Take> = (0..20).map(|stage| Take { key: 0, role: Role::Stage(stage) }).collect();
    for event in 0..19 {
        let ordinal = Ordinal { time: 0, tiebreaker: Tiebreaker::None, position: u64::from(event) };
        matcher.push(StageEvent { ordinal, event, takes: &takes }, &mut Vec::new());
    }
    let figures = matcher.figures();
    assert_eq!((figures.keys, figures.pending), (1, 19));
    let events = 4 * (1..=19).sum::<usize>();
    assert!((events..100_000).contains(&figures.bytes) && figures.bytes > 19 * 40 + events, "{figures:?}");
}

#[test]
fn a_leading_forbidden_event_is_remembered_for_maxspan_however_many_keys_there_are() {
    for (maxspan, expected) in [(200, 0), (199, 200)] {
        // The forbidden events of all keys, then their others, 200 ms apart.
        let row = |at: u32| Row {
            ordinal: Ordinal { time: i64::from(at), tiebreaker: Tiebreaker::None, position: 0 },
            event: at,
            takes: vec![Take { key: at % 200, role: Role::Stage((at / 200) as u16) }],
        };
        let rows: Vec<Row> = (0..400).map(row).collect();
        assert_eq!(run(&plan("!M A", Some(maxspan)), &rows).len(), expected);
    }
}

#[test]
fn a_plan_of_missing_stages_only_or_of_none_finds_nothing() {
    let rows = rows("A B", "0A 1B 2AB");
    for stages in [vec![], vec![StageKind::Missing], vec![StageKind::Missing; 2]] {
        let plan = SequencePlan { stages, maxspan: Some(5), until: true };
        assert_eq!(run(&plan, &rows), []);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The reference.

#[derive(Clone, Debug)]
struct Partial<'r> {
    rows: Vec<&'r Row>,
}

impl<'r> Partial<'r> {
    fn first(&self) -> &'r Row {
        self.rows[0]
    }

    fn last(&self) -> &'r Row {
        self.rows[self.rows.len() - 1]
    }
}

fn reference(plan: &SequencePlan, rows: &[Row]) -> Vec<FoundSequence> {
    let keys: BTreeSet<u32> = rows.iter().flat_map(|row| row.takes.iter().map(|take| take.key)).collect();
    let mut found: Vec<(Ordinal, u32, u32, FoundSequence)> = Vec::new();
    for key in keys {
        for complete in complete_of_key(plan, rows, key) {
            if missing_allow(plan, rows, key, &complete) {
                let mut events = complete.rows.iter().map(|row| row.event);
                let by_stage = plan.stages.iter().map(|kind| match kind {
                    StageKind::Event => events.next(),
                    StageKind::Missing => None,
                });
                let completion = complete.last().ordinal.clone();
                let sequence =
                    FoundSequence { key, events: by_stage.collect(), completion: completion.clone() };
                found.push((completion, complete.first().event, key, sequence));
            }
        }
    }
    found.sort_by(|left, right| (&left.0, left.1, left.2).cmp(&(&right.0, right.1, right.2)));
    found.into_iter().map(|(.., sequence)| sequence).collect()
}

fn matching(rows: &[Row], key: u32, role: Role) -> Vec<&Row> {
    rows.iter().filter(|row| row.takes.contains(&Take { key, role })).collect()
}

/// All events of the first stage, then all of the second against what the first left, and so on.
fn complete_of_key<'r>(plan: &SequencePlan, rows: &'r [Row], key: u32) -> Vec<Partial<'r>> {
    let untils = if plan.until { matching(rows, key, Role::Until) } else { Vec::new() };
    let mut begun: Option<Vec<Partial<'r>>> = None;
    for (stage, kind) in plan.stages.iter().enumerate() {
        if *kind == StageKind::Missing {
            continue;
        }
        let events = matching(rows, key, Role::Stage(stage as u16));
        let Some(previous) = &mut begun else {
            begun = Some(events.into_iter().map(|row| Partial { rows: vec![row] }).collect());
            continue;
        };
        let mut extended = Vec::new();
        for row in events {
            let Some(at) = previous.iter().rposition(|partial| partial.last().ordinal < row.ordinal) else {
                continue;
            };
            let mut partial = previous.drain(..=at).next_back().unwrap();
            let span = row.ordinal.time - partial.first().ordinal.time;
            let late = plan.maxspan.is_some_and(|maxspan| span > maxspan as i64);
            let until = untils
                .iter()
                .any(|until| until.ordinal >= partial.last().ordinal && until.ordinal < row.ordinal);
            if !late && !until {
                partial.rows.push(row);
                extended.push(partial);
            }
        }
        begun = Some(extended);
    }
    begun.unwrap_or_default()
}

fn missing_allow(plan: &SequencePlan, rows: &[Row], key: u32, complete: &Partial<'_>) -> bool {
    let positives = complete.rows.len();
    let (first, last) = (complete.first().ordinal.time, complete.last().ordinal.time);
    let (mut leads, mut trails) = (Vec::new(), Vec::new());
    let mut passed = 0;
    for (stage, kind) in plan.stages.iter().enumerate() {
        if *kind == StageKind::Event {
            passed += 1;
            continue;
        }
        let times = matching(rows, key, Role::Stage(stage as u16)).into_iter().map(|row| row.ordinal.time);
        if passed == 0 {
            leads.extend(times.filter(|time| *time < first));
        } else if passed == positives {
            trails.extend(times.filter(|time| *time > last));
        } else {
            let (from, to) = (complete.rows[passed - 1].ordinal.time, complete.rows[passed].ordinal.time);
            if times.filter(|time| from < *time && *time < to).count() > 0 {
                return false;
            }
        }
    }
    let leading = plan.stages.first() == Some(&StageKind::Missing);
    let trailing = plan.stages.last() == Some(&StageKind::Missing);
    // The nearest forbidden events stand for the ends of the longest clean window, or the sequence's own do.
    let from = if leading { leads.into_iter().max() } else { Some(first) };
    let to = if trailing { trails.into_iter().min() } else { Some(last) };
    let (Some(from), Some(to)) = (from, to) else { return true };
    !(leading || trailing) || plan.maxspan.is_some_and(|maxspan| to - from > maxspan as i64)
}

// ---------------------------------------------------------------------------------------------------------------------
// The streams.

/// What a strategy makes of a plan and its events.
#[derive(Clone, Debug)]
struct Shape {
    stages: Vec<StageKind>,
    maxspan: Option<u64>,
    until: bool,
    keys: u32,
    /// The greatest step in time from one event to the next.
    step: i64,
    events: usize,
}

/// An event before it has its place: step in time, tiebreaker, then roles and keys by number.
type Seed = (i64, Option<i64>, Vec<(u16, u32)>);

fn stream(shape: impl Strategy<Value = Shape>) -> impl Strategy<Value = (SequencePlan, Vec<Row>)> {
    shape
        .prop_flat_map(|shape| {
            // One role more than there are stages is `until`; the one after that lies outside the plan.
            let roles = shape.stages.len() as u16 + if shape.until { 2 } else { 0 };
            let takes = prop::collection::vec((0..roles.max(1), 0..shape.keys), 0..4);
            let seed = (prop_oneof![Just(0), 0..=shape.step], prop::option::weighted(0.3, 0..3_i64), takes);
            (Just(shape.clone()), prop::collection::vec(seed, 0..shape.events))
        })
        .prop_map(|(shape, seeds)| {
            let plan = SequencePlan { stages: shape.stages, maxspan: shape.maxspan, until: shape.until };
            let rows = placed(&plan, seeds);
            (plan, rows)
        })
}

fn placed(plan: &SequencePlan, seeds: Vec<Seed>) -> Vec<Row> {
    let stages = plan.stages.len() as u16;
    let mut time = -20;
    let mut rows: Vec<Row> = Vec::new();
    for (index, (step, tiebreaker, takes)) in seeds.into_iter().enumerate() {
        time += step;
        let tiebreaker = tiebreaker.map_or(Tiebreaker::None, Tiebreaker::Whole);
        let take = |(role, key)| {
            let role = if role == stages { Role::Until } else { Role::Stage(role) };
            Take { key, role }
        };
        let ordinal = Ordinal { time, tiebreaker, position: index as u64 };
        rows.push(Row { ordinal, event: index as u32, takes: takes.into_iter().map(take).collect() });
    }
    rows.sort_by(|left, right| left.ordinal.cmp(&right.ordinal));
    rows
}

fn kinds(missing: bool, stages: std::ops::Range<usize>) -> impl Strategy<Value = Vec<StageKind>> {
    let kind = if missing {
        prop_oneof![3 => Just(StageKind::Event), 2 => Just(StageKind::Missing)].boxed()
    } else {
        Just(StageKind::Event).boxed()
    };
    prop::collection::vec(kind, stages)
}

fn shape(
    stages: impl Strategy<Value = Vec<StageKind>>,
    maxspan: impl Strategy<Value = Option<u64>>,
    until: bool,
    keys: std::ops::Range<u32>,
    step: i64,
) -> impl Strategy<Value = Shape> {
    (stages, maxspan, keys).prop_map(move |(stages, maxspan, keys)| Shape {
        stages,
        maxspan,
        until,
        keys,
        step,
        events: 60,
    })
}

/// Any maxspan, or none.
fn any_maxspan() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), (0..20_u64).prop_map(Some)]
}

/// Any plan and stream of all that follow.
fn any_stream() -> impl Strategy<Value = (SequencePlan, Vec<Row>)> {
    stream(shape(kinds(true, 1..6), any_maxspan(), true, 1..4, 4))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn plain_sequences_agree_with_the_reference(
        (plan, rows) in stream(shape(kinds(false, 1..5), Just(None), false, 1..4, 3))
    ) {
        prop_assert_eq!(run(&plan, &rows), reference(&plan, &rows));
    }

    #[test]
    fn maxspan_agrees_with_the_reference(
        (plan, rows) in stream(shape(kinds(false, 2..5), (0..12_u64).prop_map(Some), false, 1..4, 4))
    ) {
        prop_assert_eq!(run(&plan, &rows), reference(&plan, &rows));
    }

    #[test]
    fn until_agrees_with_the_reference(
        (plan, rows) in stream(shape(kinds(false, 1..4), any_maxspan(), true, 1..3, 2))
    ) {
        prop_assert_eq!(run(&plan, &rows), reference(&plan, &rows));
    }

    #[test]
    fn dense_ties_agree_with_the_reference(
        (plan, rows) in stream(shape(kinds(true, 1..5), (0..3_u64).prop_map(Some), true, 1..3, 1))
    ) {
        prop_assert_eq!(run(&plan, &rows), reference(&plan, &rows));
    }

    #[test]
    fn runs_agree_with_the_reference(
        (runs, first, maxspan, seeds) in (
            2..7_usize,
            any::<bool>(),
            any_maxspan(),
            prop::collection::vec((0..3_i64, Just(None), 0..3_u8, 0..2_u32), 0..80),
        )
    ) {
        // An event of the stage with runs matches all its repetitions; another matches the stage before or after.
        let other = if first { runs } else { 0 };
        let repeated = if first { 0..runs } else { 1..runs + 1 };
        let plan = SequencePlan { stages: vec![StageKind::Event; runs + 1], maxspan, until: false };
        let seeds = seeds.into_iter().map(|(step, tiebreaker, kind, key)| {
            let takes = match kind {
                0 => vec![(other as u16, key)],
                _ => repeated.clone().map(|stage| (stage as u16, key)).collect(),
            };
            (step, tiebreaker, takes)
        });
        let rows = placed(&plan, seeds.collect());
        prop_assert_eq!(run(&plan, &rows), reference(&plan, &rows));
    }

    #[test]
    fn missing_stages_between_agree_with_the_reference(
        (plan, rows) in stream(shape(
            kinds(true, 0..4).prop_map(|mut kinds| {
                kinds.insert(0, StageKind::Event);
                kinds.push(StageKind::Event);
                kinds
            }),
            (0..15_u64).prop_map(Some), false, 1..3, 3,
        ))
    ) {
        prop_assert_eq!(run(&plan, &rows), reference(&plan, &rows));
    }

    #[test]
    fn missing_stages_at_the_ends_agree_with_the_reference(
        (plan, rows) in stream(shape(
            (0..3_usize, kinds(false, 1..3), 0..3_usize).prop_map(|(leading, events, trailing)| {
                [vec![StageKind::Missing; leading], events, vec![StageKind::Missing; trailing]].concat()
            }),
            any_maxspan(), false, 1..3, 4,
        ))
    ) {
        prop_assert_eq!(run(&plan, &rows), reference(&plan, &rows));
    }

    #[test]
    fn all_of_it_together_agrees_with_the_reference((plan, rows) in any_stream()) {
        prop_assert_eq!(run(&plan, &rows), reference(&plan, &rows));
    }

    #[test]
    fn batches_and_the_order_of_takes_change_nothing(
        (plan, rows) in any_stream(),
        cuts in prop::collection::vec(any::<Index>(), 0..5),
        turn in any::<Index>(),
    ) {
        let cuts: BTreeSet<usize> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).collect();
        let mut matcher = SequenceMatcher::new(&plan);
        let mut batches = Vec::new();
        let mut batch = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            if cuts.contains(&at) {
                batches.append(&mut batch);
            }
            let mut row = row.clone();
            if !row.takes.is_empty() {
                row.takes.push(row.takes[0]);
                let by = turn.index(row.takes.len());
                row.takes.rotate_left(by);
            }
            push(&mut matcher, &row, &mut batch);
        }
        batches.append(&mut batch);
        matcher.finish(&mut batches);
        prop_assert_eq!(batches, run(&plan, &rows));
    }

    #[test]
    fn keys_apart_and_put_together_find_the_same_as_merged((plan, rows) in any_stream(), parts in 1..4_u32) {
        let mut found = Vec::new();
        for part in 0..parts {
            let mut of_part = rows.clone();
            of_part.iter_mut().for_each(|row| row.takes.retain(|take| take.key % parts == part));
            of_part.retain(|row| !row.takes.is_empty());
            found.extend(run(&plan, &of_part));
        }
        prop_assert_eq!(in_order(found), run(&plan, &rows));
    }

    #[test]
    fn whatever_is_found_obeys_the_plan((plan, rows) in any_stream()) {
        let (found, figures) = run_with_figures(&plan, &rows);
        prop_assert_eq!(&in_order(found.clone()), &found, "results ascend");
        for sequence in &found {
            prop_assert_eq!(sequence.events.len(), plan.stages.len());
            let mut events: Vec<&Row> = Vec::new();
            for (stage, (kind, event)) in plan.stages.iter().zip(&sequence.events).enumerate() {
                prop_assert_eq!(*kind == StageKind::Event, event.is_some());
                if let Some(event) = event {
                    let row = rows.iter().find(|row| row.event == *event).unwrap();
                    let take = Take { key: sequence.key, role: Role::Stage(stage as u16) };
                    prop_assert!(row.takes.contains(&take));
                    events.push(row);
                }
            }
            prop_assert!(events.windows(2).all(|pair| pair[0].ordinal < pair[1].ordinal));
            let (first, last) = (events.first().unwrap(), events.last().unwrap());
            prop_assert_eq!(&last.ordinal, &sequence.completion);
            if let Some(maxspan) = plan.maxspan {
                prop_assert!(last.ordinal.time - first.ordinal.time <= maxspan as i64);
            }
        }
        prop_assert_eq!((figures.keys, figures.pending, figures.waiting, figures.out_of_order), (0, 0, 0, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// So many keys that what has expired is swept out on the way.
    #[test]
    fn sweeping_changes_nothing(
        stages in kinds(true, 1..4),
        maxspan in prop_oneof![Just(50_u64), Just(400), Just(3000)],
        seeds in prop::collection::vec((0..2_i64, Just(None), prop::collection::vec((0..5_u16, 0..4000_u32), 1..4)), 4000),
    ) {
        let plan = SequencePlan { stages, maxspan: Some(maxspan), until: true };
        // Keys come in waves, so that a key is met again before long.
        let seeds = seeds.into_iter().enumerate().map(|(at, (step, tiebreaker, takes))| {
            let key = |key: u32| at as u32 / 2 + key % 40;
            (step, tiebreaker, takes.into_iter().map(|(role, of)| (role, key(of))).collect())
        });
        let rows = placed(&plan, seeds.collect());
        prop_assert_eq!(run(&plan, &rows), reference_by_key(&plan, &rows));
    }
}

/// The reference, given each key's events only: a stream of many keys would take it too long.
fn reference_by_key(plan: &SequencePlan, rows: &[Row]) -> Vec<FoundSequence> {
    let mut by_key: std::collections::BTreeMap<u32, Vec<Row>> = std::collections::BTreeMap::new();
    for row in rows {
        for key in row.takes.iter().map(|take| take.key).collect::<BTreeSet<u32>>() {
            let takes = row.takes.iter().copied().filter(|take| take.key == key).collect();
            by_key.entry(key).or_default().push(Row { takes, ..row.clone() });
        }
    }
    in_order(by_key.values().flat_map(|rows| reference(plan, rows)).collect())
}
