//! Rule files of elastic/detection-rules: `[metadata]`, `[rule]` and perhaps `[transform]`.
//!
//! Files with `[[exceptions]]` and `[[action_connectors]]` are read too, and our own `[[exception_list]]`.
//! Source: elastic/detection-rules detection_rules/{rule,exception,action_connector}.py.

use std::path::Path;

use ::toml::de::{DeTable, DeValue};
use ::toml::{Table, Value as TomlValue};
use query::{Diagnostic, Span};
use serde_json::{Map, Value};

use super::write_object::{merge, rule_object};
use super::{FailedRule, Loaded, Written, exception_toml, ndjson, placeholder, rule_object as read_object};
use crate::error::Error;
use crate::origin::{Format, Origin};
use crate::places::Places;
use crate::rule::{Rule, TomlMetadata};

/// Reads a rule file. Never panics; what cannot be read is in the diagnostics, with its place.
pub fn read(text: &str, path: &Path) -> Loaded {
    let origin = Origin::whole(path, Format::Toml, text);
    let mut loaded = Loaded::default();
    let File { table, places, faults } = File::parse(text);
    let broken = !faults.is_empty();
    loaded.diagnostics.extend(faults);
    let object = json_object(&table);
    if broken {
        // What was salvaged names the rule, but may lack any part of it.
        let rule = object.get("rule").and_then(Value::as_object).cloned().unwrap_or_default();
        loaded.failed.push(FailedRule::new(&rule, origin, &loaded.diagnostics));
        return loaded;
    }
    let tables = ["metadata", "rule", "transform", "exceptions", "action_connectors", exception_toml::TABLE];
    for (key, _) in object.iter().filter(|(key, _)| !tables.contains(&key.as_str())) {
        let found = Diagnostic::warning("rule::unknown-key", format!("`{key}` is no table of a rule file"));
        loaded.diagnostics.push(Diagnostic { span: places.key(key), ..found });
    }
    for key in ["exceptions", "action_connectors", exception_toml::TABLE] {
        if object.get(key).is_some_and(|value| !value.is_array()) {
            let found = Diagnostic::error("rule::wrong-type", format!("`{key}` is not a list of tables"));
            loaded.diagnostics.push(Diagnostic { span: places.nearest(key), ..found });
        }
    }
    if object.get("transform").is_some_and(|value| !value.is_object()) {
        let found =
            Diagnostic::warning("rule::wrong-type", "`transform` is not a table: the guide stays as it is");
        loaded.diagnostics.push(Diagnostic { span: places.nearest("transform"), ..found });
    }
    let mut content = false;
    for (index, exceptions) in list(&object, "exceptions").enumerate() {
        content = true;
        read_exceptions(exceptions, &places, index, &origin, &mut loaded);
    }
    for (index, list) in list(&object, exception_toml::TABLE).enumerate() {
        content = true;
        exception_toml::read(list, &places, index, &origin, text, &mut loaded);
    }
    for connector in list(&object, "action_connectors") {
        content = true;
        loaded.connectors.push(connector.clone());
    }
    match object.get("rule") {
        Some(Value::Object(rule)) => read_rule(rule, &object, &table, &places, origin, &mut loaded),
        Some(_) => {
            let found = Diagnostic::error("rule::wrong-type", "`rule` is no table");
            loaded.diagnostics.push(Diagnostic { span: places.nearest("rule"), ..found });
        }
        None if content => {}
        None => {
            let found = Diagnostic::error("rule::no-rule", "the file has no table `[rule]`");
            loaded.diagnostics.push(found.at(Span::new(0, text.len().min(1))));
        }
    }
    loaded
}

/// Writes a rule file. What did not change since the rule was read from such a file is written as it was, though
/// comments and the way of quoting are not kept.
///
/// # Errors
/// [`Error::NotToml`] when a value of the rule has no form in TOML: `null` in a list, numbers beyond 64 bits.
pub fn write(rule: &Rule) -> Result<String, Error> {
    let not_toml = |reason: String| Error::NotToml { rule_id: rule.rule_id.clone(), reason };
    let table = match &rule.written {
        Written::Toml(written) => written_back(rule, written).map_err(not_toml)?,
        Written::Json(_) | Written::Nothing => from_scratch(rule).map_err(not_toml)?,
    };
    ::toml::to_string_pretty(&table).map_err(|error| not_toml(error.to_string()))
}

/// The places in a rule file; see [`format::places`](super::places).
pub(super) fn places(text: &str) -> Places {
    File::parse(text).places
}

struct File {
    table: Table,
    places: Places,
    faults: Vec<Diagnostic>,
}

impl File {
    fn parse(text: &str) -> Self {
        let (document, errors) = DeTable::parse_recoverable(text);
        let mut faults: Vec<Diagnostic> = errors
            .iter()
            .map(|error| {
                let found =
                    Diagnostic::error("rule::toml-syntax", format!("this is no TOML: {}", error.message()));
                let span = error.span().map(|range| Span::new(range.start, range.end));
                Diagnostic { span, ..found }
            })
            .collect();
        let mut places = Places::new(Span::new(0, text.len().min(1)));
        let table = convert_table(document.get_ref(), &mut String::new(), &mut places, &mut faults);
        // New terms have a shape of their own in these files.
        places.alias("rule.new_terms.value", "rule.new_terms_fields");
        places.alias("rule.new_terms.history_window_start[0].value", "rule.history_window_start");
        places.alias("rule", "");
        Self { table, places, faults }
    }
}

fn convert_table(
    table: &DeTable<'_>,
    path: &mut String,
    places: &mut Places,
    faults: &mut Vec<Diagnostic>,
) -> Table {
    let mut converted = Table::new();
    for (key, value) in table {
        let outer = path.len();
        if outer > 0 {
            path.push('.');
        }
        path.push_str(key.get_ref());
        let (key_span, span) = (key.span(), value.span());
        places.note(path, Some(Span::new(key_span.start, key_span.end)), Span::new(span.start, span.end));
        let value = convert_value(value.get_ref(), Span::new(span.start, span.end), path, places, faults);
        converted.insert(key.get_ref().to_string(), value);
        path.truncate(outer);
    }
    converted
}

fn convert_value(
    value: &DeValue<'_>,
    span: Span,
    path: &mut String,
    places: &mut Places,
    faults: &mut Vec<Diagnostic>,
) -> TomlValue {
    match value {
        DeValue::String(text) => TomlValue::String(text.to_string()),
        DeValue::Boolean(value) => TomlValue::Boolean(*value),
        DeValue::Datetime(value) => TomlValue::Datetime(*value),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => TomlValue::Integer(number),
            Err(_) => {
                faults.push(
                    Diagnostic::error("rule::toml-syntax", "the number does not fit into 64 bits").at(span),
                );
                TomlValue::Integer(0)
            }
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => TomlValue::Float(number),
            Err(_) => {
                faults.push(Diagnostic::error("rule::toml-syntax", "this is no number").at(span));
                TomlValue::Float(0.0)
            }
        },
        DeValue::Array(items) => {
            let mut converted = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let outer = path.len();
                path.push_str(&format!("[{index}]"));
                let span = Span::new(item.span().start, item.span().end);
                places.note(path, None, span);
                converted.push(convert_value(item.get_ref(), span, path, places, faults));
                path.truncate(outer);
            }
            TomlValue::Array(converted)
        }
        DeValue::Table(table) => TomlValue::Table(convert_table(table, path, places, faults)),
    }
}

fn read_rule(
    rule: &Map<String, Value>,
    file: &Map<String, Value>,
    table: &Table,
    places: &Places,
    origin: Origin,
    loaded: &mut Loaded,
) {
    let metadata = match file.get("metadata") {
        Some(Value::Object(metadata)) => {
            let (metadata, diagnostics) = read_object::read_metadata(metadata, places);
            loaded.diagnostics.extend(diagnostics);
            Some(metadata)
        }
        _ => {
            let found = Diagnostic::warning("rule::missing-field", "the file has no table `[metadata]`");
            loaded.diagnostics.push(Diagnostic { span: places.nearest("metadata"), ..found });
            None
        }
    };
    let mut object = rule.clone();
    flatten_new_terms(&mut object);
    if let (Some(Value::Object(transform)), Some(Value::String(note))) =
        (file.get("transform"), object.get_mut("note"))
    {
        let (filled, unknown) = placeholder::fill(note, transform);
        *note = filled;
        for name in unknown {
            let message = format!("`{name}` in the guide names nothing in `[transform]`");
            let found = Diagnostic::warning("rule::unknown-placeholder", message);
            loaded.diagnostics.push(Diagnostic { span: places.nearest("note"), ..found });
        }
    }
    let written = Written::Toml(table.clone());
    let (read, diagnostics) = read_object::read(&object, places, origin.clone(), metadata, written);
    if read.is_none() {
        loaded.failed.push(FailedRule::new(&object, origin, &diagnostics));
    }
    loaded.rules.extend(read);
    loaded.diagnostics.extend(diagnostics);
}

/// `new_terms = {field = "new_terms_fields", value = […], history_window_start = [{field, value}]}` becomes the two
/// keys of Kibana's object. A table of another shape stays, and is reported as unknown.
fn flatten_new_terms(rule: &mut Map<String, Value>) {
    let Some(table) = rule.get("new_terms").and_then(Value::as_object) else { return };
    let fields = table.get("value").cloned();
    let start = match table.get("history_window_start").and_then(Value::as_array).map(Vec::as_slice) {
        Some([item]) => item.get("value").cloned(),
        _ => None,
    };
    let (Some(fields), Some(start)) = (fields, start) else { return };
    rule.remove("new_terms");
    rule.insert("new_terms_fields".to_owned(), fields);
    rule.insert("history_window_start".to_owned(), start);
}

fn read_exceptions(exceptions: &Value, places: &Places, index: usize, origin: &Origin, loaded: &mut Loaded) {
    let mut places = places.clone();
    places.alias(&format!("exceptions[{index}]"), "");
    let container = exceptions.get("container").and_then(Value::as_object);
    if container.is_none() {
        let found = Diagnostic::error("rule::missing-field", "the exception list has no table `container`");
        loaded.diagnostics.push(Diagnostic { span: places.nearest("container"), ..found });
    }
    let mut items = Vec::new();
    for (at, item) in list_of(exceptions.get("items")).enumerate() {
        match item.as_object() {
            Some(item) => items.push(item),
            None => {
                let found = Diagnostic::error("rule::wrong-type", format!("`items[{at}]` is no table"));
                loaded
                    .diagnostics
                    .push(Diagnostic { span: places.nearest(&format!("items[{at}]")), ..found });
            }
        }
    }
    let (list, items, diagnostics) = ndjson::read_exceptions(&places, container, &items, origin);
    loaded.exception_lists.extend(list);
    loaded.exception_items.extend(items);
    loaded.diagnostics.extend(diagnostics);
}

fn list<'a>(object: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = &'a Value> {
    list_of(object.get(key))
}

fn list_of(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn written_back(rule: &Rule, written: &Table) -> Result<Table, String> {
    let loaded_before = {
        let text = ::toml::to_string(written).map_err(|error| error.to_string())?;
        read(&text, &rule.origin.path)
    };
    let Some(before) = loaded_before.rules.into_iter().next() else { return from_scratch(rule) };
    let (before_object, now_object) = (rule_object(&before), rule_object(rule));
    let mut table = written.clone();
    if before_object != now_object {
        // Kibana's shape of new terms is read too, so only a changed rule loses the shape of these files.
        let mut object =
            written.get("rule").and_then(TomlValue::as_table).map(json_object).unwrap_or_default();
        let changed = |key| before_object.get(key) != now_object.get(key);
        if changed("new_terms_fields") || changed("history_window_start") {
            flatten_new_terms(&mut object);
        }
        let merged = merge(&object, &before_object, &now_object);
        let old = written.get("rule").and_then(TomlValue::as_table);
        let mut new = Table::new();
        for (key, value) in merged {
            // An unchanged value keeps its TOML type, such as a date.
            let kept = old.and_then(|old| old.get(&key)).filter(|old| json_value(old) == value);
            match kept {
                Some(kept) => new.insert(key, kept.clone()),
                None => new.insert(key, toml_value(&value)?),
            };
        }
        table.insert("rule".to_owned(), TomlValue::Table(new));
    }
    if before.metadata != rule.metadata {
        match &rule.metadata {
            Some(metadata) => {
                table.insert("metadata".to_owned(), TomlValue::Table(metadata_table(metadata)?));
            }
            None => {
                table.remove("metadata");
            }
        }
    }
    Ok(table)
}

/// Leaves out what says nothing: empty lists and texts, and ids of an installation.
fn from_scratch(rule: &Rule) -> Result<Table, String> {
    let mut table = Table::new();
    if let Some(metadata) = &rule.metadata {
        table.insert("metadata".to_owned(), TomlValue::Table(metadata_table(metadata)?));
    }
    let mut object = rule_object(rule);
    if object.get("id") == object.get("rule_id") {
        object.remove("id");
    }
    let mut new = Table::new();
    for (key, value) in &object {
        let empty = match value {
            Value::Array(items) => items.is_empty() && key != "index",
            Value::String(text) => text.is_empty() && key == "setup",
            other => other.is_null(),
        };
        if !empty || rule.extra.contains_key(key) && !value.is_null() {
            new.insert(key.clone(), toml_value(value)?);
        }
    }
    table.insert("rule".to_owned(), TomlValue::Table(new));
    Ok(table)
}

fn metadata_table(metadata: &TomlMetadata) -> Result<Table, String> {
    let mut table = Table::new();
    let mut put = |key: &str, value: TomlValue| {
        table.insert(key.to_owned(), value);
    };
    put("creation_date", metadata.creation_date.clone().into());
    if !metadata.integration.is_empty() {
        put("integration", metadata.integration.clone().into());
    }
    if let Some(maturity) = metadata.maturity {
        put("maturity", maturity.name().into());
    }
    put("updated_date", metadata.updated_date.clone().into());
    for (key, value) in [
        ("deprecation_date", &metadata.deprecation_date),
        ("min_stack_version", &metadata.min_stack_version),
        ("min_stack_comments", &metadata.min_stack_comments),
    ] {
        if let Some(value) = value {
            put(key, value.clone().into());
        }
    }
    for (key, value) in [("promotion", metadata.promotion), ("bypass_bbr_timing", metadata.bypass_bbr_timing)]
    {
        if value {
            put(key, true.into());
        }
    }
    for (key, value) in &metadata.extra {
        put(key, toml_value(value)?);
    }
    Ok(table)
}

fn json_object(table: &Table) -> Map<String, Value> {
    table.iter().map(|(key, value)| (key.clone(), json_value(value))).collect()
}

/// Dates become texts; numbers that JSON does not know become texts too.
fn json_value(value: &TomlValue) -> Value {
    match value {
        TomlValue::String(text) => Value::String(text.clone()),
        TomlValue::Integer(number) => Value::from(*number),
        TomlValue::Float(number) if number.is_finite() => Value::from(*number),
        TomlValue::Float(number) => Value::String(number.to_string()),
        TomlValue::Boolean(value) => Value::Bool(*value),
        TomlValue::Datetime(value) => Value::String(value.to_string()),
        TomlValue::Array(items) => items.iter().map(json_value).collect(),
        TomlValue::Table(table) => Value::Object(json_object(table)),
    }
}

/// A key whose value is `null` is left out, which says the same.
fn toml_value(value: &Value) -> Result<TomlValue, String> {
    Ok(match value {
        Value::Null => return Err("there is no null".to_owned()),
        Value::Bool(value) => TomlValue::Boolean(*value),
        Value::String(text) => TomlValue::String(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => TomlValue::Integer(number),
            (None, Some(number)) if !value.is_u64() => TomlValue::Float(number),
            _ => return Err(format!("{number} does not fit into 64 bits")),
        },
        Value::Array(items) => TomlValue::Array(items.iter().map(toml_value).collect::<Result<_, _>>()?),
        Value::Object(object) => {
            let mut table = Table::new();
            for (key, value) in object.iter().filter(|(_, value)| !value.is_null()) {
                table.insert(key.clone(), toml_value(value)?);
            }
            TomlValue::Table(table)
        }
    })
}
