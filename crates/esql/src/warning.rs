//! Values that became null with a warning: counted by reason, so that nothing turns into null in silence.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use query::Span;

/// Why values became null, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The part of the query that gave null.
    pub span: Span,
    /// The reason, for example `several values where one is needed`.
    pub reason: &'static str,
    /// How many values.
    pub count: u64,
}

/// Counts the warnings of one place in the query; clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Counter {
    /// Counts `many` more for a reason.
    pub(crate) fn add(&self, reason: &'static str, many: u64) {
        if many > 0 {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += many;
        }
    }
}

/// The counters of one plan, in order of their making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warnings(Vec<(Span, Counter)>);

impl Warnings {
    /// The counter of a place.
    pub(crate) fn counter(&mut self, span: Span) -> Counter {
        if let Some((_, counter)) = self.0.iter().find(|(at, _)| *at == span) {
            return counter.clone();
        }
        let counter = Counter::default();
        self.0.push((span, counter.clone()));
        counter
    }

    /// What has been counted since this was asked last.
    pub(crate) fn take(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (span, counter) in &self.0 {
            let counted = std::mem::take(&mut *counter.0.lock().unwrap_or_else(PoisonError::into_inner));
            warnings.extend(counted.into_iter().map(|(reason, count)| Warning {
                span: *span,
                reason,
                count,
            }));
        }
        warnings
    }
}
