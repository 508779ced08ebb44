//! The audit trail in SQL: a chain of entries, each with a hash over the one before and itself.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::SqlStore;
use super::row::{Fields, milliseconds, one_more};
use super::statement::Statement;
use super::write::Write;
use crate::{Actor, AuditEntry, AuditFilter, AuditStore, Page, StateError};

const COLUMNS: &str =
    "SELECT id, time, actor, action, object_kind, object_id, before_change, after_change, hash FROM audit";

/// What was changed, and how it was and is.
pub(super) struct Change<'a> {
    pub(super) action: &'a str,
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

/// Adds an entry; the transaction must come from [`SqlStore::change`].
pub(super) async fn record(
    write: &mut Write,
    change: Change<'_>,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StateError> {
    let last = sqlx::query("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")
        .fetch_optional(&mut **write)
        .await?;
    let (last_id, last_hash) = match last {
        Some(row) => (row.integer("id")?, row.text("hash")?),
        None => (0, String::new()),
    };
    let (id, time) = (last_id + 1, milliseconds(now));
    let before = change.before.map(|value| value.to_string());
    let after = change.after.map(|value| value.to_string());
    let hash = chained(
        &last_hash,
        &json!([id, time, by.name(), change.action, change.kind, change.id, before, after]),
    );
    sqlx::query(
        "INSERT INTO audit (id, time, actor, action, object_kind, object_id, before_change, after_change, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(id)
    .bind(time)
    .bind(by.name().to_owned())
    .bind(change.action.to_owned())
    .bind(change.kind.to_owned())
    .bind(change.id.to_owned())
    .bind(before)
    .bind(after)
    .bind(hash)
    .execute(&mut **write)
    .await?;
    Ok(())
}

fn chained(last_hash: &str, entry: &Value) -> String {
    hex(&Sha256::new().chain_update(last_hash).chain_update(entry.to_string()).finalize())
}

/// Lowercase hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn entry(row: &AnyRow) -> Result<AuditEntry, StateError> {
    Ok(AuditEntry {
        id: row.integer("id")?,
        time: row.time("time")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        object_kind: row.text("object_kind")?,
        object_id: row.text("object_id")?,
        before: row.optional_json("before_change")?,
        after: row.optional_json("after_change")?,
        hash: row.text("hash")?,
    })
}

async fn rows_after(connection: &mut AnyConnection, id: i64) -> Result<Vec<AnyRow>, StateError> {
    Ok(sqlx::query(
        "SELECT id, time, actor, action, object_kind, object_id, before_change, after_change, hash FROM audit
         WHERE id > $1 ORDER BY id LIMIT 1000",
    )
    .bind(id)
    .fetch_all(connection)
    .await?)
}

#[async_trait]
impl AuditStore for SqlStore {
    async fn add_audit(
        &self,
        action: &str,
        object_kind: &str,
        object_id: &str,
        detail: Option<Value>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let mut write = self.change().await?;
        let change = Change { action, kind: object_kind, id: object_id, before: None, after: detail };
        record(&mut write, change, by, now).await?;
        write.commit().await
    }

    async fn audit(
        &self,
        filter: &AuditFilter,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Page<AuditEntry, i64>, StateError> {
        let mut statement = Statement::new(self.dialect, COLUMNS);
        statement.and_within("time", filter.time)?;
        statement.and_equals("actor", filter.actor.as_deref())?;
        statement.and_equals("object_kind", filter.object_kind.as_deref())?;
        statement.and_equals("object_id", filter.object_id.as_deref())?;
        if let Some(after) = after {
            let parameter = statement.integer(after)?;
            statement.and(&format!("id < {parameter}"));
        }
        let rows = statement.integer(one_more(limit))?;
        statement.push(&format!(" ORDER BY id DESC LIMIT {rows}"));
        let rows = statement.fetch_all(&mut *self.read().await?).await?;
        let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(items, limit, |entry| entry.id))
    }

    async fn verify_audit(&self) -> Result<Option<i64>, StateError> {
        let mut connection = self.read().await?;
        let (mut last_id, mut last_hash) = (0, String::new());
        loop {
            let rows = rows_after(&mut connection, last_id).await?;
            if rows.is_empty() {
                return Ok(None);
            }
            for row in rows {
                let id = row.integer("id")?;
                let said = json!([
                    id,
                    row.integer("time")?,
                    row.text("actor")?,
                    row.text("action")?,
                    row.text("object_kind")?,
                    row.text("object_id")?,
                    row.optional_text("before_change")?,
                    row.optional_text("after_change")?,
                ]);
                let hash = row.text("hash")?;
                if id != last_id + 1 || hash != chained(&last_hash, &said) {
                    return Ok(Some(id));
                }
                (last_id, last_hash) = (id, hash);
            }
        }
    }
}
