//! What the API may ask of a whole server.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use ecs::{TimeRange, Timestamp};
use jiff::SignedDuration;
use serde_json::Value;
use state::{Actor, StoredAlert};
use uuid::Uuid;

use super::Server;
use crate::control::{Control, Health, IncomingEvent, Ingested, Number, Preview, PreviewRequest};
use crate::error::ServerError;
use crate::rule_set::part_of;
use crate::run::{RuleKind, RunContext, RunRequest, run};
use crate::scheduler::with_causes;

/// The longest range of a backfill or preview.
const MOST_DAYS: i64 = 90;

#[async_trait]
impl Control for Server {
    async fn backfill(&self, rule_id: &str, range: TimeRange, by: &Actor) -> Result<String, ServerError> {
        let (from, to) = self.checked(range)?;
        let library = self.library();
        let Some(rule) = library.rule(rule_id).cloned() else {
            return Err(ServerError::NotFound { kind: "enabled rule", id: rule_id.to_owned() });
        };
        let now = self.clock.now();
        let id =
            Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{rule_id}/{from}/{to}/{now}").as_bytes()).to_string();
        let detail = serde_json::json!({ "from": from.to_string(), "to": to.to_string(), "backfill": id });
        self.store.add_audit("rule.backfill", "rule", rule_id, Some(detail), by, now).await?;
        let (this, backfill) = (self.clone(), id.clone());
        tokio::spawn(async move {
            let holder = format!("{}-{backfill}", this.holder);
            let name = format!("backfill {backfill}");
            let length = SignedDuration::from_hours(24);
            let lease = match this.store.acquire_lease(&name, &holder, length, now).await {
                Ok(Some(lease)) => lease,
                Ok(None) => return,
                Err(error) => return this.log.error("backfill", &backfill, &with_causes(&error)),
            };
            let done = this.scheduler.backfill(&rule, &library, (from, to), &backfill, &lease).await;
            match done {
                Ok(round) => this.counts.alerts.fetch_add(round.alerts, Ordering::Relaxed),
                Err(error) => {
                    this.log.error("backfill", &backfill, &with_causes(&error));
                    0
                }
            };
            let _ = this.store.release_lease(&lease).await;
        });
        Ok(id)
    }

    async fn investigate(&self, alert: StoredAlert) -> Result<(Timestamp, Value), ServerError> {
        self.scheduler.investigate_again(alert).await
    }

    async fn preview(&self, request: PreviewRequest) -> Result<Preview, ServerError> {
        let (from, to) = self.checked(request.range)?;
        let path = std::path::Path::new("preview");
        let loaded = if request.is_json {
            rule::format::ndjson::read(&request.text, path)
        } else {
            rule::format::toml::read(&request.text, path)
        };
        let mut preview = Preview::default();
        preview.faults.extend(loaded.diagnostics.iter().map(|found| found.message.clone()));
        let Some(rule) = loaded.rules.first().cloned() else { return Ok(preview) };
        let mut library = part_of(&self.library(), |_| false);
        library.add(path.to_owned(), rule::Loaded { rules: vec![rule.clone()], ..rule::Loaded::default() });
        let run_request = RunRequest {
            kind: RuleKind::of(&rule),
            from,
            to,
            alerts: alert::AlertContext {
                space: self.scheduler.settings.space.clone(),
                detected_at: to,
                execution_uuid: Uuid::new_v5(&Uuid::NAMESPACE_OID, b"preview").to_string(),
                execution_type: alert::ExecutionType::Manual,
                intended_timestamp: None,
                base_url: None,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
        };
        let scheduler = self.scheduler.clone();
        let work = tokio::task::spawn_blocking(move || {
            let (now, is_stopped) = (|| scheduler.clock.now(), || scheduler.is_stopping());
            let bounds = scheduler.bounds(&now, &is_stopped);
            let context = RunContext { lake: &scheduler.lake, catalog: &scheduler.catalog, bounds };
            run(&context, &library, &run_request)
        });
        let result = work.await.map_err(|error| ServerError::Defect(error.to_string()))??;
        preview.events = result.executed.events;
        for outcome in &result.executed.rules {
            if let engine::RuleStatus::NotRun(reason) = &outcome.status {
                preview.faults.push(reason.to_string());
            }
            preview.faults.extend(outcome.warnings.iter().map(|found| found.message.clone()));
        }
        for alert in result.alerts.into_values().flatten() {
            preview.total += 1;
            if preview.alerts.len() < request.limit {
                preview.alerts.push(serde_json::Value::Object(alert.into_document().into_map()));
            }
        }
        Ok(preview)
    }

    async fn ingest(&self, events: Vec<IncomingEvent>) -> Result<Ingested, ServerError> {
        if !self.is_active.load(Ordering::Relaxed) {
            return Err(ServerError::Stopping);
        }
        let intake = self.intake.clone();
        let work = tokio::task::spawn_blocking(move || {
            let mut streams = std::collections::BTreeMap::new();
            for IncomingEvent { data_stream, event } in events {
                let (_, events) =
                    streams.entry(data_stream.name()).or_insert_with(|| (data_stream, Vec::new()));
                events.push(event);
            }
            let mut ingested = Ingested::default();
            for (stream, events) in streams.into_values() {
                let (appended, duplicates) = intake.append(&stream, events)?;
                ingested.appended += appended;
                ingested.duplicates += duplicates;
            }
            intake.settle()?;
            Ok(ingested)
        });
        work.await.map_err(|error| ServerError::Defect(error.to_string()))?
    }

    async fn reload_rules(&self, by: &Actor) -> Result<(), ServerError> {
        self.store.add_audit("rules.reload", "rules", "rules", None, by, self.clock.now()).await?;
        self.reload().await
    }

    async fn health(&self) -> Health {
        let in_force = self.in_force();
        let mut parts: Vec<(String, Option<String>)> =
            vec![("rules".to_owned(), in_force.faults().next().cloned())];
        let faults = self.counts.faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of_lake = faults.iter().find(|(part, _)| part == "lake").map(|(_, fault)| fault.clone());
        parts.push(("lake".to_owned(), of_lake));
        let intake = &self.intake.counts;
        let counts = &self.counts;
        let number = |name, help, kind, value: &AtomicU64| Number {
            name,
            help,
            kind,
            labels: Vec::new(),
            value: value.load(Ordering::Relaxed) as f64,
        };
        let numbers = vec![
            number("bartizan_events_total", "Events that came into the lake.", "counter", &intake.events),
            number(
                "bartizan_duplicates_total",
                "Events that were there already.",
                "counter",
                &intake.duplicates,
            ),
            number(
                "bartizan_records_dropped_total",
                "Records that became nothing.",
                "counter",
                &intake.dropped,
            ),
            number("bartizan_inputs_total", "Inputs that were taken in.", "counter", &intake.inputs),
            number(
                "bartizan_set_aside_total",
                "Deliveries that were set aside.",
                "counter",
                &intake.set_aside,
            ),
            number(
                "bartizan_intake_failures_total",
                "Failures of sources and commits.",
                "counter",
                &intake.failures,
            ),
            number(
                "bartizan_executions_succeeded_total",
                "Executions that succeeded.",
                "counter",
                &counts.succeeded,
            ),
            number("bartizan_executions_failed_total", "Executions that failed.", "counter", &counts.failed),
            number("bartizan_alerts_total", "Alerts that were made.", "counter", &counts.alerts),
            number("bartizan_gap_fills_total", "Gaps that were worked on.", "counter", &counts.fills),
            number(
                "bartizan_late_events_total",
                "Events that came when the window of a rule over @timestamp had passed, once for each such rule.",
                "counter",
                &counts.late,
            ),
            number("bartizan_rounds_total", "Rounds of the scheduler.", "counter", &counts.rounds),
            Number {
                name: "bartizan_history_values",
                help: "Values, events and alerts that rules keep of their histories.",
                kind: "gauge",
                labels: Vec::new(),
                value: self.scheduler.histories.len() as f64,
            },
            Number {
                name: "bartizan_rules_not_run",
                help: "Enabled rules that cannot be run.",
                kind: "gauge",
                labels: Vec::new(),
                value: in_force.rules.not_run.len() as f64,
            },
            Number {
                name: "bartizan_rules",
                help: "Rules in force.",
                kind: "gauge",
                labels: Vec::new(),
                value: in_force.rules.library.rules.len() as f64,
            },
        ];
        let evaluated_through = *counts.evaluated.lock().unwrap_or_else(PoisonError::into_inner);
        Health { parts, is_ready: in_force.loaded, evaluated_through, numbers }
    }
}

impl Server {
    fn checked(&self, range: TimeRange) -> Result<(Timestamp, Timestamp), ServerError> {
        let bad = |reason: &str| Err(ServerError::BadRequest(format!("the range {reason}")));
        let (Some(from), Some(to)) = (range.from, range.to) else { return bad("needs both ends") };
        if to <= from {
            return bad("is empty: `to` must be later than `from`");
        }
        if to > self.clock.now() {
            return bad("lies in the future");
        }
        if to.duration_since(from) > SignedDuration::from_hours(24 * MOST_DAYS) {
            return bad("is longer than 90 days");
        }
        Ok((from, to))
    }
}
