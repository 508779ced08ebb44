//! EQL expressions.
//!
//! ```text
//!   expression = negation (("and" | "or") negation)*          `and` holds tighter than `or`
//!   negation   = "not"* arithmetic (comparison arithmetic)?
//!   arithmetic = signed (("*" | "/" | "%" | "+" | "-") signed)*
//!   signed     = ("+" | "-")* primary predicate?
//!   predicate  = "not"? ("in" | "in~") list | (":" | "like" | "regex" …) (constant | list)
//! ```

use super::ast::{ArithmeticOp, CompareOp, Expr, Literal, MatchOp};
use super::parser::{MAX_DEPTH, Parser};
use super::token::{Keyword, TokenKind, reserved};
use crate::{Diagnostic, Span, Spanned};

/// How many arithmetic operators a query may have: their nodes nest without any parentheses.
const MAX_ARITHMETIC: usize = 1000;

/// What comes after an operand of `and` and `or`.
enum Joint {
    And,
    Or,
    End,
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Spanned<Expr> {
        let mut any = Vec::new();
        let mut all = vec![self.negation()];
        loop {
            match self.joint() {
                Joint::And => all.push(self.negation()),
                Joint::Or => {
                    any.push(joined(std::mem::take(&mut all), Expr::And));
                    all.push(self.negation());
                }
                Joint::End => break,
            }
        }
        any.push(joined(all, Expr::And));
        joined(any, Expr::Or)
    }

    fn negation(&mut self) -> Spanned<Expr> {
        let start = self.tokens.current_span();
        let mut nots = 0;
        loop {
            if self.take_keyword(Keyword::Not) {
                nots += 1;
            } else if self.is_word_in_wrong_case(0, "not") && self.begins_operand_at(1) {
                self.wrong_case(self.tokens.current_span(), "not");
                self.tokens.skip(1);
                nots += 1;
            } else {
                break;
            }
        }
        if self.is_too_deep(nots, start) {
            return Spanned::new(Expr::Invalid, start);
        }
        self.depth += nots;
        let mut inner = self.comparison();
        self.depth -= nots;
        let span = start.to(inner.span);
        for _ in 0..nots {
            inner = Spanned::new(Expr::Not(Box::new(inner)), span);
        }
        inner
    }

    fn comparison(&mut self) -> Spanned<Expr> {
        let left = self.arithmetic(0);
        let op = match self.tokens.kind_at(0) {
            Some(TokenKind::Compare(op)) => *op,
            Some(TokenKind::Assign) => {
                self.single_equals();
                CompareOp::Eq
            }
            Some(TokenKind::Name(word)) => match foreign_operator(word) {
                Some(help) => return self.foreign_comparison(left, help),
                None => return left,
            },
            _ => return left,
        };
        self.tokens.skip(1);
        if self.tokens.is_at(&TokenKind::Keyword(Keyword::Not)) {
            self.not_before_value();
            self.tokens.skip(1);
        }
        let right = self.arithmetic(0);
        let span = left.span.to(right.span);
        Spanned::new(Expr::Compare { op, left: Box::new(left), right: Box::new(right) }, span)
    }

    /// `field contains "a"`, at the word.
    fn foreign_comparison(&mut self, left: Spanned<Expr>, help: &'static str) -> Spanned<Expr> {
        let span = self.tokens.advance();
        let message = format!("EQL has no operator `{}`", self.written(span));
        self.faults.error("eql::unknown-operator", message, span, "not an operator of EQL", help);
        self.take_keyword(Keyword::Not);
        if self.begins_operand_at(0) {
            self.arithmetic(0);
        }
        Spanned::new(Expr::Invalid, left.span.to(self.tokens.previous_span()))
    }

    /// Operators that hold at least as tightly as `least`: 0 for all, 1 for `*`, `/` and `%`, 2 for none.
    pub(super) fn arithmetic(&mut self, least: u8) -> Spanned<Expr> {
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
            self.arithmetic += 1;
            if self.arithmetic > MAX_ARITHMETIC {
                self.give_up(sign, "too many arithmetic operators");
                return left;
            }
            let right = self.arithmetic(level + 1);
            self.check_hyphen(op, &left, sign, &right);
            let span = left.span.to(right.span);
            left = Spanned::new(Expr::Arithmetic { op, left: Box::new(left), right: Box::new(right) }, span);
        }
    }

    fn signed(&mut self) -> Spanned<Expr> {
        let start = self.tokens.current_span();
        let minuses = self.signs();
        if self.is_too_deep(minuses.len(), start) {
            return Spanned::new(Expr::Invalid, start);
        }
        self.depth += minuses.len();
        let value = self.primary();
        let value = self.predicate(value);
        self.depth -= minuses.len();
        negated(minuses, value)
    }

    /// Takes all signs; the places of the minuses.
    pub(super) fn signs(&mut self) -> Vec<Span> {
        let mut minuses = Vec::new();
        loop {
            if let Some(minus) = self.tokens.take(&TokenKind::Minus) {
                minuses.push(minus);
            } else if self.tokens.take(&TokenKind::Plus).is_none() {
                return minuses;
            }
        }
    }

    /// What may follow an operand: `in (…)`, `: …` and the like.
    fn predicate(&mut self, value: Spanned<Expr>) -> Spanned<Expr> {
        let not = self
            .tokens
            .peek()
            .filter(|token| token.kind == TokenKind::Keyword(Keyword::Not))
            .map(|token| token.span);
        let ahead = usize::from(not.is_some());
        let operator = match self.tokens.kind_at(ahead) {
            Some(kind @ (TokenKind::Keyword(Keyword::In | Keyword::InFold) | TokenKind::Match(_))) => {
                kind.clone()
            }
            Some(TokenKind::Name(_) | TokenKind::TildeName(_)) => match self.operator_in_wrong_case(ahead) {
                Some(kind) => kind,
                None => return value,
            },
            _ => return value,
        };
        self.tokens.skip(ahead + 1);
        match operator {
            TokenKind::Match(op) => {
                let found = self.match_patterns(value, op);
                match not {
                    Some(not) => {
                        self.not_before_operator(not);
                        let span = found.span;
                        Spanned::new(Expr::Not(Box::new(found)), span)
                    }
                    None => found,
                }
            }
            operator => {
                let fold = operator == TokenKind::Keyword(Keyword::InFold);
                let list = self.list();
                let span = value.span.to(self.tokens.previous_span());
                if list.is_empty() {
                    return Spanned::new(Expr::Invalid, span);
                }
                Spanned::new(Expr::In { value: Box::new(value), list, fold, negated: not.is_some() }, span)
            }
        }
    }

    fn match_patterns(&mut self, value: Spanned<Expr>, op: MatchOp) -> Spanned<Expr> {
        let list = if self.tokens.is_at(&TokenKind::LeftParenthesis) {
            self.list()
        } else {
            let minuses = self.signs();
            let pattern = self.primary();
            vec![negated(minuses, pattern)]
        };
        let mut patterns = Vec::with_capacity(list.len());
        for pattern in list {
            match pattern.value {
                Expr::Literal(literal) => {
                    if !matches!(literal, Literal::Text(_)) {
                        self.pattern_not_text(pattern.span, op);
                    }
                    patterns.push(Spanned::new(literal, pattern.span));
                }
                Expr::Invalid => {}
                _ => self.pattern_not_constant(pattern.span),
            }
        }
        let span = value.span.to(self.tokens.previous_span());
        if patterns.is_empty() {
            return Spanned::new(Expr::Invalid, span);
        }
        Spanned::new(Expr::Match { op, value: Box::new(value), patterns }, span)
    }

    /// What joins the operand before with what follows. Takes everything that cannot be part of an expression.
    fn joint(&mut self) -> Joint {
        loop {
            let Some(token) = self.tokens.peek() else { return Joint::End };
            let span = token.span;
            match token.kind {
                TokenKind::Keyword(Keyword::And) => {
                    self.tokens.skip(1);
                    return Joint::And;
                }
                TokenKind::Keyword(Keyword::Or) => {
                    self.tokens.skip(1);
                    return Joint::Or;
                }
                TokenKind::Pipe
                | TokenKind::LeftBracket
                | TokenKind::MissingBracket
                | TokenKind::Keyword(Keyword::By | Keyword::With | Keyword::Until | Keyword::Where) => {
                    return Joint::End;
                }
                TokenKind::RightBracket if self.open_brackets > 0 => return Joint::End,
                TokenKind::RightParenthesis | TokenKind::Comma if self.open_parentheses > 0 => {
                    return Joint::End;
                }
                TokenKind::RightBracket => {
                    self.tokens.skip(1);
                    self.faults.error(
                        "eql::unopened-bracket",
                        "this bracket closes nothing",
                        span,
                        "never opened",
                        "take it out, or add the opening one",
                    );
                }
                TokenKind::RightParenthesis => {
                    self.tokens.skip(1);
                    self.faults.error(
                        "eql::unopened-parenthesis",
                        "this parenthesis closes nothing",
                        span,
                        "never opened",
                        "take it out, or add the opening one",
                    );
                }
                TokenKind::Comma => {
                    self.tokens.skip(1);
                    self.stray_comma(span);
                    if self.begins_operand_at(0) {
                        return Joint::And;
                    }
                }
                TokenKind::Compare(_)
                | TokenKind::Assign
                | TokenKind::Match(_)
                | TokenKind::Keyword(Keyword::In | Keyword::InFold) => {
                    self.tokens.skip(1);
                    self.faults.error(
                        "eql::chained-comparison",
                        "comparisons cannot follow one another",
                        span,
                        "second comparison",
                        "join two comparisons with `and`",
                    );
                    if self.begins_operand_at(0) {
                        self.arithmetic(0);
                    }
                }
                TokenKind::Name(_) if self.is_word_in_wrong_case(0, "and") => {
                    self.wrong_case(span, "and");
                    self.tokens.skip(1);
                    return Joint::And;
                }
                TokenKind::Name(_) if self.is_word_in_wrong_case(0, "or") => {
                    self.wrong_case(span, "or");
                    self.tokens.skip(1);
                    return Joint::Or;
                }
                _ if self.begins_operand_at(0) => {
                    let place = self.name_span();
                    self.faults.error("eql::missing-operator", "`and` or `or` is missing before this", place, "follows without an operator", "join the two with `and` or `or`; a text needs double quotes, a name with special characters backquotes");
                    return Joint::And;
                }
                _ => {
                    self.tokens.skip(1);
                    self.faults.error(
                        "eql::unexpected",
                        "this has no place in a condition",
                        span,
                        "not part of the condition",
                        "take it out; a reserved word needs quotes or backquotes",
                    );
                }
            }
        }
    }

    fn is_word_in_wrong_case(&self, ahead: usize, word: &str) -> bool {
        matches!(self.tokens.kind_at(ahead), Some(TokenKind::Name(name)) if name.eq_ignore_ascii_case(word))
    }

    /// `IN`, `Like`, `REGEX~`: reported, and read as the operator.
    fn operator_in_wrong_case(&mut self, ahead: usize) -> Option<TokenKind> {
        let span = self.tokens.peek_at(ahead)?.span;
        let word = self.written(span).to_ascii_lowercase();
        let kind = reserved(&word).filter(|kind| {
            matches!(kind, TokenKind::Keyword(Keyword::In | Keyword::InFold) | TokenKind::Match(_))
        })?;
        self.wrong_case(span, &word);
        Some(kind)
    }

    /// Reports when `more` levels would be too deep, and leaves the rest of the text alone.
    pub(super) fn is_too_deep(&mut self, more: usize, place: Span) -> bool {
        let too_deep = self.depth + more > MAX_DEPTH;
        if too_deep {
            self.give_up(place, "too many levels");
        }
        too_deep
    }

    fn give_up(&mut self, place: Span, label: &'static str) {
        self.faults.error("eql::too-deep", format!("the query nests more than {MAX_DEPTH} levels deep, or computes more than {MAX_ARITHMETIC} times"), place, label, "take out needless parentheses, or split the rule");
        self.faults.give_up();
        self.tokens.skip_all();
    }

    fn single_equals(&mut self) {
        let span = self.tokens.current_span();
        self.faults.error(
            "eql::single-equals",
            "a comparison has two equals signs",
            span,
            "one `=` only",
            "write `==`, or `:` to ignore case and allow wildcards",
        );
    }

    fn not_before_value(&mut self) {
        let span = self.tokens.current_span();
        self.faults.error(
            "eql::not-before-value",
            "`not` cannot stand between a comparison and its value",
            span,
            "belongs before the comparison",
            "write `not field == value`, or `field != value`",
        );
    }

    fn not_before_operator(&mut self, not: Span) {
        self.faults.error(
            "eql::not-before-operator",
            "`not` stands before the field here",
            not,
            "too late",
            "write `not field : value`; only `in` takes a `not` before it",
        );
    }

    fn pattern_not_text(&mut self, span: Span, op: MatchOp) {
        self.faults.error(
            "eql::pattern-not-text",
            format!("`{op}` compares with text"),
            span,
            "not a text",
            "put it in double quotes, or compare with `==`",
        );
    }

    fn pattern_not_constant(&mut self, span: Span) {
        self.faults.error(
            "eql::pattern-not-constant",
            "a pattern is a text as it stands",
            span,
            "not a constant",
            "write it in double quotes, several in a list: `(\"a*\", \"b\")`; two fields cannot be compared this way",
        );
    }

    pub(super) fn stray_comma(&mut self, comma: Span) {
        self.faults.error(
            "eql::stray-comma",
            "a comma has no place here",
            comma,
            "joins nothing",
            "join conditions with `and` or `or`; a list follows `in`, `:`, `like` or `regex`",
        );
    }

    /// `user-agent.name` is read as `user - agent.name`.
    fn check_hyphen(&mut self, op: ArithmeticOp, left: &Spanned<Expr>, sign: Span, right: &Spanned<Expr>) {
        let touches = left.span.end == sign.start && sign.end == right.span.start;
        let are_fields = matches!((&left.value, &right.value), (Expr::Field(_), Expr::Field(_)));
        if op == ArithmeticOp::Subtract && touches && are_fields {
            self.faults.report(
                Diagnostic::warning("eql::hyphen", "this hyphen is read as a minus")
                    .at(sign)
                    .label("subtracts")
                    .help("put a name with a hyphen in backquotes; a minus gets spaces around it"),
            );
        }
    }
}

/// What to write in place of a word that is an operator elsewhere.
fn foreign_operator(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "is" | "exists" => "write `field != null` where it has a value, `field == null` where it has none",
        "contains" => "write `field : \"*part*\"`, or `stringContains(field, part)`",
        "matches" | "wildcard" | "ilike" | "rlike" => "write `field : \"a*\"`, or `field regex \"a.*\"`",
        "equals" => "write `field == value`",
        _ => return None,
    })
}

fn negated(minuses: Vec<Span>, value: Spanned<Expr>) -> Spanned<Expr> {
    minuses.into_iter().rev().fold(value, |value, minus| {
        let span = minus.to(value.span);
        Spanned::new(Expr::Negate(Box::new(value)), span)
    })
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
