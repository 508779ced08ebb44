//! Names of columns in ES|QL, with and without wildcards, and single words.

use super::ast::{NamePart, NamePattern};
use super::parser::Parser;
use super::token::{TokenKind, append};
use crate::{Span, Spanned};

impl Parser<'_> {
    pub(super) fn begins_name_at(&self, ahead: usize) -> bool {
        matches!(self.tokens.kind_at(ahead), Some(TokenKind::Name(_) | TokenKind::QuotedName(_)))
    }

    /// `name.name…` in an expression, at its first word. `None` after a fault.
    pub(super) fn name(&mut self) -> Option<Spanned<String>> {
        let start = self.tokens.current_span();
        let mut name = self.word()?;
        let mut usable = true;
        loop {
            let span = self.tokens.current_span();
            let touches = span.start == self.tokens.previous_span().end;
            match self.tokens.kind_at(0) {
                Some(TokenKind::Dot) => {
                    self.tokens.skip(1);
                    match self.word() {
                        Some(part) => {
                            name.push('.');
                            name.push_str(&part);
                        }
                        None => {
                            usable = false;
                            self.name_after_dot(span);
                        }
                    }
                }
                Some(TokenKind::Number(_)) if touches && self.written(span).starts_with('.') => {
                    self.tokens.skip(1);
                    usable = false;
                    let next = self.tokens.current_span();
                    if next.start == span.end && self.begins_name_at(0) {
                        self.tokens.skip(1);
                    }
                    let whole = span.to(self.tokens.previous_span());
                    self.digit_in_name(whole);
                }
                _ => break,
            }
        }
        usable.then(|| Spanned::new(name, start.to(self.tokens.previous_span())))
    }

    /// One word of a name; a reserved word is taken, with a fault.
    fn word(&mut self) -> Option<String> {
        let span = self.tokens.current_span();
        match self.tokens.kind_at(0).cloned() {
            Some(TokenKind::Name(name) | TokenKind::QuotedName(name)) => {
                self.tokens.skip(1);
                Some(name)
            }
            Some(TokenKind::Keyword(_)) => {
                self.tokens.skip(1);
                let word = self.written(span).to_owned();
                self.reserved_word(span, &word);
                Some(word)
            }
            _ => None,
        }
    }

    pub(super) fn reserved_word(&mut self, span: Span, word: &str) {
        self.faults.error(
            "esql::reserved-word",
            "this word is reserved",
            span,
            "not a name",
            format!("put it in backquotes: `{word}`"),
        );
    }

    fn name_after_dot(&mut self, dot: Span) {
        self.faults.error(
            "esql::missing-name",
            "a name is missing after this dot",
            dot,
            "ends the name of a column",
            "complete the name, or take the dot out",
        );
    }

    fn digit_in_name(&mut self, span: Span) {
        let part = self.written(span).trim_start_matches('.').to_owned();
        self.faults.error(
            "esql::digit-in-name",
            "a part of a name that begins with a digit needs backquotes",
            span,
            "read as a number",
            format!("put this part in backquotes: `{part}`"),
        );
    }

    /// A name in an expression, or a fault.
    pub(super) fn name_or_missing(&mut self, help: &'static str) -> Option<Spanned<String>> {
        if self.begins_name_at(0) {
            return self.name();
        }
        self.missing(help);
        self.skip_until(|kind| *kind == TokenKind::Comma);
        None
    }

    /// One word without dots, or a fault.
    pub(super) fn single_name(&mut self, help: &'static str) -> Option<Spanned<String>> {
        let span = self.tokens.current_span();
        if let Some(TokenKind::Name(name) | TokenKind::QuotedName(name)) = self.tokens.kind_at(0).cloned() {
            self.tokens.skip(1);
            return Some(Spanned::new(name, span));
        }
        self.missing(help);
        self.skip_until(|kind| *kind == TokenKind::Semicolon);
        None
    }

    /// `part.part…`, where parts may hold `*`.
    pub(super) fn name_pattern(&mut self) -> Option<Spanned<NamePattern>> {
        let start = self.tokens.current_span();
        let mut parts = Vec::new();
        loop {
            let Some(TokenKind::Pattern(pieces)) = self.tokens.kind_at(0).cloned() else {
                let span = self.tokens.current_span();
                match self.tokens.kind_at(0) {
                    Some(TokenKind::Keyword(_)) => {
                        let word = self.written(span).to_owned();
                        self.reserved_word(span, &word);
                    }
                    Some(TokenKind::Number(_)) => self.digit_in_name(span),
                    _ if parts.is_empty() => {
                        self.missing("write the name of a column, or a pattern such as `host.*`")
                    }
                    _ => {
                        let dot = self.tokens.previous_span();
                        self.name_after_dot(dot);
                    }
                }
                self.skip_until(|kind| *kind == TokenKind::Comma);
                return None;
            };
            self.tokens.skip(1);
            for piece in pieces {
                match piece {
                    NamePart::Text(text) => append(&mut parts, &text),
                    NamePart::Any if parts.last() == Some(&NamePart::Any) => {}
                    NamePart::Any => parts.push(NamePart::Any),
                }
            }
            if self.tokens.take(&TokenKind::Dot).is_none() {
                return Some(Spanned::new(NamePattern { parts }, start.to(self.tokens.previous_span())));
            }
            append(&mut parts, ".");
        }
    }

    /// A name where wildcards could stand but must not.
    pub(super) fn plain_name(&mut self, help: &'static str) -> Option<Spanned<String>> {
        if self.at_end_of_command() {
            self.missing(help);
            return None;
        }
        let pattern = self.name_pattern()?;
        if let Some(name) = pattern.value.name() {
            return Some(Spanned::new(name.to_owned(), pattern.span));
        }
        self.faults.error(
            "esql::wildcard",
            "a wildcard has no place here",
            pattern.span,
            "names more than one column",
            "write the whole name of one column",
        );
        self.skip_until(|kind| *kind == TokenKind::Comma);
        None
    }

    pub(super) fn written(&self, span: Span) -> &str {
        self.source.get(span.start..span.end).unwrap_or_default()
    }
}
