//! What ES|QL queries ask of single events: one row a query and a document.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod asking;
mod fields;
mod keeping;
mod searching;
