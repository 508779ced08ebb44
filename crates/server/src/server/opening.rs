//! State and lake as the settings name them, opened.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ecs::Interval;
use lake::{Lake, Snapshot};
use notify::Secrets;
use state::{SqlStore, Store};

use crate::bucket::open_bucket;
use crate::clock::Clock;
use crate::error::ServerError;
use crate::scheduler::with_causes;
use crate::settings::Settings;

/// Opens the state that settings name.
///
/// # Errors
/// When it cannot be opened, or a newer version has written it.
pub async fn open_state(settings: &Settings, secrets: &dyn Secrets) -> Result<Arc<dyn Store>, ServerError> {
    if let Some(reference) = &settings.state.postgres {
        let url = secrets.resolve(reference).map_err(|error| ServerError::BadRequest(with_causes(&error)))?;
        return Ok(Arc::new(SqlStore::open_postgres(url.expose(), 8).await?));
    }
    let file = &settings.state.sqlite;
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|source| ServerError::Io {
            action: format!("cannot make the folder {}", folder.display()),
            source,
        })?;
    }
    Ok(Arc::new(SqlStore::open_sqlite(file).await?))
}

/// The lock that one server holds beside a database that is a file.
pub(super) fn sole_server_of(database: &Path) -> Result<File, ServerError> {
    let path = database.with_added_extension("server");
    let io = |source| ServerError::Io { action: format!("cannot lock {}", path.display()), source };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServerError::BadRequest(format!(
            "another server is running with the state {}: several share PostgreSQL, not a file",
            database.display()
        ))),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Reads the lake that settings name, also while a server has it open.
///
/// # Errors
/// When something in it cannot be read.
pub async fn read_lake(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Snapshot, ServerError> {
    let (store, log) = places_of_lake(settings, clock).await?;
    let read =
        tokio::task::spawn_blocking(move || Snapshot::read(store, Some(&log), &lake::Settings::default()));
    Ok(read.await.map_err(|error| ServerError::Defect(error.to_string()))??)
}

pub(super) async fn open_lake(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Lake, ServerError> {
    let (store, log) = places_of_lake(settings, clock).await?;
    let mut of_lake = lake::Settings::default();
    if let Some(retention) = &settings.lake.retention {
        let interval: Interval = retention.parse().map_err(|_| {
            ServerError::BadRequest(format!("lake.retention: `{retention}` is no time such as 365d"))
        })?;
        of_lake.retention = Some(interval.as_duration());
    }
    // Opening waits for files and transfers.
    let opened = tokio::task::spawn_blocking(move || Lake::open(store, &log, of_lake)).await;
    Ok(opened.map_err(|error| ServerError::Defect(error.to_string()))??)
}

async fn places_of_lake(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<(lake::Store, PathBuf), ServerError> {
    let lake = &settings.lake;
    let log = lake.log.clone().unwrap_or_else(|| lake.folder.join("log"));
    let store = match &lake.bucket {
        Some(bucket) => open_bucket(bucket, &lake.prefix, Arc::clone(clock)).await?,
        None => lake::Store::folder(&lake.folder),
    };
    Ok((store, log))
}
