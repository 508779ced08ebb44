//! Exception lists and their items at rest: JSON documents in the public shape, which are not parsed here.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::{Actor, StateError, StoredDocument};

/// Exception lists. `expected_revision` refuses a change over another one ([`StateError::RevisionConflict`]; 0 stands for
/// "does not exist yet"); `None` takes the place of whatever is there.
#[async_trait]
pub trait ExceptionStore: Send + Sync {
    /// Keeps a list.
    async fn put_exception_list(
        &self,
        list_id: &str,
        document: Value,
        expected_revision: Option<i64>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredDocument, StateError>;

    /// One list.
    async fn exception_list(&self, list_id: &str) -> Result<Option<StoredDocument>, StateError>;

    /// All lists by id.
    async fn exception_lists(&self) -> Result<Vec<StoredDocument>, StateError>;

    /// Deletes a list with its items. False when there was none.
    async fn delete_exception_list(
        &self,
        list_id: &str,
        by: &Actor,
        now: Timestamp,
    ) -> Result<bool, StateError>;

    /// Keeps an item of a list. [`StateError::NotFound`] when there is no such list.
    async fn put_exception_item(
        &self,
        list_id: &str,
        item_id: &str,
        document: Value,
        expected_revision: Option<i64>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredDocument, StateError>;

    /// One item.
    async fn exception_item(
        &self,
        list_id: &str,
        item_id: &str,
    ) -> Result<Option<StoredDocument>, StateError>;

    /// All items of a list by id.
    async fn exception_items(&self, list_id: &str) -> Result<Vec<StoredDocument>, StateError>;

    /// Deletes an item. False when there was none.
    async fn delete_exception_item(
        &self,
        list_id: &str,
        item_id: &str,
        by: &Actor,
        now: Timestamp,
    ) -> Result<bool, StateError>;
}
