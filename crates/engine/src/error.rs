//! What stops a hunt as a whole. What stops one rule or one file is an outcome instead.

/// A hunt that cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Alerts can no longer be handed over.
    #[error("writing an alert")]
    Sink(#[source] std::io::Error),
    /// The events of an execution can no longer be had.
    #[error("reading the events of an execution")]
    Events(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What could not be read can no longer be kept.
    #[error("keeping what could not be read")]
    DeadLetter(#[source] ingest::error::IngestError),
    /// A thread of the hunt ended before its work was done.
    #[error("a worker ended early while reading {input}; this is a defect of the program, not of the input")]
    Worker {
        /// The input that it had in hand.
        input: String,
    },
    /// Events that rules wait for can no longer be kept or had again.
    #[error("keeping events for rules over several events")]
    HeldEvents(#[source] std::io::Error),
    /// More events are kept for rules over several events than can be numbered.
    #[error("rules over several events wait for more than 4,294,967,295 events; hunt over a shorter range")]
    TooManyEvents,
    /// Whoever asked for the execution no longer wants it.
    #[error("the execution was stopped")]
    Stopped,
}
