//! KQL, Lucene, EQL and ES|QL text to syntax trees and diagnostics.
//!
//! ```text
//!   text ──▶ kql::parse / lucene::parse / eql::parse / esql::parse ──▶ Parsed { tree, diagnostics }
//!   tree ──▶ Display ──▶ text
//! ```
//!
//! Invariant: knows no fields, no clock, no file system and nothing of the other crates.
//! Invariant: parsing never fails, never panics and never stops at the first fault: a bad query gives a partial
//! tree and at least one diagnostic with a span.

mod code_units;
mod cursor;
pub mod diagnostic;
pub mod eql;
pub mod esql;
mod faults;
pub mod kql;
pub mod lucene;
mod nearest;
pub mod operator;
mod ql;
mod separated;
pub mod span;
mod tokens;

pub use diagnostic::{Diagnostic, Parsed, Severity};
pub use nearest::nearest;
pub use span::{Span, Spanned};
