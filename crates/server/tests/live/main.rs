//! A server with a clock that the test sets: days pass at once.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod as_hunt;
mod founding;
mod guides;
mod histories;
mod limits;
mod notifications;
mod responses;
mod rules;
mod scene;
