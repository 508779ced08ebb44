//! What sources must not forget.

use std::sync::Arc;

use bartizan_state::{PoisonDelivery, Store};

use crate::sample::at;

pub(crate) async fn checkpoints(store: Arc<dyn Store>) {
    assert_eq!(store.checkpoint("trail", "2023/11/14").await.unwrap(), None);
    store.put_checkpoint("trail", "b", &[0, 159, 146, 150], at(0)).await.unwrap();
    store.put_checkpoint("trail", "a", b"", at(0)).await.unwrap();
    store.put_checkpoint("other", "a", b"x", at(0)).await.unwrap();
    store.put_checkpoint("trail", "b", b"later", at(1)).await.unwrap();
    assert_eq!(store.checkpoint("trail", "b").await.unwrap().as_deref(), Some(b"later".as_slice()));
    let all = store.checkpoints("trail").await.unwrap();
    assert_eq!(all, [("a".to_owned(), vec![]), ("b".to_owned(), b"later".to_vec())]);
    assert!(store.delete_checkpoint("trail", "a").await.unwrap());
    assert!(!store.delete_checkpoint("trail", "a").await.unwrap());
}

pub(crate) async fn poison(store: Arc<dyn Store>) {
    let delivery = |source: &str, id: &str, reason: &str| PoisonDelivery {
        source: source.to_owned(),
        id: id.to_owned(),
        reason: reason.to_owned(),
        body_excerpt: "{\"Records\": ".to_owned(),
        time: at(3),
    };
    assert!(store.add_poison(delivery("q2", "m1", "no JSON")).await.unwrap());
    assert!(store.add_poison(delivery("q1", "m2", "no JSON")).await.unwrap());
    assert!(store.add_poison(delivery("q1", "m1", "no JSON")).await.unwrap());
    assert!(!store.add_poison(delivery("q1", "m1", "another reason")).await.unwrap());
    let page = store.poison(None, None, 2).await.unwrap();
    assert_eq!(page.items, [delivery("q1", "m1", "no JSON"), delivery("q1", "m2", "no JSON")]);
    let rest = store.poison(None, page.next.as_ref(), 2).await.unwrap();
    assert_eq!((rest.items, rest.next), (vec![delivery("q2", "m1", "no JSON")], None));
    assert_eq!(store.poison(Some("q2"), None, 5).await.unwrap().items.len(), 1);
    assert!(store.delete_poison("q2", "m1").await.unwrap());
    assert!(!store.delete_poison("q2", "m1").await.unwrap());
}
