//! Moving values from a record into the fields of a document.

use serde_json::{Map, Value};

/// Moves the values under the first names to the second names; a missing key is no fault.
pub(super) fn move_keys(from: &mut Map<String, Value>, to: &mut Map<String, Value>, names: &[(&str, &str)]) {
    for (raw, field) in names {
        put(to, field, from.remove(*raw));
    }
}

/// Takes the object under a key, empty when there is none.
pub(super) fn take_object(from: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
    match from.remove(key) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Sets a field when there is a value.
pub(super) fn put(to: &mut Map<String, Value>, field: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        to.insert(field.to_owned(), value.into());
    }
}

/// Sets a field to an object unless that is empty.
pub(super) fn put_object(to: &mut Map<String, Value>, field: &str, object: Map<String, Value>) {
    put(to, field, (!object.is_empty()).then_some(object));
}
