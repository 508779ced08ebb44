//! Which data streams a rule reads.
//!
//! Source: elastic/kibana detection_engine/rule_types/utils/get_input_output_index.ts; docs, "Configure advanced
//! settings", default of `securitySolution:defaultIndex`.

use std::borrow::Cow;

use ecs::IndexPatterns;
use matcher::Schema;
use query::esql::ast::{FromItem, IndexPattern, Source};
use rule::rule_type::{EsqlRule, EventSource, RuleType};

use crate::outcome::NotRunReason;

/// What a rule reads that names neither index patterns nor a data view.
pub const DEFAULT_PATTERNS: [&str; 9] = [
    "apm-*-transaction*",
    "auditbeat-*",
    "endgame-*",
    "filebeat-*",
    "logs-*",
    "packetbeat-*",
    "traces-apm*",
    "winlogbeat-*",
    "-*elastic-cloud-logs-*",
];

/// Where the events lie that a rule reads; `None` for rules that read none.
pub fn source(rule_type: &RuleType) -> Option<Cow<'_, EventSource>> {
    match rule_type {
        RuleType::Esql(own) => Some(Cow::Owned(of_query(own))),
        other => other.source().map(Cow::Borrowed),
    }
}

/// Where the events lie that an ES|QL query reads: what its `FROM` names.
fn of_query(own: &EsqlRule) -> EventSource {
    let Source::From(from) = query::esql::parse(&own.query).tree.source.value else {
        return EventSource::default();
    };
    let patterns = from.items.into_iter().filter_map(|item| match item.value {
        FromItem::Pattern(pattern) => Some(pattern_text(&pattern)),
        FromItem::Subquery(_) => None,
    });
    EventSource { index: Some(patterns.collect()), ..EventSource::default() }
}

/// Other clusters are not reached, and neither are the failure stores of data streams: such a pattern fits no name.
fn pattern_text(pattern: &IndexPattern) -> String {
    let IndexPattern { cluster, index, selector } = pattern;
    let cluster = cluster.as_ref().map(|cluster| format!("{cluster}:")).unwrap_or_default();
    let selector = selector.as_ref().filter(|selector| *selector != "data");
    let selector = selector.map(|selector| format!("::{selector}")).unwrap_or_default();
    format!("{cluster}{index}{selector}")
}

/// The patterns of a rule. A data view wins over index patterns; of data views only Kibana's own for security is
/// known, which has the default patterns.
///
/// # Errors
/// [`NotRunReason::DataView`] for any other data view of a rule without index patterns.
pub fn patterns(source: &EventSource) -> Result<IndexPatterns, NotRunReason> {
    match (&source.data_view_id, &source.index) {
        (Some(id), None) if !id.is_empty() && !id.starts_with("security-solution-") => {
            Err(NotRunReason::DataView(id.clone()))
        }
        (_, Some(index)) => Ok(IndexPatterns::new(index)),
        (_, None) => Ok(IndexPatterns::new(DEFAULT_PATTERNS)),
    }
}

/// Data streams whose every field the catalogue knows.
const WHOLLY_KNOWN: [&str; 1] = ["logs-aws.cloudtrail"];

/// Whether the catalogue knows every field of the events that a rule reads.
///
/// Elasticsearch knows it from the mappings of the indices. Here it is known for a rule whose patterns all name a data
/// stream that Bartizan brings the fields of; any other events may have fields that nobody told us of.
pub fn schema(source: &EventSource) -> Schema {
    let known = |pattern: &String| {
        let mut items = pattern.split(',').map(str::trim);
        items.all(|item| WHOLLY_KNOWN.iter().any(|stream| item.starts_with(stream)))
    };
    match &source.index {
        Some(index) if !index.is_empty() && index.iter().all(known) => Schema::Closed,
        _ => Schema::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ecs::DataStream;

    #[test]
    fn only_patterns_of_known_streams_close_the_schema() {
        let schema = |patterns: &[&str]| {
            let index = Some(patterns.iter().map(|p| (*p).to_owned()).collect());
            schema(&EventSource { index, ..Default::default() })
        };
        assert_eq!(schema(&["logs-aws.cloudtrail-*"]), Schema::Closed);
        assert_eq!(schema(&["logs-aws.cloudtrail-default, logs-aws.cloudtrail-dev"]), Schema::Closed);
        assert_eq!(schema(&["logs-aws.cloudtrail-*", "filebeat-*"]), Schema::Open);
        assert_eq!(schema(&["logs-aws*"]), Schema::Open);
        assert_eq!(schema(&[]), Schema::Open);
        assert_eq!(super::schema(&EventSource::default()), Schema::Open);
    }

    #[test]
    fn the_patterns_are_those_of_the_query() {
        let patterns = |query: &str| of_query(&EsqlRule { query: query.to_owned(), suppression: None }).index;
        for (query, expected) in [
            (
                "FROM logs-a*, -logs-ab-*, \"x-1,y\" METADATA _id",
                Some(&["logs-a*", "-logs-ab-*", "x-1", "y"][..]),
            ),
            (
                "FROM *:logs-*, .alerts-security.*::data, logs-b::failures",
                Some(&["*:logs-*", ".alerts-security.*", "logs-b::failures"]),
            ),
            ("ROW a = 1", None),
        ] {
            let expected =
                expected.map(|patterns| patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
            assert_eq!(patterns(query), expected, "{query}");
        }
    }

    #[test]
    fn a_rule_without_patterns_reads_the_defaults() {
        let stream = DataStream::logs("aws.cloudtrail");
        assert!(patterns(&EventSource::default()).unwrap().matches(&stream));
        let own =
            EventSource { data_view_id: Some("security-solution-default".into()), ..Default::default() };
        assert!(patterns(&own).unwrap().matches(&stream));
        let unknown = EventSource { data_view_id: Some("my-view".into()), ..Default::default() };
        assert_eq!(patterns(&unknown), Err(NotRunReason::DataView("my-view".into())));
    }
}
