//! Elastic's rules as types: formats, exception lists, suppression, schedule, checks.
//!
//! ```text
//!   files ──▶ format ──▶ Rule, ExceptionList, ExceptionItem ──▶ RuleLibrary: one rule for each rule_id, every file accounted for
//!                 └────▶ FailedRule and Diagnostics                Rule ──▶ check ──▶ Diagnostics with places in the file
//!                                                                  Rule ──▶ Schedule, Guide
//! ```
//!
//! Invariant: reading has two steps. Values take the serde shapes of the files; a [`Rule`] is what passed. What
//! cannot be read or run is a [`query::Diagnostic`] with its place, and all faults of a file are reported at once.
//! Invariant: a rule that was read is written back without loss, keys that we do not know included.
//! Invariant: knows no clock. Files are read in [`library`] alone.

pub mod builtin;
pub mod check;
pub mod error;
pub mod exception;
pub mod filter;
pub mod format;
pub mod guide;
pub mod library;
pub mod mapping;
pub mod origin;
pub mod places;
pub mod rule;
pub mod rule_test;
pub mod rule_type;
pub mod schedule;
pub mod string_literal;
pub mod suppression;
pub mod threat;
pub mod value_list;

pub use error::Error;
pub use exception::{Entry, ExceptionItem, ExceptionList, ExceptionListRef, NamespaceType, Operator};
pub use filter::{Filter, FilterClause};
pub use format::{FailedRule, Loaded, Written};
pub use guide::Guide;
pub use library::RuleLibrary;
pub use mapping::{RiskScoreMapping, Severity, SeverityMapping};
pub use origin::{Format, Origin};
pub use places::Places;
pub use rule::{Rule, TomlMetadata};
pub use rule_test::{RuleTest, RuleTestFile};
pub use rule_type::{EventSource, Language, RuleType};
pub use schedule::{Gap, Schedule};
pub use string_literal::StringLiteral;
pub use suppression::{AlertSuppression, MissingFields};
pub use threat::Threat;
pub use value_list::{ValueList, ValueListType};
