//! The PagerDuty connector: Events API v2.
//!
//! Source: <https://developer.pagerduty.com/docs/send-alert-event>. An event with the `dedup_key` of one before adds to its
//! incident, so that sending again does no harm.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::check_plain_address;
use super::{check_timeout, http, usual_timeout};
use crate::error::ConfigError;
use crate::message::Message;
use crate::secret::SecretRef;
use crate::send::{Receipt, SendError, Sending};

/// Settings of a PagerDuty service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagerDutyConfig {
    /// Where the integration key of the service lies, also called routing key.
    pub routing_key: SecretRef,
    /// `https://events.pagerduty.com/v2/enqueue` when missing; `https://events.eu.pagerduty.com/v2/enqueue` in Europe.
    #[serde(default = "usual_url")]
    pub url: String,
    /// How long the whole exchange may take: 1 to 300, 15 when missing.
    #[serde(default = "usual_timeout")]
    pub timeout_seconds: u32,
}

fn usual_url() -> String {
    "https://events.pagerduty.com/v2/enqueue".to_owned()
}

impl PagerDutyConfig {
    /// This one address is no secret: the key is in the body.
    fn address(&self) -> Result<reqwest::Url, &'static str> {
        let is_usual =
            ["https://events.pagerduty.com/v2/enqueue", "https://events.eu.pagerduty.com/v2/enqueue"]
                .contains(&self.url.as_str());
        if is_usual {
            super::address::check_address(&self.url, false)
        } else {
            check_plain_address(&self.url, false)
        }
    }

    pub(super) fn check(&self, at: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        check_timeout(self.timeout_seconds, at)?;
        self.address().map(drop).map_err(|reason| ConfigError::value(at("url"), reason))
    }

    pub(crate) async fn send(
        &self,
        event: &Value,
        message: &Message,
        sending: &mut Sending<'_>,
    ) -> Result<Receipt, SendError> {
        let url = self
            .address()
            .map_err(|reason| SendError::invalid(format!("the address of PagerDuty {reason}")))?;
        let mut event = event.clone();
        if let Value::Object(event) = &mut event {
            event.insert("routing_key".to_owned(), sending.secret(&self.routing_key)?.into());
        }
        let request = sending
            .transports
            .http
            .post(url)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(event.to_string())
            .build()
            .map_err(|error| SendError::invalid(error.without_url().to_string()))?;
        let timeout = Duration::from_secs(self.timeout_seconds.into());
        let answer =
            http::exchange(&sending.transports.http, request, timeout, &sending.redaction, sending.now)
                .await?;
        let key = serde_json::from_str::<Value>(&answer.body).ok();
        let key = key.as_ref().and_then(|answer| answer.get("dedup_key")).and_then(Value::as_str);
        let shown = key.map(|key| format!(", dedup_key {}", sending.redaction.excerpt(key, 100)));
        Ok(Receipt::new(message, format!("HTTP {}{}", answer.status, shown.unwrap_or_default())))
    }
}
