//! How far each rule has come: the last tick that succeeded, and what the rule remembers between runs.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::StateError;

/// How far a rule has come. It is moved by [`CommitStore`](crate::CommitStore) only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCursor {
    /// The rule's signature id.
    pub rule_id: String,
    /// The last tick that succeeded; `None` when a rule has state but no such tick.
    pub tick: Option<Timestamp>,
    /// What the rule remembers between runs; only the scheduler knows what it means.
    pub rule_state: Option<Vec<u8>>,
}

/// Cursors.
#[async_trait]
pub trait CursorStore: Send + Sync {
    /// The cursor of a rule; `None` when no execution has set one.
    async fn cursor(&self, rule_id: &str) -> Result<Option<RuleCursor>, StateError>;

    /// All cursors by rule id.
    async fn cursors(&self) -> Result<Vec<RuleCursor>, StateError>;
}
