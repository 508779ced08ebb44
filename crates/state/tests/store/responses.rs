//! Responses at rest.

use std::sync::Arc;

use bartizan_state::{
    Actor, AuditFilter, ResponseDraft, ResponseFilter, ResponseProgress, ResponseStatus, SqlStore,
    StateError, Store,
};

use crate::sample::{at, someone};

pub(crate) fn draft(id: &str, key: &str, second: i64) -> ResponseDraft {
    ResponseDraft {
        id: id.to_owned(),
        alert_id: "a1".to_owned(),
        key_arn: format!("arn:aws:kms:eu-west-1:111122223333:key/{key}"),
        action: "EnableKey".to_owned(),
        reason: "because".to_owned(),
        requested_by: someone().name().to_owned(),
        requested_at: at(second),
        disabled_by_defender: Some("no".to_owned()),
        disabled_said_by: Some("Alice".to_owned()),
    }
}

pub(crate) fn progress(status: ResponseStatus) -> ResponseProgress {
    ResponseProgress {
        status,
        expires_at: at(3600),
        decided_by: None,
        decided_at: None,
        executed_by: None,
        executed_at: None,
        request_id: None,
        confirmed_at: None,
        event_id: None,
        outcome: None,
    }
}

pub(crate) async fn go_step_by_step(store: Arc<dyn Store>) {
    let requested = progress(ResponseStatus::Requested);
    let kept = store.add_response(draft("r1", "k1", 0), requested.clone(), &someone(), at(0)).await.unwrap();
    assert_eq!(
        (kept.revision, kept.draft.clone(), kept.progress.clone()),
        (1, draft("r1", "k1", 0), requested.clone())
    );
    assert_eq!(store.response("r1").await.unwrap(), Some(kept));
    assert_eq!(store.response("r2").await.unwrap(), None);

    // Of one action on one key there is one open response.
    for again in [draft("r2", "k1", 1), draft("r1", "k2", 1)] {
        let refused = store.add_response(again, requested.clone(), &someone(), at(1)).await;
        assert!(matches!(&refused, Err(StateError::InUse { by, .. }) if by.contains("`r1`")), "{refused:?}");
    }
    let other = ResponseDraft { action: "CancelKeyDeletion".to_owned(), ..draft("r2", "k1", 1) };
    store.add_response(other, requested.clone(), &someone(), at(1)).await.unwrap();

    let whole = ResponseProgress {
        status: ResponseStatus::Logged,
        expires_at: at(7200),
        decided_by: Some("token:bob".to_owned()),
        decided_at: Some(at(2)),
        executed_by: Some("token:carol".to_owned()),
        executed_at: Some(at(3)),
        request_id: Some("request".to_owned()),
        confirmed_at: Some(at(4)),
        event_id: Some("event".to_owned()),
        outcome: Some("done".to_owned()),
    };
    let bob = Actor::token("bob");
    let missing = store.step_response("r9", 1, "approve", whole.clone(), &bob, at(4)).await;
    assert!(matches!(missing, Err(StateError::NotFound { kind: "response", .. })), "{missing:?}");
    let stepped = store.step_response("r1", 1, "log", whole.clone(), &bob, at(4)).await.unwrap();
    assert_eq!((stepped.revision, stepped.progress, stepped.updated_at), (2, whole.clone(), at(4)));
    let late = store.step_response("r1", 1, "log", whole, &bob, at(5)).await;
    assert!(matches!(late, Err(StateError::RevisionConflict { found: 2, .. })), "{late:?}");
    // It is over, so there may be another one.
    store.add_response(draft("r3", "k1", 1), requested, &someone(), at(1)).await.unwrap();

    let filter = AuditFilter { object_kind: Some("response".to_owned()), ..AuditFilter::default() };
    let trail = store.audit(&filter, None, 10).await.unwrap().items;
    let said: Vec<(&str, &str, &str)> =
        trail.iter().map(|entry| (&*entry.action, &*entry.object_id, &*entry.actor)).collect();
    assert_eq!(
        said,
        [
            ("response.request", "r3", "token:someone"),
            ("response.log", "r1", "token:bob"),
            ("response.request", "r2", "token:someone"),
            ("response.request", "r1", "token:someone"),
        ]
    );
    assert_eq!(trail[1].before.as_ref().unwrap()["status"], "requested");
    assert_eq!(trail[1].after.as_ref().unwrap()["event_id"], "event");
    assert_eq!(store.verify_audit().await.unwrap(), None);
}

pub(crate) async fn are_found_page_by_page(store: Arc<dyn Store>) {
    for (id, key, second) in [("r1", "k1", 0), ("r3", "k3", 5), ("r2", "k2", 5), ("r4", "k4", 9)] {
        let requested = progress(ResponseStatus::Requested);
        store.add_response(draft(id, key, second), requested, &someone(), at(second)).await.unwrap();
    }
    let ids = async |filter: ResponseFilter, limit| {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = store.responses(&filter, after.as_ref(), limit).await.unwrap();
            ids.extend(page.items.into_iter().map(|response| response.draft.id));
            after = page.next;
            if after.is_none() {
                return ids;
            }
        }
    };
    for limit in [1, 2, 10] {
        assert_eq!(ids(ResponseFilter::default(), limit).await, ["r4", "r2", "r3", "r1"]);
    }
    let refused = progress(ResponseStatus::Refused);
    store.step_response("r2", 1, "refuse", refused, &someone(), at(10)).await.unwrap();
    let of = |statuses: &[ResponseStatus]| ResponseFilter {
        statuses: statuses.to_vec(),
        ..ResponseFilter::default()
    };
    assert_eq!(ids(of(&[ResponseStatus::Refused]), 10).await, ["r2"]);
    assert_eq!(ids(of(&[ResponseStatus::Requested]), 10).await, ["r4", "r3", "r1"]);
    let of_key = ResponseFilter { key_arn: Some(draft("", "k3", 0).key_arn), ..ResponseFilter::default() };
    assert_eq!(ids(of_key, 10).await, ["r3"]);
    let of_alert = ResponseFilter { alert_id: Some("a2".to_owned()), ..ResponseFilter::default() };
    assert!(ids(of_alert, 10).await.is_empty());
}

/// Many approve at once, then many carry it out at once: each time one wins.
pub(crate) async fn of_many_at_once_one_wins(stores: &[Arc<dyn Store>]) {
    let requested = progress(ResponseStatus::Requested);
    let makers = (0..8).map(|number| {
        let (store, requested) = (stores[number % stores.len()].clone(), requested.clone());
        tokio::spawn(async move {
            store.add_response(draft(&format!("m{number}"), "k", 0), requested, &someone(), at(0)).await.ok()
        })
    });
    let mut made = Vec::new();
    for maker in makers.collect::<Vec<_>>() {
        made.extend(maker.await.unwrap());
    }
    assert_eq!(made.len(), 1, "{made:?}");
    for (revision, status) in [(1, ResponseStatus::Approved), (2, ResponseStatus::Executing)] {
        let id = made[0].draft.id.clone();
        let steps = (0..8).map(|number| {
            let (store, id) = (stores[number % stores.len()].clone(), id.clone());
            let by = Actor::token(&format!("person-{number}"));
            tokio::spawn(async move {
                store.step_response(&id, revision, "step", progress(status), &by, at(1)).await
            })
        });
        let mut won = 0;
        for step in steps.collect::<Vec<_>>() {
            match step.await.unwrap() {
                Ok(_) => won += 1,
                Err(StateError::RevisionConflict { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(won, 1);
    }
}

#[test]
fn of_many_at_once_one_wins_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    crate::run(async {
        let mut stores: Vec<Arc<dyn Store>> = Vec::new();
        for _ in 0..2 {
            stores.push(Arc::new(SqlStore::open_sqlite(&file).await.unwrap()));
        }
        of_many_at_once_one_wins(&stores).await;
    });
}

/// A node on the same database.
pub(crate) async fn of_two_nodes(url: &str) {
    let mut stores: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..2 {
        stores.push(Arc::new(SqlStore::open_postgres(url, 4).await.unwrap()));
    }
    of_many_at_once_one_wins(&stores).await;
}
