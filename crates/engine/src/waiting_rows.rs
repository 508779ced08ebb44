//! The events of one ES|QL rule that wait for all others, and come back in order, by windows.

use std::collections::BTreeMap;
use std::ops::Range;

use alert::EventHit;
use ecs::Document;
use serde_json::{Map, Value};

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

/// Events as a query reads them, as long as some window holds them.
#[derive(Debug, Default)]
pub(crate) struct ReadEvents {
    events: BTreeMap<usize, EventHit>,
}

impl ReadEvents {
    /// The events at these positions, in order. Those before are forgotten.
    pub(crate) fn of(
        &mut self,
        at: Range<usize>,
        waiting: &[WaitingEvent],
        plan: &EsqlPlan,
        held: &mut HeldEvents,
    ) -> Result<impl Iterator<Item = (usize, &EventHit)>, EngineError> {
        self.events = self.events.split_off(&at.start);
        for position in at.clone() {
            if let std::collections::btree_map::Entry::Vacant(free) = self.events.entry(position) {
                let mut event = held.get(waiting[position].event)?;
                if let Some(fields) = &plan.fields {
                    event.document = only(&event.document, fields);
                }
                free.insert(event);
            }
        }
        Ok(self.events.range(at).map(|(position, event)| (*position, event)))
    }
}

/// A document with some of its fields, under dotted names, so that many fit into memory.
fn only(document: &Document, fields: &[String]) -> Document {
    let mut root = Map::new();
    for field in fields {
        let mut values: Vec<Value> = document.values(field).into_iter().map(to_json).collect();
        let value = match values.len() {
            0 => continue,
            1 => values.remove(0),
            _ => Value::Array(values),
        };
        root.insert(field.clone(), value);
    }
    Document::from_map(root)
}

fn to_json(scalar: ecs::Scalar<'_>) -> Value {
    match scalar {
        ecs::Scalar::Str(text) => Value::from(text),
        ecs::Scalar::Int(number) => Value::from(number),
        ecs::Scalar::Float(number) => Value::from(number),
        ecs::Scalar::Bool(value) => Value::from(value),
    }
}
