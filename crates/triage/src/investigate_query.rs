//! The queries that public guides carry, `!{investigate{…}}`: read, filled in from the alert, and asked of events.

use std::fmt;

use ecs::time::Rounding;
use ecs::{DateMath, Document, EventView, FieldTable, Known, Scalar, TimeRange, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::answer::Evidence;

/// A query of a guide, filled in from an alert.
///
/// Format: Elastic Security docs, "Launch Timeline from investigation guides"; Kibana's insight plugin of the guide.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What it is called.
    pub label: String,
    /// What it is for; mostly empty.
    pub description: String,
    /// One of these groups has to hold, and of a group every condition.
    pub any_of: Vec<Vec<Condition>>,
    /// Of which time the events have to be: `relativeFrom` reckoned from the alert's event, `relativeTo` from the end of
    /// the logs at hand.
    pub range: TimeRange,
}

/// A condition on a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub field: String,
    /// Must it not hold?
    pub excluded: bool,
    /// What has to hold.
    pub test: Test,
}

/// What has to hold of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// A value of the field is one of these. `*` stands for any value.
    Is(Vec<String>),
    /// A number from the first, inclusive, to the second, exclusive; texts as Kibana writes them.
    Between(Option<String>, Option<String>),
    /// The field has a value.
    Exists,
}

/// What came of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryAnswer {
    /// Events, or alerts for a query about alerts, that it found.
    pub count: u64,
    /// The first. RFC 3339, UTC.
    pub first: Option<String>,
    /// The last.
    pub last: Option<String>,
    /// The first of them, at most ten.
    pub examples: Vec<Evidence>,
    /// Why there may be more, as a whole sentence.
    pub why_not_whole: Option<String>,
}

/// Why a query of a guide could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The braces of the query never close.
    #[error("the query in the guide has no end")]
    Unclosed,
    /// Not the JSON that it should be.
    #[error("the query in the guide cannot be read: {0}")]
    Json(String),
    /// A kind of condition that is not known.
    #[error("the query in the guide uses `{0}`, which is not supported")]
    QueryType(String),
    /// A time that is none.
    #[error("the query in the guide names a time that cannot be read: {0}")]
    Time(String),
    /// Every group of conditions needs a field that the alert does not have.
    #[error("the query needs {0}, which the alert does not have")]
    NoValue(String),
}

/// A query as the guide has it, before it is filled in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct GuideQuery {
    /// What it is called.
    #[serde(default)]
    pub label: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    providers: Vec<Vec<Provider>>,
    #[serde(default, rename = "relativeFrom")]
    relative_from: Option<String>,
    #[serde(default, rename = "relativeTo")]
    relative_to: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Provider {
    field: String,
    #[serde(default)]
    excluded: bool,
    #[serde(default, rename = "queryType")]
    query_type: String,
    #[serde(default)]
    value: Value,
}

/// The start of a query in a guide.
const MARK: &str = "!{investigate";

/// Does a text carry a query?
pub fn carries_query(text: &str) -> bool {
    text.contains(MARK)
}

/// Every query of a text, in order, each read or with the reason why not.
pub fn queries_of(text: &str) -> Vec<Result<GuideQuery, QueryError>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        rest = rest.get(at + MARK.len()..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<GuideQuery>();
        match stream.next() {
            Some(Ok(query)) => {
                let end = stream.byte_offset();
                let after = rest.get(end..).unwrap_or_default();
                let closed = after.trim_start().starts_with('}');
                found.push(if closed { Ok(query) } else { Err(QueryError::Unclosed) });
                rest = after;
            }
            Some(Err(error)) if error.is_eof() => found.push(Err(QueryError::Unclosed)),
            Some(Err(error)) => found.push(Err(QueryError::Json(error.to_string()))),
            None => found.push(Err(QueryError::Unclosed)),
        }
    }
    found
}

/// A text with each of its queries replaced by the query's label.
pub fn without_queries(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + MARK.len()..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<GuideQuery>();
        let Some(Ok(query)) = stream.next() else { continue };
        out.push_str(&query.label);
        let after = rest.get(stream.byte_offset()..).unwrap_or_default();
        rest = after.trim_start().strip_prefix('}').unwrap_or(after);
    }
    out.push_str(rest);
    out.trim().to_owned()
}

impl GuideQuery {
    /// Fills in the values from the alert's document. Groups that need a field that the alert does not have are left
    /// out, and named in the second part; a field with several values asks for any of them.
    ///
    /// # Errors
    /// When a condition or time is not understood, or no group can be filled in.
    pub fn fill(
        &self,
        alert: &Document,
        time: Timestamp,
        end: Timestamp,
    ) -> Result<(Query, Vec<String>), QueryError> {
        let mut any_of = Vec::new();
        let mut lacking = Vec::new();
        for group in &self.providers {
            let conditions: Result<Vec<Condition>, QueryError> =
                group.iter().map(|provider| provider.fill(alert)).collect();
            match conditions {
                Ok(conditions) if conditions.is_empty() => {}
                Ok(conditions) => any_of.push(conditions),
                Err(QueryError::NoValue(field)) => lacking.push(field),
                Err(other) => return Err(other),
            }
        }
        lacking.sort();
        lacking.dedup();
        if any_of.is_empty() {
            let named = if lacking.is_empty() { "a condition".to_owned() } else { lacking.join(" and ") };
            return Err(QueryError::NoValue(named));
        }
        let resolve =
            |math: Option<&String>, now: Timestamp, rounding| -> Result<Option<Timestamp>, QueryError> {
                let fail = |error: ecs::time::TimeError| QueryError::Time(error.to_string());
                math.filter(|math| !math.is_empty())
                    .map(|math| {
                        math.parse::<DateMath>().and_then(|math| math.resolve(now, rounding)).map_err(fail)
                    })
                    .transpose()
            };
        let from = resolve(self.relative_from.as_ref(), time, Rounding::Down)?;
        // The end of a range of Kibana is inclusive; milliseconds are the smallest step of time in documents.
        let to = resolve(self.relative_to.as_ref(), end.max(time), Rounding::Up)?;
        let to = to.and_then(|to| to.checked_add(jiff::SignedDuration::from_millis(1)).ok());
        let (label, description) = (self.label.clone(), self.description.clone());
        Ok((Query { label, description, any_of, range: TimeRange { from, to } }, lacking))
    }
}

impl Provider {
    fn fill(&self, alert: &Document) -> Result<Condition, QueryError> {
        let test = match self.query_type.as_str() {
            "phrase" | "" => Test::Is(filled(&text_of(&self.value), alert)?),
            "phrases" => {
                let listed: Vec<String> = match &self.value {
                    Value::Array(values) => values.iter().map(text_of).collect(),
                    // Kibana's own editor writes the list as a text of JSON.
                    other => serde_json::from_str::<Vec<Value>>(&text_of(other))
                        .map(|values| values.iter().map(text_of).collect())
                        .unwrap_or_else(|_| vec![text_of(other)]),
                };
                let mut values = Vec::new();
                for value in &listed {
                    values.extend(filled(value, alert)?);
                }
                Test::Is(values)
            }
            "range" => {
                let range = match &self.value {
                    Value::String(text) => {
                        serde_json::from_str(text).map_err(|error| QueryError::Json(error.to_string()))?
                    }
                    other => other.clone(),
                };
                let end = |names: [&str; 2]| {
                    names.iter().find_map(|name| range.get(name)).map(text_of).filter(|text| !text.is_empty())
                };
                Test::Between(end(["gte", "gt"]), end(["lt", "lte"]))
            }
            "exists" => Test::Exists,
            other => return Err(QueryError::QueryType(other.to_owned())),
        };
        Ok(Condition { field: self.field.clone(), excluded: self.excluded, test })
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A value with its `{{field}}` filled in: all values of the field when nothing else stands beside it.
fn filled(value: &str, alert: &Document) -> Result<Vec<String>, QueryError> {
    let values_of = |field: &str| -> Result<Vec<String>, QueryError> {
        let values: Vec<String> = alert.values(field).iter().map(|value| value.text().into_owned()).collect();
        if values.is_empty() { Err(QueryError::NoValue(format!("`{field}`"))) } else { Ok(values) }
    };
    let trimmed = value.trim();
    if let Some(field) = trimmed.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"))
        && !field.contains("{{")
    {
        return values_of(field.trim_matches(['{', '}']).trim());
    }
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((field, after)) = after.split_once("}}") else { break };
        out.push_str(before);
        out.push_str(values_of(field.trim())?.first().map_or("", String::as_str));
        rest = after;
    }
    out.push_str(rest);
    Ok(vec![out])
}

impl Query {
    /// Is it about alerts rather than events?
    pub fn asks_for_alerts(&self) -> bool {
        let is_alert = |condition: &Condition| {
            !condition.excluded
                && (condition.field.starts_with("kibana.alert.")
                    || condition.field == "event.kind"
                        && condition.test == Test::Is(vec!["signal".to_owned()]))
        };
        self.any_of.iter().all(|group| group.iter().any(is_alert))
    }

    /// Does it find a document that happened at `time`? Texts are compared as written, numbers and truth as texts.
    pub fn finds(&self, document: &Document, time: Timestamp) -> bool {
        self.range.contains(time)
            && self.any_of.iter().any(|group| group.iter().all(|one| one.holds(document)))
    }

    /// The fields that tell of an event whether it may be found.
    pub fn telling_fields(&self) -> impl Iterator<Item = &str> {
        let telling = self.any_of.iter().flatten().filter(|condition| condition.is_telling());
        telling.map(|condition| condition.field.as_str())
    }

    /// May it find an event of which not all is known? `fields` are those of the view.
    pub fn may_find(&self, view: &dyn EventView, fields: &FieldTable) -> bool {
        self.any_of.iter().any(|group| group.iter().all(|one| one.may_hold(view, fields)))
    }
}

impl Condition {
    fn is_telling(&self) -> bool {
        !self.excluded && !matches!(self.test, Test::Between(..))
    }

    fn may_hold(&self, view: &dyn EventView, fields: &FieldTable) -> bool {
        let Some(field) = fields.get(&self.field).filter(|_| self.is_telling()) else { return true };
        let known = match &self.test {
            Test::Exists => view.exists(field),
            Test::Is(wanted) => view.any_value(field, &mut |value| is_one_of(&value, wanted)),
            Test::Between(..) => Known::Unknown,
        };
        known != Known::No
    }

    fn holds(&self, document: &Document) -> bool {
        let values = document.values(&self.field);
        let holds = match &self.test {
            Test::Exists => !values.is_empty(),
            Test::Is(wanted) => values.iter().any(|value| is_one_of(value, wanted)),
            Test::Between(from, to) => values.iter().any(|value| {
                let number = |text: &str| text.parse::<f64>().ok();
                let Some(value) = number(&value.text()) else { return false };
                from.as_deref().and_then(number).is_none_or(|from| from <= value)
                    && to.as_deref().and_then(number).is_none_or(|to| value < to)
            }),
        };
        holds != self.excluded
    }
}

fn is_one_of(value: &Scalar<'_>, wanted: &[String]) -> bool {
    let value = value.text();
    wanted.iter().any(|wanted| wanted == "*" || *wanted == value)
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |conditions: &Vec<Condition>| {
            conditions.iter().map(Condition::to_string).collect::<Vec<_>>().join(" and ")
        };
        f.write_str(&self.any_of.iter().map(group).collect::<Vec<_>>().join(", or "))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.excluded { "not " } else { "" };
        match &self.test {
            Test::Exists => write!(f, "{not}{}: *", self.field),
            Test::Is(values) if values.len() == 1 => write!(f, "{not}{}: {:?}", self.field, values.concat()),
            Test::Is(values) => {
                let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
                write!(f, "{not}{}: ({})", self.field, quoted.join(" or "))
            }
            Test::Between(from, to) => write!(
                f,
                "{not}{} from {} to {}",
                self.field,
                from.as_deref().unwrap_or("any"),
                to.as_deref().unwrap_or("any")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn document(value: Value) -> Document {
        match value {
            Value::Object(map) => Document::from_map(map),
            other => panic!("{other}"),
        }
    }

    /// What some columns tell of an event.
    struct Columns<'a> {
        fields: &'a FieldTable,
        told: &'a BTreeMap<String, (Option<String>, bool)>,
    }

    impl EventView for Columns<'_> {
        fn any_value(&self, field: ecs::FieldId, test: &mut dyn FnMut(Scalar<'_>) -> bool) -> Known {
            match self.told.get(&*self.fields.entry(field).name) {
                Some((Some(value), true)) => test(Scalar::Str(value)).into(),
                Some((None, true)) => Known::No,
                Some((_, false)) => Known::Unknown,
                None => Known::No,
            }
        }

        fn exists(&self, field: ecs::FieldId) -> Known {
            self.any_value(field, &mut |_| true)
        }

        fn any_leaf(&self, _: &mut dyn FnMut(&str, Scalar<'_>) -> bool) -> Known {
            Known::Unknown
        }

        fn any_nested(&self, _: ecs::FieldId, _: &mut dyn FnMut(&dyn EventView) -> Known) -> Known {
            Known::Unknown
        }
    }

    const TEXT: &str = r#"Look around. !{investigate{"label":"Calls of the same user","providers":[[{"excluded":false,"field":"user.name","queryType":"phrase","value":"{{user.name}}","valueType":"string"},{"excluded":true,"field":"event.outcome","queryType":"phrase","value":"failure","valueType":"string"}]],"relativeFrom":"now-48h/h","relativeTo":"now"}} Then go on."#;

    #[test]
    fn a_query_is_read_filled_in_and_asked() {
        let queries = queries_of(TEXT);
        let [Ok(query)] = queries.as_slice() else { panic!("{queries:?}") };
        assert_eq!(without_queries(TEXT), "Look around. Calls of the same user Then go on.");
        let alert = document(serde_json::json!({ "user": { "name": ["ana", "ana2"] } }));
        let time: Timestamp = "2026-03-10T09:30:00Z".parse().unwrap();
        let end: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let (query, lacking) = query.fill(&alert, time, end).unwrap();
        assert!(lacking.is_empty());
        assert_eq!(query.to_string(), r#"user.name: ("ana" or "ana2") and not event.outcome: "failure""#);
        assert_eq!(query.range.from.unwrap().to_string(), "2026-03-08T09:00:00Z");
        for (value, at, expected) in [
            (serde_json::json!({ "user.name": "ana", "event.outcome": "success" }), end, true),
            (serde_json::json!({ "user.name": "ana" }), end, true),
            (serde_json::json!({ "user.name": "ana", "event.outcome": "failure" }), end, false),
            (serde_json::json!({ "user.name": "bob" }), end, false),
            (serde_json::json!({ "user.name": "ana" }), "2026-03-08T08:59:59Z".parse().unwrap(), false),
        ] {
            assert_eq!(query.finds(&document(value.clone()), at), expected, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_asked_has_a_reason() {
        let now: Timestamp = "2026-03-10T09:30:00Z".parse().unwrap();
        let alert = Document::new();
        let reason = |text: &str| match queries_of(text).remove(0) {
            Err(error) => error.to_string(),
            Ok(query) => query
                .fill(&alert, now, now)
                .map(|(query, _)| query.to_string())
                .unwrap_or_else(|e| e.to_string()),
        };
        for (text, expected) in [
            (TEXT, "the query needs `user.name`, which the alert does not have"),
            ("!{investigate{\"label\":\"x\"", "the query in the guide has no end"),
            ("!{investigate{\"label\":1}}", "cannot be read"),
            ("!{investigate{\"label\":\"x\"}}", "the query needs a condition"),
            (
                r#"!{investigate{"providers":[[{"field":"a","queryType":"regex","value":"b"}]]}}"#,
                "`regex`, which is not supported",
            ),
            (
                r#"!{investigate{"providers":[[{"field":"a","queryType":"exists"}]],"relativeFrom":"yesterday"}}"#,
                "a time that cannot be read",
            ),
            (
                r#"!{investigate{"providers":[[{"field":"a","queryType":"phrases","value":["b",3]}],[{"field":"c","value":"{{d}}"}]]}}"#,
                r#"a: ("b" or "3")"#,
            ),
            (
                r#"!{investigate{"providers":[[{"field":"n","queryType":"range","value":"{\"gte\":\"1\",\"lt\":\"5\"}"}]]}}"#,
                "n from 1 to 5",
            ),
        ] {
            assert!(reason(text).contains(expected), "{text}: {}", reason(text));
        }
    }

    #[test]
    fn a_query_for_alerts_is_known() {
        let text =
            r#"!{investigate{"providers":[[{"field":"event.kind","queryType":"phrase","value":"signal"}]]}}"#;
        let query = queries_of(text).remove(0).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        assert!(query.fill(&Document::new(), now, now).unwrap().0.asks_for_alerts());
    }

    proptest::proptest! {
        /// What is told by columns leaves away no event that the query finds.
        #[test]
        fn whatever_a_query_finds_it_may_find(
            values in proptest::collection::vec(("[ab]", proptest::bool::ANY, 0_u8..4), 1..5),
            held in proptest::collection::vec(("[ab]", proptest::option::of("[xy]"), proptest::bool::ANY), 0..4),
        ) {
            let condition = |(field, excluded, test): (String, bool, u8)| Condition {
                field: format!("f.{field}"),
                excluded,
                test: match test {
                    0 => Test::Exists,
                    1 => Test::Is(vec!["*".to_owned()]),
                    2 => Test::Between(Some("1".to_owned()), None),
                    _ => Test::Is(vec!["x".to_owned()]),
                },
            };
            let conditions: Vec<Condition> = values.into_iter().map(condition).collect();
            let any_of = conditions.chunks(2).map(<[Condition]>::to_vec).collect();
            let query = Query { label: String::new(), description: String::new(), any_of, range: TimeRange::default() };
            let told: BTreeMap<String, (Option<String>, bool)> =
                held.into_iter().map(|(field, value, is_told)| (format!("f.{field}"), (value, is_told))).collect();
            let mut event = Document::new();
            for (field, (value, _)) in &told {
                if let Some(value) = value {
                    event.set(field, value.as_str());
                }
            }
            let catalog = ecs::Catalog::builtin();
            let mut fields = FieldTable::new();
            query.telling_fields().for_each(|field| { fields.intern(field, &catalog); });
            let view = Columns { fields: &fields, told: &told };
            proptest::prop_assert!(!query.finds(&event, Timestamp::UNIX_EPOCH) || query.may_find(&view, &fields));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "(!\\{investigate|\\{|\\}|\"label\"|:|\\[|é|a| ){0,20}") {
            let _ = queries_of(&text);
            let _ = without_queries(&text);
        }
    }
}
