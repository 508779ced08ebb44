//! The same done to many things by several threads at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What comes of each thing, in their order. With one thread, or one thing, nobody else is at work.
///
/// # Panics
/// When `make` does.
pub fn side_by_side<T: Sync, U: Send>(things: &[T], threads: usize, make: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(at) else { return made };
            made.push((at, make(thing)));
        }
    };
    let others = threads.min(things.len()).saturating_sub(1);
    let mut made = std::thread::scope(|scope| {
        let others: Vec<_> = (0..others).map(|_| scope.spawn(work)).collect();
        let mut made = work();
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    });
    made.sort_unstable_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_done_in_order_by_any_number_of_threads() {
        let things: Vec<u32> = (0..1_000).collect();
        let expected: Vec<u32> = things.iter().map(|thing| thing * 2).collect();
        for threads in [0, 1, 2, 7, 2_000] {
            assert_eq!(side_by_side(&things, threads, |thing| thing * 2), expected, "{threads}");
        }
        assert!(side_by_side(&[], 4, |thing: &u32| *thing).is_empty());
    }
}
