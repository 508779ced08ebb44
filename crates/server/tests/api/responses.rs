//! Responses over the API: two people, one call, and everything in the audit trail.

use bartizan_server::api::{AuthSettings, token_hash};
use respond::{KeyArn, KeyState, LastDisable, SeenCall};
use serde_json::{Value, json};
use state::{Actor, ApiTokenDraft, Role};

use crate::world::{Answer, NOW, World, at, world_responding};

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

async fn world(enabled: bool, state: KeyState) -> World {
    let world = world_responding(AuthSettings::Tokens { ingest_tokens: vec![] }, enabled).await;
    world.kms.set_state(&key(), state);
    world
}

fn key() -> KeyArn {
    KEY.parse().unwrap()
}

fn cancel() -> Value {
    json!({"alert_id": "alert-1", "key": KEY, "action": "CancelKeyDeletion", "reason": "ransom note found"})
}

fn enable() -> Value {
    json!({"alert_id": "alert-1", "key": KEY, "action": "EnableKey", "reason": "deletion cancelled",
        "disabled_by_defender": "no", "disabled_said_by": "Alice"})
}

impl World {
    async fn post(&self, who: &str, path: &str, body: &str) -> Answer {
        self.ask("POST", path, Some(&format!("{who}-token")), body).await
    }

    async fn requested(&self, body: &Value) -> String {
        let answer = self.post("analyst", "/api/v1/responses", &body.to_string()).await;
        assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn step(&self, who: &str, id: &str, step: &str) -> Answer {
        self.post(who, &format!("/api/v1/responses/{id}/{step}"), "").await
    }
}

#[tokio::test]
async fn from_a_plan_to_the_event_in_the_log() {
    let world = world(true, KeyState::PendingDeletion).await;
    let asked = json!({"alert_id": "alert-1", "key": KEY}).to_string();
    let plan = world.post("analyst", "/api/v1/response-plans", &asked).await.json();
    assert_eq!(
        (&plan["is_enabled"], &plan["plans"][0]["would_call"]),
        (&json!(true), &json!(true)),
        "{plan}"
    );
    assert_eq!(plan["plans"][0]["action"], "CancelKeyDeletion");

    let id = world.requested(&cancel()).await;
    let alone = world.step("analyst", &id, "approve").await;
    assert!(alone.status.as_u16() == 403 && alone.text.contains("somebody else must approve"), "{alone:?}");
    let early = world.step("analyst", &id, "execute").await;
    assert!(early.status.as_u16() == 409 && early.text.contains("is requested"), "{early:?}");
    assert!(world.kms.writes().is_empty());

    let approved = world.step("admin", &id, "approve").await.json();
    assert_eq!((&approved["status"], &approved["decided_by"]), (&json!("approved"), &json!("token:admin")));
    assert_eq!(world.step("admin", &id, "approve").await.status.as_u16(), 409);
    let done = world.step("analyst", &id, "execute").await.json();
    assert_eq!(done["status"], "confirmed", "{done}");
    assert_eq!(world.step("analyst", &id, "execute").await.json(), done, "nothing is done twice");
    assert_eq!(world.kms.writes().len(), 1);

    let call = |request_id: &str| SeenCall {
        time: at(NOW),
        event_id: Some("event-1".to_owned()),
        provider: "kms.amazonaws.com".to_owned(),
        name: "CancelKeyDeletion".to_owned(),
        keys: vec![key()],
        error: None,
        request_id: Some(request_id.to_owned()),
        role: None,
        user_agent: None,
    };
    world.logs.calls.lock().unwrap().push(call("another"));
    assert!(world.responder.look().await.unwrap().is_empty());
    world.logs.calls.lock().unwrap().push(call(done["request_id"].as_str().unwrap()));
    assert_eq!(world.responder.look().await.unwrap().len(), 1);
    let logged = world.ask("GET", &format!("/api/v1/responses/{id}"), Some("viewer-token"), "").await.json();
    assert_eq!((&logged["status"], &logged["event_id"]), (&json!("logged"), &json!("event-1")));

    let trail = world.as_admin("GET", "/api/v1/audit?object_kind=response", "").await.json();
    let steps: Vec<(&str, &str)> = trail["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["action"].as_str().unwrap(), entry["actor"].as_str().unwrap()))
        .collect();
    assert_eq!(
        steps,
        [
            ("response.log", "system:responder"),
            ("response.finish", "token:analyst"),
            ("response.execute", "token:analyst"),
            ("response.approve", "token:admin"),
            ("response.request", "token:analyst"),
        ]
    );
    let list = world.as_admin("GET", "/api/v1/responses?status=logged&alert_id=alert-1", "").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let list = world.as_admin("GET", "/api/v1/responses?status=requested", "").await.json();
    assert!(list["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_enabled_is_not_carried_out() {
    let world = world(false, KeyState::PendingDeletion).await;
    let id = world.requested(&cancel()).await;
    assert_eq!(world.step("admin", &id, "approve").await.status.as_u16(), 200);
    let refused = world.step("admin", &id, "execute").await;
    assert!(refused.status.as_u16() == 403 && refused.text.contains("enabled = true"), "{refused:?}");
    assert!(world.kms.calls().is_empty());
}

#[tokio::test]
async fn approvals_expire_and_a_new_request_is_possible_then() {
    let world = world(true, KeyState::PendingDeletion).await;
    let first = world.requested(&cancel()).await;
    let twice = world.post("admin", "/api/v1/responses", &cancel().to_string()).await;
    assert!(twice.status.as_u16() == 409 && twice.text.contains(&first), "{twice:?}");
    world.clock.set(at("2026-03-14T14:00:00Z"));
    let late = world.step("admin", &first, "approve").await;
    assert!(late.status.as_u16() == 409 && late.text.contains("expired"), "{late:?}");

    let id = world.requested(&cancel()).await;
    assert_eq!(world.step("admin", &id, "approve").await.status.as_u16(), 200);
    world.clock.set(at("2026-03-14T14:30:00Z"));
    assert_eq!(world.step("admin", &id, "execute").await.status.as_u16(), 409);
    let third = world.requested(&cancel()).await;
    world.clock.set(at("2026-03-14T18:30:00Z"));
    assert_eq!(world.responder.look().await.unwrap().len(), 1, "by itself, too");
    for id in [&first, &id, &third] {
        let there = world.as_admin("GET", &format!("/api/v1/responses/{id}"), "").await.json();
        assert_eq!(there["status"], "expired");
    }
    assert!(world.kms.writes().is_empty());
}

#[tokio::test]
async fn a_key_that_a_defender_disabled_stays_disabled() {
    let world = world(true, KeyState::Disabled).await;
    let ask = |body: Value| {
        let (world, text) = (&world, body.to_string());
        async move { world.post("analyst", "/api/v1/responses", &text).await }
    };
    let mut unanswered = enable();
    unanswered.as_object_mut().unwrap().remove("disabled_by_defender");
    let mut nobody = enable();
    nobody["disabled_said_by"] = json!("");
    let mut by_us = enable();
    by_us["disabled_by_defender"] = json!("yes");
    for body in [unanswered, nobody, by_us] {
        assert_eq!(ask(body).await.status.as_u16(), 400);
    }
    let disabled = |principal: &str, time| {
        let principal = format!("arn:aws:iam::111122223333:role/{principal}");
        *world.logs.last_disable.lock().unwrap() =
            Some(LastDisable { time: at(time), event_id: None, principal });
    };
    disabled("incident-lead", "2026-03-14T09:00:00Z");
    let answer = ask(enable()).await;
    assert!(answer.status.as_u16() == 409 && answer.text.contains("incident-lead"), "{answer:?}");

    disabled("attacker", "2026-03-14T09:00:00Z");
    let id = world.requested(&enable()).await;
    assert_eq!(world.step("admin", &id, "approve").await.status.as_u16(), 200);
    // A defender is quicker than the approval.
    disabled("incident-lead", "2026-03-14T10:00:01Z");
    let failed = world.step("admin", &id, "execute").await.json();
    assert_eq!(failed["status"], "failed");
    assert!(failed["outcome"].as_str().unwrap().contains("it stays disabled"), "{failed}");
    // And so is somebody of whom nothing is known.
    disabled("attacker", "2026-03-14T09:00:00Z");
    let id = world.requested(&enable()).await;
    assert_eq!(world.step("admin", &id, "approve").await.status.as_u16(), 200);
    disabled("attacker", "2026-03-14T10:00:01Z");
    assert_eq!(world.step("admin", &id, "execute").await.json()["status"], "failed");
    assert!(world.kms.writes().is_empty());
}

#[tokio::test]
async fn people_are_told_apart_by_tokens_that_are_older_than_the_request() {
    let world = world(true, KeyState::PendingDeletion).await;
    let id = world.requested(&cancel()).await;
    let token = ApiTokenDraft {
        id: "late-id".to_owned(),
        name: "late".to_owned(),
        role: Role::Analyst,
        hash: token_hash("late-token"),
        expires: None,
    };
    let (by, now) = (Actor::system("test"), at("2026-03-14T10:00:01Z"));
    world.responder.store.add_token(token, &by, now).await.unwrap();
    let late = world.step("late", &id, "approve").await;
    assert!(late.status.as_u16() == 403 && late.text.contains("after the request"), "{late:?}");

    let open = world_responding(AuthSettings::None, true).await;
    let refused = open.ask("POST", "/api/v1/responses", None, &cancel().to_string()).await;
    assert!(
        refused.status.as_u16() == 403 && refused.text.contains("told apart by their tokens"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn of_two_who_carry_it_out_at_once_one_does() {
    let world = world(true, KeyState::PendingDeletion).await;
    let id = world.requested(&cancel()).await;
    assert_eq!(world.step("admin", &id, "approve").await.status.as_u16(), 200);
    let (one, two) = tokio::join!(world.step("admin", &id, "execute"), world.step("analyst", &id, "execute"));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert!(statuses == [200, 409] || statuses == [200, 200], "{one:?} {two:?}");
    assert_eq!(world.kms.writes().len(), 1);
}
