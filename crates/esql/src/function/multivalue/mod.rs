//! The functions of several values, MV_…: they take the values of a row as a list.
//!
//! Values keep the order in which they stand in the event; upstream reads fields sorted.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, ListArray, UInt32Array};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::Field;
use datafusion::common::Result;

use crate::DataType;
use crate::operand::Operand;

pub(super) mod choice;
pub(super) mod reduction;
pub(super) mod set;
pub(super) mod text;

/// Where the values of a row stand within the values of all rows; nowhere when it is null.
fn places(lists: &ListArray, row: usize) -> Range<usize> {
    if lists.is_null(row) {
        return 0..0;
    }
    let offsets = lists.value_offsets();
    offsets[row] as usize..offsets[row + 1] as usize
}

/// Lists of the values at these places; null where there are none.
fn lists_at(values: &ArrayRef, rows: impl Iterator<Item = Vec<usize>>) -> Result<ArrayRef> {
    let mut lengths = Vec::new();
    let mut all = Vec::new();
    for places in rows {
        lengths.push(places.len());
        all.extend(places.into_iter().map(|place| place as u32));
    }
    let present = NullBuffer::from_iter(lengths.iter().map(|length| *length > 0));
    let values = take(values, &UInt32Array::from(all), None)?;
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), values, Some(present))))
}

/// The type of values that are given back: texts are keywords.
fn given_back(operand: &Operand) -> DataType {
    if operand.data_type == DataType::Text { DataType::Keyword } else { operand.data_type }
}
