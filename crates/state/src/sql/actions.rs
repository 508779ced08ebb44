//! Actions in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::SqlStore;
use super::audit_trail::{Change, record};
use super::connectors;
use super::documents::check_revision;
use super::row::{Fields, checked_id, whole_milliseconds};
use crate::{ActionDraft, ActionStore, Actor, StateError, StoredAction};

const KIND: &str = "action";

#[async_trait]
impl ActionStore for SqlStore {
    async fn put_action(
        &self,
        action: ActionDraft,
        expected_revision: Option<i64>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredAction, StateError> {
        checked_id("action id", &action.id)?;
        for rule_id in &action.rule_ids {
            checked_id("rule id", rule_id)?;
        }
        let mut write = self.change().await?;
        if connectors::find(&mut write, &action.connector_id).await?.is_none() {
            return Err(StateError::not_found(connectors::KIND, &action.connector_id));
        }
        let before = find(&mut write, &action.id).await?;
        let found = before.as_ref().map(|before| before.revision);
        let after = StoredAction {
            revision: check_revision(KIND, &action.id, found, expected_revision)?,
            action,
            updated_at: whole_milliseconds(now)?,
            updated_by: by.name().to_owned(),
        };
        let draft = after.action.clone();
        sqlx::query(
            "INSERT INTO actions (id, rule_ids, connector_id, frequency, throttle_seconds, filter, params, revision,
                 updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (id) DO UPDATE SET rule_ids = excluded.rule_ids, connector_id = excluded.connector_id,
                 frequency = excluded.frequency, throttle_seconds = excluded.throttle_seconds,
                 filter = excluded.filter, params = excluded.params, revision = excluded.revision,
                 updated_at = excluded.updated_at, updated_by = excluded.updated_by",
        )
        .bind(draft.id)
        .bind(Value::from(draft.rule_ids).to_string())
        .bind(draft.connector_id)
        .bind(draft.frequency.as_str())
        .bind(draft.throttle_seconds)
        .bind(draft.filter)
        .bind(draft.params.to_string())
        .bind(after.revision)
        .bind(after.updated_at.as_millisecond())
        .bind(after.updated_by.clone())
        .execute(&mut *write)
        .await?;
        let change = Change {
            action: "action.put",
            kind: KIND,
            id: &after.action.id,
            before: before.as_ref().map(shown),
            after: Some(shown(&after)),
        };
        record(&mut write, change, by, now).await?;
        write.commit().await?;
        Ok(after)
    }

    async fn action(&self, id: &str) -> Result<Option<StoredAction>, StateError> {
        find(&mut *self.read().await?, id).await
    }

    async fn actions(&self) -> Result<Vec<StoredAction>, StateError> {
        let rows =
            sqlx::query("SELECT * FROM actions ORDER BY id").fetch_all(&mut *self.read().await?).await?;
        rows.iter().map(stored).collect()
    }

    async fn actions_for_rule(&self, rule_id: &str) -> Result<Vec<StoredAction>, StateError> {
        let mut actions = self.actions().await?;
        actions.retain(|stored| {
            let rule_ids = &stored.action.rule_ids;
            rule_ids.is_empty() || rule_ids.iter().any(|id| id == rule_id)
        });
        Ok(actions)
    }

    async fn delete_action(&self, id: &str, by: &Actor, now: Timestamp) -> Result<bool, StateError> {
        let mut write = self.change().await?;
        let Some(before) = find(&mut write, id).await? else { return Ok(false) };
        sqlx::query("DELETE FROM actions WHERE id = $1").bind(id.to_owned()).execute(&mut *write).await?;
        let change =
            Change { action: "action.delete", kind: KIND, id, before: Some(shown(&before)), after: None };
        record(&mut write, change, by, now).await?;
        write.commit().await?;
        Ok(true)
    }
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<StoredAction>, StateError> {
    let row = sqlx::query("SELECT * FROM actions WHERE id = $1")
        .bind(id.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(stored).transpose()
}

fn shown(stored: &StoredAction) -> Value {
    let action = &stored.action;
    json!({
        "rule_ids": action.rule_ids, "connector_id": action.connector_id, "frequency": action.frequency.as_str(),
        "throttle_seconds": action.throttle_seconds, "filter": action.filter, "params": action.params,
    })
}

fn stored(row: &AnyRow) -> Result<StoredAction, StateError> {
    Ok(StoredAction {
        action: ActionDraft {
            id: row.text("id")?,
            rule_ids: row.texts("rule_ids")?,
            connector_id: row.text("connector_id")?,
            frequency: row.word("frequency")?,
            throttle_seconds: row.optional_integer("throttle_seconds")?,
            filter: row.optional_text("filter")?,
            params: row.json("params")?,
        },
        revision: row.integer("revision")?,
        updated_at: row.time("updated_at")?,
        updated_by: row.text("updated_by")?,
    })
}
