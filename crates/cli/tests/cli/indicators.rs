//! Indicator match rules: `--indicators`, indicators among the events, and their account.

use serde_json::{Value, json};

use crate::sandbox::{Run, Sandbox, kms_record};

const RULE: &str = r#"
[metadata]
creation_date = "2026/03/01"
updated_date = "2026/03/01"
[rule]
name = "Address of an indicator"
description = "An example."
risk_score = 47
severity = "medium"
rule_id = "0b5ad4a0-0000-4000-8000-000000000001"
type = "threat_match"
language = "kuery"
index = ["logs-*"]
query = "source.ip:*"
threat_index = ["logs-ti_*"]
threat_language = "kuery"
threat_query = '@timestamp >= "now-30d/d" and event.module:(threatintel or ti_*) and event.type:indicator'
[[rule.threat_mapping]]
entries = [{ field = "source.ip", type = "mapping", value = "threat.indicator.ip" }]
"#;

/// Calls from three addresses, the last of which is in the feed of no test.
fn sandbox() -> Sandbox {
    let record = |number: u32, address: &str| {
        let mut record = kms_record("DescribeKey", number);
        record["sourceIPAddress"] = address.into();
        record
    };
    let sandbox =
        Sandbox::with_records(&[record(1, "192.0.2.1"), record(2, "198.51.100.7"), record(3, "203.0.113.9")]);
    sandbox.write("rule.toml", RULE);
    sandbox
}

fn hunt(sandbox: &Sandbox, args: &[&str]) -> Run {
    let common = ["hunt", "logs", "--no-builtin-rules", "--rules", "rule.toml", "--format", "ndjson"];
    sandbox.run(&[&common[..], args].concat())
}

fn addresses(run: &Run) -> Vec<Value> {
    run.alerts().iter().map(|alert| alert["source"]["ip"].clone()).collect()
}

#[test]
fn indicators_come_from_files_and_are_accounted_for() {
    let sandbox = sandbox();
    sandbox.write("feed.csv", "type,value,severity\nip,192.0.2.1,high\nmood,bad,low\nip,192.0.2.1,high\n");
    sandbox.write(
        "feed.ndjson",
        "{\"threat\":{\"indicator\":{\"ip\":\"198.51.100.0/24\"},\"feed\":{\"name\":\"Ours\"}}}\nno json\n",
    );
    let run = hunt(&sandbox, &["--indicators", "feed.csv", "--indicators", "feed.ndjson"]);
    assert_eq!(addresses(&run), ["192.0.2.1", "198.51.100.7"]);
    assert_eq!(
        run.account("feeds"),
        "2 files of indicators: 5 in = 2 indicators + 1 duplicate + 2 dropped; 2 wanted by rules"
    );
    for line in [
        "dropped  1 of feed.csv: the type is none of ip,",
        "dropped  1 of feed.ndjson: it is no JSON",
        "noted    feed.csv: no field has the name of: severity",
    ] {
        assert!(run.stderr.contains(line), "{line} in {}", run.stderr);
    }
    let enrichment = &run.alerts()[1]["threat"]["enrichments"][0];
    assert_eq!(enrichment["feed"]["name"], "Ours");
    assert_eq!(enrichment["matched"]["atomic"], "198.51.100.7");
    assert_eq!(enrichment["matched"]["index"], "feed.ndjson");
    assert_eq!(enrichment["matched"]["type"], "indicator_match_rule");
}

#[test]
fn indicators_among_the_events_count_whatever_the_order_and_the_range() {
    let indicator = json!({
        "@timestamp": "2026-03-01T00:00:00Z", "event": {"module": "ti_abc", "type": ["indicator"]},
        "data_stream": {"type": "logs", "dataset": "ti_abc.feed", "namespace": "default"},
        "threat": {"indicator": {"ip": "192.0.2.1"}},
    });
    let range = ["--from", "2026-03-10", "--to", "2026-03-11"];
    for (name, jobs) in [("logs/0.ndjson", "1"), ("logs/z.ndjson", "1"), ("logs/z.ndjson", "4")] {
        let sandbox = sandbox();
        sandbox.write(name, indicator.to_string());
        for args in [&["--jobs", jobs][..], &[&["--jobs", jobs][..], &range].concat()] {
            let run = hunt(&sandbox, args);
            assert_eq!(addresses(&run), ["192.0.2.1"], "{name} {args:?} {}", run.stderr);
        }
        sandbox.write("rule.toml", RULE.replace("logs-ti_*", "logs-other-*"));
        assert_eq!(addresses(&hunt(&sandbox, &["--jobs", jobs])).len(), 0, "another index");
    }
}

#[test]
fn a_hunt_without_indicators_says_so() {
    let run = hunt(&sandbox(), &[]);
    assert!(
        run.stderr.contains("Address of an indicator: no indicators were found for it"),
        "{}",
        run.stderr
    );
    assert_eq!(run.account("rules"), "1 run, 0 not run");
    assert_eq!(run.status, 0);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let sandbox = sandbox();
    let missing = hunt(&sandbox, &["--indicators", "no-such-file"]);
    assert_eq!(missing.status, 3);
    assert!(missing.stderr.contains("--indicators no-such-file: no such file"), "{}", missing.stderr);
    sandbox.write("feed.csv", "this is\nno feed\n");
    let run = hunt(&sandbox, &["--indicators", "feed.csv"]);
    assert!(run.stderr.contains("not read whole  feed.csv: its first line names no field"), "{}", run.stderr);
    assert_eq!(run.status, 0);
    assert_eq!(hunt(&sandbox, &["--indicators", "feed.csv", "--strict"]).status, 2);
    let own = hunt(&sandbox, &["--indicators", "feed.csv", "--output", "feed.csv"]);
    assert_eq!(own.status, 3, "{}", own.stderr);
}

#[test]
fn an_exception_takes_out_events_and_indicators() {
    let sandbox = sandbox();
    sandbox.write("feed.csv", "type,value,threat.feed.name\nip,192.0.2.1,Ours\nip,198.51.100.7,Theirs\n");
    let item = |field: &str, value: &str| {
        let list = json!({"list_id": "ours", "name": "ours", "description": "ours", "type": "detection", "namespace_type": "single"});
        let item = json!({
            "list_id": "ours", "item_id": "one", "name": "one", "description": "one", "type": "simple", "namespace_type": "single",
            "entries": [{"field": field, "operator": "included", "type": "match", "value": value}],
        });
        format!("{list}\n{item}\n")
    };
    let rule = RULE.replace(
        "type = \"threat_match\"\n",
        "type = \"threat_match\"\nexceptions_list = [{ id = \"1\", list_id = \"ours\", type = \"detection\", namespace_type = \"single\" }]\n",
    );
    sandbox.write("rule.toml", rule);
    for (field, value, expected) in
        [("source.ip", "192.0.2.1", "198.51.100.7"), ("threat.feed.name", "Theirs", "192.0.2.1")]
    {
        sandbox.write("exceptions.ndjson", item(field, value));
        let run = hunt(&sandbox, &["--indicators", "feed.csv", "--exceptions", "exceptions.ndjson"]);
        assert_eq!(addresses(&run), [expected], "{field} {}", run.stderr);
    }
}
