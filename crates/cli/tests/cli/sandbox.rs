//! A folder for one test, the CloudTrail records in it, and the command run there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What counts as now in every test.
pub(crate) const NOW: &str = "2026-03-11T00:00:00Z";

/// The two founding rules and no others, so that what a test counts does not change with the pack.
const FOUNDING_RULES: [&str; 5] = [
    "--no-builtin-rules",
    "--rules",
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../rules/aws_kms_customer_managed_key_disabled_or_scheduled_for_deletion.toml"
    ),
    "--rules",
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/aws_kms_imported_key_material_deleted.toml"),
];

/// A folder that goes away with the test.
pub(crate) struct Sandbox {
    folder: TempDir,
}

/// What a run of the command gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: i32,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, with the folders on its way.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A sandbox with one delivery of these records in `logs/a.json.gz`.
    pub(crate) fn with_records(records: &[Value]) -> Self {
        let sandbox = Self::new();
        sandbox.write("logs/a.json.gz", gzip(&log_file(records)));
        sandbox
    }

    /// The command in this folder, at [`NOW`], without the settings of whoever runs the tests.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
        command.current_dir(self.path()).args(args).env("BARTIZAN_NOW", NOW);
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(variable);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        run(&mut self.command(args))
    }

    /// A hunt with the two founding rules alone.
    pub(crate) fn hunt(&self, args: &[&str]) -> Run {
        run(&mut self.hunt_command(args))
    }

    pub(crate) fn hunt_command(&self, args: &[&str]) -> Command {
        self.command(&[&["hunt"], &FOUNDING_RULES[..], args].concat())
    }
}

pub(crate) fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        status: output.status.code().unwrap(),
    }
}

impl Run {
    /// The line that starts with a label of the account, such as `records`, without that label.
    #[track_caller]
    pub(crate) fn account(&self, label: &str) -> &str {
        let lines = || self.stdout.lines().chain(self.stderr.lines());
        let found = lines().find_map(|line| line.strip_prefix("  ")?.strip_prefix(label)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no line `{label}` in {self:#?}")).trim()
    }

    /// The alerts of a run with `--format ndjson`.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A KMS call by a user, as CloudTrail records it, without a user agent, whose parser takes a second to get ready in
/// unoptimised builds. The number makes the event's id; it happens so many minutes after
/// ten o'clock.
pub(crate) fn kms_record(action: &str, number: u32) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::111122223333:user/mallory",
            "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLE", "userName": "mallory"
        },
        "eventTime": format!("2026-03-10T10:{number:02}:00Z"),
        "eventSource": "kms.amazonaws.com",
        "eventName": action,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.7",
        "requestParameters": {"keyId": "1234abcd-12ab-34cd-56ef-1234567890ab"},
        "responseElements": null,
        "requestID": "00000000-0000-4000-8000-000000000000",
        "eventID": event_id(number),
        "readOnly": false,
        "resources": [{
            "accountId": "111122223333", "type": "AWS::KMS::Key",
            "ARN": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        }],
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management"
    })
}

pub(crate) fn event_id(number: u32) -> String {
    format!("11111111-2222-4333-8444-{number:012}")
}

/// `{"Records":[…]}`
pub(crate) fn log_file(records: &[Value]) -> Vec<u8> {
    serde_json::to_vec(&json!({ "Records": records })).unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A rule file with this id, type and language, and a query that stands in line 14.
pub(crate) fn rule_file(rule_id: &str, name: &str, kind: &str, language: &str, query: &str) -> String {
    format!(
        r#"[metadata]
creation_date = "2026/01/01"
maturity = "production"
updated_date = "2026/01/01"

[rule]
author = ["A team"]
description = "A rule of the tests."
from = "now-6m"
index = ["logs-aws.cloudtrail-*"]
language = "{language}"
license = "Apache-2.0"
name = "{name}"
query = '{query}'
risk_score = 73
rule_id = "{rule_id}"
severity = "high"
type = "{kind}"
"#
    )
}

/// A rule of the one type that cannot be run yet.
pub(crate) fn rule_that_waits(rule_id: &str, name: &str) -> String {
    let text = rule_file(rule_id, name, "machine_learning", "kuery", "");
    let own = "anomaly_threshold = 50\nmachine_learning_job_id = [\"job\"]";
    let without = |line: &&str| !["index", "language", "query"].iter().any(|key| line.starts_with(key));
    let kept: Vec<&str> = text.lines().filter(without).collect();
    format!("{}\n{own}\n", kept.join("\n"))
}

/// A rule in ES|QL, which names what it reads in its query.
pub(crate) fn esql_rule(rule_id: &str, name: &str, query: &str) -> String {
    let text = rule_file(rule_id, name, "esql", "esql", query);
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("index")).collect();
    format!("{}\n", kept.join("\n"))
}
