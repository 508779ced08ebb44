//! What a query reads: the fields that events may have, with their types, before any event is seen.

use std::collections::BTreeMap;

use ecs::Catalog;

use crate::DataType;

/// Metadata fields that `FROM … METADATA` may name, and their types; `_id` and `_index` are single keywords.
pub(crate) const METADATA: [(&str, DataType); 6] = [
    ("_id", DataType::Keyword),
    ("_index", DataType::Keyword),
    ("_version", DataType::Long),
    ("_source", DataType::Keyword),
    ("_ignored", DataType::Keyword),
    ("_score", DataType::Double),
];

/// Which fields there are.
#[derive(Debug, Clone)]
pub enum Fields<'a> {
    /// Exactly these: any other name is an error.
    Exactly(&'a BTreeMap<String, DataType>),
    /// Those of the catalogue, and any others that events may bring along: these are keywords. With `closed`, a name
    /// that the catalogue does not know is an error; without, a warning when it looks misspelt.
    Catalog {
        /// Names and types.
        catalog: &'a Catalog,
        /// True where nothing else can be in the events.
        closed: bool,
    },
}

impl Fields<'_> {
    /// The type of a field; `None` when there is no such field.
    pub(crate) fn data_type(&self, name: &str) -> Option<DataType> {
        match self {
            Self::Exactly(fields) => fields.get(name).copied(),
            Self::Catalog { catalog, closed } => match catalog.field_type(name) {
                Some(field_type) => Some(DataType::of_field(field_type)),
                None if *closed => None,
                None => Some(DataType::Keyword),
            },
        }
    }

    /// True for a field that events may bring along, and whose type nobody knows.
    pub(crate) fn is_untyped(&self, name: &str) -> bool {
        match self {
            Self::Exactly(_) => false,
            Self::Catalog { catalog, .. } => catalog.field_type(name).is_none(),
        }
    }

    /// The names that are known beforehand, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = match self {
            Self::Exactly(fields) => fields.keys().map(String::as_str).collect(),
            Self::Catalog { catalog, .. } => catalog.names().collect(),
        };
        names.sort_unstable();
        names
    }
}
