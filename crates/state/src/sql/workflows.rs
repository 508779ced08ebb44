//! The work on alerts in SQL.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::SqlStore;
use super::audit_trail::{Change, record};
use super::row::{Fields, free_text, milliseconds, whole_milliseconds};
use super::write::Write;
use crate::{Actor, AlertNote, AlertStatus, StateError, Workflow, WorkflowChange, WorkflowStore};

const KIND: &str = "alert";

#[async_trait]
impl WorkflowStore for SqlStore {
    async fn change_workflow(
        &self,
        alert_ids: &[String],
        change: &WorkflowChange,
        by: &Actor,
        now: Timestamp,
    ) -> Result<u64, StateError> {
        let mut write = self.change().await?;
        let mut changed = 0;
        // In the order of their ids, as executions write them: two transactions never wait for each other.
        for id in alert_ids.iter().collect::<BTreeSet<_>>() {
            let before = needed(&mut write, id).await?;
            let after = applied(&before, change);
            if before != after {
                save(&mut write, id, &before, after, by, now).await?;
                changed += 1;
            }
        }
        write.commit().await?;
        Ok(changed)
    }

    async fn add_note(
        &self,
        alert_id: &str,
        text: &str,
        by: &Actor,
        now: Timestamp,
    ) -> Result<AlertNote, StateError> {
        let mut write = self.change().await?;
        needed(&mut write, alert_id).await?;
        let text = free_text(text);
        let row = sqlx::query(
            "INSERT INTO alert_notes (alert_id, author, time, text) VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(alert_id.to_owned())
        .bind(by.name().to_owned())
        .bind(milliseconds(now))
        .bind(text.clone())
        .fetch_one(&mut *write)
        .await?;
        let id = row.integer("id")?;
        let after = Some(json!({ "note": id, "text": text }));
        let change = Change { action: "alert.note", kind: KIND, id: alert_id, before: None, after };
        record(&mut write, change, by, now).await?;
        write.commit().await?;
        Ok(AlertNote { id, author: by.name().to_owned(), time: whole_milliseconds(now)?, text })
    }

    async fn notes(&self, alert_id: &str) -> Result<Vec<AlertNote>, StateError> {
        let rows =
            sqlx::query("SELECT id, author, time, text FROM alert_notes WHERE alert_id = $1 ORDER BY id")
                .bind(alert_id.to_owned())
                .fetch_all(&mut *self.read().await?)
                .await?;
        rows.iter()
            .map(|row| {
                Ok(AlertNote {
                    id: row.integer("id")?,
                    author: row.text("author")?,
                    time: row.time("time")?,
                    text: row.text("text")?,
                })
            })
            .collect()
    }
}

/// The workflow's columns of an alert's row.
pub(super) fn stored(row: &AnyRow) -> Result<Workflow, StateError> {
    Ok(Workflow {
        status: row.word("status")?,
        reason: row.optional_text("reason")?,
        assignees: row.texts("assignees")?,
        tags: row.texts("tags")?,
        revision: row.integer("revision")?,
        updated_at: row.time("updated_at")?,
        updated_by: row.optional_text("updated_by")?,
    })
}

async fn needed(write: &mut Write, alert_id: &str) -> Result<Workflow, StateError> {
    let select = format!("SELECT * FROM alerts WHERE id = $1{}", write.dialect.for_update());
    let row =
        sqlx::query(AssertSqlSafe(select)).bind(alert_id.to_owned()).fetch_optional(&mut **write).await?;
    row.as_ref().map(stored).transpose()?.ok_or_else(|| StateError::not_found(KIND, alert_id))
}

fn applied(before: &Workflow, change: &WorkflowChange) -> Workflow {
    let mut after = before.clone();
    if let Some((status, reason)) = &change.status {
        after.status = *status;
        after.reason = if *status == AlertStatus::Closed { reason.as_deref().map(free_text) } else { None };
    }
    after.assignees = edited(&before.assignees, &change.assign, &change.unassign);
    after.tags = edited(&before.tags, &change.add_tags, &change.remove_tags);
    after
}

fn edited(before: &[String], add: &[String], remove: &[String]) -> Vec<String> {
    let mut texts: BTreeSet<String> = before.iter().cloned().collect();
    texts.extend(add.iter().map(|text| free_text(text)));
    for text in remove {
        texts.remove(text);
    }
    texts.into_iter().collect()
}

async fn save(
    write: &mut Write,
    alert_id: &str,
    before: &Workflow,
    after: Workflow,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StateError> {
    sqlx::query(
        "UPDATE alerts SET status = $1, reason = $2, assignees = $3, tags = $4, revision = revision + 1,
             updated_at = $5, updated_by = $6 WHERE id = $7",
    )
    .bind(after.status.as_str())
    .bind(after.reason.clone())
    .bind(Value::from(after.assignees.clone()).to_string())
    .bind(Value::from(after.tags.clone()).to_string())
    .bind(milliseconds(now))
    .bind(by.name().to_owned())
    .bind(alert_id.to_owned())
    .execute(&mut **write)
    .await?;
    let change = Change {
        action: "alert.workflow",
        kind: KIND,
        id: alert_id,
        before: Some(shown(before)),
        after: Some(shown(&after)),
    };
    record(write, change, by, now).await
}

fn shown(workflow: &Workflow) -> Value {
    json!({
        "status": workflow.status.as_str(), "reason": workflow.reason, "assignees": workflow.assignees,
        "tags": workflow.tags,
    })
}
