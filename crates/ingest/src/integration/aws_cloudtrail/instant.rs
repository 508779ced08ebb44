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
    text.parse::<Timestamp>().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        Offset::UTC.to_timestamp(local).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
