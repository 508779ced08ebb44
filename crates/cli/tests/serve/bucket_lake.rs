//! The commands about lakes on a lake in a bucket, as whoever a profile of AWS says.

use std::process::{Command, Output};

use serde_json::Value;

use crate::aws_emulator::AwsEmulator;
use crate::cloudtrail::{kms_call, log_file};

#[test]
fn commands_work_on_a_bucket_with_a_profile() {
    let Some(aws) = AwsEmulator::start() else { return };
    aws.make_bucket("events");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let environment = aws.environment();
    let endpoint = &environment.iter().find(|(name, _)| *name == "AWS_ENDPOINT_URL").unwrap().1;
    std::fs::write(
        path("config"),
        format!("[profile security]\nregion = eu-west-1\nendpoint_url = {endpoint}\n"),
    )
    .unwrap();
    let keys = "[security]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = not-a-secret\n";
    std::fs::write(path("credentials"), keys).unwrap();
    for (number, name) in [(1, "a.json.gz"), (2, "b.json.gz")] {
        std::fs::write(path(name), log_file(&[kms_call("DisableKey", number)])).unwrap();
    }
    let run = |args: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
        command.current_dir(folder.path()).arg("lake").args(args);
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_REGION",
            "AWS_ENDPOINT_URL",
        ] {
            command.env_remove(name);
        }
        command.env("AWS_PROFILE", "security").env("AWS_EC2_METADATA_DISABLED", "true");
        command
            .env("AWS_CONFIG_FILE", path("config"))
            .env("AWS_SHARED_CREDENTIALS_FILE", path("credentials"));
        command.output().unwrap()
    };
    let told = |args: &[&str]| {
        let output = run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let lake = ["--lake", "s3://events/some/where"];
    let missing = run(&["info", lake[0], lake[1]]);
    assert!(!missing.status.success(), "{missing:?}");
    assert!(String::from_utf8_lossy(&missing.stderr).contains("there is no lake in s3://events/some/where"));
    let without_log = run(&["ingest", "a.json.gz", lake[0], lake[1]]);
    assert!(String::from_utf8_lossy(&without_log.stderr).contains("--lake-log"), "{without_log:?}");
    for file in ["a.json.gz", "b.json.gz", "a.json.gz"] {
        told(&["ingest", file, lake[0], lake[1], "--lake-log", "log"]);
    }
    let events = || -> Value {
        let info: Value =
            serde_json::from_str(&told(&["info", lake[0], lake[1], "--format", "json"])).unwrap();
        let stream = info["data_streams"][0].clone();
        assert_eq!(stream["data_stream"], "logs-aws.cloudtrail-default");
        stream
    };
    assert_eq!((&events()["events"], &events()["files"]), (&2.into(), &2.into()));
    let found = told(&["query", "event.action: DisableKey", lake[0], lake[1], "--format", "ndjson"]);
    assert_eq!(found.lines().count(), 2, "{found}");
    told(&["compact", lake[0], lake[1], "--lake-log", "log"]);
    assert_eq!(events()["events"], 2);
}
