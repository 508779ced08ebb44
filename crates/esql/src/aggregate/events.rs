//! The events that the rows of a group were made from: the evidence of an alert.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use datafusion::arrow::datatypes::{DataType as ArrowType, UInt64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use super::ArrayAggregate;
use crate::DataType;

/// Collects the numbers of events, single or in lists, into one list without repetitions, in order.
pub(crate) fn collect() -> Arc<AggregateUDF> {
    let lists: ArrowType = DataType::UnsignedLong.arrow_column(true);
    let start = || Box::new(Events::default()) as Box<dyn Accumulator>;
    ArrayAggregate::make("events_of_group", 0, 1, lists.clone(), vec![lists], Arc::new(start))
}

#[derive(Debug, Default)]
struct Events(BTreeSet<u64>);

impl Accumulator for Events {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let numbers = match values[0].as_list_opt::<i32>() {
            // Only what rows that are not null hold: a slice of lists carries the values of its neighbours along.
            Some(lists) => {
                for row in 0..lists.len() {
                    if lists.is_valid(row) {
                        self.update_batch(&[lists.value(row)])?;
                    }
                }
                return Ok(());
            }
            None => values[0].as_primitive_opt::<UInt64Type>(),
        };
        let Some(numbers): Option<&UInt64Array> = numbers else {
            return exec_err!("numbers of events as {}", values[0].data_type());
        };
        self.0.extend(numbers.iter().flatten());
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let numbers: Vec<ScalarValue> =
            self.0.iter().map(|number| ScalarValue::UInt64(Some(*number))).collect();
        Ok(ScalarValue::List(ScalarValue::new_list(&numbers, &ArrowType::UInt64, true)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.len() * size_of::<u64>() * 2
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
