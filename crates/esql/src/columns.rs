//! Events as Arrow columns: each field in the type that it was planned with.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray, UInt64Array};
use datafusion::arrow::datatypes::{Field, Schema};
use ecs::{Document, Scalar};

use crate::data_type::DataType;
use crate::error::EsqlError;
use crate::function::kind::{
    Bool, Bytes, Double, Integer, Kind, Long, Millis, Nanos, Text, Unsigned, collect_lists,
};
use crate::scope::Column;
use crate::value;

/// An event as a query reads it.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The number by which the caller knows it; results name it as evidence.
    pub number: u64,
    /// The event.
    pub document: &'a Document,
    /// `_id`
    pub id: &'a str,
    /// `_index`
    pub index: &'a str,
}

/// A value of a field that has another type than the field: null in the column, and counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The field.
    pub field: String,
    /// The type of the field.
    pub data_type: DataType,
    /// How many values.
    pub count: u64,
}

/// The events as one batch of rows, with the values that had to be left out.
pub(crate) fn batch(
    columns: &[&Column],
    searches: &[&crate::Search],
    events: &[Event<'_>],
) -> Result<(RecordBatch, Vec<Clash>), EsqlError> {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    let mut clashes = Vec::new();
    for column in columns {
        let (array, count) = column_of(column, events);
        fields.push(Field::new(&column.id, column.data_type.arrow_column(column.many), true));
        arrays.push(array);
        if count > 0 {
            clashes.push(Clash { field: column.name.clone(), data_type: column.data_type, count });
        }
    }
    for search in searches {
        fields.push(Field::new(&search.id, DataType::Boolean.arrow(), true));
        arrays.push(Bool::collect(events.iter().map(|event| Some(search.finds(event.document)))));
    }
    fields.push(Field::new(crate::lower::EVENTS, DataType::UnsignedLong.arrow(), false));
    arrays.push(Arc::new(events.iter().map(|event| Some(event.number)).collect::<UInt64Array>()));
    let options = RecordBatchOptions::new().with_row_count(Some(events.len()));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options);
    Ok((batch.map_err(|error| EsqlError::Run(error.into()))?, clashes))
}

fn column_of(column: &Column, events: &[Event<'_>]) -> (ArrayRef, u64) {
    let metadata = |text: fn(&Event<'_>) -> String| -> (ArrayRef, u64) {
        (Arc::new(events.iter().map(|event| Some(text(event))).collect::<StringArray>()), 0)
    };
    match column.name.as_str() {
        "_id" => return metadata(|event| event.id.to_owned()),
        "_index" => return metadata(|event| event.index.to_owned()),
        "_source" => {
            return metadata(|event| serde_json::Value::Object(event.document.as_map().clone()).to_string());
        }
        // Events here have one version, are searched without scores, and have nothing ignored in them.
        "_version" => return (Long::collect(events.iter().map(|_| Some(1))), 0),
        "_score" => return (Double::collect(events.iter().map(|_| Some(0.0))), 0),
        "_ignored" => return (Text::collect(events.iter().map(|_| None)), 0),
        _ => {}
    }
    match column.data_type {
        DataType::Keyword | DataType::Text | DataType::GeoPoint => {
            values::<Text>(column, events, |scalar| Some(scalar.text().into_owned()))
        }
        DataType::Boolean => values::<Bool>(column, events, |scalar| match scalar {
            Scalar::Bool(value) => Some(value),
            Scalar::Str("true") => Some(true),
            Scalar::Str("false" | "") => Some(false),
            _ => None,
        }),
        DataType::Integer => values::<Integer>(column, events, |scalar| i32::try_from(whole(scalar)?).ok()),
        DataType::Long => values::<Long>(column, events, whole),
        DataType::UnsignedLong => values::<Unsigned>(column, events, |scalar| match scalar {
            Scalar::Str(text) => text.trim().parse().ok(),
            Scalar::Float(number) if number >= 0.0 && number.fract() == 0.0 => Some(number as u64),
            other => u64::try_from(whole(other)?).ok(),
        }),
        DataType::Double => values::<Double>(column, events, |scalar| match scalar {
            Scalar::Int(number) => Some(number as f64),
            Scalar::Float(number) => Some(number),
            Scalar::Str(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Scalar::Bool(_) => None,
        }),
        DataType::Ip => values::<Bytes>(column, events, |scalar| match scalar {
            Scalar::Str(text) => value::ip::parse(text).ok().map(|address| address.to_vec()),
            _ => None,
        }),
        DataType::Version => {
            values::<Bytes>(column, events, |scalar| Some(value::version::encode(&scalar.text())))
        }
        DataType::Date => values::<Millis>(column, events, |scalar| match scalar {
            Scalar::Int(millis) => Some(millis),
            Scalar::Str(text) => value::date::parse_millis(text).ok(),
            Scalar::Float(millis) => Some(millis as i64),
            Scalar::Bool(_) => None,
        }),
        DataType::DateNanos => values::<Nanos>(column, events, |scalar| match scalar {
            Scalar::Int(millis) => value::date::millis_to_nanos(millis).ok(),
            Scalar::Str(text) => value::date::parse_nanos(text).ok(),
            Scalar::Float(_) | Scalar::Bool(_) => None,
        }),
        DataType::Null | DataType::Unsupported | DataType::DatePeriod | DataType::TimeDuration => {
            let nulls: ArrayRef = if column.many {
                collect_lists::<Bool>(events.iter().map(|_| Vec::new()))
            } else {
                Bool::collect(events.iter().map(|_| None))
            };
            (nulls, 0)
        }
    }
}

/// A whole number as fields of whole numbers take it: fractions are cut off, as an index does.
fn whole(scalar: Scalar<'_>) -> Option<i64> {
    match scalar {
        Scalar::Int(number) => Some(number),
        Scalar::Float(number) if number.abs() < 9.3e18 => Some(number as i64),
        Scalar::Str(text) => text.trim().parse().ok(),
        Scalar::Float(_) | Scalar::Bool(_) => None,
    }
}

fn values<K: Kind>(
    column: &Column,
    events: &[Event<'_>],
    read: impl Fn(Scalar<'_>) -> Option<K::Owned>,
) -> (ArrayRef, u64) {
    let mut clashes = 0;
    let mut of_event = |event: &Event<'_>| -> Vec<K::Owned> {
        let scalars = event.document.values(&column.name);
        let many = scalars.len();
        let values: Vec<K::Owned> = scalars.into_iter().filter_map(&read).collect();
        clashes += (many - values.len()) as u64;
        values
    };
    let array = if column.many {
        collect_lists::<K>(events.iter().map(&mut of_event))
    } else {
        K::collect(events.iter().map(|event| of_event(event).into_iter().next()))
    };
    (array, clashes)
}
