//! A state in memory with something of each kind, running parts that only note what they are asked, and ways to ask.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use bartizan_server::api::{AppState, AuthSettings, IngestToken, TestSender, router, token_hash};
use bartizan_server::clock::SetClock;
use bartizan_server::control::{Control, Health, IncomingEvent, Ingested, Number, Preview, PreviewRequest};
use bartizan_server::error::ServerError;
use bartizan_server::responder::Responder;
use bartizan_server::responder::log_evidence::LogEvidence;
use bartizan_server::responder::settings::RespondSettings;
use ecs::{TimeRange, Timestamp};
use respond::{FakeKeyService, KeyArn, LastDisable, SeenCall};
use serde_json::{Value, json};
use state::{
    Actor, AlertDraft, AlertStore as _, ApiTokenDraft, ApiTokenStore as _, CommitStore as _, Execution,
    ExecutionCommit, ExecutionKind, ExecutionStatus, GapDraft, GapStore as _, LeaseStore as _,
    NotificationDraft, OutboxStore as _, PoisonDelivery, Role, RuleDraft, RuleFormat, RuleStore as _,
    SourceStore as _, SqlStore, StoredAlert,
};
use tower::ServiceExt as _;

pub(crate) const RULE: &str = r#"
[metadata]
creation_date = "2026/03/01"
updated_date = "2026/03/01"
maturity = "production"

[rule]
author = ["A. N. Other"]
description = "Somebody stops a trail."
from = "now-6m"
index = ["logs-aws.cloudtrail-*"]
interval = "5m"
language = "kuery"
license = "Apache-2.0"
name = "Trail stopped"
risk_score = 47
rule_id = "trail-stopped"
severity = "medium"
tags = ["Cloud", "Use Case: Log Auditing"]
type = "query"
query = 'event.action: StopLogging'
"#;

pub(crate) struct World {
    pub(crate) control: Arc<NotingControl>,
    pub(crate) router: Router,
    pub(crate) kms: FakeKeyService,
    pub(crate) logs: Arc<ToldLogs>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) responder: Responder,
}

/// Logs that say what a test tells them to.
#[derive(Default)]
pub(crate) struct ToldLogs {
    pub(crate) last_disable: Mutex<Option<LastDisable>>,
    pub(crate) calls: Mutex<Vec<SeenCall>>,
}

#[async_trait]
impl LogEvidence for ToldLogs {
    async fn last_disable(&self, _: &KeyArn, _: Timestamp) -> Result<Option<LastDisable>, ServerError> {
        Ok(self.last_disable.lock().unwrap().clone())
    }

    async fn calls(&self, from: Timestamp) -> Result<Vec<SeenCall>, ServerError> {
        let calls = self.calls.lock().unwrap();
        Ok(calls.iter().filter(|call| call.time >= from).cloned().collect())
    }
}

/// Notes what it is asked.
#[derive(Default)]
pub(crate) struct NotingControl {
    pub(crate) events: Mutex<Vec<IncomingEvent>>,
    pub(crate) is_broken: Mutex<bool>,
}

#[async_trait]
impl Control for NotingControl {
    async fn backfill(&self, rule_id: &str, range: TimeRange, _: &Actor) -> Result<String, ServerError> {
        match (rule_id, range.from < range.to) {
            ("trail-stopped", true) => Ok("backfill-1".to_owned()),
            ("trail-stopped", false) => Err(ServerError::BadRequest("the range is empty".to_owned())),
            _ => Err(ServerError::NotFound { kind: "rule", id: rule_id.to_owned() }),
        }
    }

    async fn investigate(&self, alert: StoredAlert) -> Result<(Timestamp, Value), ServerError> {
        Ok((alert.alert.timestamp, json!({ "questions": [] })))
    }

    async fn preview(&self, request: PreviewRequest) -> Result<Preview, ServerError> {
        let alerts = vec![json!({"kibana.alert.uuid": "preview"})];
        Ok(Preview { alerts, total: 3, events: request.text.len() as u64, faults: vec![] })
    }

    async fn ingest(&self, events: Vec<IncomingEvent>) -> Result<Ingested, ServerError> {
        if *self.is_broken.lock().unwrap() {
            return Err(ServerError::Stopping);
        }
        let appended = events.len() as u64;
        self.events.lock().unwrap().extend(events);
        Ok(Ingested { appended, duplicates: 0 })
    }

    async fn reload_rules(&self, _: &Actor) -> Result<(), ServerError> {
        Ok(())
    }

    async fn health(&self) -> Health {
        Health {
            parts: vec![
                ("lake".to_owned(), None),
                ("queue".to_owned(), Some("cannot be reached".to_owned())),
            ],
            is_ready: !*self.is_broken.lock().unwrap(),
            evaluated_through: Some(at("2026-03-14T09:59:00Z")),
            numbers: vec![Number {
                name: "bartizan_events_ingested_total",
                help: "Events.",
                kind: "counter",
                labels: vec![("data_stream", "logs-aws.cloudtrail-default".to_owned())],
                value: 12.0,
            }],
        }
    }
}

struct Refusing;

#[async_trait]
impl TestSender for Refusing {
    async fn send(
        &self,
        connector: &notify::Connector,
        message: &notify::Message,
        _: Timestamp,
    ) -> Result<String, String> {
        assert_eq!(message.connector_id, connector.id);
        Err("hooks.example.org answered 500".to_owned())
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) const NOW: &str = "2026-03-14T10:00:00Z";

/// With tokens `viewer-token`, `analyst-token`, `admin-token`, `ingest-token`, and one that has expired.
pub(crate) async fn world() -> World {
    let ingest_tokens = vec![IngestToken { name: "shipper".to_owned(), hash: token_hash("ingest-token") }];
    world_with(AuthSettings::Tokens { ingest_tokens }).await
}

pub(crate) async fn world_with(auth: AuthSettings) -> World {
    world_responding(auth, false).await
}

/// One that may act on keys, if `enabled`.
pub(crate) async fn world_responding(auth: AuthSettings, enabled: bool) -> World {
    let store = Arc::new(SqlStore::open_sqlite_in_memory().await.unwrap());
    let control = Arc::new(NotingControl::default());
    fill(&store).await;
    let clock = Arc::new(SetClock::at(at(NOW)));
    let (kms, logs) = (FakeKeyService::default(), Arc::new(ToldLogs::default()));
    let settings = RespondSettings {
        enabled,
        defenders: vec!["arn:aws:iam::*:role/incident-*".to_owned()],
        ..RespondSettings::default()
    };
    let mut responder =
        Responder::new(store.clone(), Arc::new(kms.clone()), logs.clone(), settings, clock.clone());
    responder.rereads = [std::time::Duration::ZERO; 2].into();
    let mut app = AppState::new(store, control.clone(), clock.clone(), auth, Arc::new(Refusing));
    app.responder = responder.clone();
    World { control, router: router(app), kms, logs, clock, responder }
}

async fn fill(store: &SqlStore) {
    let (by, now) = (Actor::system("test"), at(NOW));
    for (name, role) in [
        ("viewer", Role::Viewer),
        ("analyst", Role::Analyst),
        ("admin", Role::Admin),
        ("expired", Role::Admin),
    ] {
        let token = ApiTokenDraft {
            id: format!("{name}-id"),
            name: name.to_owned(),
            role,
            hash: token_hash(&format!("{name}-token")),
            expires: (name == "expired").then(|| at("2026-03-14T10:00:00Z")),
        };
        store.add_token(token, &by, at("2026-03-01T00:00:00Z")).await.unwrap();
    }
    let rule = RuleDraft {
        rule_id: "trail-stopped".to_owned(),
        name: "Trail stopped".to_owned(),
        source: RULE.to_owned(),
        format: RuleFormat::Toml,
        origin: "rules/trail_stopped.toml".to_owned(),
        enabled: Some(true),
    };
    store.put_rule(rule, &by, now).await.unwrap();
    for (number, severity, user) in [(1, "high", "alice"), (2, "low", "bob"), (3, "high", "carol")] {
        let id = format!("alert-{number}");
        let time = format!("2026-03-14T09:0{number}:00Z");
        let document = json!({
            "@timestamp": time,
            "user": {"name": user},
            "kibana.alert.uuid": id,
            "kibana.alert.severity": severity,
            "kibana.alert.workflow_status": "open",
        });
        let alert = AlertDraft {
            id,
            rule_id: "trail-stopped".to_owned(),
            rule_uuid: "trail-stopped".to_owned(),
            severity: severity.to_owned(),
            risk_score: 47.0,
            timestamp: at(&time),
            original_time: None,
            document,
        };
        store.put_alert(alert, now).await.unwrap();
    }
    let gap = |from: &str, to: &str| GapDraft {
        rule_id: "trail-stopped".to_owned(),
        from: at(from),
        to: at(to),
        reason: "server was down".to_owned(),
    };
    store.add_gap(gap("2026-03-13T00:00:00Z", "2026-03-13T01:00:00Z")).await.unwrap();
    store.add_gap(gap("2026-03-12T00:00:00Z", "2026-03-12T01:00:00Z")).await.unwrap();
    let execution = Execution {
        id: "execution-1".to_owned(),
        rule_id: "trail-stopped".to_owned(),
        kind: ExecutionKind::Scheduled,
        tick: at("2026-03-14T09:55:00Z"),
        window_from: at("2026-03-14T09:49:00Z"),
        window_to: at("2026-03-14T09:55:00Z"),
        started: at("2026-03-14T09:55:01Z"),
        ended: at("2026-03-14T09:55:02Z"),
        status: ExecutionStatus::Succeeded,
        message: String::new(),
        metrics: json!({"events": 4}),
    };
    let hour = jiff::SignedDuration::from_hours(1);
    let lease = store.acquire_lease("scheduler", "test", hour, now).await.unwrap().unwrap();
    let commit = ExecutionCommit {
        lease,
        execution,
        alerts: vec![],
        updates: vec![],
        cursor: None,
        rule_state: None,
        gaps: vec![],
        gap_fill: None,
        notifications: vec![],
    };
    store.commit_execution(&commit, now).await.unwrap();
    let message = NotificationDraft {
        dedupe_key: "key-1".to_owned(),
        connector_id: "ops".to_owned(),
        action_id: None,
        rule_id: None,
        about_alert: None,
        payload: json!({"text": "hello"}),
        not_before: None,
    };
    store.add_notification(message, now).await.unwrap();
    store.mark_dead(1, "refused", now).await.unwrap();
    let delivery = PoisonDelivery {
        source: "queue".to_owned(),
        id: "message/1".to_owned(),
        reason: "no JSON".to_owned(),
        body_excerpt: "{".to_owned(),
        time: now,
    };
    store.add_poison(delivery).await.unwrap();
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    pub(crate) async fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        let mut headers: Vec<(&str, String)> = Vec::new();
        headers.extend(token.map(|token| ("authorization", format!("Bearer {token}"))));
        self.ask_with(method, path, &headers, body).await
    }

    pub(crate) async fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let has_type = headers.iter().any(|(name, _)| *name == "content-type");
        if !body.is_empty() && !has_type {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn as_admin(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask(method, path, Some("admin-token"), body).await
    }
}
