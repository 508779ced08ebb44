//! What a parser finds wrong, until it gives up.

use std::borrow::Cow;

use crate::{Diagnostic, Span};

/// Faults so far.
pub(crate) struct Faults {
    pub(crate) diagnostics: Vec<Diagnostic>,
    gave_up: bool,
}

impl Faults {
    /// Begins with what the lexer found.
    pub(crate) fn new(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, gave_up: false }
    }

    /// Nothing is reported from here on: what is left of the text is not read.
    pub(crate) fn give_up(&mut self) {
        self.gave_up = true;
    }

    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        if !self.gave_up {
            self.diagnostics.push(diagnostic);
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        place: Span,
        label: &'static str,
        help: impl Into<Cow<'static, str>>,
    ) {
        self.report(Diagnostic::error(code, message).at(place).label(label).help(help));
    }

    /// All of them, in order of their places.
    pub(crate) fn in_order(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.span.map_or(0, |span| span.start));
        self.diagnostics
    }
}
