//! Exception lists in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::SqlStore;
use super::documents::{self, Key};
use crate::{Actor, ExceptionStore, StateError, StoredDocument};

const LIST: &str = "exception_list";
const ITEM: &str = "exception_item";

fn list_key(list_id: &str) -> Key<'_> {
    Key { kind: LIST, list_id: "", id: list_id }
}

#[async_trait]
impl ExceptionStore for SqlStore {
    async fn put_exception_list(
        &self,
        list_id: &str,
        document: Value,
        expected_revision: Option<i64>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredDocument, StateError> {
        let mut write = self.change().await?;
        let stored =
            documents::put(&mut write, list_key(list_id), document, expected_revision, by, now).await?;
        write.commit().await?;
        Ok(stored)
    }

    async fn exception_list(&self, list_id: &str) -> Result<Option<StoredDocument>, StateError> {
        documents::find(&mut *self.read().await?, list_key(list_id)).await
    }

    async fn exception_lists(&self) -> Result<Vec<StoredDocument>, StateError> {
        documents::all(&mut *self.read().await?, LIST, "").await
    }

    async fn delete_exception_list(
        &self,
        list_id: &str,
        by: &Actor,
        now: Timestamp,
    ) -> Result<bool, StateError> {
        let mut write = self.change().await?;
        for item in documents::all(&mut write, ITEM, list_id).await? {
            documents::delete(&mut write, Key { kind: ITEM, list_id, id: &item.id }, by, now).await?;
        }
        let was_there = documents::delete(&mut write, list_key(list_id), by, now).await?;
        write.commit().await?;
        Ok(was_there)
    }

    async fn put_exception_item(
        &self,
        list_id: &str,
        item_id: &str,
        document: Value,
        expected_revision: Option<i64>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredDocument, StateError> {
        let mut write = self.change().await?;
        if documents::find(&mut write, list_key(list_id)).await?.is_none() {
            return Err(StateError::not_found(LIST, list_id));
        }
        let key = Key { kind: ITEM, list_id, id: item_id };
        let stored = documents::put(&mut write, key, document, expected_revision, by, now).await?;
        write.commit().await?;
        Ok(stored)
    }

    async fn exception_item(
        &self,
        list_id: &str,
        item_id: &str,
    ) -> Result<Option<StoredDocument>, StateError> {
        documents::find(&mut *self.read().await?, Key { kind: ITEM, list_id, id: item_id }).await
    }

    async fn exception_items(&self, list_id: &str) -> Result<Vec<StoredDocument>, StateError> {
        documents::all(&mut *self.read().await?, ITEM, list_id).await
    }

    async fn delete_exception_item(
        &self,
        list_id: &str,
        item_id: &str,
        by: &Actor,
        now: Timestamp,
    ) -> Result<bool, StateError> {
        let mut write = self.change().await?;
        let key = Key { kind: ITEM, list_id, id: item_id };
        let was_there = documents::delete(&mut write, key, by, now).await?;
        write.commit().await?;
        Ok(was_there)
    }
}
