//! Events as Arrow columns: each field in the type that the data stream has for it, what does not fit counted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use ecs::{Arity, Catalog, Scalar, Timestamp};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::event::PreparedEvent;
use crate::schema::{
    Column, FIXED, ID, INGESTED, Kind, NewField, ORIGINAL, SOURCE, StreamSchema, TIMESTAMP, fixed, new_field,
};

/// Rows of one data stream, and what did not fit their columns.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    pub(crate) batch: RecordBatch,
    /// Values left out of the column of a field, because they are of another type.
    pub(crate) clashes: BTreeMap<String, u64>,
    /// Values of fields for which there was no column left.
    pub(crate) without_column: u64,
}

/// Makes columns of events; `schema` grows by the fields that it does not have.
pub(crate) fn columns(
    events: &[PreparedEvent],
    ingested: i64,
    schema: &mut StreamSchema,
    catalog: &Catalog,
    max_columns: usize,
) -> Result<Columns, ArrowError> {
    let mut cells: BTreeMap<String, Cells> = BTreeMap::new();
    let mut clashes = BTreeMap::new();
    let mut without_column = 0;
    for (row, event) in events.iter().enumerate() {
        for (name, value) in event.document.leaves() {
            if fixed(&name).is_some() {
                if !fits_fixed(&name, value) {
                    *clashes.entry(name).or_default() += 1;
                }
                continue;
            }
            let column = match schema.columns.get(&name) {
                Some(column) => *column,
                None => match new_field(&name, value, catalog) {
                    NewField::Flattened => continue,
                    NewField::Column(_) if schema.columns.len() >= max_columns => {
                        schema.overflowed = true;
                        without_column += 1;
                        continue;
                    }
                    NewField::Column(column) => {
                        schema.columns.insert(name.clone(), column);
                        column
                    }
                },
            };
            let at = match cells.get_mut(&name) {
                Some(at) => at,
                None => cells.entry(name.clone()).or_insert_with(|| Cells::new(column.kind)),
            };
            if !at.push(row, value) {
                *clashes.entry(name).or_default() += 1;
            } else if at.several
                && !column.list
                && let Some(column) = schema.columns.get_mut(&name)
            {
                column.list = true;
            }
        }
    }
    let text = |values: Vec<Option<&str>>| Arc::new(StringArray::from(values)) as ArrayRef;
    let instants = |values: Vec<Option<i64>>| {
        Arc::new(TimestampMillisecondArray::from(values).with_timezone("UTC")) as ArrayRef
    };
    let mut made: Vec<(String, ArrayRef)> = vec![
        (TIMESTAMP.to_owned(), instants(events.iter().map(|e| e.timestamp).collect())),
        (INGESTED.to_owned(), instants(vec![Some(ingested); events.len()])),
        (ID.to_owned(), text(events.iter().map(|e| Some(&*e.id)).collect())),
    ];
    for (name, cells) in cells {
        if !cells.rows.is_empty() {
            let list = schema.columns.get(&name).is_some_and(|column| column.list);
            made.push((name, cells.finish(list, events.len())?));
        }
    }
    made.push((ORIGINAL.to_owned(), text(events.iter().map(|e| e.raw.as_deref()).collect())));
    made.push((SOURCE.to_owned(), text(events.iter().map(|e| Some(&*e.source)).collect())));
    // Batches wait in memory until they are in a file.
    made.iter_mut().for_each(|(_, array)| array.shrink_to_fit());
    Ok(Columns { batch: batch_of(made)?, clashes, without_column })
}

/// A batch of named columns of one length.
pub(crate) fn batch_of(columns: Vec<(String, ArrayRef)>) -> Result<RecordBatch, ArrowError> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| {
            Field::new(name, array.data_type().clone(), !matches!(&**name, ID | INGESTED | SOURCE))
        })
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect())
}

/// The values of one field in documents, in the type of `column`; for columns that a batch does not have.
/// The second answer counts the values that did not fit.
pub(crate) fn column_of_documents(
    name: &str,
    column: Column,
    documents: &[Option<ecs::Document>],
) -> Result<(ArrayRef, u64), ArrowError> {
    let mut cells = Cells::new(column.kind);
    let mut clashes = 0;
    for (row, document) in documents.iter().enumerate() {
        for value in document.iter().flat_map(|document| document.values(name)) {
            clashes += u64::from(!cells.push(row, value));
        }
    }
    let list = column.list || cells.several;
    Ok((cells.finish(list, documents.len())?, clashes))
}

/// The column of a field that has none of its own, for reading it out of documents.
pub(crate) fn column_of_source(name: &str, catalog: &Catalog) -> Column {
    match new_field(name, Scalar::Str(""), catalog) {
        NewField::Column(Column { kind, .. }) => Column { kind, list: true },
        NewField::Flattened => Column { kind: Kind::Keyword, list: true },
    }
}

/// Is the field known to hold lists?
pub(crate) fn holds_lists(name: &str, catalog: &Catalog) -> bool {
    catalog.field(name).is_some_and(|field| field.arity == Arity::Many)
}

/// The names that come first and last in every file, and between them the fields in byte order.
pub(crate) fn in_file_order<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = vec![TIMESTAMP, INGESTED, ID];
    names.extend(fields.filter(|name| !FIXED.contains(name)));
    names.extend([ORIGINAL, SOURCE]);
    names
}

/// Is this the value that a fixed column was made of? Otherwise it stays in the document alone.
fn fits_fixed(name: &str, value: Scalar<'_>) -> bool {
    match name {
        TIMESTAMP => instant(value).is_some(),
        INGESTED => true,
        _ => false,
    }
}

/// An instant in milliseconds since the epoch, rounded down: ISO 8601 (UTC where no offset is given, midnight where no
/// time is), or milliseconds as a number.
pub(crate) fn instant(value: Scalar<'_>) -> Option<i64> {
    let at = match value {
        Scalar::Int(milliseconds) => return Some(milliseconds),
        Scalar::Str(text) => text
            .parse::<Timestamp>()
            .or_else(|_| text.parse::<DateTime>().and_then(|at| Ok(at.to_zoned(TimeZone::UTC)?.timestamp())))
            .ok()?,
        Scalar::Float(_) | Scalar::Bool(_) => return None,
    };
    milliseconds(at)
}

/// Milliseconds since the epoch, rounded down.
pub(crate) fn milliseconds(at: Timestamp) -> Option<i64> {
    i64::try_from(at.as_nanosecond().div_euclid(1_000_000)).ok()
}

/// Milliseconds since the epoch, rounded up.
pub(crate) fn milliseconds_up(at: Timestamp) -> Option<i64> {
    let whole = at.as_nanosecond().rem_euclid(1_000_000) == 0;
    milliseconds(at).map(|at| if whole { at } else { at + 1 })
}

#[derive(Debug)]
struct Cells {
    /// The row of each value, ascending.
    rows: Vec<usize>,
    values: Values,
    several: bool,
}

#[derive(Debug)]
enum Values {
    Text(Vec<String>, bool),
    Long(Vec<i64>),
    Double(Vec<f64>),
    Boolean(Vec<bool>),
    Date(Vec<i64>),
}

impl Cells {
    fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Keyword => Values::Text(Vec::new(), false),
            Kind::Ip => Values::Text(Vec::new(), true),
            Kind::Long => Values::Long(Vec::new()),
            Kind::Double => Values::Double(Vec::new()),
            Kind::Boolean => Values::Boolean(Vec::new()),
            Kind::Date => Values::Date(Vec::new()),
        };
        Self { rows: Vec::new(), values, several: false }
    }

    /// False when the value is of another type. Text that says exactly a number or a boolean is taken for it, as
    /// Elasticsearch does.
    fn push(&mut self, row: usize, value: Scalar<'_>) -> bool {
        let taken = match &mut self.values {
            Values::Text(values, ip) => {
                let text = value.text();
                let fits = !*ip || text.parse::<IpAddr>().is_ok();
                fits.then(|| values.push(text.into_owned()))
            }
            Values::Long(values) => whole_number(value).map(|value| values.push(value)),
            Values::Double(values) => number(value).map(|value| values.push(value)),
            Values::Boolean(values) => boolean(value).map(|value| values.push(value)),
            Values::Date(values) => instant(value).map(|value| values.push(value)),
        };
        if taken.is_some() {
            self.several |= self.rows.last() == Some(&row);
            self.rows.push(row);
        }
        taken.is_some()
    }

    fn finish(self, list: bool, length: usize) -> Result<ArrayRef, ArrowError> {
        if list { self.lists(length) } else { Ok(self.singles(length)) }
    }

    fn lists(self, length: usize) -> Result<ArrayRef, ArrowError> {
        let mut counts = vec![0; length];
        self.rows.iter().for_each(|row| counts[*row] += 1);
        let values: ArrayRef = match self.values {
            Values::Text(values, _) => Arc::new(StringArray::from(values)),
            Values::Long(values) => Arc::new(Int64Array::from(values)),
            Values::Double(values) => Arc::new(Float64Array::from(values)),
            Values::Boolean(values) => Arc::new(BooleanArray::from(values)),
            Values::Date(values) => Arc::new(TimestampMillisecondArray::from(values).with_timezone("UTC")),
        };
        let nulls = NullBuffer::from(counts.iter().map(|count| *count > 0).collect::<Vec<bool>>());
        Ok(Arc::new(ListArray::try_new(
            Arc::new(Field::new("element", values.data_type().clone(), true)),
            OffsetBuffer::from_lengths(counts),
            values,
            Some(nulls),
        )?))
    }

    fn singles(self, length: usize) -> ArrayRef {
        fn spread<T>(rows: &[usize], values: Vec<T>, length: usize) -> Vec<Option<T>> {
            let mut cells: Vec<Option<T>> = std::iter::repeat_with(|| None).take(length).collect();
            for (row, value) in rows.iter().zip(values) {
                cells[*row].get_or_insert(value);
            }
            cells
        }
        let rows = &*self.rows;
        match self.values {
            Values::Text(values, _) => Arc::new(StringArray::from(spread(rows, values, length))),
            Values::Long(values) => Arc::new(Int64Array::from(spread(rows, values, length))),
            Values::Double(values) => Arc::new(Float64Array::from(spread(rows, values, length))),
            Values::Boolean(values) => Arc::new(BooleanArray::from(spread(rows, values, length))),
            Values::Date(values) => {
                Arc::new(TimestampMillisecondArray::from(spread(rows, values, length)).with_timezone("UTC"))
            }
        }
    }
}

fn whole_number(value: Scalar<'_>) -> Option<i64> {
    match value {
        Scalar::Int(value) => Some(value),
        Scalar::Str(text) => text.parse().ok(),
        // Whole and within 53 bits, so that the number is exact.
        Scalar::Float(value) if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 => {
            format!("{value:.0}").parse().ok()
        }
        Scalar::Float(_) | Scalar::Bool(_) => None,
    }
}

fn number(value: Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Int(value) => value.to_string().parse().ok(),
        Scalar::Float(value) => Some(value),
        Scalar::Str(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
        Scalar::Bool(_) => None,
    }
}

fn boolean(value: Scalar<'_>) -> Option<bool> {
    match value {
        Scalar::Bool(value) => Some(value),
        Scalar::Str("true") => Some(true),
        Scalar::Str("false") => Some(false),
        _ => None,
    }
}

/// Is this a list of values?
pub(crate) fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_))
}
