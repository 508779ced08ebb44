//! Exception lists and value lists, as they are given to the commands.

use serde_json::{Value, json};

use crate::sandbox::{Run, Sandbox, kms_record, rule_file};

const OWN_ID: &str = "0a1b2c3d-0000-4000-8000-000000000001";

/// A rule on disabled keys, which refers to the list `known-good`, and what mallory, alice and bob disabled, each from
/// an address of their own.
fn sandbox() -> Sandbox {
    let users = [("mallory", "203.0.113.7"), ("alice", "10.1.2.3"), ("bob", "192.0.2.9")];
    let records = (1..).zip(users).map(|(number, (user, address))| {
        let mut record = kms_record("DisableKey", number);
        record["userIdentity"]["userName"] = user.into();
        record["sourceIPAddress"] = address.into();
        record
    });
    let sandbox = Sandbox::with_records(&records.collect::<Vec<_>>());
    let reference =
        r#"{ id = "known-good", list_id = "known-good", type = "detection", namespace_type = "single" }"#;
    let rule = rule_file(OWN_ID, "Mine", "query", "kuery", r#"event.action : "DisableKey""#);
    sandbox.write("own.toml", format!("{rule}exceptions_list = [{reference}]\n"));
    sandbox
}

fn hunt(sandbox: &Sandbox, more: &[&str]) -> Run {
    let args = ["hunt", "logs", "--no-builtin-rules", "--rules", "own.toml", "--format", "ndjson"];
    sandbox.run(&[&args[..], more].concat())
}

fn users(run: &Run) -> Vec<String> {
    let user = |alert: &Value| alert["user"]["name"].as_str().unwrap_or_default().to_owned();
    let mut users: Vec<String> = run.alerts().iter().map(user).collect();
    users.sort_unstable();
    users
}

/// A list in TOML with one item.
fn toml(list_id: &str, more: &str, entries: &str) -> String {
    format!(
        "[[exception_list]]\nlist_id = \"{list_id}\"\n{more}\n[[exception_list.item]]\nname = \"Known\"\nentries = [{entries}]\n"
    )
}

#[test]
fn lists_apply_by_their_id_or_to_the_rules_that_they_name() {
    let sandbox = sandbox();
    let bob = r#"{ field = "user.name", value = "bob" }"#;
    sandbox.write("known.toml", toml("known-good", "", bob));
    let without = hunt(&sandbox, &[]);
    assert_eq!(users(&without), ["alice", "bob", "mallory"]);
    assert!(without.stderr.contains("the exception list `known-good` was not loaded"), "{}", without.stderr);

    let by_id = hunt(&sandbox, &["--exceptions", "known.toml"]);
    assert_eq!((users(&by_id), by_id.status), (vec!["alice".to_owned(), "mallory".to_owned()], 0));
    assert!(by_id.stderr.contains("list     known-good (1 exception)"), "{}", by_id.stderr);
    assert!(!by_id.stderr.contains("warning"), "{}", by_id.stderr);

    for name in ["Mine", OWN_ID, "*"] {
        sandbox.write("house.toml", toml("house", &format!("rules = [\"{name}\"]\n"), bob));
        assert_eq!(users(&hunt(&sandbox, &["--exceptions", "house.toml"])), ["alice", "mallory"], "{name}");
    }
    sandbox.write("house.toml", toml("house", "rules = [\"Mien\"]\n", bob));
    let misspelt = hunt(&sandbox, &["--exceptions", "house.toml"]);
    assert_eq!(users(&misspelt).len(), 3);
    let text =
        "warning: the exception list `house` names the rule `Mien`, and no rule of this id or name is loaded";
    assert!(misspelt.stderr.contains(text), "{}", misspelt.stderr);

    let shown = sandbox.run(&["rule", "show", "own.toml", "--exceptions", "known.toml"]);
    assert!(shown.stdout.contains("list known-good (1 item)"), "{}", shown.stdout);
}

#[test]
fn of_an_export_only_the_exceptions_are_taken() {
    let sandbox = sandbox();
    let item = json!({
        "type": "simple", "list_id": "known-good", "item_id": "one", "name": "Known", "description": "-",
        "namespace_type": "single",
        "entries": [{"type": "match", "field": "user.name", "operator": "included", "value": "alice"}],
    });
    let rule = json!({
        "rule_id": "other", "name": "Other", "description": "-", "type": "query", "query": "event.action: *",
        "language": "kuery", "risk_score": 1, "severity": "low",
    });
    sandbox.write("export.ndjson", format!("{rule}\n{item}\n"));
    let hunted = hunt(&sandbox, &["--exceptions", "export.ndjson"]);
    assert_eq!(users(&hunted), ["bob", "mallory"]);
    let text = "export.ndjson: 1 rule is left out: only exceptions are taken from this file";
    assert!(hunted.stderr.contains(text), "{}", hunted.stderr);
    let both = hunt(&sandbox, &["--rules", "export.ndjson"]);
    assert_eq!(users(&both).len(), 2 + 3, "the other rule finds all three");

    sandbox.write("rule.ndjson", rule.to_string());
    let nothing = hunt(&sandbox, &["--exceptions", "rule.ndjson"]);
    assert_eq!(nothing.status, 3);
    assert!(
        nothing.stderr.contains("no exception lists and no value lists in rule.ndjson"),
        "{}",
        nothing.stderr
    );
}

#[test]
fn value_lists_are_files_with_a_value_a_line() {
    let sandbox = sandbox();
    sandbox.write("lists/known.toml", toml("known-good", "", r#"{ field = "source.ip", list = "offices" }"#));
    let missing = hunt(&sandbox, &["--exceptions", "lists"]);
    assert_eq!(users(&missing).len(), 3);
    let text = "the exception `Known` does not apply: the value list `offices` was not loaded";
    assert!(missing.stderr.contains(text), "{}", missing.stderr);

    sandbox.write("ours", "10.0.0.0/8\n192.0.2.1-192.0.2.20\n");
    for given in ["offices:ip_range=ours", "offices=ours"] {
        let hunted = hunt(&sandbox, &["--exceptions", "lists", "--value-list", given]);
        assert_eq!(users(&hunted), ["mallory"], "{given}");
        assert!(hunted.stderr.contains("list     offices (2 values)"), "{}", hunted.stderr);
    }
    let explained = sandbox.run(&[
        "explain",
        "own.toml",
        "logs/a.json.gz",
        "--exceptions",
        "lists",
        "--value-list",
        "offices=ours",
    ]);
    let text = r#"takes it out: source.ip is in the value list "offices" (2 values) (seen: 10.1.2.3)"#;
    assert!(explained.stdout.contains(text), "{}", explained.stdout);

    // A name of this form makes it a value list by itself, beside the list that needs it.
    sandbox.write("lists/offices.ip_range.txt", "10.0.0.0/8\n");
    assert_eq!(users(&hunt(&sandbox, &["--exceptions", "lists"])), ["bob", "mallory"]);
    assert_eq!(users(&hunt(&sandbox, &["--rules", "lists"])), ["bob", "mallory"]);
    let checked = sandbox.run(&["rule", "check", "lists"]);
    let expected = "0 rules in 2 files\n1 exception list with 1 item, 1 value list\n";
    assert!(checked.stdout.starts_with(expected), "{}", checked.stdout);
    assert_eq!(checked.status, 0);

    for (given, text) in [
        ("offices=gone", "cannot read the value list gone"),
        ("lists", "--exceptions reads value lists in folders"),
        ("offices:ips=ours", "`ips` is no type of a value list"),
    ] {
        let failed = hunt(&sandbox, &["--value-list", given]);
        assert!(failed.status != 0 && failed.stderr.contains(text), "{given}: {}", failed.stderr);
    }
}

#[test]
fn a_long_value_list_is_no_burden() {
    let sandbox = sandbox();
    let mut values: Vec<String> = (0..100_000).map(|number| format!("user-{number}")).collect();
    values.push("alice".to_owned());
    sandbox.write("users.keyword.txt", values.join("\n"));
    sandbox.write("known.toml", toml("known-good", "", r#"{ field = "user.name", list = "users" }"#));
    let hunted = hunt(&sandbox, &["--exceptions", "known.toml", "--value-list", "users.keyword.txt"]);
    assert_eq!(users(&hunted), ["bob", "mallory"]);
    assert!(hunted.stderr.contains("list     users (100,001 values)"), "{}", hunted.stderr);
}

#[test]
fn faults_of_exceptions_are_shown_at_their_place() {
    let sandbox = sandbox();
    let text = "\
[[exception_list]]
list_id = \"known-good\"

[[exception_list.item]]
name = \"First\"
entries = [{ field = \"user.nmae\", value = \"x\" }, { field = \"source.ip\", value = \"localhost\" }]

[[exception_list.item]]
name = \"Second\"
expires = 2026-01-01
entries = [{ field = \"user.name\", operator = \"includes\", value = \"x\" }]
";
    sandbox.write("known.toml", text);
    sandbox.write("offices.ip.txt", "10.0.0.1\nten\n");
    let checked = sandbox.run(&["rule", "check", "known.toml", "offices.ip.txt"]);
    assert_eq!(checked.status, 2);
    for expected in [
        "error[query::literal]: the exception `First` does not apply: `localhost` can be no value of `source.ip`",
        "--> known.toml:4:1",
        "warning[rule::unknown-field]: no field is named `user.nmae`\n --> known.toml:6:22",
        "warning[rule::unknown-key]: `expires` is no key of exception items\n  --> known.toml:10:1",
        "error[rule::bad-value]: `entries[0].operator` is neither `included` nor `excluded`\n  --> known.toml:11:46",
        "error[rule::bad-value]: `ten` is no address and no range of addresses\n --> offices.ip.txt:2:1",
        "1 exception list with 1 item, 1 value list",
    ] {
        assert!(checked.stdout.contains(expected), "{expected}\nis not in\n{}", checked.stdout);
    }
    // What could be read applies, and the rest is in the account.
    let hunted = hunt(&sandbox, &["--exceptions", "known.toml"]);
    assert_eq!((users(&hunted).len(), hunted.status), (3, 2));
    assert!(hunted.stderr.contains("known.toml"), "{}", hunted.stderr);
}
