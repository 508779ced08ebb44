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
//! # For a live reader
//!
//! A server that runs rules holds the one open [`Lake`] and reads through snapshots:
//!
//! - **A window of a rule**: [`Lake::snapshot_through`]`(end)`, then [`Snapshot::documents_in_order`] with the window as
//!   [`ScanRequest::time`], by [`TimeField::Timestamp`] or [`TimeField::Ingested`]. Events come by that time, then id,
//!   in bounded memory. Every event has `event.ingested`, so that a rule which searches by it with `@timestamp` as its
//!   fallback never needs the fallback here.
//! - **What came since**: `event.ingested` never goes back within the lake of one writer, whatever its clock does, and
//!   `snapshot_through(end)` promises that no later event is stamped before `end`. So `end` is the position: half-open
//!   ranges of [`TimeField::Ingested`] from one position to the next hold each event once, over restarts and compaction.
//!   Keep the position with what was done up to it, and after a restart ask `snapshot_through(position)` first.
//! - **Upkeep**: [`Lake::flush`] when [`Lake::is_flush_due`], [`Lake::compact`] and [`Lake::retain`] now and then, each
//!   on a thread that may block. Appends and readers go on meanwhile.
//! - **Acknowledgement**: when [`Lake::append`] returns, its events are durable; only then may a message be deleted.
//!
//! Invariant: an event is acknowledged only when it is on disk, and from then on every snapshot has it exactly once,
//! whatever is killed when, until retention drops its file.
//! Invariant: nothing here reads a clock. `event.ingested` is the time that the caller of [`Lake::append`] gives.
//! Invariant: what cannot be stored in a typed column is null there, counted, and still in the document.

mod bucket;
#[cfg(feature = "s3")]
pub mod bucket_credentials;
mod columns;
mod commit;
mod compact;
mod conform;
mod data_file;
mod error;
mod event;
mod flush;
mod folder;
mod glimpse;
mod info;
mod known_events;
mod lake;
mod log;
mod log_entry;
mod log_recovery;
mod manifest;
mod ordered;
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
pub use glimpse::{Glimpse, GlimpseView, Glimpses};
pub use info::StreamInfo;
pub use lake::{Lake, Receipt, Recovery};
pub use ordered::OrderedDocuments;
pub use pruning::{Condition, TimeField};
pub use retention::Retained;
pub use scan::{Documents, Scan, ScanAccount, ScanBatch, ScanRequest};
pub use schema::{Column, Kind};
pub use settings::Settings;
pub use snapshot::Snapshot;
pub use storage::Store;
