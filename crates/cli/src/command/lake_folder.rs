//! Where a lake lies, as commands take it: a folder with the writer's log in `log`, or a bucket and a folder for the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use lake::{Lake, Settings, Snapshot, Store};
use server::SystemClock;
use server::bucket::open_bucket;

/// Where the lake lies.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LakeFolder {
    /// The folder of the lake, or its bucket as s3://bucket/prefix, with credentials by the standard chain of AWS
    #[arg(long = "lake", value_name = "DIR|URL")]
    place: String,
    /// Of a lake in a bucket: the folder on this machine with the log of who writes to it. Without it, what is read is in the
    /// bucket alone
    #[arg(long = "lake-log", value_name = "DIR")]
    log: Option<PathBuf>,
}

impl LakeFolder {
    /// The lake that a path or `s3://bucket/prefix` names.
    pub(crate) fn at(place: &str) -> Self {
        Self { place: place.to_owned(), log: None }
    }

    /// The folder; `None` for a bucket.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self.bucket() {
            Some(_) => None,
            None => Some(Path::new(&self.place)),
        }
    }

    /// Bucket and prefix.
    fn bucket(&self) -> Option<(&str, &str)> {
        let rest = self.place.strip_prefix("s3://")?;
        Some(rest.split_once('/').unwrap_or((rest, "")))
    }

    fn log(&self) -> Option<PathBuf> {
        let beside = || self.path().map(|folder| folder.join("log"));
        self.log.clone().or_else(beside)
    }

    fn store(&self) -> anyhow::Result<Store> {
        let Some((bucket, prefix)) = self.bucket() else { return Ok(Store::folder(&self.place)) };
        if bucket.is_empty() {
            anyhow::bail!("{} names no bucket: write s3://bucket/prefix", self.place);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(open_bucket(bucket, prefix, Arc::new(SystemClock)))?)
    }

    /// Opens it for writing, making it when there is none. Only one process can with the same log.
    pub(crate) fn open(&self, settings: Settings) -> anyhow::Result<Lake> {
        let Some(log) = self.log() else {
            anyhow::bail!(
                "writing to a lake in a bucket needs --lake-log DIR: what is received is there before it is in the bucket"
            );
        };
        Lake::open(self.store()?, &log, settings)
            .with_context(|| format!("cannot open the lake in {}", self.place))
    }

    /// Opens one that is there for writing.
    pub(crate) fn open_existing(&self, settings: Settings) -> anyhow::Result<Lake> {
        self.check()?;
        self.open(settings)
    }

    /// Reads one that is there, also while another process writes to it: what is acknowledged is seen.
    pub(crate) fn read(&self) -> anyhow::Result<Snapshot> {
        self.check()?;
        let snapshot = Snapshot::read(self.store()?, self.log().as_deref(), &Settings::default())
            .with_context(|| format!("cannot read the lake in {}", self.place))?;
        if self.bucket().is_some() && snapshot.info().is_empty() {
            anyhow::bail!("there is no lake in {}", self.place);
        }
        Ok(snapshot)
    }

    /// A path that was mistyped must not look like a lake without events.
    fn check(&self) -> anyhow::Result<()> {
        let Some(folder) = self.path() else { return Ok(()) };
        if !folder.join("streams").is_dir() && !folder.join("log").join("writer").is_file() {
            anyhow::bail!("there is no lake in {}", folder.display());
        }
        Ok(())
    }
}
