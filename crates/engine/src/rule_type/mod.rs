//! One file per rule type: what it looks for in an event, and what is done with the events that pass.

use ecs::{Catalog, FieldTable};
use matcher::JoinKey;

pub(crate) mod eql;
pub(crate) mod esql;
pub(crate) mod new_terms;
pub(crate) mod query;
pub(crate) mod threat_match;
pub(crate) mod threshold;

/// A field whose values tell events apart. An event without it takes no part.
fn key(field: &str, catalog: &Catalog, table: &mut FieldTable) -> JoinKey {
    let id = table.intern(field, catalog);
    JoinKey { field: Some(id), field_type: table.entry(id).field_type, optional: false }
}
