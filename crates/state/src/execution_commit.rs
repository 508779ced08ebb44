//! The one transaction in which an execution becomes true: alerts, execution, cursor, gaps and notifications together.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::{AlertDraft, Execution, GapDraft, Lease, NotificationDraft, StateError};

/// A new document of an alert that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertUpdate {
    /// Which alert.
    pub alert_id: String,
    /// Its whole new document.
    pub document: Value,
}

/// A move of a rule's cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorMove {
    /// Where it must be now; `None` for a rule without a tick.
    pub expected: Option<Timestamp>,
    /// Where it goes: later than `expected`.
    pub to: Timestamp,
}

/// How far a gap is covered by an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GapFill {
    /// Which gap.
    pub gap_id: i64,
    /// Covered up to here, not included. At the gap's end it is filled; before it, it stays taken. Never goes back.
    pub filled_until: Timestamp,
}

/// All that an execution changes.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionCommit {
    /// The right to run the rule. The commit is refused when somebody else has it by now.
    pub lease: Lease,
    /// What was run. Its id makes the commit repeatable.
    pub execution: Execution,
    /// Alerts that were found; those that are there already stay as they are.
    pub alerts: Vec<AlertDraft>,
    /// Alerts whose document changes.
    pub updates: Vec<AlertUpdate>,
    /// `None` leaves the cursor (a failure, a backfill).
    pub cursor: Option<CursorMove>,
    /// What the rule remembers from now on; `None` leaves it.
    pub rule_state: Option<Vec<u8>>,
    /// Gaps to add, merged as [`GapStore::add_gap`](crate::GapStore::add_gap) does.
    pub gaps: Vec<GapDraft>,
    /// A gap that was filled, in part or whole.
    pub gap_fill: Option<GapFill>,
    /// Notifications to send. One whose dedupe key is there already is dropped. Those with `about_alert` are dropped when
    /// that alert is not new.
    pub notifications: Vec<NotificationDraft>,
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitOutcome {
    /// Ids of the alerts that were new, sorted. A repeated commit names the same ones.
    pub new_alerts: Vec<String>,
    /// Notifications that were added; 0 when repeated.
    pub notifications_added: u64,
    /// True when the execution was committed before, and nothing changed now.
    pub repeated: bool,
}

/// Commits of executions.
#[async_trait]
pub trait CommitStore: Send + Sync {
    /// Makes an execution true in one transaction. Repeating it, also after a crash or with a lease that was lost since,
    /// changes nothing and says so. Refused whole with [`StateError::LeaseLost`], [`StateError::CursorConflict`] (also when
    /// the cursor would go back), [`StateError::ExecutionConflict`], or [`StateError::NotFound`] for an alert to update or
    /// a gap to fill that does not exist.
    async fn commit_execution(
        &self,
        commit: &ExecutionCommit,
        now: Timestamp,
    ) -> Result<CommitOutcome, StateError>;

    /// Makes several executions true in one transaction, with one write to the disk: all of them, or none when one is
    /// refused. Otherwise as [`Self::commit_execution`]; the outcomes are in the order of the commits.
    async fn commit_executions(
        &self,
        commits: &[ExecutionCommit],
        now: Timestamp,
    ) -> Result<Vec<CommitOutcome>, StateError>;
}
