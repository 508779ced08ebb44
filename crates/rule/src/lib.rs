//! Elastic's rules as types: formats, exception lists, suppression, schedule, checks.

pub mod exception;
pub mod filter;
pub mod mapping;
pub mod origin;
pub mod rule;
pub mod rule_type;
pub mod suppression;
pub mod threat;

pub use exception::{Entry, ExceptionItem, ExceptionList, ExceptionListRef, NamespaceType, Operator};
pub use filter::{Filter, FilterClause};
pub use mapping::{RiskScoreMapping, Severity, SeverityMapping};
pub use origin::{Format, Origin};
pub use rule::{Rule, TomlMetadata};
pub use rule_type::{EventSource, Language, RuleType};
pub use suppression::{AlertSuppression, MissingFields};
pub use threat::Threat;
