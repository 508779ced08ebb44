//! ES|QL: what a query asks of single events, so that not every event has to wait for it.
//!
//! ```text
//!   query ──condition──▶ Predicate   true of every event that the query could use
//!   KQL("…"), f : "…" ──search──▶ Predicate   what the index answers, exactly
//!   query ──fields_read──▶ FieldsRead   the fields of the events that it reads
//! ```
//!
//! The query itself is run elsewhere, over columns. Sources: Elasticsearch docs, "ES|QL reference"; elastic/elasticsearch
//! x-pack/plugin/esql.

mod columns;
mod condition;
mod embedded;
mod fields_read;
mod operand;
mod pattern_names;
mod placed;
mod search;

use query::esql::ast::{Command, FromItem, Query, Source};

pub use self::fields_read::{FieldsRead, fields_read};

use self::columns::Columns;
use self::placed::Placed;
use super::Resolver;
use crate::predicate::Predicate;

impl Resolver<'_> {
    /// A predicate that is true of every event that the query could use: any other may be dropped unseen. Of others it
    /// may be true as well; `Predicate::Const(true)` when nothing can be said.
    ///
    /// It is made of the `WHERE`s up to the first command that needs all rows or makes other rows of them. Columns that
    /// `EVAL` makes are looked through as far as that goes. `source` is the text that was parsed. What is wrong with the
    /// query is told by those who run it, not here.
    pub fn esql_necessary_condition(&mut self, query: &Query, source: &str) -> Predicate {
        let Source::From(from) = &query.source.value else { return Predicate::Const(true) };
        if from.items.iter().any(|item| matches!(item.value, FromItem::Subquery(_))) {
            return Predicate::Const(true);
        }
        let reported = self.diagnostics.len();
        // Where nested fields have values for ES|QL or not: to read them is to keep more events.
        let reads_nested = std::mem::replace(&mut self.reads_nested, true);
        let mut columns = Columns::of_events(&from.metadata);
        let mut parts = Vec::new();
        for command in &query.commands {
            match &command.value {
                Command::Where(condition) => {
                    parts.push(self.esql_may_be(Placed { node: condition, columns: &columns, source }, true));
                }
                Command::Eval(_)
                | Command::Keep(_)
                | Command::Drop(_)
                | Command::Rename(_)
                | Command::Sort(_)
                | Command::Dissect { .. }
                | Command::Grok { .. }
                | Command::MvExpand(_) => columns.after(&command.value, source),
                _ => break,
            }
        }
        self.reads_nested = reads_nested;
        self.diagnostics.truncate(reported);
        Predicate::and(parts)
    }
}
