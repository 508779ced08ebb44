//! The folder of a case: what is written is hashed on its way, and nothing that is not ours is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::manifest;
use crate::error::CaseError;

/// The name of the manifest.
const MANIFEST: &str = "manifest.sha256";
/// The folder of raw records.
pub(super) const RECORDS: &str = "records";

/// A case that is being written.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Hashes by name.
    written: BTreeMap<String, String>,
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct CaseFile<'f> {
    folder: &'f mut Folder,
    name: String,
    file: BufWriter<File>,
    hash: Sha256,
}

impl Folder {
    /// An empty folder, or one that an earlier case was taken out of.
    pub(super) fn open(path: &Path) -> Result<Self, CaseError> {
        fs::create_dir_all(path).map_err(at(path))?;
        let found = files_in(path)?;
        if !found.is_empty() {
            let former = former_case(path, &found)?;
            // The manifest goes first: a case that is half taken out isn't a whole one.
            for name in std::iter::once(MANIFEST).chain(former.iter().map(String::as_str)) {
                let file = path.join(name);
                fs::remove_file(&file).map_err(at(&file))?;
            }
        }
        let records = path.join(RECORDS);
        fs::create_dir_all(&records).map_err(at(&records))?;
        Ok(Self { path: path.to_owned(), written: BTreeMap::new() })
    }

    /// Begins a file; it must not be there.
    pub(super) fn create(&mut self, name: &str) -> Result<CaseFile<'_>, CaseError> {
        let path = self.path.join(name);
        let file = File::create_new(&path).map_err(at(&path))?;
        Ok(CaseFile { folder: self, name: name.to_owned(), file: BufWriter::new(file), hash: Sha256::new() })
    }

    /// Writes a whole file.
    pub(super) fn write(&mut self, name: &str, content: &[u8]) -> Result<(), CaseError> {
        let mut file = self.create(name)?;
        file.bytes(content)?;
        file.close()
    }

    /// Writes the manifest; returns the names of the other files.
    pub(super) fn seal(self) -> Result<Vec<String>, CaseError> {
        let path = self.path.join(MANIFEST);
        let mut file = File::create_new(&path).map_err(at(&path))?;
        file.write_all(manifest::text(&self.written).as_bytes()).map_err(at(&path))?;
        file.sync_all().map_err(at(&path))?;
        Ok(self.written.into_keys().collect())
    }
}

impl CaseFile<'_> {
    pub(super) fn bytes(&mut self, content: &[u8]) -> Result<(), CaseError> {
        self.hash.update(content);
        self.file.write_all(content).map_err(at(&self.folder.path.join(&self.name)))
    }

    pub(super) fn line(&mut self, content: &[u8]) -> Result<(), CaseError> {
        self.bytes(content)?;
        self.bytes(b"\n")
    }

    pub(super) fn close(mut self) -> Result<(), CaseError> {
        let path = self.folder.path.join(&self.name);
        self.file.flush().map_err(at(&path))?;
        self.folder.written.insert(self.name, manifest::hex(&self.hash.finalize()));
        Ok(())
    }
}

/// The files of an earlier case, when the folder holds that and nothing else.
fn former_case(path: &Path, found: &BTreeSet<String>) -> Result<Vec<String>, CaseError> {
    let not_a_case = || CaseError::NotEmpty(path.to_owned());
    let readme = path.join("README.txt");
    let is_readme_ours = found.contains("README.txt")
        && fs::read_to_string(&readme).map_err(at(&readme))?.starts_with(super::readme::FIRST_LINE);
    if !found.contains(MANIFEST) || !is_readme_ours {
        return Err(not_a_case());
    }
    let manifest_path = path.join(MANIFEST);
    let text = fs::read_to_string(&manifest_path).map_err(at(&manifest_path))?;
    let entries = manifest::parse(&text).ok_or_else(not_a_case)?;
    let not_ours =
        |file: &str, what| CaseError::NotOurs { folder: path.to_owned(), file: file.to_owned(), what };
    if let Some(added) = found.iter().find(|name| *name != MANIFEST && !entries.contains_key(*name)) {
        return Err(not_ours(added, "was added since"));
    }
    let mut names = Vec::new();
    for (name, hash) in entries.into_iter().filter(|(name, _)| found.contains(name)) {
        if hash_of(&path.join(&name))? != hash {
            return Err(not_ours(&name, "was changed since"));
        }
        names.push(name);
    }
    Ok(names)
}

/// Everything that lies in the folder, one level of folders deep; what is no plain file counts too.
fn files_in(path: &Path) -> Result<BTreeSet<String>, CaseError> {
    let mut found = BTreeSet::new();
    let mut look = |folder: &Path, prefix: &str| -> Result<bool, CaseError> {
        let mut has_records = false;
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let entry = entry.map_err(at(folder))?;
            let kind = entry.file_type().map_err(at(folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if prefix.is_empty() && name == RECORDS && kind.is_dir() {
                has_records = true;
            } else {
                found.insert(format!("{prefix}{name}"));
            }
        }
        Ok(has_records)
    };
    if look(path, "")? {
        look(&path.join(RECORDS), "records/")?;
    }
    Ok(found)
}

fn hash_of(path: &Path) -> Result<String, CaseError> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part).map_err(at(path))? {
            0 => return Ok(manifest::hex(&hash.finalize())),
            read => hash.update(&part[..read]),
        }
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> CaseError {
    let path = path.to_owned();
    move |source| CaseError::Write { path: path.clone(), source }
}
