//! Single values, as the text of a cell or of a table of events gives them.

use std::net::{IpAddr, Ipv6Addr};

use bartizan_esql::DataType;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A value that can be told apart from others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Boolean(bool),
    Whole(i128),
    Double(f64),
    /// Keyword, text or version.
    Text(String),
    /// IPv4 mapped to IPv6.
    Ip(Ipv6Addr),
    /// Nanoseconds since the epoch.
    Instant(i128),
    /// Longitude and latitude.
    Point(f64, f64),
}

impl Value {
    /// Reads the text of a value; the error says what is wrong.
    pub(crate) fn read(text: &str, data_type: DataType) -> Result<Self, String> {
        let fail = || format!("no {}: {text}", data_type.name());
        Ok(match data_type {
            DataType::Boolean => Self::Boolean(text.to_ascii_lowercase().parse().map_err(|_| fail())?),
            DataType::Integer | DataType::Long | DataType::UnsignedLong => {
                Self::Whole(text.parse().map_err(|_| fail())?)
            }
            DataType::Double => Self::Double(text.parse().map_err(|_| fail())?),
            DataType::Keyword | DataType::Text | DataType::Version => Self::Text(text.to_owned()),
            DataType::Ip => Self::Ip(ip(text).ok_or_else(fail)?),
            DataType::Date | DataType::DateNanos => {
                Self::Instant(instant(text).ok_or_else(fail)?.as_nanosecond())
            }
            DataType::GeoPoint => point(text).map(|(x, y)| Self::Point(x, y)).ok_or_else(fail)?,
            DataType::Null | DataType::DatePeriod | DataType::TimeDuration | DataType::Unsupported => {
                return Err(fail());
            }
        })
    }

    /// Equal, and numbers with a fraction equal in seven digits: the last ones depend on the order of additions.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Double(a), Self::Double(b)) => near(*a, *b),
            (Self::Point(a, b), Self::Point(c, d)) => near(*a, *c) && near(*b, *d),
            _ => self == other,
        }
    }

    /// A text that is the same for values that agree, but for numbers at the edge of rounding.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Double(number) => format!("{number:.6e}"),
            Self::Point(x, y) => format!("{x:.6e} {y:.6e}"),
            _ => format!("{self:?}"),
        }
    }
}

/// Reads a date: an instant, or a date or a time of day without a zone, which is UTC.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let civil = || {
        text.parse::<DateTime>()
            .or_else(|_| Ok(text.parse::<Date>()?.to_datetime(jiff::civil::Time::midnight())))
    };
    let zoned = |civil: DateTime| civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse().ok().or_else(|| civil().map_err(|_: jiff::Error| ()).ok().and_then(zoned))
}

/// Reads an address.
pub(crate) fn ip(text: &str) -> Option<Ipv6Addr> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    })
}

/// Reads `POINT (longitude latitude)`.
fn point(text: &str) -> Option<(f64, f64)> {
    let numbers = text.strip_prefix("POINT")?.trim().strip_prefix('(')?.strip_suffix(')')?;
    let (longitude, latitude) = numbers.trim().split_once([' ', ','])?;
    Some((longitude.trim().parse().ok()?, latitude.trim().parse().ok()?))
}

fn near(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-7 * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_type() {
        let read = |text, data_type| Value::read(text, data_type).unwrap();
        assert_eq!(read("TRUE", DataType::Boolean), Value::Boolean(true));
        assert_eq!(read("18446744073709551615", DataType::UnsignedLong), Value::Whole(u64::MAX.into()));
        assert_eq!(read("1.5E-3", DataType::Double), Value::Double(0.0015));
        assert_eq!(read("-Infinity", DataType::Double), Value::Double(f64::NEG_INFINITY));
        assert_eq!(read("127.0.0.1", DataType::Ip), read("::ffff:127.0.0.1", DataType::Ip));
        assert_eq!(read("POINT(1 -2.5)", DataType::GeoPoint), Value::Point(1.0, -2.5));
        assert_eq!(read("POINT (1 -2.5)", DataType::GeoPoint), Value::Point(1.0, -2.5));
        for (text, nanoseconds) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("1970-01-01T00:00:01Z", 1_000_000_000),
            ("1970-01-01T00:00:00.000000007Z", 7),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1970-01-01T00:00", 0),
            ("1970-01-02", 86_400_000_000_000),
        ] {
            assert_eq!(read(text, DataType::DateNanos), Value::Instant(nanoseconds), "{text}");
        }
        for (text, data_type) in [
            ("1.0", DataType::Integer),
            ("yes", DataType::Boolean),
            ("1.2.3", DataType::Ip),
            ("yesterday", DataType::Date),
            ("POINT (1)", DataType::GeoPoint),
            ("x", DataType::Null),
        ] {
            assert!(Value::read(text, data_type).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_agree_in_seven_digits() {
        let agree = |a, b| Value::Double(a).agrees(&Value::Double(b));
        assert!(agree(0.1 + 0.2, 0.3));
        assert!(agree(f64::NAN, f64::NAN));
        assert!(agree(0.0, -0.0));
        assert!(!agree(1.0, 1.000_001));
        assert!(!agree(0.0, 1e-9));
        assert!(!Value::Double(1.0).agrees(&Value::Whole(1)));
    }
}
