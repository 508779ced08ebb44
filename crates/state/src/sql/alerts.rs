//! Alerts in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::SqlStore;
use super::row::{Fields, checked_id, milliseconds, one_more, optional_milliseconds};
use super::statement::Statement;
use super::workflows;
use crate::{
    AlertCountField, AlertDraft, AlertFilter, AlertPosition, AlertStatus, AlertStore, Page, StateError,
    StoredAlert,
};

#[async_trait]
impl AlertStore for SqlStore {
    async fn put_alert(&self, alert: AlertDraft, now: Timestamp) -> Result<bool, StateError> {
        let mut write = self.write().await?;
        let is_new = insert(&mut write, &alert, None, now).await?;
        write.commit().await?;
        Ok(is_new)
    }

    async fn update_document(&self, alert_id: &str, document: Value) -> Result<(), StateError> {
        let mut write = self.write().await?;
        replace_document(&mut write, alert_id, &document).await?;
        write.commit().await
    }

    async fn alert(&self, alert_id: &str) -> Result<Option<StoredAlert>, StateError> {
        let row = sqlx::query("SELECT * FROM alerts WHERE id = $1")
            .bind(alert_id.to_owned())
            .fetch_optional(&mut *self.read().await?)
            .await?;
        row.as_ref().map(stored).transpose()
    }

    async fn alerts(
        &self,
        filter: &AlertFilter,
        after: Option<&AlertPosition>,
        limit: u32,
    ) -> Result<Page<StoredAlert, AlertPosition>, StateError> {
        let mut statement = Statement::new(self.dialect, "SELECT * FROM alerts");
        restrict(&mut statement, filter)?;
        if let Some(after) = after {
            let time = statement.integer(milliseconds(after.timestamp))?;
            let id = statement.text(&after.id)?;
            statement.and(&format!("timestamp <= {time} AND (timestamp < {time} OR id > {id})"));
        }
        let rows = statement.integer(one_more(limit))?;
        statement.push(&format!(" ORDER BY timestamp DESC, id LIMIT {rows}"));
        let rows = statement.fetch_all(&mut *self.read().await?).await?;
        let alerts = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(alerts, limit, |stored| AlertPosition {
            timestamp: stored.alert.timestamp,
            id: stored.alert.id.clone(),
        }))
    }

    async fn count_alerts(
        &self,
        filter: &AlertFilter,
        by: AlertCountField,
    ) -> Result<Vec<(String, u64)>, StateError> {
        let column = match by {
            AlertCountField::Status => "status",
            AlertCountField::Severity => "severity",
            AlertCountField::Rule => "rule_id",
        };
        let select = format!("SELECT {column} AS value, COUNT(*) AS alerts FROM alerts");
        let mut statement = Statement::new(self.dialect, &select);
        restrict(&mut statement, filter)?;
        statement.push(&format!(" GROUP BY {column} ORDER BY {column}"));
        let rows = statement.fetch_all(&mut *self.read().await?).await?;
        rows.iter().map(|row| Ok((row.text("value")?, row.count("alerts")?))).collect()
    }
}

/// Keeps an alert; false, and nothing changes, when it is there.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    alert: &AlertDraft,
    execution_id: Option<&str>,
    now: Timestamp,
) -> Result<bool, StateError> {
    checked_id("alert id", &alert.id)?;
    if !alert.risk_score.is_finite() {
        return Err(StateError::Invalid { what: "risk score", reason: "is no number".to_owned() });
    }
    let done = sqlx::query(
        "INSERT INTO alerts (id, rule_id, rule_uuid, severity, risk_score, timestamp, original_time, execution_id,
             document, status, assignees, tags, revision, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '[]', '[]', 0, $11) ON CONFLICT (id) DO NOTHING",
    )
    .bind(alert.id.clone())
    .bind(alert.rule_id.clone())
    .bind(alert.rule_uuid.clone())
    .bind(alert.severity.clone())
    .bind(alert.risk_score)
    .bind(milliseconds(alert.timestamp))
    .bind(optional_milliseconds(alert.original_time))
    .bind(execution_id.map(str::to_owned))
    .bind(alert.document.to_string())
    .bind(AlertStatus::Open.as_str())
    .bind(milliseconds(now))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Replaces the document of an alert that is there.
pub(super) async fn replace_document(
    connection: &mut AnyConnection,
    alert_id: &str,
    document: &Value,
) -> Result<(), StateError> {
    let done = sqlx::query("UPDATE alerts SET document = $1 WHERE id = $2")
        .bind(document.to_string())
        .bind(alert_id.to_owned())
        .execute(connection)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StateError::not_found("alert", alert_id));
    }
    Ok(())
}

fn restrict(statement: &mut Statement, filter: &AlertFilter) -> Result<(), StateError> {
    let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.as_str()).collect();
    statement.and_within("timestamp", filter.time)?;
    statement.and_one_of("rule_id", &filter.rule_ids)?;
    statement.and_one_of("status", &statuses)?;
    statement.and_one_of("severity", &filter.severities)?;
    statement.and_one_of("id", &filter.ids)?;
    statement.and_one_of("execution_id", &filter.execution_ids)
}

fn stored(row: &AnyRow) -> Result<StoredAlert, StateError> {
    Ok(StoredAlert {
        alert: AlertDraft {
            id: row.text("id")?,
            rule_id: row.text("rule_id")?,
            rule_uuid: row.text("rule_uuid")?,
            severity: row.text("severity")?,
            risk_score: row.real("risk_score")?,
            timestamp: row.time("timestamp")?,
            original_time: row.optional_time("original_time")?,
            document: row.json("document")?,
        },
        execution_id: row.optional_text("execution_id")?,
        workflow: workflows::stored(row)?,
    })
}
