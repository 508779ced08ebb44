//! What each data stream of a lake holds.

use std::collections::BTreeMap;

use ecs::{DataStream, Timestamp};

use crate::schema::TIMESTAMP;
use crate::schema::{Column, FIXED};
use crate::snapshot::Snapshot;
use crate::statistics::time_bounds;

/// One data stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamInfo {
    /// The data stream.
    pub data_stream: DataStream,
    /// Its events, those in memory included.
    pub events: u64,
    /// Those of them that are in the log and in memory, not in files.
    pub events_in_memory: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Its files.
    pub files: u64,
    /// Files that were dropped or replaced and are not deleted yet.
    pub removed_files: u64,
    /// The least `@timestamp`; `None` when no event has one.
    pub oldest: Option<Timestamp>,
    /// The greatest `@timestamp`.
    pub newest: Option<Timestamp>,
    /// Events without a readable `@timestamp`.
    pub without_time: u64,
    /// Its fields that are columns, beside `@timestamp`, `event.ingested`, `event.original`, `_id` and `_source`.
    pub columns: BTreeMap<String, Column>,
    /// Values by field that are of another type than its column: null there, kept in the document.
    pub clashes: BTreeMap<String, u64>,
    /// Values of fields beyond the limit of columns: in the document only.
    pub without_column: u64,
    /// Events that were delivered again and left out. An append of nothing but duplicates is counted with the next one
    /// that brings something, so that its number is lost when the process ends before; its receipt has it.
    pub duplicates: u64,
    /// The version of its manifest; zero before the first flush.
    pub version: u64,
}

impl Snapshot {
    /// Every data stream, by name of its folder.
    pub fn info(&self) -> Vec<StreamInfo> {
        self.streams
            .values()
            .map(|state| {
                let manifest = &state.manifest;
                let mut counts = manifest.counts.clone();
                let mut bounds: Vec<(i64, i64)> =
                    manifest.files.iter().filter_map(|file| file.time).collect();
                let mut without_time: u64 = manifest.files.iter().map(|file| file.untimed).sum();
                for batch in &state.memory {
                    for (field, count) in &batch.columns.clashes {
                        *counts.clashes.entry(field.clone()).or_default() += count;
                    }
                    counts.without_column += batch.columns.without_column;
                    counts.duplicates += batch.duplicates;
                    bounds.extend(time_bounds(&batch.columns.batch, TIMESTAMP));
                    without_time += batch
                        .columns
                        .batch
                        .column_by_name(TIMESTAMP)
                        .map_or(0, |column| arrow_array::Array::null_count(column) as u64);
                }
                let instant = |at: Option<i64>| at.and_then(|at| Timestamp::from_millisecond(at).ok());
                let events_in_memory = state.memory_rows();
                StreamInfo {
                    data_stream: manifest.data_stream(),
                    events: manifest.files.iter().map(|file| file.rows).sum::<u64>() + events_in_memory,
                    events_in_memory,
                    bytes: manifest.files.iter().map(|file| file.bytes).sum(),
                    files: manifest.files.len() as u64,
                    removed_files: manifest.removed.len() as u64,
                    oldest: instant(bounds.iter().map(|(least, _)| *least).min()),
                    newest: instant(bounds.iter().map(|(_, greatest)| *greatest).max()),
                    without_time,
                    columns: state
                        .schema
                        .columns
                        .iter()
                        .filter(|(name, _)| !FIXED.contains(&&***name))
                        .map(|(name, column)| (name.clone(), *column))
                        .collect(),
                    clashes: counts.clashes,
                    without_column: counts.without_column,
                    duplicates: counts.duplicates,
                    version: manifest.version,
                }
            })
            .collect()
    }
}
