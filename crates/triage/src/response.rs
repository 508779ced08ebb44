//! What to do about an alert: steps and commands to copy. Nothing here does any of it.

use serde::Serialize;

/// What to do, in order.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ResponsePlan {
    /// The steps.
    pub steps: Vec<ResponseStep>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResponseStep {
    /// What to do.
    pub title: String,
    /// Why, and what to mind: whole sentences.
    pub why: Vec<String>,
    /// Commands of the AWS CLI, or policies, to copy.
    pub commands: Vec<String>,
    /// What `bartizan respond` can do, with its guards; `None` when only people should.
    pub action: Option<ResponseAction>,
    /// Set when somebody has to decide something first.
    pub ask: Option<String>,
}

/// What Bartizan can do itself, once two people agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum ResponseAction {
    /// Stops a scheduled deletion; leaves the key disabled.
    CancelKeyDeletion,
    /// Switches a key on.
    EnableKey,
}
