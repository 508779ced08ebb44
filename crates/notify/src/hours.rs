//! The hours of the week in which an action speaks.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Days and hours in a time zone, as in Kibana's `timeframe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// 1 for Monday to 7 for Sunday; none for every day.
    #[serde(default)]
    pub days: Vec<i8>,
    /// From when to when.
    pub hours: DayTimes,
    /// A name of the IANA database, for example `Europe/Berlin`.
    #[serde(default = "utc")]
    pub timezone: String,
}

/// Times of day, `HH:MM`; the start counts, the end does not. `24:00` is the end of the day. An end that is not after the
/// start is on the next day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayTimes {
    /// When it begins.
    pub start: String,
    /// When it is over.
    pub end: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Hours {
    /// Is it one of the hours? Hours that cannot be understood are all hours.
    pub fn contain(&self, at: Timestamp) -> bool {
        let (Some(start), Some(end)) = (minutes(&self.hours.start), minutes(&self.hours.end)) else {
            return true;
        };
        let Ok(zone) = TimeZone::get(&self.timezone) else { return true };
        let local = at.to_zoned(zone);
        let now = i32::from(local.hour()) * 60 + i32::from(local.minute());
        let today = local.weekday().to_monday_one_offset();
        let on = |day: i8| self.days.is_empty() || self.days.contains(&day);
        if start < end {
            return on(today) && (start..end).contains(&now);
        }
        let yesterday = local.weekday().previous().to_monday_one_offset();
        (on(today) && now >= start) || (on(yesterday) && now < end)
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        if self.days.iter().any(|day| !(1..=7).contains(day)) {
            return Err("`days` must be 1 for Monday to 7 for Sunday".to_owned());
        }
        if minutes(&self.hours.start).is_none() || minutes(&self.hours.end).is_none() {
            return Err("`start` and `end` must be HH:MM, for example 08:00".to_owned());
        }
        match TimeZone::get(&self.timezone) {
            Ok(_) => Ok(()),
            Err(_) => Err("`timezone` must be a name such as Europe/Berlin".to_owned()),
        }
    }
}

fn minutes(text: &str) -> Option<i32> {
    if text == "24:00" {
        return Some(24 * 60);
    }
    let time = Time::strptime("%H:%M", text).ok()?;
    Some(i32::from(time.hour()) * 60 + i32::from(time.minute()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_the_place() {
        let hours = |days: &[i8], start: &str, end: &str| Hours {
            days: days.to_vec(),
            hours: DayTimes { start: start.into(), end: end.into() },
            timezone: "Europe/Berlin".into(),
        };
        // A Saturday; in Berlin it is 17:30.
        let at: Timestamp = "2026-07-25T15:30:00Z".parse().unwrap();
        for (hours, expected) in [
            (hours(&[], "08:00", "18:00"), true),
            (hours(&[6], "17:30", "17:31"), true),
            (hours(&[6], "17:00", "17:30"), false),
            (hours(&[1, 2, 3, 4, 5], "00:00", "24:00"), false),
            (hours(&[6], "17:00", "24:00"), true),
            (hours(&[6], "17:00", "06:00"), true),
            (hours(&[5], "20:00", "18:00"), true),
            (hours(&[5], "20:00", "06:00"), false),
        ] {
            assert_eq!(hours.contain(at), expected, "{hours:?}");
            assert_eq!(hours.check(), Ok(()));
        }
        assert!(hours(&[8], "08:00", "18:00").check().is_err());
        assert!(hours(&[], "8", "18:00").check().is_err());
        assert!(Hours { timezone: "Nowhere".into(), ..hours(&[], "08:00", "18:00") }.check().is_err());
    }
}
