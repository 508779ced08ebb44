//! What an attacker does, in the words of a framework such as MITRE ATT&CK.

use serde::{Deserialize, Serialize};

/// One tactic of a framework with the techniques that a rule detects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threat {
    /// For example `MITRE ATT&CK`.
    pub framework: String,
    /// For example Impact, TA0040.
    pub tactic: ThreatEntry,
    /// Possibly none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub technique: Vec<Technique>,
}

/// A technique and its sub-techniques.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Technique {
    /// The technique itself, for example Data Destruction, T1485.
    #[serde(flatten)]
    pub entry: ThreatEntry,
    /// Possibly none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtechnique: Vec<ThreatEntry>,
}

/// An entry of the framework.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreatEntry {
    /// For example `TA0040`, `T1485` or `T1485.001`.
    pub id: String,
    /// Its name in the framework.
    pub name: String,
    /// The address of its page.
    pub reference: String,
}
