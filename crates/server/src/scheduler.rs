//! Which rules run when: due ticks, gaps, backfills; each run ends in one commit for each rule.
//!
//! ```text
//!   cursor (last tick that succeeded) ──due──▶ runs of one kind and range share a scan ──▶ commit each rule: alerts, cursor
//!        │ too long ago                              │ fails: the cursor stays, the next tick searches it again
//!        └──▶ newest window at once, the rest a gap ─┴──▶ filled oldest first, some ticks at a time
//! ```
//!
//! Ticks are whole multiples of a rule's interval since the epoch, so that a hunt over the same events sees the same windows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use alert::{Alert, AlertContext, ExecutionType};
use ecs::{Catalog, Document, Timestamp};
use engine::{Executed, RuleOutcome, RuleStatus};
use jiff::SignedDuration;
use lake::Lake;
use rule::{Rule, RuleLibrary, Schedule};
use serde_json::{Value, json};
use state::{
    AlertDraft, AlertFilter, AlertUpdate, CursorMove, Execution, ExecutionCommit, ExecutionKind,
    ExecutionStatus, Gap, GapDraft, GapFill, GapTake, Lease, RuleCursor, Store,
};
use uuid::Uuid;

use crate::actions::{Actions, RuleMemory, notifications};
use crate::clock::Clock;
use crate::error::ServerError;
use crate::rule_set::part_of;
use crate::run::{RuleKind, RunRequest, RunResult, run};

/// How the scheduler works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulerSettings {
    /// Ticks that were missed up to so many are made up for at once; of more, the newest runs and the others are a gap.
    pub catch_up_ticks: i64,
    /// Ticks of a gap that are filled in one go, and so the most that a gap may delay what is due.
    pub fill_ticks: i64,
    /// Gaps that are worked on after each round of due rules.
    pub fills_per_round: u32,
    /// The space that alerts name.
    pub space: String,
    /// The address under which people reach the server; without it alerts have no URL.
    pub public_url: Option<String>,
}

impl Default for SchedulerSettings {
    fn default() -> Self {
        Self {
            catch_up_ticks: 4,
            fill_ticks: 48,
            fills_per_round: 8,
            space: "default".to_owned(),
            public_url: None,
        }
    }
}

/// Runs rules over a lake and keeps what comes of it in the state.
#[derive(Clone)]
pub struct Scheduler {
    /// Where events lie.
    pub lake: Lake,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What is known of fields.
    pub catalog: Arc<Catalog>,
    /// Tells the time: what alerts and executions say of when they were made. What is searched depends on ticks alone.
    pub clock: Arc<dyn Clock>,
    /// How it works.
    pub settings: SchedulerSettings,
    /// The tick at which a rule failed last: it is tried again at the next one.
    pub failed: Arc<Mutex<BTreeMap<String, Timestamp>>>,
}

/// What a round did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Round {
    /// Rules that were due.
    pub due: u64,
    /// Executions that succeeded, with or without a warning.
    pub succeeded: u64,
    /// Executions that failed; they are tried again at the next tick.
    pub failed: u64,
    /// New alerts.
    pub alerts: u64,
    /// Gaps that were worked on.
    pub fills: u64,
    /// The newest `@timestamp` that was looked at.
    pub newest: Option<Timestamp>,
}

/// Rules that run together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Together {
    tick: Timestamp,
    from: Timestamp,
    kind: RuleKind,
}

/// What a rule's commit needs beside its alerts.
#[derive(Debug, Clone)]
struct DueRule {
    cursor: Option<Timestamp>,
    memory: RuleMemory,
    gap: Option<(Timestamp, Timestamp)>,
}

/// Why a run is made.
#[derive(Debug, Clone, Copy)]
enum Cause<'a> {
    Schedule,
    Gap(&'a Gap, Timestamp),
    Backfill(&'a str),
}

impl Scheduler {
    /// Runs every rule that is due at `now`, then fills some gaps. A rule that fails delays no other.
    ///
    /// # Errors
    /// When the state cannot be read, or the lease is lost.
    pub async fn round(
        &self,
        library: &RuleLibrary,
        actions: &Actions,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Round, ServerError> {
        let mut round = Round::default();
        let cursors: BTreeMap<String, RuleCursor> =
            self.store.cursors().await?.into_iter().map(|cursor| (cursor.rule_id.clone(), cursor)).collect();
        let mut groups: BTreeMap<Together, BTreeMap<String, DueRule>> = BTreeMap::new();
        for rule in &library.rules {
            let cursor = cursors.get(&rule.rule_id);
            if let Some((together, due)) = self.due(rule, cursor, now) {
                round.due += 1;
                groups.entry(together).or_default().insert(rule.rule_id.clone(), due);
            }
        }
        for (together, rules) in groups {
            let wanted = |rule: &Rule| rules.contains_key(&rule.rule_id);
            let part = part_of(library, wanted);
            match self.run(&part, &together, lease, Cause::Schedule).await {
                Ok(result) => {
                    self.commit_all(
                        &part,
                        actions,
                        &together,
                        result,
                        &rules,
                        lease,
                        Cause::Schedule,
                        &mut round,
                    )
                    .await?;
                }
                Err(_) if rules.len() > 1 => {
                    // One of them brings the others down: each for itself.
                    for rule in &part.rules {
                        let alone = part_of(&part, |other| other.rule_id == rule.rule_id);
                        match self.run(&alone, &together, lease, Cause::Schedule).await {
                            Ok(result) => {
                                self.commit_all(
                                    &alone,
                                    actions,
                                    &together,
                                    result,
                                    &rules,
                                    lease,
                                    Cause::Schedule,
                                    &mut round,
                                )
                                .await?;
                            }
                            Err(error) => {
                                self.commit_failure(rule, &together, &error, lease, &mut round).await?
                            }
                        }
                    }
                }
                Err(error) => {
                    for rule in &part.rules {
                        self.commit_failure(rule, &together, &error, lease, &mut round).await?;
                    }
                }
            }
        }
        self.fill_gaps(library, actions, lease, now, &mut round).await?;
        Ok(round)
    }

    /// The run of a rule that is due; `None` when none is.
    fn due(&self, rule: &Rule, cursor: Option<&RuleCursor>, now: Timestamp) -> Option<(Together, DueRule)> {
        let schedule = Schedule::of(rule);
        let tick = schedule.tick_at_or_before(now)?;
        let last = cursor.and_then(|cursor| cursor.tick);
        if last.is_some_and(|last| tick <= last) {
            return None;
        }
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.get(&rule.rule_id).is_some_and(|at| tick <= *at) {
            return None;
        }
        drop(failed);
        let interval = schedule.interval.as_duration();
        let kind = RuleKind::of(rule);
        let window_from = schedule.window(tick).ok()?.from.unwrap_or(tick);
        let mut from = match last {
            None => window_from,
            Some(last) => last,
        };
        let mut gap = None;
        let longest = interval.checked_mul(i32::try_from(self.settings.catch_up_ticks).unwrap_or(i32::MAX));
        if last.is_some() && longest.is_some_and(|longest| tick.duration_since(from) > longest) {
            let newest = tick.checked_sub(interval).ok()?;
            gap = Some((from, newest));
            from = newest;
        }
        if kind == RuleKind::EachEvent {
            // As far back as its look-back says: what was found before is there already, under the same id.
            from = from.min(window_from);
        }
        let memory = cursor.and_then(|cursor| cursor.rule_state.as_deref()).map(memory).unwrap_or_default();
        Some((Together { tick, from, kind }, DueRule { cursor: last, memory, gap }))
    }

    async fn run(
        &self,
        library: &RuleLibrary,
        together: &Together,
        lease: &Lease,
        cause: Cause<'_>,
    ) -> Result<RunResult, ServerError> {
        let (execution_type, intended) = match cause {
            Cause::Schedule => (ExecutionType::Scheduled, None),
            _ => (ExecutionType::Manual, Some(together.tick)),
        };
        let name = format!("{}/{}/{together:?}", lease.holder, lease.token);
        let request = RunRequest {
            kind: together.kind,
            from: together.from,
            to: together.tick,
            alerts: AlertContext {
                space: self.settings.space.clone(),
                detected_at: self.clock.now(),
                execution_uuid: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string(),
                execution_type,
                intended_timestamp: intended,
                base_url: self.settings.public_url.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
        };
        let (lake, catalog, library) = (self.lake.clone(), Arc::clone(&self.catalog), library.clone());
        let done = tokio::task::spawn_blocking(move || run(&lake, &catalog, &library, &request)).await;
        done.unwrap_or_else(|error| Err(ServerError::Defect(error.to_string())))
    }

    #[expect(clippy::too_many_arguments, reason = "what a commit is made of, passed on")]
    async fn commit_all(
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
        let RunResult { mut alerts, executed, started } = result;
        round.newest = round.newest.max(executed.newest);
        for rule in &library.rules {
            let found = alerts.remove(&rule.rule_id).unwrap_or_default();
            let outcome = executed.rules.iter().find(|outcome| outcome.rule_id == rule.rule_id);
            let mut commit =
                self.commit(rule, actions, together, &executed, outcome, found, due, lease, cause).await?;
            commit.execution.started = started;
            if commit.execution.status == ExecutionStatus::Failed {
                round.failed += 1;
                self.note_failure(rule, together.tick);
            } else {
                round.succeeded += 1;
            }
            let done = self.store.commit_execution(&commit, self.clock.now()).await?;
            round.alerts += done.new_alerts.len() as u64;
        }
        Ok(())
    }

    /// All that one rule's execution changes.
    #[expect(clippy::too_many_arguments, reason = "what a commit is made of, passed on")]
    async fn commit(
        &self,
        rule: &Rule,
        actions: &Actions,
        together: &Together,
        executed: &Executed,
        outcome: Option<&RuleOutcome>,
        found: Vec<Alert>,
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
        let of_rule = due.get(&rule.rule_id);
        let facts = notify::Execution {
            id: execution.id.clone(),
            space: self.settings.space.clone(),
            results_link: None,
            public_url: self.settings.public_url.clone(),
        };
        if !matches!(cause, Cause::Backfill(_)) {
            let memory = of_rule.map(|due| due.memory.clone()).unwrap_or_default();
            let (notifications, memory_after) = notifications(
                actions,
                rule,
                &facts,
                &new_documents,
                &memory,
                &self.catalog,
                self.clock.now(),
            );
            commit.notifications = notifications;
            if memory_after != memory && of_rule.is_some() {
                commit.rule_state = serde_json::to_vec(&memory_after).ok();
            }
        }
        execution.metrics = metrics(executed, outcome, commit.alerts.len(), cut);
        let mut notes: Vec<String> = Vec::new();
        if cut > 0 {
            notes.push(format!(
                "{cut} alerts more than the rule's max_signals ({}) were found and not made",
                rule.max_signals
            ));
        }
        if let Some(outcome) = outcome {
            notes.extend(outcome.warnings.iter().map(|warning| warning.message.clone()));
        }
        match fault {
            Some(reason) => {
                execution.status = ExecutionStatus::Failed;
                execution.message = reason;
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

    async fn commit_failure(
        &self,
        rule: &Rule,
        together: &Together,
        error: &ServerError,
        lease: &Lease,
        round: &mut Round,
    ) -> Result<(), ServerError> {
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
            gaps: Vec::new(),
            gap_fill: None,
            notifications: Vec::new(),
        };
        self.store.commit_execution(&commit, self.clock.now()).await?;
        round.failed += 1;
        self.note_failure(rule, together.tick);
        Ok(())
    }

    fn note_failure(&self, rule: &Rule, tick: Timestamp) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(rule.rule_id.clone(), tick);
    }

    /// Works on the oldest gaps, a bounded number of ticks each.
    async fn fill_gaps(
        &self,
        library: &RuleLibrary,
        actions: &Actions,
        lease: &Lease,
        now: Timestamp,
        round: &mut Round,
    ) -> Result<(), ServerError> {
        let take = GapTake {
            now,
            claim: SignedDuration::from_mins(10),
            limit: self.settings.fills_per_round,
            rule_ids: library.rules.iter().map(|rule| rule.rule_id.clone()).collect(),
        };
        if take.rule_ids.is_empty() {
            return Ok(());
        }
        for gap in self.store.take_gaps(&take).await? {
            round.fills += 1;
            let Some(rule) = library.rule(&gap.rule_id) else { continue };
            let interval = rule.interval.as_duration();
            let mut from = gap.filled_until.unwrap_or(gap.from);
            let step = interval.checked_mul(i32::try_from(self.settings.fill_ticks).unwrap_or(i32::MAX));
            let until =
                step.and_then(|step| from.checked_add(step).ok()).map_or(gap.to, |until| until.min(gap.to));
            let kind = RuleKind::of(rule);
            let mut tick = until;
            if kind == RuleKind::EachEvent {
                tick = until;
                from = from.min(until);
            }
            let together = Together { tick, from, kind };
            let alone = part_of(library, |other| other.rule_id == rule.rule_id);
            let cause = Cause::Gap(&gap, until);
            match self.run(&alone, &together, lease, cause).await {
                Ok(result) => {
                    let none = BTreeMap::new();
                    self.commit_all(&alone, actions, &together, result, &none, lease, cause, round).await?;
                    if until < gap.to {
                        self.store.release_gap(gap.id, None).await?;
                    }
                }
                Err(error) => {
                    self.commit_failure(rule, &together, &error, lease, round).await?;
                    let later = now.checked_add(interval).ok();
                    self.store.release_gap(gap.id, later).await?;
                }
            }
        }
        Ok(())
    }

    /// Runs a rule over a past range, as its schedule would have; what is there already stays as it is.
    ///
    /// # Errors
    /// When lake or state fail, or the lease is lost.
    pub async fn backfill(
        &self,
        rule: &Rule,
        library: &RuleLibrary,
        (from, to): (Timestamp, Timestamp),
        id: &str,
        lease: &Lease,
    ) -> Result<Round, ServerError> {
        let mut round = Round::default();
        let together = Together { tick: to, from, kind: RuleKind::of(rule) };
        let alone = part_of(library, |other| other.rule_id == rule.rule_id);
        let cause = Cause::Backfill(id);
        let none = BTreeMap::new();
        match self.run(&alone, &together, lease, cause).await {
            Ok(result) => {
                let actions = Actions::default();
                self.commit_all(&alone, &actions, &together, result, &none, lease, cause, &mut round).await?;
            }
            Err(error) => self.commit_failure(rule, &together, &error, lease, &mut round).await?,
        }
        Ok(round)
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

fn memory(bytes: &[u8]) -> RuleMemory {
    serde_json::from_slice(bytes).unwrap_or_default()
}

fn metrics(executed: &Executed, outcome: Option<&RuleOutcome>, alerts: usize, cut: u64) -> Value {
    let Some(outcome) = outcome else { return json!({ "events": executed.events }) };
    json!({
        "events": executed.events,
        "events_around": executed.around,
        "hits": outcome.hits,
        "alerts": alerts,
        "cut": cut,
        "suppressed": outcome.suppressed,
        "excepted": outcome.excepted.iter().map(|excepted| excepted.events).sum::<u64>(),
        "own_alerts": outcome.own_alerts,
        "without_time": outcome.without_time,
    })
}

/// An error in one line, with what caused it.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
