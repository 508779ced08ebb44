//! What the tables of a [`ThreatMatcher`] find is what loops over all indicators find.
#![expect(clippy::expect_used, reason = "in tests a failure may panic")]

use bartizan_engine::threat_match::{IndicatorValue, Pair, ThreatMatch, ThreatMatcher};
use matcher::KeyValue;
use proptest::prelude::*;

/// The values of every pair of every group.
type Values<T> = Vec<Vec<Vec<T>>>;

fn key() -> impl Strategy<Value = KeyValue> {
    prop_oneof![
        (0u8..4).prop_map(|n| KeyValue::Text(n.to_string().into())),
        (0u8..2).prop_map(|n| KeyValue::Bool(n == 0)),
        (0u8..2, 0u8..8).prop_map(|(net, host)| KeyValue::Ip([192, 0, net, host].into())),
        (0u16..2, 0u16..4).prop_map(|(net, host)| KeyValue::Ip([0x2001, net, 0, 0, 0, 0, 0, host].into())),
    ]
}

fn indicator_value() -> impl Strategy<Value = IndicatorValue> {
    prop_oneof![
        3 => key().prop_map(IndicatorValue::One),
        1 => (0u8..2, 0u8..8, 20u8..=32).prop_map(|(net, host, length)| network(&format!("192.0.{net}.{host}/{length}"))),
        1 => (0u16..2, 100u8..=128).prop_map(|(net, length)| network(&format!("2001:{net}::2/{length}"))),
    ]
}

fn network(text: &str) -> IndicatorValue {
    IndicatorValue::Network(matcher::value::network(text).expect("a network"))
}

fn pair() -> impl Strategy<Value = Pair> {
    prop_oneof![3 => Just(Pair::Equal), 1 => Just(Pair::NotEqual)]
}

fn values_of<T: std::fmt::Debug + 'static>(
    shape: &[Vec<Pair>],
    value: &BoxedStrategy<T>,
) -> BoxedStrategy<Values<T>> {
    let of_group =
        |pairs: &Vec<Pair>| prop::collection::vec(prop::collection::vec(value.clone(), 0..3), pairs.len());
    shape.iter().map(of_group).collect::<Vec<_>>().boxed()
}

/// A mapping, indicators and events.
type Case = (Vec<Vec<Pair>>, Vec<Values<IndicatorValue>>, Vec<Values<KeyValue>>);

fn case() -> impl Strategy<Value = Case> {
    prop::collection::vec(prop::collection::vec(pair(), 1..4), 1..4).prop_flat_map(|shape| {
        let indicators = prop::collection::vec(values_of(&shape, &indicator_value().boxed()), 0..12);
        let events = prop::collection::vec(values_of(&shape, &key().boxed()), 1..8);
        (Just(shape), indicators, events)
    })
}

/// The same by loops.
fn by_loops(
    shape: &[Vec<Pair>],
    indicators: &[Values<IndicatorValue>],
    event: &Values<KeyValue>,
) -> Vec<ThreatMatch> {
    let mut found = Vec::new();
    for (number, indicator) in indicators.iter().enumerate() {
        for (group, pairs) in shape.iter().enumerate() {
            let holds = pairs.iter().enumerate().all(|(at, pair)| {
                let (theirs, ours) = (&indicator[group][at], &event[group][at]);
                let equal = ours.iter().any(|value| theirs.iter().any(|wanted| wanted.matches(value)));
                match pair {
                    Pair::Equal => equal,
                    Pair::NotEqual => !equal && (!theirs.is_empty() || !ours.is_empty()),
                }
            });
            if holds && pairs.contains(&Pair::Equal) {
                found.push(ThreatMatch { indicator: number as u32, group: group as u16 });
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn tables_find_what_loops_find((shape, indicators, events) in case()) {
        let mut matcher = ThreatMatcher::new(shape.clone());
        for (number, indicator) in indicators.iter().enumerate() {
            matcher.push(number as u32, &mut |group, pair| indicator[group][pair].clone());
        }
        for event in &events {
            let found = matcher.matches(&|group, pair| &event[group][pair]);
            prop_assert_eq!(found, by_loops(&shape, &indicators, event));
        }
    }
}
