//! The commands about rules, and `explain`.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, esql_rule, event_id, kms_record, log_file, rule_file, rule_that_waits, run};

const OWN_ID: &str = "0a1b2c3d-0000-4000-8000-000000000001";
const IMPORTED: &str = "f6fee40d-8a5e-4cc8-9f73-8688419c6d68";

#[test]
fn a_fault_is_shown_at_its_place() {
    let sandbox = Sandbox::new();
    let query = r#"user.nmae : "root" and event.action : ("DisableKey""#;
    sandbox.write("bad.toml", rule_file(OWN_ID, "Bad", "query", "kuery", query));
    let checked = sandbox.run(&["rule", "check", "bad.toml"]);
    assert_eq!(checked.status, 2);
    let expected = "\
warning[rule::unknown-field]: no field is named `user.nmae`
  --> bad.toml:14:10
   |
14 | query = 'user.nmae : \"root\" and event.action : (\"DisableKey\"'
   |          ^^^^^^^^^ did you mean `user.name`?

error[kql::unclosed-parenthesis]: this parenthesis is never closed
  --> bad.toml:14:48
   |
14 | query = 'user.nmae : \"root\" and event.action : (\"DisableKey\"'
   |                                                ^ opened here
   |
   = help: add the closing `)`

1 rule in 1 file: query 1
0 can run, 1 cannot run
1 error, 1 warning, 0 notes
";
    assert_eq!(checked.stdout, expected);

    let json = sandbox.run(&["rule", "check", "bad.toml", "--format", "json"]);
    let result: Value = serde_json::from_str(&json.stdout).unwrap();
    let finding = &result["files"][0]["findings"][1];
    assert_eq!(finding["code"], "kql::unclosed-parenthesis");
    assert_eq!((&finding["place"]["line"], &finding["place"]["column"]), (&14.into(), &48.into()));
    assert_eq!(result["summary"]["cannot_run"], 1);
    assert_eq!(json.status, 2);
}

#[test]
fn rules_that_cannot_be_read_are_counted_once() {
    let sandbox = Sandbox::new();
    sandbox
        .write("rules/a.toml", rule_file(OWN_ID, "Bad", "query", "kuery", "a : b").replace("high", "huge"));
    sandbox.write("rules/b.toml", "not toml");
    sandbox.write("rules/c.toml", rule_that_waits(IMPORTED, "Later"));
    let checked = sandbox.run(&["rule", "check", "rules"]);
    assert_eq!(checked.status, 2);
    assert!(checked.stdout.contains("--> rules/a.toml:17:12"), "{}", checked.stdout);
    assert!(
        checked.stdout.contains("0 can run, 2 cannot run, 1 not run: machine_learning 1"),
        "{}",
        checked.stdout
    );

    let good = sandbox.run(&["rule", "check", "rules/c.toml"]);
    assert_eq!(good.status, 0, "{}", good.stdout);
    assert_eq!(sandbox.run(&["rule", "check", "rules/c.toml", "--strict"]).status, 2);
}

#[test]
fn a_list_says_which_rules_run() {
    let sandbox = Sandbox::new();
    sandbox.write("own.toml", rule_that_waits(OWN_ID, "Later"));
    let list = sandbox.run(&["rule", "list", "--rules", "own.toml", "--no-builtin-rules"]);
    assert_eq!((list.stderr.as_str(), list.status), ("", 0));
    assert!(list.stdout.contains("1 rule, 0 run, 1 not run: machine_learning 1"), "{}", list.stdout);
    assert!(
        list.stdout
            .contains(&format!("high      machine_learning  no: machine_learning  1        {OWN_ID}  Later")),
        "{}",
        list.stdout
    );
    let json =
        sandbox.run(&["rule", "list", "--rules", "own.toml", "--severity", "high", "--format", "json"]);
    let result: Value = serde_json::from_str(&json.stdout).unwrap();
    let rules = result["rules"].as_array().unwrap();
    let own: Vec<_> = rules.iter().filter(|rule| rule["rule_id"] == OWN_ID).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["runs"], false);
    assert!(rules.iter().all(|rule| rule["severity"] == "high"), "{}", json.stdout);
    assert!(!rules.iter().any(|rule| rule["rule_id"] == IMPORTED), "{}", json.stdout);
}

#[test]
fn a_page_has_everything_about_a_rule() {
    let sandbox = Sandbox::new();
    let page = sandbox.run(&["rule", "show", IMPORTED]);
    assert_eq!((page.stderr.as_str(), page.status), ("", 0));
    for text in [
        "AWS KMS Imported Key Material Deleted\n",
        "version      1, from built-in/aws_kms_imported_key_material_deleted.toml",
        "every 5 minutes, over a window from now-6m to now, 6 minutes long, so 1 minute of additional look-back",
        "event.ingested, else @timestamp",
        "Impact TA0040 › Data Destruction T1485 › Lifecycle-Triggered Deletion T1485.001",
        "event.action: \"DeleteImportedKeyMaterial\"",
        "\nInvestigation guide\n",
        "\nReferences\n",
    ] {
        assert!(page.stdout.contains(text), "{text} in {}", page.stdout);
    }
    sandbox.write("own.toml", rule_file(IMPORTED, "Mine", "query", "kuery", "a : b"));
    let own = sandbox.run(&["rule", "show", "own.toml"]);
    assert!(own.stdout.contains("version      1, from own.toml"), "{}", own.stdout);
    assert!(own.stdout.contains("replaces     version 1, from built-in/"), "{}", own.stdout);
    let json: Value =
        serde_json::from_str(&sandbox.run(&["rule", "show", IMPORTED, "--format", "json"]).stdout).unwrap();
    assert_eq!(json["rule_id"], IMPORTED);
}

#[test]
fn an_event_that_is_no_hit_is_explained() {
    let sandbox = Sandbox::new();
    let mut denied = kms_record("DeleteImportedKeyMaterial", 1);
    denied["errorCode"] = "AccessDenied".into();
    sandbox.write("events.json", log_file(&[denied, kms_record("DeleteImportedKeyMaterial", 2)]));
    let explained = sandbox.run(&["explain", IMPORTED, "events.json", "--event-id", &event_id(1)]);
    assert_eq!((explained.stderr.as_str(), explained.status), ("", 0));
    let expected = "\
event 11111111-2222-4333-8444-000000000001  2026-03-10T10:01:00.000Z  kms.amazonaws.com  DeleteImportedKeyMaterial
is no hit of AWS KMS Imported Key Material Deleted, because of:
  event.outcome is \"success\" (seen: failure)
clause by clause:
  no   all of
  yes    data_stream.dataset is \"aws.cloudtrail\"   (seen: aws.cloudtrail)
  yes    event.provider is \"kms.amazonaws.com\"   (seen: kms.amazonaws.com)
  yes    event.action is \"DeleteImportedKeyMaterial\"   (seen: DeleteImportedKeyMaterial)
  no     event.outcome is \"success\"   (seen: failure)
  yes    not
  no       aws.cloudtrail.user_identity.type is \"AWSService\"   (seen: IAMUser)

";
    assert_eq!(explained.stdout, expected);
    let both = sandbox.run(&["explain", IMPORTED, "events.json"]);
    assert!(both.stdout.contains("\nis a hit of AWS KMS Imported Key Material Deleted\n"), "{}", both.stdout);

    let mut command = sandbox.command(&["explain", IMPORTED, "-"]);
    let stdin = run(command.write_stdin(kms_record("DeleteImportedKeyMaterial", 2).to_string()));
    assert!(stdin.stdout.contains("is a hit of"), "{}", stdin.stdout);
}

#[test]
fn an_event_out_of_reach_is_explained() {
    let sandbox = Sandbox::new();
    let rule = rule_file(OWN_ID, "Elsewhere", "query", "kuery", r#"event.action : "DisableKey""#);
    sandbox.write("own.toml", rule.replace("logs-aws.cloudtrail-*", "winlogbeat-*"));
    sandbox.write("event.json", kms_record("DisableKey", 1).to_string());
    let explained = sandbox.run(&["explain", "own.toml", "event.json"]);
    let text = "the index patterns (winlogbeat-*) do not reach its data stream, logs-aws.cloudtrail-default";
    assert!(explained.stdout.contains(text), "{}", explained.stdout);
    assert!(explained.stdout.contains("although it passes the query"), "{}", explained.stdout);
}

/// A rule that names an exception list, that list with an item that takes out what mallory does, and the events.
fn with_exceptions() -> Sandbox {
    let sandbox = Sandbox::new();
    let reference = |id: &str| {
        format!(r#"{{ id = "{id}", list_id = "{id}", type = "detection", namespace_type = "single" }}"#)
    };
    let rule = rule_file(OWN_ID, "Mine", "query", "kuery", r#"event.action : "DisableKey""#);
    let lists = format!("exceptions_list = [{}, {}]\n", reference("known-good"), reference("not-here"));
    sandbox.write("own.toml", rule + &lists);
    let item = |name: &str, entries: Value| {
        json!({
            "type": "simple", "list_id": "known-good", "item_id": name, "name": name, "description": "-",
            "namespace_type": "single", "entries": entries,
        })
    };
    let is = |field: &str, value: &str| json!({"type": "match", "field": field, "operator": "included", "value": value});
    let lines = [
        json!({"list_id": "known-good", "name": "Known", "description": "-", "type": "detection", "namespace_type": "single"}),
        item("Others", json!([is("user.name", "alice")])),
        item("Mallory may", json!([is("user.name", "mallory"), is("cloud.region", "eu-west-1")])),
        item(
            "By list",
            json!([{"type": "list", "field": "source.ip", "operator": "included", "list": {"id": "ours", "type": "ip"}}]),
        ),
    ];
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    sandbox.write("lists.ndjson", lines.join("\n"));
    let mut bob = kms_record("DisableKey", 2);
    bob["userIdentity"]["userName"] = "bob".into();
    sandbox.write("events.json", log_file(&[kms_record("DisableKey", 1), bob]));
    sandbox
}

#[test]
fn the_exception_that_takes_an_event_out_is_named() {
    let sandbox = with_exceptions();
    let args = ["explain", "own.toml", "events.json", "--rules", "lists.ndjson", "--event-id"];
    let out = sandbox.run(&[&args[..], &[&event_id(1)]].concat());
    let expected = "\
is no hit of Mine, although it passes the query, because of:
  the exception `Mallory may` of the list `known-good` takes it out: user.name is \"mallory\" (seen: mallory) and \
                    cloud.region is \"eu-west-1\" (seen: eu-west-1)
clause by clause:
";
    assert!(out.stdout.contains(expected), "{}", out.stdout);
    let hit = sandbox.run(&[&args[..], &[&event_id(2)]].concat());
    assert!(hit.stdout.contains("\nis a hit of Mine\nclause by clause:\n"), "{}", hit.stdout);

    let hunt = sandbox.run(&[
        "hunt",
        "events.json",
        "--rules",
        "own.toml",
        "--rules",
        "lists.ndjson",
        "--no-builtin-rules",
    ]);
    let counted = "excepted Mine: 1 event by `Mallory may` of the list `known-good`";
    assert!(hunt.stdout.contains(counted), "{}", hunt.stdout);
}

#[test]
fn an_explanation_has_the_warnings_of_a_hunt() {
    let sandbox = with_exceptions();
    let explained = sandbox.run(&["explain", "own.toml", "events.json", "--rules", "lists.ndjson"]);
    let hunt = sandbox.hunt(&["events.json", "--rules", "own.toml", "--rules", "lists.ndjson"]);
    let warnings: Vec<&str> =
        hunt.stdout.lines().filter_map(|line| line.trim().strip_prefix("warning  ")).collect();
    assert_eq!(warnings.len(), 2, "{}", hunt.stdout);
    assert!(warnings.iter().any(|text| text.contains("`not-here`")), "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains("`By list`")), "{warnings:?}");
    let told: Vec<&str> =
        explained.stderr.lines().filter_map(|line| line.strip_prefix("warning: ")).collect();
    assert_eq!(told, warnings);
}

#[test]
fn what_cannot_be_explained_is_said() {
    let sandbox = Sandbox::new();
    sandbox.write("event.json", kms_record("DisableKey", 1).to_string());
    sandbox.write("empty.json", "");
    let unknown = sandbox.run(&["explain", IMPORTED, "event.json", "--event-id", "x"]);
    assert_eq!(unknown.status, 3);
    assert!(unknown.stderr.contains("no event with the id x among 1 event"), "{}", unknown.stderr);
    let empty = sandbox.run(&["explain", IMPORTED, "empty.json"]);
    assert!(empty.stderr.contains("because: empty"), "{}", empty.stderr);
    sandbox.write("later.toml", rule_that_waits(OWN_ID, "Later"));
    let later = sandbox.run(&["explain", "later.toml", "event.json"]);
    assert_eq!(
        (later.stdout.as_str(), later.status),
        ("Later does not run: rules of type machine_learning cannot be run yet\n", 2)
    );
}

#[test]
fn what_is_wrong_with_an_esql_query_is_shown_in_its_file() {
    let sandbox = Sandbox::new();
    let query = "FROM logs-aws.cloudtrail-* | WHERE event.actoin == 1 | COMPLETION x = \"y\"";
    sandbox.write("own.toml", esql_rule(OWN_ID, "Own", query));
    let checked = sandbox.run(&["rule", "check", "own.toml"]);
    assert_eq!(checked.status, 2);
    assert!(checked.stdout.contains("esql::unknown-column"), "{}", checked.stdout);
    assert!(checked.stdout.contains("--> own.toml:13:45"), "{}", checked.stdout);
    assert!(checked.stdout.contains("0 can run, 1 cannot run"), "{}", checked.stdout);
}

#[test]
fn an_event_is_explained_by_the_conditions_of_an_esql_query() {
    let sandbox = Sandbox::new();
    sandbox.write("event.json", kms_record("DisableKey", 1).to_string());
    let explained = |query: &str| {
        let from = "FROM logs-aws.cloudtrail-* METADATA _id | WHERE event.provider == \"kms.amazonaws.com\"";
        sandbox.write("own.toml", esql_rule(OWN_ID, "Own", &format!("{from} | {query}")));
        let run = sandbox.run(&["explain", "own.toml", "event.json"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        run.stdout
    };
    for (query, verdict, rest) in [
        (
            "WHERE event.action == \"DisableKey\"",
            "is a hit of Own\n",
            "conditions on what the query computes",
        ),
        ("WHERE event.action == \"EnableKey\"", "is no hit of Own, because of:", "not explained"),
        (
            "EVAL n = LENGTH(event.action) | WHERE n > 10",
            "is no hit of Own: it passes",
            "not explained one by one",
        ),
        ("STATS n = COUNT(*)", "may take part in a hit of Own\n", "groups of such events is not explained"),
        ("LIMIT 1", "may take part in a hit of Own\n", "depends on the others of a window"),
    ] {
        let told = explained(query);
        assert!(told.contains(verdict) && told.contains(rest), "{query}: {told}");
    }
}

#[test]
fn a_rule_that_gives_way_to_a_later_one_is_checked_too() {
    let sandbox = Sandbox::new();
    sandbox.write("rules/a.toml", rule_file(OWN_ID, "First", "query", "kuery", "a : ("));
    sandbox.write("rules/b.toml", rule_file(OWN_ID, "Second", "query", "kuery", "b : )"));
    sandbox.write("rules/c.toml", rule_file(OWN_ID, "Third", "query", "kuery", "event.action : a"));
    let checked = sandbox.run(&["rule", "check", "rules"]);
    assert_eq!(checked.status, 2, "{}", checked.stdout);
    for expected in [
        "--> rules/a.toml:14:",
        "--> rules/b.toml:14:",
        "\n1 can run, 2 cannot run\n",
        "\n2 rules give way to a later one of the same id\n",
    ] {
        assert!(checked.stdout.contains(expected), "{expected}: {}", checked.stdout);
    }
}

#[test]
fn what_is_given_twice_is_checked_once() {
    let sandbox = Sandbox::new();
    sandbox.write("rules/a.toml", rule_file(OWN_ID, "First", "query", "kuery", "user.nmae : a"));
    sandbox.write("rules/deep/b.toml", rule_file(IMPORTED, "Second", "query", "kuery", "b : )"));
    sandbox.write("rules/note.txt", rule_file(OWN_ID, "Third", "query", "kuery", "a : b"));
    let once = sandbox.run(&["rule", "check", "rules"]);
    assert!(once.stdout.contains("2 rules in 2 files"), "{}", once.stdout);
    for more in [
        &["rules"][..],
        &["./rules/", "rules/deep/.."],
        &["rules/deep"],
        &["rules/a.toml", "rules/deep/b.toml", "rules/a.toml"],
    ] {
        let again = sandbox.run(&[&["rule", "check", "rules"], more].concat());
        assert_eq!((again.stdout, again.status), (once.stdout.clone(), once.status), "{more:?}");
    }
    let named = sandbox.run(&["rule", "check", "rules", "rules/note.txt"]);
    assert!(
        named.stdout.contains("3 rules in 3 files"),
        "a file that is named itself is read: {}",
        named.stdout
    );
    assert_eq!(sandbox.run(&["rule", "check", "rules", "rules/none.toml"]).status, 3);
}

#[test]
fn a_rule_that_its_file_disables_runs_when_asked_for() {
    let sandbox = Sandbox::with_records(&[kms_record("DisableKey", 1)]);
    let text = rule_file(OWN_ID, "Off", "query", "kuery", "event.action : DisableKey");
    sandbox.write("off.toml", text.replace("[rule]", "[rule]\nenabled = false"));
    let hunt = |more: &[&str]| {
        let mut args = vec!["hunt", "logs", "--no-builtin-rules", "--rules", "off.toml", "--format", "json"];
        args.extend(more);
        let json: Value = serde_json::from_str(&sandbox.run(&args).stdout).unwrap();
        (json["alerts"].as_array().unwrap().len(), json["rules"][0]["reason_kind"].clone())
    };
    assert_eq!(hunt(&[]), (0, json!("disabled")));
    assert_eq!(hunt(&["--include-disabled"]), (1, Value::Null));
}
