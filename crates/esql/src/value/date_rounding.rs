//! Rounding dates down to whole units of time: `DATE_TRUNC` and `BUCKET`.
//!
//! Source: elastic/elasticsearch server/src/main/java/org/elasticsearch/common/{Rounding,time/DateUtils}.java and
//! x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/function/scalar/date/DateTrunc.java.

use jiff::civil::DateTime;
use query::esql::ast::{TimeSpan, TimeUnit};

use super::date::{OUT_OF_RANGE, civil_of_millis, millis_of_civil, millis_to_nanos, nanos_to_millis};
use super::date_shift::shift_millis;
use super::{Outcome, Refusal};

/// A span of nothing, or of less.
pub const NOT_POSITIVE: Refusal = Refusal("a span of time to round to must be more than nothing");
/// A span that no date can be shifted by.
pub const TOO_LONG: Refusal = Refusal("the span of time is too long");

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// The epoch is a Thursday, weeks begin on Mondays.
const MONDAY_BEFORE_EPOCH: i64 = -3 * DAY;

/// How dates are rounded down, UTC.
///
/// - Up to the hour: whole multiples of the span since the epoch.
/// - One day, and any number of days other than seven: multiples since the epoch. Seven days or one week: weeks that
///   begin on Monday; two weeks are fourteen days since the epoch.
/// - Months, quarters and years: multiples since the beginning of the year 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateRounding(Step);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Millis { length: i64, origin: i64 },
    Months(i32),
}

impl DateRounding {
    /// Rounding to a span.
    pub fn new(span: TimeSpan) -> Outcome<Self> {
        if span.count <= 0 {
            return Err(NOT_POSITIVE);
        }
        let fixed = |unit: i64| {
            let length = span.count.checked_mul(unit).ok_or(TOO_LONG)?;
            let origin = if length == 7 * DAY && unit >= DAY { MONDAY_BEFORE_EPOCH } else { 0 };
            Ok(Self(Step::Millis { length, origin }))
        };
        let months = |unit: i64| {
            let count = span.count.checked_mul(unit).and_then(|count| i32::try_from(count).ok());
            count.map(|count| Self(Step::Months(count))).ok_or(TOO_LONG)
        };
        match span.unit {
            TimeUnit::Millisecond => fixed(1),
            TimeUnit::Second => fixed(1000),
            TimeUnit::Minute => fixed(60_000),
            TimeUnit::Hour => fixed(HOUR),
            TimeUnit::Day => fixed(DAY),
            TimeUnit::Week => fixed(7 * DAY),
            TimeUnit::Month => months(1),
            TimeUnit::Quarter => months(3),
            TimeUnit::Year => months(12),
        }
    }

    /// Rounds a `date` down.
    pub fn round_millis(self, millis: i64) -> Outcome<i64> {
        match self.0 {
            Step::Millis { length, origin } => {
                let since = millis.checked_sub(origin).ok_or(OUT_OF_RANGE)?;
                millis.checked_sub(since.rem_euclid(length)).ok_or(OUT_OF_RANGE)
            }
            Step::Months(count) => {
                let at = civil_of_millis(millis)?;
                let months = (i32::from(at.year()) - 1) * 12 + i32::from(at.month()) - 1;
                let months = months - months.rem_euclid(count);
                first_of_month(months).and_then(millis_of_civil)
            }
        }
    }

    /// The next value that dates are rounded to, after one that they are rounded to.
    pub fn next_millis(self, rounded: i64) -> Outcome<i64> {
        match self.0 {
            Step::Millis { length, .. } => rounded.checked_add(length).ok_or(OUT_OF_RANGE),
            Step::Months(count) => {
                shift_millis(rounded, TimeSpan { count: count.into(), unit: TimeUnit::Month })
            }
        }
    }

    /// The finest of the spans that people count in, from a millisecond to a year, with which no more than so many
    /// buckets cover a range whose end does not belong to it; years when none is coarse enough.
    pub fn for_buckets(buckets: i64, from_millis: i64, to_millis: i64) -> Outcome<Self> {
        use TimeUnit::{Day, Hour, Millisecond, Minute, Month, Second, Week, Year};
        const SPANS: [(i64, TimeUnit); 18] = [
            (1, Month),
            (1, Week),
            (1, Day),
            (12, Hour),
            (3, Hour),
            (1, Hour),
            (30, Minute),
            (10, Minute),
            (5, Minute),
            (1, Minute),
            (30, Second),
            (10, Second),
            (5, Second),
            (1, Second),
            (100, Millisecond),
            (50, Millisecond),
            (10, Millisecond),
            (1, Millisecond),
        ];
        let mut best = Self::new(TimeSpan { count: 1, unit: Year })?;
        for (count, unit) in SPANS {
            let finer = Self::new(TimeSpan { count, unit })?;
            if !finer.covers(buckets, from_millis, to_millis)? {
                break;
            }
            best = finer;
        }
        Ok(best)
    }

    fn covers(self, buckets: i64, from_millis: i64, to_millis: i64) -> Outcome<bool> {
        let start = self.round_millis(from_millis)?;
        let needed = match self.0 {
            Step::Millis { length, .. } => {
                let range = i128::from(to_millis) - i128::from(start);
                // One is needed for a range of nothing too.
                ((range + i128::from(length) - 1) / i128::from(length)).max(1)
            }
            Step::Months(_) => {
                let mut needed = 1;
                let mut next = self.next_millis(start)?;
                while next < to_millis {
                    next = self.next_millis(next)?;
                    needed += 1;
                }
                needed
            }
        };
        Ok(needed <= i128::from(buckets))
    }

    /// Rounds a `date_nanos` down.
    pub fn round_nanos(self, nanos: i64) -> Outcome<i64> {
        self.round_millis(nanos_to_millis(nanos)).and_then(millis_to_nanos)
    }
}

/// The first day of a month that is counted from the beginning of the year 1.
fn first_of_month(months: i32) -> Outcome<DateTime> {
    let year = i16::try_from(months.div_euclid(12) + 1).map_err(|_| OUT_OF_RANGE)?;
    let month = i8::try_from(months.rem_euclid(12) + 1).map_err(|_| OUT_OF_RANGE)?;
    DateTime::new(year, month, 1, 0, 0, 0, 0).map_err(|_| OUT_OF_RANGE)
}

#[cfg(test)]
mod tests {
    use super::super::date::{millis_to_text, parse_millis, parse_nanos};
    use super::*;
    use proptest::prelude::*;

    fn rounding(count: i64, unit: TimeUnit) -> DateRounding {
        DateRounding::new(TimeSpan { count, unit }).unwrap()
    }

    #[test]
    fn dates_are_rounded_down() {
        use TimeUnit::*;
        let table = [
            (1, Millisecond, "2024-05-15T13:47:31.123Z", "2024-05-15T13:47:31.123Z"),
            (250, Millisecond, "2024-05-15T13:47:31.999Z", "2024-05-15T13:47:31.750Z"),
            (30, Second, "2024-05-15T13:47:31Z", "2024-05-15T13:47:30.000Z"),
            (5, Minute, "2024-05-15T13:47:31Z", "2024-05-15T13:45:00.000Z"),
            (1, Hour, "1969-12-31T23:30:00Z", "1969-12-31T23:00:00.000Z"),
            (168, Hour, "2024-05-15T13:47:31Z", "2024-05-09T00:00:00.000Z"),
            (1, Day, "2024-05-15T13:47:31Z", "2024-05-15T00:00:00.000Z"),
            (1, Day, "1969-12-31T00:00:00Z", "1969-12-31T00:00:00.000Z"),
            (2, Day, "1970-01-04", "1970-01-03T00:00:00.000Z"),
            (10, Day, "1970-01-25", "1970-01-21T00:00:00.000Z"),
            (7, Day, "2024-05-15", "2024-05-13T00:00:00.000Z"),
            (1, Week, "2024-05-13", "2024-05-13T00:00:00.000Z"),
            (1, Week, "2024-05-12T23:59:59.999Z", "2024-05-06T00:00:00.000Z"),
            (1, Week, "1969-12-30", "1969-12-29T00:00:00.000Z"),
            (2, Week, "1970-01-16", "1970-01-15T00:00:00.000Z"),
            (1, Month, "2024-05-15T13:47:31Z", "2024-05-01T00:00:00.000Z"),
            (5, Month, "2024-04-15", "2023-12-01T00:00:00.000Z"),
            (3, Month, "2024-05-15", "2024-04-01T00:00:00.000Z"),
            (1, Quarter, "2024-12-31", "2024-10-01T00:00:00.000Z"),
            (2, Quarter, "2024-12-31", "2024-07-01T00:00:00.000Z"),
            (1, Year, "2024-12-31", "2024-01-01T00:00:00.000Z"),
            (10, Year, "2024-12-31", "2021-01-01T00:00:00.000Z"),
            (100, Year, "2000-12-31", "1901-01-01T00:00:00.000Z"),
            (1, Year, "-0004-06-01", "-0004-01-01T00:00:00.000Z"),
        ];
        for (count, unit, from, to) in table {
            let rounded =
                rounding(count, unit).round_millis(parse_millis(from).unwrap()).and_then(millis_to_text);
            assert_eq!(rounded.as_deref(), Ok(to), "{count} {unit:?} {from}");
        }
        let nanos = parse_nanos("2024-05-15T13:47:31.123456789Z").unwrap();
        assert_eq!(rounding(1, Minute).round_nanos(nanos), parse_nanos("2024-05-15T13:47:00Z"));
    }

    #[test]
    fn spans_are_chosen_by_the_number_of_buckets() {
        use TimeUnit::*;
        let table = [
            (20, "2024-01-01", "2025-01-01", (1, Month)),
            (100, "2024-01-01", "2025-01-01", (1, Week)),
            (12, "2024-01-01", "2025-01-01", (1, Month)),
            (11, "2024-01-01", "2025-01-01", (1, Year)),
            (1, "2024-01-01", "2034-01-01", (1, Year)),
            (24, "2024-01-01", "2024-01-02", (1, Hour)),
            (60, "2024-01-01T10:00:00Z", "2024-01-01T10:01:00Z", (1, Second)),
            (10, "2024-01-01T10:00:00Z", "2024-01-01T10:00:00.005Z", (1, Millisecond)),
            (i64::MAX, "0001-01-01", "2024-01-01", (1, Millisecond)),
            (0, "2024-01-01", "2024-01-02", (1, Year)),
        ];
        for (buckets, from, to, (count, unit)) in table {
            let (from, to) = (parse_millis(from).unwrap(), parse_millis(to).unwrap());
            let chosen = DateRounding::for_buckets(buckets, from, to);
            assert_eq!(chosen, Ok(rounding(count, unit)), "{buckets} {count} {unit:?}");
        }
    }

    #[test]
    fn spans_of_nothing_are_refused() {
        for count in [0, -1] {
            assert_eq!(DateRounding::new(TimeSpan { count, unit: TimeUnit::Day }), Err(NOT_POSITIVE));
        }
        let long = TimeSpan { count: i64::MAX, unit: TimeUnit::Year };
        assert_eq!(DateRounding::new(long), Err(TOO_LONG));
    }

    proptest! {
        #[test]
        fn rounding_goes_down_and_stays(
            count in 1_i64..50,
            unit in prop::sample::select(vec![TimeUnit::Minute, TimeUnit::Day, TimeUnit::Week, TimeUnit::Month, TimeUnit::Year]),
            millis in 0_i64..4_000_000_000_000,
        ) {
            let rounding = rounding(count, unit);
            let rounded = rounding.round_millis(millis).unwrap();
            prop_assert!(rounded <= millis);
            prop_assert_eq!(rounding.round_millis(rounded), Ok(rounded));
            let next = rounding.next_millis(rounded).unwrap();
            prop_assert!(next > millis);
            prop_assert_eq!(rounding.round_millis(next), Ok(next));
            prop_assert_eq!(rounding.round_millis(next - 1), Ok(rounded));
            prop_assert!(millis - rounded < count * 366 * DAY);
        }
    }
}
