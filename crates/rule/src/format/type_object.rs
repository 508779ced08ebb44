//! The part of a rule's object that depends on its type.

use ecs::Interval;
use serde::Deserialize;
use serde_json::Value;

use super::fields::{Fields, OneOrMany};
use crate::filter::Filter;
use crate::rule_type::{
    Cardinality, EqlRule, EsqlRule, EventSource, Language, MachineLearningRule, NewTermsRule, QueryRule,
    RuleType, SavedQueryRule, ThreatMatchRule, Threshold, ThresholdRule,
};
use crate::suppression::{AlertSuppression, MissingFields};

/// Every key that some type has; on the other types it has no effect.
pub(super) const ALL_KEYS: [&str; 25] = [
    "query",
    "language",
    "index",
    "data_view_id",
    "filters",
    "saved_id",
    "alert_suppression",
    "event_category_override",
    "tiebreaker_field",
    "timestamp_field",
    "threshold",
    "threat_query",
    "threat_mapping",
    "threat_index",
    "threat_filters",
    "threat_indicator_path",
    "threat_language",
    "concurrent_searches",
    "items_per_search",
    "anomaly_threshold",
    "machine_learning_job_id",
    "new_terms_fields",
    "history_window_start",
    "type",
    "new_terms",
];

#[derive(Deserialize)]
struct SuppressionObject {
    #[serde(default)]
    group_by: Vec<String>,
    duration: Option<SuppressionDuration>,
    missing_fields_strategy: Option<MissingFieldsName>,
}

#[derive(Deserialize)]
struct SuppressionDuration {
    value: u32,
    unit: SuppressionUnit,
}

#[derive(Deserialize)]
enum SuppressionUnit {
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "m")]
    Minutes,
    #[serde(rename = "h")]
    Hours,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum MissingFieldsName {
    Suppress,
    DoNotSuppress,
}

#[derive(Deserialize)]
struct ThresholdObject {
    field: Option<OneOrMany>,
    value: u64,
    cardinality: Option<CardinalityObject>,
}

/// A list; old exports have a lone object.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a list of objects with `field` and `value`")]
enum CardinalityObject {
    Many(Vec<Cardinality>),
    One(Cardinality),
}

/// Reads the type and what belongs to it. `None` only when a fault was noted.
pub(super) fn read(fields: &mut Fields<'_>) -> Option<RuleType> {
    let name: String = fields.require("type")?;
    Some(match name.as_str() {
        "query" => RuleType::Query(QueryRule {
            source: source(fields),
            query: fields.take_or("query", String::new()),
            language: filter_language(fields, "language"),
            saved_id: fields.take("saved_id"),
            suppression: suppression(fields, true),
        }),
        "saved_query" => RuleType::SavedQuery(SavedQueryRule {
            saved_id: fields.require("saved_id").unwrap_or_default(),
            source: source(fields),
            query: fields.take("query"),
            language: filter_language(fields, "language"),
            suppression: suppression(fields, true),
        }),
        "eql" => {
            fixed_language(fields, Language::Eql);
            RuleType::Eql(EqlRule {
                source: source(fields),
                query: fields.require("query").unwrap_or_default(),
                event_category_override: fields.take("event_category_override"),
                tiebreaker_field: fields.take("tiebreaker_field").filter(|field: &String| !field.is_empty()),
                timestamp_field: fields.take("timestamp_field"),
                suppression: suppression(fields, true),
            })
        }
        "esql" => {
            fixed_language(fields, Language::Esql);
            RuleType::Esql(EsqlRule {
                query: fields.require("query").unwrap_or_default(),
                suppression: suppression(fields, true),
            })
        }
        "threshold" => RuleType::Threshold(ThresholdRule {
            source: source(fields),
            query: fields.require("query").unwrap_or_default(),
            language: filter_language(fields, "language"),
            saved_id: fields.take("saved_id"),
            threshold: threshold(fields),
            suppression: suppression(fields, false),
        }),
        "threat_match" => RuleType::ThreatMatch(Box::new(threat_match(fields))),
        "machine_learning" => {
            let jobs = fields.require("machine_learning_job_id").map_or_else(Vec::new, OneOrMany::into_vec);
            RuleType::MachineLearning(MachineLearningRule {
                anomaly_threshold: fields.require("anomaly_threshold").unwrap_or_default(),
                machine_learning_job_id: jobs,
                suppression: suppression(fields, true),
            })
        }
        "new_terms" => {
            let terms: Vec<String> = fields.require("new_terms_fields").unwrap_or_default();
            if fields.raw("new_terms_fields").is_some() && !(1..=3).contains(&terms.len()) {
                let message = format!("`new_terms_fields` names one to three fields, not {}", terms.len());
                fields.fault("new_terms_fields", "rule::bad-value", message);
            }
            if fields.raw("history_window_start").is_none() {
                fields.missing("history_window_start");
            }
            let start = fields.parse_or("history_window_start", "now");
            RuleType::NewTerms(NewTermsRule {
                source: source(fields),
                query: fields.require("query").unwrap_or_default(),
                language: filter_language(fields, "language"),
                new_terms_fields: terms,
                history_window_start: start.or_else(|| "now".parse().ok())?,
                suppression: suppression(fields, true),
            })
        }
        other => {
            let message = format!(
                "`{other}` is no rule type: expected query, saved_query, eql, esql, threshold, threat_match, \
                 machine_learning or new_terms"
            );
            fields.fault("type", "rule::unknown-type", message);
            return None;
        }
    })
}

fn source(fields: &mut Fields<'_>) -> EventSource {
    let filters: Vec<Value> = fields.take_or("filters", Vec::new());
    EventSource {
        index: fields.take("index"),
        data_view_id: fields.take("data_view_id").filter(|id: &String| !id.is_empty()),
        filters: filters.iter().map(Filter::read).collect(),
    }
}

fn threat_match(fields: &mut Fields<'_>) -> ThreatMatchRule {
    let filters: Vec<Value> = fields.take_or("threat_filters", Vec::new());
    ThreatMatchRule {
        source: source(fields),
        query: fields.require("query").unwrap_or_default(),
        language: filter_language(fields, "language"),
        saved_id: fields.take("saved_id"),
        threat_index: fields.require("threat_index").unwrap_or_default(),
        threat_query: fields.require("threat_query").unwrap_or_default(),
        threat_language: filter_language(fields, "threat_language"),
        threat_filters: filters.iter().map(Filter::read).collect(),
        threat_mapping: fields.require("threat_mapping").unwrap_or_default(),
        threat_indicator_path: fields
            .take("threat_indicator_path")
            .filter(|path: &String| !path.is_empty())
            .unwrap_or_else(|| "threat.indicator".to_owned()),
        concurrent_searches: fields.take("concurrent_searches"),
        items_per_search: fields.take("items_per_search"),
        suppression: suppression(fields, true),
    }
}

fn threshold(fields: &mut Fields<'_>) -> Threshold {
    let Some(object) = fields.require::<ThresholdObject>("threshold") else {
        return Threshold { field: Vec::new(), value: 1, cardinality: Vec::new() };
    };
    if object.value == 0 {
        fields.fault("threshold.value", "rule::bad-value", "`threshold.value` is at least 1".to_owned());
    }
    Threshold {
        field: object.field.map_or_else(Vec::new, OneOrMany::into_vec),
        value: object.value,
        cardinality: match object.cardinality {
            None => Vec::new(),
            Some(CardinalityObject::Many(many)) => many,
            Some(CardinalityObject::One(one)) => vec![one],
        },
    }
}

fn suppression(fields: &mut Fields<'_>, by_group: bool) -> Option<AlertSuppression> {
    let object: SuppressionObject = fields.take("alert_suppression")?;
    let key = "alert_suppression";
    if by_group && !(1..=5).contains(&object.group_by.len()) {
        let message = format!("`{key}.group_by` names one to five fields, not {}", object.group_by.len());
        fields.fault(key, "rule::bad-value", message);
    }
    if !by_group && object.duration.is_none() {
        fields.fault(key, "rule::bad-value", format!("`{key}` of a threshold rule needs a `duration`"));
    }
    let duration = object.duration.map(|duration| {
        if duration.value == 0 {
            let message = format!("`{key}.duration.value` is at least 1");
            fields.fault("alert_suppression.duration.value", "rule::bad-value", message);
        }
        let unit = match duration.unit {
            SuppressionUnit::Seconds => 1,
            SuppressionUnit::Minutes => 60,
            SuppressionUnit::Hours => 3_600,
        };
        Interval::from_seconds(i64::from(duration.value) * unit)
    });
    Some(AlertSuppression {
        group_by: if by_group { object.group_by } else { Vec::new() },
        duration,
        missing_fields: match object.missing_fields_strategy {
            Some(MissingFieldsName::DoNotSuppress) => MissingFields::DoNotSuppress,
            Some(MissingFieldsName::Suppress) | None => MissingFields::Suppress,
        },
    })
}

fn filter_language(fields: &mut Fields<'_>, key: &'static str) -> Language {
    match fields.take::<String>(key).as_deref() {
        None | Some("kuery") => Language::Kuery,
        Some("lucene") => Language::Lucene,
        Some(other) => {
            let message = format!("`{key}` of this type is kuery or lucene, not `{other}`");
            fields.fault(key, "rule::bad-value", message);
            Language::Kuery
        }
    }
}

fn fixed_language(fields: &mut Fields<'_>, language: Language) {
    let written: Option<String> = fields.take("language");
    if let Some(other) = written.filter(|name| name != language.name()) {
        let message = format!("`language` of this type is {language}, not `{other}`");
        fields.fault("language", "rule::bad-value", message);
    }
}
