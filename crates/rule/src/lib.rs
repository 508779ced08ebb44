//! Elastic's rules as types: formats, exception lists, suppression, schedule, checks.

pub mod error;
pub mod exception;
pub mod filter;
pub mod format;
pub mod mapping;
pub mod origin;
pub mod places;
pub mod rule;
pub mod rule_type;
pub mod string_literal;
pub mod suppression;
pub mod threat;

pub use error::Error;
pub use exception::{Entry, ExceptionItem, ExceptionList, ExceptionListRef, NamespaceType, Operator};
pub use filter::{Filter, FilterClause};
pub use format::{FailedRule, Loaded, Written};
pub use mapping::{RiskScoreMapping, Severity, SeverityMapping};
pub use origin::{Format, Origin};
pub use places::Places;
pub use rule::{Rule, TomlMetadata};
pub use rule_type::{EventSource, Language, RuleType};
pub use string_literal::StringLiteral;
pub use suppression::{AlertSuppression, MissingFields};
pub use threat::Threat;
