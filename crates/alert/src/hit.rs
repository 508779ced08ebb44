//! What a rule found, before it is an alert.

use ecs::Document;

/// What a rule found. Every kind of evidence is a variant; matches name them all, so that a new kind shows where it matters.
#[derive(Debug, Clone, PartialEq)]
pub enum Hit {
    /// One event.
    Event(EventHit),
    /// The events of a sequence or sample.
    Sequence(SequenceHit),
}

/// One event that a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct EventHit {
    /// The event; or an alert, for a rule that reads alerts.
    pub document: Document,
    /// The event's id within its index (`_id` in Elasticsearch).
    pub id: String,
    /// Where the event lies: the name of its data stream, for example `logs-aws.cloudtrail-default`.
    ///
    /// Elasticsearch would give the backing index here. That name changes with every rollover, and with it would
    /// the id of the alert.
    pub index: String,
}

/// The events that a rule found as one sequence or sample.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceHit {
    /// The events that are there, in the order of the rule's stages; a stage that asks for a missing event has none.
    ///
    /// At least one. Of none, [`build`](crate::build()) makes a shell without blocks.
    pub events: Vec<EventHit>,
}
