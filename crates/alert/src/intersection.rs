//! What several documents have in common.
//!
//! A field is what its dotted name says: `{"a.b": 1}` and `{"a": {"b": 1}}` have `a.b` in common, and the result spells
//! it as the first document does. Two values are equal as JSON values are in JavaScript, so that `1` is `1.0`.
//! Source: elastic/kibana rule_types/eql/build_alert_group_from_sequence.ts, which compares keys as they are spelt, and
//! never finds equal objects within lists.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

/// The fields that all documents have, with the values that all have, in the order and spelling of the first document.
///
/// A field with one value in every document stays one value. Of a field that is a list in some document the values in
/// common are kept, each once, as a list; objects within lists are values and are compared whole. A field with nothing
/// in common is left out, and so is an object with no field left. One document is in common with itself as it is; no
/// document gives no fields.
pub(crate) fn intersection(documents: &[&Map<String, Value>]) -> Map<String, Value> {
    match documents {
        [] => Map::new(),
        [only] => (*only).clone(),
        [first, others @ ..] => {
            let others: Vec<Fields> = others.iter().map(|map| fields(map)).collect();
            shared(first, "", &others)
        }
    }
}

/// The fields of a document by their dotted names.
type Fields = BTreeMap<String, Field>;

/// The values of a field, in comparable form.
#[derive(Debug, Default)]
struct Field {
    values: HashSet<Value>,
    /// Is it a list, or written in more than one place?
    is_list: bool,
}

fn shared(map: &Map<String, Value>, prefix: &str, others: &[Fields]) -> Map<String, Value> {
    let mut kept = Map::new();
    for (key, value) in map {
        let name = format!("{prefix}{key}");
        let value = match value {
            Value::Object(inner) => {
                let inner = shared(inner, &format!("{name}."), others);
                (!inner.is_empty()).then_some(Value::Object(inner))
            }
            value => shared_values(&name, value, others),
        };
        if let Some(value) = value {
            kept.insert(key.clone(), value);
        }
    }
    kept
}

fn shared_values(name: &str, value: &Value, others: &[Fields]) -> Option<Value> {
    let others: Vec<&Field> = others.iter().map(|fields| fields.get(name)).collect::<Option<_>>()?;
    let mut seen = HashSet::new();
    let mut kept = elements(value);
    kept.retain(|element| {
        let element = comparable(element);
        others.iter().all(|field| field.values.contains(&element)) && seen.insert(element)
    });
    let first = *kept.first()?;
    if value.is_array() || others.iter().any(|field| field.is_list) {
        Some(Value::Array(kept.into_iter().cloned().collect()))
    } else {
        Some(first.clone())
    }
}

fn fields(map: &Map<String, Value>) -> Fields {
    fn add(map: &Map<String, Value>, prefix: &str, found: &mut Fields) {
        for (key, value) in map {
            let name = format!("{prefix}{key}");
            if let Value::Object(inner) = value {
                add(inner, &format!("{name}."), found);
                continue;
            }
            let known = found.contains_key(&name);
            let field = found.entry(name).or_default();
            field.is_list |= known || value.is_array();
            field.values.extend(elements(value).into_iter().map(comparable));
        }
    }
    let mut found = Fields::new();
    add(map, "", &mut found);
    found
}

/// The values of a field: lists within lists are one list.
fn elements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(elements).collect(),
        value => vec![value],
    }
}

/// A value in a form that is equal for equal values: whole numbers as integers, objects flat.
fn comparable(value: &Value) -> Value {
    /// The largest number below which every whole number is a 64-bit float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    fn flatten(map: &Map<String, Value>, prefix: &str, flat: &mut BTreeMap<String, Vec<Value>>) {
        for (key, value) in map {
            let name = format!("{prefix}{key}");
            match value {
                Value::Object(inner) => flatten(inner, &format!("{name}."), flat),
                value => {
                    flat.entry(name).or_default().extend(elements(value).into_iter().map(comparable));
                }
            }
        }
    }
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT => {
                Value::from(float as i64)
            }
            _ => value.clone(),
        },
        Value::Object(map) => {
            let mut flat = BTreeMap::new();
            flatten(map, "", &mut flat);
            Value::Object(flat.into_iter().map(|(name, values)| (name, Value::Array(values))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(comparable).collect()),
        value => value.clone(),
    }
}
