//! Commands: each takes the rows so far and the columns that can be seen, and gives others.

use datafusion::common::Column as PlanColumn;
use datafusion::logical_expr::{Expr as PlanExpr, LogicalPlanBuilder, SortExpr, lit};
use query::esql::ast::{
    Command, Field, NamePattern, NullsOrder, Query, Renaming, SortKey, SortOrder, Source,
};
use query::{Diagnostic, Span, Spanned};

use super::{EVENTS, Lowering, Piped, Refused};
use crate::operand::Operand;
use crate::scope::{Column, Scope};

impl Lowering<'_> {
    /// The whole query as a plan.
    pub(crate) fn query(&mut self, query: &Query) -> Result<Piped, Refused> {
        if let Some(setting) = query.settings.first() {
            let name = &setting.name;
            let message = format!("the setting {} has no effect here", name.value);
            self.diagnostics.push(Diagnostic::warning("esql::setting", message).at(name.span));
        }
        let mut piped = match &query.source.value {
            Source::From(from) => self.from(from, query)?,
            Source::Row(fields) => self.row(fields, query.source.span)?,
            Source::TimeSeries(_) => {
                return self.unsupported("TS", "time series are not kept; use FROM", query.source.span);
            }
            Source::Show(_) => {
                return self.unsupported("SHOW", "there is no cluster to tell of", query.source.span);
            }
            Source::Other(other) => {
                return self.unsupported(other.name, "only FROM and ROW give rows here", query.source.span);
            }
            Source::Invalid => return Err(Refused),
        };
        for command in &query.commands {
            piped = self.command(command, piped)?;
        }
        Ok(piped)
    }

    fn command(&mut self, command: &Spanned<Command>, piped: Piped) -> Result<Piped, Refused> {
        let span = command.span;
        match &command.value {
            Command::Where(condition) => {
                let condition = self.expression(condition, &piped.scope)?;
                let condition = self.condition(condition)?;
                self.filter(piped, condition, span)
            }
            Command::Eval(fields) => self.eval(fields, piped, span),
            Command::Keep(patterns) => self.keep(patterns, piped),
            Command::Drop(patterns) => self.drop(patterns, piped),
            Command::Rename(renamings) => self.rename(renamings, piped),
            Command::Sort(keys) => self.sort(keys, piped, span),
            Command::Limit(count) => {
                let rows = usize::try_from(count.value).unwrap_or(usize::MAX);
                let plan = self.planned(piped.plan.limit(0, Some(rows)), span)?;
                self.rows_are_events = false;
                Ok(Piped { plan, searches: Vec::new(), ..piped })
            }
            Command::Stats(stats) => self.stats(stats, piped, span),
            Command::InlineStats(stats) => self.inline_stats(stats, piped, span),
            Command::MvExpand(name) => self.mv_expand(name, piped, span),
            Command::Dissect { input, pattern, append_separator } => {
                self.dissect(input, pattern, append_separator.as_ref(), piped)
            }
            Command::Grok { input, patterns } => self.grok(input, patterns, piped),
            Command::Enrich { .. } => self.unsupported(
                "ENRICH",
                "there are no enrich policies here; give the values in a CASE",
                span,
            ),
            Command::LookupJoin { .. } => self.unsupported(
                "LOOKUP JOIN",
                "there are no lookup indices here; give the values in a CASE",
                span,
            ),
            Command::Completion { .. } => self.unsupported(
                "COMPLETION",
                "no language model is asked; the rows before it can be alerts",
                span,
            ),
            Command::Rerank { .. } => self.unsupported("RERANK", "no language model is asked", span),
            Command::ChangePoint { .. } => {
                self.unsupported("CHANGE_POINT", "compare windows with STATS", span)
            }
            Command::Fork(_) => self.unsupported("FORK", "write the branches as rules of their own", span),
            Command::Fuse { .. } => self.unsupported("FUSE", "rows have no scores here", span),
            Command::Sample(_) => {
                self.unsupported("SAMPLE", "what a random part of the events shows is no detection", span)
            }
            Command::Other(other) => self.unsupported(other.name, "it is known by name only", span),
            Command::Invalid => Err(Refused),
        }
    }

    fn row(&mut self, fields: &[Field], span: Span) -> Result<Piped, Refused> {
        let plan = LogicalPlanBuilder::empty(true);
        let events = lit(0_u64).alias(EVENTS);
        let plan = self.planned(plan.project([events]), span)?;
        let piped = Piped {
            plan,
            scope: Scope::default(),
            searches: Vec::new(),
            is_grouped: false,
            identity: Vec::new(),
        };
        self.eval(fields, piped, span)
    }

    /// Keeps the rows for which the condition is true.
    pub(crate) fn filter(&mut self, piped: Piped, condition: Operand, span: Span) -> Result<Piped, Refused> {
        let plan = self.planned(piped.plan.filter(condition.expr), span)?;
        Ok(Piped { plan, ..piped })
    }

    /// Adds columns one after the other: each can be seen by the next.
    fn eval(&mut self, fields: &[Field], mut piped: Piped, span: Span) -> Result<Piped, Refused> {
        for field in fields {
            let name = field.column_name(self.text).to_owned();
            let value = self.expression(&field.value, &piped.scope)?;
            piped = self.add_columns(piped, vec![(name, value)], span)?;
        }
        Ok(piped)
    }

    /// Adds columns that are computed from the ones before; one of the same name goes.
    pub(crate) fn add_columns(
        &mut self,
        piped: Piped,
        columns: Vec<(String, Operand)>,
        span: Span,
    ) -> Result<Piped, Refused> {
        let mut exprs = piped.carried();
        let mut scope = piped.scope.clone();
        for (name, value) in columns {
            if value.data_type.is_time_span() {
                let message = format!("a length of time cannot be a column: {name}");
                return self.refuse(Diagnostic::error("esql::time-span-column", message).at(value.span));
            }
            let id = self.next_id();
            let column = Column::made(name, id, &value);
            exprs.push(value.expr.alias(&column.id));
            scope.put(column);
        }
        let plan = self.planned(piped.plan.project(exprs), span)?;
        Ok(Piped { plan, scope, ..piped })
    }

    fn keep(&mut self, patterns: &[Spanned<NamePattern>], mut piped: Piped) -> Result<Piped, Refused> {
        self.require_names(patterns, &piped.scope)?;
        let patterns: Vec<NamePattern> = patterns.iter().map(|pattern| pattern.value.clone()).collect();
        piped.scope = piped.scope.keep(&patterns);
        Ok(piped)
    }

    fn drop(&mut self, patterns: &[Spanned<NamePattern>], mut piped: Piped) -> Result<Piped, Refused> {
        self.require_names(patterns, &piped.scope)?;
        let patterns: Vec<NamePattern> = patterns.iter().map(|pattern| pattern.value.clone()).collect();
        piped.scope.drop_matching(&patterns);
        Ok(piped)
    }

    /// A plain name must be that of a column; a pattern with a wildcard may fit none.
    fn require_names(&mut self, patterns: &[Spanned<NamePattern>], scope: &Scope) -> Result<(), Refused> {
        let mut result = Ok(());
        for pattern in patterns {
            if let Some(name) = pattern.value.name()
                && scope.get(name).is_none()
            {
                result = self.unknown_column(name, scope, pattern.span);
            }
        }
        result
    }

    /// Each in turn: a name that was given away can be given again, and one that exists is replaced.
    fn rename(&mut self, renamings: &[Renaming], mut piped: Piped) -> Result<Piped, Refused> {
        for renaming in renamings {
            let Some(column) = piped.scope.get(&renaming.old.value).cloned() else {
                return self.unknown_column(&renaming.old.value, &piped.scope, renaming.old.span);
            };
            if renaming.old.value != renaming.new.value {
                piped.scope.rename(&renaming.old.value, &renaming.new.value);
                debug_assert!(
                    piped.scope.get(&renaming.new.value).is_some_and(|renamed| renamed.id == column.id)
                );
            }
        }
        Ok(piped)
    }

    fn sort(&mut self, keys: &[SortKey], piped: Piped, span: Span) -> Result<Piped, Refused> {
        let mut sorts = Vec::new();
        for key in keys {
            let operand = self.expression(&key.value, &piped.scope)?;
            let ascending = key.order == SortOrder::Ascending;
            let operand = self.extreme(operand, !ascending);
            sorts.push(SortExpr::new(operand.expr, ascending, key.nulls == NullsOrder::First));
        }
        let plan = self.planned(piped.plan.sort(sorts), span)?;
        Ok(Piped { plan, ..piped })
    }

    /// One row for each value of a column.
    fn mv_expand(&mut self, name: &Spanned<String>, piped: Piped, span: Span) -> Result<Piped, Refused> {
        let Some(column) = piped.scope.get(&name.value).cloned() else {
            return self.unknown_column(&name.value, &piped.scope, name.span);
        };
        if !column.many {
            return Ok(piped);
        }
        let mut scope = piped.scope.clone();
        let mut identity = piped.identity;
        let plan = self.unnested(piped.plan, &column.id, span)?;
        scope.set_single(&name.value);
        identity.retain(|known| known.id != column.id);
        identity.push(Column { many: false, is_source: false, ..column });
        Ok(Piped { plan, scope, identity, ..piped })
    }

    /// One row for each value of a column of lists; a row without a value stays one row.
    pub(crate) fn unnested(
        &mut self,
        plan: LogicalPlanBuilder,
        id: &str,
        span: Span,
    ) -> Result<LogicalPlanBuilder, Refused> {
        let options = datafusion::common::UnnestOptions::new().with_preserve_nulls(true);
        let unnested = plan.unnest_column_with_options(PlanColumn::new_unqualified(id), options);
        self.planned(unnested, span)
    }
}

/// Reads a column of the plan by its id.
pub(crate) fn by_id(id: &str) -> PlanExpr {
    PlanExpr::Column(PlanColumn::new_unqualified(id))
}
