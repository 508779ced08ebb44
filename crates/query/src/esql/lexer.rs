//! ES|QL text to tokens.
//!
//! What a character means depends on the command it stands in, so the lexer knows each command's [`Mode`].
//! Follows Elasticsearch's lexer (elastic/elasticsearch, x-pack/plugin/esql, EsqlBaseLexer.g4 and lexer/*.g4).

use super::ast::{CompareOp, Literal, NamePart};
use super::token::{Keyword, Token, TokenKind, append, continues_source, reserved, reserved_in_expressions};
use crate::Diagnostic;
use crate::cursor::Cursor;
use crate::ql::Language;
use crate::ql::name::{begins_name, continues_name, take_backquoted, take_word};
use crate::ql::number::take_number;
use crate::ql::space::{is_line_break, is_space, skip_space_and_comments};
use crate::ql::text::take_text;
use crate::ql::unknown::{take_foreign_operator, take_unknown_characters};

const ESQL: Language = Language {
    name: "ES|QL",
    named: "column",
    bad_escape: "esql::bad-escape",
    empty_name: "esql::empty-name",
    nested_comment: None,
    number_too_large: "esql::number-too-large",
    raw_text_lines: "esql::raw-text-lines",
    unclosed_comment: "esql::unclosed-comment",
    unclosed_quote: "esql::unclosed-quote",
    unknown_character: "esql::unknown-character",
    unknown_operator: "esql::unknown-operator",
};

/// What tokens begin with besides letters and digits.
const SIGNS: &str = "\"'`?=!<>:+-*/%.,;()[]{}|_@";

/// All tokens of the text; faults go to `diagnostics`.
pub(super) fn tokenise(source: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut lexer = Lexer {
        cursor: Cursor::new(source),
        mode: Mode::Command,
        is_lookup: false,
        pattern_words: &[],
        open: Vec::new(),
        after_in: false,
        diagnostics,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token() {
        lexer.after_in = token.kind == TokenKind::Keyword(Keyword::In);
        tokens.push(token);
    }
    tokens
}

/// How the text is read.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// A command begins here.
    Command,
    Expression,
    /// Names with wildcards.
    Pattern,
    /// Index patterns and names of policies.
    Source,
    /// Pipelines in parentheses.
    Fork,
    /// Up to the end of the command.
    Raw,
}

/// How what follows the first word of a command is read.
fn mode_after(command: &str) -> Mode {
    match command.to_ascii_lowercase().as_str() {
        "from" | "ts" | "enrich" | "lookup" => Mode::Source,
        "keep" | "drop" | "rename" | "mv_expand" | "change_point" => Mode::Pattern,
        "fork" => Mode::Fork,
        "completion" | "dissect" | "eval" | "fuse" | "grok" | "inline" | "inlinestats" | "limit"
        | "rerank" | "row" | "sample" | "set" | "show" | "sort" | "stats" | "where" => Mode::Expression,
        _ => Mode::Raw,
    }
}

/// What an open parenthesis holds.
enum Open {
    Group,
    /// Commands; what stands around them is read in this mode.
    Pipeline(Mode),
}

struct Lexer<'a> {
    cursor: Cursor<'a>,
    mode: Mode,
    /// The command is `LOOKUP`.
    is_lookup: bool,
    /// Words that are reserved among names with wildcards.
    pattern_words: &'static [Keyword],
    open: Vec<Open>,
    /// The token before was `IN`.
    after_in: bool,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Lexer<'_> {
    fn next_token(&mut self) -> Option<Token> {
        loop {
            self.skip_space_and_comments();
            let start = self.cursor.position();
            let first = self.cursor.peek()?;
            let kind = match self.mode {
                Mode::Command if first.is_ascii_alphabetic() => Some(self.command()),
                Mode::Raw => self.raw(),
                Mode::Source if continues_source(first) => Some(self.source_piece()),
                Mode::Pattern if begins_name(first) || matches!(first, '*' | '`') => self.pattern(),
                _ => self.token(first),
            };
            if let Some(kind) = kind {
                // What is not read any further may end in space.
                return Some(Token { kind, span: self.cursor.span_from(start) });
            }
        }
    }

    fn skip_space_and_comments(&mut self) {
        skip_space_and_comments(&mut self.cursor, &ESQL, self.diagnostics);
    }

    fn command(&mut self) -> TokenKind {
        let word = self.cursor.take_while(continues_name);
        self.mode = mode_after(word);
        self.is_lookup = word.eq_ignore_ascii_case("lookup");
        self.pattern_words = match word.to_ascii_lowercase().as_str() {
            "rename" => &[Keyword::As],
            "change_point" => &[Keyword::As, Keyword::On],
            "enrich" => &[Keyword::With],
            _ => &[],
        };
        TokenKind::Command(word.to_owned())
    }

    /// The rest of a command, as it stands.
    fn raw(&mut self) -> Option<TokenKind> {
        let mut text = String::new();
        let mut open = 0_usize;
        let mut end = self.cursor.position();
        loop {
            let before = self.cursor.position();
            self.skip_space_and_comments();
            if self.cursor.position() > before {
                text.push(' ');
            }
            let start = self.cursor.position();
            match self.cursor.peek() {
                None | Some('|') => break,
                Some(')') if open == 0 && !self.open.is_empty() => break,
                Some('(') => {
                    open += 1;
                    self.cursor.advance(1);
                }
                Some(')') => {
                    open = open.saturating_sub(1);
                    self.cursor.advance(1);
                }
                Some('"') => {
                    self.text();
                }
                Some(other) => self.cursor.advance(other.len_utf8()),
            }
            text.push_str(self.cursor.text_from(start));
            end = self.cursor.position();
        }
        self.mode = Mode::Expression;
        self.cursor.go_to(end);
        let text = text.trim_matches(is_space);
        (!text.is_empty()).then(|| TokenKind::Raw(text.to_owned()))
    }

    fn source_piece(&mut self) -> TokenKind {
        let rest = self.cursor.rest();
        let is_comment = |at: usize| rest[at..].starts_with("//") || rest[at..].starts_with("/*");
        let length = rest
            .char_indices()
            .find(|(at, next)| !continues_source(*next) || is_comment(*at))
            .map_or(rest.len(), |(at, _)| at);
        self.cursor.advance(length);
        let word = &rest[..length];
        match reserved(word) {
            Some(Keyword::On) => {
                self.mode = if self.is_lookup { Mode::Expression } else { Mode::Pattern };
                TokenKind::Keyword(Keyword::On)
            }
            Some(Keyword::With) => {
                self.mode = Mode::Pattern;
                TokenKind::Keyword(Keyword::With)
            }
            _ => TokenKind::Source(word.to_owned()),
        }
    }

    /// Letters, digits, `*` and parts in backquotes, in any mixture.
    fn pattern(&mut self) -> Option<TokenKind> {
        let mut parts = Vec::new();
        let mut is_bare = true;
        let follows_dot = self.cursor.before().ends_with('.');
        let start = self.cursor.position();
        while let Some(next) = self.cursor.peek() {
            match next {
                '*' => {
                    self.cursor.advance(1);
                    if parts.last() != Some(&NamePart::Any) {
                        parts.push(NamePart::Any);
                    }
                }
                '`' => {
                    is_bare = false;
                    let Some(TokenKind::QuotedName(name)) = self.quoted_name() else { continue };
                    append(&mut parts, &name);
                }
                _ if continues_name(next) || next == '@' => {
                    append(&mut parts, take_word(&mut self.cursor));
                }
                _ => break,
            }
        }
        let text = self.cursor.text_from(start);
        if is_bare
            && !follows_dot
            && let Some(keyword) = reserved(text).filter(|keyword| self.pattern_words.contains(keyword))
        {
            return Some(TokenKind::Keyword(keyword));
        }
        (!parts.is_empty()).then_some(TokenKind::Pattern(parts))
    }

    /// The token from here on; `None` when what stands here is none, and has been reported.
    fn token(&mut self, first: char) -> Option<TokenKind> {
        use TokenKind as T;
        let rest = self.cursor.rest();
        let next = rest[first.len_utf8()..].chars().next();
        let (length, kind) = match first {
            '"' => return Some(self.text()),
            '\'' => return Some(self.single_quoted()),
            '`' => return self.quoted_name(),
            '?' => return Some(self.parameter()),
            '0'..='9' => return Some(self.number()),
            '.' if next.is_some_and(|next| next.is_ascii_digit()) => return Some(self.number()),
            _ if begins_name(first) && (first.is_ascii_alphabetic() || next.is_some_and(continues_name)) => {
                return Some(self.word());
            }
            '=' if next == Some('=') => (2, T::Compare(CompareOp::Eq)),
            '=' if next == Some('~') => {
                return Some(self.foreign_operator(
                    2,
                    "compare `TO_LOWER(…)` with `==`",
                    T::Compare(CompareOp::Eq),
                ));
            }
            '=' => (1, T::Assign),
            '!' if next == Some('=') => (2, T::Compare(CompareOp::Ne)),
            '!' => return Some(self.foreign_operator(1, "write `NOT`", T::Keyword(Keyword::Not))),
            '&' if next == Some('&') => {
                return Some(self.foreign_operator(2, "write `AND`", T::Keyword(Keyword::And)));
            }
            '|' if next == Some('|') => {
                return Some(self.foreign_operator(2, "write `OR`", T::Keyword(Keyword::Or)));
            }
            '<' if next == Some('>') => {
                return Some(self.foreign_operator(2, "write `!=`", T::Compare(CompareOp::Ne)));
            }
            '<' if next == Some('=') => (2, T::Compare(CompareOp::Lte)),
            '>' if next == Some('=') => (2, T::Compare(CompareOp::Gte)),
            '<' => (1, T::Compare(CompareOp::Lt)),
            '>' => (1, T::Compare(CompareOp::Gt)),
            ':' if next == Some(':') => (2, T::Cast),
            ':' => (1, T::Colon),
            '+' => (1, T::Plus),
            '-' => (1, T::Minus),
            '*' => (1, T::Star),
            '/' => (1, T::Slash),
            '%' => (1, T::Percent),
            '.' => (1, T::Dot),
            ',' => (1, T::Comma),
            ';' => {
                self.mode = Mode::Command;
                (1, T::Semicolon)
            }
            '[' => (1, T::LeftBracket),
            ']' => (1, T::RightBracket),
            '{' => (1, T::LeftBrace),
            '}' => (1, T::RightBrace),
            '(' => (1, self.open_parenthesis()),
            ')' => (1, self.close_parenthesis()),
            '|' => {
                while matches!(self.open.last(), Some(Open::Group)) {
                    self.open.pop();
                }
                self.mode = Mode::Command;
                (1, T::Pipe)
            }
            _ => {
                take_unknown_characters(&mut self.cursor, SIGNS, &ESQL, self.diagnostics);
                return None;
            }
        };
        self.cursor.advance(length);
        Some(kind)
    }

    fn open_parenthesis(&mut self) -> TokenKind {
        let inside = self.cursor.rest()[1..].trim_start_matches(is_space);
        let word = &inside[..inside.find(|next| !continues_name(next)).unwrap_or(inside.len())];
        // A column may be called `from`: only a query goes on with a name or a text.
        let goes_on = inside[word.len()..]
            .trim_start_matches(is_space)
            .starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '_' | '"'));
        let begins_query =
            goes_on && ["from", "ts", "row"].iter().any(|source| source.eq_ignore_ascii_case(word));
        match self.mode {
            Mode::Fork | Mode::Source => {}
            Mode::Expression if self.after_in && begins_query => {}
            _ => {
                self.open.push(Open::Group);
                return TokenKind::LeftParenthesis;
            }
        }
        self.open.push(Open::Pipeline(self.mode));
        self.mode = Mode::Command;
        TokenKind::OpenPipeline
    }

    fn close_parenthesis(&mut self) -> TokenKind {
        match self.open.pop() {
            Some(Open::Pipeline(around)) => {
                self.mode = around;
                TokenKind::ClosePipeline
            }
            _ => TokenKind::RightParenthesis,
        }
    }

    fn word(&mut self) -> TokenKind {
        let word = take_word(&mut self.cursor);
        reserved_in_expressions(word).map_or_else(|| TokenKind::Name(word.to_owned()), TokenKind::Keyword)
    }

    fn quoted_name(&mut self) -> Option<TokenKind> {
        take_backquoted(&mut self.cursor, &ESQL, self.diagnostics).map(TokenKind::QuotedName)
    }

    fn parameter(&mut self) -> TokenKind {
        let start = self.cursor.position();
        self.cursor.advance(1);
        let names_name = self.cursor.take('?');
        let is_number = self.cursor.rest().starts_with(|first: char| first.is_ascii_digit());
        let name = self
            .cursor
            .take_while(|next| if is_number { next.is_ascii_digit() } else { continues_name(next) });
        if names_name {
            self.diagnostics.push(
                Diagnostic::error("esql::name-parameter", "a name cannot be a parameter here")
                    .at(self.cursor.span_from(start))
                    .label("a parameter for a name")
                    .help("write the name itself"),
            );
        }
        TokenKind::Parameter(name.to_owned())
    }

    fn number(&mut self) -> TokenKind {
        let number = take_number(&mut self.cursor);
        let whole = || {
            let long = number.text.parse().map(Literal::Integer);
            long.or_else(|_| number.text.parse().map(Literal::UnsignedLong)).ok()
        };
        let literal = if number.is_whole { whole() } else { None };
        TokenKind::Number(literal.unwrap_or_else(|| Literal::Double(number.double(&ESQL, self.diagnostics))))
    }

    /// `"…"` or `"""…"""`.
    fn text(&mut self) -> TokenKind {
        TokenKind::Text(take_text(&mut self.cursor, &ESQL, self.diagnostics, |_, _| None))
    }

    fn single_quoted(&mut self) -> TokenKind {
        let start = self.cursor.position();
        self.cursor.advance(1);
        let text = self.cursor.take_while(|next| next != '\'' && !is_line_break(next));
        self.cursor.take('\'');
        self.diagnostics.push(
            Diagnostic::error("esql::single-quote", "texts stand in double quotes")
                .at(self.cursor.span_from(start))
                .label("not ES|QL's quotes")
                .help("write `\"…\"`"),
        );
        TokenKind::Text(text.to_owned())
    }

    fn foreign_operator(&mut self, length: usize, help: &'static str, meaning: TokenKind) -> TokenKind {
        take_foreign_operator(&mut self.cursor, length, &ESQL, help, self.diagnostics);
        meaning
    }
}
