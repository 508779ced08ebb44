//! One Parquet file: written whole and sorted by time, read in the row groups and columns that are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_ord::sort::{SortColumn, lexsort_to_indices};
use arrow_schema::{ArrowError, Schema, SortOptions};
use arrow_select::take::take_record_batch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;

use crate::error::{LakeError, Result};
use crate::event::EventKey;
use crate::manifest::DataFile;
use crate::pruning::MillisecondRange;
use crate::schema::{ID, INGESTED, ORIGINAL, SOURCE, TIMESTAMP};
use crate::settings::Settings;
use crate::statistics::{statistics, time_bounds};
use crate::storage::{OpenFile, Storage};

/// Rows of the batches that are read.
const BATCH_ROWS: usize = 4_096;

/// Sorts rows by `@timestamp` (rows without one first), then id.
pub(crate) fn sorted(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut by = Vec::new();
    for name in [TIMESTAMP, ID] {
        if let Some(values) = batch.column_by_name(name) {
            let options = Some(SortOptions { descending: false, nulls_first: true });
            by.push(SortColumn { values: Arc::clone(values), options });
        }
    }
    take_record_batch(batch, &lexsort_to_indices(&by, None)?)
}

/// The bytes of a file of sorted rows, and what the manifest says of it.
pub(crate) fn encode(
    name: String,
    batch: &RecordBatch,
    clashes: &BTreeMap<String, u64>,
    settings: &Settings,
) -> Result<(DataFile, Bytes), ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_created_by("bartizan".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(settings.compression_level)?))
        .set_max_row_group_row_count(Some(settings.row_group_rows.max(1)))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for name in [ID, ORIGINAL, SOURCE] {
        // Each value is its own: a dictionary would only cost. The path is one part, whatever dots it has.
        let column = ColumnPath::new(vec![name.to_owned()]);
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_statistics_enabled(column, EnabledStatistics::None);
    }
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build()))?;
    writer.write(batch)?;
    writer.close()?;
    let untimed = batch.column_by_name(TIMESTAMP).map_or(0, |column| column.null_count());
    let file = DataFile {
        name,
        since: 0,
        rows: batch.num_rows() as u64,
        bytes: bytes.len() as u64,
        time: time_bounds(batch, TIMESTAMP),
        untimed: untimed as u64,
        ingested: time_bounds(batch, INGESTED),
        columns: statistics(batch, clashes, &settings.anchor_fields),
    };
    Ok((file, bytes.into()))
}

/// A file opened for reading.
pub(crate) struct FileReader {
    file: OpenFile,
    metadata: ArrowReaderMetadata,
    path: String,
}

impl FileReader {
    /// Opens a file that the manifest names and compares it with what the manifest says of it.
    pub(crate) fn open(storage: &dyn Storage, path: &str, expected: &DataFile) -> Result<Self> {
        let damaged = |reason: String| LakeError::DamagedFile { path: path.to_owned(), reason };
        let Some(file) = storage.open(path)? else { return Err(damaged("it is not there".to_owned())) };
        let length = parquet::file::reader::Length::len(&file);
        if length != expected.bytes {
            return Err(damaged(format!("it has {length} bytes and not {}", expected.bytes)));
        }
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
            .map_err(|e| damaged(e.to_string()))?;
        Ok(Self { file, metadata, path: path.to_owned() })
    }

    /// The columns that it has.
    pub(crate) fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    /// Reads some columns of the row groups that may hold rows of the range; also how many row groups were left out.
    pub(crate) fn read(
        self,
        columns: &BTreeSet<String>,
        field: &str,
        range: MillisecondRange,
    ) -> Result<(ParquetRecordBatchReader, u64)> {
        let Self { file, metadata, path } = self;
        let roots: Vec<usize> = metadata
            .schema()
            .fields()
            .iter()
            .enumerate()
            .filter_map(|(at, field)| columns.contains(field.name()).then_some(at))
            .collect();
        let groups = metadata.metadata().row_groups();
        let time = metadata.schema().fields().iter().position(|candidate| candidate.name() == field);
        let kept: Vec<usize> =
            (0..groups.len()).filter(|group| may_hold(&groups[*group], time, range)).collect();
        let left_out = (groups.len() - kept.len()) as u64;
        let mask = ProjectionMask::roots(metadata.parquet_schema(), roots);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_projection(mask)
            .with_row_groups(kept)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|e| LakeError::DamagedFile { path, reason: e.to_string() })?;
        Ok((reader, left_out))
    }
}

/// The times are the first two leaves of every file: their place among columns is their place among leaves.
fn may_hold(group: &RowGroupMetaData, time: Option<usize>, range: MillisecondRange) -> bool {
    let Some(Statistics::Int64(times)) = time.and_then(|at| group.columns().get(at)?.statistics()) else {
        return true;
    };
    match (times.min_opt(), times.max_opt()) {
        (Some(least), Some(greatest)) => range.meets(Some((*least, *greatest))),
        _ => true,
    }
}

/// The keys of the events in a file.
pub(crate) fn keys(storage: &dyn Storage, path: &str, file: &DataFile) -> Result<Vec<EventKey>> {
    let columns = [TIMESTAMP, ID].map(str::to_owned).into();
    let (reader, _) =
        FileReader::open(storage, path, file)?.read(&columns, TIMESTAMP, MillisecondRange::EVERYTHING)?;
    let mut keys = Vec::new();
    for batch in reader {
        let batch =
            batch.map_err(|e| LakeError::DamagedFile { path: path.to_owned(), reason: e.to_string() })?;
        keys.extend(keys_of(&batch));
    }
    Ok(keys)
}

/// The keys of the events in a batch.
pub(crate) fn keys_of(batch: &RecordBatch) -> Vec<EventKey> {
    let times =
        batch.column_by_name(TIMESTAMP).and_then(|c| c.as_primitive_opt::<TimestampMillisecondType>());
    let ids = batch.column_by_name(ID).and_then(|c| c.as_any().downcast_ref::<StringArray>());
    let (Some(times), Some(ids)) = (times, ids) else { return Vec::new() };
    times.iter().zip(ids.iter()).filter_map(|(at, id)| Some(EventKey::new(id?, at))).collect()
}
