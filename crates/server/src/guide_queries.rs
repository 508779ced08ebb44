//! The queries that guides carry, asked of the lake: its columns first, documents of what they may be about.

use ecs::{Catalog, FieldTable, IndexPatterns, TimeRange, Timestamp};
use lake::{Glimpse, ScanRequest, Snapshot, TimeField};
use triage::asked_queries::AskedQueries;
use triage::investigate_query::Query;
use triage::place::Place;

use crate::error::ServerError;

/// Shows the queries about events what came in before `now`. When more than `most` events may be what they ask for, none of
/// them has an answer. Blocks.
///
/// # Errors
/// When the lake cannot be read.
pub(crate) fn ask(
    asked: &mut AskedQueries,
    snapshot: &Snapshot,
    catalog: &Catalog,
    now: Timestamp,
    most: u64,
) -> Result<(), ServerError> {
    let queries: Vec<Query> = asked.of_events().cloned().collect();
    let Some(time) = queries.iter().map(|query| query.range).reduce(both) else { return Ok(()) };
    let mut fields = FieldTable::new();
    for field in queries.iter().flat_map(Query::telling_fields) {
        fields.intern(field, catalog);
    }
    // What Bartizan writes about itself is in no logs that a hunt reads either.
    let streams = IndexPatterns::new(["*", "-logs-bartizan.*"]);
    let request = ScanRequest { streams, time, time_field: TimeField::Timestamp, ..ScanRequest::default() };
    let may_be_found = |event: &Glimpse| {
        let time = event.timestamp();
        let view = event.view(0);
        let is_within = |query: &&Query| time.is_none_or(|time| query.range.contains(time));
        queries.iter().filter(is_within).any(|query| query.may_find(&view, &fields))
    };
    let mut looked_at = 0;
    for event in snapshot.glimpses(&request, &[&fields]) {
        let event = event?;
        if event.ingested().is_some_and(|at| at >= now) || !may_be_found(&event) {
            continue;
        }
        looked_at += 1;
        if looked_at > most {
            asked.give_up(format!(
                "More than {most} events of the lake may be what the guide asks for, which are too many to look at here."
            ));
            return Ok(());
        }
        asked.see(&event.event()?.document, &Place::Lake);
    }
    Ok(())
}

/// The time of both, and what lies between.
fn both(one: TimeRange, other: TimeRange) -> TimeRange {
    TimeRange {
        from: one.from.zip(other.from).map(|(one, other)| one.min(other)),
        to: one.to.zip(other.to).map(|(one, other)| one.max(other)),
    }
}
