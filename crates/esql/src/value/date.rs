//! Dates: instants in UTC, how they are written as text and read from it.
//!
//! A `date` is a number of milliseconds since the epoch, a `date_nanos` one of nanoseconds. Years reach from -9999 to
//! 9999; functions refuse what lies beyond.
//! Source: elastic/elasticsearch server/src/main/java/org/elasticsearch/common/time/{Iso8601Parser,DateFormatters}.java.

use std::fmt::Write;

use jiff::civil::{self, DateTime};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::{Outcome, Refusal};

/// A text that is no date in the expected format.
pub const NOT_A_DATE: Refusal = Refusal("text is no date");
/// A date whose year is not within -9999 to 9999.
pub const OUT_OF_RANGE: Refusal = Refusal("date is out of range");
/// A date that nanoseconds in 64 bits cannot tell: before 1970, or after 2262.
pub const OUT_OF_NANOS: Refusal = Refusal("date is out of the range of [date_nanos], 1970 to 2262");

const NANOS_OF_MILLI: i64 = 1_000_000;

/// Date and time in UTC of milliseconds since the epoch.
pub fn civil_of_millis(millis: i64) -> Outcome<DateTime> {
    let instant = Timestamp::from_millisecond(millis).map_err(|_| OUT_OF_RANGE)?;
    Ok(Offset::UTC.to_datetime(instant))
}

/// Date and time in UTC of nanoseconds since the epoch.
pub fn civil_of_nanos(nanos: i64) -> Outcome<DateTime> {
    let instant = Timestamp::from_nanosecond(i128::from(nanos)).map_err(|_| OUT_OF_RANGE)?;
    Ok(Offset::UTC.to_datetime(instant))
}

/// Milliseconds since the epoch of a date and time in UTC; what is shorter is cut off downwards.
pub fn millis_of_civil(at: DateTime) -> Outcome<i64> {
    instant_of_civil(at, Offset::UTC).map(floor_millis)
}

/// Nanoseconds since the epoch of a date and time in UTC.
pub fn nanos_of_civil(at: DateTime) -> Outcome<i64> {
    nanos_of_instant(instant_of_civil(at, Offset::UTC)?)
}

/// The instant of a date and time that lie at an offset.
pub(super) fn instant_of_civil(at: DateTime, offset: Offset) -> Outcome<Timestamp> {
    offset.to_timestamp(at).map_err(|_| OUT_OF_RANGE)
}

/// Milliseconds since the epoch, cut off downwards.
pub(super) fn floor_millis(instant: Timestamp) -> i64 {
    let nanos = instant.as_nanosecond().div_euclid(i128::from(NANOS_OF_MILLI));
    // The years -9999 to 9999 fit by far.
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

fn nanos_of_instant(instant: Timestamp) -> Outcome<i64> {
    i64::try_from(instant.as_nanosecond()).map_err(|_| OUT_OF_NANOS).and_then(checked_nanos)
}

/// `TO_DATETIME` of a `date_nanos`: milliseconds, cut off.
pub fn nanos_to_millis(nanos: i64) -> i64 {
    nanos.div_euclid(NANOS_OF_MILLI)
}

/// `TO_DATE_NANOS` of a `date`.
pub fn millis_to_nanos(millis: i64) -> Outcome<i64> {
    if millis < 0 {
        return Err(OUT_OF_NANOS);
    }
    millis.checked_mul(NANOS_OF_MILLI).ok_or(OUT_OF_NANOS)
}

/// A number of nanoseconds since the epoch as a `date_nanos`, which reaches back no further.
pub fn checked_nanos(nanos: i64) -> Outcome<i64> {
    if nanos < 0 { Err(OUT_OF_NANOS) } else { Ok(nanos) }
}

/// A `date` as text: `2024-01-31T10:00:00.000Z`, always with three decimals.
pub fn millis_to_text(millis: i64) -> Outcome<String> {
    civil_of_millis(millis).map(print)
}

/// A `date_nanos` as text: `2024-01-31T10:00:00.123456789Z`, with at least three decimals and no zero at the end
/// beyond them.
pub fn nanos_to_text(nanos: i64) -> Outcome<String> {
    civil_of_nanos(nanos).map(print)
}

/// `strict_date_optional_time` as it is printed.
pub(super) fn print(at: DateTime) -> String {
    let mut text = String::with_capacity(24);
    let sign = if at.year() < 0 { "-" } else { "" };
    let (year, month, day) = (at.year().unsigned_abs(), at.month(), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    // Writing into a String cannot fail.
    let _ = write!(text, "{sign}{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.");
    push_fraction(&mut text, at.subsec_nanosecond(), 3);
    text.push('Z');
    text
}

/// The decimals of a second, at least so many.
fn push_fraction(text: &mut String, nanos: i32, least: usize) {
    let digits = format!("{nanos:09}");
    let used = digits.trim_end_matches('0').len().max(least);
    text.push_str(&digits[..used]);
}

/// Reads a `date` as `TO_DATETIME` and implicit casts do (`strict_date_optional_time`): `2024`, `2024-01`,
/// `2024-01-31`, `2024-01-31T10`, `…T10:00`, `…T10:00:00` and one to nine decimals after `.` or `,`, which are cut to
/// milliseconds. A time may end with `Z` or an offset (`+01`, `+0100`, `+01:00`); it is UTC otherwise. Names of time
/// zones other than `UTC`, `GMT` and `UT` are refused, which upstream takes.
pub fn parse_millis(text: &str) -> Outcome<i64> {
    parse_iso(text).map(floor_millis)
}

/// Reads a `date_nanos` as `TO_DATE_NANOS` does: like [`parse_millis`], with all nine decimals.
pub fn parse_nanos(text: &str) -> Outcome<i64> {
    nanos_of_instant(parse_iso(text)?)
}

fn parse_iso(text: &str) -> Outcome<Timestamp> {
    read_iso(text).ok_or(NOT_A_DATE)
}

fn read_iso(text: &str) -> Option<Timestamp> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let mut rest = text.as_bytes();
    let year = i16::try_from(take_number(&mut rest, 4)?).ok()?;
    let year = if negative { -year } else { year };
    let (mut month, mut day) = (1, 1);
    let mut time = civil::Time::midnight();
    let mut offset = Offset::UTC;
    'read: {
        if rest.is_empty() {
            break 'read;
        }
        take_byte(&mut rest, b"-")?;
        month = take_number(&mut rest, 2)?;
        if rest.is_empty() {
            break 'read;
        }
        take_byte(&mut rest, b"-")?;
        day = take_number(&mut rest, 2)?;
        if rest.is_empty() {
            break 'read;
        }
        take_byte(&mut rest, b"T")?;
        if rest.is_empty() {
            break 'read;
        }
        time = take_time(&mut rest)?;
        if !rest.is_empty() {
            offset = read_zone(std::str::from_utf8(rest).ok()?)?;
        }
    }
    let date = civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    instant_of_civil(date.to_datetime(time), offset).ok()
}

/// `10`, `10:00`, `10:00:00`, `10:00:00.123456789`
fn take_time(rest: &mut &[u8]) -> Option<civil::Time> {
    let hour = take_number(rest, 2)?;
    let (mut minute, mut second, mut nanos) = (0, 0, 0);
    if rest.first() == Some(&b':') {
        take_byte(rest, b":")?;
        minute = take_number(rest, 2)?;
        if rest.first() == Some(&b':') {
            take_byte(rest, b":")?;
            second = take_number(rest, 2)?;
            if matches!(rest.first(), Some(b'.' | b',')) {
                take_byte(rest, b".,")?;
                nanos = take_fraction(rest)?;
            }
        }
    }
    let narrow = |number: i32| i8::try_from(number).ok();
    // A second of 60 would be taken for 59 by no one here.
    civil::Time::new(narrow(hour)?, narrow(minute)?, narrow(second)?, nanos).ok()
}

fn take_byte(rest: &mut &[u8], wanted: &[u8]) -> Option<()> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    wanted.contains(first).then_some(())
}

/// Exactly so many digits.
fn take_number(rest: &mut &[u8], digits: usize) -> Option<i32> {
    let (number, after) = rest.split_at_checked(digits)?;
    *rest = after;
    number.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i32::from(byte - b'0')))
}

/// One to nine digits after a point, as nanoseconds.
fn take_fraction(rest: &mut &[u8]) -> Option<i32> {
    let digits = rest.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let number = take_number(rest, digits)?;
    Some(number * 10_i32.pow(9 - u32::try_from(digits).ok()?))
}

/// `Z`, `+01`, `+0100`, `+01:00`, `+01:00:00`, `UTC`, `UTC+01:00`; at most 18 hours.
pub(super) fn read_zone(zone: &str) -> Option<Offset> {
    let named = ["UTC", "GMT", "UT"].iter().find_map(|name| zone.strip_prefix(name));
    match (zone, named) {
        ("Z" | "z", _) | (_, Some("")) => Some(Offset::UTC),
        (_, Some(offset)) => read_offset(offset),
        _ => read_offset(zone),
    }
}

fn read_offset(text: &str) -> Option<Offset> {
    let mut rest = text.as_bytes();
    let negative = rest.first() == Some(&b'-');
    take_byte(&mut rest, b"+-")?;
    let mut seconds = 0;
    let mut unit = 3600;
    let colons = rest.get(2) == Some(&b':');
    while unit > 0 {
        let part = take_number(&mut rest, 2)?;
        if unit < 3600 && part > 59 {
            return None;
        }
        seconds += part * unit;
        unit = if unit == 1 { 0 } else { unit / 60 };
        if rest.is_empty() {
            break;
        }
        if colons {
            take_byte(&mut rest, b":")?;
        }
    }
    let in_reach =
        rest.is_empty() && SignedDuration::from_secs(seconds.into()) <= SignedDuration::from_hours(18);
    in_reach.then(|| Offset::from_seconds(if negative { -seconds } else { seconds }).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_read_and_printed() {
        let table = [
            ("2024", "2024-01-01T00:00:00.000Z"),
            ("2024-02", "2024-02-01T00:00:00.000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
            ("2024-02-29T", "2024-02-29T00:00:00.000Z"),
            ("2024-02-29T23", "2024-02-29T23:00:00.000Z"),
            ("2024-02-29T23Z", "2024-02-29T23:00:00.000Z"),
            ("2024-02-29T23:59", "2024-02-29T23:59:00.000Z"),
            ("2024-02-29T23:59+01:00", "2024-02-29T22:59:00.000Z"),
            ("2024-02-29T23:59:58", "2024-02-29T23:59:58.000Z"),
            ("2024-02-29T23:59:58.1", "2024-02-29T23:59:58.100Z"),
            ("2024-02-29T23:59:58,12", "2024-02-29T23:59:58.120Z"),
            ("2024-02-29T23:59:58.123456789Z", "2024-02-29T23:59:58.123Z"),
            ("2024-02-29T23:59:58.123-0130", "2024-03-01T01:29:58.123Z"),
            ("2024-02-29T23:59:58+02", "2024-02-29T21:59:58.000Z"),
            ("2024-02-29T23:59:58+02:00:30", "2024-02-29T21:59:28.000Z"),
            ("2024-02-29T23:59:58UTC", "2024-02-29T23:59:58.000Z"),
            ("0001-01-01", "0001-01-01T00:00:00.000Z"),
            ("-0001-01-01", "-0001-01-01T00:00:00.000Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ];
        for (text, printed) in table {
            let millis = parse_millis(text).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(millis_to_text(millis).as_deref(), Ok(printed), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let table = [
            "",
            "-",
            "24",
            "2024-",
            "2024-1",
            "2024-13",
            "2024-00",
            "2024-02-30",
            "2024-02-29 10:00",
            "2024-02-29T1",
            "2024-02-29T24",
            "2024-02-29T10:60",
            "2024-02-29T10:00:60",
            "2024-02-29T10:00:00.",
            "2024-02Z",
            "2024-02-29T10:00:00.1234567890",
            "2024-02-29T10:00:00+19:00",
            "2024-02-29T10:00:00+1",
            "20240229",
            "1709164800000",
            "12024-01-01",
            "2024-02-29T10:00:00 ",
            "2024-02-29T10:00:00Europe/Paris",
            "２０２４",
        ];
        for text in table {
            assert_eq!(parse_millis(text), Err(NOT_A_DATE), "{text}");
        }
    }

    #[test]
    fn nanoseconds_keep_their_decimals() {
        let table = [
            ("2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.123456789Z"),
            ("2024-01-01T00:00:00.1234Z", "2024-01-01T00:00:00.1234Z"),
            ("2024-01-01", "2024-01-01T00:00:00.000Z"),
        ];
        for (text, printed) in table {
            assert_eq!(parse_nanos(text).and_then(nanos_to_text).as_deref(), Ok(printed), "{text}");
        }
        assert_eq!(parse_nanos("1969-12-31T23:59:59Z"), Err(OUT_OF_NANOS));
        assert_eq!(parse_nanos("2263-01-01"), Err(OUT_OF_NANOS));
        assert_eq!(millis_to_nanos(-1), Err(OUT_OF_NANOS));
        assert_eq!(millis_to_nanos(i64::MAX), Err(OUT_OF_NANOS));
        assert_eq!(nanos_to_millis(1_999_999), 1);
        assert_eq!(nanos_to_millis(-1), -1);
        assert_eq!(millis_to_text(i64::MAX), Err(OUT_OF_RANGE));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(millis in -62_000_000_000_000_i64..250_000_000_000_000, nanos in 0_i64..) {
            prop_assert_eq!(parse_millis(&millis_to_text(millis).unwrap()), Ok(millis));
            prop_assert_eq!(parse_nanos(&nanos_to_text(nanos).unwrap()), Ok(nanos));
        }

        #[test]
        fn any_text_is_answered(text in "[-0-9TZ:.,+ ]{0,32}") {
            let _ = parse_millis(&text);
        }
    }
}
