//! Small numbers for the fields that loaded rules read, so that hot paths compare integers and not names.

use std::collections::HashMap;

use crate::{Catalog, FieldType};

/// A field of one [`FieldTable`]. Numbers from different tables must not be mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(u32);

impl FieldId {
    /// The position in the table, from zero.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An interned field.
#[derive(Debug, Clone)]
pub struct TableEntry {
    /// Dotted name.
    pub name: Box<str>,
    /// Where the values lie: the name split at its dots; for a multi-field (`message.text`,
    /// `host.os.name.caseless`) that of the field whose values it indexes again.
    pub segments: Box<[Box<str>]>,
    /// What the catalogue says; `None` for a field it does not know.
    pub field_type: Option<FieldType>,
    /// True for a `.caseless` multi-field, which ignores case.
    pub caseless: bool,
}

/// Multi-fields hang below fields that hold text; below an object the same suffix is an ordinary field.
fn has_multi_fields(catalog: &Catalog, parent: &str) -> bool {
    matches!(
        catalog.field(parent).map(|f| f.field_type),
        Some(FieldType::Keyword | FieldType::Wildcard | FieldType::Text | FieldType::MatchOnlyText)
    )
}

/// The fields that a set of rules reads, in the order in which they were first asked for.
#[derive(Debug, Clone, Default)]
pub struct FieldTable {
    entries: Vec<TableEntry>,
    by_name: HashMap<Box<str>, FieldId>,
}

impl FieldTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of a field, given out at the first call; its type is looked up in `catalog` then.
    pub fn intern(&mut self, name: &str, catalog: &Catalog) -> FieldId {
        if let Some(id) = self.by_name.get(name) {
            return *id;
        }
        let id = FieldId(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        let (source, multi) = match name.rsplit_once('.') {
            Some((parent, suffix @ ("text" | "caseless"))) if has_multi_fields(catalog, parent) => {
                (parent, suffix)
            }
            _ => (name, ""),
        };
        self.entries.push(TableEntry {
            name: name.into(),
            segments: source.split('.').map(Into::into).collect(),
            field_type: match multi {
                "text" => Some(FieldType::Text),
                "caseless" => Some(FieldType::Keyword),
                _ => catalog.field_type(name),
            },
            caseless: multi == "caseless",
        });
        self.by_name.insert(name.into(), id);
        id
    }

    /// The number of a field that some rule reads; `None` when none does.
    pub fn get(&self, name: &str) -> Option<FieldId> {
        self.by_name.get(name).copied()
    }

    /// The entry of a field.
    ///
    /// # Panics
    /// When `id` comes from another, larger table.
    pub fn entry(&self, id: FieldId) -> &TableEntry {
        &self.entries[id.index()]
    }

    /// All entries in order of their numbers.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (FieldId, &TableEntry)> {
        self.entries.iter().enumerate().map(|(i, e)| (FieldId(i as u32), e))
    }

    /// How many fields the table holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when no field was interned.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multi_field_has_its_own_type_and_its_parents_values() {
        let catalog = Catalog::builtin();
        let mut table = FieldTable::new();
        let text = table.intern("process.command_line.text", &catalog);
        let caseless = table.intern("host.os.name.caseless", &catalog);
        let segments = |id| table.entry(id).segments.join(".");
        assert_eq!(segments(text), "process.command_line");
        assert_eq!(table.entry(text).field_type, Some(FieldType::Text));
        assert_eq!(segments(caseless), "host.os.name");
        assert!(table.entry(caseless).caseless);
    }

    #[test]
    fn an_ordinary_field_may_be_called_text() {
        let mut table = FieldTable::new();
        let id = table.intern("slack.message.text", &Catalog::builtin());
        assert_eq!(table.entry(id).segments.len(), 3);
    }
}
