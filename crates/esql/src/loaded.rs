//! Events as columns, read once and queried again and again.

use std::ops::Range;

use datafusion::arrow::array::{RecordBatch, UInt64Array};
use datafusion::arrow::compute::take_record_batch;

use crate::columns::Clash;
use crate::error::EsqlError;

/// The fields of events that a plan reads, as its columns. Of the events themselves nothing else is kept.
#[derive(Debug, Clone)]
pub struct LoadedEvents {
    pub(crate) batch: RecordBatch,
    /// Values that had another type than their field.
    pub clashes: Vec<Clash>,
}

impl LoadedEvents {
    /// How many events.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of the events, by their positions; what lies beyond the last is not there. Clashes stay with the whole.
    ///
    /// # Errors
    /// When Arrow gives up.
    pub fn part(&self, at: Range<usize>) -> Result<Self, EsqlError> {
        if at.start == 0 && at.end >= self.len() {
            return Ok(Self { batch: self.batch.clone(), clashes: Vec::new() });
        }
        // Copied and not cut: nobody who reads the columns has to reckon with what lies beside them.
        let at: UInt64Array = (at.start as u64..at.end.min(self.len()) as u64).collect();
        let batch = take_record_batch(&self.batch, &at).map_err(|error| EsqlError::Run(error.into()))?;
        Ok(Self { batch, clashes: Vec::new() })
    }
}
