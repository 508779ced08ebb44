//! One file per rule type: what it looks for in an event, and what is done with the events that pass.

pub(crate) mod eql;
pub(crate) mod query;
