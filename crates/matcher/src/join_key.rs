//! The values by which events are joined into sequences and samples.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

use ecs::{EventView, FieldId, FieldType, Scalar, Timestamp};

use crate::computed::Value;

/// One field that events are joined by.
#[derive(Debug, Clone)]
pub struct JoinKey {
    /// Of the table that the key was resolved with; `None` for an optional field that is known not to exist.
    pub field: Option<FieldId>,
    /// What the catalogue says of it.
    pub field_type: Option<FieldType>,
    /// True when a missing value is a value of its own, equal to itself.
    pub optional: bool,
}

/// A value that events are joined by. Two are equal only when they are of one kind; null comes before all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyValue {
    /// An optional field is missing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(KeyNumber),
    /// An instant, in milliseconds since the epoch.
    Date(i64),
    /// An address; IPv4 within IPv6 is IPv4.
    Ip(IpAddr),
    /// Text; case counts.
    Text(Box<str>),
}

/// A number with an order and an equality by value: `1` equals `1.0`.
#[derive(Debug, Clone, Copy)]
pub enum KeyNumber {
    /// A whole number that fits 64 signed bits.
    Whole(i64),
    /// Any other number. Made by [`KeyNumber::from`] alone, which sees that it is none of the above.
    Other(f64),
}

impl JoinKey {
    /// Can a value of one be equal to one of the other, as far as their types are known?
    ///
    /// Source: elastic/elasticsearch x-pack/plugin/eql `analysis/Verifier`, `checkJoinKeyTypes`.
    pub fn can_equal(&self, other: &Self) -> bool {
        #[derive(PartialEq)]
        enum Family {
            Text,
            Number,
            Date,
            Ip,
            Truth,
        }
        let family = |key: &Self| {
            Some(match key.field_type? {
                FieldType::Long | FieldType::Double => Family::Number,
                FieldType::Date => Family::Date,
                FieldType::Ip => Family::Ip,
                FieldType::Boolean => Family::Truth,
                FieldType::Object | FieldType::Nested | FieldType::GeoPoint => return None,
                _ => Family::Text,
            })
        };
        family(self).zip(family(other)).is_none_or(|(a, b)| a == b)
    }

    /// The distinct values of an event, in order. None when the event takes no part: it lacks a field that is not
    /// optional. Nulls within arrays do not count; nor do values that the field's type cannot hold.
    ///
    /// The view must know the field: one that does not is taken to lack it.
    pub fn values(&self, event: &dyn EventView) -> Vec<KeyValue> {
        let mut values = Vec::new();
        if let Some(field) = self.field {
            event.any_value(field, &mut |scalar| {
                values.extend(self.read(scalar));
                false
            });
            values.sort_unstable();
            values.dedup();
        }
        if values.is_empty() && self.optional {
            values.push(KeyValue::Null);
        }
        values
    }

    /// One value, as this key compares it; `None` when the type of the field cannot hold it.
    pub fn read(&self, scalar: Scalar<'_>) -> Option<KeyValue> {
        Some(match Value::read(scalar, self.field_type)? {
            Value::Null => return None,
            Value::Bool(b) => KeyValue::Bool(b),
            Value::Int(i) => KeyValue::Number(KeyNumber::Whole(i)),
            Value::Float(f) => KeyValue::Number(KeyNumber::from(f)),
            Value::Date(ms) => KeyValue::Date(ms),
            Value::Text(text) => match (self.field_type, text.parse()) {
                (Some(FieldType::Ip), Ok(ip)) => KeyValue::Ip(ip),
                _ => KeyValue::Text(text.into()),
            },
        })
    }
}

impl From<f64> for KeyNumber {
    fn from(f: f64) -> Self {
        // Both ends are exact as floats; the upper one is the first that does not fit.
        if f.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f) {
            Self::Whole(f as i64)
        } else {
            Self::Other(f)
        }
    }
}

impl Ord for KeyNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(b),
            (Self::Other(a), Self::Other(b)) => a.total_cmp(b),
            (Self::Whole(a), Self::Other(b)) => whole_to_other(*a, *b),
            (Self::Other(a), Self::Whole(b)) => whole_to_other(*b, *a).reverse(),
        }
    }
}

/// A whole number never equals one of the others: it is beyond 64 bits or lies between two whole numbers.
fn whole_to_other(whole: i64, other: f64) -> Ordering {
    if other >= 9_223_372_036_854_775_808.0 || other.is_nan() && other.is_sign_positive() {
        Ordering::Less
    } else if other < -9_223_372_036_854_775_808.0 || other.is_nan() || whole > other.floor() as i64 {
        Ordering::Greater
    } else {
        Ordering::Less
    }
}

impl PartialOrd for KeyNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for KeyNumber {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for KeyNumber {}

impl std::hash::Hash for KeyNumber {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Whole(i) => i.hash(state),
            Self::Other(f) => f.to_bits().hash(state),
        }
    }
}

impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => b.fmt(f),
            Self::Number(KeyNumber::Whole(i)) => i.fmt(f),
            Self::Number(KeyNumber::Other(n)) => n.fmt(f),
            Self::Date(ms) => match Timestamp::from_millisecond(*ms) {
                Ok(at) => write!(f, "{at:.3}"),
                Err(_) => ms.fmt(f),
            },
            Self::Ip(ip) => ip.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{BuildHasher, RandomState};

    #[test]
    fn numbers_are_ordered_and_equal_by_value() {
        let ordered =
            [f64::MIN, -9.3e18, i64::MIN as f64, -1.5, -1.0, 0.0, 0.5, 1.0, 9.0e15, i64::MAX as f64, 1e300];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(KeyNumber::from(*a).cmp(&KeyNumber::from(*b)), i.cmp(&j), "{a} {b}");
            }
        }
        let hash = RandomState::new();
        assert_eq!(KeyNumber::from(1.0), KeyNumber::Whole(1));
        assert_eq!(hash.hash_one(KeyNumber::from(1.0)), hash.hash_one(KeyNumber::Whole(1)));
        assert_eq!(KeyNumber::from(-0.0), KeyNumber::Whole(0));
        assert!(KeyNumber::Whole(i64::MAX) < KeyNumber::from(9_223_372_036_854_775_808.0));
    }
}
