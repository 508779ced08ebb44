//! Accumulators that keep some of a group's values: all distinct ones, the least, and so on.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

use super::encoding::{Encoding, present_values};
use super::{AggregateCall, Aggregated};
use crate::DataType;
use crate::lower::Refused;

/// Which values are kept, as the bytes of an [`Encoding`]. Adding all that one keeps to another must have the effect of
/// adding all that was added to the one.
pub(crate) trait Kept: fmt::Debug + Clone + Send + Sync + 'static {
    /// Adds a value of the group.
    fn add(&mut self, value: &[u8]);

    /// The values that are kept.
    fn all(&self) -> Vec<&[u8]>;

    /// Bytes on the heap; it is asked often.
    fn heap_size(&self) -> usize;
}

/// What becomes of the values that were kept.
pub(crate) type Finish<K> = fn(&K, &Encoding) -> Result<ScalarValue>;

impl AggregateCall<'_, '_> {
    /// A result made from what is kept of the values of the first argument, which may have any type.
    pub(crate) fn keep<K: Kept>(
        &mut self,
        empty: K,
        data_type: DataType,
        many: bool,
        finish: Finish<K>,
    ) -> Result<Aggregated, Refused> {
        let operand = self.args[0].clone();
        let encoding = Encoding::new(operand.data_type.arrow());
        let encoding = self.lowering.planned(encoding, self.span)?;
        let state = vec![operand.data_type.arrow_column(true)];
        let start = move || {
            let encoding = Arc::clone(&encoding);
            Box::new(KeptValues { encoding, kept: empty.clone(), finish }) as Box<dyn Accumulator>
        };
        Ok(self.compute(vec![operand.expr], data_type, many, state, Arc::new(start)))
    }
}

#[derive(Debug)]
struct KeptValues<K> {
    encoding: Arc<Encoding>,
    kept: K,
    finish: Finish<K>,
}

impl<K: Kept> Accumulator for KeptValues<K> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = present_values(&values[0])?;
        for value in self.encoding.encode(&values)?.iter() {
            self.kept.add(value.as_ref());
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        (self.finish)(&self.kept, &self.encoding)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.kept.heap_size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.encoding.list(self.kept.all())?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
