//! What came of one rule, as a report shows it.

use rule::threat::Threat;
use serde::Serialize;

/// What came of one rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleLine {
    /// The rule's stable name; empty for a file that could not be read.
    pub rule_id: String,
    /// What people call it, or the file.
    pub name: String,
    /// For example `query` or `eql`.
    pub rule_type: String,
    /// `low` to `critical`; empty when it could not be read.
    pub severity: String,
    /// Its version.
    pub version: Option<u32>,
    /// Its file, and line where there are several rules in it.
    pub file: String,
    /// Did it run?
    pub status: RuleStatus,
    /// Events, sequences or groups that were found, before any cap.
    pub hits: u64,
    /// Alerts that were made.
    pub alerts: u64,
    /// Hits that suppression folded into the alert of another.
    pub suppressed: u64,
    /// Hits without an alert because of the cap.
    pub cut: u64,
    /// Events that exceptions took out.
    pub excepted: u64,
    /// What is worth knowing: whole sentences.
    pub notes: Vec<String>,
    /// Tactics and techniques.
    pub threat: Vec<Threat>,
}

/// Did a rule run?
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleStatus {
    /// Over every event that it reads.
    Ran,
    /// It did not.
    NotRun {
        /// A short name, the same for all rules with the same reason.
        kind: String,
        /// Why.
        reason: String,
    },
}
