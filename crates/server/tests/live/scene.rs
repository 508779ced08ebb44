//! A server over folders of its own, and records as CloudTrail writes them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bartizan_server::clock::SetClock;
use bartizan_server::log::Log;
use bartizan_server::settings::{
    LakeSettings, LimitsSettings, RulesSettings, Settings, SourceKind, SourceSettings, StateSettings,
};
use bartizan_server::{Clock, Server};
use ecs::Timestamp;
use jiff::SignedDuration;
use notify::{Secret, SecretError, SecretRef, Secrets};
use serde_json::{Value, json};
use state::{AlertFilter, Lease, StoredAlert};

/// No secrets.
struct NoSecrets;

impl Secrets for NoSecrets {
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        Err(SecretError::NoVariable { name: reference.to_string() })
    }
}

/// A clock that the test sets; it may go on by so many milliseconds whenever somebody asks.
#[derive(Debug)]
pub(crate) struct SteppingClock {
    set: SetClock,
    step: AtomicI64,
}

impl SteppingClock {
    pub(crate) fn set(&self, now: Timestamp) {
        self.set.set(now);
    }

    pub(crate) fn step(&self, milliseconds: i64) {
        self.step.store(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        let step = SignedDuration::from_millis(self.step.load(Ordering::Relaxed));
        if !step.is_zero() {
            self.set.set(self.set.now().checked_add(step).unwrap());
        }
        self.set.now()
    }
}

/// A server, its clock, and the folder that it watches.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) clock: Arc<SteppingClock>,
    folder: tempfile::TempDir,
    written: usize,
}

impl Scene {
    pub(crate) async fn new(now: &str) -> Self {
        Self::with_rules(now, Vec::new(), true).await
    }

    pub(crate) async fn with_rules(now: &str, paths: Vec<PathBuf>, builtin: bool) -> Self {
        Self::with_limits(now, paths, builtin, LimitsSettings::default()).await
    }

    pub(crate) async fn with_limits(
        now: &str,
        paths: Vec<PathBuf>,
        builtin: bool,
        limits: LimitsSettings,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let clock = Arc::new(SteppingClock { set: SetClock::at(at(now)), step: AtomicI64::new(0) });
        let server = open(folder.path(), &clock, paths, builtin, limits).await;
        Self { server, clock, folder, written: 0 }
    }

    /// As after a crash: everything is opened again.
    pub(crate) async fn restart(self) -> Self {
        let Self { server, clock, folder, written } = self;
        let (rules, limits) = (server.settings.rules.clone(), server.settings.limits.clone());
        drop(server);
        let server = open(folder.path(), &clock, rules.paths, rules.builtin, limits).await;
        Self { server, clock, folder, written }
    }

    /// Sets the clock, and runs what is due.
    pub(crate) async fn pass(&self, now: &str) -> bartizan_server::scheduler::Round {
        self.clock.set(at(now));
        let lease = self.lease().await;
        self.server.round(&lease).await.unwrap()
    }

    pub(crate) async fn lease(&self) -> Lease {
        self.server.lease().await.unwrap().unwrap()
    }

    /// Puts a file of CloudTrail records into the folder that is watched, and has it taken in.
    pub(crate) async fn deliver(&mut self, records: &[Value]) {
        self.deliver_text(&json!({ "Records": records }).to_string()).await;
    }

    /// Puts a file into the folder that is watched, and has it taken in.
    pub(crate) async fn deliver_text(&mut self, text: &str) {
        self.written += 1;
        let file = self.folder.path().join("in").join(format!("{:04}.json", self.written));
        std::fs::write(&file, text).unwrap();
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        std::fs::File::options().append(true).open(&file).unwrap().set_modified(long_ago).unwrap();
        let mut sources = self.server.sources().await.unwrap();
        let taken = self.server.intake.turn(&mut *sources[0]).await.unwrap();
        assert_eq!(taken, 1, "the file was not taken");
    }

    pub(crate) async fn alerts(&self) -> Vec<StoredAlert> {
        let mut alerts = Vec::new();
        let mut after = None;
        loop {
            let filter = AlertFilter::default();
            let page = self.server.store.alerts(&filter, after.as_ref(), 100).await.unwrap();
            alerts.extend(page.items);
            after = page.next;
            if after.is_none() {
                return alerts;
            }
        }
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        let alerts = self.alerts().await;
        let name =
            |alert: &StoredAlert| alert.alert.document["kibana.alert.rule.name"].as_str().unwrap().to_owned();
        let mut names: Vec<String> = alerts.iter().map(name).collect();
        names.sort();
        names
    }
}

async fn open(
    folder: &std::path::Path,
    clock: &Arc<SteppingClock>,
    paths: Vec<PathBuf>,
    builtin: bool,
    limits: LimitsSettings,
) -> Server {
    let settings = Settings {
        state: StateSettings { sqlite: folder.join("state.sqlite"), postgres: None },
        lake: LakeSettings { folder: folder.join("lake"), ..LakeSettings::default() },
        limits,
        rules: RulesSettings { paths, builtin, ..RulesSettings::default() },
        source: vec![SourceSettings {
            name: "folder".to_owned(),
            kind: SourceKind::Folder { paths: vec![folder.join("in")] },
        }],
        ..Settings::default()
    };
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    let log = Log::silent(Arc::clone(&clock));
    Server::open(settings, Arc::new(NoSecrets), clock, log).await.unwrap()
}

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// A call to KMS.
pub(crate) fn call(id: u32, time: &str, name: &str) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": time, "eventSource": "kms.amazonaws.com", "eventName": name,
        "awsRegion": "eu-central-1", "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli/2.15",
        "eventID": format!("00000000-0000-4000-8000-{id:012}"), "eventType": "AwsApiCall", "readOnly": false,
        "userIdentity": {"type": "IAMUser", "userName": "ana", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/ana", "principalId": "AIDA0000000000000000"},
        "requestParameters": {"keyId": "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-0000000000aa"},
        "recipientAccountId": "111122223333",
    })
}
