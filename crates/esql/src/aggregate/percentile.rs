//! PERCENTILE, MEDIAN and MEDIAN_ABSOLUTE_DEVIATION: of all values, sorted.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::Float64Type;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;
use query::esql::ast::Literal;

use super::encoding::{list_of, present_values};
use super::{Aggregate, AggregateCall, Aggregated};
use crate::DataType;
use crate::lower::Refused;
use crate::value::percentile::{median_absolute_deviation, percentile_of_sorted};

pub(crate) const AGGREGATES: &[Aggregate] = &[
    Aggregate { names: &["percentile"], check: percentile },
    Aggregate { names: &["median"], check: median },
    Aggregate { names: &["median_absolute_deviation"], check: deviation },
];

/// The value below which a part of the values lies, given in percent; between two values it is as far from each as its
/// rank. Exact, as upstream's is up to some twenty thousand values of a group. Null outside of 0 to 100.
fn percentile(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(2..=2)?;
    let part = match call.constant(1)? {
        Literal::Integer(percent) => percent as f64,
        Literal::Double(percent) => percent,
        _ => {
            let operand = call.args[1].clone();
            return call.wrong_type(&operand, "a constant number of percent");
        }
    };
    numbers(call, move |sorted| {
        (0.0..=100.0).contains(&part).then(|| percentile_of_sorted(sorted, part)).flatten()
    })
}

/// The percentile of 50.
fn median(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(1..=1)?;
    numbers(call, |sorted| percentile_of_sorted(sorted, 50.0))
}

/// The median of the distances to the median.
fn deviation(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(1..=1)?;
    numbers(call, median_absolute_deviation)
}

fn numbers(
    call: &mut AggregateCall<'_, '_>,
    finish: impl Fn(&[f64]) -> Option<f64> + Send + Sync + 'static,
) -> Result<Aggregated, Refused> {
    let operand = call.number(0, DataType::Double)?;
    let state = vec![DataType::Double.arrow_column(true)];
    let finish: Finish = Arc::new(finish);
    let start = move || {
        Box::new(Numbers { numbers: Vec::new(), finish: Arc::clone(&finish) }) as Box<dyn Accumulator>
    };
    Ok(call.compute(vec![operand.expr], DataType::Double, false, state, Arc::new(start)))
}

/// From all numbers, ascending.
type Finish = Arc<dyn Fn(&[f64]) -> Option<f64> + Send + Sync>;

struct Numbers {
    numbers: Vec<f64>,
    finish: Finish,
}

impl Accumulator for Numbers {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let numbers = present_values(&values[0])?;
        self.numbers.extend_from_slice(numbers.as_primitive::<Float64Type>().values());
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.numbers.sort_unstable_by(f64::total_cmp);
        Ok(ScalarValue::Float64((self.finish)(&self.numbers)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.numbers.capacity() * size_of::<f64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![list_of(Arc::new(Float64Array::from(self.numbers.clone())))?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Numbers").field(&self.numbers).finish()
    }
}
