//! EQL expressions.
//!
//! ```text
//!   expression = negation (("and" | "or") negation)*          `and` holds tighter than `or`
//!   negation   = "not"* arithmetic (comparison arithmetic)?
//!   arithmetic = signed (("*" | "/" | "%" | "+" | "-") signed)*
//!   signed     = ("+" | "-")* primary predicate?
//!   predicate  = "not"? ("in" | "in~") list | (":" | "like" | "regex" …) (constant | list)
//! ```

use super::ast::{ArithmeticOp, CompareOp, Expr, FieldRef, Function, Literal, MatchOp};
use super::function::{named, substitute};
use super::lexer::{Keyword, TokenKind, reserved};
use super::parser::{MAX_DEPTH, Parser};
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
        let start = self.current_span();
        let mut nots = 0;
        loop {
            if self.take_keyword(Keyword::Not) {
                nots += 1;
            } else if self.is_word_in_wrong_case(0, "not") && self.begins_operand_at(1) {
                self.wrong_case(self.current_span(), "not");
                self.position += 1;
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
        let op = match self.peek().map(|token| &token.kind) {
            Some(TokenKind::Compare(op)) => *op,
            Some(TokenKind::Assign) => {
                self.single_equals();
                CompareOp::Eq
            }
            _ => return left,
        };
        self.position += 1;
        if self.peek().is_some_and(|token| token.kind == TokenKind::Keyword(Keyword::Not)) {
            self.not_before_value();
            self.position += 1;
        }
        let right = self.arithmetic(0);
        let span = left.span.to(right.span);
        Spanned::new(Expr::Compare { op, left: Box::new(left), right: Box::new(right) }, span)
    }

    /// Operators that hold at least as tightly as `least`: 0 for all, 1 for `*`, `/` and `%`, 2 for none.
    pub(super) fn arithmetic(&mut self, least: u8) -> Spanned<Expr> {
        let mut left = self.signed();
        loop {
            let (op, level) = match self.peek().map(|token| &token.kind) {
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
            let sign = self.advance();
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
        let start = self.current_span();
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
    fn signs(&mut self) -> Vec<Span> {
        let mut minuses = Vec::new();
        loop {
            if let Some(minus) = self.take(&TokenKind::Minus) {
                minuses.push(minus);
            } else if self.take(&TokenKind::Plus).is_none() {
                return minuses;
            }
        }
    }

    /// What may follow an operand: `in (…)`, `: …` and the like.
    fn predicate(&mut self, value: Spanned<Expr>) -> Spanned<Expr> {
        let not = self
            .peek()
            .filter(|token| token.kind == TokenKind::Keyword(Keyword::Not))
            .map(|token| token.span);
        let ahead = usize::from(not.is_some());
        let operator = match self.kind_at(ahead) {
            Some(kind @ (TokenKind::Keyword(Keyword::In | Keyword::InFold) | TokenKind::Match(_))) => {
                kind.clone()
            }
            Some(TokenKind::Name(_) | TokenKind::TildeName(_)) => match self.operator_in_wrong_case(ahead) {
                Some(kind) => kind,
                None => return value,
            },
            _ => return value,
        };
        self.position += ahead + 1;
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
                let span = value.span.to(self.previous_span());
                if list.is_empty() {
                    return Spanned::new(Expr::Invalid, span);
                }
                Spanned::new(Expr::In { value: Box::new(value), list, fold, negated: not.is_some() }, span)
            }
        }
    }

    fn match_patterns(&mut self, value: Spanned<Expr>, op: MatchOp) -> Spanned<Expr> {
        let list = if self.peek().is_some_and(|token| token.kind == TokenKind::LeftParenthesis) {
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
        let span = value.span.to(self.previous_span());
        if patterns.is_empty() {
            return Spanned::new(Expr::Invalid, span);
        }
        Spanned::new(Expr::Match { op, value: Box::new(value), patterns }, span)
    }

    /// `( expression, … )`; empty when nothing usable stands here.
    fn list(&mut self) -> Vec<Spanned<Expr>> {
        if self.peek().is_none_or(|token| token.kind != TokenKind::LeftParenthesis) {
            let item = self.arithmetic(0);
            if !matches!(item.value, Expr::Invalid) {
                self.error(
                    "eql::list-without-parentheses",
                    "a list stands in parentheses",
                    item.span,
                    "not in parentheses",
                    "write `in (\"a\", \"b\")`",
                );
            }
            return vec![item];
        }
        let open = self.current_span();
        let items = self.arguments();
        if items.is_empty() && !self.gave_up {
            let span = open.to(self.previous_span());
            self.error(
                "eql::empty-list",
                "there is nothing inside",
                span,
                "empty",
                "write at least one value",
            );
        }
        items
    }

    /// `( expression, … )` or `()`, at the opening parenthesis.
    fn arguments(&mut self) -> Vec<Spanned<Expr>> {
        let open = self.advance();
        let mut items = Vec::new();
        if self.take(&TokenKind::RightParenthesis).is_some() {
            return items;
        }
        self.enter(open, |parser| {
            items.push(parser.expression());
            while parser.take(&TokenKind::Comma).is_some() {
                items.push(parser.expression());
            }
        });
        items
    }

    /// `( expression )`, at the opening parenthesis.
    fn group(&mut self) -> Spanned<Expr> {
        let open = self.advance();
        if let Some(close) = self.take(&TokenKind::RightParenthesis) {
            self.error(
                "eql::empty-group",
                "there is nothing inside",
                open.to(close),
                "empty",
                "write a condition here, or take it out",
            );
            return Spanned::new(Expr::Invalid, open.to(close));
        }
        let mut inner = Spanned::new(Expr::Invalid, open);
        self.enter(open, |parser| {
            inner = parser.expression();
            while let Some(comma) = parser.take(&TokenKind::Comma) {
                parser.stray_comma(comma);
                parser.expression();
            }
        });
        inner
    }

    /// Reads what stands in parentheses, and the closing one.
    fn enter(&mut self, open: Span, read: impl FnOnce(&mut Self)) {
        if self.is_too_deep(1, open) {
            return;
        }
        self.depth += 1;
        self.open_parentheses += 1;
        read(self);
        self.open_parentheses -= 1;
        self.depth -= 1;
        if self.take(&TokenKind::RightParenthesis).is_none() {
            self.error(
                "eql::unclosed-parenthesis",
                "this parenthesis is never closed",
                open,
                "opened here",
                "add the closing `)`",
            );
        }
    }

    fn primary(&mut self) -> Spanned<Expr> {
        let Some(token) = self.peek() else { return self.missing_operand() };
        let span = token.span;
        let literal = match &token.kind {
            TokenKind::Number(number) => number.clone(),
            TokenKind::Text(text) => Literal::Text(text.clone()),
            TokenKind::Keyword(Keyword::Null) if !self.is_name_at(1) => Literal::Null,
            TokenKind::Keyword(Keyword::True) if !self.is_name_at(1) => Literal::Bool(true),
            TokenKind::Keyword(Keyword::False) if !self.is_name_at(1) => Literal::Bool(false),
            TokenKind::LeftParenthesis => return self.group(),
            TokenKind::Optional => return self.optional_field(),
            TokenKind::TildeName(_) => return self.call(),
            TokenKind::Name(_) => {
                return match self.kind_at(1) {
                    Some(TokenKind::LeftParenthesis) => self.call(),
                    Some(TokenKind::Keyword(Keyword::Of)) if self.opens_bracket_at(2) => {
                        self.process_relation()
                    }
                    _ => self.field(span, false),
                };
            }
            TokenKind::QuotedName(_) => return self.field(span, false),
            TokenKind::Keyword(_) | TokenKind::Match(_) if self.is_word(span) && self.is_name_at(1) => {
                return self.field(span, false);
            }
            _ => return self.missing_operand(),
        };
        self.position += 1;
        Spanned::new(Expr::Literal(literal), span)
    }

    fn optional_field(&mut self) -> Spanned<Expr> {
        let mark = self.advance();
        match self.peek().map(|token| &token.kind) {
            Some(TokenKind::Name(_) | TokenKind::QuotedName(_)) => self.field(mark, true),
            Some(TokenKind::Keyword(_)) if self.is_name_at(1) => self.field(mark, true),
            _ => {
                self.error(
                    "eql::missing-field",
                    "`?` stands before the name of a field",
                    mark,
                    "no field after it",
                    "write `?field`; to stand for any character, `?` belongs in quotes",
                );
                Spanned::new(Expr::Invalid, mark)
            }
        }
    }

    /// `name.name…`, at the first name. `start`: where the field begins, which may be its `?`.
    fn field(&mut self, start: Span, optional: bool) -> Spanned<Expr> {
        let mut name = self.name_part().unwrap_or_default();
        let mut usable = true;
        loop {
            let span = self.current_span();
            let touches = span.start == self.previous_span().end;
            match self.peek().map(|token| &token.kind) {
                Some(TokenKind::Dot) => {
                    self.position += 1;
                    match self.name_part() {
                        Some(part) => {
                            name.push('.');
                            name.push_str(&part);
                        }
                        None => {
                            usable = false;
                            self.error(
                                "eql::missing-name",
                                "a name is missing after this dot",
                                span,
                                "ends the name of a field",
                                "complete the name, or take the dot out",
                            );
                        }
                    }
                }
                Some(TokenKind::Number(_)) if touches && self.written(span).starts_with('.') => {
                    self.position += 1;
                    let mut part = self.written(span).to_owned();
                    let next = self.current_span();
                    if next.start == span.end && matches!(self.kind_at(0), Some(TokenKind::Name(_))) {
                        part.push_str(self.written(next));
                        self.position += 1;
                    }
                    let help = format!("put this part in backquotes: `.{}`", backquoted(&part[1..]));
                    name.push_str(&part);
                    self.error(
                        "eql::digit-in-name",
                        "a part of a name that begins with a digit needs backquotes",
                        span.to(self.previous_span()),
                        "read as a number",
                        help,
                    );
                }
                Some(TokenKind::LeftBracket) if matches!(self.kind_at(1), Some(TokenKind::Number(_))) => {
                    let close = usize::from(matches!(self.kind_at(2), Some(TokenKind::RightBracket)));
                    self.position += 2 + close;
                    self.error(
                        "eql::array-index",
                        "EQL does not look at single elements of an array",
                        span.to(self.previous_span()),
                        "not supported",
                        "leave it out: a condition holds when any element of the array meets it",
                    );
                }
                _ => break,
            }
        }
        let span = start.to(self.previous_span());
        if !usable || name.is_empty() {
            return Spanned::new(Expr::Invalid, span);
        }
        if self.peek().is_some_and(|token| token.kind == TokenKind::LeftParenthesis) && !optional {
            self.unknown_function(span, &name);
            self.arguments();
            return Spanned::new(Expr::Invalid, span.to(self.previous_span()));
        }
        Spanned::new(Expr::Field(FieldRef { name, optional }), span)
    }

    /// One name between dots; reserved words are taken, with a fault.
    fn name_part(&mut self) -> Option<String> {
        let span = self.current_span();
        match self.peek().map(|token| token.kind.clone()) {
            Some(TokenKind::Name(name) | TokenKind::QuotedName(name)) => {
                self.position += 1;
                Some(name)
            }
            Some(TokenKind::Keyword(_) | TokenKind::Match(_)) if self.is_word(span) => {
                self.position += 1;
                let word = self.written(span).to_owned();
                self.error(
                    "eql::reserved-word",
                    "this word is reserved",
                    span,
                    "not a name",
                    format!("put it in backquotes: {}", backquoted(&word)),
                );
                Some(word)
            }
            _ => None,
        }
    }

    /// `name(…)` or `name~(…)`, at the name.
    fn call(&mut self) -> Spanned<Expr> {
        let span = self.current_span();
        let (name, fold) = match self.peek().map(|token| token.kind.clone()) {
            Some(TokenKind::TildeName(name)) => (name, true),
            Some(TokenKind::Name(name)) => (name, false),
            _ => return self.missing_operand(),
        };
        self.position += 1;
        if self.peek().is_none_or(|token| token.kind != TokenKind::LeftParenthesis) {
            self.error(
                "eql::stray-tilde",
                "only functions and `in`, `like`, `regex` have a form with `~`",
                span,
                "not a function",
                "write `name~(…)` for a function, or compare with `:` or `in~`, which ignore case",
            );
            return Spanned::new(Expr::Invalid, span);
        }
        let args = self.arguments();
        let whole = span.to(self.previous_span());
        let Some(signature) = named(&name) else {
            self.unknown_function(span, &name);
            return Spanned::new(Expr::Invalid, whole);
        };
        if fold && !signature.folds {
            self.error(
                "eql::no-fold",
                format!("`{}` has no form with `~`", signature.name),
                span,
                "cannot ignore case",
                format!("write `{}(…)`", signature.name),
            );
        }
        let most = signature.most_arguments.unwrap_or(usize::MAX);
        if !(signature.least_arguments..=most).contains(&args.len()) {
            self.argument_count(whole, signature.function, args.len());
        }
        Spanned::new(Expr::Call { function: Spanned::new(signature.function, span), fold, args }, whole)
    }

    /// `child of [ … ]` and the like, at the first word.
    fn process_relation(&mut self) -> Spanned<Expr> {
        let word = self.advance();
        let span = word.to(self.advance());
        self.error("eql::process-relation", "relations between processes are not supported", span, "an older dialect's form", "write a sequence by `process.entity_id` and `process.parent.entity_id`, or use fields of `process.parent`");
        if !self.is_too_deep(1, span) {
            self.depth += 1;
            self.subquery();
            self.depth -= 1;
        }
        Spanned::new(Expr::Invalid, span)
    }

    /// What joins the operand before with what follows. Takes everything that cannot be part of an expression.
    fn joint(&mut self) -> Joint {
        loop {
            let Some(token) = self.peek() else { return Joint::End };
            let span = token.span;
            match token.kind {
                TokenKind::Keyword(Keyword::And) => {
                    self.position += 1;
                    return Joint::And;
                }
                TokenKind::Keyword(Keyword::Or) => {
                    self.position += 1;
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
                    self.position += 1;
                    self.error(
                        "eql::unopened-bracket",
                        "this bracket closes nothing",
                        span,
                        "never opened",
                        "take it out, or add the opening one",
                    );
                }
                TokenKind::RightParenthesis => {
                    self.position += 1;
                    self.error(
                        "eql::unopened-parenthesis",
                        "this parenthesis closes nothing",
                        span,
                        "never opened",
                        "take it out, or add the opening one",
                    );
                }
                TokenKind::Comma => {
                    self.position += 1;
                    self.stray_comma(span);
                    if self.begins_operand_at(0) {
                        return Joint::And;
                    }
                }
                TokenKind::Compare(_)
                | TokenKind::Assign
                | TokenKind::Match(_)
                | TokenKind::Keyword(Keyword::In | Keyword::InFold) => {
                    self.position += 1;
                    self.error(
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
                    self.position += 1;
                    return Joint::And;
                }
                TokenKind::Name(_) if self.is_word_in_wrong_case(0, "or") => {
                    self.wrong_case(span, "or");
                    self.position += 1;
                    return Joint::Or;
                }
                _ if self.begins_operand_at(0) => {
                    self.error("eql::missing-operator", "`and` or `or` is missing before this", span, "follows without an operator", "join the two with `and` or `or`; a text needs double quotes, a name with special characters backquotes");
                    return Joint::And;
                }
                _ => {
                    self.position += 1;
                    self.error(
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

    /// An operand should stand here. An operator without a left side is taken with its right side.
    fn missing_operand(&mut self) -> Spanned<Expr> {
        let span = self.current_span();
        let is_operator = |kind: &TokenKind| {
            matches!(
                kind,
                TokenKind::Compare(_)
                    | TokenKind::Assign
                    | TokenKind::Match(_)
                    | TokenKind::Star
                    | TokenKind::Slash
                    | TokenKind::Percent
                    | TokenKind::Keyword(Keyword::And | Keyword::Or | Keyword::In | Keyword::InFold)
            )
        };
        if !self.peek().is_some_and(|token| is_operator(&token.kind)) {
            let before = self.previous_span();
            let (place, label) =
                if self.position > 0 { (before, "needs something after it") } else { (span, "nothing here") };
            self.error(
                "eql::missing-operand",
                "a value or a condition is missing here",
                place,
                label,
                "complete the expression; a reserved word as a name needs backquotes",
            );
            return Spanned::new(Expr::Invalid, Span::new(span.start, span.start));
        }
        self.error(
            "eql::stray-operator",
            "this operator has nothing before it",
            span,
            "joins nothing",
            "complete the expression before it, or take it out",
        );
        while self.peek().is_some_and(|token| is_operator(&token.kind)) {
            self.position += 1;
        }
        self.signs();
        if self.begins_operand_at(0)
            && !self.peek().is_some_and(|token| token.kind == TokenKind::Keyword(Keyword::Not))
        {
            self.primary();
        }
        Spanned::new(Expr::Invalid, span.to(self.previous_span()))
    }

    /// True when the token that far ahead can begin an operand; signs, which can also join two, do not count.
    pub(super) fn begins_operand_at(&self, ahead: usize) -> bool {
        matches!(
            self.kind_at(ahead),
            Some(
                TokenKind::Name(_)
                    | TokenKind::QuotedName(_)
                    | TokenKind::TildeName(_)
                    | TokenKind::Number(_)
                    | TokenKind::Text(_)
                    | TokenKind::Optional
                    | TokenKind::LeftParenthesis
                    | TokenKind::Keyword(Keyword::Not | Keyword::Null | Keyword::True | Keyword::False)
            )
        )
    }

    /// True when what stands that far ahead makes the word before it a name: a dot or an operator.
    fn is_name_at(&self, ahead: usize) -> bool {
        match self.kind_at(ahead) {
            Some(TokenKind::Dot) => true,
            Some(TokenKind::Compare(_) | TokenKind::Assign | TokenKind::Match(_)) => !matches!(
                self.kind_at(ahead - 1),
                Some(TokenKind::Keyword(
                    Keyword::Null
                        | Keyword::True
                        | Keyword::False
                        | Keyword::And
                        | Keyword::Or
                        | Keyword::In
                        | Keyword::InFold
                ))
            ),
            _ => false,
        }
    }

    fn opens_bracket_at(&self, ahead: usize) -> bool {
        matches!(self.kind_at(ahead), Some(TokenKind::LeftBracket | TokenKind::MissingBracket))
    }

    fn is_word(&self, span: Span) -> bool {
        let text = self.written(span);
        text.starts_with(|first: char| first.is_ascii_alphabetic()) && !text.ends_with('~')
    }

    fn written(&self, span: Span) -> &str {
        self.source.get(span.start..span.end).unwrap_or_default()
    }

    fn is_word_in_wrong_case(&self, ahead: usize, word: &str) -> bool {
        matches!(self.kind_at(ahead), Some(TokenKind::Name(name)) if name.eq_ignore_ascii_case(word))
    }

    /// `IN`, `Like`, `REGEX~`: reported, and read as the operator.
    fn operator_in_wrong_case(&mut self, ahead: usize) -> Option<TokenKind> {
        let span = self.tokens.get(self.position + ahead)?.span;
        let word = self.written(span).to_ascii_lowercase();
        let kind = reserved(&word).filter(|kind| {
            matches!(kind, TokenKind::Keyword(Keyword::In | Keyword::InFold) | TokenKind::Match(_))
        })?;
        self.wrong_case(span, &word);
        Some(kind)
    }

    /// Reports when `more` levels would be too deep, and leaves the rest of the text alone.
    fn is_too_deep(&mut self, more: usize, place: Span) -> bool {
        let too_deep = self.depth + more > MAX_DEPTH;
        if too_deep {
            self.give_up(place, "too many levels");
        }
        too_deep
    }

    fn give_up(&mut self, place: Span, label: &'static str) {
        self.error("eql::too-deep", format!("the query nests more than {MAX_DEPTH} levels deep, or computes more than {MAX_ARITHMETIC} times"), place, label, "take out needless parentheses, or split the rule");
        self.gave_up = true;
        self.position = self.tokens.len();
    }

    fn single_equals(&mut self) {
        let span = self.current_span();
        self.error(
            "eql::single-equals",
            "a comparison has two equals signs",
            span,
            "one `=` only",
            "write `==`, or `:` to ignore case and allow wildcards",
        );
    }

    fn not_before_value(&mut self) {
        let span = self.current_span();
        self.error(
            "eql::not-before-value",
            "`not` cannot stand between a comparison and its value",
            span,
            "belongs before the comparison",
            "write `not field == value`, or `field != value`",
        );
    }

    fn not_before_operator(&mut self, not: Span) {
        self.error(
            "eql::not-before-operator",
            "`not` stands before the field here",
            not,
            "too late",
            "write `not field : value`; only `in` takes a `not` before it",
        );
    }

    fn pattern_not_text(&mut self, span: Span, op: MatchOp) {
        self.error(
            "eql::pattern-not-text",
            format!("`{op}` compares with text"),
            span,
            "not a text",
            "put it in double quotes, or compare with `==`",
        );
    }

    fn pattern_not_constant(&mut self, span: Span) {
        self.error(
            "eql::pattern-not-constant",
            "a pattern is a text as it stands",
            span,
            "not a constant",
            "write the pattern in double quotes; two fields cannot be compared this way",
        );
    }

    fn stray_comma(&mut self, comma: Span) {
        self.error(
            "eql::stray-comma",
            "a comma has no place here",
            comma,
            "joins nothing",
            "join conditions with `and` or `or`; a list follows `in`, `:`, `like` or `regex`",
        );
    }

    fn unknown_function(&mut self, span: Span, name: &str) {
        self.error(
            "eql::unknown-function",
            format!("EQL has no function `{name}`"),
            span,
            "unknown function",
            substitute(name),
        );
    }

    fn argument_count(&mut self, span: Span, function: Function, found: usize) {
        let Some(signature) = super::function::signature(function) else { return };
        let takes = match (signature.least_arguments, signature.most_arguments) {
            (1, Some(1)) => "one argument".to_owned(),
            (least, Some(most)) if least == most => format!("{least} arguments"),
            (least, Some(most)) => format!("{least} to {most} arguments"),
            (1, None) => "at least one argument".to_owned(),
            (least, None) => format!("at least {least} arguments"),
        };
        self.error(
            "eql::argument-count",
            format!("`{function}` takes {takes}, not {found}"),
            span,
            "wrong number of arguments",
            "add what is missing, or take out what is too much",
        );
    }

    /// `user-agent.name` is read as `user - agent.name`.
    fn check_hyphen(&mut self, op: ArithmeticOp, left: &Spanned<Expr>, sign: Span, right: &Spanned<Expr>) {
        let touches = left.span.end == sign.start && sign.end == right.span.start;
        let are_fields = matches!((&left.value, &right.value), (Expr::Field(_), Expr::Field(_)));
        if op == ArithmeticOp::Subtract && touches && are_fields && !self.gave_up {
            self.diagnostics.push(
                Diagnostic::warning("eql::hyphen", "this hyphen is read as a minus")
                    .at(sign)
                    .label("subtracts")
                    .help("put a name with a hyphen in backquotes; a minus gets spaces around it"),
            );
        }
    }
}

fn backquoted(part: &str) -> String {
    format!("`{}`", part.replace('`', "``"))
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
