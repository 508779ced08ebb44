//! Finds the files under given paths, in a fixed order, and says what could not be reached.

use std::fs::File;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::stdin;
use crate::decode::{Limits, SkipReason};
use crate::error::IngestError;

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// As found: the given path with what is below it.
    pub path: PathBuf,
    /// Size on disk in bytes, for progress; it may change until the file is read.
    pub bytes: u64,
}

impl InputFile {
    /// The name in the ledger: the path, with U+FFFD for what is not Unicode in it.
    pub fn name(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Opens it, for [`crate::decode::decode_stream`].
    pub fn open(&self) -> Result<File, SkipReason> {
        File::open(&self.path).map_err(|error| SkipReason::Unreadable(error.to_string()))
    }

    /// Reads the whole file into `buffer`; see [`stdin::read`] for the cap and for errors.
    pub fn read(&self, limits: &Limits, buffer: &mut Vec<u8>) -> Result<(), SkipReason> {
        stdin::read(self.open()?, limits, buffer)
    }
}

/// What was found under the given paths.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Files to read, by path.
    pub files: Vec<InputFile>,
    /// Entries that cannot be read as files, by path, and why.
    pub skipped: Vec<(PathBuf, SkipReason)>,
}

/// Walks the given files and folders. Every regular file is a file to read, whatever its name: what it is, its
/// content says. A path that is given itself may also be a pipe (`/dev/stdin`, or what a shell's `<(command)` stands
/// for); below a folder, what is no regular file is skipped. Symbolic links are followed. The order is that of the paths' bytes, whatever the order in which they
/// were given, and a path that is reached twice is read once.
pub fn find(paths: &[PathBuf]) -> Result<Found, IngestError> {
    let mut found = Found::default();
    for path in paths {
        // `exists` follows links: a dangling link is found by the walk below, and skipped there.
        if !path.exists() && path.symlink_metadata().is_err() {
            return Err(IngestError::NoSuchPath { path: path.clone() });
        }
        for entry in WalkDir::new(path).follow_links(true) {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) if entry.file_type().is_file() || entry.depth() == 0 => {
                    let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
                    found.files.push(InputFile { path: entry.into_path(), bytes });
                }
                Ok(entry) => found.skipped.push((entry.into_path(), SkipReason::NotAFile)),
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_owned();
                    found.skipped.push((at, reason(&error)));
                }
            }
        }
    }
    found.files.sort_unstable();
    found.files.dedup_by(|later, earlier| later.path == earlier.path);
    found.skipped.sort_unstable();
    found.skipped.dedup();
    Ok(found)
}

fn reason(error: &walkdir::Error) -> SkipReason {
    match error.io_error() {
        Some(io) => SkipReason::Unreadable(io.to_string()),
        None => SkipReason::SymlinkLoop,
    }
}

/// Whether a path means standard input: `-`.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_is_found_once_in_a_fixed_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("b/deep")).unwrap();
        for name in ["b/deep/1.json", "b/.DS_Store", "a.json.gz"] {
            fs::write(at(name), name).unwrap();
        }
        let forwards = find(&[at("a.json.gz"), at("b"), at("b/deep")]).unwrap();
        let backwards = find(&[at("b/deep"), at("b"), at("a.json.gz")]).unwrap();
        assert_eq!(forwards, backwards);
        let names: Vec<_> = forwards.files.iter().map(|file| (file.path.clone(), file.bytes)).collect();
        assert_eq!(names, [(at("a.json.gz"), 9), (at("b/.DS_Store"), 11), (at("b/deep/1.json"), 13)]);
        assert_eq!(forwards.skipped, []);
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error() {
        let error = find(&[PathBuf::from("no/such/folder")]).unwrap_err();
        assert_eq!(error.to_string(), "no such file or folder: no/such/folder");
    }

    #[cfg(unix)]
    #[test]
    fn loops_and_dangling_links_are_skipped_with_a_reason() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("logs")).unwrap();
        fs::write(at("logs/1.json"), "{}").unwrap();
        symlink(at("logs"), at("logs/up")).unwrap();
        symlink(at("nowhere"), at("logs/dangling")).unwrap();
        symlink(at("logs/1.json"), at("logs/link.json")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("logs/socket")).unwrap();
        let found = find(&[at("logs")]).unwrap();
        let files: Vec<_> = found.files.iter().map(|file| file.path.clone()).collect();
        assert_eq!(files, [at("logs/1.json"), at("logs/link.json")]);
        let [(dangling, why), (socket, no_file), (up, looped)] = &found.skipped[..] else {
            panic!("{:?}", found.skipped)
        };
        assert_eq!((dangling, socket, up), (&at("logs/dangling"), &at("logs/socket"), &at("logs/up")));
        assert!(matches!(why, SkipReason::Unreadable(_)), "{why}");
        assert_eq!((no_file, looped), (&SkipReason::NotAFile, &SkipReason::SymlinkLoop));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_given_itself_may_be_no_regular_file() {
        let null = PathBuf::from("/dev/null");
        let found = find(std::slice::from_ref(&null)).unwrap();
        assert_eq!(found, Found { files: vec![InputFile { path: null, bytes: 0 }], skipped: Vec::new() });
    }

    #[test]
    fn a_file_that_is_gone_is_unreadable() {
        let gone = InputFile { path: PathBuf::from("gone.json"), bytes: 3 };
        let result = gone.read(&Limits::default(), &mut Vec::new());
        assert!(matches!(result, Err(SkipReason::Unreadable(_))), "{result:?}");
    }
}
