//! Regular expressions of Java and of Oniguruma (GROK): read into one tree, written for the engines we have.
//!
//! Both dialects know more than the `regex` crate, and mean other things by the same signs (`\w`, `.`, `$`, `(?i)`).
//! The parser settles what a sign means in its dialect, so that the tree has only sets of characters, and the
//! writer has no dialect. What has no look-around, atomic group or back reference runs in linear time.

mod character_class;
mod engine;
mod escape;
mod flags;
mod group;
mod named_class;
mod parser;
mod quantifier;
#[cfg(test)]
mod tests;
mod tree;
mod writer;

pub use self::engine::MatchFailure;
pub(super) use self::{
    engine::{Engine, Groups},
    flags::Dialect,
    parser::{Parser, Shared},
    tree::Node,
};
