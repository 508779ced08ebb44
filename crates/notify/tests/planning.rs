//! Planning: which alerts are told, how often, in what words, and that nobody is told twice.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use bartizan_notify as notify;
use ecs::{Catalog, Document, Timestamp};
use notify::{
    Action, ActionState, Connector, Content, Execution, HeldReason, Occasion, Plan, PreparedAction,
    RuleFacts, plan,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn rule() -> RuleFacts {
    RuleFacts {
        rule_id: "rule-1".into(),
        uuid: "u-1".into(),
        name: "Key *deleted* <now>".into(),
        severity: rule::Severity::Medium,
        rule_type_id: "siem.queryRule".into(),
        tags: vec!["AWS".into(), "KMS".into()],
        object: json!({"name": "Key *deleted* <now>", "risk_score": 47}).as_object().unwrap().clone(),
    }
}

fn alert(id: &str, severity: &str) -> Document {
    let alert = json!({
        "@timestamp": "2026-07-25T10:00:05.000Z",
        "kibana.alert.uuid": id,
        "kibana.alert.severity": severity,
        "kibana.alert.risk_score": 73,
        "kibana.alert.original_time": "2026-07-25T10:00:00.000Z",
        "kibana.alert.rule.name": "Key *deleted* <now>",
        "kibana.alert.reason": "somebody did\n\"something\"",
        "event": {"action": "DeleteKey", "provider": "kms.amazonaws.com", "outcome": "success", "id": format!("event-{id}")},
        "user": {"name": "<ann>"},
        "source": {"ip": "203.0.113.7"},
        "cloud": {"account": {"id": "123456789012"}, "region": "eu-central-1"},
    });
    Document::from_map(alert.as_object().unwrap().clone())
}

fn connector(kind: &str) -> Connector {
    let config = match kind {
        "webhook" => json!({"url": "https://example.org/"}),
        "slack" => json!({"url": {"env": "URL"}}),
        "pagerduty" => json!({"routing_key": {"env": "KEY"}}),
        "email" => json!({"host": "mail.example.org", "from": "a@example.org", "to": ["b@example.org"]}),
        "sns" => json!({"topic_arn": "arn:aws:sns:eu-central-1:123456789012:alerts"}),
        _ => json!({"path": "/x"}),
    };
    Connector::from_json(&json!({"id": kind, "type": kind, "config": config})).unwrap()
}

fn action(kind: &str, more: Value) -> PreparedAction {
    let mut action = json!({"id": "a", "connector": kind});
    action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    PreparedAction::new(&Action::from_json(&action).unwrap(), &connector(kind), &Catalog::builtin()).unwrap()
}

fn run(
    actions: &[PreparedAction],
    alerts: &[Document],
    states: &BTreeMap<String, ActionState>,
    now: &str,
    execution: &str,
) -> Plan {
    let everything: BTreeMap<String, Document> = alerts
        .iter()
        .filter_map(|alert| Some((alert.text("kibana.alert.uuid")?.to_owned(), alert.clone())))
        .chain(["1", "2", "3"].map(|id| (id.to_owned(), alert(id, "high"))))
        .collect();
    let execution = Execution {
        id: execution.into(),
        space: "default".into(),
        results_link: Some("https://bartizan.example.org/alerts?a=1&b=2".into()),
        public_url: Some("https://bartizan.example.org/".into()),
    };
    let (rule, now) = (rule(), now.parse().unwrap());
    let occasion = Occasion { rule: &rule, execution: &execution, alerts, earlier: &everything, now };
    plan(actions, &occasion, states, &Catalog::builtin())
}

const NOON: &str = "2026-07-25T12:00:00Z";

fn ids(plan: &Plan) -> Vec<Vec<&str>> {
    plan.messages.iter().map(|m| m.alert_ids.iter().map(String::as_str).collect()).collect()
}

#[test]
fn a_summary_is_one_message_and_otherwise_each_alert_has_its_own() {
    let alerts = [alert("1", "high"), alert("2", "low")];
    let none = BTreeMap::new();
    let summary = run(&[action("webhook", json!({}))], &alerts, &none, NOON, "x");
    assert_eq!(ids(&summary), [["1", "2"]]);
    let single = run(&[action("webhook", json!({"summary": false}))], &alerts, &none, NOON, "x");
    assert_eq!(ids(&single), [["1"], ["2"]]);
    assert!(run(&[action("webhook", json!({}))], &[], &none, NOON, "x").messages.is_empty());
    let other = run(&[action("webhook", json!({"rules": ["rule-2"]}))], &alerts, &none, NOON, "x");
    assert_eq!(other, Plan::default());
}

#[test]
fn alerts_that_are_not_told_are_accounted_for() {
    let mut block = alert("3", "high");
    block.as_map_mut().insert("kibana.alert.building_block_type".into(), json!("default"));
    let mut nameless = alert("4", "high");
    nameless.as_map_mut().shift_remove("kibana.alert.uuid");
    let alerts = [alert("1", "high"), alert("2", "low"), block, nameless];
    let filter = json!({"filter": "kibana.alert.severity: (high or critical) and cloud.region: eu-*"});
    let plan = run(&[action("webhook", filter)], &alerts, &BTreeMap::new(), NOON, "x");
    assert_eq!(ids(&plan), [["1"]]);
    let held: Vec<_> = plan.held.iter().map(|held| (held.reason, held.alert_ids.join(","))).collect();
    let expected =
        [(HeldReason::BuildingBlock, "3"), (HeldReason::Filtered, "2"), (HeldReason::WithoutId, "")];
    assert_eq!(held, expected.map(|(reason, ids)| (reason, ids.to_owned())));

    let hours = json!({"hours": {"days": [1, 2, 3, 4, 5], "hours": {"start": "00:00", "end": "24:00"}}});
    let saturday = run(&[action("webhook", hours)], &alerts[..1], &BTreeMap::new(), NOON, "x");
    assert_eq!((saturday.messages.len(), saturday.held[0].reason), (0, HeldReason::OutsideHours));

    let off = Connector { enabled: false, ..connector("webhook") };
    let disabled = Action::from_json(&json!({"id": "a", "connector": "webhook"})).unwrap();
    let disabled = PreparedAction::new(&disabled, &off, &Catalog::builtin()).unwrap();
    let plan = run(&[disabled], &alerts[..1], &BTreeMap::new(), NOON, "x");
    assert_eq!((ids(&plan), plan.held.len()), (vec![vec!["1"]], 0), "whoever keeps it, skips it in sight");
}

#[test]
fn a_throttled_summary_brings_what_came_in_between() {
    let actions = [action("webhook", json!({"throttle": "1h"}))];
    let first = run(&actions, &[alert("1", "high")], &BTreeMap::new(), NOON, "x1");
    assert_eq!(ids(&first), [["1"]]);
    let second = run(&actions, &[alert("2", "high")], &first.states, "2026-07-25T12:59:59Z", "x2");
    assert_eq!((second.messages.len(), second.held[0].reason), (0, HeldReason::Throttled));
    let none_new = run(&actions, &[], &second.states, "2026-07-25T12:59:59Z", "x3");
    assert_eq!((none_new.messages.len(), &none_new.states), (0, &second.states));
    let third = run(&actions, &[], &none_new.states, "2026-07-25T13:00:00Z", "x4");
    assert_eq!(ids(&third), [["2"]]);
    assert!(third.states["a"].waiting.is_empty());
    // A clock that was set back.
    let earlier = run(&actions, &[alert("3", "high")], &third.states, "2026-07-25T11:00:00Z", "x5");
    assert_eq!(ids(&earlier), [["3"]]);
}

#[test]
fn alerts_that_wait_and_are_gone_are_counted() {
    let states = BTreeMap::from([(
        "a".to_owned(),
        ActionState { last_summary: None, waiting: vec!["gone".into(), "1".into()] },
    )]);
    let plan = run(&[action("webhook", json!({"throttle": "1h"}))], &[], &states, NOON, "x");
    assert_eq!(ids(&plan), [["gone", "1"]]);
    assert_eq!(
        plan.messages[0].notes,
        ["1 of 2 alert documents are not in the body", "1 of 2 alerts are no longer there"]
    );
}

#[test]
fn the_default_messages_say_what_people_want_to_know() {
    let expected = [
        "HIGH",
        "DeleteKey",
        "kms.amazonaws.com",
        "203.0.113.7",
        "2026-07-25T10:00:00.000Z",
        "123456789012",
        "eu-central-1",
        "event-1",
        "rule-1",
        "bartizan.example.org/alerts?a=1",
    ];
    for kind in ["webhook", "slack", "pagerduty", "email", "sns"] {
        for summary in [true, false] {
            let action = action(kind, json!({"summary": summary}));
            let plan = run(&[action], &[alert("1", "high")], &BTreeMap::new(), NOON, "x");
            let text = serde_json::to_string(&plan.messages[0].content).unwrap();
            for part in expected {
                assert!(text.contains(part), "{kind}: no {part} in {text}");
            }
        }
    }
    let messages = |kind: &str| {
        let plan = run(
            &[action(kind, json!({"summary": false}))],
            &[alert("1", "critical")],
            &BTreeMap::new(),
            NOON,
            "x",
        );
        plan.messages[0].content.clone()
    };
    match messages("slack") {
        Content::Slack { payload } => {
            let blocks = payload["blocks"].to_string();
            assert!(blocks.contains("*Who:* &lt;ann&gt; from 203.0.113.7"), "{blocks}");
            assert_eq!(payload["blocks"][0]["text"]["type"], "plain_text");
        }
        other => panic!("{other:?}"),
    }
    match messages("pagerduty") {
        Content::PagerDuty { event } => {
            assert_eq!(event["dedup_key"], "1");
            assert_eq!(event["payload"]["severity"], "critical");
            assert_eq!(event["payload"]["source"], "123456789012");
            assert!(event.get("routing_key").is_none());
        }
        other => panic!("{other:?}"),
    }
    match messages("email") {
        Content::Email(email) => {
            let html = email.html.unwrap();
            assert!(html.contains("&lt;ann&gt;") && !html.contains("<ann>"), "{html}");
            assert!(email.text.contains("Who: <ann> from 203.0.113.7"), "{}", email.text);
        }
        other => panic!("{other:?}"),
    }
    match messages("sns") {
        Content::Sns { subject, .. } => {
            assert!(subject.len() <= 100 && subject.starts_with("[CRITICAL] Key"), "{subject}")
        }
        other => panic!("{other:?}"),
    }
    match messages("webhook") {
        Content::Webhook { body } => {
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body["alerts"][0], Value::Object(alert("1", "critical").into_map()));
        }
        other => panic!("{other:?}"),
    }
    match messages("file") {
        Content::File { documents } => assert_eq!(documents.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn templates_are_filled_in_and_escaped_for_where_they_go() {
    let content = |kind: &str, params: Value, summary: bool| {
        let action = action(kind, json!({"summary": summary, "params": params}));
        let alerts = [alert("1", "high"), alert("2", "low")];
        run(&[action], &alerts, &BTreeMap::new(), NOON, "x").messages[0].content.clone()
    };
    let body = concat!(
        r#"{"rule": "{{context.rule.name}} {{rule.id}} {{rule.tags}} {{rule.url}}", "n": {{state.signals_count}},"#,
        r#" "new": {{alerts.new.count}}, "none": {{alerts.recovered.count}}, "link": "{{context.results_link}}","#,
        r#" "date": "{{date}}", "why": ["#,
        r#"{{#context.alerts}}"{{kibana.alert.reason}}",{{/context.alerts}} 0], "users": {{{context.alerts.user.asJSON}}}}"#
    );
    match content("webhook", json!({"body": body}), true) {
        Content::Webhook { body } => {
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(
                body["rule"],
                "Key *deleted* <now> u-1 AWS,KMS https://bartizan.example.org/rules/rule-1"
            );
            assert_eq!((&body["n"], &body["new"], &body["none"]), (&json!(2), &json!(2), &json!(0)));
            assert_eq!(body["why"][1], "somebody did\n\"something\"");
            assert_eq!(body["date"], "2026-07-25T12:00:00.000Z");
        }
        other => panic!("{other:?}"),
    }
    match content("slack", json!({"message": "{{alert.id}}: {{context.alerts.0.user.name}}"}), false) {
        Content::Slack { payload } => assert_eq!(payload, json!({"text": "1: &lt;ann&gt;"})),
        other => panic!("{other:?}"),
    }
    match content(
        "email",
        json!({"subject": "{{rule.name}}\nx", "message": "**{{rule.name}}**", "to": ["c@example.org"]}),
        true,
    ) {
        Content::Email(email) => {
            assert_eq!(email.subject, "Key *deleted* <now> x");
            assert_eq!(email.text, "**Key *deleted* <now>**");
            assert_eq!(email.html.unwrap(), "<p><strong>Key *deleted* &lt;now&gt;</strong></p>\n");
            assert_eq!(email.to, ["c@example.org"]);
        }
        other => panic!("{other:?}"),
    }
    let params = json!({"summary": "{{rule.name}}", "severity": "{{context.alerts.0.kibana.alert.severity}}",
        "dedupKey": "{{rule.id}}", "customDetails": {"n": 1, "who": ["{{context.alerts.user.name}}"]}});
    match content("pagerduty", params, true) {
        Content::PagerDuty { event } => {
            assert_eq!(
                (&event["dedup_key"], &event["payload"]["summary"]),
                (&json!("u-1"), &json!("Key *deleted* <now>"))
            );
            // `high` is no severity of PagerDuty; the default stays.
            assert_eq!(event["payload"]["severity"], "error");
            assert_eq!(event["payload"]["custom_details"], json!({"n": 1, "who": ["<ann>,<ann>"]}));
        }
        other => panic!("{other:?}"),
    }
    match content(
        "sns",
        json!({"subject": "Schlüssel\n{{rule.name}}", "message": "{{alerts.all.count}}"}),
        true,
    ) {
        Content::Sns { subject, text } => {
            assert_eq!((&*subject, &*text), ("Schl?ssel Key *deleted* <now>", "2"))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_alerts_are_cut_where_people_read_and_the_cut_is_shown() {
    let alerts: Vec<Document> = (0..25).map(|i| alert(&format!("id-{i}"), "high")).collect();
    for kind in ["slack", "email", "sns"] {
        let plan = run(&[action(kind, json!({}))], &alerts, &BTreeMap::new(), NOON, "x");
        let text = serde_json::to_string(&plan.messages[0].content).unwrap();
        assert!(text.contains("and 15 more alerts"), "{kind}: {text}");
        assert_eq!(plan.messages[0].alert_ids.len(), 25);
    }
}

#[test]
fn a_message_is_stored_and_read_back_without_loss() {
    for kind in ["webhook", "slack", "pagerduty", "email", "sns", "file"] {
        let plan = run(&[action(kind, json!({}))], &[alert("1", "high")], &BTreeMap::new(), NOON, "x");
        let text = serde_json::to_string(&plan.messages[0]).unwrap();
        assert_eq!(serde_json::from_str::<notify::Message>(&text).unwrap(), plan.messages[0]);
    }
}

#[test]
fn a_test_message_can_be_made_for_every_connector() {
    for kind in ["webhook", "slack", "pagerduty", "email", "sns", "file"] {
        let now: Timestamp = NOON.parse().unwrap();
        let message = notify::test_message(&connector(kind), now).unwrap();
        assert_eq!(message.content.connector_type().name(), kind);
        assert!(serde_json::to_string(&message).unwrap().contains("nothing happened"));
    }
}

proptest! {
    #[test]
    fn each_alert_is_told_once_whatever_the_runs(
        runs in prop::collection::vec((prop::collection::vec(0_u32..30, 0..5), 0_i64..7200), 1..12),
        summary: bool,
        throttled: bool,
    ) {
        let throttle = if throttled { json!("1h") } else { Value::Null };
        let actions = [action("file", json!({"summary": summary, "throttle": throttle}))];
        let (mut states, mut kept, mut keys) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let mut told: Vec<String> = Vec::new();
        let mut seconds = 1_785_000_000;
        let (rule, catalog) = (rule(), Catalog::builtin());
        for (numbers, step) in runs {
            seconds += step;
            // An alert is made once.
            let alerts: Vec<Document> = numbers.iter().map(|n| n.to_string()).filter(|id| !kept.contains_key(id))
                .collect::<BTreeSet<_>>().iter().map(|id| alert(id, "high")).collect();
            kept.extend(alerts.iter().map(|a| (a.text("kibana.alert.uuid").unwrap().to_owned(), a.clone())));
            let now = Timestamp::from_second(seconds).unwrap();
            let execution = Execution { id: seconds.to_string(), ..Execution::default() };
            let occasion = Occasion { rule: &rule, execution: &execution, alerts: &alerts, earlier: &kept, now };
            let planned = plan(&actions, &occasion, &states, &catalog);
            // A crash before the plan was stored: another execution, later, with the same alerts.
            let again = Execution { id: "again".into(), ..Execution::default() };
            let later = Occasion { execution: &again, now: Timestamp::from_second(seconds + 1).unwrap(), ..occasion };
            let replanned = plan(&actions, &later, &states, &catalog);
            let key = |plan: &Plan| plan.messages.iter().map(|m| m.key.clone()).collect::<Vec<_>>();
            if replanned.messages.len() == planned.messages.len() {
                prop_assert_eq!(key(&planned), key(&replanned));
            }
            for message in &planned.messages {
                prop_assert!(keys.insert(message.key.clone()));
                told.extend(message.alert_ids.iter().cloned());
            }
            states = planned.states;
        }
        let waiting = states.get("a").map(|state: &ActionState| state.waiting.clone()).unwrap_or_default();
        told.extend(waiting);
        told.sort();
        prop_assert_eq!(told, kept.into_keys().collect::<Vec<_>>());
    }
}
