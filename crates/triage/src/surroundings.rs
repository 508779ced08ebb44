//! What else the same principal did around an alert, and what else was alerted.

use serde::Serialize;

use crate::answer::Evidence;

/// What was around. Times are RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Surroundings {
    /// From when on was looked, inclusive.
    pub from: Option<String>,
    /// Until when, exclusive.
    pub to: Option<String>,
    /// Acts that matter, the gravest first, then oldest first.
    pub acts: Vec<SurroundingAct>,
    /// Calls that were denied.
    pub denied: u64,
    /// Every act of the session around the alert, oldest first, like acts in a row folded.
    pub session: Vec<SessionStep>,
    /// Other alerts of the same principal.
    pub alerts: Vec<RelatedAlert>,
    /// What is missing, and why: whole sentences.
    pub missing: Vec<String>,
}

/// How grave an act is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// Destroys data, or what protects it.
    Destructive,
    /// Blinds logging or detection.
    Blinding,
    /// Makes or changes credentials, policies, trust.
    Access,
    /// Was denied.
    Denied,
    /// Looks around.
    Discovery,
}

/// An act that matters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SurroundingAct {
    /// How grave.
    pub gravity: Gravity,
    /// How many like it.
    pub count: u64,
    /// A whole sentence.
    pub says: String,
    /// The first and the last of them.
    pub evidence: Vec<Evidence>,
}

/// Acts of one kind in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionStep {
    /// The first.
    pub first: String,
    /// The last.
    pub last: String,
    /// `eventSource`.
    pub provider: String,
    /// `eventName`.
    pub action: String,
    /// `errorCode`.
    pub error: Option<String>,
    /// `awsRegion`.
    pub region: Option<String>,
    /// How many.
    pub count: u64,
    /// Is it the event of the alert?
    pub is_subject: bool,
}

/// Another alert of the same principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelatedAlert {
    /// `kibana.alert.uuid`.
    pub uuid: String,
    /// The rule's name.
    pub rule_name: String,
    /// `low` to `critical`.
    pub severity: String,
    /// When its event happened.
    pub time: String,
}
