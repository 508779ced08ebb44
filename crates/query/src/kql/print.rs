//! A KQL tree as text, with the fewest parentheses that keep it the same tree.

use std::fmt::{Display, Formatter, Result, Write};

use super::ast::{Expr, Literal, Pattern, RangeOp, Values};
use super::lexer::{AND, NOT, OR, begins_with, is_space, is_special, is_trimmed};
use crate::separated::write_separated;

/// Parses back to an equal tree, provided the tree is one that [`parse`](super::parse) gives for some text: `All`
/// only at the top, no `Invalid`, and no unquoted text that would read as something else.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::All => Ok(()),
            _ => expression(f, self, Place::Free),
        }
    }
}

/// Parses back to an equal tree when it stands after `field:`.
impl Display for Values {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::One(_) | Self::Invalid => values(f, self, Place::Free),
            _ => {
                f.write_char('(')?;
                values(f, self, Place::Free)?;
                f.write_char(')')
            }
        }
    }
}

impl Display for RangeOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Lt => "<",
            Self::Lte => "<=",
            Self::Gt => ">",
            Self::Gte => ">=",
        })
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Quoted(text) => quoted(f, text),
            Self::Unquoted(text) if text.is_empty() => f.write_str("\\t"),
            Self::Unquoted(text) if reads_otherwise(text) => quoted(f, text),
            Self::Unquoted(text) => unquoted(f, text, true, true),
            Self::Wildcard(pattern) => starred(f, pattern, true),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
        }
    }
}

/// As a field name or a path.
impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        name(f, self, false)
    }
}

/// What stands around a node.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Free,
    InOr,
    InAnd,
    InNot,
}

fn expression(f: &mut Formatter<'_>, node: &Expr, place: Place) -> Result {
    match node {
        Expr::All => f.write_str("*:*"),
        Expr::And(all) => {
            joined(f, place, Place::InAnd, " and ", all, |f, inner| expression(f, inner, Place::InAnd))
        }
        Expr::Or(any) => {
            joined(f, place, Place::InOr, " or ", any, |f, inner| expression(f, inner, Place::InOr))
        }
        Expr::Not(inner) => negated(f, place, |f| expression(f, inner, Place::InNot)),
        Expr::Is { field, values } => write!(f, "{}:{values}", field.value),
        Expr::Range { field, op, bound } => {
            name(f, &field.value, true)?;
            write!(f, " {op} {}", bound.value)
        }
        Expr::Nested { path, query } => {
            write!(f, "{}:{{ ", path.value)?;
            expression(f, query, Place::Free)?;
            f.write_str(" }")
        }
        Expr::Bare(literal) => literal.value.fmt(f),
        Expr::Invalid => f.write_str("<invalid>"),
    }
}

fn values(f: &mut Formatter<'_>, node: &Values, place: Place) -> Result {
    match node {
        Values::One(literal) => literal.value.fmt(f),
        Values::And(all) => {
            joined(f, place, Place::InAnd, " and ", all, |f, inner| values(f, inner, Place::InAnd))
        }
        Values::Or(any) => {
            joined(f, place, Place::InOr, " or ", any, |f, inner| values(f, inner, Place::InOr))
        }
        Values::Not(inner) => negated(f, place, |f| values(f, inner, Place::InNot)),
        Values::Invalid => f.write_str("<invalid>"),
    }
}

fn joined<N>(
    f: &mut Formatter<'_>,
    place: Place,
    own: Place,
    operator: &str,
    nodes: &[N],
    print: impl Fn(&mut Formatter<'_>, &N) -> Result,
) -> Result {
    let grouped = place == own || place == Place::InNot || (own == Place::InOr && place != Place::Free);
    if grouped {
        f.write_char('(')?;
    }
    write_separated(f, nodes, operator, print)?;
    if grouped { f.write_char(')') } else { Ok(()) }
}

fn negated(f: &mut Formatter<'_>, place: Place, print: impl Fn(&mut Formatter<'_>) -> Result) -> Result {
    if place == Place::InNot {
        f.write_str("(not ")?;
        print(f)?;
        f.write_char(')')
    } else {
        f.write_str("not ")?;
        print(f)
    }
}

/// A field; before white space its last word must not read as an operator.
fn name(f: &mut Formatter<'_>, pattern: &Pattern, before_space: bool) -> Result {
    match pattern.as_literal() {
        Some(text) if text.is_empty() || has_outer_space(text) => quoted(f, text),
        _ => starred(f, pattern, before_space),
    }
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            _ => visible(f, character)?,
        }
    }
    f.write_char('"')
}

fn starred(f: &mut Formatter<'_>, pattern: &Pattern, before_space: bool) -> Result {
    let last = pattern.parts.len().saturating_sub(1);
    for (index, part) in pattern.parts.iter().enumerate() {
        if index > 0 {
            f.write_char('*')?;
        }
        unquoted(f, part, index == 0, before_space && index == last)?;
    }
    Ok(())
}

/// `opens`: the text begins its literal. `closes`: white space or the end may follow it.
fn unquoted(f: &mut Formatter<'_>, text: &str, opens: bool, closes: bool) -> Result {
    let mut before = None;
    for (at, character) in text.char_indices() {
        let rest = &text[at..];
        let ends = |word: &str| rest[word.len()..].chars().next().map_or(closes, is_space);
        let starts = before.map_or(opens, is_space);
        let is_operator = (begins_with(rest, NOT) && ends(NOT))
            || (starts && [AND, OR].into_iter().any(|word| begins_with(rest, word) && ends(word)));
        if is_operator || is_special(character) {
            f.write_char('\\')?;
            f.write_char(character)?;
        } else if character == '\n' && begins_with(&rest[1..], "ot") {
            // `\not` could be the word.
            f.write_str("\\u000A")?;
        } else {
            visible(f, character)?;
        }
        before = Some(character);
    }
    Ok(())
}

fn visible(f: &mut Formatter<'_>, character: char) -> Result {
    match character {
        '\t' => f.write_str("\\t"),
        '\r' => f.write_str("\\r"),
        '\n' => f.write_str("\\n"),
        '\0'..='\u{1F}' | '\u{7F}'..='\u{A0}' => write!(f, "\\u{:04X}", u32::from(character)),
        _ => f.write_char(character),
    }
}

fn has_outer_space(text: &str) -> bool {
    text.starts_with(is_trimmed) || text.ends_with(is_trimmed)
}

fn reads_otherwise(text: &str) -> bool {
    matches!(text, "true" | "false" | "null") || has_outer_space(text)
}
