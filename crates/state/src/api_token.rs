//! API tokens at rest: never the token, only its SHA-256.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::word::words;
use crate::{Actor, StateError};

words! {
    /// What the holder of a token may do. Each may do what those before it may.
    pub enum Role ("role") {
        /// Look.
        Viewer = "viewer",
        /// Work on alerts.
        Analyst = "analyst",
        /// Change rules, connectors and tokens.
        Admin = "admin",
    }
}

/// A token to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenDraft {
    /// Unique; not secret.
    pub id: String,
    /// Unique; named in the audit trail.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// SHA-256 of the token in lowercase hex.
    pub hash: String,
    /// From then on it is refused; `None` for never.
    pub expires: Option<Timestamp>,
}

/// A token as stored, without its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Unique.
    pub id: String,
    /// Named in the audit trail.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// When it was made.
    pub created: Timestamp,
    /// From then on it is refused.
    pub expires: Option<Timestamp>,
    /// Since when it is refused.
    pub revoked: Option<Timestamp>,
}

impl ApiToken {
    /// Is it neither revoked nor expired?
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

/// API tokens.
#[async_trait]
pub trait ApiTokenStore: Send + Sync {
    /// Keeps a token. [`StateError::Invalid`] when id, name or hash are there already, or the hash is no SHA-256.
    async fn add_token(
        &self,
        token: ApiTokenDraft,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ApiToken, StateError>;

    /// The token with this hash, valid or not: ask [`ApiToken::is_valid`].
    async fn token_by_hash(&self, hash: &str) -> Result<Option<ApiToken>, StateError>;

    /// All tokens by id.
    async fn tokens(&self) -> Result<Vec<ApiToken>, StateError>;

    /// Revokes a token; one that is revoked stays so from when it was. [`StateError::NotFound`] when there is none.
    async fn revoke_token(&self, id: &str, by: &Actor, now: Timestamp) -> Result<ApiToken, StateError>;
}
