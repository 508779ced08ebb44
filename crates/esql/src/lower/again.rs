//! Rows put together again after they were split by the values of their keys.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array, UInt64Array, new_empty_array,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Fields, UInt64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use crate::aggregate::{ArrayAggregate, list_of};

/// An aggregate over all rows. Its arguments are the number of the row (`UInt64`), columns that are the same in all
/// parts of a row, and columns that each part has a value of its own in. It gives one list of structs, one for each row
/// in the order of their numbers: the columns, of those of the second kind a list of the values of all parts.
pub(crate) fn rows_again(number: usize, same: &[ArrowType], own: &[ArrowType]) -> Arc<AggregateUDF> {
    let own_lists = own.iter().map(|own| match own {
        list @ ArrowType::List(_) => list.clone(),
        single => ArrowType::List(Arc::new(Field::new_list_field(single.clone(), true))),
    });
    let rows = named(same.iter().cloned().chain(own_lists));
    let parts =
        named(std::iter::once(ArrowType::UInt64).chain(same.iter().cloned()).chain(own.iter().cloned()));
    let list = |fields: &Fields| {
        ArrowType::List(Arc::new(Field::new_list_field(ArrowType::Struct(fields.clone()), true)))
    };
    let (returns, state) = (list(&rows), vec![list(&parts)]);
    let same = same.len();
    let start = move || {
        let (rows, parts) = (rows.clone(), parts.clone());
        Box::new(RowsAgain { same, rows, parts, batches: Vec::new(), size: 0 }) as Box<dyn Accumulator>
    };
    ArrayAggregate::make("rows_again", number, 1 + same + own.len(), returns, state, Arc::new(start))
}

/// The name of a column within the structs.
pub(crate) fn part_name(number: usize) -> String {
    format!("part{number}")
}

fn named(types: impl Iterator<Item = ArrowType>) -> Fields {
    types.enumerate().map(|(number, data_type)| Field::new(part_name(number), data_type, true)).collect()
}

#[derive(Debug)]
struct RowsAgain {
    same: usize,
    rows: Fields,
    parts: Fields,
    batches: Vec<Vec<ArrayRef>>,
    size: usize,
}

impl RowsAgain {
    /// Each column of all batches.
    fn columns(&self) -> Result<Vec<ArrayRef>> {
        let column = |(number, field): (usize, &Arc<Field>)| {
            let arrays: Vec<&dyn Array> = self.batches.iter().map(|batch| batch[number].as_ref()).collect();
            if arrays.is_empty() { Ok(new_empty_array(field.data_type())) } else { Ok(concat(&arrays)?) }
        };
        self.parts.iter().enumerate().map(column).collect()
    }
}

impl Accumulator for RowsAgain {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.size += values.iter().map(|array| array.get_array_memory_size()).sum::<usize>();
        self.batches.push(values.to_vec());
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let columns = self.columns()?;
        let Some(numbers): Option<&UInt64Array> = columns[0].as_primitive_opt::<UInt64Type>() else {
            return exec_err!("numbers of rows as {}", columns[0].data_type());
        };
        let mut order: Vec<u32> = (0..numbers.len() as u32).collect();
        order.sort_by_key(|at| numbers.value(*at as usize));
        let rows: Vec<&[u32]> =
            order.chunk_by(|a, b| numbers.value(*a as usize) == numbers.value(*b as usize)).collect();
        let first: UInt32Array = rows.iter().map(|parts| parts.first().copied()).collect();
        let (same, own) = columns[1..].split_at(self.same);
        let mut arrays = Vec::with_capacity(self.rows.len());
        for column in same {
            arrays.push(take(column, &first, None)?);
        }
        for column in own {
            arrays.push(joined(column, &rows)?);
        }
        let rows = StructArray::try_new(self.rows.clone(), arrays, None)?;
        list_of(Arc::new(rows))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.size
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let parts = StructArray::try_new(self.parts.clone(), self.columns()?, None)?;
        Ok(vec![list_of(Arc::new(parts))?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists: &ListArray = states[0].as_list();
        for row in (0..lists.len()).filter(|row| lists.is_valid(*row)) {
            let parts = lists.value(row);
            self.update_batch(parts.as_struct().columns())?;
        }
        Ok(())
    }
}

/// The values of all parts of each row, in one list; null when no part has one.
fn joined(column: &ArrayRef, rows: &[&[u32]]) -> Result<ArrayRef> {
    let (values, ranges): (ArrayRef, Vec<std::ops::Range<u32>>) = match column.as_list_opt::<i32>() {
        Some(lists) => {
            let offsets = lists.value_offsets();
            let range = |row: usize| {
                if lists.is_null(row) { 0..0 } else { offsets[row] as u32..offsets[row + 1] as u32 }
            };
            (Arc::clone(lists.values()), (0..lists.len()).map(range).collect())
        }
        None => {
            let range = |row: u32| if column.is_null(row as usize) { 0..0 } else { row..row + 1 };
            (Arc::clone(column), (0..column.len() as u32).map(range).collect())
        }
    };
    let mut places = Vec::new();
    let mut lengths = Vec::with_capacity(rows.len());
    for parts in rows {
        let before = places.len();
        places.extend(parts.iter().flat_map(|part| ranges[*part as usize].clone()));
        lengths.push(places.len() - before);
    }
    let present = NullBuffer::from_iter(lengths.iter().map(|length| *length > 0));
    let values = take(&values, &UInt32Array::from(places), None)?;
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, Some(present))?))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::StringArray;

    use super::*;

    #[test]
    fn parts_come_together_in_the_order_of_rows_also_from_two_halves() {
        let types = [ArrowType::Utf8, ArrowType::UInt64];
        let parts = |numbers: &[u64], names: &[&str], values: &[Option<u64>]| -> Vec<ArrayRef> {
            vec![
                Arc::new(UInt64Array::from(numbers.to_vec())),
                Arc::new(StringArray::from(names.to_vec())),
                Arc::new(UInt64Array::from(values.to_vec())),
            ]
        };
        let start = || {
            let parts = named([ArrowType::UInt64].into_iter().chain(types.iter().cloned()));
            let list = ArrowType::List(Arc::new(Field::new_list_field(ArrowType::UInt64, true)));
            let rows = named([ArrowType::Utf8, list].into_iter());
            RowsAgain { same: 1, rows, parts, batches: Vec::new(), size: 0 }
        };
        let halves = [
            parts(&[2, 1, 3], &["b", "a", "c"], &[Some(7), Some(5), None]),
            parts(&[2, 1], &["b", "a"], &[Some(8), None]),
        ];
        let (mut whole, mut merged) = (start(), start());
        for half in &halves {
            whole.update_batch(half).unwrap();
            let mut part = start();
            part.update_batch(half).unwrap();
            let states: Vec<ArrayRef> =
                part.state().unwrap().iter().map(|state| state.to_array().unwrap()).collect();
            merged.merge_batch(&states).unwrap();
        }
        assert_eq!(whole.evaluate().unwrap(), merged.evaluate().unwrap());
        let ScalarValue::List(list) = whole.evaluate().unwrap() else { panic!("no list") };
        let rows = list.value(0);
        let names = rows.as_struct().column(0).as_string::<i32>();
        let values = rows.as_struct().column(1).as_list::<i32>();
        let found: Vec<(&str, Option<Vec<u64>>)> = (0..rows.len())
            .map(|row| {
                let numbers = values.value(row);
                let numbers = numbers.as_primitive::<UInt64Type>().values().to_vec();
                (names.value(row), values.is_valid(row).then_some(numbers))
            })
            .collect();
        assert_eq!(found, [("a", Some(vec![5])), ("b", Some(vec![7, 8])), ("c", None)]);
        assert!(start().evaluate().unwrap().is_null());
    }
}
