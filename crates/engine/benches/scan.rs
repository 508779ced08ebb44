//! How long a record takes in the shared scan, and how that grows with the rules.
//!
//! The records are those of the demonstration, the made-up rules of two kinds: `anchored` ones each name an action, and
//! `unanchored` ones look for a pattern in the user agent, so that no action tells which of them to try.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use bartizan_engine::shared_scan::EventNames;
use bartizan_engine::{Plan, ScanSettings, SharedScan};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ecs::{Catalog, TimeRange, Timestamp};
use ingest::decode::{Buffers, Item, Limits, RawRecord, RecordKind, decode};
use ingest::enrich::Enrichment;
use rule::RuleLibrary;

const RECORDS: &str = include_str!("../../cli/demo/records.ndjson");

fn scanning(criterion: &mut Criterion) {
    let records: Vec<RawRecord<'_>> =
        RECORDS.lines().map(|text| RawRecord::new(RecordKind::CloudTrail, text, 0)).collect();
    let (catalog, enrichment) = (Catalog::builtin(), Enrichment::default());
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Elements(records.len() as u64));
    for (anchored, unanchored) in [(0, 0), (110, 0), (2000, 0), (1766, 234)] {
        let library = library(anchored, unanchored);
        let plan = Plan::new(&library, &catalog, Timestamp::UNIX_EPOCH);
        assert_eq!(plan.rules.len(), 2 + anchored + unanchored, "every rule runs");
        let settings = ScanSettings {
            range: TimeRange::default(),
            now: Timestamp::UNIX_EPOCH,
            enrichment: &enrichment,
            catalog: &catalog,
        };
        let shared = SharedScan::new(&plan, settings);
        let mut scanner = shared.scanner();
        let rules = format!("2 built-in, {anchored} anchored, {unanchored} unanchored rules");
        group.bench_function(BenchmarkId::from_parameter(rules), |bencher| {
            bencher.iter(|| {
                let mut names = EventNames::default();
                records.iter().filter(|record| scanner.scan(black_box(record), &mut names).is_ok()).count()
            });
        });
    }
    group.finish();
}

fn decoding(criterion: &mut Criterion) {
    let lines: Vec<&str> = RECORDS.lines().collect();
    let file = format!(r#"{{"Records":[{}]}}"#, lines.join(","));
    let mut buffers = Buffers::default();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("CloudTrail log file", |bencher| {
        bencher.iter(|| {
            let mut records = 0;
            let mut count = |item: Item<'_>| records += usize::from(matches!(item, Item::Record(_)));
            decode(black_box(file.as_bytes()), &Limits::default(), &mut buffers, &mut count);
            records
        });
    });
    group.finish();
}

fn library(anchored: usize, unanchored: usize) -> RuleLibrary {
    let mut library = RuleLibrary::builtin();
    let mut add = |number: usize, query: &str| {
        let text = rule_text(number, query);
        let path = Path::new("made-up.toml");
        library.add(path.to_owned(), rule::library::read(&text, path));
    };
    for number in 0..anchored {
        add(
            number,
            &format!("event.provider: service{}.amazonaws.com and event.action: MadeUp{number}", number % 40),
        );
    }
    for number in anchored..anchored + unanchored {
        add(number, &format!("user_agent.original: *made-up-tool-{number}* and event.outcome: success"));
    }
    library
}

fn rule_text(number: usize, query: &str) -> String {
    let mut text = String::from("[metadata]\nmaturity = \"production\"\n[rule]\n");
    let pairs = [
        ("rule_id", format!("00000000-0000-4000-8000-{number:012}")),
        ("name", format!("Made-up rule {number}")),
        ("description", "For measuring.".to_owned()),
        ("severity", "low".to_owned()),
        ("type", "query".to_owned()),
        ("language", "kuery".to_owned()),
        ("query", query.to_owned()),
    ];
    for (key, value) in pairs {
        // A string never fails to take text.
        let _always_fits = writeln!(text, "{key} = '{value}'");
    }
    text.push_str("risk_score = 21\nindex = ['logs-aws.cloudtrail-*']\nauthor = ['Bartizan']\n");
    text
}

criterion_group!(benches, scanning, decoding);
criterion_main!(benches);
