//! Clauses of KQL: `field: value`, `field >= bound`, `path: { … }`, and values without a field.

use super::ast::{Expr, Literal, Pattern, RangeOp, Values};
use super::lexer::{
    AND, NOT, OR, TokenKind, begins_with, is_space, leading_operator, split_at_last_space, unquoted_literal,
};
use super::parser::Parser;
use crate::{Diagnostic, Span, Spanned};

impl Parser<'_> {
    pub(super) fn expression_leaf(&mut self) -> Expr {
        let span = self.tokens.current_span();
        let opens = self.tokens.peek_at(1).is_some_and(|next| {
            matches!(next.kind, TokenKind::Quoted(_) | TokenKind::LeftParenthesis | TokenKind::LeftBrace)
        });
        if opens && [AND, OR].iter().any(|word| self.source[span.start..span.end].eq_ignore_ascii_case(word))
        {
            self.tokens.skip(1);
            self.stray_operator(span);
            return self.operand();
        }
        let Some((literal, field)) = self.literal() else {
            return self.leaf_without_name();
        };
        self.check_edges_of_expression(literal.span, matches!(literal.value, Literal::Quoted(_)));
        if self.tokens.take(&TokenKind::Colon).is_some() {
            return self.after_colon(field);
        }
        if let Some(op) = self.take_comparison() {
            return self.range(field, op);
        }
        self.check_equals_sign(&literal);
        Expr::Bare(literal)
    }

    /// A colon, a comparison or a brace where a field should stand.
    fn leaf_without_name(&mut self) -> Expr {
        let span = self.tokens.current_span();
        self.faults.report(
            Diagnostic::error("kql::missing-field", "a field name is missing before this")
                .at(span)
                .label("no field in front of it")
                .help("write `field: value`, `field >= value` or `path: { … }`; quote a value that begins with a special character"),
        );
        if self.tokens.is_at(&TokenKind::LeftBrace) {
            self.braces();
        } else {
            let nowhere = Spanned::new(Pattern::default(), span);
            match self.take_comparison() {
                Some(op) => drop(self.range(nowhere, op)),
                None => {
                    self.tokens.skip(1);
                    drop(self.after_colon(nowhere));
                }
            }
        }
        Expr::Invalid
    }

    fn after_colon(&mut self, field: Spanned<Pattern>) -> Expr {
        let colon = self.tokens.previous_span();
        let Some(token) = self.tokens.peek() else {
            self.missing_value(field.span.to(colon));
            return Expr::Is { field, values: Values::Invalid };
        };
        let span = token.span;
        match token.kind {
            TokenKind::LeftBrace => {
                let query = Box::new(self.braces());
                Expr::Nested { path: field, query }
            }
            TokenKind::LeftParenthesis => {
                let values = self.group();
                Expr::Is { field, values }
            }
            TokenKind::Text(_) | TokenKind::Quoted(_) => {
                let values = self.single_value();
                Expr::Is { field, values }
            }
            TokenKind::Comparison(op) => {
                self.tokens.skip(1);
                self.faults.report(
                    Diagnostic::error(
                        "kql::colon-before-comparison",
                        "a comparison takes the place of the colon",
                    )
                    .at(colon.to(span))
                    .label("one sign too many")
                    .help("write `field >= value` without the colon"),
                );
                self.range(field, op)
            }
            TokenKind::Not => {
                self.faults.report(
                    Diagnostic::error(
                        "kql::not-before-value",
                        "`not` cannot stand between the colon and a value",
                    )
                    .at(span)
                    .label("belongs before the field")
                    .help("write `not field: value`, or `field: (not value)`"),
                );
                let values = self.negation();
                Expr::Is { field, values }
            }
            TokenKind::Colon => {
                self.unexpected_separator(span);
                self.skip_value();
                Expr::Is { field, values: Values::Invalid }
            }
            TokenKind::And | TokenKind::Or | TokenKind::RightParenthesis | TokenKind::RightBrace => {
                self.missing_value(field.span.to(colon));
                Expr::Is { field, values: Values::Invalid }
            }
        }
    }

    /// The one value after `field:`; what follows may be a new field that lacks its operator.
    fn single_value(&mut self) -> Values {
        let at = self.tokens.position();
        let Some((literal, _)) = self.literal() else { return Values::Invalid };
        let literal = self.without_next_field(at, literal);
        self.check_edges_of_value(&literal);
        self.skip_unescaped();
        Values::One(literal)
    }

    fn range(&mut self, field: Spanned<Pattern>, op: RangeOp) -> Expr {
        let sign = self.tokens.previous_span();
        let at = self.tokens.position();
        if let Some((literal, _)) = self.literal() {
            let bound = self.without_next_field(at, literal);
            let fault = match bound.value {
                Literal::Wildcard(_) => Some("a wildcard has no place in an order"),
                Literal::Null => Some("`null` has no place in an order"),
                _ => None,
            };
            if let Some(fault) = fault {
                self.faults.report(
                    Diagnostic::error("kql::bad-bound", fault)
                        .at(bound.span)
                        .label("not a bound")
                        .help("compare with a number, a date, an address or a plain text; `field: *` asks whether there is a value"),
                );
            }
            self.check_edges_of_value(&bound);
            self.skip_unescaped();
            return Expr::Range { field, op, bound };
        }
        let list = self
            .tokens
            .peek()
            .filter(|token| matches!(token.kind, TokenKind::LeftParenthesis))
            .map(|token| token.span);
        match list {
            Some(span) => {
                let _: Values = self.group();
                self.faults.report(
                    Diagnostic::error("kql::bad-bound", "a comparison takes one value, not a list")
                        .at(span)
                        .label("starts a list")
                        .help("write one comparison for each value"),
                );
            }
            None => {
                self.missing_value(field.span.to(sign));
                if self
                    .tokens
                    .peek()
                    .is_some_and(|token| matches!(token.kind, TokenKind::Colon | TokenKind::Comparison(_)))
                {
                    self.skip_value();
                }
            }
        }
        Expr::Invalid
    }

    pub(super) fn listed_value(&mut self) -> Values {
        let Some((literal, _)) = self.literal() else {
            let span = self.tokens.current_span();
            self.unexpected_separator(span);
            self.skip_value();
            return Values::Invalid;
        };
        self.check_edges_of_value(&literal);
        self.skip_unescaped();
        Values::One(literal)
    }

    /// Takes a literal: as a value, and as the field it would be.
    fn literal(&mut self) -> Option<(Spanned<Literal>, Spanned<Pattern>)> {
        let token = self.tokens.peek()?;
        let span = token.span;
        let (literal, field) = match &token.kind {
            TokenKind::Text(pattern) => (unquoted_literal(pattern.clone()), pattern.clone()),
            TokenKind::Quoted(text) => (Literal::Quoted(text.clone()), Pattern { parts: vec![text.clone()] }),
            _ => return None,
        };
        self.tokens.skip(1);
        Some((Spanned::new(literal, span), Spanned::new(field, span)))
    }

    /// In `a: x b: y` the value is `x`, and `b` is left for the next expression.
    fn without_next_field(&mut self, at: usize, literal: Spanned<Literal>) -> Spanned<Literal> {
        let separated = self
            .tokens
            .peek()
            .is_some_and(|token| matches!(token.kind, TokenKind::Colon | TokenKind::Comparison(_)));
        if !separated || matches!(literal.value, Literal::Quoted(_)) {
            return literal;
        }
        let Some((head, tail)) = split_at_last_space(self.source, literal.span) else { return literal };
        let TokenKind::Text(pattern) = head.kind else { return literal };
        self.tokens.put_back(at, tail);
        Spanned::new(unquoted_literal(pattern), head.span)
    }

    /// `http://x`, `a:b:c`, `x>y`, `p{q}`: special characters in the middle of an unquoted value.
    fn skip_unescaped(&mut self) {
        while let Some(token) = self.tokens.peek() {
            let touches = self.tokens.previous_span().end == token.span.start;
            let span = token.span;
            match token.kind {
                TokenKind::Colon | TokenKind::Comparison(_) => {
                    self.unexpected_separator(span);
                    self.skip_value();
                }
                TokenKind::LeftBrace if touches => {
                    self.unexpected_separator(span);
                    self.tokens.skip(1);
                    let mut open = 1_usize;
                    while let Some(token) = self.tokens.peek() {
                        match token.kind {
                            TokenKind::LeftBrace => open += 1,
                            TokenKind::RightBrace => open -= 1,
                            TokenKind::Text(_) | TokenKind::Quoted(_) | TokenKind::Colon => {}
                            _ => break,
                        }
                        self.tokens.skip(1);
                        if open == 0 {
                            break;
                        }
                    }
                }
                _ => return,
            }
        }
    }

    /// Skips colons and comparisons, and the literal or list after them.
    pub(super) fn skip_value(&mut self) {
        while self.tokens.peek().is_some_and(|token| {
            matches!(token.kind, TokenKind::Colon | TokenKind::Comparison(_) | TokenKind::LeftBrace)
        }) {
            self.tokens.skip(1);
        }
        if self
            .tokens
            .peek()
            .is_some_and(|token| matches!(token.kind, TokenKind::Text(_) | TokenKind::Quoted(_)))
        {
            self.tokens.skip(1);
        }
    }

    fn missing_value(&mut self, span: Span) {
        self.faults.report(
            Diagnostic::error("kql::missing-value", "a value is missing here")
                .at(span)
                .label("compared with nothing")
                .help("write a value; `field: *` asks whether the field has any"),
        );
    }

    pub(super) fn unexpected_separator(&mut self, span: Span) {
        self.faults.report(
            Diagnostic::error("kql::unescaped-special", "this character cannot stand here unescaped")
                .at(span)
                .label("not part of the value")
                .help("put the whole value in quotes, or write a backslash before the character"),
        );
    }

    /// An expression cannot begin or end with a loose `and` or `or`.
    fn check_edges_of_expression(&mut self, span: Span, quoted: bool) {
        if quoted {
            return;
        }
        let names_field = self
            .tokens
            .peek()
            .is_some_and(|token| matches!(token.kind, TokenKind::Colon | TokenKind::Comparison(_)));
        let text = &self.source[span.start..span.end];
        let whole = [AND, OR, NOT].into_iter().find(|word| text.eq_ignore_ascii_case(word));
        match (leading_operator(text), whole) {
            (Some(word), _) => self.stray_operator(Span::new(span.start, span.start + word.len())),
            (None, Some(word)) if !names_field && word != NOT => self.stray_operator(span),
            _ => {}
        }
        let trailing = trailing_operator(text).or(whole.filter(|word| *word == NOT));
        if let Some(word) = trailing.filter(|_| !names_field) {
            self.faults.report(
                Diagnostic::error("kql::missing-operand", "nothing follows this operator")
                    .at(Span::new(span.end - word.len(), span.end))
                    .label("needs something after it")
                    .help(
                        "complete the expression, or take the operator out; to search for the word, quote it",
                    ),
            );
        }
    }

    /// A value may: `field: or` asks for `or`. It is hardly ever meant.
    fn check_edges_of_value(&mut self, value: &Spanned<Literal>) {
        if matches!(value.value, Literal::Quoted(_)) {
            return;
        }
        let span = value.span;
        let text = &self.source[span.start..span.end];
        let whole = [AND, OR, NOT].into_iter().find(|word| text == *word);
        let place = match (whole, leading_operator(text), trailing_operator(text)) {
            (Some(_), _, _) => span,
            (None, Some(word), _) => Span::new(span.start, span.start + word.len()),
            (None, None, Some(word)) => Span::new(span.end - word.len(), span.end),
            (None, None, None) => return,
        };
        self.faults.report(
            Diagnostic::warning("kql::operator-as-text", "this word is read as part of the value")
                .at(place)
                .label("text, not an operator")
                .help("quote the value if that is meant; otherwise complete the expression"),
        );
    }

    fn check_equals_sign(&mut self, literal: &Spanned<Literal>) {
        let text = &self.source[literal.span.start..literal.span.end];
        if !matches!(literal.value, Literal::Quoted(_))
            && (text.contains(" = ") || text.contains("==") || text.contains("!="))
        {
            self.faults.report(
                Diagnostic::warning("kql::equals-sign", "this is read as one text to look for in all fields")
                    .at(literal.span)
                    .label("KQL has no `=`")
                    .help("write `field: value` or `not field: value`"),
            );
        }
    }

    fn take_comparison(&mut self) -> Option<RangeOp> {
        let TokenKind::Comparison(op) = self.tokens.peek()?.kind else { return None };
        self.tokens.skip(1);
        Some(op)
    }
}

/// The `and` or `or` that `text` ends with, when white space stands before it.
fn trailing_operator(text: &str) -> Option<&'static str> {
    [AND, OR].into_iter().find(|word| {
        text.len()
            .checked_sub(word.len())
            .filter(|start| text.is_char_boundary(*start))
            .is_some_and(|start| begins_with(&text[start..], word) && text[..start].ends_with(is_space))
    })
}
