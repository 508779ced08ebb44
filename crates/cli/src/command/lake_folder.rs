//! The folder of a lake, as commands take it: files and manifests in it, and the writer's log in `log`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lake::{Lake, Settings, Snapshot, Store};

/// Where the lake lies.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LakeFolder {
    /// The folder of the lake
    #[arg(long = "lake", value_name = "DIR")]
    folder: PathBuf,
}

impl LakeFolder {
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.folder
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Opens it for writing, making it when there is none. Only one process can.
    pub(crate) fn open(&self, settings: Settings) -> anyhow::Result<Lake> {
        Lake::open(Store::folder(&self.folder), &self.log(), settings)
            .with_context(|| format!("cannot open the lake in {}", self.folder.display()))
    }

    /// Opens one that is there for writing.
    pub(crate) fn open_existing(&self, settings: Settings) -> anyhow::Result<Lake> {
        self.check()?;
        self.open(settings)
    }

    /// Reads one that is there, also while another process writes to it: what is acknowledged is seen.
    pub(crate) fn read(&self) -> anyhow::Result<Snapshot> {
        self.check()?;
        Snapshot::read(Store::folder(&self.folder), Some(&self.log()), &Settings::default())
            .with_context(|| format!("cannot read the lake in {}", self.folder.display()))
    }

    /// A path that was mistyped must not look like a lake without events.
    fn check(&self) -> anyhow::Result<()> {
        if !self.folder.join("streams").is_dir() && !self.log().join("writer").is_file() {
            anyhow::bail!("there is no lake in {}", self.folder.display());
        }
        Ok(())
    }
}
