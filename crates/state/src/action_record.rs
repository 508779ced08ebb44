//! Actions at rest: the use of a connector by some rules, or by every rule.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::word::words;
use crate::{Actor, StateError};

words! {
    /// What one notification is about.
    pub enum ActionFrequency ("action frequency") {
        /// One alert.
        PerAlert = "per_alert",
        /// All new alerts of an execution, or of the throttle's interval.
        Summary = "summary",
    }
}

/// An action to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionDraft {
    /// Unique.
    pub id: String,
    /// Of which rules, each once; none for the alerts of every rule. The rules need not exist (yet).
    pub rule_ids: Vec<String>,
    /// Where it sends to.
    pub connector_id: String,
    /// What one notification is about.
    pub frequency: ActionFrequency,
    /// At least so many seconds between two notifications; `None` for no throttle.
    pub throttle_seconds: Option<i64>,
    /// KQL over the alert's document; `None` for every alert. It is not parsed here.
    pub filter: Option<String>,
    /// The connector's parameters and templates.
    pub params: Value,
}

/// An action as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAction {
    /// What was given.
    pub action: ActionDraft,
    /// 1 when created, one more at each change.
    pub revision: i64,
    /// Of the newest change.
    pub updated_at: Timestamp,
    /// Who made it.
    pub updated_by: String,
}

/// Actions. For `expected_revision` see [`ExceptionStore`](crate::ExceptionStore).
#[async_trait]
pub trait ActionStore: Send + Sync {
    /// Keeps an action. [`StateError::NotFound`] when its connector does not exist.
    async fn put_action(
        &self,
        action: ActionDraft,
        expected_revision: Option<i64>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredAction, StateError>;

    /// One action.
    async fn action(&self, id: &str) -> Result<Option<StoredAction>, StateError>;

    /// All actions by id.
    async fn actions(&self) -> Result<Vec<StoredAction>, StateError>;

    /// The actions that an alert of this rule calls for, by id: those that name it, and those of every rule.
    async fn actions_for_rule(&self, rule_id: &str) -> Result<Vec<StoredAction>, StateError>;

    /// Deletes an action. False when there was none.
    async fn delete_action(&self, id: &str, by: &Actor, now: Timestamp) -> Result<bool, StateError>;
}
