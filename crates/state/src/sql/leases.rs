//! Leases in SQL. A lease's row is never deleted, so that its token never goes back.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::SqlStore;
use super::row::{Fields, checked_id, later, milliseconds};
use super::write::Write;
use crate::{Lease, LeaseStore, StateError};

#[async_trait]
impl LeaseStore for SqlStore {
    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Lease>, StateError> {
        checked_id("lease name", name)?;
        checked_id("lease holder", holder)?;
        let mut write = self.write().await?;
        let row = sqlx::query(
            "INSERT INTO leases (name, holder, token, expires) VALUES ($1, $2, 1, $3)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = leases.token + 1,
                 expires = excluded.expires
                 WHERE leases.holder IS NULL OR leases.holder = excluded.holder OR leases.expires <= $4
             RETURNING name, holder, token, expires",
        )
        .bind(name.to_owned())
        .bind(holder.to_owned())
        .bind(milliseconds(later(now, ttl)))
        .bind(milliseconds(now))
        .fetch_optional(&mut *write)
        .await?;
        let lease = row.as_ref().map(stored).transpose()?;
        write.commit().await?;
        Ok(lease)
    }

    async fn renew_lease(
        &self,
        lease: &Lease,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Lease, StateError> {
        let mut write = self.write().await?;
        let row = sqlx::query(
            "UPDATE leases SET expires = $1 WHERE name = $2 AND token = $3 AND holder IS NOT NULL
             RETURNING name, holder, token, expires",
        )
        .bind(milliseconds(later(now, ttl)))
        .bind(lease.name.clone())
        .bind(lease.token)
        .fetch_optional(&mut *write)
        .await?;
        let renewed = row.as_ref().map(stored).transpose()?.ok_or_else(|| lost(lease))?;
        write.commit().await?;
        Ok(renewed)
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), StateError> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE leases SET holder = NULL WHERE name = $1 AND token = $2")
            .bind(lease.name.clone())
            .bind(lease.token)
            .execute(&mut *write)
            .await?;
        write.commit().await
    }

    async fn leases(&self) -> Result<Vec<Lease>, StateError> {
        let rows = sqlx::query("SELECT * FROM leases WHERE holder IS NOT NULL ORDER BY name")
            .fetch_all(&mut *self.read().await?)
            .await?;
        rows.iter().map(stored).collect()
    }
}

/// Locks the lease's row for the rest of the transaction, so that writers with it go one after the other and nobody takes
/// it meanwhile. Is it still this one?
pub(super) async fn lock(write: &mut Write, lease: &Lease) -> Result<bool, StateError> {
    let select = format!("SELECT holder, token FROM leases WHERE name = $1{}", write.dialect.for_update());
    let row =
        sqlx::query(AssertSqlSafe(select)).bind(lease.name.clone()).fetch_optional(&mut **write).await?;
    match row {
        Some(row) => Ok(row.integer("token")? == lease.token && row.optional_text("holder")?.is_some()),
        None => Ok(false),
    }
}

pub(super) fn lost(lease: &Lease) -> StateError {
    StateError::LeaseLost { name: lease.name.clone(), token: lease.token }
}

fn stored(row: &AnyRow) -> Result<Lease, StateError> {
    Ok(Lease {
        name: row.text("name")?,
        holder: row.text("holder")?,
        token: row.integer("token")?,
        expires: row.time("expires")?,
    })
}
