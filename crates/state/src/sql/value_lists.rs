//! Value lists in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::SqlStore;
use super::audit_trail::{Change, record};
use super::documents::{self, Key};
use super::row::{Fields, checked_id, milliseconds, one_more};
use super::write::Write;
use crate::{Actor, Page, StateError, StoredDocument, ValueListStore};

const LIST: &str = "value_list";

fn key(list_id: &str) -> Key<'_> {
    Key { kind: LIST, list_id: "", id: list_id }
}

#[async_trait]
impl ValueListStore for SqlStore {
    async fn put_value_list(
        &self,
        list_id: &str,
        document: Value,
        expected_revision: Option<i64>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredDocument, StateError> {
        let mut write = self.change().await?;
        let stored = documents::put(&mut write, key(list_id), document, expected_revision, by, now).await?;
        write.commit().await?;
        Ok(stored)
    }

    async fn value_list(&self, list_id: &str) -> Result<Option<StoredDocument>, StateError> {
        documents::find(&mut *self.read().await?, key(list_id)).await
    }

    async fn value_lists(&self) -> Result<Vec<StoredDocument>, StateError> {
        documents::all(&mut *self.read().await?, LIST, "").await
    }

    async fn delete_value_list(&self, list_id: &str, by: &Actor, now: Timestamp) -> Result<bool, StateError> {
        let mut write = self.change().await?;
        sqlx::query("DELETE FROM value_list_values WHERE list_id = $1")
            .bind(list_id.to_owned())
            .execute(&mut *write)
            .await?;
        let was_there = documents::delete(&mut write, key(list_id), by, now).await?;
        write.commit().await?;
        Ok(was_there)
    }

    async fn add_values(
        &self,
        list_id: &str,
        values: &[String],
        by: &Actor,
        now: Timestamp,
    ) -> Result<u64, StateError> {
        for value in values {
            checked_id("value of a value list", value)?;
        }
        let statement =
            "INSERT INTO value_list_values (list_id, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        change_values(self.change().await?, statement, "value_list.add", list_id, values, by, now).await
    }

    async fn remove_values(
        &self,
        list_id: &str,
        values: &[String],
        by: &Actor,
        now: Timestamp,
    ) -> Result<u64, StateError> {
        let statement = "DELETE FROM value_list_values WHERE list_id = $1 AND value = $2";
        change_values(self.change().await?, statement, "value_list.remove", list_id, values, by, now).await
    }

    async fn values(
        &self,
        list_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<String, String>, StateError> {
        let rows = sqlx::query(
            "SELECT value FROM value_list_values WHERE list_id = $1 AND value > $2 ORDER BY value LIMIT $3",
        )
        .bind(list_id.to_owned())
        .bind(after.unwrap_or("").to_owned())
        .bind(one_more(limit))
        .fetch_all(&mut *self.read().await?)
        .await?;
        let values = rows.iter().map(|row| row.text("value")).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(values, limit, String::clone))
    }
}

async fn change_values(
    mut write: Write,
    statement: &'static str,
    action: &str,
    list_id: &str,
    values: &[String],
    by: &Actor,
    now: Timestamp,
) -> Result<u64, StateError> {
    if documents::find(&mut write, key(list_id)).await?.is_none() {
        return Err(StateError::not_found(LIST, list_id));
    }
    let mut changed = Vec::new();
    for value in values {
        let done =
            sqlx::query(statement).bind(list_id.to_owned()).bind(value.clone()).execute(&mut *write).await?;
        if done.rows_affected() > 0 {
            changed.push(value.as_str());
        }
    }
    if changed.is_empty() {
        return Ok(0);
    }
    sqlx::query(
        "UPDATE documents SET revision = revision + 1, updated_at = $1, updated_by = $2
         WHERE kind = 'value_list' AND list_id = '' AND id = $3",
    )
    .bind(milliseconds(now))
    .bind(by.name().to_owned())
    .bind(list_id.to_owned())
    .execute(&mut *write)
    .await?;
    let after = Some(json!({ "count": changed.len(), "first_values": &changed[..changed.len().min(100)] }));
    record(&mut write, Change { action, kind: LIST, id: list_id, before: None, after }, by, now).await?;
    write.commit().await?;
    Ok(changed.len() as u64)
}
