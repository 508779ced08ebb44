//! KQL, the Kibana query language: text to tree and back.

pub mod ast;
mod clause;
mod lexer;
mod parser;
mod print;

pub use ast::Expr;
pub use parser::{MAX_DEPTH, parse};
