//! What ES|QL expressions are made of: constants, columns, function calls, groups, casts and maps.

use super::ast::{Expr, Literal, OptionEntry, OptionValue, TimeSpan, TimeUnit};
use super::parser::Parser;
use super::token::{Keyword, TokenKind};
use crate::nearest::nearest;
use crate::{Span, Spanned};

/// Units of time and what they are called (elastic/elasticsearch, docs, esql-time-spans).
pub(super) const TIME_UNITS: &[(TimeUnit, &[&str])] = &[
    (TimeUnit::Millisecond, &["millisecond", "milliseconds", "ms"]),
    (TimeUnit::Second, &["second", "seconds", "sec", "s"]),
    (TimeUnit::Minute, &["minute", "minutes", "min"]),
    (TimeUnit::Hour, &["hour", "hours", "h"]),
    (TimeUnit::Day, &["day", "days", "d"]),
    (TimeUnit::Week, &["week", "weeks", "w"]),
    (TimeUnit::Month, &["month", "months", "mo"]),
    (TimeUnit::Quarter, &["quarter", "quarters", "q"]),
    (TimeUnit::Year, &["year", "years", "yr", "y"]),
];

impl Parser<'_> {
    /// A constant, a column, a call or a group, and the casts after it.
    pub(super) fn operand(&mut self) -> Spanned<Expr> {
        let mut value = self.primary();
        while self.tokens.take(&TokenKind::Cast).is_some() {
            let place = self.tokens.current_span();
            let Some(to) = self.single_type() else { return Spanned::new(Expr::Invalid, value.span) };
            if self.is_one_too_many(place) {
                return value;
            }
            let span = value.span.to(to.span);
            value = Spanned::new(Expr::Cast { value: Box::new(value), to }, span);
        }
        value
    }

    fn single_type(&mut self) -> Option<Spanned<String>> {
        let span = self.tokens.current_span();
        if let Some(TokenKind::Name(name) | TokenKind::QuotedName(name)) = self.tokens.kind_at(0).cloned() {
            self.tokens.skip(1);
            return Some(Spanned::new(name, span));
        }
        self.missing("write the name of a type, for example `::integer`");
        None
    }

    fn primary(&mut self) -> Spanned<Expr> {
        let span = self.tokens.current_span();
        let literal = match self.tokens.kind_at(0) {
            Some(TokenKind::Text(text)) => Literal::Text(text.clone()),
            Some(TokenKind::Keyword(Keyword::Null)) => Literal::Null,
            Some(TokenKind::Keyword(Keyword::True)) => Literal::Bool(true),
            Some(TokenKind::Keyword(Keyword::False)) => Literal::Bool(false),
            Some(TokenKind::Number(_) | TokenKind::Plus | TokenKind::Minus | TokenKind::LeftBracket) => {
                return match self.signed_constant() {
                    Some(literal) => Spanned::new(Expr::Literal(literal.value), literal.span),
                    None => Spanned::new(Expr::Invalid, span.to(self.tokens.previous_span())),
                };
            }
            Some(TokenKind::Parameter(name)) => {
                let name = name.clone();
                self.tokens.skip(1);
                return Spanned::new(Expr::Parameter(name), span);
            }
            Some(TokenKind::LeftParenthesis) => return self.group(),
            Some(TokenKind::Keyword(Keyword::First | Keyword::Last))
                if self.tokens.kind_at(1) == Some(&TokenKind::LeftParenthesis) =>
            {
                let name = self.written(span).to_owned();
                self.tokens.skip(1);
                return self.call(Spanned::new(name, span));
            }
            Some(TokenKind::Name(_) | TokenKind::QuotedName(_)) => return self.column_or_call(),
            Some(TokenKind::Keyword(keyword)) if self.is_misplaced_name(*keyword) => {
                let word = self.written(span).to_owned();
                self.tokens.skip(1);
                self.reserved_word(span, &word);
                return Spanned::new(Expr::Invalid, span);
            }
            _ => return self.missing_operand(),
        };
        self.tokens.skip(1);
        Spanned::new(Expr::Literal(literal), span)
    }

    /// A reserved word that joins nothing where an operand should stand.
    fn is_misplaced_name(&self, keyword: Keyword) -> bool {
        let joins =
            matches!(keyword, Keyword::And | Keyword::Or | Keyword::In | Keyword::Like(_) | Keyword::Not);
        let ends = matches!(keyword, Keyword::By | Keyword::Where | Keyword::On | Keyword::With);
        !joins && !ends
    }

    fn column_or_call(&mut self) -> Spanned<Expr> {
        let start = self.tokens.current_span();
        let is_single = self.tokens.kind_at(1) == Some(&TokenKind::LeftParenthesis);
        let Some(name) = self.name() else {
            return Spanned::new(Expr::Invalid, start.to(self.tokens.previous_span()));
        };
        if is_single {
            return self.call(name);
        }
        if self.tokens.is_at(&TokenKind::LeftParenthesis) {
            self.faults.error(
                "esql::function-name",
                "this names no function",
                name.span,
                "a name with dots",
                "the name of a function is one word; a column is not followed by a parenthesis",
            );
            return self.call(name);
        }
        Spanned::new(Expr::Column(name.value), name.span)
    }

    /// `( … )` of a call, at the opening parenthesis.
    fn call(&mut self, function: Spanned<String>) -> Spanned<Expr> {
        let open = self.tokens.advance();
        let mut args = Vec::new();
        let mut options = None;
        if self.tokens.is_at(&TokenKind::Star) && self.tokens.kind_at(1) == Some(&TokenKind::RightParenthesis)
        {
            args.push(Spanned::new(Expr::Star, self.tokens.current_span()));
            self.tokens.skip(2);
        } else if self.tokens.take(&TokenKind::RightParenthesis).is_none() {
            self.enter(open, |parser| {
                loop {
                    if parser.tokens.is_at(&TokenKind::LeftBrace) && !args.is_empty() {
                        options = parser.map();
                        parser.end_of_arguments();
                        break;
                    }
                    args.push(parser.expression());
                    parser.end_of_element();
                    if parser.tokens.take(&TokenKind::Comma).is_none() {
                        break;
                    }
                }
            });
        }
        let span = function.span.to(self.tokens.previous_span());
        Spanned::new(Expr::Call { function, args, options }, span)
    }

    /// `( expression )`, at the opening parenthesis.
    fn group(&mut self) -> Spanned<Expr> {
        let open = self.tokens.advance();
        if let Some(close) = self.tokens.take(&TokenKind::RightParenthesis) {
            self.empty_list(open);
            return Spanned::new(Expr::Invalid, open.to(close));
        }
        let mut inner = Expr::Invalid;
        self.enter(open, |parser| {
            inner = parser.expression().value;
            parser.end_of_arguments();
        });
        Spanned::new(inner, open.to(self.tokens.previous_span()))
    }

    /// Reads what stands in parentheses, and the closing one.
    pub(super) fn enter(&mut self, open: Span, read: impl FnOnce(&mut Self)) {
        if self.is_too_deep(1, open) {
            return;
        }
        self.depth += 1;
        read(self);
        self.depth -= 1;
        if self.tokens.take(&TokenKind::RightParenthesis).is_none() {
            self.unclosed_parenthesis(open);
        }
    }

    /// Reports what stands between an element and the next comma or closing parenthesis.
    pub(super) fn end_of_element(&mut self) {
        self.end_of_part(|kind| matches!(kind, TokenKind::Comma | TokenKind::RightParenthesis));
    }

    /// The same where no other element can follow.
    fn end_of_arguments(&mut self) {
        self.end_of_part(|kind| *kind == TokenKind::RightParenthesis);
    }

    fn end_of_part(&mut self, ends: impl Fn(&TokenKind) -> bool) {
        if !self.at_end_of_command() && !self.tokens.kind_at(0).is_some_and(&ends) {
            let place = self.tokens.current_span();
            self.unexpected(place);
            self.skip_until(ends);
        }
    }

    pub(super) fn empty_list(&mut self, open: Span) {
        let place = open.to(self.tokens.current_span());
        self.faults.error(
            "esql::empty-list",
            "there is nothing inside",
            place,
            "empty",
            "write at least one value",
        );
    }

    pub(super) fn list_without_parentheses(&mut self, help: &'static str) {
        let start = self.tokens.current_span();
        if self.at_end_of_command() {
            self.missing(help);
            return;
        }
        self.comparison();
        let place = start.to(self.tokens.previous_span());
        self.faults.error(
            "esql::list-without-parentheses",
            "a list stands in parentheses",
            place,
            "not in parentheses",
            help,
        );
    }

    /// A text, or a fault.
    pub(super) fn constant_text(&mut self, help: &'static str) -> Option<Spanned<String>> {
        let span = self.tokens.current_span();
        if let Some(TokenKind::Text(text)) = self.tokens.kind_at(0).cloned() {
            self.tokens.skip(1);
            return Some(Spanned::new(text, span));
        }
        let (place, label) = if self.at_end_of_command() {
            (self.tokens.previous_span(), "needs a text after it")
        } else {
            (span, "not a text")
        };
        self.faults.error("esql::pattern-not-text", "a text is missing here", place, label, help);
        self.skip_until(|kind| matches!(kind, TokenKind::Comma | TokenKind::RightParenthesis));
        None
    }

    /// A constant, or a fault.
    pub(super) fn constant(&mut self, help: &'static str) -> Option<Spanned<Literal>> {
        let span = self.tokens.current_span();
        let literal = match self.tokens.kind_at(0) {
            Some(TokenKind::Text(text)) => Literal::Text(text.clone()),
            Some(TokenKind::Keyword(Keyword::Null)) => Literal::Null,
            Some(TokenKind::Keyword(Keyword::True)) => Literal::Bool(true),
            Some(TokenKind::Keyword(Keyword::False)) => Literal::Bool(false),
            Some(TokenKind::Number(_) | TokenKind::Plus | TokenKind::Minus | TokenKind::LeftBracket) => {
                return self.signed_constant();
            }
            _ => {
                self.missing(help);
                return None;
            }
        };
        self.tokens.skip(1);
        Some(Spanned::new(literal, span))
    }

    /// A number with its sign and unit, or a list in brackets.
    fn signed_constant(&mut self) -> Option<Spanned<Literal>> {
        if self.tokens.is_at(&TokenKind::LeftBracket) {
            return self.list();
        }
        let number = self.signed_number()?;
        let Some(TokenKind::Name(word)) = self.tokens.kind_at(0).cloned() else { return Some(number) };
        let begins_query = ["from", "row", "ts"].iter().any(|source| source.eq_ignore_ascii_case(&word));
        if begins_query || self.tokens.kind_at(1) == Some(&TokenKind::Assign) {
            // The next assignment or the query, without a comma or semicolon before it.
            return Some(number);
        }
        let place = self.tokens.advance();
        let unit =
            TIME_UNITS.iter().find(|(_, words)| words.iter().any(|known| known.eq_ignore_ascii_case(&word)));
        let Some((unit, _)) = unit else {
            let words: Vec<&str> = TIME_UNITS.iter().flat_map(|(_, words)| words.iter().copied()).collect();
            let help = match nearest(&word, &words) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a number is followed by a unit of time, an operator or a comma".to_owned(),
            };
            self.faults.error(
                "esql::unknown-unit",
                "this is not a unit of time",
                place,
                "after a number",
                help,
            );
            return None;
        };
        let span = number.span.to(place);
        let Literal::Integer(count) = number.value else {
            self.faults.error(
                "esql::time-span",
                "a length of time is a whole number of units",
                number.span,
                "not a whole number that fits 64 bits",
                "write a smaller unit, for example `90 minutes`",
            );
            return None;
        };
        Some(Spanned::new(Literal::TimeSpan(TimeSpan { count, unit: *unit }), span))
    }

    fn signed_number(&mut self) -> Option<Spanned<Literal>> {
        let start = self.tokens.current_span();
        let is_negative = self.tokens.take(&TokenKind::Minus).is_some();
        if !is_negative {
            self.tokens.take(&TokenKind::Plus);
        }
        let Some(TokenKind::Number(number)) = self.tokens.kind_at(0).cloned() else {
            self.missing("write a number");
            return None;
        };
        let span = start.to(self.tokens.advance());
        let number = match number {
            Literal::Integer(value) if is_negative => Literal::Integer(-value),
            // 2⁶³ has no `long`, its opposite has.
            Literal::UnsignedLong(value) if is_negative => i64::try_from(-i128::from(value))
                .map_or_else(|_| Literal::Double(-(value as f64)), Literal::Integer),
            Literal::Double(value) if is_negative => Literal::Double(-value),
            number => number,
        };
        Some(Spanned::new(number, span))
    }

    /// `[1, 2]`, at the opening bracket.
    fn list(&mut self) -> Option<Spanned<Literal>> {
        let open = self.tokens.advance();
        let mut items: Vec<Spanned<Literal>> = Vec::new();
        let mut is_usable = true;
        loop {
            let item = match self.tokens.kind_at(0) {
                Some(TokenKind::Number(_) | TokenKind::Plus | TokenKind::Minus) => self.signed_number(),
                Some(TokenKind::Text(_) | TokenKind::Keyword(Keyword::True | Keyword::False)) => {
                    self.constant("write `[1, 2]`")
                }
                Some(TokenKind::RightBracket) if items.is_empty() => {
                    self.empty_list(open);
                    self.tokens.skip(1);
                    return None;
                }
                _ => None,
            };
            let Some(item) = item else {
                is_usable = false;
                self.missing("a list in brackets holds numbers, texts, `true` or `false`, as they stand");
                self.skip_until(|kind| {
                    matches!(kind, TokenKind::Comma | TokenKind::RightBracket | TokenKind::RightParenthesis)
                });
                if self.tokens.take(&TokenKind::Comma).is_some() {
                    continue;
                }
                break;
            };
            if items.first().is_some_and(|first| kind_of(&first.value) != kind_of(&item.value)) {
                is_usable = false;
                self.faults.error(
                    "esql::mixed-list",
                    "the values of a list are of one kind",
                    item.span,
                    "of another kind than the first",
                    "write only numbers, only texts or only `true` and `false`",
                );
            }
            items.push(item);
            if self.tokens.take(&TokenKind::Comma).is_none() {
                break;
            }
        }
        if self.tokens.take(&TokenKind::RightBracket).is_none() {
            if is_usable {
                self.faults.error(
                    "esql::unclosed-bracket",
                    "this bracket is never closed",
                    open,
                    "opened here",
                    "add the closing `]`",
                );
            }
            return None;
        }
        is_usable.then(|| Spanned::new(Literal::List(items), open.to(self.tokens.previous_span())))
    }

    /// `{ "key": value, … }`, or a fault.
    pub(super) fn map(&mut self) -> Option<Vec<OptionEntry>> {
        const HELP: &str = "write `{ \"key\": value }`";
        let open = self.expect(&TokenKind::LeftBrace, HELP)?;
        if self.is_too_deep(1, open) {
            return None;
        }
        let mut entries = Vec::new();
        if self.tokens.take(&TokenKind::RightBrace).is_some() {
            return Some(entries);
        }
        loop {
            let key = self.constant_text(HELP)?;
            self.expect(&TokenKind::Colon, HELP)?;
            self.depth += 1;
            let value = self.option_value();
            self.depth -= 1;
            entries.push(OptionEntry { key, value: value? });
            if self.tokens.take(&TokenKind::Comma).is_none() {
                break;
            }
        }
        self.expect(&TokenKind::RightBrace, HELP)?;
        Some(entries)
    }

    /// A constant or a map.
    pub(super) fn option_value(&mut self) -> Option<Spanned<OptionValue>> {
        if self.tokens.is_at(&TokenKind::LeftBrace) {
            let open = self.tokens.current_span();
            let map = self.map()?;
            return Some(Spanned::new(OptionValue::Map(map), open.to(self.tokens.previous_span())));
        }
        let literal = self.constant("write a text, a number, `true`, `false` or `{ … }`")?;
        Some(Spanned::new(OptionValue::Literal(literal.value), literal.span))
    }

    /// An operand should stand here. An operator without a left side is taken with its right side.
    fn missing_operand(&mut self) -> Spanned<Expr> {
        let span = self.tokens.current_span();
        let is_operator = |kind: &TokenKind| {
            matches!(
                kind,
                TokenKind::Compare(_)
                    | TokenKind::Assign
                    | TokenKind::Star
                    | TokenKind::Slash
                    | TokenKind::Percent
                    | TokenKind::Colon
                    | TokenKind::Dot
                    | TokenKind::Cast
            )
        };
        if !self.tokens.kind_at(0).is_some_and(is_operator) {
            let before = self.tokens.previous_span();
            self.faults.error(
                "esql::missing-operand",
                "a value or a condition is missing here",
                before,
                "needs something after it",
                "complete the expression; a reserved word as a name needs backquotes",
            );
            return Spanned::new(Expr::Invalid, Span::new(span.start, span.start));
        }
        self.faults.error(
            "esql::stray-operator",
            "this operator has nothing before it",
            span,
            "joins nothing",
            "complete the expression before it, or take it out",
        );
        while self.tokens.kind_at(0).is_some_and(is_operator) {
            self.tokens.skip(1);
        }
        let begins_operand = |kind: &TokenKind| {
            matches!(
                kind,
                TokenKind::Text(_)
                    | TokenKind::Number(_)
                    | TokenKind::Name(_)
                    | TokenKind::QuotedName(_)
                    | TokenKind::Parameter(_)
                    | TokenKind::LeftParenthesis
                    | TokenKind::LeftBracket
                    | TokenKind::Keyword(Keyword::True | Keyword::False | Keyword::Null)
            )
        };
        if self.tokens.kind_at(0).is_some_and(begins_operand) {
            self.operand();
        }
        Spanned::new(Expr::Invalid, span.to(self.tokens.previous_span()))
    }
}

/// 0 for numbers, 1 for texts, 2 for booleans.
fn kind_of(literal: &Literal) -> u8 {
    match literal {
        Literal::Text(_) => 1,
        Literal::Bool(_) => 2,
        _ => 0,
    }
}
