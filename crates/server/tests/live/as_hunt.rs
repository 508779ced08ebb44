//! Live equals hunt: the same events, replayed with the clock at their own times, give the alert ids that a hunt gives.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ecs::Timestamp;
use engine::{AlertSink, HuntInput, HuntOptions, HuntOutput, Plan, ScanSettings, Windows};
use rule::RuleLibrary;
use serde_json::Value;

use crate::scene::{Scene, at, call};

#[derive(Default)]
struct Ids(BTreeSet<String>, BTreeSet<String>);

impl AlertSink for Ids {
    fn alert(&mut self, alert: alert::Alert) -> std::io::Result<()> {
        self.0.insert(alert.uuid().unwrap_or_default().to_owned());
        self.1.insert(alert.rule_id().unwrap_or_default().to_owned());
        Ok(())
    }
}

/// The ids of the alerts that a hunt as scheduled gives, and of the rules that found something.
fn hunted(records: &[Value], library: &RuleLibrary) -> (BTreeSet<String>, BTreeSet<String>) {
    // Beside the runtime of the test: a hunt waits for its queries by itself.
    std::thread::scope(|threads| threads.spawn(|| hunt_over(records, library)).join().unwrap())
}

fn hunt_over(records: &[Value], library: &RuleLibrary) -> (BTreeSet<String>, BTreeSet<String>) {
    let catalog = ecs::Catalog::builtin();
    let enrichment = ingest::enrich::Enrichment::default();
    let plan = Plan::new(library, &catalog, Timestamp::UNIX_EPOCH);
    let options = HuntOptions {
        investigates: false,
        scan: ScanSettings {
            range: ecs::TimeRange::default(),
            now: Timestamp::UNIX_EPOCH,
            enrichment: &enrichment,
            catalog: &catalog,
        },
        jobs: std::num::NonZeroUsize::MIN,
        limits: ingest::Limits::default(),
        max_signals: None,
        windows: Windows::AsScheduled,
        alerts: alert::AlertContext {
            space: "default".to_owned(),
            detected_at: Timestamp::UNIX_EPOCH,
            execution_uuid: String::new(),
            execution_type: alert::ExecutionType::Manual,
            intended_timestamp: None,
            base_url: None,
            version: String::new(),
        },
    };
    let mut ids = Ids::default();
    let output = HuntOutput { alerts: &mut ids, dead_letter: None, progress: &mut |_| {} };
    let bytes = serde_json::json!({ "Records": records }).to_string().into_bytes();
    let input = HuntInput::Memory { name: "records".to_owned(), bytes };
    engine::hunt(&plan, &[input], options, output).unwrap();
    (ids.0, ids.1)
}

fn time_of(record: &Value) -> Timestamp {
    record["eventTime"].as_str().unwrap().parse().unwrap()
}

/// Replays records in the order of their times: each is taken in at its time. Rules run at every minute until an hour
/// after an event with `every_minute`, or else once after each event and at the end: what is due then is made up for.
async fn replayed(
    mut records: Vec<Value>,
    rules: Vec<PathBuf>,
    builtin: bool,
    every_minute: bool,
) -> BTreeSet<String> {
    records.sort_by_key(time_of);
    let minute = |at: Timestamp| at.as_second().div_euclid(60);
    let on = |minute: i64| Timestamp::from_second(minute * 60).unwrap().to_string();
    let (first, last) = (minute(time_of(&records[0])), minute(time_of(&records[records.len() - 1])));
    let mut scene = Scene::with_rules(&on(first), rules, builtin).await;
    scene.server.scheduler.settings.catch_up_ticks = 1_000_000;
    scene.pass(&on(first)).await;
    for together in records.chunk_by(|a, b| time_of(a) == time_of(b)) {
        let at = time_of(&together[0]);
        scene.pass(&on(minute(at))).await;
        scene.clock.set(at);
        scene.deliver(together).await;
        if every_minute {
            for later in 1..60 {
                if records
                    .iter()
                    .all(|record| time_of(record) <= at || minute(time_of(record)) > minute(at) + later)
                {
                    scene.pass(&on(minute(at) + later)).await;
                }
            }
        }
    }
    // Until no window sees the last event.
    for hours in [1, 6, 24, 24 * 8, 24 * 40] {
        scene.pass(&on(last + hours * 60)).await;
    }
    let failed = state::ExecutionFilter {
        statuses: vec![state::ExecutionStatus::Failed],
        ..state::ExecutionFilter::default()
    };
    let failed = scene.server.store.executions(&failed, None, 20).await.unwrap().items;
    assert!(failed.is_empty(), "{failed:?}");
    scene.alerts().await.into_iter().map(|alert| alert.alert.id).collect()
}

#[tokio::test]
async fn our_pack_over_a_made_up_day() {
    let names = [
        "DisableKey",
        "ScheduleKeyDeletion",
        "DeleteImportedKeyMaterial",
        "DeleteAlias",
        "CreateGrant",
        "DeleteKey",
        "PutKeyPolicy",
        "UpdateAlias",
    ];
    let mut records = Vec::new();
    for n in 0..60_u32 {
        let second = n * n * 11 % 20_000;
        let time =
            at("2026-03-01T08:00:00Z").checked_add(jiff::SignedDuration::from_secs(second.into())).unwrap();
        records.push(call(n, &time.to_string(), names[n as usize % names.len()]));
    }
    let library = RuleLibrary::builtin();
    let (expected, _) = hunted(&records, &library);
    assert!(expected.len() > 20, "{}", expected.len());
    assert_eq!(replayed(records.clone(), Vec::new(), true, true).await, expected);
    assert_eq!(replayed(records, Vec::new(), true, false).await, expected);
}

/// The visible data sets, where they are: `BARTIZAN_SHARED` names their folder.
#[tokio::test]
async fn the_conformance_data() {
    let Some(shared) = std::env::var_os("BARTIZAN_SHARED") else {
        eprintln!("did not run: BARTIZAN_SHARED does not name the folder of the conformance data");
        return;
    };
    let shared = Path::new(&shared);
    let rules = shared.join("data/rules");
    let mut library = RuleLibrary::default();
    library.load(&rules).unwrap();
    let mut files: Vec<PathBuf> = std::fs::read_dir(shared.join("data/detections/data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
        .collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let records: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let is_record =
            |record: &Value| record["eventTime"].as_str().is_some_and(|at| at.parse::<Timestamp>().is_ok());
        let records: Vec<Value> = records.into_iter().filter(is_record).collect();
        let (_, found_by) = hunted(&records, &library);
        // Those that find something, and some that should find nothing.
        let folder = tempfile::tempdir().unwrap();
        let others = library.rules.iter().filter(|rule| !found_by.contains(&rule.rule_id)).take(10);
        let wanted = library.rules.iter().filter(|rule| found_by.contains(&rule.rule_id));
        for (n, rule) in wanted.chain(others).enumerate() {
            std::fs::copy(&rule.origin.path, folder.path().join(format!("{n}.toml"))).unwrap();
        }
        let mut part = RuleLibrary::default();
        part.load(folder.path()).unwrap();
        let (expected, _) = hunted(&records, &part);
        let found = replayed(records, vec![folder.path().to_owned()], false, false).await;
        let missing: Vec<_> = expected.difference(&found).collect();
        let extra: Vec<_> = found.difference(&expected).collect();
        eprintln!("{}: {} alerts", file.display(), expected.len());
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{}: missing {missing:?}, extra {extra:?}",
            file.display()
        );
    }
}
