//! Events as their columns tell of them, without their documents: enough to see that most are not wanted.
//!
//! Making a document of its JSON costs far more than reading a few columns. What a column tells is what the
//! document would tell, or nothing: fields whose columns may differ from their documents are unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StringArray};
use arrow_schema::DataType;
use ecs::field_table::TableEntry;
use ecs::{Catalog, DataStream, EventView, FieldId, FieldTable, FieldType, Known, Scalar, Timestamp};

use crate::error::{LakeError, Result};
use crate::event::{StoredEvent, restore};
use crate::lake::whole_milliseconds;
use crate::scan::{Scan, ScanBatch, ScanRequest};
use crate::schema::{ID, INGESTED, Kind, ORIGINAL, SOURCE, StreamSchema, TIMESTAMP, fixed};
use crate::snapshot::Snapshot;

/// An iterator over events, in the order of [`Snapshot::scan`].
#[derive(Debug)]
pub struct Glimpses {
    scan: Scan,
    /// By the name of the data stream.
    plans: BTreeMap<String, Arc<StreamPlan>>,
    open: Option<(Arc<GlimpsedBatch>, usize)>,
}

/// An event, and what is known of it without its document.
#[derive(Debug, Clone)]
pub struct Glimpse {
    batch: Arc<GlimpsedBatch>,
    row: usize,
}

/// What the columns of a data stream tell of the fields of each table.
#[derive(Debug)]
struct StreamPlan {
    tables: Vec<Vec<Told>>,
}

/// What a column tells of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// Nothing.
    Nothing,
    /// No event has a value there.
    Missing,
    /// The texts of this column are its values. `alone`: there is no field below it.
    Text { column: String, alone: bool },
}

#[derive(Debug)]
struct GlimpsedBatch {
    data_stream: DataStream,
    batch: RecordBatch,
    plan: Arc<StreamPlan>,
    /// Of each table, for each field the column that tells of it.
    columns: Vec<Vec<Option<Values>>>,
}

#[derive(Debug)]
enum Values {
    One(StringArray),
    Many(ListArray),
}

impl Snapshot {
    /// Events of which the columns are read that tell of the fields of some tables. The columns of the request do not
    /// matter.
    pub fn glimpses(&self, request: &ScanRequest, tables: &[&FieldTable]) -> Glimpses {
        let mut plans = BTreeMap::new();
        let mut columns: BTreeSet<String> =
            [ID, SOURCE, ORIGINAL, TIMESTAMP, INGESTED].map(str::to_owned).into();
        for state in self.streams.values() {
            let data_stream = state.manifest.data_stream();
            if !request.streams.matches(&data_stream) {
                continue;
            }
            let mut clashes: BTreeSet<&str> =
                state.manifest.counts.clashes.keys().map(String::as_str).collect();
            for batch in &state.memory {
                clashes.extend(batch.columns.clashes.keys().map(String::as_str));
            }
            let told = |entry: &TableEntry| told_of(entry, &state.schema, &clashes, &self.catalog);
            let tables: Vec<Vec<Told>> =
                tables.iter().map(|table| table.entries().map(|(_, entry)| told(entry)).collect()).collect();
            columns.extend(tables.iter().flatten().filter_map(|told| match told {
                Told::Text { column, .. } => Some(column.clone()),
                _ => None,
            }));
            plans.insert(data_stream.name(), Arc::new(StreamPlan { tables }));
        }
        let columns = Some(columns.into_iter().collect());
        let request = ScanRequest { columns, unified: false, ..request.clone() };
        Glimpses { scan: self.scan(&request), plans, open: None }
    }
}

/// What the columns of a data stream tell of a field.
fn told_of(entry: &TableEntry, schema: &StreamSchema, clashes: &BTreeSet<&str>, catalog: &Catalog) -> Told {
    let name = entry.segments.join(".");
    let is_text = |field_type| {
        matches!(
            field_type,
            FieldType::Keyword | FieldType::Wildcard | FieldType::Text | FieldType::MatchOnlyText
        )
    };
    let is_value =
        |field_type| !matches!(field_type, FieldType::Flattened | FieldType::Nested | FieldType::Object);
    // Where the values are no text, what the column has and what the document has may be written differently.
    let Some(of_values) = catalog.field_type(&name).filter(|field_type| is_value(*field_type)) else {
        return Told::Nothing;
    };
    if fixed(&name).is_some() || clashes.contains(name.as_str()) || catalog.flattened_parent(&name).is_some()
    {
        return Told::Nothing;
    }
    let below = format!("{name}.");
    let has_below =
        schema.columns.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below));
    match schema.get(&name) {
        Some(column) => {
            let is_told = match column.kind {
                Kind::Keyword => is_text(of_values) && entry.field_type.is_some_and(is_text),
                Kind::Ip => of_values == FieldType::Ip && entry.field_type == Some(FieldType::Ip),
                _ => false,
            };
            let alone = !has_below && !schema.overflowed;
            if is_told { Told::Text { column: name, alone } } else { Told::Nothing }
        }
        None if schema.overflowed || has_below => Told::Nothing,
        None => Told::Missing,
    }
}

impl Iterator for Glimpses {
    type Item = Result<Glimpse>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((batch, row)) = &mut self.open
                && *row < batch.batch.num_rows()
            {
                let glimpse = Glimpse { batch: Arc::clone(batch), row: *row };
                *row += 1;
                return Some(Ok(glimpse));
            }
            match self.scan.next()? {
                Ok(batch) => self.open = Some((Arc::new(self.glimpsed(batch)), 0)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Glimpses {
    fn glimpsed(&self, batch: ScanBatch) -> GlimpsedBatch {
        let ScanBatch { data_stream, batch } = batch;
        let none = || Arc::new(StreamPlan { tables: Vec::new() });
        let plan = self.plans.get(&data_stream.name()).cloned().unwrap_or_else(none);
        let values = |told: &Told| match told {
            Told::Text { column, .. } => batch.column_by_name(column).and_then(values_of),
            Told::Nothing | Told::Missing => None,
        };
        let columns = plan.tables.iter().map(|table| table.iter().map(values).collect()).collect();
        GlimpsedBatch { data_stream, batch, plan, columns }
    }
}

fn values_of(array: &ArrayRef) -> Option<Values> {
    match array.data_type() {
        DataType::Utf8 => Some(Values::One(array.as_string::<i32>().clone())),
        DataType::List(element) if element.data_type() == &DataType::Utf8 => {
            Some(Values::Many(array.as_list::<i32>().clone()))
        }
        _ => None,
    }
}

impl Glimpse {
    /// Where it lies.
    pub fn data_stream(&self) -> &DataStream {
        &self.batch.data_stream
    }

    /// Its `@timestamp`, in whole milliseconds; `None` when it has none.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.instant(TIMESTAMP)
    }

    /// Its `event.ingested`, in whole milliseconds.
    pub fn ingested(&self) -> Option<Timestamp> {
        self.instant(INGESTED)
    }

    /// What its columns tell of the fields of a table, by the table's position among those that were asked for.
    pub fn view(&self, table: usize) -> GlimpseView<'_> {
        let told = self.batch.plan.tables.get(table).map_or(&[][..], Vec::as_slice);
        let columns = self.batch.columns.get(table).map_or(&[][..], Vec::as_slice);
        GlimpseView { told, columns, row: self.row }
    }

    /// The whole event.
    ///
    /// # Errors
    /// When its document is not what was written.
    pub fn event(&self) -> Result<StoredEvent> {
        let GlimpsedBatch { data_stream, batch, .. } = &*self.batch;
        let text = |name| batch.column_by_name(name)?.as_string_opt::<i32>();
        let made = || {
            let (ids, sources, raws) = (text(ID)?, text(SOURCE)?, text(ORIGINAL)?);
            let raw = raws.is_valid(self.row).then(|| raws.value(self.row));
            let document = restore(sources.value(self.row), raw)?;
            let id = ids.value(self.row).to_owned();
            Some(StoredEvent { data_stream: data_stream.clone(), id, document })
        };
        made().ok_or_else(|| LakeError::DamagedFile {
            path: format!("a file of {data_stream}"),
            reason: "a document is not the JSON object that was written".to_owned(),
        })
    }

    fn instant(&self, name: &str) -> Option<Timestamp> {
        let times = self.batch.batch.column_by_name(name)?.as_primitive_opt::<TimestampMillisecondType>()?;
        times.is_valid(self.row).then(|| whole_milliseconds(times.value(self.row)))
    }
}

/// The fields of a table, as columns tell of them.
#[derive(Debug, Clone, Copy)]
pub struct GlimpseView<'g> {
    told: &'g [Told],
    columns: &'g [Option<Values>],
    row: usize,
}

impl GlimpseView<'_> {
    /// Is anything told of a field?
    pub fn knows(&self, field: FieldId) -> bool {
        match self.told.get(field.index()) {
            Some(Told::Missing) => true,
            Some(Told::Text { .. }) => self.columns.get(field.index()).is_some_and(Option::is_some),
            Some(Told::Nothing) | None => false,
        }
    }
}

impl EventView for GlimpseView<'_> {
    fn any_value(&self, field: FieldId, test: &mut dyn FnMut(Scalar<'_>) -> bool) -> Known {
        match (self.told.get(field.index()), self.columns.get(field.index())) {
            (Some(Told::Missing), _) => Known::No,
            (Some(Told::Text { .. }), Some(Some(values))) => match values {
                Values::One(texts) => {
                    (texts.is_valid(self.row) && test(Scalar::Str(texts.value(self.row)))).into()
                }
                Values::Many(lists) if lists.is_valid(self.row) => {
                    let texts = lists.value(self.row);
                    texts.as_string::<i32>().iter().flatten().any(|text| test(Scalar::Str(text))).into()
                }
                Values::Many(_) => Known::No,
            },
            _ => Known::Unknown,
        }
    }

    fn exists(&self, field: FieldId) -> Known {
        match (self.told.get(field.index()), self.any_value(field, &mut |_| true)) {
            (Some(Told::Text { alone: false, .. }), Known::No) => Known::Unknown,
            (_, known) => known,
        }
    }

    fn any_leaf(&self, _: &mut dyn FnMut(&str, Scalar<'_>) -> bool) -> Known {
        Known::Unknown
    }

    fn any_nested(&self, _: FieldId, _: &mut dyn FnMut(&dyn EventView) -> Known) -> Known {
        Known::Unknown
    }
}
