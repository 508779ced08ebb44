//! A table of requests: what is asked, by whom, and what must come back.

use serde_json::{Value, json};

use crate::world::{NOW, RULE, World, world};

/// Method, path, body, status, and places in the answer with what must stand there.
type Row<'a> = (&'a str, &'a str, &'a str, u16, &'a [(&'a str, Value)]);

async fn run(world: &World, rows: &[Row<'_>]) {
    for (method, path, body, status, places) in rows {
        let answer = world.as_admin(method, path, body).await;
        assert_eq!(answer.status.as_u16(), *status, "{method} {path}\n{body}\n{}", answer.text);
        if *status >= 400 {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
            let problem = answer.json();
            assert_eq!(problem["status"], json!(status));
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
        }
        for (place, expected) in *places {
            let json = answer.json();
            assert_eq!(json.pointer(place), Some(expected), "{method} {path} {place}\n{}", answer.text);
        }
    }
}

fn put(source: &str, format: &str) -> String {
    json!({"source": source, "format": format}).to_string()
}

#[tokio::test]
async fn rules() {
    let world = world().await;
    let other = RULE.replace("trail-stopped", "trail-two").replace("Trail stopped", "Trail two");
    let broken = RULE.replace("event.action: StopLogging", "event.action: (");
    run(
        &world,
        &[
            ("GET", "/api/v1/rules", "", 200, &[("/items/0/rule_id", json!("trail-stopped"))]),
            ("GET", "/api/v1/rules", "", 200, &[("/items/0/rule/severity", json!("medium"))]),
            ("GET", "/api/v1/rules?severity=high", "", 200, &[("/items", json!([]))]),
            (
                "GET",
                "/api/v1/rules?severity=high&severity=medium",
                "",
                200,
                &[("/items/0/enabled", json!(true))],
            ),
            ("GET", "/api/v1/rules?type=eql", "", 200, &[("/items", json!([]))]),
            (
                "GET",
                "/api/v1/rules?tag=Cloud&name=STOP&enabled=true&fault=false",
                "",
                200,
                &[("/items/0/name", json!("Trail stopped"))],
            ),
            ("GET", "/api/v1/rules?severity=dire", "", 400, &[]),
            ("GET", "/api/v1/rules?colour=red", "", 400, &[]),
            ("GET", "/api/v1/rules?limit=0", "", 400, &[]),
            ("GET", "/api/v1/rules?limit=1001", "", 400, &[]),
            ("GET", "/api/v1/rules?after=nonsense", "", 400, &[]),
            // `"\u0000"`
            ("GET", "/api/v1/rules?after=Ilx1MDAwMCI", "", 400, &[]),
            ("GET", "/api/v1/rules?name=%00", "", 400, &[]),
            ("GET", "/api/v1/rules?enabled=maybe", "", 400, &[]),
            (
                "GET",
                "/api/v1/rules/trail-stopped",
                "",
                200,
                &[
                    ("/source", json!(RULE)),
                    ("/format", json!("toml")),
                    ("/summary/rule/query", json!("event.action: StopLogging")),
                ],
            ),
            ("GET", "/api/v1/rules/none", "", 404, &[]),
            ("GET", "/api/v1/rules/%00", "", 400, &[]),
            ("GET", "/api/v1/rules/%ff", "", 400, &[]),
            (
                "PUT",
                "/api/v1/rules/trail-two",
                &put(&other, "toml"),
                200,
                &[
                    ("/summary/revision", json!(1)),
                    ("/summary/origin", json!("api")),
                    ("/summary/updated_by", json!("token:admin")),
                ],
            ),
            ("GET", "/api/v1/rules?limit=1", "", 200, &[("/items/0/rule_id", json!("trail-stopped"))]),
            ("PUT", "/api/v1/rules/trail-two", &put(RULE, "toml"), 400, &[]),
            (
                "PUT",
                "/api/v1/rules/trail-stopped",
                &put(&broken, "toml"),
                400,
                &[("/findings/1/severity", json!("error"))],
            ),
            ("PUT", "/api/v1/rules/trail-two", &put("", "toml"), 400, &[]),
            ("PUT", "/api/v1/rules/trail-two", &put(&other, "yaml"), 400, &[]),
            ("PUT", "/api/v1/rules/trail-two", r#"{"source": 1e999, "format": "toml"}"#, 400, &[]),
            ("PUT", "/api/v1/rules/trail-two", r#"{"source": "\u0000", "format": "toml"}"#, 400, &[]),
            ("PUT", "/api/v1/rules/trail-two", r#"{"source": "x", "format": "toml", "colour": 1}"#, 400, &[]),
            ("PUT", "/api/v1/rules/trail-two", "{", 400, &[]),
            ("POST", "/api/v1/rules/trail-two/disable", "", 200, &[("/enabled", json!(false))]),
            ("GET", "/api/v1/rules?enabled=false", "", 200, &[("/items/0/rule_id", json!("trail-two"))]),
            ("POST", "/api/v1/rules/trail-two/enable", "", 200, &[("/enabled", json!(true))]),
            ("POST", "/api/v1/rules/none/enable", "", 404, &[]),
            ("DELETE", "/api/v1/rules/trail-two", "", 204, &[]),
            ("DELETE", "/api/v1/rules/trail-two", "", 404, &[]),
            ("POST", "/api/v1/rules/reload", "", 204, &[]),
            ("PATCH", "/api/v1/rules", "", 405, &[]),
            ("GET", "/api/v1/nothing", "", 404, &[]),
        ],
    )
    .await;
    let answer = world.as_admin("PATCH", "/api/v1/rules", "").await;
    assert_eq!(answer.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn rules_in_and_out() {
    let world = world().await;
    let export = world.as_admin("GET", "/api/v1/rules/export", "").await;
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = export.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["rule_id"], "trail-stopped");
    assert_eq!(lines[1]["exported_rules_count"], 1);

    let again = lines[0].to_string();
    let other = again.replace("trail-stopped", "trail-three");
    let bad = r#"{"rule_id": "bad", "name": "Bad", "type": "query"}"#;
    let connector = r#"{"id": "c", "name": "Ops", "actionTypeId": ".slack", "config": {}, "secrets": {}, "isMissingSecrets": true}"#;
    let body = format!("{again}\n{other}\n{bad}\n{connector}\n");
    let headers = [
        ("authorization", "Bearer admin-token".to_owned()),
        ("content-type", "application/x-ndjson".to_owned()),
    ];
    let report = world.ask_with("POST", "/api/v1/rules/import", &headers, &body).await.json();
    let statuses: Vec<(&str, &str)> = report["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["id"].as_str().unwrap(), rule["status"].as_str().unwrap()))
        .collect();
    assert_eq!(statuses, [("trail-stopped", "exists"), ("trail-three", "created"), ("bad", "failed")]);
    assert_eq!(report["connectors_left_out"], json!(["Ops"]));
    assert!(report["rules"][2]["reason"].as_str().unwrap().len() > 5, "{report}");

    let report = world.ask_with("POST", "/api/v1/rules/import?overwrite=true", &headers, &body).await.json();
    assert_eq!(report["rules"][0]["status"], "updated");
    assert_eq!(report["rules"][1]["status"], "unchanged");

    let toml = [headers[0].clone(), ("content-type", "application/toml".to_owned())];
    let report = world.ask_with("POST", "/api/v1/rules/import?overwrite=true", &toml, RULE).await.json();
    assert_eq!(report["rules"][0]["status"], "updated");
    let text = [headers[0].clone(), ("content-type", "text/html".to_owned())];
    assert_eq!(world.ask_with("POST", "/api/v1/rules/import", &text, RULE).await.status.as_u16(), 415);
    assert_eq!(world.ask_with("POST", "/api/v1/rules/import", &headers, "").await.status.as_u16(), 400);
    let answer = world.as_admin("GET", "/api/v1/rules/export?rule_id=gone", "").await;
    assert_eq!(serde_json::from_str::<Value>(answer.text.trim()).unwrap()["missing_rules_count"], 1);
}

#[tokio::test]
async fn trying_rules_out() {
    let world = world().await;
    let preview =
        |from: &str, to: &str| json!({"source": "x", "format": "toml", "from": from, "to": to}).to_string();
    let range = r#"{"from": "2026-03-13T00:00:00Z", "to": "2026-03-14T00:00:00+01:00"}"#;
    let empty = r#"{"from": "2026-03-13T00:00:00Z", "to": "2026-03-13T00:00:00Z"}"#;
    run(
        &world,
        &[
            (
                "POST",
                "/api/v1/rules/preview",
                &preview("2026-03-13T00:00:00Z", "2026-03-14T00:00:00Z"),
                200,
                &[("/total", json!(3)), ("/alerts/0/kibana.alert.uuid", json!("preview"))],
            ),
            ("POST", "/api/v1/rules/preview", &preview("yesterday", "today"), 400, &[]),
            ("POST", "/api/v1/rules/preview", &preview("-009999-01-01T00:00:00Z", "today"), 400, &[]),
            (
                "POST",
                "/api/v1/rules/trail-stopped/backfill",
                range,
                202,
                &[("/backfill", json!("backfill-1"))],
            ),
            ("POST", "/api/v1/rules/trail-stopped/backfill", empty, 400, &[]),
            ("POST", "/api/v1/rules/none/backfill", range, 404, &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn lists() {
    let world = world().await;
    let list = r#"{"name": "Known good", "type": "detection", "description": "Ours."}"#;
    let item = r#"{"name": "Deploys", "type": "simple", "description": "Ours.",
        "entries": [{"field": "user.name", "operator": "included", "type": "match", "value": "deploy"}]}"#;
    let bad_item = r#"{"name": "Deploys", "entries": [{"field": "user.name", "operator": "sometimes", "type": "match"}]}"#;
    run(
        &world,
        &[
            (
                "PUT",
                "/api/v1/exception-lists/good",
                list,
                200,
                &[("/document/list_id", json!("good")), ("/revision", json!(1))],
            ),
            ("PUT", "/api/v1/exception-lists/good", r#"{"name": 1}"#, 400, &[]),
            ("PUT", "/api/v1/exception-lists/good", r#"{"list_id": "other", "name": "x"}"#, 400, &[]),
            ("PUT", "/api/v1/exception-lists/good/items/deploys", item, 200, &[("/id", json!("deploys"))]),
            ("PUT", "/api/v1/exception-lists/good/items/deploys", bad_item, 400, &[]),
            ("PUT", "/api/v1/exception-lists/none/items/deploys", item, 404, &[]),
            ("GET", "/api/v1/exception-lists/good/items", "", 200, &[("/items/0/id", json!("deploys"))]),
            ("GET", "/api/v1/exception-lists/none/items", "", 404, &[]),
            ("GET", "/api/v1/exception-lists/good/items/deploys", "", 200, &[("/revision", json!(1))]),
            ("DELETE", "/api/v1/exception-lists/good/items/deploys", "", 204, &[]),
            ("DELETE", "/api/v1/exception-lists/good", "", 204, &[]),
            ("GET", "/api/v1/exception-lists", "", 200, &[("/items", json!([]))]),
            (
                "PUT",
                "/api/v1/value-lists/ips",
                r#"{"name": "Ours", "type": "ip"}"#,
                200,
                &[("/document/type", json!("ip"))],
            ),
            ("PUT", "/api/v1/value-lists/ips", r#"{"name": "Ours", "type": "colour"}"#, 400, &[]),
            (
                "POST",
                "/api/v1/value-lists/ips/values/add",
                r#"{"values": ["192.0.2.1", "192.0.2.2"]}"#,
                200,
                &[("/changed", json!(2))],
            ),
            ("POST", "/api/v1/value-lists/ips/values/add", r#"{"values": ["house"]}"#, 400, &[]),
            ("POST", "/api/v1/value-lists/ips/values/add", r#"{"values": []}"#, 400, &[]),
            ("POST", "/api/v1/value-lists/none/values/add", r#"{"values": ["a"]}"#, 404, &[]),
            ("GET", "/api/v1/value-lists/ips/values?limit=1", "", 200, &[("/items", json!(["192.0.2.1"]))]),
            (
                "POST",
                "/api/v1/value-lists/ips/values/remove",
                r#"{"values": ["192.0.2.1"]}"#,
                200,
                &[("/changed", json!(1))],
            ),
            ("DELETE", "/api/v1/value-lists/ips", "", 204, &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_change_over_another_one_is_refused() {
    let world = world().await;
    let ask = |seen: &'static str, header: &'static str| {
        let headers = [("authorization", "Bearer admin-token".to_owned()), (header, seen.to_owned())];
        let world = &world;
        async move {
            let body = r#"{"name": "Ours", "type": "ip"}"#;
            world.ask_with("PUT", "/api/v1/value-lists/ips", &headers, body).await
        }
    };
    let made = ask("*", "if-none-match").await;
    assert_eq!((made.status.as_u16(), made.header("etag")), (200, "\"1\""));
    assert_eq!(ask("*", "if-none-match").await.status.as_u16(), 412);
    assert_eq!(ask("\"1\"", "if-match").await.status.as_u16(), 200);
    assert_eq!(ask("\"7\"", "if-match").await.status.as_u16(), 412);
    assert_eq!(ask("seven", "if-match").await.status.as_u16(), 400);
}

#[tokio::test]
async fn messages() {
    let world = world().await;
    let connector = r#"{"type": "webhook", "name": "Ops", "config": {"url": {"env": "OPS_URL"}}}"#;
    let written_out = r#"{"type": "slack", "config": {"url": "https://hooks.example.org/hunter2"}}"#;
    let many_rules = json!({"connector": "ops", "rules": vec!["a"; 1001]}).to_string();
    let with_enabled =
        |connector: &str, enabled: &str| connector.replacen('{', &format!("{{\"enabled\": {enabled}, "), 1);
    let action = r#"{"connector": "ops", "filter": "kibana.alert.severity: high", "throttle": "1h"}"#;
    run(
        &world,
        &[
            (
                "PUT",
                "/api/v1/connectors/ops",
                connector,
                200,
                &[
                    ("/id", json!("ops")),
                    ("/type", json!("webhook")),
                    ("/config/url", json!({"env": "OPS_URL"})),
                ],
            ),
            ("PUT", "/api/v1/connectors/slack", written_out, 400, &[]),
            ("PUT", "/api/v1/connectors/o%20ps", connector, 400, &[]),
            (
                "POST",
                "/api/v1/connectors/ops/test",
                "",
                200,
                &[("/sent", json!(false)), ("/detail", json!("hooks.example.org answered 500"))],
            ),
            ("POST", "/api/v1/connectors/none/test", "", 404, &[]),
            ("GET", "/api/v1/connectors/ops", "", 200, &[("/enabled", json!(true))]),
            (
                "POST",
                "/api/v1/connectors/ops/disable",
                "",
                200,
                &[("/enabled", json!(false)), ("/revision", json!(2))],
            ),
            // Put again, it stays as it is; a test is sent all the same.
            (
                "PUT",
                "/api/v1/connectors/ops",
                connector,
                200,
                &[("/enabled", json!(false)), ("/revision", json!(3))],
            ),
            (
                "POST",
                "/api/v1/connectors/ops/test",
                "",
                200,
                &[("/enabled", json!(false)), ("/detail", json!("hooks.example.org answered 500"))],
            ),
            ("POST", "/api/v1/notifications/retry", r#"{"ids": [1]}"#, 200, &[("/changed", json!(0))]),
            (
                "PUT",
                "/api/v1/connectors/ops",
                &with_enabled(connector, "true"),
                200,
                &[("/enabled", json!(true))],
            ),
            (
                "PUT",
                "/api/v1/connectors/ops",
                &with_enabled(connector, "false"),
                200,
                &[("/enabled", json!(false))],
            ),
            ("PUT", "/api/v1/connectors/ops", &with_enabled(connector, "1"), 400, &[]),
            ("GET", "/api/v1/connectors", "", 200, &[("/items/0/enabled", json!(false))]),
            ("POST", "/api/v1/connectors/ops/enable", "", 200, &[("/revision", json!(6))]),
            ("POST", "/api/v1/connectors/ops/enable", "", 200, &[("/revision", json!(6))]),
            ("POST", "/api/v1/connectors/none/disable", "", 404, &[]),
            (
                "GET",
                "/api/v1/audit?limit=1",
                "",
                200,
                &[
                    ("/items/0/action", json!("connector.enable")),
                    ("/items/0/before/enabled", json!(false)),
                    ("/items/0/after/enabled", json!(true)),
                ],
            ),
            ("PUT", "/api/v1/actions/tell", action, 200, &[("/connector", json!("ops"))]),
            ("PUT", "/api/v1/actions/tell", r#"{"connector": "none"}"#, 400, &[]),
            ("PUT", "/api/v1/actions/tell", r#"{"connector": "ops", "filter": "a: ("}"#, 400, &[]),
            ("GET", "/api/v1/actions/tell", "", 200, &[("/revision", json!(1)), ("/rules", json!([]))]),
            (
                "PUT",
                "/api/v1/actions/of-two",
                r#"{"connector": "ops", "rules": ["b", "a", "b"]}"#,
                200,
                &[("/rules", json!(["b", "a"]))],
            ),
            (
                "PUT",
                "/api/v1/actions/of-two",
                r#"{"connector": "ops", "rules": []}"#,
                200,
                &[("/rules", json!([]))],
            ),
            (
                "PUT",
                "/api/v1/actions/of-two",
                r#"{"connector": "ops", "rule_id": "a"}"#,
                200,
                &[("/rules", json!(["a"]))],
            ),
            (
                "PUT",
                "/api/v1/actions/of-two",
                r#"{"connector": "ops", "rule_id": "a", "rules": ["a"]}"#,
                400,
                &[],
            ),
            ("PUT", "/api/v1/actions/of-two", r#"{"connector": "ops", "rules": [""]}"#, 400, &[]),
            ("PUT", "/api/v1/actions/of-two", r#"{"connector": "ops", "rules": "a"}"#, 400, &[]),
            ("PUT", "/api/v1/actions/of-two", &many_rules, 400, &[]),
            (
                "GET",
                "/api/v1/audit?limit=1",
                "",
                200,
                &[("/items/0/before/rule_ids", json!([])), ("/items/0/after/rule_ids", json!(["a"]))],
            ),
            ("GET", "/api/v1/actions?limit=1", "", 200, &[("/items/0/rules", json!(["a"]))]),
            ("DELETE", "/api/v1/actions/of-two", "", 204, &[]),
            ("GET", "/api/v1/actions", "", 200, &[("/items/0/throttle", json!("1h"))]),
            ("DELETE", "/api/v1/connectors/ops", "", 409, &[]),
            ("DELETE", "/api/v1/actions/tell", "", 204, &[]),
            ("DELETE", "/api/v1/connectors/ops", "", 204, &[]),
            ("GET", "/api/v1/notifications", "", 400, &[]),
            (
                "GET",
                "/api/v1/notifications?state=dead",
                "",
                200,
                &[("/items/0/last_error", json!("refused"))],
            ),
            ("GET", "/api/v1/notifications/1", "", 200, &[("/state", json!("dead"))]),
            ("GET", "/api/v1/notifications/9", "", 404, &[]),
            ("GET", "/api/v1/notifications/99999999999999999999", "", 400, &[]),
            ("POST", "/api/v1/notifications/retry", r#"{"ids": [1, 9]}"#, 200, &[("/changed", json!(1))]),
            ("GET", "/api/v1/notifications/counts", "", 200, &[("/pending", json!(1)), ("/dead", json!(0))]),
        ],
    )
    .await;
    skipped_messages(&world).await;
    let refused = world.as_admin("PUT", "/api/v1/connectors/slack", written_out).await;
    assert!(!refused.text.contains("hunter2"), "{}", refused.text);
}

/// Message 1 waits: its connector comes back, switched off.
async fn skipped_messages(world: &World) {
    let off = r#"{"type": "webhook", "enabled": false, "config": {"url": {"env": "OPS_URL"}}}"#;
    let reason = json!("the connector was switched off; the attempt before failed: refused");
    run(
        world,
        &[
            ("PUT", "/api/v1/connectors/ops", off, 200, &[("/enabled", json!(false))]),
            ("GET", "/api/v1/notifications/1", "", 200, &[("/state", json!("skipped"))]),
            (
                "GET",
                "/api/v1/notifications?state=skipped",
                "",
                200,
                &[("/items/0/last_error", reason), ("/items/0/ended", json!(NOW))],
            ),
            (
                "GET",
                "/api/v1/notifications/counts",
                "",
                200,
                &[("/skipped", json!(1)), ("/pending", json!(0)), ("/dead", json!(0)), ("/sent", json!(0))],
            ),
            ("POST", "/api/v1/notifications/retry", r#"{"ids": [1]}"#, 200, &[("/changed", json!(0))]),
            ("POST", "/api/v1/connectors/ops/enable", "", 200, &[]),
            ("GET", "/api/v1/notifications/1", "", 200, &[("/state", json!("skipped"))]),
            ("POST", "/api/v1/notifications/retry", r#"{"ids": [1]}"#, 200, &[("/changed", json!(1))]),
            ("GET", "/api/v1/notifications/1", "", 200, &[("/state", json!("pending"))]),
        ],
    )
    .await;
}

#[tokio::test]
async fn alerts() {
    let world = world().await;
    let closed = r#"{"status": "closed", "reason": "false_positive"}"#;
    run(
        &world,
        &[
            ("GET", "/api/v1/alerts", "", 200, &[("/items/0/id", json!("alert-3"))]),
            (
                "GET",
                "/api/v1/alerts?query=user.name:%20alice%20or%20user.name:%20bob",
                "",
                200,
                &[("/items/0/id", json!("alert-2")), ("/items/1/id", json!("alert-1"))],
            ),
            (
                "GET",
                "/api/v1/alerts?query=user.name:%20(",
                "",
                400,
                &[("/findings/0/severity", json!("error"))],
            ),
            (
                "GET",
                "/api/v1/alerts?from=2026-03-14T09:01:00Z&to=2026-03-14T09:02:00Z",
                "",
                200,
                &[("/items/0/id", json!("alert-1"))],
            ),
            ("GET", "/api/v1/alerts?from=2026-03-14T09:02:00Z&to=2026-03-14T09:01:00Z", "", 400, &[]),
            ("GET", "/api/v1/alerts?from=soon", "", 400, &[]),
            (
                "GET",
                "/api/v1/alerts?severity=low&rule_id=trail-stopped&status=open",
                "",
                200,
                &[("/items/0/id", json!("alert-2"))],
            ),
            ("GET", "/api/v1/alerts?rule_id=none", "", 200, &[("/items", json!([]))]),
            (
                "POST",
                "/api/v1/alerts/alert-1/status",
                closed,
                200,
                &[
                    ("/status", json!("closed")),
                    ("/reason", json!("false_positive")),
                    ("/document/kibana.alert.workflow_status", json!("closed")),
                    ("/updated_by", json!("token:admin")),
                ],
            ),
            (
                "GET",
                "/api/v1/alerts?query=kibana.alert.workflow_status:%20closed",
                "",
                200,
                &[("/items/0/id", json!("alert-1"))],
            ),
            ("POST", "/api/v1/alerts/alert-1/status", r#"{"status": "open", "reason": "x"}"#, 400, &[]),
            ("POST", "/api/v1/alerts/alert-1/status", r#"{"status": "gone"}"#, 400, &[]),
            ("POST", "/api/v1/alerts/none/status", closed, 404, &[]),
            (
                "POST",
                "/api/v1/alerts/alert-1/assignees",
                r#"{"add": ["dora"]}"#,
                200,
                &[("/assignees", json!(["dora"]))],
            ),
            (
                "POST",
                "/api/v1/alerts/alert-1/tags",
                r#"{"add": ["a", "b"], "remove": ["a"]}"#,
                200,
                &[("/document/kibana.alert.workflow_tags", json!(["b"]))],
            ),
            ("POST", "/api/v1/alerts/alert-1/tags", r#"{"add": [" "]}"#, 400, &[]),
            (
                "POST",
                "/api/v1/alerts/alert-1/notes",
                r#"{"text": "Asked him."}"#,
                201,
                &[("/author", json!("token:admin"))],
            ),
            ("POST", "/api/v1/alerts/alert-1/notes", r#"{"text": " "}"#, 400, &[]),
            ("GET", "/api/v1/alerts/alert-1/notes", "", 200, &[("/items/0/text", json!("Asked him."))]),
            ("GET", "/api/v1/alerts/none/notes", "", 404, &[]),
            (
                "GET",
                "/api/v1/alerts/counts?by=status",
                "",
                200,
                &[("/counts/0", json!({"value": "open", "count": 2})), ("/total", json!(3))],
            ),
            (
                "GET",
                "/api/v1/alerts/counts?by=severity&query=user.name:%20*",
                "",
                200,
                &[("/counts/0", json!({"value": "high", "count": 2}))],
            ),
            (
                "GET",
                "/api/v1/alerts/counts?by=user.name&limit=1",
                "",
                200,
                &[
                    ("/counts", json!([{"value": "alice", "count": 1}])),
                    ("/values", json!(3)),
                    ("/is_complete", json!(true)),
                ],
            ),
            ("GET", "/api/v1/alerts/counts", "", 400, &[]),
            (
                "POST",
                "/api/v1/alerts/status",
                r#"{"status": "acknowledged", "query": "kibana.alert.severity: high"}"#,
                200,
                &[("/matched", json!(2)), ("/changed", json!(2)), ("/is_complete", json!(true))],
            ),
            (
                "POST",
                "/api/v1/alerts/status",
                r#"{"status": "acknowledged", "ids": ["alert-1", "alert-2"]}"#,
                200,
                &[("/changed", json!(1))],
            ),
            ("POST", "/api/v1/alerts/status", r#"{"status": "open", "ids": ["alert-1", "none"]}"#, 404, &[]),
            ("GET", "/api/v1/alerts/alert-1", "", 200, &[("/status", json!("acknowledged"))]),
            ("POST", "/api/v1/alerts/status", r#"{"status": "open"}"#, 400, &[]),
            (
                "POST",
                "/api/v1/alerts/status",
                r#"{"status": "open", "ids": ["alert-1"], "query": "*"}"#,
                400,
                &[],
            ),
            ("POST", "/api/v1/alerts/status", r#"{"status": "open", "ids": []}"#, 400, &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_and_leave_nothing_out() {
    let world = world().await;
    for (path, field, expected) in [
        ("/api/v1/alerts?limit=1", "id", vec!["alert-3", "alert-2", "alert-1"]),
        ("/api/v1/alerts?limit=1&query=kibana.alert.severity:%20high", "id", vec!["alert-3", "alert-1"]),
        ("/api/v1/gaps?limit=1", "from", vec!["2026-03-12T00:00:00Z", "2026-03-13T00:00:00Z"]),
        ("/api/v1/tokens?limit=1", "id", vec!["admin-id", "analyst-id", "expired-id", "viewer-id"]),
    ] {
        let (mut found, mut next) = (Vec::new(), None::<String>);
        loop {
            let after = next.map(|next| format!("&after={next}")).unwrap_or_default();
            let page = world.as_admin("GET", &format!("{path}{after}"), "").await.json();
            let items = page["items"].as_array().unwrap();
            found.extend(items.iter().map(|item| item[field].as_str().unwrap().to_owned()));
            next = page["next"].as_str().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{path}");
    }
}

#[tokio::test]
async fn what_the_server_did() {
    let world = world().await;
    run(
        &world,
        &[
            (
                "GET",
                "/api/v1/executions?rule_id=trail-stopped&status=succeeded&kind=scheduled",
                "",
                200,
                &[("/items/0/id", json!("execution-1")), ("/items/0/metrics/events", json!(4))],
            ),
            ("GET", "/api/v1/executions?status=failed", "", 200, &[("/items", json!([]))]),
            (
                "GET",
                "/api/v1/executions/execution-1",
                "",
                200,
                &[("/window_to", json!("2026-03-14T09:55:00Z"))],
            ),
            ("GET", "/api/v1/executions/none", "", 404, &[]),
            ("GET", "/api/v1/gaps?state=open", "", 200, &[("/items/0/reason", json!("server was down"))]),
            ("GET", "/api/v1/gaps?state=filled", "", 200, &[("/items", json!([]))]),
            (
                "GET",
                "/api/v1/poison-deliveries?source=queue",
                "",
                200,
                &[("/items/0/id", json!("message/1"))],
            ),
            ("DELETE", "/api/v1/poison-deliveries/queue/message%2F1", "", 204, &[]),
            ("DELETE", "/api/v1/poison-deliveries/queue/message%2F1", "", 404, &[]),
            (
                "GET",
                "/api/v1/audit?object_kind=poison_delivery",
                "",
                200,
                &[("/items/0/action", json!("poison.delete"))],
            ),
            ("GET", "/api/v1/audit?actor=nobody", "", 200, &[("/items", json!([]))]),
            ("GET", "/api/v1/audit/verify", "", 200, &[("/is_whole", json!(true))]),
            (
                "GET",
                "/api/v1/health",
                "",
                200,
                &[("/detection_lag_seconds", json!(60)), ("/parts/1/fault", json!("cannot be reached"))],
            ),
            ("GET", "/healthz", "", 200, &[("/status", json!("ok"))]),
            ("GET", "/readyz", "", 200, &[("/status", json!("ready"))]),
        ],
    )
    .await;
    let metrics = world.as_admin("GET", "/metrics", "").await;
    for line in [
        "detection_lag_seconds 60",
        "bartizan_events_ingested_total{data_stream=\"logs-aws.cloudtrail-default\"} 12",
        "# TYPE bartizan_events_ingested_total counter",
        "bartizan_part_healthy{part=\"queue\"} 0",
        "bartizan_rules{enabled=\"true\"} 1",
        "bartizan_alerts{status=\"open\"} 3",
        "bartizan_gaps{state=\"open\"} 2",
        "bartizan_notifications{state=\"dead\"} 1",
        "bartizan_notifications{state=\"skipped\"} 0",
        "bartizan_connectors{enabled=\"false\"} 0",
        "bartizan_rules_by_last_execution{status=\"succeeded\"} 1",
    ] {
        assert!(metrics.text.lines().any(|found| found == line), "{line}\n{}", metrics.text);
    }
    *world.control.is_broken.lock().unwrap() = true;
    assert_eq!(world.as_admin("GET", "/readyz", "").await.status.as_u16(), 503);
}

#[tokio::test]
async fn tokens() {
    let world = world().await;
    let made = world.as_admin("POST", "/api/v1/tokens", r#"{"name": "night-shift", "role": "viewer"}"#).await;
    assert_eq!(made.status.as_u16(), 201);
    let made = made.json();
    let (token, id) = (made["token"].as_str().unwrap(), made["summary"]["id"].as_str().unwrap());
    assert_eq!(world.ask("GET", "/api/v1/rules", Some(token), "").await.status.as_u16(), 200);
    assert!(!world.as_admin("GET", "/api/v1/tokens", "").await.text.contains(token));
    assert!(!world.as_admin("GET", "/api/v1/audit", "").await.text.contains(token));
    let revoke = format!("/api/v1/tokens/{id}");
    run(
        &world,
        &[
            ("POST", "/api/v1/tokens", r#"{"name": "night-shift", "role": "admin"}"#, 409, &[]),
            ("POST", "/api/v1/tokens", r#"{"name": "a b", "role": "admin"}"#, 400, &[]),
            ("POST", "/api/v1/tokens", r#"{"name": "x", "role": "king"}"#, 400, &[]),
            (
                "POST",
                "/api/v1/tokens",
                r#"{"name": "x", "role": "viewer", "expires": "2020-01-01T00:00:00Z"}"#,
                400,
                &[],
            ),
            ("DELETE", &revoke, "", 200, &[("/revoked", json!("2026-03-14T10:00:00Z"))]),
            ("DELETE", "/api/v1/tokens/none", "", 404, &[]),
        ],
    )
    .await;
    assert_eq!(world.ask("GET", "/api/v1/rules", Some(token), "").await.status.as_u16(), 401);
}

#[tokio::test]
async fn bodies_of_another_type_or_size_are_refused() {
    let world = world().await;
    let ask = |content_type: &'static str, body: String| {
        let world = &world;
        async move {
            let headers = [
                ("authorization", "Bearer admin-token".to_owned()),
                ("content-type", content_type.to_owned()),
            ];
            world.ask_with("POST", "/api/v1/tokens", &headers, &body).await.status.as_u16()
        }
    };
    let body = r#"{"name": "x", "role": "viewer"}"#;
    assert_eq!(ask("text/plain", body.to_owned()).await, 415);
    assert_eq!(ask("application/json; charset=utf-8", body.to_owned()).await, 201);
    assert_eq!(ask("application/json", " ".repeat(33 * 1024 * 1024)).await, 413);
    assert_eq!(ask("application/json", "[".repeat(100_000)).await, 400);
}
