//! Commits of executions.

use std::sync::Arc;

use bartizan_state::{
    AlertFilter, AlertUpdate, CursorMove, ExecutionCommit, ExecutionFilter, ExecutionKind, ExecutionStatus,
    GapFill, GapFilter, GapState, Lease, NotificationState, StateError, Store, TimeSpan,
};
use serde_json::json;

use crate::sample::{alert, at, commit, execution, gap, lease, notification, rule, someone};

/// A commit that changes something of everything.
fn everything(lease: &Lease) -> ExecutionCommit {
    ExecutionCommit {
        alerts: vec![alert("b", "r1", 1), alert("a", "r1", 1), alert("old", "r1", 1)],
        updates: vec![AlertUpdate { alert_id: "old".to_owned(), document: json!({"count": 2}) }],
        cursor: Some(CursorMove { expected: None, to: at(300) }),
        rule_state: Some(vec![0, 255, 7]),
        gaps: vec![gap("r1", 0, 60), gap("r1", 60, 120)],
        notifications: vec![
            notification("n-a", Some("a")),
            notification("n-a", Some("a")),
            notification("n-old", Some("old")),
            notification("n-summary", None),
        ],
        ..commit(lease, execution("e1", "r1", 300))
    }
}

pub(crate) async fn do_everything_at_once(store: Arc<dyn Store>) {
    let lease = lease(&store, "one", 0).await.unwrap();
    store.put_alert(alert("old", "r1", 1), at(0)).await.unwrap();
    let outcome = store.commit_execution(&everything(&lease), at(302)).await.unwrap();
    assert_eq!(outcome.new_alerts, ["a", "b"]);
    assert_eq!((outcome.notifications_added, outcome.repeated), (2, false));

    assert_eq!(store.execution("e1").await.unwrap(), Some(execution("e1", "r1", 300)));
    assert_eq!(store.alert("a").await.unwrap().unwrap().execution_id.as_deref(), Some("e1"));
    assert_eq!(store.alert("old").await.unwrap().unwrap().alert.document, json!({"count": 2}));
    let cursor = store.cursor("r1").await.unwrap().unwrap();
    assert_eq!((cursor.tick, cursor.rule_state), (Some(at(300)), Some(vec![0, 255, 7])));
    let gaps = store.gaps(&GapFilter::default(), 10).await.unwrap();
    assert_eq!(gaps.iter().map(|gap| (gap.from, gap.to)).collect::<Vec<_>>(), [(at(0), at(120))]);

    // The next one fills the gap, moves the cursor on, and leaves the rule's state.
    let mut next = commit(&lease, execution("e2", "r1", 600));
    next.cursor = Some(CursorMove { expected: Some(at(300)), to: at(600) });
    next.gap_fill = Some(GapFill { gap_id: gaps[0].id, filled_until: at(120) });
    store.commit_execution(&next, at(602)).await.unwrap();
    let cursor = store.cursors().await.unwrap().remove(0);
    assert_eq!((cursor.tick, cursor.rule_state), (Some(at(600)), Some(vec![0, 255, 7])));
    assert_eq!(store.gap(gaps[0].id).await.unwrap().unwrap().state, GapState::Filled);
}

/// A rule begins once, with the lease; what has begun stays where it is.
pub(crate) async fn rules_begin_once(store: Arc<dyn Store>) {
    let held = lease(&store, "one", 0).await.unwrap();
    let start = |rule_id: &str, tick: i64| (rule_id.to_owned(), at(tick));
    for id in ["r1", "r2", "r3", "r4", "r5"] {
        store.put_rule(rule(id, "x"), &someone(), at(0)).await.unwrap();
    }
    assert_eq!(store.start_cursors(&held, &[]).await.unwrap(), 0);
    // Whoever still has a deleted rule at hand does not leave a cursor behind, from which it would begin when it comes again.
    assert_eq!(store.start_cursors(&held, &[start("gone", 60)]).await.unwrap(), 0);
    assert_eq!(store.cursor("gone").await.unwrap(), None);
    assert_eq!(store.start_cursors(&held, &[start("r1", 60), start("r2", 60)]).await.unwrap(), 2);
    assert_eq!(store.start_cursors(&held, &[start("r2", 120), start("r3", 120)]).await.unwrap(), 1);

    // One that has something to remember and no tick begins too, and goes on remembering.
    let mut remembers = commit(&held, execution("e4", "r4", 300));
    remembers.rule_state = Some(vec![1]);
    store.commit_execution(&remembers, at(302)).await.unwrap();
    assert_eq!(store.start_cursors(&held, &[start("r4", 180)]).await.unwrap(), 1);
    let cursors = store.cursors().await.unwrap();
    let ticks: Vec<_> = cursors.iter().map(|cursor| cursor.tick).collect();
    assert_eq!(ticks, [60, 60, 120, 180].map(|tick| Some(at(tick))));
    assert_eq!(cursors[3].rule_state, Some(vec![1]));

    let mut first = commit(&held, execution("e1", "r1", 300));
    first.cursor = Some(CursorMove { expected: Some(at(60)), to: at(300) });
    store.commit_execution(&first, at(302)).await.unwrap();

    let other = lease(&store, "two", 10_000).await.unwrap();
    let error = store.start_cursors(&held, &[start("r5", 60)]).await.unwrap_err();
    assert!(matches!(error, StateError::LeaseLost { .. }), "{error:?}");
    assert_eq!(store.start_cursors(&other, &[start("r1", 360)]).await.unwrap(), 0);
    assert_eq!(store.cursor("r1").await.unwrap().unwrap().tick, Some(at(300)));
    assert_eq!(store.cursor("r5").await.unwrap(), None);
}

/// All of several, in their order, or none when one is refused; and all again change nothing.
pub(crate) async fn several_are_one(store: Arc<dyn Store>) {
    let lease = lease(&store, "one", 0).await.unwrap();
    let moved = |id: &str, rule_id: &str, expected: Option<i64>| {
        let mut one = commit(&lease, execution(id, rule_id, 300));
        one.cursor = Some(CursorMove { expected: expected.map(at), to: at(300) });
        one
    };
    let refused = [moved("e1", "r1", None), moved("e2", "r2", Some(60)), moved("e3", "r3", None)];
    let error = store.commit_executions(&refused, at(302)).await.unwrap_err();
    assert!(matches!(&error, StateError::CursorConflict { rule_id, .. } if rule_id == "r2"), "{error:?}");
    assert!(store.cursors().await.unwrap().is_empty());
    assert_eq!(store.execution("e1").await.unwrap(), None);

    let mut several = [everything(&lease), moved("e2", "r2", None)];
    store.put_alert(alert("old", "r1", 1), at(0)).await.unwrap();
    let outcomes = store.commit_executions(&several, at(302)).await.unwrap();
    assert_eq!(outcomes[0].new_alerts, ["a", "b"]);
    assert!(outcomes[1].new_alerts.is_empty() && !outcomes[1].repeated);
    let ticks: Vec<_> = store.cursors().await.unwrap().into_iter().map(|cursor| cursor.tick).collect();
    assert_eq!(ticks, [Some(at(300)), Some(at(300))]);
    let again = store.commit_executions(&several, at(400)).await.unwrap();
    assert!(again.iter().all(|outcome| outcome.repeated));
    assert_eq!(store.commit_executions(&[], at(400)).await.unwrap(), []);

    several[1] = moved("e4", "r4", None);
    several[1].lease.token += 1;
    let lost = store.commit_executions(&several[1..], at(400)).await;
    assert!(matches!(lost, Err(StateError::LeaseLost { .. })), "{lost:?}");
}

pub(crate) async fn repeated_change_nothing(store: Arc<dyn Store>) {
    let lease_of_one = lease(&store, "one", 0).await.unwrap();
    let run = everything(&lease_of_one);
    store.put_alert(alert("old", "r1", 1), at(0)).await.unwrap();
    let first = store.commit_execution(&run, at(302)).await.unwrap();
    let mut dump_before = Vec::new();
    store.export(&mut dump_before).await.unwrap();

    let again = store.commit_execution(&run, at(900)).await.unwrap();
    assert_eq!((again.new_alerts, again.notifications_added, again.repeated), (first.new_alerts, 0, true));
    let mut dump_after = Vec::new();
    store.export(&mut dump_after).await.unwrap();
    assert_eq!(String::from_utf8(dump_before).unwrap(), String::from_utf8(dump_after).unwrap());

    // Also when the lease is lost by now: it was committed while it was held.
    lease(&store, "two", 100_000).await.unwrap();
    assert!(store.commit_execution(&run, at(100_000)).await.unwrap().repeated);
    let mut other = run;
    other.execution.window_to = at(301);
    let conflict = store.commit_execution(&other, at(100_000)).await;
    assert!(matches!(conflict, Err(StateError::ExecutionConflict { .. })), "{conflict:?}");
}

pub(crate) async fn refused_leave_nothing(store: Arc<dyn Store>) {
    let lost = lease(&store, "one", 0).await.unwrap();
    let held = lease(&store, "two", 1000).await.unwrap();
    let mut dump_before = Vec::new();
    store.export(&mut dump_before).await.unwrap();

    let never = Lease { name: "no such".to_owned(), ..held.clone() };
    let mut wrong_cursor = everything(&held);
    wrong_cursor.cursor = Some(CursorMove { expected: Some(at(1)), to: at(300) });
    let mut no_alert = everything(&held);
    no_alert.updates[0].alert_id = "no such".to_owned();
    let mut no_gap = everything(&held);
    no_gap.gap_fill = Some(GapFill { gap_id: 4711, filled_until: at(0) });
    let mut empty_gap = everything(&held);
    empty_gap.gaps = vec![gap("r1", 5, 5)];
    type IsRight = fn(&StateError) -> bool;
    let cases: [(ExecutionCommit, IsRight); 6] = [
        (everything(&lost), |error| matches!(error, StateError::LeaseLost { .. })),
        (everything(&never), |error| matches!(error, StateError::LeaseLost { .. })),
        (wrong_cursor, |error| matches!(error, StateError::CursorConflict { .. })),
        (no_alert, |error| matches!(error, StateError::NotFound { kind: "alert", .. })),
        (no_gap, |error| matches!(error, StateError::NotFound { kind: "gap", .. })),
        (empty_gap, |error| matches!(error, StateError::Invalid { .. })),
    ];
    for (run, is_right) in &cases {
        let error = store.commit_execution(run, at(1001)).await.unwrap_err();
        assert!(is_right(&error), "{error:?}");
        let mut dump_after = Vec::new();
        store.export(&mut dump_after).await.unwrap();
        assert_eq!(dump_before, dump_after, "{error:?}");
    }

    // The cursor goes forward only.
    store.put_alert(alert("old", "r1", 1), at(0)).await.unwrap();
    store.commit_execution(&everything(&held), at(1002)).await.unwrap();
    for to in [at(300), at(299)] {
        let mut back = commit(&held, execution("e2", "r1", 300));
        back.cursor = Some(CursorMove { expected: Some(at(300)), to });
        let error = store.commit_execution(&back, at(1003)).await.unwrap_err();
        assert!(matches!(error, StateError::CursorConflict { .. }), "{error:?}");
    }
    let released = held.clone();
    store.release_lease(&held).await.unwrap();
    let error = store.commit_execution(&commit(&released, execution("e3", "r1", 300)), at(1004)).await;
    assert!(matches!(error, Err(StateError::LeaseLost { .. })), "{error:?}");
    let pending = store.notifications(NotificationState::Pending, None, 10).await.unwrap();
    assert_eq!(pending.items.len(), 2);
    assert_eq!(store.alerts(&AlertFilter::default(), None, 10).await.unwrap().items.len(), 3);
}

pub(crate) async fn executions_are_found_page_by_page(store: Arc<dyn Store>) {
    let lease = lease(&store, "one", 0).await.unwrap();
    for number in 0..30_i64 {
        let mut run = execution(&format!("e{number:02}"), &format!("r{}", number % 3), (number / 6) * 300);
        if number % 5 == 0 {
            run.status = ExecutionStatus::Failed;
            run.kind = ExecutionKind::Backfill;
            run.message = "the lake was gone".to_owned();
        }
        store.commit_execution(&commit(&lease, run), at(number)).await.unwrap();
    }
    let filters = [
        (ExecutionFilter::default(), 30),
        (ExecutionFilter { rule_ids: vec!["r1".to_owned()], ..ExecutionFilter::default() }, 10),
        (ExecutionFilter { statuses: vec![ExecutionStatus::Failed], ..ExecutionFilter::default() }, 6),
        (ExecutionFilter { kinds: vec![ExecutionKind::Scheduled], ..ExecutionFilter::default() }, 24),
        (
            ExecutionFilter {
                started: TimeSpan { from: Some(at(301)), to: Some(at(901)) },
                ..ExecutionFilter::default()
            },
            12,
        ),
    ];
    for (filter, size) in filters {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.executions(&filter, after.as_ref(), 4).await.unwrap();
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), size, "{filter:?}");
        assert!(found.windows(2).all(|pair| {
            (std::cmp::Reverse(pair[0].started), &pair[0].id)
                < (std::cmp::Reverse(pair[1].started), &pair[1].id)
        }));
    }
    for rule_id in ["r0", "r1", "r2", "never run"] {
        store.put_rule(rule(rule_id, "x"), &someone(), at(0)).await.unwrap();
    }
    let last: Vec<String> =
        store.last_executions().await.unwrap().into_iter().map(|execution| execution.id).collect();
    assert_eq!(last, ["e24", "e25", "e26"]);
    assert_eq!(store.delete_executions_before(at(301)).await.unwrap(), 6);
    assert_eq!(store.execution("e00").await.unwrap(), None);
}
