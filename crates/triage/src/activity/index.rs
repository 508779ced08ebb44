//! Which rows and acts are whose: made at the first question, and gone with the next batch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{KeptAct, Row};

/// Answers for an activity that stays as it is.
#[derive(Debug, Default)]
pub(super) struct Index {
    rows_of_principal: OnceLock<Grouped>,
    acts_of_principal: OnceLock<Grouped>,
    rows_of_action: OnceLock<Grouped>,
    /// The rows of principals that were asked about, side by side and in order: they are gone through often.
    sorted: Mutex<HashMap<u32, Arc<[Row]>, foldhash::fast::FixedState>>,
}

/// The rows of so many principals are kept sorted; then it begins anew.
const MOST_SORTED: usize = 4_096;

impl Index {
    /// The rows of a principal, oldest first.
    pub(super) fn rows_of(&self, principal: u32, rows: &[Row]) -> Arc<[Row]> {
        let mut sorted = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sorted.get(&principal) {
            return Arc::clone(known);
        }
        let grouped = self
            .rows_of_principal
            .get_or_init(|| Grouped::of(rows.len(), |at| rows.get(at).map_or(0, |row| row.principal)));
        let mut found: Vec<Row> = grouped.get(principal).filter_map(|at| rows.get(at).copied()).collect();
        // Those of one moment stay in the order in which they came.
        found.sort_by_key(|row| row.first);
        let found: Arc<[Row]> = found.into();
        if sorted.len() >= MOST_SORTED {
            sorted.clear();
        }
        sorted.insert(principal, Arc::clone(&found));
        found
    }

    /// The acts of a principal, in the order in which they came.
    pub(super) fn acts_of<'a>(
        &'a self,
        principal: u32,
        acts: &'a [KeptAct],
        principal_of: impl Fn(u32) -> u32,
    ) -> impl Iterator<Item = &'a KeptAct> {
        let grouped = self.acts_of_principal.get_or_init(|| {
            Grouped::of(acts.len(), |at| acts.get(at).map_or(0, |act| principal_of(act.who)))
        });
        grouped.get(principal).filter_map(|at| acts.get(at))
    }

    /// The rows of an action, in the order in which they came. `action_of` is the action of a call.
    pub(super) fn rows_of_action<'a>(
        &'a self,
        action: u32,
        rows: &'a [Row],
        action_of: impl Fn(u32) -> u32,
    ) -> impl Iterator<Item = &'a Row> {
        let grouped = self
            .rows_of_action
            .get_or_init(|| Grouped::of(rows.len(), |at| rows.get(at).map_or(0, |row| action_of(row.call))));
        grouped.get(action).filter_map(|at| rows.get(at))
    }
}

/// Positions by a small number.
#[derive(Debug, Default)]
struct Grouped {
    /// Where those of each number begin, and where the last ones end.
    starts: Vec<u32>,
    positions: Vec<u32>,
}

impl Grouped {
    fn of(many: usize, number_of: impl Fn(usize) -> u32) -> Self {
        let most = (0..many).map(|at| number_of(at) as usize + 1).max().unwrap_or(0);
        let mut starts = vec![0_u32; most + 1];
        for at in 0..many {
            if let Some(count) = starts.get_mut(number_of(at) as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut positions = vec![0_u32; many];
        for at in 0..many {
            if let Some(next) = next.get_mut(number_of(at) as usize) {
                if let Some(position) = positions.get_mut(*next as usize) {
                    *position = u32::try_from(at).unwrap_or(u32::MAX);
                }
                *next += 1;
            }
        }
        Self { starts, positions }
    }

    fn get(&self, number: u32) -> impl Iterator<Item = usize> {
        let at = |number: usize| self.starts.get(number).map(|start| *start as usize);
        let range = at(number as usize).zip(at(number as usize + 1)).map_or(0..0, |(from, to)| from..to);
        self.positions.get(range).unwrap_or_default().iter().map(|position| *position as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_each_number_in_order() {
        let numbers = [2_u32, 0, 2, 5, 0];
        let grouped = Grouped::of(numbers.len(), |at| numbers[at]);
        let all: Vec<Vec<usize>> = (0..8).map(|number| grouped.get(number).collect()).collect();
        assert_eq!(all, [vec![1, 4], vec![], vec![0, 2], vec![], vec![], vec![3], vec![], vec![]]);
        assert_eq!(Grouped::of(0, |_| 0).get(0).count(), 0);
    }
}
