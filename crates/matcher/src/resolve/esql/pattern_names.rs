//! The columns that the patterns of `DISSECT` and `GROK` make, by their names alone.

/// Patterns of the library that capture nothing by themselves. Others may, and then nobody can tell here under which
/// names. Source: elastic/elasticsearch libs/grok `patterns/ecs-v1/grok-patterns`.
const SILENT: [&str; 54] = [
    "BASE10NUM",
    "BASE16FLOAT",
    "BASE16NUM",
    "CISCOMAC",
    "COMMONMAC",
    "DATA",
    "DATE",
    "DATE_EU",
    "DATE_US",
    "DATESTAMP",
    "DAY",
    "EMAILADDRESS",
    "EMAILLOCALPART",
    "GREEDYDATA",
    "HOSTNAME",
    "HOSTPORT",
    "HOUR",
    "HTTPDATE",
    "INT",
    "IP",
    "IPORHOST",
    "IPV4",
    "IPV6",
    "ISO8601_TIMEZONE",
    "LOGLEVEL",
    "MAC",
    "MINUTE",
    "MONTH",
    "MONTHDAY",
    "MONTHNUM",
    "NONNEGINT",
    "NOTSPACE",
    "NUMBER",
    "PATH",
    "POSINT",
    "QS",
    "QUOTEDSTRING",
    "SECOND",
    "SPACE",
    "SYSLOGTIMESTAMP",
    "TIME",
    "TIMESTAMP_ISO8601",
    "UNIXPATH",
    "URI",
    "URIHOST",
    "URIPATH",
    "URIPATHPARAM",
    "URIPROTO",
    "URIQUERY",
    "USER",
    "USERNAME",
    "UUID",
    "WORD",
    "YEAR",
];

/// The keys of a `DISSECT` pattern.
pub(super) fn dissect_names(pattern: &str) -> Vec<String> {
    inside_braces(pattern)
        .map(|key| {
            let key = key.trim_start_matches(['+', '?', '*', '&']);
            let key = key.strip_suffix("->").unwrap_or(key);
            key.split_once('/').map_or(key, |(name, _)| name).to_owned()
        })
        .collect()
}

/// The names that a `GROK` pattern captures; `None` when they may be any.
pub(super) fn grok_names(pattern: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for reference in inside_braces(pattern) {
        let mut parts = reference.split(':');
        if !parts.next().is_some_and(|library| SILENT.contains(&library)) {
            return None;
        }
        if let Some(name) = parts.next() {
            if name.contains(['[', '=']) {
                return None;
            }
            names.push(name.to_owned());
        }
    }
    for group in pattern.split("(?<").skip(1).filter(|group| !group.starts_with(['=', '!'])) {
        names.push(group.split_once('>')?.0.to_owned());
    }
    Some(names)
}

/// What stands in each `%{…}`.
fn inside_braces(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split("%{").skip(1).map(|after| after.split_once('}').map_or(after, |(inside, _)| inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_dissect_lose_their_modifiers() {
        assert_eq!(dissect_names("%{a.b} - %{+c/2}|%{?d->}%{}"), ["a.b", "c", "d", ""].map(str::to_owned));
    }

    #[test]
    fn grok_names_what_it_captures_or_says_that_it_cannot_tell() {
        for (pattern, names) in [
            ("%{INT:a:int} %{DATA}", Some(&["a"][..])),
            ("(?<x.y>a+)(?<=b)(?<!c)", Some(&["x.y"])),
            ("(?i:a)", Some(&[])),
            ("%{SYSLOGBASE}", None),
            ("%{INT:[a][b]}", None),
            ("%{MINE:a}", None),
        ] {
            let expected = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
            assert_eq!(grok_names(pattern), expected, "{pattern}");
        }
    }
}
