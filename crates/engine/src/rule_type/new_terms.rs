//! Rules of type `new_terms`: the first event with values that were not there before is a hit.

use ecs::{Catalog, FieldTable};
use rule::Rule;
use rule::rule_type::NewTermsRule;
use rule::schedule::Schedule;

use super::key;
use crate::event_time::EventTime;
use crate::finisher::{Finisher, NewTermsPlan};
use crate::windows::ScheduledRuns;

/// What is done with the events that pass the rule's query.
pub(crate) fn finisher(
    rule: &Rule,
    own: &NewTermsRule,
    catalog: &Catalog,
    table: &mut FieldTable,
) -> Finisher {
    Finisher::NewTerms(Box::new(NewTermsPlan {
        time: EventTime::of_rule(rule),
        fields: own.new_terms_fields.iter().map(|field| key(field, catalog, table)).collect(),
        runs: ScheduledRuns::new(&Schedule::of(rule), Some(&own.history_window_start)),
        history: own.history_window_start.clone(),
    }))
}
