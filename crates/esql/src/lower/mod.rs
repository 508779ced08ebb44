//! From the syntax tree to a plan: names become columns, expressions get types, commands become operators.
//!
//! ```text
//!   Query ──source──▶ scan ──command──▶ command ──▶ … ──▶ LogicalPlan and the columns it gives
//!                           (expression, coerce: Operand)
//! ```

mod again;
mod coerce;
mod command;
mod expression;
mod inline_stats;
mod literal;
mod search;
mod source;
mod stats;
mod take_apart;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use datafusion::common::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use query::{Diagnostic, Span};

pub(crate) use self::command::by_id;
pub(crate) use self::expression::balanced;
pub(crate) use self::search::is_search;

use crate::operand::Operand;
use crate::rows::Input;
use crate::scope::{Column, Scope};
use crate::source::Fields;
use crate::warning::Warnings;

/// What was refused has been said in a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// The name of the column that tells which events a row was made from: the number of the event in the input, or, after
/// a grouping, a list of these.
pub(crate) const EVENTS: &str = "events";

/// A plan so far, and the columns that the query can see.
pub(crate) struct Piped {
    /// What computes the rows: the columns of `scope` by their ids, and [`EVENTS`].
    pub(crate) plan: LogicalPlanBuilder,
    /// The columns, in order.
    pub(crate) scope: Scope,
    /// The columns of searches, as long as rows are events; see [`Lowering::rows_are_events`].
    pub(crate) searches: Vec<String>,
    /// True once rows have been grouped: [`EVENTS`] is a list then.
    pub(crate) is_grouped: bool,
    /// What tells rows of the same events apart: the keys of the last `STATS`, and what has been expanded since. The
    /// plan keeps these columns even where the query drops them.
    pub(crate) identity: Vec<Column>,
}

impl Piped {
    /// Reads of all columns that can be seen, of [`EVENTS`], and of what the row is told apart by.
    pub(crate) fn carried(&self) -> Vec<Expr> {
        let is_seen = |id: &str| self.scope.columns().iter().any(|column| column.id == id);
        let seen = self.scope.columns().iter().map(Column::expr);
        let unseen = self.identity.iter().filter(|column| !is_seen(&column.id)).map(Column::expr);
        let searches = self.searches.iter().map(|id| by_id(id));
        seen.chain(unseen).chain(searches).chain([by_id(EVENTS)]).collect()
    }
}

/// Where findings, counters and what calls need are kept while a query is lowered.
pub(crate) struct Lowering<'q> {
    /// The text of the query, which names columns.
    pub(crate) text: &'q str,
    /// What may be read.
    pub(crate) fields: &'q Fields<'q>,
    /// What was found.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What will be counted when the plan runs.
    pub(crate) warnings: Warnings,
    /// Where the rows of a run will lie.
    pub(crate) input: Arc<Input>,
    /// The columns that `FROM` gave.
    pub(crate) source: Scope,
    /// Milliseconds since the epoch at which `NOW()` is while the plan runs.
    pub(crate) now: Arc<AtomicI64>,
    /// The `STATS` whose aggregates are being lowered.
    pub(crate) grouping: Option<stats::Grouping>,
    /// Searches in the index (`KQL("…")`), each a column of booleans which the caller fills for every event.
    pub(crate) searches: Vec<crate::Search>,
    /// True until a command (`STATS`, `LIMIT`) has made other rows of the events: as long as that searches in the index
    /// have a meaning.
    pub(crate) rows_are_events: bool,
    numbers: usize,
}

impl<'q> Lowering<'q> {
    pub(crate) fn new(text: &'q str, fields: &'q Fields<'q>) -> Self {
        Self {
            text,
            fields,
            diagnostics: Vec::new(),
            warnings: Warnings::default(),
            input: Arc::default(),
            source: Scope::default(),
            now: Arc::new(AtomicI64::new(0)),
            grouping: None,
            searches: Vec::new(),
            rows_are_events: false,
            numbers: 0,
        }
    }

    /// A number that was not given out before; never 0.
    pub(crate) fn next_number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }

    /// A name for a column within the plan that no other column has.
    pub(crate) fn next_id(&mut self) -> String {
        format!("c{}", self.next_number())
    }

    /// Says that something is wrong, and gives up on what is being lowered.
    pub(crate) fn refuse<T>(&mut self, diagnostic: Diagnostic) -> Result<T, Refused> {
        self.diagnostics.push(diagnostic);
        Err(Refused)
    }

    /// What DataFusion made; its refusal to plan something that was checked is a fault of ours, told with its place.
    pub(crate) fn planned<T>(&mut self, made: Result<T, DataFusionError>, span: Span) -> Result<T, Refused> {
        made.or_else(|error| {
            let message = format!("this cannot be planned: {}", error.strip_backtrace());
            self.refuse(Diagnostic::error("esql::not-planned", message).at(span))
        })
    }

    /// Says that a part of the language is known and not supported.
    pub(crate) fn unsupported<T>(&mut self, what: &str, why: &str, span: Span) -> Result<T, Refused> {
        let message = format!("{what} is not supported");
        self.refuse(Diagnostic::error("esql::not-supported", message).at(span).help(why.to_owned()))
    }

    /// A condition: a boolean, or null. Several values are null.
    pub(crate) fn condition(&mut self, operand: Operand) -> Result<Operand, Refused> {
        let span = operand.span;
        match self.coerce(operand, crate::DataType::Boolean) {
            Ok(operand) => Ok(self.single(operand)),
            Err(operand) => {
                let message = format!("a condition is a boolean, and this is {}", operand.data_type.name());
                self.refuse(
                    Diagnostic::error("esql::not-a-condition", message).at(span).label("not a boolean"),
                )
            }
        }
    }
}
