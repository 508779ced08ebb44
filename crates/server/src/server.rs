//! A whole server: its parts opened, run side by side, and stopped in order.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use ecs::{Catalog, Interval, TimeRange, Timestamp};
use ingest::enrich::Enrichment;
use ingest::source::{
    AwsClients, AwsSettings, FolderSettings, FolderSource, LiveSource, S3PrefixSettings, S3PrefixSource,
    SqsSettings, SqsSource,
};
use jiff::SignedDuration;
use lake::Lake;
use notify::{HttpSettings, RetryPolicy, Secret, SecretRef, Secrets, Transports};
use rule::{RuleLibrary, Schedule};
use state::{Actor, Lease, SqlStore, Store};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::actions::{Actions, load_actions};
use crate::clock::Clock;
use crate::control::{Control, Health, IncomingEvent, Ingested, Number, Preview, PreviewRequest};
use crate::courier::Courier;
use crate::error::ServerError;
use crate::intake::{Intake, IntakeCounts};
use crate::log::Log;
use crate::rule_set::{RuleFiles, RuleSet, load_rules, part_of};
use crate::run::{RuleKind, RunRequest, run};
use crate::scheduler::{Round, Scheduler, SchedulerSettings, with_causes};
use crate::settings::{Settings, SourceKind, SourceSettings};

/// The right to run rules: one node has it at a time.
const LEASE: &str = "scheduler";
const LEASE_LENGTH: SignedDuration = SignedDuration::from_secs(60);

/// How long a queue is asked before it says that there is nothing: who stops the server waits for the answer.
const QUEUE_WAIT: Duration = Duration::from_secs(5);

/// The longest range of a backfill or preview.
const MOST_DAYS: i64 = 90;

/// A server whose parts are open. Cheap to clone: the parts are shared.
#[derive(Clone)]
pub struct Server {
    /// How it was configured.
    pub settings: Arc<Settings>,
    /// Where everything but events is kept.
    pub store: Arc<dyn Store>,
    /// Runs rules.
    pub scheduler: Scheduler,
    /// Takes events in.
    pub intake: Intake,
    /// Sends notifications.
    pub courier: Courier,
    clock: Arc<dyn Clock>,
    log: Log,
    rules: Arc<RwLock<InForce>>,
    counts: Arc<Counts>,
    holder: Arc<str>,
    /// Held locked until the server is gone.
    _sole: Option<Arc<File>>,
    /// Has this node the lease? Only then it takes events in: another node's flushes bring events with earlier stamps, which
    /// windows have passed by then.
    is_active: Arc<AtomicBool>,
}

/// Rules and actions in force.
#[derive(Debug, Clone, Default)]
struct InForce {
    rules: RuleSet,
    actions: Arc<Actions>,
    loaded: bool,
}

/// What happened since the start.
#[derive(Debug, Default)]
struct Counts {
    rounds: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
    alerts: AtomicU64,
    fills: AtomicU64,
    evaluated: Mutex<Option<Timestamp>>,
    faults: Mutex<Vec<(String, String)>>,
}

impl Server {
    /// Opens state and lake, and loads the rules. Nothing runs yet.
    ///
    /// # Errors
    /// When something cannot be opened; the text says what.
    pub async fn open(
        settings: Settings,
        secrets: Arc<dyn Secrets>,
        clock: Arc<dyn Clock>,
        log: Log,
    ) -> Result<Self, ServerError> {
        let store = open_state(&settings, &*secrets).await?;
        let lake = open_lake(&settings, &*secrets)?;
        let catalog = Arc::new(Catalog::builtin());
        let enrichment = Enrichment::open(settings.geoip.city.as_deref(), settings.geoip.asn.as_deref())?;
        let http = notify::http_client(&HttpSettings::default())
            .map_err(|error| ServerError::BadRequest(error.to_string()))?;
        let scheduler = Scheduler {
            lake: lake.clone(),
            store: Arc::clone(&store),
            catalog,
            clock: Arc::clone(&clock),
            settings: SchedulerSettings {
                public_url: settings.server.public_url.clone(),
                ..SchedulerSettings::default()
            },
            failed: Arc::default(),
        };
        let intake = Intake {
            lake,
            store: Arc::clone(&store),
            enrichment: Arc::new(enrichment),
            counts: Arc::new(IntakeCounts::default()),
            clock: Arc::clone(&clock),
            log: log.clone(),
        };
        let courier = Courier {
            store: Arc::clone(&store),
            secrets,
            transports: Arc::new(Transports { http, aws: None }),
            retry: RetryPolicy::default(),
            clock: Arc::clone(&clock),
            log: log.clone(),
        };
        // A file has one server: after a crash the next one need not wait until the lease of the former has run out.
        let (holder, sole) = match &settings.state.postgres {
            Some(_) => (format!("{}-{}", std::process::id(), clock.now().as_nanosecond()), None),
            None => ("the only server".to_owned(), Some(Arc::new(sole_server_of(&settings.state.sqlite)?))),
        };
        let holder = holder.into();
        let server = Self {
            settings: Arc::new(settings),
            store,
            scheduler,
            intake,
            courier,
            clock,
            log,
            rules: Arc::default(),
            counts: Arc::default(),
            holder,
            _sole: sole,
            is_active: Arc::default(),
        };
        server.reload().await?;
        Ok(server)
    }

    /// Reads rules, lists, connectors and actions again.
    ///
    /// # Errors
    /// When the state cannot be read or written.
    pub async fn reload(&self) -> Result<(), ServerError> {
        let rules = &self.settings.rules;
        let files = RuleFiles { paths: rules.paths.clone(), builtin: rules.builtin };
        let rules = load_rules(&files, &*self.store, &self.scheduler.catalog, self.clock.now()).await?;
        let actions = load_actions(&*self.store, &rules.library, &self.scheduler.catalog).await?;
        let mut in_force = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        let before: Vec<String> = in_force.faults().cloned().collect();
        let not_run_before = in_force.rules.not_run.clone();
        *in_force = InForce { rules, actions: Arc::new(actions), loaded: true };
        for fault in in_force.faults().filter(|fault| !before.contains(fault)) {
            self.log.error("rules", "rules", fault);
        }
        for (rule_id, reason) in &in_force.rules.not_run {
            if not_run_before.get(rule_id) != Some(reason) {
                self.log.error("rules", rule_id, &format!("not run: {reason}"));
            }
        }
        Ok(())
    }

    /// The enabled rules in force.
    pub fn library(&self) -> Arc<RuleLibrary> {
        Arc::clone(&self.in_force().rules.library)
    }

    fn in_force(&self) -> InForce {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the right to run rules; `None` while another node has it.
    ///
    /// # Errors
    /// When the state fails.
    pub async fn lease(&self) -> Result<Option<Lease>, ServerError> {
        Ok(self.store.acquire_lease(LEASE, &self.holder, LEASE_LENGTH, self.clock.now()).await?)
    }

    /// Runs what is due now, and fills some gaps.
    ///
    /// # Errors
    /// When the state fails or the lease is lost.
    pub async fn round(&self, lease: &Lease) -> Result<Round, ServerError> {
        let InForce { rules, actions, .. } = self.in_force();
        let round = self.scheduler.round(&rules.library, &actions, lease, self.clock.now()).await?;
        let counts = &self.counts;
        counts.rounds.fetch_add(1, Ordering::Relaxed);
        counts.succeeded.fetch_add(round.succeeded, Ordering::Relaxed);
        counts.failed.fetch_add(round.failed, Ordering::Relaxed);
        counts.alerts.fetch_add(round.alerts, Ordering::Relaxed);
        counts.fills.fetch_add(round.fills, Ordering::Relaxed);
        let mut evaluated = counts.evaluated.lock().unwrap_or_else(PoisonError::into_inner);
        *evaluated = (*evaluated).max(round.newest);
        Ok(round)
    }

    /// Runs everything until told to stop: first no more events come in, then what is under way ends, then the lake is
    /// flushed.
    ///
    /// # Errors
    /// When a source cannot be opened, or the API cannot listen.
    pub async fn run(&self, mut stop: watch::Receiver<bool>, app: axum::Router) -> Result<(), ServerError> {
        let (stop_parts, parts_stop) = watch::channel(false);
        let mut intakes = JoinSet::new();
        for source in self.sources().await? {
            let (intake, stop) = (self.intake.clone(), parts_stop.clone());
            let is_active = Arc::clone(&self.is_active);
            intakes.spawn(async move { intake.run(source, &is_active, stop).await });
        }
        let mut parts = JoinSet::new();
        let (this, part_stop) = (self.clone(), parts_stop.clone());
        parts.spawn(async move { this.schedule(part_stop).await });
        let (this, part_stop) = (self.clone(), parts_stop.clone());
        parts.spawn(async move { this.courier.run(part_stop).await });
        let (this, part_stop) = (self.clone(), parts_stop.clone());
        parts.spawn(async move { this.upkeep(part_stop).await });
        let listening = self.listen(app, parts_stop.clone());
        tokio::pin!(listening);
        let ended = tokio::select! {
            ended = &mut listening => ended,
            _ = stop.wait_for(|stop| *stop) => Ok(()),
        };
        self.log.info("server", "stopping");
        stop_parts.send_replace(true);
        if ended.is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(10), &mut listening).await;
        }
        while intakes.join_next().await.is_some() {}
        while parts.join_next().await.is_some() {}
        let lake = self.intake.lake.clone();
        let flushed = tokio::task::spawn_blocking(move || lake.flush()).await;
        if let Ok(Err(error)) = flushed {
            self.log.error("lake", "flush", &with_causes(&error));
        }
        self.log.info("server", "stopped");
        ended
    }

    async fn listen(&self, app: axum::Router, mut stop: watch::Receiver<bool>) -> Result<(), ServerError> {
        let server = &self.settings.server;
        let address: SocketAddr = server.address;
        let io = |action: &str| {
            let action = format!("{action} {address}");
            move |source| ServerError::Io { action, source }
        };
        let listener = std::net::TcpListener::bind(address).map_err(io("cannot listen on"))?;
        listener.set_nonblocking(true).map_err(io("cannot listen on"))?;
        let at = listener.local_addr().map_err(io("cannot listen on"))?;
        let handle = axum_server::Handle::new();
        let stopping = handle.clone();
        tokio::spawn(async move {
            let _ = stop.wait_for(|stop| *stop).await;
            stopping.graceful_shutdown(Some(Duration::from_secs(8)));
        });
        self.log.info("api", &format!("listening on {at}"));
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        match (&server.tls_certificate, &server.tls_key) {
            (Some(certificate), Some(key)) => {
                let tls = axum_server::tls_rustls::RustlsConfig::from_pem_file(certificate, key)
                    .await
                    .map_err(io("the certificate or key cannot be used for"))?;
                let bound = axum_server::from_tcp_rustls(listener, tls).map_err(io("cannot listen on"))?;
                bound.handle(handle).serve(app).await.map_err(io("cannot serve on"))
            }
            (None, None) => {
                let bound = axum_server::from_tcp(listener).map_err(io("cannot listen on"))?;
                bound.handle(handle).serve(app).await.map_err(io("cannot serve on"))
            }
            _ => Err(ServerError::BadRequest(
                "server.tls_certificate and server.tls_key are given together or not at all".to_owned(),
            )),
        }
    }

    async fn schedule(&self, mut stop: watch::Receiver<bool>) {
        let reload = self.settings.rules.reload.parse::<Interval>().map_or(30, Interval::as_seconds).max(1);
        let (mut lease, mut since_reload, mut idle) = (None::<Lease>, 0, 0);
        while !*stop.borrow() {
            since_reload += 1;
            if since_reload >= reload {
                since_reload = 0;
                if let Err(error) = self.reload().await {
                    self.log.error("rules", "reload", &with_causes(&error));
                }
            }
            let renewed = match &lease {
                Some(held) => self.store.renew_lease(held, LEASE_LENGTH, self.clock.now()).await.map(Some),
                None => self.store.acquire_lease(LEASE, &self.holder, LEASE_LENGTH, self.clock.now()).await,
            };
            lease = renewed.unwrap_or_else(|error| {
                self.log.error("scheduler", "lease", &with_causes(&error));
                None
            });
            let was_active = self.is_active.swap(lease.is_some(), Ordering::Relaxed);
            if was_active != lease.is_some() {
                let role =
                    if was_active { "another node is the active one" } else { "this is the active node" };
                self.log.info("scheduler", role);
            }
            idle += 1;
            if let Some(held) = &lease
                && (idle >= 10 || self.is_due().await)
            {
                idle = 0;
                match self.round(held).await {
                    Ok(round) if round.due + round.fills > 0 => self.log.numbers(
                        "scheduler",
                        serde_json::json!({
                            "due": round.due, "succeeded": round.succeeded, "failed": round.failed,
                            "alerts": round.alerts, "gap_fills": round.fills,
                        }),
                    ),
                    Ok(_) => {}
                    Err(error) => {
                        self.log.error("scheduler", "round", &with_causes(&error));
                        lease = None;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                _ = stop.changed() => {}
            }
        }
        self.is_active.store(false, Ordering::Relaxed);
        if let Some(lease) = lease
            && let Err(error) = self.store.release_lease(&lease).await
        {
            self.log.error("scheduler", "lease", &with_causes(&error));
        }
    }

    /// Has a tick of some rule passed within the last two seconds?
    async fn is_due(&self) -> bool {
        let now = self.clock.now();
        self.library().rules.iter().any(|rule| {
            let tick = Schedule::of(rule).tick_at_or_before(now);
            tick.is_some_and(|tick| now.duration_since(tick) < SignedDuration::from_secs(2))
        })
    }

    async fn upkeep(&self, mut stop: watch::Receiver<bool>) {
        let mut seconds = 0_u64;
        while !*stop.borrow() {
            seconds += 5;
            let (lake, now) = (self.intake.lake.clone(), self.clock.now());
            let work = tokio::task::spawn_blocking(move || {
                if lake.is_flush_due()? || seconds.is_multiple_of(300) {
                    lake.flush()?;
                }
                if seconds.is_multiple_of(600) {
                    lake.compact(now)?;
                }
                if seconds.is_multiple_of(3600) {
                    lake.retain(now)?;
                }
                Ok::<_, lake::LakeError>(())
            });
            let fault = match work.await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(with_causes(&error)),
                Err(error) => Some(error.to_string()),
            };
            if let Some(fault) = &fault {
                self.log.error("lake", "upkeep", fault);
            }
            self.note("lake", fault);
            if seconds.is_multiple_of(3600)
                && let Ok(before) = now.checked_sub(SignedDuration::from_hours(24 * 30))
            {
                let gone = self.store.delete_executions_before(before).await;
                if let Err(error) = gone.and(self.store.delete_sent_before(before).await) {
                    self.log.error("state", "upkeep", &with_causes(&error));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Notes what is wrong with a part; `None` when nothing is any more.
    fn note(&self, part: &str, fault: Option<String>) {
        let mut faults = self.counts.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.retain(|(other, _)| other != part);
        faults.extend(fault.map(|fault| (part.to_owned(), fault)));
    }

    /// The configured sources, each where it stopped.
    ///
    /// # Errors
    /// When a checkpoint cannot be read, or the settings of a source make no sense.
    pub async fn sources(&self) -> Result<Vec<Box<dyn LiveSource>>, ServerError> {
        let mut sources = Vec::new();
        for settings in &self.settings.source {
            sources.push(self.source(settings).await?);
        }
        Ok(sources)
    }

    async fn source(&self, settings: &SourceSettings) -> Result<Box<dyn LiveSource>, ServerError> {
        let name = settings.name.as_str();
        let checkpoint = self.intake.checkpoint(name).await?;
        let clients = async |region: &Option<String>| {
            AwsClients::load(&AwsSettings { region: region.clone(), ..AwsSettings::default() }).await
        };
        Ok(match &settings.kind {
            SourceKind::Folder { paths } => {
                Box::new(FolderSource::new(FolderSettings::new(name, paths.clone()), checkpoint.as_deref())?)
            }
            SourceKind::Sqs { queue_url, region, visibility } => {
                let mut of_queue =
                    SqsSettings { wait: QUEUE_WAIT, ..SqsSettings::new(name, queue_url.as_str()) };
                if let Some(text) = visibility {
                    of_queue.visibility = text
                        .parse::<Interval>()
                        .ok()
                        .and_then(|interval| u64::try_from(interval.as_seconds()).ok())
                        .filter(|seconds| (1..=43_200).contains(seconds))
                        .map(Duration::from_secs)
                        .ok_or_else(|| {
                            let text =
                                format!("source {name}: visibility: `{text}` is no time from 1s to 12h");
                            ServerError::BadRequest(text)
                        })?;
                }
                Box::new(SqsSource::new(of_queue, clients(region).await))
            }
            SourceKind::S3Prefix { bucket, prefix, region, from } => {
                let mut of_prefix = S3PrefixSettings::new(name, bucket.as_str());
                of_prefix.prefix.clone_from(prefix);
                of_prefix.region.clone_from(region);
                of_prefix.from = match from {
                    None => None,
                    Some(text) => Some(text.parse().map_err(|_| {
                        ServerError::BadRequest(format!(
                            "source {name}: from: `{text}` is no date such as 2026-01-31"
                        ))
                    })?),
                };
                Box::new(S3PrefixSource::new(of_prefix, clients(region).await, checkpoint.as_deref())?)
            }
        })
    }

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

impl InForce {
    fn faults(&self) -> impl Iterator<Item = &String> {
        self.rules.faults.iter().chain(&self.actions.faults)
    }
}

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
        let (lake, catalog) = (self.intake.lake.clone(), Arc::clone(&self.scheduler.catalog));
        let work = tokio::task::spawn_blocking(move || run(&lake, &catalog, &library, &run_request));
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
            number("bartizan_rounds_total", "Rounds of the scheduler.", "counter", &counts.rounds),
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

/// Opens the state that settings name.
///
/// # Errors
/// When it cannot be opened, or a newer version has written it.
pub async fn open_state(settings: &Settings, secrets: &dyn Secrets) -> Result<Arc<dyn Store>, ServerError> {
    if let Some(reference) = &settings.state.postgres {
        let url = secrets.resolve(reference).map_err(|error| ServerError::BadRequest(with_causes(&error)))?;
        return Ok(Arc::new(SqlStore::open_postgres(url.expose(), 8).await?));
    }
    let file = &settings.state.sqlite;
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|source| ServerError::Io {
            action: format!("cannot make the folder {}", folder.display()),
            source,
        })?;
    }
    Ok(Arc::new(SqlStore::open_sqlite(file).await?))
}

/// The lock that one server holds beside a database that is a file.
fn sole_server_of(database: &Path) -> Result<File, ServerError> {
    let path = database.with_added_extension("server");
    let io = |source| ServerError::Io { action: format!("cannot lock {}", path.display()), source };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServerError::BadRequest(format!(
            "another server is running with the state {}: several share PostgreSQL, not a file",
            database.display()
        ))),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// What the environment says of buckets: its variable, and the name of the setting.
const OF_BUCKETS: [(&str, &str); 6] = [
    ("AWS_ACCESS_KEY_ID", "aws_access_key_id"),
    ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
    ("AWS_SESSION_TOKEN", "aws_session_token"),
    ("AWS_REGION", "aws_region"),
    ("AWS_ENDPOINT_URL", "aws_endpoint"),
    ("AWS_ALLOW_HTTP", "aws_allow_http"),
];

fn open_lake(settings: &Settings, secrets: &dyn Secrets) -> Result<Lake, ServerError> {
    let lake = &settings.lake;
    let log = lake.log.clone().unwrap_or_else(|| lake.folder.join("log"));
    let store = match &lake.bucket {
        Some(bucket) => {
            let known = OF_BUCKETS.iter().filter_map(|(variable, name)| {
                Some((*name, secrets.resolve(&SecretRef::Env((*variable).to_owned())).ok()?))
            });
            let known: Vec<(&str, Secret)> = known.collect();
            lake::Store::s3(bucket, &lake.prefix, known.iter().map(|(name, value)| (*name, value.expose())))?
        }
        None => lake::Store::folder(&lake.folder),
    };
    let mut of_lake = lake::Settings::default();
    if let Some(retention) = &lake.retention {
        let interval: Interval = retention.parse().map_err(|_| {
            ServerError::BadRequest(format!("lake.retention: `{retention}` is no time such as 365d"))
        })?;
        of_lake.retention = Some(interval.as_duration());
    }
    Ok(Lake::open(store, &log, of_lake)?)
}
