//! The values that the events of one new terms rule have, and the events that may be the first with them.

use ecs::{Document, FieldTable};
use matcher::KeyValue;
use serde_json::Value;

use crate::error::EngineError;
use crate::finisher::NewTermsPlan;
use crate::held_events::HeldEvent;
use crate::key_table::{KeyTable, numbers, to_json};
use crate::new_terms::{NewTerms, NewTermsMatcher, Occurrence};
use crate::windows::Windows;

/// The values that the events of one rule have. The events that may be the first with them lie in
/// [`HeldEvents`](crate::held_events::HeldEvents).
#[derive(Debug)]
pub(crate) struct WaitingTerms {
    matcher: NewTermsMatcher,
    keys: KeyTable,
    /// Events that could take no part because nothing says when they happened.
    without_time: u64,
    /// Events with more combinations of values than are looked at.
    too_many: u64,
}

/// What the events that waited have come to.
#[derive(Debug)]
pub(crate) struct NewTermsFound {
    /// The oldest first.
    pub(crate) hits: Vec<FoundTerms>,
    pub(crate) without_time: u64,
    pub(crate) too_many: u64,
}

/// An event with new values.
#[derive(Debug)]
pub(crate) struct FoundTerms {
    pub(crate) event: HeldEvent,
    pub(crate) values: Vec<Value>,
    /// The first run for which they are new; `None` when the whole range was one window.
    pub(crate) run: Option<i64>,
}

impl WaitingTerms {
    pub(crate) fn new(plan: &NewTermsPlan, windows: Windows) -> Self {
        Self {
            matcher: NewTermsMatcher::new(plan.windows(windows)),
            keys: KeyTable::default(),
            without_time: 0,
            too_many: 0,
        }
    }

    /// How many values there are so far: events with values that are there already need no memory.
    pub(crate) fn values(&self) -> u64 {
        self.keys.len() as u64
    }

    /// Takes an event that passes the rule's filter. `hold` keeps the event when it may be the first with its values.
    pub(crate) fn push(
        &mut self,
        plan: &NewTermsPlan,
        document: &Document,
        table: &FieldTable,
        id: &str,
        hold: &mut dyn FnMut() -> Result<HeldEvent, EngineError>,
    ) -> Result<(), EngineError> {
        let Some(time) = plan.time.of(document) else {
            self.without_time += 1;
            return Ok(());
        };
        let (keys, all) = self.keys_of(plan, document, table);
        self.too_many += u64::from(!all);
        let id = order_id(document, id);
        for key in keys {
            let occurrence = Occurrence { key, time, id: &id };
            let event = if self.matcher.may_be_new(&occurrence) { Some(hold()?.0) } else { None };
            self.matcher.push(&occurrence, event);
        }
        Ok(())
    }

    /// Takes an event before the range that passes the rule's filter: it is history, from `from` on.
    pub(crate) fn push_history(
        &mut self,
        plan: &NewTermsPlan,
        document: &Document,
        table: &FieldTable,
        id: &str,
        from: i64,
    ) {
        let Some(time) = plan.time.of(document).filter(|time| from <= *time) else { return };
        let id = order_id(document, id);
        for key in self.keys_of(plan, document, table).0 {
            self.matcher.push(&Occurrence { key, time, id: &id }, None);
        }
    }

    /// The numbers of an event's values, and whether these are all.
    fn keys_of(&mut self, plan: &NewTermsPlan, document: &Document, table: &FieldTable) -> (Vec<u32>, bool) {
        let view = document.view(table);
        let values: Vec<Vec<KeyValue>> = plan.fields.iter().map(|field| field.values(&view)).collect();
        numbers(&values, &mut self.keys)
    }

    /// Decides which values are new.
    pub(crate) fn found(&self) -> NewTermsFound {
        let Self { matcher, keys, without_time, too_many } = self;
        let values = |key: u32| keys.tuple(key).iter().map(to_json).collect();
        // Keys have numbers in the order of arrival, which is not to show.
        let mut found = matcher.found();
        found.sort_unstable_by(|a, b| {
            (a.time, &a.id, keys.tuple(a.key)).cmp(&(b.time, &b.id, keys.tuple(b.key)))
        });
        let hit = |found: NewTerms| FoundTerms {
            event: HeldEvent(found.event),
            values: values(found.key),
            run: found.run,
        };
        let hits = found.into_iter().map(hit).collect();
        NewTermsFound { hits, without_time: *without_time, too_many: *too_many }
    }

    /// What was seen as the history of what comes later, from `from` on.
    pub(crate) fn into_history(self, from: i64) -> Self {
        let Self { mut matcher, keys, .. } = self;
        let is_there = matcher.make_history(from);
        let keys = match is_there.len() == keys.len() && is_there.iter().all(|there| *there) {
            true => keys,
            false => keys.only(|key| is_there.get(key as usize).copied().unwrap_or_default()),
        };
        Self { matcher, keys, without_time: 0, too_many: 0 }
    }
}

/// Orders events of the same instant: by their ids, then by what tells deliveries to several accounts apart. The order
/// is ours; in Elasticsearch it is arbitrary.
fn order_id(document: &Document, document_id: &str) -> String {
    format!("{}\0{document_id}", document.text("event.id").unwrap_or_default())
}
