//! What can go wrong in a server.

/// Why something that was asked of the server did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// What was asked for makes no sense; the text says what to change.
    #[error("{0}")]
    BadRequest(String),
    /// There is no such thing.
    #[error("no {kind} `{id}`")]
    NotFound {
        /// What was looked for, for example `rule`.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// The state failed or refused.
    #[error(transparent)]
    State(#[from] state::StateError),
    /// The lake failed or refused.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// The rules could not be run.
    #[error(transparent)]
    Engine(#[from] engine::EngineError),
    /// A source failed.
    #[error(transparent)]
    Ingest(#[from] ingest::IngestError),
    /// A file or socket failed.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A run ended before its work was done; a defect of the program.
    #[error("a run ended early: {0}")]
    Defect(String),
    /// A part of the server has ended, so that it can no longer be asked.
    #[error("the server is stopping")]
    Stopping,
}
