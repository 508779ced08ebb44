//! SQL over the columns of a lake, by DataFusion: a table is a data stream or an index pattern.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::json::WriterBuilder;
use datafusion::arrow::json::writer::JsonArray;
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, SchemaProvider, Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use ecs::IndexPatterns;
use futures::StreamExt;
use lake::{ScanBatch, ScanRequest, Snapshot};
use serde_json::{Map, Value};

use super::rows::{Row, RowWriter};
use super::{Asked, Asking, Unshown, known};

/// The table of every event.
const EVENTS: &str = "events";
/// The name of the data stream, as a column.
const INDEX: &str = "_index";

pub(super) fn run(asked: &Asked<'_>, rows: &mut RowWriter) -> anyhow::Result<Asking> {
    // One partition, so that one thread, this one, runs it and reads the lake.
    let config =
        SessionConfig::new().with_target_partitions(1).with_default_catalog_and_schema("lake", "streams");
    let session = SessionContext::new_with_config(config);
    let streams = StreamTables { snapshot: asked.snapshot.clone(), request: asked.request.clone() };
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema("streams", Arc::new(streams))?;
    session.register_catalog("lake", Arc::new(catalog));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        // A query reads; nothing here may make, change or set anything.
        let only_reads =
            SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let frame = match session.sql_with_options(asked.text, only_reads).await {
            Ok(frame) => frame,
            Err(error) => {
                let known = known(&asked.snapshot);
                return Err(anyhow::Error::from(error)
                    .context(format!("the query cannot be run on this lake ({known})")));
            }
        };
        let names = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
        rows.columns(names)?;
        let mut batches = frame.execute_stream().await?;
        let mut left = asked.limit;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            for values in values_of(&batch)? {
                if left == Some(0) {
                    return Ok(Asking::Answered(Unshown::Some));
                }
                left = left.map(|left| left - 1);
                rows.row(Row { whole: None, values })?;
            }
        }
        Ok(Asking::Answered(Unshown::None))
    })
}

/// The rows of a batch. Columns may have equal names, so that each is told by its place.
fn values_of(batch: &RecordBatch) -> anyhow::Result<Vec<Vec<Value>>> {
    let columns = batch.num_columns();
    let place = |at: usize| at.to_string();
    let fields: Vec<Field> = batch
        .schema()
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| Field::new(place(at), field.data_type().clone(), true))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let arrays = batch.columns().to_vec();
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?;
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    writer.write(&batch)?;
    writer.finish()?;
    let json = writer.into_inner();
    let objects: Vec<Map<String, Value>> =
        if json.is_empty() { Vec::new() } else { serde_json::from_slice(&json)? };
    let values = |mut object: Map<String, Value>| {
        (0..columns).map(|at| object.remove(&place(at)).unwrap_or(Value::Null)).collect()
    };
    Ok(objects.into_iter().map(values).collect())
}

/// The data streams as tables: `events` is all of them, any other name one of them or an index pattern.
#[derive(Debug)]
struct StreamTables {
    snapshot: Snapshot,
    request: ScanRequest,
}

impl StreamTables {
    fn patterns(&self, name: &str) -> Option<IndexPatterns> {
        if name == EVENTS {
            return Some(IndexPatterns::new(["*"]));
        }
        let patterns = IndexPatterns::new([name]);
        self.snapshot.info().iter().any(|info| patterns.matches(&info.data_stream)).then_some(patterns)
    }
}

#[async_trait]
impl SchemaProvider for StreamTables {
    fn table_names(&self) -> Vec<String> {
        let streams = self.snapshot.info().into_iter().map(|info| info.data_stream.name());
        std::iter::once(EVENTS.to_owned()).chain(streams).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(streams) = self.patterns(name) else { return Ok(None) };
        let mut fields = self.snapshot.unified_columns(&streams);
        fields.push(Field::new(INDEX, DataType::Utf8, true));
        let request = ScanRequest { streams, unified: true, ..self.request.clone() };
        let snapshot = self.snapshot.clone();
        Ok(Some(Arc::new(EventTable { snapshot, request, schema: Arc::new(Schema::new(fields)) })))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.patterns(name).is_some()
    }
}

/// The events of some data streams as one table.
#[derive(Debug)]
struct EventTable {
    snapshot: Snapshot,
    request: ScanRequest,
    schema: SchemaRef,
}

#[async_trait]
impl TableProvider for EventTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // Only the columns that the query reads are read from the files.
        let schema = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => Arc::clone(&self.schema),
        };
        let columns = schema.fields().iter().map(|field| field.name().clone());
        let request = ScanRequest {
            columns: Some(columns.filter(|name| name != INDEX).collect()),
            ..self.request.clone()
        };
        let events = EventStream { snapshot: self.snapshot.clone(), request, schema: Arc::clone(&schema) };
        let exec = StreamingTableExec::try_new(schema, vec![Arc::new(events)], None, [], false, limit)?;
        Ok(Arc::new(exec))
    }
}

/// A scan as DataFusion takes it.
#[derive(Debug)]
struct EventStream {
    snapshot: Snapshot,
    request: ScanRequest,
    schema: SchemaRef,
}

impl PartitionStream for EventStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let batches = self.snapshot.scan(&self.request).map(move |batch| match batch {
            Ok(batch) => with_index(&batch, &schema),
            Err(error) => Err(DataFusionError::External(Box::new(error))),
        });
        let stream = futures::stream::iter(batches);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream))
    }
}

/// The batch with the name of its data stream where that is asked for.
fn with_index(batch: &ScanBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let rows = batch.batch.num_rows();
    let mut scanned = batch.batch.columns().iter();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for field in schema.fields() {
        if field.name() == INDEX {
            arrays.push(Arc::new(StringArray::from(vec![batch.data_stream.name(); rows])));
        } else if let Some(array) = scanned.next() {
            arrays.push(Arc::clone(array));
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?)
}
