//! What people make of an alert: its status, who works on it, tags and notes.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::word::words;
use crate::{Actor, StateError};

words! {
    /// How far the work on an alert is.
    pub enum AlertStatus ("alert status") {
        /// Nobody has looked yet.
        Open = "open",
        /// Somebody works on it.
        Acknowledged = "acknowledged",
        /// Done.
        Closed = "closed",
    }
}

/// The workflow fields of an alert. Only people change them; a rule that finds the alert again does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// How far the work is.
    pub status: AlertStatus,
    /// Why it was closed; `None` unless closed.
    pub reason: Option<String>,
    /// Who works on it, sorted.
    pub assignees: Vec<String>,
    /// Sorted.
    pub tags: Vec<String>,
    /// 0 until somebody changes it, one more at each change.
    pub revision: i64,
    /// Of the newest change, or when the alert was kept.
    pub updated_at: Timestamp,
    /// Who made it; `None` before the first change.
    pub updated_by: Option<String>,
}

/// What to change in a workflow; what is `None` or empty stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkflowChange {
    /// The new status, and for `Closed` the reason (for another status it is dropped).
    pub status: Option<(AlertStatus, Option<String>)>,
    /// Assignees to add.
    pub assign: Vec<String>,
    /// Assignees to remove, after adding.
    pub unassign: Vec<String>,
    /// Tags to add.
    pub add_tags: Vec<String>,
    /// Tags to remove, after adding.
    pub remove_tags: Vec<String>,
}

/// A remark on an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertNote {
    /// Unique, rising.
    pub id: i64,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub time: Timestamp,
    /// Plain text.
    pub text: String,
}

/// The work on alerts.
#[async_trait]
pub trait WorkflowStore: Send + Sync {
    /// Changes the workflow of these alerts, all of them or, when one does not exist ([`StateError::NotFound`]), none.
    /// How many were changed: one that is already so is not, and makes no audit entry.
    async fn change_workflow(
        &self,
        alert_ids: &[String],
        change: &WorkflowChange,
        by: &Actor,
        now: Timestamp,
    ) -> Result<u64, StateError>;

    /// Adds a note. [`StateError::NotFound`] when there is no such alert.
    async fn add_note(
        &self,
        alert_id: &str,
        text: &str,
        by: &Actor,
        now: Timestamp,
    ) -> Result<AlertNote, StateError>;

    /// The notes of an alert, oldest first.
    async fn notes(&self, alert_id: &str) -> Result<Vec<AlertNote>, StateError>;
}
