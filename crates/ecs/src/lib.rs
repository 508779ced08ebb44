//! Fields, types, data streams, index patterns, documents and time: the ground that every other crate stands on.
//!
//! ```text
//!   Catalog ── what a field means (type, one or many values) ──▶ FieldTable ── small numbers for the fields that rules read
//!   Document ── one event as nested JSON ──▶ EventView ── what a matcher may ask of an event
//!   DataStream ◀── matches ── IndexPatterns        DateMath, TimeRange, Interval: time, always as a parameter
//! ```
//!
//! Invariant: a field's meaning is decided here, once, by [`Catalog`]; nobody else guesses. An unknown field is
//! a field without values, never an error.
//! Invariant: nothing here reads a clock, the environment or a file.

pub mod catalog;
pub mod data_stream;
pub mod document;
pub mod field;
pub mod field_table;
pub mod index_pattern;
pub mod scalar;
pub mod time;
pub mod view;

pub use catalog::Catalog;
pub use data_stream::DataStream;
pub use document::Document;
pub use field::{Arity, Field, FieldType};
pub use field_table::{FieldId, FieldTable};
pub use index_pattern::IndexPatterns;
pub use scalar::Scalar;
pub use time::{DateMath, Interval, TimeRange, Timestamp};
pub use view::{EventView, Known};
