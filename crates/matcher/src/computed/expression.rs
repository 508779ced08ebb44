//! An expression with every field and constant resolved, and its value for one choice of field values.

use std::cmp::Ordering;
use std::fmt;

use ecs::{EventView, FieldId, FieldType, Known};
use query::Spanned;
use query::eql::ast::{ArithmeticOp, CompareOp, Function};

use super::Value;
use crate::function;
use crate::glob::{Fold, Glob};
use crate::lucene_regex::LuceneRegex;

/// An expression, with the place it was written at.
pub type Node = Spanned<Expression>;

/// An expression over the fields of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// The same for every event.
    Constant(Value<'static>),
    /// A field.
    Field(FieldRead),
    /// False if some part is, else null if some part is.
    And(Vec<Node>),
    /// True if some part is, else null if some part is.
    Or(Vec<Node>),
    /// Null stays null.
    Not(Box<Node>),
    /// True for null, else false.
    IsNull(Box<Node>),
    /// A comparison.
    Compare {
        /// Which.
        op: CompareOp,
        /// Left side.
        left: Box<Node>,
        /// Right side.
        right: Box<Node>,
        /// True where two nulls are equal: between two optional fields.
        nulls_equal: bool,
    },
    /// Equal without case.
    EqualsFolded {
        /// Left side.
        left: Box<Node>,
        /// Right side, a constant.
        right: Spanned<Value<'static>>,
    },
    /// Equal to one of several constants, none of them null.
    In {
        /// What is tested.
        value: Box<Node>,
        /// At least one.
        list: Vec<Spanned<Value<'static>>>,
    },
    /// The whole text matches a wildcard pattern.
    Like {
        /// What is tested.
        value: Box<Node>,
        /// The pattern, folding all of Unicode where case does not count.
        glob: Glob,
        /// As written.
        written: Spanned<Box<str>>,
    },
    /// The whole text matches a regular expression.
    Regex {
        /// What is tested.
        value: Box<Node>,
        /// The pattern.
        pattern: RegexPattern,
    },
    /// Two numbers to one.
    Arithmetic {
        /// Which operation.
        op: ArithmeticOp,
        /// Left side.
        left: Box<Node>,
        /// Right side.
        right: Box<Node>,
    },
    /// The number of the other sign.
    Negate(Box<Node>),
    /// A function.
    Call {
        /// Which.
        function: Function,
        /// True for the form that ignores case.
        fold: bool,
        /// In order.
        args: Vec<Node>,
    },
}

/// A mention of a field in an expression.
#[derive(Debug, Clone)]
pub struct FieldRead {
    /// Of the table that the expression was resolved with.
    pub field: FieldId,
    /// Dotted name.
    pub name: Box<str>,
    /// What the catalogue says.
    pub field_type: Option<FieldType>,
    /// True for `?field`.
    pub optional: bool,
    slot: usize,
}

impl PartialEq for FieldRead {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field
    }
}

impl FieldRead {
    /// A mention of a field.
    pub fn new(field: FieldId, name: &str, field_type: Option<FieldType>, optional: bool) -> Self {
        Self { field, name: name.into(), field_type, optional, slot: 0 }
    }

    /// Its values in an event, read by its type; none when it is missing. `None` when the view does not know it.
    pub fn values(&self, event: &dyn EventView) -> Option<Vec<Value<'static>>> {
        let mut values = Vec::new();
        let known = event.any_value(self.field, &mut |scalar| {
            values.extend(Value::read(scalar, self.field_type));
            false
        });
        (known != Known::Unknown).then_some(values)
    }
}

/// A compiled regular expression; equal to another when both were written alike.
#[derive(Debug, Clone)]
pub struct RegexPattern {
    /// Compiled.
    pub regex: LuceneRegex,
    /// As written.
    pub source: Box<str>,
    /// True when case does not count.
    pub fold: bool,
}

impl PartialEq for RegexPattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.fold) == (&other.source, other.fold)
    }
}

impl Expression {
    /// The value for one choice of field values, `row`, by slot.
    pub(super) fn evaluate<'a>(&'a self, row: &'a [Value<'a>]) -> Value<'a> {
        match self {
            Self::Constant(value) => value.borrowed(),
            Self::Field(read) => row.get(read.slot).map_or(Value::Null, Value::borrowed),
            Self::And(parts) => junction(parts, row, false),
            Self::Or(parts) => junction(parts, row, true),
            Self::Not(part) => truth(part.value.evaluate(row).truth().map(|b| !b)),
            Self::IsNull(part) => Value::Bool(part.value.evaluate(row) == Value::Null),
            Self::Compare { op, left, right, nulls_equal } => {
                let (left, right) = (left.value.evaluate(row), right.value.evaluate(row));
                let both_null = left == Value::Null && right == Value::Null;
                let order =
                    if both_null && *nulls_equal { Some(Ordering::Equal) } else { left.compare(&right) };
                truth(order.map(|order| holds(*op, order)))
            }
            Self::EqualsFolded { left, right } => {
                truth(equals_folded(&left.value.evaluate(row), &right.value))
            }
            Self::In { value, list } => {
                let value = value.value.evaluate(row);
                let mut verdict = Some(false);
                for one in list {
                    match value.compare(&one.value) {
                        Some(Ordering::Equal) => return Value::Bool(true),
                        Some(_) => {}
                        None => verdict = None,
                    }
                }
                truth(verdict)
            }
            Self::Like { value, glob, .. } => {
                truth(value.value.evaluate(row).as_text().map(|t| glob.matches(t)))
            }
            Self::Regex { value, pattern } => {
                truth(value.value.evaluate(row).as_text().map(|t| pattern.regex.is_match(t)))
            }
            Self::Arithmetic { op, left, right } => {
                function::arithmetic(*op, &left.value.evaluate(row), &right.value.evaluate(row))
            }
            Self::Negate(part) => function::negate(&part.value.evaluate(row)),
            Self::Call { function, fold, args } => {
                let args: Vec<Value<'_>> = args.iter().map(|arg| arg.value.evaluate(row)).collect();
                function::call(*function, *fold, &args).into_owned()
            }
        }
    }

    /// The value of an expression without fields.
    pub(crate) fn constant_value(&self) -> Value<'static> {
        self.evaluate(&[]).into_owned()
    }

    /// The expressions that this one is made of.
    pub fn parts(&self) -> Vec<&Node> {
        match self {
            Self::Constant(_) | Self::Field(_) => Vec::new(),
            Self::And(parts) | Self::Or(parts) | Self::Call { args: parts, .. } => parts.iter().collect(),
            Self::Not(part) | Self::IsNull(part) | Self::Negate(part) => vec![part],
            Self::Compare { left, right, .. } | Self::Arithmetic { left, right, .. } => vec![left, right],
            Self::EqualsFolded { left: value, .. }
            | Self::In { value, .. }
            | Self::Like { value, .. }
            | Self::Regex { value, .. } => vec![value],
        }
    }

    /// True when nothing in it depends on the event.
    pub(crate) fn is_constant(&self) -> bool {
        !matches!(self, Self::Field(_)) && self.parts().iter().all(|part| part.value.is_constant())
    }

    /// True when it mentions a field as optional.
    pub(crate) fn mentions_optional(&self) -> bool {
        match self {
            Self::Field(read) => read.optional,
            other => other.parts().iter().any(|part| part.value.mentions_optional()),
        }
    }

    /// Gives each mention of a field a place in the row of values.
    pub(super) fn assign_slots(&mut self, reads: &mut Vec<FieldRead>) {
        let mut each = |node: &mut Node| node.value.assign_slots(reads);
        match self {
            Self::Constant(_) => {}
            Self::Field(read) => {
                read.slot = reads.len();
                reads.push(read.clone());
            }
            Self::And(parts) | Self::Or(parts) | Self::Call { args: parts, .. } => {
                parts.iter_mut().for_each(each);
            }
            Self::Not(part) | Self::IsNull(part) | Self::Negate(part) => each(part),
            Self::Compare { left, right, .. } | Self::Arithmetic { left, right, .. } => {
                each(left);
                each(right);
            }
            Self::EqualsFolded { left: value, .. }
            | Self::In { value, .. }
            | Self::Like { value, .. }
            | Self::Regex { value, .. } => each(value),
        }
    }
}

fn truth(verdict: Option<bool>) -> Value<'static> {
    verdict.map_or(Value::Null, Value::Bool)
}

/// `and` when `decides` is false, `or` when it is true: the part that decides does so whatever the others are.
fn junction<'a>(parts: &'a [Node], row: &'a [Value<'a>], decides: bool) -> Value<'a> {
    let mut verdict = Some(!decides);
    for part in parts {
        match part.value.evaluate(row).truth() {
            Some(b) if b == decides => return Value::Bool(decides),
            Some(_) => {}
            None => verdict = None,
        }
    }
    truth(verdict)
}

fn holds(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Lte => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Gte => order.is_ge(),
    }
}

fn equals_folded(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => Some(Fold::Lower.apply(a) == Fold::Lower.apply(b)),
        _ => left.compare(right).map(Ordering::is_eq),
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |node: &Node| match &node.value {
            inner @ (Self::Constant(_) | Self::Field(_) | Self::Call { .. }) => inner.to_string(),
            inner => format!("({inner})"),
        };
        let list = |nodes: &[Node], between: &str, show: &dyn Fn(&Node) -> String| {
            nodes.iter().map(show).collect::<Vec<_>>().join(between)
        };
        match self {
            Self::Constant(value) => value.fmt(f),
            Self::Field(read) => write!(f, "{}{}", if read.optional { "?" } else { "" }, read.name),
            Self::And(parts) => f.write_str(&list(parts, " and ", &group)),
            Self::Or(parts) => f.write_str(&list(parts, " or ", &group)),
            Self::Not(part) => write!(f, "not {}", group(part)),
            Self::IsNull(part) => write!(f, "{} == null", group(part)),
            Self::Compare { op, left, right, .. } => {
                write!(f, "{} {} {}", group(left), op.symbol(), group(right))
            }
            Self::EqualsFolded { left, right } => write!(f, "{} : {}", group(left), right.value),
            Self::In { value, list } => {
                let list: Vec<String> = list.iter().map(|one| one.value.to_string()).collect();
                write!(f, "{} in ({})", group(value), list.join(", "))
            }
            Self::Like { value, glob, written } => {
                let tilde = if glob.fold() == Fold::None { "" } else { "~" };
                write!(f, "{} like{tilde} {:?}", group(value), written.value)
            }
            Self::Regex { value, pattern } => {
                let tilde = if pattern.fold { "~" } else { "" };
                write!(f, "{} regex{tilde} {:?}", group(value), pattern.source)
            }
            Self::Arithmetic { op, left, right } => {
                write!(f, "{} {} {}", group(left), op.symbol(), group(right))
            }
            Self::Negate(part) => write!(f, "-{}", group(part)),
            Self::Call { function, fold, args } => {
                let tilde = if *fold { "~" } else { "" };
                let args = list(args, ", ", &|node| node.value.to_string());
                write!(f, "{function}{tilde}({args})")
            }
        }
    }
}
