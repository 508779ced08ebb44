//! A data stream as readers see it: its manifest, and the batches that are not in files yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;

use crate::columns::Columns;
use crate::data_file::keys_of;
use crate::error::{LakeError, Result};
use crate::event::EventKey;
use crate::known_events::KnownEvents;
use crate::manifest::Manifest;
use crate::schema::{StreamSchema, TIMESTAMP};
use crate::storage::Storage;

/// One state of a data stream. Never changed, only replaced: readers hold on to what they have.
#[derive(Debug, Clone)]
pub(crate) struct StreamState {
    pub(crate) manifest: Arc<Manifest>,
    /// Of files and memory.
    pub(crate) schema: Arc<StreamSchema>,
    /// In the order of their entries in the log.
    pub(crate) memory: Vec<Arc<MemoryBatch>>,
}

/// The events of one append, until they are in a file.
#[derive(Debug, Clone)]
pub(crate) struct MemoryBatch {
    /// Of its entry in the log.
    pub(crate) sequence: u64,
    pub(crate) columns: Columns,
    /// Bytes of the documents.
    pub(crate) bytes: u64,
    /// Events left out because they were there.
    pub(crate) duplicates: u64,
    /// The version of the manifest in whose files none of its events are.
    pub(crate) checked: u64,
}

impl MemoryBatch {
    pub(crate) fn rows(&self) -> u64 {
        self.columns.batch.num_rows() as u64
    }

    pub(crate) fn keys(&self) -> Vec<EventKey> {
        keys_of(&self.columns.batch)
    }

    /// The batch without events that another writer has brought to files meanwhile.
    pub(crate) fn checked_against(
        self: &Arc<Self>,
        stream: &str,
        folder: &str,
        manifest: &Manifest,
        known: &mut KnownEvents,
        storage: &dyn Storage,
    ) -> Result<Arc<Self>> {
        if self.checked >= manifest.version {
            return Ok(Arc::clone(self));
        }
        let events: Vec<_> = times(&self.columns.batch).into_iter().zip(self.keys()).collect();
        let there = known.find(storage, folder, manifest, self.checked, &events)?;
        let mut checked = Self { checked: manifest.version, ..(**self).clone() };
        let gone = there.iter().filter(|there| **there).count();
        if gone > 0 {
            let kept = BooleanArray::from(there.iter().map(|there| !there).collect::<Vec<_>>());
            checked.columns.batch = filter_record_batch(&self.columns.batch, &kept)
                .map_err(|source| LakeError::Columns { stream: stream.to_owned(), source })?;
            checked.duplicates += gone as u64;
        }
        Ok(Arc::new(checked))
    }
}

/// The times of the rows.
pub(crate) fn times(batch: &RecordBatch) -> Vec<Option<i64>> {
    batch
        .column_by_name(TIMESTAMP)
        .and_then(|column| column.as_primitive_opt::<TimestampMillisecondType>())
        .map_or_else(|| vec![None; batch.num_rows()], |times| times.iter().collect())
}

impl StreamState {
    pub(crate) fn new(manifest: Manifest) -> Self {
        Self { schema: Arc::new(manifest.schema.clone()), manifest: Arc::new(manifest), memory: Vec::new() }
    }

    /// The state with one more batch.
    pub(crate) fn with(&self, batch: Arc<MemoryBatch>, schema: &StreamSchema) -> Self {
        let mut memory = self.memory.clone();
        memory.push(batch);
        Self { manifest: Arc::clone(&self.manifest), schema: Arc::new(schema.merged(&self.schema)), memory }
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory.iter().map(|batch| batch.bytes).sum()
    }

    pub(crate) fn memory_rows(&self) -> u64 {
        self.memory.iter().map(|batch| batch.rows()).sum()
    }
}

/// All data streams by their folders.
pub(crate) type Streams = BTreeMap<String, Arc<StreamState>>;
