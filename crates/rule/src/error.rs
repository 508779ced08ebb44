//! What can go wrong around rules that is no fault of a rule's author.

use std::path::PathBuf;

/// An error of this crate. Faults of rules and rule files are [`query::Diagnostic`]s instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule that TOML cannot express.
    #[error("rule {rule_id} cannot be written as TOML: {reason}")]
    NotToml {
        /// Which rule.
        rule_id: String,
        /// What has no form in TOML.
        reason: String,
    },
    /// A file or folder that cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A folder in which nothing has the name of a rule file.
    #[error("no rule files (.toml, .ndjson, .json) in {}", path.display())]
    NoRuleFiles {
        /// Which one.
        path: PathBuf,
    },
    /// A file or folder without exception lists, where they were to be.
    #[error("no exception lists and no value lists in {}", path.display())]
    NoExceptions {
        /// Which one.
        path: PathBuf,
    },
}
