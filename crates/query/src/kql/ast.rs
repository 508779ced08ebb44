//! The syntax tree of KQL, as written: nothing is resolved, nothing is simplified.

use crate::Spanned;

/// A KQL query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// The empty query: every event.
    All,
    /// Both or more, in source order; at least two.
    And(Vec<Expr>),
    /// One or more of them, in source order; at least two.
    Or(Vec<Expr>),
    /// Not it.
    Not(Box<Expr>),
    /// `field : value` or `field : (values)`.
    Is {
        /// The field as written.
        field: Spanned<Pattern>,
        /// What its values are compared with.
        values: Values,
    },
    /// `field < literal` and the like.
    Range {
        /// The field as written.
        field: Spanned<Pattern>,
        /// The comparison.
        op: RangeOp,
        /// The bound, as text; date math is allowed on date fields.
        bound: Spanned<Literal>,
    },
    /// `path : { query }`: the query must hold within one element of a nested field. Fields inside are relative to the path.
    Nested {
        /// The path as written.
        path: Spanned<Pattern>,
        /// What must hold inside.
        query: Box<Expr>,
    },
    /// A value without a field: looked for in every default field.
    Bare(Spanned<Literal>),
    /// What could not be parsed; only where a diagnostic is an error.
    Invalid,
}

/// The right side of `field :`, a boolean expression of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// One value.
    One(Spanned<Literal>),
    /// All must be found among the field's values, possibly on different ones; at least two.
    And(Vec<Values>),
    /// One or more must be found; at least two.
    Or(Vec<Values>),
    /// None of the field's values is it.
    Not(Box<Values>),
    /// What could not be parsed.
    Invalid,
}

/// The comparison of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RangeOp {
    /// `<`
    Lt,
    /// `<=`
    Lte,
    /// `>`
    Gt,
    /// `>=`
    Gte,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// In double quotes, escapes undone; `*` is a star.
    Quoted(String),
    /// Without quotes and without a live `*`, escapes undone.
    Unquoted(String),
    /// Without quotes and with at least one live `*`.
    Wildcard(Pattern),
    /// Unquoted `true` or `false`.
    Bool(bool),
    /// Unquoted `null`.
    Null,
}

/// Text in which live stars are told from literal ones. A field name is a pattern too, mostly without stars.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pattern {
    /// The literal texts between the stars, escapes undone: `a*b` is `["a", "b"]`, `*` is `["", ""]`, `a` is `["a"]`.
    pub parts: Vec<String>,
}

impl Pattern {
    /// The text, when it has no star.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// True for `*` alone (and `**`): any value at all.
    pub fn is_any(&self) -> bool {
        self.parts.len() > 1 && self.parts.iter().all(String::is_empty)
    }
}
