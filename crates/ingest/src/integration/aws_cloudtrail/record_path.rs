//! Values of a record by dotted paths, and the fault when a value is of another type than its place asks for.

use serde_json::{Map, Value};

/// A value that has another type than is needed where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` should be {expected}")]
pub(super) struct WrongType {
    pub(super) path: String,
    pub(super) expected: &'static str,
}

impl WrongType {
    pub(super) fn new(path: &str, expected: &'static str) -> Self {
        Self { path: path.to_owned(), expected }
    }
}

/// The value at a path. Where a step finds no object, the rest of the path may be one key with dots in it.
pub(super) fn value_at<'a>(record: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut at = record;
    let mut rest = path;
    while let Some((step, tail)) = rest.split_once('.') {
        match at.get(step) {
            Some(Value::Object(inner)) => {
                at = inner;
                rest = tail;
            }
            _ => break,
        }
    }
    at.get(rest)
}

/// The text at a path; another type than text is a fault.
pub(super) fn text_at<'a>(record: &'a Map<String, Value>, path: &str) -> Result<Option<&'a str>, WrongType> {
    value_at(record, path).map(|value| as_text(value, path)).transpose()
}

/// The elements of the list at a path, none when it is missing; another type than a list is a fault.
pub(super) fn list_at<'a>(record: &'a Map<String, Value>, path: &str) -> Result<&'a [Value], WrongType> {
    value_at(record, path).map_or(Ok(&[]), |value| as_list(value, path))
}

/// A value that must be text.
pub(super) fn as_text<'a>(value: &'a Value, path: &str) -> Result<&'a str, WrongType> {
    value.as_str().ok_or_else(|| WrongType::new(path, "text"))
}

/// A value that must be a list.
pub(super) fn as_list<'a>(value: &'a Value, path: &str) -> Result<&'a [Value], WrongType> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| WrongType::new(path, "a list"))
}

/// A value that must be an object.
pub(super) fn as_object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, WrongType> {
    value.as_object().ok_or_else(|| WrongType::new(path, "an object"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_end_at_values_of_the_expected_type() {
        let record = json!({"a": {"b": "x", "n": 1, "l": [1]}, "s": "y", "c.d": "dotted"});
        let record = record.as_object().unwrap();
        assert_eq!(text_at(record, "a.b"), Ok(Some("x")));
        assert_eq!(text_at(record, "s"), Ok(Some("y")));
        assert_eq!(text_at(record, "c.d"), Ok(Some("dotted")));
        assert_eq!(text_at(record, "a.z"), Ok(None));
        assert_eq!(text_at(record, "s.z"), Ok(None));
        assert_eq!(text_at(record, "a.n"), Err(WrongType::new("a.n", "text")));
        assert_eq!(list_at(record, "a.l"), Ok(&[json!(1)][..]));
        assert_eq!(list_at(record, "a.z"), Ok(&[][..]));
        assert_eq!(list_at(record, "a"), Err(WrongType::new("a", "a list")));
    }
}
