//! The tables, as an ordered list of migrations of which each runs once.

use sqlx::{AssertSqlSafe, Executor, Row};

use super::SqlStore;
use crate::StateError;

/// Each entry takes the schema one version further. Entries are never changed once released, only added.
pub(super) const MIGRATIONS: &[&[&str]] = &[FIRST, RESPONSES, SWITCHES_AND_RULE_LISTS];

const FIRST: &[&str] = &[
    "CREATE TABLE rules (rule_id {text} PRIMARY KEY, name {text} NOT NULL, enabled {int} NOT NULL,
        source {text} NOT NULL, format {text} NOT NULL, origin {text} NOT NULL, revision {int} NOT NULL,
        content_hash {text} NOT NULL, updated_at {int} NOT NULL, updated_by {text} NOT NULL, fault {text})",
    "CREATE TABLE documents (kind {text} NOT NULL, list_id {text} NOT NULL, id {text} NOT NULL,
        document {text} NOT NULL, revision {int} NOT NULL, updated_at {int} NOT NULL, updated_by {text} NOT NULL,
        PRIMARY KEY (kind, list_id, id))",
    "CREATE TABLE value_list_values (list_id {text} NOT NULL, value {text} NOT NULL, PRIMARY KEY (list_id, value))",
    "CREATE TABLE connectors (id {text} PRIMARY KEY, name {text} NOT NULL, connector_type {text} NOT NULL,
        config {text} NOT NULL, revision {int} NOT NULL, updated_at {int} NOT NULL, updated_by {text} NOT NULL)",
    "CREATE TABLE actions (id {text} PRIMARY KEY, rule_id {text},
        connector_id {text} NOT NULL REFERENCES connectors (id), frequency {text} NOT NULL, throttle_seconds {int},
        filter {text}, params {text} NOT NULL, revision {int} NOT NULL, updated_at {int} NOT NULL,
        updated_by {text} NOT NULL)",
    "CREATE TABLE alerts (id {text} PRIMARY KEY, rule_id {text} NOT NULL, rule_uuid {text} NOT NULL,
        severity {text} NOT NULL, risk_score {real} NOT NULL, timestamp {int} NOT NULL, original_time {int},
        execution_id {text}, document {text} NOT NULL, status {text} NOT NULL, reason {text},
        assignees {text} NOT NULL, tags {text} NOT NULL, revision {int} NOT NULL, updated_at {int} NOT NULL,
        updated_by {text})",
    "CREATE INDEX alerts_by_time ON alerts (timestamp DESC, id)",
    "CREATE INDEX alerts_by_rule ON alerts (rule_id, timestamp DESC)",
    "CREATE INDEX alerts_by_execution ON alerts (execution_id)",
    "CREATE TABLE alert_notes (id {id}, alert_id {text} NOT NULL REFERENCES alerts (id), author {text} NOT NULL,
        time {int} NOT NULL, text {text} NOT NULL)",
    "CREATE INDEX alert_notes_by_alert ON alert_notes (alert_id, id)",
    "CREATE TABLE executions (id {text} PRIMARY KEY, rule_id {text} NOT NULL, kind {text} NOT NULL,
        tick {int} NOT NULL, window_from {int} NOT NULL, window_to {int} NOT NULL, started {int} NOT NULL,
        ended {int} NOT NULL, status {text} NOT NULL, message {text} NOT NULL, metrics {text} NOT NULL)",
    "CREATE INDEX executions_by_start ON executions (started DESC, id)",
    "CREATE INDEX executions_by_rule ON executions (rule_id, started DESC)",
    "CREATE TABLE cursors (rule_id {text} PRIMARY KEY, tick {int}, rule_state {bytes})",
    "CREATE TABLE gaps (id {id}, rule_id {text} NOT NULL, gap_from {int} NOT NULL, gap_to {int} NOT NULL,
        reason {text} NOT NULL, state {text} NOT NULL, attempts {int} NOT NULL, filled_until {int},
        not_before {int})",
    "CREATE INDEX gaps_by_state ON gaps (state, gap_from)",
    "CREATE INDEX gaps_by_rule ON gaps (rule_id, gap_from)",
    "CREATE TABLE leases (name {text} PRIMARY KEY, holder {text}, token {int} NOT NULL, expires {int} NOT NULL)",
    "CREATE TABLE notifications (id {id}, dedupe_key {text} NOT NULL UNIQUE, connector_id {text} NOT NULL,
        action_id {text}, rule_id {text}, about_alert {text}, payload {text} NOT NULL, not_before {int},
        state {text} NOT NULL, attempts {int} NOT NULL, last_error {text}, created {int} NOT NULL, ended {int})",
    "CREATE INDEX notifications_by_state ON notifications (state, id)",
    "CREATE INDEX notifications_by_action ON notifications (action_id, created)",
    "CREATE TABLE source_checkpoints (source {text} NOT NULL, key {text} NOT NULL, value {bytes} NOT NULL,
        updated_at {int} NOT NULL, PRIMARY KEY (source, key))",
    "CREATE TABLE poison_deliveries (source {text} NOT NULL, id {text} NOT NULL, reason {text} NOT NULL,
        body_excerpt {text} NOT NULL, time {int} NOT NULL, PRIMARY KEY (source, id))",
    "CREATE TABLE api_tokens (id {text} PRIMARY KEY, name {text} NOT NULL UNIQUE, role {text} NOT NULL,
        hash {text} NOT NULL UNIQUE, created {int} NOT NULL, expires {int}, revoked {int})",
    "CREATE TABLE audit (id {int} PRIMARY KEY, time {int} NOT NULL, actor {text} NOT NULL, action {text} NOT NULL,
        object_kind {text} NOT NULL, object_id {text} NOT NULL, before_change {text}, after_change {text},
        hash {text} NOT NULL)",
    "CREATE INDEX audit_by_object ON audit (object_kind, object_id, id)",
];

const RESPONSES: &[&str] = &[
    "CREATE TABLE responses (id {text} PRIMARY KEY, alert_id {text} NOT NULL, key_arn {text} NOT NULL,
        action {text} NOT NULL, reason {text} NOT NULL, requested_by {text} NOT NULL, requested_at {int} NOT NULL,
        disabled_by_defender {text}, disabled_said_by {text}, status {text} NOT NULL, expires_at {int} NOT NULL,
        decided_by {text}, decided_at {int}, executed_by {text}, executed_at {int}, request_id {text},
        confirmed_at {int}, event_id {text}, outcome {text}, revision {int} NOT NULL, updated_at {int} NOT NULL)",
    "CREATE INDEX responses_by_time ON responses (requested_at DESC, id)",
    "CREATE INDEX responses_by_key ON responses (key_arn, action, status)",
];

/// Connectors can be switched off; actions name any number of rules.
const SWITCHES_AND_RULE_LISTS: &[&str] = &[
    "ALTER TABLE connectors ADD COLUMN enabled {int} NOT NULL DEFAULT 1",
    "ALTER TABLE actions ADD COLUMN rule_ids {text} NOT NULL DEFAULT '[]'",
    "UPDATE actions SET rule_ids = CAST({json_array}(rule_id) AS TEXT) WHERE rule_id IS NOT NULL",
    "ALTER TABLE actions DROP COLUMN rule_id",
];

/// Brings the database to the newest schema, or refuses one that is newer still.
pub(super) async fn migrate(store: &SqlStore) -> Result<(), StateError> {
    let mut write = store.write().await?;
    if let Some(lock) = store.dialect.lock_schema() {
        write.execute(lock).await?;
    }
    let create =
        store.dialect.definition("CREATE TABLE IF NOT EXISTS state_schema (version {int} PRIMARY KEY)");
    write.execute(AssertSqlSafe(create)).await?;
    let row = sqlx::query("SELECT COALESCE(MAX(version), 0) AS version FROM state_schema")
        .fetch_one(&mut *write)
        .await?;
    let found: i64 = row.try_get("version")?;
    if found > super::SCHEMA_VERSION {
        return Err(StateError::NewerSchema { found, known: super::SCHEMA_VERSION });
    }
    for (version, migration) in (1_i64..).zip(MIGRATIONS) {
        if version <= found {
            continue;
        }
        for statement in *migration {
            write.execute(AssertSqlSafe(store.dialect.definition(statement))).await?;
        }
        sqlx::query("INSERT INTO state_schema (version) VALUES ($1)")
            .bind(version)
            .execute(&mut *write)
            .await?;
    }
    write.commit().await
}
