//! The events of one ES|QL rule that wait for all others, and come back in order, by windows.

use std::collections::BTreeMap;
use std::ops::Range;

use ecs::Document;
use esql::{Clash, EsqlError, Event, LoadedEvents};

use crate::error::EngineError;
use crate::finisher::EsqlPlan;
use crate::held_events::{HeldEvent, HeldEvents};

/// The events of one rule that wait. They lie in [`HeldEvents`].
#[derive(Debug, Default)]
pub(crate) struct WaitingRows {
    events: Vec<WaitingEvent>,
}

/// An event that waits.
#[derive(Debug)]
pub(crate) struct WaitingEvent {
    /// In milliseconds since the epoch; `None` when nothing says when it happened.
    pub(crate) time: Option<i64>,
    /// Document id and index: orders events of the same millisecond.
    name: Box<str>,
    pub(crate) event: HeldEvent,
}

impl WaitingRows {
    /// Takes an event that passes the rule's filter.
    pub(crate) fn push(
        &mut self,
        plan: &EsqlPlan,
        document: &Document,
        (id, index): (&str, &str),
        event: HeldEvent,
    ) {
        let name = format!("{id}\n{index}").into();
        self.events.push(WaitingEvent { time: plan.time.of(document), name, event });
    }

    /// The events in order of their time; those without one stand last.
    pub(crate) fn into_order(self) -> Vec<WaitingEvent> {
        let mut events = self.events;
        events.sort_unstable_by(|a, b| {
            (a.time.is_none(), a.time, &a.name, a.event).cmp(&(b.time.is_none(), b.time, &b.name, b.event))
        });
        events
    }
}

/// The events as a query reads them, as long as some window holds them.
#[derive(Debug, Default)]
pub(crate) struct ReadEvents {
    /// Events side by side, by the position of the first; none is empty.
    chunks: BTreeMap<usize, LoadedEvents>,
    /// Up to where events have been read.
    end: usize,
}

impl ReadEvents {
    /// The events at these positions, in order. Those before are forgotten: positions only grow.
    ///
    /// What has clashed in events that are read for the first time is given to `clashed`.
    pub(crate) fn of(
        &mut self,
        at: Range<usize>,
        waiting: &[WaitingEvent],
        query: &esql::Plan,
        held: &mut HeldEvents,
        clashed: &mut dyn FnMut(Vec<Clash>),
    ) -> Result<Vec<LoadedEvents>, ReadError> {
        self.end = self.end.max(at.start);
        while self.end < at.end {
            let positions = self.end..(self.end + CHUNK).min(waiting.len());
            let mut events = Vec::with_capacity(positions.len());
            for position in positions.clone() {
                events.push(held.get(waiting[position].event).map_err(ReadError::Held)?);
            }
            let numbered = positions.clone().zip(&events).map(|(position, event)| Event {
                number: position as u64,
                document: &event.document,
                id: &event.id,
                index: &event.index,
            });
            let mut loaded = query.load(&numbered.collect::<Vec<_>>()).map_err(ReadError::Query)?;
            clashed(std::mem::take(&mut loaded.clashes));
            self.chunks.insert(positions.start, loaded);
            self.end = positions.end;
        }
        self.chunks.retain(|start, chunk| start + chunk.len() > at.start);
        let parts = self.chunks.range(..at.end).map(|(start, chunk)| {
            chunk.part(at.start.saturating_sub(*start)..(at.end - start).min(chunk.len()))
        });
        parts.collect::<Result<_, _>>().map_err(ReadError::Query)
    }
}

/// So many events are read at once.
pub(crate) const CHUNK: usize = 2_048;

/// Why events could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// They could not be had again.
    Held(EngineError),
    /// The query could not take them.
    Query(EsqlError),
}
