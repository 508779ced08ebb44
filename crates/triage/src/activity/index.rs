//! Which rows and acts are whose: made at the first question, and gone with the next batch.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::pieces::Pieces;
use super::reader::{AccessKey, Who};
use super::{KeptAct, Row};

/// Answers for an activity that stays as it is.
#[derive(Default)]
pub(super) struct Index {
    rows_of_principal: OnceLock<Grouped>,
    acts_of_principal: OnceLock<Grouped>,
    rows_of_call: OnceLock<Grouped>,
    /// The number of a principal by its session's access key.
    principal_of_key: OnceLock<HashMap<AccessKey<u32>, u32, foldhash::fast::FixedState>>,
    sorted_rows: Sorted<Row>,
    sorted_acts: Sorted<KeptAct>,
    sorted_calls: Sorted<Row>,
    /// What acts were about, by batch and place in it.
    targets: Mutex<Targets>,
}

type Targets = HashMap<(u32, u32), Option<Arc<str>>, foldhash::fast::FixedState>;

/// What was asked about, side by side and in order: it is gone through often.
#[derive(Debug)]
struct Sorted<T>(Mutex<HashMap<u32, Arc<[T]>, foldhash::fast::FixedState>>);

/// So many answers are kept; then it begins anew.
const MOST_SORTED: usize = 4_096;

impl Index {
    /// The rows of a principal, oldest first. `finish` may change them, the first time.
    pub(super) fn rows_of(
        &self,
        principal: u32,
        rows: &Pieces<Row>,
        finish: impl FnOnce(&mut [Row]),
    ) -> Arc<[Row]> {
        self.sorted_rows.get(principal, || {
            let grouped = self
                .rows_of_principal
                .get_or_init(|| Grouped::of(rows.len(), rows.iter().map(|row| row.principal)));
            let mut found: Vec<Row> = grouped.get(principal).filter_map(|at| rows.get(at).copied()).collect();
            // Those of one moment stay in the order in which they came.
            found.sort_by_key(|row| row.first);
            finish(&mut found);
            found
        })
    }

    /// The acts of a principal, oldest first.
    pub(super) fn acts_of(
        &self,
        principal: u32,
        acts: &Pieces<KeptAct>,
        principal_of: impl Fn(u32) -> u32,
    ) -> Arc<[KeptAct]> {
        self.sorted_acts.get(principal, || {
            let grouped = self
                .acts_of_principal
                .get_or_init(|| Grouped::of(acts.len(), acts.iter().map(|act| principal_of(act.who))));
            let mut found: Vec<KeptAct> =
                grouped.get(principal).filter_map(|at| acts.get(at).copied()).collect();
            found.sort_by_key(|act| (act.time, act.place, act.offset));
            found
        })
    }

    /// Whose access key it is; of several the first by name.
    pub(super) fn principal_of_key<'t>(
        &self,
        key: AccessKey<u32>,
        whos: &Pieces<Who>,
        text: impl Fn(u32) -> &'t str,
    ) -> Option<u32> {
        let principals = self.principal_of_key.get_or_init(|| {
            let mut principals = HashMap::default();
            for who in whos.iter() {
                let known = principals.entry(who.access_key).or_insert(who.principal);
                if *known != who.principal && text(who.principal) < text(*known) {
                    *known = who.principal;
                }
            }
            principals
        });
        principals.get(&key).copied()
    }

    /// What an act was about; read at the first question.
    pub(super) fn target(
        &self,
        place: (u32, u32),
        read: impl FnOnce() -> Option<String>,
    ) -> Option<Arc<str>> {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        targets.entry(place).or_insert_with(|| read().map(Arc::from)).clone()
    }

    /// The rows of a call, oldest first.
    pub(super) fn rows_of_call(&self, call: u32, rows: &Pieces<Row>) -> Arc<[Row]> {
        self.sorted_calls.get(call, || {
            let grouped =
                self.rows_of_call.get_or_init(|| Grouped::of(rows.len(), rows.iter().map(|row| row.call)));
            let mut found: Vec<Row> = grouped.get(call).filter_map(|at| rows.get(at).copied()).collect();
            found.sort_by_key(|row| row.first);
            found
        })
    }
}

/// It holds nothing that the activity does not say.
impl fmt::Debug for Index {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Index").finish_non_exhaustive()
    }
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Sorted<T> {
    fn get(&self, number: u32, make: impl FnOnce() -> Vec<T>) -> Arc<[T]> {
        let mut sorted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sorted.get(&number) {
            return Arc::clone(known);
        }
        let found: Arc<[T]> = make().into();
        if sorted.len() >= MOST_SORTED {
            sorted.clear();
        }
        sorted.insert(number, Arc::clone(&found));
        found
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
    fn of(many: usize, numbers: impl Iterator<Item = u32>) -> Self {
        let mut all = Vec::with_capacity(many);
        all.extend(numbers);
        let most = all.iter().map(|number| *number as usize + 1).max().unwrap_or(0);
        let mut starts = vec![0_u32; most + 1];
        for number in &all {
            if let Some(count) = starts.get_mut(*number as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut positions = vec![0_u32; all.len()];
        for (at, number) in (0_u32..).zip(&all) {
            if let Some(next) = next.get_mut(*number as usize) {
                if let Some(position) = positions.get_mut(*next as usize) {
                    *position = at;
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
        let grouped = Grouped::of(numbers.len(), numbers.into_iter());
        let all: Vec<Vec<usize>> = (0..8).map(|number| grouped.get(number).collect()).collect();
        assert_eq!(all, [vec![1, 4], vec![], vec![0, 2], vec![], vec![], vec![3], vec![], vec![]]);
        assert_eq!(Grouped::of(0, [].into_iter()).get(0).count(), 0);
    }
}
