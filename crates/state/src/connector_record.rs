//! Connectors at rest: configured destinations of notifications, with references to their secrets.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::{Actor, StateError};

/// A connector to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectorDraft {
    /// Unique.
    pub id: String,
    /// Shown in lists.
    pub name: String,
    /// `None` keeps what the store says of a connector it knows, and switches a new one on.
    pub enabled: Option<bool>,
    /// What it speaks, for example `webhook`, `slack`.
    pub connector_type: String,
    /// Its settings. Secrets in it must be references (to a variable or file), never the secret: it is shown, exported and
    /// audited as it is.
    pub config: Value,
}

/// A connector as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConnector {
    /// Unique.
    pub id: String,
    /// Shown in lists.
    pub name: String,
    /// False: it sends nothing, and notifications for it are [skipped](crate::NotificationState::Skipped).
    pub enabled: bool,
    /// What it speaks.
    pub connector_type: String,
    /// Its settings, with references to secrets.
    pub config: Value,
    /// 1 when created, one more at each change.
    pub revision: i64,
    /// Of the newest change.
    pub updated_at: Timestamp,
    /// Who made it.
    pub updated_by: String,
}

/// Connectors. For `expected_revision` see [`ExceptionStore`](crate::ExceptionStore).
#[async_trait]
pub trait ConnectorStore: Send + Sync {
    /// Keeps a connector. One that is switched off by it skips its pending notifications, in the same transaction.
    async fn put_connector(
        &self,
        connector: ConnectorDraft,
        expected_revision: Option<i64>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredConnector, StateError>;

    /// One connector.
    async fn connector(&self, id: &str) -> Result<Option<StoredConnector>, StateError>;

    /// Switches a connector on or off, as [`ConnectorStore::put_connector`] does. Changes nothing (no revision, no audit
    /// entry) when it is so already. [`StateError::NotFound`] when there is none.
    async fn set_connector_enabled(
        &self,
        id: &str,
        enabled: bool,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredConnector, StateError>;

    /// All connectors by id.
    async fn connectors(&self) -> Result<Vec<StoredConnector>, StateError>;

    /// Deletes a connector. False when there was none; [`StateError::InUse`] while an action names it.
    async fn delete_connector(&self, id: &str, by: &Actor, now: Timestamp) -> Result<bool, StateError>;
}
