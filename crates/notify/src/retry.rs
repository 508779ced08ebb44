//! When to try again: longer and longer waits, spread by chance, and an end.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How often and how long a message is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait after the first failure.
    pub first: Duration,
    /// No wait is longer, unless the other side asks for it.
    pub longest: Duration,
    /// After so many attempts the message is a dead letter.
    pub attempts: u32,
}

impl Default for RetryPolicy {
    /// 5 s, 10 s, 20 s … up to 15 minutes; 50 attempts, which is half a day.
    fn default() -> Self {
        Self { first: Duration::from_secs(5), longest: Duration::from_secs(15 * 60), attempts: 50 }
    }
}

/// What the other side asks for is heeded up to here.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

impl RetryPolicy {
    /// When to try again after `attempts` failures, the last of them at `now`; `None` when that is enough.
    ///
    /// The wait doubles with each failure. Chance, which is `seed`, takes away up to half of it, so that many messages do not
    /// come back at once; but it is never shorter than the other side asked for. The same arguments give the same time.
    pub fn next_attempt(
        &self,
        attempts: u32,
        retry_after: Option<Duration>,
        now: Timestamp,
        seed: u64,
    ) -> Option<Timestamp> {
        if attempts >= self.attempts {
            return None;
        }
        let doubled =
            self.first.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
        let wait = doubled.min(self.longest);
        let chance = (mixed(seed ^ u64::from(attempts)) >> 11) as f64 / (1_u64 << 53) as f64;
        let wait = wait.mul_f64(0.5 + chance / 2.0);
        let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        // Spread here too: everybody was asked to wait for the same time.
        let asked = asked + wait.min(asked / 10);
        let wait = SignedDuration::try_from(wait.max(asked)).ok()?;
        now.checked_add(wait).ok()
    }
}

/// splitmix64: near seeds give far numbers. Source: <https://prng.di.unimi.it/splitmix64.c>
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_lie_between_their_bounds_and_end(
            attempts in 1_u32..100, asked in proptest::option::of(0_u64..200_000), seed: u64, now in 0_i64..4_000_000_000,
        ) {
            let policy = RetryPolicy::default();
            let now = Timestamp::from_second(now).unwrap();
            let asked = asked.map(Duration::from_secs);
            match policy.next_attempt(attempts, asked, now, seed) {
                None => prop_assert!(attempts >= policy.attempts),
                Some(at) => {
                    prop_assert!(attempts < policy.attempts);
                    let wait = Duration::try_from(at.duration_since(now)).unwrap();
                    let full = policy.first.saturating_mul(1 << (attempts - 1).min(20)).min(policy.longest);
                    prop_assert!(wait >= full.mul_f64(0.499));
                    prop_assert!(wait >= asked.unwrap_or_default().min(LONGEST_RETRY_AFTER));
                    prop_assert!(wait <= full.max(asked.unwrap_or_default().mul_f64(1.11)));
                    prop_assert_eq!(policy.next_attempt(attempts, asked, now, seed), Some(at));
                }
            }
        }
    }

    #[test]
    fn chance_spreads_the_waits() {
        let now = Timestamp::UNIX_EPOCH;
        let times: std::collections::BTreeSet<_> =
            (0..100).filter_map(|seed| RetryPolicy::default().next_attempt(8, None, now, seed)).collect();
        assert!(times.len() > 90);
    }
}
