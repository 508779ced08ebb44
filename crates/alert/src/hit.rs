//! What a rule found, before it is an alert.

use ecs::{Document, Timestamp};
use serde_json::Value;

/// What a rule found. Every kind of evidence is a variant; matches name them all, so that a new kind shows where it matters.
#[derive(Debug, Clone, PartialEq)]
pub enum Hit {
    /// One event.
    Event(EventHit),
    /// The events of a sequence or sample.
    Sequence(SequenceHit),
    /// The oldest event with values that were not there before.
    NewTerms(NewTermsHit),
    /// A group of events that is large enough.
    Threshold(ThresholdHit),
    /// One event, and the indicators that it matches.
    Threat(ThreatHit),
    /// A row of a query that stands for one event.
    EsqlRow(EsqlRowHit),
    /// A row of a query that stands for a group of events.
    EsqlGroup(EsqlGroupHit),
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

/// What a new terms rule found: values that were not there before, and the oldest event that has them.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTermsHit {
    /// The oldest event with these values. One event can have several new combinations; each is a hit of its own.
    pub event: EventHit,
    /// The new values, one for each of the rule's fields, in the order in which the rule names them.
    ///
    /// Their JSON types count for the alert's id: `42` is not `"42"`.
    pub values: Vec<Value>,
}

/// What a threshold rule found: a group of events that is large enough.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdHit {
    /// What the events of the group have in common, in the order in which the rule names the fields; empty for the one
    /// group of a rule without group fields.
    pub terms: Vec<ThresholdTerm>,
    /// How many events there are, without those of earlier alerts about the group.
    pub count: u64,
    /// The time of the oldest event; for a group without fields Kibana may have the start of the window here.
    pub first: Timestamp,
    /// The time of the newest event, which is the alert's `kibana.alert.original_time`.
    pub last: Timestamp,
    /// How many different values the events have, where the rule asks for a number: field and count. Empty when it does
    /// not ask.
    pub cardinality: Vec<(String, u64)>,
    /// When the run started, or would have started by the schedule. It counts for the alert's id, so that a later run
    /// over the same past must name the same instant.
    pub started_at: Timestamp,
    /// The rule's index patterns, joined by `,`. It counts for the alert's id.
    pub index: String,
    /// Ids of events of the group, for people; the alert has the first [`MAX_EVIDENCE`](crate::threshold::MAX_EVIDENCE).
    pub event_ids: Vec<String>,
}

/// A field of a group, and the value that all events of the group have there.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdTerm {
    /// The field.
    pub field: String,
    /// A text, number or boolean.
    pub value: Value,
}

/// What an indicator match rule found: an event that matches indicators.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreatHit {
    /// The event.
    pub event: EventHit,
    /// Which indicators it matches, and by which of its fields. At least one.
    pub matches: Vec<IndicatorMatch>,
}

/// An indicator that an event matches by one of its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorMatch {
    /// The whole indicator, with its id and where it lies.
    pub indicator: EventHit,
    /// The event's field.
    pub field: String,
    /// The event's value in that field, the one that matches. (Kibana has all values of the field here.)
    pub atomic: Value,
}

/// What an ES|QL rule found: an event, and what the query computed from it.
#[derive(Debug, Clone, PartialEq)]
pub struct EsqlRowHit {
    /// The event.
    pub event: EventHit,
    /// Columns that are no fields of the event, or changed ones, with their values; none is null.
    pub columns: Vec<(String, Value)>,
    /// What tells the row from others about the same event, for example a value of a field that was expanded. It counts
    /// for the alert's id.
    pub identity: Vec<Value>,
}

/// What an ES|QL rule found: a row that its query made of several events.
#[derive(Debug, Clone, PartialEq)]
pub struct EsqlGroupHit {
    /// The columns of the row with their values, in the order of the query; none is null.
    pub columns: Vec<(String, Value)>,
    /// What tells the row from others: the values by which the events were grouped, in the order of the query. They count
    /// for the alert's id.
    pub identity: Vec<Value>,
    /// Tells rows apart that are equal in everything else, from 0. It counts for the alert's id.
    pub ordinal: u64,
    /// The span of the schedule in which the newest event lies, by its start. It counts for the alert's id: looked at
    /// again without a newer event, the group is the same alert.
    pub tile: Timestamp,
    /// The oldest events of the group, in order; the alert names the first [`MAX_EVIDENCE`](crate::threshold::MAX_EVIDENCE).
    pub events: Vec<EventHit>,
    /// How many events the group has.
    pub count: u64,
    /// The time of the newest event; `None` when none has a time.
    pub last: Option<Timestamp>,
}
