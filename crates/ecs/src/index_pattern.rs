//! Index patterns: which data streams a rule reads.

use crate::DataStream;

/// A list of index patterns, applied in order.
///
/// Each item may itself be a comma list. `*` is any run of characters; `-name` takes out what earlier items
/// let in; names that begin with a dot are reached only by patterns that begin with one. A remote pattern
/// (`cluster:name`) reaches nothing here, because there is one cluster: ours.
/// Source: elastic docs, "Multi-target syntax".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexPatterns {
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    exclude: bool,
    glob: Box<str>,
}

impl IndexPatterns {
    /// Reads the patterns; blanks around them and empty items are dropped.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Self {
        let mut items = Vec::new();
        for list in patterns {
            for text in list.as_ref().split(',').map(str::trim).filter(|s| !s.is_empty()) {
                items.push(match text.strip_prefix('-') {
                    // A leading dash excludes only when something was included before it.
                    Some(rest) if !items.is_empty() => Item { exclude: true, glob: rest.into() },
                    _ => Item { exclude: false, glob: text.into() },
                });
            }
        }
        Self { items }
    }

    /// Does any name of the stream pass?
    pub fn matches(&self, stream: &DataStream) -> bool {
        stream.names().iter().any(|name| self.matches_name(name))
    }

    /// Does this index or data stream name pass?
    pub fn matches_name(&self, name: &str) -> bool {
        self.items.iter().fold(false, |inside, item| {
            if inside == item.exclude && glob_matches(&item.glob, name) { !item.exclude } else { inside }
        })
    }

    /// True when there is no pattern at all.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

fn glob_matches(glob: &str, name: &str) -> bool {
    if name.starts_with('.') && !glob.starts_with('.') {
        return false;
    }
    let mut parts = glob.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_founding_rules_reach_cloudtrail() {
        let stream = DataStream::logs("aws.cloudtrail");
        for patterns in [&["filebeat-*", "logs-aws*"][..], &["logs-aws.cloudtrail-*"], &["logs-*"], &["*"]] {
            assert!(IndexPatterns::new(patterns).matches(&stream), "{patterns:?}");
        }
        for patterns in [&["winlogbeat-*"][..], &["logs-awsx*"], &["logs-aws.cloudtrail"], &[]] {
            assert!(!IndexPatterns::new(patterns).matches(&stream), "{patterns:?}");
        }
    }

    #[test]
    fn later_items_win() {
        let check = |list: &str, name: &str| IndexPatterns::new([list]).matches_name(name);
        assert!(!check("logs-*,-logs-aws*", "logs-aws.cloudtrail-default"));
        assert!(check("logs-*,-logs-aws*,logs-aws.cloudtrail-*", "logs-aws.cloudtrail-default"));
        assert!(check("logs-*, -logs-aws*", "logs-okta.system-default"));
        assert!(!check("*", ".alerts-security.alerts-default"));
        assert!(check(".alerts-security.*", ".alerts-security.alerts-default"));
    }

    #[test]
    fn stars_match_any_run() {
        for (glob, name, expected) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("ab*ba", "aba", false),
            ("abc", "abc", true),
            ("**", "x", true),
        ] {
            assert_eq!(glob_matches(glob, name), expected, "{glob} {name}");
        }
    }
}
