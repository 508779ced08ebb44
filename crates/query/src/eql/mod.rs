//! EQL, the event query language as Elasticsearch runs it: text to tree and back.

pub mod ast;
mod expression;
mod function;
mod lexer;
mod operand;
mod parser;
mod print;
mod sequence;
mod token;
mod verify;

pub use ast::Query;
pub use parser::{MAX_DEPTH, parse};
