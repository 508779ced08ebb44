//! What rules have seen before a run: indicators of long ago, and what is kept from one run to the next.

use std::path::PathBuf;

use bartizan_server::settings::LimitsSettings;
use serde_json::json;
use state::{Actor, AlertStatus, WorkflowChange};

use crate::scene::{Scene, at, call};

/// A rule file in a folder that lasts as long as the test.
fn rule(folder: &tempfile::TempDir, name: &str, own: &str) -> PathBuf {
    let path = folder.path().join(format!("{name}.toml"));
    let number: u32 = name.bytes().map(u32::from).sum();
    let text = format!(
        "[metadata]\ncreation_date = \"2024/01/01\"\nupdated_date = \"2024/01/01\"\n[rule]\nname = \"{name}\"\n\
         description = \"A rule.\"\nrisk_score = 47\nseverity = \"medium\"\nlanguage = \"kuery\"\n\
         rule_id = \"00000000-0000-4000-8000-00000000{number:04}\"\nindex = [\"logs-aws.cloudtrail-*\"]\n\
         interval = \"5m\"\nfrom = \"now-11m\"\ntimestamp_override = \"event.ingested\"\n{own}"
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn an_indicator_of_last_month_matches_what_happens_now() {
    let folder = tempfile::tempdir().unwrap();
    let own = "type = \"threat_match\"\nquery = 'event.action: Decrypt'\nthreat_index = [\"logs-ti_*\"]\n\
               threat_language = \"kuery\"\nthreat_query = '*:*'\nthreat_indicator_path = \"threat.indicator\"\n\
               threat_mapping = [{ entries = [{ field = \"source.ip\", type = \"mapping\", value = \"threat.indicator.ip\" }] }]";
    let paths = vec![rule(&folder, "Bad address", own)];
    let mut scene = Scene::with_rules("2026-03-01T10:00:00Z", paths, false).await;
    let indicator = json!({
        "@timestamp": "2026-02-03T10:00:00Z", "event": {"id": "i1", "kind": "enrichment"},
        "threat": {"indicator": {"ip": "192.0.2.7"}},
        "data_stream": {"type": "logs", "dataset": "ti_test.feed", "namespace": "default"},
    });
    scene.deliver_text(&format!("{indicator}\n")).await;
    scene.pass("2026-03-01T10:05:00Z").await;
    scene.pass("2026-03-14T10:00:00Z").await;
    scene.deliver(&[call(1, "2026-03-14T09:58:00Z", "Decrypt")]).await;
    scene.pass("2026-03-14T10:05:00Z").await;
    assert_eq!(scene.names().await, ["Bad address"]);
}

/// An alert that people have closed takes nothing more in: what comes then makes a new one.
#[tokio::test]
async fn a_closed_alert_takes_no_later_hits_in() {
    let folder = tempfile::tempdir().unwrap();
    let own = "type = \"query\"\nquery = 'event.action: DisableKey'\n[rule.alert_suppression]\n\
               group_by = [\"user.name\"]\nduration = { value = 5, unit = \"h\" }\nmissing_fields_strategy = \"suppress\"";
    for (history_values, closes) in [(0, true), (1_000, true), (1_000, false)] {
        let paths = vec![rule(&folder, "Folded", own)];
        let limits = LimitsSettings { history_values, ..LimitsSettings::default() };
        let mut scene = Scene::with_limits("2026-03-14T10:00:00Z", paths, false, limits).await;
        scene.pass("2026-03-14T10:00:00Z").await;
        for (id, minute) in [(1, 2), (2, 7), (3, 12), (4, 17)] {
            let now = format!("2026-03-14T10:{minute:02}:00Z");
            scene.clock.set(at(&now));
            scene.deliver(&[call(id, &now, "DisableKey")]).await;
            scene.pass(&format!("2026-03-14T10:{:02}:00Z", minute + 3)).await;
            if id == 2 && closes {
                let ids: Vec<String> = scene.alerts().await.into_iter().map(|alert| alert.alert.id).collect();
                assert_eq!(ids.len(), 1);
                let status = Some((AlertStatus::Closed, Some("expected".to_owned())));
                let close = WorkflowChange { status, ..WorkflowChange::default() };
                // After the run that has folded the second hit into it.
                let now = at("2026-03-14T10:11:00Z");
                scene.server.store.change_workflow(&ids, &close, &Actor::system("test"), now).await.unwrap();
            }
        }
        let mut counts: Vec<u64> = Vec::new();
        for alert in scene.alerts().await {
            counts.push(alert.alert.document["kibana.alert.suppression.docs_count"].as_u64().unwrap());
        }
        counts.sort_unstable();
        assert_eq!(counts, if closes { vec![1, 1] } else { vec![3] });
    }
}

/// What was read of the lake for one investigation is there for the next, which says what one says that reads all anew.
#[tokio::test]
async fn an_investigation_with_what_was_read_before_says_what_one_says_that_reads_anew() {
    let mut scene = Scene::new("2026-03-14T10:00:00Z").await;
    scene.pass("2026-03-14T10:00:00Z").await;
    let mut id = 0;
    let mut reports = Vec::new();
    for minute in [2, 7, 12, 17] {
        let now = format!("2026-03-14T10:{minute:02}:00Z");
        scene.clock.set(at(&now));
        let calls = ["Decrypt", "ListKeys", "DisableKey", "Decrypt"].map(|name| {
            id += 1;
            call(id, &now, name)
        });
        scene.deliver(&calls).await;
        scene.pass(&format!("2026-03-14T10:{:02}:00Z", minute + 3)).await;
        let alerts = scene.alerts().await;
        let alert = alerts.into_iter().min_by_key(|alert| alert.alert.original_time).unwrap();
        let (_, kept) = scene.server.scheduler.investigate_again(alert.clone()).await.unwrap();
        scene = scene.restart().await;
        let (_, anew) = scene.server.scheduler.investigate_again(alert).await.unwrap();
        assert_eq!(kept, anew);
        let (_, again) = {
            let alerts = scene.alerts().await;
            let alert = alerts.into_iter().min_by_key(|alert| alert.alert.original_time).unwrap();
            scene.server.scheduler.investigate_again(alert).await.unwrap()
        };
        assert_eq!(again, anew);
        reports.push(anew.to_string());
    }
    reports.dedup();
    assert!(reports.len() > 1, "what has come in since is in none of them");
}

/// Rules with long histories find the same whether something is kept or nothing, and after a start.
#[tokio::test]
async fn what_is_kept_between_runs_changes_no_alert() {
    let folder = tempfile::tempdir().unwrap();
    let paths = vec![
        rule(
            &folder,
            "New",
            "type = \"new_terms\"\nquery = '*'\nnew_terms_fields = [\"event.action\"]\nhistory_window_start = \"now-1h\"",
        ),
        rule(
            &folder,
            "Many",
            "type = \"threshold\"\nquery = '*'\nthreshold = { field = [\"user.name\"], value = 4 }",
        ),
        rule(
            &folder,
            "Folded",
            "type = \"query\"\nquery = 'event.action: DisableKey'\n[rule.alert_suppression]\n\
             group_by = [\"user.name\"]\nduration = { value = 30, unit = \"m\" }\nmissing_fields_strategy = \"suppress\"",
        ),
    ];
    let mut found = Vec::new();
    for (history_values, restarts) in [(0, false), (1_000, false), (1_000, true)] {
        let limits = LimitsSettings { history_values, ..LimitsSettings::default() };
        let mut scene = Scene::with_limits("2026-03-14T10:00:00Z", paths.clone(), false, limits).await;
        scene.pass("2026-03-14T10:00:00Z").await;
        let mut disabled = 0;
        for number in 0..40u32 {
            let minute = number * 5;
            let now = format!("2026-03-14T{:02}:{:02}:30Z", 10 + minute / 60, minute % 60);
            scene.clock.set(now.parse().unwrap());
            let names = [["Decrypt", "DisableKey"], ["ListKeys", "DisableKey"], ["DeleteAlias", "Decrypt"]];
            let names = names[number as usize * 7 / 20 % 3];
            disabled += names.iter().filter(|name| **name == "DisableKey").count() as u64;
            let calls = names.iter().zip(0..).map(|(name, at)| call(number * 2 + at, &now, name));
            scene.deliver(&calls.collect::<Vec<_>>()).await;
            let next = minute + 5;
            scene.pass(&format!("2026-03-14T{:02}:{:02}:00Z", 10 + next / 60, next % 60)).await;
            if restarts && number % 9 == 4 {
                scene = scene.restart().await;
            }
        }
        let kept = scene.server.scheduler.histories.len();
        assert!(if history_values == 0 { kept == 0 } else { kept > 3 }, "{kept}");
        let mut alerts: Vec<(String, String)> = Vec::new();
        let mut told = 0;
        for alert in scene.alerts().await {
            let name = alert.alert.document["kibana.alert.rule.name"].as_str().unwrap().to_owned();
            if name == "Folded" {
                told += 1 + alert.alert.document["kibana.alert.suppression.docs_count"].as_u64().unwrap();
            }
            alerts.push((name, alert.alert.id));
        }
        assert_eq!(told, disabled, "each hit is an alert or was folded into one");
        alerts.sort();
        for name in ["New", "Many", "Folded"] {
            let count = alerts.iter().filter(|(of, _)| of == name).count();
            assert!((4..40).contains(&count), "{name}: {count}");
        }
        found.push(alerts);
    }
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}
