//! STD_DEV and VARIANCE, of the whole population.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType as ArrowType, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

use super::encoding::present_values;
use super::{Aggregate, AggregateCall, Aggregated};
use crate::DataType;
use crate::lower::Refused;

pub(crate) const AGGREGATES: &[Aggregate] =
    &[Aggregate { names: &["std_dev"], check: std_dev }, Aggregate { names: &["variance"], check: variance }];

/// The square root of the variance.
fn std_dev(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    spread(call, f64::sqrt)
}

/// The mean square of the differences to the mean; null when there are no values, or when it is past the greatest
/// number.
fn variance(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    spread(call, |variance| variance)
}

fn spread(call: &mut AggregateCall<'_, '_>, finish: fn(f64) -> f64) -> Result<Aggregated, Refused> {
    call.arity(1..=1)?;
    let operand = call.number(0, DataType::Double)?;
    let state = vec![ArrowType::Float64, ArrowType::Float64, ArrowType::Int64];
    let start =
        move || Box::new(Spread { mean: 0.0, squares: 0.0, count: 0, finish }) as Box<dyn Accumulator>;
    Ok(call.compute(vec![operand.expr], DataType::Double, false, state, Arc::new(start)))
}

/// Kept by Welford's method.
#[derive(Debug)]
struct Spread {
    mean: f64,
    /// The sum of the squares of the differences to the mean.
    squares: f64,
    count: i64,
    finish: fn(f64) -> f64,
}

impl Spread {
    /// Adds values of which the mean, the sum of squares and the number is known.
    fn add(&mut self, mean: f64, squares: f64, count: i64) {
        if count == 0 {
            return;
        }
        let all = (self.count + count) as f64;
        let difference = mean - self.mean;
        self.squares += squares + difference * difference * (self.count as f64) * (count as f64 / all);
        self.mean += difference * (count as f64 / all);
        self.count += count;
    }
}

impl Accumulator for Spread {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let numbers = present_values(&values[0])?;
        for number in numbers.as_primitive::<Float64Type>().values() {
            self.count += 1;
            let difference = number - self.mean;
            self.mean += difference / self.count as f64;
            self.squares += difference * (number - self.mean);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let is_known = self.count > 0 && self.squares.is_finite();
        Ok(ScalarValue::Float64(is_known.then(|| (self.finish)(self.squares / self.count as f64))))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![
            ScalarValue::Float64(Some(self.mean)),
            ScalarValue::Float64(Some(self.squares)),
            ScalarValue::Int64(Some(self.count)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for row in 0..states[0].len() {
            let number = |column: usize| states[column].as_primitive::<Float64Type>().value(row);
            self.add(number(0), number(1), states[2].as_primitive::<Int64Type>().value(row));
        }
        Ok(())
    }
}
