//! One value of a field, borrowed from wherever the event keeps it.

use std::borrow::Cow;

/// A single value. A field holds zero or more of these; null, `[]` and absence are all "zero".
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// Text.
    Str(&'a str),
    /// A whole number that fits 64 signed bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// True or false.
    Bool(bool),
}

impl<'a> Scalar<'a> {
    /// The scalar in a JSON value; `None` for null, arrays and objects.
    pub fn from_json(value: &'a serde_json::Value) -> Option<Self> {
        Some(match value {
            serde_json::Value::String(s) => Self::Str(s),
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => match n.as_i64() {
                Some(i) => Self::Int(i),
                None => Self::Float(n.as_f64()?),
            },
            _ => return None,
        })
    }

    /// The text that a keyword field indexes for this value: `true`, `22`, `2.5`, or the string itself.
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Self::Str(s) => Cow::Borrowed(s),
            Self::Int(i) => Cow::Owned(i.to_string()),
            Self::Float(f) => {
                Cow::Owned(serde_json::Number::from_f64(f).map_or_else(|| f.to_string(), |n| n.to_string()))
            }
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
        }
    }
}
