//! ES|QL tokens to a tree: whole queries, settings, and which command stands where.
//!
//! ```text
//!   query    = ("SET" name "=" value ";")* source ("|" command)*
//! ```
//!
//! A fault is reported where it stands; what follows in the same list, and every later command, is still read.

use super::ast::{Command, OtherCommand, Query, Setting, Source};
use super::lexer::tokenise;
use super::token::{Keyword, TokenKind};
use crate::faults::Faults;
use crate::nearest::nearest;
use crate::tokens::Tokens;
use crate::{Parsed, Span, Spanned};

/// How deeply parentheses, argument lists, `NOT` and signs may nest, all together. Commands in parentheses count for
/// more.
pub const MAX_DEPTH: usize = 200;

/// How many levels commands in parentheses count for.
const PIPELINE_DEPTH: usize = 20;

/// Commands that begin a query.
const SOURCES: &[&str] = &["FROM", "ROW", "SHOW", "TS"];

/// Commands that work on rows.
const COMMANDS: &[&str] = &[
    "CHANGE_POINT",
    "COMPLETION",
    "DISSECT",
    "DROP",
    "ENRICH",
    "EVAL",
    "FORK",
    "FUSE",
    "GROK",
    "INLINE",
    "INLINESTATS",
    "KEEP",
    "LIMIT",
    "LOOKUP",
    "MV_EXPAND",
    "RENAME",
    "RERANK",
    "SAMPLE",
    "SORT",
    "STATS",
    "WHERE",
];

/// Commands of the published language that begin a query and are not read any further.
const OTHER_SOURCES: &[&str] = &["EXPLAIN", "EXTERNAL", "PROMQL"];

/// Commands of the published language that work on rows and are not read any further.
const OTHER_COMMANDS: &[&str] = &[
    "DEDUP",
    "HIGHLIGHT",
    "IP_LOCATION",
    "METRICS_INFO",
    "MMR",
    "REGISTERED_DOMAIN",
    "TS_COLLAPSE",
    "TS_INFO",
    "URI_PARTS",
    "USER_AGENT",
];

/// Reads an ES|QL query. The tree says what is written; no name is resolved, no function is looked up and nothing is
/// simplified, but for a `+` sign, which is left out.
///
/// `a AND b AND c` is one `And` of three; parentheses keep their node, so `(a AND b) AND c` is an `And` in an `And`.
/// The span of an expression covers the parentheses around it. All faults are reported, in order of their places.
///
/// Follows Elasticsearch (elastic/elasticsearch, x-pack/plugin/esql: EsqlBaseParser.g4, parser/*.g4,
/// LogicalPlanBuilder, ExpressionBuilder), with commands and operators that are still in development there left out.
/// Patterns of `DISSECT`, `GROK`, `LIKE` and `RLIKE` are not read.
pub fn parse(text: &str) -> Parsed<Query> {
    let mut diagnostics = Vec::new();
    let tokens = Tokens::new(tokenise(text, &mut diagnostics), text);
    let mut parser =
        Parser { source: text, tokens, depth: 0, operators: 0, faults: Faults::new(diagnostics) };
    let tree = parser.query();
    Parsed { tree, diagnostics: parser.faults.in_order() }
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: Tokens<TokenKind>,
    pub(super) depth: usize,
    /// How many arithmetic operators and casts there were so far.
    pub(super) operators: usize,
    pub(super) faults: Faults,
}

impl Parser<'_> {
    fn query(&mut self) -> Query {
        let mut settings = Vec::new();
        while self.at_command("set") {
            settings.extend(self.setting());
        }
        let (source, commands) = self.pipeline();
        if let Some(token) = self.tokens.peek() {
            self.unexpected(token.span);
        }
        Query { settings, source, commands }
    }

    /// `SET name = value;`
    fn setting(&mut self) -> Option<Setting> {
        self.tokens.skip(1);
        let name = self.single_name("write `SET name = value;`");
        let value = match name {
            Some(_) => {
                self.expect(&TokenKind::Assign, "write `SET name = value;`").and_then(|_| self.option_value())
            }
            None => None,
        };
        if self.tokens.take(&TokenKind::Semicolon).is_none() {
            if value.is_some() {
                let place = self.tokens.previous_span();
                self.faults.error(
                    "esql::missing-semicolon",
                    "a setting ends with a semicolon",
                    place,
                    "no semicolon after this",
                    "write `SET name = value;` before the query",
                );
            }
            self.skip_until(|kind| *kind == TokenKind::Semicolon);
            if self.tokens.take(&TokenKind::Semicolon).is_none() {
                // Where the query begins cannot be told.
                self.faults.give_up();
                self.tokens.skip_all();
            }
        }
        Some(Setting { name: name?, value: value? })
    }

    /// A source command and the commands after it, up to the closing parenthesis or the end.
    fn pipeline(&mut self) -> (Spanned<Source>, Vec<Spanned<Command>>) {
        let source = self.source_command();
        let commands =
            if self.tokens.take(&TokenKind::Pipe).is_some() { self.commands() } else { Vec::new() };
        (source, commands)
    }

    /// `(FROM … | …)`, at the opening parenthesis.
    pub(super) fn subquery(&mut self) -> Option<Spanned<Query>> {
        let open = self.tokens.current_span();
        let mut found = None;
        self.enter_pipeline(|parser| {
            let (source, commands) = parser.pipeline();
            found = Some(Query { settings: Vec::new(), source, commands });
        });
        found.map(|query| Spanned::new(query, open.to(self.tokens.previous_span())))
    }

    /// `(… | …)`, at the opening parenthesis: commands without a source.
    pub(super) fn branch(&mut self) -> Vec<Spanned<Command>> {
        let mut found = Vec::new();
        self.enter_pipeline(|parser| found = parser.commands());
        found
    }

    fn enter_pipeline(&mut self, read: impl FnOnce(&mut Self)) {
        let open = self.tokens.advance();
        if self.is_too_deep(PIPELINE_DEPTH, open) {
            return;
        }
        self.depth += PIPELINE_DEPTH;
        read(self);
        self.depth -= PIPELINE_DEPTH;
        if self.tokens.take(&TokenKind::ClosePipeline).is_none() {
            self.unclosed_parenthesis(open);
        }
    }

    /// Commands with `|` between them.
    fn commands(&mut self) -> Vec<Spanned<Command>> {
        let mut commands = vec![self.command()];
        while self.tokens.take(&TokenKind::Pipe).is_some() {
            commands.push(self.command());
        }
        commands
    }

    fn source_command(&mut self) -> Spanned<Source> {
        let span = self.tokens.current_span();
        let Some(TokenKind::Command(word)) = self.tokens.kind_at(0).cloned() else {
            if self.tokens.is_empty() {
                self.faults.error(
                    "esql::empty-query",
                    "there is no query",
                    Span::new(0, self.source.len()),
                    "empty",
                    "write `FROM index-pattern | WHERE condition`",
                );
            } else {
                self.missing_command(span, "begin with `FROM index-pattern`");
            }
            self.skip_command();
            return Spanned::new(Source::Invalid, span);
        };
        self.tokens.skip(1);
        let source = match word.to_ascii_uppercase().as_str() {
            "FROM" => self.from().map(Source::From),
            "TS" => self.from().map(Source::TimeSeries),
            "ROW" => self.fields().map(Source::Row),
            "SHOW" => self.show(),
            upper => match self.other_command(upper, OTHER_SOURCES) {
                Some(other) => Some(Source::Other(other)),
                None => {
                    self.not_a_source(span, upper);
                    self.skip_command();
                    None
                }
            },
        };
        Spanned::new(source.unwrap_or(Source::Invalid), self.end_of_command(span))
    }

    fn command(&mut self) -> Spanned<Command> {
        let span = self.tokens.current_span();
        let Some(TokenKind::Command(word)) = self.tokens.kind_at(0).cloned() else {
            self.missing_command(span, "write a command, for example `WHERE condition`, or take the `|` out");
            self.skip_command();
            return Spanned::new(Command::Invalid, span);
        };
        self.tokens.skip(1);
        let command = match word.to_ascii_uppercase().as_str() {
            "WHERE" => Some(Command::Where(self.expression())),
            "EVAL" => self.fields().map(Command::Eval),
            "STATS" | "INLINESTATS" | "INLINE" => self.stats(span, &word),
            "KEEP" => self.name_patterns().map(Command::Keep),
            "DROP" => self.drop_columns(),
            "RENAME" => self.rename(),
            "SORT" => Some(self.sort()),
            "LIMIT" => self.limit(),
            "DISSECT" => self.dissect(),
            "GROK" => self.grok(),
            "MV_EXPAND" => self.plain_name("write `MV_EXPAND name`").map(Command::MvExpand),
            "ENRICH" => self.enrich(),
            "LOOKUP" => self.lookup_join(span),
            "CHANGE_POINT" => self.change_point(),
            "COMPLETION" => self.completion(),
            "RERANK" => self.rerank(),
            "FORK" => self.fork(span),
            "FUSE" => self.fuse(),
            "SAMPLE" => self.sample(),
            upper => match self.other_command(upper, OTHER_COMMANDS) {
                Some(other) => Some(Command::Other(other)),
                None => {
                    self.unknown_command(span, upper);
                    self.skip_command();
                    None
                }
            },
        };
        Spanned::new(command.unwrap_or(Command::Invalid), self.end_of_command(span))
    }

    fn other_command(&mut self, upper: &str, known: &[&'static str]) -> Option<OtherCommand> {
        let name = known.iter().find(|known| **known == upper)?;
        let text = match self.tokens.kind_at(0) {
            Some(TokenKind::Raw(text)) => text.clone(),
            _ => String::new(),
        };
        if !text.is_empty() {
            self.tokens.skip(1);
        }
        Some(OtherCommand { name, text })
    }

    /// Reports what stands between the command and the next one; where the command lies.
    fn end_of_command(&mut self, start: Span) -> Span {
        let span = start.to(self.tokens.previous_span());
        if !self.at_end_of_command() {
            let place = self.tokens.current_span();
            self.unexpected(place);
            self.skip_command();
        }
        span
    }

    fn not_a_source(&mut self, span: Span, upper: &str) {
        let help = if COMMANDS.contains(&upper) || OTHER_COMMANDS.contains(&upper) {
            format!("write `FROM index-pattern | {upper} …`")
        } else {
            match nearest(upper, SOURCES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "begin with `FROM index-pattern`".to_owned(),
            }
        };
        self.faults.error(
            "esql::unknown-source",
            "a query begins with a source of rows",
            span,
            "not a source",
            help,
        );
    }

    fn unknown_command(&mut self, span: Span, upper: &str) {
        if SOURCES.contains(&upper) || OTHER_SOURCES.contains(&upper) {
            let help = "begin the query with it; several index patterns are written `FROM a, b`";
            let message = format!("`{upper}` begins a query");
            self.faults.error("esql::misplaced-source", message, span, "not after a `|`", help);
            return;
        }
        let help = match nearest(upper, COMMANDS) {
            Some("INLINE") => "did you mean `INLINE STATS`?".to_owned(),
            Some("LOOKUP") => "did you mean `LOOKUP JOIN`?".to_owned(),
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("ES|QL has {}", COMMANDS.join(", ")),
        };
        let message = format!("ES|QL has no command `{upper}`");
        self.faults.error("esql::unknown-command", message, span, "unknown command", help);
    }

    fn missing_command(&mut self, span: Span, help: &'static str) {
        let (place, label) = match self.tokens.peek() {
            Some(_) => (span, "not a command"),
            None => (self.tokens.previous_span(), "nothing after this"),
        };
        self.faults.error("esql::missing-command", "a command is missing here", place, label, help);
    }

    /// Reports something that has no place where it stands.
    pub(super) fn unexpected(&mut self, place: Span) {
        let help = match self.tokens.kind_at(0) {
            Some(TokenKind::RightParenthesis) => {
                self.faults.error(
                    "esql::unopened-parenthesis",
                    "this parenthesis closes nothing",
                    place,
                    "never opened",
                    "take it out, or add the opening one",
                );
                return;
            }
            Some(TokenKind::Keyword(Keyword::First | Keyword::Last | Keyword::Asc | Keyword::Desc)) => {
                "this belongs to `SORT`; a column of this name needs backquotes"
            }
            Some(TokenKind::Keyword(Keyword::By)) => {
                "this belongs to `STATS`; a column of this name needs backquotes"
            }
            Some(TokenKind::Keyword(Keyword::Where)) => {
                "put a `|` before a command; a condition of its own has an aggregate of `STATS` only"
            }
            Some(TokenKind::Keyword(_)) => "take it out; a reserved word as a name needs backquotes",
            Some(TokenKind::Comma) => "take it out, or write something after it",
            Some(TokenKind::Semicolon) => "take it out; only settings before the query end with one",
            Some(TokenKind::Compare(_) | TokenKind::Colon | TokenKind::Assign) => {
                "join two comparisons with `AND`, or put one in parentheses"
            }
            _ => "conditions are joined with `AND` or `OR`, commands with `|`, items of a list with a comma",
        };
        self.faults.error("esql::unexpected", "this has no place here", place, "not expected", help);
    }

    pub(super) fn unclosed_parenthesis(&mut self, open: Span) {
        self.faults.error(
            "esql::unclosed-parenthesis",
            "this parenthesis is never closed",
            open,
            "opened here",
            "add the closing `)`",
        );
    }

    /// Reports when `more` levels would be too deep, and leaves the rest of the text alone.
    pub(super) fn is_too_deep(&mut self, more: usize, place: Span) -> bool {
        let too_deep = self.depth + more > MAX_DEPTH;
        if too_deep {
            self.give_up(place, "too many levels");
        }
        too_deep
    }

    pub(super) fn give_up(&mut self, place: Span, label: &'static str) {
        self.faults.error(
            "esql::too-deep",
            format!("the query nests more than {MAX_DEPTH} levels deep, or computes too many times"),
            place,
            label,
            "take out needless parentheses, or split the query",
        );
        self.faults.give_up();
        self.tokens.skip_all();
    }

    pub(super) fn take_keyword(&mut self, keyword: Keyword) -> bool {
        self.tokens.take(&TokenKind::Keyword(keyword)).is_some()
    }

    /// Takes this token, or reports that it is missing.
    pub(super) fn expect(&mut self, kind: &TokenKind, help: &'static str) -> Option<Span> {
        let found = self.tokens.take(kind);
        if found.is_none() {
            self.missing(help);
        }
        found
    }

    /// Reports that something is missing before the next token.
    pub(super) fn missing(&mut self, help: &'static str) {
        let (place, label) = if self.at_end_of_command() {
            (self.tokens.previous_span(), "needs something after it")
        } else {
            (self.tokens.current_span(), "something else was expected here")
        };
        self.faults.error("esql::incomplete", "this command is not complete", place, label, help);
    }

    fn at_command(&self, word: &str) -> bool {
        matches!(self.tokens.kind_at(0), Some(TokenKind::Command(found)) if found.eq_ignore_ascii_case(word))
    }

    pub(super) fn at_end_of_command(&self) -> bool {
        matches!(self.tokens.kind_at(0), None | Some(TokenKind::Pipe | TokenKind::ClosePipeline))
    }

    /// Goes to the end of the command.
    pub(super) fn skip_command(&mut self) {
        self.skip_until(|_| false);
    }

    /// Goes to what stops, outside of all parentheses that open on the way, but never past the end of the command.
    pub(super) fn skip_until(&mut self, stops: impl Fn(&TokenKind) -> bool) {
        let mut groups = 0_usize;
        let mut pipelines = 0_usize;
        while let Some(token) = self.tokens.peek() {
            match &token.kind {
                TokenKind::Pipe | TokenKind::ClosePipeline if pipelines == 0 => return,
                kind if groups == 0 && pipelines == 0 && stops(kind) => return,
                TokenKind::OpenPipeline => pipelines += 1,
                TokenKind::ClosePipeline => pipelines -= 1,
                TokenKind::LeftParenthesis => groups += 1,
                TokenKind::RightParenthesis => groups = groups.saturating_sub(1),
                _ => {}
            }
            self.tokens.skip(1);
        }
    }
}
