//! Batches brought to the columns that a reader asks for, however the data stream has grown since they were made.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StringArray, new_null_array};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field};
use ecs::{Catalog, Document};

use crate::columns::{column_of_documents, column_of_source, holds_lists, is_list};
use crate::event::restore;
use crate::schema::{Column, SOURCE, StreamSchema};

/// How a column that a reader asks for comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedColumn {
    pub(crate) name: String,
    pub(crate) column: Column,
    /// No file has a column for it: it is read out of the documents.
    pub(crate) from_source: bool,
}

/// What a name stands for in a data stream: a column of it; a key of a flattened field, or a field beyond the limit
/// of columns, which are read out of the documents; or a field without values.
pub(crate) fn wanted(name: &str, schema: &StreamSchema, catalog: &Catalog) -> WantedColumn {
    let name = name.to_owned();
    if let Some(column) = schema.get(&name) {
        return WantedColumn { name, column, from_source: false };
    }
    if schema.overflowed || catalog.flattened_parent(&name).is_some() {
        let column = column_of_source(&name, catalog);
        return WantedColumn { name, column, from_source: true };
    }
    let Column { kind, .. } = column_of_source(&name, catalog);
    let list = holds_lists(&name, catalog);
    WantedColumn { name, column: Column { kind, list }, from_source: false }
}

/// The documents of a batch, parsed once however many columns are read out of them.
#[derive(Debug, Default)]
pub(crate) struct SourceDocuments {
    documents: Option<Vec<Option<Document>>>,
}

impl SourceDocuments {
    fn of(&mut self, batch: &RecordBatch) -> &[Option<Document>] {
        self.documents.get_or_insert_with(|| {
            let Some(sources) =
                batch.column_by_name(SOURCE).and_then(|array| array.as_any().downcast_ref::<StringArray>())
            else {
                return vec![None; batch.num_rows()];
            };
            sources.iter().map(|source| restore(source?, None)).collect()
        })
    }
}

/// One column of a batch as it is wanted, and how many values did not fit when it was read out of the documents.
pub(crate) fn conform(
    batch: &RecordBatch,
    wanted: &WantedColumn,
    documents: &mut SourceDocuments,
) -> Result<(ArrayRef, u64), ArrowError> {
    let data_type = wanted.column.data_type();
    if wanted.from_source {
        return column_of_documents(&wanted.name, wanted.column, documents.of(batch));
    }
    let Some(array) = batch.column_by_name(&wanted.name) else {
        return Ok((new_null_array(&data_type, batch.num_rows()), 0));
    };
    if *array.data_type() == data_type {
        return Ok((Arc::clone(array), 0));
    }
    if let DataType::List(element) = &data_type
        && element.data_type() == array.data_type()
    {
        return Ok((in_lists(array)?, 0));
    }
    // Another writer was first to give the field a type.
    column_of_documents(&wanted.name, wanted.column, documents.of(batch))
}

/// Must the documents be read to make this column of a batch with this type for it?
pub(crate) fn needs_source(wanted: &WantedColumn, there: Option<&DataType>) -> bool {
    let data_type = wanted.column.data_type();
    wanted.from_source
        || there.is_some_and(|there| {
            *there != data_type
                && !matches!(&data_type, DataType::List(element) if element.data_type() == there)
        })
}

fn in_lists(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    debug_assert!(!is_list(array.data_type()));
    let lengths = (0..array.len()).map(|row| usize::from(array.is_valid(row)));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let values = if array.null_count() == 0 {
        Arc::clone(array)
    } else {
        let kept = arrow_array::BooleanArray::from(
            (0..array.len()).map(|row| array.is_valid(row)).collect::<Vec<_>>(),
        );
        arrow_select::filter::filter(array, &kept)?
    };
    let element = Arc::new(Field::new("element", array.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(element, offsets, values, array.nulls().cloned())?))
}
