//! An expression with the columns that its names stand for.

use std::borrow::Cow;

use query::Spanned;
use query::esql::ast::Expr;

use super::columns::Columns;

/// An expression, where it is evaluated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'c> {
    /// The expression.
    pub(super) node: &'c Spanned<Expr>,
    /// What its names stand for.
    pub(super) columns: &'c Columns,
    /// The text that was parsed.
    pub(super) source: &'c str,
}

/// One of the values that an expression may have.
#[derive(Debug)]
pub(super) struct Alternative<'c> {
    /// True where it has this one; nothing is known where there is none.
    pub(super) condition: Option<Placed<'c>>,
    value: Cow<'c, Spanned<Expr>>,
    at: Placed<'c>,
}

impl Alternative<'_> {
    /// The value.
    pub(super) fn value(&self) -> Placed<'_> {
        Placed { node: &self.value, ..self.at }
    }
}

impl<'c> Placed<'c> {
    /// A part of the expression.
    pub(super) fn part(self, node: &'c Spanned<Expr>) -> Self {
        Self { node, ..self }
    }

    /// What the column is made by, when it is one and that is known; otherwise itself.
    pub(super) fn defined(self) -> Self {
        let mut placed = self;
        while let Expr::Column(name) = &placed.node.value
            && let Some(definition) = placed.columns.definition(name)
        {
            placed = Self { node: &definition.value, columns: &definition.columns, source: placed.source };
        }
        placed
    }

    /// The values of `CASE(…)` and `COALESCE(…)`, also within a conversion; `None` for others. Null is left out.
    pub(super) fn alternatives(self) -> Option<Vec<Alternative<'c>>> {
        let placed = self.defined();
        let Expr::Call { function, args, options } = &placed.node.value else { return None };
        let simply = |value: &'c Spanned<Expr>| Alternative {
            condition: None,
            value: Cow::Borrowed(value),
            at: placed,
        };
        match function.value.to_ascii_lowercase().as_str() {
            "coalesce" => Some(args.iter().map(simply).collect()),
            "case" => {
                let pairs = args.chunks_exact(2);
                let otherwise = pairs.remainder().first().map(simply);
                let cases = pairs
                    .map(|pair| Alternative { condition: Some(placed.part(&pair[0])), ..simply(&pair[1]) });
                Some(cases.chain(otherwise).collect())
            }
            "to_lower" | "to_string" | "to_ip" => {
                let [arg] = args.as_slice() else { return None };
                let inner = placed.part(arg).alternatives()?;
                let converted = |alternative: Alternative<'c>| {
                    let call = Expr::Call {
                        function: function.clone(),
                        args: vec![alternative.value.into_owned()],
                        options: options.clone(),
                    };
                    let value = Cow::Owned(Spanned::new(call, placed.node.span));
                    Alternative { value, ..alternative }
                };
                Some(inner.into_iter().map(converted).collect())
            }
            _ => None,
        }
    }
}
