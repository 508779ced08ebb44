//! Moments and spans as people read them. Everything is UTC; what is no RFC 3339 time stays as it is.

use jiff::Timestamp;

/// A moment, when the text is one.
pub(crate) fn parsed(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// `2026-03-14 10:02:11 UTC`, with what there is of a fraction.
pub(crate) fn readable(text: &str) -> String {
    match parsed(text) {
        Some(time) => time.to_string().replacen('T', " ", 1).trim_end_matches('Z').to_owned() + " UTC",
        None => text.to_owned(),
    }
}

/// `03-14 10:02`, for pictures.
pub(crate) fn short(text: &str) -> String {
    match parsed(text) {
        Some(time) => time.strftime("%m-%d %H:%M").to_string(),
        None => text.to_owned(),
    }
}

/// Seconds between two moments; `None` unless both are.
pub(crate) fn seconds_between(from: &str, to: &str) -> Option<i64> {
    Some(parsed(to)?.as_second() - parsed(from)?.as_second())
}

/// `6 d 23 h`, `3 min`, `12 s`: the two largest units at most.
pub(crate) fn span(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let text = match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => with(minutes, "min", seconds % 60, "s"),
        (0, ..) => with(hours, "h", minutes, "min"),
        _ => with(days, "d", hours, "h"),
    };
    format!("{sign}{text}")
}

fn with(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (7200, "2 h"),
            (604_799, "6 d 23 h"),
            (-3661, "-1 h 1 min"),
            (i64::MIN, "-106751991167300 d 15 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn moments_are_utc_or_stay() {
        assert_eq!(readable("2026-03-14T10:02:11Z"), "2026-03-14 10:02:11 UTC");
        assert_eq!(readable("2026-03-14T11:02:11.5+01:00"), "2026-03-14 10:02:11.5 UTC");
        assert_eq!(readable("yesterday"), "yesterday");
        assert_eq!(short("2026-03-14T10:02:11Z"), "03-14 10:02");
    }
}
