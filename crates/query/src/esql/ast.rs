//! The syntax tree of ES|QL, as written: no name is resolved, no type is known, nothing is folded.

pub use crate::operator::{ArithmeticOp, CompareOp};
use crate::{Span, Spanned};

/// An ES|QL query: a source, and what is done with its rows, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `SET name = value;` before the query.
    pub settings: Vec<Setting>,
    /// Where rows come from; `Source::Invalid` only where a diagnostic is an error.
    pub source: Spanned<Source>,
    /// Processing commands. A span covers the command without its `|`.
    pub commands: Vec<Spanned<Command>>,
}

/// `SET name = value;`
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Name of the setting.
    pub name: Spanned<String>,
    /// A constant or a map.
    pub value: Spanned<OptionValue>,
}

/// A source command.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// `FROM logs-*, other METADATA _id`
    From(From),
    /// `TS metrics-*`, the source of time series.
    TimeSeries(From),
    /// `ROW a = 1, b = "x"`
    Row(Vec<Field>),
    /// `SHOW INFO`
    Show(Spanned<String>),
    /// A source that is known by name only.
    Other(OtherCommand),
    /// What could not be parsed.
    Invalid,
}

/// What `FROM` and `TS` read.
#[derive(Debug, Clone, PartialEq)]
pub struct From {
    /// At least one, in source order.
    pub items: Vec<Spanned<FromItem>>,
    /// Metadata fields such as `_id`, in source order.
    pub metadata: Vec<Spanned<String>>,
}

/// One thing that `FROM` reads.
#[derive(Debug, Clone, PartialEq)]
pub enum FromItem {
    /// Indices by pattern.
    Pattern(IndexPattern),
    /// `(FROM other | WHERE a)`
    Subquery(Box<Query>),
}

/// `cluster:index::selector`. A quoted text that names several, with commas, gives one of these for each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndexPattern {
    /// Name or pattern of a remote cluster.
    pub cluster: Option<String>,
    /// Index, alias or data stream; may hold `*` and date math, and begins with `-` to leave out.
    pub index: String,
    /// `data` or `failures`
    pub selector: Option<String>,
}

/// A processing command.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// `WHERE condition`
    Where(Spanned<Expr>),
    /// `EVAL name = value, …`; a later field may use an earlier one.
    Eval(Vec<Field>),
    /// `STATS aggregate, … BY key, …`
    Stats(Stats),
    /// `INLINE STATS …`, also written `INLINESTATS …`
    InlineStats(Stats),
    /// `KEEP pattern, …`
    Keep(Vec<Spanned<NamePattern>>),
    /// `DROP pattern, …`; never `*` alone.
    Drop(Vec<Spanned<NamePattern>>),
    /// `RENAME old AS new, new = old, …`
    Rename(Vec<Renaming>),
    /// `SORT value DESC NULLS LAST, …`
    Sort(Vec<SortKey>),
    /// `LIMIT count`
    Limit(Spanned<u64>),
    /// `DISSECT input "pattern" APPEND_SEPARATOR = "text"`
    Dissect {
        /// The text that is taken apart.
        input: Spanned<Expr>,
        /// The pattern, not yet read.
        pattern: Spanned<String>,
        /// What joins the parts of `%{+key}`; nothing when missing.
        append_separator: Option<Spanned<String>>,
    },
    /// `GROK input "pattern", …`
    Grok {
        /// The text that is searched.
        input: Spanned<Expr>,
        /// The patterns, not yet read; at least one, the first that matches counts.
        patterns: Vec<Spanned<String>>,
    },
    /// `MV_EXPAND name`
    MvExpand(Spanned<String>),
    /// `ENRICH policy ON field WITH name = field, …`
    Enrich {
        /// Name of the policy; may begin with a mode and a colon, `_remote:policy`.
        policy: Spanned<String>,
        /// The column to match with.
        on: Option<Spanned<String>>,
        /// What is added; everything when empty.
        with: Vec<EnrichField>,
    },
    /// `LOOKUP JOIN index ON name, …`
    LookupJoin {
        /// The lookup index.
        index: Spanned<IndexPattern>,
        /// Columns of the same name in both, or conditions; at least one.
        on: Vec<Spanned<Expr>>,
    },
    /// `CHANGE_POINT value ON key AS type, pvalue`
    ChangePoint {
        /// The column that is watched.
        value: Spanned<String>,
        /// The column that gives the order.
        on: Option<Spanned<String>>,
        /// Names of the two columns that are added.
        outputs: Option<(Spanned<String>, Spanned<String>)>,
    },
    /// `COMPLETION name = prompt WITH { … }`
    Completion {
        /// Name of the column that is added.
        target: Option<Spanned<String>>,
        /// The prompt.
        prompt: Spanned<Expr>,
        /// In source order; empty when there are none.
        options: Vec<OptionEntry>,
    },
    /// `RERANK name = "query" ON field, … WITH { … }`
    Rerank {
        /// Name of the column that is added.
        target: Option<Spanned<String>>,
        /// The query.
        query: Spanned<Literal>,
        /// What is compared with it; at least one.
        on: Vec<Field>,
        /// In source order; empty when there are none.
        options: Vec<OptionEntry>,
    },
    /// `FORK (WHERE … | …) (…)`; at least one branch, each of at least one command.
    Fork(Vec<Vec<Spanned<Command>>>),
    /// `FUSE method SCORE BY name GROUP BY name KEY BY name, … WITH { … }`
    Fuse {
        /// `rrf` or `linear`
        method: Option<Spanned<String>>,
        /// The column of the score.
        score_by: Option<Spanned<String>>,
        /// The column that tells the results apart.
        group_by: Option<Spanned<String>>,
        /// The columns that name a row.
        key_by: Vec<Spanned<String>>,
        /// In source order; empty when there are none.
        options: Vec<OptionEntry>,
    },
    /// `SAMPLE 0.1`
    Sample(Spanned<Literal>),
    /// A command that is known by name only.
    Other(OtherCommand),
    /// What could not be parsed.
    Invalid,
}

/// A command of the published language that is not read any further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherCommand {
    /// Its name in capitals.
    pub name: &'static str,
    /// What follows the name, as written, without space at its ends.
    pub text: String,
}

/// What `STATS` and `INLINE STATS` compute. Not both lists are empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Aggregates, in source order.
    pub aggregates: Vec<Aggregate>,
    /// Grouping keys, in source order; no grouping when empty.
    pub by: Vec<Field>,
}

/// `name = aggregate WHERE condition`
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// What is computed.
    pub field: Field,
    /// Which rows count for it.
    pub filter: Option<Spanned<Expr>>,
}

impl Aggregate {
    /// Name of the column: the given one, or else the text as written, with its condition. `source` is the text that
    /// was parsed.
    pub fn column_name<'a>(&'a self, source: &'a str) -> &'a str {
        match (&self.field.name, &self.filter) {
            (None, Some(filter)) => {
                let span = self.field.span().to(filter.span);
                source.get(span.start..span.end).unwrap_or_default()
            }
            _ => self.field.column_name(source),
        }
    }
}

/// `name = value`, or a value alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The name, when there is one.
    pub name: Option<Spanned<String>>,
    /// The value. Its span covers the parentheses around it.
    pub value: Spanned<Expr>,
}

impl Field {
    /// From the name, or else the value, to the end of the value.
    pub fn span(&self) -> Span {
        self.name.as_ref().map_or(self.value.span, |name| name.span.to(self.value.span))
    }

    /// Name of the column: the given one, that of a column that stands alone, or else the text of the value as
    /// written. `source` is the text that was parsed.
    pub fn column_name<'a>(&'a self, source: &'a str) -> &'a str {
        match (&self.name, &self.value.value) {
            (Some(name), _) => &name.value,
            (None, Expr::Column(name)) => name,
            (None, _) => source.get(self.value.span.start..self.value.span.end).unwrap_or_default(),
        }
    }
}

/// `old AS new`, also written `new = old`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renaming {
    /// The name so far.
    pub old: Spanned<String>,
    /// The name from here on.
    pub new: Spanned<String>,
}

/// `value DESC NULLS LAST`
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    /// What is sorted by.
    pub value: Spanned<Expr>,
    /// Upwards unless written.
    pub order: SortOrder,
    /// Where nulls stand; unless written last when ascending, first when descending.
    pub nulls: NullsOrder,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortOrder {
    /// `ASC`
    Ascending,
    /// `DESC`
    Descending,
}

impl SortOrder {
    /// Where nulls stand when it is not written.
    pub fn default_nulls(self) -> NullsOrder {
        match self {
            Self::Ascending => NullsOrder::Last,
            Self::Descending => NullsOrder::First,
        }
    }
}

/// Where nulls stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NullsOrder {
    /// `NULLS FIRST`
    First,
    /// `NULLS LAST`
    Last,
}

/// `name = field`, or a field alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrichField {
    /// Name of the column that is added; that of the field when missing.
    pub name: Option<Spanned<String>>,
    /// Field of the policy.
    pub field: Spanned<String>,
}

/// A pattern of column names: no empty text, no two texts and no two wildcards in a row; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamePattern {
    /// Pieces, in order.
    pub parts: Vec<NamePart>,
}

/// A piece of a [`NamePattern`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NamePart {
    /// Stands for itself; case counts.
    Text(String),
    /// `*`: any text, also none.
    Any,
}

impl NamePattern {
    /// The name, when there is no wildcard.
    pub fn name(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [NamePart::Text(name)] => Some(name),
            _ => None,
        }
    }

    /// True for `*` alone.
    pub fn is_everything(&self) -> bool {
        self.parts == [NamePart::Any]
    }

    /// True when the whole name fits.
    pub fn matches(&self, name: &str) -> bool {
        let mut rest = name;
        let mut floats = false;
        for (index, part) in self.parts.iter().enumerate() {
            let NamePart::Text(text) = part else {
                floats = true;
                continue;
            };
            let is_last = index + 1 == self.parts.len();
            let found = match (floats, is_last) {
                (false, _) => rest.strip_prefix(text.as_str()),
                (true, true) => return rest.ends_with(text.as_str()),
                (true, false) => rest.split_once(text.as_str()).map(|(_, after)| after),
            };
            let Some(after) = found else { return false };
            rest = after;
            floats = false;
        }
        floats || rest.is_empty()
    }
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// At least two, in source order.
    And(Vec<Spanned<Expr>>),
    /// At least two, in source order.
    Or(Vec<Spanned<Expr>>),
    /// `NOT …`
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
    /// `value LIKE "a*"`, `value NOT RLIKE ("a.*", "b")`
    Like {
        /// The kind of pattern.
        op: LikeOp,
        /// What is tested.
        value: Box<Spanned<Expr>>,
        /// At least one; one of them must match the whole value.
        patterns: Vec<Spanned<String>>,
        /// True for `NOT LIKE`.
        negated: bool,
    },
    /// `value IN ("a", "b")`, `value NOT IN (…)`
    In {
        /// What is tested.
        value: Box<Spanned<Expr>>,
        /// At least one.
        list: Vec<Spanned<Expr>>,
        /// True for `NOT IN`.
        negated: bool,
    },
    /// `value IS NULL`, `value IS NOT NULL`
    IsNull {
        /// What is tested.
        value: Box<Spanned<Expr>>,
        /// True for `IS NOT NULL`.
        negated: bool,
    },
    /// `field : "text"`, a search in the index.
    Match {
        /// The field.
        field: Spanned<String>,
        /// A type after `::`, as written.
        cast: Option<Spanned<String>>,
        /// What is searched for.
        query: Spanned<Literal>,
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
    /// `-value`; a sign before a number is part of the number.
    Negate(Box<Spanned<Expr>>),
    /// `value::type`
    Cast {
        /// What is converted.
        value: Box<Spanned<Expr>>,
        /// Name of the type, as written; ignores case.
        to: Spanned<String>,
    },
    /// `TO_LOWER(name)`, `COUNT(*)`, `MATCH(name, "text", { "operator": "and" })`
    Call {
        /// Name of the function, as written; ignores case.
        function: Spanned<String>,
        /// Its arguments; a [`Star`](Self::Star) stands alone.
        args: Vec<Spanned<Expr>>,
        /// The map at the end of the arguments.
        options: Option<Vec<OptionEntry>>,
    },
    /// A column: dotted name, without backquotes.
    Column(String),
    /// A constant.
    Literal(Literal),
    /// `?name`, `?1`, or `?` (an empty name): a value from outside the query.
    Parameter(String),
    /// `*` as the one argument of a function.
    Star,
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
    /// A whole number, with its sign. One that fits 32 signed bits is an `integer`, any other a `long`.
    Integer(i64),
    /// A whole number above the largest `long`.
    UnsignedLong(u64),
    /// Any other number, with its sign; finite.
    Double(f64),
    /// Text, escapes undone.
    Text(String),
    /// `5 minutes`
    TimeSpan(TimeSpan),
    /// `[1, 2]`: at least one; all numbers, all booleans or all texts.
    List(Vec<Spanned<Literal>>),
}

/// A length of time as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    /// How many units; may be negative.
    pub count: i64,
    /// The unit.
    pub unit: TimeUnit,
}

/// The unit of a [`TimeSpan`]. Up to the hour it has a fixed length; from the day on it follows the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeUnit {
    /// `millisecond`, `milliseconds`, `ms`
    Millisecond,
    /// `second`, `seconds`, `sec`, `s`
    Second,
    /// `minute`, `minutes`, `min`
    Minute,
    /// `hour`, `hours`, `h`
    Hour,
    /// `day`, `days`, `d`
    Day,
    /// `week`, `weeks`, `w`
    Week,
    /// `month`, `months`, `mo`
    Month,
    /// `quarter`, `quarters`, `q`
    Quarter,
    /// `year`, `years`, `yr`, `y`
    Year,
}

impl TimeUnit {
    /// Reads a unit by one of its names, ignoring case.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let unit = super::operand::TIME_UNITS.iter().find(|(_, names)| names.contains(&name.as_str()));
        unit.map(|(unit, _)| *unit)
    }
}

/// An entry of `{ "key": value }`.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionEntry {
    /// The key.
    pub key: Spanned<String>,
    /// The value.
    pub value: Spanned<OptionValue>,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// A constant.
    Literal(Literal),
    /// `{ … }`
    Map(Vec<OptionEntry>),
}

/// A kind of pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LikeOp {
    /// `LIKE`: `*`, `?` and a backslash to escape them.
    Like,
    /// `RLIKE`: a regular expression of Lucene's.
    Rlike,
}
