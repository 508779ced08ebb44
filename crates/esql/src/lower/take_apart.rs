//! DISSECT and GROK: texts taken apart into new columns.

use query::Spanned;
use query::esql::ast::Expr;

use super::{Lowering, Piped, Refused};

impl Lowering<'_> {
    /// New columns from the parts of a text, all null where it does not fit the pattern.
    pub(crate) fn dissect(
        &mut self,
        _input: &Spanned<Expr>,
        pattern: &Spanned<String>,
        _append_separator: Option<&Spanned<String>>,
        _piped: Piped,
    ) -> Result<Piped, Refused> {
        self.unsupported("DISSECT", "it is being built", pattern.span)
    }

    /// New columns from what the first pattern that fits finds in a text.
    pub(crate) fn grok(
        &mut self,
        input: &Spanned<Expr>,
        _patterns: &[Spanned<String>],
        _piped: Piped,
    ) -> Result<Piped, Refused> {
        self.unsupported("GROK", "it is being built", input.span)
    }
}
