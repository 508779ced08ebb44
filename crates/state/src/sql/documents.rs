//! Documents with a revision in SQL: exception lists, their items, and value lists share this.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::audit_trail::{Change, record};
use super::row::{Fields, checked_id, whole_milliseconds};
use super::write::Write;
use crate::{Actor, StateError, StoredDocument};

/// Which document: its kind, the list it belongs to (empty when it is none's), its id.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) kind: &'static str,
    pub(super) list_id: &'a str,
    pub(super) id: &'a str,
}

impl Key<'_> {
    fn audited_id(&self) -> String {
        if self.list_id.is_empty() { self.id.to_owned() } else { format!("{}/{}", self.list_id, self.id) }
    }
}

/// Refuses a change over another one.
pub(super) fn check_revision(
    kind: &'static str,
    id: &str,
    found: Option<i64>,
    expected: Option<i64>,
) -> Result<i64, StateError> {
    let found = found.unwrap_or(0);
    match expected {
        Some(expected) if expected != found => {
            Err(StateError::RevisionConflict { kind, id: id.to_owned(), expected, found })
        }
        _ => Ok(found + 1),
    }
}

pub(super) async fn find(
    connection: &mut AnyConnection,
    key: Key<'_>,
) -> Result<Option<StoredDocument>, StateError> {
    let row = sqlx::query("SELECT * FROM documents WHERE kind = $1 AND list_id = $2 AND id = $3")
        .bind(key.kind)
        .bind(key.list_id.to_owned())
        .bind(key.id.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(stored).transpose()
}

pub(super) async fn all(
    connection: &mut AnyConnection,
    kind: &'static str,
    list_id: &str,
) -> Result<Vec<StoredDocument>, StateError> {
    let rows = sqlx::query("SELECT * FROM documents WHERE kind = $1 AND list_id = $2 ORDER BY id")
        .bind(kind)
        .bind(list_id.to_owned())
        .fetch_all(connection)
        .await?;
    rows.iter().map(stored).collect()
}

pub(super) async fn put(
    write: &mut Write,
    key: Key<'_>,
    document: Value,
    expected_revision: Option<i64>,
    by: &Actor,
    now: Timestamp,
) -> Result<StoredDocument, StateError> {
    checked_id(key.kind, key.id)?;
    let before = find(write, key).await?;
    let found = before.as_ref().map(|before| before.revision);
    let after = StoredDocument {
        id: key.id.to_owned(),
        revision: check_revision(key.kind, key.id, found, expected_revision)?,
        document,
        updated_at: whole_milliseconds(now)?,
        updated_by: by.name().to_owned(),
    };
    sqlx::query(
        "INSERT INTO documents (kind, list_id, id, document, revision, updated_at, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (kind, list_id, id) DO UPDATE SET document = excluded.document, revision = excluded.revision,
             updated_at = excluded.updated_at, updated_by = excluded.updated_by",
    )
    .bind(key.kind)
    .bind(key.list_id.to_owned())
    .bind(key.id.to_owned())
    .bind(after.document.to_string())
    .bind(after.revision)
    .bind(after.updated_at.as_millisecond())
    .bind(after.updated_by.clone())
    .execute(&mut **write)
    .await?;
    let change = Change {
        action: &format!("{}.put", key.kind),
        kind: key.kind,
        id: &key.audited_id(),
        before: before.map(|before| before.document),
        after: Some(after.document.clone()),
    };
    record(write, change, by, now).await?;
    Ok(after)
}

pub(super) async fn delete(
    write: &mut Write,
    key: Key<'_>,
    by: &Actor,
    now: Timestamp,
) -> Result<bool, StateError> {
    let Some(before) = find(write, key).await? else { return Ok(false) };
    sqlx::query("DELETE FROM documents WHERE kind = $1 AND list_id = $2 AND id = $3")
        .bind(key.kind)
        .bind(key.list_id.to_owned())
        .bind(key.id.to_owned())
        .execute(&mut **write)
        .await?;
    let change = Change {
        action: &format!("{}.delete", key.kind),
        kind: key.kind,
        id: &key.audited_id(),
        before: Some(before.document),
        after: None,
    };
    record(write, change, by, now).await?;
    Ok(true)
}

fn stored(row: &AnyRow) -> Result<StoredDocument, StateError> {
    Ok(StoredDocument {
        id: row.text("id")?,
        document: row.json("document")?,
        revision: row.integer("revision")?,
        updated_at: row.time("updated_at")?,
        updated_by: row.text("updated_by")?,
    })
}
