//! The columns of a data stream: what a field is stored as, and how that grows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};
use ecs::{Arity, Catalog, FieldType, Scalar};
use serde::{Deserialize, Serialize};

pub(crate) const TIMESTAMP: &str = "@timestamp";
pub(crate) const INGESTED: &str = "event.ingested";
pub(crate) const ID: &str = "_id";
pub(crate) const ORIGINAL: &str = "event.original";
pub(crate) const SOURCE: &str = "_source";

/// Columns that every file has, whatever its events hold.
pub(crate) const FIXED: [&str; 5] = [TIMESTAMP, INGESTED, ID, ORIGINAL, SOURCE];

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text, stored as UTF-8; numbers and booleans as the text that they index as.
    Keyword,
    /// An IPv4 or IPv6 address, stored as its text.
    Ip,
    /// A whole number of 64 bits.
    Long,
    /// A floating-point number of 64 bits.
    Double,
    /// True or false.
    Boolean,
    /// An instant in milliseconds, UTC.
    Date,
}

/// One column of a data stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// What its values are.
    pub kind: Kind,
    /// Lists of values; otherwise at most one a row.
    pub list: bool,
}

impl Column {
    pub(crate) fn one(kind: Kind) -> Self {
        Self { kind, list: false }
    }

    /// The Arrow type: a list's elements are called `element`, as Parquet wants it.
    pub(crate) fn data_type(self) -> DataType {
        let value = match self.kind {
            Kind::Keyword | Kind::Ip => DataType::Utf8,
            Kind::Long => DataType::Int64,
            Kind::Double => DataType::Float64,
            Kind::Boolean => DataType::Boolean,
            Kind::Date => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        };
        if self.list { DataType::List(Arc::new(Field::new("element", value, true))) } else { value }
    }
}

/// The column that a fixed name stands for.
pub(crate) fn fixed(name: &str) -> Option<Column> {
    match name {
        TIMESTAMP | INGESTED => Some(Column::one(Kind::Date)),
        ID | ORIGINAL | SOURCE => Some(Column::one(Kind::Keyword)),
        _ => None,
    }
}

/// The columns of a data stream beside the fixed ones. It only grows: columns join, and single values become lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamSchema {
    pub(crate) columns: BTreeMap<String, Column>,
    /// Some field found no column because there were too many.
    pub(crate) overflowed: bool,
}

impl StreamSchema {
    /// The column of a field, fixed ones included.
    pub(crate) fn get(&self, name: &str) -> Option<Column> {
        fixed(name).or_else(|| self.columns.get(name).copied())
    }

    /// Takes in the columns of another data stream, so that values of both fit.
    pub(crate) fn unify(&mut self, other: &Self) {
        for (name, theirs) in &other.columns {
            let column = self.columns.entry(name.clone()).or_insert(*theirs);
            column.list |= theirs.list;
            column.kind = match (column.kind, theirs.kind) {
                (ours, theirs) if ours == theirs => ours,
                (Kind::Long | Kind::Double, Kind::Long | Kind::Double) => Kind::Double,
                _ => Kind::Keyword,
            };
        }
        self.overflowed |= other.overflowed;
    }

    /// Takes in what another writer knows. Where both know a field, its kind is `theirs`.
    pub(crate) fn merged(&self, theirs: &Self) -> Self {
        let mut columns = self.columns.clone();
        for (name, column) in &theirs.columns {
            let list = column.list || columns.get(name).is_some_and(|ours| ours.list);
            columns.insert(name.clone(), Column { kind: column.kind, list });
        }
        Self { columns, overflowed: self.overflowed || theirs.overflowed }
    }
}

/// What a field without a column becomes when it is first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewField {
    Column(Column),
    /// A key of a flattened field that the catalogue does not name: their number has no end, so they have no columns.
    Flattened,
}

/// Decides by the catalogue, and for fields that it does not know by the first value.
pub(crate) fn new_field(name: &str, first: Scalar<'_>, catalog: &Catalog) -> NewField {
    let Some(field) = catalog.field(name) else {
        return if catalog.flattened_parent(name).is_some() {
            NewField::Flattened
        } else {
            NewField::Column(Column::one(kind_of_value(first)))
        };
    };
    let kind = match field.field_type {
        FieldType::Keyword
        | FieldType::Wildcard
        | FieldType::Text
        | FieldType::MatchOnlyText
        | FieldType::Version
        | FieldType::GeoPoint => Kind::Keyword,
        FieldType::Ip => Kind::Ip,
        FieldType::Date => Kind::Date,
        FieldType::Long => Kind::Long,
        FieldType::Double => Kind::Double,
        FieldType::Boolean => Kind::Boolean,
        FieldType::Flattened | FieldType::Nested | FieldType::Object => kind_of_value(first),
    };
    NewField::Column(Column { kind, list: field.arity == Arity::Many })
}

fn kind_of_value(value: Scalar<'_>) -> Kind {
    match value {
        Scalar::Str(_) => Kind::Keyword,
        Scalar::Int(_) => Kind::Long,
        Scalar::Float(_) => Kind::Double,
        Scalar::Bool(_) => Kind::Boolean,
    }
}
