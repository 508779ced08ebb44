//! COUNT: how many rows, or how many values.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::compute::sum;
use datafusion::arrow::datatypes::{DataType as ArrowType, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, lit};

use super::{Aggregate, AggregateCall, Aggregated};
use crate::DataType;
use crate::lower::Refused;

pub(crate) const AGGREGATES: &[Aggregate] = &[Aggregate { names: &["count"], check: count }];

/// `COUNT(*)` counts rows; `COUNT(field)` counts values, so that a row with three of them counts three.
fn count(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(0..=1)?;
    let arg = call.args.first().map_or(lit(true), |operand| operand.expr.clone());
    let start = || Box::new(Count::default()) as Box<dyn Accumulator>;
    Ok(call.compute(vec![arg], DataType::Long, false, vec![ArrowType::Int64], Arc::new(start)))
}

#[derive(Debug, Default)]
struct Count(i64);

impl Accumulator for Count {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0 += match values[0].as_list_opt::<i32>() {
            Some(lists) => (0..lists.len())
                .filter(|row| lists.is_valid(*row))
                .map(|row| i64::from(lists.value_length(row)))
                .sum(),
            None => (values[0].len() - values[0].null_count()) as i64,
        };
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.0)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let counts: &Int64Array = states[0].as_primitive::<Int64Type>();
        self.0 += sum(counts).unwrap_or(0);
        Ok(())
    }
}
