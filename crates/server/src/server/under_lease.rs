//! Work under a lease, which is renewed beside the work for as long as that goes on.

use std::time::Duration;

use tokio::sync::watch;

/// Does some work; `renew` is called every so often until it is done, and a renewal that is under way then is waited for.
///
/// Both go on side by side. A renewal that the work had to wait for could wait for the work itself: for the turn to write to
/// the state, which the work may hold at that moment.
pub(super) async fn while_renewing<T, R: Future<Output = ()>>(
    work: impl Future<Output = T>,
    every: Duration,
    renew: impl Fn() -> R,
) -> T {
    let (done, mut is_done) = watch::channel(());
    let working = async {
        let result = work.await;
        drop(done);
        result
    };
    let renewing = async {
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => renew().await,
                // Nothing is ever sent: the sender is gone when the work is done.
                _ = is_done.changed() => return,
            }
        }
    };
    tokio::join!(working, renewing).0
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Mutex;
    use tokio::time::{sleep, timeout};

    use super::*;

    /// The state lets one write at a time: whoever holds the turn must be able to go on while another waits for it.
    #[tokio::test]
    async fn work_that_holds_what_a_renewal_waits_for_goes_on() {
        let (turn, renewed) = (Mutex::new(()), AtomicU32::new(0));
        let work = async {
            for _ in 0..4 {
                let _held = turn.lock().await;
                sleep(Duration::from_millis(30)).await;
            }
            "done"
        };
        let renew = || async {
            let _held = turn.lock().await;
            renewed.fetch_add(1, Ordering::Relaxed);
        };
        let done = while_renewing(work, Duration::from_millis(10), renew);
        assert_eq!(timeout(Duration::from_secs(10), done).await, Ok("done"));
        assert!(renewed.load(Ordering::Relaxed) > 0);
    }
}
