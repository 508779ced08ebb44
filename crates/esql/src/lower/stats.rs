//! STATS: rows put into groups, and what is computed of each.

use std::sync::Arc;

use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Expr as PlanExpr, LogicalPlanBuilder};
use query::esql::ast::{Aggregate as AggregateField, Expr, Stats};
use query::{Diagnostic, Span, Spanned};

use super::command::by_id;
use super::{EVENTS, Lowering, Piped, Refused};
use crate::aggregate::{Aggregate, AggregateCall, events};
use crate::operand::Operand;
use crate::scope::{Column, Scope};

/// The aggregates of a `STATS` while its expressions are lowered.
pub(crate) struct Grouping {
    /// The columns before the `STATS`: what aggregates are computed of.
    input: Scope,
    /// The condition of the aggregate that is being lowered.
    filter: Option<PlanExpr>,
    /// What is computed of each group, and the id of its column.
    pub(crate) made: Vec<(String, AggregateFunction)>,
}

/// What a `STATS` groups by and computes, before it becomes an operator.
pub(crate) struct Grouped {
    /// The rows, with a column for each key.
    pub(crate) plan: LogicalPlanBuilder,
    /// The keys, in order; a key with several values is a list without repetitions.
    pub(crate) keys: Vec<Column>,
    /// The keys, in order, with all values that the row has.
    pub(crate) whole_keys: Vec<Column>,
    /// What is computed of each group, and the id of its column.
    pub(crate) made: Vec<(String, AggregateFunction)>,
    /// The aggregates' columns, by name, as expressions over what is computed.
    pub(crate) values: Vec<(String, Operand)>,
}

impl Lowering<'_> {
    /// One row for each group: the aggregates, then the keys. Null is a group like others, and a row whose key has
    /// several values stands in the group of each. Without keys there is one row, whatever the input.
    pub(crate) fn stats(&mut self, stats: &Stats, piped: Piped, span: Span) -> Result<Piped, Refused> {
        let grouped = self.grouped(stats, piped, span)?;
        self.rows_are_events = false;
        let mut plan = grouped.plan;
        // A row that stands in several groups has become several rows.
        for key in grouped.keys.iter().filter(|key| key.many) {
            plan = self.unnested(plan, &key.id, span)?;
        }
        let keys: Vec<PlanExpr> = grouped.keys.iter().map(|key| by_id(&key.id)).collect();
        let mut aggregates: Vec<PlanExpr> = grouped
            .made
            .into_iter()
            .map(|(id, function)| PlanExpr::AggregateFunction(function).alias(id))
            .collect();
        let evidence =
            AggregateFunction::new_udf(events::collect(), vec![by_id(EVENTS)], false, None, Vec::new(), None);
        aggregates.push(PlanExpr::AggregateFunction(evidence).alias(EVENTS));
        let plan = self.planned(plan.aggregate(keys, aggregates), span)?;
        let keys: Vec<Column> = grouped.keys.into_iter().map(|key| Column { many: false, ..key }).collect();
        let mut exprs = vec![by_id(EVENTS)];
        exprs.extend(keys.iter().map(Column::expr));
        // Of an aggregate and a key with the same name the key stays; of two aggregates the later one.
        let mut scope = Scope::default();
        for (name, value) in grouped.values {
            let id = self.next_id();
            let column = Column::made(name, id, &value);
            exprs.push(value.expr.alias(&column.id));
            scope.put(column);
        }
        for key in &keys {
            scope.put(key.clone());
        }
        let plan = self.planned(plan.project(exprs), span)?;
        Ok(Piped { plan, scope, searches: Vec::new(), is_grouped: true, identity: keys })
    }

    /// Lowers keys and aggregates.
    pub(crate) fn grouped(&mut self, stats: &Stats, piped: Piped, span: Span) -> Result<Grouped, Refused> {
        let mut keys: Vec<Column> = Vec::new();
        let mut whole_keys: Vec<Column> = Vec::new();
        let mut exprs = piped.carried();
        for field in &stats.by {
            let name = field.column_name(self.text).to_owned();
            let value = self.expression(&field.value, &piped.scope)?;
            keys.retain(|key| key.name != name);
            whole_keys.retain(|key| key.name != name);
            let whole = match &field.value.value {
                Expr::Column(column) if *column == name => piped.scope.get(column).cloned(),
                _ => None,
            };
            let whole = whole.unwrap_or_else(|| {
                let whole = Column::made(name.clone(), self.next_id(), &value);
                exprs.push(value.expr.clone().alias(&whole.id));
                whole
            });
            whole_keys.push(whole);
            // A row stands in a group once, however often it has the value.
            let value = self.distinct(value);
            let key = Column::made(name, self.next_id(), &value);
            exprs.push(value.expr.alias(&key.id));
            keys.push(key);
        }
        let plan = self.planned(piped.plan.project(exprs), span)?;
        let after = Scope::new(keys.iter().cloned().map(|key| Column { many: false, ..key }));
        // Aggregates see keys as the columns that they are, with all values of a row.
        let mut input = piped.scope;
        for key in &whole_keys {
            input.put(key.clone());
        }
        let mut values = Vec::new();
        let outer = self.grouping.replace(Grouping { input, filter: None, made: Vec::new() });
        let mut refused = Ok(());
        for aggregate in &stats.aggregates {
            match self.aggregate_value(aggregate, &after) {
                Ok(value) => values.push((aggregate.column_name(self.text).to_owned(), value)),
                Err(Refused) => refused = Err(Refused),
            }
        }
        let made =
            std::mem::replace(&mut self.grouping, outer).map(|grouping| grouping.made).unwrap_or_default();
        refused.map(|()| Grouped { plan, keys, whole_keys, made, values })
    }

    fn aggregate_value(&mut self, aggregate: &AggregateField, after: &Scope) -> Result<Operand, Refused> {
        let filter = match &aggregate.filter {
            Some(filter) => {
                let Some(grouping) = self.grouping.take() else { return Err(Refused) };
                let condition = self.expression(filter, &grouping.input);
                self.grouping = Some(grouping);
                Some(self.condition(condition?)?.expr)
            }
            None => None,
        };
        if let Some(grouping) = &mut self.grouping {
            grouping.filter = filter;
        }
        self.expression(&aggregate.field.value, after)
    }

    /// A call of an aggregate: computed by the `STATS` around it, and read as a column.
    pub(crate) fn aggregate_call(
        &mut self,
        aggregate: &Aggregate,
        args: &[Spanned<Expr>],
        span: Span,
    ) -> Result<Operand, Refused> {
        let Some(mut grouping) = self.grouping.take() else {
            let message = format!("{} counts over groups of rows", aggregate.names[0].to_ascii_uppercase());
            let diagnostic = Diagnostic::error("esql::aggregate-outside-stats", message).at(span);
            return self.refuse(diagnostic.help("use it in STATS or INLINE STATS"));
        };
        let lowered = self.aggregated(aggregate, args, &mut grouping, span);
        self.grouping = Some(grouping);
        lowered
    }

    fn aggregated(
        &mut self,
        aggregate: &Aggregate,
        args: &[Spanned<Expr>],
        grouping: &mut Grouping,
        span: Span,
    ) -> Result<Operand, Refused> {
        let args = match args {
            [Spanned { value: Expr::Star, .. }] => Vec::new(),
            args => {
                let args: Vec<_> = args.iter().map(|arg| self.expression(arg, &grouping.input)).collect();
                args.into_iter().collect::<Result<Vec<_>, _>>()?
            }
        };
        let mut call = AggregateCall { lowering: self, name: aggregate.names[0], args, span };
        let computed = (aggregate.check)(&mut call)?;
        let filter = grouping.filter.clone().map(Box::new);
        let function = AggregateFunction::new_udf(
            Arc::clone(&computed.function),
            computed.args,
            false,
            filter,
            Vec::new(),
            None,
        );
        let id = self.next_id();
        let expr = by_id(&id);
        grouping.made.push((id, function));
        let operand = Operand::new(expr, computed.data_type, computed.many, span);
        Ok(Operand { is_untyped: computed.is_untyped, ..operand })
    }
}
