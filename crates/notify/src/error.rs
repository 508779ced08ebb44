//! What can be wrong with a connector, an action, a template or a secret. Why a message was not sent: [`SendError`](crate::SendError).

use std::path::PathBuf;

/// What is wrong with a setting, and what to do about it. Never holds a secret, nor text where one may stand.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The setting has not the shape that it must have.
    #[error("{what}: {source}")]
    Shape {
        /// The connector or action, and the place in it, for example `connector ops: config.url`.
        what: String,
        /// What serde said.
        #[source]
        source: serde_json::Error,
    },
    /// A value that cannot be used.
    #[error("{what}: {reason}")]
    Value {
        /// The connector or action, and the setting.
        what: String,
        /// What is wrong with it and what to write instead.
        reason: String,
    },
    /// A template that cannot be read.
    #[error("{what}")]
    Template {
        /// The action and the parameter.
        what: String,
        /// What is wrong, and where.
        #[source]
        source: TemplateError,
    },
}

impl ConfigError {
    pub(crate) fn value(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Value { what: what.into(), reason: reason.into() }
    }
}

/// What is wrong with a template. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct TemplateError {
    /// The line of the tag.
    pub line: usize,
    /// The column at which it opens.
    pub column: usize,
    /// What is wrong with it.
    pub fault: TemplateFault,
}

/// What may be wrong with a tag of a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateFault {
    /// A tag without an end.
    #[error("this tag is not closed")]
    UnclosedTag,
    /// `{{}}`, `{{#}}` and the like.
    #[error("this tag names nothing")]
    EmptyTag,
    /// A section without `{{/name}}`.
    #[error("the section `{0}` is not closed: write {{{{/{0}}}}} after it")]
    UnclosedSection(String),
    /// `{{/name}}` where another section, or none, is open.
    #[error("{{{{/{0}}}}} closes a section that is not open here")]
    StrayClose(String),
    /// `{{=…=}}` without two new delimiters.
    #[error("write new delimiters as {{{{=<% %>=}}}}")]
    Delimiters,
    /// `{{> name}}`
    #[error("other templates cannot be included; write out the text of `{0}`")]
    Partial(String),
    /// A function of Kibana's templates that is not there.
    #[error("`{0}` is not supported; only FormatDate is")]
    Function(String),
    /// More sections within each other than anybody writes.
    #[error("sections lie more than {0} deep in each other")]
    TooDeep(usize),
}

/// Why a secret could not be had. The reference is shown, its value never.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The environment has no such variable.
    #[error("the environment variable {name}, which holds the secret, is not set")]
    NoVariable {
        /// The variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("the file {}, which holds the secret, cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There is something, but nothing that can be used.
    #[error("the secret in {reference} {reason}")]
    Unusable {
        /// The reference.
        reference: String,
        /// Why not; for example `is empty`.
        reason: &'static str,
    },
}
