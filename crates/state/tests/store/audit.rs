//! The audit trail.

use std::sync::Arc;

use bartizan_state::{Actor, AuditFilter, Store, TimeSpan};
use serde_json::json;

use crate::sample::{at, connector, rule, someone};

pub(crate) async fn tells_who_did_what(store: Arc<dyn Store>) {
    assert_eq!(store.verify_audit().await.unwrap(), None);
    let folder = Actor::system("rules-folder");
    store.put_rule(rule("r", "one"), &folder, at(0)).await.unwrap();
    store.put_rule(rule("r", "two"), &folder, at(1)).await.unwrap();
    store.put_connector(connector("hook"), None, &someone(), at(2)).await.unwrap();
    store
        .add_audit("sign_in.refused", "api", "loopback", Some(json!({"n": 1})), &someone(), at(3))
        .await
        .unwrap();

    let all = store.audit(&AuditFilter::default(), None, 10).await.unwrap();
    assert_eq!(all.items.iter().map(|entry| entry.id).collect::<Vec<_>>(), [4, 3, 2, 1]);
    let change = &all.items[2];
    assert_eq!((change.actor.as_str(), change.action.as_str()), ("system:rules-folder", "rule.put"));
    assert_eq!(change.before.as_ref().unwrap()["source"], "one", "what is gone otherwise");
    assert_eq!(change.after.as_ref().unwrap()["revision"], 2);

    let cases = [
        (AuditFilter { actor: Some("token:someone".to_owned()), ..AuditFilter::default() }, vec![4, 3]),
        (AuditFilter { object_kind: Some("rule".to_owned()), ..AuditFilter::default() }, vec![2, 1]),
        (AuditFilter { object_id: Some("hook".to_owned()), ..AuditFilter::default() }, vec![3]),
        (
            AuditFilter { time: TimeSpan { from: Some(at(1)), to: Some(at(3)) }, ..AuditFilter::default() },
            vec![3, 2],
        ),
    ];
    for (filter, expected) in cases {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.audit(&filter, after, 1).await.unwrap();
            found.extend(page.items.iter().map(|entry| entry.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{filter:?}");
    }
    assert_eq!(store.verify_audit().await.unwrap(), None);
}

#[test]
fn a_changed_or_removed_entry_is_found() {
    use sqlx::Connection;
    let statements = [
        ("UPDATE audit SET actor = 'token:nobody' WHERE id = 2", Some(2)),
        ("UPDATE audit SET after_change = NULL WHERE id = 3", Some(3)),
        ("DELETE FROM audit WHERE id = 2", Some(3)),
        ("UPDATE audit SET time = time", None),
    ];
    for (statement, expected) in statements {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.db");
        crate::run(async {
            let store = bartizan_state::SqlStore::open_sqlite(&file).await.unwrap();
            let store: Arc<dyn Store> = Arc::new(store);
            for number in 0..4 {
                store.put_rule(rule("r", &number.to_string()), &someone(), at(number)).await.unwrap();
            }
            let url = format!("sqlite://{}", file.display());
            let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
            sqlx::query(statement).execute(&mut connection).await.unwrap();
            assert_eq!(store.verify_audit().await.unwrap(), expected, "{statement}");
        });
    }
}
