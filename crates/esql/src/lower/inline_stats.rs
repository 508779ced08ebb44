//! INLINE STATS: aggregates of its group beside every row.

use datafusion::common::{Column as PlanColumn, ScalarValue, UnnestOptions};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr as PlanExpr, LogicalPlanBuilder, SortExpr, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition,
};
use query::Span;
use query::esql::ast::Stats;

use super::again::{part_name, rows_again};
use super::command::by_id;
use super::{EVENTS, Lowering, Piped, Refused};
use crate::scope::Column;

impl Lowering<'_> {
    /// Adds to each row the aggregates of its group. New columns and those that are replaced stand at the end,
    /// aggregates before keys; rows keep their order and their events. Null is a group like others. A row whose key has
    /// several values has the results of all its groups, one after the other.
    ///
    /// Source: elastic/elasticsearch docs, "INLINE STATS"; issue 150737.
    pub(crate) fn inline_stats(&mut self, stats: &Stats, piped: Piped, span: Span) -> Result<Piped, Refused> {
        let (is_grouped, identity) = (piped.is_grouped, piped.identity.clone());
        let mut scope = piped.scope.clone();
        let grouped = self.grouped(stats, piped, span)?;
        self.rows_are_events = false;
        let mut carried: Vec<String> = Vec::new();
        for column in scope.columns().iter().chain(&identity).chain(&grouped.whole_keys) {
            if !carried.contains(&column.id) {
                carried.push(column.id.clone());
            }
        }
        carried.push(EVENTS.to_owned());
        let mut plan = grouped.plan;
        let number = self.next_id();
        if !grouped.keys.is_empty() {
            plan = self.planned(plan.window([row_number().alias(&number)]), span)?;
        }
        let splits = grouped.keys.iter().any(|key| key.many);
        for key in grouped.keys.iter().filter(|key| key.many) {
            plan = self.unnested(plan, &key.id, span)?;
        }
        let keys: Vec<PlanExpr> = grouped.keys.iter().map(|key| by_id(&key.id)).collect();
        let windows: Vec<PlanExpr> =
            grouped.made.into_iter().map(|(id, function)| over_group(function, &keys).alias(id)).collect();
        if !windows.is_empty() {
            plan = self.planned(plan.window(windows), span)?;
        }
        let mut exprs: Vec<PlanExpr> = carried.iter().map(|id| by_id(id)).collect();
        if !keys.is_empty() {
            exprs.push(by_id(&number));
        }
        let mut values = Vec::new();
        for (name, value) in grouped.values {
            let column = Column::made(name, self.next_id(), &value);
            exprs.push(value.expr.alias(&column.id));
            values.push(Column { many: column.many || splits, ..column });
        }
        plan = self.planned(plan.project(exprs), span)?;
        if splits {
            plan = self.put_together(plan, &number, &carried, &values, span)?;
        } else if !keys.is_empty() {
            plan = self.planned(plan.sort([SortExpr::new(by_id(&number), true, false)]), span)?;
        }
        // Of an aggregate and a key with the same name the key stays; of two aggregates the later one.
        for column in values.into_iter().chain(grouped.whole_keys) {
            scope.put(column);
        }
        Ok(Piped { plan, scope, searches: Vec::new(), is_grouped, identity })
    }

    /// Rows of one number become one row again.
    fn put_together(
        &mut self,
        plan: LogicalPlanBuilder,
        number: &str,
        carried: &[String],
        values: &[Column],
        span: Span,
    ) -> Result<LogicalPlanBuilder, Refused> {
        let mut types = Vec::new();
        let ids: Vec<&str> =
            carried.iter().chain(values.iter().map(|value| &value.id)).map(String::as_str).collect();
        for id in &ids {
            let field = plan.schema().field_with_unqualified_name(id).cloned();
            types.push(self.planned(field, span)?.data_type().clone());
        }
        let (same, own) = types.split_at(carried.len());
        let function = rows_again(self.next_number(), same, own);
        let mut args = vec![by_id(number)];
        args.extend(ids.iter().map(|id| by_id(id)));
        let rows = AggregateFunction::new_udf(function, args, false, None, Vec::new(), None);
        let list = self.next_id();
        let rows = PlanExpr::AggregateFunction(rows).alias(&list);
        let plan = self.planned(plan.aggregate(Vec::<PlanExpr>::new(), [rows]), span)?;
        // No rows at all are a null list, which is no row.
        let options = UnnestOptions::new().with_preserve_nulls(false);
        let unnested = plan.unnest_column_with_options(PlanColumn::new_unqualified(&list), options);
        let plan = self.planned(unnested, span)?;
        let part = |(at, id): (usize, &&str)| get_field(by_id(&list), part_name(at)).alias(*id);
        self.planned(plan.project(ids.iter().enumerate().map(part).collect::<Vec<_>>()), span)
    }
}

/// The aggregate of all rows that share a row's keys. Keys that are null are the same.
fn over_group(function: AggregateFunction, keys: &[PlanExpr]) -> PlanExpr {
    let params = function.params;
    let everything = WindowFrame::new_bounds(
        WindowFrameUnits::Rows,
        WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
        WindowFrameBound::Following(ScalarValue::UInt64(None)),
    );
    PlanExpr::WindowFunction(Box::new(WindowFunction {
        fun: WindowFunctionDefinition::AggregateUDF(function.func),
        params: WindowFunctionParams {
            args: params.args,
            partition_by: keys.to_vec(),
            order_by: Vec::new(),
            window_frame: everything,
            filter: params.filter,
            null_treatment: None,
            distinct: false,
        },
    }))
}
