//! Responses in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::SqlStore;
use super::audit_trail::{Change, record};
use super::row::{Fields, checked_id, free_text, milliseconds, one_more, optional_milliseconds};
use super::statement::Statement;
use crate::{
    Actor, Page, ResponseDraft, ResponseFilter, ResponsePosition, ResponseProgress, ResponseRecord,
    ResponseStore, StateError,
};

const KIND: &str = "response";

#[async_trait]
impl ResponseStore for SqlStore {
    async fn add_response(
        &self,
        draft: ResponseDraft,
        progress: ResponseProgress,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ResponseRecord, StateError> {
        checked_id("response id", &draft.id)?;
        checked_id("alert id", &draft.alert_id)?;
        checked_id("key", &draft.key_arn)?;
        checked_id("action", &draft.action)?;
        let mut write = self.change().await?;
        let open = sqlx::query(
            "SELECT id FROM responses WHERE id = $1 OR (key_arn = $2 AND action = $3
                 AND status IN ('requested', 'approved', 'executing')) ORDER BY id LIMIT 1",
        )
        .bind(draft.id.clone())
        .bind(draft.key_arn.clone())
        .bind(draft.action.clone())
        .fetch_optional(&mut *write)
        .await?;
        if let Some(row) = open {
            let by = format!("response `{}`, which is open", row.text("id")?);
            return Err(StateError::InUse { kind: "key", id: draft.key_arn, by });
        }
        let row = sqlx::query(
            "INSERT INTO responses (id, alert_id, key_arn, action, reason, requested_by, requested_at,
                 disabled_by_defender, disabled_said_by, status, expires_at, revision, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12) RETURNING *",
        )
        .bind(draft.id)
        .bind(draft.alert_id)
        .bind(draft.key_arn)
        .bind(draft.action)
        .bind(free_text(&draft.reason))
        .bind(draft.requested_by)
        .bind(milliseconds(draft.requested_at))
        .bind(draft.disabled_by_defender)
        .bind(draft.disabled_said_by.as_deref().map(free_text))
        .bind(progress.status.as_str())
        .bind(milliseconds(progress.expires_at))
        .bind(milliseconds(now))
        .fetch_one(&mut *write)
        .await?;
        let kept = stored(&row)?;
        let change = Change {
            action: "response.request",
            kind: KIND,
            id: &kept.draft.id,
            before: None,
            after: Some(shown(&kept)),
        };
        record(&mut write, change, by, now).await?;
        write.commit().await?;
        Ok(kept)
    }

    async fn step_response(
        &self,
        id: &str,
        expected_revision: i64,
        step: &str,
        progress: ResponseProgress,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ResponseRecord, StateError> {
        let mut write = self.change().await?;
        let before = find(&mut write, id).await?.ok_or_else(|| StateError::not_found(KIND, id))?;
        if before.revision != expected_revision {
            return Err(StateError::RevisionConflict {
                kind: KIND,
                id: id.to_owned(),
                expected: expected_revision,
                found: before.revision,
            });
        }
        let row = sqlx::query(
            "UPDATE responses SET status = $1, expires_at = $2, decided_by = $3, decided_at = $4, executed_by = $5,
                 executed_at = $6, request_id = $7, confirmed_at = $8, event_id = $9, outcome = $10,
                 revision = revision + 1, updated_at = $11 WHERE id = $12 RETURNING *",
        )
        .bind(progress.status.as_str())
        .bind(milliseconds(progress.expires_at))
        .bind(progress.decided_by)
        .bind(optional_milliseconds(progress.decided_at))
        .bind(progress.executed_by)
        .bind(optional_milliseconds(progress.executed_at))
        .bind(progress.request_id.as_deref().map(free_text))
        .bind(optional_milliseconds(progress.confirmed_at))
        .bind(progress.event_id.as_deref().map(free_text))
        .bind(progress.outcome.as_deref().map(free_text))
        .bind(milliseconds(now))
        .bind(id.to_owned())
        .fetch_one(&mut *write)
        .await?;
        let after = stored(&row)?;
        let action = format!("response.{step}");
        let change = Change {
            action: &action,
            kind: KIND,
            id,
            before: Some(shown_progress(&before.progress)),
            after: Some(shown_progress(&after.progress)),
        };
        record(&mut write, change, by, now).await?;
        write.commit().await?;
        Ok(after)
    }

    async fn response(&self, id: &str) -> Result<Option<ResponseRecord>, StateError> {
        find(&mut *self.read().await?, id).await
    }

    async fn responses(
        &self,
        filter: &ResponseFilter,
        after: Option<&ResponsePosition>,
        limit: u32,
    ) -> Result<Page<ResponseRecord, ResponsePosition>, StateError> {
        let mut statement = Statement::new(self.dialect, "SELECT * FROM responses");
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.as_str()).collect();
        statement.and_one_of("status", &statuses)?;
        statement.and_equals("alert_id", filter.alert_id.as_deref())?;
        statement.and_equals("key_arn", filter.key_arn.as_deref())?;
        if let Some((time, id)) = after {
            let (time, id) = (statement.integer(milliseconds(*time))?, statement.text(id)?);
            statement.and(&format!("(requested_at < {time} OR (requested_at = {time} AND id > {id}))"));
        }
        let rows = statement.integer(one_more(limit))?;
        statement.push(&format!(" ORDER BY requested_at DESC, id LIMIT {rows}"));
        let rows = statement.fetch_all(&mut *self.read().await?).await?;
        let items = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(items, limit, |response| (response.draft.requested_at, response.draft.id.clone())))
    }
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<ResponseRecord>, StateError> {
    let row = sqlx::query("SELECT * FROM responses WHERE id = $1")
        .bind(id.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(stored).transpose()
}

fn shown(response: &ResponseRecord) -> Value {
    let draft = &response.draft;
    json!({
        "alert_id": draft.alert_id, "key": draft.key_arn, "action": draft.action, "reason": draft.reason,
        "disabled_by_defender": draft.disabled_by_defender, "disabled_said_by": draft.disabled_said_by,
        "expires_at": response.progress.expires_at.to_string(),
    })
}

fn shown_progress(progress: &ResponseProgress) -> Value {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let whole = json!({
        "status": progress.status.as_str(), "expires_at": progress.expires_at.to_string(),
        "decided_by": progress.decided_by, "decided_at": time(progress.decided_at),
        "executed_by": progress.executed_by, "executed_at": time(progress.executed_at),
        "request_id": progress.request_id, "confirmed_at": time(progress.confirmed_at),
        "event_id": progress.event_id, "outcome": progress.outcome,
    });
    match whole {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

fn stored(row: &AnyRow) -> Result<ResponseRecord, StateError> {
    Ok(ResponseRecord {
        draft: ResponseDraft {
            id: row.text("id")?,
            alert_id: row.text("alert_id")?,
            key_arn: row.text("key_arn")?,
            action: row.text("action")?,
            reason: row.text("reason")?,
            requested_by: row.text("requested_by")?,
            requested_at: row.time("requested_at")?,
            disabled_by_defender: row.optional_text("disabled_by_defender")?,
            disabled_said_by: row.optional_text("disabled_said_by")?,
        },
        progress: ResponseProgress {
            status: row.word("status")?,
            expires_at: row.time("expires_at")?,
            decided_by: row.optional_text("decided_by")?,
            decided_at: row.optional_time("decided_at")?,
            executed_by: row.optional_text("executed_by")?,
            executed_at: row.optional_time("executed_at")?,
            request_id: row.optional_text("request_id")?,
            confirmed_at: row.optional_time("confirmed_at")?,
            event_id: row.optional_text("event_id")?,
            outcome: row.optional_text("outcome")?,
        },
        revision: row.integer("revision")?,
        updated_at: row.time("updated_at")?,
    })
}
