//! ES|QL, the piped query language of Elasticsearch: text to tree and back.

pub mod ast;

pub use ast::Query;
