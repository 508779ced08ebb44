//! Which rules run when: due ticks, gaps, backfills; each run ends in one commit for each rule.
//!
//! ```text
//!   cursor (last tick that succeeded) ──due──▶ runs of one kind and range share a scan ──▶ commit each rule: alerts, cursor
//!        │ too long ago                              │ fails: the cursor stays, the next tick searches it again
//!        └──▶ newest window at once, the rest a gap ─┴──▶ filled oldest first, some ticks at a time
//! ```
//!
//! Ticks are whole multiples of a rule's interval since the epoch, so that a hunt over the same events sees the same windows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use alert::{AlertContext, AlertUuid, ExecutionType};
use ecs::{Catalog, Timestamp};
use engine::{Bounds, ClosedAlerts, EngineError, KeptHistories};
use jiff::SignedDuration;
use lake::Lake;
use rule::{Rule, RuleLibrary, Schedule};
use state::{AlertFilter, AlertStatus, Gap, GapTake, Lease, RuleCursor, Store};
use uuid::Uuid;

use crate::actions::{Actions, RuleMemory};
use crate::clock::Clock;
use crate::error::ServerError;
use crate::investigation::InvestigationLimits;
use crate::kept_evidence::KeptEvidence;
use crate::plan_cache::PlanCache;
use crate::rule_histories::RuleHistories;
use crate::run::{Group, GroupResults, RuleKind, RunContext, RunRequest, run_together};

mod commits;

/// How the scheduler works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulerSettings {
    /// Ticks that were missed up to so many are made up for at once; of more, the newest runs and the others are a gap.
    pub catch_up_ticks: i64,
    /// Ticks of a gap that are filled in one go, and so the most that a gap may delay what is due.
    pub fill_ticks: i64,
    /// Gaps that are worked on after each round of due rules.
    pub fills_per_round: u32,
    /// What no round and no rule may go beyond.
    pub limits: Limits,
    /// How much of the lake the investigation of an alert rests on.
    pub investigation: InvestigationLimits,
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
            limits: Limits::default(),
            investigation: InvestigationLimits::default(),
            space: "default".to_owned(),
            public_url: None,
        }
    }
}

/// What no round and no rule may go beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many rules run at once, over one scan; more wait for the next.
    pub rules_at_once: usize,
    /// For how long one rule may be at work in an execution.
    pub rule_time: SignedDuration,
    /// Events of one rule that may wait until others have been seen, in one execution.
    pub waiting_events: u64,
    /// Alerts of one rule that one execution may hold, known ones included. More are cut, and counted.
    pub alerts: u64,
    /// Values, events and alerts that all rules together keep of their histories in memory. Rules that are left out read
    /// theirs from the lake at each run that finds something.
    pub history_values: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rules_at_once: 1_000,
            rule_time: SignedDuration::from_secs(30),
            waiting_events: 1_000_000,
            alerts: 20_000,
            history_values: 1_000_000,
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
    /// Rules that took too long when they last ran: they run after all others, each by itself.
    pub slow: Arc<Mutex<BTreeSet<String>>>,
    /// Rules made ready to run.
    pub plans: Arc<PlanCache>,
    /// What rules have seen up to their last run.
    pub histories: Arc<RuleHistories>,
    /// What was read of the lake for investigations.
    pub evidence: Arc<KeptEvidence>,
    /// When true, a round ends early: what has not run keeps its cursor.
    pub is_stopping: Arc<AtomicBool>,
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
    /// Events that came too late for rules with windows over `@timestamp`, once for each rule.
    pub late: u64,
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

/// Rules that are due, by what they run together with.
type Groups = BTreeMap<Together, BTreeMap<String, DueRule>>;

/// What a rule's commit needs beside its alerts.
#[derive(Debug, Clone, Default)]
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
        library: &Arc<RuleLibrary>,
        actions: &Actions,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Round, ServerError> {
        let mut round = Round::default();
        let cursors = self.start_rules(library, lease, now).await?;
        let mut groups = Groups::new();
        for rule in &library.rules {
            let cursor = cursors.get(&rule.rule_id);
            if let Some((together, due)) = self.due(rule, cursor, now) {
                round.due += 1;
                groups.entry(together).or_default().insert(rule.rule_id.clone(), due);
            }
        }
        for pass in self.passes(groups) {
            if self.is_stopping() {
                return Ok(round);
            }
            self.pass(library, actions, lease, pass, &mut round).await?;
        }
        self.fill_gaps(library, actions, lease, now, &mut round).await?;
        self.evidence.forget_unused(now);
        Ok(round)
    }

    /// Lets rules that have never been at work begin with the tick at or before `now`; how far each rule has come.
    ///
    /// This is to be done before events are taken in. A rule whose first run never ends, because the process dies, would
    /// otherwise begin later, with a look-back that may not reach what came in meanwhile.
    ///
    /// # Errors
    /// When the state cannot be read or written, or the lease is lost.
    pub async fn start_rules(
        &self,
        library: &RuleLibrary,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<BTreeMap<String, RuleCursor>, ServerError> {
        let by_rule = |cursors: Vec<RuleCursor>| -> BTreeMap<String, RuleCursor> {
            cursors.into_iter().map(|cursor| (cursor.rule_id.clone(), cursor)).collect()
        };
        let cursors = by_rule(self.store.cursors().await?);
        let has_begun = |rule: &Rule| cursors.get(&rule.rule_id).is_some_and(|cursor| cursor.tick.is_some());
        let begin = |rule: &Rule| {
            let schedule = Schedule::of(rule);
            schedule.tick_at_or_before(now)?.checked_sub(schedule.interval.as_duration()).ok()
        };
        let starts: Vec<(String, Timestamp)> = (library.rules.iter().filter(|rule| !has_begun(rule)))
            .filter_map(|rule| Some((rule.rule_id.clone(), begin(rule)?)))
            .collect();
        if starts.is_empty() {
            return Ok(cursors);
        }
        self.store.start_cursors(lease, &starts).await?;
        Ok(by_rule(self.store.cursors().await?))
    }

    /// The limits, as a run has them.
    pub(crate) fn bounds<'b>(
        &self,
        now: &'b (dyn Fn() -> Timestamp + Sync),
        is_stopped: &'b (dyn Fn() -> bool + Sync),
    ) -> Bounds<'b> {
        let Limits { rule_time, waiting_events, alerts, .. } = self.settings.limits;
        Bounds {
            waiting_events: Some(waiting_events),
            alerts: Some(alerts),
            rule_time: Some(rule_time),
            now,
            is_stopped,
        }
    }

    /// Is the server asked to end?
    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// What runs at once: so many rules at most, and those last that are slow.
    fn passes(&self, groups: Groups) -> Vec<Groups> {
        let slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let most = self.settings.limits.rules_at_once.max(1);
        let (mut passes, mut last) = (Vec::new(), Vec::new());
        let (mut pass, mut count) = (Groups::new(), 0);
        for (together, rules) in groups {
            for (rule_id, due) in rules {
                if slow.contains(&rule_id) {
                    last.push(Groups::from([(together.clone(), BTreeMap::from([(rule_id, due)]))]));
                    continue;
                }
                if count == most {
                    passes.push(std::mem::take(&mut pass));
                    count = 0;
                }
                pass.entry(together.clone()).or_default().insert(rule_id, due);
                count += 1;
            }
        }
        passes.extend(Some(pass).filter(|pass| !pass.is_empty()));
        passes.extend(last);
        passes
    }

    /// Runs some groups over one scan. When one of them brings the others down, each is run for itself, and of a group
    /// each rule.
    async fn pass(
        &self,
        library: &Arc<RuleLibrary>,
        actions: &Actions,
        lease: &Lease,
        pass: Groups,
        round: &mut Round,
    ) -> Result<(), ServerError> {
        let mut waiting = vec![pass];
        while let Some(pass) = waiting.pop() {
            let shared: Vec<(&Together, Vec<String>)> =
                pass.iter().map(|(together, rules)| (together, rules.keys().cloned().collect())).collect();
            let results = match self.run(library, &shared, lease, Cause::Schedule).await {
                Err(error) if is_stopped(&error) => return Ok(()),
                Ok(results) => results,
                Err(_) if pass.len() > 1 => {
                    waiting.extend(pass.into_iter().rev().map(|group| Groups::from([group])));
                    continue;
                }
                Err(error) => vec![Err(error)],
            };
            for ((together, rules), result) in pass.into_iter().zip(results) {
                match result {
                    Ok(result) => {
                        let cause = Cause::Schedule;
                        self.commit_all(library, actions, &together, result, &rules, lease, cause, round)
                            .await?;
                    }
                    Err(error) if rules.len() > 1 && !is_of_lake(&error) => {
                        waiting.extend(rules.into_iter().rev().map(|(rule_id, due)| {
                            Groups::from([(together.clone(), BTreeMap::from([(rule_id, due)]))])
                        }))
                    }
                    Err(error) => {
                        for (rule_id, due) in &rules {
                            let Some(rule) = library.rule(rule_id) else { continue };
                            self.commit_failure(rule, &together, &error, Some(due), lease, round).await?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The run of a rule that is due; `None` when none is.
    fn due(&self, rule: &Rule, cursor: Option<&RuleCursor>, now: Timestamp) -> Option<(Together, DueRule)> {
        let schedule = Schedule::of(rule);
        let tick = schedule.tick_at_or_before(now)?;
        let cursor = cursor?;
        let last = cursor.tick?;
        if tick <= last {
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
        let mut from = last;
        let mut gap = None;
        let longest = interval.checked_mul(i32::try_from(self.settings.catch_up_ticks).unwrap_or(i32::MAX));
        if longest.is_some_and(|longest| tick.duration_since(from) > longest) {
            let newest = tick.checked_sub(interval).ok()?;
            gap = Some((from, newest));
            from = newest;
        }
        if kind == RuleKind::EachEvent {
            // As far back as its look-back says: what was found before is there already, under the same id.
            from = from.min(window_from);
        }
        let memory = cursor.rule_state.as_deref().map(memory).unwrap_or_default();
        Some((Together { tick, from, kind }, DueRule { cursor: Some(last), memory, gap }))
    }

    /// Runs groups of rules over one scan, off the runtime's threads.
    async fn run(
        &self,
        library: &Arc<RuleLibrary>,
        groups: &[(&Together, Vec<String>)],
        lease: &Lease,
        cause: Cause<'_>,
    ) -> Result<GroupResults, ServerError> {
        let mut requests: Vec<(Vec<String>, RunRequest, ClosedAlerts)> = Vec::new();
        for (together, rule_ids) in groups {
            let closed = self.closed_alerts(library, rule_ids, together.from).await?;
            requests.push((rule_ids.clone(), self.request(together, lease, cause), closed));
        }
        let (this, library) = (self.clone(), Arc::clone(library));
        let is_scheduled = matches!(cause, Cause::Schedule);
        let done = tokio::task::spawn_blocking(move || {
            let (now, is_stopped) = (|| this.clock.now(), || this.is_stopping());
            let bounds = this.bounds(&now, &is_stopped);
            let mut planned = Vec::new();
            let mut ends = Vec::new();
            for (rule_ids, request, closed) in requests {
                let keeps = is_scheduled && request.kind.keeps_history();
                let kept = match keeps {
                    true => this.histories.take(&library, &rule_ids, request.from),
                    false => KeptHistories::new(),
                };
                ends.push(keeps.then_some(request.to));
                let plan = this.plans.plan(&library, rule_ids, &this.catalog, request.to);
                planned.push(Group { plan, request, counts_late: is_scheduled, kept, closed });
            }
            let context = RunContext { lake: &this.lake, catalog: &this.catalog, bounds };
            let mut results = run_together(&context, planned)?;
            for (result, end) in results.iter_mut().zip(ends) {
                if let (Ok(result), Some(end)) = (result, end) {
                    let kept = std::mem::take(&mut result.executed.kept);
                    this.histories.keep(&library, end, kept, this.settings.limits.history_values);
                }
            }
            Ok(results)
        });
        done.await.unwrap_or_else(|error| Err(ServerError::Defect(error.to_string())))
    }

    /// Alerts of rules with a lasting suppression that people have closed.
    async fn closed_alerts(
        &self,
        library: &RuleLibrary,
        rule_ids: &[String],
        from: Timestamp,
    ) -> Result<ClosedAlerts, ServerError> {
        let mut filter = AlertFilter { statuses: vec![AlertStatus::Closed], ..AlertFilter::default() };
        for rule in rule_ids.iter().filter_map(|rule_id| library.rule(rule_id)) {
            let Some(duration) = rule.rule_type.suppression().and_then(|own| own.duration) else { continue };
            let since =
                from.min(self.clock.now()).checked_sub(duration.as_duration()).unwrap_or(Timestamp::MIN);
            filter.time.from = Some(filter.time.from.map_or(since, |before| before.min(since)));
            filter.rule_ids.push(rule.rule_id.clone());
        }
        let mut closed = ClosedAlerts::new();
        if filter.rule_ids.is_empty() {
            return Ok(closed);
        }
        let mut after = None;
        loop {
            let page = self.store.alerts(&filter, after.as_ref(), 500).await?;
            let closing =
                page.items.iter().map(|stored| (AlertUuid::of(&stored.alert.id), stored.workflow.updated_at));
            closed.extend(closing);
            after = page.next;
            if after.is_none() {
                return Ok(closed);
            }
        }
    }

    fn request(&self, together: &Together, lease: &Lease, cause: Cause<'_>) -> RunRequest {
        let (execution_type, intended) = match cause {
            Cause::Schedule => (ExecutionType::Scheduled, None),
            _ => (ExecutionType::Manual, Some(together.tick)),
        };
        let name = format!("{}/{}/{together:?}", lease.holder, lease.token);
        RunRequest {
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
        }
    }

    /// Runs one rule by itself.
    async fn run_alone(
        &self,
        library: &Arc<RuleLibrary>,
        rule: &Rule,
        together: &Together,
        lease: &Lease,
        cause: Cause<'_>,
    ) -> Result<crate::run::RunResult, ServerError> {
        let groups = [(together, vec![rule.rule_id.clone()])];
        let mut results = self.run(library, &groups, lease, cause).await?;
        results.pop().unwrap_or_else(|| Err(ServerError::Defect("a run without a result".to_owned())))
    }

    /// Works on the oldest gaps, a bounded number of ticks each.
    async fn fill_gaps(
        &self,
        library: &Arc<RuleLibrary>,
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
            if self.is_stopping() {
                self.store.release_gap(gap.id, None).await?;
                continue;
            }
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
            let cause = Cause::Gap(&gap, until);
            match self.run_alone(library, rule, &together, lease, cause).await {
                Err(error) if is_stopped(&error) => self.store.release_gap(gap.id, None).await?,
                Ok(result) => {
                    // What the rule remembers is what the schedule left, and goes on from there.
                    let cursor = self.store.cursor(&rule.rule_id).await?;
                    let bytes = cursor.as_ref().and_then(|cursor| cursor.rule_state.as_deref());
                    let of_rule =
                        DueRule { memory: bytes.map(memory).unwrap_or_default(), ..DueRule::default() };
                    let one = BTreeMap::from([(rule.rule_id.clone(), of_rule)]);
                    self.commit_all(library, actions, &together, result, &one, lease, cause, round).await?;
                    if until < gap.to {
                        self.store.release_gap(gap.id, None).await?;
                    }
                }
                Err(error) => {
                    self.commit_failure(rule, &together, &error, None, lease, round).await?;
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
        library: &Arc<RuleLibrary>,
        (from, to): (Timestamp, Timestamp),
        id: &str,
        lease: &Lease,
    ) -> Result<Round, ServerError> {
        let mut round = Round::default();
        let together = Together { tick: to, from, kind: RuleKind::of(rule) };
        let cause = Cause::Backfill(id);
        match self.run_alone(library, rule, &together, lease, cause).await {
            Ok(result) => {
                let actions = Actions::default();
                let one = BTreeMap::from([(rule.rule_id.clone(), DueRule::default())]);
                self.commit_all(library, &actions, &together, result, &one, lease, cause, &mut round).await?;
            }
            Err(error) => self.commit_failure(rule, &together, &error, None, lease, &mut round).await?,
        }
        Ok(round)
    }
}

/// Was a run asked to end?
fn is_stopped(error: &ServerError) -> bool {
    matches!(error, ServerError::Engine(EngineError::Stopped))
}

/// Could the lake not be read? Then no rule of the same range can run.
fn is_of_lake(error: &ServerError) -> bool {
    matches!(error, ServerError::Lake(_) | ServerError::Engine(EngineError::Events(_)))
}

fn memory(bytes: &[u8]) -> RuleMemory {
    serde_json::from_slice(bytes).unwrap_or_default()
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
