//! How far each rule has come: the last tick that succeeded, and what the rule remembers between runs.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Lease, StateError};

/// How far a rule has come. It is moved by [`CommitStore`](crate::CommitStore) only, once it has been started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCursor {
    /// The rule's signature id.
    pub rule_id: String,
    /// The last tick that succeeded, or after which the rule began; `None` when a rule has state but no such tick.
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

    /// Gives rules that have no tick yet the one after which they begin, and leaves the others as they are, and those that
    /// are not there any more. How many were given one.
    ///
    /// From then on nothing that comes in is outside of what these rules search, even if no run of theirs ever ends.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`] when the lease went to another holder; then nothing has changed.
    async fn start_cursors(&self, lease: &Lease, starts: &[(String, Timestamp)]) -> Result<u64, StateError>;
}
