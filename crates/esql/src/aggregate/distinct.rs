//! VALUES and COUNT_DISTINCT: the distinct values of a group, and how many there are.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;

use super::kept::Kept;
use super::{Aggregate, AggregateCall, Aggregated};
use crate::DataType;
use crate::lower::Refused;

pub(crate) const AGGREGATES: &[Aggregate] = &[
    Aggregate { names: &["values"], check: values },
    Aggregate { names: &["count_distinct"], check: count_distinct },
];

/// The distinct values, ascending; null when there are none. Upstream leaves their order open.
fn values(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(1..=1)?;
    let data_type = call.any_value(0)?;
    let is_untyped = call.args[0].is_untyped;
    let values =
        call.keep(Distinct::default(), data_type, true, |kept, encoding| encoding.list(kept.all()))?;
    Ok(Aggregated { is_untyped, ..values })
}

/// How many distinct values there are. The count is exact, so that the threshold of precision, the second argument, has
/// no effect; upstream's count is an estimate above that threshold.
fn count_distinct(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(1..=2)?;
    if call.args.len() == 2 {
        call.constant_integer(1)?;
    }
    call.any_value(0)?;
    let finish = |kept: &Distinct, _: &_| Ok(ScalarValue::Int64(Some(kept.values.len() as i64)));
    call.keep(Distinct::default(), DataType::Long, false, finish)
}

#[derive(Debug, Clone, Default)]
struct Distinct {
    values: BTreeSet<Box<[u8]>>,
    bytes: usize,
}

impl Kept for Distinct {
    fn add(&mut self, value: &[u8]) {
        if !self.values.contains(value) {
            self.bytes += value.len();
            self.values.insert(value.into());
        }
    }

    fn all(&self) -> Vec<&[u8]> {
        self.values.iter().map(AsRef::as_ref).collect()
    }

    fn heap_size(&self) -> usize {
        self.bytes + self.values.len() * 2 * size_of::<Box<[u8]>>()
    }
}
