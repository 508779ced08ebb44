//! Flush: the events in memory become one sorted file for each data stream, and the log is trimmed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_select::concat::concat_batches;

use crate::columns::{batch_of, in_file_order};
use crate::commit::commit;
use crate::conform::{SourceDocuments, WantedColumn, conform};
use crate::data_file::{encode, keys_of, sorted};
use crate::error::{LakeError, Result};
use crate::event::EventKey;
use crate::lake::Lake;
use crate::manifest::{DataFile, Manifest, file_path};
use crate::schema::StreamSchema;
use crate::stream::{MemoryBatch, StreamState};

/// What a flush wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Files, at most one for each data stream.
    pub files: u64,
    /// Their events.
    pub events: u64,
    /// Events left out because another writer had brought them to a file first.
    pub duplicates: u64,
}

impl Lake {
    /// Writes the events in memory to files and trims the log. Appends go on meanwhile.
    ///
    /// # Errors
    /// When a file or a manifest cannot be written: the events stay in the log and in memory, and the next flush tries
    /// again. Other data streams are flushed all the same.
    pub fn flush(&self) -> Result<Flushed> {
        let inner = &*self.inner;
        let _one_at_a_time = inner.maintenance.lock()?;
        let (through, appending) = self.close_segment()?;
        drop(appending);
        let mut flushed = Flushed::default();
        let mut failed = None;
        for (folder, state) in self.streams()? {
            let batches: Vec<_> =
                state.memory.iter().filter(|batch| batch.sequence <= through).cloned().collect();
            if batches.is_empty() {
                continue;
            }
            match self.flush_stream(&folder, &state, &batches, through) {
                Ok(one) => {
                    flushed.files += one.files;
                    flushed.events += one.events;
                    flushed.duplicates += one.duplicates;
                }
                Err(e) => failed = failed.or(Some(e)),
            }
        }
        match failed {
            Some(e) => Err(e),
            None => inner.log.trim(through).map(|()| flushed),
        }
    }

    fn flush_stream(
        &self,
        folder: &str,
        state: &StreamState,
        batches: &[Arc<MemoryBatch>],
        through: u64,
    ) -> Result<Flushed> {
        let inner = &*self.inner;
        let storage = &*inner.storage;
        let stream = state.manifest.data_stream().name();
        let mut flushed = Flushed::default();
        let mut written: Option<(String, HashSet<EventKey>)> = None;
        let manifest = commit(storage, folder, Arc::clone(&state.manifest), |current| {
            if let Some((path, _)) = written.take_if(|_| current.committed_by(&inner.log.writer) < through) {
                storage.delete(&path)?;
            }
            if current.committed_by(&inner.log.writer) >= through {
                return Ok(None);
            }
            let owns = inner.owns.load(Ordering::Acquire);
            if owns && current.owner.as_ref().is_some_and(|owner| *owner != inner.log.writer) {
                return Err(LakeError::TakenOver { stream: stream.clone() });
            }
            flushed = Flushed::default();
            let mut known = inner.known.lock()?;
            let mut next = current.clone();
            let mut checked = Vec::new();
            // Those up to there were committed by an earlier flush that was not told so.
            let done = current.committed_by(&inner.log.writer);
            for batch in batches.iter().filter(|batch| batch.sequence > done) {
                let one = batch.checked_against(&stream, folder, current, &mut known, storage)?;
                flushed.duplicates += batch.rows() - one.rows();
                next.counts.duplicates += one.duplicates;
                next.counts.without_column += one.columns.without_column;
                checked.push(one);
            }
            drop(known);
            next.schema = state.schema.merged(&current.schema);
            next.committed.insert(inner.log.writer.clone(), through);
            if owns {
                next.owner = Some(inner.log.writer.clone());
            }
            let name = format!("{}-{through:016x}-{:x}.parquet", inner.log.writer, current.version);
            if let Some((file, keys)) = self.write(folder, name, &checked, &mut next)? {
                flushed.files = 1;
                flushed.events = file.rows;
                written = Some((file_path(folder, &file.name), keys));
                next.files.push(file);
            }
            Ok(Some(next))
        })?;
        if let Some((path, keys)) = written {
            inner.known.lock()?.insert(path, keys);
        }
        self.install(folder, &manifest)?;
        Ok(flushed)
    }

    /// Writes the rows as one file; nothing when there are none.
    fn write(
        &self,
        folder: &str,
        name: String,
        batches: &[Arc<MemoryBatch>],
        next: &mut Manifest,
    ) -> Result<Option<(DataFile, HashSet<EventKey>)>> {
        let inner = &*self.inner;
        let stream = next.data_stream().name();
        let mut clashes: BTreeMap<String, u64> = BTreeMap::new();
        for batch in batches {
            for (field, count) in &batch.columns.clashes {
                *clashes.entry(field.clone()).or_default() += count;
            }
        }
        let parts: Vec<&RecordBatch> =
            batches.iter().map(|batch| &batch.columns.batch).filter(|batch| batch.num_rows() > 0).collect();
        for (field, count) in &clashes {
            *next.counts.clashes.entry(field.clone()).or_default() += count;
        }
        if parts.is_empty() {
            return Ok(None);
        }
        let mut late = BTreeMap::new();
        let batch = joined(&parts, &next.schema, &mut late)
            .and_then(|batch| sorted(&batch))
            .map_err(|source| LakeError::Columns { stream: stream.clone(), source })?;
        for (field, count) in late {
            *next.counts.clashes.entry(field.clone()).or_default() += count;
            *clashes.entry(field).or_default() += count;
        }
        let (mut file, bytes) = encode(name, &batch, &clashes, &inner.settings)
            .map_err(|source| LakeError::Write { stream, source })?;
        file.since = next.version + 1;
        inner.storage.put(&file_path(folder, &file.name), bytes)?;
        Ok(Some((file, keys_of(&batch).into_iter().collect())))
    }
}

/// One batch of several, with all their columns as the data stream has them now; `clashes` counts values that a column
/// does not take because another writer was first to give it a type.
pub(crate) fn joined(
    parts: &[&RecordBatch],
    schema: &StreamSchema,
    clashes: &mut BTreeMap<String, u64>,
) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let names: BTreeSet<String> = parts
        .iter()
        .flat_map(|part| part.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>())
        .collect();
    let names = in_file_order(names.iter().map(String::as_str));
    let mut brought = Vec::new();
    for part in parts {
        let mut documents = SourceDocuments::default();
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        for name in &names {
            let Some(column) = schema.get(name) else { continue };
            let wanted = WantedColumn { name: (*name).to_owned(), column, from_source: false };
            let (array, count) = conform(part, &wanted, &mut documents)?;
            if count > 0 {
                *clashes.entry((*name).to_owned()).or_default() += count;
            }
            columns.push(((*name).to_owned(), array));
        }
        brought.push(batch_of(columns)?);
    }
    match brought.first() {
        Some(first) => concat_batches(&first.schema(), &brought),
        None => batch_of(Vec::new()),
    }
}
