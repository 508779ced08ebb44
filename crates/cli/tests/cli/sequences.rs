//! Rules over several events, as their users see them.

use serde_json::Value;

use crate::sandbox::{Sandbox, event_id, kms_record, log_file, rule_file};

const ID: &str = "0a1b2c3d-0000-4000-8000-000000000001";
const QUERY: &str = "sequence by user.name with maxspan=10m \
                     [any where event.action == \"DisableKey\"] [any where event.action == \"ScheduleKeyDeletion\"]";

/// Two deliveries, the later one with the earlier events; one key is disabled and then scheduled.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let action = |name: &str, minute: u32| kms_record(name, minute);
    sandbox.write("logs/a.json", log_file(&[action("ScheduleKeyDeletion", 14), action("ListKeys", 30)]));
    sandbox.write("logs/b.json", log_file(&[action("DisableKey", 1), action("DisableKey", 7)]));
    sandbox.write("rule.toml", rule_file(ID, "Disabled, then scheduled", "eql", "eql", QUERY));
    sandbox
}

const HUNT: [&str; 5] = ["hunt", "logs", "--rules", "rule.toml", "--no-builtin-rules"];

#[test]
fn a_sequence_is_one_row_of_the_table() {
    let run = sandbox().run(&HUNT);
    assert_eq!((run.stderr.as_str(), run.status), ("", 0));
    assert_eq!(run.account("rules"), "1 run, 0 not run");
    assert!(run.stdout.contains("\n1 alert: 1 high\n"), "{}", run.stdout);
    let row = run.stdout.lines().find(|line| line.starts_with("2026-03-10T10:07:00Z")).unwrap();
    for text in ["Disabled, then scheduled", "user/mallory", "203.0.113.7", &event_id(7)] {
        assert!(row.contains(text), "{text}: {row}");
    }
    assert!(row.contains("> ScheduleKeyDeletion"), "{row}");
    assert!(run.stdout.contains("\n1 (of 2 events)  high"), "{}", run.stdout);
}

#[test]
fn a_sequence_is_an_alert_and_a_building_block_for_each_event() {
    let sandbox = sandbox();
    let run = sandbox.run(&[&HUNT[..], &["--format", "ndjson"]].concat());
    let alerts = run.alerts();
    let field = |name: &str| alerts.iter().map(|alert| alert[name].clone()).collect::<Vec<Value>>();
    let shell = &alerts[0]["kibana.alert.uuid"];
    assert_eq!(field("kibana.alert.group.id"), [shell, shell, shell].map(Clone::clone));
    assert_eq!(field("kibana.alert.group.index"), [Value::Null, 0.into(), 1.into()]);
    assert_eq!(field("kibana.alert.depth"), [2, 1, 1]);
    assert_eq!(field("kibana.alert.building_block_type"), [Value::Null, "default".into(), "default".into()]);
    let events = alerts.iter().map(|alert| alert["event"]["id"].clone()).collect::<Vec<Value>>();
    assert_eq!(events, [Value::Null, event_id(7).into(), event_id(14).into()]);

    let again = sandbox.run(&[&HUNT[..], &["--format", "ndjson", "--jobs", "3"]].concat());
    assert_eq!(again.stdout, run.stdout);

    let json = sandbox.run(&[&HUNT[..], &["--format", "json"]].concat());
    let result: Value = serde_json::from_str(&json.stdout).unwrap();
    let rule = &result["rules"][0];
    assert_eq!((&rule["hits"], &rule["alerts"], &rule["building_blocks"]), (&1.into(), &1.into(), &2.into()));
}

#[test]
fn every_stage_is_explained() {
    let sandbox = sandbox();
    let event = event_id(7);
    let run = sandbox.run(&["explain", "rule.toml", "logs/b.json", "--event-id", &event]);
    assert_eq!((run.stderr.as_str(), run.status), ("", 0));
    for text in [
        "may take part in a hit of Disabled, then scheduled\n",
        "  stage 1: passes, joined by mallory\n",
        "  stage 2: does not pass, because of:\n    event.action is \"ScheduleKeyDeletion\" (seen: DisableKey)\n",
    ] {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
}

#[test]
fn a_cap_keeps_the_newest_of_an_eql_rule() {
    let sandbox = sandbox();
    sandbox.write(
        "rule.toml",
        rule_file(ID, "Disabled", "eql", "eql", "any where event.action == \"DisableKey\""),
    );
    let run = sandbox.run(&[&HUNT[..], &["--format", "ndjson", "--max-signals", "1"]].concat());
    let alerts = run.alerts();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["event"]["id"], Value::from(event_id(7)));
    assert!(run.stderr.contains("1 of 2 hits became alerts, 1 was cut"), "{}", run.stderr);
}

#[test]
fn a_fault_of_an_eql_query_is_shown_at_its_place() {
    let sandbox = Sandbox::new();
    sandbox.write("bad.toml", rule_file(ID, "Bad", "eql", "eql", "any where startWith(user.name, \"a\")"));
    let checked = sandbox.run(&["rule", "check", "bad.toml"]);
    assert_eq!(checked.status, 2);
    assert!(checked.stdout.contains("error[eql::unknown-function]"), "{}", checked.stdout);
    assert!(checked.stdout.contains("--> bad.toml:14:20"), "{}", checked.stdout);
    assert!(checked.stdout.contains("startsWith"), "{}", checked.stdout);

    // The data stream is known as a whole, so a field that is unknown is a fault, unless it is written `?field`.
    sandbox.write("bad.toml", rule_file(ID, "Bad", "eql", "eql", "any where user.nmae == \"a\""));
    let checked = sandbox.run(&["rule", "check", "bad.toml"]);
    assert_eq!(checked.status, 2, "{}", checked.stdout);
    assert!(checked.stdout.contains("error[eql::unknown-field]"), "{}", checked.stdout);
    sandbox.write("good.toml", rule_file(ID, "Good", "eql", "eql", "any where ?user.nmae == \"a\""));
    assert_eq!(sandbox.run(&["rule", "check", "good.toml"]).status, 0);
}

#[test]
fn a_missing_event_beyond_the_data_is_noted() {
    let sandbox = sandbox();
    let query = "sequence by user.name with maxspan=10m [any where event.action == \"DisableKey\"] \
                 ![any where event.action == \"EnableKey\"]";
    sandbox.write("rule.toml", rule_file(ID, "Disabled for good", "eql", "eql", query));
    let note = "Disabled for good: 1 sequence rests on a missing event";
    // The last events are of 10:30; with a range they end at 10:14.
    let whole = sandbox.run(&HUNT);
    assert!(!whole.stdout.contains(note), "{}", whole.stdout);
    let cut = sandbox.run(&[&HUNT[..], &["--to", "2026-03-10T10:15:00Z"]].concat());
    assert!(cut.stdout.contains(note), "{}", cut.stdout);
}
