//! A data set of EQL tests, indexed: the harness plays the part of Elasticsearch's mapping.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ecs::{Catalog, Document, FieldType, Timestamp};
use serde_json::{Map, Value};

/// Documents, and what their fields mean.
pub(crate) struct DataSet {
    pub(crate) documents: Vec<Indexed>,
    pub(crate) catalog: Catalog,
    /// What expectations call a document by.
    pub(crate) id_field: String,
    /// Orders events of the same millisecond.
    pub(crate) tiebreaker: Option<String>,
}

/// A document as the index has it: aliases are fields of their own, dates are in ISO 8601.
pub(crate) struct Indexed {
    /// The file that it came from; a data stream has it as its namespace.
    pub(crate) namespace: String,
    pub(crate) document: Document,
}

/// Documents of one index: its name, and where documents and mapping are.
pub(crate) struct DataFile {
    pub(crate) name: String,
    pub(crate) data: PathBuf,
    pub(crate) mapping: Option<PathBuf>,
}

impl DataSet {
    /// Reads files, each an index of its own.
    pub(crate) fn read(files: &[DataFile]) -> Self {
        let (mut documents, mut types) = (Vec::new(), BTreeMap::new());
        let (mut id_field, mut tiebreaker) = (None, None);
        for file in files {
            let mut mapping = file.mapping.as_deref().map(Mapping::read).unwrap_or_default();
            let Value::Array(raw) = read_json(&file.data) else { panic!("{}: no list", file.data.display()) };
            for document in raw {
                let Value::Object(document) = document else { panic!("{document} is no document") };
                documents.push(Indexed { namespace: file.name.clone(), document: mapping.index(document) });
            }
            if let Some(path) = mapping.aliases.get("event.sequence") {
                id_field = Some(path.clone());
                tiebreaker = Some(path.clone());
            }
            for (name, field_type) in mapping.types() {
                // One field, one type: the tests have no conflicts that EQL would let pass.
                types.entry(name).or_insert(field_type);
            }
        }
        let table: String =
            types.iter().map(|(name, field_type)| format!("- {} {name}\n", field_type.name())).collect();
        let catalog = Catalog::parse([table.as_str()]).unwrap();
        Self { documents, catalog, id_field: id_field.unwrap_or_else(|| "id".to_owned()), tiebreaker }
    }

    /// One document without any field but its time.
    pub(crate) fn of_one_empty_event() -> Self {
        let mut document = Document::new();
        document.set("@timestamp", "2024-05-06T07:08:09Z");
        Self {
            documents: vec![Indexed { namespace: "empty".to_owned(), document }],
            catalog: Catalog::parse(["- date @timestamp\n- keyword event.category\n"]).unwrap(),
            id_field: "id".to_owned(),
            tiebreaker: None,
        }
    }

    /// The id by which expectations name a document.
    pub(crate) fn id_of(&self, position: usize) -> i64 {
        match self.documents[position].document.first(&self.id_field) {
            Some(ecs::Scalar::Int(id)) => id,
            other => panic!("document {position} has {other:?} for an id"),
        }
    }

    /// Where a document stands among events: time, tiebreaker (one without comes last), order of input.
    pub(crate) fn place_of(&self, position: usize) -> (Option<Timestamp>, i64, usize) {
        let document = &self.documents[position].document;
        let time = document.text("@timestamp").map(|text| text.parse().unwrap());
        let tiebreaker = match self.tiebreaker.as_ref().and_then(|field| document.first(field)) {
            Some(ecs::Scalar::Int(number)) => number,
            _ => i64::MAX,
        };
        (time, tiebreaker, position)
    }

    /// The values of a field as Elasticsearch writes join keys; `null` when there is none.
    pub(crate) fn key_texts(&self, position: usize, field: &str) -> Vec<String> {
        let is_date = self.catalog.field_type(field) == Some(FieldType::Date);
        let values = self.documents[position].document.values(field);
        let text = |value: &ecs::Scalar<'_>| match value.text() {
            text if is_date => text.parse::<Timestamp>().unwrap().as_millisecond().to_string(),
            text => text.into_owned(),
        };
        if values.is_empty() { vec!["null".to_owned()] } else { values.iter().map(text).collect() }
    }
}

#[derive(Default)]
struct Mapping {
    fields: BTreeMap<String, MappedField>,
    /// Name to the name of the field that it stands for.
    aliases: BTreeMap<String, String>,
}

struct MappedField {
    field_type: FieldType,
    format: String,
    null_value: Option<Value>,
}

/// How Elasticsearch reads dates when the mapping does not say.
const DEFAULT_FORMAT: &str = "strict_date_optional_time||epoch_millis";

impl MappedField {
    fn of(field_type: FieldType) -> Self {
        Self { field_type, format: DEFAULT_FORMAT.to_owned(), null_value: None }
    }
}

impl Mapping {
    fn read(path: &Path) -> Self {
        let mut mapping = Self::default();
        let json = read_json(path);
        mapping.add("", json["properties"].as_object().unwrap());
        mapping
    }

    fn add(&mut self, prefix: &str, properties: &Map<String, Value>) {
        for (name, definition) in properties {
            let name = join(prefix, name);
            if let Some(inner) = definition["properties"].as_object() {
                self.add(&name, inner);
            } else if definition["type"] == "alias" {
                self.aliases.insert(name, definition["path"].as_str().unwrap().to_owned());
            } else {
                let mut field = MappedField::of(field_type(definition));
                if let Some(format) = definition["format"].as_str() {
                    field.format = format.to_owned();
                }
                field.null_value = definition.get("null_value").cloned();
                self.fields.insert(name, field);
            }
        }
    }

    /// Takes a document in: every value as its field has it, fields that are new by dynamic mapping.
    fn index(&mut self, mut raw: Map<String, Value>) -> Document {
        if let (None, Some(Value::Number(filetime))) = (raw.get("@timestamp"), raw.get("timestamp")) {
            let at = filetime.as_i64().unwrap() / 10_000 - 11_644_473_600_000;
            raw.insert("@timestamp".to_owned(), at.into());
        }
        let mut leaves = BTreeMap::new();
        for (name, value) in &raw {
            collect_leaves(name, value, &mut leaves);
        }
        let mut document = Document::new();
        for (name, values) in leaves {
            let values: Vec<Value> =
                values.into_iter().filter_map(|value| self.value(&name, value)).collect();
            match values.len() {
                0 => {}
                1 => document.set(&name, values[0].clone()),
                _ => document.set(&name, values),
            }
        }
        for (alias, path) in &self.aliases {
            if let Some(value) = document.nodes(path).first().copied().cloned() {
                document.set(alias, value);
            }
        }
        document
    }

    fn value(&mut self, name: &str, value: &Value) -> Option<Value> {
        if !self.fields.contains_key(name) {
            let field = MappedField::of(dynamic_type(value)?);
            self.fields.insert(name.to_owned(), field);
        }
        let field = &self.fields[name];
        let value = if value.is_null() { field.null_value.as_ref()? } else { value };
        Some(match (field.field_type, value) {
            (FieldType::Date, value) => date(value, &field.format),
            (FieldType::Long | FieldType::Double, Value::String(text)) => serde_json::from_str(text).unwrap(),
            (FieldType::Boolean, Value::String(text)) => (text == "true").into(),
            (
                FieldType::Keyword | FieldType::Wildcard | FieldType::Text | FieldType::Version,
                Value::Number(_) | Value::Bool(_),
            ) => value.to_string().into(),
            (_, value) => value.clone(),
        })
    }

    fn types(&self) -> impl Iterator<Item = (String, FieldType)> {
        let own = self.fields.iter().map(|(name, field)| (name.clone(), field.field_type));
        let aliases = self
            .aliases
            .iter()
            .filter_map(|(alias, path)| self.fields.get(path).map(|field| (alias.clone(), field.field_type)));
        own.chain(aliases)
    }
}

/// The type that a field has to EQL. Text with a keyword beside it is that keyword.
fn field_type(definition: &Value) -> FieldType {
    let name = definition["type"].as_str().unwrap();
    let fields = definition["fields"].as_object();
    let has_keyword = fields.is_some_and(|fields| fields.values().any(|field| field["type"] == "keyword"));
    match name {
        "text" if has_keyword => FieldType::Keyword,
        // A placeholder: the type is drawn by lot among those that behave as a keyword does.
        name if name.starts_with('[') && name.contains("keyword") => FieldType::Keyword,
        name => FieldType::parse(name).unwrap_or_else(|| panic!("no field type {name}")),
    }
}

/// The type that dynamic mapping gives a field that has this value first.
fn dynamic_type(value: &Value) -> Option<FieldType> {
    Some(match value {
        Value::Bool(_) => FieldType::Boolean,
        Value::Number(number) if number.is_f64() => FieldType::Double,
        Value::Number(_) => FieldType::Long,
        // Numbers are never taken for dates.
        Value::String(text) if text.parse::<f64>().is_err() && iso_date(text).is_some() => FieldType::Date,
        Value::String(_) => FieldType::Keyword,
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    })
}

fn date(value: &Value, format: &str) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let read = |format: &str| match format {
        "epoch_millis" => text.parse().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        "epoch_second" => text.parse().ok().and_then(|second| Timestamp::from_second(second).ok()),
        name if name.contains("date_optional_time") => iso_date(&text),
        pattern => dated_by_pattern(&text, pattern),
    };
    match format.split("||").find_map(read) {
        Some(at) => at.to_string().into(),
        // Further from 1970 than a timestamp reaches.
        None if value.is_number() => value.clone(),
        None => panic!("{text} is no date as {format} has it"),
    }
}

/// A date with or without a time, the time with or without an offset.
fn iso_date(text: &str) -> Option<Timestamp> {
    if text.len() < 10 || text.as_bytes()[4] != b'-' {
        return None;
    }
    [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")]
        .iter()
        .find_map(|text| text.parse().ok())
}

/// A day written by a pattern of year, month and day, for example `dd-MM-yyyy`.
fn dated_by_pattern(text: &str, pattern: &str) -> Option<Timestamp> {
    let part = |letter: char, or: &str| match (pattern.find(letter), pattern.rfind(letter)) {
        (Some(first), Some(last)) => text.get(first..=last).map(str::to_owned),
        _ => Some(or.to_owned()),
    };
    let day = format!("{}-{}-{}", part('y', "")?, part('M', "01")?, part('d', "01")?);
    let time = format!("{}:{}:{}", part('H', "00")?, part('m', "00")?, part('s', "00")?);
    (text.len() == pattern.len()).then(|| format!("{day}T{time}Z").parse().ok())?
}

/// Every value below a name, by its dotted name; what stands in arrays of objects is taken apart.
fn collect_leaves<'v>(name: &str, value: &'v Value, leaves: &mut BTreeMap<String, Vec<&'v Value>>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| collect_leaves(&join(name, key), value, leaves))
        }
        Value::Array(values) => values.iter().for_each(|value| collect_leaves(name, value, leaves)),
        scalar => leaves.entry(name.to_owned()).or_default().push(scalar),
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// JSON that may have comments from `//` to the end of the line.
fn read_json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    let mut plain = String::with_capacity(text.len());
    let (mut in_string, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' => in_string = !in_string,
            '\\' if in_string => {
                plain.push(c);
                plain.extend(chars.next());
                continue;
            }
            '/' if !in_string && chars.peek() == Some(&'/') => {
                while chars.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            _ => {}
        }
        plain.push(c);
    }
    serde_json::from_str(&plain).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
