//! When an event happened, as its rule has it.

use ecs::Document;
use matcher::value::date_of;
use rule::Rule;

/// The fields that say when an event happened.
///
/// Source: elastic/kibana rule_types/utils/build_events_query.ts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTime {
    /// `@timestamp`, or what the rule has in its place.
    pub primary: String,
    /// For events that lack the first.
    pub fallback: Option<String>,
}

impl EventTime {
    /// The time of a rule's events.
    pub fn of_rule(rule: &Rule) -> Self {
        Self {
            primary: rule.primary_timestamp().to_owned(),
            fallback: rule.fallback_timestamp().map(str::to_owned),
        }
    }

    /// In milliseconds since the epoch; `None` when nothing that can be read says it.
    pub fn of(&self, document: &Document) -> Option<i64> {
        let read = |field: &String| document.first(field).and_then(date_of);
        read(&self.primary).or_else(|| self.fallback.as_ref().and_then(read))
    }
}
