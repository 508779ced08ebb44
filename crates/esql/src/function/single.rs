//! The one value of a list, and lists of one value: how columns of lists and of single values become each other.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, ListArray, UInt32Array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::Field;
use datafusion::common::Result;

use super::array_function::ArrayFunction;
use super::kind::as_lists;
use crate::lower::Lowering;
use crate::operand::Operand;

/// Why several values become null where one is needed.
pub(crate) const SEVERAL_VALUES: &str = "several values where one is needed";

impl Lowering<'_> {
    /// The value of a row that has exactly one; null, with a warning, where it has several.
    /// Source: elastic/elasticsearch docs/reference/query-languages/esql/esql-multivalued-fields.md.
    pub(crate) fn single(&mut self, operand: Operand) -> Operand {
        if !operand.many {
            return operand;
        }
        let counter = self.warnings.counter(operand.span);
        let body = move |args: &[ArrayRef], rows: usize| -> Result<ArrayRef> {
            let lists = as_lists(&args[0])?;
            let offsets = lists.value_offsets();
            let mut several = 0;
            let mut one = |row: usize| match offsets[row + 1] - offsets[row] {
                _ if lists.is_null(row) => None,
                1 => Some(offsets[row] as u32),
                0 => None,
                _ => {
                    several += 1;
                    None
                }
            };
            let places: UInt32Array = (0..rows).map(&mut one).collect();
            counter.add(SEVERAL_VALUES, several);
            Ok(take(lists.values(), &places, None)?)
        };
        let expr = ArrayFunction::call(
            "single",
            self.next_number(),
            operand.data_type.arrow(),
            vec![operand.expr],
            Arc::new(body),
        );
        Operand { expr, many: false, ..operand }
    }

    /// Lists of at most one value.
    pub(crate) fn listed(&mut self, operand: Operand) -> Operand {
        if operand.many {
            return operand;
        }
        let body = |args: &[ArrayRef], _: usize| -> Result<ArrayRef> { Ok(as_list_of_one(&args[0])) };
        let returns = operand.data_type.arrow_column(true);
        let expr = ArrayFunction::call("listed", 0, returns, vec![operand.expr], Arc::new(body));
        Operand { expr, many: true, ..operand }
    }
}

fn as_list_of_one(values: &ArrayRef) -> ArrayRef {
    let kept: UInt32Array = (0..values.len() as u32).filter(|row| values.is_valid(*row as usize)).collect();
    let lengths = (0..values.len()).map(|row| usize::from(values.is_valid(row)));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let present = take(values, &kept, None).unwrap_or_else(|_| Arc::clone(values));
    Arc::new(ListArray::new(field, offsets, present, values.logical_nulls()))
}
