//! Raw logs become events: sources, decoders, integrations, the ledger.
//!
//! ```text
//!   source ──▶ bytes ──decode──▶ RawRecord ──integration──▶ ECS document ──enrich──▶ event
//!                 │        │          └──── SeenEvents: delivered before? ──┐
//!              skipped   fault ──▶ DeadLetter                               │
//!                 └────────┴──────────────────▶ Ledger ◀────────────────────┘
//! ```
//!
//! [`events_of`] does all of it for one input; [`source::LiveSource`] is where inputs come from that never end.
//! [`digest`] tells whether files are as CloudTrail delivered them.
//!
//! Invariant: nothing is lost in silence. Every input ends in the [`Ledger`] as read, partly read or skipped with a
//! reason, and records in = events + duplicates + drops.
//! Invariant: bad input is data, not an error. Nothing here panics on any bytes, and every cost has a cap that is
//! reported when it is reached.

pub mod dead_letter;
pub mod decode;
pub mod digest;
pub mod duplicate;
pub mod enrich;
pub mod error;
pub mod events;
pub mod integration;
pub mod ledger;
pub mod source;

pub use dead_letter::DeadLetter;
pub use decode::{Buffers, Decoded, Fault, FaultReason, Item, Limits, RawRecord, RecordKind, decode};
pub use duplicate::{EventKey, SeenEvents};
pub use error::IngestError;
pub use events::{DecodedEvent, DecodedInput, EventContext, events_of};
pub use ledger::{DropReason, InputAccount, Ledger};
