//! Dates plus and minus spans of time: `@timestamp - 7 days`.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/predicate/
//! operator/arithmetic/{Add,Sub,DateTimeArithmeticOperation}.java.

use jiff::Span;
use jiff::civil::DateTime;
use query::esql::ast::{TimeSpan, TimeUnit};

use super::Outcome;
use super::date::{
    OUT_OF_NANOS, OUT_OF_RANGE, civil_of_millis, civil_of_nanos, millis_of_civil, nanos_of_civil,
};

/// A `date` moved by a span. Up to the hour the span has a fixed length, from the day on it follows the calendar: a
/// month later is the same day of the next month, or its last one.
pub fn shift_millis(millis: i64, span: TimeSpan) -> Outcome<i64> {
    match fixed_millis(span) {
        Some(length) => length.and_then(|length| millis.checked_add(length)).ok_or(OUT_OF_RANGE),
        None => millis_of_civil(shift_civil(civil_of_millis(millis)?, span)?),
    }
}

/// A `date_nanos` moved by a span.
pub fn shift_nanos(nanos: i64, span: TimeSpan) -> Outcome<i64> {
    match fixed_millis(span) {
        Some(length) => {
            let length = length.and_then(|length| length.checked_mul(1_000_000));
            let moved = length.and_then(|length| nanos.checked_add(length));
            moved.filter(|moved| *moved >= 0).ok_or(OUT_OF_NANOS)
        }
        None => nanos_of_civil(shift_civil(civil_of_nanos(nanos)?, span)?),
    }
}

/// The span the other way round; `None` when there is none so long.
pub fn negate(span: TimeSpan) -> Option<TimeSpan> {
    Some(TimeSpan { count: span.count.checked_neg()?, ..span })
}

/// Two spans together: both up to the hour, or both in days, months or years; `None` for others, and when there is none
/// so long.
pub fn add(left: TimeSpan, right: TimeSpan) -> Option<TimeSpan> {
    if let (Some(left), Some(right)) = (fixed_millis(left), fixed_millis(right)) {
        return Some(TimeSpan { count: left?.checked_add(right?)?, unit: TimeUnit::Millisecond });
    }
    let by_calendar = |span: TimeSpan| match span.unit {
        TimeUnit::Day => Some((TimeUnit::Day, span.count)),
        TimeUnit::Week => Some((TimeUnit::Day, span.count.checked_mul(7)?)),
        TimeUnit::Month => Some((TimeUnit::Month, span.count)),
        TimeUnit::Quarter => Some((TimeUnit::Month, span.count.checked_mul(3)?)),
        TimeUnit::Year => Some((TimeUnit::Month, span.count.checked_mul(12)?)),
        _ => None,
    };
    let ((unit, left), (right_unit, right)) = (by_calendar(left)?, by_calendar(right)?);
    (unit == right_unit).then_some(TimeSpan { count: left.checked_add(right)?, unit })
}

/// The length of a unit up to the hour; `None` inside where it overflows.
fn fixed_millis(span: TimeSpan) -> Option<Option<i64>> {
    let unit = match span.unit {
        TimeUnit::Millisecond => 1,
        TimeUnit::Second => 1000,
        TimeUnit::Minute => 60_000,
        TimeUnit::Hour => 3_600_000,
        TimeUnit::Day | TimeUnit::Week | TimeUnit::Month | TimeUnit::Quarter | TimeUnit::Year => return None,
    };
    Some(span.count.checked_mul(unit))
}

fn shift_civil(at: DateTime, span: TimeSpan) -> Outcome<DateTime> {
    let nothing = Span::new();
    let span = match span.unit {
        TimeUnit::Week => nothing.try_weeks(span.count),
        TimeUnit::Month => nothing.try_months(span.count),
        TimeUnit::Quarter => nothing.try_months(span.count.checked_mul(3).ok_or(OUT_OF_RANGE)?),
        TimeUnit::Year => nothing.try_years(span.count),
        _ => nothing.try_days(span.count),
    };
    span.and_then(|span| at.checked_add(span)).map_err(|_| OUT_OF_RANGE)
}

#[cfg(test)]
mod tests {
    use super::super::date::{millis_to_text, nanos_to_text, parse_millis, parse_nanos};
    use super::*;
    use TimeUnit::*;

    #[test]
    fn spans_move_dates() {
        let table = [
            ("2024-01-31T10:00:00Z", 1, Month, "2024-02-29T10:00:00.000Z"),
            ("2024-03-31T10:00:00Z", -1, Month, "2024-02-29T10:00:00.000Z"),
            ("2024-01-31T10:00:00Z", 1, Quarter, "2024-04-30T10:00:00.000Z"),
            ("2024-02-29T10:00:00Z", 1, Year, "2025-02-28T10:00:00.000Z"),
            ("2024-02-29T10:00:00Z", 2, Week, "2024-03-14T10:00:00.000Z"),
            ("2024-02-29T10:00:00Z", -60, Day, "2023-12-31T10:00:00.000Z"),
            ("2024-02-29T10:00:00Z", 36, Hour, "2024-03-01T22:00:00.000Z"),
            ("2024-02-29T10:00:00Z", -1, Minute, "2024-02-29T09:59:00.000Z"),
            ("2024-02-29T10:00:00Z", 90, Second, "2024-02-29T10:01:30.000Z"),
            ("2024-02-29T10:00:00Z", 5, Millisecond, "2024-02-29T10:00:00.005Z"),
        ];
        for (from, count, unit, to) in table {
            let span = TimeSpan { count, unit };
            let moved = shift_millis(parse_millis(from).unwrap(), span).and_then(millis_to_text);
            assert_eq!(moved.as_deref(), Ok(to), "{from} {span:?}");
            let moved = shift_nanos(parse_nanos(from).unwrap(), span).and_then(nanos_to_text);
            assert_eq!(moved.as_deref(), Ok(to), "{from} {span:?}");
        }
    }

    #[test]
    fn spans_add_up() {
        let table = [
            ((1, Hour), (30, Minute), Some((5_400_000, Millisecond))),
            ((1, Week), (-1, Day), Some((6, Day))),
            ((1, Year), (1, Quarter), Some((15, Month))),
            ((1, Month), (1, Day), None),
            ((1, Day), (1, Hour), None),
            ((i64::MAX, Day), (1, Day), None),
        ];
        let span = |(count, unit)| TimeSpan { count, unit };
        for (left, right, sum) in table {
            assert_eq!(add(span(left), span(right)), sum.map(span), "{left:?} {right:?}");
        }
    }

    #[test]
    fn what_leaves_the_calendar_is_refused() {
        for (count, unit) in [(20_000, Year), (i64::MAX, Quarter), (i64::MAX, Day)] {
            assert_eq!(shift_millis(0, TimeSpan { count, unit }), Err(OUT_OF_RANGE), "{count} {unit:?}");
        }
        assert_eq!(shift_millis(1, TimeSpan { count: i64::MAX, unit: Millisecond }), Err(OUT_OF_RANGE));
        assert_eq!(shift_nanos(0, TimeSpan { count: -1, unit: Second }), Err(OUT_OF_NANOS));
        assert_eq!(shift_nanos(0, TimeSpan { count: -1, unit: Day }), Err(OUT_OF_NANOS));
    }
}
