//! Leases.

use std::sync::Arc;

use bartizan_state::{StateError, Store};

use crate::sample::{MINUTE, at, lease};

pub(crate) async fn exclude_each_other(store: Arc<dyn Store>) {
    let first = lease(&store, "one", 0).await.unwrap();
    assert_eq!((first.token, first.expires), (1, at(60)));
    assert_eq!(lease(&store, "two", 59).await, None);
    let renewed = store.renew_lease(&first, MINUTE, at(59)).await.unwrap();
    assert_eq!((renewed.token, renewed.expires), (1, at(119)));
    assert_eq!(lease(&store, "two", 118).await, None);

    let second = lease(&store, "two", 119).await.unwrap();
    assert_eq!(second.token, 2);
    let lost = store.renew_lease(&renewed, MINUTE, at(120)).await;
    assert!(matches!(lost, Err(StateError::LeaseLost { token: 1, .. })), "{lost:?}");
    store.release_lease(&renewed).await.unwrap();
    assert_eq!(store.leases().await.unwrap(), vec![second.clone()], "who lost it cannot give it up");

    // Another name is another lease.
    assert!(store.acquire_lease("compaction", "one", MINUTE, at(120)).await.unwrap().is_some());
    store.release_lease(&second).await.unwrap();
    let renewed = store.renew_lease(&second, MINUTE, at(121)).await;
    assert!(matches!(renewed, Err(StateError::LeaseLost { .. })));
    assert_eq!(lease(&store, "one", 121).await.unwrap().token, 3);
}

pub(crate) async fn tokens_only_rise(store: Arc<dyn Store>) {
    let mut last = 0;
    for round in 0..5 {
        let held = lease(&store, "one", round).await.unwrap();
        assert!(held.token > last, "the same holder again, as after its crash: a new token");
        last = held.token;
        if round % 2 == 0 {
            store.release_lease(&held).await.unwrap();
        }
    }
}
