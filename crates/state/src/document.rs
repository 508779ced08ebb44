//! A JSON document with an id and a revision: the shape of lists and their items at rest.

use jiff::Timestamp;
use serde_json::Value;

/// A document as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDocument {
    /// Unique among its kind (an item's: within its list).
    pub id: String,
    /// As given, the order of its keys kept.
    pub document: Value,
    /// 1 when created, one more at each change.
    pub revision: i64,
    /// Of the newest change.
    pub updated_at: Timestamp,
    /// Who made it, as [`Actor::name`](crate::Actor::name) says.
    pub updated_by: String,
}
