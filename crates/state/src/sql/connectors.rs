//! Connectors in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::audit_trail::{Change, record};
use super::documents::check_revision;
use super::row::{Fields, checked_id, free_text, whole_milliseconds};
use super::write::Write;
use super::{SqlStore, notifications};
use crate::{Actor, ConnectorDraft, ConnectorStore, StateError, StoredConnector};

pub(super) const KIND: &str = "connector";

#[async_trait]
impl ConnectorStore for SqlStore {
    async fn put_connector(
        &self,
        connector: ConnectorDraft,
        expected_revision: Option<i64>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredConnector, StateError> {
        checked_id("connector id", &connector.id)?;
        let mut write = self.change().await?;
        let before = find(&mut write, &connector.id).await?;
        let found = before.as_ref().map(|before| before.revision);
        let after = StoredConnector {
            revision: check_revision(KIND, &connector.id, found, expected_revision)?,
            enabled: connector.enabled.or(before.as_ref().map(|before| before.enabled)).unwrap_or(true),
            id: connector.id,
            name: free_text(&connector.name),
            connector_type: free_text(&connector.connector_type),
            config: connector.config,
            updated_at: whole_milliseconds(now)?,
            updated_by: by.name().to_owned(),
        };
        save(write, "connector.put", before, after, by, now).await
    }

    async fn set_connector_enabled(
        &self,
        id: &str,
        enabled: bool,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredConnector, StateError> {
        let mut write = self.change().await?;
        let before = find(&mut write, id).await?.ok_or_else(|| StateError::not_found(KIND, id))?;
        if before.enabled == enabled {
            return Ok(before);
        }
        let after = StoredConnector {
            enabled,
            revision: before.revision + 1,
            updated_at: whole_milliseconds(now)?,
            updated_by: by.name().to_owned(),
            ..before.clone()
        };
        let action = if enabled { "connector.enable" } else { "connector.disable" };
        save(write, action, Some(before), after, by, now).await
    }

    async fn connector(&self, id: &str) -> Result<Option<StoredConnector>, StateError> {
        find(&mut *self.read().await?, id).await
    }

    async fn connectors(&self) -> Result<Vec<StoredConnector>, StateError> {
        let rows =
            sqlx::query("SELECT * FROM connectors ORDER BY id").fetch_all(&mut *self.read().await?).await?;
        rows.iter().map(stored).collect()
    }

    async fn delete_connector(&self, id: &str, by: &Actor, now: Timestamp) -> Result<bool, StateError> {
        let mut write = self.change().await?;
        let Some(before) = find(&mut write, id).await? else { return Ok(false) };
        let user = sqlx::query("SELECT id FROM actions WHERE connector_id = $1 ORDER BY id LIMIT 1")
            .bind(id.to_owned())
            .fetch_optional(&mut *write)
            .await?;
        if let Some(row) = user {
            let by = format!("action `{}`", row.text("id")?);
            return Err(StateError::InUse { kind: KIND, id: id.to_owned(), by });
        }
        sqlx::query("DELETE FROM connectors WHERE id = $1").bind(id.to_owned()).execute(&mut *write).await?;
        let change =
            Change { action: "connector.delete", kind: KIND, id, before: Some(shown(&before)), after: None };
        record(&mut write, change, by, now).await?;
        write.commit().await?;
        Ok(true)
    }
}

pub(super) async fn find(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<StoredConnector>, StateError> {
    let row = sqlx::query("SELECT * FROM connectors WHERE id = $1")
        .bind(id.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(stored).transpose()
}

async fn save(
    mut write: Write,
    action: &str,
    before: Option<StoredConnector>,
    after: StoredConnector,
    by: &Actor,
    now: Timestamp,
) -> Result<StoredConnector, StateError> {
    sqlx::query(
        "INSERT INTO connectors (id, name, enabled, connector_type, config, revision, updated_at, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, enabled = excluded.enabled,
             connector_type = excluded.connector_type, config = excluded.config, revision = excluded.revision,
             updated_at = excluded.updated_at, updated_by = excluded.updated_by",
    )
    .bind(after.id.clone())
    .bind(after.name.clone())
    .bind(i64::from(after.enabled))
    .bind(after.connector_type.clone())
    .bind(after.config.to_string())
    .bind(after.revision)
    .bind(after.updated_at.as_millisecond())
    .bind(after.updated_by.clone())
    .execute(&mut *write)
    .await?;
    if !after.enabled {
        notifications::skip_pending(&mut write, &after.id, now).await?;
    }
    let change = Change {
        action,
        kind: KIND,
        id: &after.id,
        before: before.as_ref().map(shown),
        after: Some(shown(&after)),
    };
    record(&mut write, change, by, now).await?;
    write.commit().await?;
    Ok(after)
}

fn shown(connector: &StoredConnector) -> Value {
    json!({
        "name": connector.name, "enabled": connector.enabled, "connector_type": connector.connector_type,
        "config": connector.config,
    })
}

fn stored(row: &AnyRow) -> Result<StoredConnector, StateError> {
    Ok(StoredConnector {
        id: row.text("id")?,
        name: row.text("name")?,
        enabled: row.integer("enabled")? != 0,
        connector_type: row.text("connector_type")?,
        config: row.json("config")?,
        revision: row.integer("revision")?,
        updated_at: row.time("updated_at")?,
        updated_by: row.text("updated_by")?,
    })
}
