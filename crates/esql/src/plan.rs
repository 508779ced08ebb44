//! A query that was checked and planned, and can be run over events, again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use datafusion::execution::TaskContext;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};
use ecs::time::Timestamp;
use query::Diagnostic;

use crate::columns::{self, Clash, Event};
use crate::error::EsqlError;
use crate::loaded::LoadedEvents;
use crate::lower::{EVENTS, Lowering, Piped, Refused, by_id};
use crate::rows::Input;
use crate::scope::Column;
use crate::search::Search;
use crate::source::Fields;
use crate::table::{ResultColumn, Table};
use crate::warning::{Warning, Warnings};

/// A planned query.
pub struct Plan {
    columns: Vec<ResultColumn>,
    identity: Vec<ResultColumn>,
    is_grouped: bool,
    source: Vec<Column>,
    searches: Vec<Search>,
    physical: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    input: Arc<Input>,
    now: Arc<AtomicI64>,
    warnings: Warnings,
}

/// A plan, or why there is none, and what is worth saying about the query.
#[derive(Debug)]
pub struct Planned {
    /// `None` when a diagnostic is an error.
    pub plan: Option<Plan>,
    /// With spans into the query's text.
    pub diagnostics: Vec<Diagnostic>,
}

/// What one run gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The rows.
    pub table: Table,
    /// What became null with a warning.
    pub warnings: Vec<Warning>,
    /// Values that had another type than their field.
    pub clashes: Vec<Clash>,
}

impl Plan {
    /// Checks a query and plans it. Everything that is wrong is said, not only the first thing.
    pub fn of(text: &str, fields: &Fields<'_>) -> Planned {
        let parsed = query::esql::parse(text);
        if !parsed.is_ok() {
            return Planned { plan: None, diagnostics: parsed.diagnostics };
        }
        let mut lowering = Lowering::new(text, fields);
        lowering.diagnostics = parsed.diagnostics;
        let plan = lowering.query(&parsed.tree).and_then(|piped| Self::physical(&mut lowering, piped));
        let mut diagnostics = lowering.diagnostics;
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.map_or(0, |span| span.start));
        let plan = plan.ok().filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
        Planned { plan, diagnostics }
    }

    fn physical(lowering: &mut Lowering<'_>, piped: Piped) -> Result<Self, Refused> {
        let whole = query::Span::new(0, lowering.text.len());
        let mut outputs: Vec<_> = piped.scope.columns().iter().map(|column| column.expr()).collect();
        outputs.extend(
            piped
                .identity
                .iter()
                .enumerate()
                .map(|(at, column)| column.expr().alias(format!("identity{at}"))),
        );
        outputs.push(by_id(EVENTS));
        let built = piped.plan.project(outputs).and_then(|plan| plan.build());
        let logical = lowering.planned(built, whole)?;
        let config = SessionConfig::new().with_target_partitions(1).with_information_schema(false);
        let session = SessionContext::new_with_config(config);
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => {
                let error = datafusion::common::DataFusionError::External(Box::new(error));
                return lowering.planned(Err(error), whole);
            }
        };
        let made = runtime.block_on(session.state().create_physical_plan(&logical));
        let physical = lowering.planned(made, whole)?;
        let read = lowering.input.columns_read();
        let is_read = |id: &str| read.contains(id);
        let source = std::mem::take(&mut lowering.source);
        Ok(Self {
            columns: piped.scope.columns().iter().map(result_column).collect(),
            identity: piped.identity.iter().map(result_column).collect(),
            is_grouped: piped.is_grouped,
            source: source.columns().iter().filter(|column| is_read(&column.id)).cloned().collect(),
            searches: std::mem::take(&mut lowering.searches)
                .into_iter()
                .filter(|search| is_read(&search.id))
                .collect(),
            physical,
            context: session.task_ctx(),
            input: Arc::clone(&lowering.input),
            now: Arc::clone(&lowering.now),
            warnings: lowering.warnings.clone(),
        })
    }

    /// The columns of the result, in order.
    pub fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    /// True when rows of the result stand for groups of events (`STATS`), and not for single events.
    pub fn is_aggregating(&self) -> bool {
        self.is_grouped
    }

    /// What tells rows of the same events apart, in the order of [`ResultRow::identity`](crate::ResultRow): the keys of
    /// the last `STATS`, and what was expanded since.
    pub fn identity(&self) -> &[ResultColumn] {
        &self.identity
    }

    /// Names of the fields of events that the plan reads, apart from those that searches read.
    pub fn fields_read(&self) -> impl Iterator<Item = &str> {
        self.source.iter().map(|column| column.name.as_str())
    }

    /// Runs the query over events, in the order given. `now` is what `NOW()` gives.
    ///
    /// # Errors
    /// When DataFusion gives up.
    pub fn run(&mut self, events: &[Event<'_>], now: Timestamp) -> Result<Answer, EsqlError> {
        let mut loaded = self.load(events)?;
        let clashes = std::mem::take(&mut loaded.clashes);
        Ok(Answer { clashes, ..self.run_loaded(vec![loaded], now)? })
    }

    /// Reads what the query needs of events, so that it can be run over them again and again.
    ///
    /// # Errors
    /// When Arrow gives up.
    pub fn load(&self, events: &[Event<'_>]) -> Result<LoadedEvents, EsqlError> {
        let columns: Vec<&Column> = self.source.iter().collect();
        let searches: Vec<&Search> = self.searches.iter().collect();
        let (batch, clashes) = columns::batch(&columns, &searches, events)?;
        Ok(LoadedEvents { batch, clashes })
    }

    /// Runs the query over events that this plan has loaded, in the order given. What clashed is known since then, and not
    /// told again.
    ///
    /// # Errors
    /// When DataFusion gives up.
    pub fn run_loaded(&mut self, events: Vec<LoadedEvents>, now: Timestamp) -> Result<Answer, EsqlError> {
        self.now.store(now.as_millisecond(), Ordering::Relaxed);
        self.input.set(events.into_iter().map(|loaded| loaded.batch).collect());
        let physical = reset_plan_states(Arc::clone(&self.physical)).map_err(EsqlError::Run)?;
        let runtime = runtime().map_err(EsqlError::Start)?;
        let batches =
            runtime.block_on(collect(physical, Arc::clone(&self.context))).map_err(EsqlError::Run)?;
        self.input.set(Vec::new());
        let mut table = Table { columns: self.columns.clone(), rows: Vec::new() };
        for batch in &batches {
            table.extend(batch, &self.identity);
        }
        Ok(Answer { table, warnings: self.warnings.take(), clashes: Vec::new() })
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("columns", &self.columns).finish_non_exhaustive()
    }
}

fn result_column(column: &Column) -> ResultColumn {
    ResultColumn { name: column.name.clone(), data_type: column.data_type, is_source: column.is_source }
}

/// Plans have one partition, so that one thread, the caller's, runs them.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().build()
}
