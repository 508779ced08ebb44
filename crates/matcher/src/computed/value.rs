//! One value in a computed condition, and how two of them compare.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

use ecs::{FieldType, Scalar, Timestamp};

use crate::value::date_of;

/// A value that an expression takes or yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a point.
    Float(f64),
    /// An instant, in milliseconds since the epoch.
    Date(i64),
    /// Text; addresses and versions too.
    Text(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// Reads a value of a field as the field's type has it; `None` for one that the type cannot hold.
    pub fn read(scalar: Scalar<'_>, field_type: Option<FieldType>) -> Option<Value<'static>> {
        let text = |scalar: Scalar<'_>| Value::Text(Cow::Owned(scalar.text().into_owned()));
        Some(match field_type {
            Some(FieldType::Long) => match scalar {
                Scalar::Int(i) => Value::Int(i),
                Scalar::Float(f) => Value::Int(f.trunc() as i64),
                Scalar::Str(s) => match s.trim().parse::<i64>() {
                    Ok(i) => Value::Int(i),
                    Err(_) => Value::Int(s.trim().parse::<f64>().ok()?.trunc() as i64),
                },
                Scalar::Bool(_) => return None,
            },
            Some(FieldType::Double) => match scalar {
                Scalar::Int(i) => Value::Float(i as f64),
                Scalar::Float(f) => Value::Float(f),
                Scalar::Str(s) => Value::Float(s.trim().parse().ok()?),
                Scalar::Bool(_) => return None,
            },
            Some(FieldType::Boolean) => match scalar {
                Scalar::Bool(b) => Value::Bool(b),
                Scalar::Str("true") => Value::Bool(true),
                Scalar::Str("false" | "") => Value::Bool(false),
                _ => return None,
            },
            Some(FieldType::Date) => Value::Date(date_of(scalar)?),
            Some(FieldType::Ip) => {
                let Scalar::Str(s) = scalar else { return None };
                Value::Text(Cow::Owned(s.parse::<IpAddr>().ok()?.to_canonical().to_string()))
            }
            None => match scalar {
                Scalar::Bool(b) => Value::Bool(b),
                Scalar::Int(i) => Value::Int(i),
                Scalar::Float(f) => Value::Float(f),
                Scalar::Str(_) => text(scalar),
            },
            Some(_) => text(scalar),
        })
    }

    /// The same value, without owning its text.
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Float(f) => Value::Float(*f),
            Self::Date(ms) => Value::Date(*ms),
        }
    }

    /// The same value, owning its text.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Int(i) => Value::Int(i),
            Self::Float(f) => Value::Float(f),
            Self::Date(ms) => Value::Date(ms),
        }
    }

    /// True or false; `None` for null and for what is no truth value.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The text; `None` for null and for what is no text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number without what comes after its point; `None` for what is no number.
    pub fn as_whole(&self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(*i),
            Self::Float(f) => Some(f.trunc() as i64),
            _ => None,
        }
    }

    /// The value as text, numbers and instants as Java writes them (`5`, `1.0`, `1.0E7`, `2024-05-15T10:00Z`); `None`
    /// for null.
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
            Self::Int(i) => Cow::Owned(i.to_string()),
            Self::Float(f) => Cow::Owned(java_float(*f)),
            Self::Date(ms) => Cow::Owned(java_date(*ms)),
            Self::Text(text) => Cow::Borrowed(text),
        })
    }

    /// How two values stand to one another: numbers by value, text by code points, false before true. `None` when one
    /// is null or they are not of one kind.
    pub fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Self::Int(a), Value::Float(b)) => (*a as f64).partial_cmp(b),
            (Self::Float(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
            (Self::Float(a), Value::Float(b)) => a.partial_cmp(b),
            (Self::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Self::Text(a), Value::Text(b)) => Some(a.as_ref().cmp(b.as_ref())),
            (Self::Date(a), Value::Date(b)) => Some(a.cmp(b)),
            (Self::Date(a), Value::Text(b)) => Some(a.cmp(&date_of(Scalar::Str(b))?)),
            (Self::Text(a), Value::Date(b)) => Some(date_of(Scalar::Str(a))?.cmp(b)),
            _ => None,
        }
    }
}

impl From<&query::eql::ast::Literal> for Value<'static> {
    fn from(literal: &query::eql::ast::Literal) -> Self {
        use query::eql::ast::Literal;
        match literal {
            Literal::Null => Value::Null,
            Literal::Bool(b) => Value::Bool(*b),
            Literal::Int(i) => Value::Int(*i),
            Literal::Float(f) => Value::Float(*f),
            Literal::Text(text) => Value::Text(Cow::Owned(text.clone())),
        }
    }
}

/// Writes a number as `Double.toString` of Java does: plain from 10^-3 up to 10^7, else `d.dddE±n`.
fn java_float(f: f64) -> String {
    if f.is_nan() {
        return "NaN".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if f == 0.0 || (1e-3..1e7).contains(&f.abs()) {
        return format!("{f:?}");
    }
    let scientific = format!("{f:e}");
    match scientific.split_once('e') {
        Some((digits, power)) if digits.contains('.') => format!("{digits}E{power}"),
        Some((digits, power)) => format!("{digits}.0E{power}"),
        None => scientific,
    }
}

/// Writes an instant as `ZonedDateTime.toString` of Java does: in UTC, without seconds that are zero and without
/// milliseconds that are.
fn java_date(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(at) if ms % 60_000 == 0 => at.strftime("%Y-%m-%dT%H:%MZ").to_string(),
        Ok(at) if ms % 1_000 == 0 => format!("{at:.0}"),
        Ok(at) => format!("{at:.3}"),
        Err(_) => ms.to_string(),
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Text(text) => write!(f, "{text:?}"),
            other => f.write_str(&other.to_text().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_java_writes_them() {
        for (value, expected) in [
            (Value::Int(5), "5"),
            (Value::Float(1.0), "1.0"),
            (Value::Float(-0.5), "-0.5"),
            (Value::Float(0.001), "0.001"),
            (Value::Float(0.0001), "1.0E-4"),
            (Value::Float(9_999_999.0), "9999999.0"),
            (Value::Float(1e7), "1.0E7"),
            (Value::Float(1.25e10), "1.25E10"),
            (Value::Float(0.0), "0.0"),
            (Value::Bool(true), "true"),
            (Value::Date(0), "1970-01-01T00:00Z"),
            (Value::Date(1_000), "1970-01-01T00:00:01Z"),
            (Value::Date(60_001), "1970-01-01T00:01:00.001Z"),
            (Value::Date(-60_000), "1969-12-31T23:59Z"),
        ] {
            assert_eq!(value.to_text().unwrap(), expected);
        }
    }

    #[test]
    fn values_compare_within_their_kind() {
        let text = |t: &'static str| Value::Text(t.into());
        for (a, b, expected) in [
            (Value::Int(2), Value::Float(2.0), Some(Ordering::Equal)),
            (Value::Float(2.5), Value::Int(2), Some(Ordering::Greater)),
            (text("B"), text("a"), Some(Ordering::Less)),
            // Code points, not UTF-16 units, which would put the emoji first.
            (text("\u{FFFF}"), text("😀"), Some(Ordering::Less)),
            (text("1"), Value::Int(1), None),
            (Value::Bool(false), Value::Bool(true), Some(Ordering::Less)),
            (Value::Null, Value::Null, None),
            (Value::Date(0), text("1970-01-01T00:00:00Z"), Some(Ordering::Equal)),
            (Value::Date(0), text("soon"), None),
        ] {
            assert_eq!(a.compare(&b), expected, "{a} {b}");
            assert_eq!(b.compare(&a), expected.map(Ordering::reverse), "{b} {a}");
        }
    }

    #[test]
    fn a_value_is_read_by_the_type_of_its_field() {
        let text = |t: &'static str| Some(Value::Text(t.into()));
        for (scalar, field_type, expected) in [
            (Scalar::Str("22"), Some(FieldType::Long), Some(Value::Int(22))),
            (Scalar::Float(22.9), Some(FieldType::Long), Some(Value::Int(22))),
            (Scalar::Str("many"), Some(FieldType::Long), None),
            (Scalar::Int(2), Some(FieldType::Double), Some(Value::Float(2.0))),
            (Scalar::Int(2), Some(FieldType::Keyword), text("2")),
            (Scalar::Str("::ffff:10.0.0.1"), Some(FieldType::Ip), text("10.0.0.1")),
            (Scalar::Str("somewhere"), Some(FieldType::Ip), None),
            (Scalar::Str("true"), Some(FieldType::Boolean), Some(Value::Bool(true))),
            (Scalar::Str("true"), None, text("true")),
            (Scalar::Int(2), None, Some(Value::Int(2))),
        ] {
            assert_eq!(Value::read(scalar, field_type), expected, "{scalar:?} {field_type:?}");
        }
    }
}
