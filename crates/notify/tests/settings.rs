//! Connectors and actions as settings: what is read, what is refused, in which words, and that no secret is repeated.

use bartizan_notify as notify;
use ecs::Catalog;
use notify::{Action, Connector, PreparedAction};
use serde_json::{Value, json};

fn connector(kind: &str, config: Value) -> Result<Connector, String> {
    Connector::from_json(&json!({"id": "c", "type": kind, "config": config}))
        .map_err(|error| error.to_string())
}

fn secret() -> Value {
    json!({"env": "SECRET"})
}

#[test]
fn a_connector_is_written_back_as_it_was_read() {
    for (kind, config) in [
        (
            "webhook",
            json!({"url": "https://example.org/x", "method": "PUT", "headers": {"X-Team": "a", "Authorization": secret()},
            "basic_auth": {"user": "u", "password": secret()}, "signing_secret": {"file": "/run/key"}, "allow_http": false,
            "timeout_seconds": 3}),
        ),
        ("webhook", json!({"url": secret(), "method": "POST", "allow_http": true, "timeout_seconds": 15})),
        ("slack", json!({"url": secret(), "timeout_seconds": 15})),
        (
            "pagerduty",
            json!({"routing_key": secret(), "url": "https://events.eu.pagerduty.com/v2/enqueue", "timeout_seconds": 15}),
        ),
        (
            "email",
            json!({"host": "mail.example.org", "port": 2525, "security": "starttls", "user": "u", "password": secret(),
            "from": "A <a@example.org>", "to": ["b@example.org"], "timeout_seconds": 15}),
        ),
        (
            "sns",
            json!({"topic_arn": "arn:aws-us-gov:sns:us-gov-west-1:123456789012:alerts", "timeout_seconds": 15}),
        ),
        ("file", json!({"path": "/var/log/alerts.ndjson"})),
    ] {
        let written = json!({"id": "c", "name": "c", "enabled": true, "type": kind, "config": config});
        let read = Connector::from_json(&written).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), written);
        assert_eq!(read.connector_type().name(), kind);
    }
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let webhook = |url: &str| connector("webhook", json!({"url": url}));
    for (result, place, advice) in [
        (webhook("example.org"), "config.url", "https://"),
        (webhook("ftp://example.org/"), "config.url", "https://"),
        (webhook("http://example.org/"), "config.url", "allow_http"),
        (webhook("https://u:hunter2@example.org/"), "config.url", "env"),
        (webhook("https://example.org/?token=hunter2"), "config.url", "env"),
        (webhook("https://hooks.slack.com/services/T/B/hunter2"), "config.url", "env"),
        (webhook("https://x.webhook.office.com/hunter2"), "config.url", "env"),
        (
            connector(
                "webhook",
                json!({"url": "https://example.org", "headers": {"Authorization": "Bearer hunter2"}}),
            ),
            "config.headers.Authorization",
            "env",
        ),
        (
            connector("webhook", json!({"url": "https://example.org", "headers": {"X-API-Key": "hunter2"}})),
            "config.headers.X-API-Key",
            "env",
        ),
        (
            connector("webhook", json!({"url": "https://example.org", "headers": {"a b": "c"}})),
            "headers.a b",
            "header",
        ),
        (
            connector("webhook", json!({"url": "https://example.org", "signing_secret": "hunter2"})),
            "config.signing_secret",
            "env",
        ),
        (
            connector("webhook", json!({"url": "https://example.org", "timeout_seconds": 0})),
            "timeout_seconds",
            "300",
        ),
        (connector("webhook", json!({"url": "https://example.org", "verb": "GET"})), "config.verb", "verb"),
        (connector("webhook", json!({})), "config", "url"),
        (connector("slack", json!({"url": "https://hooks.slack.com/services/hunter2"})), "config.url", "env"),
        (connector("slack", json!({"url": {"value": "hunter2"}})), "config.url", "env"),
        (connector("pagerduty", json!({"routing_key": "hunter2"})), "config.routing_key", "env"),
        (
            connector(
                "pagerduty",
                json!({"routing_key": {"env": "A"}, "url": "https://events.pagerduty.com/integration/hunter2"}),
            ),
            "config.url",
            "env",
        ),
        (
            connector("email", json!({"host": "smtp://x", "from": "a@example.org"})),
            "config.host",
            "without scheme",
        ),
        (connector("email", json!({"host": "x", "from": "nobody"})), "config.from", "name@example.org"),
        (
            connector("email", json!({"host": "x", "from": "a@example.org", "user": "u"})),
            "config.password",
            "missing",
        ),
        (
            connector(
                "email",
                json!({"host": "x", "from": "a@example.org", "user": "u", "password": "hunter2"}),
            ),
            "config.password",
            "env",
        ),
        (
            connector(
                "email",
                json!({"host": "x", "from": "a@example.org", "user": "u", "password": {"env": "A"}, "security": "none"}),
            ),
            "config.security",
            "starttls",
        ),
        (connector("sns", json!({"topic_arn": "alerts"})), "config.topic_arn", "arn:aws:sns"),
        (connector("file", json!({"path": "alerts.ndjson"})), "config.path", "absolute"),
        (connector("telegraph", json!({})), "type", "webhook"),
        (
            Connector::from_json(&json!({"id": "a b", "type": "file", "config": {"path": "/x"}}))
                .map_err(|e| e.to_string()),
            "id",
            "letters",
        ),
    ] {
        let error = result.unwrap_err();
        assert!(error.contains(place) && error.contains(advice), "{error}: not {place}, {advice}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    assert!(webhook("http://127.0.0.1:8080/x").is_ok());
}

fn prepared(action: Value, connector: &Connector) -> Result<PreparedAction, String> {
    let text = |error: notify::ConfigError| match std::error::Error::source(&error) {
        Some(source) if !error.to_string().contains(&source.to_string()) => format!("{error}: {source}"),
        _ => error.to_string(),
    };
    let action = Action::from_json(&action).map_err(text)?;
    PreparedAction::new(&action, connector, &Catalog::builtin()).map_err(text)
}

#[test]
fn an_action_that_cannot_work_is_refused() {
    let file = connector("file", json!({"path": "/x"})).unwrap();
    let webhook = connector("webhook", json!({"url": "https://example.org/"})).unwrap();
    let pagerduty = connector("pagerduty", json!({"routing_key": {"env": "A"}})).unwrap();
    let email = connector("email", json!({"host": "x", "from": "a@example.org"})).unwrap();
    for (action, connector, expected) in [
        (json!({"id": "a", "connector": "d"}), &file, "no connector `d`"),
        (json!({"id": "a", "connector": "c", "throttle": "often"}), &file, "1h"),
        (json!({"id": "a", "connector": "c", "filter": "a:("}), &file, "filter"),
        (json!({"id": "a", "connector": "c", "filters": [{"query": {"script": {}}}]}), &file, "filter"),
        (
            json!({"id": "a", "connector": "c", "hours": {"hours": {"start": "8", "end": "9"}}}),
            &file,
            "HH:MM",
        ),
        (json!({"id": "a", "connector": "c", "params": {"body": "x"}}), &file, "params.body"),
        (json!({"id": "a", "connector": "c", "params": {"body": "\n {{#x}}"}}), &webhook, "line 2, column 2"),
        (json!({"id": "a", "connector": "c", "params": {"severity": "bad"}}), &pagerduty, "critical"),
        (json!({"id": "a", "connector": "c", "params": {"eventAction": "resolve"}}), &pagerduty, "trigger"),
        (
            json!({"id": "a", "connector": "c", "params": {"customDetails": {"x": "{{"}}}),
            &pagerduty,
            "custom_details.x",
        ),
        (json!({"id": "a", "connector": "c", "params": {"to": ["x"]}}), &email, "mail address"),
        (json!({"id": "a", "connector": "c", "often": true}), &file, "often"),
    ] {
        let error = prepared(action, connector).unwrap_err();
        assert!(error.contains(expected), "{error}: not {expected}");
    }
}

#[test]
fn kibanas_actions_are_read() {
    let action = json!({
        "action_type_id": ".slack", "id": "c", "group": "default", "params": {"message": "{{rule.name}}"},
        "frequency": {"summary": false, "notifyWhen": "onActiveAlert", "throttle": null},
        "alerts_filter": {
            "query": {"kql": "kibana.alert.severity: high", "filters": []},
            "timeframe": {"days": [1], "hours": {"start": "08:00", "end": "17:00"}, "timezone": "UTC"}
        }
    });
    let read = Action::from_kibana(&action, "rule-1", 0).unwrap();
    assert_eq!((&*read.id, &*read.connector, read.summary), ("rule-1/0", "c", false));
    assert_eq!(
        (read.rules, read.filter),
        (vec!["rule-1".to_owned()], Some("kibana.alert.severity: high".to_owned()))
    );
    assert!(read.hours.is_some() && read.throttle.is_none());
    let throttled = json!({"action_type_id": ".email", "id": "c", "uuid": "u", "params": {},
        "frequency": {"summary": true, "notifyWhen": "onThrottleInterval", "throttle": "1h"}});
    let read = Action::from_kibana(&throttled, "rule-1", 0).unwrap();
    assert_eq!((&*read.id, read.throttle.as_deref()), ("u", Some("1h")));
    for (change, expected) in [
        (json!({"action_type_id": ".jira"}), "not supported"),
        (json!({"group": "recovered"}), "default"),
        (
            json!({"frequency": {"summary": true, "notifyWhen": "onThrottleInterval", "throttle": null}}),
            "throttle",
        ),
    ] {
        let mut changed = throttled.clone();
        changed.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let error = Action::from_kibana(&changed, "rule-1", 0).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_examples_of_the_guide_are_read() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/notifications.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples: Vec<Value> = page
        .split("```json\n")
        .skip(1)
        .map(|rest| serde_json::from_str(rest.split("```").next().unwrap()).unwrap())
        .collect();
    let connectors: Vec<Connector> = examples
        .iter()
        .filter(|example| example.get("type").is_some())
        .map(|example| Connector::from_json(example).unwrap())
        .collect();
    assert_eq!(connectors.len(), 6);
    let mut actions = 0;
    for example in examples.iter().filter(|example| example.get("type").is_none()) {
        let action = match example.get("connector") {
            Some(_) => example.clone(),
            None => json!({"id": "a", "connector": "soc", "params": example}),
        };
        let connector = connectors.iter().find(|known| action["connector"] == known.id.as_str()).unwrap();
        prepared(action, connector).unwrap();
        actions += 1;
    }
    assert_eq!(actions, 2);
}
