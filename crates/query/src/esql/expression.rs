//! ES|QL expressions.
//!
//! ```text
//!   expression = negation (("AND" | "OR") negation)*          `AND` holds tighter than `OR`
//!   negation   = "NOT"* predicate
//!   predicate  = comparison ("NOT"? "IN" list | "NOT"? ("LIKE" | "RLIKE") patterns | "IS" "NOT"? "NULL" | ":" constant)?
//!   comparison = arithmetic (("==" | "!=" | "<" …) arithmetic)?
//!   arithmetic = signed (("*" | "/" | "%" | "+" | "-") signed)*
//!   signed     = ("+" | "-")* operand
//! ```

use super::ast::{ArithmeticOp, CompareOp, Expr, LikeOp};
use super::parser::Parser;
use super::token::{Keyword, TokenKind};
use crate::{Span, Spanned};

/// How many arithmetic operators and casts a query may have: their nodes nest without any parentheses.
const MAX_OPERATORS: usize = 1000;

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Spanned<Expr> {
        let mut any = Vec::new();
        let mut all = vec![self.negation()];
        loop {
            if self.take_keyword(Keyword::And) {
                all.push(self.negation());
            } else if self.take_keyword(Keyword::Or) {
                any.push(joined(std::mem::take(&mut all), Expr::And));
                all.push(self.negation());
            } else {
                break;
            }
        }
        any.push(joined(all, Expr::And));
        joined(any, Expr::Or)
    }

    fn negation(&mut self) -> Spanned<Expr> {
        let start = self.tokens.current_span();
        let mut nots = Vec::new();
        while let Some(not) = self.tokens.take(&TokenKind::Keyword(Keyword::Not)) {
            nots.push(not);
        }
        if self.is_too_deep(nots.len(), start) {
            return Spanned::new(Expr::Invalid, start);
        }
        self.depth += nots.len();
        let inner = self.predicate();
        self.depth -= nots.len();
        nots.into_iter().rev().fold(inner, |inner, not| {
            let span = not.to(inner.span);
            Spanned::new(Expr::Not(Box::new(inner)), span)
        })
    }

    fn predicate(&mut self) -> Spanned<Expr> {
        let mut value = self.comparison();
        loop {
            let not = self.tokens.is_at(&TokenKind::Keyword(Keyword::Not));
            value = match self.tokens.kind_at(usize::from(not)) {
                Some(TokenKind::Keyword(Keyword::In)) => {
                    self.tokens.skip(1 + usize::from(not));
                    self.in_list(value, not)
                }
                Some(TokenKind::Keyword(Keyword::Like(op))) => {
                    let op = *op;
                    self.tokens.skip(1 + usize::from(not));
                    self.like_patterns(value, op, not)
                }
                Some(TokenKind::Keyword(Keyword::Is)) if !not => {
                    self.tokens.skip(1);
                    self.is_null(value)
                }
                Some(TokenKind::Colon) if !not => {
                    self.tokens.skip(1);
                    self.match_query(value)
                }
                _ => return value,
            };
            if let Some(
                TokenKind::Keyword(Keyword::In | Keyword::Is | Keyword::Like(_) | Keyword::Not)
                | TokenKind::Colon
                | TokenKind::Compare(_)
                | TokenKind::Assign,
            ) = self.tokens.kind_at(0)
            {
                self.chained();
            } else {
                return value;
            }
            if matches!(self.tokens.kind_at(0), Some(TokenKind::Compare(_) | TokenKind::Assign)) {
                self.tokens.skip(1);
                self.arithmetic(0);
            }
        }
    }

    fn chained(&mut self) {
        let place = self.tokens.current_span();
        self.faults.error(
            "esql::chained-comparison",
            "comparisons cannot follow one another",
            place,
            "second comparison",
            "join two comparisons with `AND`, or put one in parentheses",
        );
    }

    pub(super) fn comparison(&mut self) -> Spanned<Expr> {
        let mut left = self.arithmetic(0);
        let mut is_first = true;
        loop {
            let op = match self.tokens.kind_at(0) {
                Some(TokenKind::Compare(op)) => *op,
                Some(TokenKind::Assign) => {
                    let place = self.tokens.current_span();
                    self.faults.error(
                        "esql::single-equals",
                        "a comparison has two equals signs",
                        place,
                        "one `=` only",
                        "write `==`",
                    );
                    CompareOp::Eq
                }
                _ => return left,
            };
            if !is_first {
                self.chained();
            }
            is_first = false;
            self.tokens.skip(1);
            if self.tokens.is_at(&TokenKind::Keyword(Keyword::Not)) {
                let place = self.tokens.advance();
                self.faults.error(
                    "esql::not-before-value",
                    "`NOT` cannot stand between a comparison and its value",
                    place,
                    "belongs before the comparison",
                    "write `NOT name == value`, or `name != value`",
                );
            }
            if self.is_one_too_many(left.span) {
                return left;
            }
            let right = self.arithmetic(0);
            let span = left.span.to(right.span);
            left = Spanned::new(Expr::Compare { op, left: Box::new(left), right: Box::new(right) }, span);
        }
    }

    /// Operators that hold at least as tightly as `least`: 0 for all, 1 for `*`, `/` and `%`, 2 for none.
    fn arithmetic(&mut self, least: u8) -> Spanned<Expr> {
        let mut left = self.signed();
        loop {
            let (op, level) = match self.tokens.kind_at(0) {
                Some(TokenKind::Plus) => (ArithmeticOp::Add, 0),
                Some(TokenKind::Minus) => (ArithmeticOp::Subtract, 0),
                Some(TokenKind::Star) => (ArithmeticOp::Multiply, 1),
                Some(TokenKind::Slash) => (ArithmeticOp::Divide, 1),
                Some(TokenKind::Percent) => (ArithmeticOp::Modulo, 1),
                _ => return left,
            };
            if level < least {
                return left;
            }
            let sign = self.tokens.advance();
            if self.is_one_too_many(sign) {
                return left;
            }
            let right = self.arithmetic(level + 1);
            self.check_hyphen(op, &left, sign, &right);
            let span = left.span.to(right.span);
            left = Spanned::new(Expr::Arithmetic { op, left: Box::new(left), right: Box::new(right) }, span);
        }
    }

    /// Counts an operator; gives up when there are too many.
    pub(super) fn is_one_too_many(&mut self, place: Span) -> bool {
        self.operators += 1;
        let too_many = self.operators > MAX_OPERATORS;
        if too_many {
            self.give_up(place, "too many operators");
        }
        too_many
    }

    /// `user-agent.name` is read as `user - agent.name`.
    fn check_hyphen(&mut self, op: ArithmeticOp, left: &Spanned<Expr>, sign: Span, right: &Spanned<Expr>) {
        let touches = left.span.end == sign.start && sign.end == right.span.start;
        let are_columns = matches!((&left.value, &right.value), (Expr::Column(_), Expr::Column(_)));
        if op == ArithmeticOp::Subtract && touches && are_columns {
            self.faults.report(
                crate::Diagnostic::warning("esql::hyphen", "this hyphen is read as a minus")
                    .at(sign)
                    .label("subtracts")
                    .help("put a name with a hyphen in backquotes; a minus gets spaces around it"),
            );
        }
    }

    fn signed(&mut self) -> Spanned<Expr> {
        let start = self.tokens.current_span();
        let mut minuses = Vec::new();
        // A sign right before a number is part of the number.
        while !matches!(self.tokens.kind_at(1), Some(TokenKind::Number(_))) {
            if let Some(minus) = self.tokens.take(&TokenKind::Minus) {
                minuses.push(minus);
            } else if self.tokens.take(&TokenKind::Plus).is_none() {
                break;
            }
        }
        if self.is_too_deep(minuses.len(), start) {
            return Spanned::new(Expr::Invalid, start);
        }
        self.depth += minuses.len();
        let value = self.operand();
        self.depth -= minuses.len();
        minuses.into_iter().rev().fold(value, |value, minus| {
            let span = minus.to(value.span);
            Spanned::new(Expr::Negate(Box::new(value)), span)
        })
    }

    /// After `IN`.
    fn in_list(&mut self, value: Spanned<Expr>, negated: bool) -> Spanned<Expr> {
        if self.tokens.is_at(&TokenKind::OpenPipeline) {
            let query = self.subquery();
            let span = value.span.to(self.tokens.previous_span());
            self.faults.error(
                "esql::in-subquery",
                "a list cannot be a query",
                query.map_or(span, |query| query.span),
                "a query",
                "write the values, or bring them together with `STATS`",
            );
            return Spanned::new(Expr::Invalid, span);
        }
        let Some(open) = self.tokens.take(&TokenKind::LeftParenthesis) else {
            self.list_without_parentheses("write `IN (\"a\", \"b\")`");
            return Spanned::new(Expr::Invalid, value.span);
        };
        let mut list = Vec::new();
        if self.tokens.is_at(&TokenKind::RightParenthesis) {
            self.empty_list(open);
            self.tokens.skip(1);
        } else {
            self.enter(open, |parser| {
                list.push(parser.comparison());
                parser.end_of_element();
                while parser.tokens.take(&TokenKind::Comma).is_some() {
                    list.push(parser.comparison());
                    parser.end_of_element();
                }
            });
        }
        let span = value.span.to(self.tokens.previous_span());
        if list.is_empty() {
            return Spanned::new(Expr::Invalid, span);
        }
        Spanned::new(Expr::In { value: Box::new(value), list, negated }, span)
    }

    /// After `LIKE` or `RLIKE`.
    fn like_patterns(&mut self, value: Spanned<Expr>, op: LikeOp, negated: bool) -> Spanned<Expr> {
        const HELP: &str = "write the pattern in double quotes; several stand in parentheses";
        let mut patterns = Vec::new();
        if let Some(open) = self.tokens.take(&TokenKind::LeftParenthesis) {
            if self.tokens.is_at(&TokenKind::RightParenthesis) {
                self.empty_list(open);
                self.tokens.skip(1);
            } else {
                self.enter(open, |parser| {
                    loop {
                        patterns.extend(parser.constant_text(HELP));
                        parser.end_of_element();
                        if parser.tokens.take(&TokenKind::Comma).is_none() {
                            break;
                        }
                    }
                });
            }
        } else if matches!(self.tokens.kind_at(0), Some(TokenKind::Text(_))) {
            patterns.extend(self.constant_text(HELP));
        } else {
            let place = self.tokens.current_span();
            if self.at_end_of_command() {
                self.missing(HELP);
            } else {
                self.arithmetic(0);
                let place = place.to(self.tokens.previous_span());
                self.faults.error(
                    "esql::pattern-not-text",
                    "a pattern is a text as it stands",
                    place,
                    "not a text",
                    HELP,
                );
            }
        }
        let span = value.span.to(self.tokens.previous_span());
        if patterns.is_empty() {
            return Spanned::new(Expr::Invalid, span);
        }
        Spanned::new(Expr::Like { op, value: Box::new(value), patterns, negated }, span)
    }

    /// After `IS`.
    fn is_null(&mut self, value: Spanned<Expr>) -> Spanned<Expr> {
        let negated = self.take_keyword(Keyword::Not);
        self.expect(&TokenKind::Keyword(Keyword::Null), "write `IS NULL` or `IS NOT NULL`");
        let span = value.span.to(self.tokens.previous_span());
        Spanned::new(Expr::IsNull { value: Box::new(value), negated }, span)
    }

    /// After `:`.
    fn match_query(&mut self, value: Spanned<Expr>) -> Spanned<Expr> {
        let query = self.constant("write `name : \"text\"`");
        let span = value.span.to(self.tokens.previous_span());
        let is_grouped = self.written(value.span).starts_with('(');
        let (field, cast) = match value.value {
            Expr::Column(name) if !is_grouped => (Spanned::new(name, value.span), None),
            Expr::Cast { value: inner, to } if !is_grouped => match inner.value {
                Expr::Column(name) if !self.written(inner.span).starts_with('(') => {
                    (Spanned::new(name, inner.span), Some(to))
                }
                _ => return self.no_match_field(value.span, span),
            },
            Expr::Invalid => return Spanned::new(Expr::Invalid, span),
            _ => return self.no_match_field(value.span, span),
        };
        let Some(query) = query else { return Spanned::new(Expr::Invalid, span) };
        Spanned::new(Expr::Match { field, cast, query }, span)
    }

    fn no_match_field(&mut self, place: Span, span: Span) -> Spanned<Expr> {
        self.faults.error(
            "esql::match-field",
            "`:` searches in a field",
            place,
            "not the name of a field",
            "write `name : \"text\"`; other values are compared with `==`",
        );
        Spanned::new(Expr::Invalid, span)
    }
}

/// One node of several, or the only one.
fn joined(mut nodes: Vec<Spanned<Expr>>, join: fn(Vec<Spanned<Expr>>) -> Expr) -> Spanned<Expr> {
    match (nodes.len(), nodes.first(), nodes.last()) {
        (2.., Some(first), Some(last)) => {
            let span = first.span.to(last.span);
            Spanned::new(join(nodes), span)
        }
        _ => nodes.pop().unwrap_or(Spanned::new(Expr::Invalid, Span::default())),
    }
}
