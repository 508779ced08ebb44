//! A store in a local folder. What was written is synced before anything relies on it: the file, then its folder.

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::error::{LakeError, Result};
use crate::storage::{OpenFile, Storage};

/// Files being written have this in their names; they are nothing until they are renamed.
const UNFINISHED: &str = ".unfinished";

#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// Keeps apart the unfinished files of processes, also of those on other machines, and of threads.
    instance: u64,
    counter: AtomicU64,
}

impl Folder {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, instance: RandomState::new().build_hasher().finish(), counter: AtomicU64::new(0) }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Writes and syncs the bytes under a name of their own beside `target`.
    fn write_unfinished(&self, target: &Path, bytes: &[u8]) -> Result<PathBuf> {
        if let Some(parent) = target.parent() {
            make_folder(parent)?;
        }
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!("{name}.{:016x}-{number}{UNFINISHED}", self.instance));
        let fault = |source| LakeError::File { action: "cannot write", path: path.clone(), source };
        let mut file = File::create(&path).map_err(fault)?;
        file.write_all(bytes).map_err(fault)?;
        file.sync_all().map_err(fault)?;
        Ok(path)
    }
}

impl Storage for Folder {
    fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let target = self.path(path);
        let unfinished = self.write_unfinished(&target, &bytes)?;
        fs::rename(&unfinished, &target).map_err(fault("cannot write", &target))?;
        sync_parent(&target)
    }

    fn put_new(&self, path: &str, bytes: Bytes) -> Result<bool> {
        let target = self.path(path);
        let unfinished = self.write_unfinished(&target, &bytes)?;
        // A link appears whole or not at all, and never replaces: what a conditional put is to a bucket.
        let linked = fs::hard_link(&unfinished, &target);
        fs::remove_file(&unfinished).map_err(fault("cannot remove", &unfinished))?;
        match linked {
            Ok(()) => sync_parent(&target).map(|()| true),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(fault("cannot write", &target)(e)),
        }
    }

    fn get(&self, path: &str) -> Result<Option<Bytes>> {
        let path = self.path(path);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(fault("cannot read", &path)(e)),
        }
    }

    fn open(&self, path: &str) -> Result<Option<OpenFile>> {
        let path = self.path(path);
        match File::open(&path) {
            Ok(file) => Ok(Some(OpenFile::Local(file))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(fault("cannot read", &path)(e)),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>> {
        let names = names(&self.path(folder), false)?;
        Ok(names
            .into_iter()
            .filter(|name| !name.ends_with(UNFINISHED))
            .map(|name| format!("{folder}/{name}"))
            .collect())
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>> {
        names(&self.path(folder), true)
    }

    fn delete(&self, path: &str) -> Result<()> {
        let path = self.path(path);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(fault("cannot remove", &path)(e)),
            _ => Ok(()),
        }
    }
}

/// The names of the files, or of the folders, in a folder; none when it is not there.
pub(crate) fn names(folder: &Path, of_folders: bool) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(fault("cannot read", folder)(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fault("cannot read", folder))?;
        let is_folder = entry.file_type().map_err(fault("cannot read", folder))?.is_dir();
        if is_folder == of_folders
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Makes a folder and those above it, each synced into the one above.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent()
        && !parent.as_os_str().is_empty()
    {
        make_folder(parent)?;
    }
    match fs::create_dir(folder) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(fault("cannot make", folder)(e)),
        _ => sync_parent(folder),
    }
}

/// Makes a name in a folder durable.
pub(crate) fn sync_parent(path: &Path) -> Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(fault("cannot sync", parent))
}

pub(crate) fn fault(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> LakeError {
    move |source| LakeError::File { action, path: path.to_owned(), source }
}
