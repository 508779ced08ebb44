//! Connectors: where messages can go, as settings that are safe to show and to export.
//!
//! One file a type: its settings, what is checked about them, and how a message is handed over.

pub mod address;
pub mod email;
pub mod file;
mod http;
pub mod pagerduty;
pub mod slack;
pub mod sns;
pub mod webhook;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ConfigError;
use email::EmailConfig;
use file::FileConfig;
use pagerduty::PagerDutyConfig;
use slack::SlackConfig;
use sns::SnsConfig;
use webhook::WebhookConfig;

/// How long a delivery may take when the settings do not say.
pub(crate) const USUAL_TIMEOUT_SECONDS: u32 = 15;

/// A configured destination: `{"id": …, "name": …, "type": "slack", "config": {…}}`. Holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Connector {
    /// What actions call it; letters, digits, `-`, `_` and `.`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Messages to one that is not enabled are planned as any others; who keeps them does not send them, and says so.
    pub enabled: bool,
    /// What it is, and its settings.
    #[serde(flatten)]
    pub config: ConnectorConfig,
}

/// The types of connectors, and their settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", content = "config", rename_all = "lowercase")]
pub enum ConnectorConfig {
    /// An HTTP request.
    Webhook(WebhookConfig),
    /// A Slack incoming webhook.
    Slack(SlackConfig),
    /// PagerDuty, Events API v2.
    PagerDuty(PagerDutyConfig),
    /// E-mail by SMTP.
    Email(EmailConfig),
    /// An Amazon SNS topic.
    Sns(SnsConfig),
    /// A file of NDJSON.
    File(FileConfig),
}

/// The type of a connector, without its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorType {
    /// `webhook`
    Webhook,
    /// `slack`
    Slack,
    /// `pagerduty`
    PagerDuty,
    /// `email`
    Email,
    /// `sns`
    Sns,
    /// `file`
    File,
}

impl ConnectorType {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Webhook, Self::Slack, Self::PagerDuty, Self::Email, Self::Sns, Self::File];

    /// The name that settings use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::PagerDuty => "pagerduty",
            Self::Email => "email",
            Self::Sns => "sns",
            Self::File => "file",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    id: String,
    name: Option<String>,
    enabled: Option<bool>,
    r#type: ConnectorType,
    #[serde(default)]
    config: Value,
}

impl Connector {
    /// Reads and checks a connector. The name is the id when it is missing; `enabled` is true.
    ///
    /// # Errors
    /// What is wrong, where, and what to write instead; a secret that is written out is wrong, and is not repeated.
    pub fn from_json(value: &Value) -> Result<Self, ConfigError> {
        let id = value.get("id").and_then(Value::as_str).unwrap_or("without an id");
        let what = format!("connector {id}");
        let shape: Shape = read(value, &what, "")?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if shape.id.is_empty() || shape.id.len() > 100 || !shape.id.chars().all(allowed) {
            return Err(ConfigError::value(
                "connector: id",
                "must be 1 to 100 letters, digits, `-`, `_` or `.`",
            ));
        }
        let at = |setting: &str| format!("{what}: config.{setting}");
        let config = &shape.config;
        let config = match shape.r#type {
            ConnectorType::Webhook => {
                ConnectorConfig::Webhook(checked(config, &what, |c: &WebhookConfig| c.check(&at))?)
            }
            ConnectorType::Slack => {
                ConnectorConfig::Slack(checked(config, &what, |c: &SlackConfig| c.check(&at))?)
            }
            ConnectorType::PagerDuty => {
                ConnectorConfig::PagerDuty(checked(config, &what, |c: &PagerDutyConfig| c.check(&at))?)
            }
            ConnectorType::Email => {
                ConnectorConfig::Email(checked(config, &what, |c: &EmailConfig| c.check(&at))?)
            }
            ConnectorType::Sns => ConnectorConfig::Sns(checked(config, &what, |c: &SnsConfig| c.check(&at))?),
            ConnectorType::File => {
                ConnectorConfig::File(checked(config, &what, |c: &FileConfig| c.check(&at))?)
            }
        };
        let name = shape.name.unwrap_or_else(|| shape.id.clone());
        Ok(Self { id: shape.id, name, enabled: shape.enabled.unwrap_or(true), config })
    }

    /// Its type.
    pub fn connector_type(&self) -> ConnectorType {
        match self.config {
            ConnectorConfig::Webhook(_) => ConnectorType::Webhook,
            ConnectorConfig::Slack(_) => ConnectorType::Slack,
            ConnectorConfig::PagerDuty(_) => ConnectorType::PagerDuty,
            ConnectorConfig::Email(_) => ConnectorType::Email,
            ConnectorConfig::Sns(_) => ConnectorType::Sns,
            ConnectorConfig::File(_) => ConnectorType::File,
        }
    }
}

/// Reads a value into a serde shape, with the place in errors.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    value: &Value,
    what: &str,
    prefix: &str,
) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let place = match error.path().to_string() {
            path if path == "." => prefix.to_owned(),
            path if prefix.is_empty() => path,
            path => format!("{prefix}.{path}"),
        };
        let what = if place.is_empty() { what.to_owned() } else { format!("{what}: {place}") };
        ConfigError::Shape { what, source: error.into_inner() }
    })
}

fn checked<T: serde::de::DeserializeOwned>(
    config: &Value,
    what: &str,
    check: impl FnOnce(&T) -> Result<(), ConfigError>,
) -> Result<T, ConfigError> {
    let config = match config {
        Value::Null => &Value::Object(serde_json::Map::new()),
        config => config,
    };
    let config = read(config, what, "config")?;
    check(&config)?;
    Ok(config)
}

pub(crate) fn usual_timeout() -> u32 {
    USUAL_TIMEOUT_SECONDS
}

pub(crate) fn check_timeout(seconds: u32, at: impl Fn(&str) -> String) -> Result<(), ConfigError> {
    if (1..=300).contains(&seconds) {
        return Ok(());
    }
    Err(ConfigError::value(at("timeout_seconds"), "must be 1 to 300"))
}
