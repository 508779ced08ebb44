//! What `check` finds in rules, and where.

use bartizan_rule as rule;
use std::path::Path;

use ecs::{Catalog, DataStream};
use rule::check::{check, unreached};
use rule::{Rule, format};

fn read(text: &str) -> Rule {
    let mut loaded = format::toml::read(text, Path::new("test.toml"));
    assert_eq!(loaded.rules.len(), 1, "{:?}", loaded.diagnostics);
    loaded.rules.remove(0)
}

/// `code | what stands at the place`, for a rule of `keys` beside the usual ones.
fn found(keys: &str) -> Vec<String> {
    let base = |key: &str, value: &str| {
        let written = keys.lines().any(|line| line.starts_with(&format!("{key} =")));
        if written { String::new() } else { format!("{key} = {value}\n") }
    };
    let text = format!(
        "[metadata]\ncreation_date = '2026/01/01'\nupdated_date = '2026/01/01'\n[rule]\nname = 'N'\ndescription = 'D'\n\
         rule_id = '0f5f2f4e-2c0e-4b60-9a4f-5a0d4a1f7a01'\nseverity = 'low'\nrisk_score = 1\n{}{}{}{keys}\n",
        base("type", "'query'"),
        base("index", "['logs-*']"),
        base("query", "'event.action: x'"),
    );
    let found = check(&read(&text), &text, &Catalog::builtin());
    found.iter().map(|d| format!("{} | {}", d.code, d.span.map_or("", |s| &text[s.start..s.end]))).collect()
}

#[test]
fn findings_stand_at_their_places() {
    for (keys, expected) in [
        ("query = 'event.action: x'", &[][..]),
        // Fields in queries, through every kind of string.
        ("query = 'user.nmae: x'", &["rule::unknown-field | user.nmae"]),
        ("query = \"user.name: \\\"é\\\" and user.nmae: x\"", &["rule::unknown-field | user.nmae"]),
        ("query = '''\nuser.name: a\n  or user.nmae: b'''", &["rule::unknown-field | user.nmae"]),
        ("query = \"\"\"\nuser.name: a \\\n   or user.nmae: b\"\"\"", &["rule::unknown-field | user.nmae"]),
        (
            "language = 'lucene'\nquery = 'user.name:a AND (user.nmae:b)'",
            &["rule::unknown-field | user.nmae"],
        ),
        // Fields of data sets that the catalogue does not know are no fault.
        ("query = 'okta.actor.alternate_id: x'", &[]),
        ("query = 'aws.cloudtrail.flattened.request_parameters.keyId: x and user.*: y'", &[]),
        // Dates.
        ("query = '@timestamp >= \"now-5x\"'", &["rule::bad-date | \"now-5x\""]),
        ("query = '@timestamp >= \"now-5m\"'", &[]),
        // Schedule.
        ("interval = '10m'\nfrom = 'now-6m'", &["rule::look-back-too-short | 'now-6m'"]),
        ("from = 'now'", &["rule::empty-window | 'now'"]),
        ("interval = '0s'", &["rule::bad-value | '0s'"]),
        ("building_block_type = 'default'\nfrom = 'now-9m'", &["rule::building-block-schedule | 'now-9m'"]),
        ("building_block_type = 'default'\nfrom = 'now-119m'\ninterval = '60m'", &[]),
        // Sequences and the window.
        (
            "type = 'eql'\nlanguage = 'eql'\nfrom = 'now-6m'\nquery = 'sequence by user.name with maxspan=10m [any where true] [any where true]'",
            &["rule::look-back-too-short | 'now-6m'"],
        ),
        (
            "type = 'eql'\nlanguage = 'eql'\nfrom = 'now-6m'\nquery = 'sequence by user.name with maxspan=2m [any where true] [any where true]'",
            &["rule::sequence-between-windows | 'now-6m'"],
        ),
        (
            "type = 'eql'\nlanguage = 'eql'\nfrom = 'now-9m'\nquery = 'sequence by user.name with maxspan=2m [any where true] [any where true]'",
            &[],
        ),
        ("type = 'eql'\nlanguage = 'eql'\nquery = 'process where'", &["eql::missing-operand | where"]),
        // Where events lie.
        ("index = []", &["rule::no-index-pattern | []"]),
        ("index = ['-a', ' ']", &["rule::no-index-pattern | ['-a', ' ']"]),
        ("data_view_id = 'v'", &["rule::data-view | 'v'"]),
        ("index = []\ndata_view_id = 'v'", &["rule::data-view | 'v'"]),
        // Values that go together.
        ("timeline_id = 't'", &["rule::timeline | 't'"]),
        ("query = ''", &["rule::no-query | ''"]),
        ("throttle = '1h'", &["rule::throttle | '1h'"]),
        ("type = 'saved_query'\nsaved_id = 's'\nlanguage = 'kuery'", &[]),
        (
            "type = 'new_terms'\nnew_terms_fields = ['user.nmae']\nhistory_window_start = 'now-5m'",
            &["rule::unknown-field | 'user.nmae'", "rule::no-history | 'now-5m'"],
        ),
        (
            "type = 'threshold'\nthreshold = {field = ['user.name'], value = 1, cardinality = [{field = 'user.name', value = 2}]}",
            &["rule::cardinality | {field = 'user.name', value = 2}"],
        ),
        (
            "type = 'threat_match'\nthreat_index = ['i']\nthreat_query = 'user.nmae: x'\nitems_per_search = 1\n\
             threat_mapping = [{entries = [{field = 'source.ip', type = 'mapping', value = 'threat.indicator.ip', negate = true}]}]",
            &[
                "rule::unknown-field | user.nmae",
                "rule::searches | [rule]",
                "rule::threat-mapping | [{field = 'source.ip', type = 'mapping', value = 'threat.indicator.ip', negate = true}]",
            ],
        ),
        (
            "filters = [{query = {script = {}}}, {meta = {disabled = true}, query = {script = {}}}]",
            &["rule::unsupported-filter | {query = {script = {}}}"],
        ),
        (
            "filters = [{query = {exists = {field = 'user.nmae'}}}]",
            &["rule::unknown-field | {query = {exists = {field = 'user.nmae'}}}"],
        ),
    ] {
        let mut found = found(keys);
        let mut expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{keys}");
    }
}

#[test]
fn a_fault_of_a_query_stands_at_its_place() {
    let found = found("query = 'event.action: \"x'");
    assert!(found.iter().any(|line| line.starts_with("kql::") && line.ends_with("| \"")), "{found:?}");
}

#[test]
fn a_deprecated_rule_is_flagged() {
    let text = "[metadata]\ncreation_date = ''\nupdated_date = ''\nmaturity = 'deprecated'\n[rule]\nname = 'N'\ndescription = ''\n\
                rule_id = 'R'\nseverity = 'low'\nrisk_score = 1\ntype = 'machine_learning'\nanomaly_threshold = 50\n\
                machine_learning_job_id = 'j'\n";
    let rule = read(text);
    assert!(rule.is_deprecated());
    let codes: Vec<_> = check(&rule, text, &Catalog::builtin()).iter().map(|d| d.code).collect();
    assert_eq!(codes, ["rule::deprecated", "rule::rule-id"]);
}

#[test]
fn places_in_an_export_are_found_in_the_rule_s_own_line() {
    let other = r#"{"rule_id":"a","name":"A","description":"","type":"query","query":"user.name: x","index":["l"],"risk_score":1,"severity":"low"}"#;
    let line = r#"{"rule_id":"b","name":"B","description":"","type":"query","query":"user.name: \"\u00e9\" and user.nmae: x","index":["l"],"risk_score":1,"severity":"low"}"#;
    let text = format!("{other}\n{line}\n");
    let loaded = format::ndjson::read(&text, Path::new("t.ndjson"));
    let catalog = Catalog::builtin();
    assert_eq!(check(&loaded.rules[0], &text, &catalog), []);
    let found = check(&loaded.rules[1], &text, &catalog);
    let span = found[0].span.unwrap();
    assert_eq!((&text[span.start..span.end], span.start > other.len()), ("user.nmae", true));
}

#[test]
fn index_patterns_that_reach_no_data_stream_are_noticed() {
    let rule = |index: &str| {
        read(&format!(
            "[rule]\nname = 'N'\ndescription = ''\nrule_id = 'R'\nseverity = 'low'\nrisk_score = 1\ntype = 'query'\nindex = {index}\n"
        ))
    };
    let streams = [DataStream::logs("aws.cloudtrail")];
    for reached in ["['filebeat-*']", "['logs-aws*']", "['x', 'logs-*']"] {
        assert_eq!(unreached(&rule(reached), &streams), None, "{reached}");
    }
    for missed in ["['logs-okta*']", "['logs-*', '-logs-aws*', '-filebeat*']"] {
        assert!(unreached(&rule(missed), &streams).is_some(), "{missed}");
    }
}
