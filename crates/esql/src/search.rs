//! A search in the index, as a condition over events.

use ecs::{Document, FieldTable, Known};
use matcher::Predicate;

/// A search that a query makes (`KQL("…")`): a column of booleans for the plan, a predicate over events.
#[derive(Debug, Clone)]
pub struct Search {
    pub(crate) id: String,
    pub(crate) predicate: Predicate,
    pub(crate) table: FieldTable,
}

impl Search {
    /// Does the event meet it?
    pub fn finds(&self, event: &Document) -> bool {
        self.predicate.eval(&event.view(&self.table)) == Known::Yes
    }
}
