//! From a founding alert to the event of our own call, over real events in the lake; only KMS is one of the test.

use std::sync::Arc;
use std::time::Duration;

use bartizan_server::responder::settings::RespondSettings;
use bartizan_server::responder::{Ask, Person, Responder};
use respond::{Action, DisableAnswer, DisableStatement, FakeKeyService, KeyState};
use serde_json::json;
use state::{Actor, ResponseStatus};

use crate::scene::{Scene, at, call};

fn person(name: &str) -> Person {
    Person { actor: Actor::token(name), since: Some(at("2026-01-01T00:00:00Z")) }
}

fn responder(scene: &Scene, kms: &FakeKeyService) -> Responder {
    let settings = RespondSettings {
        enabled: true,
        role_arn: Some("arn:{partition}:iam::{account}:role/bartizan-respond".parse().unwrap()),
        defenders: vec!["arn:aws:iam::*:user/defender-*".to_owned()],
        ..RespondSettings::default()
    };
    Responder {
        services: Arc::new(kms.clone()),
        settings: Arc::new(settings),
        rereads: [Duration::ZERO; 2].into(),
        ..scene.server.responder.clone()
    }
}

async fn alert_of(scene: &mut Scene, records: &[serde_json::Value]) -> String {
    scene.deliver(records).await;
    scene.pass("2026-03-01T12:05:10Z").await;
    scene.pass("2026-03-01T12:10:10Z").await;
    scene.alerts().await[0].alert.id.clone()
}

fn enable(alert_id: &str) -> Ask {
    Ask {
        alert_id: alert_id.to_owned(),
        key: None,
        action: Action::EnableKey,
        reason: "an attacker disabled it".to_owned(),
        statement: Some(DisableStatement { answer: DisableAnswer::No, said_by: "Alice".to_owned() }),
    }
}

#[tokio::test]
async fn a_disabled_key_is_enabled_and_cloudtrail_says_so() {
    let mut scene = Scene::new("2026-03-01T12:00:30Z").await;
    let alert_id = alert_of(&mut scene, &[call(1, "2026-03-01T12:00:02Z", "DisableKey")]).await;
    let keys = scene.server.responder.keys(&alert_id).await.unwrap();
    assert_eq!(keys.len(), 1, "the alert names its key");

    let kms = FakeKeyService::with_key(&keys[0], KeyState::Disabled);
    let responder = responder(&scene, &kms);
    let plan = &responder.plan(&alert_id, None, None).await.unwrap()[0];
    assert_eq!(plan.plan.action, Some(Action::EnableKey));
    assert_eq!(plan.last_disable.as_ref().unwrap().principal, "arn:aws:iam::111122223333:user/ana");

    let asked = responder.request(enable(&alert_id), &person("alice")).await.unwrap();
    let id = asked.draft.id.as_str();
    responder.approve(id, &person("bob")).await.unwrap();
    let done = responder.execute(id, &person("alice")).await.unwrap();
    assert_eq!(done.progress.status, ResponseStatus::Confirmed, "{done:?}");
    assert!(responder.look().await.unwrap().is_empty());

    // Somebody else's EnableKey, one that failed, and ours.
    let mut failed = call(3, "2026-03-01T12:10:12Z", "EnableKey");
    failed["errorCode"] = json!("AccessDenied");
    let mut ours = call(4, "2026-03-01T12:10:11Z", "EnableKey");
    ours["requestID"] = json!(done.progress.request_id);
    scene.clock.set(at("2026-03-01T12:15:00Z"));
    scene.deliver(&[call(2, "2026-03-01T12:10:11Z", "EnableKey"), failed]).await;
    assert!(responder.look().await.unwrap().is_empty());
    scene.deliver(&[ours]).await;
    assert_eq!(responder.look().await.unwrap().len(), 1);
    let logged = scene.server.store.response(id).await.unwrap().unwrap().progress;
    assert_eq!(logged.status, ResponseStatus::Logged);
    assert_eq!(logged.event_id.as_deref(), Some("00000000-0000-4000-8000-000000000004"));
    assert_eq!(scene.server.store.verify_audit().await.unwrap(), None);
}

#[tokio::test]
async fn a_defenders_own_disable_is_found_in_the_log() {
    let mut scene = Scene::new("2026-03-01T12:00:30Z").await;
    let mut by_us = call(1, "2026-03-01T12:00:02Z", "DisableKey");
    by_us["userIdentity"]["arn"] = json!("arn:aws:iam::111122223333:user/defender-dora");
    let alert_id = alert_of(&mut scene, &[by_us]).await;
    let keys = scene.server.responder.keys(&alert_id).await.unwrap();
    let kms = FakeKeyService::with_key(&keys[0], KeyState::Disabled);
    let responder = responder(&scene, &kms);
    let plan = &responder.plan(&alert_id, None, None).await.unwrap()[0];
    assert!(plan.refusal.as_deref().unwrap().contains("defender-dora"), "{plan:?}");
    let refused = responder.request(enable(&alert_id), &person("alice")).await.unwrap_err();
    assert!(refused.to_string().contains("it stays disabled"), "{refused}");
    assert!(kms.writes().is_empty());
}
