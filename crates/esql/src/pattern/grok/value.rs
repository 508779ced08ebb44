//! What a GROK field gives: its type, and the values that texts become.

use std::borrow::Cow;

/// The type of a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GrokKind {
    /// Without a type, and for any type that is not known.
    Keyword,
    /// `int`: an ES|QL integer.
    Integer,
    /// `long`.
    Long,
    /// `float`: read in single precision, and an ES|QL double.
    Float,
    /// `double`.
    Double,
    /// `boolean`: true for `true` in any case, false for everything else.
    Boolean,
}

/// One value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum GrokValue<'t> {
    /// Of a keyword field.
    Keyword(&'t str),
    /// Of an integer field.
    Integer(i32),
    /// Of a long field.
    Long(i64),
    /// Of a float or a double field.
    Double(f64),
    /// Of a boolean field.
    Boolean(bool),
}

impl GrokKind {
    /// By the word behind the second colon of `%{INT:port:int}`.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "int" => Self::Integer,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "boolean" => Self::Boolean,
            _ => Self::Keyword,
        }
    }

    /// Whether two fields make columns of the same type.
    pub(super) fn same_column(self, other: Self) -> bool {
        let column = |kind| if kind == Self::Float { Self::Double } else { kind };
        column(self) == column(other)
    }

    /// The value of a text as Java's `parseInt` and so on read it; `None` when it is not of this type.
    pub(super) fn read(self, text: &str) -> Option<GrokValue<'_>> {
        match self {
            Self::Keyword => Some(GrokValue::Keyword(text)),
            Self::Integer => text.parse().ok().map(GrokValue::Integer),
            Self::Long => text.parse().ok().map(GrokValue::Long),
            Self::Float => number(text)?.parse::<f32>().ok().map(|value| GrokValue::Double(value.into())),
            Self::Double => number(text)?.parse().ok().map(GrokValue::Double),
            Self::Boolean => Some(GrokValue::Boolean(text.eq_ignore_ascii_case("true"))),
        }
    }
}

/// Java's spelling of a number with a fraction, in ours.
fn number(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let (sign, size) = match text.strip_prefix(['-', '+']) {
        Some(size) => (&text[..1], size),
        None => ("", text),
    };
    if size == "Infinity" {
        return Some(format!("{sign}inf").into());
    }
    if size == "NaN" {
        return Some("NaN".into());
    }
    // Ours would also take `inf` and `nan`, Java's a letter for the precision at the end.
    let digits = size.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(size);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    plain.then(|| format!("{sign}{digits}").into())
}
