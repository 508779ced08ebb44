//! KQL, the Kibana query language: text to tree and back.

pub mod ast;

pub use ast::Expr;
