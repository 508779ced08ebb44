//! What a server writes about itself: one JSON object a line, handed to whoever prints.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::clock::Clock;

/// Takes one line.
pub type Printer = dyn Fn(&str) + Send + Sync;

/// The log of a server.
#[derive(Clone)]
pub struct Log {
    clock: Arc<dyn Clock>,
    print: Arc<Printer>,
}

impl Log {
    /// A log that hands its lines to `print`.
    pub fn new(clock: Arc<dyn Clock>, print: Arc<Printer>) -> Self {
        Self { clock, print }
    }

    /// A log that nobody reads.
    pub fn silent(clock: Arc<dyn Clock>) -> Self {
        Self::new(clock, Arc::new(|_| {}))
    }

    /// Something went wrong with a part of the server.
    pub fn error(&self, part: &str, name: &str, message: &str) {
        self.line("error", part, json!({ "name": name, "message": message }));
    }

    /// Something is worth knowing.
    pub fn info(&self, part: &str, message: &str) {
        self.line("info", part, json!({ "message": message }));
    }

    /// An input was taken in.
    pub fn input(&self, source: &str, name: &str, outcome: &str, records: u64, events: u64, dropped: u64) {
        let level = if outcome == "read" { "info" } else { "warn" };
        let account = json!({
            "name": source, "input": name, "outcome": outcome, "records": records, "events": events, "dropped": dropped,
        });
        self.line(level, "intake", account);
    }

    /// A line with numbers of a part.
    pub fn numbers(&self, part: &str, numbers: Value) {
        self.line("info", part, numbers);
    }

    fn line(&self, level: &str, part: &str, more: Value) {
        let mut line = Map::new();
        line.insert("time".to_owned(), format!("{:.3}", self.clock.now()).into());
        line.insert("level".to_owned(), level.into());
        line.insert("part".to_owned(), part.into());
        if let Value::Object(more) = more {
            line.extend(more);
        }
        (self.print)(&Value::Object(line).to_string());
    }
}
