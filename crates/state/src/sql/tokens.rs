//! API tokens in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::any::AnyRow;

use super::SqlStore;
use super::audit_trail::{Change, record};
use super::row::{Fields, checked_id, milliseconds, optional_milliseconds, whole_milliseconds};
use crate::{Actor, ApiToken, ApiTokenDraft, ApiTokenStore, StateError};

const KIND: &str = "api_token";

#[async_trait]
impl ApiTokenStore for SqlStore {
    async fn add_token(
        &self,
        token: ApiTokenDraft,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ApiToken, StateError> {
        checked_id("token id", &token.id)?;
        checked_id("token name", &token.name)?;
        let is_hash = token.hash.len() == 64
            && token.hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !is_hash {
            let reason = "is not 64 lowercase hex digits".to_owned();
            return Err(StateError::Invalid { what: "hash of the token", reason });
        }
        let mut write = self.change().await?;
        let row = sqlx::query(
            "INSERT INTO api_tokens (id, name, role, hash, created, expires) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT DO NOTHING RETURNING *",
        )
        .bind(token.id)
        .bind(token.name)
        .bind(token.role.as_str())
        .bind(token.hash)
        .bind(milliseconds(now))
        .bind(optional_milliseconds(token.expires))
        .fetch_optional(&mut *write)
        .await?;
        let Some(row) = row else {
            let reason = "its id, name or hash is there already".to_owned();
            return Err(StateError::Invalid { what: "token", reason });
        };
        let token = stored(&row)?;
        let change = Change {
            action: "api_token.add",
            kind: KIND,
            id: &token.id,
            before: None,
            after: Some(shown(&token)),
        };
        record(&mut write, change, by, now).await?;
        write.commit().await?;
        Ok(token)
    }

    async fn token_by_hash(&self, hash: &str) -> Result<Option<ApiToken>, StateError> {
        let row = sqlx::query("SELECT * FROM api_tokens WHERE hash = $1")
            .bind(hash.to_owned())
            .fetch_optional(&mut *self.read().await?)
            .await?;
        row.as_ref().map(stored).transpose()
    }

    async fn tokens(&self) -> Result<Vec<ApiToken>, StateError> {
        let rows =
            sqlx::query("SELECT * FROM api_tokens ORDER BY id").fetch_all(&mut *self.read().await?).await?;
        rows.iter().map(stored).collect()
    }

    async fn revoke_token(&self, id: &str, by: &Actor, now: Timestamp) -> Result<ApiToken, StateError> {
        let mut write = self.change().await?;
        let row = sqlx::query("SELECT * FROM api_tokens WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(&mut *write)
            .await?;
        let before = row.as_ref().map(stored).transpose()?.ok_or_else(|| StateError::not_found(KIND, id))?;
        if before.revoked.is_some() {
            return Ok(before);
        }
        sqlx::query("UPDATE api_tokens SET revoked = $1 WHERE id = $2")
            .bind(milliseconds(now))
            .bind(id.to_owned())
            .execute(&mut *write)
            .await?;
        let after = ApiToken { revoked: Some(whole_milliseconds(now)?), ..before.clone() };
        let change = Change {
            action: "api_token.revoke",
            kind: KIND,
            id,
            before: Some(shown(&before)),
            after: Some(shown(&after)),
        };
        record(&mut write, change, by, now).await?;
        write.commit().await?;
        Ok(after)
    }
}

fn shown(token: &ApiToken) -> Value {
    json!({
        "name": token.name, "role": token.role.as_str(),
        "expires": token.expires.map(|at| at.to_string()), "revoked": token.revoked.map(|at| at.to_string()),
    })
}

fn stored(row: &AnyRow) -> Result<ApiToken, StateError> {
    Ok(ApiToken {
        id: row.text("id")?,
        name: row.text("name")?,
        role: row.word("role")?,
        created: row.time("created")?,
        expires: row.optional_time("expires")?,
        revoked: row.optional_time("revoked")?,
    })
}
