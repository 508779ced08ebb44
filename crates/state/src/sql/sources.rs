//! What sources must not forget, in SQL.

use async_trait::async_trait;
use jiff::Timestamp;

use super::SqlStore;
use super::row::{Fields, checked_id, free_text, milliseconds, one_more};
use super::statement::Statement;
use crate::{Page, PoisonDelivery, SourceStore, StateError};

#[async_trait]
impl SourceStore for SqlStore {
    async fn put_checkpoint(
        &self,
        source: &str,
        key: &str,
        value: &[u8],
        now: Timestamp,
    ) -> Result<(), StateError> {
        checked_id("source name", source)?;
        checked_id("checkpoint key", key)?;
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO source_checkpoints (source, key, value, updated_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (source, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        )
        .bind(source.to_owned())
        .bind(key.to_owned())
        .bind(value.to_vec())
        .bind(milliseconds(now))
        .execute(&mut *write)
        .await?;
        write.commit().await
    }

    async fn checkpoint(&self, source: &str, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        let row = sqlx::query("SELECT value FROM source_checkpoints WHERE source = $1 AND key = $2")
            .bind(source.to_owned())
            .bind(key.to_owned())
            .fetch_optional(&mut *self.read().await?)
            .await?;
        row.map_or(Ok(None), |row| row.optional_bytes("value"))
    }

    async fn checkpoints(&self, source: &str) -> Result<Vec<(String, Vec<u8>)>, StateError> {
        let rows = sqlx::query("SELECT key, value FROM source_checkpoints WHERE source = $1 ORDER BY key")
            .bind(source.to_owned())
            .fetch_all(&mut *self.read().await?)
            .await?;
        rows.iter()
            .map(|row| Ok((row.text("key")?, row.optional_bytes("value")?.unwrap_or_default())))
            .collect()
    }

    async fn delete_checkpoint(&self, source: &str, key: &str) -> Result<bool, StateError> {
        let mut write = self.write().await?;
        let done = sqlx::query("DELETE FROM source_checkpoints WHERE source = $1 AND key = $2")
            .bind(source.to_owned())
            .bind(key.to_owned())
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn add_poison(&self, delivery: PoisonDelivery) -> Result<bool, StateError> {
        checked_id("source name", &delivery.source)?;
        checked_id("delivery id", &delivery.id)?;
        let mut write = self.write().await?;
        let done = sqlx::query(
            "INSERT INTO poison_deliveries (source, id, reason, body_excerpt, time) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (source, id) DO NOTHING",
        )
        .bind(delivery.source)
        .bind(delivery.id)
        .bind(free_text(&delivery.reason))
        .bind(free_text(&delivery.body_excerpt))
        .bind(milliseconds(delivery.time))
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn poison(
        &self,
        source: Option<&str>,
        after: Option<&(String, String)>,
        limit: u32,
    ) -> Result<Page<PoisonDelivery, (String, String)>, StateError> {
        let mut statement = Statement::new(self.dialect, "SELECT * FROM poison_deliveries");
        statement.and_equals("source", source)?;
        if let Some((source, id)) = after {
            let source = statement.text(source)?;
            let id = statement.text(id)?;
            statement.and(&format!("(source > {source} OR (source = {source} AND id > {id}))"));
        }
        let rows = statement.integer(one_more(limit))?;
        statement.push(&format!(" ORDER BY source, id LIMIT {rows}"));
        let rows = statement.fetch_all(&mut *self.read().await?).await?;
        let items = rows
            .iter()
            .map(|row| {
                Ok(PoisonDelivery {
                    source: row.text("source")?,
                    id: row.text("id")?,
                    reason: row.text("reason")?,
                    body_excerpt: row.text("body_excerpt")?,
                    time: row.time("time")?,
                })
            })
            .collect::<Result<Vec<_>, StateError>>()?;
        Ok(Page::cut(items, limit, |delivery| (delivery.source.clone(), delivery.id.clone())))
    }

    async fn delete_poison(&self, source: &str, id: &str) -> Result<bool, StateError> {
        let mut write = self.write().await?;
        let done = sqlx::query("DELETE FROM poison_deliveries WHERE source = $1 AND id = $2")
            .bind(source.to_owned())
            .bind(id.to_owned())
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }
}
