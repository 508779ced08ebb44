//! How many uses of keys a second are read from raw members into rows, and merged into a history.
//!
//! Two hundred keys, fifty sessions, and encryption contexts of buckets (which repeat) or of single objects (which don't).

use std::hint::black_box;

use bartizan_triage::event::Event;
use bartizan_triage::kms::key_history::KeyHistory;
use bartizan_triage::kms::key_use::{KeyUse, KeyUseBatch, KeyUseReader};
use bartizan_triage::place::Place;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Map, Value, json};

const ROWS: usize = 20_000;

/// The JSON text of the members that change from record to record.
struct Record {
    time: String,
    id: String,
    identity: String,
    resources: String,
    request: String,
    additional: String,
}

fn record(row: usize, objects: bool) -> Record {
    let key = format!("arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-{:012}", row % 200);
    let session = row * 7 % 50;
    let resource = if objects {
        format!("arn:aws:s3:::bucket-{}/year=2026/part-{row:08}.parquet", row % 200)
    } else {
        format!("arn:aws:s3:::bucket-{}", row % 200)
    };
    Record {
        time: format!("2026-03-14T{:02}:{:02}:{:02}Z", row / 3_600 % 24, row / 60 % 60, row % 60),
        id: format!("{row:08x}-0000-4000-8000-{row:012x}"),
        identity: json!({
            "type": "AssumedRole", "principalId": format!("AROAEXAMPLEEXAMPLE000:session-{session}"),
            "arn": format!("arn:aws:sts::111122223333:assumed-role/pipeline/session-{session}"), "accountId": "111122223333",
            "accessKeyId": format!("ASIAEXAMPLE{session:09}"),
            "sessionContext": {
                "sessionIssuer": { "type": "Role", "principalId": "AROAEXAMPLEEXAMPLE000",
                    "arn": "arn:aws:iam::111122223333:role/pipeline", "accountId": "111122223333", "userName": "pipeline" },
                "attributes": { "creationDate": "2026-03-14T00:00:00Z", "mfaAuthenticated": "false" } },
            "invokedBy": "s3.amazonaws.com",
        })
        .to_string(),
        resources: json!([{ "accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": key }]).to_string(),
        request: json!({ "encryptionContext": { "aws:s3:arn": resource }, "encryptionAlgorithm": "SYMMETRIC_DEFAULT" }).to_string(),
        additional: json!({ "keyMaterialId": format!("{:064x}", row % 200) }).to_string(),
    }
}

fn batch(records: &[Record]) -> KeyUseBatch {
    let mut reader = KeyUseReader::default();
    for (row, record) in records.iter().enumerate() {
        reader.push(&KeyUse {
            row,
            offset: row as u64 * 1_500,
            event_time: record.time.parse().ok(),
            event_name: Some("Decrypt"),
            event_id: Some(&record.id),
            aws_region: Some("eu-west-1"),
            recipient_account_id: Some("111122223333"),
            source_ip_address: Some("s3.amazonaws.com"),
            user_identity: Some(&record.identity),
            resources: Some(&record.resources),
            request_parameters: Some(&record.request),
            additional_event_data: Some(&record.additional),
            ..KeyUse::default()
        });
    }
    reader.batch("bench.json")
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn event(record: &Record) -> Option<Event> {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let mut whole = Map::new();
    for (name, text) in [
        ("eventTime", quoted(&record.time).as_str()),
        ("eventID", &quoted(&record.id)),
        ("eventName", "\"Decrypt\""),
        ("eventSource", "\"kms.amazonaws.com\""),
        ("awsRegion", "\"eu-west-1\""),
        ("recipientAccountId", "\"111122223333\""),
        ("userIdentity", &record.identity),
        ("resources", &record.resources),
        ("requestParameters", &record.request),
        ("additionalEventData", &record.additional),
    ] {
        whole.insert(name.to_owned(), value(text));
    }
    Event::of_record(&whole, Place::Unknown)
}

fn uses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key use");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(10);
    for (name, objects) in [("buckets", false), ("objects", true)] {
        let records: Vec<Record> = (0..ROWS).map(|row| record(row, objects)).collect();
        group.bench_function(format!("rows, {name}"), |bench| bench.iter(|| batch(black_box(&records))));
        let rows = batch(&records);
        group.bench_function(format!("merge, {name}"), |bench| {
            let merge = |mut history: KeyHistory| {
                history.take(black_box(&rows), |_| true);
                history
            };
            bench.iter_batched(KeyHistory::new, merge, BatchSize::LargeInput);
        });
        let events: Vec<Event> = records.iter().filter_map(event).collect();
        group.bench_function(format!("whole events, {name}"), |bench| {
            let observe = |mut history: KeyHistory| {
                events.iter().for_each(|event| history.observe(black_box(event)));
                history
            };
            bench.iter_batched(KeyHistory::new, observe, BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, uses);
criterion_main!(benches);
