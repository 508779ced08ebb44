//! Where a dotted name leads in a JSON value.

use std::borrow::Cow;

use serde_json::Value;

/// Keys with more dots than this are not tried.
const MAX_DOTS: usize = 16;

/// The value at a path, tried as nested and as dotted keys; the first way that leads somewhere counts.
///
/// A number leads into an array; another name is looked for in each element, and what is found becomes one array. At the
/// end of a path, `asJSON` is the JSON text of an array or object, and `length` the number of elements of an array.
pub(super) fn lookup<'a>(value: &'a Value, path: &[String]) -> Option<Cow<'a, Value>> {
    if let Some((last, before)) = path.split_last()
        && last == "asJSON"
        && let Some(found) = walk(value, before)
        && (found.is_object() || found.is_array())
    {
        return Some(Cow::Owned(Value::from(found.to_string())));
    }
    walk(value, path)
}

fn walk<'a>(value: &'a Value, path: &[String]) -> Option<Cow<'a, Value>> {
    let Some(first) = path.first() else { return Some(Cow::Borrowed(value)) };
    match value {
        Value::Object(map) => {
            if let Some(found) = map.get(first).and_then(|inner| walk(inner, &path[1..])) {
                return Some(found);
            }
            let mut key = first.clone();
            for (at, segment) in path.iter().enumerate().skip(1).take(MAX_DOTS) {
                key.push('.');
                key.push_str(segment);
                if let Some(found) = map.get(&key).and_then(|inner| walk(inner, &path[at + 1..])) {
                    return Some(found);
                }
            }
            None
        }
        Value::Array(items) => {
            if let Ok(index) = first.parse::<usize>() {
                return items.get(index).and_then(|item| walk(item, &path[1..]));
            }
            if path.len() == 1 && first == "length" {
                return Some(Cow::Owned(Value::from(items.len())));
            }
            let mut gathered = Vec::new();
            for found in items.iter().filter_map(|item| walk(item, path)) {
                match found.into_owned() {
                    Value::Array(inner) => gathered.extend(inner),
                    Value::Null => {}
                    inner => gathered.push(inner),
                }
            }
            (!gathered.is_empty()).then_some(Cow::Owned(Value::Array(gathered)))
        }
        _ => None,
    }
}
