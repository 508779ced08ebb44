//! Tuples of values by which the events of a rule are told apart or brought together, each kept once under a number.

use std::ops::ControlFlow;
use std::sync::Arc;

use foldhash::HashMap;
use matcher::KeyValue;
use matcher::join_key::KeyNumber;
use serde_json::Value;

/// So many combinations of its values are looked at of one event.
pub(crate) const MOST_COMBINATIONS: usize = 10_000;

/// Tuples of values, each once.
#[derive(Debug, Default)]
pub(crate) struct KeyTable {
    numbers: HashMap<Arc<[KeyValue]>, u32>,
    tuples: Vec<Arc<[KeyValue]>>,
}

impl KeyTable {
    /// The number of a tuple, given out at the first call.
    pub(crate) fn number(&mut self, tuple: &[KeyValue]) -> u32 {
        if let Some(number) = self.numbers.get(tuple) {
            return *number;
        }
        let number = self.tuples.len() as u32;
        let tuple: Arc<[KeyValue]> = tuple.into();
        self.tuples.push(Arc::clone(&tuple));
        self.numbers.insert(tuple, number);
        number
    }

    /// The same with those tuples alone whose numbers are wanted. They are numbered anew, in the same order.
    pub(crate) fn only(self, is_wanted: impl Fn(u32) -> bool) -> Self {
        let mut kept = Self::default();
        for (_, tuple) in self.tuples.into_iter().enumerate().filter(|(at, _)| is_wanted(*at as u32)) {
            kept.numbers.insert(Arc::clone(&tuple), kept.tuples.len() as u32);
            kept.tuples.push(tuple);
        }
        kept
    }

    /// How many tuples there are.
    pub(crate) fn len(&self) -> usize {
        self.tuples.len()
    }

    /// A tuple that was given a number.
    pub(crate) fn tuple(&self, number: u32) -> &[KeyValue] {
        &self.tuples[number as usize]
    }
}

/// Every way of taking one value of each list, in order, until told to stop. No lists give one empty tuple; an empty
/// list gives none.
pub(crate) fn each_tuple(
    values: &[Vec<KeyValue>],
    visit: &mut dyn FnMut(&[KeyValue]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    fn visit_rest(
        values: &[Vec<KeyValue>],
        tuple: &mut Vec<KeyValue>,
        visit: &mut dyn FnMut(&[KeyValue]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some((first, rest)) = values.split_first() else { return visit(tuple) };
        for value in first {
            tuple.push(value.clone());
            visit_rest(rest, tuple, visit)?;
            tuple.pop();
        }
        ControlFlow::Continue(())
    }
    visit_rest(values, &mut Vec::with_capacity(values.len()), visit)
}

/// The numbers of the tuples that an event has, and whether these are all: a few long lists have more combinations
/// than can be looked at.
pub(crate) fn numbers(values: &[Vec<KeyValue>], keys: &mut KeyTable) -> (Vec<u32>, bool) {
    let mut found = Vec::new();
    let all = each_tuple(values, &mut |tuple| {
        if found.len() == MOST_COMBINATIONS {
            return ControlFlow::Break(());
        }
        found.push(keys.number(tuple));
        ControlFlow::Continue(())
    });
    (found, all.is_continue())
}

/// A value as the keys of Elasticsearch's aggregations have it: instants are milliseconds since the epoch.
pub(crate) fn to_json(value: &KeyValue) -> Value {
    match value {
        KeyValue::Null => Value::Null,
        KeyValue::Bool(b) => Value::from(*b),
        KeyValue::Number(KeyNumber::Whole(i)) => Value::from(*i),
        KeyValue::Number(KeyNumber::Other(f)) => Value::from(*f),
        KeyValue::Date(milliseconds) => Value::from(*milliseconds),
        KeyValue::Ip(address) => Value::from(address.to_string()),
        KeyValue::Text(text) => Value::from(text.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(s: &str) -> KeyValue {
        KeyValue::Text(s.into())
    }

    #[test]
    fn lists_of_values_are_taken_in_every_combination() {
        let combinations = |values: &[Vec<KeyValue>]| {
            let mut found = Vec::new();
            let _all = each_tuple(values, &mut |tuple| {
                found.push(tuple.to_vec());
                ControlFlow::Continue(())
            });
            found
        };
        assert_eq!(combinations(&[]), [vec![]]);
        assert_eq!(combinations(&[vec![text("a")], vec![]]), Vec::<Vec<KeyValue>>::new());
        assert_eq!(
            combinations(&[vec![text("a"), text("b")], vec![KeyValue::Null, text("c")]]),
            [
                vec![text("a"), KeyValue::Null],
                vec![text("a"), text("c")],
                vec![text("b"), KeyValue::Null],
                vec![text("b"), text("c")]
            ]
        );
    }

    #[test]
    fn there_is_a_cap_on_the_combinations_of_one_event() {
        let list = |n: usize| (0..n).map(|i| text(&i.to_string())).collect::<Vec<_>>();
        let taken = |values: &[Vec<KeyValue>]| {
            let (numbers, all) = numbers(values, &mut KeyTable::default());
            (numbers.len(), all)
        };
        assert_eq!(taken(&[list(100), list(100)]), (MOST_COMBINATIONS, true));
        assert_eq!(taken(&[list(100), list(101)]), (MOST_COMBINATIONS, false));
        assert_eq!(taken(&[list(100), list(0)]), (0, true));
    }

    #[test]
    fn values_keep_their_json_types() {
        let number = |f: f64| KeyValue::Number(KeyNumber::from(f));
        let values = [text("7"), number(7.0), number(0.5), KeyValue::Bool(true), KeyValue::Date(7)];
        assert_eq!(
            values.map(|value| to_json(&value)),
            [json!("7"), json!(7), json!(0.5), json!(true), json!(7)]
        );
        let address = KeyValue::Ip("2001:DB8::1".parse().unwrap());
        assert_eq!(to_json(&address), json!("2001:db8::1"));
    }
}
