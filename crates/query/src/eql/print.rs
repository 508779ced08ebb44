//! An EQL tree as text, with the fewest parentheses that keep it the same tree.

use std::fmt::{Display, Formatter, Result, Write};

use super::ast::{
    ArithmeticOp, Body, Category, EventFilter, Expr, FieldRef, Literal, MatchOp, Pipe, Query, Sample,
    Sequence, Stage, TimeSpan, TimeUnit,
};
use super::token::is_plain_name;
use crate::Spanned;
use crate::ql::name::write_dotted;
use crate::ql::text::write_text;
use crate::separated::write_separated;

/// Parses back to an equal tree, provided the tree is one that [`parse`](super::parse) gives for some text: no
/// `Invalid`, no empty list, no negative number as a literal.
impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.body.fmt(f)?;
        self.pipes.iter().try_for_each(|pipe| write!(f, " | {}", pipe.value))
    }
}

impl Display for Body {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Event(filter) => filter.fmt(f),
            Self::Sequence(sequence) => sequence.fmt(f),
            Self::Sample(sample) => sample.fmt(f),
            Self::Invalid => f.write_str("<invalid>"),
        }
    }
}

impl Display for EventFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} where {}", self.category.value, self.condition.value)
    }
}

impl Display for Category {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Named(name) if is_plain_name(name) => f.write_str(name),
            Self::Named(name) => text(f, name),
        }
    }
}

impl Display for Sequence {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("sequence")?;
        keys(f, &self.by)?;
        if let Some(maxspan) = &self.maxspan {
            write!(f, " with maxspan={}", maxspan.value)?;
        }
        self.stages.iter().try_for_each(|stage| write!(f, " {stage}"))?;
        self.until.iter().try_for_each(|until| write!(f, " until {until}"))
    }
}

impl Display for Sample {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("sample")?;
        keys(f, &self.by)?;
        self.stages.iter().try_for_each(|stage| write!(f, " {stage}"))
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}{}]", if self.missing { "![" } else { "[" }, self.filter)?;
        keys(f, &self.by)?;
        if self.runs.value == 1 { Ok(()) } else { write!(f, " with runs={}", self.runs.value) }
    }
}

impl Display for TimeSpan {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}{}", self.count, self.unit)
    }
}

impl Display for TimeUnit {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Minutes => "m",
            Self::Hours => "h",
            Self::Days => "d",
        })
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Head(count) => write!(f, "head {count}"),
            Self::Tail(count) => write!(f, "tail {count}"),
        }
    }
}

impl Display for FieldRef {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.optional {
            f.write_char('?')?;
        }
        write_dotted(f, &self.name, |part, _| is_plain_name(part))
    }
}

/// Parses back to an equal tree when it stands after `where`.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        expression(f, self, Binding::Or)
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => text(f, value),
        }
    }
}

impl Display for MatchOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Colon => ":",
            Self::Like => "like",
            Self::LikeFold => "like~",
            Self::Regex => "regex",
            Self::RegexFold => "regex~",
        })
    }
}

/// How tightly a node holds together, loosest first.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binding {
    Or,
    And,
    Not,
    Compare,
    Sum,
    Product,
    Sign,
    /// `value in (…)`, `value : …`
    Predicate,
    Primary,
}

fn binding(node: &Expr) -> Binding {
    match node {
        Expr::Or(_) => Binding::Or,
        Expr::And(_) => Binding::And,
        Expr::Not(_) => Binding::Not,
        Expr::Compare { .. } => Binding::Compare,
        Expr::Arithmetic { op: ArithmeticOp::Add | ArithmeticOp::Subtract, .. } => Binding::Sum,
        Expr::Arithmetic { .. } => Binding::Product,
        Expr::Negate(_) => Binding::Sign,
        Expr::Match { .. } | Expr::In { .. } => Binding::Predicate,
        Expr::Call { .. } | Expr::Field(_) | Expr::Literal(_) | Expr::Invalid => Binding::Primary,
    }
}

/// In parentheses when it holds less tightly than `least`.
fn expression(f: &mut Formatter<'_>, node: &Expr, least: Binding) -> Result {
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
        Expr::Or(any) => listed(f, any, " or ", Binding::And),
        Expr::And(all) => listed(f, all, " and ", Binding::Not),
        Expr::Not(inner) => {
            f.write_str("not ")?;
            expression(f, &inner.value, Binding::Not)
        }
        Expr::Compare { op, left, right } => {
            expression(f, &left.value, Binding::Sum)?;
            write!(f, " {op} ")?;
            expression(f, &right.value, Binding::Sum)
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
            expression(f, &inner.value, Binding::Sign)
        }
        Expr::Match { op, value, patterns } => {
            expression(f, &value.value, Binding::Primary)?;
            write!(f, " {op} ")?;
            if let [pattern] = patterns.as_slice() {
                return pattern.value.fmt(f);
            }
            f.write_char('(')?;
            write_separated(f, patterns, ", ", |f, pattern| pattern.value.fmt(f))?;
            f.write_char(')')
        }
        Expr::In { value, list, fold, negated } => {
            expression(f, &value.value, Binding::Primary)?;
            f.write_str(if *negated { " not in" } else { " in" })?;
            f.write_str(if *fold { "~ (" } else { " (" })?;
            listed(f, list, ", ", Binding::Or)?;
            f.write_char(')')
        }
        Expr::Call { function, fold, args } => {
            write!(f, "{}{}(", function.value, if *fold { "~" } else { "" })?;
            listed(f, args, ", ", Binding::Or)?;
            f.write_char(')')
        }
        Expr::Field(field) => field.fmt(f),
        Expr::Literal(literal) => literal.fmt(f),
        Expr::Invalid => f.write_str("<invalid>"),
    }
}

fn listed(f: &mut Formatter<'_>, nodes: &[Spanned<Expr>], separator: &str, least: Binding) -> Result {
    write_separated(f, nodes, separator, |f, node| expression(f, &node.value, least))
}

fn keys(f: &mut Formatter<'_>, keys: &[Spanned<FieldRef>]) -> Result {
    for (index, key) in keys.iter().enumerate() {
        f.write_str(if index == 0 { " by " } else { ", " })?;
        key.value.fmt(f)?;
    }
    Ok(())
}

fn text(f: &mut Formatter<'_>, text: &str) -> Result {
    write_text(f, text, |f, character| match character {
        '\u{8}' => f.write_str("\\b"),
        '\u{C}' => f.write_str("\\f"),
        '\0'..='\u{1F}' | '\u{7F}'..='\u{A0}' => write!(f, "\\u{{{:02X}}}", u32::from(character)),
        _ => f.write_char(character),
    })
}
