//! Which files a reader need not open: by time, and by what the manifest knows of their columns.

use ecs::{Catalog, TimeRange};

use crate::columns::milliseconds_up;
use crate::manifest::DataFile;
use crate::schema::{INGESTED, StreamSchema, TIMESTAMP, fixed};
use crate::statistics::Bounds;

/// The time that a range is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeField {
    /// `@timestamp`: when it happened. An event without one is found only without a range.
    #[default]
    Timestamp,
    /// `event.ingested`: when the lake acknowledged it. Rules search by it so that late events are not missed.
    Ingested,
}

impl TimeField {
    /// The column that it names.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Self::Timestamp => TIMESTAMP,
            Self::Ingested => INGESTED,
        }
    }
}

/// Something that every event a reader wants has. It leaves out files, never single events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The field has at least one of these values, exactly as written; numbers and booleans as their text.
    AnyOf {
        /// Dotted name.
        field: String,
        /// The values.
        values: Vec<String>,
    },
    /// The field, or one below it, has a value.
    Exists {
        /// Dotted name.
        field: String,
    },
}

/// A half-open range in milliseconds: an end that is no whole millisecond covers the rest of its millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MillisecondRange {
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
    /// Rows without a time are in it.
    pub(crate) untimed: bool,
}

impl MillisecondRange {
    pub(crate) const EVERYTHING: Self = Self { from: None, to: None, untimed: true };

    /// Instants are kept in milliseconds, rounded down, so that ends are rounded up. Without ends, rows without a time
    /// are in it.
    pub(crate) fn new(range: TimeRange) -> Self {
        let (from, to) = (range.from.and_then(milliseconds_up), range.to.and_then(milliseconds_up));
        Self { from, to, untimed: from.is_none() && to.is_none() }
    }

    pub(crate) fn contains(self, at: Option<i64>) -> bool {
        match at {
            Some(at) => self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to),
            None => self.untimed,
        }
    }

    /// May something within these bounds be inside?
    pub(crate) fn meets(self, bounds: Bounds) -> bool {
        self.untimed
            || bounds.is_some_and(|(least, greatest)| {
                self.from.is_none_or(|from| from <= greatest) && self.to.is_none_or(|to| least < to)
            })
    }
}

impl Condition {
    /// May an event of this file meet the condition?
    pub(crate) fn may_be_in(&self, file: &DataFile, schema: &StreamSchema, catalog: &Catalog) -> bool {
        let field = match self {
            Self::AnyOf { field, .. } | Self::Exists { field } => field,
        };
        let below = |name: &String| name.strip_prefix(&**field).is_some_and(|rest| rest.starts_with('.'));
        if fixed(field).is_some()
            || schema.overflowed
            || catalog.field_type(field) == Some(ecs::FieldType::Flattened)
            || catalog.flattened_parent(field).is_some()
        {
            return true;
        }
        match self {
            Self::AnyOf { values, .. } => file
                .columns
                .get(field)
                .is_some_and(|column| values.iter().any(|value| column.may_have(value))),
            Self::Exists { .. } => {
                file.columns.get(field).is_some_and(|column| column.may_exist())
                    // A flattened field below has no columns.
                    || catalog.names().any(|name| {
                        below(&name.to_owned()) && catalog.field_type(name) == Some(ecs::FieldType::Flattened)
                    })
                    || file.columns.iter().any(|(name, column)| below(name) && column.may_exist())
            }
        }
    }
}
