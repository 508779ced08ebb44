//! Delivery to real peers on the loopback: HTTP and SMTP servers of the test, and files.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod peers;

use std::collections::BTreeMap;
use std::time::Duration;

use bartizan_notify as notify;
use ecs::Timestamp;
use notify::{Connector, Message, Receipt, SendError, signature};
use peers::{Answer, FixedSecrets, HttpPeer, SmtpPeer, transports};
use serde_json::{Value, json};

const NOW: &str = "2026-07-25T12:00:00Z";

fn connector(kind: &str, config: Value) -> Connector {
    Connector::from_json(&json!({"id": "c", "type": kind, "config": config})).unwrap()
}

fn secrets(pairs: &[(&str, &str)]) -> FixedSecrets {
    FixedSecrets(
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
    )
}

fn message(connector: &Connector) -> Message {
    notify::test_message(connector, NOW.parse().unwrap()).unwrap()
}

async fn send(connector: &Connector, secrets: &FixedSecrets) -> Result<Receipt, SendError> {
    let now: Timestamp = NOW.parse().unwrap();
    notify::send(connector, &message(connector), secrets, &transports(), now).await
}

#[tokio::test]
async fn a_webhook_gets_body_headers_and_a_signature_that_it_can_check() {
    let peer = HttpPeer::start(vec![Answer::ok("thanks")]).await;
    let config = json!({
        "url": format!("{}/hook?x=1", peer.url()), "method": "PUT",
        "headers": {"X-Team": "blue", "Authorization": {"env": "TOKEN"}},
        "signing_secret": {"env": "KEY"},
    });
    let connector = connector("webhook", config);
    let receipt = send(&connector, &secrets(&[("TOKEN", "Bearer t"), ("KEY", "sign")])).await.unwrap();
    assert_eq!(receipt.detail, "HTTP 200");
    let request = peer.requests().await.remove(0);
    assert_eq!(request.line, "PUT /hook?x=1 HTTP/1.1");
    assert_eq!(request.header("x-team"), "blue");
    assert_eq!(request.header("authorization"), "Bearer t");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("bartizan-delivery"), message(&connector).key);
    let now = NOW.parse::<Timestamp>().unwrap().as_second();
    let signed = request.header(signature::HEADER);
    assert_eq!(signature::verify(b"sign", signed, &request.body, now + 10, 300), Ok(()));
    assert!(signature::verify(b"other", signed, &request.body, now, 300).is_err());
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["alerts_count"], 1);
}

#[tokio::test]
async fn slack_and_pagerduty_get_what_they_document() {
    let peer = HttpPeer::start(vec![Answer::ok("ok"), Answer::new(202, "", r#"{"dedup_key":"d"}"#)]).await;
    let slack = connector("slack", json!({"url": {"env": "URL"}}));
    let url = format!("{}/services/T000/B000/token", peer.url());
    send(&slack, &secrets(&[("URL", &url)])).await.unwrap();
    let pagerduty = connector(
        "pagerduty",
        json!({"routing_key": {"env": "KEY"}, "url": format!("{}/v2/enqueue", peer.url())}),
    );
    let receipt = send(&pagerduty, &secrets(&[("KEY", "routing-key-1")])).await.unwrap();
    assert_eq!(receipt.detail, "HTTP 202, dedup_key d");
    let requests = peer.requests().await;
    let payload: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(requests[0].line, "POST /services/T000/B000/token HTTP/1.1");
    assert!(payload["text"].is_string() && payload["blocks"].is_array());
    let event: Value = serde_json::from_slice(&requests[1].body).unwrap();
    assert_eq!((&event["routing_key"], &event["event_action"]), (&json!("routing-key-1"), &json!("trigger")));
    assert!(event["dedup_key"].as_str().unwrap().starts_with("test-"));
}

#[tokio::test]
async fn answers_tell_whether_and_when_to_try_again() {
    for (status, headers, retryable, retry_after) in [
        (429, "Retry-After: 30\r\n", true, Some(30)),
        (503, "Retry-After: Sat, 25 Jul 2026 12:01:00 GMT\r\n", true, Some(60)),
        (503, "Retry-After: Sat, 25 Jul 2026 11:00:00 GMT\r\n", true, Some(0)),
        (500, "", true, None),
        (408, "", true, None),
        (400, "", false, None),
        (401, "", false, None),
        (404, "", false, None),
        (410, "", false, None),
        (302, "Location: http://127.0.0.1:1/elsewhere\r\n", false, None),
    ] {
        let peer =
            HttpPeer::start(vec![Answer::new(status, headers, "no: hunter2-token\r\n and more")]).await;
        let slack = connector("slack", json!({"url": {"env": "URL"}}));
        let url = format!("{}/hunter2-token", peer.url());
        let error = send(&slack, &secrets(&[("URL", &url)])).await.unwrap_err();
        assert_eq!(error.is_retryable(), retryable, "{status}");
        assert_eq!(error.retry_after(), retry_after.map(Duration::from_secs), "{status}");
        let text = format!("{} {error:?}", error.full_text());
        assert!(text.contains(&status.to_string()) && text.contains("and more"), "{text}");
        assert!(peer.requests().await.len() == 1);
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn errors_show_no_secret_even_when_the_other_side_repeats_it() {
    let echo =
        "you sent Bearer hunter2 to /services/hunter3/x?sig=hunter4 ".to_owned() + &"x".repeat(100_000);
    let peer = HttpPeer::start(vec![Answer::new(400, "", &echo)]).await;
    let config = json!({"url": {"env": "URL"}, "headers": {"Authorization": {"env": "TOKEN"}}});
    let connector = connector("webhook", config);
    let url = format!("{}/services/hunter3/x?sig=hunter4", peer.url());
    let error = send(&connector, &secrets(&[("URL", &url), ("TOKEN", "Bearer hunter2")])).await.unwrap_err();
    let text = format!("{} {error:?} {connector:?}", error.full_text());
    assert!(!text.contains("hunter"), "{text}");
    assert!(text.contains("[secret]") && text.len() < 2000, "{text}");
}

#[tokio::test]
async fn a_peer_that_is_silent_or_absent_is_worth_another_try() {
    let peer = HttpPeer::start(vec![Answer::silent()]).await;
    let silent = connector("webhook", json!({"url": peer.url(), "timeout_seconds": 1}));
    let error = send(&silent, &secrets(&[])).await.unwrap_err();
    assert!(matches!(error, SendError::TimedOut { .. }) && error.is_retryable(), "{error:?}");

    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let absent = connector("slack", json!({"url": {"env": "URL"}}));
    let url = format!("http://127.0.0.1:{port}/hunter2");
    let error = send(&absent, &secrets(&[("URL", &url)])).await.unwrap_err();
    assert!(matches!(error, SendError::Unreachable { .. }) && error.is_retryable(), "{error:?}");
    let text = format!("{} {error:?}", error.full_text());
    assert!(text.contains(&port.to_string()) && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_missing_secret_and_an_address_that_is_none_are_told_apart() {
    let slack = connector("slack", json!({"url": {"env": "URL"}}));
    let error = send(&slack, &secrets(&[])).await.unwrap_err();
    assert!(error.is_retryable() && error.full_text().contains("URL"), "{}", error.full_text());
    let error = send(&slack, &secrets(&[("URL", "hunter2")])).await.unwrap_err();
    assert!(!error.is_retryable() && !error.full_text().contains("hunter2"), "{}", error.full_text());
    let other = connector("pagerduty", json!({"routing_key": {"env": "URL"}}));
    let now = NOW.parse().unwrap();
    let error = notify::send(&slack, &message(&other), &secrets(&[]), &transports(), now).await.unwrap_err();
    assert!(!error.is_retryable() && error.to_string().contains("pagerduty"), "{error}");
}

#[tokio::test]
async fn a_mail_reaches_the_server_with_login_and_both_parts() {
    let peer = SmtpPeer::start("250 2.0.0 queued as 1").await;
    let config = json!({
        "host": "127.0.0.1", "port": peer.port, "security": "none", "from": "Alerts <a@example.org>",
        "to": ["b@example.org", "c@example.org"], "user": "u", "password": {"env": "PASSWORD"},
    });
    let connector = connector("email", config);
    let receipt = send(&connector, &secrets(&[("PASSWORD", "hunter2")])).await.unwrap();
    assert!(receipt.detail.contains("queued as 1"), "{}", receipt.detail);
    let heard = peer.heard().await;
    for expected in [
        "EHLO example.org",
        "AUTH PLAIN",
        "MAIL FROM:<a@example.org>",
        "RCPT TO:<b@example.org>",
        "RCPT TO:<c@example.org>",
        "Subject: [LOW] Test of a connector",
        "text/plain",
        "text/html",
        "nothing happened",
    ] {
        assert!(heard.contains(expected), "no {expected} in {heard}");
    }
    assert!(heard.contains(&format!("Message-ID: <{}@example.org>", message(&connector).key)), "{heard}");
}

#[tokio::test]
async fn a_mail_servers_answer_tells_whether_to_try_again() {
    for (answer, retryable) in [("451 4.7.1 greylisted", true), ("550 5.1.1 no such hunter2", false)] {
        let peer = SmtpPeer::start(answer).await;
        let config = json!({
            "host": "127.0.0.1", "port": peer.port, "security": "none", "from": "a@example.org", "to": ["b@example.org"],
            "user": "u", "password": {"env": "PASSWORD"},
        });
        let error =
            send(&connector("email", config), &secrets(&[("PASSWORD", "hunter2")])).await.unwrap_err();
        assert!(matches!(error, SendError::Smtp { .. }), "{error:?}");
        assert_eq!(error.is_retryable(), retryable, "{error:?}");
        assert!(!error.full_text().contains("hunter2"), "{}", error.full_text());
    }
}

#[tokio::test]
async fn a_server_that_cannot_encrypt_never_gets_the_password() {
    let peer = SmtpPeer::start("250 ok").await;
    let config = json!({
        "host": "127.0.0.1", "port": peer.port, "security": "starttls", "from": "a@example.org", "to": ["b@example.org"],
        "user": "u", "password": {"env": "PASSWORD"}, "timeout_seconds": 5,
    });
    send(&connector("email", config), &secrets(&[("PASSWORD", "hunter2")])).await.unwrap_err();
    let heard = peer.heard().await;
    assert!(!heard.contains("AUTH") && !heard.contains("MAIL FROM"), "{heard}");
}

#[tokio::test]
async fn a_mail_to_nobody_is_no_mail() {
    let config = json!({"host": "127.0.0.1", "port": 1, "security": "none", "from": "a@example.org"});
    let error = send(&connector("email", config), &secrets(&[])).await.unwrap_err();
    assert!(!error.is_retryable() && error.to_string().contains("`to`"), "{error}");
}

#[tokio::test]
async fn a_file_gets_whole_lines_even_after_a_crash_in_the_middle_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.ndjson");
    let connector = connector("file", json!({"path": path}));
    send(&connector, &secrets(&[])).await.unwrap();
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"half");
    std::fs::write(&path, &text).unwrap();
    send(&connector, &secrets(&[])).await.unwrap();
    let lines: Vec<bool> = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).is_ok())
        .collect();
    assert_eq!(lines, [true, false, true]);

    let nowhere = self::connector("file", json!({"path": folder.path().join("missing/alerts.ndjson")}));
    assert!(send(&nowhere, &secrets(&[])).await.unwrap_err().is_retryable());
}
