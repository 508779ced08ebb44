//! Sending one message, and what its failure means: try again, or never.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::connector::{Connector, ConnectorConfig};
use crate::error::{ConfigError, SecretError};
use crate::message::{Content, Message};
use crate::secret::{SecretRef, Secrets};

/// How many characters of an answer an error shows.
pub const MAX_EXCERPT: usize = 300;

/// Proof that the other side took a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The message.
    pub key: String,
    /// The connector.
    pub connector_id: String,
    /// What the other side said, for example `HTTP 202` or `SNS message id …`.
    pub detail: String,
}

/// Why a message was not sent. Shows neither secrets nor more of an address than scheme, host and port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// A secret could not be had. Worth trying again: somebody may put it there.
    #[error("a secret of the connector is missing")]
    Secret(#[source] SecretError),
    /// No connection, or it broke. The other side may have taken the message all the same.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Scheme, host and port, or the name of a mail server.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// No answer in time. The other side may have taken the message all the same.
    #[error("{host} did not answer within {} s", timeout.as_secs())]
    TimedOut {
        /// Scheme, host and port, or the name of a mail server.
        host: String,
        /// How long we waited.
        timeout: Duration,
    },
    /// An answer that is not 2xx.
    #[error("{host} answered {status}: {excerpt}")]
    Refused {
        /// Scheme, host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer, in one line.
        excerpt: String,
        /// How long the other side wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// A mail server's negative answer.
    #[error("the mail server {host} answered: {reason}")]
    Smtp {
        /// Its name.
        host: String,
        /// The reply code, for example `550`.
        code: String,
        /// What it said.
        reason: String,
    },
    /// SNS did not take it.
    #[error("{topic} did not take the message: {reason}")]
    Sns {
        /// The topic.
        topic: String,
        /// The error's code; empty when there was no answer.
        code: String,
        /// What it said.
        reason: String,
        /// Whether it may take it later.
        is_retryable: bool,
    },
    /// The file could not be written.
    #[error("cannot write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The message cannot be sent through this connector, now or later, unless settings change.
    #[error("the message cannot be sent: {reason}")]
    Invalid {
        /// Why not.
        reason: String,
    },
}

impl SendError {
    pub(crate) fn invalid(reason: String) -> Self {
        Self::Invalid { reason }
    }

    /// May it work later? If not, the message belongs among the dead letters at once.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Secret(_) | Self::Unreachable { .. } | Self::TimedOut { .. } | Self::File { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429) || *status >= 500,
            // 4yz means later, 5yz never. Source: RFC 5321, section 4.2.1.
            Self::Smtp { code, .. } => code.starts_with('4'),
            Self::Sns { is_retryable, .. } => *is_retryable,
            Self::Invalid { .. } => false,
        }
    }

    /// How long the other side wants to be left alone, if it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The error and what caused it, in one line.
    pub fn full_text(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(inner) = source {
            text = format!("{text}: {inner}");
            source = inner.source();
        }
        text
    }
}

/// What messages are sent with; made once, shared by all.
#[derive(Debug, Clone)]
pub struct Transports {
    /// Made by [`http_client`], so that redirects are not followed.
    pub http: reqwest::Client,
    /// Credentials and, where it is not AWS's own, the endpoint; the region is the topic's.
    #[cfg(feature = "aws")]
    pub aws: Option<aws_types::SdkConfig>,
}

/// How HTTP requests are made.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// For example `http://proxy.example.org:3128`. Without one, none is used, whatever the environment says.
    pub proxy: Option<String>,
    /// Certificates in PEM that are trusted beside those of the machine.
    pub root_certificates_pem: Vec<Vec<u8>>,
}

/// An HTTP client that follows no redirect and reads no environment.
///
/// # Errors
/// The proxy or a certificate cannot be understood.
pub fn http_client(settings: &HttpSettings) -> Result<reqwest::Client, ConfigError> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("bartizan/", env!("CARGO_PKG_VERSION")))
        .no_proxy();
    if let Some(proxy) = &settings.proxy {
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|_| ConfigError::value("proxy", "is no address; write for example http://proxy:3128"))?;
        builder = builder.proxy(proxy);
    }
    for pem in &settings.root_certificates_pem {
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|_| ConfigError::value("certificates", "cannot be read: they must be PEM"))?;
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|error| ConfigError::value("HTTP", error.without_url().to_string()))
}

/// Sends one message, once. The other side may have taken it even when this fails: HTTP requests, mails and PagerDuty's
/// events carry the message's key, so that a receiver can tell.
///
/// `now` is the time of a mail and of a signature, and what a `Retry-After` with a date counts from.
///
/// # Errors
/// It was not taken, or nobody knows; [`SendError::is_retryable`] tells whether to try again.
pub async fn send(
    connector: &Connector,
    message: &Message,
    secrets: &dyn Secrets,
    transports: &Transports,
    now: Timestamp,
) -> Result<Receipt, SendError> {
    let mut sending = Sending { secrets, transports, redaction: Redaction::default(), now };
    match (&connector.config, &message.content) {
        (ConnectorConfig::Webhook(config), Content::Webhook { body }) => {
            config.send(body, message, &mut sending).await
        }
        (ConnectorConfig::Slack(config), Content::Slack { payload }) => {
            config.send(payload, message, &mut sending).await
        }
        (ConnectorConfig::PagerDuty(config), Content::PagerDuty { event }) => {
            config.send(event, message, &mut sending).await
        }
        (ConnectorConfig::Email(config), Content::Email(email)) => {
            config.send(email, message, &mut sending).await
        }
        #[cfg(feature = "aws")]
        (ConnectorConfig::Sns(config), Content::Sns { subject, text }) => {
            config.send(subject, text, message, &mut sending).await
        }
        #[cfg(not(feature = "aws"))]
        (ConnectorConfig::Sns(_), Content::Sns { .. }) => {
            Err(SendError::invalid("this program was built without AWS".to_owned()))
        }
        (ConnectorConfig::File(config), Content::File { documents }) => config.send(documents, message).await,
        _ => Err(SendError::invalid(format!(
            "it was made for a {} connector, and {} is a {} connector now",
            message.content.connector_type().name(),
            connector.id,
            connector.connector_type().name(),
        ))),
    }
}

/// What one delivery needs, and the secrets that it has used.
pub(crate) struct Sending<'a> {
    secrets: &'a dyn Secrets,
    pub(crate) transports: &'a Transports,
    pub(crate) redaction: Redaction,
    pub(crate) now: Timestamp,
}

impl Sending<'_> {
    pub(crate) fn secret(&mut self, reference: &SecretRef) -> Result<String, SendError> {
        let secret = self.secrets.resolve(reference).map_err(SendError::Secret)?;
        self.redaction.add(secret.expose());
        Ok(secret.expose().to_owned())
    }
}

/// The secrets that must not be shown, should the other side repeat them.
#[derive(Default)]
pub(crate) struct Redaction {
    secrets: Vec<String>,
}

impl Redaction {
    /// Shorter ones are no secrets, and would blot out words.
    const SHORTEST: usize = 4;

    pub(crate) fn add(&mut self, secret: &str) {
        if secret.len() >= Self::SHORTEST {
            self.secrets.push(secret.to_owned());
            // `a` is a part of `ab`: the longer goes first.
            self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// A path or query may be the secret by itself, and so may each part of them that is long enough to be one.
    pub(crate) fn add_url(&mut self, url: &Url) {
        self.add(url.path());
        self.add(url.query().unwrap_or_default());
        let values = url.query_pairs().map(|(_, value)| value.into_owned());
        let parts: Vec<String> = url.path().split('/').map(str::to_owned).chain(values).collect();
        for part in parts.iter().filter(|part| part.len() >= 6) {
            self.add(part);
        }
    }

    /// The beginning of a text in one line, without secrets and control characters.
    pub(crate) fn excerpt(&self, text: &str, characters: usize) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "[secret]");
        }
        let words: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        crate::message::shortened(&words.split_whitespace().collect::<Vec<_>>().join(" "), characters)
    }
}

impl Receipt {
    pub(crate) fn new(message: &Message, detail: String) -> Self {
        Self { key: message.key.clone(), connector_id: message.connector_id.clone(), detail }
    }
}
