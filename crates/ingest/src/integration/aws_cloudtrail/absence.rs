//! What the integration takes for absent: null, `""`, `"-"`, `"none"`, and objects and lists that hold nothing else.
//!
//! CloudTrail writes all of them where it has no value. `false`, `0`, `"null"` and `"None"` are values.

use serde_json::{Map, Value};

/// Is there nothing in it?
pub(super) fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => matches!(text.as_str(), "" | "-" | "none"),
        Value::Array(items) => items.iter().all(is_absent),
        Value::Object(map) => map.values().all(is_absent),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Takes everything absent out, from the inside outwards; what stays keeps its order.
pub(super) fn drop_absent(map: &mut Map<String, Value>) {
    map.retain(|_, value| !drop_absent_within(value));
}

/// The same for one value; true when nothing is left.
fn drop_absent_within(value: &mut Value) -> bool {
    match value {
        Value::Array(items) => {
            items.retain_mut(|item| !drop_absent_within(item));
            items.is_empty()
        }
        Value::Object(map) => {
            drop_absent(map);
            map.is_empty()
        }
        scalar => is_absent(scalar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_absent_goes_and_empties_what_held_it() {
        let mut value = json!({
            "a": null, "b": "", "c": "-", "d": "none", "e": {"f": {"g": []}}, "h": ["-", {"i": null}, ["none"]],
            "j": false, "k": 0, "l": "null", "m": "None", "n": [null, 1, {"o": "", "p": "x"}], "q": " ", "r": "--"
        });
        assert!(!drop_absent_within(&mut value));
        let expected = json!({
            "j": false, "k": 0, "l": "null", "m": "None", "n": [1, {"p": "x"}], "q": " ", "r": "--"
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn is_absent_foresees_the_drop() {
        for value in
            [json!({}), json!([[], {"a": [null, "-"]}]), json!("none"), json!(0), json!({"a": [false]})]
        {
            assert_eq!(is_absent(&value), drop_absent_within(&mut value.clone()), "{value}");
        }
    }
}
