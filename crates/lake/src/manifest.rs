//! What a data stream consists of: its files, its columns, and how far each writer's log is in them.

use std::collections::BTreeMap;

use bytes::Bytes;
use ecs::DataStream;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{LakeError, Result};
use crate::schema::StreamSchema;
use crate::statistics::{Bounds, ColumnStatistics};
use crate::storage::Storage;

/// The folder of all data streams.
pub(crate) const STREAMS: &str = "streams";
/// Manifests kept; a writer that commits to a version further back has slept and must look again.
pub(crate) const KEPT_VERSIONS: u64 = 64;
/// The format of what is written; a reader refuses later ones.
const FORMAT: u32 = 1;

/// One version of a data stream. Never changed: the next version takes its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// Zero before anything was committed.
    pub(crate) version: u64,
    stream: [String; 3],
    pub(crate) schema: StreamSchema,
    /// In the order in which they were committed.
    pub(crate) files: Vec<DataFile>,
    /// Files that are no longer part of it, until they are deleted.
    pub(crate) removed: Vec<RemovedFile>,
    /// The last entry of each writer's log whose events are in files.
    pub(crate) committed: BTreeMap<String, u64>,
    /// The writer that took it over from all others that ever did so; `None` when none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    pub(crate) counts: Counts,
}

/// What has been counted since the stream began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Values by field that are null in its column, because they are of another type.
    pub(crate) clashes: BTreeMap<String, u64>,
    /// Values of fields beyond the limit of columns.
    pub(crate) without_column: u64,
    /// Events that were delivered again.
    pub(crate) duplicates: u64,
}

/// One Parquet file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataFile {
    /// Its name in the stream's `files` folder.
    pub(crate) name: String,
    /// The version of the manifest that brought it.
    pub(crate) since: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// Of `@timestamp`.
    pub(crate) time: Bounds,
    /// Rows without one.
    pub(crate) untimed: u64,
    /// Of `event.ingested`.
    pub(crate) ingested: Bounds,
    pub(crate) columns: BTreeMap<String, ColumnStatistics>,
}

/// A file that was replaced or dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemovedFile {
    pub(crate) name: String,
    /// When, in milliseconds since the epoch.
    pub(crate) at: i64,
}

impl Manifest {
    /// The manifest of a stream in which nothing is.
    pub(crate) fn empty(stream: &DataStream) -> Self {
        Self {
            format: FORMAT,
            version: 0,
            stream: [&stream.kind, &stream.dataset, &stream.namespace].map(|part| part.to_string()),
            schema: StreamSchema::default(),
            files: Vec::new(),
            removed: Vec::new(),
            committed: BTreeMap::new(),
            owner: None,
            counts: Counts::default(),
        }
    }

    pub(crate) fn data_stream(&self) -> DataStream {
        let [kind, dataset, namespace] = &self.stream;
        DataStream { kind: (**kind).into(), dataset: (**dataset).into(), namespace: (**namespace).into() }
    }

    pub(crate) fn committed_by(&self, writer: &str) -> u64 {
        self.committed.get(writer).copied().unwrap_or(0)
    }

    /// Two lines of JSON: the manifest, and the SHA-256 of the first line.
    pub(crate) fn encode(&self, path: &str) -> Result<Bytes> {
        let mut text = serde_json::to_string(self)
            .map_err(|e| LakeError::DamagedManifest { path: path.to_owned(), reason: e.to_string() })?;
        let sum = checksum(text.as_bytes());
        text.push_str("\n{\"sha256\":\"");
        text.push_str(&sum);
        text.push_str("\"}\n");
        Ok(text.into())
    }

    /// Reads it back; every byte is covered by the checksum or has one possible value.
    pub(crate) fn decode(bytes: &[u8], path: &str) -> Result<Self> {
        let damaged =
            |reason: &str| LakeError::DamagedManifest { path: path.to_owned(), reason: reason.to_owned() };
        let end =
            bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| damaged("its checksum is missing"))?;
        let (text, sum) = bytes.split_at(end);
        if sum != format!("\n{{\"sha256\":\"{}\"}}\n", checksum(text)).as_bytes() {
            return Err(damaged("its checksum does not match"));
        }
        let manifest: Self = serde_json::from_slice(text).map_err(|e| damaged(&e.to_string()))?;
        if manifest.format > FORMAT {
            return Err(damaged(&format!("its format {} is of a later release", manifest.format)));
        }
        Ok(manifest)
    }
}

fn checksum(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The folder of a stream: its name, with every byte that is not safe everywhere as `=` and two digits.
pub(crate) fn stream_folder(stream: &DataStream) -> Result<String> {
    let name = stream.name();
    let mut folder = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            folder.push(char::from(byte));
        } else {
            folder.push_str(&format!("={byte:02x}"));
        }
    }
    if folder.len() > 200 { Err(LakeError::LongName { name }) } else { Ok(folder) }
}

pub(crate) fn file_path(folder: &str, name: &str) -> String {
    format!("{STREAMS}/{folder}/files/{name}")
}

pub(crate) fn manifest_path(folder: &str, version: u64) -> String {
    format!("{STREAMS}/{folder}/manifest/{version:020}.json")
}

/// The versions that are there, ascending.
pub(crate) fn versions(storage: &dyn Storage, folder: &str) -> Result<Vec<u64>> {
    let mut versions: Vec<u64> = storage
        .list(&format!("{STREAMS}/{folder}/manifest"))?
        .iter()
        .filter_map(|path| path.rsplit('/').next()?.strip_suffix(".json")?.parse().ok())
        .collect();
    versions.sort_unstable();
    Ok(versions)
}

/// The newest version; `None` when there is none. A damaged one is an error: an older one would lack events.
pub(crate) fn newest(storage: &dyn Storage, folder: &str) -> Result<Option<Manifest>> {
    loop {
        let Some(version) = versions(storage, folder)?.last().copied() else { return Ok(None) };
        let path = manifest_path(folder, version);
        // Gone meanwhile: others have committed many versions since the listing.
        if let Some(bytes) = storage.get(&path)? {
            let manifest = Manifest::decode(&bytes, &path)?;
            if manifest.version != version {
                let reason = format!("it says that it is version {}", manifest.version);
                return Err(LakeError::DamagedManifest { path, reason });
            }
            return Ok(Some(manifest));
        }
    }
}
