//! Functions of two lists: MV_APPEND, MV_CONTAINS, MV_INTERSECTION and so on.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, ListArray, make_comparator};
use datafusion::arrow::compute::{SortOptions, concat};
use datafusion::common::Result as PlanResult;

use super::super::kind::{Bool, Kind, as_lists, own_values};
use super::super::{Call, Function};
use super::choice::distinct_places;
use super::{lists_at, places};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["mv_append"], check: append },
    Function { names: &["mv_contains"], check: contains },
    Function { names: &["mv_difference"], check: difference },
    Function { names: &["mv_intersection"], check: intersection },
    Function { names: &["mv_intersects"], check: intersects },
    Function { names: &["mv_union"], check: union },
];

/// The values of both, repetitions included; null when one has none.
fn append(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    values_of(
        call,
        |left, right, _| {
            if left.is_empty() || right.is_empty() { Vec::new() } else { [left, right].concat() }
        },
    )
}

/// The distinct values of both; null when one has none.
fn union(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    values_of(call, |left, right, compare| {
        if left.is_empty() || right.is_empty() {
            Vec::new()
        } else {
            distinct_places([left, right].concat(), compare)
        }
    })
}

/// The distinct values that are in both, in the order of the first; null when there are none.
fn intersection(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    values_of(call, |left, right, compare| {
        let is_shared = among(right, compare);
        distinct_places(left.into_iter().filter(|place| is_shared(*place)).collect(), compare)
    })
}

/// The values of the first, repetitions included, that are not in the second.
fn difference(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    values_of(call, |left, right, compare| {
        let is_shared = among(right, compare);
        left.into_iter().filter(|place| !is_shared(*place)).collect()
    })
}

/// True when each value of the second is in the first; null has no values. Never null.
fn contains(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    truth_of(call, |left, right, compare| {
        let is_shared = among(left, compare);
        right.into_iter().all(is_shared)
    })
}

/// True when some value is in both; null has no values. Never null.
fn intersects(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    truth_of(call, |left, right, compare| {
        let is_shared = among(left, compare);
        right.into_iter().any(is_shared)
    })
}

/// Compares the values at two places.
type Compare<'a> = &'a dyn Fn(usize, usize) -> Ordering;

/// Whether the value of a place equals that of one of some places.
fn among<'a>(mut places: Vec<usize>, compare: Compare<'a>) -> impl Fn(usize) -> bool + 'a {
    places.sort_by(|a, b| compare(*a, *b));
    move |place| places.binary_search_by(|other| compare(*other, place)).is_ok()
}

fn values_of(
    call: &mut Call<'_, '_>,
    f: impl Fn(Vec<usize>, Vec<usize>, Compare<'_>) -> Vec<usize> + Send + Sync + 'static,
) -> Result<Operand, Refused> {
    let (operands, data_type) = two_lists(call)?;
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let both = Both::new(args)?;
        let compare = make_comparator(both.values.as_ref(), both.values.as_ref(), SortOptions::default())?;
        let chosen = |row: usize| {
            let (left, right) = both.places(row);
            f(left, right, &compare)
        };
        lists_at(&both.values, (0..rows).map(chosen))
    };
    let args = operands.into_iter().map(|operand| operand.expr).collect();
    Ok(call.compute(args, data_type, true, Arc::new(body)))
}

fn truth_of(
    call: &mut Call<'_, '_>,
    f: impl Fn(Vec<usize>, Vec<usize>, Compare<'_>) -> bool + Send + Sync + 'static,
) -> Result<Operand, Refused> {
    let (operands, _) = two_lists(call)?;
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let both = Both::new(args)?;
        let compare = make_comparator(both.values.as_ref(), both.values.as_ref(), SortOptions::default())?;
        let truth = |row: usize| {
            let (left, right) = both.places(row);
            Some(f(left, right, &compare))
        };
        Ok(Bool::collect((0..rows).map(truth)))
    };
    let args = operands.into_iter().map(|operand| operand.expr).collect();
    Ok(call.compute(args, DataType::Boolean, false, Arc::new(body)))
}

/// Two arguments of one type, as lists.
fn two_lists(call: &mut Call<'_, '_>) -> Result<(Vec<Operand>, DataType), Refused> {
    call.arity(2..=2)?;
    let (operands, data_type, _) = call.lowering.unify(call.args.clone(), call.name)?;
    let operands = operands.into_iter().map(|operand| call.lowering.listed(operand)).collect();
    Ok((operands, if data_type == DataType::Text { DataType::Keyword } else { data_type }))
}

/// The lists of two columns over one array of values: those of the left, then those of the right.
struct Both<'a> {
    left: &'a ListArray,
    right: &'a ListArray,
    values: ArrayRef,
    first_left: usize,
    first_right: usize,
    left_count: usize,
}

impl<'a> Both<'a> {
    fn new(args: &'a [ArrayRef]) -> PlanResult<Self> {
        let (left, right) = (as_lists(&args[0])?, as_lists(&args[1])?);
        let ((left_values, first_left), (right_values, first_right)) = (own_values(left), own_values(right));
        let values = concat(&[left_values.as_ref(), right_values.as_ref()])?;
        Ok(Self { left, right, values, first_left, first_right, left_count: left_values.len() })
    }

    fn places(&self, row: usize) -> (Vec<usize>, Vec<usize>) {
        let left = places(self.left, row).map(|place| place - self.first_left).collect();
        let right = places(self.right, row).map(|place| place - self.first_right + self.left_count).collect();
        (left, right)
    }
}
