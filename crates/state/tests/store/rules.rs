//! Rules at rest.

use std::sync::Arc;

use bartizan_state::{AuditFilter, GapFilter, RuleDraft, StateError, Store};

use crate::sample::{at, commit, execution, gap, lease, rule, someone};

pub(crate) async fn are_kept_with_a_revision_for_each_change(store: Arc<dyn Store>) {
    let by = someone();
    let first = store.put_rule(rule("b", "one"), &by, at(0)).await.unwrap();
    assert_eq!((first.revision, first.enabled, first.fault.as_deref()), (1, true, None));
    assert_eq!(first.content_hash, "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");

    // The same again is no change.
    assert_eq!(store.put_rule(rule("b", "one"), &by, at(1)).await.unwrap(), first);
    assert_eq!(store.audit(&AuditFilter::default(), None, 10).await.unwrap().items.len(), 1);

    let disabled = store.set_rule_enabled("b", false, &by, at(2)).await.unwrap();
    assert_eq!((disabled.revision, disabled.enabled, disabled.updated_at), (2, false, at(2)));
    assert_eq!(store.set_rule_enabled("b", false, &by, at(3)).await.unwrap(), disabled);

    // A new text keeps what somebody has said about enabling, unless told otherwise.
    let second = store.put_rule(rule("b", "two"), &by, at(4)).await.unwrap();
    assert_eq!((second.revision, second.enabled), (3, false));
    let enabled = RuleDraft { enabled: Some(true), ..rule("b", "two") };
    assert!(store.put_rule(enabled, &by, at(5)).await.unwrap().enabled);

    store.put_rule(rule("a", "x"), &by, at(6)).await.unwrap();
    store.put_rule(rule("B", "x"), &by, at(6)).await.unwrap();
    let ids: Vec<String> = store.rules().await.unwrap().into_iter().map(|rule| rule.rule_id).collect();
    assert_eq!(ids, ["B", "a", "b"], "by bytes, on every back end");

    let missing = store.set_rule_enabled("no such", true, &by, at(7)).await;
    assert!(matches!(missing, Err(StateError::NotFound { kind: "rule", .. })), "{missing:?}");
}

pub(crate) async fn a_fault_leaves_the_former_version_running(store: Arc<dyn Store>) {
    let by = someone();
    let rule_before = store.put_rule(rule("r", "good"), &by, at(0)).await.unwrap();
    let faulty = store.set_rule_fault("r", Some("line 3: no such field"), &by, at(1)).await.unwrap();
    assert_eq!(faulty.fault.as_deref(), Some("line 3: no such field"));
    assert_eq!((faulty.source.as_str(), faulty.revision), ("good", rule_before.revision));
    assert_eq!(store.rule("r").await.unwrap(), Some(faulty));

    // The good text put again clears the fault.
    assert_eq!(store.put_rule(rule("r", "good"), &by, at(2)).await.unwrap().fault, None);
    let missing = store.set_rule_fault("no such", None, &by, at(3)).await;
    assert!(matches!(missing, Err(StateError::NotFound { .. })));
}

pub(crate) async fn deleting_leaves_alerts_and_executions(store: Arc<dyn Store>) {
    let by = someone();
    store.put_rule(rule("r", "the text"), &by, at(0)).await.unwrap();
    let lease = lease(&store, "one", 0).await.unwrap();
    let mut run = commit(&lease, execution("e", "r", 0));
    run.alerts = vec![crate::sample::alert("a", "r", 0)];
    run.rule_state = Some(vec![1]);
    run.gaps = vec![gap("r", 0, 10)];
    store.commit_execution(&run, at(0)).await.unwrap();

    assert!(store.delete_rule("r", &by, at(1)).await.unwrap());
    assert!(!store.delete_rule("r", &by, at(1)).await.unwrap());
    assert_eq!(store.rule("r").await.unwrap(), None);
    assert_eq!(store.cursor("r").await.unwrap(), None);
    assert!(store.gaps(&GapFilter::default(), 10).await.unwrap().is_empty());
    assert!(store.alert("a").await.unwrap().is_some());
    assert!(store.execution("e").await.unwrap().is_some());
    let deleted = store.audit(&AuditFilter::default(), None, 1).await.unwrap().items.remove(0);
    assert_eq!(deleted.action, "rule.delete");
    assert_eq!(deleted.before.unwrap()["source"], "the text", "the trail keeps what is gone");
}
