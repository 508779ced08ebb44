//! Lengths of time from text: `"5 minutes"`, where a function takes a length of time.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/type/
//! EsqlDataTypeConverter.java (`parseTemporalAmount`).

use query::esql::ast::{TimeSpan, TimeUnit};

use super::{Outcome, Refusal};

/// A text that is no length of time.
pub const NOT_A_TIME_SPAN: Refusal = Refusal("text is no length of time");

/// Reads a whole number and a unit with spaces between.
pub fn parse(text: &str) -> Outcome<TimeSpan> {
    let (count, unit) = text.trim().split_once(' ').ok_or(NOT_A_TIME_SPAN)?;
    let count: i32 = count.parse().map_err(|_| NOT_A_TIME_SPAN)?;
    let unit = TimeUnit::parse(unit.trim_start_matches(' ')).ok_or(NOT_A_TIME_SPAN)?;
    Ok(TimeSpan { count: count.into(), unit })
}

/// True for a length from the day on, which follows the calendar.
pub fn is_period(span: TimeSpan) -> bool {
    span.unit >= TimeUnit::Day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read() {
        let table = [
            ("1 hour", Some((1, TimeUnit::Hour))),
            (" -5  MINUTES ", Some((-5, TimeUnit::Minute))),
            ("2 mo", Some((2, TimeUnit::Month))),
            ("1hour", None),
            ("hour", None),
            ("1 h our", None),
            ("1.5 hours", None),
            ("1 fortnight", None),
            ("3000000000 days", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).ok().map(|span| (span.count, span.unit)), expected, "{text}");
        }
        assert!(is_period(TimeSpan { count: 1, unit: TimeUnit::Day }));
        assert!(!is_period(TimeSpan { count: 48, unit: TimeUnit::Hour }));
    }
}
