//! What EQL conditions mean: one row a condition and a document.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod asking;
mod computed;
mod fields;
mod names;
