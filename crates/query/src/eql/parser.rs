//! EQL tokens to a tree: whole queries, event filters and pipes.
//!
//! ```text
//!   query  = (filter | sequence | sample) ("|" pipe)*
//!   filter = category "where" expression
//! ```
//!
//! A fault is reported where it stands and parsing goes on.

use super::ast::{Body, Category, EventFilter, Expr, Literal, Pipe, Query};
use super::lexer::tokenise;
use super::token::{Keyword, Token, TokenKind};
use super::verify::verify;
use crate::faults::Faults;
use crate::nearest::nearest;
use crate::tokens::Tokens;
use crate::{Parsed, Span, Spanned};

/// How deeply parentheses, brackets, argument lists, `not` and signs may nest, all together.
pub const MAX_DEPTH: usize = 200;

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
    let tokens = Tokens::new(tokenise(text, &mut diagnostics), text);
    let mut parser = Parser {
        source: text,
        tokens,
        depth: 0,
        arithmetic: 0,
        open_parentheses: 0,
        open_brackets: 0,
        faults: Faults::new(diagnostics),
    };
    let tree = parser.query();
    verify(&tree, &mut parser.faults.diagnostics);
    Parsed { tree, diagnostics: parser.faults.in_order() }
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: Tokens<TokenKind>,
    pub(super) depth: usize,
    /// How many arithmetic operators there were so far.
    pub(super) arithmetic: usize,
    pub(super) open_parentheses: usize,
    pub(super) open_brackets: usize,
    pub(super) faults: Faults,
}

impl Parser<'_> {
    fn query(&mut self) -> Query {
        let body = self.body();
        self.leftovers();
        let mut pipes = Vec::new();
        while let Some(sign) = self.tokens.take(&TokenKind::Pipe) {
            pipes.extend(self.pipe(sign));
        }
        Query { body, pipes }
    }

    fn body(&mut self) -> Body {
        let Some(token) = self.tokens.peek() else {
            let span = Span::new(0, self.source.len());
            self.faults.error(
                "eql::empty-query",
                "there is no query",
                span,
                "empty",
                "write `category where condition`, for example `process where true`",
            );
            return Body::Invalid;
        };
        let span = token.span;
        let followed_by_where = self.tokens.kind_at(1) == Some(&TokenKind::Keyword(Keyword::Where));
        let word = match &token.kind {
            TokenKind::Keyword(word @ (Keyword::Sequence | Keyword::Sample | Keyword::Join))
                if !followed_by_where =>
            {
                Some(*word)
            }
            TokenKind::LeftBracket
            | TokenKind::MissingBracket
            | TokenKind::Keyword(Keyword::By | Keyword::With)
                if !followed_by_where =>
            {
                self.faults.error(
                    "eql::missing-sequence",
                    "`sequence` or `sample` is missing before this",
                    span,
                    "part of a sequence or a sample",
                    "write `sequence by field [first stage] [second stage]`; for single events leave the brackets out",
                );
                self.sequence(span);
                return Body::Invalid;
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
                self.tokens.skip(1);
                self.sequence(span)
            }
            Some(Keyword::Sample) => {
                self.tokens.skip(1);
                self.sample(span)
            }
            Some(_) => {
                self.tokens.skip(1);
                self.faults.error(
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

    /// `category where condition`.
    pub(super) fn event_filter(&mut self) -> EventFilter {
        let span = self.tokens.current_span();
        let category = match self.tokens.kind_at(0) {
            Some(TokenKind::Keyword(Keyword::Any)) => Some(Category::Any),
            Some(TokenKind::Name(name) | TokenKind::Text(name) | TokenKind::QuotedName(name)) => {
                Some(Category::Named(name.clone()))
            }
            Some(TokenKind::Keyword(Keyword::Where)) => {
                self.faults.error(
                    "eql::missing-category",
                    "a category is missing before `where`",
                    span,
                    "no category in front of it",
                    "write `any where …` for every category",
                );
                self.tokens.skip(1);
                return self.condition_of(Spanned::new(Category::Any, span));
            }
            Some(TokenKind::Keyword(_) | TokenKind::Match(_)) if self.is_where_at(1) => {
                let word = self.source.get(span.start..span.end).unwrap_or_default().to_owned();
                self.faults.error(
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
        let is_backquoted =
            self.tokens.peek().is_some_and(|token| matches!(token.kind, TokenKind::QuotedName(_)));
        let Some(category) = category.filter(|_| self.is_where_at(1) || self.begins_operand_at(1)) else {
            self.missing_where(self.name_span());
            let category = Spanned::new(Category::Any, Span::new(span.start, span.start));
            if self.tokens.peek().is_none_or(|token| token.kind == TokenKind::RightBracket) {
                return EventFilter { category, condition: Spanned::new(Expr::Invalid, span) };
            }
            return self.condition_of(category);
        };
        if is_backquoted && self.is_where_at(1) {
            self.faults.error(
                "eql::backquoted-category",
                "a category does not stand in backquotes",
                span,
                "in backquotes",
                "put it in double quotes",
            );
        }
        self.tokens.skip(1);
        match self.tokens.kind_at(0).cloned() {
            Some(TokenKind::Keyword(Keyword::Where)) => self.tokens.skip(1),
            Some(TokenKind::Name(word)) if word.eq_ignore_ascii_case("where") => {
                self.wrong_case(self.tokens.current_span(), "where");
                self.tokens.skip(1);
            }
            _ => self.missing_where(self.name_span()),
        }
        self.condition_of(Spanned::new(category, span))
    }

    fn condition_of(&mut self, category: Spanned<Category>) -> EventFilter {
        EventFilter { category, condition: self.expression() }
    }

    fn is_where_at(&self, ahead: usize) -> bool {
        match self.tokens.kind_at(ahead) {
            Some(TokenKind::Keyword(Keyword::Where)) => true,
            Some(TokenKind::Name(word)) => word.eq_ignore_ascii_case("where"),
            _ => false,
        }
    }

    fn opens_whole_at(&self, ahead: usize) -> bool {
        matches!(
            self.tokens.kind_at(ahead),
            Some(
                TokenKind::LeftBracket
                    | TokenKind::MissingBracket
                    | TokenKind::Keyword(Keyword::By | Keyword::With)
            )
        )
    }

    /// One pipe after its sign; `None` when it cannot be used.
    fn pipe(&mut self, sign: Span) -> Option<Spanned<Pipe>> {
        const FOREIGN: &[&str] = &["count", "filter", "sort", "unique", "unique_count"];
        let span = self.tokens.current_span();
        let Some(TokenKind::Name(name)) = self.tokens.kind_at(0).cloned() else {
            let place = if self.tokens.peek().is_some() { span } else { sign };
            self.faults.error(
                "eql::missing-pipe",
                "a pipe is missing here",
                place,
                "what to do with the results?",
                "write `head 10` or `tail 10`, or take the `|` out; alternatives are joined with `or`",
            );
            self.skip_until(|kind| *kind == TokenKind::Pipe);
            return None;
        };
        self.tokens.skip(1);
        let first = self.tokens.position();
        self.skip_until(|kind| *kind == TokenKind::Pipe);
        let arguments = self.tokens.taken_since(first);
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
                self.faults.error(code, message, span, "not a pipe of Elasticsearch's EQL", help);
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
        self.faults.error(
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
        let span = self.tokens.current_span();
        let help = match self.tokens.kind_at(0) {
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
        self.faults.error(
            "eql::unexpected",
            "the query should end here",
            span,
            "not part of the query",
            help,
        );
        self.skip_until(|kind| *kind == TokenKind::Pipe);
    }

    fn missing_where(&mut self, place: Span) {
        self.faults.error(
            "eql::missing-where",
            "`where` is missing here",
            place,
            "no category and `where` in front of it",
            "write `category where condition`, or `any where condition` for every category",
        );
    }

    pub(super) fn wrong_case(&mut self, place: Span, word: &str) {
        self.faults.error(
            "eql::keyword-case",
            "words of the language are in lower case",
            place,
            "wrong case",
            format!("write `{word}`; a name that looks like this needs quotes or backquotes"),
        );
    }

    pub(super) fn take_keyword(&mut self, keyword: Keyword) -> bool {
        self.tokens.take(&TokenKind::Keyword(keyword)).is_some()
    }

    pub(super) fn skip_until(&mut self, stops: impl Fn(&TokenKind) -> bool) {
        while self.tokens.peek().is_some_and(|token| !stops(&token.kind)) {
            self.tokens.skip(1);
        }
    }
}
