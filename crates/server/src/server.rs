//! A whole server: its parts opened, run side by side, and stopped in order.

use std::fs::File;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ecs::{Catalog, Interval, Timestamp};
use ingest::enrich::Enrichment;
use ingest::source::{
    AwsClients, AwsSettings, FolderSettings, FolderSource, LiveSource, S3PrefixSettings, S3PrefixSource,
    SqsSettings, SqsSource,
};
use jiff::SignedDuration;
use notify::{HttpSettings, RetryPolicy, Secrets, Transports};
use rule::{RuleLibrary, Schedule};
use state::{AuditFilter, GapDraft, Lease, Store};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::actions::{Actions, load_actions};
use crate::clock::Clock;
use crate::courier::Courier;
use crate::error::ServerError;
use crate::intake::{Intake, IntakeCounts};
use crate::log::Log;
use crate::responder::Responder;
use crate::responder::log_evidence::LakeEvidence;
use crate::rule_set::{FileVersions, RuleFiles, RuleSet, load_rules};
use crate::scheduler::{Round, Scheduler, SchedulerSettings, with_causes};
use crate::settings::{Settings, SourceKind, SourceSettings};

mod control;
mod opening;
mod under_lease;

use opening::{open_lake, sole_server_of};
pub use opening::{open_state, read_lake};
use under_lease::while_renewing;

/// The right to run rules: one node has it at a time.
const LEASE: &str = "scheduler";
const LEASE_LENGTH: SignedDuration = SignedDuration::from_secs(60);

/// A round may take longer than the lease.
const LEASE_RENEWED_EVERY: Duration = Duration::from_secs(15);

/// How long a queue is asked before it says that there is nothing: who stops the server waits for the answer.
const QUEUE_WAIT: Duration = Duration::from_secs(5);

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
    /// Acts on keys, when two people agree.
    pub responder: Responder,
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
    /// Of what they were made.
    versions: Option<Versions>,
}

/// What rules and actions are made of: when neither has changed, nor have they.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Versions {
    files: FileVersions,
    /// The last change in the state.
    state: Option<i64>,
}

/// What happened since the start.
#[derive(Debug, Default)]
struct Counts {
    rounds: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
    alerts: AtomicU64,
    fills: AtomicU64,
    late: AtomicU64,
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
        let lake = open_lake(&settings, &clock).await?;
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
                limits: settings.limits.limits()?,
                investigation: settings.investigation.limits()?,
                ..SchedulerSettings::default()
            },
            failed: Arc::default(),
            slow: Arc::default(),
            plans: Arc::default(),
            histories: Arc::default(),
            evidence: Arc::default(),
            is_stopping: Arc::default(),
        };
        let intake = Intake {
            lake,
            store: Arc::clone(&store),
            enrichment: Arc::new(enrichment),
            counts: Arc::new(IntakeCounts::default()),
            clock: Arc::clone(&clock),
            log: log.clone(),
            flushes_first: settings.is_shared(),
        };
        let courier = Courier {
            store: Arc::clone(&store),
            secrets,
            transports: Arc::new(Transports { http, aws: None }),
            retry: RetryPolicy::default(),
            clock: Arc::clone(&clock),
            log: log.clone(),
        };
        settings.respond.request_valid()?;
        settings.respond.approval_valid()?;
        let responder = Responder::new(
            Arc::clone(&store),
            Arc::new(respond::AwsKeyServices::new(settings.respond.aws())),
            Arc::new(LakeEvidence::Open(intake.lake.clone())),
            settings.respond.clone(),
            Arc::clone(&clock),
        );
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
            responder,
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
        // Whatever changes in the state leaves an entry in the audit trail.
        let last_change = self.store.audit(&AuditFilter::default(), None, 1).await?.items.pop();
        let versions = Versions { files: files.versions(), state: last_change.map(|entry| entry.id) };
        if self.in_force().versions.as_ref() == Some(&versions) {
            return Ok(());
        }
        let rules = load_rules(&files, &*self.store, &self.scheduler.catalog, self.clock.now()).await?;
        let actions = load_actions(&*self.store, &rules.library, &self.scheduler.catalog).await?;
        let mut in_force = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        let before: Vec<String> = in_force.faults().cloned().collect();
        let not_run_before = in_force.rules.not_run.clone();
        *in_force = InForce { rules, actions: Arc::new(actions), loaded: true, versions: Some(versions) };
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
        counts.late.fetch_add(round.late, Ordering::Relaxed);
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
        let (stop_intakes, intakes_stop) = watch::channel(false);
        let mut intakes = JoinSet::new();
        for source in self.sources().await? {
            let (intake, stop) = (self.intake.clone(), intakes_stop.clone());
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
        let (this, part_stop) = (self.clone(), parts_stop.clone());
        parts.spawn(async move { this.follow_responses(part_stop).await });
        let listening = self.listen(app, intakes_stop.clone());
        tokio::pin!(listening);
        let ended = tokio::select! {
            ended = &mut listening => ended,
            _ = stop.wait_for(|stop| *stop) => Ok(()),
        };
        self.log.info("server", "stopping");
        self.scheduler.is_stopping.store(true, Ordering::Relaxed);
        // The lease is held until nothing comes in any more: who has it next must find all of it.
        stop_intakes.send_replace(true);
        if ended.is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(10), &mut listening).await;
        }
        while intakes.join_next().await.is_some() {}
        let was_active = self.is_active.load(Ordering::Relaxed);
        stop_parts.send_replace(true);
        while parts.join_next().await.is_some() {}
        let lake = self.intake.lake.clone();
        let is_flushed = was_active || !self.settings.is_shared();
        let flushed = tokio::task::spawn_blocking(move || is_flushed.then(|| lake.flush()).transpose()).await;
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
            let was_active = self.is_active.load(Ordering::Relaxed);
            if let Some(held) = &lease
                && !was_active
                && let Err(error) = self.take_over(held).await
            {
                self.log.error("scheduler", "takeover", &with_causes(&error));
                lease = None;
            }
            self.is_active.store(lease.is_some(), Ordering::Relaxed);
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
                match self.round_with_lease(held).await {
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

    /// Goes on from where the node before, or this one in an earlier life, has stopped: its files are looked for, and no event
    /// is stamped before what rules have searched, whatever the clocks say. Events that only the log of this node has, from a
    /// life whose place another node has taken since, are searched as a gap. Rules that have never run begin here.
    async fn take_over(&self, lease: &Lease) -> Result<(), ServerError> {
        let searched = self.store.cursors().await?.into_iter().filter_map(|cursor| cursor.tick).max();
        let (lake, is_shared) = (self.intake.lake.clone(), self.settings.is_shared());
        let looked = tokio::task::spawn_blocking(move || {
            if is_shared {
                lake.take_over()?;
                lake.refresh()?;
            }
            if let Some(searched) = searched {
                lake.snapshot_through(searched)?;
            }
            if is_shared { lake.unflushed_since() } else { Ok(None) }
        });
        let left = looked.await.map_err(|error| ServerError::Defect(error.to_string()))??;
        if let (Some(from), Some(to)) = (left, searched)
            && from < to
        {
            for rule in &self.library().rules {
                let reason = "events of this node that another could not see".to_owned();
                let gap = GapDraft { rule_id: rule.rule_id.clone(), from, to, reason };
                self.store.add_gap(gap).await?;
            }
        }
        self.scheduler.start_rules(&self.library(), lease, self.clock.now()).await?;
        Ok(())
    }

    /// A round, during which the lease is renewed.
    async fn round_with_lease(&self, lease: &Lease) -> Result<Round, ServerError> {
        let renew = || async {
            // The round's commits are refused when it is lost.
            if let Err(error) = self.store.renew_lease(lease, LEASE_LENGTH, self.clock.now()).await {
                self.log.error("scheduler", "lease", &with_causes(&error));
            }
        };
        while_renewing(self.round(lease), LEASE_RENEWED_EVERY, renew).await
    }

    /// Has a tick of some rule passed within the last two seconds?
    async fn is_due(&self) -> bool {
        let now = self.clock.now();
        self.library().rules.iter().any(|rule| {
            let tick = Schedule::of(rule).tick_at_or_before(now);
            tick.is_some_and(|tick| now.duration_since(tick) < SignedDuration::from_secs(2))
        })
    }

    /// Looks after responses: one node does, the others would only be slower.
    async fn follow_responses(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if self.is_active.load(Ordering::Relaxed) {
                let fault = match self.responder.look().await {
                    Ok(changed) => {
                        changed.iter().for_each(|what| self.log.info("respond", what));
                        None
                    }
                    Err(error) => Some(with_causes(&error)),
                };
                if let Some(fault) = &fault {
                    self.log.error("respond", "look", fault);
                }
                self.note("respond", fault);
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(15)) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn upkeep(&self, mut stop: watch::Receiver<bool>) {
        let mut seconds = 0_u64;
        while !*stop.borrow() {
            seconds += 5;
            let (lake, now) = (self.intake.lake.clone(), self.clock.now());
            // Of several nodes only the active one writes.
            let writes = self.is_active.load(Ordering::Relaxed) || !self.settings.is_shared();
            let work = tokio::task::spawn_blocking(move || {
                if !writes {
                    return Ok(());
                }
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
                if let Err(error) = gone.and(self.store.delete_settled_before(before).await) {
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
}

impl InForce {
    fn faults(&self) -> impl Iterator<Item = &String> {
        self.rules.faults.iter().chain(&self.actions.faults)
    }
}
