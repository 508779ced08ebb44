//! What the evidence amounts to, by written rules: no model, and every reason listed.

use serde::Serialize;

/// The rules of the verdict; a new number whenever the same evidence may be judged otherwise.
pub const VERDICT_VERSION: u32 = 1;

/// What the evidence amounts to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// In short.
    pub level: VerdictLevel,
    /// Which rules judged.
    pub version: u32,
    /// What speaks for an attack.
    pub for_attack: Vec<Reason>,
    /// What speaks against it.
    pub against_attack: Vec<Reason>,
    /// Exceptions that the evidence suggests. Nothing is ever applied by itself.
    pub exceptions: Vec<ProposedException>,
}

/// What the evidence amounts to, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictLevel {
    /// It looks like an attack.
    MaliciousLooking,
    /// A human has to decide.
    NeedsHuman,
    /// It looks like planned work.
    Expected,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// A stable name, such as `shortest_window`.
    pub name: String,
    /// How much it counts, 1 to 10.
    pub weight: u8,
    /// A whole sentence.
    pub says: String,
}

/// An exception item that would have kept the alert away.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposedException {
    /// What to call it.
    pub name: String,
    /// Entries as in an exception item: field, operator and value; all must hold.
    pub entries: Vec<ProposedEntry>,
    /// Alerts of the same rule in the data at hand that it would have hidden, this one included.
    pub hides: u64,
    /// Of those, alerts that are not judged as expected: a reason not to take it.
    pub hides_suspicious: u64,
    /// A whole sentence.
    pub says: String,
}

/// An entry of a proposed exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProposedEntry {
    /// The field.
    pub field: String,
    /// The value that it has to have.
    pub value: String,
}
