//! Inputs with something wrong: what is good in them counts, what is not is in the account.

use serde_json::Value;

use crate::sandbox::{Run, Sandbox, gzip, kms_record, log_file, run};

fn hunt(sandbox: &Sandbox) -> Run {
    sandbox.hunt(&["logs", "--format", "ndjson", "--dead-letter", "dead.ndjson"])
}

fn dead_letter(sandbox: &Sandbox) -> Vec<Value> {
    let text = std::fs::read_to_string(sandbox.path().join("dead.ndjson")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_truncated_gzip_gives_what_came_before_the_cut() {
    let records: Vec<Value> = (1..=50).map(|number| kms_record("DisableKey", number)).collect();
    let sandbox = Sandbox::new();
    let whole = gzip(&log_file(&records));
    sandbox.write("logs/a.json.gz", &whole[..whole.len() * 9 / 10]);
    let run = hunt(&sandbox);
    assert_eq!(run.status, 0);
    assert_eq!(run.account("inputs"), "1 file: 0 read, 1 partly read, 0 skipped");
    assert!(
        run.stderr.contains("logs/a.json.gz: the gzip stream ends too early, at byte "),
        "{}",
        run.stderr
    );
    let alerts = run.alerts().len();
    assert!((1..50).contains(&alerts), "{alerts}");
    assert_eq!(
        run.account("records"),
        format!("{} in = {alerts} events + 0 duplicates + 1 dropped", alerts + 1)
            .replace(" 1 events", " 1 event")
    );
    assert_eq!(sandbox.hunt(&["logs", "--strict"]).status, 2);
}

#[test]
fn bad_json_in_the_middle_costs_one_record() {
    let sandbox = Sandbox::new();
    let (first, last) = (kms_record("DisableKey", 1), kms_record("DisableKey", 2));
    let bad = r#"{"eventVersion":"1.11","eventName":}"#;
    sandbox.write("logs/a.json", format!("{first}\n{bad}\n{last}\n"));
    let run = hunt(&sandbox);
    assert_eq!(run.alerts().len(), 2);
    assert_eq!(run.account("records"), "3 in = 2 events + 0 duplicates + 1 dropped");
    let offset = first.to_string().len() as u64 + 1;
    assert!(run.stderr.contains(&format!("logs/a.json: not valid JSON, at byte {offset}")), "{}", run.stderr);
    assert!(
        run.stderr.contains("kept     1 entry of what could not be read, in dead.ndjson"),
        "{}",
        run.stderr
    );
    let letters = dead_letter(&sandbox);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["input"], "logs/a.json");
    assert_eq!(letters[0]["offset"], offset);
    assert_eq!(letters[0]["text"], bad);
}

#[test]
fn what_cannot_be_read_is_skipped_with_a_reason() {
    let sandbox = Sandbox::with_records(&[kms_record("DisableKey", 1)]);
    sandbox.write("logs/empty.json.gz", b"");
    sandbox.write("logs/notes.txt", b"Remember the milk.\n");
    sandbox.write("logs/other.json", br#"{"name":"package","version":"1.0.0"}"#);
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", sandbox.path().join("logs/dangling.json")).unwrap();
    let run = hunt(&sandbox);
    assert_eq!(run.status, 0);
    assert_eq!(run.alerts().len(), 1);
    for line in
        ["logs/empty.json.gz: empty", "logs/notes.txt: not JSON", "logs/other.json: no CloudTrail records"]
    {
        assert!(run.stderr.contains(line), "{line} in {}", run.stderr);
    }
    #[cfg(unix)]
    {
        assert!(run.stderr.contains("logs/dangling.json: unreadable: "), "{}", run.stderr);
        assert_eq!(run.account("inputs"), "5 files: 1 read, 0 partly read, 4 skipped");
    }
}

#[test]
fn text_that_is_no_utf8_costs_its_record_only() {
    let sandbox = Sandbox::new();
    let mut bytes = kms_record("DisableKey", 1).to_string().into_bytes();
    bytes.extend(b"\n{\"eventVersion\":\"1.11\",\"userIdentity\":{},\"eventName\":\"\xff\xfe\"}\n");
    bytes.extend(kms_record("DisableKey", 2).to_string().into_bytes());
    sandbox.write("logs/a.json", bytes);
    let run = hunt(&sandbox);
    assert_eq!(run.alerts().len(), 2);
    assert_eq!(run.account("records"), "3 in = 2 events + 0 duplicates + 1 dropped");
    assert!(dead_letter(&sandbox)[0]["base64"].is_string());
}

#[test]
fn an_event_that_was_delivered_twice_counts_once() {
    let sandbox = Sandbox::with_records(&[kms_record("DisableKey", 1), kms_record("DisableKey", 2)]);
    sandbox.write("logs/b.json", log_file(&[kms_record("DisableKey", 2), kms_record("DisableKey", 3)]));
    let run = hunt(&sandbox);
    assert_eq!(run.alerts().len(), 3);
    assert_eq!(run.account("records"), "4 in = 3 events + 1 duplicate + 0 dropped");
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let run = Sandbox::new().hunt(&["no-such-folder"]);
    assert_eq!((run.stdout.as_str(), run.status), ("", 3));
    assert!(run.stderr.contains("no such file or folder: no-such-folder"), "{}", run.stderr);
}

#[test]
fn events_without_a_time_are_counted_and_looked_at() {
    let (mut without, mut unreadable) = (kms_record("DisableKey", 1), kms_record("DisableKey", 2));
    without.as_object_mut().unwrap().remove("eventTime");
    unreadable["eventTime"] = "yesterday".into();
    let sandbox = Sandbox::with_records(&[without, unreadable, kms_record("DescribeKey", 3)]);
    let run = sandbox.hunt(&["logs", "--to", "2026-03-11"]);
    assert_eq!(
        run.account("events"),
        "first 2026-03-10T10:03:00Z, last 2026-03-10T10:03:00Z; 2 events without a readable time, looked at \
         whatever the range"
    );
    assert!(run.stdout.contains("\n2 alerts: 2 medium\n"), "{}", run.stdout);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_when_it_is_given_by_its_path() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.hunt_command(&["/dev/stdin", "--format", "ndjson"]);
    let run = run(command.write_stdin(log_file(&[kms_record("DisableKey", 1)])));
    assert_eq!(run.alerts().len(), 1, "{}", run.stderr);
}

#[test]
fn the_cap_on_an_input_can_be_set() {
    let records: Vec<Value> = (1..=50).map(|number| kms_record("DisableKey", number)).collect();
    let sandbox = Sandbox::with_records(&records);
    let capped = sandbox.hunt(&["logs", "--max-input-bytes", "10KiB", "--format", "ndjson"]);
    assert_eq!(capped.account("inputs"), "1 file: 0 read, 1 partly read, 0 skipped");
    assert!((1..50).contains(&capped.alerts().len()), "{}", capped.stderr);
    let whole = sandbox.hunt(&["logs", "--max-input-bytes", "1MiB", "--format", "ndjson"]);
    assert_eq!(whole.alerts().len(), 50);
}
