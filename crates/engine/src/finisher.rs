//! What is done with the events that pass a rule's filters.

use matcher::JoinKey;
use query::eql::ast::Pipe;

use crate::event_order::EventOrder;
use crate::sample::SamplePlan;
use crate::sequence::{Role, SequencePlan};

/// What is done with the events that pass a rule's filters.
#[derive(Debug)]
pub enum Finisher {
    /// Each of them is a hit, at once.
    EachEvent,
    /// They wait until all events have been seen, since their order matters.
    InOrder(Box<InOrder>),
}

/// How the events of a rule are put in order, and what is made of them then.
#[derive(Debug)]
pub struct InOrder {
    /// What comes before what.
    pub order: EventOrder,
    /// What a hit is made of.
    pub join: Join,
    /// One for each filter of the rule.
    pub parts: Vec<Part>,
    /// What is kept of the hits, in ascending order.
    pub pipes: Vec<Pipe>,
}

/// What a hit is made of.
#[derive(Debug)]
pub enum Join {
    /// One event.
    Events,
    /// Events in order.
    Sequence(SequencePlan),
    /// Events that share keys.
    Sample(SamplePlan),
}

/// What an event is to its rule when it passes a filter.
#[derive(Debug)]
pub struct Part {
    /// Several for a stage that repeats; none for single events.
    pub roles: Vec<Role>,
    /// What it has to have in common with the other events.
    pub keys: Vec<JoinKey>,
}
