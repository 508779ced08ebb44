//! Values of any type as bytes that compare as the values do, so that one accumulator serves all types.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use datafusion::arrow::compute::{filter, is_not_null, take};
use datafusion::arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue, internal_err};

use crate::function::kind::own_values;

/// How the values of one type are written as bytes: equal values as equal bytes, lesser ones as lesser bytes.
pub(crate) struct Encoding {
    converter: RowConverter,
    data_type: ArrowType,
}

impl Encoding {
    /// For single values of an Arrow type.
    pub(crate) fn new(data_type: ArrowType) -> Result<Arc<Self>> {
        let converter = RowConverter::new(vec![SortField::new(data_type.clone())])?;
        Ok(Arc::new(Self { converter, data_type }))
    }

    /// The bytes of each value. There must be no null.
    pub(crate) fn encode(&self, values: &ArrayRef) -> Result<Rows> {
        Ok(self.converter.convert_columns(&[Arc::clone(values)])?)
    }

    /// The values again.
    pub(crate) fn decode<'a>(&self, values: impl IntoIterator<Item = &'a [u8]>) -> Result<ArrayRef> {
        let parser = self.converter.parser();
        let rows: Vec<_> = values.into_iter().map(|bytes| parser.parse(bytes)).collect();
        let Some(values) = self.converter.convert_rows(rows)?.pop() else {
            return internal_err!("a row without its column");
        };
        Ok(values)
    }

    /// The values as one list; null when there are none.
    pub(crate) fn list<'a>(&self, values: impl IntoIterator<Item = &'a [u8]>) -> Result<ScalarValue> {
        list_of(self.decode(values)?)
    }

    /// The value by itself, or null.
    pub(crate) fn single(&self, value: Option<&[u8]>) -> Result<ScalarValue> {
        match value {
            Some(value) => ScalarValue::try_from_array(&self.decode([value])?, 0),
            None => ScalarValue::try_from(&self.data_type),
        }
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoding({})", self.data_type)
    }
}

/// All values of an array as one list; null when there are none.
pub(crate) fn list_of(values: ArrayRef) -> Result<ScalarValue> {
    if values.is_empty() {
        let field = Field::new_list_field(values.data_type().clone(), true);
        return ScalarValue::try_from(&ArrowType::List(Arc::new(field)));
    }
    Ok(SingleRowListArrayBuilder::new(values).with_nullable(true).build_list_scalar())
}

/// The values of all rows, single or in lists, without nulls.
pub(crate) fn present_values(array: &ArrayRef) -> Result<ArrayRef> {
    let values = match array.as_list_opt::<i32>() {
        None => Arc::clone(array),
        Some(lists) => {
            let offsets = lists.value_offsets();
            let is_hidden = |row: usize| lists.is_null(row) && lists.value_length(row) > 0;
            if lists.null_count() > 0 && (0..lists.len()).any(is_hidden) {
                let rows = (0..lists.len()).filter(|row| lists.is_valid(*row));
                let places: UInt32Array =
                    rows.flat_map(|row| offsets[row] as u32..offsets[row + 1] as u32).collect();
                take(lists.values(), &places, None)?
            } else {
                own_values(lists).0
            }
        }
    };
    if values.null_count() == 0 {
        return Ok(values);
    }
    Ok(filter(&values, &is_not_null(&values)?)?)
}
