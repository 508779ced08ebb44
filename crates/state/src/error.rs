//! What can go wrong with the state.

use jiff::Timestamp;

/// Why the store did not do what it was asked for. Nothing of a refused change is kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The back end failed or cannot be reached.
    #[error("the state's database failed")]
    Database(#[source] sqlx::Error),
    /// The database cannot be opened at the place given. The place is not repeated: it may hold a password.
    #[error("the state's database cannot be opened: {reason}")]
    Open {
        /// What is wrong.
        reason: String,
    },
    /// A newer Bartizan has written this database.
    #[error(
        "the state has schema version {found}, this Bartizan knows versions up to {known}: use the newer Bartizan"
    )]
    NewerSchema {
        /// Of the database.
        found: i64,
        /// The newest that this code can read.
        known: i64,
    },
    /// There is no such thing.
    #[error("no {kind} `{id}`")]
    NotFound {
        /// What was looked for, for example `rule`.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// Somebody else changed it in the meantime.
    #[error("{kind} `{id}` has revision {found}, not {expected}: it was changed in the meantime")]
    RevisionConflict {
        /// What was to be changed.
        kind: &'static str,
        /// Its id.
        id: String,
        /// The revision that the caller had seen.
        expected: i64,
        /// The revision now; 0 when it does not exist.
        found: i64,
    },
    /// It cannot be deleted while something else needs it.
    #[error("{kind} `{id}` is still used by {by}")]
    InUse {
        /// What was to be deleted.
        kind: &'static str,
        /// Its id.
        id: String,
        /// Who needs it.
        by: String,
    },
    /// Another holder has taken the lease, or it was released: what was to be written is refused, and no harm is done.
    #[error("the lease `{name}` is no longer held with token {token}")]
    LeaseLost {
        /// The lease.
        name: String,
        /// The token that the writer showed.
        token: i64,
    },
    /// A rule's cursor is not where the writer thought.
    #[error("the cursor of rule `{rule_id}` is at {}, not at {}", shown(found), shown(expected))]
    CursorConflict {
        /// The rule.
        rule_id: String,
        /// Where the writer thought it was.
        expected: Option<Timestamp>,
        /// Where it is.
        found: Option<Timestamp>,
    },
    /// An execution with this id was committed before, over another rule or window.
    #[error("execution `{id}` was committed before with another rule, kind or window")]
    ExecutionConflict {
        /// The execution.
        id: String,
    },
    /// A value that cannot be kept.
    #[error("{what}: {reason}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The database holds something that this code cannot have written.
    #[error("the state holds an unreadable {what}: {reason}")]
    Corrupt {
        /// Which value.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A dump can only be read into an empty state.
    #[error("the state is not empty: {table} has rows")]
    NotEmpty {
        /// A table with rows.
        table: &'static str,
    },
    /// A dump cannot be read back.
    #[error("line {line} of the dump: {reason}")]
    Dump {
        /// From 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A file or stream could not be read or written.
    #[error("{action}")]
    File {
        /// What was tried.
        action: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl From<sqlx::Error> for StateError {
    fn from(source: sqlx::Error) -> Self {
        Self::Database(source)
    }
}

impl StateError {
    pub(crate) fn not_found(kind: &'static str, id: &str) -> Self {
        Self::NotFound { kind, id: id.to_owned() }
    }

    pub(crate) fn corrupt(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Corrupt { what: what.into(), reason: reason.to_string() }
    }
}

fn shown(at: &Option<Timestamp>) -> String {
    at.map_or_else(|| "no time".to_owned(), |at| at.to_string())
}
