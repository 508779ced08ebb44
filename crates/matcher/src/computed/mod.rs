//! A condition that is computed from the values of an event and may be neither true nor false.
//!
//! This is the policy that the architecture calls `Script3`: a missing field is null, null runs through functions
//! and comparisons, and an event passes only where the whole is true. So `length(f) > 3` and `not length(f) > 3`
//! both say no to an event without `f`.
//!
//! Source: elastic/elasticsearch x-pack/plugin/eql `planner/QueryTranslator` and
//! `scalar/whitelist/InternalEqlScriptUtils`.

pub mod expression;
pub mod value;

use std::fmt;

use ecs::{EventView, FieldId, Known};

pub use expression::{Expression, FieldRead};
pub use value::Value;

/// How many combinations of values are tried per event; the rest does not count.
pub const MAX_COMBINATIONS: usize = 4096;

/// A computed condition, ready to run.
///
/// A field with several values stands for each of them in turn, and each mention of a field in the expression does so
/// by itself: the condition is true when some combination makes it true. Of a thousand values in each of two mentions
/// only the first [`MAX_COMBINATIONS`] combinations are tried.
#[derive(Debug, Clone)]
pub struct Computed {
    expression: Expression,
    /// The mentions of fields, in order; their positions are the slots of the expression.
    reads: Vec<FieldRead>,
}

/// What a computed condition yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// Some combination of values makes it true.
    True,
    /// None makes it true, some makes it false.
    False,
    /// Every combination yields null, or something that is no truth value.
    Null,
    /// The view of the event does not know a field that is read.
    Unknown,
}

impl Computed {
    /// Takes the expression.
    pub fn new(mut expression: Expression) -> Self {
        let mut reads = Vec::new();
        expression.assign_slots(&mut reads);
        Self { expression, reads }
    }

    /// What is computed.
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// The fields that are read, once per mention.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> {
        self.reads.iter().map(|read| read.field)
    }

    /// Does the event pass? Only where the condition is true.
    pub fn eval(&self, event: &dyn EventView) -> Known {
        match self.truth(event) {
            Truth::True => Known::Yes,
            Truth::False | Truth::Null => Known::No,
            Truth::Unknown => Known::Unknown,
        }
    }

    /// What the condition yields for an event.
    pub fn truth(&self, event: &dyn EventView) -> Truth {
        let mut values: Vec<Vec<Value<'static>>> = Vec::with_capacity(self.reads.len());
        for (slot, read) in self.reads.iter().enumerate() {
            if let Some(earlier) = self.reads[..slot].iter().position(|other| other.field == read.field) {
                values.push(values[earlier].clone());
                continue;
            }
            match read.values(event) {
                Some(found) => values.push(found),
                None => return Truth::Unknown,
            }
        }
        for several in &mut values {
            if several.is_empty() {
                several.push(Value::Null);
            }
        }
        let mut turn = vec![0; values.len()];
        let mut row: Vec<Value<'_>> = values.iter().map(|several| several[0].borrowed()).collect();
        let mut verdict = Truth::Null;
        for _ in 0..MAX_COMBINATIONS {
            match self.expression.evaluate(&row) {
                Value::Bool(true) => return Truth::True,
                Value::Bool(false) => verdict = Truth::False,
                _ => {}
            }
            // The next combination: the last mention runs fastest.
            let mut slot = values.len();
            loop {
                if slot == 0 {
                    return verdict;
                }
                slot -= 1;
                turn[slot] += 1;
                if turn[slot] < values[slot].len() {
                    break;
                }
                turn[slot] = 0;
                row[slot] = values[slot][0].borrowed();
            }
            row[slot] = values[slot][turn[slot]].borrowed();
        }
        verdict
    }
}

impl fmt::Display for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}
