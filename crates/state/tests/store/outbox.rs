//! Notifications at rest.

use std::sync::Arc;

use bartizan_state::{NotificationDraft, NotificationState, StateError, Store};

use crate::sample::{MINUTE, at, notification, someone};

pub(crate) async fn is_claimed_sent_and_given_up(store: Arc<dyn Store>) {
    for key in ["n1", "n2", "n3"] {
        assert!(store.add_notification(notification(key, None), at(0)).await.unwrap());
    }
    assert!(!store.add_notification(notification("n2", None), at(0)).await.unwrap());
    let late = NotificationDraft { not_before: Some(at(1000)), ..notification("n4", None) };
    store.add_notification(late, at(0)).await.unwrap();

    let claimed = store.claim_due(at(10), 2, MINUTE).await.unwrap();
    assert_eq!(claimed.iter().map(|n| n.draft.dedupe_key.as_str()).collect::<Vec<_>>(), ["n1", "n2"]);
    assert!(claimed.iter().all(|n| n.attempts == 1 && n.draft.not_before == Some(at(70))));
    let third = store.claim_due(at(10), 9, MINUTE).await.unwrap();
    assert_eq!(third.len(), 1);
    assert!(store.claim_due(at(69), 9, MINUTE).await.unwrap().is_empty());

    let (first, second, third) = (claimed[0].id, claimed[1].id, third[0].id);
    store.mark_sent(first, at(11)).await.unwrap();
    store.mark_failed(second, "503\0", at(40)).await.unwrap();
    store.mark_dead(third, "gone", at(12)).await.unwrap();
    // What was sent stays sent, whatever a slower sender says.
    store.mark_failed(first, "late", at(13)).await.unwrap();
    store.mark_dead(first, "late", at(13)).await.unwrap();
    let sent = store.notification(first).await.unwrap().unwrap();
    assert_eq!((sent.state, sent.ended, sent.last_error), (NotificationState::Sent, Some(at(11)), None));

    let retried = store.claim_due(at(40), 9, MINUTE).await.unwrap().remove(0);
    assert_eq!(
        (retried.id, retried.attempts, retried.last_error.as_deref()),
        (second, 2, Some("503\u{2400}"))
    );
    let dead = store.notifications(NotificationState::Dead, None, 10).await.unwrap();
    assert_eq!(dead.items.iter().map(|n| n.id).collect::<Vec<_>>(), [third]);
    assert_eq!(store.send_again(&[third, first, 4711], &someone(), at(50)).await.unwrap(), 1);
    assert_eq!(store.claim_due(at(50), 9, MINUTE).await.unwrap().remove(0).id, third);

    use NotificationState::{Pending, Sent};
    assert_eq!(store.count_notifications().await.unwrap(), [(Pending, 3), (Sent, 1)]);
    let page = store.notifications(Pending, None, 2).await.unwrap();
    let rest = store.notifications(Pending, page.next, 2).await.unwrap();
    assert_eq!((page.items.len(), rest.items.len(), rest.next), (2, 1, None));
    assert_eq!(store.delete_settled_before(at(11)).await.unwrap(), 0);
    assert_eq!(store.delete_settled_before(at(12)).await.unwrap(), 1);
    for missing in [
        store.mark_sent(4711, at(0)).await,
        store.mark_failed(4711, "", at(0)).await,
        store.mark_dead(4711, "", at(0)).await,
    ] {
        assert!(matches!(missing, Err(StateError::NotFound { .. })), "{missing:?}");
    }
}

pub(crate) async fn throttles_can_ask(store: Arc<dyn Store>) {
    assert_eq!(store.last_notified("action", None).await.unwrap(), None);
    store.add_notification(notification("n1", None), at(5)).await.unwrap();
    let of_other = NotificationDraft { rule_id: Some("r2".to_owned()), ..notification("n2", None) };
    store.add_notification(of_other, at(9)).await.unwrap();
    assert_eq!(store.last_notified("action", None).await.unwrap(), Some(at(9)));
    assert_eq!(store.last_notified("action", Some("r1")).await.unwrap(), Some(at(5)));
    assert_eq!(store.last_notified("other", None).await.unwrap(), None);
}
