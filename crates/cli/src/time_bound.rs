//! The ends of a range of time as people type them.

use std::str::FromStr;

use ecs::time::Rounding;
use ecs::{DateMath, TimeRange, Timestamp};

/// One end of a range: an instant in RFC 3339, a date (its first instant in UTC), or a time before now.
///
/// `2024-05-01T10:00:00Z`, `2024-05-01`, `24h` and `now-24h` are understood, and date math such as `now-7d/d`.
/// Everything else is refused: a bound that is misread would hide events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeBound(DateMath);

impl TimeBound {
    /// The instant meant when it is `now`.
    pub(crate) fn resolve(&self, now: Timestamp) -> anyhow::Result<Timestamp> {
        Ok(self.0.resolve(now, Rounding::Down)?)
    }
}

/// What is wrong with a text that should be a bound.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeBoundError {
    /// A time of day without its place on Earth.
    #[error("a time of day needs its offset: add Z for UTC, or for example +02:00")]
    NoOffset,
    /// Nothing that we know.
    #[error(
        "expected RFC 3339 (2024-05-01T10:00:00Z), a date (2024-05-01) or a time before now (24h, 7d, now-24h)"
    )]
    Unknown,
}

impl FromStr for TimeBound {
    type Err = TimeBoundError;

    fn from_str(text: &str) -> Result<Self, TimeBoundError> {
        let unknown = TimeBoundError::Unknown;
        let is_date = |date: &str| {
            let bytes = date.as_bytes();
            bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-'
        };
        let first = text.bytes().next().ok_or(TimeBoundError::Unknown)?;
        let math = if text.starts_with("now") {
            text.parse()
        } else if let Some((date, time)) = text.split_once(['T', 't', ' ']) {
            if !is_date(date) || !time.contains(':') {
                return Err(unknown);
            }
            if !time.ends_with(['Z', 'z']) && !time.contains(['+', '-']) {
                return Err(TimeBoundError::NoOffset);
            }
            format!("{date}T{time}").parse()
        } else if is_date(text) {
            text.parse()
        } else if first.is_ascii_digit() && text.ends_with(['s', 'm', 'h', 'd', 'w']) {
            format!("now-{text}").parse()
        } else {
            return Err(unknown);
        };
        math.map(Self).map_err(|_| TimeBoundError::Unknown)
    }
}

/// The half-open range between two bounds.
///
/// # Errors
/// When it is empty, or an end lies outside of the years that can be represented.
pub(crate) fn range(
    from: Option<&TimeBound>,
    to: Option<&TimeBound>,
    now: Timestamp,
) -> anyhow::Result<TimeRange> {
    let resolve = |bound: Option<&TimeBound>| bound.map(|bound| bound.resolve(now)).transpose();
    let range = TimeRange { from: resolve(from)?, to: resolve(to)? };
    if let (Some(from), Some(to)) = (range.from, range.to)
        && from >= to
    {
        anyhow::bail!("--from ({from}) is not before --to ({to}): no event lies in that range");
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_or_refused() {
        let now: Timestamp = "2024-05-15T13:47:21Z".parse().unwrap();
        let unknown = TimeBoundError::Unknown.to_string();
        let no_offset = TimeBoundError::NoOffset.to_string();
        for (text, expected) in [
            ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00Z"),
            ("2024-05-01T10:00:00.5+02:00", "2024-05-01T08:00:00.5Z"),
            ("2024-05-01 10:00:00Z", "2024-05-01T10:00:00Z"),
            ("2024-05-01T10:00Z", "2024-05-01T10:00:00Z"),
            ("2024-05-01", "2024-05-01T00:00:00Z"),
            ("24h", "2024-05-14T13:47:21Z"),
            ("1w", "2024-05-08T13:47:21Z"),
            ("now-24h", "2024-05-14T13:47:21Z"),
            ("now-1d/d", "2024-05-14T00:00:00Z"),
            ("now", "2024-05-15T13:47:21Z"),
            ("2024-05-01T10:00:00", no_offset.as_str()),
            ("2024-05-01T", &unknown),
            ("2024-05-01T10Z", &unknown),
            ("2024", &unknown),
            ("2024-05", &unknown),
            ("1714521600000", &unknown),
            ("2024-13-01", &unknown),
            ("01/05/2024", &unknown),
            ("yesterday", &unknown),
            ("-24h", &unknown),
            ("24", &unknown),
            ("h", &unknown),
            ("24 h", &unknown),
            ("", &unknown),
        ] {
            let read = match text.parse::<TimeBound>() {
                Ok(bound) => bound.resolve(now).unwrap().to_string(),
                Err(error) => error.to_string(),
            };
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn an_empty_range_is_refused() {
        let now: Timestamp = "2024-05-15T13:47:21Z".parse().unwrap();
        let bound = |text: &str| text.parse::<TimeBound>().unwrap();
        let (early, late) = (bound("2024-05-01"), bound("2024-05-02"));
        assert!(range(Some(&early), Some(&late), now).is_ok());
        assert!(range(Some(&late), Some(&late), now).is_err());
        assert!(range(Some(&late), Some(&early), now).is_err());
        assert_eq!(range(None, None, now).unwrap(), TimeRange::default());
    }
}
