//! What the logs say of KMS keys: which key an event is about, its states, clocks, uses and dependents.

mod alias;
pub mod blast_radius;
pub mod clock;
pub mod coverage;
pub mod declared;
mod encryption_context;
mod event_uuid;
pub mod key_history;
pub mod key_id;
pub mod key_report;
pub mod key_use;
mod lifecycle;
pub(crate) mod record_member;
pub mod reimport;
pub(crate) mod sighting;
pub mod sorted_keys;
pub mod state;
mod state_machine;
mod status;
mod use_facts;
mod use_groups;
mod written_date;
pub mod written_uses;
