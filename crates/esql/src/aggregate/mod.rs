//! The aggregates of ES|QL: which there are, and how a call of one is checked and becomes an aggregate over columns.
//!
//! An aggregate is an entry in a table: its name and a `check`, as a function's (see [`crate::function`]). What it
//! does with the rows of a group is an `Accumulator` of DataFusion's. Arguments come as they are: one with several
//! values a row is a column of lists, and each value counts.
//!
//! To add one: an entry, a check, an accumulator, a row in the table of tests.

mod array_aggregate;
mod call;
mod count;
mod distinct;
mod encoding;
pub(crate) mod events;
mod extreme;
mod first_last;
mod kept;
mod not_supported;
mod percentile;
mod spread;
#[cfg(test)]
mod tests;
mod top;
mod total;

pub(crate) use array_aggregate::ArrayAggregate;
pub(crate) use call::{AggregateCall, Aggregated};
pub(crate) use encoding::list_of;

use crate::lower::Refused;

/// An aggregate that queries can call.
pub(crate) struct Aggregate {
    /// In lower case; the first is the one that messages use.
    pub(crate) names: &'static [&'static str],
    /// Checks a call, and says what computes it.
    pub(crate) check: fn(&mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused>,
}

const FAMILIES: [&[Aggregate]; 9] = [
    count::AGGREGATES,
    distinct::AGGREGATES,
    extreme::AGGREGATES,
    first_last::AGGREGATES,
    not_supported::AGGREGATES,
    percentile::AGGREGATES,
    spread::AGGREGATES,
    top::AGGREGATES,
    total::AGGREGATES,
];

/// The aggregate of that name, which is in lower case.
pub(crate) fn find(name: &str) -> Option<&'static Aggregate> {
    FAMILIES.iter().flat_map(|family| family.iter()).find(|aggregate| aggregate.names.contains(&name))
}

/// All names, for "did you mean".
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| family.iter()).flat_map(|aggregate| aggregate.names.iter().copied())
}
