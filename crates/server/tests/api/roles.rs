//! Who may ask what: every operation of the document, with every kind of token.

use bartizan_server::api::{AuthSettings, check_bind};
use serde_json::Value;

use crate::world::{Answer, World, world, world_with};

const TOKENS: [(&str, u8); 4] =
    [("ingest-token", 0), ("viewer-token", 1), ("analyst-token", 2), ("admin-token", 3)];

/// Every operation: method, path with its parameters filled in, and the role that it says it needs.
pub(crate) async fn operations(world: &World) -> Vec<(String, String, String)> {
    let document = world.ask("GET", "/openapi.json", None, "").await.json();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled: String = path
            .split('/')
            .map(|part| if part.starts_with('{') { "1" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        for (method, operation) in item.as_object().unwrap() {
            let role =
                operation["x-required-role"].as_str().unwrap_or_else(|| panic!("{method} {path}: no role"));
            operations.push((method.to_uppercase(), filled.clone(), role.to_owned()));
        }
    }
    assert!(operations.len() > 55, "{}", operations.len());
    operations
}

#[tokio::test]
async fn each_operation_opens_to_its_role_and_those_above_and_to_nobody_else() {
    for (method, path, role) in operations(&world().await).await {
        let needed = match role.as_str() {
            "none" => None,
            "viewer" => Some(1),
            "analyst" | "ingest" => Some(2),
            "admin" => Some(3),
            other => panic!("{other}"),
        };
        let world = world().await;
        let refused = |answer: &Answer| matches!(answer.status.as_u16(), 401 | 403);
        let without = world.ask(&method, &path, None, "").await;
        assert_eq!(without.status.as_u16() == 401, needed.is_some(), "{method} {path}");
        if needed.is_none() {
            continue;
        }
        let text = without.json();
        assert!(text.get("detail").or_else(|| text.get("error")).is_some(), "{text}");
        for wrong in ["unknown-token", "expired-token"] {
            let answer = world.ask(&method, &path, Some(wrong), "").await;
            assert_eq!(answer.status.as_u16(), 401, "{method} {path} {wrong}");
        }
        for (token, rank) in TOKENS {
            let may = match rank {
                0 => role == "ingest",
                rank => Some(rank) >= needed,
            };
            let answer = world.ask(&method, &path, Some(token), "").await;
            assert_eq!(refused(&answer), !may, "{method} {path} {token}: {}", answer.status);
            if !may {
                assert_eq!(answer.status.as_u16(), 403, "{method} {path} {token}");
            }
        }
    }
}

#[tokio::test]
async fn changes_need_more_than_a_viewer() {
    for (method, path, role) in operations(&world().await).await {
        if method != "GET" {
            assert!(["analyst", "admin", "ingest"].contains(&role.as_str()), "{method} {path}: {role}");
        }
    }
}

#[tokio::test]
async fn without_tokens_only_this_machine_may_ask() {
    let world = world_with(AuthSettings::None).await;
    for (name, value, status) in [
        ("host", "127.0.0.1:8080", 200),
        ("host", "localhost", 200),
        ("host", "[::1]:8080", 200),
        ("host", "evil.example.org", 403),
        ("origin", "http://localhost:3000", 200),
        ("origin", "https://evil.example.org", 403),
        ("origin", "null", 403),
    ] {
        let answer = world.ask_with("GET", "/api/v1/rules", &[(name, value.to_owned())], "").await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {value}");
    }
    let made = world.ask("POST", "/api/v1/rules/reload", None, "").await;
    assert_eq!(made.status.as_u16(), 204);
}

#[test]
fn without_tokens_the_server_listens_on_this_machine_only() {
    let tokens = AuthSettings::Tokens { ingest_tokens: vec![] };
    for (address, auth, is_fine) in [
        ("127.0.0.1:8080", &AuthSettings::None, true),
        ("[::1]:8080", &AuthSettings::None, true),
        ("0.0.0.0:8080", &AuthSettings::None, false),
        ("192.0.2.1:8080", &AuthSettings::None, false),
        ("0.0.0.0:8080", &tokens, true),
    ] {
        assert_eq!(check_bind(address.parse().unwrap(), auth).is_ok(), is_fine, "{address}");
    }
}

#[tokio::test]
async fn a_refusal_is_a_problem_that_names_the_role() {
    let answer = world().await.ask("GET", "/api/v1/tokens", Some("viewer-token"), "").await;
    let problem: Value = answer.json();
    assert!(problem["detail"].as_str().unwrap().contains("role admin"), "{problem}");
    let answer = world().await.ask("GET", "/api/v1/tokens", None, "").await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}
