//! Exception lists and their items as objects of Kibana's API.

use query::Diagnostic;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Written;
use super::fields::Fields;
use super::write_object::merge;
use crate::exception::{Entry, ExceptionItem, ExceptionList, NamespaceType, Operator};
use crate::origin::Origin;
use crate::places::Places;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum EntryObject {
    Match { field: String, operator: Operator, value: String },
    MatchAny { field: String, operator: Operator, value: Vec<String> },
    Exists { field: String, operator: Operator },
    Wildcard { field: String, operator: Operator, value: String },
    List { field: String, operator: Operator, list: ListObject },
    Nested { field: String, entries: Vec<EntryObject> },
}

#[derive(Deserialize)]
struct ListObject {
    id: String,
    #[serde(rename = "type")]
    list_type: String,
}

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
    let entries: Vec<EntryObject> = fields.require("entries").unwrap_or_default();
    if entries.is_empty() && fields.raw("entries").is_some_and(|v| v.as_array().is_some_and(Vec::is_empty)) {
        let message = "an exception item without entries would except nothing or everything".to_owned();
        fields.fault("entries", "rule::bad-value", message);
    }
    let item = ExceptionItem {
        id: fields.take("id"),
        list_id: fields.require("list_id").unwrap_or_default(),
        item_id: fields.take("item_id"),
        name: fields.require("name").unwrap_or_default(),
        description: fields.take_or("description", String::new()),
        namespace_type: fields.take_or("namespace_type", NamespaceType::Single),
        entries: entries.into_iter().map(Entry::from).collect(),
        os_types: fields.take_or("os_types", Vec::new()),
        tags: fields.take_or("tags", Vec::new()),
        comments: fields.take_or("comments", Vec::new()),
        expire_time: fields.parse("expire_time"),
        extra: Map::new(),
        origin,
        written: Written::Json(object.clone()),
    };
    for (index, entry) in item.entries.iter().enumerate() {
        check_entry(&mut fields, entry, &format!("entries[{index}]"), false);
    }
    let (extra, diagnostics) = fields.finish(&AUDIT, &[], "exception items");
    let passed = !diagnostics.iter().any(Diagnostic::is_error);
    (passed.then_some(ExceptionItem { extra, ..item }), diagnostics)
}

fn check_entry(fields: &mut Fields<'_>, entry: &Entry, path: &str, nested: bool) {
    match entry {
        Entry::MatchAny { values, .. } if values.is_empty() => {
            fields.fault(path, "rule::bad-value", "`match_any` needs at least one value".to_owned());
        }
        Entry::Nested { .. } | Entry::List { .. } | Entry::Wildcard { .. } if nested => {
            let message = "within a nested entry only match, match_any and exists may stand".to_owned();
            fields.fault(path, "rule::bad-value", message);
        }
        Entry::Nested { entries, .. } => {
            for (index, inner) in entries.iter().enumerate() {
                check_entry(fields, inner, &format!("{path}.entries[{index}]"), true);
            }
        }
        _ => {}
    }
}

impl From<EntryObject> for Entry {
    fn from(object: EntryObject) -> Self {
        match object {
            EntryObject::Match { field, operator, value } => Self::Match { field, operator, value },
            EntryObject::MatchAny { field, operator, value } => {
                Self::MatchAny { field, operator, values: value }
            }
            EntryObject::Exists { field, operator } => Self::Exists { field, operator },
            EntryObject::Wildcard { field, operator, value } => Self::Wildcard { field, operator, value },
            EntryObject::List { field, operator, list } => {
                Self::List { field, operator, list_id: list.id, list_type: list.list_type }
            }
            EntryObject::Nested { field, entries } => {
                Self::Nested { field, entries: entries.into_iter().map(Self::from).collect() }
            }
        }
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
