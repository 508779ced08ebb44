//! What rules have seen up to their last run, kept in memory so that the next run does not read it from the lake again.
//!
//! It is of use to the run that begins where the last one ended, by the same rule with the same exceptions. Whatever else
//! comes up (a start, a failed run, a gap, another version of the rule) is answered by reading the history again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ecs::Timestamp;
use engine::{KeptHistories, KeptHistory};
use rule::RuleLibrary;

/// What the rules of one library have seen.
#[derive(Debug, Default)]
pub struct RuleHistories {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    library: Arc<RuleLibrary>,
    /// By rule id: up to when, and what.
    histories: BTreeMap<String, (Timestamp, KeptHistory)>,
}

impl RuleHistories {
    /// Takes out what some rules have seen up to `from`; what they have seen up to some other time is dropped.
    pub fn take(&self, library: &Arc<RuleLibrary>, rule_ids: &[String], from: Timestamp) -> KeptHistories {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.follow(library);
        let taken = rule_ids.iter().filter_map(|rule_id| known.histories.remove_entry(rule_id));
        let of_run = taken.filter(|(_, (until, _))| *until == from);
        of_run.map(|(rule_id, (_, history))| (rule_id, history)).collect()
    }

    /// Keeps what rules have seen up to `until`. When all of it comes to more than `most` values, events and alerts, those
    /// with the most are dropped: these rules read their history again.
    pub fn keep(&self, library: &Arc<RuleLibrary>, until: Timestamp, histories: KeptHistories, most: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.follow(library);
        let kept = histories.into_iter().map(|(rule_id, history)| (rule_id, (until, history)));
        known.histories.extend(kept);
        while known.len() > most {
            let largest = known.histories.iter().max_by_key(|(_, (_, history))| history.len());
            let Some(largest) = largest.map(|(rule_id, _)| rule_id.clone()) else { break };
            known.histories.remove(&largest);
        }
    }

    /// How many values, events and alerts are kept.
    pub fn len(&self) -> u64 {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// True when nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Known {
    fn len(&self) -> u64 {
        self.histories.values().map(|(_, history)| history.len()).sum()
    }

    /// What was seen by rules that are not the same in another library is dropped; when its lists are others, all of it.
    fn follow(&mut self, library: &Arc<RuleLibrary>) {
        if Arc::ptr_eq(&self.library, library) {
            return;
        }
        let before = std::mem::replace(&mut self.library, Arc::clone(library));
        let same_lists = before.exception_lists == library.exception_lists
            && before.exception_items == library.exception_items
            && before.value_lists == library.value_lists;
        self.histories.retain(|rule_id, _| {
            let (before, now) = (before.rule(rule_id), library.rule(rule_id));
            same_lists && before.is_some() && before == now
        });
    }
}
