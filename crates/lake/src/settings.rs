//! How large, how old, how many: what an operator may set.

use ecs::Catalog;
use jiff::SignedDuration;

/// Sizes, ages and limits of a lake.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What fields mean; decides the types of columns.
    pub catalog: Catalog,
    /// Events that wait in memory before [`Lake::is_flush_due`](crate::Lake::is_flush_due) says so.
    pub flush_rows: u64,
    /// Bytes of documents that wait in memory before a flush is due.
    pub flush_bytes: u64,
    /// Bytes of documents in memory at which an append flushes by itself before it is acknowledged.
    pub memory_bytes: u64,
    /// Rows of a row group: the smallest part of a file that is skipped by its time.
    pub row_group_rows: usize,
    /// Compaction makes files of about this many bytes.
    pub file_bytes: u64,
    /// Compaction makes files of at most this many rows.
    pub file_rows: u64,
    /// Files beside each other in time that are worth compacting.
    pub compact_from_files: usize,
    /// Columns of a data stream; fields beyond stay in the document only, and are counted.
    pub max_columns: usize,
    /// Fields whose values are listed in the manifest up to 16 KiB a file; those of other fields up to 1 KiB.
    pub anchor_fields: Vec<String>,
    /// How long after it was ingested an event is kept at least; `None` keeps everything. A file goes when its last
    /// event has grown old.
    pub retention: Option<SignedDuration>,
    /// How long a file stays after it was replaced or dropped, for readers that still hold a snapshot.
    pub grace: SignedDuration,
    /// Event ids of files kept in memory to tell duplicates; 16 bytes each.
    pub known_ids: usize,
    /// The level at which zstd compresses data files.
    pub compression_level: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            catalog: Catalog::builtin(),
            flush_rows: 20_000,
            flush_bytes: 64 << 20,
            memory_bytes: 512 << 20,
            row_group_rows: 16_384,
            file_bytes: 64 << 20,
            file_rows: 500_000,
            compact_from_files: 4,
            max_columns: 1_000,
            anchor_fields: ["event.action", "event.code", "event.provider"].map(str::to_owned).into(),
            retention: None,
            grace: SignedDuration::from_mins(15),
            known_ids: 4_000_000,
            compression_level: 3,
        }
    }
}
