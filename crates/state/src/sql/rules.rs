//! Rules in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::SqlStore;
use super::audit_trail::{Change, hex, record};
use super::row::{Fields, checked_id, free_text, whole_milliseconds};
use super::write::Write;
use crate::{Actor, RuleDraft, RuleStore, StateError, StoredRule};

const KIND: &str = "rule";

#[async_trait]
impl RuleStore for SqlStore {
    async fn put_rule(&self, rule: RuleDraft, by: &Actor, now: Timestamp) -> Result<StoredRule, StateError> {
        checked_id("rule id", &rule.rule_id)?;
        let mut write = self.change().await?;
        let before = find(&mut write, &rule.rule_id).await?;
        let source = free_text(&rule.source);
        let after = StoredRule {
            enabled: rule.enabled.or(before.as_ref().map(|before| before.enabled)).unwrap_or(true),
            name: free_text(&rule.name),
            content_hash: hex(&Sha256::digest(&source)),
            source,
            format: rule.format,
            origin: free_text(&rule.origin),
            revision: before.as_ref().map_or(0, |before| before.revision),
            updated_at: before.as_ref().map_or(now, |before| before.updated_at),
            updated_by: before.as_ref().map_or_else(String::new, |before| before.updated_by.clone()),
            fault: None,
            rule_id: rule.rule_id,
        };
        if let Some(before) = before.as_ref().filter(|before| **before == after) {
            return Ok(before.clone());
        }
        save(write, "rule.put", before, after, by, now).await
    }

    async fn rule(&self, rule_id: &str) -> Result<Option<StoredRule>, StateError> {
        find(&mut *self.read().await?, rule_id).await
    }

    async fn rules(&self) -> Result<Vec<StoredRule>, StateError> {
        let rows =
            sqlx::query("SELECT * FROM rules ORDER BY rule_id").fetch_all(&mut *self.read().await?).await?;
        rows.iter().map(stored).collect()
    }

    async fn set_rule_enabled(
        &self,
        rule_id: &str,
        enabled: bool,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredRule, StateError> {
        let mut write = self.change().await?;
        let before = needed(&mut write, rule_id).await?;
        if before.enabled == enabled {
            return Ok(before);
        }
        let after = StoredRule { enabled, ..before.clone() };
        let action = if enabled { "rule.enable" } else { "rule.disable" };
        save(write, action, Some(before), after, by, now).await
    }

    async fn set_rule_fault(
        &self,
        rule_id: &str,
        fault: Option<&str>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<StoredRule, StateError> {
        let mut write = self.change().await?;
        let before = needed(&mut write, rule_id).await?;
        let fault = fault.map(free_text);
        if before.fault == fault {
            return Ok(before);
        }
        // The rule itself is as it was: no revision.
        let after = StoredRule { fault, revision: before.revision - 1, ..before.clone() };
        save(write, "rule.fault", Some(before), after, by, now).await
    }

    async fn delete_rule(&self, rule_id: &str, by: &Actor, now: Timestamp) -> Result<bool, StateError> {
        let mut write = self.change().await?;
        let Some(before) = find(&mut write, rule_id).await? else { return Ok(false) };
        for statement in [
            "DELETE FROM cursors WHERE rule_id = $1",
            "DELETE FROM gaps WHERE rule_id = $1 AND state <> 'filled'",
            "DELETE FROM rules WHERE rule_id = $1",
        ] {
            sqlx::query(statement).bind(rule_id.to_owned()).execute(&mut *write).await?;
        }
        let change = Change {
            action: "rule.delete",
            kind: KIND,
            id: rule_id,
            before: Some(shown(&before, true)),
            after: None,
        };
        record(&mut write, change, by, now).await?;
        write.commit().await?;
        Ok(true)
    }
}

async fn find(connection: &mut AnyConnection, rule_id: &str) -> Result<Option<StoredRule>, StateError> {
    let row = sqlx::query("SELECT * FROM rules WHERE rule_id = $1")
        .bind(rule_id.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(stored).transpose()
}

async fn needed(connection: &mut AnyConnection, rule_id: &str) -> Result<StoredRule, StateError> {
    find(connection, rule_id).await?.ok_or_else(|| StateError::not_found(KIND, rule_id))
}

async fn save(
    mut write: Write,
    action: &str,
    before: Option<StoredRule>,
    after: StoredRule,
    by: &Actor,
    now: Timestamp,
) -> Result<StoredRule, StateError> {
    let after = StoredRule {
        revision: after.revision + 1,
        updated_at: whole_milliseconds(now)?,
        updated_by: by.name().to_owned(),
        ..after
    };
    sqlx::query(
        "INSERT INTO rules (rule_id, name, enabled, source, format, origin, revision, content_hash, updated_at,
             updated_by, fault) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (rule_id) DO UPDATE SET name = excluded.name, enabled = excluded.enabled,
             source = excluded.source, format = excluded.format, origin = excluded.origin,
             revision = excluded.revision, content_hash = excluded.content_hash, updated_at = excluded.updated_at,
             updated_by = excluded.updated_by, fault = excluded.fault",
    )
    .bind(after.rule_id.clone())
    .bind(after.name.clone())
    .bind(i64::from(after.enabled))
    .bind(after.source.clone())
    .bind(after.format.as_str())
    .bind(after.origin.clone())
    .bind(after.revision)
    .bind(after.content_hash.clone())
    .bind(after.updated_at.as_millisecond())
    .bind(after.updated_by.clone())
    .bind(after.fault.clone())
    .execute(&mut *write)
    .await?;
    let change = Change {
        action,
        kind: KIND,
        id: &after.rule_id,
        before: before.as_ref().map(|before| shown(before, before.content_hash != after.content_hash)),
        after: Some(shown(&after, false)),
    };
    record(&mut write, change, by, now).await?;
    write.commit().await?;
    Ok(after)
}

/// As the audit trail shows it; the text only where it is gone otherwise.
fn shown(rule: &StoredRule, with_source: bool) -> Value {
    let mut value = json!({
        "name": rule.name, "enabled": rule.enabled, "format": rule.format.as_str(), "origin": rule.origin,
        "revision": rule.revision, "content_hash": rule.content_hash, "fault": rule.fault,
    });
    if with_source {
        value["source"] = Value::from(rule.source.clone());
    }
    value
}

fn stored(row: &AnyRow) -> Result<StoredRule, StateError> {
    Ok(StoredRule {
        rule_id: row.text("rule_id")?,
        name: row.text("name")?,
        enabled: row.integer("enabled")? != 0,
        source: row.text("source")?,
        format: row.word("format")?,
        origin: row.text("origin")?,
        revision: row.integer("revision")?,
        content_hash: row.text("content_hash")?,
        updated_at: row.time("updated_at")?,
        updated_by: row.text("updated_by")?,
        fault: row.optional_text("fault")?,
    })
}
