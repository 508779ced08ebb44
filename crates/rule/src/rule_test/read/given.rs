//! What a test gives a rule: events, exceptions, value lists and indicators.

use query::Spanned;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::{Item, Reader, span};
use crate::rule_test::{GivenEvents, GivenExceptions, GivenValueList};
use crate::value_list::ValueListType;

const VALUE_LIST_KEYS: [&str; 2] = ["type", "values"];

impl Reader {
    /// Events under a key: a list of tables, or JSON as text.
    pub(super) fn events(
        &mut self,
        key: &str,
        table: &DeTable<'_>,
        defaults: &Map<String, Value>,
    ) -> Vec<GivenEvents> {
        let Some(item) = table.get(key) else { return Vec::new() };
        match item.get_ref() {
            DeValue::String(text) => {
                vec![GivenEvents::Text(Spanned::new(text.to_string(), span(item)))]
            }
            DeValue::Array(items) => items
                .iter()
                .filter_map(|item| {
                    let mut event = defaults.clone();
                    merge(&mut event, self.object(key, item)?);
                    Some(GivenEvents::Table(Spanned::new(event, span(item))))
                })
                .collect(),
            _ => {
                let expected = match key {
                    "indicators" => "a list of documents, or a text of JSON or CSV",
                    _ => "a list of events, or a text of JSON",
                };
                self.wrong_type(span(item), key, expected);
                Vec::new()
            }
        }
    }

    pub(super) fn files(&mut self, key: &'static str, table: &DeTable<'_>) -> Vec<GivenEvents> {
        let files = table.get(key).map(|item| self.texts(key, item)).unwrap_or_default();
        files.into_iter().map(GivenEvents::File).collect()
    }

    /// Indicators, and files of them; `None` when the table says nothing of them.
    pub(super) fn indicators(&mut self, table: &DeTable<'_>) -> Option<Vec<GivenEvents>> {
        if !table.contains_key("indicators") && !table.contains_key("indicator_files") {
            return None;
        }
        let mut indicators = self.events("indicators", table, &Map::new());
        indicators.extend(self.files("indicator_files", table));
        Some(indicators)
    }

    /// One file, or a list of files and of exceptions; `None` when the table says nothing of them.
    pub(super) fn exceptions(&mut self, table: &DeTable<'_>) -> Option<Vec<GivenExceptions>> {
        let item = table.get("exceptions")?;
        let items = match item.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![item],
        };
        Some(items.into_iter().filter_map(|item| self.exception(item)).collect())
    }

    fn exception(&mut self, item: &Item<'_>) -> Option<GivenExceptions> {
        let place = span(item);
        match item.get_ref() {
            DeValue::String(file) => Some(GivenExceptions::File(Spanned::new(file.to_string(), place))),
            DeValue::Table(table) => {
                let item = self.map("exceptions", table);
                Some(GivenExceptions::Item(Spanned::new(item, place)))
            }
            _ => {
                self.wrong_type(place, "exceptions", "a list of files and of tables with `entries`");
                None
            }
        }
    }

    /// `ID = [VALUES]` or `ID = { type = …, values = [VALUES] }`; `None` when the table says nothing of them.
    pub(super) fn value_lists(&mut self, table: &DeTable<'_>) -> Option<Vec<GivenValueList>> {
        let item = table.get("value_lists")?;
        let DeValue::Table(lists) = item.get_ref() else {
            self.wrong_type(span(item), "value_lists", "a table: the id of each list and its values");
            return Some(Vec::new());
        };
        let mut given = Vec::new();
        for (id, item) in lists {
            let id = Spanned::new(id.get_ref().to_string(), span(id));
            let (list_type, values) = match item.get_ref() {
                DeValue::Array(_) => (None, Some(item)),
                DeValue::Table(table) => {
                    self.unknown_keys(table, &VALUE_LIST_KEYS, "a value list");
                    (table.get("type").and_then(|item| self.value_list_type(item)), table.get("values"))
                }
                _ => (None, None),
            };
            match values {
                Some(values) => {
                    let values = self.texts("values", values).into_iter().map(|text| text.value).collect();
                    given.push(GivenValueList { id, list_type, values });
                }
                None => self.wrong_type(span(item), &id.value, "a list of values, or a table with `values`"),
            }
        }
        Some(given)
    }

    fn value_list_type(&mut self, item: &Item<'_>) -> Option<ValueListType> {
        let list_type = match item.get_ref() {
            DeValue::String(text) => text.parse().ok(),
            _ => None,
        };
        if list_type.is_none() {
            let names = ValueListType::ALL.map(ValueListType::name).join(", ");
            self.wrong_type(span(item), "type", &format!("one of {names}"));
        }
        list_type
    }
}

/// Puts an event over defaults, object by object.
fn merge(below: &mut Map<String, Value>, above: Map<String, Value>) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}
