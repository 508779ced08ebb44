//! How fast queries of a rule's size are read and printed.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const KQL: &str = r#"event.category:process and host.os.type:windows and
  (process.name:(alpha.exe or beta.exe or gamma*.exe) or process.parent.name:"delta shell.exe") and
  not (user.id:("S-1-5-18" or "S-1-5-19") or process.args:(*\\temp\\* and not "C:\\Program Files\\*")) and
  source.ip:(10.0.0.0/8 or "::1") and destination.port >= 1024"#;

const LUCENE: &str = r#"+event.category:process +host.os.type:windows
  (process.name:(alpha.exe OR beta.exe OR gamma*.exe) OR process.parent.name:"delta shell.exe"~2)
  -user.id:("S-1-5-18" "S-1-5-19") destination.port:[1024 TO *} /ab+c/ name~1^2.5"#;

const EQL: &str = r#"sequence by host.id, process.entity_id with maxspan=1m
  [process where host.os.type == "windows" and event.type == "start" and
    (process.name : ("alpha.exe", "beta.exe", "gamma*.exe") or ?process.pe.original_file_name == "DELTA.EXE") and
    not (user.id in ("S-1-5-18", "S-1-5-19") or process.args : "C:\\Program Files\\*")]
  [network where not cidrMatch(destination.ip, "10.0.0.0/8", "::1") and destination.port >= 1024 and
    length(process.command_line) > 2 * 100] with runs=3"#;

const ESQL: &str = r#"FROM logs-alpha.*, logs-beta-* METADATA _id, _version, _index
| WHERE host.os.type == "windows" AND (process.name IN ("alpha.exe", "beta.exe") OR process.args LIKE "*gamma*") AND
    NOT CIDR_MATCH(destination.ip, "10.0.0.0/8", "::1") AND user.id IS NOT NULL // a comment
| EVAL Esql.bucket = DATE_TRUNC(5 minutes, @timestamp), Esql.flag = CASE(process.pid > 2 * 100, 1, 0)
| GROK process.command_line "%{WORD:Esql.first} %{GREEDYDATA:Esql.rest}"
| STATS Esql.count = COUNT(*), Esql.flags = SUM(Esql.flag) WHERE Esql.first != "delta", Esql.users = VALUES(user.name)
    BY Esql.bucket, host.id
| WHERE Esql.count >= 5
| KEEP host.id, Esql.*
| SORT Esql.count DESC
| LIMIT 100"#;

fn parsing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Bytes(KQL.len() as u64));
    group.bench_function("kql", |bencher| bencher.iter(|| bartizan_query::kql::parse(black_box(KQL))));
    group.throughput(Throughput::Bytes(LUCENE.len() as u64));
    group.bench_function("lucene", |bencher| {
        bencher.iter(|| bartizan_query::lucene::parse(black_box(LUCENE)))
    });
    group.throughput(Throughput::Bytes(EQL.len() as u64));
    group.bench_function("eql", |bencher| bencher.iter(|| bartizan_query::eql::parse(black_box(EQL))));
    group.throughput(Throughput::Bytes(ESQL.len() as u64));
    group.bench_function("esql", |bencher| bencher.iter(|| bartizan_query::esql::parse(black_box(ESQL))));
    group.finish();
}

fn printing(criterion: &mut Criterion) {
    let kql = bartizan_query::kql::parse(KQL).tree;
    let lucene = bartizan_query::lucene::parse(LUCENE).tree;
    let eql = bartizan_query::eql::parse(EQL).tree;
    let esql = bartizan_query::esql::parse(ESQL).tree;
    let mut group = criterion.benchmark_group("print");
    group.bench_function("kql", |bencher| bencher.iter(|| black_box(&kql).to_string()));
    group.bench_function("lucene", |bencher| bencher.iter(|| black_box(&lucene).to_string()));
    group.bench_function("eql", |bencher| bencher.iter(|| black_box(&eql).to_string()));
    group.bench_function("esql", |bencher| bencher.iter(|| black_box(&esql).to_string()));
    group.finish();
}

criterion_group!(benches, parsing, printing);
criterion_main!(benches);
