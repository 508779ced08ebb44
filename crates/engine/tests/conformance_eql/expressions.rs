//! Expressions of the original engine's own tests, asked as queries over one event without fields.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use crate::query_file::stem;

/// An expression, and what must come of it.
pub(crate) struct TestExpression {
    pub(crate) name: String,
    pub(crate) query: String,
    pub(crate) expected: Expected,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Expected {
    /// It has the value that the query asks for: the event is found.
    Value,
    /// It is an error.
    Refusal,
}

/// The expressions of a file, called by the name of the file, of the section, and a number from 1.
pub(crate) fn read(path: &Path) -> Vec<TestExpression> {
    let stem = stem(path);
    let table: Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let mut found = Vec::new();
    for (section, content) in &table {
        let mut tests = Vec::new();
        collect(content, &[("", Value::Boolean(true))], &mut tests);
        let tests = tests.into_iter().enumerate();
        found.extend(tests.map(|(at, (query, expected))| TestExpression {
            name: format!("{stem} {section} {}", at + 1),
            query,
            expected,
        }));
    }
    found
}

/// Walks a section: `tests` hold what must have a value, `failures` what must be refused, and `loop` repeats what is
/// below it for values of some types.
fn collect(content: &Value, values: &[(&str, Value)], found: &mut Vec<(String, Expected)>) {
    let Some(content) = content.as_table() else { return };
    // In the order of their names, whatever the order of the table: the numbers hang on it.
    for (key, inner) in content.iter().collect::<BTreeMap<_, _>>() {
        let list = inner.as_array().map(Vec::as_slice).unwrap_or_default();
        match key.as_str() {
            "tests" => {
                for test in list {
                    for (_, value) in values {
                        let expression =
                            test["expression"].as_str().unwrap().replace("$value", &literal(value));
                        found.push((query(&expression, test.get("expected")), Expected::Value));
                    }
                }
            }
            "failures" => {
                let expressions = list.iter().map(|test| test["expression"].as_str().unwrap());
                found.extend(expressions.map(|e| (format!("any where ({e}) != null"), Expected::Refusal)));
            }
            "loop" => {
                for repeated in list {
                    let types = repeated["param"]["type"].as_array().unwrap().iter();
                    let values: Vec<_> = types.map(|name| example(name.as_str().unwrap())).collect();
                    collect(repeated, &values, found);
                }
            }
            _ => collect(inner, values, found),
        }
    }
}

/// No value stands for null.
fn query(expression: &str, expected: Option<&Value>) -> String {
    let value = expected.map_or_else(|| "null".to_owned(), literal);
    format!("any where ({expression}) == {value}")
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) if text == "null" => text.clone(),
        Value::String(text) => serde_json::Value::from(text.as_str()).to_string(),
        other => other.to_string(),
    }
}

/// A value of a type that a loop names.
fn example(name: &str) -> (&str, Value) {
    let value = match name {
        "bool" => Value::Boolean(true),
        "int" => Value::Integer(7),
        "float" => Value::Float(1.5),
        "null" => Value::String("null".to_owned()),
        _ => Value::String("seven".to_owned()),
    };
    (name, value)
}
