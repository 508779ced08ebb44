//! `[respond]`: whether and how this server may act on keys.

use ecs::Interval;
use jiff::SignedDuration;
use respond::{AwsSettings, RoleTemplate};
use serde::Deserialize;

use crate::error::ServerError;

/// `[respond]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RespondSettings {
    /// May approved responses be carried out? Requests, approvals and dry runs are possible without.
    pub enabled: bool,
    /// The role that is assumed for the two calls, with `{partition}` and `{account}` for those of the key.
    pub role_arn: Option<RoleTemplate>,
    /// The role that is assumed to read the state of a key.
    pub read_role_arn: Option<RoleTemplate>,
    /// How long a request may wait for its approval, for example `4h`.
    pub request_valid: String,
    /// How long an approval may wait to be carried out, for example `30m`.
    pub approval_valid: String,
    /// Principals whose `DisableKey` is a defender's act, with `*` for any text: such a key is never enabled here.
    pub defenders: Vec<String>,
    /// A profile of the shared files of AWS, instead of `AWS_PROFILE`.
    pub profile: Option<String>,
    /// Instead of `AWS_ENDPOINT_URL`.
    pub endpoint_url: Option<String>,
}

impl Default for RespondSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            role_arn: None,
            read_role_arn: None,
            request_valid: "4h".to_owned(),
            approval_valid: "30m".to_owned(),
            defenders: Vec::new(),
            profile: None,
            endpoint_url: None,
        }
    }
}

impl RespondSettings {
    /// How long a request is valid.
    ///
    /// # Errors
    /// When the setting is no time from one minute to 30 days.
    pub fn request_valid(&self) -> Result<SignedDuration, ServerError> {
        span("request_valid", &self.request_valid)
    }

    /// How long an approval is valid.
    ///
    /// # Errors
    /// When the setting is no time from one minute to 30 days.
    pub fn approval_valid(&self) -> Result<SignedDuration, ServerError> {
        span("approval_valid", &self.approval_valid)
    }

    /// What clients for AWS are made of.
    pub fn aws(&self) -> AwsSettings {
        AwsSettings {
            profile: self.profile.clone(),
            endpoint_url: self.endpoint_url.clone(),
            read_role_arn: self.read_role_arn.clone(),
            role_arn: self.role_arn.clone(),
        }
    }
}

fn span(name: &str, text: &str) -> Result<SignedDuration, ServerError> {
    let length = text.parse::<Interval>().ok().map(Interval::as_duration);
    let allowed = SignedDuration::from_mins(1)..=SignedDuration::from_hours(24 * 30);
    length
        .filter(|length| allowed.contains(length))
        .ok_or_else(|| ServerError::BadRequest(format!("respond.{name}: `{text}` is no time from 1m to 30d")))
}
