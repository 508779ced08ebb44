//! What a single value is tested with, one variant per meaning that a field type gives to a comparison.

use std::fmt;
use std::net::IpAddr;

use ecs::{Scalar, Timestamp};
use foldhash::HashSet;
use ipnet::IpNet;

use crate::analysis;
use crate::glob::{Fold, Glob};
use crate::lucene_regex::LuceneRegex;
use crate::value_list::Listed;
use crate::version::Version;

/// A test on one value of a field.
#[derive(Debug, Clone)]
pub enum ValueTest {
    /// Exact text: equal to one of these, which are folded already.
    Text {
        /// At least one.
        values: HashSet<Box<str>>,
        /// How case counts.
        fold: Fold,
    },
    /// A wildcard pattern over the whole text.
    Glob(Glob),
    /// A regular expression over the whole text.
    Regex {
        /// Compiled.
        regex: LuceneRegex,
        /// As written.
        source: Box<str>,
        /// True for analysed text, where one token has to match.
        analysed: bool,
    },
    /// Text within so many edits.
    Fuzzy {
        /// What is looked for.
        text: Box<str>,
        /// Insertions, deletions, replacements or swaps of neighbours.
        edits: u8,
        /// True for analysed text, where one token has to be near.
        analysed: bool,
    },
    /// Text in byte order.
    TextRange(Ends<Box<str>>),
    /// Text in the order of versions.
    Version(Ends<Version>),
    /// A number.
    Number(Ends<f64>),
    /// True or false.
    Bool(bool),
    /// An address within a network; one address is a network of full length.
    Network(IpNet),
    /// An address in numeric order; IPv4 stands at `::ffff:0:0/96`.
    IpRange(Ends<IpAddr>),
    /// An instant, in milliseconds.
    Date(Ends<i64>),
    /// Analysed text that holds any of the tokens.
    AnyToken(Vec<String>),
    /// Analysed text that holds the tokens in order.
    Phrase {
        /// In order.
        tokens: Vec<String>,
        /// Positions that may lie between, in all.
        slop: u32,
    },
    /// Analysed text with a token of this form.
    TokenGlob(Glob),
    /// Analysed text with a token in this range, in byte order.
    TokenRange(Ends<Box<str>>),
    /// A field of unknown type: decided by the value's own type.
    Dynamic(Dynamic),
    /// A field of unknown type in an order: numeric for numbers, by time for dates, else by bytes.
    DynamicRange {
        /// The ends as written.
        texts: Ends<Box<str>>,
        /// The ends as instants, in milliseconds, when they are dates.
        dates: Option<Ends<i64>>,
    },
    /// A value that a value list holds.
    Listed(Listed),
    /// No value passes, for example a word looked for in a numeric field.
    Never,
}

/// Two ends, each open (`None`) or closed at a value that may itself be inside.
#[derive(Debug, Clone, PartialEq)]
pub struct Ends<T> {
    /// Lower end and whether it is inside.
    pub lower: Option<(T, bool)>,
    /// Upper end and whether it is inside.
    pub upper: Option<(T, bool)>,
}

impl<T: PartialOrd> Ends<T> {
    /// Both ends at one value, inside.
    pub fn only(value: T) -> Self
    where
        T: Clone,
    {
        Self { lower: Some((value.clone(), true)), upper: Some((value, true)) }
    }

    fn contain<B: PartialOrd + ?Sized>(&self, value: &B, bound: impl Fn(&T) -> &B) -> bool {
        let lower = self.lower.as_ref().is_none_or(|(b, inside)| {
            bound(b).partial_cmp(value).is_some_and(|o| o.is_lt() || *inside && o.is_eq())
        });
        let upper = self.upper.as_ref().is_none_or(|(b, inside)| {
            bound(b).partial_cmp(value).is_some_and(|o| o.is_gt() || *inside && o.is_eq())
        });
        lower && upper
    }
}

/// A literal in every form that a value of unknown type might be compared in.
#[derive(Debug, Clone)]
pub struct Dynamic {
    text: Box<str>,
    number: Option<f64>,
    network: Option<IpNet>,
}

impl Dynamic {
    /// Reads the literal once.
    pub fn new(text: &str) -> Self {
        // A bare address needs no reading: equal texts are equal addresses often enough, and the rest is a network.
        Self {
            text: text.into(),
            number: text.parse().ok(),
            network: text.contains('/').then(|| network(text)).flatten(),
        }
    }
}

/// Reads `10.0.0.0/8` (host bits may be set) or a single address.
pub fn network(text: &str) -> Option<IpNet> {
    match text.parse::<IpNet>() {
        Ok(net) => Some(net.trunc()),
        Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
    }
}

/// Reads a date as documents hold them: ISO 8601 text, or milliseconds since the epoch.
pub fn date_of(value: Scalar<'_>) -> Option<i64> {
    match value {
        Scalar::Int(ms) => Some(ms),
        Scalar::Float(ms) => Some(ms as i64),
        Scalar::Bool(_) => None,
        Scalar::Str(text) => match text.parse::<Timestamp>() {
            Ok(at) => Some(at.as_millisecond()),
            Err(_) => {
                let math: ecs::DateMath = text.parse().ok()?;
                if math.is_relative() {
                    return None;
                }
                let at = math.resolve(Timestamp::UNIX_EPOCH, ecs::time::Rounding::Down).ok()?;
                Some(at.as_millisecond())
            }
        },
    }
}

fn number_of(value: Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Int(i) => Some(i as f64),
        Scalar::Float(f) => Some(f),
        Scalar::Str(text) => text.trim().parse().ok(),
        Scalar::Bool(_) => None,
    }
}

fn ip_of(value: Scalar<'_>) -> Option<IpAddr> {
    match value {
        Scalar::Str(text) => text.parse().ok(),
        _ => None,
    }
}

/// IPv4 and IPv6 addresses in one order.
fn ip_order(ip: &IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl ValueTest {
    /// Exact text, case counts.
    pub fn text(value: &str) -> Self {
        Self::text_folded(value, Fold::None)
    }

    /// Exact text.
    pub fn text_folded(value: &str, fold: Fold) -> Self {
        Self::Text { values: HashSet::from_iter([Box::from(&*fold.apply(value))]), fold }
    }

    /// Does the value pass? A value that cannot be read as the type compared with does not.
    pub fn passes(&self, value: Scalar<'_>) -> bool {
        match self {
            Self::Text { values, fold } => match value {
                Scalar::Str(text) => values.contains(&*fold.apply(text)),
                other => values.contains(&*fold.apply(&other.text())),
            },
            Self::Glob(glob) => glob.matches(&value.text()),
            Self::Regex { regex, analysed: false, .. } => regex.is_match(&value.text()),
            Self::Regex { regex, analysed: true, .. } => {
                analysis::tokens(&value.text()).iter().any(|token| regex.is_match(token))
            }
            Self::Fuzzy { text, edits, analysed: false } => within_edits(text, &value.text(), *edits),
            Self::Fuzzy { text, edits, analysed: true } => {
                analysis::tokens(&value.text()).iter().any(|token| within_edits(text, token, *edits))
            }
            Self::TextRange(ends) => ends.contain(&*value.text(), |b| b),
            Self::Version(ends) => ends.contain(&Version::new(&value.text()), |b| b),
            Self::Number(ends) => number_of(value).is_some_and(|n| ends.contain(&n, |b| b)),
            Self::Bool(wanted) => match value {
                Scalar::Bool(b) => b == *wanted,
                Scalar::Str("true") => *wanted,
                Scalar::Str("false" | "") => !*wanted,
                _ => false,
            },
            Self::Network(net) => ip_of(value).is_some_and(|ip| contains(net, ip)),
            Self::IpRange(ends) => {
                let ends = Ends {
                    lower: ends.lower.as_ref().map(|(ip, inside)| (ip_order(ip), *inside)),
                    upper: ends.upper.as_ref().map(|(ip, inside)| (ip_order(ip), *inside)),
                };
                ip_of(value).is_some_and(|ip| ends.contain(&ip_order(&ip), |b| b))
            }
            Self::Date(ends) => date_of(value).is_some_and(|ms| ends.contain(&ms, |b| b)),
            Self::AnyToken(wanted) => analysis::has_any(&value.text(), wanted),
            Self::Phrase { tokens, slop } => analysis::has_phrase(&value.text(), tokens, *slop),
            Self::TokenGlob(glob) => analysis::has_glob(&value.text(), glob),
            Self::Dynamic(dynamic) => dynamic.equals(value),
            Self::TokenRange(ends) => {
                analysis::tokens(&value.text()).iter().any(|token| ends.contain(token.as_str(), |b| b))
            }
            Self::DynamicRange { texts, dates } => dynamic_range(texts, dates.as_ref(), value),
            Self::Listed(listed) => listed.passes(value),
            Self::Never => false,
        }
    }
}

/// Every address has its place among those of IPv6, as in Lucene: `::/0` holds those of IPv4 too, and one written as
/// `::ffff:a.b.c.d` is the IPv4 address.
///
/// Source: apache/lucene `InetAddressPoint`.
pub(crate) fn contains(net: &IpNet, ip: IpAddr) -> bool {
    (ip_order(&net.network())..=ip_order(&net.broadcast())).contains(&ip_order(&ip))
}

impl Dynamic {
    fn equals(&self, value: Scalar<'_>) -> bool {
        match value {
            Scalar::Str(text) => {
                *text == *self.text
                    || self.network.as_ref().is_some_and(|net| text.parse().is_ok_and(|ip| contains(net, ip)))
            }
            Scalar::Int(i) => self.number == Some(i as f64),
            Scalar::Float(f) => self.number == Some(f),
            Scalar::Bool(b) => *self.text == *if b { "true" } else { "false" },
        }
    }
}

fn dynamic_range(texts: &Ends<Box<str>>, dates: Option<&Ends<i64>>, value: Scalar<'_>) -> bool {
    match value {
        Scalar::Int(_) | Scalar::Float(_) => {
            numbers(texts).zip(number_of(value)).is_some_and(|(ends, n)| ends.contain(&n, |b| b))
        }
        Scalar::Str(_) | Scalar::Bool(_) => match dates.zip(date_of(value)) {
            Some((ends, ms)) => ends.contain(&ms, |b| b),
            None => texts.contain(&*value.text(), |b| b),
        },
    }
}

/// The ends as numbers; `None` when one is none.
fn numbers(texts: &Ends<Box<str>>) -> Option<Ends<f64>> {
    let end = |end: &Option<(Box<str>, bool)>| match end {
        None => Some(None),
        Some((text, inside)) => text.parse().ok().map(|number| Some((number, *inside))),
    };
    Some(Ends { lower: end(&texts.lower)?, upper: end(&texts.upper)? })
}

/// Is the distance within `limit`?
pub(crate) fn within_edits(a: &str, b: &str, limit: u8) -> bool {
    edits(a, b, limit).is_some()
}

/// Damerau-Levenshtein (optimal string alignment) distance in characters; `None` past `limit`.
pub(crate) fn edits(a: &str, b: &str, limit: u8) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let limit = usize::from(limit);
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    Some(above[b.len()]).filter(|edits| *edits <= limit)
}

impl fmt::Display for ValueTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { values, fold } => {
                let mut sorted: Vec<&str> = values.iter().map(|v| &**v).collect();
                sorted.sort_unstable();
                let word = if *fold == Fold::None { "is" } else { "is (any case)" };
                match sorted.as_slice() {
                    [one] => write!(f, "{word} {one:?}"),
                    many => write!(f, "{word} one of {many:?}"),
                }
            }
            Self::Glob(glob) => write!(f, "matches {glob}"),
            Self::Regex { source, .. } => write!(f, "matches /{source}/"),
            Self::Fuzzy { text, edits, .. } => write!(f, "is within {edits} edits of {text:?}"),
            Self::TextRange(ends) | Self::DynamicRange { texts: ends, .. } => {
                ends.write(f, |b| format!("{b:?}"))
            }
            Self::TokenRange(ends) => {
                f.write_str("has a word that ")?;
                ends.write(f, |b| format!("{b:?}"))
            }
            Self::Version(ends) => ends.write(f, |version| format!("{version:?}")),
            Self::Number(Ends { lower: Some((a, true)), upper: Some((b, true)) }) if a == b => {
                write!(f, "is {a}")
            }
            Self::Number(ends) => ends.write(f, f64::to_string),
            Self::Bool(b) => write!(f, "is {b}"),
            Self::Network(net) if net.prefix_len() == net.max_prefix_len() => write!(f, "is {}", net.addr()),
            Self::Network(net) => write!(f, "is in {net}"),
            Self::IpRange(ends) => ends.write(f, IpAddr::to_string),
            Self::Date(ends) => ends.write(f, |ms| {
                Timestamp::from_millisecond(*ms).map_or_else(|_| ms.to_string(), |at| format!("{at:.3}"))
            }),
            Self::AnyToken(tokens) => write!(f, "has any word of {tokens:?}"),
            Self::Phrase { tokens, slop: 0 } => write!(f, "has the phrase {tokens:?}"),
            Self::Phrase { tokens, slop } => write!(f, "has the phrase {tokens:?} with {slop} words between"),
            Self::TokenGlob(glob) => write!(f, "has a word like {glob}"),
            Self::Dynamic(dynamic) => write!(f, "is {:?}", dynamic.text),
            Self::Listed(listed) => listed.fmt(f),
            Self::Never => f.write_str("can be no value of this type"),
        }
    }
}

impl<T> Ends<T> {
    fn write(&self, f: &mut fmt::Formatter<'_>, show: impl Fn(&T) -> String) -> fmt::Result {
        let lower = self
            .lower
            .as_ref()
            .map(|(b, inside)| format!("{} {}", if *inside { ">=" } else { ">" }, show(b)));
        let upper = self
            .upper
            .as_ref()
            .map(|(b, inside)| format!("{} {}", if *inside { "<=" } else { "<" }, show(b)));
        match (lower, upper) {
            (Some(lower), Some(upper)) => write!(f, "is {lower} and {upper}"),
            (Some(one), None) | (None, Some(one)) => write!(f, "is {one}"),
            (None, None) => f.write_str("has any value"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_addresses_of_both_families() {
        let test = |net: &str| ValueTest::Network(network(net).unwrap());
        for (net, ip, expected) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.6.48.157/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::1", "0:0:0:0:0:0:0:1", true),
            ("fe80::/10", "fe80::1", true),
            ("fe80::/10", "10.0.0.1", false),
            ("::/0", "10.0.0.1", true),
            ("::ffff:0:0/96", "10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "11.0.0.1", false),
            ("0.0.0.0/0", "10.0.0.1", true),
            ("0.0.0.0/0", "fe80::1", false),
            ("::/8", "10.0.0.1", true),
            ("::/81", "10.0.0.1", false),
            ("10.0.0.0/8", "AWS Internal", false),
        ] {
            assert_eq!(test(net).passes(Scalar::Str(ip)), expected, "{net} {ip}");
        }
    }

    #[test]
    fn addresses_have_an_order() {
        let ip = |s: &str| s.parse::<IpAddr>().unwrap();
        let test = ValueTest::IpRange(Ends {
            lower: Some((ip("9.255.0.0"), true)),
            upper: Some((ip("10.0.0.9"), false)),
        });
        assert!(test.passes(Scalar::Str("10.0.0.8")));
        assert!(!test.passes(Scalar::Str("10.0.0.9")));
        assert!(!test.passes(Scalar::Str("9.3.0.0")));
    }

    #[test]
    fn numbers_are_read_from_text_too() {
        let test = ValueTest::Number(Ends { lower: Some((22.0, false)), upper: None });
        for (value, expected) in [
            (Scalar::Int(23), true),
            (Scalar::Int(22), false),
            (Scalar::Str("23"), true),
            (Scalar::Float(22.5), true),
            (Scalar::Str("many"), false),
            (Scalar::Bool(true), false),
        ] {
            assert_eq!(test.passes(value), expected, "{value:?}");
        }
    }

    #[test]
    fn a_value_of_unknown_type_is_compared_by_its_own() {
        for (literal, value, expected) in [
            ("22", Scalar::Int(22), true),
            ("22.0", Scalar::Int(22), true),
            ("22", Scalar::Str("22"), true),
            ("22", Scalar::Str("22.0"), false),
            ("true", Scalar::Bool(true), true),
            ("True", Scalar::Bool(true), false),
            ("10.0.0.0/8", Scalar::Str("10.1.1.1"), true),
            ("10.0.0.0/8", Scalar::Str("10.0.0.0/8"), true),
        ] {
            assert_eq!(
                ValueTest::Dynamic(Dynamic::new(literal)).passes(value),
                expected,
                "{literal} {value:?}"
            );
        }
    }

    #[test]
    fn an_order_of_unknown_type_is_that_of_the_value() {
        let from = |text: &str, ms: Option<i64>| ValueTest::DynamicRange {
            texts: Ends { lower: Some((text.into(), true)), upper: None },
            dates: ms.map(|ms| Ends { lower: Some((ms, true)), upper: None }),
        };
        for (range, value, expected) in [
            (from("9", None), Scalar::Int(10), true),
            (from("9", None), Scalar::Int(8), false),
            (from("9", None), Scalar::Str("10"), false),
            (from("9", None), Scalar::Str("abc"), true),
            (from("x", None), Scalar::Int(10), false),
            (from("now", Some(86_400_000)), Scalar::Str("1970-01-02"), true),
            (from("now", Some(86_400_000)), Scalar::Str("1970-01-01"), false),
            (from("now", Some(86_400_000)), Scalar::Str("open"), true),
        ] {
            assert_eq!(range.passes(value), expected, "{range:?} {value:?}");
        }
    }

    #[test]
    fn dates_are_instants() {
        let ms = date_of(Scalar::Str("2024-05-15T00:00:00Z")).unwrap();
        let test = ValueTest::Date(Ends { lower: Some((ms, true)), upper: Some((ms + 86_399_999, true)) });
        for (value, expected) in [
            (Scalar::Str("2024-05-15T23:59:59.999Z"), true),
            (Scalar::Str("2024-05-16T00:00:00.000Z"), false),
            (Scalar::Str("2024-05-15T00:30:00+01:00"), false),
            (Scalar::Int(ms), true),
            (Scalar::Str("2024-05-15"), true),
            (Scalar::Str("soon"), false),
        ] {
            assert_eq!(test.passes(value), expected, "{value:?}");
        }
    }

    #[test]
    fn edits_are_counted() {
        for (a, b, limit, expected) in [
            ("quick", "quikc", 1, true),
            ("quick", "quack", 1, true),
            ("quick", "quacks", 1, false),
            ("quick", "quacks", 2, true),
            ("", "ab", 2, true),
        ] {
            assert_eq!(within_edits(a, b, limit), expected, "{a} {b}");
        }
    }
}
