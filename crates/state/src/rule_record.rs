//! Rules at rest: the text as given, whether it is enabled, and what is wrong with its newest version.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::word::words;
use crate::{Actor, StateError};

words! {
    /// How a rule's text is written.
    pub enum RuleFormat ("rule format") {
        /// A file of the public rule repository's shape, or of ours.
        Toml = "toml",
        /// A JSON object as Kibana's API and exports write it.
        Json = "json",
    }
}

/// A rule to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDraft {
    /// The rule's signature id.
    pub rule_id: String,
    /// Shown in lists.
    pub name: String,
    /// The text as given; it is not parsed here.
    pub source: String,
    /// How the text is written.
    pub format: RuleFormat,
    /// Where it came from: a path in the rules folder, or `import`, `api`.
    pub origin: String,
    /// `None` keeps what the store says of a rule it knows, and enables a new one.
    pub enabled: Option<bool>,
}

/// A rule as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRule {
    /// The rule's signature id.
    pub rule_id: String,
    /// Shown in lists.
    pub name: String,
    /// Does the scheduler run it?
    pub enabled: bool,
    /// The newest text that passed.
    pub source: String,
    /// How the text is written.
    pub format: RuleFormat,
    /// Where it came from.
    pub origin: String,
    /// 1 when created, one more whenever text, name, origin or `enabled` changes.
    pub revision: i64,
    /// SHA-256 of `source` in lowercase hex.
    pub content_hash: String,
    /// Of the newest change.
    pub updated_at: Timestamp,
    /// Who made it.
    pub updated_by: String,
    /// Why a newer text was not taken, while this one keeps running.
    pub fault: Option<String>,
}

/// Rules.
#[async_trait]
pub trait RuleStore: Send + Sync {
    /// Keeps a rule and clears its fault. Changes nothing (no revision, no audit entry) when all of it is there already.
    async fn put_rule(&self, rule: RuleDraft, by: &Actor, now: Timestamp) -> Result<StoredRule, StateError>;

    /// One rule.
    async fn rule(&self, rule_id: &str) -> Result<Option<StoredRule>, StateError>;

    /// All rules by rule id.
    async fn rules(&self) -> Result<Vec<StoredRule>, StateError>;

    /// Enables or disables a rule. [`StateError::NotFound`] when there is none.
    async fn set_rule_enabled(
        &self,
        rule_id: &str,
        enabled: bool,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredRule, StateError>;

    /// Notes (or, with `None`, clears) why a newer text was not taken. [`StateError::NotFound`] when there is no such rule.
    async fn set_rule_fault(
        &self,
        rule_id: &str,
        fault: Option<&str>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredRule, StateError>;

    /// Forgets a rule with its cursor and open gaps; its alerts and executions stay. False when there was none.
    async fn delete_rule(&self, rule_id: &str, by: &Actor, now: Timestamp) -> Result<bool, StateError>;
}
