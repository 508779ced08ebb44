//! Severity and risk score: the levels, and the fields of an event that may override them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How severe a rule says its alerts are, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `critical`
    Critical,
}

impl Severity {
    /// All levels, ascending.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The lower-case name that rules and alerts use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(text: &str) -> Result<Self, UnknownSeverity> {
        Self::ALL.into_iter().find(|s| s.name() == text).ok_or_else(|| UnknownSeverity(text.to_owned()))
    }
}

/// A text that names no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no severity: expected low, medium, high or critical")]
pub struct UnknownSeverity(String);

/// When the event's `field` has `value`, the alert has `severity`. Of several that apply the highest wins.
///
/// Source: elastic/kibana rule_types/utils/mappings/build_severity_from_mapping.ts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityMapping {
    /// The event's field.
    pub field: String,
    /// Always `equals`; other texts are kept and have no effect of their own.
    #[serde(default = "equals")]
    pub operator: String,
    /// Compared as text with the field's values; for `event.severity` as a whole number.
    #[serde(default)]
    pub value: String,
    /// What the alert gets.
    pub severity: Severity,
}

/// The alert's risk score is read from `field`, when that holds a number from 0 to 100.
///
/// Only the first mapping of a rule counts, and `value` and `risk_score` have no effect.
/// Source: elastic/kibana rule_types/utils/mappings/build_risk_score_from_mapping.ts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskScoreMapping {
    /// The event's field.
    pub field: String,
    /// Always `equals`.
    #[serde(default = "equals")]
    pub operator: String,
    /// Without effect; mostly empty.
    #[serde(default)]
    pub value: String,
    /// Without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_score: Option<u8>,
}

fn equals() -> String {
    "equals".to_owned()
}
