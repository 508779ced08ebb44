//! Rules made ready to run, kept from one execution to the next: what is planned depends on the rules, not on the tick.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ecs::{Catalog, Timestamp};
use engine::Plan;
use rule::RuleLibrary;

use crate::rule_set::part_of;

/// Plans are kept for so many times the rules of the library: rules run in changing company.
const MOST_TIMES: usize = 4;

/// The plans of one library, by the rules that run together. Those not used for longest go first.
#[derive(Debug, Default)]
pub struct PlanCache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    library: Arc<RuleLibrary>,
    turn: u64,
    /// When last used, and the plan.
    plans: BTreeMap<Vec<String>, (u64, Arc<Plan<'static>>)>,
}

impl PlanCache {
    /// The plan of some rules of a library for a run that ends at `at`. Not to be called on a thread of an async runtime.
    pub fn plan(
        &self,
        library: &Arc<RuleLibrary>,
        rule_ids: Vec<String>,
        catalog: &Catalog,
        at: Timestamp,
    ) -> Arc<Plan<'static>> {
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if !Arc::ptr_eq(&kept.library, library) {
                *kept = Kept { library: Arc::clone(library), turn: 0, plans: BTreeMap::new() };
            }
            kept.turn += 1;
            let turn = kept.turn;
            if let Some((used, plan)) = kept.plans.get_mut(&rule_ids)
                && plan.holds_at(at)
            {
                *used = turn;
                return Arc::clone(plan);
            }
        }
        let wanted = |rule: &rule::Rule| rule_ids.binary_search(&rule.rule_id).is_ok();
        let plan = Arc::new(Plan::new(&part_of(library, wanted), catalog, at).into_owned());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&kept.library, library) && plan.holds_at(at) {
            let turn = kept.turn;
            kept.plans.insert(rule_ids, (turn, Arc::clone(&plan)));
            kept.forget_oldest(library.rules.len().saturating_mul(MOST_TIMES));
        }
        plan
    }
}

impl Kept {
    fn forget_oldest(&mut self, most: usize) {
        let mut rules: usize = self.plans.keys().map(Vec::len).sum();
        while rules > most && self.plans.len() > 1 {
            let oldest = self.plans.iter().min_by_key(|(_, (used, _))| *used).map(|(rules, _)| rules.clone());
            let Some(oldest) = oldest else { break };
            rules -= oldest.len();
            self.plans.remove(&oldest);
        }
    }
}
