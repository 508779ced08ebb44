//! Files of test queries: what is asked, and which events must be found.

use std::path::Path;

use toml::{Table, Value};

/// A query, and what it must find.
pub(crate) struct TestQuery {
    pub(crate) name: String,
    pub(crate) query: String,
    /// Any of these: ids of events, those of one sequence after those of another. A negative id stands for a missing
    /// event, which is no event.
    pub(crate) expected: Vec<Vec<i64>>,
    /// Only so many results are wanted.
    pub(crate) size: Option<usize>,
    /// The join keys of each sequence, one sequence after another.
    pub(crate) join_keys: Option<Vec<String>>,
    /// What else the search is asked for, which a rule has no way to ask.
    pub(crate) beyond_rules: Vec<String>,
}

/// What a query may have; some of it is for people, some for the original engine's two modes.
const KNOWN: [&str; 11] = [
    "name",
    "query",
    "expected_event_ids",
    "size",
    "join_keys",
    "description",
    "note",
    "notes",
    "tags",
    "case_sensitive",
    "case_insensitive",
];

/// The queries of a file; those without a name are called by the name of the file and their number, from 1.
pub(crate) fn read(path: &Path) -> Vec<TestQuery> {
    let stem = stem(path);
    let table: Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let queries = table.get("queries").and_then(Value::as_array).cloned().unwrap_or_default();
    queries.iter().enumerate().map(|(at, query)| test_query(query, &format!("{stem} {}", at + 1))).collect()
}

/// The name of a file up to its first dot.
pub(crate) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.split('.').next().unwrap().to_owned()
}

fn test_query(query: &Value, number: &str) -> TestQuery {
    let expected = query["expected_event_ids"].as_array().unwrap();
    let expected = match expected.first() {
        Some(Value::Array(_)) => expected.iter().map(ids).collect(),
        _ => vec![ids(&query["expected_event_ids"])],
    };
    let join_keys = query.get("join_keys").and_then(Value::as_array);
    let keys = query.as_table().unwrap().keys();
    TestQuery {
        beyond_rules: keys.filter(|key| !KNOWN.contains(&key.as_str())).cloned().collect(),
        name: query.get("name").and_then(Value::as_str).unwrap_or(number).to_owned(),
        query: query["query"].as_str().unwrap().to_owned(),
        expected,
        size: query.get("size").and_then(Value::as_integer).map(|size| usize::try_from(size).unwrap()),
        join_keys: join_keys.map(|keys| keys.iter().map(|key| key.as_str().unwrap().to_owned()).collect()),
    }
}

fn ids(list: &Value) -> Vec<i64> {
    let ids = list.as_array().unwrap().iter().map(|id| id.as_integer().unwrap());
    ids.filter(|id| *id >= 0).collect()
}
