//! `bartizan init aws`: what it makes, that it is no more than needed, and what it refuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

const SMALL: [&str; 6] =
    ["--bucket", "example-cloudtrail", "--account-id", "111122223333", "--region", "eu-west-1"];

const LARGE: [&str; 28] = [
    "--bucket",
    "example-cloudtrail",
    "--prefix",
    "/org/trail/",
    "--account-id",
    "111122223333",
    "--organization",
    "o-abcde12345",
    "--log-account",
    "444455556666",
    "--log-account",
    "777788889999",
    "--queue",
    "new-files",
    "--region",
    "cn-north-1",
    "--kms-key",
    "arn:aws-cn:kms:cn-northwest-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "--delivery",
    "sns",
    "--notification-topic",
    "arn:aws-cn:sns:cn-north-1:111122223333:new-files",
    "--alert-topic",
    "arn:aws-cn:sns:cn-north-1:111122223333:alerts",
    "--lake-bucket",
    "example-lake",
    "--lake-prefix",
    "events",
];

/// What Bartizan calls, and in which call. An action that nothing here needs has no place in the policy.
const ACTIONS_USED: [(&str, &str); 9] = [
    ("s3:GetObject", "sources sqs and s3_prefix read a log file; the lake reads its files"),
    (
        "s3:ListBucket",
        "source s3_prefix lists days; the lake lists its files, and is told that one is missing",
    ),
    ("s3:PutObject", "the lake writes a file"),
    ("s3:DeleteObject", "the lake deletes what was compacted, or is older than its retention"),
    ("sqs:ReceiveMessage", "source sqs"),
    ("sqs:DeleteMessage", "source sqs, after the commit"),
    ("sqs:ChangeMessageVisibility", "source sqs, during long work and to give a message back"),
    ("sqs:GetQueueAttributes", "how many messages wait, asked with the same credentials (docs/deploy.md)"),
    ("kms:Decrypt", "S3 on behalf of sources sqs and s3_prefix, for encrypted log files"),
];
/// The same for connectors.
const ACTIONS_OF_CONNECTORS: [(&str, &str); 1] = [("sns:Publish", "connector sns")];

struct Run {
    stdout: String,
    stderr: String,
    status: i32,
}

fn init_aws(folder: &Path, args: &[&[&str]]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
    command.current_dir(folder).args(["init", "aws"]).args(args.concat());
    let output = command.output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        status: output.status.code().unwrap(),
    }
}

#[track_caller]
fn printed(args: &[&str], what: &str) -> String {
    let run = init_aws(Path::new("."), &[args, &["--what", what]]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.stdout
}

fn repository_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    fs::read_to_string(path).unwrap()
}

fn expected_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init_aws").join(name)
}

/// Everything below the key `Action`, in statements that allow.
fn actions(policy: &str) -> BTreeSet<String> {
    let policy: Value = serde_json::from_str(policy).unwrap();
    let mut found = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow");
        match &statement["Action"] {
            Value::String(action) => drop(found.insert(action.clone())),
            Value::Array(actions) => found.extend(actions.iter().map(|a| a.as_str().unwrap().to_owned())),
            other => panic!("{other}"),
        }
    }
    found
}

#[test]
fn the_files_are_as_expected() {
    for (args, what, name) in [
        (&SMALL[..], "iam-policy", "small-policy.json"),
        (&LARGE[..], "iam-policy", "large-policy.json"),
        (&SMALL[..], "config", "small.toml"),
        (&LARGE[..], "config", "large.toml"),
    ] {
        let text = printed(args, what);
        assert!(!text.contains("@\"") && !text.contains("\"@"), "{text}");
        assert_eq!(text, fs::read_to_string(expected_file(name)).unwrap(), "{name}");
    }
}

#[test]
fn terraform_is_the_file_in_the_repository_with_other_defaults() {
    let template = repository_file("deploy/aws/bartizan.tf");
    for (args, defaults) in [
        (
            &SMALL[..],
            [
                "\"eu-west-1\"",
                "\"111122223333\"",
                "\"example-cloudtrail\"",
                "\"\"",
                "\"\"",
                "[]",
                "\"bartizan-cloudtrail\"",
                "\"\"",
                "\"\"",
                "\"\"",
                "\"bartizan\"",
                "\"s3\"",
                "\"\"",
            ],
        ),
        (
            &LARGE[..],
            [
                "\"cn-north-1\"",
                "\"111122223333\"",
                "\"example-cloudtrail\"",
                "\"org/trail\"",
                "\"o-abcde12345\"",
                "[\"444455556666\", \"777788889999\"]",
                "\"new-files\"",
                "\"arn:aws-cn:kms:cn-northwest-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"",
                "\"arn:aws-cn:sns:cn-north-1:111122223333:alerts\"",
                "\"example-lake\"",
                "\"events\"",
                "\"sns\"",
                "\"arn:aws-cn:sns:cn-north-1:111122223333:new-files\"",
            ],
        ),
    ] {
        let text = printed(args, "terraform");
        assert_eq!(text.lines().count(), template.lines().count());
        let changed = text.lines().zip(template.lines()).filter(|(made, line)| made != line);
        let made: Vec<&str> = changed.map(|(made, _)| made.trim_start_matches("  default     = ")).collect();
        assert_eq!(made, defaults);
    }
    // It finds out by itself what was not given.
    let text = printed(&SMALL[..2], "terraform");
    assert!(!text.contains("111122223333") && !text.contains("eu-west-1"), "{text}");
}

#[test]
fn the_policies_allow_what_is_used_and_nothing_else() {
    let used = |lists: &[&[(&str, &str)]]| -> BTreeSet<String> {
        lists.concat().iter().map(|(action, _)| (*action).to_owned()).collect()
    };
    let every_action = used(&[&ACTIONS_USED, &ACTIONS_OF_CONNECTORS]);
    assert_eq!(actions(&printed(&LARGE, "iam-policy")), every_action);

    let only_with_an_option =
        ["s3:PutObject", "s3:DeleteObject", "kms:Decrypt", "sns:Publish"].map(str::to_owned);
    let small = &every_action - &BTreeSet::from(only_with_an_option);
    assert_eq!(actions(&printed(&SMALL, "iam-policy")), small);

    // Terraform makes the same policy, statement by statement.
    let terraform = repository_file("deploy/aws/bartizan.tf");
    let document = terraform.split("data \"aws_iam_policy_document\" \"bartizan\" {").nth(1).unwrap();
    let document = document.split("\n}\n").next().unwrap();
    let quoted = |text: &str| -> Vec<String> {
        text.split('"').skip(1).step_by(2).filter(|part| !part.contains('$')).map(str::to_owned).collect()
    };
    let mut of_terraform: Vec<(String, Vec<String>)> = Vec::new();
    for part in document.split("sid").skip(1) {
        let sid = quoted(part)[0].clone();
        let list = part.split("actions").nth(1).unwrap().split(']').next().unwrap();
        of_terraform.push((sid, quoted(list)));
    }
    let policy: Value = serde_json::from_str(&repository_file("deploy/aws/iam-policy.json")).unwrap();
    let of_json: Vec<(String, Vec<String>)> = policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .map(|statement| {
            let actions = match &statement["Action"] {
                Value::Array(actions) => actions.iter().map(|a| a.as_str().unwrap().to_owned()).collect(),
                action => vec![action.as_str().unwrap().to_owned()],
            };
            (statement["Sid"].as_str().unwrap().to_owned(), actions)
        })
        .collect();
    assert_eq!(of_terraform, of_json);
}

#[test]
fn no_statement_reaches_further_than_one_place() {
    for args in [&SMALL[..], &LARGE[..]] {
        let policy: Value = serde_json::from_str(&printed(args, "iam-policy")).unwrap();
        for statement in policy["Statement"].as_array().unwrap() {
            let resources = match &statement["Resource"] {
                Value::Array(resources) => resources.clone(),
                one => vec![one.clone()],
            };
            for resource in resources {
                let resource = resource.as_str().unwrap();
                let (place, rest) = resource.split_once('/').unwrap_or((resource, ""));
                assert!(place.starts_with("arn:aws") && !place.contains('*'), "{resource}");
                assert!(rest.is_empty() || !rest.starts_with('*'), "{resource}");
            }
        }
    }
    // An organization's accounts are the one wildcard within a path.
    let organization = [&SMALL[..], &["--organization", "o-abcde12345"]].concat();
    let policy: Value = serde_json::from_str(&printed(&organization, "iam-policy")).unwrap();
    assert_eq!(
        policy["Statement"][0]["Resource"],
        "arn:aws:s3:::example-cloudtrail/AWSLogs/o-abcde12345/*/CloudTrail/*"
    );
}

#[test]
fn files_are_written_all_or_none_and_never_over_something_else() {
    let folder = TempDir::new().unwrap();
    let first = init_aws(folder.path(), &[&SMALL, &["--out", "aws"]]);
    assert_eq!(first.status, 0, "{}", first.stderr);
    assert_eq!(first.stdout, "aws/bartizan-policy.json\naws/bartizan.tf\naws/bartizan.toml\n");
    let read = |name: &str| fs::read_to_string(folder.path().join("aws").join(name)).unwrap();
    assert_eq!(read("bartizan-policy.json"), printed(&SMALL, "iam-policy"));
    assert_eq!(read("bartizan.tf"), printed(&SMALL, "terraform"));
    assert_eq!(read("bartizan.toml"), printed(&SMALL, "config"));
    assert_eq!(init_aws(folder.path(), &[&SMALL, &["--out", "aws"]]).status, 0, "the same again is no harm");

    fs::write(folder.path().join("aws/bartizan.toml"), "# mine\n").unwrap();
    let other = [&SMALL[..], &["--queue", "other", "--out", "aws"]].concat();
    let refused = init_aws(folder.path(), &[&other]);
    assert_eq!(refused.status, 3);
    assert!(refused.stderr.contains("nothing was written"), "{}", refused.stderr);
    assert!(!read("bartizan-policy.json").contains("other"));
    assert_eq!(read("bartizan.toml"), "# mine\n");
    assert_eq!(init_aws(folder.path(), &[&other, &["--force"]]).status, 0);
    assert!(read("bartizan-policy.json").contains(":other\""));
}

/// The settings of `bartizan serve`, by section.
const SETTINGS: [(&str, &[&str]); 9] = [
    ("server", &["address", "public_url", "tls_certificate", "tls_key", "auth"]),
    ("state", &["sqlite", "postgres"]),
    ("lake", &["folder", "bucket", "prefix", "log", "retention"]),
    ("rules", &["paths", "builtin", "reload"]),
    ("limits", &["rules_at_once", "rule_time", "rule_events", "rule_alerts", "history_values"]),
    ("investigation", &["look_back", "events", "alerts"]),
    ("geoip", &["city", "asn"]),
    (
        "respond",
        &[
            "enabled",
            "role_arn",
            "read_role_arn",
            "request_valid",
            "approval_valid",
            "defenders",
            "profile",
            "endpoint_url",
        ],
    ),
    ("source", &["name", "type", "paths", "queue_url", "visibility", "bucket", "prefix", "region", "from"]),
];

/// Every key, as `section.key`, of which all are known.
#[track_caller]
fn settings(name: &str, text: &str) -> BTreeSet<String> {
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut found = BTreeSet::new();
    for (section, value) in &table {
        let known = SETTINGS.iter().find(|(known, _)| known == section);
        let (_, keys) = known.unwrap_or_else(|| panic!("{name}: no section [{section}]"));
        let tables = match value {
            toml::Value::Array(tables) => tables.clone(),
            one => vec![one.clone()],
        };
        for key in tables.iter().flat_map(|table| table.as_table().unwrap().keys()) {
            assert!(keys.contains(&key.as_str()), "{name}: no setting {section}.{key}");
            found.insert(format!("{section}.{key}"));
        }
    }
    found
}

#[test]
fn configurations_have_settings_that_there_are() {
    settings("small", &printed(&SMALL, "config"));
    settings("large", &printed(&LARGE, "config"));
    let example = repository_file("deploy/bartizan.toml");
    settings("example", &example);
    // With the comments taken from all that is optional, it names every setting; alternatives are not parsed together.
    let is_setting = |line: &str| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    let every: String = example
        .lines()
        .map(|line| {
            line.strip_prefix("# ").filter(|rest| rest.starts_with('[') || is_setting(rest)).unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let all: BTreeSet<String> = SETTINGS
        .iter()
        .flat_map(|(section, keys)| keys.iter().map(move |key| format!("{section}.{key}")))
        .collect();
    assert_eq!(settings("example, uncommented", &every), all);
    for page in ["docs/deploy.md", "docs/from-nothing-to-first-alert.md"] {
        let text = repository_file(page);
        let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        assert!(blocks.clone().count() > 0);
        for block in blocks {
            // A block in a list is indented.
            let block: String = block.lines().map(|line| format!("{}\n", line.trim_start())).collect();
            settings(page, &block);
        }
    }
}

#[test]
fn what_replaces_other_notifications_says_so() {
    let warned = |args: &[&str]| init_aws(Path::new("."), &[&SMALL, args]).stderr;
    assert!(warned(&[]).contains("replace all other notifications of the bucket example-cloudtrail"));
    assert!(warned(&["--what", "config"]).is_empty());
    let topic = ["--delivery", "sns", "--notification-topic", "arn:aws:sns:eu-west-1:111122223333:a"];
    assert!(warned(&topic).is_empty());
    assert!(warned(&["--delivery", "eventbridge"]).contains("switched on"));
}

#[test]
fn all_of_it_printed_names_each_file() {
    let run = init_aws(Path::new("."), &[&SMALL]);
    let names: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("# ==== ")).collect();
    assert_eq!(
        names,
        ["# ==== bartizan-policy.json ====", "# ==== bartizan.tf ====", "# ==== bartizan.toml ===="]
    );
}

#[test]
fn policies_for_acting_on_keys_are_made_when_they_are_wanted() {
    let run = init_aws(Path::new("."), &[&SMALL, &["--what", "iam-policy", "--respond"]]);
    let names: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("# ==== ")).collect();
    let wanted = ["bartizan-policy.json", "bartizan-respond-read.json", "bartizan-respond.json"];
    assert_eq!(names, wanted.map(|name| format!("# ==== {name} ====")));
    let policies: Vec<&str> =
        run.stdout.split("# ==== ").skip(1).map(|part| part.split_once('\n').unwrap().1).collect();
    assert_eq!(actions(policies[1]), BTreeSet::from(["kms:DescribeKey".to_owned()]));
    let writing = ["kms:CancelKeyDeletion", "kms:EnableKey"].map(str::to_owned);
    assert_eq!(actions(policies[2]), BTreeSet::from(writing));
    assert!(policies[2].contains("arn:aws:kms:*:111122223333:key/*"), "{}", policies[2]);
}

#[test]
fn what_is_wrong_is_said() {
    for (args, part) in [
        (&["--bucket", "Example"][..], "lower-case"),
        (&["--bucket", "example-cloudtrail"], "--account-id"),
        (&["--bucket", "example-cloudtrail", "--account-id", "111122223333"], "--region"),
        (&["--bucket", "example-cloudtrail", "--account-id", "1111"], "12 digits"),
        (&[&SMALL[..], &["--partition", "aws-cn"]].concat(), "is in the partition aws, not in aws-cn"),
        (
            &[&SMALL[..], &["--kms-key", "arn:aws-cn:kms:cn-north-1:111122223333:key/a"]].concat(),
            "--kms-key is in the partition aws-cn",
        ),
        (&[&SMALL[..], &["--kms-key", "alias/trail"]].concat(), "no ARN of a key"),
        (&[&SMALL[..], &["--delivery", "sns"]].concat(), "--notification-topic"),
        (
            &[&SMALL[..], &["--notification-topic", "arn:aws:sns:eu-west-1:111122223333:a"]].concat(),
            "--alert-topic",
        ),
        (&[&SMALL[..], &["--lake-bucket", "example-cloudtrail"]].concat(), "a bucket of its own"),
        (&[&SMALL[..], &["--lake-bucket", "other", "--lake-prefix", "/"]].concat(), "--lake-prefix"),
        (&[&SMALL[..], &["--force"]].concat(), "--out"),
        (&[&SMALL[..], &["--what", "helm"]].concat(), "iam-policy"),
        (&[], "--bucket"),
    ] {
        let run = init_aws(Path::new("."), &[args]);
        assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{args:?}");
        assert!(run.stderr.contains(part), "{args:?}: {}", run.stderr);
    }
}
