//! Value lists: known good as a long list, one value a line, which `list` entries of exceptions refer to.
//!
//! Source: docs "Create and manage value lists"; elastic/kibana lists/server/services/items.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use query::{Diagnostic, Span};

/// How many bad lines of a list are named; of the others the number is given.
const NAMED: usize = 20;

/// What the values of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueListType {
    /// `keyword`: exact text, case counts.
    Keyword,
    /// `ip`: addresses.
    Ip,
    /// `ip_range`: `10.0.0.0/8`, or `10.0.0.1-10.0.0.9` with both ends inside. Single addresses are ranges too.
    IpRange,
    /// `text`: words.
    Text,
}

/// A value list. It is read once and shared: it may hold very many values.
#[derive(Clone, PartialEq, Eq)]
pub struct ValueList {
    /// The name by which entries refer to it.
    pub id: String,
    /// What its values are; `None` when only the entries that use it say so.
    pub list_type: Option<ValueListType>,
    /// The file that it was read from.
    pub path: PathBuf,
    /// Distinct, in the order of the file.
    values: Vec<Arc<str>>,
    texts: HashSet<Arc<str>>,
    /// First and last address of each range, both inside, in order and without overlaps. IPv4 stands at `::ffff:0:0/96`.
    ranges: Vec<(u128, u128)>,
    /// How many values are neither addresses nor ranges of them.
    not_addresses: usize,
}

impl ValueList {
    /// Reads a list: one value a line. Space around a value does not count, nor do empty lines.
    ///
    /// In a list of addresses, a line that is none is an error and is left out.
    pub fn read(
        id: &str,
        list_type: Option<ValueListType>,
        text: &str,
        path: &Path,
    ) -> (Self, Vec<Diagnostic>) {
        let wants_addresses = matches!(list_type, Some(ValueListType::Ip | ValueListType::IpRange));
        let mut list = Self {
            id: id.to_owned(),
            list_type,
            path: path.to_owned(),
            values: Vec::new(),
            texts: HashSet::new(),
            ranges: Vec::new(),
            not_addresses: 0,
        };
        let mut diagnostics = Vec::new();
        let mut bad_lines = 0;
        for (value, span) in values(text) {
            let range = address_range(value);
            if wants_addresses && range.is_none() {
                bad_lines += 1;
                if bad_lines <= NAMED {
                    let message = format!("`{value}` is no address and no range of addresses");
                    let found = Diagnostic::error("rule::bad-value", message).at(span);
                    diagnostics.push(found.help("the line is left out of the list"));
                }
                continue;
            }
            let value: Arc<str> = value.into();
            if list.texts.insert(Arc::clone(&value)) {
                list.values.push(value);
                list.not_addresses += usize::from(range.is_none());
                list.ranges.extend(range);
            }
        }
        if bad_lines > NAMED {
            let message = format!("{} more lines are no addresses", bad_lines - NAMED);
            diagnostics.push(Diagnostic::error("rule::bad-value", message));
        }
        if list.is_empty() {
            let message = format!("the value list `{id}` holds no value");
            diagnostics.push(
                Diagnostic::warning("rule::value-list", message).help("exceptions that use it do not apply"),
            );
        }
        list.ranges = merged(list.ranges);
        (list, diagnostics)
    }

    /// The id and the type that the name of a file gives: `offices.ip_range.txt` is the list `offices`.
    pub fn named_by(path: &Path) -> Option<(&str, ValueListType)> {
        let (rest, extension) = path.file_name()?.to_str()?.rsplit_once('.')?;
        let (id, list_type) = rest.rsplit_once('.')?;
        if id.is_empty() || !extension.eq_ignore_ascii_case("txt") {
            return None;
        }
        Some((id, list_type.parse().ok()?))
    }

    /// How many different values it holds.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True when it holds none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values, each once, in the order of the file.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &str> {
        self.values.iter().map(|value| &**value)
    }

    /// How many values are neither addresses nor ranges of them.
    pub fn not_addresses(&self) -> usize {
        self.not_addresses
    }

    /// Does it hold exactly this text?
    pub fn holds_text(&self, text: &str) -> bool {
        self.texts.contains(text)
    }

    /// Does it hold the address, by itself or in a range? An IPv4 address written as `::ffff:a.b.c.d` is the IPv4
    /// address.
    pub fn holds_address(&self, address: IpAddr) -> bool {
        let number = address_number(address);
        let after = self.ranges.partition_point(|(first, _)| *first <= number);
        after > 0 && number <= self.ranges[after - 1].1
    }
}

/// Shown without its values, of which there may be very many.
impl fmt::Debug for ValueList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, list_type, path, .. } = self;
        f.debug_struct("ValueList")
            .field("id", id)
            .field("list_type", list_type)
            .field("path", path)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl ValueListType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Keyword, Self::Ip, Self::IpRange, Self::Text];

    /// The name that Kibana uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Ip => "ip",
            Self::IpRange => "ip_range",
            Self::Text => "text",
        }
    }

    /// True for addresses and their ranges.
    pub fn is_of_addresses(self) -> bool {
        matches!(self, Self::Ip | Self::IpRange)
    }
}

impl FromStr for ValueListType {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|known| known.name() == name);
        found
            .ok_or_else(|| format!("`{name}` is no type of a value list: keyword, ip, ip_range and text are"))
    }
}

/// The values of a text with their places.
fn values(text: &str) -> impl Iterator<Item = (&str, Span)> {
    let content = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut at = text.len() - content.len();
    content.split('\n').filter_map(move |line| {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len() + 1;
        let value = line.trim();
        (!value.is_empty()).then(|| (value, Span::new(start, start + value.len())))
    })
}

/// First and last of `10.0.0.0/8` (host bits may be set), `10.0.0.1-10.0.0.9`, or a single address.
fn address_range(text: &str) -> Option<(u128, u128)> {
    if let Ok(address) = text.parse() {
        let number = address_number(address);
        return Some((number, number));
    }
    if let Ok(network) = text.parse::<IpNet>() {
        return Some((address_number(network.network()), address_number(network.broadcast())));
    }
    let (first, last) = text.split_once('-')?;
    let (first, last): (IpAddr, IpAddr) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let range = (address_number(first), address_number(last));
    (first.is_ipv4() == last.is_ipv4() && range.0 <= range.1).then_some(range)
}

/// IPv4 and IPv6 addresses in one order.
fn address_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The ranges in order, those that overlap or touch made one.
fn merged(mut ranges: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(list_type: ValueListType, text: &str) -> ValueList {
        ValueList::read("l", Some(list_type), text, Path::new("l.txt")).0
    }

    #[test]
    fn a_line_is_a_value() {
        let list = list(ValueListType::Keyword, "\u{feff}alice\r\n\n  bob smith \nalice\n10.0.0.1");
        assert_eq!(list.values().collect::<Vec<_>>(), ["alice", "bob smith", "10.0.0.1"]);
        assert_eq!((list.len(), list.not_addresses()), (3, 2));
        for (text, held) in
            [("alice", true), ("Alice", false), ("bob", false), ("bob smith", true), ("", false)]
        {
            assert_eq!(list.holds_text(text), held, "{text}");
        }
    }

    #[test]
    fn addresses_lie_in_ranges() {
        let text = "10.0.0.0/8\n192.0.2.9 - 192.0.2.20\n192.0.2.15-192.0.2.30\n198.51.100.7\n2001:db8::/32\n\
                    203.0.113.255/24\nfe80::1-fe80::ff";
        let list = list(ValueListType::IpRange, text);
        assert_eq!(list.len(), 7);
        for (address, held) in [
            ("9.255.255.255", false),
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("192.0.2.8", false),
            ("192.0.2.9", true),
            ("192.0.2.14", true),
            ("192.0.2.30", true),
            ("192.0.2.31", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("::ffff:10.1.2.3", true),
            ("2001:db8:ffff::1", true),
            ("2001:db9::", false),
            ("203.0.113.0", true),
            ("fe80::ff", true),
            ("fe80::100", false),
        ] {
            assert_eq!(list.holds_address(address.parse().unwrap()), held, "{address}");
        }
    }

    proptest::proptest! {
        #[test]
        fn ranges_made_one_hold_what_some_range_holds(
            ranges in proptest::collection::vec((0_u8..60, 0_u8..12), 1..12),
            address in 0_u8..80,
        ) {
            let ip = |last: u8| IpAddr::from([192, 0, 2, last]);
            let lines: Vec<String> =
                ranges.iter().map(|(first, more)| format!("{}-{}", ip(*first), ip(first + more))).collect();
            let expected = ranges.iter().any(|(first, more)| (*first..=first + more).contains(&address));
            let list = list(ValueListType::IpRange, &lines.join("\n"));
            proptest::prop_assert_eq!(list.holds_address(ip(address)), expected);
        }
    }

    #[test]
    fn a_line_that_is_no_address_is_named() {
        let text = "10.0.0.1\nten\n10.0.0.9-10.0.0.1\n10.0.0.1-::1\n10.0.0.0/33\n";
        let (list, found) = ValueList::read("l", Some(ValueListType::Ip), text, Path::new("l.txt"));
        let places: Vec<&str> = found.iter().map(|d| d.span.map_or("", |s| &text[s.start..s.end])).collect();
        assert_eq!(places, ["ten", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "10.0.0.0/33"]);
        assert_eq!(list.len(), 1);
        let many = "x\n".repeat(30);
        let (_, found) = ValueList::read("l", Some(ValueListType::Ip), &many, Path::new("l.txt"));
        assert_eq!(found.len(), NAMED + 2);
        assert_eq!(found[NAMED].message, "10 more lines are no addresses");
        assert_eq!(found[NAMED + 1].message, "the value list `l` holds no value");
    }

    #[test]
    fn a_file_name_gives_id_and_type() {
        for (name, expected) in [
            ("x/offices.ip_range.txt", Some(("offices", ValueListType::IpRange))),
            ("a.b.keyword.TXT", Some(("a.b", ValueListType::Keyword))),
            ("a.text.txt", Some(("a", ValueListType::Text))),
            ("readme.txt", None),
            ("a.keyword.csv", None),
            (".ip.txt", None),
            ("a.date.txt", None),
        ] {
            assert_eq!(ValueList::named_by(Path::new(name)), expected, "{name}");
        }
    }
}
