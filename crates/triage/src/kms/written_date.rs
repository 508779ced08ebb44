//! Dates as KMS writes them into its records.

use ecs::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Reads a date: RFC 3339, seconds or milliseconds since 1970 as a number or as text, `Apr 12, 2021 18:58:30 PM` or
/// `Nov 2, 2021, 11:25:25 PM`; the latter two are in UTC. `None` when it is none of them.
///
/// AWS's own samples have an hour of 18 beside `PM`: such an hour stands as it is.
pub(crate) fn read(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => of_epoch(number.as_f64()?),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| of_epoch(text.parse().ok()?)).or_else(|| of_words(text))
        }
        _ => None,
    }
}

fn of_epoch(number: f64) -> Option<Timestamp> {
    const SECONDS_IN_YEAR_5138: f64 = 1e11;
    let milliseconds = if number.abs() < SECONDS_IN_YEAR_5138 { number * 1_000.0 } else { number };
    Timestamp::from_millisecond(milliseconds as i64).ok().filter(|_| number.is_finite())
}

fn of_words(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // Newer Java writes a narrow no-break space before AM and PM.
    let separates = |letter: char| letter == ',' || letter.is_whitespace();
    let mut words = text.split(separates).filter(|word| !word.is_empty());
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| month.get(..3) == Some(*name))?;
    let day = words.next()?.parse().ok()?;
    let year = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<i8>().ok());
    let (mut hour, minute, second) = (clock.next()??, clock.next()??, clock.next().unwrap_or(Some(0))?);
    match words.next() {
        Some("PM") if hour < 12 => hour += 12,
        Some("AM") if hour == 12 => hour = 0,
        _ => {}
    }
    let written = DateTime::new(year, i8::try_from(month).ok()? + 1, day, hour, minute, second, 0).ok()?;
    TimeZone::UTC.to_timestamp(written).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_that_a_date_is_written() {
        for (written, expected) in [
            (json!("Apr 12, 2021 18:58:30 PM"), "2021-04-12T18:58:30Z"),
            (json!("Nov 2, 2021, 11:25:25 PM"), "2021-11-02T23:25:25Z"),
            (json!("Jan 1, 2027, 12:00:01 AM"), "2027-01-01T00:00:01Z"),
            (json!("Jan 1, 2027, 12:30:00 PM"), "2027-01-01T12:30:00Z"),
            (json!("Jul 9, 2026, 3:04:05\u{202f}PM"), "2026-07-09T15:04:05Z"),
            (json!("2026-07-09T15:04:05Z"), "2026-07-09T15:04:05Z"),
            (json!("2026-07-09T15:04:05+02:00"), "2026-07-09T13:04:05Z"),
            (json!(1_752_073_445), "2025-07-09T15:04:05Z"),
            (json!(1_752_073_445_000_u64), "2025-07-09T15:04:05Z"),
            (json!("1752073445"), "2025-07-09T15:04:05Z"),
        ] {
            assert_eq!(read(&written).map(|time| time.to_string()).as_deref(), Some(expected), "{written}");
        }
        for not in [
            json!(null),
            json!("soon"),
            json!("Foo 1, 2021 1:00:00"),
            json!("Feb 30, 2021 1:00:00 PM"),
            json!(""),
        ] {
            assert_eq!(read(&not), None, "{not}");
        }
    }
}
