//! What is wrong with a query or a rule, where, and what to do about it: data first, rendering elsewhere.

use std::borrow::Cow;

use crate::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; the rule runs.
    Note,
    /// Probably not what the author meant; the rule runs.
    Warning,
    /// The rule or query cannot run.
    Error,
}

/// One finding about a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable and lower case, `area::what`, for example `kql::unclosed-quote`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence without a full stop.
    pub message: String,
    /// The place it is about; `None` when it is about the whole text.
    pub span: Option<Span>,
    /// A short text to stand at the place.
    pub label: Option<Cow<'static, str>>,
    /// What to do.
    pub help: Option<Cow<'static, str>>,
}

impl Diagnostic {
    /// A finding that stops the rule or query from running.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), span: None, label: None, help: None }
    }

    /// A finding that does not stop it.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// A remark.
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, message) }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Says what to put at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<Cow<'static, str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// True when the rule or query cannot run because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What parsing yields: always a tree, possibly partial, and everything that was found wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed<T> {
    /// The tree; partial when a diagnostic is an error.
    pub tree: T,
    /// In order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Parsed<T> {
    /// True when no diagnostic is an error.
    pub fn is_ok(&self) -> bool {
        !self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The tree, or the diagnostics when one of them is an error.
    ///
    /// # Errors
    /// All diagnostics, when at least one is an error.
    pub fn into_result(self) -> Result<T, Vec<Diagnostic>> {
        if self.is_ok() { Ok(self.tree) } else { Err(self.diagnostics) }
    }
}
