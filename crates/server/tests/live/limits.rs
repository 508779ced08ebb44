//! What one rule takes is no loss of another: limits of time, of what waits, and of alerts; and what comes too late is counted.

use std::path::{Path, PathBuf};

use bartizan_server::Control;
use bartizan_server::settings::LimitsSettings;
use state::{Execution, ExecutionFilter, ExecutionStatus};

use crate::rules::rule;
use crate::scene::{Scene, call};

/// Counts all calls by user: each waits until the end.
fn threshold(id: u32, name: &str) -> String {
    let of_query =
        rule(id, name, "event.provider: *", "[rule.threshold]\nfield = [\"user.name\"]\nvalue = 1\n");
    of_query.replace("type = \"query\"", "type = \"threshold\"")
}

async fn scene(folder: &Path, limits: LimitsSettings) -> Scene {
    let mut scene = Scene::with_limits("2026-03-01T12:00:30Z", vec![folder.to_owned()], false, limits).await;
    let calls: Vec<_> =
        (1..=40).map(|n| call(n, &format!("2026-03-01T12:00:{:02}Z", n % 30), "DisableKey")).collect();
    scene.deliver(&calls).await;
    scene
}

/// The lake's data files below a folder.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { files_of(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|kind| kind == "parquet")).collect()
}

async fn executions(scene: &Scene, status: ExecutionStatus) -> Vec<Execution> {
    let filter = ExecutionFilter { statuses: vec![status], ..ExecutionFilter::default() };
    scene.server.store.executions(&filter, None, 100).await.unwrap().items
}

#[tokio::test]
async fn a_rule_that_takes_too_long_fails_alone_and_runs_last_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), threshold(1, "Slow")).unwrap();
    std::fs::write(folder.path().join("b.toml"), rule(2, "Good", "event.action: DisableKey", "")).unwrap();
    let limits = LimitsSettings { rule_time: "5s".to_owned(), ..LimitsSettings::default() };
    let scene = scene(folder.path(), limits).await;
    // Whoever asks for the time takes a second: the rule whose events wait asks twice for each.
    scene.clock.step(1_000);
    let round = scene.pass("2026-03-01T12:05:00Z").await;
    assert_eq!((round.due, round.succeeded, round.failed), (2, 1, 1), "{round:?}");
    assert_eq!(scene.names().await, vec!["Good"; 40]);
    let failed = executions(&scene, ExecutionStatus::Failed).await;
    assert!(failed[0].message.contains("at work for more than 5s"), "{}", failed[0].message);
    let slow = scene.server.scheduler.slow.lock().unwrap().clone();
    assert!(slow.contains(&failed[0].rule_id) && slow.len() == 1);
    // Once it is quick it finds what it has missed, and is slow no more.
    scene.clock.step(0);
    let round = scene.pass("2026-03-01T12:10:00Z").await;
    assert_eq!((round.due, round.succeeded, round.failed), (2, 2, 0), "{round:?}");
    assert_eq!(scene.names().await.iter().filter(|name| *name == "Slow").count(), 1);
    assert!(scene.server.scheduler.slow.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_rule_with_too_many_waiting_events_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), threshold(1, "Large")).unwrap();
    std::fs::write(folder.path().join("b.toml"), rule(2, "Good", "event.action: DisableKey", "")).unwrap();
    let limits = LimitsSettings { rule_events: 39, ..LimitsSettings::default() };
    let scene = scene(folder.path(), limits).await;
    let round = scene.pass("2026-03-01T12:05:00Z").await;
    assert_eq!((round.succeeded, round.failed), (1, 1), "{round:?}");
    assert_eq!(scene.names().await, vec!["Good"; 40]);
    let failed = executions(&scene, ExecutionStatus::Failed).await;
    assert!(failed[0].message.contains("more than 39 of its events"), "{}", failed[0].message);
    // Tried again at its next tick, and not before.
    assert_eq!(scene.pass("2026-03-01T12:06:00Z").await.due, 0);
    assert_eq!(scene.pass("2026-03-01T12:10:00Z").await.failed, 1);
    let failed = executions(&scene, ExecutionStatus::Failed).await;
    assert_eq!(failed.len(), 2);
}

#[tokio::test]
async fn alerts_beyond_the_limit_are_cut_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), rule(1, "Loud", "event.action: DisableKey", "")).unwrap();
    let limits = LimitsSettings { rule_alerts: 30, ..LimitsSettings::default() };
    let scene = scene(folder.path(), limits).await;
    scene.pass("2026-03-01T12:05:00Z").await;
    assert_eq!(scene.names().await.len(), 30);
    let warned = executions(&scene, ExecutionStatus::Warning).await;
    assert_eq!(warned[0].metrics["cut"], 10);
    assert_eq!(warned[0].metrics["hits"], 40);
}

#[tokio::test]
async fn few_rules_at_once_find_what_all_find() {
    let folder = tempfile::tempdir().unwrap();
    for id in 1..=5 {
        let text = rule(id, &format!("Rule {id}"), "event.action: DisableKey", "max_signals = 1\n");
        std::fs::write(folder.path().join(format!("{id}.toml")), text).unwrap();
    }
    std::fs::write(folder.path().join("6.toml"), threshold(6, "Rule 6")).unwrap();
    let limits = LimitsSettings { rules_at_once: 2, ..LimitsSettings::default() };
    let scene = scene(folder.path(), limits).await;
    let round = scene.pass("2026-03-01T12:05:00Z").await;
    assert_eq!((round.due, round.succeeded), (6, 6), "{round:?}");
    assert_eq!(scene.names().await, (1..=6).map(|id| format!("Rule {id}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_is_asked_to_stop_leaves_the_cursors() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), rule(1, "Good", "event.action: DisableKey", "")).unwrap();
    let scene = scene(folder.path(), LimitsSettings::default()).await;
    let stopping = &scene.server.scheduler.is_stopping;
    stopping.store(true, std::sync::atomic::Ordering::Relaxed);
    let round = scene.pass("2026-03-01T12:05:00Z").await;
    assert_eq!((round.due, round.succeeded, round.failed), (1, 0, 0), "{round:?}");
    // The rule begins here, and has not come any further.
    let cursors = scene.server.store.cursors().await.unwrap();
    assert_eq!(cursors[0].tick, Some(crate::scene::at("2026-03-01T12:00:00Z")));
    stopping.store(false, std::sync::atomic::Ordering::Relaxed);
    scene.pass("2026-03-01T12:05:00Z").await;
    assert_eq!(scene.names().await.len(), 40);
}

/// The first run fails: what only its look-back reached is searched as a gap.
#[tokio::test]
async fn what_the_first_run_would_have_found_is_found_when_it_fails() {
    let folder = tempfile::tempdir().unwrap();
    let text = rule(1, "Good", "event.action: DisableKey", "from = \"now-1h\"\n");
    std::fs::write(folder.path().join("a.toml"), text).unwrap();
    let scene = scene(folder.path(), LimitsSettings::default()).await;
    scene.server.intake.lake.flush().unwrap();
    // The files cannot be read for a while.
    let files = files_of(&scene.server.settings.lake.folder);
    assert!(!files.is_empty());
    let away = |file: &Path| file.with_extension("away");
    files.iter().for_each(|file| std::fs::rename(file, away(file)).unwrap());
    let first = scene.pass("2026-03-01T12:35:00Z").await;
    assert!(first.failed > 0 && (first.succeeded, first.alerts) == (0, 0), "{first:?}");
    // Its own window does not reach the events any more.
    let later = scene.pass("2026-03-01T13:05:00Z").await;
    assert_eq!((later.succeeded, later.alerts), (1, 0), "{later:?}");
    files.iter().for_each(|file| std::fs::rename(away(file), file).unwrap());
    for minute in 25..30 {
        scene.pass(&format!("2026-03-01T13:{minute}:00Z")).await;
    }
    assert_eq!(scene.names().await.len(), 40);
}

#[tokio::test]
async fn what_comes_too_late_for_a_window_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), threshold(1, "By time")).unwrap();
    let override_ = "timestamp_override = \"event.ingested\"\n[rule.threshold]";
    let by_ingested = threshold(2, "By arrival").replace("[rule.threshold]", override_);
    std::fs::write(folder.path().join("b.toml"), by_ingested).unwrap();
    let mut scene = Scene::with_limits(
        "2026-03-01T12:00:30Z",
        vec![folder.path().to_owned()],
        false,
        LimitsSettings::default(),
    )
    .await;
    scene.pass("2026-03-01T12:05:00Z").await;
    scene.clock.set(crate::scene::at("2026-03-01T12:08:00Z"));
    scene
        .deliver(&[
            call(1, "2026-03-01T11:59:00Z", "DisableKey"),
            call(2, "2026-03-01T12:04:59Z", "DisableKey"),
            call(3, "2026-03-01T12:07:00Z", "DisableKey"),
        ])
        .await;
    // The window of 12:10 begins at 12:04.
    let round = scene.pass("2026-03-01T12:10:00Z").await;
    assert_eq!((round.late, round.failed), (1, 0), "{round:?}");
    assert_eq!(scene.names().await, ["By arrival", "By time"]);
    let warned = executions(&scene, ExecutionStatus::Warning).await;
    assert_eq!(warned.len(), 1);
    assert!(warned[0].message.starts_with("1 event came"), "{}", warned[0].message);
    assert_eq!(warned[0].metrics["late_events"], 1);
    let health = scene.server.health().await;
    let late = health.numbers.iter().find(|number| number.name == "bartizan_late_events_total").unwrap();
    assert_eq!(late.value, 1.0);
    // Counted once.
    assert_eq!(scene.pass("2026-03-01T12:15:00Z").await.late, 0);
}
