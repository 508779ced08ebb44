//! Alerts become messages: connectors, actions, templates.
//!
//! ```text
//!   Action, Connector ──▶ PreparedAction ─┐
//!   new alerts, rule, execution, states ──┴▶ plan ─▶ Plan { messages, held, states }      pure; stored in one transaction
//!                                                       │
//!   Message (rendered, with a stable key, without secrets) ──send──▶ Receipt, or SendError: try again or never
//!                                                              RetryPolicy::next_attempt ─▶ when, or a dead letter
//! ```
//!
//! Invariant: planning the same alerts again gives the same keys, so that nobody is told twice.
//! Invariant: settings, messages and errors hold no secret; references are resolved while a message is sent, by the caller.
//! Invariant: nothing here reads a clock or the environment.
//! Invariant: each new alert is in a message of each action of its rule, or among the alerts held with a reason.

pub mod action;
mod alert_filter;
mod compose;
pub mod connector;
pub mod context;
mod default_content;
mod description;
pub mod error;
pub mod hours;
pub mod message;
pub mod plan;
pub mod retry;
pub mod secret;
pub mod send;
pub mod signature;
pub mod template;
mod test_message;

pub use action::{Action, PreparedAction};
pub use connector::{Connector, ConnectorConfig, ConnectorType};
pub use context::{Execution, RuleFacts};
pub use error::{ConfigError, SecretError, TemplateError};
pub use message::{Content, Email, Message, message_key};
pub use plan::{ActionState, Held, HeldReason, Occasion, Plan, plan, waiting_and_due};
pub use retry::RetryPolicy;
pub use secret::{Secret, SecretRef, Secrets};
pub use send::{HttpSettings, Receipt, SendError, Transports, http_client, send};
pub use test_message::test_message;
