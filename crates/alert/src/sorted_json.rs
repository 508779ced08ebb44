//! JSON text with the keys of every object in byte order, written of trees whose keys are in any order.
//!
//! Bringing a tree in order costs more than writing it.

use serde_json::Value;
use smallvec::SmallVec;

/// Nearly all objects have so many fields or fewer.
const FEW: usize = 16;

/// Appends `"name":value,`.
///
/// # Errors
/// None that JSON values can cause; so it is with all that is here.
pub(crate) fn write_field(name: &str, value: &Value, to: &mut Vec<u8>) -> serde_json::Result<()> {
    write_text(name, to)?;
    to.push(b':');
    write_value(value, to)?;
    to.push(b',');
    Ok(())
}

/// Fields in byte order of their names, each of which is there once.
pub(crate) fn in_order<'a, T>(
    fields: impl IntoIterator<Item = (&'a str, T)>,
) -> SmallVec<[(&'a str, T); FEW]> {
    let mut fields: SmallVec<[(&str, T); FEW]> = fields.into_iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    fields
}

/// Takes back the comma behind the last field or item, if there is one.
pub(crate) fn end_list(begin: usize, close: u8, to: &mut Vec<u8>) {
    if to.len() > begin {
        to.pop();
    }
    to.push(close);
}

fn write_value(value: &Value, to: &mut Vec<u8>) -> serde_json::Result<()> {
    match value {
        Value::String(text) => write_text(text, to)?,
        Value::Array(items) => {
            to.push(b'[');
            let begin = to.len();
            for item in items {
                write_value(item, to)?;
                to.push(b',');
            }
            end_list(begin, b']', to);
        }
        Value::Object(map) => {
            to.push(b'{');
            let begin = to.len();
            for (name, value) in in_order(map.iter().map(|(name, value)| (name.as_str(), value))) {
                write_field(name, value, to)?;
            }
            end_list(begin, b'}', to);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => serde_json::to_writer(to, value)?,
    }
    Ok(())
}

fn write_text(text: &str, to: &mut Vec<u8>) -> serde_json::Result<()> {
    let is_special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // Looks at all bytes, since many are looked at in one step.
    if text.bytes().fold(false, |found, byte| found | is_special(byte)) {
        return serde_json::to_writer(to, text);
    }
    to.reserve(text.len() + 2);
    to.push(b'"');
    to.extend_from_slice(text.as_bytes());
    to.push(b'"');
    Ok(())
}
