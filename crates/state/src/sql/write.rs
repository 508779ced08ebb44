//! A transaction that writes: all of it, or nothing.

use std::ops::{Deref, DerefMut};

use sqlx::{Any, AnyConnection, Executor, Transaction};
use tokio::sync::OwnedMutexGuard;

use super::SqlStore;
use super::dialect::Dialect;
use crate::StateError;

/// Dropped without a commit, nothing of it has happened.
pub(crate) struct Write {
    transaction: Transaction<'static, Any>,
    pub(crate) dialect: Dialect,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Write {
    pub(crate) async fn commit(self) -> Result<(), StateError> {
        Ok(self.transaction.commit().await?)
    }
}

impl Deref for Write {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.transaction
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }
}

impl SqlStore {
    /// A transaction for what machines write.
    pub(crate) async fn write(&self) -> Result<Write, StateError> {
        let turn = match self.dialect {
            Dialect::Sqlite => Some(self.writer.clone().lock_owned().await),
            Dialect::Postgres => None,
        };
        let transaction = self.pool.begin_with(self.dialect.begin_write()).await?;
        Ok(Write { transaction, dialect: self.dialect, _turn: turn })
    }

    /// A transaction for what people change, in an order with every other such change; the audit trail needs that.
    pub(crate) async fn change(&self) -> Result<Write, StateError> {
        let mut write = self.write().await?;
        if let Some(lock) = self.dialect.lock_changes() {
            write.execute(lock).await?;
        }
        Ok(write)
    }
}
