//! What several documents have in common.
//!
//! A field is what its dotted name says: `{"a.b": 1}` and `{"a": {"b": 1}}` have `a.b` in common, and the result spells
//! it as the first document does. Numbers are equal by what they count, so that `1` is `1.0`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use ecs::{Document, Scalar};
    use proptest::prelude::*;
    use serde_json::json;

    fn map(value: &Value) -> &Map<String, Value> {
        value.as_object().expect("an object")
    }

    fn common(documents: &[&Value]) -> Value {
        Value::Object(intersection(&documents.iter().map(|document| map(document)).collect::<Vec<_>>()))
    }

    #[test]
    fn what_two_documents_have_in_common() {
        for (first, second, expected) in [
            // Scalars.
            (json!({"a": "x"}), json!({"a": "x"}), json!({"a": "x"})),
            (json!({"a": "x"}), json!({"a": "X"}), json!({})),
            (json!({"a": "x", "b": 1}), json!({"b": 1, "c": 2}), json!({"b": 1})),
            (json!({"a": 1}), json!({"a": 1.0}), json!({"a": 1})),
            (json!({"a": 1.0}), json!({"a": 1}), json!({"a": 1.0})),
            (json!({"a": 1.5}), json!({"a": 1}), json!({})),
            (json!({"a": 1}), json!({"a": "1"}), json!({})),
            (json!({"a": 1}), json!({"a": true}), json!({})),
            (json!({"a": null}), json!({"a": null}), json!({"a": null})),
            (json!({"a": null}), json!({"a": 1}), json!({})),
            // Large whole numbers are exact; to JavaScript these two are one.
            (json!({"a": 9_007_199_254_740_993_u64}), json!({"a": 9_007_199_254_740_992_u64}), json!({})),
            // Lists: the order of the first, each value once, and a list even when one value is left.
            (json!({"a": ["x", "y", "z"]}), json!({"a": ["z", "q", "x"]}), json!({"a": ["x", "z"]})),
            (json!({"a": ["x", "x"]}), json!({"a": ["x"]}), json!({"a": ["x"]})),
            (json!({"a": ["x"]}), json!({"a": ["y"]}), json!({})),
            (json!({"a": []}), json!({"a": []}), json!({})),
            (json!({"a": "x"}), json!({"a": ["y", "x"]}), json!({"a": ["x"]})),
            (json!({"a": ["y", "x"]}), json!({"a": "x"}), json!({"a": ["x"]})),
            (json!({"a": [["x", 1], "y"]}), json!({"a": ["y", "x"]}), json!({"a": ["x", "y"]})),
            // Objects within lists are compared whole, however they are spelt.
            (
                json!({"a": [{"b": 1}, {"b": 2}]}),
                json!({"a": [{"b": 2}, {"b": 3}]}),
                json!({"a": [{"b": 2}]}),
            ),
            (json!({"a": [{"b": 1, "c": 2}]}), json!({"a": [{"b": 1}]}), json!({})),
            (
                json!({"a": [{"b": {"c": 1}}]}),
                json!({"a": [{"b.c": [1.0]}]}),
                json!({"a": [{"b": {"c": 1}}]}),
            ),
            // Objects.
            (
                json!({"a": {"b": 1, "c": {"d": 2, "e": 3}}, "f": {"g": 4}}),
                json!({"f": {"g": 5}, "a": {"c": {"e": 3, "d": 0}, "b": 1}}),
                json!({"a": {"b": 1, "c": {"e": 3}}}),
            ),
            (json!({"a": {}}), json!({"a": {}}), json!({})),
            (json!({"a": {"b": 1}}), json!({"a": 1}), json!({})),
            (json!({"a": 1}), json!({"a": {"b": 1}}), json!({})),
            (json!({"a": {"b": 1}}), json!({"a": [{"b": 1}]}), json!({})),
            (json!({"a": [{"b": 1}]}), json!({"a": {"b": 1}}), json!({})),
            // One field, two spellings: that of the first counts.
            (json!({"a": {"b": 1}}), json!({"a.b": 1}), json!({"a": {"b": 1}})),
            (json!({"a.b": 1}), json!({"a": {"b": 1}}), json!({"a.b": 1})),
            (
                json!({"a.b": {"c": 1, "d": 2}}),
                json!({"a": {"b.c": 1}, "a.b.d": 2}),
                json!({"a.b": {"c": 1, "d": 2}}),
            ),
            // One field in two places of one document has both values.
            (json!({"a": {"b": 1}}), json!({"a.b": 2, "a": {"b": 1}}), json!({"a": {"b": [1]}})),
            (json!({"a.b": 2, "a": {"b": 1}}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}})),
        ] {
            assert_eq!(common(&[&first, &second]), expected, "{first} and {second}");
        }
    }

    #[test]
    fn all_documents_must_have_it() {
        let documents = [
            json!({"a": "x", "b": [1, 2, 3], "c": 1, "d": "y"}),
            json!({"a": "x", "b": [2, 3], "c": 1, "d": "y"}),
            json!({"a": "x", "b": [3, 1], "c": 2, "d": ["y"]}),
        ];
        assert_eq!(common(&documents.iter().collect::<Vec<_>>()), json!({"a": "x", "b": [3], "d": ["y"]}));
        let only = json!({"b": {"c": [1, 1, null]}, "a": {}});
        assert_eq!(common(&[&only]), only);
        assert_eq!(common(&[]), json!({}));
    }

    /// The values of a document by name, as a set; equal numbers are equal texts.
    fn leaves(document: &Value) -> BTreeSet<String> {
        let document = Document::from_map(map(document).clone());
        let text = |(name, scalar): (String, Scalar<'_>)| match scalar {
            Scalar::Int(number) => format!("{name} = {:?}", number as f64),
            Scalar::Float(number) => format!("{name} = {number:?}"),
            other => format!("{name} = {other:?}"),
        };
        document.leaves().into_iter().map(text).collect()
    }

    /// Documents of few names and values, so that two have something in common.
    fn any_document(objects_in_lists: bool) -> impl Strategy<Value = Value> {
        let scalar = prop::sample::select(vec![
            Value::Null,
            json!(1),
            json!(1.0),
            json!(2),
            json!("x"),
            json!("y"),
            json!(true),
        ]);
        let scalars = prop_oneof![
            4 => scalar.clone(),
            1 => prop::collection::vec(scalar, 0..4).prop_map(Value::Array),
        ];
        let value = scalars.prop_recursive(3, 24, 4, move |inner| {
            let list = prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array).boxed();
            let object = any_object(inner).boxed();
            if objects_in_lists { prop_oneof![1 => list, 2 => object].boxed() } else { object }
        });
        any_object(value)
    }

    fn any_object(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec!["a", "b", "c", "a.b", "b.c"]);
        prop::collection::vec((names, values), 0..5).prop_map(|entries| {
            entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
        })
    }

    proptest! {
        #[test]
        fn it_is_contained_in_each(documents in prop::collection::vec(any_document(true), 2..4)) {
            let found = leaves(&common(&documents.iter().collect::<Vec<_>>()));
            for document in &documents {
                prop_assert!(found.is_subset(&leaves(document)), "{} in {}", found.len(), document);
            }
        }

        #[test]
        fn it_is_everything_in_common_where_lists_hold_no_objects(
            documents in prop::collection::vec(any_document(false), 2..4),
        ) {
            let found = leaves(&common(&documents.iter().collect::<Vec<_>>()));
            let sets = documents.iter().map(leaves);
            let expected = sets.reduce(|a, b| a.intersection(&b).cloned().collect()).unwrap_or_default();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn the_order_of_documents_changes_spelling_only(a in any_document(true), b in any_document(true)) {
            prop_assert_eq!(leaves(&common(&[&a, &b])), leaves(&common(&[&b, &a])));
        }

        #[test]
        fn a_document_has_itself_in_common_with_itself(a in any_document(true), b in any_document(true)) {
            prop_assert_eq!(leaves(&common(&[&a, &a])), leaves(&a));
            let both = common(&[&a, &b]);
            prop_assert_eq!(leaves(&common(&[&both, &both])), leaves(&both));
            prop_assert_eq!(leaves(&common(&[&both, &a])), leaves(&both));
        }

        #[test]
        fn nothing_empty_is_left(a in any_document(true), b in any_document(true)) {
            fn is_full(value: &Value) -> bool {
                match value {
                    Value::Object(map) => !map.is_empty() && map.values().all(is_full),
                    Value::Array(items) => !items.is_empty(),
                    _ => true,
                }
            }
            prop_assert!(map(&common(&[&a, &b])).values().all(is_full));
        }
    }
}
