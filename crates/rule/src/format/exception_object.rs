//! Exception lists and their items as objects of Kibana's API.

use query::Diagnostic;
use serde_json::{Map, Value, json};

use super::Written;
use super::fields::Fields;
use super::write_object::merge;
use crate::exception::{Entry, ExceptionItem, ExceptionList, NamespaceType, Operator};
use crate::origin::Origin;
use crate::places::Places;

/// Keys that say who kept the object and when; they are kept as they are.
const AUDIT: [&str; 9] = [
    "_version",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "tie_breaker_id",
    "meta",
    "version",
    "immutable",
];

/// Reads a list. The diagnostics hold an error exactly when there is none.
pub(super) fn read_list(
    object: &Map<String, Value>,
    places: &Places,
    origin: Origin,
) -> (Option<ExceptionList>, Vec<Diagnostic>) {
    let mut fields = Fields::new(object, places, "");
    let list = ExceptionList {
        id: fields.take("id"),
        list_id: fields.require("list_id").unwrap_or_default(),
        name: fields.require("name").unwrap_or_default(),
        description: fields.take_or("description", String::new()),
        list_type: fields.require("type").unwrap_or_default(),
        namespace_type: fields.take_or("namespace_type", NamespaceType::Single),
        os_types: fields.take_or("os_types", Vec::new()),
        tags: fields.take_or("tags", Vec::new()),
        rules: Vec::new(),
        extra: Map::new(),
        origin,
        written: Written::Json(object.clone()),
    };
    let (extra, diagnostics) = fields.finish(&AUDIT, &[], "exception lists");
    let passed = !diagnostics.iter().any(Diagnostic::is_error);
    (passed.then_some(ExceptionList { extra, ..list }), diagnostics)
}

/// Reads an item. The diagnostics hold an error exactly when there is none.
pub(super) fn read_item(
    object: &Map<String, Value>,
    places: &Places,
    origin: Origin,
) -> (Option<ExceptionItem>, Vec<Diagnostic>) {
    let mut fields = Fields::new(object, places, "");
    if let Some(other) = fields.take::<String>("type").filter(|name| name != "simple") {
        fields.fault("type", "rule::bad-value", format!("an exception item is `simple`, not `{other}`"));
    }
    let entries = read_entries(&mut fields, Style::Kibana);
    let item = ExceptionItem {
        id: fields.take("id"),
        list_id: fields.require("list_id").unwrap_or_default(),
        item_id: fields.take("item_id"),
        name: fields.require("name").unwrap_or_default(),
        description: fields.take_or("description", String::new()),
        namespace_type: fields.take_or("namespace_type", NamespaceType::Single),
        entries,
        os_types: fields.take_or("os_types", Vec::new()),
        tags: fields.take_or("tags", Vec::new()),
        comments: fields.take_or("comments", Vec::new()),
        expire_time: fields.parse("expire_time"),
        extra: Map::new(),
        origin,
        written: Written::Json(object.clone()),
    };
    let (extra, diagnostics) = fields.finish(&AUDIT, &[], "exception items");
    let passed = !diagnostics.iter().any(Diagnostic::is_error);
    (passed.then_some(ExceptionItem { extra, ..item }), diagnostics)
}

/// How much an entry has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Everything, as in Kibana's exports.
    Kibana,
    /// Without an operator it is `included`, without a type `match` or, for a list of values, `match_any`; a value list
    /// goes by its id alone. As in our own TOML files.
    Short,
}

/// Reads `entries`, of which there must be one at least; every fault is noted at its place.
pub(super) fn read_entries(fields: &mut Fields<'_>, style: Style) -> Vec<Entry> {
    let Some(raw) = fields.raw("entries") else {
        fields.missing("entries");
        return Vec::new();
    };
    let Some(values) = raw.as_array() else {
        fields.fault("entries", "rule::wrong-type", "`entries` is no list of tables".to_owned());
        return Vec::new();
    };
    if values.is_empty() {
        let message = "an exception item without entries would except nothing or everything".to_owned();
        fields.fault("entries", "rule::bad-value", message);
    }
    let mut entries = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        entries.extend(read_entry(fields, value, &format!("entries[{index}]"), style, false));
    }
    entries
}

/// Reads one entry, or notes why there is none.
fn read_entry(
    fields: &mut Fields<'_>,
    value: &Value,
    path: &str,
    style: Style,
    nested: bool,
) -> Option<Entry> {
    let Some(object) = value.as_object() else {
        fields.fault(path, "rule::wrong-type", format!("`{path}` is no table"));
        return None;
    };
    let kind = match object.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        None if style == Style::Short => shape(object),
        other => {
            let what = if other.is_some() { "no text" } else { "missing" };
            fields.fault(&format!("{path}.type"), "rule::missing-field", format!("`{path}.type` is {what}"));
            return None;
        }
    };
    let known: &[&str] = match kind {
        "match" | "match_any" | "wildcard" | "matches" => &["type", "field", "operator", "value"],
        "exists" => &["type", "field", "operator"],
        "list" => &["type", "field", "operator", "list"],
        "nested" => &["type", "field", "entries"],
        other => {
            let message = format!(
                "`{other}` is no type of an entry: match, match_any, wildcard, exists, list and nested are"
            );
            fields.fault(&format!("{path}.type"), "rule::bad-value", message);
            return None;
        }
    };
    if nested && matches!(kind, "nested" | "list" | "wildcard" | "matches") {
        let message = "within a nested entry only match, match_any and exists may stand".to_owned();
        fields.fault(path, "rule::bad-value", message);
        return None;
    }
    for key in object.keys().filter(|key| !known.contains(&key.as_str()) && *key != "id") {
        let message = format!("`{key}` is no key of an entry of type {kind}");
        let found = Diagnostic::warning("rule::unknown-key", message);
        fields.note(&format!("{path}.{key}"), found.help("the key has no effect"));
    }
    let field = match object.get("field") {
        Some(Value::String(field)) if !field.trim().is_empty() => Some(field.clone()),
        Some(_) => {
            let message = format!("`{path}.field` is no name of a field");
            fields.fault(&format!("{path}.field"), "rule::wrong-type", message);
            None
        }
        None => {
            fields.fault(path, "rule::missing-field", format!("`{path}.field` is missing"));
            None
        }
    };
    if kind == "nested" {
        let inner = object.get("entries").and_then(Value::as_array).filter(|inner| !inner.is_empty());
        let Some(inner) = inner else {
            let message = "a nested entry needs at least one entry in it".to_owned();
            fields.fault(&format!("{path}.entries"), "rule::bad-value", message);
            return None;
        };
        let read: Vec<Option<Entry>> = inner
            .iter()
            .enumerate()
            .map(|(index, value)| read_entry(fields, value, &format!("{path}.entries[{index}]"), style, true))
            .collect();
        return Some(Entry::Nested { field: field?, entries: read.into_iter().collect::<Option<_>>()? });
    }
    let operator = match object.get("operator") {
        Some(Value::String(name)) if name == "included" => Some(Operator::Included),
        Some(Value::String(name)) if name == "excluded" => Some(Operator::Excluded),
        None if style == Style::Short => Some(Operator::Included),
        None => {
            fields.fault(path, "rule::missing-field", format!("`{path}.operator` is missing"));
            None
        }
        Some(_) => {
            let message = format!("`{path}.operator` is neither `included` nor `excluded`");
            fields.fault(&format!("{path}.operator"), "rule::bad-value", message);
            None
        }
    };
    let at = format!("{path}.value");
    let one = |fields: &mut Fields<'_>| match object.get("value") {
        Some(value) => scalar_text(value).or_else(|| {
            fields.fault(&at, "rule::wrong-type", format!("`{at}` is no text"));
            None
        }),
        None => {
            fields.fault(path, "rule::missing-field", format!("`{at}` is missing"));
            None
        }
    };
    match kind {
        "exists" => Some(Entry::Exists { field: field?, operator: operator? }),
        "match" => {
            let value = one(fields)?;
            if value.starts_with('*') || value.ends_with('*') {
                let found = Diagnostic::warning("rule::literal-wildcard", "a star in `match` is a star");
                fields.note(&at, found.help("`wildcard` takes patterns"));
            }
            Some(Entry::Match { field: field?, operator: operator?, value })
        }
        "wildcard" | "matches" => {
            let value = one(fields)?;
            Some(Entry::Wildcard { field: field?, operator: operator?, value })
        }
        "match_any" => {
            let values = object.get("value").and_then(Value::as_array);
            let values: Option<Vec<String>> =
                values.and_then(|values| values.iter().map(scalar_text).collect());
            match values {
                None => {
                    fields.fault(&at, "rule::wrong-type", format!("`{at}` is no list of texts"));
                    None
                }
                Some(values) if values.is_empty() => {
                    let message = "`match_any` needs at least one value".to_owned();
                    fields.fault(path, "rule::bad-value", message);
                    None
                }
                Some(values) => Some(Entry::MatchAny { field: field?, operator: operator?, values }),
            }
        }
        _ => {
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
            let (list_id, list_type) = match object.get("list") {
                Some(Value::String(id)) if style == Style::Short => (Some(id.clone()), Some(String::new())),
                Some(Value::Object(list)) => {
                    let list_type = text(list.get("type"));
                    let may_lack = style == Style::Short && !list.contains_key("type");
                    (text(list.get("id")), if may_lack { Some(String::new()) } else { list_type })
                }
                _ => (None, None),
            };
            let (Some(list_id), Some(list_type)) = (list_id, list_type) else {
                let message = format!("`{path}.list` does not name a value list by `id` and `type`");
                fields.fault(&format!("{path}.list"), "rule::bad-value", message);
                return None;
            };
            Some(Entry::List { field: field?, operator: operator?, list_id, list_type })
        }
    }
}

/// The type of an entry that does not say it.
fn shape(object: &Map<String, Value>) -> &'static str {
    match object.get("value") {
        Some(Value::Array(_)) => "match_any",
        None if object.contains_key("list") => "list",
        None if object.contains_key("entries") => "nested",
        _ => "match",
    }
}

/// A text, a number or a truth value as the text that Kibana would hold.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The list as an object of an export: what was written, with what changed since.
pub(super) fn write_list(list: &ExceptionList) -> Map<String, Value> {
    let now = list_object(list);
    let Written::Json(written) = &list.written else { return now };
    let (before, _) = read_list(written, &Places::default(), list.origin.clone());
    before.map_or(now.clone(), |before| merge(written, &list_object(&before), &now))
}

/// The item as an object of an export: what was written, with what changed since.
pub(super) fn write_item(item: &ExceptionItem) -> Map<String, Value> {
    let now = item_object(item);
    let Written::Json(written) = &item.written else { return now };
    let (before, _) = read_item(written, &Places::default(), item.origin.clone());
    before.map_or(now.clone(), |before| merge(written, &item_object(&before), &now))
}

fn list_object(list: &ExceptionList) -> Map<String, Value> {
    let mut object = Map::new();
    put_some(&mut object, "id", list.id.as_ref());
    object.insert("list_id".into(), json!(list.list_id));
    object.insert("name".into(), json!(list.name));
    object.insert("description".into(), json!(list.description));
    object.insert("type".into(), json!(list.list_type));
    object.insert("namespace_type".into(), json!(list.namespace_type));
    object.insert("os_types".into(), json!(list.os_types));
    object.insert("tags".into(), json!(list.tags));
    object.extend(list.extra.clone());
    object
}

fn item_object(item: &ExceptionItem) -> Map<String, Value> {
    let mut object = Map::new();
    put_some(&mut object, "id", item.id.as_ref());
    put_some(&mut object, "item_id", item.item_id.as_ref());
    object.insert("list_id".into(), json!(item.list_id));
    object.insert("type".into(), json!("simple"));
    object.insert("name".into(), json!(item.name));
    object.insert("description".into(), json!(item.description));
    object.insert("namespace_type".into(), json!(item.namespace_type));
    object.insert("entries".into(), item.entries.iter().map(entry_object).collect());
    object.insert("os_types".into(), json!(item.os_types));
    object.insert("tags".into(), json!(item.tags));
    object.insert("comments".into(), json!(item.comments));
    put_some(&mut object, "expire_time", item.expire_time.map(|at| at.to_string()).as_ref());
    object.extend(item.extra.clone());
    object
}

fn entry_object(entry: &Entry) -> Value {
    match entry {
        Entry::Match { field, operator, value } => {
            json!({ "field": field, "type": "match", "operator": operator, "value": value })
        }
        Entry::MatchAny { field, operator, values } => {
            json!({ "field": field, "type": "match_any", "operator": operator, "value": values })
        }
        Entry::Exists { field, operator } => {
            json!({ "field": field, "type": "exists", "operator": operator })
        }
        Entry::Wildcard { field, operator, value } => {
            json!({ "field": field, "type": "wildcard", "operator": operator, "value": value })
        }
        Entry::List { field, operator, list_id, list_type } => {
            json!({ "field": field, "type": "list", "operator": operator, "list": { "id": list_id, "type": list_type } })
        }
        Entry::Nested { field, entries } => {
            json!({ "field": field, "type": "nested", "entries": entries.iter().map(entry_object).collect::<Vec<_>>() })
        }
    }
}

fn put_some(object: &mut Map<String, Value>, key: &str, value: Option<&String>) {
    if let Some(value) = value {
        object.insert(key.to_owned(), json!(value));
    }
}
