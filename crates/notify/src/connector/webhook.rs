//! The webhook connector: one HTTP request a message, signed when there is a secret to sign with.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::address::{PlainOrSecret, check_address, names_a_secret};
use super::{check_timeout, http, usual_timeout};
use crate::error::ConfigError;
use crate::message::Message;
use crate::secret::SecretRef;
use crate::send::{Receipt, SendError, Sending};
use crate::signature;

/// Settings of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where to. One that holds a token or password must be a reference to a secret.
    pub url: PlainOrSecret,
    /// `POST` (the default) or `PUT`.
    #[serde(default)]
    pub method: WebhookMethod,
    /// More headers. Those whose names say so (`Authorization`, `X-Api-Key`, …) must be references to secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, PlainOrSecret>,
    /// HTTP's basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// With it each request carries a [signature].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<SecretRef>,
    /// Allows `http://` to other machines.
    #[serde(default)]
    pub allow_http: bool,
    /// How long the whole exchange may take: 1 to 300, 15 when missing.
    #[serde(default = "usual_timeout")]
    pub timeout_seconds: u32,
}

/// The methods of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum WebhookMethod {
    /// `POST`
    #[default]
    #[serde(rename = "POST", alias = "post")]
    Post,
    /// `PUT`
    #[serde(rename = "PUT", alias = "put")]
    Put,
}

/// A user and the reference to a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// Shown in exports.
    pub user: String,
    /// Where the password lies.
    pub password: SecretRef,
}

/// The header that is the same whenever the same message is sent again.
pub const DELIVERY_HEADER: &str = "bartizan-delivery";

impl WebhookConfig {
    pub(super) fn check(&self, at: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        self.url.check_as_address(at("url"), self.allow_http)?;
        check_timeout(self.timeout_seconds, at)?;
        for (name, value) in &self.headers {
            let what = at(&format!("headers.{name}"));
            if HeaderName::try_from(name.as_str()).is_err() {
                return Err(ConfigError::value(what, "is no name of an HTTP header"));
            }
            match value {
                PlainOrSecret::Plain(_) if names_a_secret(name) => {
                    return Err(ConfigError::value(
                        what,
                        "a secret must not be written here: put the header's whole value into an environment variable \
                         or a file, and write {\"env\": \"NAME\"} or {\"file\": \"/path\"}",
                    ));
                }
                PlainOrSecret::Plain(text) if HeaderValue::try_from(text.as_str()).is_err() => {
                    return Err(ConfigError::value(what, "cannot be sent: use ASCII without line breaks"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) async fn send(
        &self,
        body: &str,
        message: &Message,
        sending: &mut Sending<'_>,
    ) -> Result<Receipt, SendError> {
        let url = match &self.url {
            PlainOrSecret::Plain(text) => text.clone(),
            PlainOrSecret::Secret(reference) => sending.secret(reference)?,
        };
        let url = check_address(&url, self.allow_http)
            .map_err(|reason| SendError::invalid(format!("the address of the webhook {reason}")))?;
        sending.redaction.add_url(&url);
        let method = match self.method {
            WebhookMethod::Post => Method::POST,
            WebhookMethod::Put => Method::PUT,
        };
        let mut request = sending
            .transports
            .http
            .request(method, url)
            .header(CONTENT_TYPE, "application/json")
            .header(DELIVERY_HEADER, &message.key);
        if let Some(auth) = &self.basic_auth {
            request = request.basic_auth(&auth.user, Some(sending.secret(&auth.password)?));
        }
        if let Some(reference) = &self.signing_secret {
            let secret = sending.secret(reference)?;
            let signed = signature::sign(secret.as_bytes(), sending.now.as_second(), body.as_bytes());
            request = request.header(signature::HEADER, signed);
        }
        let mut request = request
            .body(body.to_owned())
            .build()
            .map_err(|error| SendError::invalid(error.without_url().to_string()))?;
        for (name, value) in &self.headers {
            let text = match value {
                PlainOrSecret::Plain(text) => text.clone(),
                PlainOrSecret::Secret(reference) => sending.secret(reference)?,
            };
            let (Ok(header), Ok(mut text)) =
                (HeaderName::try_from(name.as_str()), HeaderValue::try_from(text))
            else {
                return Err(SendError::invalid(format!("the header {name} cannot be sent")));
            };
            text.set_sensitive(true);
            request.headers_mut().insert(header, text);
        }
        let timeout = Duration::from_secs(self.timeout_seconds.into());
        let answer =
            http::exchange(&sending.transports.http, request, timeout, &sending.redaction, sending.now)
                .await?;
        Ok(Receipt::new(message, format!("HTTP {}", answer.status)))
    }
}
