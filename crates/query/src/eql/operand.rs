//! What EQL expressions are made of: constants, fields, function calls, groups and lists.

use super::ast::{Expr, FieldRef, Function, Literal};
use super::function::{named, signature, substitute};
use super::parser::Parser;
use super::token::{Keyword, TokenKind};
use crate::ql::name::backquoted;
use crate::{Span, Spanned};

impl Parser<'_> {
    /// `( expression, … )`; empty when nothing usable stands here.
    pub(super) fn list(&mut self) -> Vec<Spanned<Expr>> {
        if let Some(open) = self.tokens.take(&TokenKind::LeftBracket) {
            self.skip_until(|kind| matches!(kind, TokenKind::RightBracket | TokenKind::Pipe));
            let close = self.tokens.take(&TokenKind::RightBracket).unwrap_or(open);
            self.faults.error(
                "eql::list-without-parentheses",
                "a list stands in parentheses",
                open.to(close),
                "in brackets",
                "write `in (\"a\", \"b\")`",
            );
            return Vec::new();
        }
        if !self.tokens.is_at(&TokenKind::LeftParenthesis) {
            let item = self.arithmetic(0);
            if !matches!(item.value, Expr::Invalid) {
                self.faults.error(
                    "eql::list-without-parentheses",
                    "a list stands in parentheses",
                    item.span,
                    "not in parentheses",
                    "write `in (\"a\", \"b\")`",
                );
            }
            return vec![item];
        }
        let open = self.tokens.current_span();
        let items = self.arguments();
        if items.is_empty() && !self.faults.gave_up() {
            let span = open.to(self.tokens.previous_span());
            self.faults.error(
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
        let open = self.tokens.advance();
        let mut items = Vec::new();
        if self.tokens.take(&TokenKind::RightParenthesis).is_some() {
            return items;
        }
        self.enter(open, |parser| {
            items.push(parser.expression());
            while parser.tokens.take(&TokenKind::Comma).is_some() {
                items.push(parser.expression());
            }
        });
        items
    }

    /// `( expression )`, at the opening parenthesis.
    fn group(&mut self) -> Spanned<Expr> {
        let open = self.tokens.advance();
        if let Some(close) = self.tokens.take(&TokenKind::RightParenthesis) {
            self.faults.error(
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
            while let Some(comma) = parser.tokens.take(&TokenKind::Comma) {
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
        if self.tokens.take(&TokenKind::RightParenthesis).is_none() {
            self.faults.error(
                "eql::unclosed-parenthesis",
                "this parenthesis is never closed",
                open,
                "opened here",
                "add the closing `)`",
            );
        }
    }

    pub(super) fn primary(&mut self) -> Spanned<Expr> {
        let Some(token) = self.tokens.peek() else { return self.missing_operand() };
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
            TokenKind::Name(name) => {
                if let Some((word, literal)) = constant_in_wrong_case(name)
                    && !matches!(self.tokens.kind_at(1), Some(TokenKind::Dot | TokenKind::LeftParenthesis))
                {
                    self.wrong_case(span, word);
                    self.tokens.skip(1);
                    return Spanned::new(Expr::Literal(literal), span);
                }
                return match self.tokens.kind_at(1) {
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
        self.tokens.skip(1);
        Spanned::new(Expr::Literal(literal), span)
    }

    fn optional_field(&mut self) -> Spanned<Expr> {
        let mark = self.tokens.advance();
        match self.tokens.kind_at(0) {
            Some(TokenKind::Name(_) | TokenKind::QuotedName(_)) => self.field(mark, true),
            Some(TokenKind::Keyword(_)) if self.is_name_at(1) => self.field(mark, true),
            _ => {
                self.faults.error(
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
            let span = self.tokens.current_span();
            let touches = span.start == self.tokens.previous_span().end;
            match self.tokens.kind_at(0) {
                Some(TokenKind::Dot) => {
                    self.tokens.skip(1);
                    match self.name_part() {
                        Some(part) => {
                            name.push('.');
                            name.push_str(&part);
                        }
                        None => {
                            usable = false;
                            self.faults.error(
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
                    self.tokens.skip(1);
                    let mut part = self.written(span).to_owned();
                    let next = self.tokens.current_span();
                    if next.start == span.end && matches!(self.tokens.kind_at(0), Some(TokenKind::Name(_))) {
                        part.push_str(self.written(next));
                        self.tokens.skip(1);
                    }
                    let help = format!("put this part in backquotes: `.{}`", backquoted(&part[1..]));
                    name.push_str(&part);
                    self.faults.error(
                        "eql::digit-in-name",
                        "a part of a name that begins with a digit needs backquotes",
                        span.to(self.tokens.previous_span()),
                        "read as a number",
                        help,
                    );
                }
                Some(TokenKind::LeftBracket)
                    if matches!(self.tokens.kind_at(1), Some(TokenKind::Number(_))) =>
                {
                    let close = usize::from(matches!(self.tokens.kind_at(2), Some(TokenKind::RightBracket)));
                    self.tokens.skip(2 + close);
                    self.faults.error(
                        "eql::array-index",
                        "EQL does not look at single elements of an array",
                        span.to(self.tokens.previous_span()),
                        "not supported",
                        "leave it out: a condition holds when any element of the array meets it",
                    );
                }
                _ => break,
            }
        }
        let span = start.to(self.tokens.previous_span());
        if !usable || name.is_empty() {
            return Spanned::new(Expr::Invalid, span);
        }
        if self.tokens.is_at(&TokenKind::LeftParenthesis) && !optional {
            self.unknown_function(span, &name);
            self.arguments();
            return Spanned::new(Expr::Invalid, span.to(self.tokens.previous_span()));
        }
        Spanned::new(Expr::Field(FieldRef { name, optional }), span)
    }

    /// One name between dots; reserved words are taken, with a fault.
    fn name_part(&mut self) -> Option<String> {
        let span = self.tokens.current_span();
        match self.tokens.kind_at(0).cloned() {
            Some(TokenKind::Name(name) | TokenKind::QuotedName(name)) => {
                self.tokens.skip(1);
                Some(name)
            }
            Some(TokenKind::Keyword(_) | TokenKind::Match(_)) if self.is_word(span) => {
                self.tokens.skip(1);
                let word = self.written(span).to_owned();
                self.faults.error(
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
        let span = self.tokens.current_span();
        let (name, fold) = match self.tokens.kind_at(0).cloned() {
            Some(TokenKind::TildeName(name)) => (name, true),
            Some(TokenKind::Name(name)) => (name, false),
            _ => return self.missing_operand(),
        };
        self.tokens.skip(1);
        if !self.tokens.is_at(&TokenKind::LeftParenthesis) {
            self.faults.error(
                "eql::stray-tilde",
                "only functions and `in`, `like`, `regex` have a form with `~`",
                span,
                "not a function",
                "write `name~(…)` for a function, or compare with `:` or `in~`, which ignore case",
            );
            return Spanned::new(Expr::Invalid, span);
        }
        let args = self.arguments();
        let whole = span.to(self.tokens.previous_span());
        let Some(signature) = named(&name) else {
            self.unknown_function(span, &name);
            return Spanned::new(Expr::Invalid, whole);
        };
        if fold && !signature.folds {
            self.faults.error(
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
        let word = self.tokens.advance();
        let span = word.to(self.tokens.advance());
        self.faults.error("eql::process-relation", "relations between processes are not supported", span, "an older dialect's form", "write a sequence by `process.entity_id` and `process.parent.entity_id`, or use fields of `process.parent`");
        if !self.is_too_deep(1, span) {
            self.depth += 1;
            self.subquery();
            self.depth -= 1;
        }
        Spanned::new(Expr::Invalid, span)
    }

    /// An operand should stand here. An operator without a left side is taken with its right side.
    fn missing_operand(&mut self) -> Spanned<Expr> {
        let span = self.tokens.current_span();
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
        // After `a ==`, a following `and` still has a left side.
        let joins = self.previous_wants_value()
            && matches!(self.tokens.kind_at(0), Some(TokenKind::Keyword(Keyword::And | Keyword::Or)));
        if joins || !self.tokens.peek().is_some_and(|token| is_operator(&token.kind)) {
            let before = self.tokens.previous_span();
            let (place, label) = if self.tokens.position() > 0 {
                (before, "needs something after it")
            } else {
                (span, "nothing here")
            };
            self.faults.error(
                "eql::missing-operand",
                "a value or a condition is missing here",
                place,
                label,
                "complete the expression; a reserved word as a name needs backquotes",
            );
            return Spanned::new(Expr::Invalid, Span::new(span.start, span.start));
        }
        self.faults.error(
            "eql::stray-operator",
            "this operator has nothing before it",
            span,
            "joins nothing",
            "complete the expression before it, or take it out",
        );
        while self.tokens.peek().is_some_and(|token| is_operator(&token.kind)) {
            self.tokens.skip(1);
        }
        self.signs();
        if self.begins_operand_at(0) && !self.tokens.is_at(&TokenKind::Keyword(Keyword::Not)) {
            self.primary();
        }
        Spanned::new(Expr::Invalid, span.to(self.tokens.previous_span()))
    }

    fn previous_wants_value(&self) -> bool {
        let previous = self.tokens.previous();
        previous.is_some_and(|token| {
            matches!(
                token.kind,
                TokenKind::Compare(_)
                    | TokenKind::Assign
                    | TokenKind::Match(_)
                    | TokenKind::Plus
                    | TokenKind::Minus
                    | TokenKind::Star
                    | TokenKind::Slash
                    | TokenKind::Percent
            )
        })
    }

    /// True when the token that far ahead can begin an operand; signs, which can also join two, do not count.
    pub(super) fn begins_operand_at(&self, ahead: usize) -> bool {
        matches!(
            self.tokens.kind_at(ahead),
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
        match self.tokens.kind_at(ahead) {
            Some(TokenKind::Dot) => true,
            Some(TokenKind::Compare(_) | TokenKind::Assign | TokenKind::Match(_)) => !matches!(
                self.tokens.kind_at(ahead - 1),
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

    /// Of the whole name that stands here, with its dots and its `?`; of the token when it is no name.
    pub(super) fn name_span(&self) -> Span {
        let start = self.tokens.current_span();
        let mut at = usize::from(self.tokens.is_at(&TokenKind::Optional));
        let is_name =
            |kind: Option<&TokenKind>| matches!(kind, Some(TokenKind::Name(_) | TokenKind::QuotedName(_)));
        if !is_name(self.tokens.kind_at(at)) {
            return start;
        }
        while self.tokens.kind_at(at + 1) == Some(&TokenKind::Dot) && is_name(self.tokens.kind_at(at + 2)) {
            at += 2;
        }
        self.tokens.peek_at(at).map_or(start, |token| start.to(token.span))
    }

    fn opens_bracket_at(&self, ahead: usize) -> bool {
        matches!(self.tokens.kind_at(ahead), Some(TokenKind::LeftBracket | TokenKind::MissingBracket))
    }

    fn is_word(&self, span: Span) -> bool {
        let text = self.written(span);
        text.starts_with(|first: char| first.is_ascii_alphabetic()) && !text.ends_with('~')
    }

    pub(super) fn written(&self, span: Span) -> &str {
        self.source.get(span.start..span.end).unwrap_or_default()
    }

    fn unknown_function(&mut self, span: Span, name: &str) {
        self.faults.error(
            "eql::unknown-function",
            format!("EQL has no function `{name}`"),
            span,
            "unknown function",
            substitute(name),
        );
    }

    fn argument_count(&mut self, span: Span, function: Function, found: usize) {
        let Some(signature) = signature(function) else { return };
        let takes = match (signature.least_arguments, signature.most_arguments) {
            (1, Some(1)) => "one argument".to_owned(),
            (least, Some(most)) if least == most => format!("{least} arguments"),
            (least, Some(most)) => format!("{least} to {most} arguments"),
            (1, None) => "at least one argument".to_owned(),
            (least, None) => format!("at least {least} arguments"),
        };
        self.faults.error(
            "eql::argument-count",
            format!("`{function}` takes {takes}, not {found}"),
            span,
            "wrong number of arguments",
            "add what is missing, or take out what is too much",
        );
    }
}

/// `TRUE` or `Null`: what it should look like, and what is meant.
fn constant_in_wrong_case(name: &str) -> Option<(&'static str, Literal)> {
    let known = [("true", Literal::Bool(true)), ("false", Literal::Bool(false)), ("null", Literal::Null)];
    known.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(name))
}
