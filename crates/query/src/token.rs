//! The tokens of a query, and the place among them that a parser has come to.

use crate::Span;

/// What was read, and where it stood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token<K> {
    pub(crate) kind: K,
    pub(crate) span: Span,
}
