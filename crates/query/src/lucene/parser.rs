//! Lucene tokens to a tree: which clause must, may or must not match, by the classic rules.

use super::ast::{Clause, FieldPattern, Occur, Query, Term, WildcardPart};
use super::lexer::{TokenKind, tokenise};
use crate::faults::Faults;
use crate::tokens::Tokens;
use crate::{Diagnostic, Parsed, Span, Spanned};

/// How deeply parentheses may nest.
pub const MAX_DEPTH: usize = 200;

/// Reads a Lucene query string as Elasticsearch's `query_string` does, with OR as the default operator.
///
/// Operators mark clauses and have no precedence: `a AND b` makes both `Must`, `OR` changes nothing, `NOT`, `!` and
/// `-` make the next clause `MustNot`, `+` makes it `Must`. Words next to each other are one [`Term::Word`] with single
/// spaces in it, because Elasticsearch hands them to the analyser together: on a keyword field `f:(foo bar)` asks
/// for the one value `foo bar`. A word that is followed by `AND`, `OR`, `~` or `^` stays out of that.
///
/// Sources: apache/lucene, queryparser/classic/QueryParser.jj and QueryParserBase.java; elastic/elasticsearch,
/// index/search/QueryStringQueryParser.java. Deliberately stricter, because the reading they give is hardly ever
/// meant: a sign before white space, edits other than 0, 1 and 2, and a comparison among plain words are errors.
pub fn parse(text: &str) -> Parsed<Query> {
    let mut diagnostics = Vec::new();
    let tokens = Tokens::new(tokenise(text, &mut diagnostics), text);
    let mut parser = Parser { source: text, tokens, depth: 0, faults: Faults::new(diagnostics) };
    let tree = parser.query(Around::Nothing);
    Parsed { tree, diagnostics: parser.faults.in_order() }
}

/// The field that a clause without one of its own belongs to.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Around {
    Nothing,
    /// `*`
    Everything,
    Field,
    /// `_exists_`: the words are fields.
    Exists,
}

/// A clause before its operators are known.
pub(super) struct Found {
    /// Only for what stands in `_exists_:(…)`.
    pub(super) field: Option<Spanned<FieldPattern>>,
    pub(super) term: Spanned<Term>,
    pub(super) boost: Option<f64>,
}

const EXISTS: &str = "_exists_";

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: Tokens<TokenKind>,
    pub(super) depth: usize,
    pub(super) faults: Faults,
}

impl Parser<'_> {
    /// Clauses up to the end, or to the parenthesis that closes a group.
    pub(super) fn query(&mut self, around: Around) -> Query {
        let mut clauses: Vec<Clause> = Vec::new();
        while let Some(token) = self.tokens.peek() {
            let span = token.span;
            match token.kind {
                TokenKind::RightParenthesis if self.depth > 0 => break,
                TokenKind::RightParenthesis => {
                    self.tokens.skip(1);
                    self.faults.report(
                        Diagnostic::error("lucene::unopened-parenthesis", "this parenthesis closes nothing")
                            .at(span)
                            .label("never opened")
                            .help("take it out, or add the opening one; for a plain one write `\\)`"),
                    );
                    continue;
                }
                _ => {}
            }
            let is_and = self.conjunction(clauses.is_empty());
            let modifier = self.modifier();
            if self.at_end() {
                if is_and.is_some() || modifier.is_some() {
                    let operator = self.tokens.previous_span();
                    self.faults.report(
                        Diagnostic::error("lucene::missing-clause", "nothing follows this operator")
                            .at(operator)
                            .label("needs a clause after it")
                            .help("complete the query, or take the operator out; for the plain sign write a backslash before it"),
                    );
                }
                continue;
            }
            let is_and = is_and.map(|(_, is_and)| is_and);
            let may_join = is_and.is_none() && modifier.is_none();
            if is_and == Some(true)
                && let Some(last) = clauses.last_mut().filter(|last| last.occur == Occur::Should)
            {
                last.occur = Occur::Must;
            }
            let occur = match modifier {
                Some(occur) => occur,
                None if is_and == Some(true) => Occur::Must,
                None => Occur::Should,
            };
            if let Some(clause) = self.clause(around, occur, may_join) {
                clauses.push(clause);
            }
        }
        Query { clauses }
    }

    /// `AND` (true) or `OR` (false) before a clause.
    fn conjunction(&mut self, is_first: bool) -> Option<(Span, bool)> {
        let mut found = None;
        while let Some(token) =
            self.tokens.peek().filter(|token| matches!(token.kind, TokenKind::And | TokenKind::Or))
        {
            let here = (token.span, token.kind == TokenKind::And);
            self.tokens.skip(1);
            if is_first || found.is_some() {
                self.faults.report(
                    Diagnostic::error("lucene::stray-operator", "this operator has no clause before it")
                        .at(here.0)
                        .label("joins nothing")
                        .help("take it out, or complete the query; to search for the word, quote it"),
                );
            }
            found = found.or(Some(here));
        }
        found
    }

    fn modifier(&mut self) -> Option<Occur> {
        let mut found = None;
        while let Some(token) = self.tokens.peek() {
            let occur = match token.kind {
                TokenKind::Plus => Occur::Must,
                TokenKind::Minus | TokenKind::Not => Occur::MustNot,
                _ => break,
            };
            let span = token.span;
            self.tokens.skip(1);
            if found.is_some() {
                self.faults.report(
                    Diagnostic::error(
                        "lucene::stacked-operators",
                        "a clause takes only one of `+`, `-`, `!` and `NOT`",
                    )
                    .at(span)
                    .label("one too many")
                    .help("keep one of them; to search for the sign, write a backslash before it"),
                );
            }
            found = found.or(Some(occur));
        }
        found
    }

    fn clause(&mut self, around: Around, occur: Occur, may_join: bool) -> Option<Clause> {
        let field = self.field();
        let Some((name, span)) = field else {
            let Found { field, term, boost } = self.term(around, may_join)?;
            return Some(Clause { occur, field, term, boost });
        };
        let inner = match name.as_str() {
            EXISTS => Around::Exists,
            "*" => Around::Everything,
            _ => Around::Field,
        };
        self.value_follows(span);
        let found = if self.at_value() { self.term(inner, false) } else { None };
        let Found { field, term, boost } =
            found.unwrap_or(Found { field: None, term: Spanned::new(Term::Invalid, span), boost: None });
        let field = match term.value {
            // `*:*`
            Term::All => None,
            _ if inner == Around::Exists => field,
            _ => Some(Spanned::new(field_pattern(&name), span)),
        };
        Some(Clause { occur, field, term, boost })
    }

    /// Takes `name:`; the name with its escapes undone, stars among its characters being wildcards.
    fn field(&mut self) -> Option<(String, Span)> {
        let token = self.tokens.peek()?;
        let span = token.span;
        if self.tokens.peek_at(1)?.kind != TokenKind::Colon {
            return None;
        }
        let mut fault = None;
        let name = match &token.kind {
            TokenKind::Word(parts) => {
                if parts.len() > 1 || matches!(parts.as_slice(), [WildcardPart::One]) {
                    fault = Some((
                        "lucene::wildcard-in-field",
                        "a wildcard in a field name is written `\\*`",
                        "write a backslash before the star; `?` is no wildcard in field names",
                    ));
                }
                parts
                    .iter()
                    .map(|part| match part {
                        WildcardPart::Text(text) => text.as_str(),
                        WildcardPart::Any => "*",
                        WildcardPart::One => "?",
                    })
                    .collect()
            }
            TokenKind::Quoted(text) => {
                fault = Some((
                    "lucene::quoted-field",
                    "a field name cannot be quoted",
                    "write it without quotes, with a backslash before special characters and spaces",
                ));
                text.clone()
            }
            _ => return None,
        };
        self.tokens.skip(2);
        if let Some((code, message, help)) = fault {
            self.faults.report(Diagnostic::error(code, message).at(span).label("in a field name").help(help));
        }
        Some((name, span))
    }

    /// Reports what cannot stand after `field:`.
    fn value_follows(&mut self, field: Span) {
        let colon = self.tokens.previous_span();
        let sign = self
            .tokens
            .peek()
            .filter(|token| matches!(token.kind, TokenKind::Plus | TokenKind::Minus))
            .map(|token| token.span);
        if let Some(span) = sign {
            self.tokens.skip(1);
            self.faults.report(
                Diagnostic::error(
                    "lucene::sign-before-value",
                    "a sign cannot stand between the colon and the value",
                )
                .at(span)
                .label("after the colon")
                .help("for a negative number write `\\-`; an operator goes before the field"),
            );
        }
        if !self.at_value() {
            self.faults.report(
                Diagnostic::error("lucene::missing-value", "a value is missing here")
                    .at(field.to(colon))
                    .label("looks for nothing")
                    .help("write a value; `field:*` asks whether the field has any"),
            );
        }
    }

    fn at_value(&self) -> bool {
        self.tokens.peek().is_some_and(|token| {
            matches!(
                token.kind,
                TokenKind::Word(_)
                    | TokenKind::Quoted(_)
                    | TokenKind::Regex(_)
                    | TokenKind::Range(_)
                    | TokenKind::LeftParenthesis
            )
        })
    }

    /// Reports a token that cannot stand where it does, and skips what a stray colon would introduce.
    pub(super) fn unexpected(&mut self, span: Span) {
        self.faults.report(
            Diagnostic::error("lucene::unescaped-special", "this cannot stand here unescaped")
                .at(span)
                .label("belongs to nothing")
                .help("write a backslash before it, or quote the whole value"),
        );
        let is_colon = self.source[span.start..span.end] == *":";
        if is_colon
            && self
                .tokens
                .peek()
                .is_some_and(|token| matches!(token.kind, TokenKind::Word(_) | TokenKind::Quoted(_)))
        {
            self.tokens.skip(1);
        }
    }

    fn at_end(&self) -> bool {
        self.tokens.peek().is_none_or(|token| token.kind == TokenKind::RightParenthesis)
    }
}

/// Elasticsearch undoes the escapes of a field name first and then takes every star for a wildcard.
pub(super) fn field_pattern(name: &str) -> FieldPattern {
    FieldPattern { parts: name.split('*').map(str::to_owned).collect() }
}
