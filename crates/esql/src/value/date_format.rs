//! Formats of dates: patterns, names of formats such as `strict_date`, and several of them: `DATE_FORMAT`, `DATE_PARSE`.
//!
//! Source: elastic/elasticsearch docs, "Mapping: date format"; server/src/main/java/org/elasticsearch/common/time/
//! DateFormatters.java.

use super::Outcome;
use super::date::{
    NOT_A_DATE, OUT_OF_RANGE, civil_of_millis, civil_of_nanos, floor_millis, parse_millis, print,
};
use super::date_pattern::DatePattern;

/// A format: texts are read by the first of its patterns that fits, and printed by the first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DateFormat(Vec<One>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum One {
    /// `strict_date_optional_time` and its like.
    DateOptionalTime,
    EpochMillis,
    EpochSecond,
    Pattern(DatePattern),
}

impl Default for DateFormat {
    /// `strict_date_optional_time`, which is meant where no format is given.
    fn default() -> Self {
        Self(vec![One::DateOptionalTime])
    }
}

impl DateFormat {
    /// Reads a format: a Java pattern or the name of a format, or several joined by `||`.
    pub fn new(format: &str) -> Outcome<Self> {
        format.split("||").map(|one| one_format(one.trim())).collect::<Outcome<_>>().map(Self)
    }

    /// A `date` as text.
    pub fn print_millis(&self, millis: i64) -> Outcome<String> {
        match self.0.first() {
            Some(One::EpochMillis) => Ok(millis.to_string()),
            Some(One::EpochSecond) => Ok(with_decimals(millis, 1000, 3)),
            Some(One::Pattern(pattern)) => civil_of_millis(millis).map(|at| pattern.print(at)),
            Some(One::DateOptionalTime) | None => civil_of_millis(millis).map(print),
        }
    }

    /// A `date_nanos` as text.
    pub fn print_nanos(&self, nanos: i64) -> Outcome<String> {
        match self.0.first() {
            Some(One::EpochMillis) => Ok(with_decimals(nanos, 1_000_000, 6)),
            Some(One::EpochSecond) => Ok(with_decimals(nanos, 1_000_000_000, 9)),
            Some(One::Pattern(pattern)) => civil_of_nanos(nanos).map(|at| pattern.print(at)),
            Some(One::DateOptionalTime) | None => civil_of_nanos(nanos).map(print),
        }
    }

    /// Reads a `date`.
    pub fn read_millis(&self, text: &str) -> Outcome<i64> {
        let read = |one: &One| match one {
            One::DateOptionalTime => parse_millis(text),
            One::EpochMillis => read_epoch(text, 1),
            One::EpochSecond => read_epoch(text, 1000),
            One::Pattern(pattern) => pattern.read(text).map(floor_millis),
        };
        self.0.iter().map(read).find(Result::is_ok).unwrap_or(Err(NOT_A_DATE))
    }
}

/// The quotient, with the decimals that matter.
fn with_decimals(value: i64, unit: i64, decimals: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) =
        (value.unsigned_abs() / unit.unsigned_abs(), value.unsigned_abs() % unit.unsigned_abs());
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = format!("{rest:0decimals$}");
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}

/// A number of units since the epoch; decimals are cut to milliseconds, downwards.
fn read_epoch(text: &str, unit: i64) -> Outcome<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
        return Err(NOT_A_DATE);
    }
    let whole: i64 = whole.parse().map_err(|_| OUT_OF_RANGE)?;
    let billionths = format!("{fraction:0<9}").parse::<i64>().map_err(|_| NOT_A_DATE)?;
    let fraction = billionths * unit;
    let millis = whole.checked_mul(unit).and_then(|millis| millis.checked_add(fraction / 1_000_000_000));
    let millis = millis.ok_or(OUT_OF_RANGE)?;
    let cut = fraction % 1_000_000_000 != 0;
    Ok(if negative { -millis - i64::from(cut) } else { millis })
}

fn one_format(format: &str) -> Outcome<One> {
    let name = format.strip_prefix("strict_").unwrap_or(format);
    let pattern = match name {
        "date_optional_time" | "date_optional_time_nanos" | "iso8601" => return Ok(One::DateOptionalTime),
        "epoch_millis" => return Ok(One::EpochMillis),
        "epoch_second" => return Ok(One::EpochSecond),
        "basic_date" => "uuuuMMdd",
        "basic_date_time" => "uuuuMMdd'T'HHmmss.SSSXX",
        "basic_date_time_no_millis" => "uuuuMMdd'T'HHmmssXX",
        "basic_ordinal_date" => "uuuuDDD",
        "basic_ordinal_date_time" => "uuuuDDD'T'HHmmss.SSSXX",
        "basic_ordinal_date_time_no_millis" => "uuuuDDD'T'HHmmssXX",
        "basic_time" => "HHmmss.SSSXX",
        "basic_time_no_millis" => "HHmmssXX",
        "basic_t_time" => "'T'HHmmss.SSSXX",
        "basic_t_time_no_millis" => "'T'HHmmssXX",
        "basic_week_date" => "YYYY'W'wwe",
        "basic_week_date_time" => "YYYY'W'wwe'T'HHmmss.SSSXX",
        "basic_week_date_time_no_millis" => "YYYY'W'wwe'T'HHmmssXX",
        "date" | "year_month_day" => "uuuu-MM-dd",
        "date_hour" => "uuuu-MM-dd'T'HH",
        "date_hour_minute" => "uuuu-MM-dd'T'HH:mm",
        "date_hour_minute_second" => "uuuu-MM-dd'T'HH:mm:ss",
        "date_hour_minute_second_fraction" | "date_hour_minute_second_millis" => "uuuu-MM-dd'T'HH:mm:ss.SSS",
        "date_time" => "uuuu-MM-dd'T'HH:mm:ss.SSSXXX",
        "date_time_no_millis" => "uuuu-MM-dd'T'HH:mm:ssXXX",
        "hour" => "HH",
        "hour_minute" => "HH:mm",
        "hour_minute_second" => "HH:mm:ss",
        "hour_minute_second_fraction" | "hour_minute_second_millis" => "HH:mm:ss.SSS",
        "ordinal_date" => "uuuu-DDD",
        "ordinal_date_time" => "uuuu-DDD'T'HH:mm:ss.SSSXXX",
        "ordinal_date_time_no_millis" => "uuuu-DDD'T'HH:mm:ssXXX",
        "time" => "HH:mm:ss.SSSXXX",
        "time_no_millis" => "HH:mm:ssXXX",
        "t_time" => "'T'HH:mm:ss.SSSXXX",
        "t_time_no_millis" => "'T'HH:mm:ssXXX",
        "week_date" => "YYYY-'W'ww-e",
        "week_date_time" => "YYYY-'W'ww-e'T'HH:mm:ss.SSSXXX",
        "week_date_time_no_millis" => "YYYY-'W'ww-e'T'HH:mm:ssXXX",
        "weekyear" => "YYYY",
        "weekyear_week" => "YYYY-'W'ww",
        "weekyear_week_day" => "YYYY-'W'ww-e",
        "year" => "uuuu",
        "year_month" => "uuuu-MM",
        _ => format,
    };
    DatePattern::new(pattern).map(One::Pattern)
}

#[cfg(test)]
mod tests {
    use super::super::date_pattern::BAD_PATTERN;
    use super::*;

    #[test]
    fn named_formats_print_and_read() {
        let millis = parse_millis("2024-02-09T15:04:05.678Z").unwrap();
        let table = [
            ("strict_date_optional_time", "2024-02-09T15:04:05.678Z"),
            ("epoch_millis", "1707491045678"),
            ("epoch_second", "1707491045.678"),
            ("basic_date_time", "20240209T150405.678Z"),
            ("strict_date_time", "2024-02-09T15:04:05.678Z"),
            ("week_date_time", "2024-W06-5T15:04:05.678Z"),
            ("yyyy-MM-dd HH:mm:ss.SSS||epoch_millis", "2024-02-09 15:04:05.678"),
        ];
        for (format, text) in table {
            let format = DateFormat::new(format).unwrap();
            assert_eq!(format.print_millis(millis).as_deref(), Ok(text));
            assert_eq!(format.read_millis(text), Ok(millis), "{text}");
        }
        assert_eq!(DateFormat::new("date").unwrap().print_millis(millis).as_deref(), Ok("2024-02-09"));
        assert_eq!(DateFormat::default().print_nanos(1).as_deref(), Ok("1970-01-01T00:00:00.000000001Z"));
        assert_eq!(DateFormat::new("epoch_millis").unwrap().print_nanos(1_500_000).as_deref(), Ok("1.5"));
    }

    #[test]
    fn the_first_that_fits_reads() {
        let format = DateFormat::new("yyyy||epoch_millis").unwrap();
        assert_eq!(format.read_millis("1971"), parse_millis("1971"));
        assert_eq!(format.read_millis("19710"), Ok(19_710));
        assert_eq!(format.read_millis("-1.5"), Ok(-2));
        assert_eq!(format.read_millis("x"), Err(NOT_A_DATE));
        assert_eq!(DateFormat::new("epoch_second").unwrap().read_millis("1.0015"), Ok(1001));
        assert_eq!(DateFormat::new("yyyy||bb"), Err(BAD_PATTERN));
    }
}
