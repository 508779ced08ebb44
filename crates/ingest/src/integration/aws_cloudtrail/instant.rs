//! Times as the integration writes them: ISO 8601 in, UTC with three decimals out.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::Value;

/// `yyyy-MM-ddTHH:mm:ss.SSSZ`; finer digits are cut off.
pub(super) fn format_instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Reads ISO 8601 in its extended or basic form; without an offset it is UTC. `None` when it is no such time.
pub(super) fn read_instant(value: &Value) -> Option<String> {
    read_timestamp(value.as_str()?).map(format_instant)
}

/// The instant itself.
pub(super) fn read_timestamp(text: &str) -> Option<Timestamp> {
    if let Some(at) = read_usual(text) {
        return Some(at);
    }
    text.parse::<Timestamp>().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        Offset::UTC.to_timestamp(local).ok()
    })
}

/// `2024-05-06T07:08:09Z`, as every record has it; `None` leaves it to the general reader.
fn read_usual(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let marks = [bytes[4], bytes[7], bytes[10], bytes[13], bytes[16], bytes[19]];
    if marks != *b"--T::Z" {
        return None;
    }
    let mut fine = true;
    let mut two = |at: usize| {
        let (tens, ones) = (bytes[at].wrapping_sub(b'0'), bytes[at + 1].wrapping_sub(b'0'));
        fine &= tens < 10 && ones < 10;
        i64::from(tens) * 10 + i64::from(ones)
    };
    let year = two(0) * 100 + two(2);
    let (month, day, hour, minute, second) = (two(5), two(8), two(11), two(14), two(17));
    // Days beyond the 28th, and years before the epoch, are for the general reader to judge.
    if !fine || year < 1970 || !(1..=12).contains(&month) || !(1..=28).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since the epoch, counted in years that begin in March, so that leap days come last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Timestamp::from_second(days * 86_400 + hour * 3_600 + minute * 60 + second).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_usual_form_is_read_as_the_general_reader_does(
            text in "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z"
        ) {
            if let Some(at) = read_usual(&text) {
                prop_assert_eq!(Ok(at), text.parse::<Timestamp>().map_err(|_| ()));
            }
        }
    }

    #[test]
    fn times_are_read_and_written_in_utc() {
        for (text, expected) in [
            ("2024-05-06T07:08:09Z", Some("2024-05-06T07:08:09.000Z")),
            ("2024-05-06T07:08:09.1239Z", Some("2024-05-06T07:08:09.123Z")),
            ("2024-05-06T07:08:09+02:00", Some("2024-05-06T05:08:09.000Z")),
            ("2024-05-06T07:08:09", Some("2024-05-06T07:08:09.000Z")),
            ("2024-05-06", Some("2024-05-06T00:00:00.000Z")),
            ("20131102T010628Z", Some("2013-11-02T01:06:28.000Z")),
            ("20131102T010628.250Z", Some("2013-11-02T01:06:28.250Z")),
            ("May 6, 2024", None),
            ("2024-02-30T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(read_instant(&Value::from(text)).as_deref(), expected, "{text}");
        }
        assert_eq!(read_instant(&Value::from(1_714_979_289)), None);
    }
}
