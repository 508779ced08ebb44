//! Events that come in: what is taken, what is set aside, and what a shipper is told.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::world::{Answer, World, world};

const RECORD: &str = r#"{"eventVersion":"1.08","eventTime":"2026-03-14T09:00:00Z","eventSource":"kms.amazonaws.com",
"eventName":"DisableKey","awsRegion":"eu-west-1","eventID":"e-1","recipientAccountId":"111122223333"}"#;

async fn send(world: &World, method: &str, path: &str, body: &str) -> Answer {
    let headers =
        [("x-api-key", "ingest-token".to_owned()), ("content-type", "application/x-ndjson".to_owned())];
    world.ask_with(method, path, &headers, body).await
}

#[tokio::test]
async fn a_webhook_takes_records() {
    let world = world().await;
    let event = json!({"version": "0", "id": "x", "detail-type": "AWS API Call via CloudTrail", "source": "aws.kms",
        "detail": serde_json::from_str::<serde_json::Value>(RECORD).unwrap()});
    let answer = send(&world, "POST", "/ingest/eventbridge", &event.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json(), json!({"records": 1, "events": 1, "duplicates": 0, "dropped": 0}));
    {
        let events = world.control.events.lock().unwrap();
        assert_eq!(events[0].data_stream.name(), "logs-aws.cloudtrail-default");
        assert_eq!(events[0].event.document.text("event.action"), Some("DisableKey"));
        assert!(events[0].event.raw.is_some());
    }
    let nothing = send(&world, "POST", "/ingest/webhook", "hello").await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    let poison = world.as_admin("GET", "/api/v1/poison-deliveries", "").await.json();
    assert_eq!(poison["items"][0]["source"], "http:webhook:token:shipper");
    assert_eq!(poison["items"][0]["excerpt"], "hello");

    *world.control.is_broken.lock().unwrap() = true;
    let busy = send(&world, "POST", "/ingest/webhook", RECORD).await;
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn shippers_find_an_elasticsearch() {
    let world = world().await;
    for (method, path) in [
        ("GET", "/es/"),
        ("GET", "/es"),
        ("HEAD", "/es/"),
        ("GET", "/es/_license"),
        ("PUT", "/es/_ilm/policy/x"),
    ] {
        let answer = send(&world, method, path, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {path}");
        assert_eq!(answer.header("x-elastic-product"), "Elasticsearch");
    }
    assert_eq!(send(&world, "DELETE", "/es/logs-a-b", "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(send(&world, "DELETE", "/es/_bulk", "").await.status, StatusCode::METHOD_NOT_ALLOWED);

    let body = "{\"create\":{\"_index\":\"logs-app-default\"}}\n{\"@timestamp\":\"2026-03-14T09:00:00Z\",\"message\":\"a\"}\n\
                {\"delete\":{\"_index\":\"logs-app-default\",\"_id\":\"1\"}}\n";
    for (method, path) in
        [("POST", "/es/_bulk"), ("PUT", "/es/_bulk"), ("POST", "/es/logs-app-default/_bulk")]
    {
        let answer = send(&world, method, path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let json = answer.json();
        assert_eq!(json["items"][0]["create"]["status"], 201);
        assert_eq!(json["items"][1]["delete"]["status"], 400);
        assert_eq!(json["errors"], true);
    }
    assert_eq!(world.control.events.lock().unwrap()[0].data_stream.name(), "logs-app-default");
    let malformed = send(&world, "POST", "/es/_bulk", "hello").await;
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
    assert_eq!(malformed.json()["error"]["type"], "illegal_argument_exception");
    *world.control.is_broken.lock().unwrap() = true;
    assert_eq!(send(&world, "POST", "/es/_bulk", body).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn shippers_may_show_their_token_in_their_own_ways() {
    let world = world().await;
    for (name, value, status) in [
        ("authorization", "Bearer ingest-token".to_owned(), 200),
        ("authorization", "ApiKey ingest-token".to_owned(), 200),
        ("authorization", format!("ApiKey {}", STANDARD.encode("id:ingest-token")), 200),
        ("authorization", format!("Basic {}", STANDARD.encode("shipper:ingest-token")), 200),
        ("authorization", "Bearer analyst-token".to_owned(), 200),
        ("authorization", "Bearer viewer-token".to_owned(), 403),
        ("authorization", "Bearer expired-token".to_owned(), 401),
        ("authorization", "Bearer".to_owned(), 401),
        ("x-api-key", "ingest-token".to_owned(), 200),
        ("x-api-key", String::new(), 401),
    ] {
        let answer = world.ask_with("GET", "/es/", &[(name, value.clone())], "").await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {value}");
        assert_eq!(answer.header("x-elastic-product"), "Elasticsearch");
        let fallback = world.ask_with("GET", "/es/_license", &[(name, value)], "").await;
        assert_eq!(fallback.status.as_u16(), status);
    }
    // Elsewhere, neither Basic nor the key's own header opens anything.
    let basic = format!("Basic {}", STANDARD.encode("x:admin-token"));
    for header in [("authorization", basic), ("x-api-key", "admin-token".to_owned())] {
        assert_eq!(world.ask_with("GET", "/api/v1/rules", &[header], "").await.status.as_u16(), 401);
    }
}
