//! EQL sequences and samples: join keys, stages, `maxspan`, `runs` and `until`.
//!
//! ```text
//!   sequence = "sequence" ("by" keys)? ("with" "maxspan" "=" time)? stage+ ("until" stage)?
//!   sample   = "sample" ("by" keys)? stage+
//!   stage    = ("[" | "![") filter "]" ("by" keys)? ("with" "runs" "=" count)?
//! ```

use super::ast::{Body, EventFilter, Expr, FieldRef, Literal, Sample, Sequence, Stage, TimeSpan, TimeUnit};
use super::parser::Parser;
use super::token::{Keyword, Token, TokenKind};
use crate::{Span, Spanned};

/// How often a stage may repeat.
const MAX_RUNS: i64 = 100;

/// What stages belong to.
#[derive(Clone, Copy, PartialEq)]
enum Whole {
    Sequence,
    Sample,
}

impl Parser<'_> {
    pub(super) fn sequence(&mut self, word: Span) -> Body {
        let by = self.keys_after_by();
        let maxspan = if self.take_keyword(Keyword::With) { self.maxspan() } else { None };
        let by = self.keys_after_with(by);
        let mut stages = self.stages(Whole::Sequence);
        let mut until = None;
        while self.take_keyword(Keyword::Until) {
            let place = self.tokens.previous_span();
            if until.is_some() {
                self.faults.error(
                    "eql::second-until",
                    "there is one `until` only",
                    place,
                    "second `until`",
                    "join the conditions of both with `or`",
                );
            }
            let mut ends = self.stages(Whole::Sequence).into_iter();
            match ends.next() {
                Some(stage) => until = until.or(Some(Box::new(stage))),
                None => self.missing_stage(place),
            }
            if let Some(further) = ends.next() {
                self.faults.error(
                    "eql::stage-after-until",
                    "no stage can follow `until`",
                    further.span,
                    "one stage too many",
                    "move it before `until`; what ends a sequence is one stage, its conditions joined with `or`",
                );
                stages.push(further);
                stages.extend(ends);
            }
        }
        if stages.is_empty() {
            self.missing_stage(word);
            return Body::Invalid;
        }
        Body::Sequence(Sequence { by, maxspan, stages, until })
    }

    pub(super) fn sample(&mut self, word: Span) -> Body {
        let by = self.keys_after_by();
        if self.take_keyword(Keyword::With) {
            let place = self.tokens.previous_span();
            self.not_in_sample(place, "a sample has no `with`");
            self.skip_until(|kind| {
                matches!(
                    kind,
                    TokenKind::LeftBracket
                        | TokenKind::MissingBracket
                        | TokenKind::Pipe
                        | TokenKind::Keyword(Keyword::By)
                )
            });
        }
        let by = self.keys_after_with(by);
        let stages = self.stages(Whole::Sample);
        if self.take_keyword(Keyword::Until) {
            let place = self.tokens.previous_span();
            self.not_in_sample(place, "a sample has no `until`");
            self.stages(Whole::Sample);
        }
        if stages.is_empty() {
            self.missing_stage(word);
            return Body::Invalid;
        }
        Body::Sample(Sample { by, stages })
    }

    fn stages(&mut self, whole: Whole) -> Vec<Stage> {
        let mut stages = Vec::new();
        loop {
            match self.tokens.kind_at(0) {
                Some(TokenKind::LeftBracket | TokenKind::MissingBracket) => stages.push(self.stage(whole)),
                None | Some(TokenKind::Pipe | TokenKind::Keyword(Keyword::Until)) => return stages,
                Some(_) => {
                    let span = self.tokens.current_span();
                    self.faults.error(
                        "eql::not-a-stage",
                        "a stage in brackets must stand here",
                        span,
                        "not a stage",
                        "write every stage as `[category where condition]`, one after the other without anything between them; keys (`by`) and `with` follow the bracket, in this order",
                    );
                    self.skip_until(|kind| {
                        matches!(
                            kind,
                            TokenKind::LeftBracket
                                | TokenKind::MissingBracket
                                | TokenKind::Pipe
                                | TokenKind::Keyword(Keyword::Until)
                        )
                    });
                }
            }
        }
    }

    /// At the opening bracket.
    fn stage(&mut self, whole: Whole) -> Stage {
        let missing = self.tokens.is_at(&TokenKind::MissingBracket);
        let open = self.tokens.current_span();
        let filter = self.subquery();
        if missing && whole == Whole::Sample {
            self.not_in_sample(open, "a sample has no missing events");
        }
        let by = self.keys_after_by();
        let mut runs =
            Spanned::new(1, Span::new(self.tokens.previous_span().end, self.tokens.previous_span().end));
        if self.take_keyword(Keyword::With) {
            let with = self.tokens.previous_span();
            if whole == Whole::Sample {
                self.not_in_sample(with, "a stage of a sample does not repeat");
            }
            runs = self.runs().unwrap_or(runs);
        }
        let by = self.keys_after_with(by);
        Stage { filter, by, runs, missing, span: open.to(self.tokens.previous_span()) }
    }

    /// `[ filter ]`, at the opening bracket.
    pub(super) fn subquery(&mut self) -> EventFilter {
        let open = self.tokens.advance();
        let outside = std::mem::take(&mut self.open_parentheses);
        self.open_brackets += 1;
        let filter = self.event_filter();
        self.open_brackets -= 1;
        self.open_parentheses = outside;
        if self.tokens.take(&TokenKind::RightBracket).is_some() {
            return filter;
        }
        let rest = self.tokens.rest();
        let close = rest.iter().position(|token| {
            matches!(
                token.kind,
                TokenKind::RightBracket
                    | TokenKind::LeftBracket
                    | TokenKind::MissingBracket
                    | TokenKind::Pipe
            )
        });
        match close.filter(|at| rest.get(*at).is_some_and(|token| token.kind == TokenKind::RightBracket)) {
            Some(at) => {
                let span = self.tokens.current_span();
                self.faults.error("eql::unexpected", "this has no place inside the brackets", span, "not part of the condition", "close the bracket first: `[…] by key with runs=3`; a reserved word needs quotes or backquotes");
                self.tokens.skip(at + 1);
            }
            None => self.faults.error(
                "eql::unclosed-bracket",
                "this bracket is never closed",
                open,
                "opened here",
                "add the closing `]`",
            ),
        }
        filter
    }

    fn keys_after_by(&mut self) -> Vec<Spanned<FieldRef>> {
        if self.take_keyword(Keyword::By) {
            return self.keys();
        }
        match self.tokens.kind_at(0).cloned() {
            Some(TokenKind::Name(word)) if word.eq_ignore_ascii_case("by") => {
                self.wrong_case(self.tokens.current_span(), "by");
                self.tokens.skip(1);
                self.keys()
            }
            _ => Vec::new(),
        }
    }

    /// Keys must come before `with`.
    fn keys_after_with(&mut self, mut by: Vec<Spanned<FieldRef>>) -> Vec<Spanned<FieldRef>> {
        let place = self.tokens.current_span();
        if self.take_keyword(Keyword::By) {
            self.faults.error(
                "eql::by-after-with",
                "`by` must come before `with`",
                place,
                "too late",
                "write `by key, … with …`",
            );
            by.extend(self.keys());
        }
        by
    }

    fn keys(&mut self) -> Vec<Spanned<FieldRef>> {
        let mut keys = Vec::new();
        loop {
            let key = self.arithmetic(0);
            match key.value {
                Expr::Field(field) => keys.push(Spanned::new(field, key.span)),
                Expr::Invalid => {}
                _ => self.faults.error(
                    "eql::bad-join-key",
                    "a join key is a field",
                    key.span,
                    "not a field",
                    "write the name of a field; a value that has to be computed cannot join events",
                ),
            }
            let span = self.name_span();
            match self.tokens.kind_at(0) {
                Some(TokenKind::Comma) => self.tokens.skip(1),
                Some(
                    TokenKind::Keyword(Keyword::And)
                    | TokenKind::Name(_)
                    | TokenKind::QuotedName(_)
                    | TokenKind::Optional,
                ) => {
                    let is_word = self.take_keyword(Keyword::And);
                    self.faults.error(
                        "eql::missing-comma",
                        "join keys stand with commas between them",
                        span,
                        if is_word { "not a comma" } else { "no comma before this" },
                        "write `by first, second`",
                    );
                }
                _ => return keys,
            }
        }
    }

    /// `maxspan = time`, after `with`.
    fn maxspan(&mut self) -> Option<Spanned<TimeSpan>> {
        let span = self.tokens.current_span();
        match self.tokens.kind_at(0).cloned() {
            Some(TokenKind::Keyword(Keyword::Maxspan)) => {}
            Some(TokenKind::Name(word)) if word.eq_ignore_ascii_case("maxspan") => {
                self.wrong_case(span, "maxspan")
            }
            _ => {
                self.unknown_option(
                    span,
                    "before the first stage stands `with maxspan=5m`; `with runs=3` follows a stage",
                );
                return None;
            }
        }
        self.tokens.skip(1);
        self.equals_of_option();
        self.time_span()
    }

    fn time_span(&mut self) -> Option<Spanned<TimeSpan>> {
        let start = self.tokens.current_span();
        let negative = self.tokens.take(&TokenKind::Minus).is_some();
        let number = match self.tokens.kind_at(0) {
            Some(TokenKind::Number(number)) => number.clone(),
            _ => {
                self.faults.error(
                    "eql::missing-maxspan",
                    "a length of time is missing here",
                    start,
                    "not a length of time",
                    "write a whole number and a unit: `5m`",
                );
                return None;
            }
        };
        let number_span = start.to(self.tokens.advance());
        let unit = match self.tokens.kind_at(0) {
            Some(TokenKind::Name(unit)) => Some(unit.clone()),
            _ => None,
        };
        let Literal::Int(count) = number else {
            self.tokens.skip(usize::from(unit.is_some()));
            self.faults.error(
                "eql::bad-maxspan",
                "a length of time is a whole number",
                number_span,
                "not a whole number",
                "use a smaller unit: `1500ms` for one and a half seconds",
            );
            return None;
        };
        let Some(unit) = unit else {
            self.faults.error(
                "eql::missing-unit",
                "the length of time has no unit",
                number_span,
                "of what?",
                format!("did you mean `{count}s`? The units are ms, s, m, h and d"),
            );
            return None;
        };
        let unit_span = self.tokens.advance();
        let known = match unit.as_str() {
            "ms" => TimeUnit::Milliseconds,
            "s" => TimeUnit::Seconds,
            "m" => TimeUnit::Minutes,
            "h" => TimeUnit::Hours,
            "d" => TimeUnit::Days,
            _ => {
                self.faults.error(
                    "eql::unknown-unit",
                    format!("`{unit}` is no unit of time"),
                    unit_span,
                    "unknown unit",
                    help_for_unit(&unit),
                );
                return None;
            }
        };
        let count = u64::try_from(count).unwrap_or_default();
        if negative || count == 0 {
            self.faults.error(
                "eql::bad-maxspan",
                "a length of time must be more than nothing",
                number_span,
                "not positive",
                "write a number from 1 on",
            );
            return None;
        }
        Some(Spanned::new(TimeSpan { count, unit: known }, number_span.to(unit_span)))
    }

    /// `runs = count`, after `with`.
    fn runs(&mut self) -> Option<Spanned<u32>> {
        let span = self.tokens.current_span();
        match self.tokens.kind_at(0).cloned() {
            Some(TokenKind::Name(word)) if word == "runs" => {}
            Some(TokenKind::Name(word)) if word.eq_ignore_ascii_case("runs") => self.wrong_case(span, "runs"),
            Some(TokenKind::Keyword(Keyword::Maxspan)) => {
                self.unknown_option(
                    span,
                    "maxspan belongs to the whole sequence: `sequence by … with maxspan=5m [first stage] …`",
                );
                self.tokens.skip(1);
                self.equals_of_option();
                self.time_span();
                return None;
            }
            _ => {
                self.unknown_option(span, "after a stage stands `with runs=3`");
                return None;
            }
        }
        self.tokens.skip(1);
        self.equals_of_option();
        let start = self.tokens.current_span();
        let negative = self.tokens.take(&TokenKind::Minus).is_some();
        let count = match self.tokens.kind_at(0) {
            Some(TokenKind::Number(Literal::Int(count))) if !negative => Some(*count),
            Some(TokenKind::Number(_)) => Some(0),
            _ => None,
        };
        let span = if count.is_some() { start.to(self.tokens.advance()) } else { start };
        match count.filter(|count| (1..=MAX_RUNS).contains(count)).map(u32::try_from) {
            Some(Ok(count)) => Some(Spanned::new(count, span)),
            _ => {
                self.faults.error(
                    "eql::bad-runs",
                    format!("runs must be a whole number from 1 to {MAX_RUNS}"),
                    span,
                    "not such a number",
                    "write `with runs=3` for three such events in a row",
                );
                None
            }
        }
    }

    /// The `=` of `maxspan=` and `runs=`.
    fn equals_of_option(&mut self) {
        if self.tokens.take(&TokenKind::Assign).is_some() {
            return;
        }
        let span = self.tokens.current_span();
        let is_double = matches!(
            self.tokens.peek(),
            Some(Token { kind: TokenKind::Compare(_) | TokenKind::Match(_), .. })
        );
        self.tokens.skip(usize::from(is_double));
        self.faults.error(
            "eql::missing-equals",
            "`=` is missing here",
            span,
            "one `=` must stand here",
            "write `with maxspan=5m` or `with runs=3`",
        );
    }

    fn missing_stage(&mut self, place: Span) {
        self.faults.error(
            "eql::missing-stage",
            "no stage follows",
            place,
            "needs stages after it",
            "write `[category where condition]`",
        );
    }

    fn unknown_option(&mut self, place: Span, help: &'static str) {
        self.faults.error(
            "eql::unknown-option",
            "this cannot follow `with` here",
            place,
            "unknown option",
            help,
        );
        self.skip_until(|kind| {
            matches!(
                kind,
                TokenKind::LeftBracket
                    | TokenKind::MissingBracket
                    | TokenKind::Pipe
                    | TokenKind::Keyword(Keyword::By | Keyword::Until | Keyword::Maxspan)
            )
        });
    }

    fn not_in_sample(&mut self, place: Span, message: &'static str) {
        self.faults.error(
            "eql::not-in-sample",
            message,
            place,
            "not in a sample",
            "take it out, or write a sequence",
        );
    }
}

fn help_for_unit(unit: &str) -> &'static str {
    match unit.to_ascii_lowercase().as_str() {
        "us" | "ns" | "micros" | "nanos" => "nothing is shorter than a millisecond: `1ms`",
        "millis" | "millisecond" | "milliseconds" => "did you mean `ms`?",
        "sec" | "secs" | "second" | "seconds" | "s" => "did you mean `s`?",
        "min" | "mins" | "minute" | "minutes" | "m" => "did you mean `m`?",
        "hr" | "hrs" | "hour" | "hours" | "h" => "did you mean `h`?",
        "day" | "days" | "d" => "did you mean `d`?",
        "w" | "week" | "weeks" => "write weeks in days: `7d`",
        _ => "the units are ms, s, m, h and d",
    }
}
