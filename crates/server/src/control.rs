//! What the API may ask of the running parts: run a rule by hand, fill a gap, try a rule out, take events in.

use async_trait::async_trait;
use ecs::{TimeRange, Timestamp};
use lake::Event;
use serde_json::Value;
use state::{Actor, StoredAlert};

use crate::error::ServerError;

/// Asks the running parts of a server. The API is written against it, and so are tests of the API.
#[async_trait]
pub trait Control: Send + Sync {
    /// Runs a rule over a past range `[from, to)`, as its schedule would have, in the background. Gives the id of the
    /// backfill, which its executions carry in their metrics as `backfill`. Alerts that are there already stay as they are.
    ///
    /// # Errors
    /// [`ServerError::NotFound`] for an unknown rule, [`ServerError::BadRequest`] for a range that is empty, open, in the
    /// future, or longer than 90 days.
    async fn backfill(&self, rule_id: &str, range: TimeRange, by: &Actor) -> Result<String, ServerError>;

    /// Runs the text of a rule over a past range and gives what it would have found; nothing is kept.
    ///
    /// # Errors
    /// As [`Control::backfill`]; a rule that cannot be read or planned is no error but in [`Preview::faults`].
    async fn preview(&self, request: PreviewRequest) -> Result<Preview, ServerError>;

    /// Investigates an alert with what the lake holds now; nothing is kept. Gives the moment that it is about, too.
    ///
    /// # Errors
    /// When lake or state cannot be read.
    async fn investigate(&self, alert: StoredAlert) -> Result<(Timestamp, Value), ServerError>;

    /// Puts events in the lake; they are durable when this returns.
    ///
    /// # Errors
    /// When the lake cannot take them; the sender tries again.
    async fn ingest(&self, events: Vec<IncomingEvent>) -> Result<Ingested, ServerError>;

    /// Reads the rules folder again, now.
    ///
    /// # Errors
    /// When the folder or the state cannot be read.
    async fn reload_rules(&self, by: &Actor) -> Result<(), ServerError>;

    /// How the running parts are.
    async fn health(&self) -> Health;
}

/// A rule to be tried out.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewRequest {
    /// The text of the rule, as in a file.
    pub text: String,
    /// TOML, or JSON as Kibana exports it.
    pub is_json: bool,
    /// Half-open; both ends given.
    pub range: TimeRange,
    /// The most alerts to give back.
    pub limit: usize,
}

/// What a rule would have found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Preview {
    /// Alert documents, the oldest first.
    pub alerts: Vec<Value>,
    /// How many there are in all.
    pub total: u64,
    /// How many events were looked at.
    pub events: u64,
    /// What is wrong with the rule, or worth knowing, a sentence each.
    pub faults: Vec<String>,
}

/// An event for the lake, and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct IncomingEvent {
    /// Where it belongs.
    pub data_stream: ecs::DataStream,
    /// The event.
    pub event: Event,
}

/// What became of events that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ingested {
    /// Now in the lake.
    pub appended: u64,
    /// There already.
    pub duplicates: u64,
}

/// How the running parts are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    /// Each part by name, and what is wrong with it; `None` when nothing is.
    pub parts: Vec<(String, Option<String>)>,
    /// True once rules are loaded and the lake is open.
    pub is_ready: bool,
    /// The time of the newest event that is committed and evaluated by every enabled rule, by `@timestamp`.
    pub evaluated_through: Option<Timestamp>,
    /// Numbers for `/metrics`: name, help, labels and value.
    pub numbers: Vec<Number>,
}

/// A number for `/metrics`.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// For example `bartizan_events_ingested_total`.
    pub name: &'static str,
    /// In one sentence.
    pub help: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// Labels with their values.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: f64,
}
