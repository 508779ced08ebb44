//! Guides that carry queries: asked of the lake and of other alerts, as a hunt asks them.

use std::path::Path;

use serde_json::Value;

use crate::scene::{Scene, call};

/// A rule about a key, whose guide asks for what the same user has made, and for other alerts.
const RULE: &str = r#"
[metadata]
creation_date = "2026/01/01"
updated_date = "2026/01/01"
maturity = "production"

[rule]
author = ["Bartizan"]
description = "A key is disabled."
index = ["logs-aws*"]
language = "kuery"
name = "Key disabled"
note = '''
## Investigation

- !{investigate{"label":"Keys by the same user","providers":[[{"field":"user.name","queryType":"phrase","value":"{{user.name}}"},{"field":"event.action","queryType":"phrases","value":["CreateKey","ImportKeyMaterial"]}]],"relativeFrom":"now-2h","relativeTo":"now"}}
- !{investigate{"label":"Elsewhere","providers":[[{"field":"cloud.region","queryType":"phrase","value":"ap-south-1"}]]}}

## Other alerts

Of the same user: !{investigate{"label":"Alerts","providers":[[{"field":"event.kind","queryType":"phrase","value":"signal"},{"field":"user.name","queryType":"phrase","value":"{{user.name}}"}]],"relativeFrom":"now-2d","relativeTo":"now"}}
'''
query = "event.action: DisableKey"
risk_score = 21
rule_id = "00000000-0000-4000-8000-0000000000f1"
severity = "low"
type = "query"
"#;

/// A scene in which the rule has fired once, after so many keys within its two hours and one before them.
async fn fired(folder: &Path, keys: u32) -> Scene {
    std::fs::write(folder.join("rule.toml"), RULE).unwrap();
    let mut scene = Scene::with_rules("2026-02-28T00:00:30Z", vec![folder.to_owned()], true).await;
    // An alert of the days before, which the query about alerts still reaches.
    scene.clock.set(crate::scene::at("2026-02-28T00:00:30Z"));
    scene.deliver(&[call(3, "2026-02-28T00:00:00Z", "DisableKey")]).await;
    scene.pass("2026-02-28T00:05:00Z").await;
    scene.clock.set(crate::scene::at("2026-03-01T12:00:30Z"));
    let mut calls = vec![call(1, "2026-03-01T09:30:00Z", "CreateKey")];
    calls.extend((0..keys).map(|n| call(10 + n, "2026-03-01T11:30:00Z", "ImportKeyMaterial")));
    calls.push(call(2, "2026-03-01T12:00:00Z", "DisableKey"));
    scene.deliver(&calls).await;
    scene
}

async fn told(scene: &Scene) -> Vec<(String, String)> {
    let alerts = scene.alerts().await;
    let ours = alerts
        .iter()
        .filter(|stored| stored.alert.document["kibana.alert.rule.name"] == "Key disabled")
        .max_by_key(|stored| stored.alert.timestamp)
        .unwrap();
    let told = |question: &Value| {
        let answer = &question["answer"];
        let says = [&answer["text"][0], &answer["why_not_whole"]].into_iter().find_map(Value::as_str);
        (question["question"].as_str().unwrap().to_owned(), says.unwrap().to_owned())
    };
    let document = &ours.alert.document;
    assert_eq!(document["bartizan.investigation_error"], Value::Null);
    document["bartizan.investigation"]["questions"].as_array().unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn their_queries_are_asked_of_the_lake_and_of_other_alerts() {
    let folder = tempfile::tempdir().unwrap();
    let scene = fired(folder.path(), 3).await;
    scene.pass("2026-03-01T12:05:00Z").await;
    let told = told(&scene).await;
    let [keys, elsewhere, alerts] = &told[..] else { panic!("{told:?}") };
    assert_eq!(keys.0, "Keys by the same user");
    assert!(keys.1.starts_with("3 events with user.name: \"ana\""), "{}", keys.1);
    assert!(elsewhere.1.starts_with("0 events with cloud.region"), "{}", elsewhere.1);
    assert_eq!(alerts.0, "Of the same user: Alerts");
    // Ours, the one from a day and a half before, and the founding rules' about both, if they were made first.
    let count: u32 = alerts.1.split(' ').next().unwrap().parse().unwrap();
    assert!((2..=4).contains(&count), "{}", alerts.1);
}

#[tokio::test]
async fn a_query_that_would_look_at_too_much_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = fired(folder.path(), 3).await;
    scene.server.scheduler.settings.investigation.events = 2;
    scene.pass("2026-03-01T12:05:00Z").await;
    let told = told(&scene).await;
    assert!(told[0].1.starts_with("More than 2 events of the lake"), "{told:?}");
    // One that asks for too much takes no answer from the others.
    assert!(told[1].1.starts_with("0 events with cloud.region"), "{told:?}");
    assert!(told[2].1.contains(" alerts with"), "{told:?}");
}
