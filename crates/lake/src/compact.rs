//! Compaction: small files beside each other in time become one large file.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use ecs::Timestamp;

use crate::columns::milliseconds;
use crate::commit::commit;
use crate::data_file::{FileReader, encode, sorted};
use crate::error::{LakeError, Result};
use crate::flush::joined;
use crate::lake::Lake;
use crate::manifest::{DataFile, Manifest, RemovedFile, file_path};
use crate::pruning::MillisecondRange;
use crate::schema::TIMESTAMP;

/// What a compaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Small files that were replaced. They stay until [`Lake::retain`] finds that the grace is over.
    pub replaced: u64,
    /// Files that took their place.
    pub files: u64,
    /// Events in these.
    pub events: u64,
}

impl Lake {
    /// Replaces small files by large ones, in every data stream. Appends, flushes of other processes and readers go on
    /// meanwhile; a replacement is dropped when another writer was quicker with one of its files.
    ///
    /// # Errors
    /// When files cannot be read or written; what was replaced until then stays replaced.
    pub fn compact(&self, now: Timestamp) -> Result<Compacted> {
        let inner = &*self.inner;
        let _one_at_a_time = inner.maintenance.lock()?;
        let mut compacted = Compacted::default();
        for (folder, state) in self.streams()? {
            for (number, group) in self.groups(&state.manifest).iter().enumerate() {
                let Some(state) = self.streams()?.get(&folder).cloned() else { continue };
                if let Some(events) = self.compact_group(&folder, &state.manifest, group, number, now)? {
                    compacted.replaced += group.len() as u64;
                    compacted.files += 1;
                    compacted.events += events;
                }
            }
        }
        Ok(compacted)
    }

    /// Files to be made one: each too small by itself, beside each other in time, together not too large.
    fn groups(&self, manifest: &Manifest) -> Vec<Vec<DataFile>> {
        let settings = &self.inner.settings;
        let mut small: Vec<&DataFile> = manifest
            .files
            .iter()
            .filter(|file| file.bytes < settings.file_bytes / 2 && file.rows < settings.file_rows / 2)
            .collect();
        small.sort_by(|a, b| (a.time, &a.name).cmp(&(b.time, &b.name)));
        let mut groups: Vec<Vec<DataFile>> = Vec::new();
        let (mut bytes, mut rows) = (0, 0);
        for file in small {
            let fits = bytes + file.bytes <= settings.file_bytes && rows + file.rows <= settings.file_rows;
            match groups.last_mut() {
                Some(group) if fits => group.push(file.clone()),
                _ => {
                    groups.push(vec![file.clone()]);
                    (bytes, rows) = (0, 0);
                }
            }
            bytes += file.bytes;
            rows += file.rows;
        }
        groups.retain(|group| group.len() >= settings.compact_from_files.max(2));
        groups
    }

    fn compact_group(
        &self,
        folder: &str,
        manifest: &Arc<Manifest>,
        group: &[DataFile],
        number: usize,
        now: Timestamp,
    ) -> Result<Option<u64>> {
        let inner = &*self.inner;
        let storage = &*inner.storage;
        let stream = manifest.data_stream().name();
        let columns = |source| LakeError::Columns { stream: stream.clone(), source };
        let mut parts: Vec<RecordBatch> = Vec::new();
        let mut clashes: BTreeMap<String, u64> = BTreeMap::new();
        for file in group {
            let path = file_path(folder, &file.name);
            let reader = FileReader::open(storage, &path, file)?;
            let all = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
            let mut rows = 0;
            for batch in reader.read(&all, TIMESTAMP, MillisecondRange::EVERYTHING)?.0 {
                let batch = batch
                    .map_err(|e| LakeError::DamagedFile { path: path.clone(), reason: e.to_string() })?;
                rows += batch.num_rows() as u64;
                parts.push(batch);
            }
            if rows != file.rows {
                let reason = format!("it has {rows} events and not {}", file.rows);
                return Err(LakeError::DamagedFile { path, reason });
            }
            for (field, statistics) in file.columns.iter().filter(|(_, statistics)| statistics.clashes > 0) {
                *clashes.entry(field.clone()).or_default() += statistics.clashes;
            }
        }
        let parts: Vec<&RecordBatch> = parts.iter().collect();
        let batch =
            joined(&parts, &manifest.schema, &mut clashes).and_then(|b| sorted(&b)).map_err(columns)?;
        let name = format!("{}-compact-{:x}-{number}.parquet", inner.log.writer, manifest.version);
        let (file, bytes) = encode(name, &batch, &clashes, &inner.settings)
            .map_err(|source| LakeError::Write { stream, source })?;
        let path = file_path(folder, &file.name);
        storage.put(&path, bytes)?;
        let at = milliseconds(now).unwrap_or(i64::MAX);
        let committed = commit(storage, folder, Arc::clone(manifest), |current| {
            let is_there = |one: &DataFile| current.files.iter().any(|other| other.name == one.name);
            if is_there(&file) || !group.iter().all(is_there) {
                return Ok(None);
            }
            let mut next = current.clone();
            next.files.retain(|one| !group.iter().any(|other| other.name == one.name));
            next.removed.extend(group.iter().map(|file| RemovedFile { name: file.name.clone(), at }));
            next.files.push(DataFile { since: current.version + 1, ..file.clone() });
            Ok(Some(next))
        })?;
        self.install(folder, &committed)?;
        if committed.files.iter().any(|one| one.name == file.name) {
            Ok(Some(file.rows))
        } else {
            storage.delete(&path)?;
            Ok(None)
        }
    }
}
