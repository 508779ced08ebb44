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

/// A rule with keys of its type, and its tests; what a run of the tests prints.
fn tested(kind: &str, language: &str, query: &str, own: &str, tests: &str) -> Run {
    let sandbox = Sandbox::new();
    let rule = rule_file(OWN_ID, "Mine", kind, language, query);
    sandbox.write("mine.toml", format!("{rule}\n{own}"));
    sandbox.write("feed.csv", "type,value\nip,192.0.2.66\n");
    sandbox.write("mine.test.toml", format!("kind = \"ecs\"\n{tests}"));
    sandbox.run(&["rule", "test"])
}

fn passes(kind: &str, language: &str, query: &str, own: &str, tests: &str) {
    let run = tested(kind, language, query, own, tests);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.starts_with("ok "), "{}", run.stdout);
}

/// An event as an inline table.
fn event(id: &str, time: &str, more: &str) -> String {
    format!(
        r#"{{ _id = "{id}", _index = "logs-aws.cloudtrail-default", "@timestamp" = "2026-03-10T{time}Z", {more} }}"#
    )
}

#[test]
fn history_makes_values_known() {
    let known = event("old", "09:00:00", r#"event.action = "x", user.name = "ann""#);
    let (ann, bob) = (
        event("ann", "10:00:00", r#"event.action = "x", user.name = "ann""#),
        event("bob", "10:01:00", r#"event.action = "x", user.name = "bob""#),
    );
    let own = "new_terms_fields = [\"user.name\"]\nhistory_window_start = \"now-7d\"\n";
    let tests = format!(
        "[[test]]\nname = \"one is known\"\nhistory = [{known}]\nevents = [{ann}, {bob}]\n\
         alerts = [{{ events = \"bob\", fields = {{ kibana.alert.new_terms = \"bob\" }} }}]\n\
         [[test]]\nname = \"both are new\"\nevents = [{ann}, {bob}]\nalerts = [\"ann\", \"bob\"]\n"
    );
    passes("new_terms", "kuery", "event.action: x", own, &tests);
}

#[test]
fn a_group_is_expected_by_its_count() {
    let at = |id: &str, time: &str| event(id, time, r#"event.action = "x", user.name = "ann""#);
    let events = [at("1", "10:00:00"), at("2", "10:00:30"), at("3", "10:01:00")].join(", ");
    let tests = format!(
        "[[test]]\nname = \"three\"\nevents = [{events}]\n\
         alerts = [{{ fields = {{ kibana.alert.threshold_result.count = 3, user.name = \"ann\" }} }}]\n\
         [[test]]\nname = \"two\"\nevents = [{}, {}]\nalerts = []\n",
        at("1", "10:00:00"),
        at("2", "10:00:30"),
    );
    passes(
        "threshold",
        "kuery",
        "event.action: x",
        "[rule.threshold]\nfield = [\"user.name\"]\nvalue = 3\n",
        &tests,
    );
}

#[test]
fn what_is_folded_is_expected_by_its_count() {
    let at = |id: &str, time: &str| event(id, time, r#"event.action = "x", user.name = "ann""#);
    let own =
        "[rule.alert_suppression]\ngroup_by = [\"user.name\"]\nduration = { value = 1, unit = \"h\" }\n";
    let tests = format!(
        "[[test]]\nname = \"two within the hour\"\nevents = [{one}, {two}]\n\
         alerts = [{{ events = \"1\", fields = {{ kibana.alert.suppression.docs_count = 1 }} }}]\n\
         [[test]]\nname = \"an alert of the history takes it in\"\nhistory = [{one}]\nevents = [{two}]\nalerts = []\n\
         [[test]]\nname = \"two hours apart\"\nevents = [{one}, {late}]\n\
         alerts = [\"1\", {{ events = \"3\", fields = {{ kibana.alert.suppression.docs_count = 0 }} }}]\n",
        one = at("1", "10:00:00"),
        two = at("2", "10:30:00"),
        late = at("3", "12:00:00"),
    );
    passes("query", "kuery", "event.action: x", own, &tests);
}

const THREAT: &str = "threat_index = [\"logs-ti_*\"]\nthreat_language = \"kuery\"\n\
    threat_query = \"@timestamp >= now-30d\"\nthreat_indicator_path = \"threat.indicator\"\n\
    [[rule.threat_mapping]]\n[[rule.threat_mapping.entries]]\nfield = \"source.ip\"\ntype = \"mapping\"\n\
    value = \"threat.indicator.ip\"\n";

#[test]
fn indicators_are_given_as_tables_texts_and_files() {
    let events = [
        event("bad", "10:00:00", r#"event.action = "x", source.ip = "192.0.2.66""#),
        event("good", "10:00:00", r#"event.action = "x", source.ip = "192.0.2.1""#),
    ]
    .join(", ");
    let found =
        "alerts = [{ events = \"bad\", fields = { threat.enrichments.matched.atomic = \"192.0.2.66\" } }]";
    let mut tests = String::new();
    for (name, indicators) in [
        ("a table", "indicators = [{ threat.indicator.ip = \"192.0.2.66\", threat.feed.name = \"ours\" }]"),
        ("JSON", r#"indicators = '{"threat":{"indicator":{"ip":"192.0.2.66"}}}'"#),
        ("CSV", "indicators = \"\"\"\nthreat.indicator.ip\n192.0.2.66\n\"\"\""),
        ("a file", "indicator_files = \"feed.csv\""),
        (
            "among the events",
            "history = [{ _index = \"logs-ti_x-default\", \"@timestamp\" = \"2026-03-10T00:00:00Z\", event.id = \"i\", threat.indicator.ip = \"192.0.2.66\" }]",
        ),
    ] {
        tests += &format!("[[test]]\nname = \"{name}\"\nevents = [{events}]\n{indicators}\n{found}\n");
    }
    // The clock of the test is that of the events: an indicator of last year is too old.
    tests += &format!(
        "[[test]]\nname = \"too old\"\nevents = [{events}]\nalerts = []\n\
         indicators = [{{ \"@timestamp\" = \"2025-03-10T00:00:00Z\", threat.indicator.ip = \"192.0.2.66\" }}]\n"
    );
    passes("threat_match", "kuery", "event.action: x", THREAT, &tests);
}

#[test]
fn indicators_that_cannot_be_read_or_are_not_wanted_are_faults() {
    let test = |more: &str| {
        format!(
            "[[test]]\nname = \"a\"\nevents = [{}]\nalerts = []\n{more}\n",
            event("e", "10:00:00", "a = 1")
        )
    };
    for (kind, own, more, code) in [
        ("threat_match", THREAT, "indicators = 'type,value'", None),
        (
            "threat_match",
            THREAT,
            "indicators = \"type,value\\nip,no address\"",
            Some("test::unreadable-indicators"),
        ),
        ("threat_match", THREAT, "indicators = '{\"a\"'", Some("test::unreadable-indicators")),
        ("threat_match", THREAT, "indicator_files = 'gone.csv'", Some("test::unreadable-indicators")),
        ("query", "", "indicator_files = 'feed.csv'", Some("test::indicators")),
    ] {
        let run = tested(kind, "kuery", "event.action: x", own, &test(more));
        assert_eq!(run.status, if code.is_some() { 2 } else { 0 }, "{more}: {}", run.stdout);
        if let Some(code) = code {
            assert!(
                run.stdout.contains(code) && run.stdout.contains("mine.test.toml:6:"),
                "{more}: {}",
                run.stdout
            );
        }
    }
}

#[test]
fn exceptions_and_value_lists_stand_in_the_test() {
    let of = |id: &str, user: &str, ip: &str| {
        event(id, "10:00:00", &format!(r#"event.action = "x", user.name = "{user}", source.ip = "{ip}""#))
    };
    let events =
        [of("1", "ann", "10.1.2.3"), of("2", "ann", "192.0.2.1"), of("3", "bob", "10.1.2.3")].join(", ");
    let tests = format!(
        "[[test]]\nname = \"both have to hold\"\nevents = [{events}]\nalerts = [\"2\", \"3\"]\n\
         value_lists = {{ office = {{ type = \"ip_range\", values = [\"10.0.0.0/8\"] }}, staff = [\"ann\", \"eve\"] }}\n\
         exceptions = [{{ entries = [{{ field = \"user.name\", list = \"staff\" }}, {{ field = \"source.ip\", list = \"office\" }}] }}]\n\
         [[test]]\nname = \"expired by then\"\nevents = [{events}]\nalerts = [\"1\", \"2\", \"3\"]\n\
         exceptions = [{{ name = \"ann\", expire_time = 2026-03-01T00:00:00Z, entries = [{{ field = \"user.name\", value = \"ann\" }}] }}]\n"
    );
    passes("query", "kuery", "event.action: x", "", &tests);
    for (more, code) in [
        ("exceptions = [{ name = 'a' }]", "rule::missing-field"),
        ("exceptions = [{ entries = [{ field = 'user.name', list = 'gone' }] }]", "test::exceptions"),
        ("value_lists = { office = { type = 'ip', values = ['ann'] } }", "rule::bad-value"),
    ] {
        let test = format!("[[test]]\nname = \"a\"\nevents = [{events}]\nalerts = []\n{more}\n");
        let run = tested("query", "kuery", "event.action: x", "", &test);
        assert_eq!(run.status, 2, "{more}: {}", run.stdout);
        assert!(run.stdout.contains(code), "{more}: {}", run.stdout);
    }
}

#[test]
fn building_blocks_are_expected_behind_the_alert_of_their_sequence() {
    let query = r#"sequence by user.name with maxspan=1h [any where event.action == "a"] [any where event.action == "b"]"#;
    let of = |id: &str, time: &str, action: &str| {
        let address = if action == "a" { "192.0.2.1" } else { "192.0.2.2" };
        event(id, time, &format!(r#"event.action = "{action}", user.name = "ann", source.ip = "{address}""#))
    };
    let events = [of("one", "10:00:00", "a"), of("two", "10:05:00", "b")].join(", ");
    let test = |blocks: &str| {
        format!(
            "[[test]]\nname = \"found\"\nevents = [{events}]\n\
             alerts = [{{ events = [\"one\", \"two\"], fields = {{ source.ip = {{ exists = false }} }}, blocks = [{blocks}] }}]\n"
        )
    };
    passes("eql", "eql", query, "", &test(r#"{ source.ip = "192.0.2.1" }, { source.ip = "192.0.2.2" }"#));
    let run = tested("eql", "eql", query, "", &test(r#"{ source.ip = "192.0.2.2" }, {}"#));
    assert_eq!(run.status, 1, "{}", run.stdout);
    let expected = "    other building blocks: an alert about one, two\n      block 1\n        source.ip\n          \
                    expected  \"192.0.2.2\"\n          got       \"192.0.2.1\"\n";
    assert!(run.stdout.contains(expected), "{}", run.stdout);
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
    assert!(files >= 14, "{files} files");
    let tested = sandbox.run(&["rule", "test", "--require-tests"]);
    assert!(tested.stdout.ends_with("\n12 tests in 7 files: 12 passed, 0 failed\n"), "{}", tested.stdout);
    assert_eq!(tested.status, 0);
}
