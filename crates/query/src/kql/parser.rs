//! KQL tokens to a tree.
//!
//! ```text
//!   disjunction = conjunction (or conjunction)*      the same three levels serve expressions
//!   conjunction = negation (and negation)*           and the value lists after `field:`
//!   negation    = not? operand
//! ```
//!
//! A fault is reported where it stands and parsing goes on; the node in its place is `Invalid`.

use super::ast::{Expr, Literal, Pattern, RangeOp, Values};
use super::lexer::{
    AND, NOT, OR, TokenKind, begins_with, is_space, leading_operator, split_at_last_space, tokenise,
    unquoted_literal,
};
use crate::faults::Faults;
use crate::tokens::Tokens;
use crate::{Diagnostic, Parsed, Span, Spanned};

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
trait Boolean: Sized {
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

struct Parser<'a> {
    source: &'a str,
    tokens: Tokens<TokenKind>,
    depth: usize,
    open_parentheses: usize,
    open_braces: usize,
    faults: Faults,
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

    fn negation<N: Boolean>(&mut self) -> N {
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

    fn operand<N: Boolean>(&mut self) -> N {
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
    fn group<N: Boolean>(&mut self) -> N {
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
    fn braces(&mut self) -> Expr {
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

    fn expression_leaf(&mut self) -> Expr {
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

    fn listed_value(&mut self) -> Values {
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
    fn skip_value(&mut self) {
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

    fn missing_value(&mut self, span: Span) {
        self.faults.report(
            Diagnostic::error("kql::missing-value", "a value is missing here")
                .at(span)
                .label("compared with nothing")
                .help("write a value; `field: *` asks whether the field has any"),
        );
    }

    fn stray_operator(&mut self, span: Span) {
        self.faults.report(
            Diagnostic::error("kql::stray-operator", "this operator has nothing before it")
                .at(span)
                .label("joins nothing")
                .help("take it out, or complete the expression before it; to search for the word, quote it"),
        );
    }

    fn unexpected_separator(&mut self, span: Span) {
        self.faults.report(
            Diagnostic::error("kql::unescaped-special", "this character cannot stand here unescaped")
                .at(span)
                .label("not part of the value")
                .help("put the whole value in quotes, or write a backslash before the character"),
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
