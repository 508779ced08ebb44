//! A lake at one moment: what a reader holds on to while others write.

use std::path::Path;
use std::sync::Arc;

use ecs::Catalog;

use crate::error::Result;
use crate::folder::{fault, names};
use crate::lake::replay_into;
use crate::log_recovery::read_log;
use crate::manifest::{STREAMS, newest, stream_folder};
use crate::settings::Settings;
use crate::storage::{Storage, Store};
use crate::stream::{StreamState, Streams};

/// A lake at one moment. Cheap to clone. Its files stay for the grace that the writer gives.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) streams: Streams,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) catalog: Catalog,
}

impl Snapshot {
    pub(crate) fn new(streams: Streams, storage: Arc<dyn Storage>, catalog: Catalog) -> Self {
        Self { streams, storage, catalog }
    }

    /// Reads a lake that another process may have open for writing: its files, and with `log` also what that writer
    /// has acknowledged and not flushed. Nothing is changed on disk.
    ///
    /// # Errors
    /// When something acknowledged cannot be read.
    pub fn read(store: Store, log: Option<&Path>, settings: &Settings) -> Result<Self> {
        let storage = store.storage;
        // The log first: what is trimmed from it afterwards is in the manifests that are read next.
        let (writer, segments) = match log {
            Some(folder) if names(folder, false)?.contains(&"writer".to_owned()) => {
                let path = folder.join("writer");
                let writer = std::fs::read_to_string(&path).map_err(fault("cannot read", &path))?;
                (writer, read_log(folder)?)
            }
            _ => (String::new(), Vec::new()),
        };
        let mut streams = Streams::new();
        for folder in storage.folders(STREAMS)? {
            if let Some(manifest) = newest(&*storage, &folder)? {
                streams.insert(folder, Arc::new(StreamState::new(manifest)));
            }
        }
        for entry in segments.into_iter().flat_map(|segment| segment.entries) {
            let folder = stream_folder(&entry.data_stream)?;
            let mut schema = streams.get(&folder).map(|state| (*state.schema).clone()).unwrap_or_default();
            replay_into(entry, &writer, &mut streams, &mut schema, settings)?;
        }
        Ok(Self::new(streams, storage, settings.catalog.clone()))
    }
}
