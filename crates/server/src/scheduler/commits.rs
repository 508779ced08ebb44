//! What an execution changes, and its commit: alerts within the cap, cursor, gaps, notifications, and the account.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use alert::Alert;
use ecs::{Document, Timestamp};
use engine::detect::bounds::LATE;
use engine::{ChangedAlert, Executed, NotRunReason, RuleOutcome, RuleStatus};
use rule::{Rule, RuleLibrary};
use serde_json::{Value, json};
use state::{
    AlertDraft, AlertFilter, AlertUpdate, CursorMove, Execution, ExecutionCommit, ExecutionFilter,
    ExecutionKind, ExecutionStatus, GapDraft, GapFill, Lease, StateError,
};
use uuid::Uuid;

use super::{Cause, DueRule, Round, Scheduler, Together, with_causes};
use crate::actions::{Actions, alerts_waiting, notifications};
use crate::error::ServerError;
use crate::run::RunResult;

/// So many executions are committed in one transaction at most, so that others may write between.
const MOST_COMMITTED_TOGETHER: usize = 200;

impl Scheduler {
    /// Commits what the rules of a group gave. Those that found nothing are committed together: one transaction, one
    /// write to the disk.
    #[expect(clippy::too_many_arguments, reason = "what a commit is made of, passed on")]
    pub(super) async fn commit_all(
        &self,
        library: &RuleLibrary,
        actions: &Actions,
        together: &Together,
        result: RunResult,
        due: &BTreeMap<String, DueRule>,
        lease: &Lease,
        cause: Cause<'_>,
        round: &mut Round,
    ) -> Result<(), ServerError> {
        let RunResult { mut alerts, executed, started, late } = result;
        round.newest = round.newest.max(executed.newest);
        let outcomes: BTreeMap<&str, &RuleOutcome> =
            executed.rules.iter().map(|outcome| (outcome.rule_id.as_str(), outcome)).collect();
        let mut quiet = Vec::new();
        for rule in due.keys().filter_map(|rule_id| library.rule(rule_id)) {
            let found = alerts.remove(&rule.rule_id).unwrap_or_default();
            let outcome = outcomes.get(rule.rule_id.as_str()).copied();
            let is_quiet = found.is_empty();
            let late = late.get(&rule.rule_id).copied().unwrap_or_default();
            self.note_time(rule, outcome);
            let parts = (&executed, outcome, found, late);
            let mut commit = self.commit(rule, actions, together, parts, due, lease, cause).await?;
            commit.execution.started = started;
            round.late += late;
            if is_quiet && commit.notifications.is_empty() {
                quiet.push(commit);
                if quiet.len() >= MOST_COMMITTED_TOGETHER {
                    self.commit_quiet(std::mem::take(&mut quiet), round).await?;
                }
            } else {
                self.commit_one(&commit, round).await?;
                if self.is_stopping() {
                    break;
                }
            }
        }
        self.commit_quiet(quiet, round).await
    }

    async fn commit_quiet(
        &self,
        commits: Vec<ExecutionCommit>,
        round: &mut Round,
    ) -> Result<(), ServerError> {
        if commits.is_empty() {
            return Ok(());
        }
        match self.store.commit_executions(&commits, self.clock.now()).await {
            Ok(_) => {
                for commit in &commits {
                    self.count(commit, 0, round);
                }
                Ok(())
            }
            // One of them is refused, and so all: each for itself.
            Err(StateError::CursorConflict { .. } | StateError::NotFound { .. }) => {
                for commit in &commits {
                    self.commit_one(commit, round).await?;
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn commit_one(&self, commit: &ExecutionCommit, round: &mut Round) -> Result<(), ServerError> {
        match self.store.commit_execution(commit, self.clock.now()).await {
            Ok(done) => self.count(commit, done.new_alerts.len() as u64, round),
            // The rule was deleted, or made anew, while it ran: it is due again.
            Err(StateError::CursorConflict { .. }) => round.failed += 1,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn count(&self, commit: &ExecutionCommit, alerts: u64, round: &mut Round) {
        round.alerts += alerts;
        if commit.execution.status == ExecutionStatus::Failed {
            round.failed += 1;
            self.note_failure(&commit.execution.rule_id, commit.execution.tick);
        } else {
            round.succeeded += 1;
        }
    }

    /// Remembers which rules take too long: they run after all others, until they are quick again.
    fn note_time(&self, rule: &Rule, outcome: Option<&RuleOutcome>) {
        let Some(outcome) = outcome else { return };
        let is_slow = matches!(outcome.status, RuleStatus::NotRun(NotRunReason::TooLong(_)))
            || outcome.warnings.iter().any(|warning| warning.code == LATE);
        let mut slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        if is_slow {
            slow.insert(rule.rule_id.clone());
        } else {
            slow.remove(&rule.rule_id);
        }
    }

    /// All that one rule's execution changes.
    #[expect(clippy::too_many_arguments, reason = "what a commit is made of, passed on")]
    async fn commit(
        &self,
        rule: &Rule,
        actions: &Actions,
        together: &Together,
        (executed, outcome, found, late): (&Executed, Option<&RuleOutcome>, Vec<Alert>, u64),
        due: &BTreeMap<String, DueRule>,
        lease: &Lease,
        cause: Cause<'_>,
    ) -> Result<ExecutionCommit, ServerError> {
        let mut execution = self.execution(rule, together, lease, cause);
        let fault = outcome.and_then(|outcome| match &outcome.status {
            RuleStatus::NotRun(reason) => Some(reason.to_string()),
            _ => None,
        });
        let known = self.known(&found).await?;
        let folds = rule.rule_type.suppression().is_some();
        let cap = usize::try_from(rule.max_signals).unwrap_or(usize::MAX);
        let ticks = self.ticks(rule, together);
        let (kept, cut) = within_cap(found, &known, cap.saturating_mul(ticks));
        let cut = cut + outcome.map_or(0, |outcome| outcome.cut);
        let mut commit = ExecutionCommit {
            lease: lease.clone(),
            execution: execution.clone(),
            alerts: Vec::new(),
            updates: Vec::new(),
            cursor: None,
            rule_state: None,
            gaps: Vec::new(),
            gap_fill: None,
            notifications: Vec::new(),
        };
        let mut new_documents = Vec::new();
        for alert in kept {
            let is_known = alert.uuid().is_some_and(|id| known.contains_key(id));
            let Some(draft) = alert_draft(alert, rule, &execution.id) else { continue };
            if !is_known {
                if let Value::Object(map) = &draft.document {
                    new_documents.push(Document::from_map(map.clone()));
                }
                commit.alerts.push(draft);
            } else if folds
                && known.get(&draft.id).is_some_and(|before| folded(before) < folded(&draft.document))
            {
                commit.updates.push(AlertUpdate { alert_id: draft.id, document: draft.document });
            }
        }
        let changed = executed.changed.iter().filter(|changed| changed.rule_id == rule.rule_id);
        commit.updates.extend(self.changed(changed).await?);
        self.attach_investigations(rule, &mut commit.alerts, &mut new_documents).await;
        let of_rule = due.get(&rule.rule_id);
        let facts = notify::Execution {
            id: execution.id.clone(),
            space: self.settings.space.clone(),
            results_link: None,
            public_url: self.settings.public_url.clone(),
        };
        let mut not_told = Value::Null;
        if !matches!(cause, Cause::Backfill(_)) {
            let memory = of_rule.map(|due| due.memory.clone()).unwrap_or_default();
            let now = self.clock.now();
            let earlier = alerts_waiting(&*self.store, actions, &rule.rule_id, &memory, now).await?;
            let told =
                notifications(actions, rule, &facts, &new_documents, &earlier, &memory, &self.catalog, now);
            commit.notifications = told.notifications;
            not_told = told.not_told;
            if told.memory != memory && of_rule.is_some() {
                commit.rule_state = serde_json::to_vec(&told.memory).ok();
            }
        }
        execution.metrics = metrics(executed, outcome, (commit.alerts.len(), cut, late));
        if !not_told.is_null() {
            execution.metrics["not_told"] = not_told;
        }
        let mut notes: Vec<String> = Vec::new();
        if cut > 0 {
            notes.push(format!(
                "{cut} alerts more than the rule's max_signals ({}) were found and not made",
                rule.max_signals
            ));
        }
        if late > 0 {
            let events = if late == 1 { "event" } else { "events" };
            notes.push(format!(
                "{late} {events} came when the rule's window had passed and were not seen by it; with `event.ingested` as its timestamp_override it would see such"
            ));
        }
        if let Some(outcome) = outcome {
            notes.extend(outcome.warnings.iter().map(|warning| warning.message.clone()));
        }
        match fault {
            Some(reason) => {
                execution.status = ExecutionStatus::Failed;
                execution.message = reason;
                if let (Cause::Schedule, Some(due)) = (cause, of_rule) {
                    commit.gaps.extend(self.first_look_back(rule, together, due).await?);
                }
            }
            None => {
                execution.status =
                    if notes.is_empty() { ExecutionStatus::Succeeded } else { ExecutionStatus::Warning };
                execution.message = notes.join("; ");
                match (cause, of_rule) {
                    (Cause::Schedule, Some(due)) => {
                        commit.cursor = Some(CursorMove { expected: due.cursor, to: together.tick });
                        commit.gaps.extend(due.gap.map(|(from, to)| GapDraft {
                            rule_id: rule.rule_id.clone(),
                            from,
                            to,
                            reason: "no run for longer than is made up for at once".to_owned(),
                        }));
                    }
                    (Cause::Gap(gap, until), _) => {
                        commit.gap_fill = Some(GapFill { gap_id: gap.id, filled_until: until });
                    }
                    _ => {}
                }
            }
        }
        commit.execution = execution;
        Ok(commit)
    }

    pub(super) async fn commit_failure(
        &self,
        rule: &Rule,
        together: &Together,
        error: &ServerError,
        due: Option<&DueRule>,
        lease: &Lease,
        round: &mut Round,
    ) -> Result<(), ServerError> {
        let gap = match due {
            Some(due) => self.first_look_back(rule, together, due).await?,
            None => None,
        };
        let mut execution = self.execution(rule, together, lease, Cause::Schedule);
        execution.status = ExecutionStatus::Failed;
        execution.message = with_causes(error);
        let commit = ExecutionCommit {
            lease: lease.clone(),
            execution,
            alerts: Vec::new(),
            updates: Vec::new(),
            cursor: None,
            rule_state: None,
            gaps: gap.into_iter().collect(),
            gap_fill: None,
            notifications: Vec::new(),
        };
        self.store.commit_execution(&commit, self.clock.now()).await?;
        round.failed += 1;
        self.note_failure(&rule.rule_id, together.tick);
        Ok(())
    }

    /// What the first run of a rule would have searched beyond its interval, when that run fails: later ones do not look back
    /// so far. `None` once a run has succeeded.
    async fn first_look_back(
        &self,
        rule: &Rule,
        together: &Together,
        due: &DueRule,
    ) -> Result<Option<GapDraft>, ServerError> {
        let Some(to) = due.cursor.filter(|to| together.from < *to) else { return Ok(None) };
        let filter = ExecutionFilter {
            rule_ids: vec![rule.rule_id.clone()],
            statuses: vec![ExecutionStatus::Succeeded, ExecutionStatus::Warning],
            ..ExecutionFilter::default()
        };
        let has_run = !self.store.executions(&filter, None, 1).await?.items.is_empty();
        let reason = "its first run failed".to_owned();
        let gap = GapDraft { rule_id: rule.rule_id.clone(), from: together.from, to, reason };
        Ok((!has_run).then_some(gap))
    }

    fn note_failure(&self, rule_id: &str, tick: Timestamp) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(rule_id.to_owned(), tick);
    }

    fn execution(&self, rule: &Rule, together: &Together, lease: &Lease, cause: Cause<'_>) -> Execution {
        let kind = match cause {
            Cause::Schedule => ExecutionKind::Scheduled,
            Cause::Gap(..) => ExecutionKind::GapFill,
            Cause::Backfill(_) => ExecutionKind::Backfill,
        };
        let of = match cause {
            Cause::Backfill(id) => id,
            _ => "",
        };
        // Not the same for another holder or token: then it is another attempt.
        let name = format!("{}/{kind}/{of}/{together:?}/{}/{}", rule.rule_id, lease.holder, lease.token);
        let now = self.clock.now();
        Execution {
            id: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string(),
            rule_id: rule.rule_id.clone(),
            kind,
            tick: together.tick,
            window_from: together.from,
            window_to: together.tick,
            started: now,
            ended: now,
            status: ExecutionStatus::Succeeded,
            message: String::new(),
            metrics: Value::Null,
        }
    }

    /// Which of the alerts are in the state, with their documents.
    async fn known(&self, found: &[Alert]) -> Result<BTreeMap<String, Value>, ServerError> {
        let mut known = BTreeMap::new();
        let ids: Vec<String> = found.iter().filter_map(|alert| alert.uuid()).map(str::to_owned).collect();
        for ids in ids.chunks(200) {
            let filter = AlertFilter { ids: ids.to_vec(), ..AlertFilter::default() };
            let page = self.store.alerts(&filter, None, 200).await?;
            known.extend(page.items.into_iter().map(|stored| (stored.alert.id, stored.alert.document)));
        }
        Ok(known)
    }

    /// Alerts that are there and took in what was found now. Of one that is not there, because it was cut, nothing changes.
    async fn changed(
        &self,
        changed: impl Iterator<Item = &ChangedAlert>,
    ) -> Result<Vec<AlertUpdate>, ServerError> {
        let fields: BTreeMap<String, &ChangedAlert> =
            changed.map(|changed| (changed.uuid.to_string(), changed)).collect();
        let ids: Vec<String> = fields.keys().cloned().collect();
        let mut updates = Vec::new();
        for ids in ids.chunks(200) {
            let filter = AlertFilter { ids: ids.to_vec(), ..AlertFilter::default() };
            for stored in self.store.alerts(&filter, None, 200).await?.items {
                let (alert_id, mut document) = (stored.alert.id, stored.alert.document);
                let Some(changed) = fields.get(&alert_id) else { continue };
                if folded(&document) >= folded(&Value::Object(changed.fields.clone())) {
                    continue;
                }
                for (field, value) in &changed.fields {
                    document[field.as_str()] = value.clone();
                }
                updates.push(AlertUpdate { alert_id, document });
            }
        }
        Ok(updates)
    }

    /// For how many runs of a rule a run stands.
    fn ticks(&self, rule: &Rule, together: &Together) -> usize {
        let interval = rule.interval.as_seconds().max(1);
        let span = together.tick.duration_since(together.from).as_secs();
        usize::try_from(span / interval).unwrap_or(1).max(1)
    }
}

/// What there is of an alert within the cap on new ones, and how many were cut. The oldest are kept; alerts about single
/// events of a sequence go with theirs and do not count.
fn within_cap(found: Vec<Alert>, known: &BTreeMap<String, Value>, cap: usize) -> (Vec<Alert>, u64) {
    let is_new =
        |alert: &Alert| !alert.is_building_block() && alert.uuid().is_none_or(|id| !known.contains_key(id));
    if found.iter().filter(|alert| is_new(alert)).count() <= cap {
        return (found, 0);
    }
    let mut order: Vec<(String, String)> = found
        .iter()
        .filter(|alert| is_new(alert))
        .map(|alert| {
            (
                alert.original_time().unwrap_or_default().to_owned(),
                alert.uuid().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    order.sort();
    let cut: std::collections::BTreeSet<String> =
        order.split_off(cap).into_iter().map(|(_, id)| id).collect();
    let groups: std::collections::BTreeSet<String> = found
        .iter()
        .filter(|alert| alert.uuid().is_some_and(|id| cut.contains(id)))
        .filter_map(|alert| alert.group_id().map(str::to_owned))
        .collect();
    let is_kept = |alert: &Alert| {
        let of_cut_group =
            alert.is_building_block() && alert.group_id().is_some_and(|id| groups.contains(id));
        !of_cut_group && alert.uuid().is_none_or(|id| !cut.contains(id))
    };
    (found.into_iter().filter(is_kept).collect(), cut.len() as u64)
}

fn alert_draft(alert: Alert, rule: &Rule, execution_id: &str) -> Option<AlertDraft> {
    let id = alert.uuid()?.to_owned();
    let severity = alert.severity().unwrap_or("low").to_owned();
    let risk_score = alert.risk_score().unwrap_or_default();
    let original_time = alert.original_time().and_then(|at| at.parse().ok());
    let mut map = alert.into_document().into_map();
    let execution = "kibana.alert.rule.execution.uuid";
    if let Some(value) = map.get_mut(execution) {
        *value = execution_id.into();
    }
    let document = Document::from_map(map);
    let timestamp = document.text("@timestamp").and_then(|at| at.parse().ok())?;
    Some(AlertDraft {
        id,
        rule_id: rule.rule_id.clone(),
        rule_uuid: rule.uuid.clone(),
        severity,
        risk_score,
        timestamp,
        original_time,
        document: Value::Object(document.into_map()),
    })
}

/// How many hits an alert has taken in.
fn folded(document: &Value) -> u64 {
    document.get("kibana.alert.suppression.docs_count").and_then(Value::as_u64).unwrap_or_default()
}

fn metrics(
    executed: &Executed,
    outcome: Option<&RuleOutcome>,
    (alerts, cut, late): (usize, u64, u64),
) -> Value {
    let Some(outcome) = outcome else { return json!({ "events": executed.events }) };
    json!({
        "events": executed.events,
        "events_around": executed.around,
        "hits": outcome.hits,
        "alerts": alerts,
        "cut": cut,
        "late_events": late,
        "suppressed": outcome.suppressed,
        "excepted": outcome.excepted.iter().map(|excepted| excepted.events).sum::<u64>(),
        "own_alerts": outcome.own_alerts,
        "without_time": outcome.without_time,
    })
}
