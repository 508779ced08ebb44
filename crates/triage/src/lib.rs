//! Questions about an alert, answered from the logs with evidence, or with the reason why not.
//!
//! ```text
//!  raw record, or ECS document ─▶ Event ─┬─▶ kms: every key: its states, uses, grants, dependents
//!                        (or a quick Act)└─▶ activity: every principal: what it does, from where, when
//!                                               │
//!  alert, its rule's guide ───────────────▶ investigate ──▶ TriageReport: answers, findings, verdict, response plan
//! ```
//!
//! Invariant: nothing here reads a clock or does I/O. The same evidence gives the same report.
//! Invariant: a question of a guide ends in an answer with evidence, or in the reason for none; never in silence.

pub mod act;
pub mod activity;
pub mod actor;
pub mod answer;
pub mod asked_queries;
pub mod event;
pub mod evidence;
mod findings;
pub mod gravity;
pub mod identity;
pub mod investigate;
pub mod investigate_query;
pub mod investigator;
mod key_policy;
pub mod kms;
mod named;
mod names_in_text;
pub mod place;
pub mod question;
pub mod report;
pub mod response;
pub mod sessions;
pub mod side_by_side;
pub mod surroundings;
pub mod verdict;
