//! The store in SQL: one set of statements for SQLite and PostgreSQL, and how each is opened.
//!
//! Both understand `$1`, `ON CONFLICT` and `RETURNING`; the few differences are methods of `dialect::Dialect`. On
//! SQLite there is one writer at a time; on PostgreSQL a row lock on the lease orders the commits of one lease, and an
//! advisory lock orders what people change (it is rare, and the audit trail is a chain).

mod actions;
mod alerts;
mod audit_trail;
mod commit;
mod connectors;
mod cursors;
mod dialect;
mod documents;
mod dumps;
mod exceptions;
mod executions;
mod gaps;
mod leases;
mod notifications;
mod responses;
mod row;
mod rules;
mod schema;
mod sources;
mod statement;
mod tokens;
mod value_lists;
mod workflows;
mod write;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Executor};
use tokio::sync::Mutex;

use crate::StateError;
use dialect::Dialect;

/// The newest schema that this code reads and writes.
pub const SCHEMA_VERSION: i64 = schema::MIGRATIONS.len() as i64;

/// The state in SQLite or PostgreSQL. It implements every trait of [`Store`](crate::Store); clones share one pool.
#[derive(Clone)]
pub struct SqlStore {
    pool: AnyPool,
    dialect: Dialect,
    /// SQLite has one writer: waiting here is fair, waiting in the database is not.
    writer: Arc<Mutex<()>>,
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("dialect", &self.dialect).finish_non_exhaustive()
    }
}

impl SqlStore {
    /// Opens, or creates, a state in a file; its folder must exist. Write-ahead log, each commit synchronised to disk,
    /// readers never wait for writers. Several processes may have it open. On Unix a new file is its owner's only.
    pub async fn open_sqlite(file: &Path) -> Result<Self, StateError> {
        create_private(file)?;
        let options = AnyPoolOptions::new().max_connections(4);
        Self::open(options, &sqlite_url(file)?, Dialect::Sqlite).await
    }

    /// A state that is forgotten with the last clone of it; for tests and trials.
    pub async fn open_sqlite_in_memory() -> Result<Self, StateError> {
        // Each connection to `:memory:` is a database of its own, so there is one, for ever.
        let options = AnyPoolOptions::new()
            .min_connections(1)
            .max_connections(1)
            .idle_timeout(None::<Duration>)
            .max_lifetime(None::<Duration>);
        Self::open(options, "sqlite::memory:", Dialect::Sqlite).await
    }

    /// Opens, or creates, the state in a PostgreSQL database, which several nodes may share:
    /// `postgres://user:password@host/database`, with `?sslmode=verify-full` for TLS.
    pub async fn open_postgres(url: &str, max_connections: u32) -> Result<Self, StateError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(StateError::Open { reason: "a PostgreSQL URL begins with postgres://".to_owned() });
        }
        let options = AnyPoolOptions::new().max_connections(max_connections.max(1));
        Self::open(options, url, Dialect::Postgres).await
    }

    async fn open(options: AnyPoolOptions, url: &str, dialect: Dialect) -> Result<Self, StateError> {
        sqlx::any::install_default_drivers();
        let pool = options
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    for statement in dialect.session() {
                        connection.execute(*statement).await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await
            .map_err(opening)?;
        let store = Self { pool, dialect, writer: Arc::default() };
        schema::migrate(&store).await?;
        Ok(store)
    }

    /// Waits for what is under way and closes the connections; every later call fails.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn read(&self) -> Result<PoolConnection<Any>, StateError> {
        Ok(self.pool.acquire().await?)
    }
}

/// Errors of configuration may repeat the URL with its password; they are named without it.
fn opening(error: sqlx::Error) -> StateError {
    match error {
        sqlx::Error::Configuration(_) => {
            StateError::Open { reason: "the URL or path cannot be understood".to_owned() }
        }
        other => StateError::Database(other),
    }
}

fn create_private(file: &Path) -> Result<(), StateError> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop).map_err(|source| StateError::File {
        action: format!("cannot open the state in {}", file.display()),
        source,
    })
}

fn sqlite_url(file: &Path) -> Result<String, StateError> {
    let path = file
        .to_str()
        .ok_or_else(|| StateError::Open { reason: format!("{} is not UTF-8", file.display()) })?;
    let mut url = "sqlite://".to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(url)
}
