//! Rules of type `threshold`: a group of events that is large enough is a hit.

use ecs::{Catalog, FieldTable};
use rule::Rule;
use rule::rule_type::ThresholdRule;
use rule::schedule::Schedule;

use super::key;
use crate::event_time::EventTime;
use crate::finisher::{Finisher, ThresholdPlan};
use crate::index_selection::DEFAULT_PATTERNS;
use crate::threshold::Limits;
use crate::windows::ScheduledRuns;

/// What is done with the events that pass the rule's query.
pub(crate) fn finisher(
    rule: &Rule,
    own: &ThresholdRule,
    catalog: &Catalog,
    table: &mut FieldTable,
) -> Finisher {
    let mut named = |field: &String| (field.clone(), key(field, catalog, table));
    // Kibana looks at the first alone.
    let cardinality = own.threshold.cardinality.first();
    Finisher::Threshold(Box::new(ThresholdPlan {
        time: EventTime::of_rule(rule),
        fields: own.threshold.field.iter().map(&mut named).collect(),
        limits: Limits { events: own.threshold.value, values: cardinality.map(|counted| counted.value) },
        cardinality: cardinality.map(|counted| named(&counted.field)),
        runs: ScheduledRuns::new(&Schedule::of(rule), None),
        index: match &own.source.index {
            Some(patterns) => patterns.join(","),
            None => DEFAULT_PATTERNS.join(","),
        },
    }))
}
