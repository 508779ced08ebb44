//! What suppression makes of the candidates of a rule: tables, and laws that always hold.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests, which fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use bartizan_alert::fields;
use bartizan_alert::identity::{AlertUuid, instance_id, query_suppression_uuid, threshold_instance_id};
use bartizan_alert::suppress::{Grouping, Suppression, SuppressionCounts};
use bartizan_alert::{
    AlertContext, AlertRule, BuildOutcome, Candidate, EventHit, ExecutionType, Hit, NewTermsHit, Run,
    SequenceHit, Suppressed, SuppressionPolicy, SuppressionState, SuppressionTerm, ThresholdHit,
    ThresholdTerm, build, build_suppressed, candidate, suppress,
};
use ecs::{Document, Timestamp};
use proptest::prelude::*;
use rule::Rule;
use serde_json::{Map, Value, json};

/// A rule of this type with this suppression.
fn rule(rule_type: &str, suppression: Value) -> Rule {
    let mut object = json!({
        "id": "rule-1", "rule_id": "my-rule", "name": "My rule", "description": "Says what it finds.",
        "severity": "low", "risk_score": 21, "type": rule_type, "query": "event.action: DisableKey",
        "index": ["logs-a"], "alert_suppression": suppression
    });
    match rule_type {
        "eql" => {
            object["language"] = "eql".into();
            object["query"] = "any where true".into();
        }
        "threshold" => object["threshold"] = json!({"field": ["host.name", "user.name"], "value": 2}),
        "new_terms" => {
            object["new_terms_fields"] = json!(["user.name"]);
            object["history_window_start"] = "now-7d".into();
        }
        _ => {}
    }
    let loaded = rule::format::ndjson::read(&object.to_string(), Path::new("rule.ndjson"));
    assert!(loaded.is_ok(), "{:?}", loaded.diagnostics);
    loaded.rules.into_iter().next().expect("one rule")
}

fn context() -> AlertContext {
    AlertContext {
        space: "default".to_owned(),
        detected_at: "2024-06-01T00:00:00Z".parse().unwrap(),
        execution_uuid: "execution-1".to_owned(),
        execution_type: ExecutionType::Manual,
        intended_timestamp: None,
        base_url: None,
        version: "0.1.0".to_owned(),
    }
}

/// So many minutes after midnight.
fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_704_067_200 + minutes * 60).unwrap()
}

/// The run that starts at this minute, and looks back six.
fn run(started_at: i64) -> Run {
    Run { started_at: minute(started_at), from: minute(started_at - 6) }
}

fn event(id: &str, source: Value) -> EventHit {
    let Value::Object(map) = source else { panic!("not an object") };
    EventHit { document: Document::from_map(map), id: id.to_owned(), index: "logs-a".to_owned() }
}

/// An event: the run that finds it, its minute, its id and its host.
type Event = (i64, i64, &'static str, Value);

fn event_hit((_, _, id, host): &Event) -> Hit {
    let source = if host.is_null() { json!({}) } else { json!({"host": {"name": host}}) };
    Hit::Event(event(id, source))
}

fn candidates(events: &[Event], policy: &SuppressionPolicy<'_>) -> Vec<Candidate<&'static str>> {
    let of = |found: &Event| {
        candidate(found.2, &event_hit(found), minute(found.1), run(found.0), policy)
            .expect("no alert of ours")
    };
    events.iter().map(of).collect()
}

fn minutes(at: Timestamp) -> i64 {
    (at.as_second() - 1_704_067_200) / 60
}

/// What becomes of events, as one text: `id start-end +count` for a new alert, `id` for one of its own, `~end +count`
/// for an update; then how many were covered, known and cut.
fn told<T: std::fmt::Display>(suppressed: &Suppressed<T>) -> String {
    let mut told = Vec::new();
    for new in &suppressed.create {
        told.push(match &new.suppression {
            Some(s) => {
                format!("{} {}-{} +{}", new.found, minutes(s.start), minutes(s.end), s.docs_count)
            }
            None => new.found.to_string(),
        });
    }
    told.extend(
        suppressed.update.iter().map(|update| format!("~{} +{}", minutes(update.end), update.docs_count)),
    );
    let SuppressionCounts { covered, known, cut, .. } = suppressed.counts;
    for (count, name) in [(covered, "covered"), (known, "known"), (cut, "cut")] {
        if count > 0 {
            told.push(format!("{count} {name}"));
        }
    }
    told.join(", ")
}

fn in_balance(counts: SuppressionCounts) -> bool {
    let SuppressionCounts { candidates, created, suppressed, covered, known, cut } = counts;
    candidates == created + suppressed + covered + known + cut
}

/// What becomes of events in one call after the other.
fn calls(rule: &Rule, max_signals: Option<u32>, calls: &[&[Event]]) -> Vec<String> {
    let (rule, context) = (AlertRule::new(rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, max_signals).expect("a policy");
    let mut state = SuppressionState::default();
    let call = |events: &&[Event]| {
        let suppressed = suppress(candidates(events, &policy), &policy, &mut state);
        assert!(in_balance(suppressed.counts), "{:?}", suppressed.counts);
        told(&suppressed)
    };
    calls.iter().map(call).collect()
}

const BY_HOST: &str = r#"{"group_by": ["host.name"], "missing_fields_strategy": "suppress"}"#;
const BY_HOST_ELSE_ALONE: &str = r#"{"group_by": ["host.name"], "missing_fields_strategy": "doNotSuppress"}"#;
const FOR_10_MINUTES: &str = r#"{
    "group_by": ["host.name"], "missing_fields_strategy": "suppress", "duration": {"value": 10, "unit": "m"}
}"#;

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn within_a_run_alerts_with_the_same_values_are_one() {
    let same: &[Event] =
        &[(5, 3, "c", json!("h")), (5, 1, "b", json!("h")), (5, 2, "x", json!("i")), (5, 1, "a", json!("h"))];
    let missing: &[Event] = &[
        (5, 1, "a", Value::Null),
        (5, 2, "b", json!("h")),
        (5, 3, "c", Value::Null),
        (5, 4, "d", json!("h")),
    ];
    let lists: &[Event] = &[
        (5, 1, "a", json!(["h", "i"])),
        (5, 2, "b", json!(["i", "h"])),
        (5, 3, "c", json!("h")),
        (5, 4, "d", json!(["h", "h"])),
    ];
    for (rule_type, suppression, events, expected) in [
        // The oldest is the alert, of equally old ones that with the smallest id.
        ("query", BY_HOST, same, "a 1-3 +2, x 2-2 +0"),
        ("eql", BY_HOST, same, "a 1-3 +2, x 2-2 +0"),
        // Those that lack the field are a group, or stand alone.
        ("query", BY_HOST, missing, "a 1-3 +1, b 2-4 +1"),
        ("eql", BY_HOST, missing, "a 1-3 +1, b 2-4 +1"),
        ("query", BY_HOST_ELSE_ALONE, missing, "b 2-4 +1, a, c"),
        ("eql", BY_HOST_ELSE_ALONE, missing, "a, c, b 2-4 +1"),
        // Each value is a group of query rules; to others the set of values is one.
        ("query", BY_HOST, lists, "a 1-4 +3, a 1-2 +1"),
        ("eql", BY_HOST, lists, "a 1-2 +1, c 3-3 +0, d 4-4 +0"),
    ] {
        let rule = rule(rule_type, json_of(suppression));
        assert_eq!(calls(&rule, None, &[events]), [expected], "{rule_type} {suppression}");
    }
}

#[test]
fn runs_take_what_earlier_runs_have_not() {
    for rule_type in ["query", "eql"] {
        for (suppression, runs, expected) in [
            // Without a duration each run makes its own alert, but never of what an earlier one has dealt with.
            (
                BY_HOST,
                [
                    vec![(5, 1, "a", json!("h")), (5, 4, "b", json!("h"))],
                    vec![(10, 4, "b", json!("h")), (10, 6, "c", json!("h")), (10, 4, "x", json!("i"))],
                    vec![(15, 9, "x", json!("i"))],
                ],
                ["a 1-4 +1", "x 4-4 +0, c 6-6 +0, 1 covered", "x 9-9 +0"],
            ),
            // With one the alert takes others in, ten minutes from the start of its run on; the next alert begins anew.
            (
                FOR_10_MINUTES,
                [
                    vec![(5, 1, "a", json!("h")), (5, 4, "b", json!("h"))],
                    vec![(15, 4, "b", json!("h")), (15, 9, "c", json!("h")), (15, 12, "d", json!("h"))],
                    vec![(16, 14, "e", json!("h")), (20, 17, "f", json!("h"))],
                ],
                ["a 1-4 +1", "~12 +3, 1 covered", "e 14-17 +1"],
            ),
        ] {
            let events: Vec<&[Event]> = runs.iter().map(|events| &events[..]).collect();
            // An event is known by its id, too, where its alert is.
            let expected = if rule_type == "eql" {
                expected.map(|told| told.replace("x 9-9 +0", "1 known"))
            } else {
                expected.map(str::to_owned)
            };
            assert_eq!(calls(&rule(rule_type, json_of(suppression)), None, &events), expected, "{rule_type}");
        }
    }
}

/// By a group that ever had an alert, and by the newest alert of it.
#[test]
fn late_events_and_runs_over_the_past() {
    const FOR_A_MINUTE: &str = r#"{
        "group_by": ["host.name"], "missing_fields_strategy": "suppress", "duration": {"value": 1, "unit": "m"}
    }"#;
    let h = || json!("h");
    for (suppression, runs, expected) in [
        // A run that finds again what an alert took in which takes no more in makes a second alert of it, as Kibana's
        // does where a rule looks back further than its suppression lasts.
        (
            FOR_A_MINUTE,
            vec![vec![(5, 1, "a", h()), (5, 2, "b", h())], vec![(10, 1, "a", h()), (10, 2, "b", h())]],
            vec!["a 1-2 +1", "b 2-2 +0, 1 known"],
        ),
        // What comes late is taken in when its group has no alert any more, and is covered when it has.
        (
            FOR_10_MINUTES,
            vec![
                vec![(5, 4, "a", h()), (5, 4, "b", h())],
                vec![(10, 3, "late", h())],
                vec![(20, 2, "later", h())],
                vec![(22, 3, "c", h())],
                // All this again.
                vec![(5, 4, "a", h()), (5, 4, "b", h()), (20, 2, "later", h()), (22, 3, "c", h())],
            ],
            vec!["a 4-4 +1", "1 covered", "later 2-2 +0", "~3 +1", "2 covered, 2 known"],
        ),
        // A run over the past takes in what is newer than anything that its group had.
        (
            FOR_10_MINUTES,
            vec![
                vec![(30, 25, "a", h())],
                vec![(20, 15, "b", h()), (20, 26, "c", h())],
                vec![(25, 26, "d", h())],
                vec![(35, 27, "e", h())],
            ],
            vec!["a 25-25 +0", "~26 +1, 1 covered", "1 covered", "~27 +2"],
        ),
        // The alert that such a run makes is not the newest: what follows looks at that.
        (
            BY_HOST,
            vec![
                vec![(30, 25, "a", h())],
                vec![(20, 26, "b", h())],
                vec![(20, 26, "c", h()), (30, 26, "d", h())],
                vec![(33, 25, "e", h()), (34, 26, "f", h())],
            ],
            vec!["a 25-25 +0", "b 26-26 +0", "2 covered", "f 26-26 +0, 1 covered"],
        ),
    ] {
        let rule = rule("eql", json_of(suppression));
        let runs: Vec<&[Event]> = runs.iter().map(|events| &events[..]).collect();
        assert_eq!(calls(&rule, None, &runs), expected, "{suppression}");
    }
}

/// Alerts are written with milliseconds, and a state may come from alerts.
#[test]
fn milliseconds_count() {
    let rule = rule("eql", json_of(BY_HOST));
    let (rule, context) = (AlertRule::new(&rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
    let at = |run: i64, nanoseconds: i128, id: &'static str| {
        let time = Timestamp::from_nanosecond(minute(1).as_nanosecond() + nanoseconds).unwrap();
        let found = candidates(&[(run, 1, id, json!("h"))], &policy).remove(0);
        Candidate { start: time, end: time, ..found }
    };
    let mut state = SuppressionState::default();
    let first = suppress(vec![at(5, 100, "b"), at(5, 900, "a")], &policy, &mut state);
    assert_eq!((first.create[0].found, first.counts.suppressed), ("a", 1));
    assert_eq!(suppress(vec![at(6, 999_999, "c")], &policy, &mut state).counts.covered, 1);
    assert_eq!(suppress(vec![at(6, 1_000_000, "d")], &policy, &mut state).counts.created, 1);
}

#[test]
fn a_group_is_forgotten_when_its_last_run_is_long_ago() {
    let rule = rule("eql", json_of(FOR_10_MINUTES));
    let (rule, context) = (AlertRule::new(&rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
    let mut state = SuppressionState::default();
    let events = [(5, 1, "a", json!("h")), (5, 2, "b", json!("i")), (10, 7, "c", json!("h"))];
    suppress(candidates(&events, &policy), &policy, &mut state);
    for (at, left) in [(5, 2), (6, 1), (10, 1), (11, 0)] {
        state.forget_groups_before(minute(at));
        assert_eq!(state.alerts.len(), left, "{at}");
    }
    assert_eq!(state.uuids.len(), 2);
}

#[test]
fn what_is_cut_is_counted() {
    let events: &[Event] = &[
        (5, 1, "a", json!("h")),
        (5, 2, "b", json!("i")),
        (5, 3, "c", json!("j")),
        (5, 4, "d", json!("j")),
        (5, 4, "e", json!("h")),
        (5, 4, "f", Value::Null),
    ];
    for (rule_type, suppression, expected) in [
        ("query", BY_HOST, "a 1-4 +1, b 2-2 +0, 3 cut"),
        ("query", BY_HOST_ELSE_ALONE, "a 1-4 +1, b 2-2 +0, 3 cut"),
        ("eql", BY_HOST_ELSE_ALONE, "f, a 1-4 +1, 3 cut"),
    ] {
        let rule = rule(rule_type, json_of(suppression));
        assert_eq!(calls(&rule, Some(2), &[events]), [expected], "{rule_type} {suppression}");
    }
    // What an alert takes in does not use the cap up; each run has its own.
    let events: &[Event] = &[
        (5, 1, "a", json!("h")),
        (10, 6, "b", json!("h")),
        (10, 7, "c", json!("h")),
        (10, 8, "d", json!("i")),
        (10, 9, "e", json!("j")),
    ];
    let rule = rule("eql", json_of(FOR_10_MINUTES));
    assert_eq!(calls(&rule, Some(1), &[events]), ["a 1-7 +2, d 8-8 +0, 1 cut"]);
}

fn built(
    hit: &Hit,
    new: &bartizan_alert::suppress::NewAlert<&str>,
    rule: &AlertRule<'_>,
) -> Map<String, Value> {
    match build_suppressed(hit, new, rule, &context()) {
        BuildOutcome::Alert(alert) => alert.into_document().into_map(),
        BuildOutcome::Group(group) => group.shell.into_document().into_map(),
        BuildOutcome::SelfFeeding => panic!("no alert"),
    }
}

/// What an alert says of its suppression.
fn of_suppression(alert: &Map<String, Value>) -> Value {
    let told = alert
        .iter()
        .filter(|(name, _)| *name == fields::INSTANCE_ID || name.starts_with("kibana.alert.suppression."));
    Value::Object(told.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[test]
fn the_alert_says_what_it_stands_for() {
    let term = |value: Value| vec![SuppressionTerm { field: "host.name".to_owned(), value }];
    for rule_type in ["query", "eql"] {
        let rule = rule(rule_type, json_of(BY_HOST));
        let (rule, context) = (AlertRule::new(&rule), context());
        let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
        let events: [Event; 2] = [(5, 1, "a", json!("h")), (5, 4, "b", json!("h"))];
        let suppressed = suppress(candidates(&events, &policy), &policy, &mut SuppressionState::default());
        let alert = built(&event_hit(&events[0]), &suppressed.create[0], &rule);
        let (value, uuid) = if rule_type == "query" {
            let terms = term(json!("h"));
            let span = (minute(1), minute(4));
            (json!("h"), query_suppression_uuid(("logs-a", "a"), &terms, span, "default", "rule-1"))
        } else {
            // The `fields` of Elasticsearch are lists.
            (json!(["h"]), bartizan_alert::identity::event_alert_uuid("logs-a", "a", "default", "rule-1"))
        };
        assert_eq!(
            of_suppression(&alert),
            json!({
                "kibana.alert.instance.id": instance_id(&term(value.clone()), "default", "rule-1"),
                "kibana.alert.suppression.docs_count": 1,
                "kibana.alert.suppression.end": "2024-01-01T00:04:00.000Z",
                "kibana.alert.suppression.start": "2024-01-01T00:01:00.000Z",
                "kibana.alert.suppression.terms": [{"field": "host.name", "value": value}]
            })
        );
        assert_eq!(alert[fields::UUID], uuid.as_str(), "{rule_type}");

        // Apart from that it is the alert of the event.
        let BuildOutcome::Alert(plain) = build(&event_hit(&events[0]), &rule, &context) else {
            panic!("none")
        };
        let mut rest = alert;
        rest.retain(|name, _| *name != fields::INSTANCE_ID && !name.starts_with("kibana.alert.suppression."));
        rest.insert(fields::UUID.to_owned(), plain.uuid().into());
        assert_eq!(Value::Object(rest), Value::Object(plain.into_document().into_map()));
    }
}

#[test]
fn an_update_changes_three_fields() {
    let rule = rule("eql", json_of(FOR_10_MINUTES));
    let (rule, context) = (AlertRule::new(&rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
    let mut state = SuppressionState::default();
    let first = suppress(candidates(&[(5, 1, "a", json!("h"))], &policy), &policy, &mut state);
    let second = suppress(candidates(&[(10, 7, "b", json!("h"))], &policy), &policy, &mut state);
    assert_eq!(second.update[0].uuid, first.create[0].uuid);
    assert_eq!(
        Value::Object(second.update[0].fields(&context)),
        json!({
            "kibana.alert.last_detected": "2024-06-01T00:00:00.000Z",
            "kibana.alert.suppression.docs_count": 1,
            "kibana.alert.suppression.end": "2024-01-01T00:07:00.000Z"
        })
    );
}

#[test]
fn values_are_those_of_the_index() {
    let rule = rule(
        "eql",
        json!({"group_by": ["process.pid", "host.name", "x.y"], "missing_fields_strategy": "suppress"}),
    );
    let (rule, context) = (AlertRule::new(&rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
    for (source, expected) in [
        (json!({}), [json!(null), json!(null), json!(null)]),
        (json!({"process": {"pid": "7"}, "host.name": 7}), [json!([7]), json!(["7"]), json!(null)]),
        (
            json!({"process.pid": [10, "9", null], "host": [{"name": "b"}, {"name": "a"}], "x": {"y": [true, "t"]}}),
            [json!([9, 10]), json!(["a", "b"]), json!([true, "t"])],
        ),
        (json!({"host": {"name": []}, "x": {"y": {"z": 1}}}), [json!(null), json!(null), json!(null)]),
    ] {
        let hit = Hit::Event(event("a", source.clone()));
        let terms = candidate("a", &hit, minute(1), run(5), &policy).unwrap().terms;
        let values: Vec<Value> = terms.into_iter().map(|term| term.value).collect();
        assert_eq!(values, expected, "{source}");
    }
}

#[test]
fn sequences_are_folded_by_what_their_events_have_in_common() {
    let rule = rule(
        "eql",
        json!({"group_by": ["host.name", "user.name"], "missing_fields_strategy": "doNotSuppress"}),
    );
    let (rule, context) = (AlertRule::new(&rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
    let sequence = |id: &str, users: [&str; 2]| {
        let part = |i: usize| {
            let host = json!(["h", users[i], "g"]);
            event(&format!("{id}{i}"), json!({"host": {"name": host}, "user": {"name": users[i]}}))
        };
        Hit::Sequence(SequenceHit { events: vec![part(0), part(1)] })
    };
    let hits = [
        ("a", sequence("a", ["u", "u"])),
        ("b", sequence("b", ["u", "v"])),
        ("c", sequence("c", ["u", "u"])),
    ];
    let of = |(i, (name, hit)): (usize, &(&'static str, Hit))| {
        candidate(*name, hit, minute(i as i64), run(5), &policy).unwrap()
    };
    let suppressed =
        suppress(hits.iter().enumerate().map(of).collect(), &policy, &mut SuppressionState::default());
    assert_eq!(told(&suppressed), "b, a 0-2 +1");

    let folded = &suppressed.create[1];
    let BuildOutcome::Group(group) = build_suppressed(&hits[0].1, folded, &rule, &context) else {
        panic!("no group")
    };
    let BuildOutcome::Group(plain) = build(&hits[0].1, &rule, &context) else { panic!("no group") };
    assert_eq!(group.blocks, plain.blocks);
    assert_eq!(group.shell.uuid(), plain.shell.uuid());
    assert_eq!(folded.uuid.as_str(), plain.shell.uuid().unwrap());
    let shell = group.shell.into_document().into_map();
    assert_eq!(
        shell[fields::SUPPRESSION_TERMS],
        json!([{"field": "host.name", "value": ["g", "h", "u"]}, {"field": "user.name", "value": "u"}])
    );
    assert_eq!(shell[fields::SUPPRESSION_DOCS_COUNT], 1);
    let BuildOutcome::Group(alone) = build_suppressed(&hits[1].1, &suppressed.create[0], &rule, &context)
    else {
        panic!("no group")
    };
    assert_eq!(of_suppression(alone.shell.document().as_map()), json!({}));
}

#[test]
fn threshold_rules_are_folded_by_their_own_groups() {
    let rule = rule("threshold", json!({"duration": {"value": 1, "unit": "h"}}));
    let (rule, context) = (AlertRule::new(&rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
    let hit = |started_at: i64, span: (i64, i64)| {
        let term =
            |(field, value): (&str, &str)| ThresholdTerm { field: field.to_owned(), value: value.into() };
        Hit::Threshold(ThresholdHit {
            terms: vec![term(("host.name", "h")), term(("user.name", "b"))],
            count: 3,
            first: minute(span.0),
            last: minute(span.1),
            cardinality: Vec::new(),
            started_at: minute(started_at),
            index: "logs-a".to_owned(),
            event_ids: Vec::new(),
        })
    };
    let hits = [(5, hit(5, (1, 3))), (10, hit(10, (4, 8))), (80, hit(80, (75, 76)))];
    let of =
        |(started_at, hit): &(i64, Hit)| candidate("t", hit, minute(0), run(*started_at), &policy).unwrap();
    let suppressed = suppress(hits.iter().map(of).collect(), &policy, &mut SuppressionState::default());
    assert_eq!(told(&suppressed), "t 1-8 +1, t 75-76 +0");
    let alert = built(&hits[0].1, &suppressed.create[0], &rule);
    assert_eq!(
        of_suppression(&alert),
        json!({
            "kibana.alert.instance.id": threshold_instance_id(&[json!("b"), json!("h")], "default", "rule-1"),
            "kibana.alert.suppression.docs_count": 1,
            "kibana.alert.suppression.end": "2024-01-01T00:08:00.000Z",
            "kibana.alert.suppression.start": "2024-01-01T00:01:00.000Z",
            "kibana.alert.suppression.terms": [
                {"field": "host.name", "value": "h"}, {"field": "user.name", "value": "b"}
            ]
        })
    );
    assert_eq!(alert[fields::UUID], suppressed.create[0].uuid.as_str());
    assert_eq!(alert[fields::UUID].as_str().map(str::len), Some(40));
    assert_eq!(alert[fields::THRESHOLD_RESULT]["count"], 3);
}

/// Kibana hashes the sorted values, not the fields.
#[test]
fn threshold_groups_of_the_same_values_are_folded_whatever_their_fields() {
    let rule = rule("threshold", json!({"duration": {"value": 1, "unit": "h"}}));
    let (rule, context) = (AlertRule::new(&rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
    let of = |(name, values, span): (&'static str, [&str; 2], (i64, i64))| {
        let term =
            |(field, value): (&str, &str)| ThresholdTerm { field: field.to_owned(), value: value.into() };
        let hit = Hit::Threshold(ThresholdHit {
            terms: vec![term(("host.name", values[0])), term(("user.name", values[1]))],
            count: 3,
            first: minute(span.0),
            last: minute(span.1),
            cardinality: Vec::new(),
            started_at: minute(5),
            index: "logs-a".to_owned(),
            event_ids: Vec::new(),
        });
        candidate(name, &hit, minute(0), run(5), &policy).unwrap()
    };
    let groups = [("a", ["x", "y"], (1, 4)), ("b", ["y", "x"], (2, 3)), ("c", ["y", "y"], (2, 3))];
    let suppressed = suppress(groups.map(of).into(), &policy, &mut SuppressionState::default());
    assert_eq!(told(&suppressed), "a 1-4 +1, c 2-3 +0");
}

#[test]
fn new_terms_are_folded_like_events() {
    let rule = rule("new_terms", json_of(BY_HOST));
    let (rule, context) = (AlertRule::new(&rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
    let hit = |value: &str| {
        let event = event("a", json!({"host": {"name": "h"}, "user": {"name": ["u", "v"]}}));
        Hit::NewTerms(NewTermsHit { event, values: vec![value.into()] })
    };
    let of = |value: &'static str| candidate(value, &hit(value), minute(1), run(5), &policy).unwrap();
    let suppressed = suppress(vec![of("u"), of("v")], &policy, &mut SuppressionState::default());
    assert_eq!(suppressed.counts.suppressed, 1);
    let chosen = suppressed.create[0].found;
    let alert = built(&hit(chosen), &suppressed.create[0], &rule);
    assert_eq!(alert[fields::NEW_TERMS], json!([chosen]));
    let BuildOutcome::Alert(plain) = build(&hit(chosen), &rule, &context) else { panic!("no alert") };
    assert_eq!(alert[fields::UUID].as_str(), plain.uuid());
}

#[test]
fn a_rule_makes_no_candidates_of_its_own_alerts() {
    let rule = rule("query", json_of(BY_HOST));
    let (rule, context) = (AlertRule::new(&rule), context());
    let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
    let BuildOutcome::Alert(alert) = build(&event_hit(&(5, 1, "a", json!("h"))), &rule, &context) else {
        panic!("no alert")
    };
    let source = Value::Object(alert.into_document().into_map());
    let events = vec![event("b", source.clone()), event("c", source.clone())];
    for hit in [
        Hit::Event(event("a", source.clone())),
        Hit::Sequence(SequenceHit { events }),
        Hit::NewTerms(NewTermsHit { event: event("a", source), values: vec![] }),
    ] {
        assert_eq!(candidate("a", &hit, minute(1), run(5), &policy), None);
    }
}

#[test]
fn a_rule_without_suppression_has_no_policy() {
    let mut rule = rule("query", json_of(BY_HOST));
    if let rule::rule_type::RuleType::Query(query) = &mut rule.rule_type {
        query.suppression = None;
    }
    assert!(SuppressionPolicy::of(&AlertRule::new(&rule), &context(), None).is_none());
}

/// Candidates of few hosts, in runs every five minutes that look back further than that. Times are such that
/// a run finds them, and an event may be found by several runs.
fn any_candidates() -> impl Strategy<Value = Vec<(i64, i64, u8, Vec<u8>)>> {
    prop::collection::vec((1i64..12, 0i64..25, 0u8..40, prop::collection::vec(0u8..3, 0..3)), 0..40).prop_map(
        |mut found| {
            for (tick, back, ..) in &mut found {
                *back = *tick * 5 - *back;
                *tick *= 5;
            }
            // One event has one time and one set of values.
            let mut first: BTreeMap<u8, (i64, Vec<u8>)> = BTreeMap::new();
            for (_, time, id, hosts) in &mut found {
                let (of_time, of_hosts) = first.entry(*id).or_insert((*time, hosts.clone()));
                (*time, *hosts) = (*of_time, of_hosts.clone());
            }
            found.retain(|(tick, time, ..)| time < tick);
            found.sort();
            found.dedup_by_key(|(tick, _, id, _)| (*tick, *id));
            found
        },
    )
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let rule_type = prop::sample::select(vec!["query", "eql"]);
    let strategy = prop::sample::select(vec!["suppress", "doNotSuppress"]);
    let duration = prop::sample::select(vec![None, Some(1), Some(7), Some(12), Some(30)]);
    (rule_type, strategy, duration).prop_map(|(rule_type, strategy, duration)| {
        let mut suppression = json!({"group_by": ["host.name"], "missing_fields_strategy": strategy});
        if let Some(value) = duration {
            suppression["duration"] = json!({"value": value, "unit": "m"});
        }
        rule(rule_type, suppression)
    })
}

fn candidates_of(
    found: &[(i64, i64, u8, Vec<u8>)],
    policy: &SuppressionPolicy<'_>,
) -> Vec<Candidate<(i64, u8)>> {
    let of = |(tick, time, id, hosts): &(i64, i64, u8, Vec<u8>)| {
        let hosts: Vec<String> = hosts.iter().map(|host| format!("h{host}")).collect();
        let hit = Hit::Event(event(&format!("{id:02}"), json!({"host": {"name": hosts}})));
        candidate((*tick, *id), &hit, minute(*time), run(*tick), policy).unwrap()
    };
    found.iter().map(of).collect()
}

/// The alerts that there are in the end: how many each took in.
fn in_the_end<T>(alerts: &mut BTreeMap<AlertUuid, u64>, suppressed: Suppressed<T>) {
    for new in suppressed.create {
        let count = new.suppression.map_or(0, |suppression| suppression.docs_count);
        assert_eq!(alerts.insert(new.uuid, count), None);
    }
    for update in suppressed.update {
        let count = alerts.get_mut(&update.uuid).expect("an alert that is there");
        assert!(*count < update.docs_count);
        *count = update.docs_count;
    }
}

proptest! {
    #[test]
    fn every_candidate_is_accounted_for(found in any_candidates(), rule in any_rule(), cap in prop::option::of(1u32..4)) {
        let (rule, context) = (AlertRule::new(&rule), context());
        let policy = SuppressionPolicy::of(&rule, &context, cap).unwrap();
        let mut state = SuppressionState::default();
        let suppressed = suppress(candidates_of(&found, &policy), &policy, &mut state);
        let counts = suppressed.counts;
        prop_assert!(in_balance(counts), "{:?}", counts);
        prop_assert!(counts.candidates >= found.len() as u64);
        prop_assert_eq!(counts.created, suppressed.create.len() as u64);
        if let Some(cap) = cap {
            let mut made: BTreeMap<Run, u32> = BTreeMap::new();
            for new in &suppressed.create {
                *made.entry(new.run).or_default() += 1;
            }
            prop_assert!(made.values().all(|made| *made <= cap));
        } else {
            prop_assert_eq!(counts.cut, 0);
        }
        // What was folded is on some alert.
        let mut alerts = BTreeMap::new();
        in_the_end(&mut alerts, suppressed);
        prop_assert_eq!(alerts.values().sum::<u64>(), counts.suppressed);
    }

    #[test]
    fn the_order_of_candidates_does_not_count(
        (found, shuffled) in any_candidates().prop_flat_map(|found| {
            (Just(found.clone()), Just(found).prop_shuffle())
        }),
        rule in any_rule(),
    ) {
        let (rule, context) = (AlertRule::new(&rule), context());
        let policy = SuppressionPolicy::of(&rule, &context, Some(3)).unwrap();
        let of = |found: &[(i64, i64, u8, Vec<u8>)]| {
            let mut state = SuppressionState::default();
            (suppress(candidates_of(found, &policy), &policy, &mut state), state)
        };
        prop_assert_eq!(of(&found), of(&shuffled));
    }

    #[test]
    fn the_same_again_changes_nothing(found in any_candidates(), rule in any_rule()) {
        let (rule, context) = (AlertRule::new(&rule), context());
        let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
        let mut state = SuppressionState::default();
        let first = suppress(candidates_of(&found, &policy), &policy, &mut state);
        let after = state.clone();
        let again = suppress(candidates_of(&found, &policy), &policy, &mut state);
        prop_assert_eq!((again.create, again.update), (vec![], vec![]));
        prop_assert_eq!(again.counts.covered + again.counts.known, first.counts.candidates);
        prop_assert_eq!(state, after);
    }

    #[test]
    fn one_call_for_all_runs_is_one_call_for_each(found in any_candidates(), rule in any_rule()) {
        let (rule, context) = (AlertRule::new(&rule), context());
        let policy = SuppressionPolicy::of(&rule, &context, Some(3)).unwrap();
        let mut at_once = BTreeMap::new();
        let mut state = SuppressionState::default();
        in_the_end(&mut at_once, suppress(candidates_of(&found, &policy), &policy, &mut state));

        let mut one_by_one = BTreeMap::new();
        let mut passed_on = SuppressionState::default();
        for run in found.chunk_by(|a, b| a.0 == b.0) {
            in_the_end(&mut one_by_one, suppress(candidates_of(run, &policy), &policy, &mut passed_on));
        }
        prop_assert_eq!(at_once, one_by_one);
        prop_assert_eq!(state, passed_on);
    }

    #[test]
    fn a_first_run_makes_one_alert_of_each_group_about_its_oldest_event(
        mut found in any_candidates(),
        rule in any_rule(),
    ) {
        let (rule, context) = (AlertRule::new(&rule), context());
        let policy = SuppressionPolicy::of(&rule, &context, None).unwrap();
        found.sort_by_key(|(tick, _, id, _)| (*id, *tick));
        found.dedup_by_key(|(_, _, id, _)| *id);
        found.iter_mut().for_each(|(tick, ..)| *tick = 60);
        let alone = policy.suppression.missing_fields == rule::MissingFields::DoNotSuppress;

        // By the value of the group: the events in it, by time and id. `null` also holds those that stand alone.
        let mut groups: BTreeMap<String, Vec<(i64, u8)>> = BTreeMap::new();
        for (_, time, id, hosts) in &found {
            let mut hosts: Vec<String> = hosts.iter().map(|host| format!("h{host}")).collect();
            hosts.sort();
            let values = match policy.grouping {
                _ if hosts.is_empty() => vec![Value::Null],
                Grouping::PerValue => {
                    hosts.dedup();
                    hosts.into_iter().map(Value::from).collect()
                }
                Grouping::PerSet | Grouping::Found => vec![Value::from(hosts)],
            };
            for value in values {
                groups.entry(value.to_string()).or_default().push((*time, *id));
            }
        }
        let mut expected: Vec<(Option<String>, u8, i64, i64, u64)> = Vec::new();
        for (value, mut events) in groups {
            events.sort_unstable();
            let ((first, id), last) = (events[0], events[events.len() - 1].0);
            if value == "null" && alone {
                expected.extend(events.iter().map(|(time, id)| (None, *id, *time, *time, 0)));
            } else {
                expected.push((Some(value), id, first, last, events.len() as u64 - 1));
            }
        }
        let suppressed = suppress(candidates_of(&found, &policy), &policy, &mut SuppressionState::default());
        prop_assert_eq!(suppressed.update, vec![]);
        let told = |new: bartizan_alert::suppress::NewAlert<(i64, u8)>| match new.suppression {
            Some(Suppression { terms, start, end, docs_count, .. }) => {
                (Some(terms[0].value.to_string()), new.found.1, minutes(start), minutes(end), docs_count)
            }
            None => {
                let time = found.iter().find(|found| found.2 == new.found.1).map(|found| found.1);
                (None, new.found.1, time.unwrap(), time.unwrap(), 0)
            }
        };
        let mut made: Vec<_> = suppressed.create.into_iter().map(told).collect();
        made.sort();
        expected.sort();
        prop_assert_eq!(made, expected);
    }
}
