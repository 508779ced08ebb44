//! Two nodes on one PostgreSQL database, each with its own connections, doing the same at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;

use bartizan_state::{
    Actor, AlertFilter, CursorMove, ExecutionFilter, GapTake, Lease, NotificationState, SqlStore, StateError,
    Store,
};

use crate::sample::{MINUTE, alert, at, commit, connector, execution, gap, notification, rule, someone};

async fn node(url: &str) -> Arc<dyn Store> {
    Arc::new(SqlStore::open_postgres(url, 4).await.unwrap())
}

/// One node tries to run each tick; says how many it ran.
async fn run_ticks(store: Arc<dyn Store>, holder: String) -> u32 {
    let mut committed = 0;
    for tick in 1..=40_i64 {
        // The clock of the test: leases of the other node are over at each second tick.
        let now = at(tick * 40);
        let lease = match store.acquire_lease("rule r", &holder, MINUTE, now).await.unwrap() {
            Some(lease) => lease,
            None => continue,
        };
        let cursor = store.cursor("r").await.unwrap().and_then(|cursor| cursor.tick);
        let mut run = commit(&lease, execution(&format!("{holder}-{tick}"), "r", tick));
        run.alerts = vec![alert(&format!("a{tick}"), "r", tick), alert("always", "r", 0)];
        run.notifications = vec![notification(&format!("n{tick}"), Some(&format!("a{tick}")))];
        run.cursor = Some(CursorMove { expected: cursor, to: at(tick) });
        match store.commit_execution(&run, now).await {
            Ok(outcome) => {
                assert!(!outcome.repeated);
                committed += 1;
            }
            Err(StateError::LeaseLost { .. } | StateError::CursorConflict { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    committed
}

pub(crate) async fn leases_and_commits(url: &str) {
    let (one, two) = (node(url).await, node(url).await);
    // At one instant only one of many gets it.
    let takers = (0..16).map(|number| {
        let store = if number % 2 == 0 { one.clone() } else { two.clone() };
        tokio::spawn(async move {
            store.acquire_lease("contended", &format!("h{number}"), MINUTE, at(0)).await.unwrap()
        })
    });
    let mut taken: Vec<Lease> = Vec::new();
    for taker in takers.collect::<Vec<_>>() {
        taken.extend(taker.await.unwrap());
    }
    assert_eq!(taken.len(), 1, "{taken:?}");

    let runs = [("one", one.clone()), ("two", two.clone()), ("three", one.clone()), ("four", two)]
        .map(|(holder, store)| tokio::spawn(run_ticks(store, holder.to_owned())));
    let mut committed = 0;
    for run in runs {
        committed += run.await.unwrap();
    }
    let executions = one.executions(&ExecutionFilter::default(), None, 1000).await.unwrap().items;
    assert_eq!(executions.len(), committed as usize);
    let ticks: BTreeSet<_> = executions.iter().map(|execution| execution.tick).collect();
    assert_eq!(ticks.len(), executions.len(), "no tick was committed twice");
    assert_eq!(one.cursor("r").await.unwrap().unwrap().tick, ticks.last().copied());
    let alerts = one.alerts(&AlertFilter::default(), None, 1000).await.unwrap().items;
    assert_eq!(alerts.len(), executions.len() + 1);
    let sent = one.notifications(NotificationState::Pending, None, 1000).await.unwrap().items;
    assert_eq!(sent.len(), executions.len());

    // The very same commit from both at once is done once.
    let lease = one.acquire_lease("same", "h", MINUTE, at(0)).await.unwrap().unwrap();
    let mut run = commit(&lease, execution("same", "r", 5));
    run.alerts = vec![alert("x", "r", 5)];
    let copies: Vec<_> = (0..8)
        .map(|_| {
            let (store, run) = (one.clone(), run.clone());
            tokio::spawn(async move { store.commit_execution(&run, at(0)).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for copy in copies {
        let outcome = copy.await.unwrap();
        assert_eq!(outcome.new_alerts, ["x"]);
        first += u32::from(!outcome.repeated);
    }
    assert_eq!(first, 1);
}

pub(crate) async fn claims_and_gaps(url: &str) {
    let (one, two) = (node(url).await, node(url).await);
    for number in 0..60 {
        one.add_notification(notification(&format!("n{number}"), None), at(0)).await.unwrap();
        one.add_gap(gap(&format!("r{number}"), number, number + 1)).await.unwrap();
    }
    let workers: Vec<_> = (0..8)
        .map(|number| {
            let store = if number % 2 == 0 { one.clone() } else { two.clone() };
            tokio::spawn(async move {
                let (mut sent, mut gaps) = (Vec::new(), Vec::new());
                for _ in 0..20 {
                    let claimed = store.claim_due(at(1), 3, MINUTE).await.unwrap();
                    sent.extend(claimed.into_iter().map(|notification| notification.id));
                    let take = GapTake { now: at(1), claim: MINUTE, limit: 3, rule_ids: Vec::new() };
                    gaps.extend(store.take_gaps(&take).await.unwrap().into_iter().map(|gap| gap.id));
                }
                (sent, gaps)
            })
        })
        .collect();
    let (mut sent, mut gaps) = (Vec::new(), Vec::new());
    for worker in workers {
        let (more_sent, more_gaps) = worker.await.unwrap();
        sent.extend(more_sent);
        gaps.extend(more_gaps);
    }
    for ids in [&mut sent, &mut gaps] {
        ids.sort_unstable();
        assert_eq!(ids.len(), 60);
        ids.dedup();
        assert_eq!(ids.len(), 60, "nobody got what somebody else had");
    }
}

pub(crate) async fn changes_keep_the_audit_trail_whole(url: &str) {
    let (one, two) = (node(url).await, node(url).await);
    let workers: Vec<_> = (0..8_i64)
        .map(|number| {
            let store = if number % 2 == 0 { one.clone() } else { two.clone() };
            tokio::spawn(async move {
                let by = Actor::token(&format!("worker {number}"));
                for round in 0..10 {
                    store
                        .put_rule(rule("shared", &format!("{number} {round}")), &by, at(round))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(one.rule("shared").await.unwrap().unwrap().revision, 80, "no change was lost");
    assert_eq!(one.verify_audit().await.unwrap(), None);
}

pub(crate) async fn migrate_at_once(url: &str) {
    let opening: Vec<_> = (0..4)
        .map(|_| {
            let url = url.to_owned();
            tokio::spawn(async move { SqlStore::open_postgres(&url, 1).await.map(drop) })
        })
        .collect();
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
}

/// Executions commit while another node switches the connector off: once that is done, nothing is pending, however the two
/// were interleaved.
pub(crate) async fn switched_off_while_executions_commit(url: &str) {
    let (one, two) = (node(url).await, node(url).await);
    two.put_connector(connector("hook"), None, &someone(), at(0)).await.unwrap();
    let mut written = 0;
    for round in 0..10 {
        two.set_connector_enabled("hook", true, &someone(), at(0)).await.unwrap();
        let writers = (0..3).map(|writer| {
            let store = one.clone();
            tokio::spawn(async move {
                let name = format!("writer {writer}");
                let lease = store.acquire_lease(&name, &name, MINUTE, at(0)).await.unwrap().unwrap();
                for number in 0..4 {
                    let name = format!("{round}/{writer}/{number}");
                    let mut run = commit(&lease, execution(&name, "r", number));
                    let notifications = (0..15).map(|place| notification(&format!("{name}/{place}"), None));
                    run.notifications = notifications.collect();
                    store.commit_execution(&run, at(1)).await.unwrap();
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        tokio::time::sleep(std::time::Duration::from_millis(10 + 5 * round)).await;
        two.set_connector_enabled("hook", false, &someone(), at(2)).await.unwrap();
        for writer in writers {
            writer.await.unwrap();
        }
        written += 3 * 4 * 15;
        assert_eq!(two.count_notifications().await.unwrap(), [(NotificationState::Skipped, written)]);
    }
}
