//! Whatever is added, taken, filled and given back: what was added and not filled since is left, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bartizan_state::{GapFill, GapFilter, GapState, GapTake, SqlStore, Store};
use proptest::prelude::*;

use crate::sample::{MINUTE, at, commit, execution, gap, lease};

#[derive(Debug, Clone)]
enum Step {
    Add { from: i64, length: i64 },
    Take,
    Fill { which: usize, length: i64 },
    GiveBack { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..30_i64, 1..10_i64).prop_map(|(from, length)| Step::Add { from, length }),
        2 => Just(Step::Take),
        3 => (0..8_usize, 1..12_i64).prop_map(|(which, length)| Step::Fill { which, length }),
        1 => (0..8_usize).prop_map(|which| Step::GiveBack { which }),
    ]
}

async fn walk(steps: Vec<Step>) {
    let store: Arc<dyn Store> = Arc::new(SqlStore::open_sqlite_in_memory().await.unwrap());
    let lease = lease(&store, "one", 0).await.unwrap();
    let second = |at: bartizan_state::Timestamp| at.as_second() - 1_700_000_000;
    // Seconds that were added and not filled since: they must be left.
    let mut needed: BTreeSet<i64> = BTreeSet::new();
    // How often each second may be left: a gap may be added over one that is being filled, and stays beside it.
    let mut at_most: BTreeMap<i64, i64> = BTreeMap::new();
    let mut clock = 1000;
    for (number, step) in steps.iter().enumerate() {
        clock += 1;
        let all = store.gaps(&GapFilter::default(), 1000).await.unwrap();
        let filling: Vec<_> = all.iter().filter(|gap| gap.state == GapState::Filling).collect();
        match step {
            Step::Add { from, length } => {
                store.add_gap(gap("r", *from, from + length)).await.unwrap();
                for second in *from..from + length {
                    needed.insert(second);
                    *at_most.entry(second).or_default() += 1;
                }
            }
            Step::Take => {
                let take = GapTake { now: at(clock), claim: MINUTE, limit: 1, rule_ids: Vec::new() };
                store.take_gaps(&take).await.unwrap();
            }
            Step::Fill { which, length } if !filling.is_empty() => {
                let gap = filling[which % filling.len()];
                let from = gap.filled_until.unwrap_or(gap.from);
                let until = at(second(from) + length);
                let mut run = commit(&lease, execution(&format!("e{number}"), "r", 0));
                run.gap_fill = Some(GapFill { gap_id: gap.id, filled_until: until });
                store.commit_execution(&run, at(clock)).await.unwrap();
                for covered in second(from)..second(until.min(gap.to)) {
                    needed.remove(&covered);
                    *at_most.entry(covered).or_default() -= 1;
                }
            }
            Step::GiveBack { which } if !filling.is_empty() => {
                store.release_gap(filling[which % filling.len()].id, None).await.unwrap();
            }
            _ => {}
        }
        let all = store.gaps(&GapFilter::default(), 1000).await.unwrap();
        let mut left: BTreeMap<i64, i64> = BTreeMap::new();
        for gap in all.iter().filter(|gap| gap.state != GapState::Filled) {
            for second in second(gap.filled_until.unwrap_or(gap.from))..second(gap.to) {
                *left.entry(second).or_default() += 1;
            }
        }
        assert!(needed.iter().all(|second| left.contains_key(second)), "after {step:?}: {all:?}");
        assert!(
            left.iter().all(|(second, times)| at_most.get(second) >= Some(times)),
            "after {step:?}: {all:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_forgotten(steps in proptest::collection::vec(step(), 1..30)) {
        crate::run(walk(steps));
    }
}
