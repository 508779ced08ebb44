//! What a manifest knows of each column of a file, so that files are left out without being opened.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use serde::{Deserialize, Serialize};

use crate::schema::{ID, INGESTED, ORIGINAL, SOURCE, TIMESTAMP};

/// Bytes of a text kept as a bound.
const BOUND_BYTES: usize = 48;
/// Bytes of the values of a field that are listed, and of an anchor field.
const LISTED_BYTES: usize = 1 << 10;
const LISTED_BYTES_OF_ANCHORS: usize = 16 << 10;

/// One column of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ColumnStatistics {
    /// Rows that have a value.
    pub(crate) rows: u64,
    /// Values that are not in the column, because they are of another type: nothing can be said of them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) clashes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<Range>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Bounds of the values, both ends included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Range {
    /// Every value there is, in byte order.
    Values(BTreeSet<String>),
    /// Nothing is below the first; nothing begins with something above the second.
    Text(String, String),
    Long(i64, i64),
    Double(f64, f64),
    Boolean(bool, bool),
    Date(i64, i64),
}

/// Least and greatest time of a file; `None` when no row has one. Milliseconds since the epoch, both included.
pub(crate) type Bounds = Option<(i64, i64)>;

/// The bounds of a column of instants.
pub(crate) fn time_bounds(batch: &RecordBatch, name: &str) -> Bounds {
    let column = batch.column_by_name(name)?.as_primitive_opt::<TimestampMillisecondType>()?;
    column.iter().flatten().fold(None, |bounds, at| match bounds {
        None => Some((at, at)),
        Some((least, greatest)) => Some((at.min(least), at.max(greatest))),
    })
}

/// Statistics of every column that is not a fixed one.
pub(crate) fn statistics(
    batch: &RecordBatch,
    clashes: &BTreeMap<String, u64>,
    anchors: &[String],
) -> BTreeMap<String, ColumnStatistics> {
    let mut found = BTreeMap::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let name = field.name();
        if [TIMESTAMP, INGESTED, ID, ORIGINAL, SOURCE].contains(&&**name) {
            continue;
        }
        let listed = if anchors.contains(name) { LISTED_BYTES_OF_ANCHORS } else { LISTED_BYTES };
        let rows = (array.len() - array.null_count()) as u64;
        let values = match array.data_type() {
            DataType::List(_) => array.as_list::<i32>().values(),
            _ => array,
        };
        let clashes = clashes.get(name).copied().unwrap_or(0);
        found.insert(name.clone(), ColumnStatistics { rows, clashes, range: range(values, listed) });
    }
    for (name, count) in clashes {
        found.entry(name.clone()).or_insert(ColumnStatistics { rows: 0, clashes: *count, range: None });
    }
    found
}

fn range(values: &ArrayRef, listed_bytes: usize) -> Option<Range> {
    fn bounds<T: Copy>(values: impl Iterator<Item = T>, less: impl Fn(T, T) -> bool) -> Option<(T, T)> {
        values.fold(None, |bounds, value| match bounds {
            None => Some((value, value)),
            Some((least, greatest)) => Some((
                if less(value, least) { value } else { least },
                if less(greatest, value) { value } else { greatest },
            )),
        })
    }
    match values.data_type() {
        DataType::Utf8 => {
            let values = values.as_string::<i32>();
            let mut listed = Some((BTreeSet::new(), 0));
            for value in values.iter().flatten() {
                if let Some((set, bytes)) = &mut listed
                    && !set.contains(value)
                {
                    *bytes += value.len() + 3;
                    set.insert(value);
                    if *bytes > listed_bytes {
                        listed = None;
                    }
                }
                if listed.is_none() {
                    break;
                }
            }
            if let Some((set, _)) = listed {
                return Some(Range::Values(set.into_iter().map(str::to_owned).collect()));
            }
            let (least, greatest) = bounds(values.iter().flatten(), |a, b| a < b)?;
            Some(Range::Text(beginning(least), beginning(greatest)))
        }
        DataType::Int64 => {
            let (least, greatest) =
                bounds(values.as_primitive::<Int64Type>().iter().flatten(), |a, b| a < b)?;
            Some(Range::Long(least, greatest))
        }
        DataType::Float64 => {
            let (least, greatest) =
                bounds(values.as_primitive::<Float64Type>().iter().flatten(), |a, b| a < b)?;
            (!least.is_nan() && !greatest.is_nan()).then_some(Range::Double(least, greatest))
        }
        DataType::Boolean => {
            let (least, greatest) = bounds(values.as_boolean().iter().flatten(), |a, b| !a & b)?;
            Some(Range::Boolean(least, greatest))
        }
        DataType::Timestamp(..) => {
            let values = values.as_primitive::<TimestampMillisecondType>();
            let (least, greatest) = bounds(values.iter().flatten(), |a, b| a < b)?;
            Some(Range::Date(least, greatest))
        }
        _ => None,
    }
}

fn beginning(text: &str) -> String {
    let end = (0..=BOUND_BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].to_owned()
}

impl ColumnStatistics {
    /// May a row have this value, as a keyword would have it? Text is compared exactly.
    pub(crate) fn may_have(&self, value: &str) -> bool {
        if self.clashes > 0 {
            return true;
        }
        match &self.range {
            None => self.rows > 0,
            Some(Range::Values(values)) => values.contains(value),
            Some(Range::Text(least, greatest)) => {
                value >= &**least && (value <= &**greatest || value.starts_with(&**greatest))
            }
            // A value that is no number may still be meant as one: leave nothing out.
            Some(Range::Long(least, greatest)) => {
                value.parse::<i64>().map_or(true, |value| (*least..=*greatest).contains(&value))
            }
            Some(Range::Double(least, greatest)) => {
                value.parse::<f64>().map_or(true, |value| (*least..=*greatest).contains(&value))
            }
            Some(Range::Boolean(least, greatest)) => match value {
                "true" => *greatest,
                "false" => !*least,
                _ => true,
            },
            Some(Range::Date(..)) => true,
        }
    }

    /// May a row have a value at all?
    pub(crate) fn may_exist(&self) -> bool {
        self.rows > 0 || self.clashes > 0
    }
}
