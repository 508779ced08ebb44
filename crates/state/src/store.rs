//! The whole of the state as one trait: what each concept's own trait asks for, together.

use crate::{
    ActionStore, AlertStore, ApiTokenStore, AuditStore, CommitStore, ConnectorStore, CursorStore, DumpStore,
    ExceptionStore, ExecutionStore, GapStore, LeaseStore, OutboxStore, ResponseStore, RuleStore, SourceStore,
    ValueListStore, WorkflowStore,
};

/// Everything that a server must not forget. Pass it as `Arc<dyn Store>`; the methods are those of the traits it unites.
///
/// All back ends pass one conformance suite. Any method may fail with [`StateError::Database`](crate::StateError::Database)
/// when the back end cannot be reached; then nothing of it has happened, or, if the connection was lost during the commit,
/// all of it. Every method may therefore be repeated.
pub trait Store:
    RuleStore
    + ExceptionStore
    + ValueListStore
    + ConnectorStore
    + ActionStore
    + AlertStore
    + WorkflowStore
    + ExecutionStore
    + CursorStore
    + GapStore
    + LeaseStore
    + CommitStore
    + OutboxStore
    + SourceStore
    + ResponseStore
    + ApiTokenStore
    + AuditStore
    + DumpStore
{
}

impl<T> Store for T where
    T: RuleStore
        + ExceptionStore
        + ValueListStore
        + ConnectorStore
        + ActionStore
        + AlertStore
        + WorkflowStore
        + ExecutionStore
        + CursorStore
        + GapStore
        + LeaseStore
        + CommitStore
        + OutboxStore
        + SourceStore
        + ResponseStore
        + ApiTokenStore
        + AuditStore
        + DumpStore
{
}
