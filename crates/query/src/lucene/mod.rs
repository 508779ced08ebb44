//! Lucene query strings: text to tree and back.

pub mod ast;
mod lexer;
mod parser;
mod print;
mod term;

pub use ast::Query;
pub use parser::{MAX_DEPTH, parse};
