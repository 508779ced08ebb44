//! What a report is made of: one run's account, and what it found. The caller fills it; nothing here is computed.

use serde::Serialize;

use crate::coverage::Coverage;
use crate::finding::Finding;
use crate::rule_line::RuleLine;

/// A whole run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HuntReport {
    /// The headline, such as `Hunt in AWSLogs`.
    pub title: String,
    /// When the report was made. RFC 3339, UTC.
    pub made_at: String,
    /// The command that was run, where there was one.
    pub command: Option<String>,
    /// The programs and rule packs that took part.
    pub versions: Vec<Version>,
    /// What was read, and what was not.
    pub coverage: Coverage,
    /// Every rule that was loaded, run or not.
    pub rules: Vec<RuleLine>,
    /// The alerts, in any order. Those about single events of a sequence are the caller's to leave out.
    pub findings: Vec<Finding>,
    /// Alerts that were made and that the caller did not keep for the report.
    pub not_kept: u64,
    /// Where all alerts are, such as the file that they were written to: part of a sentence that begins with "they are".
    pub rest_is: Option<String>,
}

/// A program or a rule pack, with its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// What it is called.
    pub name: String,
    /// Its version, a date or a commit.
    pub version: String,
}
