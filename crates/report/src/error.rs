//! Why a case could not be written.

use std::io;
use std::path::PathBuf;

/// Why a case could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// The folder holds something else.
    #[error("the folder {} is not empty and is no case of an earlier run; name another one", .0.display())]
    NotEmpty(PathBuf),
    /// The folder is an earlier case, and holds something that this is not to overwrite.
    #[error("the folder {} is an earlier case, but {file} {what}; name another one", .folder.display())]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// The file in it.
        file: String,
        /// Why it must stay.
        what: &'static str,
    },
    /// Reading or writing failed.
    #[error("can't write {}", .path.display())]
    Write {
        /// Which file or folder.
        path: PathBuf,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// A report could not be made into JSON.
    #[error("can't write {file} as JSON")]
    Json {
        /// Which file of the case.
        file: &'static str,
        /// What failed.
        #[source]
        source: serde_json::Error,
    },
}
