//! `bartizan lake`: what goes in, in which account it ends, and what questions get from it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::{Run, Sandbox, event_id, gzip, kms_record, log_file};

/// Five calls in one delivery, the last of them twice; a file of ECS documents; and one that is no log.
fn sandbox() -> Sandbox {
    let actions = ["DescribeKey", "DisableKey", "ScheduleKeyDeletion", "DescribeKey", "GenerateDataKey"];
    let mut records: Vec<Value> =
        actions.into_iter().zip(0..).map(|(action, number)| kms_record(action, number)).collect();
    records.push(kms_record("GenerateDataKey", 4));
    let sandbox = Sandbox::with_records(&records);
    let document = |number: u32, user: &str| {
        json!({
            "@timestamp": format!("2026-03-10T11:{number:02}:00Z"),
            "event": {"id": format!("okta-{number}"), "action": "user.session.start", "category": ["authentication"]},
            "data_stream": {"type": "logs", "dataset": "okta.system", "namespace": "default"},
            "user": {"name": user},
        })
    };
    let lines = format!("{}\n{}\nno JSON\n", document(0, "mallory"), document(1, "alice"));
    sandbox.write("logs/okta.ndjson", lines);
    sandbox.write("logs/picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\0".as_slice());
    sandbox
}

fn ingest(sandbox: &Sandbox) -> Run {
    let run = sandbox.run(&["lake", "ingest", "logs", "--lake", "lake"]);
    assert_eq!(run.status, 0, "{run:#?}");
    run
}

fn query(sandbox: &Sandbox, args: &[&str]) -> Run {
    let run = sandbox.run(&[&["lake", "query", "--lake", "lake"], args].concat());
    assert_eq!(run.status, 0, "{run:#?}");
    run
}

/// Every file of the lake but those that opening it makes anew, with its bytes.
fn files(sandbox: &Sandbox) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<(PathBuf, Vec<u8>)> = walkdir::WalkDir::new(sandbox.path().join("lake/streams"))
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn every_record_ends_in_the_account_and_again_changes_nothing() {
    let sandbox = sandbox();
    let first = ingest(&sandbox);
    assert_eq!(first.account("inputs"), "3 files: 1 read, 1 partly read, 1 skipped");
    assert_eq!(first.account("records"), "9 in = 7 events + 1 duplicate + 1 dropped");
    assert_eq!(first.account("events"), "first 2026-03-10T10:00:00Z, last 2026-03-10T11:01:00Z");
    assert_eq!(first.account("accounts"), "111122223333 (5)");
    assert!(first.stdout.contains("logs-aws.cloudtrail-default: 5 events new"), "{first:#?}");
    assert!(first.stdout.contains("logs-okta.system-default: 2 events new"), "{first:#?}");

    let before = files(&sandbox);
    let again = ingest(&sandbox);
    assert_eq!(again.account("records"), "9 in = 0 events + 8 duplicates + 1 dropped");
    assert_eq!(again.account("lake"), "nothing new");
    assert_eq!(files(&sandbox), before);
}

#[test]
fn the_account_can_be_had_as_json_and_strictly() {
    let sandbox = sandbox();
    let run = sandbox.run(&[
        "lake",
        "ingest",
        "logs",
        "--lake",
        "lake",
        "--format",
        "json",
        "--strict",
        "--dead-letter",
        "dead.ndjson",
    ]);
    assert_eq!(run.status, 2, "{run:#?}");
    let account: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(account["records"]["events"], 7);
    assert_eq!(account["lake"]["appended"]["logs-okta.system-default"], 2);
    assert!(account.get("rules").is_none());
    let dead = fs::read_to_string(sandbox.path().join("dead.ndjson")).unwrap();
    assert!(dead.contains("no JSON"), "{dead}");
}

#[test]
fn many_small_files_are_accounted_for_one_by_one() {
    let sandbox = Sandbox::new();
    for number in 0..1_200 {
        // Every other file is a copy of the one before it.
        let record = kms_record("DescribeKey", number / 2 % 60);
        let record = match record {
            Value::Object(mut map) => {
                map.insert("eventID".into(), event_id(number / 2).into());
                Value::Object(map)
            }
            other => other,
        };
        sandbox.write(&format!("logs/{number:04}.json.gz"), gzip(&log_file(&[record])));
    }
    let run = ingest(&sandbox);
    assert_eq!(run.account("inputs"), "1,200 files: 1,200 read, 0 partly read, 0 skipped");
    assert_eq!(run.account("records"), "1,200 in = 600 events + 600 duplicates + 0 dropped");
}

#[test]
fn a_lake_among_the_logs_is_not_read() {
    let sandbox = sandbox();
    ingest(&sandbox);
    let run = sandbox.run(&["lake", "ingest", ".", "--lake", "lake"]);
    assert_eq!(run.account("records"), "9 in = 0 events + 8 duplicates + 1 dropped");
    assert!(run.stdout.contains("left out     lake"), "{run:#?}");
}

#[test]
fn the_documents_are_those_of_a_hunt() {
    let sandbox = sandbox();
    ingest(&sandbox);
    let hits = query(&sandbox, &["event.action: DisableKey", "--format", "ndjson"]);
    let hit: Value = serde_json::from_str(hits.stdout.trim()).unwrap();
    assert_eq!(hit["_index"], "logs-aws.cloudtrail-default");
    assert_eq!(hit["_id"], format!("{}@111122223333", event_id(1)));
    let source = &hit["_source"];
    assert_eq!(source["log"]["file"]["path"], "logs/a.json.gz");
    assert_eq!(source["event"]["ingested"], "2026-03-11T00:00:00.000Z");
    assert!(source["event"]["original"].as_str().unwrap().contains("DisableKey"));

    // What a query gives can be hunted through, with the alerts of a hunt through the logs.
    let all = query(&sandbox, &["*", "--format", "ndjson", "--limit", "0"]);
    sandbox.write("export/all.ndjson", all.stdout);
    let ids = |path: &str| {
        let mut ids: Vec<String> = sandbox
            .hunt(&[path, "--format", "ndjson"])
            .alerts()
            .iter()
            .map(|alert| alert["kibana.alert.uuid"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(ids("export"), ids("logs"));
    assert_eq!(ids("logs").len(), 2);
}

#[test]
fn each_language_finds_what_it_asks_for() {
    let sandbox = sandbox();
    ingest(&sandbox);
    for (args, expected) in [
        (
            &["user.name: mallory and not event.action: Describe*", "--fields", "event.action"][..],
            &["DisableKey", "ScheduleKeyDeletion", "GenerateDataKey", "user.session.start"][..],
        ),
        (&["*", "--index", "logs-okta.*", "--fields", "user.name"], &["mallory", "alice"]),
        (
            &[
                "*",
                "--from",
                "2026-03-10T10:01:00Z",
                "--to",
                "2026-03-10T10:03:00Z",
                "--fields",
                "event.action",
            ],
            &["DisableKey", "ScheduleKeyDeletion"],
        ),
        (&["*", "--from", "2026-03-10", "--to", "2026-03-11", "--ingested", "--fields", "_id"], &[]),
        (
            &["--language", "eql", "authentication where user.name : \"ALICE\"", "--fields", "event.id"],
            &["okta-1"],
        ),
        (
            &[
                "--language",
                "esql",
                "FROM logs-aws* | STATS n = COUNT(*) BY event.action | WHERE n > 1 | KEEP event.action",
            ],
            &["DescribeKey"],
        ),
        (
            &[
                "--language",
                "esql",
                "FROM logs-* | WHERE user.name == \"alice\" | KEEP event.action",
                "--to",
                "2026-03-10T11:01:00Z",
            ],
            &[],
        ),
        (
            &["--language", "sql", "SELECT \"event.action\" FROM events WHERE \"user.name\" = 'alice'"],
            &["user.session.start"],
        ),
        (&["--language", "sql", "SELECT count(*) FROM \"logs-aws.cloudtrail-default\""], &["5"]),
        (&["--language", "sql", "SELECT count(*) FROM \"logs-*\"", "--from", "2026-03-10T11:00:00Z"], &["2"]),
        (
            &["--language", "sql", "SELECT DISTINCT _index FROM events ORDER BY 1"],
            &["logs-aws.cloudtrail-default", "logs-okta.system-default"],
        ),
        (
            &[
                "--language",
                "sql",
                "SELECT \"event.id\" FROM events WHERE array_has(\"event.category\", 'authentication') ORDER BY \"@timestamp\" DESC",
            ],
            &["okta-1", "okta-0"],
        ),
    ] {
        let run = query(&sandbox, &[args, &["--format", "csv"]].concat());
        let rows: Vec<&str> = run.stdout.lines().skip(1).collect();
        assert_eq!(rows, expected, "{args:?} {run:#?}");
    }
}

#[test]
fn rows_beyond_the_limit_are_told_of() {
    let sandbox = sandbox();
    ingest(&sandbox);
    for args in
        [&["*"][..], &["--language", "esql", "FROM logs-*"], &["--language", "sql", "SELECT _id FROM events"]]
    {
        let run = query(&sandbox, &[args, &["--limit", "3", "--format", "ndjson"]].concat());
        assert_eq!(run.stdout.lines().count(), 3, "{args:?}");
        assert!(run.stderr.contains("--limit 0 gives all"), "{run:#?}");
        let run = query(&sandbox, &[args, &["--limit", "7", "--format", "ndjson"]].concat());
        assert_eq!((run.stdout.lines().count(), &*run.stderr), (7, ""), "{args:?}");
    }
}

#[test]
fn a_table_is_for_people() {
    let sandbox = sandbox();
    ingest(&sandbox);
    let run = query(&sandbox, &["event.action: (DisableKey or user.session.start) and user.name: mallory"]);
    let mut lines = run.stdout.lines();
    assert!(lines.next().unwrap().starts_with("@timestamp"), "{run:#?}");
    let first = lines.next().unwrap();
    assert!(first.contains("111122223333:user/mallory") && first.contains("203.0.113.7"), "{run:#?}");
    assert!(lines.next().unwrap().contains("user.session.start"), "{run:#?}");
    let nobody = query(&sandbox, &["user.name: nobody"]);
    assert_eq!((nobody.stdout.as_str(), nobody.stderr.as_str()), ("no rows\n", ""));
    // A slip is told; fields that only the lake knows, and what stands above fields, are none.
    let slip = query(&sandbox, &["evnt.action: DisableKey"]);
    assert!(slip.stderr.contains("`evnt.action`; did you mean `event.action`?"), "{slip:#?}");
    assert_eq!(query(&sandbox, &["user: * and bartizan.evidence.x: *"]).stderr.lines().count(), 1);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let sandbox = sandbox();
    ingest(&sandbox);
    for (args, said) in [
        (&["event.action: ("][..], "query:1:"),
        (&["--language", "eql", "sequence [any where true] [any where true]"], "single events"),
        (&["--language", "eql", "any where true | head 2"], "pipes"),
        (&["--language", "esql", "FROM logs-* | WHERE"], "query:1:"),
        (&["--language", "sql", "SELECT * FROM \"logs-nothing\""], "logs-okta.system-default"),
        (&["--language", "sql", "CREATE TABLE a AS SELECT 1"], "cannot be run"),
        (&["--language", "sql", "SET a.b = 1"], "cannot be run"),
        (&["--language", "sql", "SELECT 1", "--index", "a"], "--index"),
        (&["*", "--index", "logs-nothing"], "no data stream"),
        (&["*", "--from", "2026-03-11", "--to", "2026-03-10"], "not before"),
    ] {
        let run = sandbox.run(&[&["lake", "query", "--lake", "lake"], args].concat());
        assert_eq!((run.status, &*run.stdout), (3, ""), "{args:?} {run:#?}");
        assert!(run.stderr.contains(said), "{args:?} {run:#?}");
    }
}

#[test]
fn a_mistyped_folder_is_no_empty_lake() {
    let sandbox = Sandbox::new();
    for args in [&["info"][..], &["compact"], &["query", "*"]] {
        let run = sandbox.run(&[&["lake"], args, &["--lake", "lkae"]].concat());
        assert_eq!(run.status, 3, "{run:#?}");
        assert!(run.stderr.contains("no lake in lkae"), "{run:#?}");
        assert!(!sandbox.path().join("lkae").exists());
    }
}

#[test]
fn info_says_what_is_there() {
    let sandbox = sandbox();
    ingest(&sandbox);
    let run = sandbox.run(&["lake", "info", "--lake", "lake"]);
    let line = run.stdout.lines().find(|line| line.starts_with("logs-aws.cloudtrail-default")).unwrap();
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(cells[1..4], ["5", "0", "1"], "{run:#?}");
    assert_eq!(cells[cells.len() - 2..], ["2026-03-10T10:00:00Z", "2026-03-10T10:04:00Z"]);
    let run = sandbox.run(&["lake", "info", "--lake", "lake", "--format", "json"]);
    let info: Value = serde_json::from_str(&run.stdout).unwrap();
    let streams = info["data_streams"].as_array().unwrap();
    assert_eq!(streams.len(), 2);
    assert_eq!(streams[1]["columns"]["event.category"], json!({"type": "keyword", "list": true}));
}

#[test]
fn compaction_keeps_every_event_and_retention_drops_the_old() {
    let sandbox = Sandbox::new();
    for number in 0..4 {
        sandbox.write("logs/a.json.gz", gzip(&log_file(&[kms_record("DescribeKey", number)])));
        ingest(&sandbox);
    }
    let compact = |now: &str, args: &[&str]| {
        let run = sandbox
            .run(&[&["--now", now, "lake", "compact", "--lake", "lake", "--format", "json"], args].concat());
        assert_eq!(run.status, 0, "{run:#?}");
        serde_json::from_str::<Value>(&run.stdout).unwrap()
    };
    let parquet = || {
        files(&sandbox).iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "parquet")).count()
    };
    assert_eq!(
        compact("2026-03-11T01:00:00Z", &[])["compacted"],
        json!({"replaced": 4, "files": 1, "events": 4})
    );
    assert_eq!(parquet(), 5);
    assert_eq!(compact("2026-03-11T02:00:00Z", &["--keep", "1d"])["deleted"], 4);
    assert_eq!(parquet(), 1);
    assert_eq!(query(&sandbox, &["*", "--format", "ndjson"]).stdout.lines().count(), 4);
    assert_eq!(
        compact("2026-03-12T01:00:00Z", &["--keep", "1d"])["dropped"],
        json!({"files": 1, "events": 4})
    );
    assert_eq!(query(&sandbox, &["*"]).stdout, "no rows\n");
}

#[test]
fn an_ingest_that_is_killed_is_made_good_by_the_next() {
    let sandbox = Sandbox::new();
    let (files, each) = (150, 8);
    for file in 0..files {
        let records: Vec<Value> = (0..each)
            .map(|at| {
                let mut record = kms_record("DescribeKey", at);
                record["eventID"] = event_id(file * each + at).into();
                record
            })
            .collect();
        sandbox.write(&format!("logs/{file:04}.json.gz"), gzip(&log_file(&records)));
    }
    for milliseconds in [5, 20, 40, 60, 80, 100, 130, 160, 200, 250] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .current_dir(sandbox.path())
            .args(["lake", "ingest", "logs", "--lake", "lake"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    ingest(&sandbox);
    let run = query(&sandbox, &["*", "--fields", "event.id", "--format", "csv", "--limit", "0"]);
    let mut found: Vec<String> = run.stdout.lines().skip(1).map(str::to_owned).collect();
    found.sort();
    let expected: Vec<String> = (0..files * each).map(event_id).collect();
    assert_eq!(found, expected);
}
