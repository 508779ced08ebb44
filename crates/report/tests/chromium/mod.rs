//! A headless Chromium that is driven through its DevTools protocol, over two named pipes.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// What the browser may take for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub(crate) struct Chromium {
    child: Child,
    to: File,
    from: Receiver<Value>,
    session: Option<String>,
    number: u64,
    /// Whatever happened since it was last looked at: methods and their parameters.
    events: Vec<(String, Value)>,
    _profile: tempfile::TempDir,
}

/// The browser's program: `CHROMIUM` in the environment, or one of the usual names; `None` when there is none.
pub(crate) fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}

impl Chromium {
    /// Starts it with an empty page and a profile of its own.
    pub(crate) fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let pipes = [profile.path().join("to"), profile.path().join("from")];
        let made = Command::new("mkfifo").args(&pipes).status().unwrap();
        assert!(made.success(), "named pipes");
        // The protocol's pipes are the descriptors 3 and 4; a shell can give them without unsafe code.
        let child = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<"$TO" 4>"$FROM""#])
            .arg(program)
            .args([
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-first-run",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            // Whoever runs tests as root, as containers do, can't have the sandbox. The page is our own.
            .arg("--no-sandbox")
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .envs([("TO", &pipes[0]), ("FROM", &pipes[1])])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = OpenOptions::new().write(true).open(&pipes[0]).unwrap();
        let (sender, from) = channel();
        let source = pipes[1].clone();
        std::thread::spawn(move || {
            let mut source = BufReader::new(File::open(source).unwrap());
            let mut message = Vec::new();
            while source.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop_if(|last| *last == 0);
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut browser =
            Self { child, to, from, session: None, number: 0, events: Vec::new(), _profile: profile };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = browser.ask("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// One command, and its answer.
    pub(crate) fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut command = json!({ "id": self.number, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = session.clone().into();
        }
        self.to.write_all(command.to_string().as_bytes()).unwrap();
        self.to.write_all(&[0]).unwrap();
        loop {
            let message = self.next(method);
            if message["id"] == self.number {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    fn next(&mut self, waits_for: &str) -> Value {
        match self.from.recv_timeout(PATIENCE) {
            Ok(message) => {
                if let Some(method) = message["method"].as_str() {
                    self.events.push((method.to_owned(), message["params"].clone()));
                }
                message
            }
            Err(RecvTimeoutError::Timeout) => panic!("no answer in time: {waits_for}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the browser has ended: {waits_for}"),
        }
    }

    /// Opens a file, and waits until it is loaded. What happened before is forgotten.
    pub(crate) fn open(&mut self, file: &Path) {
        self.events.clear();
        self.ask("Page.navigate", json!({ "url": format!("file://{}", file.display()) }));
        while !self.events.iter().any(|(method, _)| method == "Page.loadEventFired") {
            self.next("the page's load");
        }
    }

    /// What happened since the page was opened.
    pub(crate) fn happened(&mut self) -> &[(String, Value)] {
        // An answer comes after everything that happened before it.
        self.evaluate("new Promise(done => setTimeout(done, 50))");
        &self.events
    }

    /// The value of an expression in the page; a promise's once it is kept.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _may_have_ended = self.child.kill();
        let _may_have_ended = self.child.wait();
    }
}
