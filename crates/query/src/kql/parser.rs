//! KQL tokens to a tree.
//!
//! ```text
//!   disjunction = conjunction (or conjunction)*      the same three levels serve expressions
//!   conjunction = negation (and negation)*           and the value lists after `field:`
//!   negation    = not? operand
//! ```
//!
//! A fault is reported where it stands and parsing goes on; the node in its place is `Invalid`.

use super::ast::{Expr, Values};
use super::lexer::{TokenKind, tokenise};
use crate::faults::Faults;
use crate::tokens::Tokens;
use crate::{Diagnostic, Parsed, Span};

/// How deeply parentheses and braces may nest.
pub const MAX_DEPTH: usize = 200;

/// Reads a KQL query. The tree says what is written; nothing is looked up and nothing simplified.
///
/// White space alone is [`Expr::All`]. `a and b and c` is one `And` of three; parentheses keep their node, so
/// `(a and b) and c` is an `And` in an `And`. All faults are reported, in order of their places.
///
/// Follows Kibana's grammar (elastic/kibana, packages/kbn-es-query, grammar.peggy) with three deliberate differences:
/// an expression that starts or ends with a loose `and` or `or` is an error (Kibana takes the word for a part of the
/// field name); a loose `and` or `or` at the edge of a value is text as in Kibana, with a warning; `\not` before white
/// space, a special character or the end is the word `not` (Kibana reads a line feed and `ot`).
pub fn parse(text: &str) -> Parsed<Expr> {
    let mut diagnostics = Vec::new();
    let tokens = Tokens::new(tokenise(text, &mut diagnostics), text);
    let mut parser = Parser {
        source: text,
        tokens,
        depth: 0,
        open_parentheses: 0,
        open_braces: 0,
        faults: Faults::new(diagnostics),
    };
    let tree = if parser.tokens.is_empty() { Expr::All } else { parser.disjunction() };
    Parsed { tree, diagnostics: parser.faults.in_order() }
}

/// What expressions and value lists have in common.
pub(super) trait Boolean: Sized {
    fn and(all: Vec<Self>) -> Self;
    fn or(any: Vec<Self>) -> Self;
    fn not(inner: Self) -> Self;
    fn invalid() -> Self;
    fn leaf(parser: &mut Parser<'_>) -> Self;
}

impl Boolean for Expr {
    fn and(all: Vec<Self>) -> Self {
        Self::And(all)
    }
    fn or(any: Vec<Self>) -> Self {
        Self::Or(any)
    }
    fn not(inner: Self) -> Self {
        Self::Not(Box::new(inner))
    }
    fn invalid() -> Self {
        Self::Invalid
    }
    fn leaf(parser: &mut Parser<'_>) -> Self {
        parser.expression_leaf()
    }
}

impl Boolean for Values {
    fn and(all: Vec<Self>) -> Self {
        Self::And(all)
    }
    fn or(any: Vec<Self>) -> Self {
        Self::Or(any)
    }
    fn not(inner: Self) -> Self {
        Self::Not(Box::new(inner))
    }
    fn invalid() -> Self {
        Self::Invalid
    }
    fn leaf(parser: &mut Parser<'_>) -> Self {
        parser.listed_value()
    }
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: Tokens<TokenKind>,
    pub(super) depth: usize,
    pub(super) open_parentheses: usize,
    pub(super) open_braces: usize,
    pub(super) faults: Faults,
}

impl Parser<'_> {
    fn disjunction<N: Boolean>(&mut self) -> N {
        let mut any = vec![self.conjunction()];
        while self.tokens.take(&TokenKind::Or).is_some() {
            any.push(self.conjunction());
        }
        if any.len() == 1 { any.pop().unwrap_or_else(N::invalid) } else { N::or(any) }
    }

    fn conjunction<N: Boolean>(&mut self) -> N {
        let mut all = vec![self.negation()];
        while let Some(token) = self.tokens.peek() {
            let span = token.span;
            match token.kind {
                TokenKind::And => {
                    self.tokens.skip(1);
                    all.push(self.negation());
                }
                TokenKind::Or => break,
                TokenKind::RightParenthesis if self.open_parentheses > 0 => break,
                TokenKind::RightBrace if self.open_braces > 0 => break,
                TokenKind::RightParenthesis | TokenKind::RightBrace => self.unopened(),
                TokenKind::Colon | TokenKind::Comparison(_) => {
                    self.unexpected_separator(span);
                    self.skip_value();
                }
                TokenKind::Text(_)
                | TokenKind::Quoted(_)
                | TokenKind::LeftParenthesis
                | TokenKind::LeftBrace
                | TokenKind::Not => {
                    let before = self.tokens.previous_span();
                    self.faults.report(
                        Diagnostic::error("kql::missing-operator", "`and` or `or` is missing before this")
                            .at(span)
                            .label(if before.end == span.start { "follows without an operator" } else { "starts a new expression" })
                            .help("join the two with `and` or `or`; a value that has special characters or words like `not` in it needs quotes"),
                    );
                    all.push(self.negation());
                }
            }
        }
        if all.len() == 1 { all.pop().unwrap_or_else(N::invalid) } else { N::and(all) }
    }

    pub(super) fn negation<N: Boolean>(&mut self) -> N {
        if self.tokens.take(&TokenKind::Not).is_none() {
            return self.operand();
        }
        while let Some(extra) = self.tokens.take(&TokenKind::Not) {
            self.faults.report(
                Diagnostic::error("kql::double-not", "`not` cannot follow `not`")
                    .at(extra)
                    .label("second `not`")
                    .help("drop both, or write `not (not …)`"),
            );
        }
        N::not(self.operand())
    }

    pub(super) fn operand<N: Boolean>(&mut self) -> N {
        loop {
            let Some(token) = self.tokens.peek() else { return self.missing_operand() };
            let span = token.span;
            match token.kind {
                TokenKind::LeftParenthesis => return self.group(),
                TokenKind::And | TokenKind::Or => {
                    self.tokens.skip(1);
                    self.stray_operator(span);
                }
                TokenKind::RightParenthesis if self.open_parentheses > 0 => return self.missing_operand(),
                TokenKind::RightBrace if self.open_braces > 0 => return self.missing_operand(),
                TokenKind::RightParenthesis | TokenKind::RightBrace => {
                    self.unopened();
                    if self.tokens.peek().is_none() {
                        return N::invalid();
                    }
                }
                _ => return N::leaf(self),
            }
        }
    }

    /// `( … )`, at the opening parenthesis.
    pub(super) fn group<N: Boolean>(&mut self) -> N {
        let open = self.tokens.advance();
        self.open_parentheses += 1;
        let inner = self.nested(open);
        self.open_parentheses -= 1;
        if self.tokens.take(&TokenKind::RightParenthesis).is_none() {
            self.faults.report(
                Diagnostic::error("kql::unclosed-parenthesis", "this parenthesis is never closed")
                    .at(open)
                    .label("opened here")
                    .help("add the closing `)`"),
            );
        }
        inner
    }

    /// `{ … }`, at the opening brace.
    pub(super) fn braces(&mut self) -> Expr {
        let open = self.tokens.advance();
        // A parenthesis outside cannot be closed in here.
        let outside = std::mem::take(&mut self.open_parentheses);
        self.open_braces += 1;
        let inner = self.nested(open);
        self.open_braces -= 1;
        self.open_parentheses = outside;
        if self.tokens.take(&TokenKind::RightBrace).is_none() {
            self.faults.report(
                Diagnostic::error("kql::unclosed-brace", "this brace is never closed")
                    .at(open)
                    .label("opened here")
                    .help("add the closing `}`"),
            );
        }
        inner
    }

    fn nested<N: Boolean>(&mut self, open: Span) -> N {
        if self.depth == MAX_DEPTH {
            self.faults.report(
                Diagnostic::error(
                    "kql::too-deep",
                    format!("the query nests more than {MAX_DEPTH} levels deep"),
                )
                .at(open)
                .label("one level too many")
                .help("take out needless parentheses, or split the rule"),
            );
            self.faults.give_up();
            self.tokens.skip_all();
            return N::invalid();
        }
        self.depth += 1;
        let inner = self.disjunction();
        self.depth -= 1;
        inner
    }

    fn missing_operand<N: Boolean>(&mut self) -> N {
        let before = self.tokens.previous();
        let is_empty = before
            .is_some_and(|token| matches!(token.kind, TokenKind::LeftParenthesis | TokenKind::LeftBrace));
        let place = before.map_or_else(|| self.tokens.current_span(), |token| token.span);
        self.faults.report(if is_empty {
            Diagnostic::error("kql::empty-group", "there is nothing inside")
                .at(place.to(self.tokens.current_span()))
                .label("empty")
                .help("write a query or a value here, or take it out")
        } else {
            Diagnostic::error("kql::missing-operand", "nothing follows this operator")
                .at(place)
                .label("needs something after it")
                .help("complete the expression, or take the operator out")
        });
        N::invalid()
    }

    pub(super) fn stray_operator(&mut self, span: Span) {
        self.faults.report(
            Diagnostic::error("kql::stray-operator", "this operator has nothing before it")
                .at(span)
                .label("joins nothing")
                .help("take it out, or complete the expression before it; to search for the word, quote it"),
        );
    }

    /// A closing parenthesis or brace that nothing opened.
    fn unopened(&mut self) {
        let is_brace = self.tokens.is_at(&TokenKind::RightBrace);
        let span = self.tokens.advance();
        let (code, message) = if is_brace {
            ("kql::unopened-brace", "this brace closes nothing")
        } else {
            ("kql::unopened-parenthesis", "this parenthesis closes nothing")
        };
        self.faults.report(
            Diagnostic::error(code, message)
                .at(span)
                .label("never opened")
                .help("take it out, or add the opening one; in a value put it in quotes"),
        );
    }
}
