//! A Lucene tree as text: `+` and `-` before the clauses that must and must not match, `OR` between the others.

use std::fmt::{Display, Formatter, Result, Write};

use super::ast::{Bound, Clause, FieldPattern, Occur, Query, Term, WildcardPart};
use super::lexer::{ends_word, is_space};

/// Parses back to an equal tree, provided the tree is one that [`parse`](super::parse) gives without an error.
impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut previous = None;
        for clause in &self.clauses {
            match previous {
                None => {}
                Some(Occur::Should) if clause.occur == Occur::Should => f.write_str(" OR ")?,
                Some(_) => f.write_char(' ')?,
            }
            clause.fmt(f)?;
            previous = Some(clause.occur);
        }
        Ok(())
    }
}

impl Display for Clause {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self.occur {
            Occur::Must => "+",
            Occur::Should => "",
            Occur::MustNot => "-",
        })?;
        match &self.field {
            Some(field) if self.term.value == Term::Exists && !can_stand_before_star(&field.value) => {
                f.write_str("_exists_:")?;
                pattern(f, &field.value)?;
            }
            Some(field) => write!(f, "{}:{}", field.value, self.term.value)?,
            None => self.term.value.fmt(f)?,
        }
        self.boost.map_or(Ok(()), |boost| write!(f, "^{boost}"))
    }
}

impl Display for FieldPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if is_star(self) {
            return f.write_char('*');
        }
        pattern(f, self)
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Word(text) => word(f, text),
            Self::Wildcard(parts) => parts.iter().enumerate().try_for_each(|(index, part)| match part {
                WildcardPart::Text(text) => escaped(f, text, index == 0),
                WildcardPart::Any => f.write_char('*'),
                WildcardPart::One => f.write_char('?'),
            }),
            Self::Phrase { text, slop } => {
                quoted(f, text)?;
                if *slop > 0 { write!(f, "~{slop}") } else { Ok(()) }
            }
            Self::Fuzzy { text, edits } => {
                word(f, text)?;
                f.write_char('~')?;
                edits.map_or(Ok(()), |edits| write!(f, "{edits}"))
            }
            Self::Regex(text) => write!(f, "/{text}/"),
            Self::Range { lower, upper } => {
                f.write_char(if is_open(lower.as_ref()) { '{' } else { '[' })?;
                bound(f, lower.as_ref())?;
                f.write_str(" TO ")?;
                bound(f, upper.as_ref())?;
                f.write_char(if is_open(upper.as_ref()) { '}' } else { ']' })
            }
            Self::Group(query) => write!(f, "({query})"),
            Self::Exists => f.write_char('*'),
            Self::All => f.write_str("*:*"),
            Self::Invalid => f.write_str("<invalid>"),
        }
    }
}

fn is_star(field: &FieldPattern) -> bool {
    matches!(field.parts.as_slice(), [first, last] if first.is_empty() && last.is_empty())
}

/// `*:*` is every event, and `_exists_:*` asks for a field that is called `*`.
fn can_stand_before_star(field: &FieldPattern) -> bool {
    !is_star(field) && field.parts != ["_exists_"]
}

fn pattern(f: &mut Formatter<'_>, field: &FieldPattern) -> Result {
    if let [name] = field.parts.as_slice() {
        return word(f, name);
    }
    for (index, part) in field.parts.iter().enumerate() {
        if index > 0 {
            f.write_str("\\*")?;
        }
        escaped(f, part, index == 0)?;
    }
    Ok(())
}

fn is_open(bound: Option<&Bound>) -> bool {
    bound.is_some_and(|bound| !bound.inclusive)
}

fn bound(f: &mut Formatter<'_>, bound: Option<&Bound>) -> Result {
    let plain = |character: char| character.is_alphanumeric() || "._:+-/|@%".contains(character);
    match bound {
        None => f.write_char('*'),
        Some(Bound { text, .. }) if text != "TO" && text.chars().all(plain) => f.write_str(text),
        Some(Bound { text, .. }) => quoted(f, text),
    }
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> Result {
    f.write_char('"')?;
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    f.write_char('"')
}

/// A whole word; one that is spelt like an operator is escaped.
fn word(f: &mut Formatter<'_>, text: &str) -> Result {
    if matches!(text, "AND" | "OR" | "NOT" | "&&" | "||" | "and" | "or" | "not") {
        f.write_char('\\')?;
    }
    escaped(f, text, true)
}

fn escaped(f: &mut Formatter<'_>, text: &str, starts_word: bool) -> Result {
    for (at, character) in text.char_indices() {
        let is_sign = starts_word && at == 0 && matches!(character, '+' | '-');
        if is_sign || is_space(character) || ends_word(character) || matches!(character, '\\' | '*' | '?') {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    Ok(())
}
