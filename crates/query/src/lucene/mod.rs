//! Lucene query strings: text to tree and back.

pub mod ast;

pub use ast::Query;
