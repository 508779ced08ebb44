//! The audit trail: who changed what, when, from what to what. Entries are added with the change itself and never changed.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::{Page, StateError, TimeSpan};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Unique, rising in the order of the changes.
    pub id: i64,
    /// When.
    pub time: Timestamp,
    /// Who, as [`Actor::name`](crate::Actor::name) says.
    pub actor: String,
    /// What was done, for example `rule.put`, `alert.workflow`.
    pub action: String,
    /// What it was done to, for example `rule`.
    pub object_kind: String,
    /// Its id; an item's is `list/item`.
    pub object_id: String,
    /// How it was; `None` when it is new.
    pub before: Option<Value>,
    /// How it is; `None` when it was deleted.
    pub after: Option<Value>,
    /// SHA-256 in hex over the entry before and this one: one that is changed or removed later breaks the chain.
    pub hash: String,
}

/// Which changes. What is `None` restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// By when they were made.
    pub time: TimeSpan,
    /// Made by this actor.
    pub actor: Option<String>,
    /// To things of this kind.
    pub object_kind: Option<String>,
    /// To the thing with this id.
    pub object_id: Option<String>,
}

/// The audit trail.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Notes something that changes nothing in the store, for example a sign-in that was refused, or a run by hand.
    async fn add_audit(
        &self,
        action: &str,
        object_kind: &str,
        object_id: &str,
        detail: Option<Value>,
        by: &crate::Actor,
        now: Timestamp,
    ) -> Result<(), StateError>;

    /// Changes, newest first; `limit` at a time. A place is an entry's id.
    async fn audit(
        &self,
        filter: &AuditFilter,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Page<AuditEntry, i64>, StateError>;

    /// Walks the whole trail: the id of the first entry whose hash does not follow from what is before; `None` when all do.
    /// (Entries cut off at the end are not seen: keep the newest hash elsewhere to see those.)
    async fn verify_audit(&self) -> Result<Option<i64>, StateError>;
}
