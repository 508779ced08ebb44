//! MV_COUNT, and functions that choose or arrange values of a list: MV_FIRST, MV_MIN, MV_SLICE, MV_SORT and so on.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, UInt32Array, make_comparator};
use datafusion::arrow::compute::{SortOptions, take};
use datafusion::common::Result as PlanResult;

use super::super::kind::{Integer, Kind, as_kind, as_lists, get};
use super::super::{Call, Function};
use super::{given_back, lists_at, places};
use crate::DataType;
use crate::function::ArrayFunction;
use crate::lower::{Lowering, Refused};
use crate::operand::Operand;
use crate::value::Refusal;

/// A slice that ends before it starts.
const SLICE_BACKWARDS: Refusal = Refusal("the start of a slice lies after its end");
/// A slice from the end to a place counted from the start.
const SLICE_MIXED: Refusal = Refusal("start and end of a slice are counted from different ends");

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["mv_count"], check: count },
    Function { names: &["mv_dedupe"], check: dedupe },
    Function { names: &["mv_first"], check: |call| at_end(call, false) },
    Function { names: &["mv_last"], check: |call| at_end(call, true) },
    Function { names: &["mv_max"], check: |call| extreme(call, true) },
    Function { names: &["mv_min"], check: |call| extreme(call, false) },
    Function { names: &["mv_slice"], check: slice },
    Function { names: &["mv_sort"], check: sort },
];

/// How many values; null when there are none.
fn count(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let operand = call.args[0].clone();
    let operand = call.lowering.listed(operand);
    let body = |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let lists = as_lists(&args[0])?;
        let count = |row: usize| Some(places(lists, row).len() as i32).filter(|count| *count > 0);
        Ok(Integer::collect((0..rows).map(count)))
    };
    Ok(call.compute(vec![operand.expr], DataType::Integer, false, Arc::new(body)))
}

/// The first value, or the last.
fn at_end(call: &mut Call<'_, '_>, last: bool) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let operand = call.args[0].clone();
    let data_type = given_back(&operand);
    if !operand.many {
        return Ok(Operand { data_type, span: call.span, literal: None, ..operand });
    }
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let lists = as_lists(&args[0])?;
        let place = |row: usize| {
            let mut places = places(lists, row);
            if last { places.next_back() } else { places.next() }.map(|place| place as u32)
        };
        let places: UInt32Array = (0..rows).map(place).collect();
        Ok(take(lists.values(), &places, None)?)
    };
    let is_untyped = operand.is_untyped;
    Ok(Operand { is_untyped, ..call.compute(vec![operand.expr], data_type, false, Arc::new(body)) })
}

/// The greatest value, or the least.
fn extreme(call: &mut Call<'_, '_>, greatest: bool) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let operand = call.args[0].clone();
    if operand.data_type == DataType::GeoPoint {
        return call.wrong_type(0, &operand, "values that have an order");
    }
    let data_type = given_back(&operand);
    let extreme = call.lowering.extreme(operand, greatest);
    Ok(Operand { data_type, span: call.span, literal: None, ..extreme })
}

/// The distinct values, each where it stood first.
fn dedupe(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let operand = call.args[0].clone();
    let data_type = given_back(&operand);
    let distinct = call.lowering.distinct(operand);
    Ok(Operand { data_type, span: call.span, literal: None, ..distinct })
}

impl Lowering<'_> {
    /// The distinct values of each row.
    pub(crate) fn distinct(&mut self, operand: Operand) -> Operand {
        if !operand.many {
            return operand;
        }
        let body = |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
            let lists = as_lists(&args[0])?;
            let values = lists.values();
            let compare = make_comparator(values.as_ref(), values.as_ref(), SortOptions::default())?;
            if (0..rows).all(|row| places(lists, row).len() < 2) {
                return Ok(Arc::clone(&args[0]));
            }
            lists_at(values, (0..rows).map(|row| distinct_places(places(lists, row).collect(), &compare)))
        };
        let returns = operand.data_type.arrow_column(true);
        let expr = ArrayFunction::call("distinct", 0, returns, vec![operand.expr], Arc::new(body));
        Operand { expr, ..operand }
    }
}

/// The places without those whose value stands at an earlier place.
pub(super) fn distinct_places(places: Vec<usize>, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    if places.len() < 2 {
        return places;
    }
    let mut sorted: Vec<usize> = (0..places.len()).collect();
    sorted.sort_by(|a, b| compare(places[*a], places[*b]));
    // The sort is stable: the first of equal values is the one that stood first.
    let mut is_first = vec![true; places.len()];
    for pair in sorted.windows(2) {
        is_first[pair[1]] = compare(places[pair[0]], places[pair[1]]) != Ordering::Equal;
    }
    places.into_iter().zip(is_first).filter(|(_, is_first)| *is_first).map(|(place, _)| place).collect()
}

/// `MV_SLICE(values, start, end)`: from a place to another, both included and counted from 0, or from -1 at the end.
/// Without an end the one value at the start.
fn slice(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=3)?;
    let operand = call.args[0].clone();
    let data_type = given_back(&operand);
    let start = call.typed(1, DataType::Integer)?;
    let end = if call.has(2) { call.typed(2, DataType::Integer)? } else { start.clone() };
    let operand = call.lowering.listed(operand);
    let counter = call.lowering.warnings.counter(call.span);
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let lists = as_lists(&args[0])?;
        let (starts, ends) = (as_kind::<Integer>(&args[1])?, as_kind::<Integer>(&args[2])?);
        let slice = |row: usize| -> Vec<usize> {
            let places = places(lists, row);
            let (Some(start), Some(end)) = (get::<Integer>(starts, row), get::<Integer>(ends, row)) else {
                return Vec::new();
            };
            if places.is_empty() {
                return Vec::new();
            }
            let refusal = match (start, end) {
                (start, end) if start > end => SLICE_BACKWARDS,
                (start, end) if start < 0 && end >= 0 => SLICE_MIXED,
                _ => {
                    let length = places.len() as i64;
                    let from_start = |at: i32| if at < 0 { i64::from(at) + length } else { i64::from(at) };
                    let first = from_start(start).clamp(0, length) as usize;
                    let behind = (from_start(end) + 1).clamp(0, length) as usize;
                    return places.skip(first).take(behind.saturating_sub(first)).collect();
                }
            };
            counter.add(refusal.reason(), 1);
            Vec::new()
        };
        lists_at(lists.values(), (0..rows).map(slice))
    };
    let is_untyped = operand.is_untyped;
    Ok(Operand {
        is_untyped,
        ..call.compute(vec![operand.expr, start, end], data_type, true, Arc::new(body))
    })
}

/// `MV_SORT(values, "asc" or "desc")`
fn sort(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=2)?;
    let operand = call.args[0].clone();
    if operand.data_type == DataType::GeoPoint {
        return call.wrong_type(0, &operand, "values that have an order");
    }
    let descending = match call.has(1).then(|| call.constant_text(1)).transpose()?.as_deref() {
        None => false,
        Some(order) if order.eq_ignore_ascii_case("asc") => false,
        Some(order) if order.eq_ignore_ascii_case("desc") => true,
        Some(_) => {
            let message = "the order is \"asc\" or \"desc\"".to_owned();
            return call.refuse(1, "esql::constant", message);
        }
    };
    let data_type = given_back(&operand);
    if !operand.many {
        return Ok(Operand { data_type, span: call.span, literal: None, ..operand });
    }
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let lists = as_lists(&args[0])?;
        let values = lists.values();
        let compare = make_comparator(values.as_ref(), values.as_ref(), SortOptions::new(descending, false))?;
        let sorted = |row: usize| {
            let mut places: Vec<usize> = places(lists, row).collect();
            places.sort_by(|a, b| compare(*a, *b));
            places
        };
        lists_at(values, (0..rows).map(sorted))
    };
    let is_untyped = operand.is_untyped;
    Ok(Operand { is_untyped, ..call.compute(vec![operand.expr], data_type, true, Arc::new(body)) })
}
