//! The least or the greatest of several values: what rows are sorted by.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, UInt32Array, make_comparator};
use datafusion::arrow::compute::{SortOptions, take};
use datafusion::common::Result;

use super::array_function::ArrayFunction;
use super::kind::as_lists;
use crate::lower::Lowering;
use crate::operand::Operand;

impl Lowering<'_> {
    /// The least value of each row, or the greatest; the value itself where there is one at most.
    pub(crate) fn extreme(&mut self, operand: Operand, greatest: bool) -> Operand {
        if !operand.many {
            return operand;
        }
        let name = if greatest { "greatest_value" } else { "least_value" };
        let body = move |args: &[ArrayRef], _: usize| extreme_values(&args[0], greatest);
        let returns = operand.data_type.arrow();
        let expr = ArrayFunction::call(name, 0, returns, vec![operand.expr], Arc::new(body));
        Operand { expr, many: false, ..operand }
    }
}

/// The least or the greatest value of each list.
pub(crate) fn extreme_values(lists: &ArrayRef, greatest: bool) -> Result<ArrayRef> {
    let lists = as_lists(lists)?;
    let values = lists.values();
    let compare = make_comparator(values.as_ref(), values.as_ref(), SortOptions::default())?;
    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
    let offsets = lists.value_offsets();
    let places: UInt32Array = (0..lists.len())
        .map(|row| {
            let range = offsets[row] as usize..offsets[row + 1] as usize;
            let best = range.reduce(|best, at| if compare(at, best) == wanted { at } else { best });
            best.filter(|_| lists.is_valid(row)).map(|at| at as u32)
        })
        .collect();
    Ok(take(values, &places, None)?)
}
