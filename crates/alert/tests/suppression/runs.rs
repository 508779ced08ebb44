//! What each run folds, in the light of earlier ones.

use crate::given::*;

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
