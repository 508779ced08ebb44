//! The alerts that a test expects.

use query::{Span, Spanned};
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::{Item, Reader, nearest, span};
use crate::rule_test::{ExpectedAlert, ExpectedField, FieldExpectation};

const ALERT_KEYS: [&str; 3] = ["events", "fields", "blocks"];
const CONDITIONS: [&str; 2] = ["contains", "exists"];

impl Reader {
    pub(super) fn alerts(&mut self, item: &Item<'_>) -> Vec<ExpectedAlert> {
        let DeValue::Array(items) = item.get_ref() else {
            self.wrong_type(span(item), "alerts", "a list");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.alert(item)).collect()
    }

    fn alert(&mut self, item: &Item<'_>) -> Option<ExpectedAlert> {
        let place = span(item);
        match item.get_ref() {
            DeValue::String(id) => {
                let events = Some(vec![Spanned::new(id.to_string(), place)]);
                Some(ExpectedAlert { events, fields: Vec::new(), blocks: None, span: place })
            }
            DeValue::Table(table) => {
                self.unknown_keys(table, &ALERT_KEYS, "an expected alert");
                let events = table.get("events").map(|item| self.texts("events", item));
                let mut fields = Vec::new();
                match table.get("fields").map(|item| (item, item.get_ref())) {
                    Some((_, DeValue::Table(table))) => self.fields(table, "", &mut fields),
                    Some((item, _)) => self.wrong_type(span(item), "fields", "a table"),
                    None => {}
                }
                let blocks = table.get("blocks").map(|item| self.blocks(item));
                Some(ExpectedAlert { events, fields, blocks, span: place })
            }
            _ => {
                self.wrong_type(place, "alerts", "a list of tables, or of ids of events");
                None
            }
        }
    }

    /// A table of fields for each building block.
    fn blocks(&mut self, item: &Item<'_>) -> Vec<Vec<ExpectedField>> {
        let DeValue::Array(items) = item.get_ref() else {
            self.wrong_type(span(item), "blocks", "a list of tables, one for each building block");
            return Vec::new();
        };
        let mut blocks = Vec::new();
        for item in items.iter() {
            let mut fields = Vec::new();
            match item.get_ref() {
                DeValue::Table(table) => self.fields(table, "", &mut fields),
                _ => self.wrong_type(span(item), "blocks", "a list of tables, one for each building block"),
            }
            blocks.push(fields);
        }
        blocks
    }

    /// `"user.name" = …`, and the same as `user.name = …` or `user = { name = … }`.
    fn fields(&mut self, table: &DeTable<'_>, outer: &str, fields: &mut Vec<ExpectedField>) {
        for (key, item) in table {
            let name = match outer {
                "" => key.get_ref().to_string(),
                outer => format!("{outer}.{}", key.get_ref()),
            };
            let expectation = match item.get_ref() {
                DeValue::Table(table) if is_condition(table) => match self.condition(table, span(item)) {
                    Some(condition) => condition,
                    None => continue,
                },
                DeValue::Table(table) => {
                    self.fields(table, &name, fields);
                    continue;
                }
                _ => match self.value(&name, item) {
                    Some(Value::Array(values)) => FieldExpectation::Equals(values),
                    Some(value) => FieldExpectation::Equals(vec![value]),
                    None => continue,
                },
            };
            if let FieldExpectation::Equals(values) = &expectation
                && values.is_empty()
            {
                let fault = self.fault(
                    "test::wrong-type",
                    span(item),
                    format!("`{name}` has no values to compare with"),
                );
                fault.help = Some("{ exists = false } says that the field has no value".into());
                continue;
            }
            fields.push(ExpectedField { name, expectation, span: span(item) });
        }
    }

    fn condition(&mut self, table: &DeTable<'_>, place: Span) -> Option<FieldExpectation> {
        self.unknown_keys(table, &CONDITIONS, "a condition");
        match (table.get("contains"), table.get("exists")) {
            (Some(item), None) => {
                let texts = self.texts("contains", item);
                Some(FieldExpectation::Contains(texts.into_iter().map(|text| text.value).collect()))
            }
            (None, Some(item)) => match item.get_ref() {
                DeValue::Boolean(exists) => Some(FieldExpectation::Exists(*exists)),
                _ => {
                    self.wrong_type(span(item), "exists", "true or false");
                    None
                }
            },
            (Some(_), Some(_)) => {
                self.fault("test::wrong-type", place, "`contains` and `exists` exclude each other");
                None
            }
            // Misspelt, and reported so.
            (None, None) => None,
        }
    }
}

/// `{ contains = … }` and `{ exists = … }`, misspelt or not.
fn is_condition(table: &DeTable<'_>) -> bool {
    let near = |key: &str| CONDITIONS.contains(&key) || nearest(key, &CONDITIONS).is_some();
    !table.is_empty() && table.iter().all(|(key, _)| near(key.get_ref()))
}
