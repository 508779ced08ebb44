//! Why an event passes a predicate or does not, clause by clause, with the values seen.

use std::cell::RefCell;
use std::fmt;

use ecs::{EventView, FieldId, FieldTable, Known};

use crate::predicate::{FieldTest, Predicate};

/// The verdict on one clause, with those on its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Did the clause pass?
    pub passed: bool,
    /// What the clause asks for, in words.
    pub clause: String,
    /// For a test on a field or a computed condition: the values it saw, as text, with the names of
    /// their fields where there are several; empty when the fields are missing.
    pub seen: Option<Vec<String>>,
    /// The parts of `all of`, `any of` and `not`.
    pub parts: Vec<Explanation>,
}

/// Explains every clause of a predicate on one event; nothing is cut short.
pub fn explain(predicate: &Predicate, event: &dyn EventView, table: &FieldTable) -> Explanation {
    let passed = predicate.eval(event) == Known::Yes;
    let inner = |parts: &[Predicate]| parts.iter().map(|part| explain(part, event, table)).collect();
    let (clause, seen, parts) = match predicate {
        Predicate::Const(true) => ("every event".to_owned(), None, Vec::new()),
        Predicate::Const(false) => ("no event".to_owned(), None, Vec::new()),
        Predicate::And(parts) => ("all of".to_owned(), None, inner(parts)),
        Predicate::Or(parts) => ("any of".to_owned(), None, inner(parts)),
        Predicate::Not(part) => ("not".to_owned(), None, vec![explain(part, event, table)]),
        Predicate::Leaf(leaf) => {
            let name = &table.entry(leaf.field).name;
            let clause = match &leaf.test {
                FieldTest::Exists => format!("{name} has a value"),
                FieldTest::Any(test) => format!("{name} {test}"),
            };
            (clause, Some(seen(leaf.field, event)), Vec::new())
        }
        Predicate::Computed(computed) => {
            let mut fields: Vec<FieldId> = Vec::new();
            computed.fields().for_each(|field| {
                if !fields.contains(&field) {
                    fields.push(field);
                }
            });
            // Of several fields it would not be clear which one holds what.
            let shown = |name: &str, value: String| match fields.len() {
                1 => value,
                _ => format!("{name}={value}"),
            };
            let values = fields
                .iter()
                .flat_map(|field| {
                    let name = &table.entry(*field).name;
                    seen(*field, event).into_iter().map(move |value| shown(name, value))
                })
                .collect();
            (computed.to_string(), Some(values), Vec::new())
        }
        Predicate::Nested { path, inner } => {
            let elements = RefCell::new(Vec::new());
            event.any_nested(*path, &mut |element| {
                elements.borrow_mut().push(explain(inner, element, table));
                Known::No
            });
            (format!("some element of {}", table.entry(*path).name), None, elements.into_inner())
        }
        Predicate::Anywhere(anywhere) => (format!("some field {}", anywhere.exact), None, Vec::new()),
    };
    Explanation { passed, clause, seen, parts }
}

/// The values of a field, as text.
fn seen(field: FieldId, event: &dyn EventView) -> Vec<String> {
    let mut values = Vec::new();
    event.any_value(field, &mut |value| {
        values.push(value.text().into_owned());
        false
    });
    values
}

impl Explanation {
    /// The clauses that decide: the failing tests of an event that does not pass, outermost first.
    pub fn blame(&self) -> Vec<&Explanation> {
        if self.passed {
            return Vec::new();
        }
        match (self.clause.as_str(), self.parts.is_empty()) {
            ("not", _) | (_, true) => vec![self],
            _ => self.parts.iter().flat_map(Self::blame).collect(),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let mark = if self.passed { "yes" } else { "no " };
        write!(f, "{mark}  {:indent$}{}", "", self.clause, indent = depth * 2)?;
        match &self.seen {
            Some(values) if values.is_empty() => f.write_str("   (the field is missing)")?,
            Some(values) => write!(f, "   (seen: {})", values.join(", "))?,
            None => {}
        }
        f.write_str("\n")?;
        self.parts.iter().try_for_each(|part| part.write(f, depth + 1))
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
