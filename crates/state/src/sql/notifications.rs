//! The outbox in SQL.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::SqlStore;
use super::audit_trail::{Change, record};
use super::row::{Fields, checked_id, free_text, later, milliseconds, one_more, optional_milliseconds};
use super::statement::Statement;
use super::write::Write;
use crate::{
    Actor, CONNECTOR_SWITCHED_OFF, Notification, NotificationDraft, NotificationState, OutboxStore, Page,
    StateError,
};

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

    async fn mark_skipped(&self, id: i64, now: Timestamp) -> Result<(), StateError> {
        let mut write = self.write().await?;
        needed(&mut write, id).await?;
        sqlx::query(AssertSqlSafe(skip("id")))
            .bind(CONNECTOR_SWITCHED_OFF)
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

    async fn send_again(&self, ids: &[i64], by: &Actor, now: Timestamp) -> Result<u64, StateError> {
        let mut write = self.change().await?;
        let mut retried = 0;
        for id in ids {
            let done = sqlx::query(
                "UPDATE notifications SET state = 'pending', not_before = NULL, ended = NULL
                 WHERE id = $1 AND state IN ('dead', 'skipped') AND NOT EXISTS
                     (SELECT 1 FROM connectors WHERE connectors.id = notifications.connector_id AND enabled = 0)",
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

    async fn delete_settled_before(&self, before: Timestamp) -> Result<u64, StateError> {
        let mut write = self.write().await?;
        let done = sqlx::query("DELETE FROM notifications WHERE state IN ('sent', 'skipped') AND ended < $1")
            .bind(milliseconds(before))
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }
}

/// Writes a notification, skipped at once when its connector is switched off; false when its dedupe key is there.
pub(super) async fn insert(
    write: &mut Write,
    draft: &NotificationDraft,
    now: Timestamp,
) -> Result<bool, StateError> {
    checked_id("dedupe key", &draft.dedupe_key)?;
    // Who switches the connector off meanwhile waits, and then finds this notification pending.
    let select = format!("SELECT enabled FROM connectors WHERE id = $1{}", write.dialect.for_share());
    let connector = sqlx::query(AssertSqlSafe(select))
        .bind(draft.connector_id.clone())
        .fetch_optional(&mut **write)
        .await?;
    let is_off = connector.map(|row| row.integer("enabled")).transpose()? == Some(0);
    let state = if is_off { NotificationState::Skipped } else { NotificationState::Pending };
    let done = sqlx::query(
        "INSERT INTO notifications (dedupe_key, connector_id, action_id, rule_id, about_alert, payload, not_before,
             state, attempts, last_error, created, ended)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11)
         ON CONFLICT (dedupe_key) DO NOTHING",
    )
    .bind(draft.dedupe_key.clone())
    .bind(draft.connector_id.clone())
    .bind(draft.action_id.clone())
    .bind(draft.rule_id.clone())
    .bind(draft.about_alert.clone())
    .bind(draft.payload.to_string())
    .bind(optional_milliseconds(draft.not_before.filter(|_| !is_off)))
    .bind(state.as_str())
    .bind(is_off.then_some(CONNECTOR_SWITCHED_OFF))
    .bind(milliseconds(now))
    .bind(is_off.then_some(milliseconds(now)))
    .execute(&mut **write)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Skips what a connector has still to send. One that is on its way may yet be marked as sent.
pub(super) async fn skip_pending(
    write: &mut Write,
    connector_id: &str,
    now: Timestamp,
) -> Result<(), StateError> {
    sqlx::query(AssertSqlSafe(skip("connector_id")))
        .bind(CONNECTOR_SWITCHED_OFF)
        .bind(milliseconds(now))
        .bind(connector_id.to_owned())
        .execute(&mut **write)
        .await?;
    Ok(())
}

/// Skips the pending notifications whose column is `$3`, for the reason `$1` at the time `$2`; an earlier error is kept.
fn skip(column: &str) -> String {
    format!(
        "UPDATE notifications SET state = 'skipped', not_before = NULL, ended = $2,
             last_error = CAST($1 AS TEXT) || COALESCE('; the attempt before failed: ' || last_error, '')
         WHERE {column} = $3 AND state = 'pending'"
    )
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
