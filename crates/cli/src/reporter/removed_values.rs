//! Which values of events their alerts do not have, because ECS says that the field holds something else.

use std::collections::BTreeMap;

use alert::Alert;
use serde_json::{Value, json};

use crate::printer::{count, thousands, visible};

/// How many fields are counted one by one; logs may make up names without end.
const COUNTED: usize = 1_000;
/// How many fields the text names. JSON has all that are counted.
const NAMED: usize = 5;

/// Counts by field and by what ECS expects there.
#[derive(Debug, Default)]
pub(crate) struct RemovedValues {
    by_field: BTreeMap<(String, &'static str), u64>,
    others: u64,
}

impl RemovedValues {
    /// Counts what an alert does not have.
    pub(crate) fn count(&mut self, alert: &Alert) {
        for removed in alert.warnings() {
            let field = (removed.path.clone(), removed.expected.name());
            if self.by_field.len() < COUNTED || self.by_field.contains_key(&field) {
                *self.by_field.entry(field).or_default() += 1;
            } else {
                self.others += 1;
            }
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.by_field.values().sum::<u64>() + self.others
    }

    /// One line for people, the most frequent fields first; `None` when nothing was removed.
    pub(crate) fn line(&self) -> Option<String> {
        if self.total() == 0 {
            return None;
        }
        let mut fields: Vec<(&(String, &'static str), &u64)> = self.by_field.iter().collect();
        fields.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let mut named: Vec<String> = fields
            .iter()
            .take(NAMED)
            .map(|((path, expected), n)| format!("{} (no {expected}) {}", visible(path), thousands(**n)))
            .collect();
        let more = fields[named.len()..].iter().map(|(_, n)| **n).sum::<u64>() + self.others;
        if more > 0 {
            named.push(format!("others {}", thousands(more)));
        }
        let values = count(self.total(), "value", "values");
        Some(format!(
            "{values} left out of alerts, for clashing with ECS; the events have them: {}",
            named.join(", ")
        ))
    }

    /// Field, expected type and count of each.
    pub(crate) fn json(&self) -> Value {
        self.by_field
            .iter()
            .map(|((path, expected), n)| json!({"field": path, "expected": expected, "values": n}))
            .collect()
    }
}
