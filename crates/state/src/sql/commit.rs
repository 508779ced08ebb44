//! The commit of an execution in SQL.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;

use super::row::{Fields, milliseconds};
use super::write::Write;
use super::{SqlStore, alerts, cursors, executions, gaps, leases, notifications};
use crate::{CommitOutcome, CommitStore, CursorMove, Execution, ExecutionCommit, StateError};

#[async_trait]
impl CommitStore for SqlStore {
    async fn commit_execution(
        &self,
        commit: &ExecutionCommit,
        now: Timestamp,
    ) -> Result<CommitOutcome, StateError> {
        let mut write = self.write().await?;
        let outcome = apply(&mut write, commit, now).await?;
        write.commit().await?;
        Ok(outcome)
    }

    async fn commit_executions(
        &self,
        commits: &[ExecutionCommit],
        now: Timestamp,
    ) -> Result<Vec<CommitOutcome>, StateError> {
        let mut write = self.write().await?;
        let mut outcomes = Vec::with_capacity(commits.len());
        for commit in commits {
            outcomes.push(apply(&mut write, commit, now).await?);
        }
        write.commit().await?;
        Ok(outcomes)
    }
}

async fn apply(
    write: &mut Write,
    commit: &ExecutionCommit,
    now: Timestamp,
) -> Result<CommitOutcome, StateError> {
    let is_held = leases::lock(write, &commit.lease).await?;
    if let Some(outcome) = committed_before(write, &commit.execution).await? {
        return Ok(outcome);
    }
    if !is_held {
        return Err(leases::lost(&commit.lease));
    }
    move_cursor(write, commit).await?;
    executions::insert(write, &commit.execution).await?;
    // Alerts in the order of their ids, as the workflow changes them: two transactions never wait for each other.
    let mut new_alerts = BTreeSet::new();
    let by_id: BTreeMap<&str, _> = commit.alerts.iter().map(|alert| (alert.id.as_str(), alert)).collect();
    for (id, alert) in by_id {
        if alerts::insert(write, alert, Some(&commit.execution.id), now).await? {
            new_alerts.insert(id.to_owned());
        }
    }
    let updates: BTreeMap<&str, _> =
        commit.updates.iter().map(|update| (update.alert_id.as_str(), &update.document)).collect();
    for (id, document) in updates {
        alerts::replace_document(write, id, document).await?;
    }
    for gap in &commit.gaps {
        gaps::add(write, gap).await?;
    }
    if let Some(fill) = commit.gap_fill {
        gaps::fill(write, fill).await?;
    }
    let mut notifications_added = 0;
    for draft in &commit.notifications {
        if draft.about_alert.as_ref().is_none_or(|id| new_alerts.contains(id)) {
            notifications_added += u64::from(notifications::insert(write, draft, now).await?);
        }
    }
    Ok(CommitOutcome { new_alerts: new_alerts.into_iter().collect(), notifications_added, repeated: false })
}

/// What an earlier commit of this execution did, if there was one.
async fn committed_before(
    write: &mut Write,
    execution: &Execution,
) -> Result<Option<CommitOutcome>, StateError> {
    let Some(found) = executions::find(write, &execution.id).await? else { return Ok(None) };
    let same = found.rule_id == execution.rule_id
        && found.kind == execution.kind
        && milliseconds(found.window_from) == milliseconds(execution.window_from)
        && milliseconds(found.window_to) == milliseconds(execution.window_to);
    if !same {
        return Err(StateError::ExecutionConflict { id: execution.id.clone() });
    }
    let rows = sqlx::query("SELECT id FROM alerts WHERE execution_id = $1 ORDER BY id")
        .bind(execution.id.clone())
        .fetch_all(&mut **write)
        .await?;
    let new_alerts = rows.iter().map(|row| row.text("id")).collect::<Result<_, _>>()?;
    Ok(Some(CommitOutcome { new_alerts, notifications_added: 0, repeated: true }))
}

async fn move_cursor(write: &mut Write, commit: &ExecutionCommit) -> Result<(), StateError> {
    if commit.cursor.is_none() && commit.rule_state.is_none() {
        return Ok(());
    }
    let rule_id = &commit.execution.rule_id;
    let found = cursors::find(write, rule_id).await?.and_then(|cursor| cursor.tick);
    let tick = match commit.cursor {
        Some(CursorMove { expected, to }) => {
            let is_expected = expected.map(milliseconds) == found.map(milliseconds);
            if !is_expected || found.is_some_and(|found| milliseconds(to) <= milliseconds(found)) {
                return Err(StateError::CursorConflict { rule_id: rule_id.clone(), expected, found });
            }
            Some(to)
        }
        None => found,
    };
    cursors::put(write, rule_id, tick, commit.rule_state.clone()).await
}
