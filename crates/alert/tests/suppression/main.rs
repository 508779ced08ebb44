//! What suppression makes of the candidates of a rule: tables, and laws that always hold.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests, which fail by panicking")]

mod alerts;
mod given;
mod laws;
mod runs;
