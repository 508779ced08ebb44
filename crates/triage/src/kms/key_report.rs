//! What is known of one key at one moment, for people and for machines.

use serde::Serialize;

use super::clock::Clock;
use super::state::{Certainty, KeyState};
use crate::answer::Evidence;

/// A key at a moment. Times are RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyReport {
    /// The key's ARN, as far as its parts are known.
    pub key: String,
    /// `alias/…` names that point to it at that moment.
    pub aliases: Vec<String>,
    /// The key's account.
    pub account: Option<String>,
    /// The key's Region.
    pub region: Option<String>,
    /// ARNs of the same multi-Region key in other Regions.
    pub related: Vec<String>,
    /// `AWS_KMS`, `EXTERNAL`, `AWS_CLOUDHSM`, `EXTERNAL_KEY_STORE`; `None` when nothing shows it.
    pub origin: Option<String>,
    /// The state.
    pub state: KeyState,
    /// How sure it is.
    pub certainty: Certainty,
    /// Since when.
    pub since: Option<String>,
    /// Why it is thought to be in this state: a whole sentence.
    pub because: String,
    /// The event that led to the state.
    pub cause: Option<Evidence>,
    /// What runs out.
    pub clocks: Vec<Clock>,
    /// Lifecycle, policy, grant and alias events, oldest first; uses only as far as they failed, the first of a kind.
    pub timeline: Vec<TimelineEntry>,
    /// The first event about it.
    pub first_seen: Option<String>,
    /// The last event about it.
    pub last_seen: Option<String>,
    /// The last cryptographic use that succeeded.
    pub last_use: Option<String>,
    /// Cryptographic uses that succeeded.
    pub uses: u64,
    /// Cryptographic uses that failed.
    pub failed_uses: u64,
    /// How much is at stake now.
    pub risk: Risk,
    /// Why the risk is judged so.
    pub risk_because: String,
}

/// How much is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing runs against it.
    None,
    /// It can be put right by one call.
    Low,
    /// Out of use, or about to be.
    High,
    /// A clock runs towards loss, or the material is gone.
    Critical,
    /// Gone for ever.
    Lost,
}

/// One event of a key's life.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimelineEntry {
    /// When.
    pub time: String,
    /// `eventName`.
    pub action: String,
    /// The principal; `None` for a record that names nobody.
    pub principal: Option<String>,
    /// `errorCode`.
    pub error: Option<String>,
    /// The state before, where the event changes it.
    pub before: Option<KeyState>,
    /// The state after, where the event changes it.
    pub after: Option<KeyState>,
    /// What happened, in a few words.
    pub says: String,
    /// The record.
    pub evidence: Evidence,
}
