//! What the key of an object says, where CloudTrail wrote it.
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail log file examples", "Finding your CloudTrail log files" and "Locating
//! digest files": `[prefix/]AWSLogs/[organisation/]account/CloudTrail/region/YYYY/MM/DD/file`, in every partition.

use jiff::civil::Date;

use crate::decode::SkipReason;

/// The folder that CloudTrail writes into, below the prefix of a trail.
pub const LOGS_FOLDER: &str = "AWSLogs/";

/// Why an object need not be read: its key says that it is no log file. With `insights`, those files are read.
pub fn not_a_log(key: &str, insights: bool) -> Option<SkipReason> {
    let folders = key.rsplit_once('/').map_or("", |(folders, _)| folders);
    let is_in = |name: &str| folders.split('/').any(|folder| folder == name);
    if key.ends_with('/') {
        Some(SkipReason::OtherFormat("a folder's placeholder"))
    } else if is_in("CloudTrail-Digest") {
        Some(SkipReason::OtherFormat("a CloudTrail digest"))
    } else if is_in("CloudTrail-Insight") && !insights {
        Some(SkipReason::OtherFormat("CloudTrail insights"))
    } else {
        None
    }
}

/// The day of the folder in which an object lies, where `rest` is its key behind the region: `2026/03/14/file`.
pub fn day_of(rest: &str) -> Option<Date> {
    let mut parts = rest.split('/');
    let mut number = |length: usize| {
        let digits =
            parts.next().filter(|part| part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))?;
        digits.parse::<i16>().ok()
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// The folder of a day, without its last slash: every key of that day and later sorts behind it.
pub fn folder_of(day: Date) -> String {
    day.strftime("%Y/%m/%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_what_they_are() {
        let log = "AWSLogs/o-abc/111122223333/CloudTrail/cn-north-1/2026/03/14/CloudTrail-Digest";
        for (key, insights, skipped) in [
            (log, false, None),
            ("CloudTrail.json.gz", false, None),
            (
                "p/AWSLogs/1/CloudTrail-Digest/eu-west-1/2026/03/14/a.json.gz",
                true,
                Some("a CloudTrail digest"),
            ),
            (
                "p/AWSLogs/1/CloudTrail-Insight/eu-west-1/2026/03/14/a.json.gz",
                false,
                Some("CloudTrail insights"),
            ),
            ("p/AWSLogs/1/CloudTrail-Insight/eu-west-1/2026/03/14/a.json.gz", true, None),
            ("p/AWSLogs/", false, Some("a folder's placeholder")),
        ] {
            assert_eq!(not_a_log(key, insights), skipped.map(SkipReason::OtherFormat), "{key}");
        }
    }

    #[test]
    fn days_are_read_and_written() {
        for (rest, day) in [
            ("2026/03/14/a.json.gz", Some((2026, 3, 14))),
            ("2026/02/30/a", None),
            ("2026/3/14/a", None),
            ("other/03/14/a", None),
            ("2026", None),
        ] {
            let day = day.map(|(year, month, day)| Date::new(year, month, day).unwrap());
            assert_eq!(day_of(rest), day, "{rest}");
            if let Some(day) = day {
                assert!(rest.starts_with(&folder_of(day)) && *rest > *folder_of(day));
            }
        }
    }
}
