//! The clocks that run against a key: when it is gone, when its material expires, which service gives up first.

use serde::Serialize;

use super::state::Certainty;

/// A clock.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Clock {
    /// What ends.
    pub kind: ClockKind,
    /// RFC 3339, UTC; `None` where it does not run yet, or nothing says when it ends.
    pub ends: Option<String>,
    /// Seconds from the moment the report is about; negative when it has ended.
    pub seconds_left: Option<i64>,
    /// How sure `ends` is.
    pub certainty: Certainty,
    /// A whole sentence.
    pub says: String,
}

/// What a clock counts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// The earliest moment at which the key is gone for ever; until then the deletion can be cancelled.
    Deletion,
    /// The deletion of a primary, which waits for its replicas.
    ReplicaDeletion,
    /// The imported material's expiry.
    MaterialExpiry,
    /// The first dependent service that gives up on the data.
    DependentService,
}
