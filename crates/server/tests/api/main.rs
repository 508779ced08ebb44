//! Tests of the REST API over a state in memory and running parts that only note what they are asked.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod document;
mod events_in;
mod nonsense;
mod requests;
mod responses;
mod roles;
mod schemathesis;
mod world;
