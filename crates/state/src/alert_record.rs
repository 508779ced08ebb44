//! Alerts at rest: the document that a run made, and finding alerts again.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::word::words;
use crate::{AlertStatus, Page, StateError, TimeSpan, Workflow};

/// An alert to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertDraft {
    /// `kibana.alert.uuid`. The same evidence has the same id, so that keeping it again changes nothing.
    pub id: String,
    /// The rule's signature id.
    pub rule_id: String,
    /// The rule's object id, `kibana.alert.rule.uuid`.
    pub rule_uuid: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// 0 to 100; finite.
    pub risk_score: f64,
    /// The alert's `@timestamp`.
    pub timestamp: Timestamp,
    /// `kibana.alert.original_time`: the event's own time.
    pub original_time: Option<Timestamp>,
    /// The whole document. Its `kibana.alert.workflow_*` fields are not read: [`Workflow`] is what counts.
    pub document: Value,
}

/// An alert as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAlert {
    /// What the run made, with the newest document.
    pub alert: AlertDraft,
    /// The execution that made it; `None` when it was kept by [`AlertStore::put_alert`].
    pub execution_id: Option<String>,
    /// What people have made of it since.
    pub workflow: Workflow,
}

/// Which alerts. An empty list restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertFilter {
    /// By `@timestamp`.
    pub time: TimeSpan,
    /// One of these rules.
    pub rule_ids: Vec<String>,
    /// One of these states.
    pub statuses: Vec<AlertStatus>,
    /// One of these severities.
    pub severities: Vec<String>,
    /// One of these alerts.
    pub ids: Vec<String>,
    /// Made by one of these executions.
    pub execution_ids: Vec<String>,
}

/// A place in the list of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertPosition {
    /// `@timestamp` of the alert before.
    pub timestamp: Timestamp,
    /// Its id.
    pub id: String,
}

words! {
    /// What alerts are counted by.
    pub enum AlertCountField ("count field") {
        /// The workflow status.
        Status = "status",
        /// The severity.
        Severity = "severity",
        /// The rule's signature id.
        Rule = "rule",
    }
}

/// Alerts.
#[async_trait]
pub trait AlertStore: Send + Sync {
    /// Keeps an alert outside of an execution (an import). True when it is new; one that is there already stays as it is,
    /// document and workflow.
    async fn put_alert(&self, alert: AlertDraft, now: Timestamp) -> Result<bool, StateError>;

    /// Replaces the document of an alert that is there (suppression adds to it); the workflow stays.
    /// [`StateError::NotFound`] when there is none. Executions do this by [`CommitStore`](crate::CommitStore).
    async fn update_document(&self, alert_id: &str, document: Value) -> Result<(), StateError>;

    /// One alert.
    async fn alert(&self, alert_id: &str) -> Result<Option<StoredAlert>, StateError>;

    /// Alerts, newest `@timestamp` first, then by id; `limit` at a time (at least 1).
    async fn alerts(
        &self,
        filter: &AlertFilter,
        after: Option<&AlertPosition>,
        limit: u32,
    ) -> Result<Page<StoredAlert, AlertPosition>, StateError>;

    /// How many alerts have each value of a field, by value; values without alerts are missing.
    async fn count_alerts(
        &self,
        filter: &AlertFilter,
        by: AlertCountField,
    ) -> Result<Vec<(String, u64)>, StateError>;
}
