//! How rules are written: TOML files of elastic/detection-rules, and the objects of Kibana's API in NDJSON and JSON.
//!
//! ```text
//!   text ──▶ table or object, and Places ──▶ Fields: each value read as the serde shape of the file ──▶ Rule or FailedRule
//!   Rule ──▶ object ──▶ merged into what was written (only what changed is replaced) ──▶ text
//! ```
//!
//! A value is read on its own, so that one bad value hides no other: all faults of a file are reported at once.
//! Source: elastic/kibana common/api/detection_engine/model/rule_schema; elastic/detection-rules detection_rules/rule.py.

use serde_json::{Map, Value};

use query::{Diagnostic, Span};

use crate::exception::{ExceptionItem, ExceptionList};
use crate::origin::{Format, Origin};
use crate::places::Places;
use crate::rule::Rule;

mod exception_object;
mod exception_toml;
mod fields;
pub mod ndjson;
mod placeholder;
mod rule_object;
pub mod toml;
mod type_object;
mod write_object;

pub use write_object::rule_object;

/// What a text holds: everything that passed, everything that did not, and why.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loaded {
    /// The rules that passed, in the order of the text.
    pub rules: Vec<Rule>,
    /// The rules that did not. Their faults are among [`diagnostics`](Self::diagnostics).
    pub failed: Vec<FailedRule>,
    /// Exception lists.
    pub exception_lists: Vec<ExceptionList>,
    /// Items of exception lists.
    pub exception_items: Vec<ExceptionItem>,
    /// Connectors, as written.
    pub connectors: Vec<Value>,
    /// The line at the end of an export that says how much of what it holds.
    pub details: Option<Map<String, Value>>,
    /// Everything found wrong, with places in the text. Those that are no errors belong to what passed.
    pub diagnostics: Vec<Diagnostic>,
}

/// A rule that did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRule {
    /// If it could be read.
    pub rule_id: Option<String>,
    /// If it could be read.
    pub name: Option<String>,
    /// Where it stands.
    pub origin: Origin,
    /// The first fault.
    pub reason: String,
}

/// What was written, kept so that writing back changes only what was changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Written {
    /// Nothing: the rule was not read from a file.
    #[default]
    Nothing,
    /// The whole file.
    Toml(::toml::Table),
    /// The rule's object.
    Json(Map<String, Value>),
}

impl FailedRule {
    fn new(object: &Map<String, Value>, origin: Origin, diagnostics: &[Diagnostic]) -> Self {
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        let first = diagnostics.iter().find(|found| found.is_error());
        Self {
            rule_id: text("rule_id"),
            name: text("name"),
            origin,
            reason: first.map_or_else(String::new, |found| found.message.clone()),
        }
    }
}

impl Loaded {
    /// True when nothing was lost: no fault that stopped something.
    pub fn is_ok(&self) -> bool {
        !self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// The places of keys and values in the rule that stands at `span` of `file`.
///
/// In a TOML file the table `[rule]` counts as the whole, so that paths are those of Kibana's objects; other
/// tables go by their own names, such as `metadata.maturity`.
pub fn places(file: &str, format: Format, span: Span) -> Places {
    match format {
        Format::Toml => toml::places(file),
        Format::Json => crate::places::of_json(file, span).0,
    }
}

/// Reads an exception that stands by itself, in the form of an item of a list in TOML, and applies to one rule. All of its
/// faults have the place of `origin`.
pub fn exception_of_rule(item: &Map<String, Value>, list_id: &str, rule_id: &str, origin: &Origin) -> Loaded {
    exception_toml::read_alone(item, list_id, rule_id, origin)
}

/// The places of keys and values in the exception list or item that was read at `origin` in `file`. In the TOML of
/// detection-rules the file is all that is known of where they stand.
pub(crate) fn exception_places(file: &str, origin: &Origin) -> Places {
    match origin.format {
        Format::Toml => {
            let places = toml::places(file);
            places.path_of(origin.span).map(|path| places.under(&path)).unwrap_or(places)
        }
        Format::Json => crate::places::of_json(file, origin.span).0,
    }
}
