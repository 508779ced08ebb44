//! What the logs say of KMS keys: which key an event is about, its states, clocks, uses and dependents.

pub mod blast_radius;
pub mod clock;
pub mod key_report;
pub mod reimport;
pub mod state;
