//! Alerts become messages: connectors, actions, templates.

pub mod error;
pub mod secret;
pub mod template;

pub use error::{ConfigError, SecretError, TemplateError};
pub use secret::{Secret, SecretRef, Secrets};
