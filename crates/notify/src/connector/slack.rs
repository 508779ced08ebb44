//! The Slack connector: an incoming webhook.
//!
//! Source: <https://api.slack.com/messaging/webhooks>; its limits: <https://api.slack.com/docs/rate-limits>.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::check_address;
use super::{check_timeout, http, usual_timeout};
use crate::error::ConfigError;
use crate::message::Message;
use crate::secret::SecretRef;
use crate::send::{Receipt, SendError, Sending};

/// Settings of a Slack incoming webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackConfig {
    /// The webhook's address. It holds a token, so it must be a reference to a secret.
    pub url: SecretRef,
    /// How long the whole exchange may take: 1 to 300, 15 when missing.
    #[serde(default = "usual_timeout")]
    pub timeout_seconds: u32,
}

impl SlackConfig {
    pub(super) fn check(&self, at: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        check_timeout(self.timeout_seconds, at)
    }

    pub(crate) async fn send(
        &self,
        payload: &Value,
        message: &Message,
        sending: &mut Sending<'_>,
    ) -> Result<Receipt, SendError> {
        let url = check_address(&sending.secret(&self.url)?, false)
            .map_err(|reason| SendError::invalid(format!("the address of the Slack webhook {reason}")))?;
        sending.redaction.add_url(&url);
        let request = sending
            .transports
            .http
            .post(url)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(payload.to_string())
            .build()
            .map_err(|error| SendError::invalid(error.without_url().to_string()))?;
        let timeout = Duration::from_secs(self.timeout_seconds.into());
        let answer =
            http::exchange(&sending.transports.http, request, timeout, &sending.redaction, sending.now)
                .await?;
        Ok(Receipt::new(message, format!("HTTP {}", answer.status)))
    }
}
