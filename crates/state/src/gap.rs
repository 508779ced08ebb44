//! Time that a rule should have covered and has not, until something fills it.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::word::words;
use crate::{StateError, TimeSpan};

words! {
    /// How far the filling of a gap is.
    pub enum GapState ("gap state") {
        /// Nobody fills it.
        Open = "open",
        /// Somebody has taken it.
        Filling = "filling",
        /// All of it is covered.
        Filled = "filled",
    }
}

/// A gap to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapDraft {
    /// The rule's signature id.
    pub rule_id: String,
    /// First instant that is not covered.
    pub from: Timestamp,
    /// First instant after; later than `from`.
    pub to: Timestamp,
    /// Why it is not covered, for example `failed`, `server was down`.
    pub reason: String,
}

/// A gap as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Unique.
    pub id: i64,
    /// The rule's signature id.
    pub rule_id: String,
    /// First instant that was not covered.
    pub from: Timestamp,
    /// First instant after.
    pub to: Timestamp,
    /// Why it was not covered.
    pub reason: String,
    /// How far the filling is.
    pub state: GapState,
    /// How often it was taken.
    pub attempts: i64,
    /// Covered up to here (not included); `None` for nothing yet. What is left to do is `[filled_until or from, to)`.
    pub filled_until: Option<Timestamp>,
    /// Not to be taken before: the end of a claim while filling, of a wait after a failure; `None` for at once.
    pub not_before: Option<Timestamp>,
}

/// Which gaps. An empty list restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GapFilter {
    /// Of one of these rules.
    pub rule_ids: Vec<String>,
    /// In one of these states.
    pub states: Vec<GapState>,
    /// That share an instant with this span.
    pub time: TimeSpan,
}

/// How gaps are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapTake {
    /// Now.
    pub now: Timestamp,
    /// After this long the claim is over, and somebody else may take the gap (a node died).
    pub claim: SignedDuration,
    /// At most so many.
    pub limit: u32,
    /// Of these rules only; empty for all.
    pub rule_ids: Vec<String>,
}

/// Gaps. Executions add and fill them by [`CommitStore`](crate::CommitStore).
#[async_trait]
pub trait GapStore: Send + Sync {
    /// Adds a gap, merged with open ones of the rule that overlap or touch it. Of an open one that is covered in part, that
    /// part becomes a filled gap of its own. Gaps that are being filled, or are filled, stay as they are. The open gap.
    /// [`StateError::Invalid`] unless `from < to`.
    async fn add_gap(&self, gap: GapDraft) -> Result<Gap, StateError>;

    /// Takes the oldest gaps (by `from`, then id) that are open, or whose claim is over, and may be taken by now: they are
    /// filling, with one attempt more. Two callers never take the same one.
    async fn take_gaps(&self, take: &GapTake) -> Result<Vec<Gap>, StateError>;

    /// Gives a gap back that was not filled, to be taken again from `not_before` on. Nothing happens to one that is filled.
    /// [`StateError::NotFound`] when there is none.
    async fn release_gap(&self, id: i64, not_before: Option<Timestamp>) -> Result<(), StateError>;

    /// One gap.
    async fn gap(&self, id: i64) -> Result<Option<Gap>, StateError>;

    /// Gaps by `from`, then id; the first `limit`.
    async fn gaps(&self, filter: &GapFilter, limit: u32) -> Result<Vec<Gap>, StateError>;
}
