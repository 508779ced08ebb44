//! Exception lists and value lists at rest.

use std::sync::Arc;

use bartizan_state::{AuditFilter, StateError, Store};
use serde_json::json;

use crate::sample::{at, someone};

pub(crate) async fn exception_lists_and_items(store: Arc<dyn Store>) {
    let by = someone();
    let orphan = store.put_exception_item("l1", "i1", json!({}), None, &by, at(0)).await;
    assert!(matches!(orphan, Err(StateError::NotFound { kind: "exception_list", .. })), "{orphan:?}");

    let list = store.put_exception_list("l1", json!({"z": 1, "a": 2}), Some(0), &by, at(0)).await.unwrap();
    assert_eq!(list.revision, 1);
    assert_eq!(list.document.to_string(), r#"{"z":1,"a":2}"#, "the order of keys is kept");
    let again = store.put_exception_list("l1", json!({}), Some(0), &by, at(1)).await;
    assert!(matches!(again, Err(StateError::RevisionConflict { expected: 0, found: 1, .. })), "{again:?}");
    assert_eq!(
        store.put_exception_list("l1", json!({"n": 2}), Some(1), &by, at(1)).await.unwrap().revision,
        2
    );
    assert_eq!(store.put_exception_list("l1", json!({"n": 3}), None, &by, at(2)).await.unwrap().revision, 3);

    store.put_exception_list("l2", json!({}), None, &by, at(2)).await.unwrap();
    for (list_id, item_id) in [("l1", "i2"), ("l1", "i1"), ("l2", "i1")] {
        store.put_exception_item(list_id, item_id, json!({"of": list_id}), None, &by, at(3)).await.unwrap();
    }
    let items = store.exception_items("l1").await.unwrap();
    assert_eq!(items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["i1", "i2"]);
    let one = store.exception_item("l2", "i1").await.unwrap().unwrap();
    assert_eq!((one.document, one.updated_at), (json!({"of": "l2"}), at(3)));

    assert!(store.delete_exception_item("l1", "i1", &by, at(4)).await.unwrap());
    assert!(!store.delete_exception_item("l1", "i1", &by, at(4)).await.unwrap());
    assert!(store.delete_exception_list("l1", &by, at(5)).await.unwrap());
    assert!(!store.delete_exception_list("l1", &by, at(5)).await.unwrap());
    assert!(store.exception_items("l1").await.unwrap().is_empty(), "a list takes its items along");
    assert_eq!(store.exception_items("l2").await.unwrap().len(), 1);
    assert_eq!(store.exception_lists().await.unwrap().len(), 1);
    let items = AuditFilter { object_id: Some("l1/i2".to_owned()), ..AuditFilter::default() };
    let actions: Vec<String> =
        store.audit(&items, None, 10).await.unwrap().items.into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["exception_item.delete", "exception_item.put"]);
}

pub(crate) async fn value_lists(store: Arc<dyn Store>) {
    let by = someone();
    let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let missing = store.add_values("v", &texts(&["a"]), &by, at(0)).await;
    assert!(matches!(missing, Err(StateError::NotFound { .. })), "{missing:?}");
    store.put_value_list("v", json!({"type": "ip"}), None, &by, at(0)).await.unwrap();

    let added = store.add_values("v", &texts(&["b", "a", "b", "C", "é"]), &by, at(1)).await.unwrap();
    assert_eq!(added, 4);
    assert_eq!(
        store.value_list("v").await.unwrap().unwrap().revision,
        2,
        "who keeps a copy sees that it is old"
    );
    assert_eq!(store.add_values("v", &texts(&["a"]), &by, at(2)).await.unwrap(), 0);
    assert_eq!(store.value_list("v").await.unwrap().unwrap().revision, 2, "nothing changed");

    let page = store.values("v", None, 3).await.unwrap();
    assert_eq!(page.items, ["C", "a", "b"]);
    let rest = store.values("v", page.next.as_deref(), 3).await.unwrap();
    assert_eq!((rest.items, rest.next), (texts(&["é"]), None));

    // Many at once, more than a statement may have parameters.
    let many: Vec<String> =
        (0..2000).map(|number| format!("10.0.{}.{}", number / 256, number % 256)).collect();
    assert_eq!(store.add_values("v", &many, &by, at(3)).await.unwrap(), 2000);
    assert_eq!(store.remove_values("v", &texts(&["a", "nothing"]), &by, at(4)).await.unwrap(), 1);
    assert_eq!(store.values("v", None, 5000).await.unwrap().items.len(), 2003);

    assert!(store.delete_value_list("v", &by, at(5)).await.unwrap());
    assert!(!store.delete_value_list("v", &by, at(5)).await.unwrap());
    store.put_value_list("v", json!({"type": "ip"}), None, &by, at(6)).await.unwrap();
    assert!(store.values("v", None, 10).await.unwrap().items.is_empty());
    assert_eq!(store.value_lists().await.unwrap().len(), 1);
}
