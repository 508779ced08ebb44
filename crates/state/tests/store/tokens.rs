//! API tokens at rest.

use std::sync::Arc;

use bartizan_state::{ApiTokenDraft, AuditFilter, Role, StateError, Store};

use crate::sample::{at, someone, token};

pub(crate) async fn are_found_by_hash(store: Arc<dyn Store>) {
    let by = someone();
    let kept = store.add_token(token("t1", 'a'), &by, at(0)).await.unwrap();
    store.add_token(ApiTokenDraft { expires: None, ..token("t2", 'b') }, &by, at(0)).await.unwrap();
    let taken = [
        token("t1", 'c'),
        ApiTokenDraft { name: "name of t1".to_owned(), ..token("t3", 'c') },
        ApiTokenDraft { id: "t3".to_owned(), name: "t3".to_owned(), ..token("t3", 'a') },
        ApiTokenDraft { hash: "the token itself".to_owned(), ..token("t3", 'c') },
        ApiTokenDraft { hash: "A".repeat(64), ..token("t3", 'c') },
    ];
    for draft in taken {
        let refused = store.add_token(draft, &by, at(1)).await;
        assert!(matches!(refused, Err(StateError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(store.token_by_hash(&"a".repeat(64)).await.unwrap(), Some(kept.clone()));
    assert_eq!(store.token_by_hash(&"c".repeat(64)).await.unwrap(), None);
    assert!(kept.is_valid(at(999)) && !kept.is_valid(at(1000)));
    assert!(Role::Viewer < Role::Analyst && Role::Analyst < Role::Admin);

    let revoked = store.revoke_token("t1", &by, at(2)).await.unwrap();
    assert_eq!(revoked.revoked, Some(at(2)));
    assert!(!revoked.is_valid(at(3)));
    assert_eq!(store.revoke_token("t1", &by, at(5)).await.unwrap(), revoked);
    assert_eq!(store.token_by_hash(&"a".repeat(64)).await.unwrap(), Some(revoked));
    assert!(matches!(store.revoke_token("t9", &by, at(5)).await, Err(StateError::NotFound { .. })));
    assert_eq!(store.tokens().await.unwrap().len(), 2);
    let trail = store.audit(&AuditFilter::default(), None, 100).await.unwrap().items;
    assert_eq!(trail.len(), 3);
    assert!(
        trail.iter().all(|entry| !format!("{entry:?}").contains(&"a".repeat(64))),
        "no hash in the trail"
    );
}
