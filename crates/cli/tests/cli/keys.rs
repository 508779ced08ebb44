//! `bartizan keys`: every key that the logs name, and one key's life.

use serde_json::Value;

use crate::sandbox::Sandbox;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/894af375-a52f-4d5a-a92d-9d9c279b1489";

fn logs() -> Sandbox {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["demo", "--dir", "demo"]).status, 0);
    sandbox
}

#[test]
fn every_key_is_listed_with_its_state_and_clock() {
    let sandbox = logs();
    let run = sandbox.run(&["keys", "demo", "--at", "2026-03-10T14:00:00Z"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("148 events"), "{}", run.stdout);
    assert!(run.stdout.contains("PendingImport (recorded)"), "{}", run.stdout);
    let run = sandbox.run(&["keys", "demo", "--at", "2026-03-10T14:00:00Z", "--format", "json"]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    let keys = answer["keys"].as_array().unwrap();
    let of = |state: &str| keys.iter().filter(|key| key["state"] == state).count();
    assert_eq!((of("PendingImport"), of("PendingDeletion"), of("Disabled")), (3, 1, 1), "{answer}");
    let pending = keys.iter().find(|key| key["state"] == "PendingDeletion").unwrap();
    assert_eq!(pending["clocks"][0]["kind"], "deletion", "{pending}");
    assert!(pending["clocks"][0]["seconds_left"].as_i64().unwrap() > 6 * 86_400, "{pending}");
}

#[test]
fn one_key_shows_its_life_and_what_depends_on_it() {
    let sandbox = logs();
    for name in [KEY, "894af375-a52f-4d5a-a92d-9d9c279b1489"] {
        let run = sandbox.run(&["keys", "show", name, "demo", "--at", "2026-03-10T14:00:00Z"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        for part in [KEY, "PendingImport", "timeline", "depends on it", "example-orders-archive"] {
            assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
        }
    }
    let run = sandbox.run(&["keys", "show", "alias/nobody", "demo"]);
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains("no event names the key alias/nobody"), "{}", run.stderr);
}

#[test]
fn a_report_and_a_case_are_written() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["demo", "--report", "report.html", "--case", "case"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let page = std::fs::read_to_string(sandbox.path().join("report.html")).unwrap();
    assert!(
        page.contains("AWS KMS Imported Key Material Deleted") && page.contains("Questions of the guide")
    );
    let manifest = std::fs::read_to_string(sandbox.path().join("case/manifest.sha256")).unwrap();
    for file in ["alerts.ndjson", "timeline.csv", "ocsf.ndjson", "report.json", "records/index.csv"] {
        assert!(manifest.contains(file), "{manifest}");
    }
    let index = std::fs::read_to_string(sandbox.path().join("case/records/index.csv")).unwrap();
    assert!(index.lines().count() > 10, "{index}");
    // Again into the same folder is the same case; into a folder of somebody else it is refused.
    assert_eq!(sandbox.run(&["demo", "--case", "case"]).status, 0);
    sandbox.write("mine/notes.txt", "mine");
    let run = sandbox.run(&["demo", "--case", "mine"]);
    assert_eq!(run.status, 3, "{}", run.stderr);
}
