//! Connectors and actions at rest.

use std::sync::Arc;

use bartizan_state::{
    ActionDraft, ActionFrequency, AuditFilter, CONNECTOR_SWITCHED_OFF, ConnectorDraft, NotificationDraft,
    NotificationState, StateError, Store,
};
use serde_json::json;

use crate::sample::{MINUTE, alert, at, commit, connector, execution, lease, notification, someone};

pub(crate) async fn and_actions(store: Arc<dyn Store>) {
    let by = someone();
    let action = |id: &str, rule_ids: &[&str]| ActionDraft {
        id: id.to_owned(),
        rule_ids: rule_ids.iter().map(|id| (*id).to_owned()).collect(),
        connector_id: "hook".to_owned(),
        frequency: ActionFrequency::Summary,
        throttle_seconds: Some(3600),
        filter: Some("kibana.alert.severity : critical".to_owned()),
        params: json!({ "body": "{{context.alerts}}" }),
    };
    let early = store.put_action(action("a1", &[]), None, &by, at(0)).await;
    assert!(matches!(early, Err(StateError::NotFound { kind: "connector", .. })), "{early:?}");

    let kept = store.put_connector(connector("hook"), None, &by, at(0)).await.unwrap();
    assert_eq!(store.connector("hook").await.unwrap(), Some(kept));
    let conflict = store.put_connector(connector("hook"), Some(7), &by, at(0)).await;
    assert!(matches!(conflict, Err(StateError::RevisionConflict { found: 1, .. })), "{conflict:?}");

    for draft in
        [action("a4", &["r2", "r1"]), action("a3", &["r2"]), action("a2", &["r1"]), action("a1", &[])]
    {
        store.put_action(draft, None, &by, at(1)).await.unwrap();
    }
    for (rule_id, expected) in
        [("r1", vec!["a1", "a2", "a4"]), ("r2", vec!["a1", "a3", "a4"]), ("r", vec!["a1"])]
    {
        let of_rule = store.actions_for_rule(rule_id).await.unwrap();
        let ids: Vec<&str> = of_rule.iter().map(|stored| stored.action.id.as_str()).collect();
        assert_eq!(ids, expected, "{rule_id}");
    }
    for (id, rule_ids) in [("a1", vec![]), ("a3", vec!["r2"]), ("a4", vec!["r2", "r1"])] {
        assert_eq!(store.action(id).await.unwrap().unwrap().action, action(id, &rule_ids));
    }
    let nameless = store.put_action(action("a5", &["r1", ""]), None, &by, at(1)).await;
    assert!(matches!(nameless, Err(StateError::Invalid { .. })), "{nameless:?}");

    let plain = ActionDraft { throttle_seconds: None, filter: None, ..action("a1", &[]) };
    assert_eq!(store.put_action(plain.clone(), Some(1), &by, at(2)).await.unwrap().revision, 2);
    assert_eq!(store.action("a1").await.unwrap().unwrap().action, plain);

    let used = store.delete_connector("hook", &by, at(3)).await;
    assert!(matches!(used, Err(StateError::InUse { .. })), "{used:?}");
    for id in ["a1", "a2", "a3", "a4"] {
        assert!(store.delete_action(id, &by, at(4)).await.unwrap());
    }
    assert!(!store.delete_action("a1", &by, at(4)).await.unwrap());
    assert!(store.delete_connector("hook", &by, at(5)).await.unwrap());
    assert!(!store.delete_connector("hook", &by, at(5)).await.unwrap());
    assert!(store.actions().await.unwrap().is_empty() && store.connectors().await.unwrap().is_empty());
}

/// What a connector that is off would have sent is skipped, by whichever way it comes, and stays so.
pub(crate) async fn that_are_switched_off_skip_what_they_would_send(store: Arc<dyn Store>) {
    use NotificationState::{Pending, Sent, Skipped};
    let by = someone();
    let of_other =
        |key: &str| NotificationDraft { connector_id: "other".to_owned(), ..notification(key, None) };
    let off = ConnectorDraft { enabled: Some(false), ..connector("hook") };
    assert!(store.put_connector(connector("hook"), None, &by, at(0)).await.unwrap().enabled);
    store.put_connector(connector("other"), None, &by, at(0)).await.unwrap();
    for key in ["in flight", "failed", "waiting"] {
        assert!(store.add_notification(notification(key, None), at(1)).await.unwrap());
    }
    store.add_notification(of_other("of another"), at(1)).await.unwrap();
    let claimed = store.claim_due(at(2), 2, MINUTE).await.unwrap();
    let (in_flight, failed) = (claimed[0].id, claimed[1].id);
    store.mark_failed(failed, "503", at(30)).await.unwrap();

    // Switched off: what waits is skipped at once, and says why.
    let kept = store.set_connector_enabled("hook", false, &by, at(3)).await.unwrap();
    assert_eq!((kept.enabled, kept.revision), (false, 2));
    let skipped = store.notifications(Skipped, None, 10).await.unwrap().items;
    let told: Vec<_> = skipped
        .iter()
        .map(|n| (n.draft.dedupe_key.as_str(), n.last_error.as_deref().unwrap(), n.ended, n.draft.not_before))
        .collect();
    let before = format!("{CONNECTOR_SWITCHED_OFF}; the attempt before failed: 503");
    assert_eq!(
        told,
        [
            ("waiting", CONNECTOR_SWITCHED_OFF, Some(at(3)), None),
            ("failed", before.as_str(), Some(at(3)), None),
            ("in flight", CONNECTOR_SWITCHED_OFF, Some(at(3)), None),
        ]
    );
    // The one on its way tells the truth, whatever came of it.
    store.mark_failed(failed, "late", at(9)).await.unwrap();
    store.mark_dead(failed, "late", at(9)).await.unwrap();
    assert_eq!(store.notification(failed).await.unwrap().unwrap().state, Skipped);
    store.mark_sent(in_flight, at(4)).await.unwrap();
    assert_eq!(store.notification(in_flight).await.unwrap().unwrap().state, Sent);

    // What comes while it is off is skipped too, with a key that is taken; a commit does not differ.
    let late = NotificationDraft { not_before: Some(at(50)), ..notification("new", None) };
    assert!(store.add_notification(late.clone(), at(5)).await.unwrap());
    assert!(!store.add_notification(late, at(5)).await.unwrap());
    let lease = lease(&store, "one", 0).await.unwrap();
    let mut run = commit(&lease, execution("e1", "r1", 300));
    run.alerts = vec![alert("a1", "r1", 0)];
    run.notifications = vec![notification("of a commit", Some("a1")), of_other("of another's commit")];
    assert_eq!(store.commit_execution(&run, at(6)).await.unwrap().notifications_added, 2);
    let newest = store.notifications(Skipped, None, 2).await.unwrap().items;
    let told: Vec<_> =
        newest.iter().map(|n| (n.draft.dedupe_key.as_str(), n.last_error.as_deref(), n.ended)).collect();
    let why = Some(CONNECTOR_SWITCHED_OFF);
    assert_eq!(told, [("of a commit", why, Some(at(6))), ("new", why, Some(at(5)))]);
    assert_eq!(newest[1].draft.not_before, None);
    assert_eq!(store.count_notifications().await.unwrap(), [(Pending, 2), (Sent, 1), (Skipped, 4)]);

    // Put again, it stays as it is; nothing is sent by hand while it is off; switched on again, nothing comes of itself.
    assert!(!store.put_connector(connector("hook"), Some(2), &by, at(7)).await.unwrap().enabled);
    assert_eq!(store.send_again(&[failed], &by, at(8)).await.unwrap(), 0);
    assert!(
        store
            .put_connector(ConnectorDraft { enabled: Some(true), ..connector("hook") }, Some(3), &by, at(9))
            .await
            .unwrap()
            .enabled
    );
    let due = store.claim_due(at(1000), 9, MINUTE).await.unwrap();
    assert!(due.len() == 2 && due.iter().all(|n| n.draft.connector_id == "other"), "{due:?}");
    // By hand it is sent, once.
    assert_eq!(store.send_again(&[failed, in_flight], &by, at(1000)).await.unwrap(), 1);
    assert_eq!(store.claim_due(at(1000), 9, MINUTE).await.unwrap().remove(0).id, failed);

    // A courier that finds it switched off says so too; not over what was settled.
    store.mark_skipped(failed, at(1001)).await.unwrap();
    store.mark_skipped(in_flight, at(1001)).await.unwrap();
    let states = [failed, in_flight].map(|id| store.notification(id));
    let [failed, in_flight] = states;
    assert_eq!(failed.await.unwrap().unwrap().state, Skipped);
    assert_eq!(in_flight.await.unwrap().unwrap().state, Sent);
    assert!(matches!(store.mark_skipped(4711, at(0)).await, Err(StateError::NotFound { .. })));
    assert!(matches!(
        store.set_connector_enabled("none", true, &by, at(0)).await,
        Err(StateError::NotFound { kind: "connector", .. })
    ));

    // Once is enough, each change is in the audit trail, and a connector can be made switched off.
    let revision = store.put_connector(off, None, &by, at(1002)).await.unwrap().revision;
    assert_eq!(store.set_connector_enabled("hook", false, &by, at(1003)).await.unwrap().revision, revision);
    let fresh = ConnectorDraft { enabled: Some(false), ..connector("fresh") };
    assert!(!store.put_connector(fresh, None, &by, at(1004)).await.unwrap().enabled);
    let filter = AuditFilter { object_id: Some("hook".to_owned()), ..AuditFilter::default() };
    let trail = store.audit(&filter, None, 100).await.unwrap().items;
    let told: Vec<_> = trail
        .iter()
        .map(|entry| (entry.action.as_str(), entry.after.as_ref().unwrap()["enabled"].as_bool().unwrap()))
        .collect();
    let expected = [
        ("connector.put", false),
        ("connector.put", true),
        ("connector.put", false),
        ("connector.disable", false),
        ("connector.put", true),
    ];
    assert_eq!(told, expected);
    // Sent and skipped ones go, their keys are free; the pending ones stay.
    assert_eq!(store.delete_settled_before(at(2000)).await.unwrap(), 5);
    assert_eq!(store.count_notifications().await.unwrap(), [(Pending, 2)]);
}
