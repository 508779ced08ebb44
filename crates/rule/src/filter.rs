//! Kibana filter objects: conditions beside the query, as Elasticsearch query objects.
//!
//! Start at [`Filter::read`]. A filter that we cannot apply keeps its reason in [`FilterClause::Unsupported`];
//! its rule must then not run, since dropping a filter would change what the rule finds.
//! Source: elastic/kibana kbn-es-query/src/es_query/from_filters.ts; Elasticsearch docs "Query DSL".

use serde_json::Value;

mod query_object;

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
#[expect(
    clippy::large_enum_variant,
    reason = "rules have few filters, and most of them are ranges or smaller"
)]
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
            clause: query_object::read_body(raw, depth),
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
