//! Time: instants, half-open ranges, intervals and date math. Always UTC, never read from a clock.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, ToSpan, Zoned};

pub use jiff::Timestamp;

/// A half-open range of time, `[from, to)`. Either end may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// First instant inside; `None` for no lower bound.
    pub from: Option<Timestamp>,
    /// First instant after; `None` for no upper bound.
    pub to: Option<Timestamp>,
}

impl TimeRange {
    /// Is the instant inside?
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

/// A duration as rules write it: a whole number and one of `s`, `m`, `h`, `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    seconds: i64,
}

impl Interval {
    /// An interval of whole seconds.
    pub fn from_seconds(seconds: i64) -> Self {
        Self { seconds }
    }

    /// Its length in seconds.
    pub fn as_seconds(self) -> i64 {
        self.seconds
    }

    /// Its length as a duration.
    pub fn as_duration(self) -> SignedDuration {
        SignedDuration::from_secs(self.seconds)
    }
}

impl FromStr for Interval {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let fail = || TimeError::Interval(text.to_owned());
        let unit = text.chars().last().ok_or_else(fail)?;
        let scale = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(fail()),
        };
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(fail());
        }
        let number: i64 = digits.parse().map_err(|_| fail())?;
        number.checked_mul(scale).map(|seconds| Self { seconds }).ok_or_else(fail)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scale, unit) = match self.seconds {
            s if s != 0 && s % 86_400 == 0 => (86_400, 'd'),
            s if s != 0 && s % 3_600 == 0 => (3_600, 'h'),
            s if s != 0 && s % 60 == 0 => (60, 'm'),
            _ => (1, 's'),
        };
        write!(f, "{}{unit}", self.seconds / scale)
    }
}

/// What is wrong with a text that should name a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not a number and a unit.
    #[error("`{0}` is no interval: expected a whole number and one of s, m, h, d, for example 5m")]
    Interval(String),
    /// Not date math.
    #[error("`{text}` is no date: {reason}")]
    DateMath {
        /// The text as given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Outside of the years that can be represented.
    #[error("`{0}` lies outside of the years -9999 to 9999")]
    Range(String),
}

/// Where an incomplete date or a rounding (`/d`) ends up within its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// At the unit's first millisecond: rule windows, and the bounds `>=` and `<`.
    Down,
    /// At the unit's last millisecond: the bounds `<=` and `>`.
    Up,
}

/// A date, possibly relative: `now-6m/m`, `2024-05-01||+1M/d`, `2024-05`, `1714521600000`.
///
/// Units: `ms s m h H d w M y`. Rounding to a week starts on Monday. All in UTC.
/// Sources: elastic/kibana packages/elastic-datemath, Elasticsearch docs "Date math".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateMath {
    text: Box<str>,
    anchor: Anchor,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Anchor {
    Now,
    /// First instant of what was written, and the unit that was written last.
    At(Timestamp, Option<Unit>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Add(i64, Unit),
    Round(Unit),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl FromStr for DateMath {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let fail = |reason| TimeError::DateMath { text: text.to_owned(), reason };
        let trimmed = text.trim();
        let (anchor, math) = if let Some(rest) = trimmed.strip_prefix("now") {
            (Anchor::Now, rest)
        } else {
            let (date, math) = trimmed.split_once("||").unwrap_or((trimmed, ""));
            (parse_date(date.trim()).ok_or_else(|| fail("expected `now` or an ISO 8601 date"))?, math)
        };
        Ok(Self { text: text.into(), anchor, steps: parse_steps(math).map_err(fail)? })
    }
}

impl fmt::Display for DateMath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl DateMath {
    /// The instant meant when it is `now`.
    ///
    /// # Errors
    /// [`TimeError::Range`] when the sum leaves the years that can be represented.
    pub fn resolve(&self, now: Timestamp, rounding: Rounding) -> Result<Timestamp, TimeError> {
        self.evaluate(now, rounding).ok_or_else(|| TimeError::Range(self.text.to_string()))
    }

    /// True when the meaning depends on `now`.
    pub fn is_relative(&self) -> bool {
        self.anchor == Anchor::Now
    }

    /// How far from `now` it lies, where that is the same at any time: relative, without rounding, months or years.
    pub fn fixed_offset(&self) -> Option<SignedDuration> {
        if !self.is_relative() {
            return None;
        }
        let mut offset = SignedDuration::ZERO;
        for step in &self.steps {
            let (number, milliseconds) = match *step {
                Step::Add(number, Unit::Millisecond) => (number, 1),
                Step::Add(number, Unit::Second) => (number, 1_000),
                Step::Add(number, Unit::Minute) => (number, 60_000),
                Step::Add(number, Unit::Hour) => (number, 3_600_000),
                Step::Add(number, Unit::Day) => (number, 86_400_000),
                Step::Add(number, Unit::Week) => (number, 604_800_000),
                Step::Add(_, Unit::Month | Unit::Year) | Step::Round(_) => return None,
            };
            offset = offset.checked_add(SignedDuration::from_millis(number.checked_mul(milliseconds)?))?;
        }
        Some(offset)
    }

    fn evaluate(&self, now: Timestamp, rounding: Rounding) -> Option<Timestamp> {
        let (start, written) = match &self.anchor {
            Anchor::Now => (now, None),
            Anchor::At(at, unit) => (*at, *unit),
        };
        let mut at = start.to_zoned(TimeZone::UTC);
        // An incomplete date stands for its whole unit, but arithmetic starts from its first instant.
        if let (Some(unit), true, Rounding::Up) = (written, self.steps.is_empty(), rounding) {
            at = round(&at, unit, Rounding::Up)?;
        }
        for step in &self.steps {
            at = match *step {
                Step::Add(n, unit) => at.checked_add(span(n, unit)?).ok()?,
                Step::Round(unit) => round(&at, unit, rounding)?,
            };
        }
        Some(at.timestamp())
    }
}

fn span(n: i64, unit: Unit) -> Option<Span> {
    let span = Span::new();
    match unit {
        Unit::Millisecond => span.try_milliseconds(n),
        Unit::Second => span.try_seconds(n),
        Unit::Minute => span.try_minutes(n),
        Unit::Hour => span.try_hours(n),
        Unit::Day => span.try_days(n),
        Unit::Week => span.try_weeks(n),
        Unit::Month => span.try_months(n),
        Unit::Year => span.try_years(n),
    }
    .ok()
}

fn round(at: &Zoned, unit: Unit, rounding: Rounding) -> Option<Zoned> {
    let (date, time) = (at.date(), at.time());
    let start: DateTime = match unit {
        Unit::Millisecond => {
            date.at(time.hour(), time.minute(), time.second(), i32::from(time.millisecond()) * 1_000_000)
        }
        Unit::Second => date.at(time.hour(), time.minute(), time.second(), 0),
        Unit::Minute => date.at(time.hour(), time.minute(), 0, 0),
        Unit::Hour => date.at(time.hour(), 0, 0, 0),
        Unit::Day => date.at(0, 0, 0, 0),
        Unit::Week => {
            let back = i64::from(date.weekday().to_monday_zero_offset());
            date.checked_sub(back.days()).ok()?.at(0, 0, 0, 0)
        }
        Unit::Month => date.first_of_month().at(0, 0, 0, 0),
        Unit::Year => date.first_of_year().at(0, 0, 0, 0),
    };
    let start = start.to_zoned(TimeZone::UTC).ok()?;
    match rounding {
        Rounding::Down => Some(start),
        Rounding::Up => start.checked_add(span(1, unit)?).ok()?.checked_sub(1.millisecond()).ok(),
    }
}

fn parse_steps(math: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = math;
    while let Some(operator) = rest.chars().next() {
        rest = &rest[operator.len_utf8()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = match &rest[..digits] {
            "" => None,
            text => Some(text.parse::<i64>().map_err(|_| "the number is too large")?),
        };
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match &rest[..letters] {
            "ms" => Unit::Millisecond,
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" | "H" => Unit::Hour,
            "d" => Unit::Day,
            "w" => Unit::Week,
            "M" => Unit::Month,
            "y" => Unit::Year,
            _ => return Err("expected a unit: one of ms, s, m, h, d, w, M, y"),
        };
        rest = &rest[letters..];
        steps.push(match operator {
            '+' => Step::Add(number.unwrap_or(1), unit),
            '-' => Step::Add(-number.unwrap_or(1), unit),
            '/' if number.is_none_or(|n| n == 1) => Step::Round(unit),
            '/' => return Err("rounding takes a unit without a number"),
            _ => return Err("expected `+`, `-` or `/`"),
        });
    }
    Ok(steps)
}

/// Reads `yyyy[-MM[-dd[THH[:mm[:ss[.fff]]]]]][offset]` or milliseconds since the epoch.
fn parse_date(text: &str) -> Option<Anchor> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() > 4 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Anchor::At(Timestamp::from_millisecond(text.parse().ok()?).ok()?, None));
    }
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let mut two_digits = || match parts.next() {
        Some(part) => number(part, 2).map(Some),
        None => Some(None),
    };
    let (month, day, None) = (two_digits()?, two_digits()?, two_digits()?) else { return None };
    let mut unit = match (month, day) {
        (None, _) => Unit::Year,
        (_, None) => Unit::Month,
        _ => Unit::Day,
    };
    let day_start = Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month.unwrap_or(1)).ok()?,
        i8::try_from(day.unwrap_or(1)).ok()?,
    )
    .ok()?;
    let (mut hour, mut minute, mut second, mut nanos) = (0, 0, 0, 0);
    let mut offset_seconds = 0i64;
    if let Some(time) = time {
        day?;
        let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
            Some(at) => (&time[..at], &time[at..]),
            None => (time, ""),
        };
        let (clock, fraction) = match clock.split_once(['.', ',']) {
            Some((clock, fraction)) => (clock, Some(fraction)),
            None => (clock, None),
        };
        let mut parts = clock.split(':');
        hour = number(parts.next()?, 2)?;
        unit = Unit::Hour;
        if let Some(part) = parts.next() {
            minute = number(part, 2)?;
            unit = Unit::Minute;
        }
        if let Some(part) = parts.next() {
            second = number(part, 2)?;
            unit = Unit::Second;
        }
        if parts.next().is_some() {
            return None;
        }
        if let Some(fraction) = fraction {
            if unit != Unit::Second || fraction.is_empty() || fraction.len() > 9 {
                return None;
            }
            nanos = number(fraction, fraction.len())? * 10i64.pow(9 - fraction.len() as u32);
            unit = Unit::Millisecond;
        }
        offset_seconds = parse_offset(offset)?;
    }
    let local = day_start
        .at(0, 0, 0, 0)
        .checked_add(hour.hours().minutes(minute).seconds(second).nanoseconds(nanos))
        .ok()
        .filter(|_| hour < 24 && minute < 60 && second < 60)?;
    let utc = local.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let at = utc.checked_sub(SignedDuration::from_secs(offset_seconds)).ok()?;
    Some(Anchor::At(at, (unit != Unit::Millisecond).then_some(unit)))
}

fn parse_offset(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("Z" | "z", "") => return Some(0),
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some((h, m)) => (number(h, 2)?, number(m, 2)?),
        None if rest.len() == 4 => (number(rest.get(..2)?, 2)?, number(rest.get(2..)?, 2)?),
        None => (number(rest, 2)?, 0),
    };
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// A number of exactly `width` ASCII digits.
fn number(text: &str, width: usize) -> Option<i64> {
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str, rounding: Rounding) -> String {
        let now: Timestamp = "2024-05-15T13:47:21.123Z".parse().unwrap();
        match text.parse::<DateMath>() {
            Ok(math) => format!("{:.3}", math.resolve(now, rounding).unwrap()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn date_math_rounds_down() {
        for (text, expected) in [
            ("now", "2024-05-15T13:47:21.123Z"),
            ("now-6m", "2024-05-15T13:41:21.123Z"),
            ("now-6m/m", "2024-05-15T13:41:00.000Z"),
            ("now/d", "2024-05-15T00:00:00.000Z"),
            ("now/w", "2024-05-13T00:00:00.000Z"),
            ("now/M", "2024-05-01T00:00:00.000Z"),
            ("now/y", "2024-01-01T00:00:00.000Z"),
            ("now-1M+d", "2024-04-16T13:47:21.123Z"),
            ("now/1d", "2024-05-15T00:00:00.000Z"),
            ("now+1500ms", "2024-05-15T13:47:22.623Z"),
            ("2024-01-31||+1M", "2024-02-29T00:00:00.000Z"),
            ("2024-01-31||+1M/M", "2024-02-01T00:00:00.000Z"),
            ("2024", "2024-01-01T00:00:00.000Z"),
            ("2024-02", "2024-02-01T00:00:00.000Z"),
            ("2024-02-03T04", "2024-02-03T04:00:00.000Z"),
            ("2024-02-03T04:05", "2024-02-03T04:05:00.000Z"),
            ("2024-02-03T04:05:06.5Z", "2024-02-03T04:05:06.500Z"),
            ("2024-02-03T04:05:06+02:00", "2024-02-03T02:05:06.000Z"),
            ("1715780841123", "2024-05-15T13:47:21.123Z"),
        ] {
            assert_eq!(resolve(text, Rounding::Down), expected, "{text}");
        }
    }

    #[test]
    fn an_offset_is_fixed_without_rounding_and_calendar() {
        let offset = |text: &str| text.parse::<DateMath>().unwrap().fixed_offset().map(|d| d.as_millis());
        for (text, milliseconds) in
            [("now", 0), ("now-6m", -360_000), ("now-1w+1d-2h+3s-4ms", -525_597_004), ("now+1d", 86_400_000)]
        {
            assert_eq!(offset(text), Some(milliseconds), "{text}");
        }
        for text in
            ["now-1d/d", "now-1M", "now/y", "2024-05-01", "2024-05-01||+1d", "now-9223372036854775807w"]
        {
            assert_eq!(offset(text), None, "{text}");
        }
    }

    #[test]
    fn upper_bounds_take_the_last_millisecond_of_what_was_written() {
        for (text, expected) in [
            ("now", "2024-05-15T13:47:21.123Z"),
            ("now/d", "2024-05-15T23:59:59.999Z"),
            ("now-1d/w", "2024-05-19T23:59:59.999Z"),
            ("2024", "2024-12-31T23:59:59.999Z"),
            ("2024-02", "2024-02-29T23:59:59.999Z"),
            ("2024-02-03", "2024-02-03T23:59:59.999Z"),
            ("2024-02-03T04:05:06Z", "2024-02-03T04:05:06.999Z"),
            ("2024-02-03T04:05:06.5Z", "2024-02-03T04:05:06.500Z"),
        ] {
            assert_eq!(resolve(text, Rounding::Up), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_math_is_refused() {
        for text in [
            "",
            "nowx",
            "now-",
            "now-6",
            "now-6min",
            "now-6q",
            "now*1d",
            "now/2d",
            "now-6m x",
            "2024-13",
            "2024-02-30",
            "2024-02-03T25",
            "24-01-01",
            "yesterday",
            "2024-02-03T04:05:06.",
            "now-99999999999999999999d",
        ] {
            assert!(text.parse::<DateMath>().is_err(), "{text}");
        }
        let far = "now+999999y".parse::<DateMath>();
        assert!(far.is_err() || far.unwrap().resolve(Timestamp::UNIX_EPOCH, Rounding::Down).is_err());
    }

    #[test]
    fn intervals_are_read_and_written() {
        for (text, seconds) in [("5m", 300), ("90s", 90), ("1h", 3_600), ("2d", 172_800), ("0s", 0)] {
            assert_eq!(text.parse(), Ok(Interval::from_seconds(seconds)));
            assert_eq!(Interval::from_seconds(seconds).to_string(), text);
        }
        for text in ["", "m", "5", "5w", "-5m", "5 m", "９m", "99999999999999999999d"] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_are_half_open() {
        let at = |s: &str| s.parse::<Timestamp>().unwrap();
        let range =
            TimeRange { from: Some(at("2024-01-01T00:00:00Z")), to: Some(at("2024-01-02T00:00:00Z")) };
        assert!(range.contains(at("2024-01-01T00:00:00Z")));
        assert!(!range.contains(at("2024-01-02T00:00:00Z")));
        assert!(TimeRange::default().contains(at("1970-01-01T00:00:00Z")));
    }
}
