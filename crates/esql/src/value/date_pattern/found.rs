//! What a text told of a date, and the instant that this means.

use jiff::civil::{Date, ISOWeekDate, Time, Weekday};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::super::Outcome;
use super::super::date::{NOT_A_DATE, instant_of_civil};
use super::{Field, TextField};

/// What a text told.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    era: Option<i64>,
    year: Option<i64>,
    year_of_era: Option<i64>,
    week_year: Option<i64>,
    quarter: Option<i64>,
    month: Option<i64>,
    week: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    weekday: Option<i64>,
    half_of_day: Option<i64>,
    half_day_hour: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    nano: Option<i64>,
    nano_of_day: Option<i64>,
    pub(super) offset: Option<Offset>,
}

impl Found {
    /// Keeps a value; `None` when it is out of range, or differs from what was told before.
    pub(super) fn set(&mut self, field: Field, value: i64) -> Option<()> {
        let within = |least: i64, most: i64| (least..=most).contains(&value).then_some(value);
        let (place, value) = match field {
            Field::Year => (&mut self.year, within(-9999, 9999)?),
            Field::YearOfEra => (&mut self.year_of_era, within(1, 9999)?),
            Field::WeekYear => (&mut self.week_year, within(-9999, 9999)?),
            Field::Month => (&mut self.month, within(1, 12)?),
            Field::Quarter => (&mut self.quarter, within(1, 4)?),
            Field::Week => (&mut self.week, within(1, 53)?),
            Field::Day => (&mut self.day, within(1, 31)?),
            Field::DayOfYear => (&mut self.day_of_year, within(1, 366)?),
            Field::Weekday => (&mut self.weekday, within(1, 7)?),
            Field::WeekOfMonth => return within(1, 5).map(drop),
            Field::Hour => (&mut self.hour, within(0, 23)?),
            Field::ClockHour => (&mut self.hour, within(1, 24)? % 24),
            Field::HalfDayHour => (&mut self.half_day_hour, within(0, 11)?),
            Field::ClockHalfDayHour => (&mut self.half_day_hour, within(1, 12)? % 12),
            Field::Minute => (&mut self.minute, within(0, 59)?),
            Field::Second => (&mut self.second, within(0, 59)?),
            Field::NanoOfSecond => (&mut self.nano, within(0, 999_999_999)?),
            Field::MilliOfDay => (&mut self.nano_of_day, within(0, 86_399_999)? * 1_000_000),
            Field::NanoOfDay => (&mut self.nano_of_day, within(0, 86_399_999_999_999)?),
        };
        let same = place.is_none_or(|before| before == value);
        *place = Some(value);
        same.then_some(())
    }

    pub(super) fn set_text(&mut self, field: TextField, value: usize) -> Option<()> {
        let value = i64::try_from(value).ok()?;
        match field {
            TextField::Era => self.era = Some(value),
            TextField::HalfOfDay => self.half_of_day = Some(value),
            TextField::Month => self.set(Field::Month, value + 1)?,
            TextField::Quarter => self.set(Field::Quarter, value + 1)?,
            TextField::Weekday => self.set(Field::Weekday, value + 1)?,
        }
        Some(())
    }

    pub(super) fn instant(&self) -> Outcome<Timestamp> {
        let date = self.date().ok_or(NOT_A_DATE)?;
        let time = self.time().ok_or(NOT_A_DATE)?;
        // A weekday that is told must be the right one.
        let told = self.weekday.is_none_or(|told| told == i64::from(date.weekday().to_monday_one_offset()));
        let quarter = self.quarter.is_none_or(|told| told == (i64::from(date.month()) + 2) / 3);
        if !(told && quarter) {
            return Err(NOT_A_DATE);
        }
        instant_of_civil(date.to_datetime(time), self.offset.unwrap_or(Offset::UTC))
    }

    fn date(&self) -> Option<Date> {
        let narrow = |number: i64| i8::try_from(number).ok();
        if let Some(year) = self.week_year {
            let weekday = Weekday::from_monday_one_offset(narrow(self.weekday.unwrap_or(1))?).ok()?;
            let week =
                ISOWeekDate::new(i16::try_from(year).ok()?, narrow(self.week.unwrap_or(1))?, weekday).ok()?;
            return Some(week.date());
        }
        let of_era = self.year_of_era.map(|year| if self.era == Some(0) { 1 - year } else { year });
        let year = match (self.year, of_era) {
            (Some(year), Some(of_era)) if year != of_era => return None,
            (year, of_era) => year.or(of_era),
        };
        let year = i16::try_from(year.unwrap_or(1970)).ok()?;
        if let (None, Some(day)) = (self.month, self.day_of_year) {
            let first = Date::new(year, 1, 1).ok()?;
            let date = first.checked_add(SignedDuration::from_hours(24 * (day - 1))).ok()?;
            return (date.year() == year).then_some(date);
        }
        let month = self.month.or(self.quarter.map(|quarter| quarter * 3 - 2)).unwrap_or(1);
        let date = Date::new(year, narrow(month)?, narrow(self.day.unwrap_or(1))?).ok()?;
        self.day_of_year.is_none_or(|told| told == i64::from(date.day_of_year())).then_some(date)
    }

    fn time(&self) -> Option<Time> {
        if let Some(nanos) = self.nano_of_day {
            return Time::midnight().checked_add(SignedDuration::from_nanos(nanos)).ok();
        }
        let of_half = match (self.half_day_hour, self.half_of_day) {
            (Some(hour), Some(half)) => Some(half * 12 + hour),
            // An hour of an unknown half of the day is no time.
            (Some(_), None) if self.hour.is_none() => return None,
            _ => None,
        };
        let hour = match (self.hour, of_half) {
            (Some(hour), Some(of_half)) if hour != of_half => return None,
            (hour, of_half) => hour.or(of_half).unwrap_or(0),
        };
        let narrow = |number: i64| i8::try_from(number).ok();
        let (minute, second) = (narrow(self.minute.unwrap_or(0))?, narrow(self.second.unwrap_or(0))?);
        Time::new(narrow(hour)?, minute, second, i32::try_from(self.nano.unwrap_or(0)).ok()?).ok()
    }
}
