//! Hits become alerts: the alert document, its identity, its reason.
//!
//! ```text
//!   Hit ─┐
//!   Rule ┼─▶ build ─▶ BuildOutcome::Alert(Alert)      or SelfFeeding: the rule would feed on its own alert
//!   AlertContext ┘     │              or Group(AlertGroup): of a sequence or sample
//!                      ├─ source       the event's fields, as far as they comply with ECS (`compliance`); the rest are warnings
//!                      ├─ event_text   the same as bytes, for events that wait: alerts are written of them without a tree
//!                      ├─ ancestors    what the alert was made of, and how many generations lie behind it
//!                      ├─ overrides    severity, risk score and rule name that the event brings along
//!                      ├─ reason       one sentence: what happened, and which rule says so
//!                      ├─ rule_fields  kibana.alert.rule.*; most are the same for all alerts of a rule (`shared_fields`)
//!                      ├─ run_fields   when and where it was made; the same for all alerts of a run
//!                      ├─ own_fields   which alert it is, made of what
//!                      ├─ threat       the indicators that the event matches
//!                      ├─ threshold    the one event that stands for a group of events
//!                      ├─ esql         a row of a query: its event with the columns, or the group that it stands for
//!                      ├─ group        the building blocks of a sequence, and their shell
//!                      ├─ intersection what the events of a sequence have in common
//!                      └─ identity     the same evidence gives the same id, however often it is found
//!
//!   Hits of a rule with suppression ─▶ candidate ─▶ suppress ─▶ NewAlert ─▶ build_suppressed
//!                                        SuppressionState ┘└─▶ SuppressionUpdate of an alert that is there already
//! ```
//!
//! Invariant: nothing here reads a clock or does I/O. The same hit, rule and context give the same alert, byte for byte.
//! Invariant: an alert's id depends on rule, space, indices and documents only, so that finding an event again changes nothing.
//! Kibana's recipe for threshold rules adds the start of the run by the schedule, which a later run over the same past names again.

pub mod ancestors;
pub mod build;
pub mod candidate;
mod compliance;
pub mod context;
pub mod document;
mod esql;
mod event_text;
pub mod fields;
pub mod group;
pub mod hit;
pub mod identity;
mod intersection;
mod javascript_number;
pub mod object_hash;
pub mod overrides;
mod own_fields;
pub mod reason;
mod rule_fields;
mod run_fields;
mod shared_fields;
mod sorted_json;
pub mod source;
pub mod suppress;
mod threat;
pub mod threshold;

pub use build::{BuildOutcome, build, build_new_terms, build_owned, build_suppressed};
pub use candidate::{Candidate, Run, SuppressionTerm, candidate};
pub use compliance::RemovedValue;
pub use context::{AlertContext, ExecutionType};
pub use document::Alert;
pub use event_text::EventText;
pub use group::AlertGroup;
pub use hit::{
    EsqlGroupHit, EsqlRowHit, EventHit, Hit, IndicatorMatch, NewTermsHit, SequenceHit, ThreatHit,
    ThresholdHit, ThresholdTerm,
};
pub use identity::AlertUuid;
pub use rule_fields::AlertRule;
pub use suppress::{Suppressed, SuppressionPolicy, SuppressionState, suppress};
