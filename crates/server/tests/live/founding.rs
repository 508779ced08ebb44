//! The founding rules live: each alert once, however often a window sees the event, and whatever fails.

use bartizan_server::clock::Clock as _;

use crate::scene::{Scene, call};

const DELETED: &str = "AWS KMS Imported Key Material Deleted";
const DISABLED: &str = "AWS KMS Customer Managed Key Disabled or Scheduled for Deletion";

fn of<'n>(names: &'n [String], wanted: &str) -> Vec<&'n String> {
    names.iter().filter(|name| *name == wanted).collect()
}

#[tokio::test]
async fn each_fires_once_though_many_runs_see_the_event() {
    let mut scene = Scene::new("2026-03-01T12:00:30Z").await;
    scene.deliver(&[call(1, "2026-03-01T12:00:01Z", "DeleteImportedKeyMaterial")]).await;
    scene.deliver(&[call(2, "2026-03-01T12:00:02Z", "DisableKey")]).await;
    for minute in 1..40 {
        scene.pass(&format!("2026-03-01T12:{minute:02}:10Z")).await;
    }
    let names = scene.names().await;
    assert_eq!(of(&names, DELETED).len(), 1, "{names:?}");
    assert_eq!(of(&names, DISABLED).len(), 1, "{names:?}");
}

#[tokio::test]
async fn what_comes_late_is_found_when_it_comes() {
    let mut scene = Scene::new("2026-03-01T12:00:30Z").await;
    scene.pass("2026-03-01T12:05:00Z").await;
    scene.pass("2026-03-01T13:00:00Z").await;
    scene.deliver(&[call(1, "2026-03-01T09:00:01Z", "DisableKey")]).await;
    assert!(of(&scene.names().await, DISABLED).is_empty());
    let round = scene.pass("2026-03-01T13:10:00Z").await;
    assert!(round.newest.is_some() && round.failed == 0, "{round:?}");
    assert_eq!(of(&scene.names().await, DISABLED).len(), 1);
}

#[tokio::test]
async fn an_outage_loses_and_doubles_nothing() {
    let mut scene = Scene::new("2026-03-01T12:00:30Z").await;
    scene.pass("2026-03-01T12:05:00Z").await;
    scene.deliver(&[call(1, "2026-03-01T12:05:01Z", "DisableKey")]).await;
    let mut scene = scene.restart().await;
    // A day later: what is new is found at once, what was missed is a gap that is filled.
    scene.clock.set(crate::scene::at("2026-03-02T11:59:59Z"));
    scene.deliver(&[call(2, "2026-03-02T11:59:00Z", "DeleteImportedKeyMaterial")]).await;
    let round = scene.pass("2026-03-02T12:00:00Z").await;
    assert!(round.due > 2 && round.failed == 0, "{round:?}");
    for minute in 0..50 {
        scene.pass(&format!("2026-03-02T12:{minute:02}:10Z")).await;
    }
    let names = scene.names().await;
    assert_eq!(of(&names, DELETED).len(), 1, "{names:?}");
    assert_eq!(of(&names, DISABLED).len(), 1, "{names:?}");
    let gaps = scene.server.store.gaps(&state::GapFilter::default(), 1000).await.unwrap();
    assert!(!gaps.is_empty());
    assert!(gaps.iter().all(|gap| gap.state == state::GapState::Filled), "{gaps:?}");
}

/// The process dies before the first run of any rule has ended, and comes back when no look-back reaches that time any more.
#[tokio::test]
async fn what_came_before_the_first_run_is_not_lost() {
    let mut scene = Scene::new("2026-03-01T12:00:30Z").await;
    let stopping = &scene.server.scheduler.is_stopping;
    stopping.store(true, std::sync::atomic::Ordering::Relaxed);
    let round = scene.pass("2026-03-01T12:00:30Z").await;
    assert!(round.due > 2 && round.succeeded == 0, "{round:?}");
    scene.deliver(&[call(1, "2026-03-01T12:00:31Z", "DisableKey")]).await;
    scene.deliver(&[call(2, "2026-03-01T12:00:32Z", "DeleteImportedKeyMaterial")]).await;
    let scene = scene.restart().await;
    for minute in 0..10 {
        scene.pass(&format!("2026-03-01T14:{minute:02}:10Z")).await;
    }
    let names = scene.names().await;
    assert_eq!(of(&names, DELETED).len(), 1, "{names:?}");
    assert_eq!(of(&names, DISABLED).len(), 1, "{names:?}");
}

#[tokio::test]
async fn a_second_delivery_changes_nothing() {
    let mut scene = Scene::new("2026-03-01T12:00:30Z").await;
    scene.deliver(&[call(1, "2026-03-01T12:00:01Z", "DisableKey")]).await;
    scene.pass("2026-03-01T12:05:00Z").await;
    scene.deliver(&[call(1, "2026-03-01T12:00:01Z", "DisableKey")]).await;
    scene.pass("2026-03-01T12:10:00Z").await;
    assert_eq!(of(&scene.names().await, DISABLED).len(), 1);
}

#[tokio::test]
async fn both_arrive_investigated() {
    let mut scene = Scene::new("2026-03-01T12:00:30Z").await;
    scene.deliver(&[call(1, "2026-03-01T12:00:01Z", "DeleteImportedKeyMaterial")]).await;
    scene.deliver(&[call(2, "2026-03-01T12:00:02Z", "DisableKey")]).await;
    for minute in 1..12 {
        scene.pass(&format!("2026-03-01T12:{minute:02}:10Z")).await;
    }
    let alerts = scene.server.store.alerts(&state::AlertFilter::default(), None, 100).await.unwrap().items;
    for name in [DELETED, DISABLED] {
        let of_rule = |alert: &&state::StoredAlert| alert.alert.document["kibana.alert.rule.name"] == name;
        let stored = alerts.iter().find(of_rule).unwrap();
        let triage = &stored.alert.document["bartizan.investigation"];
        let questions = triage["questions"].as_array().unwrap();
        assert!(questions.len() >= 4, "{triage}");
        for question in questions {
            let answer = &question["answer"];
            assert!(answer["answered"] == "yes" || answer["why_not_whole"].is_string(), "{question}");
        }
        assert_eq!(triage["keys"].as_array().unwrap().len(), 1, "{triage}");
        // What comes in later is seen when somebody asks again.
        let (at, again) = scene.server.scheduler.investigate_again(stored.clone()).await.unwrap();
        assert_eq!(at, scene.clock.now());
        assert_eq!(again["alert"]["uuid"], stored.alert.id.as_str());
    }
}

#[tokio::test]
async fn an_alert_too_many_says_why_it_is_not_investigated() {
    let mut scene = Scene::new("2026-03-01T12:00:30Z").await;
    scene.server.scheduler.settings.investigation.alerts = 1;
    scene.deliver(&[call(1, "2026-03-01T12:00:01Z", "DisableKey")]).await;
    scene.deliver(&[call(2, "2026-03-01T12:00:02Z", "DisableKey")]).await;
    scene.pass("2026-03-01T12:10:00Z").await;
    let alerts = scene.server.store.alerts(&state::AlertFilter::default(), None, 100).await.unwrap().items;
    let of_rule = |alert: &&state::StoredAlert| alert.alert.document["kibana.alert.rule.name"] == DISABLED;
    let mut told: Vec<(bool, bool)> = alerts
        .iter()
        .filter(of_rule)
        .map(|alert| &alert.alert.document)
        .map(|document| {
            let why = document["bartizan.investigation_error"].as_str();
            (document["bartizan.investigation"].is_object(), why.is_some_and(|why| why.contains("1 alert")))
        })
        .collect();
    told.sort_unstable();
    assert_eq!(told, [(false, true), (true, false)]);
}
