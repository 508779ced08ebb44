//! `{{#FormatDate}}date; zone; format{{/FormatDate}}`: a date as people write it.
//!
//! Zone and format may be left out: UTC and `YYYY-MM-DD hh:mma`. The format's letters are those of moment.js; text in
//! brackets stands for itself. Source: elastic/kibana x-pack/plugins/actions/server/lib/mustache_lambdas.ts;
//! <https://momentjs.com/docs/#/displaying/format/>. What cannot be read as a date stays as it is; an unknown zone is UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const USUAL_FORMAT: &str = "YYYY-MM-DD hh:mma";

/// The letters, longest first, and what they are for `strftime`.
const LETTERS: [(&str, &str); 27] = [
    ("YYYY", "%Y"),
    ("YY", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("DDDD", "%j"),
    ("DD", "%d"),
    ("D", "%-d"),
    ("dddd", "%A"),
    ("ddd", "%a"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("h", "%-I"),
    ("mm", "%M"),
    ("m", "%-M"),
    ("ss", "%S"),
    ("s", "%-S"),
    ("SSS", "%3f"),
    ("A", "%p"),
    ("a", "%P"),
    ("ZZ", "%z"),
    ("Z", "%:z"),
    ("z", "%Z"),
    ("X", "%s"),
    ("%", "%%"),
];

pub(super) fn format_date(text: &str) -> String {
    let mut parts = text.splitn(3, ';').map(str::trim);
    let date = parts.next().unwrap_or_default();
    let zone = parts.next().filter(|zone| !zone.is_empty());
    let format = parts.next().filter(|format| !format.is_empty()).unwrap_or(USUAL_FORMAT);
    let Some(at) = timestamp(date) else { return date.to_owned() };
    let zone = zone.and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC);
    jiff::fmt::strtime::format(strftime(format), &at.to_zoned(zone)).unwrap_or_else(|_| date.to_owned())
}

/// RFC 3339, or milliseconds since 1970.
fn timestamp(text: &str) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(milliseconds) => Timestamp::from_millisecond(milliseconds).ok(),
        Err(_) => text.parse().ok(),
    }
}

fn strftime(format: &str) -> String {
    let mut to = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if let Some((literal, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            to.push_str(&literal.replace('%', "%%"));
            rest = after;
        } else if let Some((letters, directive)) =
            LETTERS.iter().find(|(letters, _)| rest.starts_with(letters))
        {
            to.push_str(directive);
            rest = &rest[letters.len()..];
        } else {
            to.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_format_says() {
        for (text, expected) in [
            ("2026-07-25T15:04:05.678Z", "2026-07-25 03:04pm"),
            ("2026-07-25T15:04:05.678Z; Europe/Berlin", "2026-07-25 05:04pm"),
            ("2026-07-25T15:04:05.678Z; ; HH:mm:ss.SSS", "15:04:05.678"),
            ("1784991845678; UTC; D MMM YYYY", "25 Jul 2026"),
            ("2026-07-25T15:04:05Z; America/New_York; dddd [at] h A Z", "Saturday at 11 AM -04:00"),
            ("2026-07-25T15:04:05Z; Nowhere/Land; YYYY%", "2026%"),
            ("soon; UTC; YYYY", "soon"),
            ("", ""),
        ] {
            assert_eq!(format_date(text), expected, "{text}");
        }
    }
}
