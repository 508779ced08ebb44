//! What a query gives: named columns, rows of values, and the events that each row was made from.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{
    DataType as ArrowType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMillisecondType,
    TimestampNanosecondType, UInt64Type,
};
use serde_json::Value as Json;

use crate::DataType;
use crate::value;

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// True when it is a field of the events, untouched.
    pub is_source: bool,
}

/// One value of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Long(i64),
    /// A whole number without a sign.
    UnsignedLong(u64),
    /// A floating-point number.
    Double(f64),
    /// Text, an address, a version, a point or an instant, as ES|QL prints it: instants in UTC,
    /// `2024-01-01T00:00:00.000Z`.
    Text(String),
}

/// A row of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultRow {
    /// For each column its values: none for null.
    pub values: Vec<Vec<Value>>,
    /// What tells the row apart from others that were made from the same events: the values of
    /// [`Plan::identity`](crate::Plan::identity), whether the query keeps these columns or not.
    pub identity: Vec<Vec<Value>>,
    /// Numbers of the events that the row was made from, ascending.
    pub events: Vec<u64>,
}

/// The result of one run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// In the order of the query.
    pub columns: Vec<ResultColumn>,
    /// In the order of the query's last `SORT`, if that counts.
    pub rows: Vec<ResultRow>,
}

impl Table {
    /// Adds the rows of a batch: a column for each of the table's, those of the identity, then that of the events.
    pub(crate) fn extend(&mut self, batch: &RecordBatch, identity: &[ResultColumn]) {
        let Some((events, columns)) = batch.columns().split_last() else { return };
        let (columns, identities) = columns.split_at(self.columns.len().min(columns.len()));
        let read = |arrays: &[ArrayRef], columns: &[ResultColumn], row: usize| -> Vec<Vec<Value>> {
            arrays
                .iter()
                .zip(columns)
                .map(|(array, column)| values_of(array, row, column.data_type))
                .collect()
        };
        for row in 0..batch.num_rows() {
            let values = read(columns, &self.columns, row);
            let identity = read(identities, identity, row);
            self.rows.push(ResultRow { values, identity, events: numbers_of(events, row) });
        }
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl Value {
    /// As alerts and outputs write it.
    pub fn json(&self) -> Json {
        match self {
            Self::Boolean(value) => Json::Bool(*value),
            Self::Long(number) => Json::from(*number),
            Self::UnsignedLong(number) => Json::from(*number),
            Self::Double(number) => Json::from(*number),
            Self::Text(text) => Json::String(text.clone()),
        }
    }
}

fn numbers_of(array: &ArrayRef, row: usize) -> Vec<u64> {
    if array.is_null(row) {
        return Vec::new();
    }
    match array.as_list_opt::<i32>() {
        Some(lists) => lists.value(row).as_primitive::<UInt64Type>().values().to_vec(),
        None => vec![array.as_primitive::<UInt64Type>().value(row)],
    }
}

fn values_of(array: &ArrayRef, row: usize, data_type: DataType) -> Vec<Value> {
    if array.is_null(row) {
        return Vec::new();
    }
    match array.as_list_opt::<i32>() {
        Some(lists) => {
            let values = lists.value(row);
            (0..values.len()).filter_map(|at| value_of(&values, at, data_type)).collect()
        }
        None => value_of(array, row, data_type).into_iter().collect(),
    }
}

fn value_of(array: &ArrayRef, row: usize, data_type: DataType) -> Option<Value> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        ArrowType::Boolean => Value::Boolean(array.as_boolean().value(row)),
        ArrowType::Int32 => Value::Long(i64::from(array.as_primitive::<Int32Type>().value(row))),
        ArrowType::Int64 => Value::Long(array.as_primitive::<Int64Type>().value(row)),
        ArrowType::UInt64 => Value::UnsignedLong(array.as_primitive::<UInt64Type>().value(row)),
        ArrowType::Float64 => Value::Double(array.as_primitive::<Float64Type>().value(row)),
        ArrowType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        ArrowType::Binary => {
            let bytes = array.as_binary::<i32>().value(row);
            Value::Text(match data_type {
                DataType::Version => value::version::decode(bytes),
                _ => value::ip::to_text(bytes),
            })
        }
        ArrowType::Timestamp(TimeUnit::Nanosecond, _) => Value::Text(
            value::date::nanos_to_text(array.as_primitive::<TimestampNanosecondType>().value(row)).ok()?,
        ),
        ArrowType::Timestamp(..) => Value::Text(
            value::date::millis_to_text(array.as_primitive::<TimestampMillisecondType>().value(row)).ok()?,
        ),
        _ => return None,
    })
}
