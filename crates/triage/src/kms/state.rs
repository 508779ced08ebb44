//! The states of a key, and how sure an inference from the logs is.

use serde::Serialize;

/// A state of a key. Source: AWS KMS developer guide, key-state.html.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "PascalCase")]
pub enum KeyState {
    /// A replica is being made.
    Creating,
    /// It works.
    Enabled,
    /// Switched off.
    Disabled,
    /// It waits for imported material.
    PendingImport,
    /// It is gone after the waiting period.
    PendingDeletion,
    /// A primary that waits for its replicas to be gone; the clock does not run yet.
    PendingReplicaDeletion,
    /// Its key store is disconnected.
    Unavailable,
    /// Its primary Region is being moved.
    Updating,
    /// Gone for ever.
    Deleted,
    /// The logs don't say.
    Unknown,
}

/// How sure a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Nothing speaks for it or against it.
    Unknown,
    /// It follows from what KMS is known to do.
    Inferred,
    /// A record says so.
    Recorded,
}
