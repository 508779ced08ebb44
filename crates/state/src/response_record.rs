//! Responses at rest: who asked for what on which key, who agreed, and what came of it.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::word::words;
use crate::{Actor, Page, StateError};

words! {
    /// How far a response is.
    pub enum ResponseStatus ("response status") {
        /// Somebody asks for it.
        Requested = "requested",
        /// Somebody else has agreed.
        Approved = "approved",
        /// It is being carried out.
        Executing = "executing",
        /// It was called, and shows no effect yet.
        Executed = "executed",
        /// The key shows the effect.
        Confirmed = "confirmed",
        /// CloudTrail has the event of the call.
        Logged = "logged",
        /// It was so already.
        Unneeded = "unneeded",
        /// Somebody said no.
        Refused = "refused",
        /// Nobody agreed, or carried it out, in time.
        Expired = "expired",
        /// It could not be done.
        Failed = "failed",
    }
}

impl ResponseStatus {
    /// May it still lead to a call? Of one action on one key only one such response can be there.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::Approved | Self::Executing)
    }
}

/// What somebody asks for; it never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseDraft {
    /// Unique.
    pub id: String,
    /// `kibana.alert.uuid` of the alert that it answers.
    pub alert_id: String,
    /// The ARN of the key.
    pub key_arn: String,
    /// The call, for example `EnableKey`.
    pub action: String,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// The answer to whether a defender has disabled the key.
    pub disabled_by_defender: Option<String>,
    /// Who gave it.
    pub disabled_said_by: Option<String>,
}

/// How far it is; each step changes this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseProgress {
    /// How far.
    pub status: ResponseStatus,
    /// The first instant at which it is no longer valid.
    pub expires_at: Timestamp,
    /// Who agreed, or refused.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Who had it carried out.
    pub executed_by: Option<String>,
    /// When that began.
    pub executed_at: Option<Timestamp>,
    /// AWS's id of the call.
    pub request_id: Option<String>,
    /// When the key showed the effect.
    pub confirmed_at: Option<Timestamp>,
    /// The call's event in the log.
    pub event_id: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
}

/// A response as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseRecord {
    /// What somebody asked for.
    pub draft: ResponseDraft,
    /// How far it is.
    pub progress: ResponseProgress,
    /// 1 when it was requested, one more at each step.
    pub revision: i64,
    /// Of the newest step.
    pub updated_at: Timestamp,
}

/// Which responses. What is empty restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseFilter {
    /// In one of these states.
    pub statuses: Vec<ResponseStatus>,
    /// To this alert.
    pub alert_id: Option<String>,
    /// On this key.
    pub key_arn: Option<String>,
}

/// A place in the list: when it was requested, and its id.
pub type ResponsePosition = (Timestamp, String);

/// Responses. Each change is in the audit trail, as `response.` and what was done.
#[async_trait]
pub trait ResponseStore: Send + Sync {
    /// Keeps a request. [`StateError::InUse`] when another response with the same action on the same key is open, or this id is
    /// there already.
    async fn add_response(
        &self,
        draft: ResponseDraft,
        progress: ResponseProgress,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ResponseRecord, StateError>;

    /// Keeps a step, named `step` in the audit trail (`approve`, …). Of several at once one wins:
    /// [`StateError::RevisionConflict`] when the response has another revision by now, [`StateError::NotFound`] when there is
    /// none.
    async fn step_response(
        &self,
        id: &str,
        expected_revision: i64,
        step: &str,
        progress: ResponseProgress,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ResponseRecord, StateError>;

    /// One response.
    async fn response(&self, id: &str) -> Result<Option<ResponseRecord>, StateError>;

    /// Responses, the newest request first; `limit` at a time.
    async fn responses(
        &self,
        filter: &ResponseFilter,
        after: Option<&ResponsePosition>,
        limit: u32,
    ) -> Result<Page<ResponseRecord, ResponsePosition>, StateError>;
}
