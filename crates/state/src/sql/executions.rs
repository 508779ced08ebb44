//! Executions in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::SqlStore;
use super::row::{Fields, checked_id, free_text, milliseconds, one_more};
use super::statement::Statement;
use crate::{Execution, ExecutionFilter, ExecutionPosition, ExecutionStore, Page, StateError};

#[async_trait]
impl ExecutionStore for SqlStore {
    async fn execution(&self, id: &str) -> Result<Option<Execution>, StateError> {
        find(&mut *self.read().await?, id).await
    }

    async fn executions(
        &self,
        filter: &ExecutionFilter,
        after: Option<&ExecutionPosition>,
        limit: u32,
    ) -> Result<Page<Execution, ExecutionPosition>, StateError> {
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.as_str()).collect();
        let kinds: Vec<&str> = filter.kinds.iter().map(|kind| kind.as_str()).collect();
        let mut statement = Statement::new(self.dialect, "SELECT * FROM executions");
        statement.and_one_of("rule_id", &filter.rule_ids)?;
        statement.and_within("started", filter.started)?;
        statement.and_one_of("status", &statuses)?;
        statement.and_one_of("kind", &kinds)?;
        if let Some(after) = after {
            let started = statement.integer(milliseconds(after.started))?;
            let id = statement.text(&after.id)?;
            statement.and(&format!("started <= {started} AND (started < {started} OR id > {id})"));
        }
        let rows = statement.integer(one_more(limit))?;
        statement.push(&format!(" ORDER BY started DESC, id LIMIT {rows}"));
        let rows = statement.fetch_all(&mut *self.read().await?).await?;
        let executions = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(executions, limit, |execution| ExecutionPosition {
            started: execution.started,
            id: execution.id.clone(),
        }))
    }

    async fn last_executions(&self) -> Result<Vec<Execution>, StateError> {
        let rows = sqlx::query(
            "SELECT executions.* FROM rules JOIN executions ON executions.id = (SELECT id FROM executions AS of_rule
                 WHERE of_rule.rule_id = rules.rule_id ORDER BY of_rule.started DESC, of_rule.id LIMIT 1)
             ORDER BY executions.rule_id",
        )
        .fetch_all(&mut *self.read().await?)
        .await?;
        rows.iter().map(stored).collect()
    }

    async fn delete_executions_before(&self, before: Timestamp) -> Result<u64, StateError> {
        let mut write = self.write().await?;
        let done = sqlx::query("DELETE FROM executions WHERE started < $1")
            .bind(milliseconds(before))
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }
}

pub(super) async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Execution>, StateError> {
    let row = sqlx::query("SELECT * FROM executions WHERE id = $1")
        .bind(id.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(stored).transpose()
}

pub(super) async fn insert(connection: &mut AnyConnection, execution: &Execution) -> Result<(), StateError> {
    checked_id("execution id", &execution.id)?;
    sqlx::query(
        "INSERT INTO executions (id, rule_id, kind, tick, window_from, window_to, started, ended, status, message,
             metrics) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(execution.id.clone())
    .bind(execution.rule_id.clone())
    .bind(execution.kind.as_str())
    .bind(milliseconds(execution.tick))
    .bind(milliseconds(execution.window_from))
    .bind(milliseconds(execution.window_to))
    .bind(milliseconds(execution.started))
    .bind(milliseconds(execution.ended))
    .bind(execution.status.as_str())
    .bind(free_text(&execution.message))
    .bind(execution.metrics.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

fn stored(row: &AnyRow) -> Result<Execution, StateError> {
    Ok(Execution {
        id: row.text("id")?,
        rule_id: row.text("rule_id")?,
        kind: row.word("kind")?,
        tick: row.time("tick")?,
        window_from: row.time("window_from")?,
        window_to: row.time("window_to")?,
        started: row.time("started")?,
        ended: row.time("ended")?,
        status: row.word("status")?,
        message: row.text("message")?,
        metrics: row.json("metrics")?,
    })
}
