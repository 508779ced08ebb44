//! How many events a second the sequence operator judges, and what it holds meanwhile, by keys, stages and maxspan.
//!
//! One event a millisecond; its stage and key are drawn at random, all alike. What is held is printed before a case
//! is timed: the keys and pending sequences at most, and the bytes at the end.

#![expect(
    clippy::print_stderr,
    reason = "what is held is a figure of the benchmark, and criterion only tells time"
)]

use std::hint::black_box;

use bartizan_engine::sequence::{
    FoundSequence, Ordinal, Role, SequenceFigures, SequenceMatcher, SequencePlan, StageEvent, StageKind,
    Take, Tiebreaker,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const EVENTS: u32 = 100_000;

fn sequences(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sequence");
    group.throughput(Throughput::Elements(u64::from(EVENTS)));
    group.sample_size(20);
    for keys in [1, 1_000, 100_000] {
        for stages in [2, 5] {
            for maxspan in [Some(1_000), None] {
                let plan = SequencePlan { stages: vec![StageKind::Event; stages], maxspan, until: false };
                let takes: Vec<Vec<Take>> = drawn(keys, stages).map(|take| vec![take]).collect();
                bench(&mut group, &format!("{keys} keys, {stages} stages, {}", span(maxspan)), &plan, &takes);
            }
        }
    }
    // Each event matches all repetitions of the one stage there is.
    let plan = SequencePlan { stages: vec![StageKind::Event; 20], maxspan: Some(60_000), until: false };
    let takes: Vec<Vec<Take>> = drawn(1_000, 1)
        .map(|take| (0..20).map(|stage| Take { role: Role::Stage(stage), ..take }).collect())
        .collect();
    bench(&mut group, "1000 keys, 20 runs of a stage, maxspan 60000 ms", &plan, &takes);
    for missing in [[StageKind::Missing, StageKind::Event], [StageKind::Event, StageKind::Missing]] {
        let plan = SequencePlan { stages: missing.to_vec(), maxspan: Some(1_000), until: false };
        let takes: Vec<Vec<Take>> = drawn(1_000, 2).map(|take| vec![take]).collect();
        let end = if missing[0] == StageKind::Missing { "leading" } else { "trailing" };
        bench(&mut group, &format!("1000 keys, 1 stage, {end} missing, maxspan 1000 ms"), &plan, &takes);
    }
    group.finish();
}

fn span(maxspan: Option<u64>) -> String {
    maxspan.map_or("no maxspan".to_owned(), |maxspan| format!("maxspan {maxspan} ms"))
}

fn bench(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    name: &str,
    plan: &SequencePlan,
    takes: &[Vec<Take>],
) {
    let (found, at_most) = run(plan, takes);
    eprintln!(
        "{name}: {} found; at most {} keys, {} pending, {} waiting; {} KiB",
        found.len(),
        at_most.peak_keys,
        at_most.peak_pending,
        at_most.peak_waiting,
        at_most.bytes / 1024
    );
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter(|| black_box(run(black_box(plan), takes)));
    });
}

/// Finds all, and tells what was held when the last event had been judged.
fn run(plan: &SequencePlan, takes: &[Vec<Take>]) -> (Vec<FoundSequence>, SequenceFigures) {
    let mut matcher = SequenceMatcher::new(plan);
    let mut found = Vec::new();
    for (event, takes) in (0..).zip(takes) {
        let ordinal =
            Ordinal { time: i64::from(event), tiebreaker: Tiebreaker::None, position: u64::from(event) };
        matcher.push(StageEvent { ordinal, event, takes }, &mut found);
    }
    let figures = matcher.figures();
    matcher.finish(&mut found);
    (found, figures)
}

/// A stage and a key for each event: the same ones in each run of the benchmark.
fn drawn(keys: u32, stages: usize) -> impl Iterator<Item = Take> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    };
    (0..EVENTS).map(move |_| Take {
        key: draw(u64::from(keys)) as u32,
        role: Role::Stage(draw(stages as u64) as u16),
    })
}

criterion_group!(benches, sequences);
criterion_main!(benches);
