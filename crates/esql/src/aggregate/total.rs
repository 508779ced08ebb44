//! SUM, AVG and WEIGHTED_AVG: made from exact totals, so that the order of rows does not count.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType as ArrowType, Decimal128Type, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::Accumulator;
use query::esql::ast::{ArithmeticOp, Literal};

use super::encoding::present_values;
use super::{Aggregate, AggregateCall, Aggregated};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::value::Refusal;
use crate::value::arithmetic::{DIVISION_BY_ZERO, LONG_OVERFLOW};
use crate::value::mathematics::finite;

pub(crate) const AGGREGATES: &[Aggregate] = &[
    Aggregate { names: &["sum"], check: sum },
    Aggregate { names: &["avg"], check: avg },
    Aggregate { names: &["weighted_avg"], check: weighted_avg },
];

/// The sum: `long` of whole numbers, else `double`; null when there are no values, and when the sum is out of range. The
/// sum of a constant over no rows is 0, as upstream has it.
fn sum(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(1..=1)?;
    let is_constant = call.is_constant(0);
    let operand = call.summand(0)?;
    if operand.data_type == DataType::Long {
        return Ok(call.total(vec![operand], DataType::Long, move |totals| match totals[0].count {
            0 if !is_constant => Ok(ScalarValue::Int64(None)),
            _ => Ok(ScalarValue::Int64(Some(totals[0].whole_sum()?))),
        }));
    }
    Ok(call.total(vec![operand], DataType::Double, move |totals| match totals[0].count {
        0 if !is_constant => Ok(ScalarValue::Float64(None)),
        _ => Ok(ScalarValue::Float64(Some(finite(totals[0].sum()?)?))),
    }))
}

/// The sum by the number of values.
fn avg(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(1..=1)?;
    let operand = call.summand(0)?;
    Ok(average(call, operand))
}

fn average(call: &mut AggregateCall<'_, '_>, operand: Operand) -> Aggregated {
    call.total(vec![operand], DataType::Double, |totals| match totals[0].count {
        0 => Ok(ScalarValue::Float64(None)),
        count => Ok(ScalarValue::Float64(Some(finite(totals[0].sum()? / count as f64)?))),
    })
}

/// The sum of numbers, each times its weight, by the sum of the weights.
fn weighted_avg(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(2..=2)?;
    let (number, weight) = (call.args[0].clone(), call.args[1].clone());
    for index in [0, 1] {
        call.summand(index)?;
    }
    let is_zero = match &weight.literal {
        Some(Literal::Integer(number)) => *number == 0,
        Some(Literal::Double(number)) => *number == 0.0,
        _ => weight.is_null(),
    };
    if is_zero {
        return call.wrong_type(&weight, "a weight other than null and 0");
    }
    if call.is_constant(1) || call.is_constant(0) {
        let operand = call.summand(0)?;
        return Ok(average(call, operand));
    }
    let product = call.lowering.arithmetic(ArithmeticOp::Multiply, number, weight.clone(), call.span)?;
    call.args = vec![product, weight];
    let operands = vec![call.summand(0)?, call.summand(1)?];
    Ok(call.total(operands, DataType::Double, |totals| {
        if totals.iter().any(|total| total.count == 0) {
            return Ok(ScalarValue::Float64(None));
        }
        match totals[1].sum()? {
            0.0 => Err(DIVISION_BY_ZERO),
            weights => Ok(ScalarValue::Float64(Some(finite(totals[0].sum()? / weights)?))),
        }
    }))
}

impl AggregateCall<'_, '_> {
    /// An argument that is added up: `long` of whole numbers with a sign, else `double`.
    fn summand(&mut self, index: usize) -> Result<Operand, Refused> {
        match self.args[index].data_type {
            DataType::Double | DataType::UnsignedLong => self.number(index, DataType::Double),
            _ if self.args[index].is_untyped => self.number(index, DataType::Double),
            _ => self.number(index, DataType::Long),
        }
    }

    fn total(
        &mut self,
        operands: Vec<Operand>,
        data_type: DataType,
        finish: impl Fn(&[Total]) -> Result<ScalarValue, Refusal> + Send + Sync + 'static,
    ) -> Aggregated {
        let counter = self.lowering.warnings.counter(self.span);
        let returns = data_type.arrow();
        let finish = move |totals: &[Total]| {
            finish(totals).or_else(|refusal| {
                counter.add(refusal.reason(), 1);
                ScalarValue::try_from(&returns)
            })
        };
        let finish: Finish = Arc::new(finish);
        let many = operands.len();
        let state = vec![Total::state_types(); many].concat();
        let args = operands.into_iter().map(|operand| operand.expr).collect();
        let start = move || {
            let totals = vec![Total::default(); many];
            Box::new(Totals { totals, finish: Arc::clone(&finish) }) as Box<dyn Accumulator>
        };
        self.compute(args, data_type, false, state, Arc::new(start))
    }
}

type Finish = Arc<dyn Fn(&[Total]) -> Result<ScalarValue> + Send + Sync>;

/// One total for each argument.
struct Totals {
    totals: Vec<Total>,
    finish: Finish,
}

/// What a column of whole numbers, or of others, adds up to.
#[derive(Debug, Clone, Default)]
struct Total {
    /// The sum of whole numbers; that of all numbers that there can be fits.
    whole: i128,
    /// The sum of other numbers is `rounded + lost`.
    rounded: f64,
    /// What rounding has lost.
    lost: f64,
    count: i64,
}

impl Total {
    fn whole_sum(&self) -> Result<i64, Refusal> {
        i64::try_from(self.whole).map_err(|_| LONG_OVERFLOW)
    }

    fn sum(&self) -> Result<f64, Refusal> {
        let fraction = self.rounded + self.lost;
        // Past the greatest number what was lost is not a number.
        let fraction = if fraction.is_nan() { self.rounded } else { fraction };
        Ok(self.whole_sum()? as f64 + fraction)
    }

    fn add(&mut self, number: f64) {
        let sum = self.rounded + number;
        self.lost += if self.rounded.abs() >= number.abs() {
            (self.rounded - sum) + number
        } else {
            (number - sum) + self.rounded
        };
        self.rounded = sum;
    }

    fn state_types() -> Vec<ArrowType> {
        vec![ArrowType::Decimal128(38, 0), ArrowType::Float64, ArrowType::Float64, ArrowType::Int64]
    }
}

impl Accumulator for Totals {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for (total, values) in self.totals.iter_mut().zip(values) {
            let values = present_values(values)?;
            total.count += values.len() as i64;
            if let Some(numbers) = values.as_primitive_opt::<Int64Type>() {
                total.whole += numbers.values().iter().map(|number| i128::from(*number)).sum::<i128>();
            } else if let Some(numbers) = values.as_primitive_opt::<Float64Type>() {
                numbers.values().iter().for_each(|number| total.add(*number));
            } else {
                return exec_err!("a sum of {}", values.data_type());
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        (self.finish)(&self.totals)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.totals.len() * size_of::<Total>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = |total: &Total| {
            [
                ScalarValue::Decimal128(Some(total.whole), 38, 0),
                ScalarValue::Float64(Some(total.rounded)),
                ScalarValue::Float64(Some(total.lost)),
                ScalarValue::Int64(Some(total.count)),
            ]
        };
        Ok(self.totals.iter().flat_map(state).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let width = Total::state_types().len();
        for (total, states) in self.totals.iter_mut().zip(states.chunks(width)) {
            for row in 0..states[0].len() {
                total.whole += states[0].as_primitive::<Decimal128Type>().value(row);
                total.add(states[1].as_primitive::<Float64Type>().value(row));
                total.add(states[2].as_primitive::<Float64Type>().value(row));
                total.count += states[3].as_primitive::<Int64Type>().value(row);
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Totals").field(&self.totals).finish()
    }
}
