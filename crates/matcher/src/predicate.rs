//! The one resolved form of every filter: fields, tests, and, or, not.

use ecs::{EventView, FieldId, Known};

use crate::computed::Computed;
use crate::value::ValueTest;

/// Which events pass, with every field and literal resolved.
#[derive(Debug, Clone)]
pub enum Predicate {
    /// All events, or none.
    Const(bool),
    /// Passes when every part does.
    And(Vec<Predicate>),
    /// Passes when some part does.
    Or(Vec<Predicate>),
    /// Passes when the part does not, also because its field is missing.
    Not(Box<Predicate>),
    /// A test on a field.
    Leaf(Leaf),
    /// Some element of an array of objects passes by itself.
    Nested {
        /// The array.
        path: FieldId,
        /// What an element must pass.
        inner: Box<Predicate>,
    },
    /// A condition computed from values, which passes only where it is true.
    Computed(Box<Computed>),
    /// A value anywhere in the event, for queries that name no field.
    Anywhere(Box<Anywhere>),
}

/// A test on a field: some value of the field has to pass it.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Of the table that the predicate was resolved with.
    pub field: FieldId,
    /// What to ask of the field.
    pub test: FieldTest,
}

/// What a leaf asks of a field.
#[derive(Debug, Clone)]
pub enum FieldTest {
    /// It has a value.
    Exists,
    /// Some value passes.
    Any(ValueTest),
}

/// A value that may stand in any field, tested by the type of each.
#[derive(Debug, Clone)]
pub struct Anywhere {
    /// For fields of exact text, and for those of unknown type.
    pub exact: ValueTest,
    /// For analysed fields.
    pub analysed: ValueTest,
    /// For addresses; `None` when the literal is none.
    pub ip: Option<ValueTest>,
    /// For numbers; `None` when the literal is none.
    pub number: Option<ValueTest>,
    /// Tells the type of each field.
    pub catalog: ecs::Catalog,
}

impl Anywhere {
    fn passes(&self, name: &str, value: ecs::Scalar<'_>) -> bool {
        use ecs::FieldType::{Boolean, Date, Double, GeoPoint, Ip, Long, MatchOnlyText, Text};
        match self.catalog.field_type(name) {
            Some(Text | MatchOnlyText) => self.analysed.passes(value),
            Some(Ip) => self.ip.as_ref().is_some_and(|test| test.passes(value)),
            Some(Long | Double) => self.number.as_ref().is_some_and(|test| test.passes(value)),
            Some(Date | GeoPoint) => false,
            Some(Boolean) | None | Some(_) => self.exact.passes(value),
        }
    }
}

impl Predicate {
    /// All parts have to pass; constants and nested conjunctions are folded away.
    pub fn and(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Const(true) => {}
                Self::Const(false) => return Self::Const(false),
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::Const(true),
            1 => flat.remove(0),
            _ => Self::And(flat),
        }
    }

    /// Some part has to pass. Constants and nested disjunctions are folded away, and exact texts of one field are joined.
    pub fn or(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat: Vec<Self> = Vec::new();
        for part in parts {
            match part {
                Self::Const(false) => {}
                Self::Const(true) => return Self::Const(true),
                Self::Or(inner) => inner.into_iter().for_each(|p| push_alternative(&mut flat, p)),
                other => push_alternative(&mut flat, other),
            }
        }
        match flat.len() {
            0 => Self::Const(false),
            1 => flat.remove(0),
            _ => Self::Or(flat),
        }
    }

    /// The opposite; a double negation is undone.
    #[expect(clippy::should_implement_trait, reason = "a constructor beside `and` and `or`, not an operator")]
    pub fn not(part: Self) -> Self {
        match part {
            Self::Const(b) => Self::Const(!b),
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Does the event pass? `Unknown` when the view cannot tell and it matters.
    pub fn eval(&self, event: &dyn EventView) -> Known {
        match self {
            Self::Const(b) => (*b).into(),
            Self::And(parts) => {
                let mut all = Known::Yes;
                for part in parts {
                    match part.eval(event) {
                        Known::Yes => {}
                        Known::No => return Known::No,
                        Known::Unknown => all = Known::Unknown,
                    }
                }
                all
            }
            Self::Or(parts) => {
                let mut any = Known::No;
                for part in parts {
                    match part.eval(event) {
                        Known::Yes => return Known::Yes,
                        Known::No => {}
                        Known::Unknown => any = Known::Unknown,
                    }
                }
                any
            }
            Self::Not(part) => match part.eval(event) {
                Known::Yes => Known::No,
                Known::No => Known::Yes,
                Known::Unknown => Known::Unknown,
            },
            Self::Leaf(leaf) => leaf.eval(event),
            Self::Nested { path, inner } => event.any_nested(*path, &mut |element| inner.eval(element)),
            Self::Computed(computed) => computed.eval(event),
            Self::Anywhere(anywhere) => event.any_leaf(&mut |name, value| anywhere.passes(name, value)),
        }
    }

    /// True when some part looks for a value in whatever field.
    pub fn reads_every_field(&self) -> bool {
        match self {
            Self::Anywhere(_) => true,
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::reads_every_field),
            Self::Not(part) => part.reads_every_field(),
            Self::Nested { inner, .. } => inner.reads_every_field(),
            Self::Const(_) | Self::Leaf(_) | Self::Computed(_) => false,
        }
    }

    /// Every field that the predicate reads, each once, in order of first use.
    pub fn fields(&self) -> Vec<FieldId> {
        fn walk(predicate: &Predicate, out: &mut Vec<FieldId>) {
            match predicate {
                Predicate::Const(_) | Predicate::Anywhere(_) => {}
                Predicate::And(parts) | Predicate::Or(parts) => parts.iter().for_each(|p| walk(p, out)),
                Predicate::Not(part) => walk(part, out),
                Predicate::Leaf(leaf) => out.push(leaf.field),
                Predicate::Computed(computed) => out.extend(computed.fields()),
                Predicate::Nested { path, inner } => {
                    out.push(*path);
                    walk(inner, out);
                }
            }
        }
        let mut out = Vec::new();
        walk(self, &mut out);
        let mut seen = foldhash::HashSet::default();
        out.retain(|f| seen.insert(*f));
        out
    }
}

impl Leaf {
    /// Does the event pass?
    pub fn eval(&self, event: &dyn EventView) -> Known {
        match &self.test {
            FieldTest::Exists => event.exists(self.field),
            FieldTest::Any(test) => event.any_value(self.field, &mut |value| test.passes(value)),
        }
    }
}

/// Adds an alternative, joined with an earlier one when both are exact texts of one field.
fn push_alternative(flat: &mut Vec<Predicate>, part: Predicate) {
    let Predicate::Leaf(Leaf { field, test: FieldTest::Any(ValueTest::Text { values, fold }) }) = &part
    else {
        flat.push(part);
        return;
    };
    for earlier in flat.iter_mut() {
        if let Predicate::Leaf(Leaf {
            field: f,
            test: FieldTest::Any(ValueTest::Text { values: into, fold: g }),
        }) = earlier
            && f == field
            && g == fold
        {
            into.extend(values.iter().cloned());
            return;
        }
    }
    flat.push(part);
}
