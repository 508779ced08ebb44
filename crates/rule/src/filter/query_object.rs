//! Filter objects as Kibana writes them, and the Elasticsearch queries in them, to clauses.

use serde_json::{Map, Value};

use super::{BoolClause, Filter, FilterClause, Relation};

/// How deep clauses may lie within each other; Elasticsearch's `indices.query.bool.max_nested_depth`.
const MAX_DEPTH: usize = 30;

pub(super) fn read_body(raw: &Value, depth: usize) -> FilterClause {
    let Some(object) = raw.as_object() else { return unsupported("a filter is a JSON object") };
    let meta = object.get("meta");
    if meta.and_then(|m| m.get("type")).and_then(Value::as_str) == Some("combined") {
        return read_combined(meta.unwrap_or(&Value::Null), depth);
    }
    if let Some(query) = object.get("query").filter(|q| !q.is_null()) {
        return read_clause(query, depth);
    }
    // Before Kibana 5 the clause stood beside `meta`.
    let legacy: Map<String, Value> = object
        .iter()
        .filter(|(key, value)| !matches!(key.as_str(), "meta" | "$state" | "query") && !value.is_null())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if legacy.is_empty() {
        return unsupported("the filter has no `query`");
    }
    read_clause(&Value::Object(legacy), depth)
}

fn read_combined(meta: &Value, depth: usize) -> FilterClause {
    if depth >= MAX_DEPTH {
        return unsupported("the filter is nested too deeply");
    }
    let relation = match meta.get("relation").and_then(Value::as_str) {
        Some("AND" | "and") | None => Relation::And,
        Some("OR" | "or") => Relation::Or,
        Some(other) => {
            return unsupported(format!("a combined filter is joined by AND or OR, not by `{other}`"));
        }
    };
    let Some(params) = meta.get("params").and_then(Value::as_array) else {
        return unsupported("a combined filter has its parts in `meta.params`");
    };
    let filters = params.iter().map(|raw| Filter::read_at(raw, depth + 1)).collect();
    FilterClause::Combined { relation, filters }
}

/// Reads one Elasticsearch query object, such as `{"term": {"event.action": "DisableKey"}}`.
fn read_clause(query: &Value, depth: usize) -> FilterClause {
    if depth >= MAX_DEPTH {
        return unsupported("the filter is nested too deeply");
    }
    let Some((kind, body)) = single(query) else {
        return unsupported("a query object has exactly one key, the kind of the query");
    };
    match kind {
        "match_phrase" => by_field(kind, body, &["query"], |field, value, _| {
            Some(FilterClause::MatchPhrase { field, value: scalar(value)? })
        }),
        "match" => by_field(kind, body, &["query"], |field, value, options| {
            let option = |name| options.get(name).and_then(Value::as_str).unwrap_or("");
            let value = scalar(value)?;
            // Kibana migrates `{"match": {F: {"query": V, "type": "phrase"}}}` to a phrase.
            if option("type") == "phrase" {
                return Some(FilterClause::MatchPhrase { field, value });
            }
            Some(FilterClause::Match {
                field,
                value,
                all_words: option("operator").eq_ignore_ascii_case("and"),
            })
        }),
        "term" => by_field(kind, body, &["value"], |field, value, options| {
            Some(FilterClause::Term {
                field,
                value: scalar(value)?,
                case_insensitive: case_insensitive(options),
            })
        }),
        "wildcard" => by_field(kind, body, &["value", "wildcard"], |field, value, options| {
            Some(FilterClause::Wildcard {
                field,
                pattern: text(value)?,
                case_insensitive: case_insensitive(options),
            })
        }),
        "prefix" => by_field(kind, body, &["value"], |field, value, options| {
            Some(FilterClause::Prefix {
                field,
                value: text(value)?,
                case_insensitive: case_insensitive(options),
            })
        }),
        "regexp" => by_field(kind, body, &["value"], |field, value, options| {
            Some(FilterClause::Regexp {
                field,
                pattern: text(value)?,
                case_insensitive: case_insensitive(options),
            })
        }),
        "terms" => read_terms(body),
        "exists" => match body.get("field").and_then(Value::as_str) {
            Some(field) => FilterClause::Exists { field: field.to_owned() },
            None => unsupported("`exists` needs a `field`"),
        },
        "range" => read_range(body),
        "query_string" => read_query_string(body),
        "bool" => read_bool(body, depth),
        "nested" => match (body.get("path").and_then(Value::as_str), body.get("query")) {
            (Some(path), Some(inner)) => FilterClause::Nested {
                path: path.to_owned(),
                clause: Box::new(read_clause(inner, depth + 1)),
            },
            _ => unsupported("`nested` needs a `path` and a `query`"),
        },
        "match_all" => FilterClause::MatchAll,
        "match_none" => FilterClause::MatchNone,
        "script" => unsupported("scripts are not run"),
        other => unsupported(format!("queries of the kind `{other}` are not supported in filters")),
    }
}

/// Reads `{FIELD: VALUE}` or `{FIELD: {KEY: VALUE, …}}`, where KEY is one of `keys`.
fn by_field(
    kind: &str,
    body: &Value,
    keys: &[&str],
    build: impl FnOnce(String, &Value, &Map<String, Value>) -> Option<FilterClause>,
) -> FilterClause {
    let Some((field, value)) = single_ignoring_options(body) else {
        return unsupported(format!("`{kind}` needs exactly one field"));
    };
    let none = Map::new();
    let (value, options) = match value.as_object() {
        Some(object) => match keys.iter().find_map(|key| object.get(*key)) {
            Some(value) => (value, object),
            None => return unsupported(format!("`{kind}` on `{field}` needs a `{}`", keys[0])),
        },
        None => (value, &none),
    };
    build(field.to_owned(), value, options)
        .unwrap_or_else(|| unsupported(format!("`{kind}` on `{field}` has a value of the wrong type")))
}

fn read_terms(body: &Value) -> FilterClause {
    match single_ignoring_options(body) {
        Some((field, Value::Array(values))) if values.iter().all(|v| scalar(v).is_some()) => {
            FilterClause::Terms { field: field.to_owned(), values: values.clone() }
        }
        Some((_, Value::Object(_))) => unsupported("`terms` that look up another index are not supported"),
        _ => unsupported("`terms` needs exactly one field with a list of values"),
    }
}

fn read_range(body: &Value) -> FilterClause {
    let Some((field, Value::Object(bounds))) = single_ignoring_options(body) else {
        return unsupported("`range` needs exactly one field with its bounds");
    };
    let (mut gt, mut gte, mut lt, mut lte, mut format) = (None, None, None, None, None);
    for (key, value) in bounds {
        let bound = scalar(value).filter(|v| !v.is_null());
        match key.as_str() {
            "gt" => gt = bound,
            "gte" => gte = bound,
            "lt" => lt = bound,
            "lte" => lte = bound,
            "format" => format = value.as_str().map(str::to_owned),
            "time_zone" if matches!(value.as_str(), Some("UTC" | "Z" | "+00:00" | "Etc/UTC")) => {}
            "boost" => {}
            "relation" | "time_zone" | "from" | "to" | "include_lower" | "include_upper" => {
                return unsupported(format!("`range` with `{key}` is not supported"));
            }
            other => return unsupported(format!("`range` has no option `{other}`")),
        }
    }
    FilterClause::Range { field: field.to_owned(), gt, gte, lt, lte, format }
}

fn read_query_string(body: &Value) -> FilterClause {
    let Some(query) = body.get("query").and_then(Value::as_str) else {
        return unsupported("`query_string` needs a `query`");
    };
    let option = |name| body.get(name).and_then(Value::as_str);
    let mut fields: Vec<String> = option("default_field").map(str::to_owned).into_iter().collect();
    if let Some(list) = body.get("fields").and_then(Value::as_array) {
        fields.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    fields.retain(|field| field != "*");
    let all_terms = option("default_operator").is_some_and(|o| o.eq_ignore_ascii_case("and"));
    FilterClause::QueryString { query: query.to_owned(), fields, all_terms }
}

fn read_bool(body: &Value, depth: usize) -> FilterClause {
    let Some(object) = body.as_object() else { return unsupported("`bool` needs an object") };
    let mut clause = BoolClause::default();
    let mut minimum = None;
    for (key, value) in object {
        let list = match key.as_str() {
            "must" => &mut clause.must,
            "filter" => &mut clause.filter,
            "should" => &mut clause.should,
            "must_not" => &mut clause.must_not,
            "minimum_should_match" => {
                minimum = Some(value);
                continue;
            }
            "boost" | "_name" | "adjust_pure_negative" => continue,
            other => return unsupported(format!("`bool` has no clauses called `{other}`")),
        };
        match value {
            Value::Array(items) => list.extend(items.iter().map(|item| read_clause(item, depth + 1))),
            one => list.push(read_clause(one, depth + 1)),
        }
    }
    let optional = clause.should.len();
    clause.minimum_should_match = match minimum {
        None => usize::from(optional > 0 && clause.must.is_empty() && clause.filter.is_empty()),
        Some(written) => match minimum_should_match(written, optional) {
            Some(number) => number,
            None => return unsupported(format!("`minimum_should_match` of {written} is not supported")),
        },
    };
    FilterClause::Bool(clause)
}

/// Works out `2`, `"2"`, `-1` and `"75%"` for so many optional clauses; percentages round down.
fn minimum_should_match(written: &Value, optional: usize) -> Option<usize> {
    let total = i64::try_from(optional).ok()?;
    let from_end = |number: i64| if number < 0 { total.checked_add(number) } else { Some(number) };
    let number = match written {
        Value::Number(number) => from_end(number.as_i64()?)?,
        Value::String(text) => match text.trim().strip_suffix('%') {
            Some(percent) => {
                let percent: i64 = percent.parse().ok().filter(|p: &i64| p.abs() <= 100)?;
                let part = percent * total / 100;
                if percent < 0 { total + part } else { part }
            }
            None => from_end(text.trim().parse().ok()?)?,
        },
        _ => return None,
    };
    usize::try_from(number.max(0)).ok()
}

fn unsupported(reason: impl Into<String>) -> FilterClause {
    FilterClause::Unsupported { reason: reason.into() }
}

fn case_insensitive(options: &Map<String, Value>) -> bool {
    options.get("case_insensitive").and_then(Value::as_bool).unwrap_or(false)
}

fn single(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object()?;
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}

/// As [`single`], leaving out the options that stand beside the field and change no match.
fn single_ignoring_options(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object()?;
    let mut entries = object.iter().filter(|(key, _)| !matches!(key.as_str(), "boost" | "_name"));
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}

fn scalar(value: &Value) -> Option<Value> {
    (!value.is_object() && !value.is_array()).then(|| value.clone())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn clause(filter: Value) -> FilterClause {
        Filter::read(&filter).clause
    }

    fn phrase(field: &str, value: Value) -> FilterClause {
        FilterClause::MatchPhrase { field: field.to_owned(), value }
    }

    #[test]
    fn every_kind_of_filter_is_read() {
        let field = || "f".to_owned();
        for (query, expected) in [
            (json!({"match_phrase": {"f": "v"}}), phrase("f", json!("v"))),
            (json!({"match_phrase": {"f": {"query": 7}}}), phrase("f", json!(7))),
            (json!({"match": {"f": {"query": "v", "type": "phrase"}}}), phrase("f", json!("v"))),
            (
                json!({"match": {"f": {"query": "a b", "operator": "AND"}}}),
                FilterClause::Match { field: field(), value: json!("a b"), all_words: true },
            ),
            (
                json!({"term": {"f": {"value": true, "case_insensitive": true}}}),
                FilterClause::Term { field: field(), value: json!(true), case_insensitive: true },
            ),
            (
                json!({"terms": {"f": [1, "a"], "boost": 1.0}}),
                FilterClause::Terms { field: field(), values: vec![json!(1), json!("a")] },
            ),
            (json!({"exists": {"field": "f"}}), FilterClause::Exists { field: field() }),
            (
                json!({"range": {"f": {"gte": 1, "lt": "now", "gt": null, "format": "epoch_millis", "time_zone": "UTC"}}}),
                FilterClause::Range {
                    field: field(),
                    gt: None,
                    gte: Some(json!(1)),
                    lt: Some(json!("now")),
                    lte: None,
                    format: Some("epoch_millis".to_owned()),
                },
            ),
            (
                json!({"wildcard": {"f": {"value": "?:\\\\*", "case_insensitive": true}}}),
                FilterClause::Wildcard {
                    field: field(),
                    pattern: "?:\\\\*".to_owned(),
                    case_insensitive: true,
                },
            ),
            (
                json!({"prefix": {"f": "a"}}),
                FilterClause::Prefix { field: field(), value: "a".to_owned(), case_insensitive: false },
            ),
            (
                json!({"regexp": {"f": {"value": "a.*"}}}),
                FilterClause::Regexp { field: field(), pattern: "a.*".to_owned(), case_insensitive: false },
            ),
            (
                json!({"query_string": {"query": "a b", "default_field": "f", "default_operator": "and"}}),
                FilterClause::QueryString { query: "a b".to_owned(), fields: vec![field()], all_terms: true },
            ),
            (
                json!({"nested": {"path": "p", "query": {"exists": {"field": "p.f"}}}}),
                FilterClause::Nested {
                    path: "p".to_owned(),
                    clause: Box::new(FilterClause::Exists { field: "p.f".to_owned() }),
                },
            ),
            (json!({"match_all": {}}), FilterClause::MatchAll),
            (json!({"match_none": {}}), FilterClause::MatchNone),
        ] {
            assert_eq!(clause(json!({"meta": {}, "query": query})), expected, "{query}");
            // Before Kibana 5 the clause stood beside `meta`.
            let mut legacy = query.as_object().unwrap().clone();
            legacy.insert("meta".to_owned(), json!({"negate": true}));
            legacy.insert("$state".to_owned(), json!({"store": "appState"}));
            let legacy = Filter::read(&Value::Object(legacy));
            assert_eq!((legacy.negate, legacy.clause), (true, expected), "{query}");
        }
    }

    #[test]
    fn so_many_optional_clauses_must_hold() {
        let two = json!([{"match_phrase": {"f": "a"}}, {"match_phrase": {"f": "b"}}]);
        for (body, expected) in [
            (json!({"should": two}), 1),
            (json!({"should": two, "must_not": {"exists": {"field": "f"}}}), 1),
            (json!({"should": two, "filter": []}), 1),
            (json!({"should": two, "filter": [{"match_all": {}}]}), 0),
            (json!({"should": two, "must": {"match_all": {}}, "minimum_should_match": 1}), 1),
            (json!({"should": two, "minimum_should_match": "2"}), 2),
            (json!({"should": two, "minimum_should_match": -1}), 1),
            (json!({"should": two, "minimum_should_match": "75%"}), 1),
            (json!({"should": two, "minimum_should_match": "-25%"}), 2),
            (json!({"must": two}), 0),
        ] {
            let FilterClause::Bool(read) = clause(json!({"query": {"bool": body}})) else { panic!("{body}") };
            assert_eq!(read.minimum_should_match, expected, "{body}");
        }
    }

    #[test]
    fn combined_filters_keep_what_each_part_says() {
        let filter = Filter::read(&json!({
            "meta": {"type": "combined", "relation": "OR", "negate": true, "params": [
                {"meta": {"negate": true}, "query": {"match_phrase": {"f": "a"}}},
                {"meta": {"type": "combined", "params": [{"meta": {"disabled": true}, "query": {"script": {}}}]}},
            ]},
        }));
        let FilterClause::Combined { relation: Relation::Or, filters } = &filter.clause else {
            panic!("{filter:?}")
        };
        assert_eq!(
            (filter.negate, filters[0].negate, &filters[0].clause),
            (true, true, &phrase("f", json!("a")))
        );
        assert!(matches!(&filters[1].clause, FilterClause::Combined { relation: Relation::And, .. }));
        assert_eq!(filter.unsupported(), [""; 0], "the script is disabled");
        assert_eq!(filter.clause.fields(), ["f"]);
    }

    #[test]
    fn what_cannot_be_applied_says_why() {
        for (filter, reason) in [
            (json!(7), "JSON object"),
            (json!({"meta": {}}), "no `query`"),
            (json!({"query": {"script": {}}}), "scripts"),
            (json!({"query": {"geo_distance": {}}}), "`geo_distance`"),
            (json!({"query": {"a": 1, "b": 2}}), "exactly one key"),
            (json!({"query": {"term": {"a": 1, "b": 2}}}), "exactly one field"),
            (json!({"query": {"term": {"a": [1]}}}), "wrong type"),
            (json!({"query": {"term": {"a": {"query": 1}}}}), "needs a `value`"),
            (json!({"query": {"terms": {"a": {"index": "i"}}}}), "look up"),
            (json!({"query": {"range": {"a": {"relation": "within"}}}}), "`relation`"),
            (json!({"query": {"range": {"a": {"above": 1}}}}), "no option"),
            (json!({"query": {"bool": {"could": []}}}), "`could`"),
            (
                json!({"query": {"bool": {"should": [], "minimum_should_match": "3<90%"}}}),
                "minimum_should_match",
            ),
            (json!({"meta": {"type": "combined", "relation": "XOR"}}), "`XOR`"),
            (json!({"meta": {"type": "combined"}}), "`meta.params`"),
            (json!({"query": {"bool": {"must": {"bool": {"must_not": [{"script": {}}]}}}}}), "scripts"),
        ] {
            let read = Filter::read(&filter);
            assert!(read.unsupported().join(" ").contains(reason), "{filter}: {read:?}");
            assert_eq!(read.raw, filter);
        }
    }

    #[test]
    fn deep_nesting_ends_in_a_reason() {
        let mut query = json!({"match_all": {}});
        for _ in 0..60 {
            query = json!({"bool": {"must": query}});
        }
        assert!(Filter::read(&json!({"query": query})).unsupported()[0].contains("deeply"));
    }
}
