//! Alerts and the work on them at rest.

use std::sync::Arc;

use bartizan_state::{
    AlertCountField, AlertDraft, AlertFilter, AlertStatus, AuditFilter, StateError, Store, TimeSpan,
    WorkflowChange,
};
use serde_json::json;

use crate::sample::{alert, at, someone};

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

pub(crate) async fn are_kept_once_and_never_lose_their_workflow(store: Arc<dyn Store>) {
    assert!(store.put_alert(alert("a", "r", 0), at(0)).await.unwrap());
    let change = WorkflowChange {
        status: Some((AlertStatus::Closed, Some("false positive".to_owned()))),
        assign: texts(&["zoe", "amy"]),
        add_tags: texts(&["seen"]),
        ..WorkflowChange::default()
    };
    assert_eq!(store.change_workflow(&texts(&["a"]), &change, &someone(), at(1)).await.unwrap(), 1);

    let other = AlertDraft { document: json!({"other": true}), ..alert("a", "r", 9) };
    assert!(!store.put_alert(other, at(2)).await.unwrap());
    store.update_document("a", json!({"suppressed": 3})).await.unwrap();

    let stored = store.alert("a").await.unwrap().unwrap();
    assert_eq!(stored.alert, AlertDraft { document: json!({"suppressed": 3}), ..alert("a", "r", 0) });
    assert_eq!(stored.workflow.status, AlertStatus::Closed);
    assert_eq!(stored.workflow.reason.as_deref(), Some("false positive"));
    assert_eq!(stored.workflow.assignees, ["amy", "zoe"]);
    assert_eq!((stored.workflow.revision, stored.workflow.updated_at), (1, at(1)));
    assert_eq!(stored.workflow.updated_by.as_deref(), Some("token:someone"));
    assert_eq!(store.alert("b").await.unwrap(), None);
    let missing = store.update_document("b", json!({})).await;
    assert!(matches!(missing, Err(StateError::NotFound { kind: "alert", .. })), "{missing:?}");
    let no_number = AlertDraft { risk_score: f64::NAN, ..alert("n", "r", 0) };
    assert!(matches!(store.put_alert(no_number, at(0)).await, Err(StateError::Invalid { .. })));
}

pub(crate) async fn are_found_page_by_page(store: Arc<dyn Store>) {
    // Many share an instant: a page may end among them.
    for number in 0..60_i64 {
        let mut draft =
            alert(&format!("a{:02}", (number * 37) % 60), &format!("r{}", number % 3), number / 20);
        draft.severity = if number % 2 == 0 { "low" } else { "critical" }.to_owned();
        assert!(store.put_alert(draft, at(0)).await.unwrap());
    }
    let all = store.alerts(&AlertFilter::default(), None, 1000).await.unwrap();
    assert_eq!((all.items.len(), &all.next), (60, &None));
    assert!(all.items.windows(2).all(|pair| {
        let key = |at: usize| (-pair[at].alert.timestamp.as_millisecond(), pair[at].alert.id.clone());
        key(0) < key(1)
    }));
    let filters = [
        AlertFilter::default(),
        AlertFilter { rule_ids: texts(&["r1", "r2"]), ..AlertFilter::default() },
        AlertFilter {
            severities: texts(&["low"]),
            statuses: vec![AlertStatus::Open],
            ..AlertFilter::default()
        },
        AlertFilter { time: TimeSpan { from: Some(at(1)), to: Some(at(2)) }, ..AlertFilter::default() },
        AlertFilter { ids: texts(&["a05", "a17", "no such"]), ..AlertFilter::default() },
        AlertFilter { statuses: vec![AlertStatus::Closed], ..AlertFilter::default() },
    ];
    let sizes = [60, 40, 30, 20, 2, 0];
    for (filter, size) in filters.iter().zip(sizes) {
        for limit in [0, 1, 7, 20, 60] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.alerts(filter, after.as_ref(), limit).await.unwrap();
                assert!(page.items.len() <= limit.max(1) as usize);
                found.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, store.alerts(filter, None, 1000).await.unwrap().items);
            assert_eq!(found.len(), size, "{filter:?}");
        }
    }
}

pub(crate) async fn are_counted(store: Arc<dyn Store>) {
    for (id, rule_id, severity) in [("a", "r1", "low"), ("b", "r1", "high"), ("c", "r2", "low")] {
        let draft = AlertDraft { severity: severity.to_owned(), ..alert(id, rule_id, 0) };
        store.put_alert(draft, at(0)).await.unwrap();
    }
    let close = WorkflowChange { status: Some((AlertStatus::Closed, None)), ..WorkflowChange::default() };
    store.change_workflow(&texts(&["c"]), &close, &someone(), at(1)).await.unwrap();
    let everything = AlertFilter::default();
    let cases = [
        (AlertCountField::Status, vec![("closed", 1), ("open", 2)]),
        (AlertCountField::Severity, vec![("high", 1), ("low", 2)]),
        (AlertCountField::Rule, vec![("r1", 2), ("r2", 1)]),
    ];
    for (field, expected) in cases {
        let counts = store.count_alerts(&everything, field).await.unwrap();
        assert_eq!(
            counts.iter().map(|(value, count)| (value.as_str(), *count)).collect::<Vec<_>>(),
            expected
        );
    }
    let open = AlertFilter { statuses: vec![AlertStatus::Open], ..AlertFilter::default() };
    let counts = store.count_alerts(&open, AlertCountField::Rule).await.unwrap();
    assert_eq!(counts, [("r1".to_owned(), 2)]);
}

pub(crate) async fn workflow_changes_all_or_none(store: Arc<dyn Store>) {
    for id in ["a", "b"] {
        store.put_alert(alert(id, "r", 0), at(0)).await.unwrap();
    }
    let take = WorkflowChange {
        status: Some((AlertStatus::Acknowledged, Some("dropped".to_owned()))),
        assign: texts(&["amy", "amy", "bob"]),
        unassign: texts(&["bob"]),
        ..WorkflowChange::default()
    };
    let missing = store.change_workflow(&texts(&["a", "no such"]), &take, &someone(), at(1)).await;
    assert!(matches!(missing, Err(StateError::NotFound { .. })), "{missing:?}");
    assert_eq!(store.alert("a").await.unwrap().unwrap().workflow.revision, 0);

    assert_eq!(store.change_workflow(&texts(&["b", "a", "a"]), &take, &someone(), at(2)).await.unwrap(), 2);
    assert_eq!(store.change_workflow(&texts(&["a", "b"]), &take, &someone(), at(3)).await.unwrap(), 0);
    let workflow = store.alert("b").await.unwrap().unwrap().workflow;
    assert_eq!((workflow.status, workflow.reason), (AlertStatus::Acknowledged, None));
    assert_eq!((workflow.assignees, workflow.updated_at), (texts(&["amy"]), at(2)));
    let trail = store.audit(&AuditFilter::default(), None, 10).await.unwrap().items;
    assert_eq!(trail.len(), 2, "one entry an alert, none for what was so already");
    assert_eq!(trail[0].before.as_ref().unwrap()["status"], "open");
    assert_eq!(trail[0].after.as_ref().unwrap()["assignees"], json!(["amy"]));
}

pub(crate) async fn notes(store: Arc<dyn Store>) {
    let missing = store.add_note("a", "hm", &someone(), at(0)).await;
    assert!(matches!(missing, Err(StateError::NotFound { .. })));
    store.put_alert(alert("a", "r", 0), at(0)).await.unwrap();
    let first = store.add_note("a", "first", &someone(), at(1)).await.unwrap();
    let second = store.add_note("a", "second", &someone(), at(1)).await.unwrap();
    assert!(first.id < second.id);
    assert_eq!(first.author, "token:someone");
    assert_eq!(store.notes("a").await.unwrap(), [first, second]);
    assert!(store.notes("b").await.unwrap().is_empty());
}
