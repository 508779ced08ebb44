//! EQL tokens to a tree: event filters, sequences, samples and pipes.
//!
//! ```text
//!   query    = (filter | sequence | sample) ("|" pipe)*
//!   sequence = "sequence" ("by" keys)? ("with" "maxspan" "=" time)? stage+ ("until" stage)?
//!   sample   = "sample" ("by" keys)? stage+
//!   stage    = ("[" | "![") filter "]" ("by" keys)? ("with" "runs" "=" count)?
//!   filter   = category "where" expression
//! ```
//!
//! A fault is reported where it stands and parsing goes on.

use super::ast::{
    Body, Category, EventFilter, Expr, FieldRef, Literal, Pipe, Query, Sample, Sequence, Stage, TimeSpan,
    TimeUnit,
};
use super::function::nearest;
use super::lexer::{Keyword, Token, TokenKind, tokenise};
use super::verify::verify;
use crate::{Diagnostic, Parsed, Span, Spanned};

/// How deeply parentheses, brackets, argument lists, `not` and signs may nest, all together.
pub const MAX_DEPTH: usize = 200;

/// How often a stage may repeat.
const MAX_RUNS: i64 = 100;

/// Reads an EQL query and checks what can be checked without knowing any field. The tree says what is written;
/// nothing is looked up and nothing simplified, but for a `+` sign, which is left out.
///
/// `a and b and c` is one `And` of three; parentheses keep their node, so `(a and b) and c` is an `And` in an `And`.
/// All faults are reported, in order of their places.
///
/// Follows Elasticsearch (elastic/elasticsearch, x-pack/plugin/eql: EqlBase.g4, LogicalPlanBuilder, Verifier). What
/// Elasticsearch refuses is an error, except a sample of more than five stages and pipes after a sample, which get a
/// warning. Comparisons of two fields are left to whoever knows the fields.
pub fn parse(text: &str) -> Parsed<Query> {
    let mut diagnostics = Vec::new();
    let tokens = tokenise(text, &mut diagnostics);
    let mut parser = Parser {
        source: text,
        tokens,
        position: 0,
        depth: 0,
        arithmetic: 0,
        open_parentheses: 0,
        open_brackets: 0,
        gave_up: false,
        diagnostics,
    };
    let tree = parser.query();
    let mut diagnostics = parser.diagnostics;
    verify(&tree, &mut diagnostics);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map_or(0, |span| span.start));
    Parsed { tree, diagnostics }
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: Vec<Token>,
    pub(super) position: usize,
    pub(super) depth: usize,
    /// How many arithmetic operators there were so far.
    pub(super) arithmetic: usize,
    pub(super) open_parentheses: usize,
    pub(super) open_brackets: usize,
    pub(super) gave_up: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// What stages belong to.
#[derive(Clone, Copy, PartialEq)]
enum Whole {
    Sequence,
    Sample,
}

impl Parser<'_> {
    fn query(&mut self) -> Query {
        let body = self.body();
        self.leftovers();
        let mut pipes = Vec::new();
        while let Some(sign) = self.take(&TokenKind::Pipe) {
            pipes.extend(self.pipe(sign));
        }
        Query { body, pipes }
    }

    fn body(&mut self) -> Body {
        let Some(token) = self.peek() else {
            let span = Span::new(0, self.source.len());
            self.error(
                "eql::empty-query",
                "there is no query",
                span,
                "empty",
                "write `category where condition`, for example `process where true`",
            );
            return Body::Invalid;
        };
        let span = token.span;
        let followed_by_where = self.kind_at(1) == Some(&TokenKind::Keyword(Keyword::Where));
        let word = match &token.kind {
            TokenKind::Keyword(word @ (Keyword::Sequence | Keyword::Sample | Keyword::Join))
                if !followed_by_where =>
            {
                Some(*word)
            }
            TokenKind::Name(name) if !followed_by_where && self.opens_whole_at(1) => {
                let known =
                    [("sequence", Keyword::Sequence), ("sample", Keyword::Sample), ("join", Keyword::Join)];
                let meant = known.iter().find(|(word, _)| word.eq_ignore_ascii_case(name));
                meant.map(|(word, keyword)| {
                    self.wrong_case(span, word);
                    *keyword
                })
            }
            _ => None,
        };
        match word {
            Some(Keyword::Sequence) => {
                self.position += 1;
                self.sequence(span)
            }
            Some(Keyword::Sample) => {
                self.position += 1;
                self.sample(span)
            }
            Some(_) => {
                self.position += 1;
                self.error(
                    "eql::join",
                    "`join` is not supported",
                    span,
                    "an older dialect's word",
                    "write `sample by …` for events in any order, or `sequence by …` for events in this order",
                );
                self.sequence(span);
                Body::Invalid
            }
            None => Body::Event(self.event_filter()),
        }
    }

    fn sequence(&mut self, word: Span) -> Body {
        let by = self.keys_after_by();
        let maxspan = if self.take_keyword(Keyword::With) { self.maxspan() } else { None };
        let by = self.keys_after_with(by);
        let stages = self.stages(Whole::Sequence);
        let mut until = None;
        while self.take_keyword(Keyword::Until) {
            let place = self.previous_span();
            if until.is_some() {
                self.error(
                    "eql::second-until",
                    "there is one `until` only",
                    place,
                    "second `until`",
                    "join the conditions of both with `or`",
                );
            }
            match self.stages(Whole::Sequence).into_iter().next() {
                Some(stage) => until = until.or(Some(Box::new(stage))),
                None => self.missing_stage(place),
            }
        }
        if stages.is_empty() {
            if until.is_none() {
                self.missing_stage(word);
            }
            return Body::Invalid;
        }
        Body::Sequence(Sequence { by, maxspan, stages, until })
    }

    fn sample(&mut self, word: Span) -> Body {
        let by = self.keys_after_by();
        if self.take_keyword(Keyword::With) {
            let place = self.previous_span();
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
            let place = self.previous_span();
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
            match self.peek().map(|token| &token.kind) {
                Some(TokenKind::LeftBracket | TokenKind::MissingBracket) => stages.push(self.stage(whole)),
                None | Some(TokenKind::Pipe | TokenKind::Keyword(Keyword::Until)) => return stages,
                Some(_) => {
                    let span = self.current_span();
                    self.error(
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
        let missing = self.peek().is_some_and(|token| token.kind == TokenKind::MissingBracket);
        let open = self.current_span();
        let filter = self.subquery();
        if missing && whole == Whole::Sample {
            self.not_in_sample(open, "a sample has no missing events");
        }
        let by = self.keys_after_by();
        let mut runs = Spanned::new(1, Span::new(self.previous_span().end, self.previous_span().end));
        if self.take_keyword(Keyword::With) {
            let with = self.previous_span();
            if whole == Whole::Sample {
                self.not_in_sample(with, "a stage of a sample does not repeat");
            }
            runs = self.runs().unwrap_or(runs);
        }
        let by = self.keys_after_with(by);
        Stage { filter, by, runs, missing, span: open.to(self.previous_span()) }
    }

    /// `[ filter ]`, at the opening bracket.
    pub(super) fn subquery(&mut self) -> EventFilter {
        let open = self.advance();
        let outside = std::mem::take(&mut self.open_parentheses);
        self.open_brackets += 1;
        let filter = self.event_filter();
        self.open_brackets -= 1;
        self.open_parentheses = outside;
        if self.take(&TokenKind::RightBracket).is_some() {
            return filter;
        }
        let rest = self.tokens.get(self.position..).unwrap_or_default();
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
                let span = self.current_span();
                self.error("eql::unexpected", "this has no place inside the brackets", span, "not part of the condition", "close the bracket first: `[…] by key with runs=3`; a reserved word needs quotes or backquotes");
                self.position += at + 1;
            }
            None => self.error(
                "eql::unclosed-bracket",
                "this bracket is never closed",
                open,
                "opened here",
                "add the closing `]`",
            ),
        }
        filter
    }

    /// `category where condition`.
    fn event_filter(&mut self) -> EventFilter {
        let span = self.current_span();
        let category = match self.peek().map(|token| &token.kind) {
            Some(TokenKind::Keyword(Keyword::Any)) => Some(Category::Any),
            Some(TokenKind::Name(name) | TokenKind::Text(name) | TokenKind::QuotedName(name)) => {
                Some(Category::Named(name.clone()))
            }
            Some(TokenKind::Keyword(Keyword::Where)) => {
                self.error(
                    "eql::missing-category",
                    "a category is missing before `where`",
                    span,
                    "no category in front of it",
                    "write `any where …` for every category",
                );
                self.position += 1;
                return self.condition_of(Spanned::new(Category::Any, span));
            }
            Some(TokenKind::Keyword(_) | TokenKind::Match(_)) if self.is_where_at(1) => {
                let word = self.source.get(span.start..span.end).unwrap_or_default().to_owned();
                self.error(
                    "eql::reserved-word",
                    "this word is reserved",
                    span,
                    "not a category",
                    "put the category in double quotes",
                );
                Some(Category::Named(word))
            }
            _ => None,
        };
        let is_backquoted = self.peek().is_some_and(|token| matches!(token.kind, TokenKind::QuotedName(_)));
        let Some(category) = category.filter(|_| self.is_where_at(1) || self.begins_operand_at(1)) else {
            self.missing_where(span);
            return self.condition_of(Spanned::new(Category::Any, Span::new(span.start, span.start)));
        };
        if is_backquoted && self.is_where_at(1) {
            self.error(
                "eql::backquoted-category",
                "a category does not stand in backquotes",
                span,
                "in backquotes",
                "put it in double quotes",
            );
        }
        self.position += 1;
        match self.peek().map(|token| token.kind.clone()) {
            Some(TokenKind::Keyword(Keyword::Where)) => self.position += 1,
            Some(TokenKind::Name(word)) if word.eq_ignore_ascii_case("where") => {
                self.wrong_case(self.current_span(), "where");
                self.position += 1;
            }
            _ => self.missing_where(self.current_span()),
        }
        self.condition_of(Spanned::new(category, span))
    }

    fn condition_of(&mut self, category: Spanned<Category>) -> EventFilter {
        EventFilter { category, condition: self.expression() }
    }

    fn is_where_at(&self, ahead: usize) -> bool {
        match self.kind_at(ahead) {
            Some(TokenKind::Keyword(Keyword::Where)) => true,
            Some(TokenKind::Name(word)) => word.eq_ignore_ascii_case("where"),
            _ => false,
        }
    }

    fn opens_whole_at(&self, ahead: usize) -> bool {
        matches!(
            self.kind_at(ahead),
            Some(
                TokenKind::LeftBracket
                    | TokenKind::MissingBracket
                    | TokenKind::Keyword(Keyword::By | Keyword::With)
            )
        )
    }

    fn keys_after_by(&mut self) -> Vec<Spanned<FieldRef>> {
        if self.take_keyword(Keyword::By) {
            return self.keys();
        }
        match self.peek().map(|token| token.kind.clone()) {
            Some(TokenKind::Name(word)) if word.eq_ignore_ascii_case("by") => {
                self.wrong_case(self.current_span(), "by");
                self.position += 1;
                self.keys()
            }
            _ => Vec::new(),
        }
    }

    /// Keys must come before `with`.
    fn keys_after_with(&mut self, mut by: Vec<Spanned<FieldRef>>) -> Vec<Spanned<FieldRef>> {
        let place = self.current_span();
        if self.take_keyword(Keyword::By) {
            self.error(
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
                _ => self.error(
                    "eql::bad-join-key",
                    "a join key is a field",
                    key.span,
                    "not a field",
                    "write the name of a field; a value that has to be computed cannot join events",
                ),
            }
            let span = self.current_span();
            match self.peek().map(|token| &token.kind) {
                Some(TokenKind::Comma) => self.position += 1,
                Some(
                    TokenKind::Keyword(Keyword::And)
                    | TokenKind::Name(_)
                    | TokenKind::QuotedName(_)
                    | TokenKind::Optional,
                ) => {
                    let is_word = self.take_keyword(Keyword::And);
                    self.error(
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
        let span = self.current_span();
        match self.peek().map(|token| token.kind.clone()) {
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
        self.position += 1;
        self.equals_of_option();
        self.time_span()
    }

    fn time_span(&mut self) -> Option<Spanned<TimeSpan>> {
        let start = self.current_span();
        let negative = self.take(&TokenKind::Minus).is_some();
        let number = match self.peek().map(|token| &token.kind) {
            Some(TokenKind::Number(number)) => number.clone(),
            _ => {
                self.error(
                    "eql::missing-maxspan",
                    "a length of time is missing here",
                    start,
                    "not a length of time",
                    "write a whole number and a unit: `5m`",
                );
                return None;
            }
        };
        let number_span = start.to(self.advance());
        let unit = match self.peek().map(|token| &token.kind) {
            Some(TokenKind::Name(unit)) => Some(unit.clone()),
            _ => None,
        };
        let Literal::Int(count) = number else {
            self.position += usize::from(unit.is_some());
            self.error(
                "eql::bad-maxspan",
                "a length of time is a whole number",
                number_span,
                "not a whole number",
                "use a smaller unit: `1500ms` for one and a half seconds",
            );
            return None;
        };
        let Some(unit) = unit else {
            self.error(
                "eql::missing-unit",
                "the length of time has no unit",
                number_span,
                "of what?",
                format!("did you mean `{count}s`? The units are ms, s, m, h and d"),
            );
            return None;
        };
        let unit_span = self.advance();
        let known = match unit.as_str() {
            "ms" => TimeUnit::Milliseconds,
            "s" => TimeUnit::Seconds,
            "m" => TimeUnit::Minutes,
            "h" => TimeUnit::Hours,
            "d" => TimeUnit::Days,
            _ => {
                self.error(
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
            self.error(
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
        let span = self.current_span();
        match self.peek().map(|token| token.kind.clone()) {
            Some(TokenKind::Name(word)) if word == "runs" => {}
            Some(TokenKind::Name(word)) if word.eq_ignore_ascii_case("runs") => self.wrong_case(span, "runs"),
            Some(TokenKind::Keyword(Keyword::Maxspan)) => {
                self.unknown_option(
                    span,
                    "maxspan belongs to the whole sequence: `sequence by … with maxspan=5m [first stage] …`",
                );
                self.position += 1;
                self.equals_of_option();
                self.time_span();
                return None;
            }
            _ => {
                self.unknown_option(span, "after a stage stands `with runs=3`");
                return None;
            }
        }
        self.position += 1;
        self.equals_of_option();
        let start = self.current_span();
        let negative = self.take(&TokenKind::Minus).is_some();
        let count = match self.peek().map(|token| &token.kind) {
            Some(TokenKind::Number(Literal::Int(count))) if !negative => Some(*count),
            Some(TokenKind::Number(_)) => Some(0),
            _ => None,
        };
        let span = if count.is_some() { start.to(self.advance()) } else { start };
        match count.filter(|count| (1..=MAX_RUNS).contains(count)).map(u32::try_from) {
            Some(Ok(count)) => Some(Spanned::new(count, span)),
            _ => {
                self.error(
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
        if self.take(&TokenKind::Assign).is_some() {
            return;
        }
        let span = self.current_span();
        let is_double =
            matches!(self.peek(), Some(Token { kind: TokenKind::Compare(_) | TokenKind::Match(_), .. }));
        self.position += usize::from(is_double);
        self.error(
            "eql::missing-equals",
            "`=` is missing here",
            span,
            "one `=` must stand here",
            "write `with maxspan=5m` or `with runs=3`",
        );
    }

    /// One pipe after its sign; `None` when it cannot be used.
    fn pipe(&mut self, sign: Span) -> Option<Spanned<Pipe>> {
        const FOREIGN: &[&str] = &["count", "filter", "sort", "unique", "unique_count"];
        let span = self.current_span();
        let Some(TokenKind::Name(name)) = self.peek().map(|token| token.kind.clone()) else {
            let place = if self.peek().is_some() { span } else { sign };
            self.error(
                "eql::missing-pipe",
                "a pipe is missing here",
                place,
                "what to do with the results?",
                "write `head 10` or `tail 10`, or take the `|` out; alternatives are joined with `or`",
            );
            self.skip_until(|kind| *kind == TokenKind::Pipe);
            return None;
        };
        self.position += 1;
        let first = self.position;
        self.skip_until(|kind| *kind == TokenKind::Pipe);
        let arguments = self.tokens.get(first..self.position).unwrap_or_default();
        let make = match name.as_str() {
            "head" => Pipe::Head,
            "tail" => Pipe::Tail,
            other => {
                let (code, message) = if FOREIGN.contains(&other) {
                    ("eql::unsupported-pipe", format!("the pipe `{other}` is not supported"))
                } else {
                    ("eql::unknown-pipe", format!("EQL has no pipe `{other}`"))
                };
                let help = match nearest(other, &["head", "tail"]) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "only `head` and `tail` are; a condition belongs after `where`".to_owned(),
                };
                self.error(code, message, span, "not a pipe of Elasticsearch's EQL", help);
                return None;
            }
        };
        if let [Token { kind: TokenKind::Number(Literal::Int(count)), span: place }] = arguments
            && let Ok(count) = u64::try_from(*count)
            && count <= i32::MAX.unsigned_abs().into()
        {
            return Some(Spanned::new(make(count), span.to(*place)));
        }
        let place = match (arguments.first(), arguments.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => span,
        };
        self.error(
            "eql::pipe-argument",
            format!("`{name}` takes one whole number"),
            place,
            if arguments.is_empty() { "how many?" } else { "not one whole number" },
            format!("write `{name} 10`"),
        );
        None
    }

    /// Whatever stands between the query and its pipes.
    fn leftovers(&mut self) {
        let span = self.current_span();
        let help = match self.peek().map(|token| &token.kind) {
            None | Some(TokenKind::Pipe) => return,
            Some(TokenKind::LeftBracket | TokenKind::MissingBracket) => {
                "stages in brackets belong to a sequence or a sample: begin with `sequence` or `sample`"
            }
            Some(TokenKind::Keyword(Keyword::By | Keyword::With | Keyword::Until)) => {
                "this belongs to a sequence or a sample: begin with `sequence` or `sample`, and put conditions in brackets"
            }
            Some(TokenKind::Keyword(Keyword::Where)) => {
                "join conditions with `and` or `or`; there is one `where` only"
            }
            Some(_) => "take it out",
        };
        self.error("eql::unexpected", "the query should end here", span, "not part of the query", help);
        self.skip_until(|kind| *kind == TokenKind::Pipe);
    }

    fn missing_stage(&mut self, place: Span) {
        self.error(
            "eql::missing-stage",
            "no stage follows",
            place,
            "needs stages after it",
            "write `[category where condition]`",
        );
    }

    fn missing_where(&mut self, place: Span) {
        self.error(
            "eql::missing-where",
            "`where` is missing here",
            place,
            "no category and `where` in front of it",
            "write `category where condition`, or `any where condition` for every category",
        );
    }

    fn unknown_option(&mut self, place: Span, help: &'static str) {
        self.error("eql::unknown-option", "this cannot follow `with` here", place, "unknown option", help);
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
        self.error(
            "eql::not-in-sample",
            message,
            place,
            "not in a sample",
            "take it out, or write a sequence",
        );
    }

    pub(super) fn wrong_case(&mut self, place: Span, word: &str) {
        self.error(
            "eql::keyword-case",
            "words of the language are in lower case",
            place,
            "wrong case",
            format!("write `{word}`; a name that looks like this needs quotes or backquotes"),
        );
    }

    #[cold]
    #[inline(never)]
    pub(super) fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        place: Span,
        label: &'static str,
        help: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        if !self.gave_up {
            self.diagnostics.push(Diagnostic::error(code, message).at(place).label(label).help(help));
        }
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position)
    }

    pub(super) fn kind_at(&self, ahead: usize) -> Option<&TokenKind> {
        self.tokens.get(self.position + ahead).map(|token| &token.kind)
    }

    pub(super) fn take(&mut self, kind: &TokenKind) -> Option<Span> {
        let span = self.peek().filter(|token| token.kind == *kind)?.span;
        self.position += 1;
        Some(span)
    }

    pub(super) fn take_keyword(&mut self, keyword: Keyword) -> bool {
        self.take(&TokenKind::Keyword(keyword)).is_some()
    }

    pub(super) fn advance(&mut self) -> Span {
        let span = self.current_span();
        self.position += 1;
        span
    }

    pub(super) fn current_span(&self) -> Span {
        self.peek().map_or(Span::new(self.source.len(), self.source.len()), |token| token.span)
    }

    /// Of the token before; the start of the text when there is none.
    pub(super) fn previous_span(&self) -> Span {
        let last = self.tokens.len().min(self.position);
        last.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(Span::default(), |token| token.span)
    }

    pub(super) fn skip_until(&mut self, stops: impl Fn(&TokenKind) -> bool) {
        while self.peek().is_some_and(|token| !stops(&token.kind)) {
            self.position += 1;
        }
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
