//! Which indicators an event matches: groups of pairs of fields, of which one has to hold whole of one indicator.
//!
//! Source: elastic/kibana rule_types/indicator_match/threat_mapping/build_threat_mapping_filter.ts. There, a page of
//! events or of indicators becomes a query against the other side; what it finds is the same, but for fields with
//! several values: Kibana looks at none or at the first of them, by which side it happens to page. Here any value counts.

use std::collections::BTreeMap;
use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt};
use ipnet::IpNet;
use matcher::KeyValue;
use smallvec::SmallVec;

/// So many matches of one event are told.
///
/// Source: `MAX_NUMBER_OF_SIGNAL_MATCHES` of enrich_signal_threat_matches.ts there.
pub const MOST_MATCHES: usize = 200;

/// Whether a pair of fields has to be equal: one entry of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// Some value of the event equals some value of the indicator.
    Equal,
    /// None does; and of two fields without values, which count as equal, one at least has a value.
    NotEqual,
}

/// A value of an indicator, read as the type of the event's field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndicatorValue {
    /// One value.
    One(KeyValue),
    /// Every address of a network.
    Network(IpNet),
}

impl IndicatorValue {
    /// Does a value of an event equal it?
    pub fn matches(&self, value: &KeyValue) -> bool {
        match (self, value) {
            (Self::One(one), value) => one == value,
            (Self::Network(network), KeyValue::Ip(address)) => network.contains(address),
            (Self::Network(_), _) => false,
        }
    }
}

/// An indicator that an event matches, and by which group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreatMatch {
    /// The number of the indicator, as it was given.
    pub indicator: u32,
    /// The position of the group.
    pub group: u16,
}

/// The indicators of one rule, found by their values.
///
/// Each group has its indicators in a table by the values of its first pair that has to be equal; the other pairs are
/// compared one by one. Networks lie in tables by their lengths, of which there are few.
#[derive(Debug)]
pub struct ThreatMatcher {
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    pairs: Vec<Pair>,
    /// The pair by which indicators are found; `None` when none has to be equal, so that nothing is ever found.
    first: Option<usize>,
    rows: Vec<Row>,
    by_value: HashMap<KeyValue, SmallVec<[u32; 2]>>,
    /// By the length of the prefix; those of IPv4 and of IPv6 cannot be mistaken for each other.
    by_network: BTreeMap<u8, HashMap<IpNet, SmallVec<[u32; 2]>>>,
}

#[derive(Debug)]
struct Row {
    indicator: u32,
    /// The values of the pairs in their order, without those of the first; empty for a group of one pair.
    others: Box<[Vec<IndicatorValue>]>,
}

impl ThreatMatcher {
    /// No indicators yet. The mapping is given as the pairs of each group.
    pub fn new(groups: Vec<Vec<Pair>>) -> Self {
        let group = |pairs: Vec<Pair>| Group {
            first: pairs.iter().position(|pair| *pair == Pair::Equal),
            pairs,
            rows: Vec::new(),
            by_value: HashMap::new(),
            by_network: BTreeMap::new(),
        };
        Self { groups: groups.into_iter().map(group).collect() }
    }

    /// Takes an indicator. `values` gives those of a pair, named by the positions of its group and within it. Numbers of
    /// indicators are given in ascending order.
    ///
    /// False when no event can match it: it lacks a value in every group.
    pub fn push(
        &mut self,
        indicator: u32,
        values: &mut dyn FnMut(usize, usize) -> Vec<IndicatorValue>,
    ) -> bool {
        let mut taken = false;
        for (at, group) in self.groups.iter_mut().enumerate() {
            taken |= group.push(indicator, &mut |pair| values(at, pair));
        }
        taken
    }

    /// The indicators that an event matches, each with every group by which it does, in ascending order. `values` gives
    /// the event's values of a pair.
    pub fn matches<'v>(&self, values: &dyn Fn(usize, usize) -> &'v [KeyValue]) -> Vec<ThreatMatch> {
        let mut found = Vec::new();
        for (at, group) in self.groups.iter().enumerate() {
            group.matches(&|pair| values(at, pair), &mut |indicator| {
                found.push(ThreatMatch { indicator, group: at as u16 });
            });
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Group {
    fn push(&mut self, indicator: u32, values: &mut dyn FnMut(usize) -> Vec<IndicatorValue>) -> bool {
        let Some(first) = self.first else { return false };
        let keys = values(first);
        let mut others = Vec::with_capacity(self.pairs.len() - 1);
        for (at, pair) in self.pairs.iter().enumerate().filter(|(at, _)| *at != first) {
            let found = values(at);
            if *pair == Pair::Equal && found.is_empty() {
                return false;
            }
            others.push(found);
        }
        if keys.is_empty() {
            return false;
        }
        let row = self.rows.len() as u32;
        self.rows.push(Row { indicator, others: others.into() });
        for key in keys {
            match key {
                IndicatorValue::One(value) => self.by_value.entry(value).or_default().push(row),
                IndicatorValue::Network(network) => {
                    let network = network.trunc();
                    let of_length = self.by_network.entry(network.prefix_len()).or_default();
                    of_length.entry(network).or_default().push(row);
                }
            }
        }
        true
    }

    fn matches<'v>(&self, values: &dyn Fn(usize) -> &'v [KeyValue], found: &mut dyn FnMut(u32)) {
        let Some(first) = self.first else { return };
        let mut look = |rows: Option<&SmallVec<[u32; 2]>>| {
            for row in rows.into_iter().flatten() {
                let row = &self.rows[*row as usize];
                if self.others_hold(first, row, values) {
                    found(row.indicator);
                }
            }
        };
        for value in values(first) {
            look(self.by_value.get(value));
            if let KeyValue::Ip(address) = value {
                for (length, networks) in &self.by_network {
                    look(network_of(*address, *length).and_then(|network| networks.get(&network)));
                }
            }
        }
    }

    fn others_hold<'v>(&self, first: usize, row: &Row, values: &dyn Fn(usize) -> &'v [KeyValue]) -> bool {
        let others = self.pairs.iter().enumerate().filter(|(at, _)| *at != first);
        others.zip(&row.others).all(|((at, pair), wanted)| pair.holds(values(at), wanted))
    }
}

impl Pair {
    /// Does it hold of these values?
    fn holds(self, event: &[KeyValue], indicator: &[IndicatorValue]) -> bool {
        let equal = indicator.iter().any(|wanted| event.iter().any(|value| wanted.matches(value)));
        match self {
            Self::Equal => equal,
            Self::NotEqual => !(equal || event.is_empty() && indicator.is_empty()),
        }
    }
}

fn network_of(address: IpAddr, length: u8) -> Option<IpNet> {
    IpNet::new(address, length).ok().map(|network| network.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> KeyValue {
        match value.parse() {
            Ok(address) => KeyValue::Ip(address),
            Err(_) => KeyValue::Text(value.into()),
        }
    }

    fn wanted(value: &str) -> IndicatorValue {
        match value.parse::<IpNet>() {
            Ok(network) => IndicatorValue::Network(network),
            Err(_) => IndicatorValue::One(text(value)),
        }
    }

    /// The values of a side, one word a pair, of all groups; `a,b` are two values and `-` is none.
    fn side(words: &str) -> Vec<Vec<&str>> {
        words
            .split_whitespace()
            .map(|word| if word == "-" { Vec::new() } else { word.split(',').collect() })
            .collect()
    }

    /// The groups that match, of a mapping such as `= =!`, two groups of which the second has a negated pair.
    fn groups(mapping: &str, event: &str, indicator: &str) -> Vec<u16> {
        let pair = |c| if c == '=' { Pair::Equal } else { Pair::NotEqual };
        let groups: Vec<Vec<Pair>> =
            mapping.split_whitespace().map(|group| group.chars().map(pair).collect()).collect();
        let starts: Vec<usize> = groups
            .iter()
            .scan(0, |start, group| {
                *start += group.len();
                Some(*start - group.len())
            })
            .collect();
        let (event, indicator) = (side(event), side(indicator));
        let event: Vec<Vec<KeyValue>> =
            event.iter().map(|values| values.iter().map(|v| text(v)).collect()).collect();
        let mut matcher = ThreatMatcher::new(groups);
        matcher.push(7, &mut |group, pair| {
            indicator[starts[group] + pair].iter().map(|value| wanted(value)).collect()
        });
        let found = matcher.matches(&|group, pair| &event[starts[group] + pair]);
        assert!(found.iter().all(|found| found.indicator == 7));
        found.into_iter().map(|found| found.group).collect()
    }

    #[test]
    fn a_group_holds_whole_or_not_at_all() {
        let none: [u16; 0] = [];
        for (mapping, event, indicator, expected) in [
            ("=", "a", "a", &[0][..]),
            ("=", "a", "A", &none),
            ("=", "a", "-", &none),
            ("=", "-", "a", &none),
            ("=", "-", "-", &none),
            ("=", "a,b", "b,c", &[0]),
            ("==", "a x", "a x", &[0]),
            ("==", "a x", "a y", &none),
            ("==", "a -", "a -", &none),
            ("==", "a,b x,y", "b y", &[0]),
            ("= =", "a b", "a b", &[0, 1]),
            ("= =", "a b", "a c", &[0]),
            ("== =", "a x x", "a y x", &[1]),
            // Negated pairs.
            ("=!", "a x", "a x", &none),
            ("=!", "a x", "a y", &[0]),
            ("=!", "a x,y", "a y", &none),
            ("=!", "a -", "a y", &[0]),
            ("=!", "a x", "a -", &[0]),
            ("=!", "a -", "a -", &none),
            ("!=", "x a", "y a", &[0]),
            ("!=", "x a", "x a", &none),
            ("!", "a", "b", &none),
            // Addresses and networks.
            ("=", "192.0.2.1", "192.0.2.1", &[0]),
            ("=", "2001:db8::1", "2001:0db8:0::1", &[0]),
            ("=", "192.0.2.1", "192.0.2.0/24", &[0]),
            ("=", "192.0.2.1", "192.0.2.77/24", &[0]),
            ("=", "192.0.3.1", "192.0.2.0/24", &none),
            ("=", "192.0.2.1", "192.0.2.1/32", &[0]),
            ("=", "2001:db8::1", "2001:db8::/32", &[0]),
            ("=", "192.0.2.1", "::/0", &none),
            ("=", "192.0.2.1", "0.0.0.0/0", &[0]),
            ("=", "text", "0.0.0.0/0", &none),
            ("==", "x 192.0.2.1", "x 192.0.2.0/24", &[0]),
            ("=!", "x 192.0.2.1", "x 192.0.2.0/24", &none),
        ] {
            assert_eq!(groups(mapping, event, indicator), expected, "{mapping}: {event} against {indicator}");
        }
    }

    #[test]
    fn an_indicator_that_nothing_can_match_is_told() {
        let take = |mapping: Vec<Vec<Pair>>, values: &[&[&str]]| {
            ThreatMatcher::new(mapping)
                .push(0, &mut |group, pair| values[group + pair].iter().map(|value| wanted(value)).collect())
        };
        assert!(take(vec![vec![Pair::Equal]], &[&["a"]]));
        assert!(!take(vec![vec![Pair::Equal]], &[&[]]));
        assert!(!take(vec![vec![Pair::Equal, Pair::Equal]], &[&["a"], &[]]));
        assert!(take(vec![vec![Pair::Equal, Pair::NotEqual]], &[&["a"], &[]]));
        assert!(take(vec![vec![Pair::Equal], vec![Pair::Equal]], &[&[], &["a"]]));
    }
}
