//! Cursors in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::row::{Fields, milliseconds, optional_milliseconds};
use super::{SqlStore, leases};
use crate::{CursorStore, Lease, RuleCursor, StateError};

#[async_trait]
impl CursorStore for SqlStore {
    async fn cursor(&self, rule_id: &str) -> Result<Option<RuleCursor>, StateError> {
        find(&mut *self.read().await?, rule_id).await
    }

    async fn cursors(&self) -> Result<Vec<RuleCursor>, StateError> {
        let rows =
            sqlx::query("SELECT * FROM cursors ORDER BY rule_id").fetch_all(&mut *self.read().await?).await?;
        rows.iter().map(stored).collect()
    }

    async fn start_cursors(&self, lease: &Lease, starts: &[(String, Timestamp)]) -> Result<u64, StateError> {
        if starts.is_empty() {
            return Ok(0);
        }
        let mut write = self.write().await?;
        if !leases::lock(&mut write, lease).await? {
            return Err(leases::lost(lease));
        }
        let mut started = 0;
        let find = format!("SELECT rule_id FROM rules WHERE rule_id = $1{}", write.dialect.for_update());
        for (rule_id, tick) in starts {
            let rule = sqlx::query(AssertSqlSafe(find.clone())).bind(rule_id.clone());
            if rule.fetch_optional(&mut *write).await?.is_none() {
                continue;
            }
            let done = sqlx::query(
                "INSERT INTO cursors (rule_id, tick) VALUES ($1, $2)
                 ON CONFLICT (rule_id) DO UPDATE SET tick = excluded.tick WHERE cursors.tick IS NULL",
            )
            .bind(rule_id.clone())
            .bind(milliseconds(*tick))
            .execute(&mut *write)
            .await?;
            started += done.rows_affected();
        }
        write.commit().await?;
        Ok(started)
    }
}

pub(super) async fn find(
    connection: &mut AnyConnection,
    rule_id: &str,
) -> Result<Option<RuleCursor>, StateError> {
    let row = sqlx::query("SELECT * FROM cursors WHERE rule_id = $1")
        .bind(rule_id.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(stored).transpose()
}

/// Moves a cursor; a rule state of `None` leaves what is there.
pub(super) async fn put(
    connection: &mut AnyConnection,
    rule_id: &str,
    tick: Option<Timestamp>,
    rule_state: Option<Vec<u8>>,
) -> Result<(), StateError> {
    sqlx::query(
        "INSERT INTO cursors (rule_id, tick, rule_state) VALUES ($1, $2, $3)
         ON CONFLICT (rule_id) DO UPDATE SET tick = excluded.tick,
             rule_state = COALESCE(excluded.rule_state, cursors.rule_state)",
    )
    .bind(rule_id.to_owned())
    .bind(optional_milliseconds(tick))
    .bind(rule_state)
    .execute(connection)
    .await?;
    Ok(())
}

fn stored(row: &AnyRow) -> Result<RuleCursor, StateError> {
    Ok(RuleCursor {
        rule_id: row.text("rule_id")?,
        tick: row.optional_time("tick")?,
        rule_state: row.optional_bytes("rule_state")?,
    })
}
