//! The reason: one sentence that says what happened, and which rule says so.
//!
//! Source: elastic/kibana rule_types/utils/reason_formatters.ts.

use ecs::Document;
use rule::Severity;
use serde_json::Value;

use crate::javascript_number;
use crate::source::lookup;

/// The sentence for an alert of any type. `rule_name` and `severity` are those after overrides.
///
/// A field is told when it is a non-empty text or list; a lone `-` is not told, and neither is a number that stands
/// alone, so that a port appears only when it is a text or in a list.
pub fn reason(document: &Document, rule_name: &str, severity: Severity) -> String {
    reason_of(&what_happened(document), rule_name, severity)
}

/// The same, of what [`what_happened`] says.
pub(crate) fn reason_of(what_happened: &str, rule_name: &str, severity: Severity) -> String {
    format!("{what_happened} created {severity} alert {rule_name}.")
}

/// The first half of the sentence.
pub(crate) fn what_happened(document: &Document) -> String {
    let piece = |before: &str, field: &str, after: &str| {
        let value = lookup(document, field).and_then(told);
        value.map_or_else(String::new, |value| format!("{before}{value}{after}"))
    };
    let details = [
        piece(" process ", "process.name", ","),
        piece(" parent process ", "process.parent.name", ","),
        piece(" file ", "file.name", ","),
        piece(" source ", "source.ip", ""),
        piece(":", "source.port", ","),
        piece(" destination ", "destination.ip", ""),
        piece(":", "destination.port", ","),
    ]
    .concat();
    let category = piece("", "event.category", " ");
    let with = if details.is_empty() { "" } else { " with" };
    let user = piece(" by ", "user.name", "");
    let host = piece(" on ", "host.name", "");
    format!("{category}event{with}{details}{user}{host}")
}

/// The value as the sentence tells it, or none.
fn told(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() && text != "-" => Some(text.clone()),
        Value::Array(items) if !items.is_empty() && items[..] != ["-"] => {
            Some(items.iter().map(element).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    }
}

fn element(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => javascript_number::to_text(number.as_f64().unwrap_or(f64::NAN)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_sentence_is_that_of_kibana() {
        for (source, expected) in [
            (json!({}), "event created low alert My rule."),
            (
                json!({
                    "event": {"category": "process"}, "process": {"name": "cmd.exe", "parent": {"name": "explorer.exe"}},
                    "user": {"name": "bob"}, "host": {"name": "h1"}
                }),
                "process event with process cmd.exe, parent process explorer.exe, by bob on h1 created low alert My rule.",
            ),
            (
                json!({
                    "event": {"category": ["network", "process"]}, "source": {"ip": "10.0.0.1", "port": ["4444"]},
                    "destination": {"ip": "8.8.8.8", "port": "53"}, "host": {"name": "h1"}
                }),
                "network, process event with source 10.0.0.1:4444, destination 8.8.8.8:53, on h1 created low alert My rule.",
            ),
            (
                json!({"source": {"ip": "10.0.0.1"}, "destination": {"ip": "8.8.8.8"}}),
                "event with source 10.0.0.1 destination 8.8.8.8 created low alert My rule.",
            ),
            // A number that stands alone is not told; in a list it is.
            (
                json!({"source": {"ip": "10.0.0.1", "port": 4444}, "destination": {"port": [53]}}),
                "event with source 10.0.0.1:53, created low alert My rule.",
            ),
            (
                json!({"user.name": "bob", "host": {"name": ["a", "b"]}, "file": {"name": "-"}, "process": {"name": ["-"]}}),
                "event by bob on a, b created low alert My rule.",
            ),
            (json!({"user": {"name": ""}, "host": {"name": []}}), "event created low alert My rule."),
            (json!({"file": {"name": "x"}}), "event with file x, created low alert My rule."),
            (json!({"process": {"parent.name": "explorer.exe"}}), "event created low alert My rule."),
        ] {
            let Value::Object(map) = source.clone() else { panic!("not an object") };
            let document = Document::from_map(map);
            assert_eq!(reason(&document, "My rule", Severity::Low), expected, "{source}");
        }
    }
}
