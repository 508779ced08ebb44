//! Kibana filter objects: conditions beside the query, as Elasticsearch query objects.
//!
//! Start at [`Filter::read`]. A filter that we cannot apply keeps its reason in [`FilterClause::Unsupported`];
//! its rule must then not run, since dropping a filter would change what the rule finds.
//! Source: elastic/kibana kbn-es-query/src/es_query/from_filters.ts; Elasticsearch docs "Query DSL".

use serde_json::{Map, Value};

/// One filter of a rule. A rule's filters must all hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// What people call it.
    pub alias: Option<String>,
    /// True when the clause must not hold.
    pub negate: bool,
    /// True when the filter has no effect.
    pub disabled: bool,
    /// What must hold.
    pub clause: FilterClause,
    /// The object as written.
    pub raw: Value,
}

/// A condition. Values are JSON scalars: what they mean is for the field's type to say.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterClause {
    /// `match_phrase`: exact on keywords, a phrase on analysed text.
    MatchPhrase {
        /// Dotted name.
        field: String,
        /// A scalar.
        value: Value,
    },
    /// `match`: exact on keywords, words on analysed text.
    Match {
        /// Dotted name.
        field: String,
        /// A scalar.
        value: Value,
        /// True when every word must be found (`operator: and`), false for any.
        all_words: bool,
    },
    /// `term`: exact.
    Term {
        /// Dotted name.
        field: String,
        /// A scalar.
        value: Value,
        /// True when letters of either case are equal.
        case_insensitive: bool,
    },
    /// `terms`: exactly one of the values.
    Terms {
        /// Dotted name.
        field: String,
        /// Scalars; none matches nothing.
        values: Vec<Value>,
    },
    /// `exists`: the field has a value.
    Exists {
        /// Dotted name.
        field: String,
    },
    /// `range`: one value lies within all the bounds.
    Range {
        /// Dotted name.
        field: String,
        /// `>`
        gt: Option<Value>,
        /// `>=`
        gte: Option<Value>,
        /// `<`
        lt: Option<Value>,
        /// `<=`
        lte: Option<Value>,
        /// How dates are written, when the filter says so.
        format: Option<String>,
    },
    /// `wildcard`: `*` any run of characters, `?` one, `\` takes their meaning.
    Wildcard {
        /// Dotted name.
        field: String,
        /// The pattern.
        pattern: String,
        /// True when letters of either case are equal.
        case_insensitive: bool,
    },
    /// `prefix`: a value starts with the text.
    Prefix {
        /// Dotted name.
        field: String,
        /// The text.
        value: String,
        /// True when letters of either case are equal.
        case_insensitive: bool,
    },
    /// `regexp`: a Lucene regular expression over the whole value.
    Regexp {
        /// Dotted name.
        field: String,
        /// The expression.
        pattern: String,
        /// True when letters of either case are equal.
        case_insensitive: bool,
    },
    /// `query_string`: a Lucene query.
    QueryString {
        /// The query.
        query: String,
        /// The fields for terms without one; empty for the default fields.
        fields: Vec<String>,
        /// True for `default_operator: AND`.
        all_terms: bool,
    },
    /// `bool`.
    Bool(BoolClause),
    /// `nested`: the clause holds within one element of a nested field. Fields inside are written in full.
    Nested {
        /// The path of the nested field.
        path: String,
        /// What must hold.
        clause: Box<FilterClause>,
    },
    /// `match_all`
    MatchAll,
    /// `match_none`
    MatchNone,
    /// A `combined` filter: other filters, of which all or any must hold. Disabled ones do not count.
    Combined {
        /// All or any?
        relation: Relation,
        /// The filters.
        filters: Vec<Filter>,
    },
    /// What we cannot apply.
    Unsupported {
        /// Why, as a sentence without a full stop.
        reason: String,
    },
}

/// `bool`: clauses that must hold, may hold, or must not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BoolClause {
    /// All must hold.
    pub must: Vec<FilterClause>,
    /// All must hold.
    pub filter: Vec<FilterClause>,
    /// At least `minimum_should_match` must hold.
    pub should: Vec<FilterClause>,
    /// None may hold.
    pub must_not: Vec<FilterClause>,
    /// Worked out from what is written: 1 when there are only `should` clauses, 0 when others must hold.
    pub minimum_should_match: usize,
}

/// How the parts of a combined filter are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// All must hold.
    And,
    /// One must hold.
    Or,
}

impl Filter {
    /// Reads a filter object. Never fails: what cannot be applied becomes [`FilterClause::Unsupported`].
    pub fn read(raw: &Value) -> Self {
        Self::read_at(raw, 0)
    }

    fn read_at(raw: &Value, depth: usize) -> Self {
        let meta = raw.get("meta");
        let flag = |name: &str| meta.and_then(|m| m.get(name)).and_then(Value::as_bool).unwrap_or(false);
        Self {
            alias: meta.and_then(|m| m.get("alias")).and_then(Value::as_str).map(str::to_owned),
            negate: flag("negate"),
            disabled: flag("disabled"),
            clause: read_body(raw, depth),
            raw: raw.clone(),
        }
    }

    /// Why the filter cannot be applied; empty when it can, or when it is disabled.
    pub fn unsupported(&self) -> Vec<&str> {
        let mut reasons = Vec::new();
        if !self.disabled {
            self.clause.collect_unsupported(&mut reasons);
        }
        reasons
    }
}

impl FilterClause {
    /// Every field that the clause names, in order of appearance; not those inside query strings.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::MatchPhrase { field, .. }
            | Self::Match { field, .. }
            | Self::Term { field, .. }
            | Self::Terms { field, .. }
            | Self::Exists { field }
            | Self::Range { field, .. }
            | Self::Wildcard { field, .. }
            | Self::Prefix { field, .. }
            | Self::Regexp { field, .. } => vec![field],
            Self::QueryString { fields, .. } => fields.iter().map(String::as_str).collect(),
            Self::Bool(clause) => clause.clauses().flat_map(Self::fields).collect(),
            Self::Nested { clause, .. } => clause.fields(),
            Self::Combined { filters, .. } => filters.iter().flat_map(|f| f.clause.fields()).collect(),
            Self::MatchAll | Self::MatchNone | Self::Unsupported { .. } => Vec::new(),
        }
    }

    fn collect_unsupported<'a>(&'a self, reasons: &mut Vec<&'a str>) {
        match self {
            Self::Unsupported { reason } => reasons.push(reason),
            Self::Bool(clause) => clause.clauses().for_each(|c| c.collect_unsupported(reasons)),
            Self::Nested { clause, .. } => clause.collect_unsupported(reasons),
            Self::Combined { filters, .. } => filters.iter().for_each(|f| reasons.extend(f.unsupported())),
            _ => {}
        }
    }
}

impl BoolClause {
    fn clauses(&self) -> impl Iterator<Item = &FilterClause> {
        self.must.iter().chain(&self.filter).chain(&self.should).chain(&self.must_not)
    }
}

/// How deep clauses may lie within each other; Elasticsearch's `indices.query.bool.max_nested_depth`.
const MAX_DEPTH: usize = 30;

fn read_body(raw: &Value, depth: usize) -> FilterClause {
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
    let number = match written {
        Value::Number(number) => number.as_i64()?,
        Value::String(text) => match text.trim().strip_suffix('%') {
            Some(percent) => {
                let percent: i64 = percent.parse().ok().filter(|p: &i64| p.abs() <= 100)?;
                percent * total / 100
            }
            None => text.trim().parse().ok()?,
        },
        _ => return None,
    };
    let number = if number < 0 { total.checked_add(number)? } else { number };
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
