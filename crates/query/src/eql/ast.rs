//! The syntax tree of EQL, as written: nothing is resolved, nothing is folded.

pub use crate::operator::{ArithmeticOp, CompareOp};
use crate::{Span, Spanned};

/// An EQL query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What is looked for.
    pub body: Body,
    /// What is done with the results, in order.
    pub pipes: Vec<Spanned<Pipe>>,
}

/// What a query looks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Single events.
    Event(EventFilter),
    /// Events in order.
    Sequence(Sequence),
    /// Events that share keys, in no order.
    Sample(Sample),
    /// What could not be parsed; only where a diagnostic is an error.
    Invalid,
}

/// `category where condition`.
#[derive(Debug, Clone, PartialEq)]
pub struct EventFilter {
    /// The category of the event.
    pub category: Spanned<Category>,
    /// What else must hold.
    pub condition: Spanned<Expr>,
}

/// The category that an event filter names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Category {
    /// `any`: every event, also one without a category.
    Any,
    /// An event of this category; case counts.
    Named(String),
}

/// `sequence by … with maxspan=… [stage] … until [stage]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// Join keys that come before those of every stage.
    pub by: Vec<Spanned<FieldRef>>,
    /// The longest time from the first event to the last.
    pub maxspan: Option<Spanned<TimeSpan>>,
    /// The stages, in order; at least one.
    pub stages: Vec<Stage>,
    /// What ends a sequence before it is whole.
    pub until: Option<Box<Stage>>,
}

/// `sample by … [stage] [stage] …`; its stages have no runs and are not missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Join keys that come before those of every stage.
    pub by: Vec<Spanned<FieldRef>>,
    /// The stages; at least two.
    pub stages: Vec<Stage>,
}

/// `[filter] by … with runs=…`, or `![filter]`. Equality does not look at where it stood.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Which events take part.
    pub filter: EventFilter,
    /// Join keys of this stage, after those of the whole.
    pub by: Vec<Spanned<FieldRef>>,
    /// How many times the stage repeats; 1 unless written.
    pub runs: Spanned<u32>,
    /// True for `![filter]`: no such event may lie here.
    pub missing: bool,
    /// From the opening bracket to the end of the stage.
    pub span: Span,
}

impl PartialEq for Stage {
    fn eq(&self, other: &Self) -> bool {
        let Self { filter, by, runs, missing, span: _ } = self;
        (filter, by, runs, missing) == (&other.filter, &other.by, &other.runs, &other.missing)
    }
}

/// A length of time as written, for example `5m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    /// How many units.
    pub count: u64,
    /// The unit.
    pub unit: TimeUnit,
}

/// The unit of a [`TimeSpan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// `ms`
    Milliseconds,
    /// `s`
    Seconds,
    /// `m`
    Minutes,
    /// `h`
    Hours,
    /// `d`
    Days,
}

impl TimeSpan {
    /// The length in milliseconds; the largest number where it would not fit.
    pub fn milliseconds(self) -> u64 {
        let unit = match self.unit {
            TimeUnit::Milliseconds => 1,
            TimeUnit::Seconds => 1_000,
            TimeUnit::Minutes => 60_000,
            TimeUnit::Hours => 3_600_000,
            TimeUnit::Days => 86_400_000,
        };
        self.count.saturating_mul(unit)
    }
}

/// What is done with the results, which stand in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pipe {
    /// `head n`: only the first n.
    Head(u64),
    /// `tail n`: only the last n, still in ascending order.
    Tail(u64),
}

/// A field as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldRef {
    /// Dotted name, without backquotes and without `?`.
    pub name: String,
    /// True for `?field`: it may be unknown, and is null then.
    pub optional: bool,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// At least two, in source order.
    And(Vec<Spanned<Expr>>),
    /// At least two, in source order.
    Or(Vec<Spanned<Expr>>),
    /// `not …`
    Not(Box<Spanned<Expr>>),
    /// `left == right` and the like.
    Compare {
        /// The comparison.
        op: CompareOp,
        /// Left side.
        left: Box<Spanned<Expr>>,
        /// Right side.
        right: Box<Spanned<Expr>>,
    },
    /// `value : ("a*", "b")`, `value like "a*"`, `value regex~ "a.*"`.
    Match {
        /// The kind of pattern.
        op: MatchOp,
        /// What is tested.
        value: Box<Spanned<Expr>>,
        /// At least one; constants only.
        patterns: Vec<Spanned<Literal>>,
    },
    /// `value in ("a", "b")`, `value not in~ (…)`.
    In {
        /// What is tested.
        value: Box<Spanned<Expr>>,
        /// At least one.
        list: Vec<Spanned<Expr>>,
        /// True for `in~`, which ignores case.
        fold: bool,
        /// True for `not in`.
        negated: bool,
    },
    /// `left + right` and the like.
    Arithmetic {
        /// The operation.
        op: ArithmeticOp,
        /// Left side.
        left: Box<Spanned<Expr>>,
        /// Right side.
        right: Box<Spanned<Expr>>,
    },
    /// `-value`
    Negate(Box<Spanned<Expr>>),
    /// `startsWith~(file.name, "a")`
    Call {
        /// Which function.
        function: Spanned<Function>,
        /// True for the `~` form, which ignores case.
        fold: bool,
        /// Its arguments.
        args: Vec<Spanned<Expr>>,
    },
    /// A field.
    Field(FieldRef),
    /// A constant.
    Literal(Literal),
    /// What could not be parsed.
    Invalid,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits 64 signed bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text, escapes undone.
    Text(String),
}

/// A kind of pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `:`, wildcards without case.
    Colon,
    /// `like`, wildcards.
    Like,
    /// `like~`, wildcards without case.
    LikeFold,
    /// `regex`
    Regex,
    /// `regex~`, without case.
    RegexFold,
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// `add(a, b)`
    Add,
    /// `between(text, left, right[, greedy])`, also `between~`
    Between,
    /// `cidrMatch(ip, network, …)`
    CidrMatch,
    /// `concat(value, …)`
    Concat,
    /// `divide(a, b)`
    Divide,
    /// `endsWith(text, end)`, also `endsWith~`
    EndsWith,
    /// `indexOf(text, part[, start])`, also `indexOf~`
    IndexOf,
    /// `length(text)`
    Length,
    /// `modulo(a, b)`
    Modulo,
    /// `multiply(a, b)`
    Multiply,
    /// `number(text[, base])`
    Number,
    /// `startsWith(text, start)`, also `startsWith~`
    StartsWith,
    /// `string(value)`
    String,
    /// `stringContains(text, part)`, also `stringContains~`
    StringContains,
    /// `substring(text, start[, end])`
    Substring,
    /// `subtract(a, b)`
    Subtract,
}
