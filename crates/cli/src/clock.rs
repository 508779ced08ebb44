//! The clock of the binary: the only place that asks what time it is.

use ecs::Timestamp;

/// The current time, or the one that the user gave in its stead.
#[expect(
    clippy::disallowed_methods,
    reason = "the binary owns the clock; everything below takes time as a parameter"
)]
pub(crate) fn now(given: Option<Timestamp>) -> Timestamp {
    given.unwrap_or_else(Timestamp::now)
}
