//! MIN and MAX.

use super::kept::Kept;
use super::{Aggregate, AggregateCall, Aggregated};
use crate::lower::Refused;

pub(crate) const AGGREGATES: &[Aggregate] =
    &[Aggregate { names: &["min"], check: min }, Aggregate { names: &["max"], check: max }];

/// The least value: texts by their bytes, `false` before `true`, versions as versions.
fn min(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    extreme(call, false)
}

/// The greatest value.
fn max(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    extreme(call, true)
}

fn extreme(call: &mut AggregateCall<'_, '_>, greatest: bool) -> Result<Aggregated, Refused> {
    call.arity(1..=1)?;
    let data_type = call.ordered_value(0)?;
    let empty = Extreme { greatest, value: None };
    let is_untyped = call.args[0].is_untyped;
    let value =
        call.keep(empty, data_type, false, |kept, encoding| encoding.single(kept.value.as_deref()))?;
    Ok(Aggregated { is_untyped, ..value })
}

#[derive(Debug, Clone)]
struct Extreme {
    greatest: bool,
    value: Option<Vec<u8>>,
}

impl Kept for Extreme {
    fn add(&mut self, value: &[u8]) {
        match &mut self.value {
            Some(best) => {
                let is_better = if self.greatest { value > best.as_slice() } else { value < best.as_slice() };
                if is_better {
                    best.clear();
                    best.extend_from_slice(value);
                }
            }
            None => self.value = Some(value.to_vec()),
        }
    }

    fn all(&self) -> Vec<&[u8]> {
        self.value.iter().map(Vec::as_slice).collect()
    }

    fn heap_size(&self) -> usize {
        self.value.as_ref().map_or(0, Vec::capacity)
    }
}
