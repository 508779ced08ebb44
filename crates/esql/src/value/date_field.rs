//! Parts of dates as numbers: `DATE_EXTRACT`.
//!
//! Source: the fields of `java.time.temporal.ChronoField`, which elastic/elasticsearch x-pack/plugin/esql/src/main/java/
//! org/elasticsearch/xpack/esql/expression/function/scalar/date/DateExtract.java reads by name.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::date::{civil_of_millis, civil_of_nanos};
use super::{Outcome, Refusal};

/// A text that is no part of a date.
pub const UNKNOWN_FIELD: Refusal = Refusal("text is no part of a date");

/// A part of a date in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateField(Part);

/// Named as Java has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    NanoOfSecond,
    NanoOfDay,
    MicroOfSecond,
    MicroOfDay,
    MilliOfSecond,
    MilliOfDay,
    SecondOfMinute,
    SecondOfDay,
    MinuteOfHour,
    MinuteOfDay,
    HourOfAmpm,
    ClockHourOfAmpm,
    HourOfDay,
    ClockHourOfDay,
    AmpmOfDay,
    DayOfWeek,
    AlignedDayOfWeekInMonth,
    AlignedDayOfWeekInYear,
    DayOfMonth,
    DayOfYear,
    EpochDay,
    AlignedWeekOfMonth,
    AlignedWeekOfYear,
    MonthOfYear,
    ProlepticMonth,
    YearOfEra,
    Year,
    Era,
    InstantSeconds,
    OffsetSeconds,
}

impl DateField {
    /// Reads a part by its name in Java, ignoring case: `year`, `hour_of_day`, `DAY_OF_WEEK` (Monday is 1).
    pub fn parse(name: &str) -> Outcome<Self> {
        Ok(Self(match name.to_uppercase().as_str() {
            "NANO_OF_SECOND" => Part::NanoOfSecond,
            "NANO_OF_DAY" => Part::NanoOfDay,
            "MICRO_OF_SECOND" => Part::MicroOfSecond,
            "MICRO_OF_DAY" => Part::MicroOfDay,
            "MILLI_OF_SECOND" => Part::MilliOfSecond,
            "MILLI_OF_DAY" => Part::MilliOfDay,
            "SECOND_OF_MINUTE" => Part::SecondOfMinute,
            "SECOND_OF_DAY" => Part::SecondOfDay,
            "MINUTE_OF_HOUR" => Part::MinuteOfHour,
            "MINUTE_OF_DAY" => Part::MinuteOfDay,
            "HOUR_OF_AMPM" => Part::HourOfAmpm,
            "CLOCK_HOUR_OF_AMPM" => Part::ClockHourOfAmpm,
            "HOUR_OF_DAY" => Part::HourOfDay,
            "CLOCK_HOUR_OF_DAY" => Part::ClockHourOfDay,
            "AMPM_OF_DAY" => Part::AmpmOfDay,
            "DAY_OF_WEEK" => Part::DayOfWeek,
            "ALIGNED_DAY_OF_WEEK_IN_MONTH" => Part::AlignedDayOfWeekInMonth,
            "ALIGNED_DAY_OF_WEEK_IN_YEAR" => Part::AlignedDayOfWeekInYear,
            "DAY_OF_MONTH" => Part::DayOfMonth,
            "DAY_OF_YEAR" => Part::DayOfYear,
            "EPOCH_DAY" => Part::EpochDay,
            "ALIGNED_WEEK_OF_MONTH" => Part::AlignedWeekOfMonth,
            "ALIGNED_WEEK_OF_YEAR" => Part::AlignedWeekOfYear,
            "MONTH_OF_YEAR" => Part::MonthOfYear,
            "PROLEPTIC_MONTH" => Part::ProlepticMonth,
            "YEAR_OF_ERA" => Part::YearOfEra,
            "YEAR" => Part::Year,
            "ERA" => Part::Era,
            "INSTANT_SECONDS" => Part::InstantSeconds,
            "OFFSET_SECONDS" => Part::OffsetSeconds,
            _ => return Err(UNKNOWN_FIELD),
        }))
    }

    /// The part of a `date`.
    pub fn of_millis(self, millis: i64) -> Outcome<i64> {
        civil_of_millis(millis).map(|at| self.of_civil(at))
    }

    /// The part of a `date_nanos`.
    pub fn of_nanos(self, nanos: i64) -> Outcome<i64> {
        civil_of_nanos(nanos).map(|at| self.of_civil(at))
    }

    fn of_civil(self, at: DateTime) -> i64 {
        let hour = i64::from(at.hour());
        let minute_of_day = hour * 60 + i64::from(at.minute());
        let second_of_day = minute_of_day * 60 + i64::from(at.second());
        let nano = i64::from(at.subsec_nanosecond());
        let day_of_month = i64::from(at.day());
        let day_of_year = i64::from(at.day_of_year());
        let year = i64::from(at.year());
        let instant = || Offset::UTC.to_timestamp(at).map_or(0, Timestamp::as_second);
        match self.0 {
            Part::NanoOfSecond => nano,
            Part::NanoOfDay => second_of_day * 1_000_000_000 + nano,
            Part::MicroOfSecond => nano / 1000,
            Part::MicroOfDay => second_of_day * 1_000_000 + nano / 1000,
            Part::MilliOfSecond => nano / 1_000_000,
            Part::MilliOfDay => second_of_day * 1000 + nano / 1_000_000,
            Part::SecondOfMinute => at.second().into(),
            Part::SecondOfDay => second_of_day,
            Part::MinuteOfHour => at.minute().into(),
            Part::MinuteOfDay => minute_of_day,
            Part::HourOfAmpm => hour % 12,
            Part::ClockHourOfAmpm => (hour + 11) % 12 + 1,
            Part::HourOfDay => hour,
            Part::ClockHourOfDay => (hour + 23) % 24 + 1,
            Part::AmpmOfDay => hour / 12,
            Part::DayOfWeek => at.weekday().to_monday_one_offset().into(),
            Part::AlignedDayOfWeekInMonth => (day_of_month - 1) % 7 + 1,
            Part::AlignedDayOfWeekInYear => (day_of_year - 1) % 7 + 1,
            Part::DayOfMonth => day_of_month,
            Part::DayOfYear => day_of_year,
            Part::EpochDay => instant().div_euclid(86_400),
            Part::AlignedWeekOfMonth => (day_of_month - 1) / 7 + 1,
            Part::AlignedWeekOfYear => (day_of_year - 1) / 7 + 1,
            Part::MonthOfYear => at.month().into(),
            Part::ProlepticMonth => year * 12 + i64::from(at.month()) - 1,
            Part::YearOfEra => {
                if year >= 1 {
                    year
                } else {
                    1 - year
                }
            }
            Part::Year => year,
            Part::Era => i64::from(year >= 1),
            Part::InstantSeconds => instant(),
            Part::OffsetSeconds => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::date::{parse_millis, parse_nanos};
    use super::*;

    #[test]
    fn parts_are_taken_out() {
        // A Thursday, the 60th day of a leap year.
        let at = parse_millis("2024-02-29T15:04:05.678Z").unwrap();
        let table = [
            ("nano_of_second", 678_000_000),
            ("nano_of_day", 54_245_678_000_000),
            ("micro_of_second", 678_000),
            ("micro_of_day", 54_245_678_000),
            ("milli_of_second", 678),
            ("milli_of_day", 54_245_678),
            ("second_of_minute", 5),
            ("second_of_day", 54_245),
            ("minute_of_hour", 4),
            ("minute_of_day", 904),
            ("hour_of_ampm", 3),
            ("clock_hour_of_ampm", 3),
            ("HOUR_OF_DAY", 15),
            ("clock_hour_of_day", 15),
            ("ampm_of_day", 1),
            ("day_of_week", 4),
            ("aligned_day_of_week_in_month", 1),
            ("aligned_day_of_week_in_year", 4),
            ("day_of_month", 29),
            ("day_of_year", 60),
            ("epoch_day", 19_782),
            ("aligned_week_of_month", 5),
            ("aligned_week_of_year", 9),
            ("month_of_year", 2),
            ("proleptic_month", 24_289),
            ("year_of_era", 2024),
            ("Year", 2024),
            ("era", 1),
            ("instant_seconds", 1_709_219_045),
            ("offset_seconds", 0),
        ];
        for (name, value) in table {
            assert_eq!(DateField::parse(name).unwrap().of_millis(at), Ok(value), "{name}");
        }
        let midnight = parse_millis("2024-02-29").unwrap();
        for (name, value) in [("clock_hour_of_ampm", 12), ("clock_hour_of_day", 24), ("hour_of_day", 0)] {
            assert_eq!(DateField::parse(name).unwrap().of_millis(midnight), Ok(value), "{name}");
        }
        let nanos = parse_nanos("2024-02-29T00:00:00.000000123Z").unwrap();
        assert_eq!(DateField::parse("nano_of_second").unwrap().of_nanos(nanos), Ok(123));
        let before = parse_millis("-0001-01-01").unwrap();
        for (name, value) in [("year", -1), ("year_of_era", 2), ("era", 0)] {
            assert_eq!(DateField::parse(name).unwrap().of_millis(before), Ok(value), "{name}");
        }
        assert_eq!(DateField::parse("hour"), Err(UNKNOWN_FIELD));
    }
}
