//! How many whole units of time lie between two dates: `DATE_DIFF`.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/function/
//! scalar/date/DateDiff.java.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use super::date::OUT_OF_RANGE;
use super::{Outcome, Refusal};

/// A text that is no unit.
pub const UNKNOWN_UNIT: Refusal = Refusal("text is no unit of time");
/// A difference of more units than an `integer` can count.
pub const TOO_MANY: Refusal = Refusal("integer overflow");

/// A unit that differences are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DifferenceUnit {
    /// Whole months of the calendar, so many at a time: 12 for a year, 3 for a quarter.
    Months(i64),
    /// A fixed length in nanoseconds.
    Nanos(i64),
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

impl DifferenceUnit {
    /// Reads a unit by one of its names, ignoring case: `minute`, `minutes`, `mi`, `n`. They differ from the units of
    /// time spans.
    pub fn parse(name: &str) -> Outcome<Self> {
        Ok(match name.to_lowercase().as_str() {
            "year" | "years" | "yyyy" | "yy" => Self::Months(12),
            "quarter" | "quarters" | "qq" | "q" => Self::Months(3),
            "month" | "months" | "mm" | "m" => Self::Months(1),
            "week" | "weeks" | "wk" | "ww" => Self::Nanos(7 * DAY),
            "dayofyear" | "dy" | "y" | "day" | "days" | "dd" | "d" | "weekday" | "weekdays" | "dw" => {
                Self::Nanos(DAY)
            }
            "hour" | "hours" | "hh" => Self::Nanos(3600 * SECOND),
            "minute" | "minutes" | "mi" | "n" => Self::Nanos(60 * SECOND),
            "second" | "seconds" | "ss" | "s" => Self::Nanos(SECOND),
            "millisecond" | "milliseconds" | "ms" => Self::Nanos(1_000_000),
            "microsecond" | "microseconds" | "mcs" => Self::Nanos(1000),
            "nanosecond" | "nanoseconds" | "ns" => Self::Nanos(1),
            _ => return Err(UNKNOWN_UNIT),
        })
    }

    /// Whole units from the first instant to the second, both in nanoseconds since the epoch; less than nothing when
    /// the second comes before the first.
    pub fn between(self, start_nanos: i128, end_nanos: i128) -> Outcome<i32> {
        let count = match self {
            Self::Nanos(length) => (end_nanos - start_nanos) / i128::from(length),
            Self::Months(length) => {
                i128::from(months_between(civil(start_nanos)?, civil(end_nanos)?)? / length)
            }
        };
        i32::try_from(count).map_err(|_| TOO_MANY)
    }
}

/// Nanoseconds of a `date`, for [`DifferenceUnit::between`].
pub fn nanos_of_millis(millis: i64) -> i128 {
    i128::from(millis) * 1_000_000
}

fn civil(nanos: i128) -> Outcome<DateTime> {
    Ok(Offset::UTC.to_datetime(Timestamp::from_nanosecond(nanos).map_err(|_| OUT_OF_RANGE)?))
}

/// Whole months: one is whole when the same day of the month and time of the day are reached. A day that is not whole is
/// taken off first, as `java.time.LocalDateTime.until` does: from noon of 31 January to the morning of 1 March is no
/// whole month.
fn months_between(start: DateTime, end: DateTime) -> Outcome<i64> {
    let (first, mut last) = (start.date(), end.date());
    if last > first && end.time() < start.time() {
        last = last.yesterday().map_err(|_| OUT_OF_RANGE)?;
    } else if last < first && end.time() > start.time() {
        last = last.tomorrow().map_err(|_| OUT_OF_RANGE)?;
    }
    let days = |at: Date| (i64::from(at.year()) * 12 + i64::from(at.month())) * 32 + i64::from(at.day());
    Ok((days(last) - days(first)) / 32)
}

#[cfg(test)]
mod tests {
    use super::super::date::{parse_millis, parse_nanos};
    use super::*;
    use proptest::prelude::*;

    fn difference(unit: &str, start: &str, end: &str) -> Outcome<i32> {
        let nanos = |text| nanos_of_millis(parse_millis(text).unwrap());
        DifferenceUnit::parse(unit).unwrap().between(nanos(start), nanos(end))
    }

    #[test]
    fn whole_units_are_counted() {
        let table = [
            ("year", "2023-12-12T12:00:00Z", "2024-12-12T11:59:59Z", 0),
            ("years", "2023-12-12T12:00:00Z", "2024-12-12T12:00:00Z", 1),
            ("yyyy", "2024-12-12T12:00:00Z", "2023-12-12T12:00:01Z", 0),
            ("yy", "2024-12-12T12:00:00Z", "2022-12-12T12:00:00Z", -2),
            ("quarter", "2024-01-31", "2024-04-30", 0),
            ("q", "2024-01-30", "2024-04-30", 1),
            ("month", "2024-01-31", "2024-02-29", 0),
            ("mm", "2024-01-29", "2024-02-29", 1),
            ("m", "2024-03-01T00:00:01Z", "2024-02-01T00:00:00Z", -1),
            ("m", "2024-03-01T00:00:00Z", "2024-02-01T00:00:01Z", 0),
            ("m", "2024-01-31T12:00:00Z", "2024-03-01T09:00:00Z", 0),
            ("m", "2024-01-31T12:00:00Z", "2024-03-01T12:00:00Z", 1),
            ("week", "2024-01-01", "2024-01-14", 1),
            ("day", "2024-01-01T12:00:00Z", "2024-01-03T11:00:00Z", 1),
            ("dw", "2024-01-03T11:00:00Z", "2024-01-01T12:00:00Z", -1),
            ("hh", "2024-01-01T00:59:00Z", "2024-01-01T02:00:00Z", 1),
            ("MINUTE", "2024-01-01T00:00:00Z", "2024-01-01T00:10:59Z", 10),
            ("n", "2024-01-01T00:10:59Z", "2024-01-01T00:00:00Z", -10),
            ("mi", "2024-01-01", "2024-01-02", 1440),
            ("s", "2024-01-01", "2024-01-02", 86_400),
            ("ms", "2024-01-01T00:00:00Z", "2024-01-01T00:00:01.001Z", 1001),
            ("mcs", "2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z", 1_000_000),
            ("ns", "2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z", 1_000_000_000),
        ];
        for (unit, start, end, count) in table {
            assert_eq!(difference(unit, start, end), Ok(count), "{unit} {start} {end}");
        }
        let (start, end) =
            (parse_nanos("2024-01-01T00:00:00.000000001Z").unwrap(), parse_nanos("2024-01-01").unwrap());
        let unit = DifferenceUnit::parse("ns").unwrap();
        assert_eq!(unit.between(start.into(), end.into()), Ok(-1));
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        assert_eq!(difference("ms", "2024-01-01", "2025-01-01"), Err(TOO_MANY));
        assert_eq!(DifferenceUnit::parse("fortnight"), Err(UNKNOWN_UNIT));
        assert_eq!(DifferenceUnit::parse("h"), Err(UNKNOWN_UNIT));
    }

    proptest! {
        #[test]
        fn the_way_back_is_as_long(
            unit in prop::sample::select(vec!["day", "week", "hour", "minute", "year"]),
            start in 0_i64..2_000_000_000_000,
            end in 0_i64..2_000_000_000_000,
        ) {
            let unit = DifferenceUnit::parse(unit).unwrap();
            let (start, end) = (nanos_of_millis(start), nanos_of_millis(end));
            prop_assert_eq!(unit.between(start, end).unwrap(), -unit.between(end, start).unwrap());
        }
    }
}
