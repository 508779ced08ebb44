//! `bartizan respond` as people type it, against KMS of moto's server; says so when moto is not installed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and says what it did not run"
)]

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use state::{AlertDraft, AlertStore as _, SqlStore};
use tempfile::TempDir;

const NO_KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A state with an alert about a key, and two people's tokens.
struct Scene {
    folder: TempDir,
    endpoint: String,
}

struct Run {
    stdout: String,
    stderr: String,
    status: i32,
}

impl Scene {
    fn new(endpoint: &str, key: &str, settings: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let text = format!(
            "[state]\nsqlite = \"state.sqlite\"\n[lake]\nfolder = \"lake\"\n[respond]\nendpoint_url = \"{endpoint}\"\n{settings}"
        );
        std::fs::write(folder.path().join("bartizan.toml"), text).unwrap();
        put_alert(&folder.path().join("state.sqlite"), key);
        let scene = Self { folder, endpoint: endpoint.to_owned() };
        for person in ["alice", "bob"] {
            let made = scene.run(&["token", "create", person, "--role", "analyst"]);
            assert_eq!(made.status, 0, "{}", made.stderr);
            std::fs::write(scene.folder.path().join(person), made.stdout).unwrap();
        }
        scene
    }

    fn run(&self, args: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .current_dir(self.folder.path())
            .args(args)
            .env("BARTIZAN_CONFIG", "bartizan.toml")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env_remove("AWS_PROFILE")
            .env_remove("BARTIZAN_TOKEN")
            .output()
            .unwrap();
        Run {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code().unwrap(),
        }
    }

    fn respond(&self, args: &[&str]) -> Run {
        self.run(&[&["respond"], args].concat())
    }

    /// One call of KMS as the owner of the account makes it.
    fn kms(&self, call: &str, body: &Value) -> Value {
        let output = Command::new("curl")
            .args(["-sS", "-X", "POST", &self.endpoint, "-d", &body.to_string()])
            .args(["-H", &format!("X-Amz-Target: TrentService.{call}")])
            .args(["-H", "Content-Type: application/x-amz-json-1.1"])
            .args(["-H", "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260310/eu-west-1/kms/aws4_request, SignedHeaders=host, Signature=0"])
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn state_of(&self, id: &str) -> String {
        self.kms("DescribeKey", &json!({"KeyId": id}))["KeyMetadata"]["KeyState"].as_str().unwrap().to_owned()
    }
}

fn put_alert(state: &Path, key: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(SqlStore::open_sqlite(state).await.unwrap());
        let now = "2026-03-14T10:00:00Z".parse().unwrap();
        let alert = AlertDraft {
            id: "alert-1".to_owned(),
            rule_id: "rule-1".to_owned(),
            rule_uuid: "rule-1".to_owned(),
            severity: "high".to_owned(),
            risk_score: 73.0,
            timestamp: now,
            original_time: None,
            document: json!({
                "@timestamp": "2026-03-14T10:00:00Z",
                "event": {"provider": "kms.amazonaws.com", "action": "ScheduleKeyDeletion"},
                "aws": {"cloudtrail": {"resources": [{"arn": key}]}},
            }),
        };
        store.put_alert(alert, now).await.unwrap();
    });
}

struct Moto(Child, String);

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn moto() -> Option<Moto> {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("not run: curl is not installed");
        return None;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("moto_server");
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(child) = command.spawn() else {
        println!("not run: moto_server is not installed (pip install 'moto[server]')");
        return None;
    };
    let mut moto = Moto(child, format!("http://127.0.0.1:{port}"));
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(moto);
        }
        if moto.0.try_wait().unwrap().is_some() {
            println!("not run: moto_server does not start (is the extra `server` installed?)");
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("moto_server does not answer");
}

/// The id that stands first in what was printed.
fn id_in(run: &Run) -> String {
    run.stdout.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn two_people_cancel_a_deletion_and_enable_the_key() {
    let Some(moto) = moto() else { return };
    let probe = Scene::new(&moto.1, NO_KEY, "");
    let key = probe.kms("CreateKey", &json!({}))["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let key_id = key.rsplit('/').next().unwrap().to_owned();
    probe.kms("ScheduleKeyDeletion", &json!({"KeyId": key_id, "PendingWindowInDays": 7}));

    let scene = Scene::new(
        &moto.1,
        &key,
        "enabled = true\nrole_arn = \"arn:{partition}:iam::{account}:role/bartizan-respond\"\n",
    );
    let plan = scene.respond(&["alert-1"]);
    assert_eq!(plan.status, 0, "{}", plan.stderr);
    for part in [
        &key[..],
        "PendingDeletion, will be deleted at",
        "would call   CancelKeyDeletion",
        "nothing was called",
    ] {
        assert!(plan.stdout.contains(part), "{}", plan.stdout);
    }

    let request = ["alert-1", "--request", "--reason", "ransom note found", "--token-file", "alice"];
    let asked = scene.respond(&request);
    assert_eq!(asked.status, 0, "{}", asked.stderr);
    let id = id_in(&asked);
    assert!(asked.stdout.contains(&format!("--approve {id}")), "{}", asked.stdout);
    let twice = scene.respond(&request);
    assert!(twice.status == 3 && twice.stderr.contains("still used by response"), "{}", twice.stderr);

    // Nothing without approval, by nobody, and not by the same person.
    let early = scene.respond(&["--execute", &id, "--token-file", "bob"]);
    assert!(early.status == 2 && early.stderr.contains("only one that was approved"), "{}", early.stderr);
    let alone = scene.respond(&["--approve", &id, "--token-file", "alice"]);
    assert!(alone.status == 2 && alone.stderr.contains("somebody else must approve it"), "{}", alone.stderr);
    let nobody = scene.respond(&["--approve", &id]);
    assert!(nobody.status == 3 && nobody.stderr.contains("show who you are"), "{}", nobody.stderr);
    assert_eq!(scene.state_of(&key_id), "PendingDeletion");

    let approved = scene.respond(&["--approve", &id, "--token-file", "bob"]);
    assert_eq!(approved.status, 0, "{}", approved.stderr);
    let done = scene.respond(&["--execute", &id, "--token-file", "alice"]);
    assert!(done.status == 0 && done.stdout.contains("confirmed"), "{} {}", done.stdout, done.stderr);
    assert_eq!(scene.state_of(&key_id), "Disabled");
    let again = scene.respond(&["--execute", &id, "--token-file", "alice"]);
    assert_eq!((again.status, again.stdout), (0, done.stdout), "it is given as it is");

    // To enable it is a response of its own, with a question to answer.
    let enable =
        ["alert-1", "--action", "enable", "--request", "--reason", "as planned", "--token-file", "bob"];
    let unanswered = scene.respond(&enable);
    assert!(unanswered.status == 2 && unanswered.stderr.contains("nobody has said"), "{}", unanswered.stderr);
    let answer = |answer| [&enable[..], &["--disabled-by-defender", answer, "--said-by", "Bob"]].concat();
    let by_us = scene.respond(&answer("yes"));
    assert!(by_us.status == 2 && by_us.stderr.contains("it stays disabled"), "{}", by_us.stderr);
    let id = id_in(&scene.respond(&answer("no")));
    assert_eq!(scene.respond(&["--approve", &id, "--token-file", "alice"]).status, 0);
    assert_eq!(scene.respond(&["--execute", &id, "--token-file", "bob"]).status, 0);
    assert_eq!(scene.state_of(&key_id), "Enabled");

    let list = scene.respond(&["--list", "--format", "json"]);
    let statuses: Vec<Value> = list
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["status"].clone())
        .collect();
    assert_eq!(statuses, ["confirmed", "confirmed"]);
}

#[test]
fn what_is_approved_is_not_carried_out_unless_enabled() {
    let Some(moto) = moto() else { return };
    let scene = Scene::new(&moto.1, NO_KEY, "");
    let asked = scene.respond(&[
        "alert-1",
        "--action",
        "cancel-deletion",
        "--request",
        "--reason",
        "r",
        "--token-file",
        "alice",
    ]);
    let id = id_in(&asked);
    assert_eq!(scene.respond(&["--approve", &id, "--token-file", "bob"]).status, 0);
    let refused = scene.respond(&["--execute", &id, "--token-file", "bob"]);
    assert!(refused.status == 2 && refused.stderr.contains("enabled = true"), "{}", refused.stderr);
    let said_no = scene.respond(&["--refuse", &id, "--reason", "a false alarm", "--token-file", "alice"]);
    assert!(said_no.status == 0 && said_no.stdout.contains("refused: a false alarm"), "{}", said_no.stdout);
}

#[test]
fn a_plan_says_what_it_does_not_know_and_policies_need_no_credentials() {
    // Nobody listens there.
    let scene = Scene::new("http://127.0.0.1:9", NO_KEY, "role_arn = \"arn:aws:iam::{account}:role/r\"\n");
    let plan = scene.respond(&["alert-1", "--action", "enable"]);
    assert_eq!(plan.status, 0, "{}", plan.stderr);
    assert!(plan.stdout.contains("state        not known: DescribeKey"), "{}", plan.stdout);
    assert!(!plan.stdout.contains("would call"), "{}", plan.stdout);

    let policies =
        scene.respond(&["alert-1", "--policy", "--server-role", "arn:aws:iam::123456789012:role/bartizan"]);
    assert_eq!(policies.status, 0, "{}", policies.stderr);
    for part in [
        NO_KEY,
        "kms:DescribeKey",
        "kms:CancelKeyDeletion",
        "arn:aws:iam::123456789012:role/r",
        "role/bartizan",
    ] {
        assert!(policies.stdout.contains(part), "{}", policies.stdout);
    }
    for (args, part) in [
        (&["alert-9"][..], "no alert `alert-9`"),
        (&["alert-1", "--key", "alias/a"], "no ARN of a KMS key"),
        (&["alert-1", "--list"], "cannot be used with"),
        (&["alert-1", "--request"], "--reason"),
        (&[], "required"),
    ] {
        let wrong = scene.respond(args);
        assert!(wrong.status == 3 && wrong.stderr.contains(part), "{args:?}: {}", wrong.stderr);
    }
}
