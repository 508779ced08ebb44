//! What a server must not forget: rules, lists, connectors, alerts, executions, gaps, leases, notifications, responses, the
//! audit trail.
//!
//! ```text
//!   people ──▶ rule_record exception_record value_list_record connector_record action_record api_token ──┐ each change: one
//!              alert_workflow: status, assignees, tags, notes ───────────────────────────────────────────┤ transaction with
//!                                                                                                        └─▶ its row of `audit`
//!   scheduler ─▶ lease ─▶ run a rule ─▶ execution_commit: alerts, execution, cursor, gaps, outbox in ONE transaction
//!                                        └─ refused when the lease went to another node, or the cursor is not where it was
//!   responders ─▶ response_record: request, approve, execute; of several at once one wins
//!   connectors ─▶ outbox: claim, send, mark          sources ─▶ source_checkpoint, poison deliveries
//!
//!   Store = all of these traits ─▶ SqlStore, one set of statements: SQLite (a file or memory) or PostgreSQL
//!                                   └─ dump: everything as NDJSON, which either back end reads back
//! ```
//!
//! Invariant: time is a parameter of each method and is kept in whole milliseconds; nothing here reads a clock.
//! Invariant: what a method has acknowledged survives a crash; what it has not acknowledged is there whole or not at all.
//! Invariant: no secret is stored. Connectors hold references to secrets, tokens are kept as their SHA-256.

pub mod action_record;
pub mod actor;
pub mod alert_record;
pub mod alert_workflow;
pub mod api_token;
pub mod audit;
pub mod connector_record;
pub mod cursor;
pub mod document;
pub mod dump;
pub mod error;
pub mod exception_record;
pub mod execution_commit;
pub mod execution_record;
pub mod gap;
pub mod lease;
pub mod outbox;
pub mod page;
pub mod response_record;
pub mod rule_record;
pub mod source_checkpoint;
pub mod sql;
pub mod store;
pub mod value_list_record;
mod word;

pub use action_record::{ActionDraft, ActionFrequency, ActionStore, StoredAction};
pub use actor::Actor;
pub use alert_record::{AlertCountField, AlertDraft, AlertFilter, AlertPosition, AlertStore, StoredAlert};
pub use alert_workflow::{AlertNote, AlertStatus, Workflow, WorkflowChange, WorkflowStore};
pub use api_token::{ApiToken, ApiTokenDraft, ApiTokenStore, Role};
pub use audit::{AuditEntry, AuditFilter, AuditStore};
pub use connector_record::{ConnectorDraft, ConnectorStore, StoredConnector};
pub use cursor::{CursorStore, RuleCursor};
pub use document::StoredDocument;
pub use dump::{DumpStore, DumpSummary};
pub use error::StateError;
pub use exception_record::ExceptionStore;
pub use execution_commit::{AlertUpdate, CommitOutcome, CommitStore, CursorMove, ExecutionCommit, GapFill};
pub use execution_record::{
    Execution, ExecutionFilter, ExecutionKind, ExecutionPosition, ExecutionStatus, ExecutionStore,
};
pub use gap::{Gap, GapDraft, GapFilter, GapState, GapStore, GapTake};
pub use jiff::Timestamp;
pub use lease::{Lease, LeaseStore};
pub use outbox::{CONNECTOR_SWITCHED_OFF, Notification, NotificationDraft, NotificationState, OutboxStore};
pub use page::{Page, TimeSpan};
pub use response_record::{
    ResponseDraft, ResponseFilter, ResponsePosition, ResponseProgress, ResponseRecord, ResponseStatus,
    ResponseStore,
};
pub use rule_record::{RuleDraft, RuleFormat, RuleStore, StoredRule};
pub use source_checkpoint::{PoisonDelivery, SourceStore};
pub use sql::SqlStore;
pub use store::Store;
pub use value_list_record::ValueListStore;
