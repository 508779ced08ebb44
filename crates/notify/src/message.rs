//! A message: what one action says on one occasion through one connector, rendered and ready to send. Holds no secret.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::connector::ConnectorType;
use jiff::Timestamp;

/// A message as it waits to be sent. Stored and read back as JSON without loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The same connector, action and alerts give the same key, whenever and however often they are planned: 32 hex digits.
    /// A message whose key was seen before must not be sent.
    pub key: String,
    /// Which connector sends it.
    pub connector_id: String,
    /// Which action it belongs to.
    pub action_id: String,
    /// The stable name of the rule.
    pub rule_id: String,
    /// The execution that made the alerts, or the newest of them.
    pub execution_id: String,
    /// The alerts that it is about, in the order in which they were made.
    pub alert_ids: Vec<String>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// What is sent.
    pub content: Content,
    /// What the reader of the outbox should know, for example that a text was cut. Not sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What is sent, by type of connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Content {
    /// The body of a request.
    Webhook {
        /// JSON, unless the action's template makes something else.
        body: String,
    },
    /// The payload of an incoming webhook.
    Slack {
        /// With `text`, and mostly `blocks`.
        payload: Value,
    },
    /// An event of the Events API v2.
    PagerDuty {
        /// Without `routing_key`, which is secret.
        event: Value,
    },
    /// A mail.
    Email(Email),
    /// A message to a topic.
    Sns {
        /// At most 100 characters of ASCII.
        subject: String,
        /// At most 256 KiB.
        text: String,
    },
    /// Lines of a file.
    File {
        /// One line each.
        documents: Vec<Value>,
    },
}

/// What a mail says, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Nobody here, in `cc` and in `bcc`: those whom the connector names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Copies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// Copies that the others do not see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<String>,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The same as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
}

impl Content {
    /// The type of connector that can send it.
    pub fn connector_type(&self) -> ConnectorType {
        match self {
            Self::Webhook { .. } => ConnectorType::Webhook,
            Self::Slack { .. } => ConnectorType::Slack,
            Self::PagerDuty { .. } => ConnectorType::PagerDuty,
            Self::Email(_) => ConnectorType::Email,
            Self::Sns { .. } => ConnectorType::Sns,
            Self::File { .. } => ConnectorType::File,
        }
    }
}

/// The key of the message about these alerts; their order does not count.
pub fn message_key(connector_id: &str, action_id: &str, alert_ids: &[String]) -> String {
    let mut ids: Vec<&str> = alert_ids.iter().map(String::as_str).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut digest = Sha256::new();
    for part in [connector_id, action_id].into_iter().chain(ids) {
        digest.update(part.len().to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// At most so many characters; what is cut leaves `…` behind.
pub(crate) fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}
