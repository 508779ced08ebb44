//! Gaps in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::SqlStore;
use super::row::{Fields, checked_id, free_text, later, milliseconds, optional_milliseconds};
use super::statement::Statement;
use super::write::Write;
use crate::{Gap, GapDraft, GapFill, GapFilter, GapState, GapStore, GapTake, StateError};

#[async_trait]
impl GapStore for SqlStore {
    async fn add_gap(&self, gap: GapDraft) -> Result<Gap, StateError> {
        let mut write = self.write().await?;
        let gap = add(&mut write, &gap).await?;
        write.commit().await?;
        Ok(gap)
    }

    async fn take_gaps(&self, take: &GapTake) -> Result<Vec<Gap>, StateError> {
        let mut write = self.write().await?;
        let mut statement = Statement::new(self.dialect, "SELECT * FROM gaps");
        statement.and("state <> 'filled'");
        let now = statement.integer(milliseconds(take.now))?;
        statement.and(&format!("(not_before IS NULL OR not_before <= {now})"));
        statement.and_one_of("rule_id", &take.rule_ids)?;
        let limit = statement.integer(i64::from(take.limit))?;
        statement.push(&format!(" ORDER BY gap_from, id LIMIT {limit}{}", self.dialect.skip_locked()));
        let rows = statement.fetch_all(&mut write).await?;
        let mut taken = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        for gap in &mut taken {
            gap.state = GapState::Filling;
            gap.attempts += 1;
            gap.not_before = Some(super::row::whole_milliseconds(later(take.now, take.claim))?);
            sqlx::query("UPDATE gaps SET state = 'filling', attempts = $1, not_before = $2 WHERE id = $3")
                .bind(gap.attempts)
                .bind(optional_milliseconds(gap.not_before))
                .bind(gap.id)
                .execute(&mut *write)
                .await?;
        }
        write.commit().await?;
        Ok(taken)
    }

    async fn release_gap(&self, id: i64, not_before: Option<Timestamp>) -> Result<(), StateError> {
        let mut write = self.write().await?;
        if needed(&mut write, id).await?.state != GapState::Filled {
            sqlx::query("UPDATE gaps SET state = 'open', not_before = $1 WHERE id = $2")
                .bind(optional_milliseconds(not_before))
                .bind(id)
                .execute(&mut *write)
                .await?;
        }
        write.commit().await
    }

    async fn gap(&self, id: i64) -> Result<Option<Gap>, StateError> {
        let row = sqlx::query("SELECT * FROM gaps WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *self.read().await?)
            .await?;
        row.as_ref().map(stored).transpose()
    }

    async fn gaps(&self, filter: &GapFilter, limit: u32) -> Result<Vec<Gap>, StateError> {
        let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
        let mut statement = Statement::new(self.dialect, "SELECT * FROM gaps");
        statement.and_one_of("rule_id", &filter.rule_ids)?;
        statement.and_one_of("state", &states)?;
        if let Some(to) = filter.time.to {
            let parameter = statement.integer(milliseconds(to))?;
            statement.and(&format!("gap_from < {parameter}"));
        }
        if let Some(from) = filter.time.from {
            let parameter = statement.integer(milliseconds(from))?;
            statement.and(&format!("gap_to > {parameter}"));
        }
        let limit = statement.integer(i64::from(limit))?;
        statement.push(&format!(" ORDER BY gap_from, id LIMIT {limit}"));
        statement.fetch_all(&mut *self.read().await?).await?.iter().map(stored).collect()
    }
}

/// Adds a gap, merged with the open ones of its rule that overlap or touch it.
pub(super) async fn add(write: &mut Write, draft: &GapDraft) -> Result<Gap, StateError> {
    checked_id("rule id", &draft.rule_id)?;
    let (mut from, mut to) = (milliseconds(draft.from), milliseconds(draft.to));
    if from >= to {
        return Err(StateError::Invalid {
            what: "gap",
            reason: "its end is not after its beginning".to_owned(),
        });
    }
    let mut reason = free_text(&draft.reason);
    // What is left of an open gap begins where it is covered up to.
    let select = format!(
        "SELECT * FROM gaps WHERE rule_id = $1 AND state = 'open' AND COALESCE(filled_until, gap_from) <= $2
             AND gap_to >= $3 ORDER BY gap_from, id{}",
        write.dialect.for_update()
    );
    // Merging may reach further gaps, so it goes on until it does not.
    loop {
        let rows = sqlx::query(AssertSqlSafe(select.clone()))
            .bind(draft.rule_id.clone())
            .bind(to)
            .bind(from)
            .fetch_all(&mut **write)
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let other = stored(row)?;
            from = from.min(milliseconds(other.filled_until.unwrap_or(other.from)));
            to = to.max(milliseconds(other.to));
            reason = merged_reason(&reason, &other.reason);
            replace_merged(write, &other).await?;
        }
    }
    let row = sqlx::query(
        "INSERT INTO gaps (rule_id, gap_from, gap_to, reason, state, attempts)
         VALUES ($1, $2, $3, $4, 'open', 0) RETURNING *",
    )
    .bind(draft.rule_id.clone())
    .bind(from)
    .bind(to)
    .bind(reason)
    .fetch_one(&mut **write)
    .await?;
    stored(&row)
}

/// Of a gap that goes into another one, the covered part stays as a filled gap.
async fn replace_merged(write: &mut Write, gap: &Gap) -> Result<(), StateError> {
    match gap.filled_until {
        Some(filled_until) if filled_until > gap.from => {
            sqlx::query("UPDATE gaps SET gap_to = $1, state = 'filled', not_before = NULL WHERE id = $2")
                .bind(milliseconds(filled_until))
                .bind(gap.id)
                .execute(&mut **write)
                .await?;
        }
        _ => {
            sqlx::query("DELETE FROM gaps WHERE id = $1").bind(gap.id).execute(&mut **write).await?;
        }
    }
    Ok(())
}

/// Both reasons, each part once, in the order in which they came.
fn merged_reason(one: &str, other: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in one.split("; ").chain(other.split("; ")) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join("; ")
}

/// Notes how far a gap is covered.
pub(super) async fn fill(write: &mut Write, fill: GapFill) -> Result<(), StateError> {
    let gap = needed(write, fill.gap_id).await?;
    let covered = fill.filled_until.min(gap.to).max(gap.filled_until.unwrap_or(gap.from));
    let state = if covered >= gap.to { GapState::Filled } else { gap.state };
    let not_before = if state == GapState::Filled { None } else { gap.not_before };
    sqlx::query("UPDATE gaps SET state = $1, filled_until = $2, not_before = $3 WHERE id = $4")
        .bind(state.as_str())
        .bind(milliseconds(covered))
        .bind(optional_milliseconds(not_before))
        .bind(gap.id)
        .execute(&mut **write)
        .await?;
    Ok(())
}

async fn needed(write: &mut Write, id: i64) -> Result<Gap, StateError> {
    let select = format!("SELECT * FROM gaps WHERE id = $1{}", write.dialect.for_update());
    let row = sqlx::query(AssertSqlSafe(select)).bind(id).fetch_optional(&mut **write).await?;
    row.as_ref().map(stored).transpose()?.ok_or_else(|| StateError::not_found("gap", &id.to_string()))
}

fn stored(row: &AnyRow) -> Result<Gap, StateError> {
    Ok(Gap {
        id: row.integer("id")?,
        rule_id: row.text("rule_id")?,
        from: row.time("gap_from")?,
        to: row.time("gap_to")?,
        reason: row.text("reason")?,
        state: row.word("state")?,
        attempts: row.integer("attempts")?,
        filled_until: row.optional_time("filled_until")?,
        not_before: row.optional_time("not_before")?,
    })
}
