//! Why a query has no meaning as a predicate.

/// A part of a query that cannot be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// A regular expression that the Lucene dialect does not allow, or that we do not support.
    #[error("regular expression `{pattern}`: {reason}")]
    Regex {
        /// As written, without the slashes.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}
