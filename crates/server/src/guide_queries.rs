//! The queries that guides carry, asked of the lake: its columns first, documents of what they may be about.

use ecs::{Catalog, FieldTable, IndexPatterns, TimeRange, Timestamp};
use jiff::SignedDuration;
use lake::{Glimpse, ScanRequest, Snapshot, TimeField};
use triage::asked_queries::AskedQueries;
use triage::investigate_query::Query;
use triage::place::Place;

use crate::error::ServerError;

/// How far queries may go.
pub(crate) struct QueryBounds<'b> {
    /// Only what came in before is asked.
    pub(crate) now: Timestamp,
    /// Queries that do not say from when on look back so far.
    pub(crate) look_back: SignedDuration,
    /// So many events that may be what it asks for are looked at for one query.
    pub(crate) events: u64,
    /// Asked now and then: why to end, as a whole sentence.
    pub(crate) is_over: &'b dyn Fn() -> Option<String>,
}

/// Looked whether to end after so many events.
const LOOKED: u64 = 10_000;

/// A query that is being asked.
struct Open {
    query: Query,
    /// Events that may be what it asks for.
    may_be: u64,
}

/// Shows the queries about events what came in before now. Blocks.
///
/// # Errors
/// When the lake cannot be read.
pub(crate) fn ask(
    asked: &mut AskedQueries,
    snapshot: &Snapshot,
    catalog: &Catalog,
    bounds: &QueryBounds<'_>,
) -> Result<(), ServerError> {
    let oldest = bounds.now.saturating_sub(bounds.look_back).unwrap_or(Timestamp::MIN);
    let mut open: Vec<Open> =
        asked.of_events().map(|query| Open { query: query.clone(), may_be: 0 }).collect();
    let ranges = open
        .iter()
        .map(|open| TimeRange { from: open.query.range.from.or(Some(oldest)), ..open.query.range });
    let Some(time) = ranges.reduce(both) else { return Ok(()) };
    asked.limit(
        &format!("It does not say from when on: what lies before {oldest} was not looked at."),
        |query| !query.asks_for_alerts() && query.range.from.is_none(),
    );
    let mut fields = FieldTable::new();
    for field in open.iter().flat_map(|open| open.query.telling_fields()) {
        fields.intern(field, catalog);
    }
    // What Bartizan writes about itself is in no logs that a hunt reads either.
    let streams = IndexPatterns::new(["*", "-logs-bartizan.*"]);
    let request = ScanRequest { streams, time, time_field: TimeField::Timestamp, ..ScanRequest::default() };
    let mut looked: u64 = 0;
    for event in snapshot.glimpses(&request, &[&fields]) {
        let event = event?;
        looked += 1;
        if looked.is_multiple_of(LOOKED)
            && let Some(why) = (bounds.is_over)()
        {
            asked.give_up(&why, |query| !query.asks_for_alerts());
            return Ok(());
        }
        if event.ingested().is_some_and(|at| at >= bounds.now) || !may_be_found(&event, &mut open, &fields) {
            continue;
        }
        open.retain(|open| {
            let is_too_many = open.may_be > bounds.events;
            if is_too_many {
                let most = bounds.events;
                let why = format!(
                    "More than {most} events of the lake may be what it asks for, which are too many to look at here."
                );
                asked.give_up(&why, |query| *query == open.query);
            }
            !is_too_many
        });
        asked.see(&event.event()?.document, &Place::Lake);
    }
    Ok(())
}

/// May one of the queries find the event? Counts it for each that may.
fn may_be_found(event: &Glimpse, open: &mut [Open], fields: &FieldTable) -> bool {
    let (time, view) = (event.timestamp(), event.view(0));
    let mut is_found = false;
    for Open { query, may_be } in open {
        if time.is_none_or(|time| query.range.contains(time)) && query.may_find(&view, fields) {
            *may_be += 1;
            is_found = true;
        }
    }
    is_found
}

/// The time of both, and what lies between.
fn both(one: TimeRange, other: TimeRange) -> TimeRange {
    TimeRange {
        from: one.from.zip(other.from).map(|(one, other)| one.min(other)),
        to: one.to.zip(other.to).map(|(one, other)| one.max(other)),
    }
}
