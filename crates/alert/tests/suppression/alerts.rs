//! What alerts say of suppression, by the type of their rule.

use crate::given::*;

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
