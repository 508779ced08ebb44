//! The syntax tree of a Lucene query string, as written.

use crate::Spanned;

/// A query: clauses in source order, each with what the operators around it made of it.
///
/// `AND`, `OR`, `NOT`, `&&`, `||`, `!`, `+` and `-` do not have precedences of their own; they mark clauses,
/// as in Lucene's classic parser. Default operator: OR.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// No clause at all matches every event when the text was empty (or `*`), and none otherwise.
    pub clauses: Vec<Clause>,
}

/// One clause.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// What the operators made of it.
    pub occur: Occur,
    /// The field it names; `None` for the field around it, or the default fields.
    pub field: Option<Spanned<FieldPattern>>,
    /// What is looked for.
    pub term: Spanned<Term>,
    /// `^n`, kept for printing; it changes no match.
    pub boost: Option<f64>,
}

/// How a clause takes part. An event matches when it matches every `Must` and no `MustNot`, and at least one
/// `Should` if there is no `Must`. With `MustNot` clauses alone every other event matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occur {
    /// Has to match.
    Must,
    /// May match.
    Should,
    /// Must not match.
    MustNot,
}

/// A field name in which `\*` wildcards may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPattern {
    /// The literal texts between the stars, as in [`kql::ast::Pattern`](crate::kql::ast::Pattern).
    pub parts: Vec<String>,
}

/// What a clause looks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A word, or words that go to the analyser together with single spaces between them; escapes undone.
    Word(String),
    /// A word with live `*` or `?`.
    Wildcard(Vec<WildcardPart>),
    /// `"…"`, with `~n`.
    Phrase {
        /// Escapes undone.
        text: String,
        /// How many positions the words may be apart; 0 without `~`.
        slop: u32,
    },
    /// `word~` or `word~n`.
    Fuzzy {
        /// Escapes undone.
        text: String,
        /// Edits allowed, 0 to 2; `None` for `~` alone (AUTO: by length).
        edits: Option<u8>,
    },
    /// `/…/`, Lucene regular expression over the whole value.
    Regex(String),
    /// `[a TO b]`, `{a TO b}`, `>a`, `>=a`, `<a`, `<=a`.
    Range {
        /// Lower end; `None` for `*`.
        lower: Option<Bound>,
        /// Upper end; `None` for `*`.
        upper: Option<Bound>,
    },
    /// `( … )`.
    Group(Query),
    /// `field:*`, and `_exists_:field` with that field in [`Clause::field`].
    Exists,
    /// `*:*` or a lone `*`.
    All,
    /// What could not be parsed.
    Invalid,
}

/// An end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Escapes and quotes undone; date math is allowed on date fields.
    pub text: String,
    /// Is the bound itself inside?
    pub inclusive: bool,
}

/// A piece of a wildcard word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WildcardPart {
    /// Literal text, escapes undone.
    Text(String),
    /// `*`: any run of characters.
    Any,
    /// `?`: exactly one character.
    One,
}
