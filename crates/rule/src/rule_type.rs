//! What a rule looks for, and how: one variant per rule type.
//!
//! Names, required fields and defaults are those of elastic/kibana
//! common/api/detection_engine/model/rule_schema/specific_attributes.

use std::fmt;

use crate::filter::Filter;
use crate::suppression::AlertSuppression;

/// The eight types, each with what only it has.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleType {
    /// Events that a query finds.
    Query(QueryRule),
    /// Events that a query kept elsewhere finds.
    SavedQuery(SavedQueryRule),
    /// Events, sequences or samples that an EQL query finds.
    Eql(EqlRule),
    /// Rows that an ES|QL query yields.
    Esql(EsqlRule),
    /// Groups with at least so many events.
    Threshold(ThresholdRule),
    /// Events that match an indicator.
    ThreatMatch(Box<ThreatMatchRule>),
    /// Anomalies that a machine-learning job found.
    MachineLearning(MachineLearningRule),
    /// Values that were not seen before.
    NewTerms(NewTermsRule),
}

/// Which events a rule reads, before its query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventSource {
    /// The index patterns as written; `None` when the rule names none. A data view wins over them.
    pub index: Option<Vec<String>>,
    /// A Kibana data view.
    pub data_view_id: Option<String>,
    /// Further conditions; all must hold.
    pub filters: Vec<Filter>,
}

/// Type `query`.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryRule {
    /// Which events it reads.
    pub source: EventSource,
    /// The query; empty finds every event.
    pub query: String,
    /// Kuery or Lucene.
    pub language: Language,
    /// The saved query that this one was copied from; without effect.
    pub saved_id: Option<String>,
    /// How its alerts are folded.
    pub suppression: Option<AlertSuppression>,
}

/// Type `saved_query`.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedQueryRule {
    /// The saved query.
    pub saved_id: String,
    /// Which events it reads, when the saved query is gone.
    pub source: EventSource,
    /// The query when the saved query is gone.
    pub query: Option<String>,
    /// Kuery or Lucene.
    pub language: Language,
    /// How its alerts are folded.
    pub suppression: Option<AlertSuppression>,
}

/// Type `eql`.
#[derive(Debug, Clone, PartialEq)]
pub struct EqlRule {
    /// Which events it reads.
    pub source: EventSource,
    /// The query.
    pub query: String,
    /// The field of the event's category; `event.category` when `None`.
    pub event_category_override: Option<String>,
    /// Orders events of the same instant.
    pub tiebreaker_field: Option<String>,
    /// Orders events; `@timestamp` when `None`.
    pub timestamp_field: Option<String>,
    /// How its alerts are folded.
    pub suppression: Option<AlertSuppression>,
}

/// Type `esql`. Its query names the index patterns itself.
#[derive(Debug, Clone, PartialEq)]
pub struct EsqlRule {
    /// The query.
    pub query: String,
    /// How its alerts are folded.
    pub suppression: Option<AlertSuppression>,
}

/// Type `threshold`.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdRule {
    /// Which events it reads.
    pub source: EventSource,
    /// The query.
    pub query: String,
    /// Kuery or Lucene.
    pub language: Language,
    /// The saved query that this one was copied from; without effect.
    pub saved_id: Option<String>,
    /// How many of what.
    pub threshold: Threshold,
    /// How its alerts are folded: always with a duration, by the threshold's own fields.
    pub suppression: Option<AlertSuppression>,
}

/// How many events a group needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// The fields whose values make a group; empty for one group of all events. An event that lacks one is in none.
    pub field: Vec<String>,
    /// At least so many events.
    pub value: u64,
    /// At least so many different values of other fields. Only the first has an effect.
    pub cardinality: Vec<Cardinality>,
}

/// How many different values a group needs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cardinality {
    /// The field that is counted.
    pub field: String,
    /// At least so many different values.
    pub value: u64,
}

/// Type `threat_match`: indicator match.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreatMatchRule {
    /// Which events it reads.
    pub source: EventSource,
    /// The query for events.
    pub query: String,
    /// Kuery or Lucene.
    pub language: Language,
    /// The saved query that this one was copied from; without effect.
    pub saved_id: Option<String>,
    /// Where indicators lie.
    pub threat_index: Vec<String>,
    /// The query for indicators.
    pub threat_query: String,
    /// The language of that query.
    pub threat_language: Language,
    /// Further conditions on indicators.
    pub threat_filters: Vec<Filter>,
    /// An event matches an indicator when all entries of one group do; at least one group.
    pub threat_mapping: Vec<ThreatMappingGroup>,
    /// Where in an indicator its details are; default `threat.indicator`.
    pub threat_indicator_path: String,
    /// A hint on how to search; without effect here.
    pub concurrent_searches: Option<u32>,
    /// A hint on how to search; without effect here.
    pub items_per_search: Option<u32>,
    /// How its alerts are folded.
    pub suppression: Option<AlertSuppression>,
}

/// Entries that must all match one and the same indicator.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ThreatMappingGroup {
    /// At least one.
    pub entries: Vec<ThreatMappingEntry>,
}

/// The event's `field` equals the indicator's `value` field (or, negated, does not).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ThreatMappingEntry {
    /// The event's field.
    pub field: String,
    /// Always `mapping`.
    #[serde(rename = "type")]
    pub entry_type: String,
    /// The indicator's field.
    pub value: String,
    /// True for "does not match".
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub negate: bool,
}

/// Type `machine_learning`.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineLearningRule {
    /// The lowest anomaly score that gives an alert.
    pub anomaly_threshold: f64,
    /// The jobs whose anomalies are read; at least one.
    pub machine_learning_job_id: Vec<String>,
    /// How its alerts are folded.
    pub suppression: Option<AlertSuppression>,
}

/// Type `new_terms`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTermsRule {
    /// Which events it reads.
    pub source: EventSource,
    /// The query, for the window and for the history.
    pub query: String,
    /// Kuery or Lucene.
    pub language: Language,
    /// One to three fields whose combined values are looked at.
    pub new_terms_fields: Vec<String>,
    /// Where the history starts, relative to the end of the window; earlier than the rule's `from`.
    pub history_window_start: ecs::DateMath,
    /// How its alerts are folded.
    pub suppression: Option<AlertSuppression>,
}

/// What a query is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// `kuery`: KQL, the Kibana query language.
    Kuery,
    /// `lucene`: Lucene query strings.
    Lucene,
    /// `eql`: the event query language.
    Eql,
    /// `esql`: ES|QL.
    Esql,
}

impl Language {
    /// The name that rules use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kuery => "kuery",
            Self::Lucene => "lucene",
            Self::Eql => "eql",
            Self::Esql => "esql",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl RuleType {
    /// The name that rules use, for example `new_terms`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Query(_) => "query",
            Self::SavedQuery(_) => "saved_query",
            Self::Eql(_) => "eql",
            Self::Esql(_) => "esql",
            Self::Threshold(_) => "threshold",
            Self::ThreatMatch(_) => "threat_match",
            Self::MachineLearning(_) => "machine_learning",
            Self::NewTerms(_) => "new_terms",
        }
    }

    /// The name that alerts show as `kibana.alert.rule.category`, for example `New Terms Rule`.
    ///
    /// Source: elastic/kibana, the `name` of each rule type in rule_types/*/create_*_alert_type.ts.
    pub fn display_name(&self) -> &'static str {
        match self {
            Self::Query(_) => "Custom Query Rule",
            Self::SavedQuery(_) => "Saved Query Rule",
            Self::Eql(_) => "Event Correlation Rule",
            Self::Esql(_) => "ES|QL Rule",
            Self::Threshold(_) => "Threshold Rule",
            Self::ThreatMatch(_) => "Indicator Match Rule",
            Self::MachineLearning(_) => "Machine Learning Rule",
            Self::NewTerms(_) => "New Terms Rule",
        }
    }

    /// The id that alerts carry as `kibana.alert.rule.rule_type_id`, for example `siem.queryRule`.
    pub fn rule_type_id(&self) -> &'static str {
        match self {
            Self::Query(_) => "siem.queryRule",
            Self::SavedQuery(_) => "siem.savedQueryRule",
            Self::Eql(_) => "siem.eqlRule",
            Self::Esql(_) => "siem.esqlRule",
            Self::Threshold(_) => "siem.thresholdRule",
            Self::ThreatMatch(_) => "siem.indicatorRule",
            Self::MachineLearning(_) => "siem.mlRule",
            Self::NewTerms(_) => "siem.newTermsRule",
        }
    }

    /// Which events the rule reads; `None` for types that do not say it apart from their query (ES|QL, machine learning).
    pub fn source(&self) -> Option<&EventSource> {
        match self {
            Self::Query(rule) => Some(&rule.source),
            Self::SavedQuery(rule) => Some(&rule.source),
            Self::Eql(rule) => Some(&rule.source),
            Self::Threshold(rule) => Some(&rule.source),
            Self::ThreatMatch(rule) => Some(&rule.source),
            Self::NewTerms(rule) => Some(&rule.source),
            Self::Esql(_) | Self::MachineLearning(_) => None,
        }
    }

    /// The query that finds events, and its language; `None` for machine learning, and for a saved query without a copy.
    pub fn query(&self) -> Option<(&str, Language)> {
        match self {
            Self::Query(rule) => Some((&rule.query, rule.language)),
            Self::SavedQuery(rule) => rule.query.as_deref().map(|query| (query, rule.language)),
            Self::Eql(rule) => Some((&rule.query, Language::Eql)),
            Self::Esql(rule) => Some((&rule.query, Language::Esql)),
            Self::Threshold(rule) => Some((&rule.query, rule.language)),
            Self::ThreatMatch(rule) => Some((&rule.query, rule.language)),
            Self::NewTerms(rule) => Some((&rule.query, rule.language)),
            Self::MachineLearning(_) => None,
        }
    }

    /// How its alerts are folded.
    pub fn suppression(&self) -> Option<&AlertSuppression> {
        match self {
            Self::Query(rule) => rule.suppression.as_ref(),
            Self::SavedQuery(rule) => rule.suppression.as_ref(),
            Self::Eql(rule) => rule.suppression.as_ref(),
            Self::Esql(rule) => rule.suppression.as_ref(),
            Self::Threshold(rule) => rule.suppression.as_ref(),
            Self::ThreatMatch(rule) => rule.suppression.as_ref(),
            Self::MachineLearning(rule) => rule.suppression.as_ref(),
            Self::NewTerms(rule) => rule.suppression.as_ref(),
        }
    }
}
