//! How long a hunt's events take on their way into the activity: the batch of a worker, and the taking in.

use std::hint::black_box;

use bartizan_triage::act::Act;
use bartizan_triage::activity::{About, ActBatch, ActReader, Activity};
use bartizan_triage::place::Place;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ecs::Timestamp;

const ROWS: u64 = 100_000;

struct Row {
    time: Timestamp,
    id: String,
    principal: String,
    arn: String,
    access_key: String,
    address: String,
    action: &'static str,
}

fn rows() -> Vec<Row> {
    let actions =
        ["Decrypt", "GetObject", "DescribeInstances", "AssumeRole", "PutObject", "ListKeys", "CreateGrant"];
    (0..ROWS)
        .map(|row| {
            // Spreads values without a generator of random numbers.
            let spread = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
            let (principal, session) = (spread % 200, spread % 2_000);
            Row {
                time: Timestamp::from_second(1_772_000_000 + i64::try_from(row / 20).unwrap_or(0))
                    .unwrap_or_default(),
                id: format!("{row:08x}-0000-4000-8000-{spread:012x}"),
                principal: format!("arn:aws:iam::111122223333:role/service-role-{principal}"),
                arn: format!(
                    "arn:aws:sts::111122223333:assumed-role/service-role-{principal}/session-{session}"
                ),
                access_key: format!("ASIA{session:016}"),
                address: format!("10.{}.{}.7", session % 100, principal % 250),
                action: actions[usize::try_from(spread % 7).unwrap_or(0)],
            }
        })
        .collect()
}

fn batch_of(rows: &[Row]) -> ActBatch {
    let mut reader = ActReader::default();
    for row in rows {
        let act = Act {
            time: row.time,
            id: &row.id,
            provider: "kms.amazonaws.com",
            action: row.action,
            principal: &row.principal,
            arn: &row.arn,
            access_key: &row.access_key,
            address: &row.address,
            user_agent: "aws-sdk-java/2.30.1 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1 lang/java#17.0.14",
            region: "eu-west-1",
            account: "111122223333",
            error: "",
            read_only: row.action != "CreateGrant" && row.action != "PutObject",
        };
        reader.push(&act, 0, About::Nothing);
    }
    reader.batch(Place::Unknown)
}

fn activity(criterion: &mut Criterion) {
    let rows = rows();
    let mut group = criterion.benchmark_group("activity");
    group.throughput(Throughput::Elements(ROWS));
    group.sample_size(10);
    group.bench_function("push", |bencher| bencher.iter(|| batch_of(black_box(&rows))));
    let batch = batch_of(&rows);
    group.bench_function("take", |bencher| {
        let take = |batch| {
            let mut activity = Activity::default();
            activity.take(black_box(batch), |row| row % 97 != 0);
            activity
        };
        bencher.iter_batched(|| batch.clone(), take, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, activity);
criterion_main!(benches);
