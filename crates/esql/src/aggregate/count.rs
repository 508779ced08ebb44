//! COUNT: how many rows, or how many values; PRESENT and ABSENT: whether there are any.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::compute::sum;
use datafusion::arrow::datatypes::{DataType as ArrowType, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, Expr, lit};

use super::{Aggregate, AggregateCall, Aggregated};
use crate::DataType;
use crate::lower::Refused;

pub(crate) const AGGREGATES: &[Aggregate] = &[
    Aggregate { names: &["count"], check: count },
    Aggregate { names: &["present"], check: present },
    Aggregate { names: &["absent"], check: absent },
];

/// `COUNT(*)` counts rows; `COUNT(field)` counts values, so that a row with three of them counts three.
fn count(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(0..=1)?;
    let arg = match call.args.first() {
        Some(operand) => operand.expr.clone(),
        None => lit(true),
    };
    Ok(counted(call, arg, DataType::Long, |count| ScalarValue::Int64(Some(count))))
}

/// True when there is a value.
fn present(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(1..=1)?;
    let arg = call.args[0].expr.clone();
    Ok(counted(call, arg, DataType::Boolean, |count| ScalarValue::Boolean(Some(count > 0))))
}

/// True when there is no value.
fn absent(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(1..=1)?;
    let arg = call.args[0].expr.clone();
    Ok(counted(call, arg, DataType::Boolean, |count| ScalarValue::Boolean(Some(count == 0))))
}

fn counted(call: &mut AggregateCall<'_, '_>, arg: Expr, data_type: DataType, finish: Finish) -> Aggregated {
    let start = move || Box::new(Count { count: 0, finish }) as Box<dyn Accumulator>;
    call.compute(vec![arg], data_type, false, vec![ArrowType::Int64], Arc::new(start))
}

type Finish = fn(i64) -> ScalarValue;

#[derive(Debug)]
struct Count {
    count: i64,
    finish: Finish,
}

impl Accumulator for Count {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count += match values[0].as_list_opt::<i32>() {
            Some(lists) => (0..lists.len())
                .filter(|row| lists.is_valid(*row))
                .map(|row| i64::from(lists.value_length(row)))
                .sum(),
            None => (values[0].len() - values[0].null_count()) as i64,
        };
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok((self.finish)(self.count))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Int64(Some(self.count))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let counts: &Int64Array = states[0].as_primitive::<Int64Type>();
        self.count += sum(counts).unwrap_or(0);
        Ok(())
    }
}
