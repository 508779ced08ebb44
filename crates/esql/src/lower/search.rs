//! Searches in the index, `KQL("…")`, `MATCH`, `:` and the like: columns of booleans, filled by who has the events.

use query::Spanned;
use query::esql::ast::{Expr, Query};

use super::{Lowering, Refused};
use crate::operand::Operand;

/// True for functions that search the index. The name is in lower case.
pub(crate) fn is_search(name: &str) -> bool {
    matches!(name, "kql" | "match" | "match_phrase" | "qstr")
}

impl Lowering<'_> {
    /// Resolves the searches of a query, before its rows are planned.
    pub(crate) fn find_searches(&mut self, _query: &Query) {}

    /// Reads the column of a search.
    pub(crate) fn search(&mut self, expr: &Spanned<Expr>) -> Result<Operand, Refused> {
        self.unsupported("a search", "it is being built", expr.span)
    }
}
