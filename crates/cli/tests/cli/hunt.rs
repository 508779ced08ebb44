//! What a hunt finds, and what it says about it.

use serde_json::Value;

use crate::sandbox::{NOW, Sandbox, event_id, kms_record, log_file, rule_file, rule_that_waits};

fn three_records() -> [Value; 3] {
    [
        kms_record("DeleteImportedKeyMaterial", 1),
        kms_record("ScheduleKeyDeletion", 2),
        kms_record("DescribeKey", 3),
    ]
}

const OWN_ID: &str = "0a1b2c3d-0000-4000-8000-000000000001";

#[test]
fn the_founding_rules_fire() {
    let run = Sandbox::with_records(&three_records()).hunt(&["logs", "--triage", "none"]);
    let expected = "\
Coverage
  inputs    1 file: 1 read, 0 partly read, 0 skipped
  records   3 in = 3 events + 0 duplicates + 0 dropped
  events    first 2026-03-10T10:01:00Z, last 2026-03-10T10:03:00Z
  accounts  111122223333 (3)
  regions   eu-west-1 (3)
  rules     2 run, 0 not run

2 alerts: 2 medium

time                  severity  rule                                                             who                        from         what                                                                event id
2026-03-10T10:01:00Z  medium    AWS KMS Imported Key Material Deleted                            111122223333:user/mallory  203.0.113.7  DeleteImportedKeyMaterial key/1234abcd-12ab-34cd-56ef-1234567890ab  11111111-2222-4333-8444-000000000001
2026-03-10T10:02:00Z  medium    AWS KMS Customer Managed Key Disabled or Scheduled for Deletion  111122223333:user/mallory  203.0.113.7  ScheduleKeyDeletion key/1234abcd-12ab-34cd-56ef-1234567890ab        11111111-2222-4333-8444-000000000002

alerts  severity  rule                                                             rule id
1       medium    AWS KMS Customer Managed Key Disabled or Scheduled for Deletion  6951f15e-533c-4a60-8014-a3c3ab851a1b
1       medium    AWS KMS Imported Key Material Deleted                            f6fee40d-8a5e-4cc8-9f73-8688419c6d68
";
    assert_eq!(run.stdout, expected);
    assert_eq!((run.stderr.as_str(), run.status), ("", 0));
}

#[test]
fn the_founding_rules_alerts_are_investigated() {
    let records = [kms_record("DeleteImportedKeyMaterial", 1), kms_record("ScheduleKeyDeletion", 2)];
    let run = Sandbox::with_records(&records).hunt(&["logs"]);
    assert!(run.stdout.contains("\nInvestigated\n"), "{}", run.stdout);
    assert!(run.stdout.contains("looks malicious  AWS KMS Imported Key Material Deleted"), "{}", run.stdout);
    assert!(run.stdout.contains("PendingDeletion"), "{}", run.stdout);
    assert!(run.stdout.contains("4 questions of the guide: "), "{}", run.stdout);
    let alerts = Sandbox::with_records(&records).hunt(&["logs", "--format", "ndjson", "--triage-most", "1"]);
    let reports: Vec<bool> =
        alerts.alerts().iter().map(|alert| alert["bartizan.investigation"].is_object()).collect();
    assert_eq!(reports, [true, false], "the second is too many");
    assert!(alerts.stderr.contains("1 alert was not investigated"), "{}", alerts.stderr);
}

#[test]
fn no_alerts_are_said_to_be_none() {
    let run = Sandbox::with_records(&[kms_record("DescribeKey", 1)]).hunt(&["logs", "--fail-on", "low"]);
    assert!(run.stdout.ends_with("\nNo alerts\n"), "{}", run.stdout);
    assert_eq!(run.status, 0);
}

#[test]
fn json_holds_alerts_rules_and_coverage() {
    let run = Sandbox::with_records(&three_records()).hunt(&["logs", "--format", "json"]);
    let result: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(result["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(result["alerts"][0]["kibana.alert.severity"], "medium");
    assert_eq!(result["rules"][1]["status"], "ran");
    assert_eq!(result["coverage"]["records"]["in"], 3);
    assert_eq!(result["coverage"]["rules"]["run"], 2);
    assert_eq!(result["coverage"]["first_event"], "2026-03-10T10:01:00Z");
}

#[test]
fn a_second_run_gives_the_same_alerts() {
    let sandbox = Sandbox::with_records(&three_records());
    let first = sandbox.hunt(&["logs", "--format", "ndjson"]);
    let again = sandbox.hunt(&["logs", "--format", "ndjson", "--jobs", "3"]);
    assert_eq!(first.stdout, again.stdout);
    let later = sandbox.hunt(&["logs", "--format", "ndjson", "--now", "2027-01-01T00:00:00Z"]);
    assert_ne!(first.stdout, later.stdout);
    let ids = |alerts: Vec<Value>| -> Vec<Value> {
        alerts.iter().map(|a| a["kibana.alert.uuid"].clone()).collect()
    };
    assert_eq!(ids(first.alerts()), ids(later.alerts()));
    assert_eq!(first.alerts()[0]["@timestamp"], NOW.replace('Z', ".000Z"));
}

#[test]
fn the_exit_status_tells_of_alerts_that_are_severe_enough() {
    let sandbox = Sandbox::with_records(&three_records());
    for (severity, status) in [("low", 1), ("medium", 1), ("high", 0), ("critical", 0)] {
        assert_eq!(sandbox.hunt(&["logs", "--fail-on", severity]).status, status, "{severity}");
    }
}

#[test]
fn ranges_are_half_open() {
    let sandbox = Sandbox::with_records(&three_records());
    let found = |from: &str, to: &str| {
        let run = sandbox.hunt(&["logs", "--format", "csv", "--from", from, "--to", to]);
        (run.stdout.lines().count() - 1, run.account("records").to_owned())
    };
    assert_eq!(
        found("2026-03-10T10:01:00Z", "2026-03-10T10:02:00Z"),
        (1, "3 in = 1 event + 0 duplicates + 0 dropped + 2 outside of the time range".to_owned())
    );
    assert_eq!(found("24h", "now").0, 2);
    assert_eq!(found("2026-03-10T10:02:00Z", "2026-03-11").0, 1);
    assert_eq!(found("now-1h", "now").0, 0);
}

#[test]
fn what_is_no_time_is_refused() {
    let sandbox = Sandbox::with_records(&three_records());
    for from in ["yesterday", "2026-03-10T10:00:00", "10/03/2026", "2026"] {
        let run = sandbox.hunt(&["logs", "--from", from]);
        assert_eq!((run.stdout.as_str(), run.status), ("", 3), "{from}");
        assert!(run.stderr.contains(from), "{}", run.stderr);
    }
    let run = sandbox.hunt(&["logs", "--from", "2026-03-10", "--to", "2026-03-09"]);
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains("--from"), "{}", run.stderr);
}

#[test]
fn rules_are_chosen_by_name_tag_and_severity() {
    let sandbox = Sandbox::with_records(&three_records());
    let found = |args: &[&str]| {
        let run = sandbox.hunt(&[&["logs", "--format", "ndjson"], args].concat());
        (run.alerts().len(), run.account("rules").to_owned())
    };
    let one = "1 run, 0 not run; 1 not selected".to_owned();
    assert_eq!(found(&["--rule", "f6fee40d-*"]), (1, one.clone()));
    assert_eq!(found(&["--rule", "aws kms imported*"]), (1, one.clone()));
    assert_eq!(found(&["--tag", "Data Source: AWS KMS"]), (1, one));
    let none = sandbox.hunt(&["logs", "--severity", "high"]);
    assert_eq!(none.status, 3);
    assert!(none.stderr.contains("no rule is selected of the 2 loaded"), "{}", none.stderr);

    let misspelt = sandbox.hunt(&["logs", "--rule", "f6fee41d-*"]);
    assert_eq!(misspelt.status, 3);
    assert!(
        misspelt.stderr.contains("--rule f6fee41d-*: no rule has this id or name"),
        "{}",
        misspelt.stderr
    );
}

#[test]
fn a_rule_of_the_user_replaces_a_built_in_one() {
    let sandbox = Sandbox::with_records(&three_records());
    let query = r#"event.action : "DescribeKey""#;
    sandbox.write(
        "own.toml",
        rule_file("f6fee40d-8a5e-4cc8-9f73-8688419c6d68", "Mine", "query", "kuery", query),
    );
    let run = sandbox.run(&[
        "hunt",
        "logs",
        "--rules",
        "own.toml",
        "--rule",
        "f6fee40d-*",
        "--rule",
        "6951f15e-*",
        "--format",
        "ndjson",
    ]);
    let names: Vec<_> = run.alerts().iter().map(|alert| alert["kibana.alert.rule.name"].clone()).collect();
    assert_eq!(names, ["AWS KMS Customer Managed Key Disabled or Scheduled for Deletion", "Mine"]);
    assert!(run.stderr.contains("by version 1 (own.toml)"), "{}", run.stderr);

    let alone =
        sandbox.run(&["hunt", "logs", "--rules", "own.toml", "--no-builtin-rules", "--format", "ndjson"]);
    assert_eq!(alone.alerts().len(), 1);
    assert_eq!(alone.account("rules"), "1 run, 0 not run");
}

#[test]
fn rules_that_cannot_be_run_yet_are_counted() {
    let sandbox = Sandbox::with_records(&three_records());
    sandbox.write("rules/a.toml", rule_that_waits(OWN_ID, "Later"));
    let args = ["hunt", "logs", "--rules", "rules", "--no-builtin-rules"];
    let run = sandbox.run(&args);
    assert_eq!(run.account("rules"), "0 run, 1 not run: machine_learning 1");
    assert_eq!(run.status, 0);
    assert_eq!(sandbox.run(&[&args[..], &["--strict"]].concat()).status, 2);
}

#[test]
fn a_broken_rule_stops_no_other() {
    let sandbox = Sandbox::with_records(&three_records());
    sandbox.write("rules/a.toml", rule_file(OWN_ID, "Broken", "query", "kuery", "event.action : ("));
    sandbox.write("rules/b.toml", "[rule]\nname = 7\n");
    sandbox.write("rules/c.toml", b"\xff\xfe");
    let run = sandbox.hunt(&["logs", "--rules", "rules", "--fail-on", "low"]);
    assert_eq!(run.status, 2, "what could not run outweighs what was found");
    assert_eq!(run.account("rules"), "2 run, 3 not run: errors in the rule 1, unreadable 2");
    for line in ["not run  Broken (rules/a.toml): ", "not run  (rules/b.toml): ", "not run  (rules/c.toml): "]
    {
        assert!(run.stdout.contains(line), "{line} in {}", run.stdout);
    }
    assert!(run.stdout.contains("2 alerts: 2 medium"), "{}", run.stdout);
}

#[test]
fn a_cap_shows_what_it_cuts() {
    let records: Vec<Value> = (1..=5).rev().map(|number| kms_record("DisableKey", number)).collect();
    let sandbox = Sandbox::with_records(&records);
    let run = sandbox.hunt(&["logs", "--max-signals", "2"]);
    assert!(run.stdout.contains("2 of 5 hits became alerts, 3 were cut by --max-signals"), "{}", run.stdout);
    assert!(run.stdout.contains("\n2 (+3 cut)  medium"), "{}", run.stdout);
    let kept = sandbox.hunt(&["logs", "--max-signals", "2", "--format", "ndjson"]).alerts();
    let ids: Vec<_> = kept.iter().map(|alert| alert["event"]["id"].clone()).collect();
    assert_eq!(ids, [event_id(1), event_id(2)], "the oldest are kept");
}

#[test]
fn a_table_that_is_cut_says_so() {
    let records: Vec<Value> = (1..=5).map(|number| kms_record("DisableKey", number)).collect();
    let sandbox = Sandbox::with_records(&records);
    let run = sandbox.hunt(&["logs", "--rows", "2", "--triage", "none"]);
    assert!(run.stdout.contains("5 alerts: 5 medium"), "{}", run.stdout);
    assert!(run.stdout.contains("2 shown, 3 more are not: --rows 0 shows all"), "{}", run.stdout);
    assert_eq!(run.stdout.matches("key/1234abcd").count(), 2);
    let all = sandbox.hunt(&["logs", "--rows", "0", "--triage", "none"]);
    assert_eq!(all.stdout.matches("key/1234abcd").count(), 5);
}

#[test]
fn standard_input_is_read() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.hunt_command(&["-", "--format", "ndjson"]);
    let run = crate::sandbox::run(command.write_stdin(log_file(&three_records())));
    assert_eq!(run.alerts().len(), 2);
    assert_eq!(run.account("records"), "3 in = 3 events + 0 duplicates + 0 dropped");
    assert_eq!(run.alerts()[0]["log"]["file"]["path"], "standard input");
}

#[test]
fn a_run_does_not_read_what_it_writes() {
    let sandbox = Sandbox::with_records(&three_records());
    let args = ["logs", "--format", "ndjson", "--output", "logs/alerts.ndjson"];
    let first = sandbox.hunt(&args);
    assert_eq!((first.stdout.as_str(), first.status), ("", 0));
    assert_eq!(first.account("inputs"), "1 file: 1 read, 0 partly read, 0 skipped");
    let written = std::fs::read_to_string(sandbox.path().join("logs/alerts.ndjson")).unwrap();
    assert_eq!(written.lines().count(), 2);
    let second = sandbox.hunt(&args);
    assert_eq!(second.account("records"), first.account("records"));
    assert!(
        second.stderr.contains("left out     logs/alerts.ndjson: this run writes to it"),
        "{}",
        second.stderr
    );

    let refused = sandbox.hunt(&["logs/a.json.gz", "--output", "logs/a.json.gz"]);
    assert_eq!(refused.status, 3);
    assert_eq!(sandbox.hunt(&args[..3]).alerts().len(), 2, "the input is still there");
}

#[test]
fn evidence_is_not_overwritten() {
    let sandbox = Sandbox::with_records(&three_records());
    let log = std::fs::read(sandbox.path().join("logs/a.json.gz")).unwrap();
    let plain = sandbox.write("logs/b.json", log_file(&three_records()));
    for flag in ["--output", "--dead-letter"] {
        for (paths, file) in
            [("logs", "logs/a.json.gz"), ("logs", "logs/b.json"), (".", "./logs/../logs/b.json")]
        {
            let run = sandbox.hunt(&[paths, flag, file]);
            assert_eq!((run.stdout.as_str(), run.status), ("", 3), "{flag} {file}");
            assert!(run.stderr.contains("is no earlier output of this program"), "{}", run.stderr);
        }
    }
    assert_eq!(std::fs::read(sandbox.path().join("logs/a.json.gz")).unwrap(), log);
    assert_eq!(std::fs::read(plain).unwrap(), log_file(&three_records()));
}

#[cfg(target_os = "linux")]
#[test]
fn standard_input_is_not_overwritten() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("a.json", log_file(&three_records()));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bartizan"));
    command.args(["hunt", "-", "--output", "a.json"]).current_dir(sandbox.path());
    let output = command.stdin(std::fs::File::open(&file).unwrap()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(std::fs::read(file).unwrap(), log_file(&three_records()));
}

#[test]
fn a_run_may_be_repeated_into_the_same_files_whatever_their_format() {
    let sandbox = Sandbox::with_records(&three_records());
    sandbox
        .write("logs/b.json", format!("{}\n{{\"eventVersion\":\"1.11\",}}\n", kms_record("DisableKey", 4)));
    for format in ["table", "json", "ndjson", "csv"] {
        for range in [&[][..], &["--to", "2020-01-01"]] {
            let file = format!("logs/out.{format}");
            let args = ["hunt", "logs", "--format", format, "--output", &file, "--dead-letter", "logs/dead"];
            let args = [&args[..], range].concat();
            let (first, second) = (sandbox.run(&args), sandbox.run(&args));
            assert_eq!((first.status, second.status), (0, 0), "{format}: {} {}", first.stderr, second.stderr);
        }
        std::fs::remove_file(sandbox.path().join(format!("logs/out.{format}"))).unwrap();
    }
    let letter = std::fs::read_to_string(sandbox.path().join("logs/dead")).unwrap();
    assert_eq!(letter.lines().count(), 1, "{letter}");
}

#[test]
fn a_hunt_with_nothing_to_read_is_an_error() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("logs/2026/03")).unwrap();
    let run = sandbox.hunt(&["logs"]);
    assert_eq!((run.stdout.as_str(), run.status), ("", 3));
    assert_eq!(run.stderr, "error: nothing to read below logs\n");

    sandbox.write("logs/alerts.csv", "");
    let run = sandbox.hunt(&["logs", "--format", "csv", "--output", "logs/alerts.csv"]);
    assert_eq!(run.status, 3);
    assert_eq!(run.stderr, "error: nothing to read below logs but what this run writes to\n");

    sandbox.write("logs/empty.json", "");
    assert_eq!(sandbox.hunt(&["logs/empty.json"]).status, 0, "that is in the account: skipped, empty");
}

#[test]
fn values_that_alerts_do_not_have_are_counted() {
    let ecs = |id: &str, bytes: &str| {
        serde_json::json!({
            "@timestamp": "2026-03-10T10:00:00Z", "ecs": {"version": "8.0.0"},
            "event": {"id": id, "action": "DisableKey", "duration": "long"}, "source": {"bytes": bytes},
        })
        .to_string()
    };
    let sandbox = Sandbox::new();
    sandbox.write("logs/a.ndjson", format!("{}\n{}\n", ecs("1", "many"), ecs("2", "7")));
    let rule = rule_file(OWN_ID, "Mine", "query", "kuery", "event.action : DisableKey");
    sandbox.write("own.toml", rule.replace("logs-aws.cloudtrail-*", "logs-*"));
    let args = ["hunt", "logs", "--rules", "own.toml"];
    let run = sandbox.run(&args);
    let line = "noted    3 values left out of alerts, for clashing with ECS; the events have them: \
                event.duration (no long) 2, source.bytes (no long) 1\n";
    assert!(run.stdout.contains(line), "{}", run.stdout);
    let json = sandbox.run(&[&args[..], &["--format", "json"]].concat());
    let coverage = &serde_json::from_str::<Value>(&json.stdout).unwrap()["coverage"];
    assert_eq!(coverage["removed_values"], 3);
    assert_eq!(
        coverage["removed_values_by_field"][1],
        serde_json::json!({"field": "source.bytes", "expected": "long", "values": 1})
    );
}

#[test]
fn the_table_shows_one_event_in_two_accounts_twice() {
    let (one, mut other) = (kms_record("DisableKey", 1), kms_record("DisableKey", 1));
    other["recipientAccountId"] = "444455556666".into();
    let run = Sandbox::with_records(&[one, other]).hunt(&["logs"]);
    assert_eq!(run.stdout.matches(&event_id(1)).count(), 2, "{}", run.stdout);
    assert!(!run.stdout.contains("shown"), "{}", run.stdout);
}

#[test]
fn a_hunt_for_nothing_is_an_error() {
    let sandbox = Sandbox::with_records(&three_records());
    sandbox.write("no-rules/notes.txt", "none here");
    for (args, expected) in [
        (&["--no-builtin-rules"][..], "no rules are loaded, so nothing would be looked for"),
        (&["--rules", "no-rules"], "no rule files (.toml, .ndjson, .json) in no-rules"),
    ] {
        let run = sandbox.run(&[&["hunt", "logs"], args].concat());
        assert_eq!((run.stdout.as_str(), run.status), ("", 3), "{args:?}");
        assert!(run.stderr.contains(expected), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn hits_that_are_alerts_of_their_own_rule_are_counted() {
    let sandbox = Sandbox::with_records(&three_records());
    let rule = rule_file(OWN_ID, "Mine", "query", "kuery", "event.action : DescribeKey");
    let index = r#""logs-*", ".alerts-security.*""#;
    sandbox.write("own.toml", rule.replace(r#""logs-aws.cloudtrail-*""#, index));
    let args = ["hunt", "logs", "--no-builtin-rules", "--rules", "own.toml"];
    let none = sandbox.run(&[&args[..], &["--format", "ndjson", "--output", "logs/alerts.ndjson"]].concat());
    assert!(!none.stderr.contains("of this rule itself"), "{}", none.stderr);
    let run = sandbox.run(&args);
    assert!(
        run.stdout.contains("noted    Mine: 1 hit is an alert of this rule itself, and made no alert\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("\n1 alert: 1 high\n"), "{}", run.stdout);
    let json = sandbox.run(&[&args[..], &["--format", "json"]].concat());
    let result: Value = serde_json::from_str(&json.stdout).unwrap();
    let rule = &result["rules"][0];
    assert_eq!((&rule["hits"], &rule["alerts"], &rule["own_alerts"]), (&2.into(), &1.into(), &1.into()));
}
