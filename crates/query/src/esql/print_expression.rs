//! An ES|QL expression as text, with the fewest parentheses that keep it the same tree.

use std::fmt::{Display, Formatter, Result, Write};

use super::ast::{ArithmeticOp, Expr, LikeOp, Literal, OptionEntry, OptionValue, TimeSpan};
use super::operand::TIME_UNITS;
use super::print_name::{dotted, word};
use crate::Spanned;
use crate::ql::text::write_text;
use crate::separated::write_separated;

/// Parses back to an equal tree when it stands after `WHERE`.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        expression(f, self, Binding::Or)
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Bool(true) => f.write_str("TRUE"),
            Self::Bool(false) => f.write_str("FALSE"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::UnsignedLong(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value:?}"),
            Self::Text(value) => text(f, value),
            Self::TimeSpan(span) => span.fmt(f),
            Self::List(items) => {
                f.write_char('[')?;
                listed(f, items.iter().map(|item| &item.value))?;
                f.write_char(']')
            }
        }
    }
}

impl Display for TimeSpan {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let words =
            TIME_UNITS.iter().find(|(unit, _)| *unit == self.unit).map_or(&[][..], |(_, words)| *words);
        let word = if self.count == 1 { words.first() } else { words.get(1) };
        write!(f, "{} {}", self.count, word.copied().unwrap_or_default())
    }
}

impl Display for OptionValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Map(entries) => map(f, entries),
        }
    }
}

impl Display for OptionEntry {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        text(f, &self.key.value)?;
        write!(f, ": {}", self.value.value)
    }
}

impl Display for LikeOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Like => "LIKE",
            Self::Rlike => "RLIKE",
        })
    }
}

/// How tightly a node holds together, loosest first.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Binding {
    Or,
    And,
    Not,
    /// `value IN (…)`, `value IS NULL`, `value : "…"`
    Predicate,
    Compare,
    Sum,
    Product,
    Sign,
    Operand,
}

fn binding(node: &Expr) -> Binding {
    match node {
        Expr::Or(_) => Binding::Or,
        Expr::And(_) => Binding::And,
        Expr::Not(_) => Binding::Not,
        Expr::Like { .. } | Expr::In { .. } | Expr::IsNull { .. } | Expr::Match { .. } => Binding::Predicate,
        Expr::Compare { .. } => Binding::Compare,
        Expr::Arithmetic { op: ArithmeticOp::Add | ArithmeticOp::Subtract, .. } => Binding::Sum,
        Expr::Arithmetic { .. } => Binding::Product,
        Expr::Negate(_) => Binding::Sign,
        Expr::Cast { .. }
        | Expr::Call { .. }
        | Expr::Column(_)
        | Expr::Literal(_)
        | Expr::Parameter(_)
        | Expr::Star
        | Expr::Invalid => Binding::Operand,
    }
}

/// In parentheses when it holds less tightly than `least`.
pub(super) fn expression(f: &mut Formatter<'_>, node: &Expr, least: Binding) -> Result {
    if binding(node) < least {
        f.write_char('(')?;
        bare(f, node)?;
        f.write_char(')')
    } else {
        bare(f, node)
    }
}

fn bare(f: &mut Formatter<'_>, node: &Expr) -> Result {
    match node {
        Expr::Or(any) => joined(f, any, " OR ", Binding::And),
        Expr::And(all) => joined(f, all, " AND ", Binding::Not),
        Expr::Not(inner) => {
            f.write_str("NOT ")?;
            expression(f, &inner.value, Binding::Not)
        }
        Expr::Compare { op, left, right } => {
            expression(f, &left.value, Binding::Sum)?;
            write!(f, " {op} ")?;
            expression(f, &right.value, Binding::Sum)
        }
        Expr::Like { op, value, patterns, negated } => {
            expression(f, &value.value, Binding::Sum)?;
            write!(f, " {}{op} ", if *negated { "NOT " } else { "" })?;
            if let [pattern] = patterns.as_slice() {
                return text(f, &pattern.value);
            }
            f.write_char('(')?;
            texts(f, patterns)?;
            f.write_char(')')
        }
        Expr::In { value, list, negated } => {
            expression(f, &value.value, Binding::Sum)?;
            f.write_str(if *negated { " NOT IN (" } else { " IN (" })?;
            joined(f, list, ", ", Binding::Compare)?;
            f.write_char(')')
        }
        Expr::IsNull { value, negated } => {
            expression(f, &value.value, Binding::Sum)?;
            f.write_str(if *negated { " IS NOT NULL" } else { " IS NULL" })
        }
        Expr::Match { field, cast, query } => {
            dotted(f, &field.value)?;
            if let Some(cast) = cast {
                f.write_str("::")?;
                word(f, &cast.value)?;
            }
            write!(f, " : {}", query.value)
        }
        Expr::Arithmetic { op, left, right } => {
            let (own, next) = match binding(node) {
                Binding::Sum => (Binding::Sum, Binding::Product),
                _ => (Binding::Product, Binding::Sign),
            };
            expression(f, &left.value, own)?;
            write!(f, " {op} ")?;
            expression(f, &right.value, next)
        }
        Expr::Negate(inner) => {
            f.write_char('-')?;
            // The sign would become part of the number.
            let begins_with_digit = begins_with_digit(&inner.value);
            if begins_with_digit {
                f.write_char('(')?;
            }
            expression(f, &inner.value, Binding::Sign)?;
            f.write_str(if begins_with_digit { ")" } else { "" })
        }
        Expr::Cast { value, to } => {
            expression(f, &value.value, Binding::Operand)?;
            f.write_str("::")?;
            word(f, &to.value)
        }
        Expr::Call { function, args, options } => {
            let name = function.value.as_str();
            if ["first", "last"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
                f.write_str(name)?;
            } else {
                word(f, name)?;
            }
            f.write_char('(')?;
            joined(f, args, ", ", Binding::Or)?;
            if let Some(options) = options {
                f.write_str(", ")?;
                map(f, options)?;
            }
            f.write_char(')')
        }
        Expr::Column(name) => dotted(f, name),
        Expr::Literal(literal) => literal.fmt(f),
        Expr::Parameter(name) => write!(f, "?{name}"),
        Expr::Star => f.write_char('*'),
        Expr::Invalid => f.write_str("<invalid>"),
    }
}

fn begins_with_digit(node: &Expr) -> bool {
    match node {
        Expr::Cast { value, .. } => begins_with_digit(&value.value),
        Expr::Literal(Literal::Integer(value)) => *value >= 0,
        Expr::Literal(Literal::UnsignedLong(_)) => true,
        Expr::Literal(Literal::Double(value)) => value.is_sign_positive(),
        Expr::Literal(Literal::TimeSpan(span)) => span.count >= 0,
        _ => false,
    }
}

fn joined(f: &mut Formatter<'_>, nodes: &[Spanned<Expr>], separator: &str, least: Binding) -> Result {
    write_separated(f, nodes, separator, |f, node| expression(f, &node.value, least))
}

/// With commas between.
pub(super) fn listed<T: Display>(f: &mut Formatter<'_>, items: impl IntoIterator<Item = T>) -> Result {
    write_separated(f, items, ", ", |f, item| item.fmt(f))
}

pub(super) fn texts(f: &mut Formatter<'_>, items: &[Spanned<String>]) -> Result {
    write_separated(f, items, ", ", |f, item| text(f, &item.value))
}

pub(super) fn map(f: &mut Formatter<'_>, entries: &[OptionEntry]) -> Result {
    f.write_char('{')?;
    listed(f, entries)?;
    f.write_char('}')
}

pub(super) fn text(f: &mut Formatter<'_>, text: &str) -> Result {
    write_text(f, text, |f, character| f.write_char(character))
}
