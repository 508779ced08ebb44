//! Data streams at rest: events are appended, found by time and statistics, compacted and dropped when they are old.
//!
//! ```text
//!   append ──▶ log (fsync) ──▶ acknowledged, and visible in memory
//!                 │ flush
//!                 ▼
//!   Parquet files, sorted by time ◀── named by ── manifest (one version after the other, each put in one step)
//!                 │                                  ▲
//!                 └── compact: small files to large ─┘── retain: files grown old are dropped, deleted after a grace
//!
//!   snapshot ──▶ scan(index patterns, time range, columns) ──▶ batches or documents, each event once
//! ```
//!
//! Invariant: an event is acknowledged only when it is on disk, and from then on every snapshot has it exactly once,
//! whatever is killed when, until retention drops its file.
//! Invariant: nothing here reads a clock. `event.ingested` is the time that the caller of [`Lake::append`] gives.
//! Invariant: what cannot be stored in a typed column is null there, counted, and still in the document.

mod bucket;
mod columns;
mod commit;
mod compact;
mod conform;
mod data_file;
mod error;
mod event;
mod flush;
mod folder;
mod info;
mod known_events;
mod lake;
mod log;
mod log_entry;
mod log_recovery;
mod manifest;
mod pruning;
mod retention;
mod scan;
mod schema;
mod settings;
mod snapshot;
mod statistics;
mod storage;
mod stream;

pub use compact::Compacted;
pub use error::LakeError;
pub use event::{Event, StoredEvent};
pub use flush::Flushed;
pub use info::StreamInfo;
pub use lake::{Lake, Receipt, Recovery};
pub use pruning::{Condition, TimeField};
pub use retention::Retained;
pub use scan::{Documents, Scan, ScanAccount, ScanBatch, ScanRequest};
pub use schema::{Column, Kind};
pub use settings::Settings;
pub use snapshot::Snapshot;
pub use storage::Store;
