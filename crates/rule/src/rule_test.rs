//! Unit tests of a rule, in the file `NAME.test.toml` beside it: events given, alerts expected.
//!
//! ```toml
//! [[test]]
//! name = "a deletion that succeeds is found"
//! events = [{ eventSource = "kms.amazonaws.com", eventName = "DeleteImportedKeyMaterial", eventID = "one" }]
//! alerts = ["one"]
//! ```
//!
//! Start at [`read`]. What a test says is data here; events become documents and rules run elsewhere.

mod read;

use std::path::{Path, PathBuf};

use ecs::Timestamp;
use query::{Span, Spanned};
use serde_json::{Map, Value};

use crate::value_list::ValueListType;

pub use read::read;

/// What the names of files with tests end with.
pub const FILE_ENDING: &str = ".test.toml";

/// Is it the path of a file with tests, by its name?
pub fn is_test_file(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.len() > FILE_ENDING.len() && name.ends_with(FILE_ENDING))
}

/// What a file with tests says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleTestFile {
    /// The file of the rule, relative to this one; without it the rule is in [`RuleTestFile::rule_path`].
    pub rule: Option<Spanned<String>>,
    /// The tests, in order; at least one, and no two of the same name.
    pub tests: Vec<RuleTest>,
}

impl RuleTestFile {
    /// Where the rule of these tests is: `x/y.toml` for `x/y.test.toml`, unless they name another file.
    pub fn rule_path(&self, test_file: &Path) -> PathBuf {
        match &self.rule {
            Some(rule) => test_file.with_file_name(&rule.value),
            // `y.test.toml` without its ending, and then without `.test`.
            None => test_file.with_extension("").with_extension("toml"),
        }
    }
}

/// A test: events, and the alerts that a rule must make of them.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleTest {
    /// What it shows, in a sentence; the place is that of the sentence.
    pub name: Spanned<String>,
    /// What counts as now; without it the time of the last event does.
    pub now: Option<Timestamp>,
    /// What events given as tables are; without it their keys tell.
    pub kind: Option<EventKind>,
    /// The events, with the file's defaults below those that are tables.
    pub events: Vec<GivenEvents>,
    /// Events that happened before: rules may remember them, and alerts about them alone do not count.
    pub history: Vec<GivenEvents>,
    /// Exceptions: the rule's own lists apply too, when a file holds them.
    pub exceptions: Vec<GivenExceptions>,
    /// Value lists that exceptions may name.
    pub value_lists: Vec<GivenValueList>,
    /// What a rule of type `threat_match` looks for, beside the indicators among the events: documents, or as text what a
    /// file of indicators may hold.
    pub indicators: Vec<GivenEvents>,
    /// The alerts that there must be, and no others. Their order does not count.
    pub alerts: Vec<ExpectedAlert>,
    /// Where `alerts` stands.
    pub alerts_span: Span,
}

/// What an event given as a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A raw CloudTrail record.
    CloudTrail,
    /// An ECS document.
    Ecs,
}

/// Events as they are given.
#[derive(Debug, Clone, PartialEq)]
pub enum GivenEvents {
    /// One event.
    Table(Spanned<Map<String, Value>>),
    /// Any number of events as JSON, in any form that a hunt reads.
    Text(Spanned<String>),
    /// A file of the same, relative to the test's.
    File(Spanned<String>),
}

/// Exceptions as they are given.
#[derive(Debug, Clone, PartialEq)]
pub enum GivenExceptions {
    /// One, in the form of an item of a list in TOML; it applies to the rule.
    Item(Spanned<Map<String, Value>>),
    /// A file with exception lists or a value list, relative to the test's.
    File(Spanned<String>),
}

/// A value list as it is given.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenValueList {
    /// The name by which exceptions refer to it.
    pub id: Spanned<String>,
    /// What its values are; without it the exceptions that use it say so.
    pub list_type: Option<ValueListType>,
    /// The values.
    pub values: Vec<String>,
}

/// An alert that there must be.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedAlert {
    /// The ids of the events that it is about, in the order of the sequence; `None` when the test does not say.
    pub events: Option<Vec<Spanned<String>>>,
    /// What must be true of its fields.
    pub fields: Vec<ExpectedField>,
    /// What must be true of the fields of its building blocks, in the order of the sequence; `None` when the test does not
    /// say.
    pub blocks: Option<Vec<Vec<ExpectedField>>>,
    /// Where it stands.
    pub span: Span,
}

/// What must be true of a field of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedField {
    /// Its dotted name.
    pub name: String,
    /// What must be true.
    pub expectation: FieldExpectation,
    /// Where it stands.
    pub span: Span,
}

/// What must be true of the values of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldExpectation {
    /// Exactly these, in any order; numbers are compared as numbers.
    Equals(Vec<Value>),
    /// Each of these texts is in at least one value.
    Contains(Vec<String>),
    /// There is a value, or there is none.
    Exists(bool),
}
