//! An investigation as one offline file, and as a bundle of evidence.
//!
//! ```text
//!  HuntReport: coverage, rules, findings ─┬─▶ html::page   one file: no requests, hostile text stays text
//!  (the caller fills it)                  └─▶ case::write_case   alerts, timeline, raw records, OCSF, manifest
//! ```
//!
//! Invariant: the same input gives the same bytes; nothing here reads a clock.
//! Invariant: what is folded or left out is counted, and the place where the rest is, is named.
//! Invariant: text from logs is never markup, script, style, address or file name.

mod attack_coverage;
pub mod case;
mod coverage;
mod error;
mod finding;
pub mod html;
mod hunt_report;
mod rule_line;
mod time;
mod visible;

pub use coverage::{
    Count, Coverage, DeadLetter, DigestCheck, DigestVerdict, HourRow, Hours, InputLine, InputOutcome,
};
pub use error::CaseError;
pub use finding::{AlertField, Finding, Investigation};
pub use hunt_report::{HuntReport, Version};
pub use rule_line::{RuleLine, RuleStatus};
