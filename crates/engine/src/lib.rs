//! Runs rules over events: the shared scan and the detect pipeline.
//!
//! ```text
//!   rules ──plan──▶ filters, a rule's or a stage's ──▶ SharedScan ◀── raw records (ingest)
//!                                                          │ events that pass
//!                            at once, or in order at the end: hits ──detect──▶ alerts ──▶ AlertSink
//!                                                                      ledger, rule outcomes
//! ```
//!
//! Start at [`hunt::hunt`]. Each raw byte is read once, whatever the number of rules.
//!
//! Invariant: finds hits, and makes no sentence of them; what an alert says is the business of `alert`.
//! Invariant: never prints, reads no clock and no environment.

pub mod detect;
pub mod error;
pub mod event_order;
pub mod event_time;
pub mod execute;
pub mod finisher;
pub mod held_events;
pub mod hunt;
pub mod index_selection;
pub mod indicators;
pub mod kept_history;
mod key_table;
pub mod late_events;
pub mod name_table;
pub mod new_terms;
mod offered_event;
pub mod outcome;
pub mod plan;
pub mod read_input;
mod rule_type;
pub mod sample;
pub mod sequence;
pub mod shared_scan;
mod sightings;
pub mod threat_match;
pub mod threshold;
mod waiting_events;
mod waiting_groups;
mod waiting_rows;
mod waiting_terms;
mod waiting_threats;
pub mod window_walk;
pub mod windows;

pub use detect::bounds::Bounds;
pub use detect::{AlertSink, ChangedAlert, Detection};
pub use error::EngineError;
pub use execute::{ExecuteOptions, Executed, MadeEvent, Part, execute_together, needed_range};
pub use hunt::{HuntEvent, HuntOptions, HuntOutput, HuntSummary, hunt};
pub use indicators::{IndicatorAccount, IndicatorFile};
pub use kept_history::{ClosedAlerts, KeepHistory, KeptHistories, KeptHistory, ReadHistory};
pub use late_events::LateEvents;
pub use offered_event::{KnownFields, OfferedEvent};
pub use outcome::{NotRunReason, RuleOutcome, RuleStatus};
pub use plan::{Plan, PlannedRule};
pub use read_input::HuntInput;
pub use shared_scan::{ScanSettings, SharedScan};
pub use windows::Windows;
