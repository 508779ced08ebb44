//! Kinds of values: how functions read them from Arrow arrays and put them into new ones.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, ListArray, PrimitiveArray, StringArray,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, Field, Float64Type, Int32Type, Int64Type, TimestampMillisecondType,
    TimestampNanosecondType, UInt64Type,
};
use datafusion::common::{Result, exec_err};

/// A kind of values in Arrow arrays.
pub(crate) trait Kind: 'static {
    /// The array that holds them.
    type Array: Array + 'static;
    /// A value within an array.
    type Value<'a>;
    /// A value by itself.
    type Owned: Clone;

    /// The value of a row that is not null.
    fn value(array: &Self::Array, row: usize) -> Self::Value<'_>;

    /// A new array.
    fn collect(values: impl Iterator<Item = Option<Self::Owned>>) -> ArrayRef;
}

/// Texts: `keyword`, `text`, points.
pub(crate) enum Text {}
/// Bytes: `ip`, `version`.
pub(crate) enum Bytes {}
/// Booleans.
pub(crate) enum Bool {}
/// Numbers and instants, by their Arrow type.
pub(crate) struct Number<T>(std::marker::PhantomData<T>);

/// `integer`
pub(crate) type Integer = Number<Int32Type>;
/// `long`
pub(crate) type Long = Number<Int64Type>;
/// `unsigned_long`
pub(crate) type Unsigned = Number<UInt64Type>;
/// `double`
pub(crate) type Double = Number<Float64Type>;
/// `date`: milliseconds since the epoch.
pub(crate) type Millis = Number<TimestampMillisecondType>;
/// `date_nanos`: nanoseconds since the epoch.
pub(crate) type Nanos = Number<TimestampNanosecondType>;

impl Kind for Text {
    type Array = StringArray;
    type Value<'a> = &'a str;
    type Owned = String;

    fn value(array: &StringArray, row: usize) -> &str {
        array.value(row)
    }

    fn collect(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
        Arc::new(values.collect::<StringArray>())
    }
}

impl Kind for Bytes {
    type Array = BinaryArray;
    type Value<'a> = &'a [u8];
    type Owned = Vec<u8>;

    fn value(array: &BinaryArray, row: usize) -> &[u8] {
        array.value(row)
    }

    fn collect(values: impl Iterator<Item = Option<Vec<u8>>>) -> ArrayRef {
        Arc::new(values.collect::<BinaryArray>())
    }
}

impl Kind for Bool {
    type Array = BooleanArray;
    type Value<'a> = bool;
    type Owned = bool;

    fn value(array: &BooleanArray, row: usize) -> bool {
        array.value(row)
    }

    fn collect(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
        Arc::new(values.collect::<BooleanArray>())
    }
}

impl<T: ArrowPrimitiveType> Kind for Number<T> {
    type Array = PrimitiveArray<T>;
    type Value<'a> = T::Native;
    type Owned = T::Native;

    fn value(array: &PrimitiveArray<T>, row: usize) -> T::Native {
        array.value(row)
    }

    fn collect(values: impl Iterator<Item = Option<T::Native>>) -> ArrayRef {
        Arc::new(values.collect::<PrimitiveArray<T>>())
    }
}

/// The array as one of that kind.
pub(crate) fn as_kind<K: Kind>(array: &ArrayRef) -> Result<&K::Array> {
    match array.as_any().downcast_ref::<K::Array>() {
        Some(array) => Ok(array),
        None => exec_err!("{} where {} was planned", array.data_type(), std::any::type_name::<K::Array>()),
    }
}

/// The value of a row, or none.
pub(crate) fn get<K: Kind>(array: &K::Array, row: usize) -> Option<K::Value<'_>> {
    (!array.is_null(row)).then(|| K::value(array, row))
}

/// The array as one of lists.
pub(crate) fn as_lists(array: &ArrayRef) -> Result<&ListArray> {
    match array.as_list_opt::<i32>() {
        Some(lists) => Ok(lists),
        None => exec_err!("{} where lists were planned", array.data_type()),
    }
}

/// The values of these lists alone, and the place of the first of them: lists that were cut from others carry the
/// values of all along.
pub(crate) fn own_values(lists: &ListArray) -> (ArrayRef, usize) {
    let offsets = lists.value_offsets();
    let (first, end) = (offsets[0] as usize, offsets[lists.len()] as usize);
    (lists.values().slice(first, end - first), first)
}

/// The values of a list, in their order; none when the row is null.
pub(crate) fn list_values<'a, K: Kind>(
    lists: &ListArray,
    values: &'a K::Array,
    row: usize,
) -> impl DoubleEndedIterator<Item = K::Value<'a>> + ExactSizeIterator {
    let range = if lists.is_null(row) {
        0..0
    } else {
        let offsets = lists.value_offsets();
        offsets[row] as usize..offsets[row + 1] as usize
    };
    range.map(move |at| K::value(values, at))
}

/// Lists from their values; an empty list becomes null.
pub(crate) fn collect_lists<K: Kind>(rows: impl Iterator<Item = Vec<K::Owned>>) -> ArrayRef {
    let mut lengths = Vec::new();
    let mut all = Vec::new();
    for values in rows {
        lengths.push(values.len());
        all.extend(values);
    }
    let present = NullBuffer::from_iter(lengths.iter().map(|length| *length > 0));
    let values = K::collect(all.into_iter().map(Some));
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), values, Some(present)))
}
