//! Rules as files, what is told of them, and caps.

use std::path::Path;

use bartizan_server::Control;
use state::{Actor, ExecutionFilter, ExecutionStatus};

use crate::scene::{Scene, at, call};

pub(crate) fn rule(id: u32, name: &str, query: &str, more: &str) -> String {
    format!(
        "[metadata]\ncreation_date = \"2026/01/01\"\nupdated_date = \"2026/01/01\"\n[rule]\nname = \"{name}\"\n\
         description = \"A rule.\"\nrisk_score = 47\nseverity = \"medium\"\ntype = \"query\"\nlanguage = \"kuery\"\n\
         index = [\"logs-aws*\"]\nrule_id = \"00000000-0000-4000-8000-{id:012}\"\nquery = '''{query}'''\n{more}"
    )
}

async fn scene(folder: &Path) -> Scene {
    Scene::with_rules("2026-03-01T12:00:30Z", vec![folder.to_owned()], false).await
}

fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

#[tokio::test]
async fn a_bad_file_keeps_its_former_version_running_and_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    std::fs::write(&file, rule(1, "First", "event.action: DisableKey", "")).unwrap();
    let mut scene = scene(folder.path()).await;
    let store = scene.server.store.clone();
    assert_eq!(store.rule(&id(1)).await.unwrap().unwrap().fault, None);

    for broken in ["no toml [", &rule(1, "First", "event.action: (", "")] {
        std::fs::write(&file, broken).unwrap();
        scene.server.reload().await.unwrap();
        assert_eq!(scene.server.library().rules.len(), 1, "{broken}");
        assert!(store.rule(&id(1)).await.unwrap().unwrap().fault.is_some(), "{broken}");
        std::fs::write(&file, rule(1, "First", "event.action: DisableKey", "")).unwrap();
        scene.server.reload().await.unwrap();
        assert_eq!(store.rule(&id(1)).await.unwrap().unwrap().fault, None);
    }
    scene.deliver(&[call(1, "2026-03-01T12:00:01Z", "DisableKey")]).await;
    scene.pass("2026-03-01T12:05:00Z").await;
    assert_eq!(scene.names().await, ["First"]);

    std::fs::remove_file(&file).unwrap();
    scene.server.reload().await.unwrap();
    assert_eq!(store.rule(&id(1)).await.unwrap(), None);
    assert_eq!(scene.names().await, ["First"], "alerts outlive their rule");
}

#[tokio::test]
async fn who_disables_a_rule_is_not_overruled_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    std::fs::write(&file, rule(1, "First", "event.action: DisableKey", "")).unwrap();
    let scene = scene(folder.path()).await;
    let by = Actor::token("somebody");
    scene.server.store.set_rule_enabled(&id(1), false, &by, at("2026-03-01T12:00:30Z")).await.unwrap();
    std::fs::write(&file, rule(1, "Second", "event.action: DisableKey", "")).unwrap();
    scene.server.reload().await.unwrap();
    assert!(scene.server.library().rules.is_empty());
    assert_eq!(scene.server.store.rule(&id(1)).await.unwrap().unwrap().name, "Second");
}

#[tokio::test]
async fn rules_that_cannot_run_are_told_and_stop_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let model = rule(1, "Model", "", "anomaly_threshold = 50\nmachine_learning_job_id = [\"a\"]\n")
        .replace(
            "type = \"query\"\nlanguage = \"kuery\"\nindex = [\"logs-aws*\"]\n",
            "type = \"machine_learning\"\n",
        )
        .replace("query = ''''''\n", "");
    std::fs::write(folder.path().join("a.toml"), model).unwrap();
    std::fs::write(folder.path().join("b.toml"), rule(2, "Good", "event.action: DisableKey", "")).unwrap();
    let mut scene = scene(folder.path()).await;
    scene.deliver(&[call(1, "2026-03-01T12:00:01Z", "DisableKey")]).await;
    scene.pass("2026-03-01T12:05:00Z").await;
    assert_eq!(scene.names().await, ["Good"]);
    let health = scene.server.health().await;
    let of = |name: &str| health.numbers.iter().find(|number| number.name == name).unwrap().value;
    assert_eq!((of("bartizan_rules"), of("bartizan_rules_not_run")), (1.0, 1.0));
}

#[tokio::test]
async fn the_cap_counts_new_alerts_and_says_what_it_cut() {
    let folder = tempfile::tempdir().unwrap();
    let text = rule(1, "Capped", "event.action: DisableKey", "max_signals = 2\n");
    std::fs::write(folder.path().join("a.toml"), text).unwrap();
    let mut scene = scene(folder.path()).await;
    let calls: Vec<_> = (1..=5).map(|n| call(n, &format!("2026-03-01T12:00:0{n}Z"), "DisableKey")).collect();
    scene.deliver(&calls).await;
    scene.pass("2026-03-01T12:05:00Z").await;
    assert_eq!(scene.names().await.len(), 2);
    let warned = ExecutionFilter { statuses: vec![ExecutionStatus::Warning], ..ExecutionFilter::default() };
    let made = scene.server.store.executions(&warned, None, 10).await.unwrap().items;
    assert_eq!(made.len(), 1);
    assert!(made[0].message.starts_with("3 alerts more"), "{}", made[0].message);
    assert_eq!(made[0].metrics["cut"], 3);
    assert_eq!(made[0].metrics["hits"], 5);
}

#[tokio::test]
async fn a_backfill_finds_what_was_before_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    std::fs::write(&file, rule(1, "Old", "event.action: DeleteAlias", "")).unwrap();
    let mut scene = scene(folder.path()).await;
    scene.deliver(&[call(1, "2026-03-01T12:00:01Z", "DisableKey")]).await;
    scene.pass("2026-03-02T12:05:00Z").await;
    std::fs::write(&file, rule(2, "New", "event.action: DisableKey", "")).unwrap();
    scene.server.reload().await.unwrap();
    scene.pass("2026-03-02T12:10:00Z").await;
    assert!(scene.names().await.is_empty());
    let range =
        ecs::TimeRange { from: Some(at("2026-03-01T11:00:00Z")), to: Some(at("2026-03-02T12:00:00Z")) };
    let by = Actor::token("somebody");
    for _ in 0..2 {
        scene.server.backfill(&id(2), range, &by).await.unwrap();
        scene.clock.set(at("2026-03-02T12:11:00Z"));
    }
    for _ in 0..200 {
        if scene.names().await == ["New"] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(scene.names().await, ["New"]);
    let refused = scene.server.backfill(&id(2), ecs::TimeRange::default(), &by).await;
    assert!(refused.is_err());
}
