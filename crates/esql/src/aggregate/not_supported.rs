//! Aggregates that are known and not supported.

use super::{Aggregate, AggregateCall, Aggregated};
use crate::lower::Refused;

pub(crate) const AGGREGATES: &[Aggregate] = &[
    Aggregate { names: &["sample"], check: sample },
    Aggregate { names: &["st_centroid_agg"], check: geometry },
    Aggregate { names: &["st_extent_agg"], check: geometry },
];

fn sample(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.lowering.unsupported(
        "SAMPLE",
        "what a random part of the events shows is no detection; use TOP",
        call.span,
    )
}

fn geometry(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.lowering.unsupported("an aggregate of shapes", "points are read one by one here", call.span)
}
