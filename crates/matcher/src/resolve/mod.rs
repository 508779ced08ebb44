//! Syntax trees to predicates: fields looked up in the catalogue, literals read by the type of their field.
//!
//! One file a language. What a literal means on a field of some type is the same for all of them and lives in
//! `field`.

mod eql;
mod esql;
mod exception;
mod field;
mod filter;
mod kql;
mod lucene;

use std::cell::Cell;
use std::sync::Arc;

use ecs::{Catalog, FieldId, FieldTable, Timestamp};
use query::Diagnostic;
use rule::ValueList;

use crate::Predicate;

pub use eql::{ResolvedKey, Schema};
pub use esql::{FieldsRead, fields_read};

/// A predicate, and what is worth saying about how it came to be.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Has a meaning even when a diagnostic is an error; then it must not be run.
    pub predicate: Predicate,
    /// In order of their places, with spans into the text that was parsed.
    pub diagnostics: Vec<Diagnostic>,
}

impl Resolved {
    /// True when no diagnostic is an error.
    pub fn is_ok(&self) -> bool {
        !self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Turns trees into predicates over the fields of one table.
///
/// `now` is what date math counts from; a predicate with relative dates is true for that moment only.
#[derive(Debug)]
pub struct Resolver<'a> {
    catalog: &'a Catalog,
    table: &'a mut FieldTable,
    now: Timestamp,
    /// True once a date was counted from `now`.
    reads_now: Cell<bool>,
    /// Those that entries of exceptions may refer to.
    value_lists: &'a [Arc<ValueList>],
    diagnostics: Vec<Diagnostic>,
    /// The nested field that names are within; empty outside of one.
    nested: String,
    /// True while names reach into nested fields as into any others.
    reads_nested: bool,
}

impl<'a> Resolver<'a> {
    /// A resolver that puts the fields it meets into `table`.
    pub fn new(catalog: &'a Catalog, table: &'a mut FieldTable, now: Timestamp) -> Self {
        Self {
            catalog,
            table,
            now,
            reads_now: Cell::new(false),
            value_lists: &[],
            diagnostics: Vec::new(),
            nested: String::new(),
            reads_nested: false,
        }
    }

    /// With the value lists that entries of exceptions may refer to; without them such entries are errors.
    #[must_use]
    pub fn with_value_lists(mut self, value_lists: &'a [Arc<ValueList>]) -> Self {
        self.value_lists = value_lists;
        self
    }

    /// Has a predicate so far counted a date from `now`? Without one they are true for every moment.
    pub fn reads_now(&self) -> bool {
        self.reads_now.get()
    }

    fn finish(&mut self, predicate: Predicate) -> Resolved {
        Resolved { predicate, diagnostics: std::mem::take(&mut self.diagnostics) }
    }

    fn intern(&mut self, name: &str) -> FieldId {
        self.table.intern(name, self.catalog)
    }
}
