//! FIRST and LAST: the values of the row that comes first or last in the order of another column.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

use super::encoding::Encoding;
use super::{Aggregate, AggregateCall, Aggregated};
use crate::lower::Refused;

pub(crate) const AGGREGATES: &[Aggregate] =
    &[Aggregate { names: &["first"], check: first }, Aggregate { names: &["last"], check: last }];

/// All values of the row with the least sort value, also when these are none; of equal ones the row that was read
/// first. A row without a sort value counts only where no row has one; of several sort values the least counts.
fn first(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    check(call, false)
}

/// As FIRST, with the greatest sort value.
fn last(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    check(call, true)
}

fn check(call: &mut AggregateCall<'_, '_>, greatest: bool) -> Result<Aggregated, Refused> {
    call.arity(2..=2)?;
    let data_type = call.any_value(0)?;
    call.ordered_value(1)?;
    let (value, sort) = (call.args[0].clone(), call.args[1].clone());
    let encoding = Encoding::new(sort.data_type.arrow());
    let encoding = call.lowering.planned(encoding, call.span)?;
    let sort = call.lowering.extreme(sort, greatest);
    let returns = data_type.arrow_column(value.many);
    let state = vec![ArrowType::Boolean, sort.data_type.arrow(), returns.clone()];
    let none = call.lowering.planned(ScalarValue::try_from(&returns), call.span)?;
    let start = move || {
        let encoding = Arc::clone(&encoding);
        Box::new(FirstLast { encoding, greatest, best: None, value: none.clone() }) as Box<dyn Accumulator>
    };
    let computed = call.compute(vec![value.expr, sort.expr], data_type, value.many, state, Arc::new(start));
    Ok(Aggregated { is_untyped: value.is_untyped, ..computed })
}

#[derive(Debug)]
struct FirstLast {
    encoding: Arc<Encoding>,
    greatest: bool,
    /// The sort value of the best row so far, `None` within for null; `None` before the first row.
    best: Option<Option<Vec<u8>>>,
    value: ScalarValue,
}

impl FirstLast {
    fn is_better(&self, sort: Option<&[u8]>, best: Option<&Option<Vec<u8>>>) -> bool {
        match (sort, best) {
            (_, None) | (Some(_), Some(None)) => true,
            (None, Some(_)) => false,
            (Some(sort), Some(Some(best))) if self.greatest => sort > best.as_slice(),
            (Some(sort), Some(Some(best))) => sort < best.as_slice(),
        }
    }

    /// Takes in the rows of which `counts` is true.
    fn add(&mut self, values: &ArrayRef, sorts: &ArrayRef, counts: impl Fn(usize) -> bool) -> Result<()> {
        let rows = self.encoding.encode(sorts)?;
        let mut best_row = None;
        let mut best = self.best.take();
        for row in (0..sorts.len()).filter(|row| counts(*row)) {
            let bytes = rows.row(row);
            let sort = sorts.is_valid(row).then_some(bytes.as_ref());
            if self.is_better(sort, best.as_ref()) {
                best = Some(sort.map(<[u8]>::to_vec));
                best_row = Some(row);
            }
        }
        self.best = best;
        if let Some(row) = best_row {
            // A copy: the batch must not live on for one row of it.
            let value = take(values, &UInt32Array::from(vec![row as u32]), None)?;
            self.value = ScalarValue::try_from_array(&value, 0)?;
        }
        Ok(())
    }
}

impl Accumulator for FirstLast {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(&values[0], &values[1], |_| true)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size() + self.best.iter().flatten().map(Vec::capacity).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sort = self.best.as_ref().and_then(Option::as_deref);
        let sort = self.encoding.single(sort)?;
        Ok(vec![ScalarValue::Boolean(Some(self.best.is_some())), sort, self.value.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let seen = states[0].as_boolean();
        self.add(&states[2], &states[1], |row| seen.value(row))
    }
}
