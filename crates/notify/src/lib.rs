//! Alerts become messages: connectors, actions, templates.

pub mod connector;
pub mod error;
pub mod message;
pub mod retry;
pub mod secret;
pub mod send;
pub mod signature;
pub mod template;

pub use connector::{Connector, ConnectorConfig, ConnectorType};
pub use error::{ConfigError, SecretError, TemplateError};
pub use message::{Content, Email, Message, message_key};
pub use retry::RetryPolicy;
pub use secret::{Secret, SecretRef, Secrets};
pub use send::{HttpSettings, Receipt, SendError, Transports, http_client, send};
