//! The order of events: by time, then by tiebreaker, then as they were read.

use ecs::{Document, Scalar, Timestamp};
use matcher::value::date_of;

use crate::sequence::{Ordinal, Tiebreaker};

/// The fields that put events in order.
///
/// Source: elastic/elasticsearch x-pack/plugin/eql/.../execution/search/Ordinal.java. Dates count in whole
/// milliseconds there; what is below them stands in for a tiebreaker where a rule names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventOrder {
    /// `@timestamp`, unless the rule says otherwise.
    pub timestamp_field: String,
    /// Orders events of the same millisecond.
    pub tiebreaker_field: Option<String>,
}

impl EventOrder {
    /// The place of an event that was the `position`th to be read; `None` when it has no time.
    pub fn ordinal(&self, document: &Document, position: u64) -> Option<Ordinal> {
        let timestamp = document.first(&self.timestamp_field)?;
        let time = date_of(timestamp)?;
        let tiebreaker = match &self.tiebreaker_field {
            Some(field) => tiebreaker(document.first(field)),
            None => match timestamp {
                Scalar::Str(text) => below_millisecond(text),
                _ => Tiebreaker::Whole(0),
            },
        };
        Some(Ordinal { time, tiebreaker, position })
    }
}

fn tiebreaker(value: Option<Scalar<'_>>) -> Tiebreaker {
    match value {
        None => Tiebreaker::None,
        Some(Scalar::Int(number)) => Tiebreaker::Whole(number),
        Some(Scalar::Float(number)) => Tiebreaker::Fraction(number),
        Some(text @ (Scalar::Str(_) | Scalar::Bool(_))) => Tiebreaker::Text(text.text().into()),
    }
}

fn below_millisecond(text: &str) -> Tiebreaker {
    let nanoseconds = text.parse::<Timestamp>().map_or(0, |at| at.subsec_nanosecond() % 1_000_000);
    Tiebreaker::Whole(i64::from(nanoseconds))
}
