//! Regular expressions of Java, for functions of ES|QL that take one (`REPLACE`).

mod replacement;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use query::Diagnostic;

use self::replacement::Part;
use super::regular_expression::{Dialect, Engine, Groups, MatchFailure, Parser, Shared};

/// An expression of `java.util.regex.Pattern`, compiled without flags.
#[derive(Debug, Clone)]
pub struct JavaRegex {
    engine: Engine,
    /// The groups' names, in order; most have none.
    groups: Vec<Option<String>>,
}

/// Why nothing was replaced. ES|QL gives null, and the caller counts it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplaceFailure {
    /// The replacement refers to a group that does not exist, or is malformed. Java tells only when there is a match.
    #[error("{}", .0.message)]
    Replacement(Diagnostic),
    /// The search was given up.
    #[error(transparent)]
    Search(#[from] MatchFailure),
}

impl JavaRegex {
    /// Reads an expression.
    ///
    /// # Errors
    /// One diagnostic with a code `esql::regex-…`; its span is in bytes of `pattern`.
    pub fn parse(pattern: &str) -> Result<Self, Diagnostic> {
        let mut shared = Shared::default();
        let node = Parser::new(Dialect::Java, pattern, &mut shared).parse()?;
        Ok(Self { engine: Engine::new(&node, pattern.len())?, groups: shared.groups })
    }

    /// Whether it matches anywhere in the text.
    ///
    /// # Errors
    /// When the search was given up.
    pub fn is_match(&self, text: &str) -> Result<bool, MatchFailure> {
        Ok(self.engine.captures_at(text, 0)?.is_some())
    }

    /// Whether a replacement is well formed and refers to groups that exist; [`Self::replace_all`] also finds out.
    ///
    /// # Errors
    /// One diagnostic with a code `esql::regex-replacement`; its span is in bytes of `replacement`.
    pub fn check_replacement(&self, replacement: &str) -> Result<(), Diagnostic> {
        replacement::parse(replacement, &self.groups).map(drop)
    }

    /// Every match replaced, as `Matcher.replaceAll`: `$1` and `${name}` are groups, and nothing when the group took no
    /// part; `\` takes the next character for itself. After an empty match the search goes on one character further.
    ///
    /// # Errors
    /// When there is a match and the replacement is not valid, or when the search was given up.
    pub fn replace_all<'t>(&self, text: &'t str, replacement: &str) -> Result<Cow<'t, str>, ReplaceFailure> {
        let Some(mut groups) = self.engine.captures_at(text, 0)? else { return Ok(Cow::Borrowed(text)) };
        let parts = replacement::parse(replacement, &self.groups).map_err(ReplaceFailure::Replacement)?;
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        while let Some((start, end)) = groups.first().copied().flatten() {
            out.push_str(text.get(copied..start).unwrap_or_default());
            put(&mut out, &parts, &groups, text);
            copied = end;
            let from = if end > start {
                end
            } else {
                match text.get(end..).and_then(|rest| rest.chars().next()) {
                    Some(c) => end + c.len_utf8(),
                    None => break,
                }
            };
            match self.engine.captures_at(text, from)? {
                Some(next) => groups = next,
                None => break,
            }
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Ok(Cow::Owned(out))
    }
}

fn put(out: &mut String, parts: &[Part], groups: &Groups, text: &str) {
    for part in parts {
        match part {
            Part::Text(literal) => out.push_str(literal),
            Part::Group(number) => {
                let place = groups.get(*number).copied().flatten();
                out.push_str(place.and_then(|(start, end)| text.get(start..end)).unwrap_or_default());
            }
        }
    }
}
