//! What can go wrong while a checked query runs.

/// A query that could be planned did not run.
#[derive(Debug, thiserror::Error)]
pub enum EsqlError {
    /// The engine under it gave up, for example because memory ran out.
    #[error("the query could not be run")]
    Run(#[source] datafusion::common::DataFusionError),
    /// The operating system refused what running needs.
    #[error("cannot start to run the query")]
    Start(#[source] std::io::Error),
}
