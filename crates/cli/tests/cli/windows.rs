//! Rules whose meaning depends on their window, as their users see them.

use serde_json::{Value, json};

use crate::sandbox::{Run, Sandbox, esql_rule, event_id, kms_record, log_file, rule_file};

const HUNT: [&str; 5] = ["hunt", "logs", "--rules", "rules", "--no-builtin-rules"];

/// Keys are disabled at 10:01, 10:02, 10:04, and twice an hour later; others are asked for in between.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let at = |number: u32, time: &str| {
        let mut record = kms_record("DisableKey", number);
        record["eventTime"] = format!("2026-03-10T{time}Z").into();
        record
    };
    let records =
        [at(1, "10:01:00"), at(2, "10:02:00"), at(4, "10:04:00"), at(5, "11:01:00"), at(6, "11:02:30")];
    sandbox.write("logs/a.json", log_file(&records));
    let rule = |id: u32, name: &str, kind: &str, own: &str| {
        let id = format!("0a1b2c3d-0000-4000-8000-{id:012}");
        let text = rule_file(&id, name, kind, "kuery", "event.action: DisableKey");
        sandbox.write(&format!("rules/{kind}.toml"), format!("{text}\n{own}"));
    };
    let new_terms = "[rule.new_terms]\nfield = \"new_terms_fields\"\nvalue = [\"user.name\"]\n\
                     [[rule.new_terms.history_window_start]]\nfield = \"history_window_start\"\nvalue = \"now-30m\"\n";
    rule(1, "New user", "new_terms", new_terms);
    rule(2, "Many keys", "threshold", "[rule.threshold]\nfield = [\"user.name\"]\nvalue = 2\n");
    sandbox
}

fn hunt(sandbox: &Sandbox, options: &[&str]) -> Run {
    let run = sandbox.run(&[&HUNT[..], options].concat());
    assert_eq!(run.status, 0, "{run:#?}");
    run
}

/// Of each alert, what is new or how many there are, and the newest time.
fn found(run: &Run) -> Vec<(Value, String)> {
    let what = |alert: &Value| match alert.get("kibana.alert.new_terms") {
        Some(terms) => terms.clone(),
        None => alert["kibana.alert.threshold_result"]["count"].clone(),
    };
    let time = |alert: &Value| alert["kibana.alert.original_time"].as_str().unwrap()[11..19].to_owned();
    run.alerts().iter().map(|alert| (what(alert), time(alert))).collect()
}

fn expected<const N: usize>(alerts: [(Value, &str); N]) -> Vec<(Value, String)> {
    alerts.map(|(what, time)| (what, time.to_owned())).to_vec()
}

#[test]
fn as_scheduled_a_hunt_gives_what_live_runs_would_have_given() {
    let sandbox = sandbox();
    let run = hunt(&sandbox, &["--format", "ndjson"]);
    let mallory = || json!(["mallory"]);
    // After an hour the user is new again. The run at 10:05 counts three events, that at 11:05 the two later ones.
    let alerts =
        [(mallory(), "10:01:00"), (mallory(), "11:01:00"), (json!(3), "10:04:00"), (json!(2), "11:02:30")];
    assert_eq!(found(&run), expected(alerts));
    assert!(run.stderr.contains("as scheduled: new_terms, threshold and ES|QL rules"), "{}", run.stderr);
    let same = hunt(&sandbox, &["--format", "ndjson", "--whole-range", "--as-scheduled"]);
    assert_eq!(same.stdout, run.stdout);
}

#[test]
fn the_whole_range_is_one_window() {
    let sandbox = sandbox();
    let run = hunt(&sandbox, &["--format", "ndjson", "--whole-range"]);
    assert_eq!(found(&run), expected([(json!(["mallory"]), "10:01:00"), (json!(5), "11:02:30")]));
    let ids: Vec<Value> = [1, 2, 4, 5, 6].map(|number| event_id(number).into()).to_vec();
    assert_eq!(run.alerts()[1]["bartizan.evidence.event_ids"], json!(ids));
    let result: Value =
        serde_json::from_str(&hunt(&sandbox, &["--format", "json", "--whole-range"]).stdout).unwrap();
    assert_eq!(result["coverage"]["rules"]["windows"], "whole_range");
}

#[test]
fn events_before_the_range_are_history_and_stay_outside_of_it() {
    let sandbox = sandbox();
    let run = hunt(&sandbox, &["--format", "ndjson", "--from", "2026-03-10T10:02:00Z"]);
    let alerts = [(json!(["mallory"]), "11:01:00"), (json!(3), "10:04:00"), (json!(2), "11:02:30")];
    assert_eq!(found(&run), expected(alerts));
    assert_eq!(
        run.account("records"),
        "5 in = 4 events + 0 duplicates + 0 dropped + 1 outside of the time range"
    );
}

#[test]
fn the_table_shows_groups() {
    let run = hunt(&sandbox(), &[]);
    assert!(run.stdout.contains("\n4 alerts: 4 high\n"), "{}", run.stdout);
    let row = run.stdout.lines().find(|line| line.starts_with("2026-03-10T10:04:00Z")).unwrap();
    assert!(row.contains("Many keys"), "{row}");
}

#[test]
fn without_such_rules_nothing_is_said_of_windows() {
    let sandbox = Sandbox::with_records(&[kms_record("DisableKey", 1)]);
    let run = sandbox.hunt(&["logs"]);
    assert!(!run.stdout.contains("as scheduled"), "{}", run.stdout);
}

/// Suppression, and a sequence, across the start of the range: two hunts give the ids of one.
#[test]
fn two_hunts_over_halves_give_the_alerts_of_one() {
    let sandbox = sandbox();
    let query = "event.action: DisableKey";
    let folded = rule_file("0a1b2c3d-0000-4000-8000-000000000003", "Folded", "query", "kuery", query);
    let suppression =
        "[rule.alert_suppression]\ngroup_by = [\"user.name\"]\nduration = { value = 2, unit = \"h\" }\n";
    sandbox.write("rules/folded.toml", format!("{folded}\n{suppression}"));
    let sequence =
        "sequence by user.name with maxspan=2h [any where event.action == \"DisableKey\"] with runs=5";
    let id = "0a1b2c3d-0000-4000-8000-000000000004";
    sandbox.write("rules/sequence.toml", rule_file(id, "Sequence", "eql", "eql", sequence));
    let ids = |options: &[&str]| -> std::collections::BTreeSet<String> {
        let run = hunt(&sandbox, &[&["--format", "ndjson"], options].concat());
        run.alerts().iter().map(|alert| alert["kibana.alert.uuid"].as_str().unwrap().to_owned()).collect()
    };
    let cut = "2026-03-10T10:05:00Z";
    let (first, second) = (ids(&["--to", cut]), ids(&["--from", cut]));
    assert_eq!(&first | &second, ids(&[]));
    // The alert of the query rule, a new user and three keys; then a new user again, two keys, and a sequence of five.
    assert_eq!((first.len(), second.len()), (3, 8));
    let second = hunt(&sandbox, &["--from", cut]);
    assert!(second.stdout.contains("2 hits were folded"), "{}", second.stdout);
}

const GROUPS: &str = "FROM logs-aws.cloudtrail-* | WHERE event.action == \"DisableKey\" | STATS Esql.attempts = COUNT(*), \
                      Esql.regions = VALUES(cloud.region) BY user.name | WHERE Esql.attempts >= 2";

#[test]
fn an_alert_of_an_esql_rule_about_a_group_shows_its_columns_and_its_events() {
    let sandbox = sandbox();
    sandbox.write("own.toml", esql_rule("0a1b2c3d-0000-4000-8000-000000000003", "Groups", GROUPS));
    let hunt = |options: &[&str]| {
        let run =
            sandbox.run(&[&["hunt", "logs", "--rules", "own.toml", "--no-builtin-rules"], options].concat());
        assert_eq!(run.status, 0, "{run:#?}");
        run
    };
    // At 10:01, 10:02 and 10:04; at 11:01 and 11:02.
    let table = hunt(&[]).stdout;
    assert!(table.contains("attempts=3 regions=eu-west-1"), "{table}");
    assert!(table.contains(&format!("{} (+2)", event_id(1))), "{table}");
    let csv = hunt(&["--format", "csv"]).stdout;
    let ids = [1, 2, 4].map(event_id).join(" | ");
    let expected = format!(",3,{ids},Esql.attempts=3 | Esql.regions=eu-west-1 | user.name=mallory\n");
    assert!(csv.contains(&expected), "{csv}");
    let alerts = hunt(&["--format", "ndjson"]).alerts();
    assert_eq!(alerts.len(), 2);
    assert_eq!(alerts[0]["Esql.attempts"], 3);
    assert_eq!(alerts[1]["bartizan.evidence.event_ids"], json!([event_id(5), event_id(6)]));
    let whole = hunt(&["--format", "ndjson", "--whole-range"]).alerts();
    assert_eq!((whole.len(), &whole[0]["bartizan.evidence.event_count"]), (1, &json!(5)));
    // The whole has the id of the interval of its newest event.
    assert_eq!(whole[0]["kibana.alert.uuid"], alerts[1]["kibana.alert.uuid"]);
    let again = hunt(&["--format", "ndjson", "--from", "2026-03-10T11:00:00Z"]).alerts();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0]["kibana.alert.uuid"], alerts[1]["kibana.alert.uuid"]);
}
