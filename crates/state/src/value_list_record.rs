//! Value lists at rest: a JSON document that says what the list is, and its values, of which there may be many.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::{Actor, Page, StateError, StoredDocument};

/// Value lists. For `expected_revision` see [`ExceptionStore`](crate::ExceptionStore). A list's revision also rises when its
/// values change, so that who keeps a copy of them knows when it is old.
#[async_trait]
pub trait ValueListStore: Send + Sync {
    /// Keeps what a list is (name, type, ...). Its values stay.
    async fn put_value_list(
        &self,
        list_id: &str,
        document: Value,
        expected_revision: Option<i64>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredDocument, StateError>;

    /// One list, without its values.
    async fn value_list(&self, list_id: &str) -> Result<Option<StoredDocument>, StateError>;

    /// All lists by id, without their values.
    async fn value_lists(&self) -> Result<Vec<StoredDocument>, StateError>;

    /// Deletes a list with its values. False when there was none.
    async fn delete_value_list(&self, list_id: &str, by: &Actor, now: Timestamp) -> Result<bool, StateError>;

    /// Adds values; those that are there already stay. How many were new. [`StateError::NotFound`] without such a list.
    async fn add_values(
        &self,
        list_id: &str,
        values: &[String],
        by: &Actor,
        now: Timestamp,
    ) -> Result<u64, StateError>;

    /// Removes values. How many were there. [`StateError::NotFound`] without such a list.
    async fn remove_values(
        &self,
        list_id: &str,
        values: &[String],
        by: &Actor,
        now: Timestamp,
    ) -> Result<u64, StateError>;

    /// A list's values in the order of their bytes, `limit` at a time; empty without such a list.
    async fn values(
        &self,
        list_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<String, String>, StateError>;
}
