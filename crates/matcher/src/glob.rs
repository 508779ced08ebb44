//! Wildcard patterns over whole values: `*` is any run of characters, `?` exactly one.

use std::fmt;

use memchr::memmem::Finder;

/// Which differences of case do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fold {
    /// Every difference counts.
    #[default]
    None,
    /// `a` to `z` equal `A` to `Z`, nothing else: Lucene's case-insensitive term and wildcard queries.
    Ascii,
    /// Lower-cased by Unicode: what a `.caseless` field indexes.
    Lower,
}

impl Fold {
    /// The form in which two texts are compared.
    pub fn apply(self, text: &str) -> std::borrow::Cow<'_, str> {
        match self {
            Self::None => text.into(),
            Self::Ascii if !text.bytes().any(|b| b.is_ascii_uppercase()) => text.into(),
            Self::Ascii => text.to_ascii_lowercase().into(),
            Self::Lower if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_uppercase()) => text.into(),
            Self::Lower => text.to_lowercase().into(),
        }
    }
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Literal text.
    Text(String),
    /// `*`
    Any,
    /// `?`
    One,
}

/// A compiled wildcard pattern. The whole value must match; line breaks are characters like others.
#[derive(Debug, Clone)]
pub struct Glob {
    pieces: Vec<Piece>,
    fold: Fold,
    /// Set when there is no `?`: texts that must follow one another, the first and last at the ends.
    plain: Option<Plain>,
}

#[derive(Debug, Clone)]
struct Plain {
    prefix: String,
    middle: Vec<Finder<'static>>,
    suffix: String,
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        (&self.pieces, self.fold) == (&other.pieces, other.fold)
    }
}

impl Eq for Glob {}

impl std::hash::Hash for Glob {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.pieces, self.fold).hash(state);
    }
}

impl Glob {
    /// Compiles a pattern; neighbouring texts and stars are joined.
    pub fn new(pieces: impl IntoIterator<Item = Piece>, fold: Fold) -> Self {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (_, Piece::Text(text)) if text.is_empty() => {}
                (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&fold.apply(&text)),
                (Some(Piece::Any), Piece::Any) => {}
                (_, Piece::Text(text)) => joined.push(Piece::Text(fold.apply(&text).into_owned())),
                (_, other) => joined.push(other),
            }
        }
        let plain = Self::plain(&joined);
        Self { pieces: joined, fold, plain }
    }

    /// Literal texts with a star between each two, as KQL patterns come: `["a", "b"]` is `a*b`.
    pub fn from_parts<S: AsRef<str>>(parts: impl IntoIterator<Item = S>, fold: Fold) -> Self {
        let mut pieces = Vec::new();
        for (i, part) in parts.into_iter().enumerate() {
            if i > 0 {
                pieces.push(Piece::Any);
            }
            pieces.push(Piece::Text(part.as_ref().to_owned()));
        }
        Self::new(pieces, fold)
    }

    /// The syntax of the `wildcard` query: `*`, `?`, and `\` before a literal character.
    pub fn from_wildcard(text: &str, fold: Fold) -> Self {
        let mut pieces = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => Piece::Text(chars.next().unwrap_or('\\').to_string()),
                c => Piece::Text(c.to_string()),
            });
        }
        Self::new(pieces, fold)
    }

    /// The pieces, texts folded, neighbours joined.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// How case counts.
    pub fn fold(&self) -> Fold {
        self.fold
    }

    /// Does the whole value match?
    pub fn matches(&self, value: &str) -> bool {
        let value = self.fold.apply(value);
        match &self.plain {
            Some(plain) => plain.matches(&value),
            None => wild(&self.pieces, &value),
        }
    }

    fn plain(pieces: &[Piece]) -> Option<Plain> {
        if pieces.contains(&Piece::One) || !pieces.contains(&Piece::Any) {
            return None;
        }
        let text = |piece: Option<&Piece>| match piece {
            Some(Piece::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let (prefix, suffix) = (text(pieces.first()), text(pieces.last()));
        let inner = usize::from(!prefix.is_empty())..pieces.len() - usize::from(!suffix.is_empty());
        let middle = pieces[inner].iter().filter_map(|p| match p {
            Piece::Text(text) => Some(Finder::new(text).into_owned()),
            _ => None,
        });
        Some(Plain { middle: middle.collect(), prefix, suffix })
    }
}

impl Plain {
    fn matches(&self, value: &str) -> bool {
        let Some(mut rest) = value.as_bytes().strip_prefix(self.prefix.as_bytes()) else { return false };
        for finder in &self.middle {
            match finder.find(rest) {
                Some(at) => rest = &rest[at + finder.needle().len()..],
                None => return false,
            }
        }
        rest.ends_with(self.suffix.as_bytes())
    }
}

/// Matches with one remembered star: linear in practice, quadratic at worst, never exponential.
fn wild(pieces: &[Piece], value: &str) -> bool {
    let (mut p, mut v) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pieces.get(p) {
            Some(Piece::Any) => {
                star = Some((p + 1, v));
                p += 1;
                continue;
            }
            Some(Piece::One) => value[v..].chars().next().map(char::len_utf8),
            Some(Piece::Text(text)) => value[v..].starts_with(text.as_str()).then_some(text.len()),
            None if v == value.len() => return true,
            None => None,
        };
        if let Some(step) = step {
            (p, v) = (p + 1, v + step);
            continue;
        }
        // Let the last star swallow one more character.
        let Some((after, from)) = star else { return false };
        let Some(c) = value[from..].chars().next() else { return false };
        star = Some((after, from + c.len_utf8()));
        (p, v) = (after, from + c.len_utf8());
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Any => f.write_str("*")?,
                Piece::One => f.write_str("?")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_whole_value_must_match() {
        for (pattern, value, expected) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*", "", true),
            ("*", "a\nb", true),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("*a*", "xax", true),
            ("a*a", "a", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("?", "é", true),
            ("?", "", false),
            ("a?c*e", "abcde", true),
            ("*?a", "a", false),
            ("*?a", "ba", true),
            ("a*?", "a", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(
                Glob::from_wildcard(pattern, Fold::None).matches(value),
                expected,
                "{pattern} {value}"
            );
        }
    }

    #[test]
    fn folding_is_as_wide_as_asked_for() {
        for (fold, value, expected) in [
            (Fold::None, "DELETEtrail", false),
            (Fold::Ascii, "DELETEtrail", true),
            (Fold::Ascii, "dÉLETE", false),
            (Fold::Lower, "DELETEX", true),
        ] {
            assert_eq!(Glob::from_wildcard("delete*", fold).matches(value), expected, "{fold:?} {value}");
        }
        assert!(Glob::from_wildcard("é*", Fold::Lower).matches("École"));
        assert!(!Glob::from_wildcard("é*", Fold::Ascii).matches("École"));
    }

    proptest! {
        #[test]
        fn agrees_with_a_regular_expression(pattern in "[ab*?]{0,8}", value in "[ab\n]{0,10}") {
            let regex = format!("(?s)^{}$", pattern.replace('*', ".*").replace('?', "."));
            let expected = regex::Regex::new(&regex).unwrap().is_match(&value);
            prop_assert_eq!(Glob::from_wildcard(&pattern, Fold::None).matches(&value), expected);
        }
    }
}
