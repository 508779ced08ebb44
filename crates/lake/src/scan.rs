//! A scan: the events of some data streams within a time range, as batches of columns or as documents, each once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, Field, Schema};
use arrow_select::filter::filter_record_batch;
use ecs::{Catalog, DataStream, IndexPatterns, TimeRange};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use crate::columns::in_file_order;
use crate::conform::{SourceDocuments, WantedColumn, conform, needs_source, wanted};
use crate::data_file::FileReader;
use crate::error::{LakeError, Result};
use crate::event::{StoredEvent, restore};
use crate::manifest::{DataFile, file_path};
use crate::pruning::{Condition, MillisecondRange, TimeField};
use crate::schema::{ID, INGESTED, ORIGINAL, SOURCE, StreamSchema};
use crate::snapshot::Snapshot;
use crate::statistics::time_bounds;
use crate::storage::Storage;
use crate::stream::Streams;

/// What a reader wants.
#[derive(Debug, Clone, Default)]
pub struct ScanRequest {
    /// Which data streams; a stream that several patterns reach is read once.
    pub streams: IndexPatterns,
    /// When, half-open. Rows outside are left out one by one.
    pub time: TimeRange,
    /// The time that the range is about.
    pub time_field: TimeField,
    /// Dotted names of the columns, in the order wanted; `None` for all that the data stream has.
    pub columns: Option<Vec<String>>,
    /// Columns are the same over all data streams, as [`Snapshot::unified_columns`] says; otherwise those of each.
    pub unified: bool,
    /// What the events have in common. Files that cannot hold such an event are not opened; other events still come.
    pub conditions: Vec<Condition>,
}

/// Rows of one data stream.
#[derive(Debug, Clone)]
pub struct ScanBatch {
    /// Where they lie.
    pub data_stream: DataStream,
    /// Their columns, of one schema for a data stream throughout a scan.
    pub batch: RecordBatch,
}

/// What a scan read and what it could leave out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanAccount {
    /// Files of the data streams.
    pub files: u64,
    /// Files left out by their times.
    pub files_outside_time: u64,
    /// Files left out by their statistics.
    pub files_without_values: u64,
    /// Files opened so far.
    pub files_opened: u64,
    /// Row groups of opened files left out by their times.
    pub row_groups_outside_time: u64,
    /// Rows read so far, from files and memory.
    pub rows_read: u64,
    /// Rows of these within the range.
    pub rows: u64,
}

impl ScanAccount {
    /// Counts what another scan of the same files read.
    pub(crate) fn add(&mut self, other: Self) {
        self.files += other.files;
        self.files_outside_time += other.files_outside_time;
        self.files_without_values += other.files_without_values;
        self.files_opened += other.files_opened;
        self.row_groups_outside_time += other.row_groups_outside_time;
        self.rows_read += other.rows_read;
        self.rows += other.rows;
    }
}

/// An iterator over batches. Rows of one file come in the order of their `@timestamp`; files and memory one after the
/// other.
#[derive(Debug)]
pub struct Scan {
    storage: Arc<dyn Storage>,
    range: MillisecondRange,
    field: &'static str,
    waiting: VecDeque<Part>,
    open: Option<Open>,
    account: ScanAccount,
}

/// What is to be read of one data stream.
#[derive(Debug)]
struct StreamScan {
    data_stream: DataStream,
    folder: String,
    columns: Vec<WantedColumn>,
    schema: Arc<Schema>,
}

#[derive(Debug)]
enum Part {
    File(Arc<StreamScan>, Box<DataFile>),
    Memory(Arc<StreamScan>, RecordBatch),
}

#[derive(Debug)]
struct Open {
    stream: Arc<StreamScan>,
    path: String,
    reader: ParquetRecordBatchReader,
}

impl Snapshot {
    /// Batches of columns. A column that a data stream does not have is null; a key of a flattened field is read out
    /// of the documents, as a list.
    pub fn scan(&self, request: &ScanRequest) -> Scan {
        self.scan_range(request, MillisecondRange::new(request.time))
    }

    /// A scan of `range`, whatever the request says of the time.
    pub(crate) fn scan_range(&self, request: &ScanRequest, range: MillisecondRange) -> Scan {
        let field = request.time_field.column();
        let mut account = ScanAccount::default();
        let mut waiting = VecDeque::new();
        let unified = request.unified.then(|| unified_schema(&self.streams, &request.streams));
        for (folder, state) in &self.streams {
            let data_stream = state.manifest.data_stream();
            if !request.streams.matches(&data_stream) {
                continue;
            }
            let schema = unified.as_ref().unwrap_or(&state.schema);
            let columns = wanted_columns(request.columns.as_deref(), schema, &self.catalog);
            let fields: Vec<Field> =
                columns.iter().map(|one| Field::new(&one.name, one.column.data_type(), true)).collect();
            let stream = Arc::new(StreamScan {
                data_stream,
                folder: folder.clone(),
                columns,
                schema: Arc::new(Schema::new(fields)),
            });
            for file in &state.manifest.files {
                account.files += 1;
                let bounds = if field == INGESTED { file.ingested } else { file.time };
                if !range.meets(bounds) {
                    account.files_outside_time += 1;
                } else if !request
                    .conditions
                    .iter()
                    .all(|one| one.may_be_in(file, &state.schema, &self.catalog))
                {
                    account.files_without_values += 1;
                } else {
                    waiting.push_back(Part::File(Arc::clone(&stream), Box::new(file.clone())));
                }
            }
            for batch in &state.memory {
                let batch = &batch.columns.batch;
                if range.meets(time_bounds(batch, field)) && batch.num_rows() > 0 {
                    waiting.push_back(Part::Memory(Arc::clone(&stream), batch.clone()));
                }
            }
        }
        Scan { storage: Arc::clone(&self.storage), range, field, waiting, open: None, account }
    }

    /// The columns of some data streams together, as a scan of them with [`ScanRequest::unified`] gives them: lists where
    /// any has lists; numbers of both kinds as [`Kind::Double`](crate::Kind), other kinds that differ as keywords.
    pub fn unified_columns(&self, streams: &IndexPatterns) -> Vec<Field> {
        let schema = unified_schema(&self.streams, streams);
        let columns = wanted_columns(None, &schema, &self.catalog);
        columns.iter().map(|one| Field::new(&one.name, one.column.data_type(), true)).collect()
    }

    /// Whole events, in the order of [`scan`](Self::scan). The columns of the request do not matter.
    pub fn documents(&self, request: &ScanRequest) -> Documents {
        let columns = Some([ID, SOURCE, ORIGINAL].map(str::to_owned).into());
        let request = ScanRequest { columns, ..request.clone() };
        Documents { scan: self.scan(&request), ready: VecDeque::new() }
    }
}

fn wanted_columns(names: Option<&[String]>, schema: &StreamSchema, catalog: &Catalog) -> Vec<WantedColumn> {
    match names {
        Some(names) => names.iter().map(|name| wanted(name, schema, catalog)).collect(),
        None => in_file_order(schema.columns.keys().map(String::as_str))
            .into_iter()
            .map(|name| wanted(name, schema, catalog))
            .collect(),
    }
}

fn unified_schema(streams: &Streams, wanted: &IndexPatterns) -> StreamSchema {
    let mut schema = StreamSchema::default();
    for state in streams.values().filter(|state| wanted.matches(&state.manifest.data_stream())) {
        schema.unify(&state.schema);
    }
    schema
}

impl Scan {
    /// What was read so far.
    pub fn account(&self) -> ScanAccount {
        self.account
    }

    fn open_file(&mut self, stream: &Arc<StreamScan>, file: &DataFile) -> Result<Open> {
        let path = file_path(&stream.folder, &file.name);
        let reader = FileReader::open(&*self.storage, &path, file)?;
        self.account.files_opened += 1;
        let there: BTreeMap<&str, _> =
            reader.schema().fields().iter().map(|field| (&**field.name(), field.data_type())).collect();
        let mut columns: BTreeSet<String> = stream.columns.iter().map(|one| one.name.clone()).collect();
        if stream.columns.iter().any(|one| needs_source(one, there.get(&*one.name).copied())) {
            columns.insert(SOURCE.to_owned());
        }
        // Never no column at all: the rows must be counted.
        columns.insert(self.field.to_owned());
        let (reader, left_out) = reader.read(&columns, self.field, self.range)?;
        self.account.row_groups_outside_time += left_out;
        Ok(Open { stream: Arc::clone(stream), path, reader })
    }

    /// The rows within the range, in the columns wanted.
    fn finish(&mut self, stream: &StreamScan, batch: &RecordBatch) -> Result<Option<ScanBatch>, ArrowError> {
        self.account.rows_read += batch.num_rows() as u64;
        let mut documents = SourceDocuments::default();
        let kept = self.rows_inside(batch);
        let batch = match &kept {
            Some(kept) => &filter_record_batch(batch, kept)?,
            None => batch,
        };
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        self.account.rows += batch.num_rows() as u64;
        let columns: Vec<ArrayRef> = stream
            .columns
            .iter()
            .map(|one| Ok(conform(batch, one, &mut documents)?.0))
            .collect::<Result<_, ArrowError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&stream.schema), columns, &options)?;
        Ok(Some(ScanBatch { data_stream: stream.data_stream.clone(), batch }))
    }

    /// Which rows are within the range; `None` when all are.
    fn rows_inside(&self, batch: &RecordBatch) -> Option<BooleanArray> {
        if self.range == MillisecondRange::EVERYTHING {
            return None;
        }
        let times = batch.column_by_name(self.field)?.as_primitive_opt::<TimestampMillisecondType>()?;
        let inside: Vec<bool> = times.iter().map(|at| self.range.contains(at)).collect();
        (!inside.iter().all(|inside| *inside)).then(|| BooleanArray::from(inside))
    }

    fn advance(&mut self) -> Result<Option<ScanBatch>> {
        loop {
            let (stream, batch) = if let Some(mut open) = self.open.take() {
                let Some(batch) = open.reader.next() else { continue };
                let batch = batch
                    .map_err(|e| LakeError::DamagedFile { path: open.path.clone(), reason: e.to_string() })?;
                let stream = Arc::clone(&open.stream);
                self.open = Some(open);
                (stream, batch)
            } else {
                match self.waiting.pop_front() {
                    None => return Ok(None),
                    Some(Part::Memory(stream, batch)) => (stream, batch),
                    Some(Part::File(stream, file)) => {
                        self.open = Some(self.open_file(&stream, &file)?);
                        continue;
                    }
                }
            };
            let finished = self
                .finish(&stream, &batch)
                .map_err(|source| LakeError::Columns { stream: stream.data_stream.name(), source })?;
            if finished.is_some() {
                return Ok(finished);
            }
        }
    }
}

impl Iterator for Scan {
    type Item = Result<ScanBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// An iterator over whole events.
#[derive(Debug)]
pub struct Documents {
    scan: Scan,
    ready: VecDeque<StoredEvent>,
}

impl Documents {
    /// What was read so far.
    pub fn account(&self) -> ScanAccount {
        self.scan.account()
    }
}

impl Iterator for Documents {
    type Item = Result<StoredEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            match self.scan.next()? {
                Ok(batch) => match events(&batch) {
                    Some(events) => self.ready.extend(events),
                    None => {
                        let path = format!("a file of {}", batch.data_stream);
                        let reason = "a document is not the JSON object that was written".to_owned();
                        return Some(Err(LakeError::DamagedFile { path, reason }));
                    }
                },
                Err(e) => return Some(Err(e)),
            }
        }
    }
}

fn events(batch: &ScanBatch) -> Option<Vec<StoredEvent>> {
    let ScanBatch { data_stream, batch } = batch;
    let text = |name| batch.column_by_name(name)?.as_string_opt::<i32>();
    let (ids, sources, raws) = (text(ID)?, text(SOURCE)?, text(ORIGINAL)?);
    (0..batch.num_rows())
        .map(|row| {
            let raw = raws.is_valid(row).then(|| raws.value(row));
            let document = restore(sources.value(row), raw)?;
            Some(StoredEvent { data_stream: data_stream.clone(), id: ids.value(row).to_owned(), document })
        })
        .collect()
}
