//! Notifications that are to be sent: written with what they tell of, claimed, sent, or set aside in sight.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::word::words;
use crate::{Actor, Page, StateError};

words! {
    /// What became of a notification.
    pub enum NotificationState ("notification state") {
        /// To be sent.
        Pending = "pending",
        /// The destination took it.
        Sent = "sent",
        /// Given up; somebody must look.
        Dead = "dead",
        /// Not to be sent, because somebody wanted it so: its connector was switched off.
        Skipped = "skipped",
    }
}

/// Why a notification was skipped.
pub const CONNECTOR_SWITCHED_OFF: &str = "the connector was switched off";

/// A notification to send.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationDraft {
    /// Says what it is about; of two with the same key the second is dropped, for example `action id + alert id`.
    pub dedupe_key: String,
    /// The connector to send by.
    pub connector_id: String,
    /// The action that asked for it, if any.
    pub action_id: Option<String>,
    /// The rule that it tells of, if any.
    pub rule_id: Option<String>,
    /// The alert that it tells of, if it is one: in a commit it is dropped when that alert is not new.
    pub about_alert: Option<String>,
    /// What the connector needs to send it. No secrets.
    pub payload: Value,
    /// Not to be sent before; `None` for at once.
    pub not_before: Option<Timestamp>,
}

/// A notification as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Unique, rising.
    pub id: i64,
    /// What was to be sent; its `not_before` is when the next attempt is due, or a claim ends.
    pub draft: NotificationDraft,
    /// What became of it.
    pub state: NotificationState,
    /// How often it was claimed.
    pub attempts: i64,
    /// Why the last attempt failed, or why there was none.
    pub last_error: Option<String>,
    /// When it was written.
    pub created: Timestamp,
    /// When it was sent, given up or skipped.
    pub ended: Option<Timestamp>,
}

/// The outbox. Executions write to it by [`CommitStore`](crate::CommitStore).
///
/// A notification is sent at least once: who dies between sending and [`OutboxStore::mark_sent`] sends it again after the
/// claim's end; the destination can tell by the dedupe key.
///
/// One that is written while its connector is switched off is skipped at once, and stays so when the connector is switched on
/// again; those of a connector that is not there (any more) are pending.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Writes a notification outside of an execution. False when its dedupe key is there already.
    async fn add_notification(&self, draft: NotificationDraft, now: Timestamp) -> Result<bool, StateError>;

    /// Takes the oldest pending notifications that are due, for `claim`, with one attempt more. Two callers never have the
    /// same one at a time.
    async fn claim_due(
        &self,
        now: Timestamp,
        limit: u32,
        claim: SignedDuration,
    ) -> Result<Vec<Notification>, StateError>;

    /// It was sent. [`StateError::NotFound`] when there is none.
    async fn mark_sent(&self, id: i64, now: Timestamp) -> Result<(), StateError>;

    /// It failed and is to be tried again. One that was sent meanwhile stays sent.
    async fn mark_failed(&self, id: i64, error: &str, next_attempt: Timestamp) -> Result<(), StateError>;

    /// It is given up. One that was sent meanwhile stays sent.
    async fn mark_dead(&self, id: i64, error: &str, now: Timestamp) -> Result<(), StateError>;

    /// It is not sent, because its connector is switched off. One that is not pending any more stays as it is.
    async fn mark_skipped(&self, id: i64, now: Timestamp) -> Result<(), StateError>;

    /// One notification.
    async fn notification(&self, id: i64) -> Result<Option<Notification>, StateError>;

    /// Notifications in one state, newest first; `limit` at a time.
    async fn notifications(
        &self,
        state: NotificationState,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Page<Notification, i64>, StateError>;

    /// How many are in each state.
    async fn count_notifications(&self) -> Result<Vec<(NotificationState, u64)>, StateError>;

    /// When the action last wrote a notification (for this rule, if one is given); `None` for never. For throttles.
    async fn last_notified(
        &self,
        action_id: &str,
        rule_id: Option<&str>,
    ) -> Result<Option<Timestamp>, StateError>;

    /// Makes dead and skipped notifications pending again, due now, but those of connectors that are switched off. How many
    /// of the given were made so.
    async fn send_again(&self, ids: &[i64], by: &Actor, now: Timestamp) -> Result<u64, StateError>;

    /// Deletes notifications that were sent or skipped before an instant. How many. Their dedupe keys are free then.
    async fn delete_settled_before(&self, before: Timestamp) -> Result<u64, StateError>;
}
