//! Gaps at rest.

use std::sync::Arc;

use bartizan_state::{Gap, GapDraft, GapFill, GapFilter, GapState, GapTake, StateError, Store, TimeSpan};

use crate::sample::{MINUTE, at, commit, execution, gap, lease};

async fn spans(store: &Arc<dyn Store>, state: GapState) -> Vec<(i64, i64)> {
    let filter = GapFilter { states: vec![state], ..GapFilter::default() };
    let second = |at: bartizan_state::Timestamp| at.as_second() - 1_700_000_000;
    store.gaps(&filter, 100).await.unwrap().iter().map(|gap| (second(gap.from), second(gap.to))).collect()
}

fn take(second: i64, limit: u32) -> GapTake {
    GapTake { now: at(second), claim: MINUTE, limit, rule_ids: Vec::new() }
}

pub(crate) async fn merge(store: Arc<dyn Store>) {
    for (from, to) in [(0, 10), (20, 30), (40, 50)] {
        store.add_gap(gap("r1", from, to)).await.unwrap();
    }
    store.add_gap(gap("r2", 5, 25)).await.unwrap();
    let outage = GapDraft { reason: "server was down".to_owned(), ..gap("r1", 10, 20) };
    let merged = store.add_gap(outage).await.unwrap();
    assert_eq!(merged.reason, "server was down; failed");
    assert_eq!(spans(&store, GapState::Open).await, [(0, 30), (5, 25), (40, 50)]);
    // Inside of one: as it was.
    store.add_gap(gap("r1", 3, 4)).await.unwrap();
    assert_eq!(spans(&store, GapState::Open).await, [(0, 30), (5, 25), (40, 50)]);
    for (from, to) in [(5, 5), (6, 5)] {
        let empty = store.add_gap(gap("r1", from, to)).await;
        assert!(matches!(empty, Err(StateError::Invalid { .. })), "{empty:?}");
    }
    let filter = GapFilter {
        rule_ids: vec!["r1".to_owned()],
        time: TimeSpan { from: Some(at(30)), to: Some(at(41)) },
        ..GapFilter::default()
    };
    let found = store.gaps(&filter, 10).await.unwrap();
    assert_eq!(found.iter().map(|gap| gap.from).collect::<Vec<_>>(), [at(40)], "both ends are half-open");
}

pub(crate) async fn are_taken_oldest_first(store: Arc<dyn Store>) {
    for (rule_id, from) in [("r1", 100), ("r2", 0), ("r3", 50)] {
        store.add_gap(gap(rule_id, from, from + 10)).await.unwrap();
    }
    let rules = |gaps: Vec<Gap>| gaps.into_iter().map(|gap| gap.rule_id).collect::<Vec<_>>();
    let first = store.take_gaps(&take(200, 1)).await.unwrap().remove(0);
    assert_eq!((first.rule_id.as_str(), first.state, first.attempts), ("r2", GapState::Filling, 1));
    let of_one = GapTake { rule_ids: vec!["r1".to_owned()], ..take(200, 5) };
    assert_eq!(rules(store.take_gaps(&of_one).await.unwrap()), ["r1"]);
    assert_eq!(rules(store.take_gaps(&take(201, 5)).await.unwrap()), ["r3"]);
    assert!(store.take_gaps(&take(259, 5)).await.unwrap().is_empty());

    // A claim ends; who gives back says from when on it may be taken again.
    store.release_gap(first.id, Some(at(500))).await.unwrap();
    assert_eq!(rules(store.take_gaps(&take(300, 5)).await.unwrap()), ["r3", "r1"]);
    let again = store.take_gaps(&take(500, 1)).await.unwrap().remove(0);
    assert_eq!((again.id, again.attempts), (first.id, 2));
    assert!(matches!(store.release_gap(4711, None).await, Err(StateError::NotFound { .. })));
}

pub(crate) async fn are_filled_in_parts(store: Arc<dyn Store>) {
    let lease = lease(&store, "one", 0).await.unwrap();
    store.add_gap(gap("r1", 0, 100)).await.unwrap();
    let taken = store.take_gaps(&take(200, 1)).await.unwrap().remove(0);
    let fill = async |id: &str, filled_until: i64| {
        let mut run = commit(&lease, execution(id, "r1", 0));
        run.gap_fill = Some(GapFill { gap_id: taken.id, filled_until: at(filled_until) });
        store.commit_execution(&run, at(0)).await.unwrap();
        store.gap(taken.id).await.unwrap().unwrap()
    };
    let part = fill("e1", 40).await;
    assert_eq!((part.state, part.filled_until), (GapState::Filling, Some(at(40))));
    assert_eq!(fill("e2", 30).await.filled_until, Some(at(40)), "never back");
    // While it is filled, a new gap stays beside it.
    store.add_gap(gap("r1", 90, 120)).await.unwrap();
    assert_eq!(spans(&store, GapState::Open).await, [(90, 120)]);
    // Given back and merged, the covered part is a filled gap of its own.
    store.release_gap(taken.id, None).await.unwrap();
    store.add_gap(gap("r1", 80, 95)).await.unwrap();
    assert_eq!(spans(&store, GapState::Open).await, [(40, 120)]);
    assert_eq!(spans(&store, GapState::Filled).await, [(0, 40)]);

    let rest = store.take_gaps(&take(300, 1)).await.unwrap().remove(0);
    let mut run = commit(&lease, execution("e3", "r1", 0));
    run.gap_fill = Some(GapFill { gap_id: rest.id, filled_until: at(5000) });
    store.commit_execution(&run, at(0)).await.unwrap();
    let filled = store.gap(rest.id).await.unwrap().unwrap();
    assert_eq!((filled.state, filled.filled_until), (GapState::Filled, Some(at(120))));
    store.release_gap(rest.id, None).await.unwrap();
    assert_eq!(store.gap(rest.id).await.unwrap().unwrap(), filled);
    assert!(store.take_gaps(&take(9999, 5)).await.unwrap().is_empty());
    // The same time may be lost again.
    store.add_gap(gap("r1", 0, 10)).await.unwrap();
    assert_eq!(spans(&store, GapState::Open).await, [(0, 10)]);
}
