//! ES|QL text to tokens.
//!
//! What a character means depends on the command it stands in, so the lexer knows each command's [`Mode`].
//! Follows Elasticsearch's lexer (elastic/elasticsearch, x-pack/plugin/esql, EsqlBaseLexer.g4 and lexer/*.g4).

use super::ast::{CompareOp, Literal, NamePart};
use super::token::{
    Keyword, Token, TokenKind, append, begins_name, continues_name, continues_source, is_space, reserved,
    reserved_in_expressions,
};
use crate::{Diagnostic, Span};

/// All tokens of the text; faults go to `diagnostics`.
pub(super) fn tokenise(source: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut lexer = Lexer {
        source,
        position: 0,
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
    source: &'a str,
    position: usize,
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

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next_token(&mut self) -> Option<Token> {
        loop {
            self.skip_space_and_comments();
            let start = self.position;
            let first = self.peek()?;
            let kind = match self.mode {
                Mode::Command if first.is_ascii_alphabetic() => Some(self.command()),
                Mode::Raw => self.raw(),
                Mode::Source if continues_source(first) => Some(self.source_piece()),
                Mode::Pattern if begins_name(first) || matches!(first, '*' | '`') => self.pattern(),
                _ => self.token(first),
            };
            if let Some(kind) = kind {
                // What is not read any further may end in space.
                return Some(Token { kind, span: Span::new(start, self.position) });
            }
        }
    }

    fn skip_space_and_comments(&mut self) {
        loop {
            self.position = self.source.len() - self.rest().trim_start_matches(is_space).len();
            if self.rest().starts_with("//") {
                self.position += self.rest().find(['\r', '\n']).unwrap_or(self.rest().len());
            } else if self.rest().starts_with("/*") {
                self.comment();
            } else {
                return;
            }
        }
    }

    /// `/* … */`, which may hold others. When an inner one is never closed, its opening is text like any other, and
    /// the comment reaches to the last `*/` there is.
    fn comment(&mut self) {
        let start = self.position;
        let text = self.rest();
        let mut at = 0;
        let mut open = 0_usize;
        while let Some(next) = text[at..].find(['/', '*']).map(|next| at + next) {
            at = next + 1;
            if text[next..].starts_with("/*") {
                open += 1;
                at += 1;
            } else if text[next..].starts_with("*/") {
                open -= 1;
                at += 1;
                if open == 0 {
                    self.position += at;
                    return;
                }
            }
        }
        if let Some(last) = text[2..].rfind("*/") {
            self.position += 2 + last + 2;
            return;
        }
        self.position = self.source.len();
        self.diagnostics.push(
            Diagnostic::error("esql::unclosed-comment", "this comment is never closed")
                .at(Span::new(start, start + 2))
                .label("opened here")
                .help("add the closing `*/`"),
        );
    }

    fn command(&mut self) -> TokenKind {
        let rest = self.rest();
        let length = rest.find(|next| !continues_name(next)).unwrap_or(rest.len());
        let word = &rest[..length];
        self.position += length;
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
        let mut end = self.position;
        loop {
            let before = self.position;
            self.skip_space_and_comments();
            if self.position > before {
                text.push(' ');
            }
            let start = self.position;
            match self.peek() {
                None | Some('|') => break,
                Some(')') if open == 0 && !self.open.is_empty() => break,
                Some('(') => {
                    open += 1;
                    self.position += 1;
                }
                Some(')') => {
                    open = open.saturating_sub(1);
                    self.position += 1;
                }
                Some('"') => {
                    self.text();
                }
                Some(other) => self.position += other.len_utf8(),
            }
            text.push_str(&self.source[start..self.position]);
            end = self.position;
        }
        self.mode = Mode::Expression;
        self.position = end;
        let text = text.trim_matches(is_space);
        (!text.is_empty()).then(|| TokenKind::Raw(text.to_owned()))
    }

    fn source_piece(&mut self) -> TokenKind {
        let rest = self.rest();
        let is_comment = |at: usize| rest[at..].starts_with("//") || rest[at..].starts_with("/*");
        let length = rest
            .char_indices()
            .find(|(at, next)| !continues_source(*next) || is_comment(*at))
            .map_or(rest.len(), |(at, _)| at);
        self.position += length;
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
        let start = self.position;
        while let Some(next) = self.peek() {
            match next {
                '*' => {
                    self.position += 1;
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
                    let rest = self.rest();
                    let length = 1 + rest[1..].find(|next| !continues_name(next)).unwrap_or(rest.len() - 1);
                    append(&mut parts, &rest[..length]);
                    self.position += length;
                }
                _ => break,
            }
        }
        let text = &self.source[start..self.position];
        if is_bare
            && !self.source[..start].ends_with('.')
            && let Some(keyword) = reserved(text).filter(|keyword| self.pattern_words.contains(keyword))
        {
            return Some(TokenKind::Keyword(keyword));
        }
        (!parts.is_empty()).then_some(TokenKind::Pattern(parts))
    }

    /// The token from here on; `None` when what stands here is none, and has been reported.
    fn token(&mut self, first: char) -> Option<TokenKind> {
        use TokenKind as T;
        let rest = self.rest();
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
                self.unknown_characters();
                return None;
            }
        };
        self.position += length;
        Some(kind)
    }

    fn open_parenthesis(&mut self) -> TokenKind {
        let inside = self.rest()[1..].trim_start_matches(is_space);
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
        let rest = self.rest();
        let length = rest[1..].find(|next| !continues_name(next)).map_or(rest.len(), |end| end + 1);
        self.position += length;
        let word = &rest[..length];
        reserved_in_expressions(word).map_or_else(|| TokenKind::Name(word.to_owned()), TokenKind::Keyword)
    }

    fn quoted_name(&mut self) -> Option<TokenKind> {
        let start = self.position;
        let mut name = String::new();
        self.position += 1;
        loop {
            let Some((part, _)) = self.rest().split_once('`') else {
                name.push_str(self.rest());
                self.position = self.source.len();
                self.unclosed(
                    Span::new(start, start + 1),
                    "add the closing backquote; inside, a backquote is written twice",
                );
                break;
            };
            name.push_str(part);
            self.position += part.len() + 1;
            if self.peek() != Some('`') {
                break;
            }
            name.push('`');
            self.position += 1;
        }
        if name.is_empty() {
            self.diagnostics.push(
                Diagnostic::error("esql::empty-name", "there is no name between these backquotes")
                    .at(Span::new(start, self.position))
                    .label("empty")
                    .help("write the name of a column"),
            );
            return None;
        }
        Some(TokenKind::QuotedName(name))
    }

    fn parameter(&mut self) -> TokenKind {
        let start = self.position;
        self.position += 1;
        if self.peek() == Some('?') {
            self.position += 1;
        }
        let opening = self.position;
        let rest = self.rest();
        let is_number = rest.starts_with(|first: char| first.is_ascii_digit());
        self.position += rest
            .find(|next: char| if is_number { !next.is_ascii_digit() } else { !continues_name(next) })
            .unwrap_or(rest.len());
        if opening > start + 1 {
            self.diagnostics.push(
                Diagnostic::error("esql::name-parameter", "a name cannot be a parameter here")
                    .at(Span::new(start, self.position))
                    .label("a parameter for a name")
                    .help("write the name itself"),
            );
        }
        TokenKind::Parameter(self.source[opening..self.position].to_owned())
    }

    fn number(&mut self) -> TokenKind {
        let start = self.position;
        self.digits();
        let mut is_whole = true;
        if self.peek() == Some('.') {
            is_whole = false;
            self.position += 1;
            self.digits();
        }
        if let Some(exponent) = self.rest().strip_prefix(['e', 'E']) {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.starts_with(|first: char| first.is_ascii_digit()) {
                is_whole = false;
                self.position = self.source.len() - digits.len();
                self.digits();
            }
        }
        let text = &self.source[start..self.position];
        if is_whole && let Ok(value) = text.parse() {
            return TokenKind::Number(Literal::Integer(value));
        }
        if is_whole && let Ok(value) = text.parse() {
            return TokenKind::Number(Literal::UnsignedLong(value));
        }
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
        if value.is_none() {
            self.diagnostics.push(
                Diagnostic::error("esql::number-too-large", "this number is too large")
                    .at(Span::new(start, self.position))
                    .label("more than a double can hold")
                    .help("write a number below 1.8e308"),
            );
        }
        TokenKind::Number(Literal::Double(value.unwrap_or_default()))
    }

    fn digits(&mut self) {
        let rest = self.rest();
        self.position += rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
    }

    /// `"…"` or `"""…"""`.
    fn text(&mut self) -> TokenKind {
        if let Some(inside) = self.rest().strip_prefix("\"\"\"") {
            return self.raw_text(inside);
        }
        let start = self.position;
        let mut text = String::new();
        self.position += 1;
        loop {
            let Some(character) = self.peek().filter(|next| !matches!(next, '\r' | '\n')) else {
                self.unclosed(Span::new(start, start + 1), "add the closing `\"` on the same line; inside, a quotation mark is written `\\\"`, a backslash `\\\\`, a line break `\\n`");
                break;
            };
            self.position += character.len_utf8();
            match character {
                '"' => break,
                '\\' => self.escape(&mut text),
                _ => text.push(character),
            }
        }
        TokenKind::Text(text)
    }

    /// `"""…"""` on one line, without escapes; the text may end in one or two quotation marks of its own.
    fn raw_text(&mut self, inside: &'a str) -> TokenKind {
        let start = self.position;
        let Some(mut end) = inside.find("\"\"\"") else {
            self.unclosed(Span::new(start, start + 3), "add the closing `\"\"\"`");
            let line = &inside[..inside.find(['\r', '\n']).unwrap_or(inside.len())];
            self.position += 3 + line.len();
            return TokenKind::Text(line.to_owned());
        };
        end += inside[end + 3..].bytes().take(2).take_while(|byte| *byte == b'"').count();
        self.position += 3 + end + 3;
        let text = &inside[..end];
        if text.contains(['\r', '\n']) {
            self.diagnostics.push(
                Diagnostic::error("esql::raw-text-lines", "a raw text stays on one line")
                    .at(Span::new(start, self.position))
                    .label("holds a line break")
                    .help("write `\"…\"` with `\\n` for a line break"),
            );
        }
        TokenKind::Text(text.to_owned())
    }

    /// After the backslash.
    fn escape(&mut self, text: &mut String) {
        let plain = match self.peek() {
            Some('t') => '\t',
            Some('n') => '\n',
            Some('r') => '\r',
            Some(quoted @ ('"' | '\\')) => quoted,
            _ => {
                text.push('\\');
                self.diagnostics.push(
                    Diagnostic::error("esql::bad-escape", "this backslash starts no escape")
                        .at(Span::new(self.position - 1, self.position))
                        .label("not an escape")
                        .help("write `\\\\` for a backslash, or put the text in `\"\"\"…\"\"\"`, which has no escapes"),
                );
                return;
            }
        };
        text.push(plain);
        self.position += 1;
    }

    fn single_quoted(&mut self) -> TokenKind {
        let start = self.position;
        let inside = &self.rest()[1..];
        let length = inside.find(['\'', '\r', '\n']).unwrap_or(inside.len());
        self.position += 1 + length;
        if self.peek() == Some('\'') {
            self.position += 1;
        }
        self.diagnostics.push(
            Diagnostic::error("esql::single-quote", "texts stand in double quotes")
                .at(Span::new(start, self.position))
                .label("not ES|QL's quotes")
                .help("write `\"…\"`"),
        );
        TokenKind::Text(inside[..length].to_owned())
    }

    fn foreign_operator(&mut self, length: usize, help: &'static str, meaning: TokenKind) -> TokenKind {
        let span = Span::new(self.position, self.position + length);
        self.position += length;
        let sign = &self.source[span.start..span.end];
        self.diagnostics.push(
            Diagnostic::error("esql::unknown-operator", format!("ES|QL has no operator `{sign}`"))
                .at(span)
                .label("unknown operator")
                .help(help),
        );
        meaning
    }

    /// Characters that no token begins with.
    fn unknown_characters(&mut self) {
        let start = self.position;
        let known = |next: char| {
            next.is_ascii_alphanumeric() || is_space(next) || "\"'`?=!<>:+-*/%.,;()[]{}|_@".contains(next)
        };
        let rest = self.rest();
        let first = self.peek().map_or(0, char::len_utf8);
        self.position += rest[first..].find(known).map_or(rest.len(), |end| end + first);
        self.diagnostics.push(
            Diagnostic::error("esql::unknown-character", "this means nothing in ES|QL")
                .at(Span::new(start, self.position))
                .label("not part of the language")
                .help("take it out; a text stands in double quotes, a column name with such characters in backquotes"),
        );
    }

    fn unclosed(&mut self, span: Span, help: &'static str) {
        self.diagnostics.push(
            Diagnostic::error("esql::unclosed-quote", "this quotation mark is never closed")
                .at(span)
                .label("opened here")
                .help(help),
        );
    }
}
