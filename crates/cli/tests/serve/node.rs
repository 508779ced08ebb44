//! One configured server of a test: started, asked, stopped, killed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::aws_emulator::{AwsEmulator, free_port};
use crate::http::{Answer, request};
use crate::webhook_sink::WebhookSink;

const RULES: [&str; 2] = [
    "aws_kms_customer_managed_key_disabled_or_scheduled_for_deletion.toml",
    "aws_kms_imported_key_material_deleted.toml",
];

/// A configuration in a folder, and the process that runs by it.
pub(crate) struct Node {
    folder: TempDir,
    address: String,
    token: String,
    environment: Vec<(&'static str, String)>,
    process: Option<Child>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log.ndjson")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the end of the log:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}

impl Node {
    /// Configured, with a token, and not started. The founding rules run every 5 seconds over 30, so that, as with the
    /// second one's own schedule, six executions see an event.
    pub(crate) fn new(aws: Option<&AwsEmulator>) -> Self {
        Self::with_schedule(aws, 5)
    }

    /// The same, with rules that run every so many seconds over six times as many.
    pub(crate) fn with_schedule(aws: Option<&AwsEmulator>, interval: u32) -> Self {
        Self::configured(aws, interval, None)
    }

    /// One of several over the same database and a lake in the emulator's bucket `events`, with a token of its own.
    pub(crate) fn shared(aws: &AwsEmulator, postgres: &str) -> Self {
        Self::configured(Some(aws), 5, Some(postgres))
    }

    fn configured(aws: Option<&AwsEmulator>, interval: u32, postgres: Option<&str>) -> Self {
        let folder = TempDir::new().unwrap();
        let rules = folder.path().join("rules");
        fs::create_dir(&rules).unwrap();
        for name in RULES {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules").join(name);
            let text = fs::read_to_string(path).unwrap();
            let lines = text.lines().map(|line| match line.split_once(" = ") {
                Some(("from", _)) => format!("from = \"now-{}s\"", interval * 6),
                Some(("interval", _)) => format!("interval = \"{interval}s\""),
                _ => line.to_owned(),
            });
            fs::write(rules.join(name), lines.collect::<Vec<_>>().join("\n")).unwrap();
        }
        let address = format!("127.0.0.1:{}", free_port());
        let places = match postgres {
            None => "[state]\nsqlite = \"state.sqlite\"\n[lake]\nfolder = \"lake\"\n",
            Some(_) => {
                "[state]\npostgres = { env = \"TEST_POSTGRES\" }\n[lake]\nbucket = \"events\"\nprefix = \"lake\"\nlog = \"log\"\n"
            }
        };
        let mut text = format!(
            "[server]\naddress = \"{address}\"\n{places}\
             [rules]\npaths = [\"rules\"]\nbuiltin = false\nreload = \"1s\"\n"
        );
        if let Some(aws) = aws {
            text.push_str(&format!(
                "[[source]]\nname = \"trail\"\ntype = \"sqs\"\nqueue_url = \"{}\"\nregion = \"eu-west-1\"\n\
                 visibility = \"3s\"\n",
                aws.queue_url
            ));
        }
        fs::write(folder.path().join("bartizan.toml"), text).unwrap();
        let mut environment = aws.map(|aws| aws.environment().to_vec()).unwrap_or_default();
        environment.extend(postgres.map(|url| ("TEST_POSTGRES", url.to_owned())));
        let mut node = Self { folder, address, token: String::new(), environment, process: None };
        // Nodes on one database have a name each.
        let name = format!("tests at {}", node.address);
        node.token = node.run(&["token", "create", &name, "--role", "admin"]).trim().to_owned();
        node
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
        command.current_dir(self.folder.path()).args(args).env_remove("AWS_PROFILE");
        command.env("BARTIZAN_CONFIG", "bartizan.toml").envs(self.environment.iter().cloned());
        command
    }

    /// Runs another command in the folder; what it writes to stdout.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts the server; it is not ready yet.
    pub(crate) fn start(&mut self) {
        assert!(self.process.is_none());
        let log =
            File::options().create(true).append(true).open(self.folder.path().join("log.ndjson")).unwrap();
        let errors = log.try_clone().unwrap();
        let mut command = self.command(&["serve"]);
        self.process = Some(command.stdout(log).stderr(errors).stdin(Stdio::null()).spawn().unwrap());
    }

    pub(crate) fn is_ready(&self) -> bool {
        request(&self.address, "GET", "/readyz", &[], b"").is_ok_and(|answer| answer.status == 200)
    }

    /// More settings for a section that is there.
    pub(crate) fn set(&self, section: &str, lines: &str) {
        let path = self.folder.path().join("bartizan.toml");
        let text = fs::read_to_string(&path).unwrap();
        let head = format!("[{section}]\n");
        assert!(text.contains(&head), "{text}");
        fs::write(&path, text.replacen(&head, &format!("{head}{lines}\n"), 1)).unwrap();
    }

    /// Runs `serve` and waits for its end: whether it ended well, and what it wrote to stderr.
    pub(crate) fn refused(&self) -> (bool, String) {
        let output = self.command(&["serve"]).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    }

    /// Is there something in its log?
    pub(crate) fn has_said(&self, text: &str) -> bool {
        fs::read_to_string(self.folder.path().join("log.ndjson")).is_ok_and(|log| log.contains(text))
    }

    /// How long it took from now on.
    #[track_caller]
    pub(crate) fn wait_until_ready(&mut self) -> Duration {
        let began = Instant::now();
        while !self.is_ready() {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert_eq!(ended, None, "the server has ended");
            assert!(began.elapsed() < Duration::from_secs(60), "not ready after a minute");
            std::thread::sleep(Duration::from_millis(20));
        }
        began.elapsed()
    }

    /// kill -9
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Stops it in the midst of whatever it does (`STOP`), or has it go on (`CONT`).
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.as_ref().map(std::process::Child::id).unwrap();
        let sent = Command::new("kill").args([&format!("-{signal}"), &id.to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGTERM: how the server ended, and how long that took.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> (ExitStatus, Duration) {
        let mut process = self.process.take().unwrap();
        let began = Instant::now();
        assert!(Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success());
        while began.elapsed() < Duration::from_secs(60) {
            if let Some(status) = process.try_wait().unwrap() {
                return (status, began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = process.kill();
        let _ = process.wait();
        panic!("the server does not stop");
    }

    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("Authorization", bearer.as_str())];
        if body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        request(&self.address, method, path, &headers, body.as_bytes()).unwrap().ok()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).json()
    }

    /// Every item of a list, page by page.
    pub(crate) fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("{path}?limit=1000{after}"));
            items.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
        }
    }

    /// From now on each alert is told to the webhook, one message each.
    pub(crate) fn tell(&self, sink: &WebhookSink) {
        let connector = json!({"type": "webhook", "config": {"url": sink.url}});
        self.call("PUT", "/api/v1/connectors/sink", Some(&connector));
        let action = json!({"connector": "sink", "summary": false});
        self.call("PUT", "/api/v1/actions/all", Some(&action));
        // Until it is in force.
        std::thread::sleep(Duration::from_secs(3));
    }

    /// The alerts' ids by the names of their rules.
    pub(crate) fn alerts(&self) -> BTreeMap<String, Vec<String>> {
        let mut by_rule: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for alert in self.all("/api/v1/alerts") {
            let name = alert["document"]["kibana.alert.rule.name"].as_str().unwrap().to_owned();
            by_rule.entry(name).or_default().push(alert["id"].as_str().unwrap().to_owned());
        }
        by_rule
    }

    /// The value of a number of `/metrics`, by its name with labels.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.call("GET", "/metrics", None).body;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
    }

    /// The rows of a query in SQL to the lake, of a server that is stopped.
    pub(crate) fn sql(&self, query: &str) -> Vec<Value> {
        let args = ["lake", "query", query, "--language", "sql", "--lake", "lake", "--format", "ndjson"];
        let text = self.run(&[&args[..], &["--limit", "0"]].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Waits until something holds; what did not come after so long is a failure.
#[track_caller]
pub(crate) fn wait_for(what: &str, longest: Duration, mut holds: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < longest, "waited {longest:?} for {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
    began.elapsed()
}
