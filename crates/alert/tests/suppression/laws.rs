//! What holds for any candidates.

use crate::given::*;

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
