//! ES|QL, the piped query language of Elasticsearch: text to tree and back.

pub mod ast;
mod command;
mod expression;
mod lexer;
mod name;
mod operand;
mod parser;
mod print;
mod print_expression;
mod print_name;
mod source;
mod token;

pub use ast::Query;
pub use parser::{MAX_DEPTH, parse};
