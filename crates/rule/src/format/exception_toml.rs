//! Exception lists in TOML files of our own form, beside rules or in files of their own.
//!
//! ```toml
//! [[exception_list]]
//! list_id = "known-good"
//! name = "Known good"
//! rules = ["AWS KMS Imported Key Material Deleted"]
//!
//! [[exception_list.item]]
//! name = "The rotation job"
//! entries = [
//!   { field = "user.name", value = ["rotation", "rotation-dr"] },
//!   { field = "source.ip", operator = "excluded", list = "offices" },
//! ]
//! ```
//!
//! Keys and their meaning are those of Kibana's API, with less to write: see [`Style::Short`].

use query::Diagnostic;
use serde_json::{Map, Value};

use super::exception_object::{Style, read_entries};
use super::fields::Fields;
use super::{Loaded, Written};
use crate::exception::{ExceptionItem, ExceptionList, NamespaceType};
use crate::origin::Origin;
use crate::places::Places;

/// The name of the table.
pub(super) const TABLE: &str = "exception_list";

/// Reads the list at `index` with its items. An item with a fault is left out, and its faults are errors.
pub(super) fn read(
    value: &Value,
    places: &Places,
    index: usize,
    file: &Origin,
    text: &str,
    loaded: &mut Loaded,
) {
    let path = format!("{TABLE}[{index}]");
    let list_places = places.under(&path);
    let Some(object) = value.as_object() else {
        let found = Diagnostic::error("rule::wrong-type", format!("`{path}` is no table"));
        loaded.diagnostics.push(Diagnostic { span: places.nearest(&path), ..found });
        return;
    };
    let mut fields = Fields::new(object, &list_places, "");
    let items = match fields.raw("item") {
        None => &[][..],
        Some(Value::Array(items)) => items.as_slice(),
        Some(_) => {
            fields.fault("item", "rule::wrong-type", "`item` is not a list of tables".to_owned());
            &[]
        }
    };
    let list_id: String = fields.require("list_id").unwrap_or_default();
    let list_type: String = fields.take_or("type", "detection".to_owned());
    // Lists of the endpoint belong to all spaces in Kibana, and rules refer to them so.
    let of_endpoint = list_type.starts_with("endpoint");
    let usual_namespace = if of_endpoint { NamespaceType::Agnostic } else { NamespaceType::Single };
    let list = ExceptionList {
        id: fields.take("id"),
        name: fields.take_or("name", list_id.clone()),
        list_id,
        description: fields.take_or("description", String::new()),
        list_type,
        namespace_type: fields.take_or("namespace_type", usual_namespace),
        os_types: fields.take_or("os_types", Vec::new()),
        tags: fields.take_or("tags", Vec::new()),
        rules: fields.take_or("rules", Vec::new()),
        extra: Map::new(),
        origin: origin(file, places, &path, text),
        written: Written::Nothing,
    };
    let (extra, diagnostics) = fields.finish(&[], &[], "exception lists");
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    loaded.diagnostics.extend(diagnostics);
    // Items are read also below a list with a fault, so that all faults are told at once.
    for (at, item) in items.iter().enumerate() {
        let path = format!("{path}.item[{at}]");
        let Some(object) = item.as_object() else {
            let found = Diagnostic::error("rule::wrong-type", format!("`{path}` is no table"));
            loaded.diagnostics.push(Diagnostic { span: places.nearest(&path), ..found });
            continue;
        };
        let (item, diagnostics) =
            read_item(object, &places.under(&path), &list, origin(file, places, &path, text));
        loaded.diagnostics.extend(diagnostics);
        if !failed {
            loaded.exception_items.extend(item);
        }
    }
    if !failed {
        loaded.exception_lists.push(ExceptionList { extra, ..list });
    }
}

/// Reads an exception that stands by itself, at `origin`, and applies to one rule: the list that it lies in is made for
/// it. Without a `name` it is called as that list.
pub(super) fn read_alone(
    object: &Map<String, Value>,
    list_id: &str,
    rule_id: &str,
    origin: &Origin,
) -> Loaded {
    let list = ExceptionList {
        id: None,
        name: list_id.to_owned(),
        list_id: list_id.to_owned(),
        description: String::new(),
        list_type: "detection".to_owned(),
        namespace_type: NamespaceType::Single,
        os_types: Vec::new(),
        tags: Vec::new(),
        rules: vec![rule_id.to_owned()],
        extra: Map::new(),
        origin: origin.clone(),
        written: Written::Nothing,
    };
    let mut object = object.clone();
    object.entry("name").or_insert_with(|| list_id.into());
    let (item, diagnostics) = read_item(&object, &Places::new(origin.span), &list, origin.clone());
    let exception_items = item.into_iter().collect();
    Loaded { exception_lists: vec![list], exception_items, diagnostics, ..Loaded::default() }
}

fn read_item(
    object: &Map<String, Value>,
    places: &Places,
    list: &ExceptionList,
    origin: Origin,
) -> (Option<ExceptionItem>, Vec<Diagnostic>) {
    let mut fields = Fields::new(object, places, "");
    let item = ExceptionItem {
        id: fields.take("id"),
        list_id: list.list_id.clone(),
        item_id: fields.take("item_id"),
        name: fields.require("name").unwrap_or_default(),
        description: fields.take_or("description", String::new()),
        namespace_type: list.namespace_type,
        entries: read_entries(&mut fields, Style::Short),
        os_types: fields.take_or("os_types", list.os_types.clone()),
        tags: fields.take_or("tags", Vec::new()),
        comments: fields.take_or("comments", Vec::new()),
        expire_time: fields.parse("expire_time"),
        extra: Map::new(),
        origin,
        written: Written::Nothing,
    };
    let (extra, diagnostics) = fields.finish(&[], &[], "exception items");
    let passed = !diagnostics.iter().any(Diagnostic::is_error);
    (passed.then_some(ExceptionItem { extra, ..item }), diagnostics)
}

/// The table at `path`, which starts where its header does.
fn origin(file: &Origin, places: &Places, path: &str, text: &str) -> Origin {
    let Some(span) = places.value(path) else { return file.clone() };
    let line = 1 + text[..span.start].matches('\n').count();
    Origin { span, line, ..file.clone() }
}
