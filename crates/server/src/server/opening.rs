//! State and lake as the settings name them, opened.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ecs::Interval;
use lake::{Lake, Snapshot};
use notify::{Secret, SecretRef, Secrets};
use state::{SqlStore, Store};

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

/// What the environment says of buckets: its variable, and the name of the setting.
const OF_BUCKETS: [(&str, &str); 6] = [
    ("AWS_ACCESS_KEY_ID", "aws_access_key_id"),
    ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
    ("AWS_SESSION_TOKEN", "aws_session_token"),
    ("AWS_REGION", "aws_region"),
    ("AWS_ENDPOINT_URL", "aws_endpoint"),
    ("AWS_ALLOW_HTTP", "aws_allow_http"),
];

/// Reads the lake that settings name, also while a server has it open.
///
/// # Errors
/// When something in it cannot be read.
pub fn read_lake(settings: &Settings, secrets: &dyn Secrets) -> Result<Snapshot, ServerError> {
    let (store, log) = places_of_lake(settings, secrets)?;
    Ok(Snapshot::read(store, Some(&log), &lake::Settings::default())?)
}

pub(super) fn open_lake(settings: &Settings, secrets: &dyn Secrets) -> Result<Lake, ServerError> {
    let (store, log) = places_of_lake(settings, secrets)?;
    let mut of_lake = lake::Settings::default();
    if let Some(retention) = &settings.lake.retention {
        let interval: Interval = retention.parse().map_err(|_| {
            ServerError::BadRequest(format!("lake.retention: `{retention}` is no time such as 365d"))
        })?;
        of_lake.retention = Some(interval.as_duration());
    }
    Ok(Lake::open(store, &log, of_lake)?)
}

fn places_of_lake(settings: &Settings, secrets: &dyn Secrets) -> Result<(lake::Store, PathBuf), ServerError> {
    let lake = &settings.lake;
    let log = lake.log.clone().unwrap_or_else(|| lake.folder.join("log"));
    let store = match &lake.bucket {
        Some(bucket) => {
            let known = OF_BUCKETS.iter().filter_map(|(variable, name)| {
                Some((*name, secrets.resolve(&SecretRef::Env((*variable).to_owned())).ok()?))
            });
            let known: Vec<(&str, Secret)> = known.collect();
            lake::Store::s3(bucket, &lake.prefix, known.iter().map(|(name, value)| (*name, value.expose())))?
        }
        None => lake::Store::folder(&lake.folder),
    };
    Ok((store, log))
}
