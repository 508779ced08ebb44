//! The file connector: one line of JSON a document, on the disk before the message counts as sent.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ConfigError;
use crate::message::Message;
use crate::send::{Receipt, SendError};

/// Settings of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Absolute; its folder must exist. A new file can be read by its owner alone.
    pub path: PathBuf,
}

impl FileConfig {
    pub(super) fn check(&self, at: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        if self.path.is_absolute() && self.path.file_name().is_some() {
            return Ok(());
        }
        Err(ConfigError::value(at("path"), "must be the absolute path of a file"))
    }

    pub(crate) async fn send(&self, documents: &[Value], message: &Message) -> Result<Receipt, SendError> {
        let mut lines = Vec::new();
        for document in documents {
            lines.extend_from_slice(document.to_string().as_bytes());
            lines.push(b'\n');
        }
        let (path, count) = (self.path.clone(), documents.len());
        let written = tokio::task::spawn_blocking(move || append(&path, lines)).await;
        match written {
            Ok(Ok(())) => Ok(Receipt::new(message, format!("{count} lines written"))),
            Ok(Err(source)) => Err(SendError::File { path: self.path.clone(), source }),
            Err(error) => {
                Err(SendError::File { path: self.path.clone(), source: std::io::Error::other(error) })
            }
        }
    }
}

/// A line that a crash left half written is ended first, so that it spoils no other.
fn append(path: &Path, mut lines: Vec<u8>) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            lines.insert(0, b'\n');
        }
    }
    file.write_all(&lines)?;
    file.sync_all()
}
