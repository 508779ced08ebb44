//! The outbox in SQL.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::SqlStore;
use super::audit_trail::{Change, record};
use super::row::{Fields, checked_id, free_text, later, milliseconds, one_more, optional_milliseconds};
use super::statement::Statement;
use crate::{Actor, Notification, NotificationDraft, NotificationState, OutboxStore, Page, StateError};

const KIND: &str = "notification";

#[async_trait]
impl OutboxStore for SqlStore {
    async fn add_notification(&self, draft: NotificationDraft, now: Timestamp) -> Result<bool, StateError> {
        let mut write = self.write().await?;
        let is_new = insert(&mut write, &draft, now).await?;
        write.commit().await?;
        Ok(is_new)
    }

    async fn claim_due(
        &self,
        now: Timestamp,
        limit: u32,
        claim: SignedDuration,
    ) -> Result<Vec<Notification>, StateError> {
        let mut write = self.write().await?;
        let select = format!(
            "SELECT * FROM notifications WHERE state = 'pending' AND (not_before IS NULL OR not_before <= $1)
             ORDER BY id LIMIT $2{}",
            self.dialect.skip_locked()
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(milliseconds(now))
            .bind(i64::from(limit))
            .fetch_all(&mut *write)
            .await?;
        let mut claimed = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        for notification in &mut claimed {
            notification.attempts += 1;
            notification.draft.not_before = Some(super::row::whole_milliseconds(later(now, claim))?);
            sqlx::query("UPDATE notifications SET attempts = $1, not_before = $2 WHERE id = $3")
                .bind(notification.attempts)
                .bind(optional_milliseconds(notification.draft.not_before))
                .bind(notification.id)
                .execute(&mut *write)
                .await?;
        }
        write.commit().await?;
        Ok(claimed)
    }

    async fn mark_sent(&self, id: i64, now: Timestamp) -> Result<(), StateError> {
        let mut write = self.write().await?;
        needed(&mut write, id).await?;
        sqlx::query(
            "UPDATE notifications SET state = 'sent', last_error = NULL, not_before = NULL, ended = $1
             WHERE id = $2 AND state <> 'sent'",
        )
        .bind(milliseconds(now))
        .bind(id)
        .execute(&mut *write)
        .await?;
        write.commit().await
    }

    async fn mark_failed(&self, id: i64, error: &str, next_attempt: Timestamp) -> Result<(), StateError> {
        let mut write = self.write().await?;
        needed(&mut write, id).await?;
        sqlx::query(
            "UPDATE notifications SET last_error = $1, not_before = $2 WHERE id = $3 AND state = 'pending'",
        )
        .bind(free_text(error))
        .bind(milliseconds(next_attempt))
        .bind(id)
        .execute(&mut *write)
        .await?;
        write.commit().await
    }

    async fn mark_dead(&self, id: i64, error: &str, now: Timestamp) -> Result<(), StateError> {
        let mut write = self.write().await?;
        needed(&mut write, id).await?;
        sqlx::query(
            "UPDATE notifications SET state = 'dead', last_error = $1, not_before = NULL, ended = $2
             WHERE id = $3 AND state = 'pending'",
        )
        .bind(free_text(error))
        .bind(milliseconds(now))
        .bind(id)
        .execute(&mut *write)
        .await?;
        write.commit().await
    }

    async fn notification(&self, id: i64) -> Result<Option<Notification>, StateError> {
        find(&mut *self.read().await?, id).await
    }

    async fn notifications(
        &self,
        state: NotificationState,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Page<Notification, i64>, StateError> {
        let mut statement = Statement::new(self.dialect, "SELECT * FROM notifications");
        statement.and_equals("state", Some(state.as_str()))?;
        if let Some(after) = after {
            let parameter = statement.integer(after)?;
            statement.and(&format!("id < {parameter}"));
        }
        let rows = statement.integer(one_more(limit))?;
        statement.push(&format!(" ORDER BY id DESC LIMIT {rows}"));
        let rows = statement.fetch_all(&mut *self.read().await?).await?;
        let items = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(items, limit, |notification| notification.id))
    }

    async fn count_notifications(&self) -> Result<Vec<(NotificationState, u64)>, StateError> {
        let rows = sqlx::query(
            "SELECT state, COUNT(*) AS notifications FROM notifications GROUP BY state ORDER BY state",
        )
        .fetch_all(&mut *self.read().await?)
        .await?;
        rows.iter().map(|row| Ok((row.word("state")?, row.count("notifications")?))).collect()
    }

    async fn last_notified(
        &self,
        action_id: &str,
        rule_id: Option<&str>,
    ) -> Result<Option<Timestamp>, StateError> {
        let mut statement = Statement::new(self.dialect, "SELECT MAX(created) AS created FROM notifications");
        statement.and_equals("action_id", Some(action_id))?;
        statement.and_equals("rule_id", rule_id)?;
        let rows = statement.fetch_all(&mut *self.read().await?).await?;
        rows.first().map_or(Ok(None), |row| row.optional_time("created"))
    }

    async fn retry_dead(&self, ids: &[i64], by: &Actor, now: Timestamp) -> Result<u64, StateError> {
        let mut write = self.change().await?;
        let mut retried = 0;
        for id in ids {
            let done = sqlx::query(
                "UPDATE notifications SET state = 'pending', not_before = NULL, ended = NULL
                 WHERE id = $1 AND state = 'dead'",
            )
            .bind(*id)
            .execute(&mut *write)
            .await?;
            if done.rows_affected() > 0 {
                retried += 1;
                let id = id.to_string();
                let change =
                    Change { action: "notification.retry", kind: KIND, id: &id, before: None, after: None };
                record(&mut write, change, by, now).await?;
            }
        }
        write.commit().await?;
        Ok(retried)
    }

    async fn delete_sent_before(&self, before: Timestamp) -> Result<u64, StateError> {
        let mut write = self.write().await?;
        let done = sqlx::query("DELETE FROM notifications WHERE state = 'sent' AND ended < $1")
            .bind(milliseconds(before))
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }
}

/// Writes a notification; false when its dedupe key is there.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    draft: &NotificationDraft,
    now: Timestamp,
) -> Result<bool, StateError> {
    checked_id("dedupe key", &draft.dedupe_key)?;
    let done = sqlx::query(
        "INSERT INTO notifications (dedupe_key, connector_id, action_id, rule_id, about_alert, payload, not_before,
             state, attempts, created) VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8)
         ON CONFLICT (dedupe_key) DO NOTHING",
    )
    .bind(draft.dedupe_key.clone())
    .bind(draft.connector_id.clone())
    .bind(draft.action_id.clone())
    .bind(draft.rule_id.clone())
    .bind(draft.about_alert.clone())
    .bind(draft.payload.to_string())
    .bind(optional_milliseconds(draft.not_before))
    .bind(milliseconds(now))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn find(connection: &mut AnyConnection, id: i64) -> Result<Option<Notification>, StateError> {
    let row =
        sqlx::query("SELECT * FROM notifications WHERE id = $1").bind(id).fetch_optional(connection).await?;
    row.as_ref().map(stored).transpose()
}

async fn needed(connection: &mut AnyConnection, id: i64) -> Result<Notification, StateError> {
    find(connection, id).await?.ok_or_else(|| StateError::not_found(KIND, &id.to_string()))
}

fn stored(row: &AnyRow) -> Result<Notification, StateError> {
    Ok(Notification {
        id: row.integer("id")?,
        draft: NotificationDraft {
            dedupe_key: row.text("dedupe_key")?,
            connector_id: row.text("connector_id")?,
            action_id: row.optional_text("action_id")?,
            rule_id: row.optional_text("rule_id")?,
            about_alert: row.optional_text("about_alert")?,
            payload: row.json("payload")?,
            not_before: row.optional_time("not_before")?,
        },
        state: row.word("state")?,
        attempts: row.integer("attempts")?,
        last_error: row.optional_text("last_error")?,
        created: row.time("created")?,
        ended: row.optional_time("ended")?,
    })
}
