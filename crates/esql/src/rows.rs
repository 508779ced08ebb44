//! Rows: the events of one run as Arrow columns, and the table that a plan scans.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};

/// Where the rows of the run that is under way lie, and which columns of theirs the plan reads.
#[derive(Debug, Default)]
pub(crate) struct Input {
    rows: Mutex<Vec<RecordBatch>>,
    read: Mutex<BTreeSet<String>>,
}

impl Input {
    /// Puts the rows of a run in place of those of the last one.
    pub(crate) fn set(&self, rows: Vec<RecordBatch>) {
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = rows;
    }

    /// Ids of the columns that the plan reads; known once it has been planned.
    pub(crate) fn columns_read(&self) -> BTreeSet<String> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rows(&self) -> Vec<RecordBatch> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The table of events.
#[derive(Debug)]
pub(crate) struct RowsTable {
    schema: SchemaRef,
    input: Arc<Input>,
}

impl RowsTable {
    pub(crate) fn new(schema: SchemaRef, input: Arc<Input>) -> Self {
        Self { schema, input }
    }
}

#[async_trait::async_trait]
impl TableProvider for RowsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        let names = schema.fields().iter().map(|field| field.name().clone());
        self.input.read.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
        let partition = RowsPartition { schema: Arc::clone(&schema), input: Arc::clone(&self.input) };
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![Arc::new(partition)], None, [], false, limit)?))
    }
}

/// The rows of the run, with the columns that one scan of them reads.
#[derive(Debug)]
struct RowsPartition {
    schema: SchemaRef,
    input: Arc<Input>,
}

impl RowsPartition {
    fn projected(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let column = |name: &String| {
            let missing = || DataFusionError::Internal(format!("rows without the column {name}"));
            batch.column_by_name(name).cloned().ok_or_else(missing)
        };
        let columns =
            self.schema.fields().iter().map(|field| column(field.name())).collect::<Result<Vec<_>>>()?;
        let options =
            datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

impl PartitionStream for RowsPartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches: Result<Vec<_>> = self.input.rows().iter().map(|batch| self.projected(batch)).collect();
        let stream =
            batches.and_then(|batches| MemoryStream::try_new(batches, Arc::clone(&self.schema), None));
        match stream {
            Ok(stream) => Box::pin(stream),
            Err(error) => {
                let failed = futures::stream::iter([Err(error)]);
                Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), failed))
            }
        }
    }
}
