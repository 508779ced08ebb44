//! Everything that runs for long: sources feed the lake, rules run on their schedule, alerts become messages, the API.
//!
//! ```text
//!   sources ──▶ intake ──▶ lake (fsync) ──▶ source told: done
//!                            │ documents of a range
//!   rules folder ──▶ rule set ──▶ scheduler ──▶ execution ──▶ one commit: alerts, cursor, gaps, notifications ──▶ state
//!                                                                                       │
//!   API ──▶ control, state, lake                                  courier ◀── outbox ◀──┘
//!    └───▶ responder ──▶ KMS, after two people have agreed
//! ```
//!
//! Invariant: nothing is told to be done before it is durable: events before their source hears of it, alerts together
//! with the cursor that says their window was searched.
//! Invariant: only [`clock`] reads the time; everything else is given it.

pub mod actions;
pub mod api;
pub mod bucket;
pub mod clock;
pub mod control;
pub mod courier;
pub mod error;
mod guide_queries;
pub mod intake;
pub mod investigation;
pub mod kept_evidence;
mod lake_event;
pub mod log;
pub mod plan_cache;
pub mod responder;
pub mod rule_histories;
pub mod rule_set;
pub mod run;
pub mod scheduler;
pub mod server;
pub mod settings;

pub use clock::{Clock, SystemClock};
pub use control::Control;
pub use error::ServerError;
pub use server::Server;
