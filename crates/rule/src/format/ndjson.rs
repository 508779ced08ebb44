//! Kibana's exports: rules, exception lists, exception items and connectors as JSON objects, one a line.
//!
//! One object over several lines, and an array of objects, are read too.
//! Source: elastic/kibana, route `POST /api/detection_engine/rules/_export`.

use std::path::Path;

use query::{Diagnostic, Span};
use serde_json::{Map, Value};

use super::write_object::{merge, rule_object};
use super::{FailedRule, Loaded, Written, exception_object, rule_object as read_object};
use crate::exception::{ExceptionItem, ExceptionList};
use crate::origin::{Format, Origin};
use crate::places::{Places, json_elements, of_json};
use crate::rule::Rule;

/// Reads everything that a text holds. Never panics; what cannot be read is in the diagnostics, with its place.
pub fn read(text: &str, path: &Path) -> Loaded {
    let mut loaded = Loaded::default();
    let origin = Origin::whole(path, Format::Json, text);
    for span in objects(text, &mut loaded.diagnostics) {
        let source = &text[span.start..span.end];
        let line = 1 + text[..span.start].matches('\n').count();
        let origin = Origin { span, line, ..origin.clone() };
        match serde_json::from_str(source) {
            Ok(Value::Object(object)) => read_one(text, object, origin, &mut loaded),
            Ok(_) => {
                let message = format!("line {line} holds no JSON object");
                loaded.diagnostics.push(Diagnostic::error("rule::json-syntax", message).at(span));
            }
            Err(error) => loaded.diagnostics.push(syntax_fault(text, span, &error)),
        }
    }
    check_details(&mut loaded);
    loaded
}

/// Writes everything in Kibana's order: rules, lists, items, connectors, and the details when there are any.
/// Every line ends in a line break. An object that did not change since it was read is written as it was.
pub fn write(loaded: &Loaded) -> String {
    let mut text = String::new();
    let rules = loaded.rules.iter().map(|rule| Value::Object(write_rule(rule)));
    let lists = loaded.exception_lists.iter().map(|list| Value::Object(exception_object::write_list(list)));
    let items = loaded.exception_items.iter().map(|item| Value::Object(exception_object::write_item(item)));
    let details = loaded.details.iter().map(|details| Value::Object(details.clone()));
    for object in rules.chain(lists).chain(items).chain(loaded.connectors.iter().cloned()).chain(details) {
        text.push_str(&object.to_string());
        text.push('\n');
    }
    text
}

/// The rule as an object of an export: what was written, with what changed since.
pub fn write_rule(rule: &Rule) -> Map<String, Value> {
    let now = rule_object(rule);
    let Written::Json(written) = &rule.written else { return now };
    let (before, _) =
        read_object::read(written, &Places::default(), rule.origin.clone(), None, Written::Nothing);
    before.map_or(now.clone(), |before| merge(written, &rule_object(&before), &now))
}

/// Reads an exception list and its items from objects of Kibana's API, as TOML files hold them too.
pub(super) fn read_exceptions(
    places: &Places,
    list: Option<&Map<String, Value>>,
    items: &[&Map<String, Value>],
    origin: &Origin,
) -> (Option<ExceptionList>, Vec<ExceptionItem>, Vec<Diagnostic>) {
    let (mut found, mut diagnostics) = (Vec::new(), Vec::new());
    let list = list.and_then(|object| {
        let (list, faults) = exception_object::read_list(object, places, origin.clone());
        diagnostics.extend(faults);
        list
    });
    for object in items {
        let (item, faults) = exception_object::read_item(object, places, origin.clone());
        found.extend(item);
        diagnostics.extend(faults);
    }
    (list, found, diagnostics)
}

fn read_one(text: &str, object: Map<String, Value>, origin: Origin, loaded: &mut Loaded) {
    let (places, repeated) = of_json(text, origin.span);
    for path in repeated {
        let message = format!("`{path}` is written twice; the last one counts");
        let found = Diagnostic::warning("rule::duplicate-key", message);
        loaded.diagnostics.push(Diagnostic { span: places.key(&path), ..found });
    }
    match kind(&object) {
        Kind::Details => loaded.details = Some(object),
        Kind::Connector => loaded.connectors.push(Value::Object(object)),
        Kind::List => {
            let (list, diagnostics) = exception_object::read_list(&object, &places, origin);
            loaded.exception_lists.extend(list);
            loaded.diagnostics.extend(diagnostics);
        }
        Kind::Item => {
            let (item, diagnostics) = exception_object::read_item(&object, &places, origin);
            loaded.exception_items.extend(item);
            loaded.diagnostics.extend(diagnostics);
        }
        Kind::Rule => {
            let written = Written::Json(object.clone());
            let (rule, diagnostics) = read_object::read(&object, &places, origin.clone(), None, written);
            if rule.is_none() {
                loaded.failed.push(FailedRule::new(&object, origin, &diagnostics));
            }
            loaded.rules.extend(rule);
            loaded.diagnostics.extend(diagnostics);
        }
    }
}

enum Kind {
    Rule,
    List,
    Item,
    Connector,
    Details,
}

/// What an object of an export is. What cannot be told is a rule, so that its faults are reported.
fn kind(object: &Map<String, Value>) -> Kind {
    let has = |key: &str| object.contains_key(key);
    if has("exported_count") || has("exported_rules_count") {
        Kind::Details
    } else if has("rule_id") {
        Kind::Rule
    } else if has("list_id") && (has("entries") || has("item_id")) {
        Kind::Item
    } else if has("list_id") {
        Kind::List
    } else if has("attributes") || has("connector_type_id") || has("actionTypeId") {
        Kind::Connector
    } else {
        Kind::Rule
    }
}

/// The places of the objects in a text: elements of an array, one object, or one a line.
fn objects(text: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Span> {
    let content = text.strip_prefix('\u{feff}').unwrap_or(text);
    let start = text.len() - content.len();
    let whole = trim(text, Span::new(start, text.len()));
    let source = &text[whole.start..whole.end];
    if source.is_empty() {
        diagnostics.push(Diagnostic::error("rule::no-rule", "the file is empty"));
        return Vec::new();
    }
    if source.starts_with('[') {
        return match serde_json::from_str::<Vec<serde::de::IgnoredAny>>(source) {
            Ok(_) => json_elements(source).into_iter().map(|span| span.shift(whole.start)).collect(),
            Err(error) => {
                diagnostics.push(syntax_fault(text, whole, &error));
                Vec::new()
            }
        };
    }
    let mut lines = Vec::new();
    let mut at = whole.start;
    for line in source.split('\n') {
        let span = trim(text, Span::new(at, at + line.len()));
        if span.start < span.end {
            lines.push(span);
        }
        at += line.len() + 1;
    }
    // One object over several lines, perhaps with a fault in it: no line is an object by itself.
    let is_object = |span: &Span| {
        let line = &text[span.start..span.end];
        line.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()
    };
    if source.starts_with('{') && lines.len() > 1 && !lines.iter().any(is_object) {
        return vec![whole];
    }
    lines
}

fn trim(text: &str, span: Span) -> Span {
    let source = &text[span.start..span.end];
    let start = span.start + (source.len() - source.trim_start().len());
    Span::new(start, start + source.trim().len())
}

/// serde_json counts lines from one and columns in bytes, from one, within `span`.
fn syntax_fault(text: &str, span: Span, error: &serde_json::Error) -> Diagnostic {
    let source = &text[span.start..span.end];
    let line_start = match error.line() {
        0 | 1 => 0,
        line => source.match_indices('\n').nth(line - 2).map_or(source.len(), |(at, _)| at + 1),
    };
    let mut at = (line_start + error.column().saturating_sub(1)).min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    let end = source[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or("").to_owned();
    Diagnostic::error("rule::json-syntax", format!("this is no JSON: {message}"))
        .at(Span::new(at, end).shift(span.start))
}

/// An export says how much it holds; less than that means that something was lost on the way here.
fn check_details(loaded: &mut Loaded) {
    let Some(details) = &loaded.details else { return };
    let counts = [
        ("exported_rules_count", loaded.rules.len() + loaded.failed.len(), "rules"),
        ("exported_action_connector_count", loaded.connectors.len(), "connectors"),
    ];
    for (key, found, what) in counts {
        let Some(said) = details.get(key).and_then(Value::as_u64) else { continue };
        if usize::try_from(said).ok() != Some(found) {
            let message = format!("the export says that it holds {said} {what}, but {found} were found");
            loaded.diagnostics.push(Diagnostic::warning("rule::count-differs", message));
        }
    }
    let missing = details.get("missing_rules").and_then(Value::as_array).map_or(0, Vec::len);
    if missing > 0 {
        let message = format!("the export says that {missing} rules could not be exported");
        loaded.diagnostics.push(Diagnostic::warning("rule::count-differs", message));
    }
}
