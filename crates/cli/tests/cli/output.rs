//! How output behaves: streams, pipes, colour, spreadsheets, terminals, usage.

use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::sandbox::{NOW, Sandbox, kms_record};

#[test]
fn a_closed_pipe_is_no_failure() {
    let records: Vec<Value> = (0..60).map(|number| kms_record("DisableKey", number)).collect();
    let sandbox = Sandbox::with_records(&records);
    for format in ["ndjson", "json", "csv", "table"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .args(["hunt", "logs", "--format", format, "--now", NOW])
            .current_dir(sandbox.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Nobody will read: whatever is written fails.
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{format}: {stderr}");
        assert!(!stderr.contains("error"), "{format}: {stderr}");
        assert!(!stderr.contains("panicked"), "{format}: {stderr}");
    }
}

#[test]
fn data_goes_to_stdout_and_everything_else_to_stderr() {
    let sandbox = Sandbox::with_records(&[kms_record("DisableKey", 1)]);
    let table = sandbox.hunt(&["logs"]);
    assert!(table.stdout.starts_with("Coverage\n"));
    assert_eq!(table.stderr, "");
    let ndjson = sandbox.hunt(&["logs", "--format", "ndjson"]);
    assert_eq!(ndjson.alerts().len(), 1);
    assert!(ndjson.stderr.starts_with("Coverage\n"), "no progress without a terminal: {}", ndjson.stderr);
    let file = sandbox.hunt(&["logs", "--output", "report.txt"]);
    assert_eq!(file.stdout, "");
    assert_eq!(file.stderr, ndjson.stderr);
    assert_eq!(std::fs::read_to_string(sandbox.path().join("report.txt")).unwrap(), table.stdout);
}

#[test]
fn colour_is_for_those_who_want_it() {
    let sandbox = Sandbox::with_records(&[kms_record("DisableKey", 1)]);
    let plain = sandbox.hunt(&["logs"]).stdout;
    assert!(!plain.contains('\u{1b}'));
    let colored = sandbox.hunt(&["logs", "--color", "always"]).stdout;
    assert!(colored.contains("\u{1b}["));
    let mut without = sandbox.hunt_command(&["logs"]);
    let without = crate::sandbox::run(without.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1"));
    assert_eq!(without.stdout, plain);
}

#[test]
fn no_cell_of_a_csv_starts_a_formula() {
    let mut record = kms_record("DisableKey", 1);
    record["userAgent"] = json!("=HYPERLINK(\"http://evil.example\",\"a\")");
    record["userIdentity"]["userName"] = json!("@mallory, \"the\" user");
    let run = Sandbox::with_records(&[record]).hunt(&["logs", "--format", "csv"]);
    assert!(run.stdout.contains(r#","'=HYPERLINK(""http://evil.example"",""a"")","#), "{}", run.stdout);
    assert!(run.stdout.contains(r#","'@mallory, ""the"" user","#), "{}", run.stdout);
    assert_eq!(run.stdout.lines().count(), 2);
}

#[test]
fn no_cell_of_a_csv_moves_a_cursor() {
    let mut record = kms_record("DisableKey", 1);
    record["userIdentity"]["userName"] = json!("mal\u{1b}[2Jlory\n\u{202e}x");
    let run = Sandbox::with_records(&[record]).hunt(&["logs", "--format", "csv"]);
    assert!(!run.stdout.contains(['\u{1b}', '\u{202e}']), "{}", run.stdout);
    assert!(run.stdout.contains(",mal\\u{1b}[2Jlory\\n\\u{202e}x,"), "{}", run.stdout);
    assert_eq!(run.stdout.lines().count(), 2);
}

#[test]
fn what_a_terminal_would_act_on_is_not_passed_on() {
    let mut record = kms_record("DisableKey", 1);
    record["userIdentity"]["arn"] = json!("arn:aws:iam::111122223333:user/\u{1b}]0;owned\u{7}\u{202e}x");
    record["awsRegion"] = json!("eu\u{1b}[2J");
    let run = Sandbox::with_records(&[record]).hunt(&["logs"]);
    assert!(!run.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{}", run.stdout);
    assert!(run.stdout.contains("user/\\u{1b}]0;owned\\u{7}\\u{202e}x"), "{}", run.stdout);
}

#[test]
fn wrong_usage_is_told_on_stderr() {
    let sandbox = Sandbox::with_records(&[kms_record("DisableKey", 1)]);
    for args in [
        &["hunt"][..],
        &["hunt", "logs", "--no-such-flag"],
        &["hunt", "logs", "--severity", "huge"],
        &["hunt", "logs", "--format", "xml"],
        &["no-such-command"],
        &[],
        &["rule", "show", "no such rule"],
        &["rule", "check", "no-such-file.toml"],
        &["hunt", ".", "--rules", "no-such-folder"],
        &["hunt", ".", "--geoip-city", "no-such-file"],
        &["hunt", ".", "--output", "no/such/folder/out.csv"],
        &["hunt", ".", "--output", "x", "--dead-letter", "x"],
        &["hunt", ".", "--output", "x", "--report", "x"],
        &["hunt", ".", "--report", "x", "--dead-letter", "x"],
        &["hunt", ".", "--max-input-bytes", "0"],
        &["hunt", ".", "--max-input-bytes", "2 gallons"],
    ] {
        let run = sandbox.run(args);
        assert_eq!((run.stdout.as_str(), run.status), ("", 3), "{args:?}: {}", run.stderr);
        assert!(!run.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn a_report_is_never_written_over_evidence() {
    let sandbox = Sandbox::with_records(&[kms_record("DisableKey", 1)]);
    let logs = sandbox.path().join("logs");
    let file = std::fs::read_dir(&logs).unwrap().next().unwrap().unwrap().path();
    let before = std::fs::read(&file).unwrap();
    let name = file.strip_prefix(sandbox.path()).unwrap().to_str().unwrap();
    for path in [name, "logs"] {
        let run = sandbox.run(&["hunt", path, "--report", name]);
        assert_eq!((run.stdout.as_str(), run.status), ("", 3), "{}", run.stderr);
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
    // Its own earlier report is: it is left out of what is read, and that is said.
    for _ in 0..2 {
        let run = sandbox.run(&["hunt", "logs", "--report", "logs/report.html"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(run.stdout.contains("1 event"), "{}", run.stdout);
    }
    assert!(sandbox.run(&["hunt", "logs", "--report", "logs/report.html"]).stdout.contains("left out"));
}

#[test]
fn an_earlier_case_is_no_evidence_for_the_next() {
    let sandbox = Sandbox::with_records(&[kms_record("DisableKey", 1)]);
    let events = |run: &str| run.lines().find(|line| line.contains("records")).map(str::to_owned);
    let first = sandbox.run(&["hunt", "logs", "--case", "logs/case"]);
    let second = sandbox.run(&["hunt", "logs"]);
    assert_eq!(events(&first.stdout), events(&second.stdout), "{}", second.stdout);
    assert!(second.stdout.contains("logs/case: the case folder of an earlier hunt"), "{}", second.stdout);
    // Unless it is asked for.
    let records = sandbox.run(&["hunt", "logs/case/records"]);
    assert!(!records.stdout.contains("left out"), "{}", records.stdout);
}

#[test]
fn errors_name_their_causes() {
    let run = Sandbox::new().run(&["hunt", ".", "--rules", "no-such-folder"]);
    assert!(
        run.stderr
            .starts_with("error: cannot load rules\n  because: cannot read no-such-folder\n  because: "),
        "{}",
        run.stderr
    );
}

#[test]
fn help_version_and_completions_are_data() {
    let sandbox = Sandbox::new();
    let version = sandbox.run(&["--version"]);
    assert_eq!(
        (version.stdout.as_str(), version.status),
        (concat!("bartizan ", env!("CARGO_PKG_VERSION"), "\n"), 0)
    );
    let help = sandbox.run(&["hunt", "--help"]);
    assert_eq!((help.stderr.as_str(), help.status), ("", 0));
    assert!(help.stdout.contains("bartizan hunt ./AWSLogs"), "{}", help.stdout);
    assert!(!help.stdout.contains("--now"), "{}", help.stdout);
    for (shell, text) in
        [("bash", "_bartizan()"), ("zsh", "#compdef bartizan"), ("fish", "complete -c bartizan")]
    {
        let run = sandbox.run(&["completions", shell]);
        assert_eq!((run.stderr.as_str(), run.status), ("", 0));
        assert!(run.stdout.contains(text), "{shell}");
    }
}
