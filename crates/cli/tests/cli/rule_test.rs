//! `rule test`.

use serde_json::Value;

use crate::sandbox::{NOW, Run, Sandbox, rule_file, run};

const OWN_ID: &str = "0a1b2c3d-0000-4000-8000-000000000001";
const QUERY: &str =
    "event.provider : kms.amazonaws.com and event.action : DisableKey and event.outcome : success";

/// Tests of which one fails in every way that one can.
const TESTS: &str = r#"[defaults]
eventSource = "kms.amazonaws.com"
eventName = "DisableKey"
eventTime = "2026-03-10T10:00:00Z"
userIdentity.userName = "mallory"

[[test]]
name = "a disabled key is found"
events = [{ eventID = "one" }]
alerts = ["one"]

[[test]]
name = "everything is wrong"
events = [{ eventID = "one" }, { eventID = "two" }, { eventID = "three", errorCode = "AccessDenied" }]
alerts = [
  "three",
  { events = ["one"], fields = { "user.name" = "ann", "kibana.alert.risk_score" = 73, "user.nmae" = "mallory" } },
]
"#;

fn sandbox(tests: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("rules/mine.toml", rule_file(OWN_ID, "Mine", "query", "kuery", QUERY));
    sandbox.write("rules/mine.test.toml", tests);
    sandbox
}

#[test]
fn the_rules_that_come_with_the_program_pass_their_tests() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
    let tested = Sandbox::new().run(&["rule", "test", rules, "--require-tests", "--format", "json"]);
    let report: Value = serde_json::from_str(&tested.stdout).unwrap();
    let summary = &report["summary"];
    assert_eq!((&summary["failed"], &summary["without_test"]), (&0.into(), &0.into()), "{}", tested.stdout);
    assert!(summary["passed"].as_u64() > Some(100), "{summary}");
    assert_eq!(tested.status, 0, "{}", tested.stdout);
    for file in report["files"].as_array().unwrap() {
        assert_eq!(file["faults"], serde_json::json!([]), "{file}");
        let tests = file["tests"].as_array().unwrap();
        assert!(!tests.is_empty(), "{file}");
        assert!(tests.iter().all(|test| test["faults"] == serde_json::json!([])), "{file}");
    }
}

#[test]
fn a_failed_test_says_what_was_expected_and_why_it_is_not_so() {
    let tested = sandbox(TESTS).run(&["rule", "test"]);
    let expected = r#"failed   ./rules/mine.test.toml  1 of 2 tests

  everything is wrong  (./rules/mine.test.toml:13)
    missing: an alert about three
      three: it fails event.outcome is "success" (seen: failure)
    other fields: an alert about one
      user.name
        expected  "ann"
        got       "mallory"
      user.nmae
        expected  "mallory"
        got       no value; did you mean `user.name`?
    unexpected: an alert about two
      event by mallory created high alert Mine.

2 tests in 1 file: 1 passed, 1 failed
"#;
    assert_eq!(tested.stdout, expected);
    assert_eq!((tested.stderr.as_str(), tested.status), ("", 1));
}

#[test]
fn tests_are_found_by_folder_file_and_rule() {
    let sandbox = sandbox(TESTS);
    sandbox.write("rules/.hidden/bad.test.toml", "no toml");
    sandbox.write("rules/other.toml", rule_file("other", "Other", "query", "kuery", QUERY));
    let last_line = |run: Run| run.stdout.lines().last().unwrap_or_default().to_owned();
    for args in [&["rules"][..], &["rules/mine.toml", "rules"], &[".", "./rules/mine.test.toml", "rules"]] {
        let run = sandbox.run(&[&["rule", "test"], args].concat());
        assert_eq!(last_line(run), "2 tests in 1 file: 1 passed, 1 failed; 1 rule has no test", "{args:?}");
    }
    for (args, line) in [
        (&["rules/mine.toml"][..], "2 tests in 1 file: 1 passed, 1 failed"),
        (&["rules", "--rule", "Mine"], "2 tests in 1 file: 1 passed, 1 failed"),
        (&["rules", "--rule", "Oth*"], "0 tests in 0 files: 0 passed, 0 failed; 1 rule has no test"),
    ] {
        assert_eq!(last_line(sandbox.run(&[&["rule", "test"], args].concat())), line, "{args:?}");
    }
    for (args, reason) in [
        (&["nowhere"][..], "cannot read nowhere"),
        (&["rules", "--rule", "None"], "no tests (files *.test.toml) of such rules below rules"),
    ] {
        let run = sandbox.run(&[&["rule", "test"], args].concat());
        assert_eq!(run.status, 3);
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    }
}

#[test]
fn a_rule_without_tests_counts_when_tests_are_required() {
    let sandbox = Sandbox::new();
    sandbox.write("mine.toml", rule_file(OWN_ID, "Mine", "query", "kuery", QUERY));
    sandbox.write("settings.toml", "[not-a-rule]\nkey = 1\n");
    let tested = sandbox.run(&["rule", "test", "."]);
    assert_eq!(
        tested.stdout,
        "no test  ./mine.toml  Mine\n0 tests in 0 files: 0 passed, 0 failed; 1 rule has no test\n"
    );
    assert_eq!(tested.status, 0);
    assert_eq!(sandbox.run(&["rule", "test", ".", "--require-tests"]).status, 1);
}

#[test]
fn what_is_wrong_with_a_test_is_shown_at_its_place() {
    let of = |tests: &str| sandbox(tests).run(&["rule", "test", "rules"]);
    let tested = of("[[test]]\nname = \"a\"\nevent = []\nalerts = []\n");
    assert_eq!(tested.status, 2);
    let expected = "\
error[test::unknown-key]: `event` is no key of a test
 --> rules/mine.test.toml:3:1
  |
3 | event = []
  | ^^^^^
  |
  = help: did you mean `events`?
";
    assert!(tested.stdout.contains(expected), "{}", tested.stdout);

    let with = |events: &str| format!("[[test]]\nname = \"a\"\nevents = {events}\nalerts = [\"one\"]\n");
    for (tests, code, line) in [
        (with("[{ eventID = \"on\", eventName = \"X\" }]"), "test::unknown-event", 4),
        (with("[{ eventID = \"one\" }, { eventID = \"one\" }]"), "test::duplicate-event", 2),
        (with("'{\"no\": \"record\"}'"), "test::unreadable-event", 3),
        (
            format!("{}files = \"nowhere.json\"\n", with("[{ eventID = \"one\" }]")),
            "test::unreadable-event",
            5,
        ),
        (format!("rule = \"gone.toml\"\n{}", with("[]")), "test::no-rule", 1),
        (format!("{}exceptions = \"mine.toml\"\n", with("[{ eventID = \"one\" }]")), "test::exceptions", 5),
    ] {
        let tested = of(&tests);
        assert!(tested.stdout.contains(code), "{code}: {}", tested.stdout);
        assert!(
            tested.stdout.contains(&format!("rules/mine.test.toml:{line}:")),
            "{code}: {}",
            tested.stdout
        );
        assert_eq!(tested.status, 2, "{code}");
    }
}

#[test]
fn files_with_tests_are_read_for_testing_only() {
    let sandbox = sandbox(TESTS);
    let checked = sandbox.run(&["rule", "check", "rules"]);
    assert!(checked.stdout.starts_with("1 rule in 1 file: query 1\n"), "{}", checked.stdout);

    let written = sandbox.run(&["rule", "test", "rules", "--output", "./rules/mine.test.toml"]);
    assert_eq!(written.status, 3, "{}", written.stderr);
    assert_eq!(std::fs::read_to_string(sandbox.path().join("rules/mine.test.toml")).unwrap(), TESTS);

    sandbox.write("rules/mine.test.toml", b"\xff\xfe");
    let tested = sandbox.run(&["rule", "test", "rules"]);
    assert!(tested.stdout.contains("error[test::not-utf8]"), "{}", tested.stdout);
    assert_eq!(tested.status, 2);
}

#[test]
fn a_rule_that_cannot_run_is_said_once() {
    let sandbox = sandbox(TESTS);
    sandbox.write("rules/mine.toml", rule_file(OWN_ID, "Mine", "query", "kuery", "event.action : ("));
    let tested = sandbox.run(&["rule", "test", "rules"]);
    assert_eq!(tested.status, 2);
    assert_eq!(tested.stdout.matches("kql::unclosed-parenthesis").count(), 1, "{}", tested.stdout);
    assert!(tested.stdout.contains("--> rules/mine.toml:14:"), "{}", tested.stdout);
    assert!(
        tested.stdout.ends_with("2 tests in 1 file: 0 passed, 0 failed, 2 could not run; 1 faulty file\n")
    );
}

#[test]
fn reports_for_programs() {
    let sandbox = sandbox(TESTS);
    sandbox.write("rules/untested.toml", rule_file("other", "Not <tested>", "query", "kuery", QUERY));
    let json = sandbox.run(&["rule", "test", "rules", "--format", "json"]);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        report["summary"],
        serde_json::json!({"passed": 1, "failed": 1, "not_run": 0, "without_test": 1})
    );
    let test = &report["files"][0]["tests"][1];
    assert_eq!((&test["verdict"], &test["line"]), (&"failed".into(), &13.into()));
    assert_eq!(test["failures"][0]["line"], 16);

    let sarif = sandbox.run(&["rule", "test", "rules", "--format", "sarif"]);
    let log: Value = serde_json::from_str(&sarif.stdout).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&log["version"], &result["ruleId"]), (&"2.1.0".into(), &"test::failed".into()));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "rules/mine.test.toml");
    assert_eq!(place["region"]["startLine"], 13);
    assert_eq!(log["runs"][0]["results"][1]["level"], "note");

    let written = sandbox.run(&["rule", "test", "rules", "--format", "junit", "--output", "tests.xml"]);
    assert_eq!((written.stdout.as_str(), written.status), ("", 1));
    let xml = std::fs::read_to_string(sandbox.path().join("tests.xml")).unwrap();
    for part in [
        "<testsuites name=\"bartizan rule test\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\">",
        "<testcase name=\"a disabled key is found\" classname=\"Mine\" file=\"rules/mine.test.toml\" line=\"8\"/>",
        "<failure message=\"missing: an alert about three\">",
        "<testcase name=\"Not &lt;tested&gt;\"",
        "<skipped message=\"the rule has no test\">",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
}

#[test]
fn a_sequence_is_one_alert_about_its_events() {
    let sandbox = Sandbox::new();
    let query = r#"sequence by user.name with maxspan=1h [any where event.action == "DisableKey"] [any where event.action == "ScheduleKeyDeletion"]"#;
    sandbox.write("s.toml", rule_file(OWN_ID, "Sequence", "eql", "eql", query));
    let tests = r#"
[defaults]
eventSource = "kms.amazonaws.com"
userIdentity.userName = "mallory"
[[test]]
name = "found"
events = [
  { eventID = "one", eventName = "DisableKey", eventTime = "2026-03-10T10:00:00Z" },
  { eventID = "two", eventName = "ScheduleKeyDeletion", eventTime = "2026-03-10T10:30:00Z" },
]
alerts = [{ events = ["one", "two"], fields = { user.name = "mallory" } }]
[[test]]
name = "too late"
events = [
  { eventID = "one", eventName = "DisableKey", eventTime = "2026-03-10T10:00:00Z" },
  { eventID = "two", eventName = "ScheduleKeyDeletion", eventTime = "2026-03-10T11:30:00Z" },
]
alerts = [{ events = ["one", "two"] }]
[[test]]
name = "what lies in the history alone does not count"
history = [
  { eventID = "one", eventName = "DisableKey", eventTime = "2026-03-10T10:00:00Z" },
  { eventID = "two", eventName = "ScheduleKeyDeletion", eventTime = "2026-03-10T10:10:00Z" },
]
events = [{ eventID = "three", eventName = "DisableKey", eventTime = "2026-03-10T12:00:00Z" }]
alerts = []
"#;
    sandbox.write("s.test.toml", tests);
    let tested = sandbox.run(&["rule", "test"]);
    assert!(tested.stdout.contains("1 of 3 tests\n\n  too late"), "{}", tested.stdout);
    assert!(
        tested.stdout.contains("missing: an alert about one, two\n      one: it passes"),
        "{}",
        tested.stdout
    );
}

#[test]
fn exceptions_and_files_lie_beside_the_test() {
    let sandbox = Sandbox::new();
    sandbox.write("r/mine.toml", rule_file(OWN_ID, "Mine", "query", "kuery", QUERY));
    sandbox.write(
        "r/known.toml",
        "[[exception_list]]\nlist_id = \"known\"\nrules = [\"Mine\"]\n[[exception_list.item]]\nname = \"ann\"\n\
         entries = [{ field = \"user.name\", value = \"ann\" }]\n",
    );
    let record = |id: &str, user: &str| {
        format!(
            r#"{{"eventID":"{id}","eventSource":"kms.amazonaws.com","eventName":"DisableKey","userIdentity":{{"userName":"{user}"}}}}"#
        )
    };
    sandbox.write(
        "r/events/two.json",
        format!("{{\"Records\":[{},{}]}}", record("a", "ann"), record("b", "bob")),
    );
    let tests = "[[test]]\nname = \"known\"\nfiles = \"events/two.json\"\nexceptions = \"known.toml\"\nalerts = [\"b\"]\n\
                 [[test]]\nname = \"all\"\nfiles = \"events/two.json\"\nalerts = [\"a\", \"b\"]\n";
    sandbox.write("r/mine.test.toml", tests);
    let tested = sandbox.run(&["rule", "test", "r"]);
    assert_eq!(tested.stdout, "ok       r/mine.test.toml  2 tests\n2 tests in 1 file: 2 passed, 0 failed\n");
}

#[test]
fn results_do_not_depend_on_the_clock() {
    let sandbox = sandbox(TESTS);
    let early = sandbox.run(&["rule", "test"]).stdout;
    assert!(NOW < "2036");
    let late = run(sandbox.command(&["rule", "test"]).env("BARTIZAN_NOW", "2036-01-01T00:00:00Z")).stdout;
    assert_eq!(early, late);
}

#[test]
fn the_examples_of_the_page_hold() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rule-tests.md");
    let page = std::fs::read_to_string(page).unwrap();
    let sandbox = Sandbox::new();
    let mut files = 0;
    for block in page.split("```toml\n# ").skip(1) {
        let (name, text) = block.split_once('\n').unwrap();
        sandbox.write(name, text.split("```").next().unwrap());
        files += 1;
    }
    assert!(files >= 6, "{files} files");
    let tested = sandbox.run(&["rule", "test", "--require-tests"]);
    assert!(tested.stdout.ends_with("\n5 tests in 3 files: 5 passed, 0 failed\n"), "{}", tested.stdout);
    assert_eq!(tested.status, 0);
}
