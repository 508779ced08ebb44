//! Connectors and actions at rest.

use std::sync::Arc;

use bartizan_state::{ActionDraft, ActionFrequency, StateError, Store};
use serde_json::json;

use crate::sample::{at, connector, someone};

pub(crate) async fn and_actions(store: Arc<dyn Store>) {
    let by = someone();
    let action = |id: &str, rule_id: Option<&str>| ActionDraft {
        id: id.to_owned(),
        rule_id: rule_id.map(str::to_owned),
        connector_id: "hook".to_owned(),
        frequency: ActionFrequency::Summary,
        throttle_seconds: Some(3600),
        filter: Some("kibana.alert.severity : critical".to_owned()),
        params: json!({ "body": "{{context.alerts}}" }),
    };
    let early = store.put_action(action("a1", None), None, &by, at(0)).await;
    assert!(matches!(early, Err(StateError::NotFound { kind: "connector", .. })), "{early:?}");

    let kept = store.put_connector(connector("hook"), None, &by, at(0)).await.unwrap();
    assert_eq!(store.connector("hook").await.unwrap(), Some(kept));
    let conflict = store.put_connector(connector("hook"), Some(7), &by, at(0)).await;
    assert!(matches!(conflict, Err(StateError::RevisionConflict { found: 1, .. })), "{conflict:?}");

    for draft in [action("a3", Some("r2")), action("a2", Some("r1")), action("a1", None)] {
        store.put_action(draft, None, &by, at(1)).await.unwrap();
    }
    let of_rule = store.actions_for_rule("r1").await.unwrap();
    assert_eq!(of_rule.iter().map(|stored| stored.action.id.as_str()).collect::<Vec<_>>(), ["a1", "a2"]);
    assert_eq!(store.action("a3").await.unwrap().unwrap().action, action("a3", Some("r2")));

    let plain = ActionDraft { throttle_seconds: None, filter: None, ..action("a1", None) };
    assert_eq!(store.put_action(plain.clone(), Some(1), &by, at(2)).await.unwrap().revision, 2);
    assert_eq!(store.action("a1").await.unwrap().unwrap().action, plain);

    let used = store.delete_connector("hook", &by, at(3)).await;
    assert!(matches!(used, Err(StateError::InUse { .. })), "{used:?}");
    for id in ["a1", "a2", "a3"] {
        assert!(store.delete_action(id, &by, at(4)).await.unwrap());
    }
    assert!(!store.delete_action("a1", &by, at(4)).await.unwrap());
    assert!(store.delete_connector("hook", &by, at(5)).await.unwrap());
    assert!(!store.delete_connector("hook", &by, at(5)).await.unwrap());
    assert!(store.actions().await.unwrap().is_empty() && store.connectors().await.unwrap().is_empty());
}
