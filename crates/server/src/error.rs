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
    /// A guard of a response refused the step.
    #[error(transparent)]
    Response(#[from] respond::RespondError),
    /// Whoever asks may not do this, or nobody may here; the text says why.
    #[error("{0}")]
    NotAllowed(String),
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
    /// This node takes nothing in: it is starting or stopping, or another node is the active one.
    #[error("this node is not the active one; try again")]
    Stopping,
}
