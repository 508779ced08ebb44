//! An expression that has been checked: what computes it, its type, and whether it may have several values.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use query::Span;
use query::esql::ast::Literal;

use crate::DataType;

/// A checked expression.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    /// Computes it: values of `data_type.arrow_column(many)`.
    pub(crate) expr: Expr,
    /// Its type.
    pub(crate) data_type: DataType,
    /// True when a row may have several values: then the column is one of lists.
    pub(crate) many: bool,
    /// Its place in the query.
    pub(crate) span: Span,
    /// The constant, when it was written as one.
    pub(crate) literal: Option<Literal>,
    /// True for a field whose type is not known: its values are texts here, and are read as whatever type is needed.
    pub(crate) is_untyped: bool,
}

impl Operand {
    /// What is no constant.
    pub(crate) fn new(expr: Expr, data_type: DataType, many: bool, span: Span) -> Self {
        Self { expr, data_type, many, span, literal: None, is_untyped: false }
    }

    /// An expression with at most one value a row.
    pub(crate) fn single(expr: Expr, data_type: DataType, span: Span) -> Self {
        Self::new(expr, data_type, false, span)
    }

    /// An expression with any number of values a row.
    pub(crate) fn many(expr: Expr, data_type: DataType, span: Span) -> Self {
        Self::new(expr, data_type, true, span)
    }

    /// No value.
    pub(crate) fn null(data_type: DataType, span: Span) -> Self {
        Self::single(null_of(data_type, false), data_type, span)
    }

    /// The text, when it is a literal text.
    pub(crate) fn literal_text(&self) -> Option<&str> {
        match &self.literal {
            Some(Literal::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// True for the literal `null` and for what has no type.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.data_type, DataType::Null | DataType::Unsupported)
    }
}

/// A constant without a value.
pub(crate) fn null_of(data_type: DataType, many: bool) -> Expr {
    let value = ScalarValue::try_from(&data_type.arrow_column(many));
    lit(value.unwrap_or(ScalarValue::Null))
}
