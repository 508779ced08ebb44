//! Executions at rest: each run of a rule over a window, and what came of it.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::word::words;
use crate::{Page, StateError, TimeSpan};

words! {
    /// Why a rule was run.
    pub enum ExecutionKind ("execution kind") {
        /// Its schedule said so.
        Scheduled = "scheduled",
        /// Somebody asked for one run.
        Manual = "manual",
        /// Somebody asked for a past range.
        Backfill = "backfill",
        /// To make up for a gap.
        GapFill = "gap_fill",
    }
}

words! {
    /// What came of an execution.
    pub enum ExecutionStatus ("execution status") {
        /// All of it was searched.
        Succeeded = "succeeded",
        /// It was searched, with something to tell.
        Warning = "warning",
        /// Its window was not covered.
        Failed = "failed",
    }
}

/// One run of one rule over one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// Unique. A commit with an id that is there already changes nothing.
    pub id: String,
    /// The rule's signature id.
    pub rule_id: String,
    /// Why it was run.
    pub kind: ExecutionKind,
    /// The scheduled time that it stands for.
    pub tick: Timestamp,
    /// First instant searched.
    pub window_from: Timestamp,
    /// First instant after.
    pub window_to: Timestamp,
    /// When the run began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What came of it.
    pub status: ExecutionStatus,
    /// What there is to tell; empty for nothing.
    pub message: String,
    /// Numbers, for example events read, hits, alerts made, hits cut by max_signals, exceptions removed, milliseconds.
    pub metrics: Value,
}

/// Which executions. An empty list restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecutionFilter {
    /// Of one of these rules.
    pub rule_ids: Vec<String>,
    /// By when they started.
    pub started: TimeSpan,
    /// With one of these ends.
    pub statuses: Vec<ExecutionStatus>,
    /// Of one of these kinds.
    pub kinds: Vec<ExecutionKind>,
}

/// A place in the list of executions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionPosition {
    /// When the execution before started.
    pub started: Timestamp,
    /// Its id.
    pub id: String,
}

/// Executions. They are written by [`CommitStore`](crate::CommitStore) only.
#[async_trait]
pub trait ExecutionStore: Send + Sync {
    /// One execution.
    async fn execution(&self, id: &str) -> Result<Option<Execution>, StateError>;

    /// Executions, latest start first, then by id; `limit` at a time (at least 1).
    async fn executions(
        &self,
        filter: &ExecutionFilter,
        after: Option<&ExecutionPosition>,
        limit: u32,
    ) -> Result<Page<Execution, ExecutionPosition>, StateError>;

    /// The execution that started last of each rule that is stored, by rule id.
    async fn last_executions(&self) -> Result<Vec<Execution>, StateError>;

    /// Deletes executions that started before an instant. How many. A commit of one of them would no longer be known as
    /// repeated, so keep them for much longer than anything may take.
    async fn delete_executions_before(&self, before: Timestamp) -> Result<u64, StateError>;
}
