//! The mapping of CloudTrail against pairs of raw records and expected documents, field by field.
//!
//! Needs `BARTIZAN_SHARED`, a folder with `data/cloudtrail-ecs`: `NAME.log` (a record a line) and
//! `NAME.expected.json` (`{"expected": [document, …]}`). Without it nothing is compared, and the test says so.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bartizan_ingest::enrich::Enrichment;
use bartizan_ingest::integration::aws_cloudtrail::{NormalizeContext, map_record};
use serde_json::{Map, Value};

#[test]
fn every_pair_is_equal() {
    let Some(shared) = std::env::var_os("BARTIZAN_SHARED").map(PathBuf::from) else {
        println!("NOT RUN: BARTIZAN_SHARED is not set, so there are no pairs to compare with");
        return;
    };
    let enrich = enrichment();
    let mut total = (0, 0);
    let mut differences: BTreeMap<String, usize> = BTreeMap::new();
    for log in logs(&shared.join("data/cloudtrail-ecs")) {
        let expected = log.with_extension("expected.json");
        let expected: Value = serde_json::from_str(&std::fs::read_to_string(expected).unwrap()).unwrap();
        let expected = expected["expected"].as_array().unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        let records: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        assert_eq!(records.len(), expected.len(), "{}", log.display());
        for (number, (record, expected)) in records.into_iter().zip(expected).enumerate() {
            let got = document(record, expected, &enrich);
            let differing = differing_fields(expected, &got);
            total.0 += 1;
            total.1 += usize::from(differing.is_empty());
            for (field, (want, have)) in differing {
                println!("{}:{} {field}\n  expected {want}\n  got      {have}", log.display(), number + 1);
                *differences.entry(field).or_default() += 1;
            }
        }
    }
    println!("cloudtrail-ecs: {} of {} pairs equal", total.1, total.0);
    for (field, count) in &differences {
        println!("  {field}: differs {count} times");
    }
    assert!(total.0 > 0, "the folder has no pairs");
    assert_eq!(total.0, total.1, "pairs differ");
}

fn logs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
    logs.sort();
    logs
}

fn enrichment() -> Enrichment {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/maxmind-test-data");
    let (city, asn) = (data.join("GeoLite2-City-Test.mmdb"), data.join("GeoLite2-ASN-Test.mmdb"));
    Enrichment::open(Some(&city), Some(&asn)).unwrap()
}

fn document(record: &str, expected: &Value, enrich: &Enrichment) -> Value {
    let stream = ecs::DataStream::logs("aws.cloudtrail");
    let parsed: Map<String, Value> = serde_json::from_str(record).unwrap();
    // The pair says which settings it was made with.
    let tags: Vec<String> = expected["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|t| Some(t.as_str()?.to_owned()))
        .collect();
    let set = ["preserve_original_event", "actor_target_mapping"];
    let own: Vec<String> = tags.iter().filter(|tag| !set.contains(&tag.as_str())).cloned().collect();
    let context = NormalizeContext {
        original: Some(record),
        enrich: Some(enrich),
        tags: &own,
        actor_target_mapping: tags.iter().any(|tag| tag == "actor_target_mapping"),
        ..NormalizeContext::new("2021-11-11T01:02:03Z".parse().unwrap(), &stream)
    };
    Value::Object(map_record(parsed, &context).into_map())
}

/// Dotted name to what was expected and what was there. `event.created` is the time of the run.
fn differing_fields(expected: &Value, got: &Value) -> BTreeMap<String, (Value, Value)> {
    let (mut want, mut have) = (BTreeMap::new(), BTreeMap::new());
    flatten("", expected, &mut want);
    flatten("", got, &mut have);
    let names = want.keys().chain(have.keys()).cloned().collect::<std::collections::BTreeSet<String>>();
    names
        .into_iter()
        .filter(|name| name != "event.created")
        .filter_map(|name| {
            let side = |fields: &BTreeMap<String, Value>| fields.get(&name).cloned().unwrap_or(Value::Null);
            let (want, have) = (side(&want), side(&have));
            (want != have).then_some((name, (want, have)))
        })
        .collect()
}

fn flatten(prefix: &str, value: &Value, out: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&name, inner, out);
            }
        }
        other => {
            out.insert(prefix.to_owned(), other.clone());
        }
    }
}
