//! CASE, COALESCE, GREATEST, LEAST and the functions that stand for IS NULL.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, make_comparator};
use datafusion::arrow::compute::{SortOptions, interleave};
use datafusion::common::Result as PlanResult;
use datafusion::logical_expr::{Case, Expr};

use super::{Call, Function};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["case"], check: case },
    Function { names: &["coalesce"], check: coalesce },
    Function { names: &["is_null"], check: is_null },
    Function { names: &["is_not_null"], check: is_not_null },
    Function { names: &["greatest"], check: |call| extreme(call, true) },
    Function { names: &["least"], check: |call| extreme(call, false) },
];

/// The value after the first condition that is true; else the last argument when it stands alone, else null. A
/// condition that is null or has several values is not true.
fn case(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=usize::MAX)?;
    let mut values = Vec::new();
    let mut conditions = Vec::new();
    let mut index = 0;
    while index + 1 < call.args.len() {
        conditions.push(call.typed(index, DataType::Boolean)?);
        values.push(call.args[index + 1].clone());
        index += 2;
    }
    let has_default = index < call.args.len();
    if has_default {
        values.push(call.args[index].clone());
    }
    let (mut values, data_type, many) = call.lowering.unify(values, call.name)?;
    let default = if has_default { values.pop() } else { None };
    let branches = conditions.into_iter().zip(values.into_iter().map(|value| value.expr));
    let expr = choose(branches, default.map(|value| value.expr));
    Ok(Operand::new(expr, data_type, many, call.span))
}

/// The first argument that is not null; several values count as not null.
fn coalesce(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=usize::MAX)?;
    let values = call.args.clone();
    let (mut values, data_type, many) = call.lowering.unify(values, call.name)?;
    let last = values.pop().map(|value| value.expr);
    let branches = values.into_iter().map(|value| (value.expr.clone().is_not_null(), value.expr));
    let expr = choose(branches, last);
    Ok(Operand::new(expr, data_type, many, call.span))
}

/// The value after the first condition that is true.
fn choose(branches: impl Iterator<Item = (Expr, Expr)>, default: Option<Expr>) -> Expr {
    let branches: Vec<_> = branches.map(|(when, then)| (Box::new(when), Box::new(then))).collect();
    match (branches.is_empty(), default) {
        (true, Some(default)) => default,
        (_, default) => Expr::Case(Case::new(None, branches, default.map(Box::new))),
    }
}

fn is_null(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    Ok(Operand::single(call.args[0].expr.clone().is_null(), DataType::Boolean, call.span))
}

fn is_not_null(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    Ok(Operand::single(call.args[0].expr.clone().is_not_null(), DataType::Boolean, call.span))
}

/// The greatest or the least of all values of all arguments; null when an argument is null.
fn extreme(call: &mut Call<'_, '_>, greatest: bool) -> Result<Operand, Refused> {
    call.arity(1..=usize::MAX)?;
    let (values, data_type, _) = call.lowering.unify(call.args.clone(), call.name)?;
    if data_type == DataType::GeoPoint || data_type.is_time_span() {
        return call.wrong_type(0, &values[0], "values that have an order");
    }
    let args = values.into_iter().map(|value| call.lowering.extreme(value, greatest).expr).collect();
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let arrays: Vec<&dyn Array> = args.iter().map(AsRef::as_ref).collect();
        let mut best: Vec<(usize, usize)> = (0..rows).map(|row| (0, row)).collect();
        for (number, array) in arrays.iter().enumerate().skip(1) {
            for (so_far, before) in arrays.iter().enumerate().take(number) {
                let compare = make_comparator(*array, *before, SortOptions::default())?;
                for (row, best) in best.iter_mut().enumerate().filter(|(_, best)| best.0 == so_far) {
                    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
                    // What is null stays chosen, and is chosen once it is seen.
                    if before.is_valid(row) && (array.is_null(row) || compare(row, row) == wanted) {
                        *best = (number, row);
                    }
                }
            }
        }
        Ok(interleave(&arrays, &best)?)
    };
    let data_type = if data_type == DataType::Text { DataType::Keyword } else { data_type };
    Ok(call.compute(args, data_type, false, Arc::new(body)))
}
