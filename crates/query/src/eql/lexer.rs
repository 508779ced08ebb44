//! EQL text to tokens.
//!
//! Follows Elasticsearch's lexer (elastic/elasticsearch, x-pack/plugin/eql, EqlBase.g4). Forms that only other
//! dialects of EQL have become the token they stand for, and a fault.

use super::ast::{CompareOp, Literal, MatchOp};
use crate::{Diagnostic, Span};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A bare word that is not reserved.
    Name(String),
    /// A word in backquotes.
    QuotedName(String),
    /// A bare word and the `~` after it; without the `~`.
    TildeName(String),
    Keyword(Keyword),
    /// A number; never negative.
    Number(Literal),
    Text(String),
    Compare(CompareOp),
    Match(MatchOp),
    /// `=`
    Assign,
    /// `?` before a field.
    Optional,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Dot,
    Comma,
    LeftParenthesis,
    RightParenthesis,
    LeftBracket,
    /// `![`
    MissingBracket,
    RightBracket,
    Pipe,
}

/// A reserved word; reserved in lower case only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Any,
    By,
    False,
    In,
    InFold,
    Join,
    Maxspan,
    Not,
    Null,
    Of,
    Or,
    Sample,
    Sequence,
    True,
    Until,
    Where,
    With,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

/// What a reserved word stands for; `None` for any other word.
pub(super) fn reserved(word: &str) -> Option<TokenKind> {
    use Keyword as K;
    Some(TokenKind::Keyword(match word {
        "and" => K::And,
        "any" => K::Any,
        "by" => K::By,
        "false" => K::False,
        "in" => K::In,
        "in~" => K::InFold,
        "join" => K::Join,
        "maxspan" => K::Maxspan,
        "not" => K::Not,
        "null" => K::Null,
        "of" => K::Of,
        "or" => K::Or,
        "sample" => K::Sample,
        "sequence" => K::Sequence,
        "true" => K::True,
        "until" => K::Until,
        "where" => K::Where,
        "with" => K::With,
        "like" => return Some(TokenKind::Match(MatchOp::Like)),
        "like~" => return Some(TokenKind::Match(MatchOp::LikeFold)),
        "regex" => return Some(TokenKind::Match(MatchOp::Regex)),
        "regex~" => return Some(TokenKind::Match(MatchOp::RegexFold)),
        _ => return None,
    }))
}

/// True when the text can stand for itself as a name, without quotes of any kind. `TRUE` cannot: it is taken for a
/// mistaken `true`.
pub(super) fn is_plain_name(text: &str) -> bool {
    let is_constant = ["true", "false", "null"].iter().any(|word| word.eq_ignore_ascii_case(text));
    text.starts_with(begins_name)
        && text.chars().skip(1).all(continues_name)
        && reserved(text).is_none()
        && !is_constant
}

fn begins_name(character: char) -> bool {
    character.is_ascii_alphabetic() || matches!(character, '_' | '@')
}

fn continues_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// All tokens of the text; faults go to `diagnostics`.
pub(super) fn tokenise(source: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut lexer = Lexer { source, position: 0, diagnostics };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token() {
        tokens.push(token);
    }
    tokens
}

struct Lexer<'a> {
    source: &'a str,
    position: usize,
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
            if let Some(kind) = self.token(first) {
                return Some(Token { kind, span: Span::new(start, self.position) });
            }
        }
    }

    fn skip_space_and_comments(&mut self) {
        loop {
            self.position = self.source.len() - self.rest().trim_start_matches(is_space).len();
            if self.rest().starts_with("//") {
                let line = self.rest().find(['\r', '\n']).unwrap_or(self.rest().len());
                self.position += line;
            } else if self.rest().starts_with("/*") {
                self.comment();
            } else {
                return;
            }
        }
    }

    /// `/* … */`, which may hold others. When an inner one is never closed, its opening is text like any other, and
    /// the comment reaches to the last `*/` there is, as in Elasticsearch.
    fn comment(&mut self) {
        let start = self.position;
        let text = self.rest();
        let mut at = 0;
        let mut open = 0_usize;
        let mut inner = None;
        while let Some(next) = text[at..].find(['/', '*']).map(|next| at + next) {
            if text[next..].starts_with("/*") {
                inner = inner.or((next > 0).then_some(next));
                open += 1;
                at = next + 2;
            } else if text[next..].starts_with("*/") {
                open -= 1;
                at = next + 2;
                if open == 0 {
                    self.position += at;
                    return;
                }
            } else {
                at = next + 1;
            }
        }
        match (text[2..].rfind("*/"), inner) {
            (Some(last), Some(inner)) => {
                self.position += 2 + last + 2;
                self.diagnostics.push(
                    Diagnostic::warning("eql::nested-comment", "a second comment starts inside this one and is never closed")
                        .at(Span::new(start + inner, start + inner + 2))
                        .label("starts a comment in the comment")
                        .help("comments nest: this one reaches to the last `*/` of the query; write it with `//`, or put a space between `/` and `*`"),
                );
            }
            _ => {
                self.position = self.source.len();
                self.diagnostics.push(
                    Diagnostic::error("eql::unclosed-comment", "this comment is never closed")
                        .at(Span::new(start, start + 2))
                        .label("opened here")
                        .help("add the closing `*/`"),
                );
            }
        }
    }

    /// The token from here on; `None` when what stands here is none, and has been reported.
    fn token(&mut self, first: char) -> Option<TokenKind> {
        use TokenKind as T;
        let rest = self.rest();
        let next = rest[first.len_utf8()..].chars().next();
        let (length, kind) = match first {
            '"' if rest.starts_with("\"\"\"") => return Some(self.raw_text()),
            '"' => return Some(self.text()),
            '\'' => return Some(self.foreign_text(1)),
            '?' if matches!(next, Some('"' | '\'')) => return Some(self.foreign_text(2)),
            '`' => return self.quoted_name(),
            _ if begins_name(first) => return Some(self.word()),
            '0'..='9' => return Some(self.number()),
            '.' if next.is_some_and(|next| next.is_ascii_digit()) => return Some(self.number()),
            '=' if next == Some('=') => (2, T::Compare(CompareOp::Eq)),
            '=' if next == Some('~') => {
                return self.foreign_operator(2, "write `field like~ \"text\"`", None);
            }
            '=' => (1, T::Assign),
            '!' if next == Some('=') => (2, T::Compare(CompareOp::Ne)),
            '!' if next == Some('[') => (2, T::MissingBracket),
            '!' if next == Some(':') => {
                return self.foreign_operator(
                    2,
                    "write `not field : value`",
                    Some(T::Compare(CompareOp::Ne)),
                );
            }
            '!' => return self.foreign_operator(1, "write `not`", Some(T::Keyword(Keyword::Not))),
            '&' if next == Some('&') => {
                return self.foreign_operator(2, "write `and`", Some(T::Keyword(Keyword::And)));
            }
            '|' if next == Some('|') => {
                return self.foreign_operator(2, "write `or`", Some(T::Keyword(Keyword::Or)));
            }
            '<' if next == Some('>') => {
                return self.foreign_operator(2, "write `!=`", Some(T::Compare(CompareOp::Ne)));
            }
            '<' if next == Some('=') => (2, T::Compare(CompareOp::Lte)),
            '>' if next == Some('=') => (2, T::Compare(CompareOp::Gte)),
            '<' => (1, T::Compare(CompareOp::Lt)),
            '>' => (1, T::Compare(CompareOp::Gt)),
            ':' => (1, T::Match(MatchOp::Colon)),
            '?' => (1, T::Optional),
            '+' => (1, T::Plus),
            '-' => (1, T::Minus),
            '*' => (1, T::Star),
            '/' => (1, T::Slash),
            '%' => (1, T::Percent),
            '.' => (1, T::Dot),
            ',' => (1, T::Comma),
            '(' => (1, T::LeftParenthesis),
            ')' => (1, T::RightParenthesis),
            '[' => (1, T::LeftBracket),
            ']' => (1, T::RightBracket),
            '|' => (1, T::Pipe),
            _ => {
                self.unknown_characters();
                return None;
            }
        };
        self.position += length;
        Some(kind)
    }

    fn word(&mut self) -> TokenKind {
        let rest = self.rest();
        let length = rest[1..].find(|next| !continues_name(next)).map_or(rest.len(), |end| end + 1);
        let (word, after) = rest.split_at(length);
        if after.starts_with('~') && word.starts_with(|first: char| first.is_ascii_alphabetic()) {
            self.position += length + 1;
            return reserved(&rest[..=length]).unwrap_or_else(|| TokenKind::TildeName(word.to_owned()));
        }
        self.position += length;
        reserved(word).unwrap_or_else(|| TokenKind::Name(word.to_owned()))
    }

    fn quoted_name(&mut self) -> Option<TokenKind> {
        let start = self.position;
        let mut name = String::new();
        self.position += 1;
        loop {
            let (part, closed) = match self.rest().split_once('`') {
                Some((part, _)) => (part, true),
                None => (self.rest(), false),
            };
            name.push_str(part);
            self.position += part.len() + usize::from(closed);
            if closed && self.peek() == Some('`') {
                name.push('`');
                self.position += 1;
            } else {
                if !closed {
                    self.unclosed(
                        Span::new(start, start + 1),
                        "add the closing backquote; inside, a backquote is written twice",
                    );
                }
                break;
            }
        }
        if name.is_empty() {
            self.diagnostics.push(
                Diagnostic::error("eql::empty-name", "there is no name between these backquotes")
                    .at(Span::new(start, self.position))
                    .label("empty")
                    .help("write the name of a field"),
            );
            return None;
        }
        Some(TokenKind::QuotedName(name))
    }

    fn number(&mut self) -> TokenKind {
        let start = self.position;
        self.digits();
        let mut is_whole = self.position > start;
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
        let span = Span::new(start, self.position);
        let text = &self.source[start..self.position];
        if let Some(value) = text.parse().ok().filter(|_| is_whole) {
            return TokenKind::Number(Literal::Int(value));
        }
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
        if value.is_none() {
            self.diagnostics.push(
                Diagnostic::error("eql::number-too-large", "this number is too large")
                    .at(span)
                    .label("more than a double can hold")
                    .help("write a number below 1.8e308"),
            );
        }
        TokenKind::Number(Literal::Float(value.unwrap_or_default()))
    }

    fn digits(&mut self) {
        let rest = self.rest();
        self.position += rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
    }

    /// `"""…"""` on one line, without escapes; the text may end in one or two quotation marks of its own.
    fn raw_text(&mut self) -> TokenKind {
        let start = self.position;
        let text = &self.rest()[3..];
        let Some(mut end) = text.find("\"\"\"") else {
            self.unclosed(Span::new(start, start + 3), "add the closing `\"\"\"`");
            let line = &text[..text.find(['\r', '\n']).unwrap_or(text.len())];
            self.position += 3 + line.len();
            return TokenKind::Text(line.to_owned());
        };
        end += text[end + 3..].bytes().take(2).take_while(|byte| *byte == b'"').count();
        self.position += 3 + end + 3;
        let text = &text[..end];
        if text.contains(['\r', '\n']) {
            self.diagnostics.push(
                Diagnostic::error("eql::raw-text-lines", "a raw text stays on one line")
                    .at(Span::new(start, self.position))
                    .label("holds a line break")
                    .help("write `\"…\"` with `\\n` for a line break"),
            );
        }
        TokenKind::Text(text.to_owned())
    }

    /// `"…"` on one line, with escapes.
    fn text(&mut self) -> TokenKind {
        let start = self.position;
        let mut text = String::new();
        self.position += 1;
        loop {
            let Some(character) = self.peek().filter(|next| !matches!(next, '\r' | '\n')) else {
                self.unclosed(Span::new(start, start + 1), "add the closing `\"` on the same line; inside, a quotation mark is written `\\\"`, a backslash `\\\\`, a line break `\\n`");
                break;
            };
            match character {
                '"' => {
                    self.position += 1;
                    break;
                }
                '\\' => self.escape(&mut text),
                _ => {
                    text.push(character);
                    self.position += character.len_utf8();
                }
            }
        }
        TokenKind::Text(text)
    }

    fn escape(&mut self, text: &mut String) {
        let start = self.position;
        let rest = &self.rest()[1..];
        let plain = match rest.chars().next() {
            Some('b') => '\u{8}',
            Some('t') => '\t',
            Some('n') => '\n',
            Some('f') => '\u{C}',
            Some('r') => '\r',
            Some(quoted @ ('"' | '\'' | '\\')) => quoted,
            Some('u') if rest[1..].starts_with('{') => {
                let digits = &rest[2..];
                let length = digits.find(|next: char| !next.is_ascii_hexdigit()).unwrap_or(digits.len());
                let closed = digits[length..].starts_with('}');
                let code = u32::from_str_radix(&digits[..length.min(8)], 16).ok();
                self.position += 3 + length + usize::from(closed);
                match code.and_then(char::from_u32).filter(|_| closed && (2..=8).contains(&length)) {
                    Some(character) => text.push(character),
                    None => {
                        text.push(char::REPLACEMENT_CHARACTER);
                        self.bad_escape(
                            Span::new(start, self.position),
                            "names no character",
                            "write the character itself, or its code in two to eight hexadecimal digits: `\\u{00e9}`",
                        );
                    }
                }
                return;
            }
            _ => {
                text.push('\\');
                self.position += 1;
                self.bad_escape(
                    Span::new(start, self.position),
                    "not an escape",
                    "write `\\\\` for a backslash, or put the text in `\"\"\"…\"\"\"`, which has no escapes",
                );
                return;
            }
        };
        text.push(plain);
        self.position += 2;
    }

    /// `'…'`, `?"…"` and `?'…'`, which older dialects have.
    fn foreign_text(&mut self, opening: usize) -> TokenKind {
        let start = self.position;
        let quote = self.rest()[opening - 1..].chars().next().unwrap_or('"');
        let is_raw = opening == 2;
        let mut text = String::new();
        self.position += opening;
        let mut closed = false;
        while let Some(character) = self.peek().filter(|next| !matches!(next, '\r' | '\n')) {
            self.position += character.len_utf8();
            if character == quote {
                closed = true;
                break;
            }
            text.push(character);
            if character == '\\'
                && let Some(next) = self.peek().filter(|next| *next == quote || (!is_raw && *next == '\\'))
            {
                text.pop();
                text.push(next);
                self.position += 1;
            }
        }
        let span = Span::new(start, if closed { self.position } else { start + opening });
        let (code, message, help) = if is_raw {
            (
                "eql::raw-quote",
                "`?` before a quotation mark is an older dialect's raw text",
                "write `\"\"\"…\"\"\"`",
            )
        } else {
            ("eql::single-quote", "texts stand in double quotes", "write `\"…\"`")
        };
        self.diagnostics.push(Diagnostic::error(code, message).at(span).label("not EQL's quotes").help(help));
        TokenKind::Text(text)
    }

    fn foreign_operator(
        &mut self,
        length: usize,
        help: &'static str,
        meaning: Option<TokenKind>,
    ) -> Option<TokenKind> {
        let span = Span::new(self.position, self.position + length);
        self.position += length;
        let sign = &self.source[span.start..span.end];
        self.diagnostics.push(
            Diagnostic::error("eql::unknown-operator", format!("EQL has no operator `{sign}`"))
                .at(span)
                .label("unknown operator")
                .help(help),
        );
        Some(meaning.unwrap_or(TokenKind::Match(MatchOp::LikeFold)))
    }

    /// Characters that no token begins with.
    fn unknown_characters(&mut self) {
        let start = self.position;
        let known = |next: char| {
            next.is_ascii_alphanumeric() || is_space(next) || "\"'`?=!<>:+-*/%.,()[]|_@".contains(next)
        };
        let rest = self.rest();
        let first = self.peek().map_or(0, char::len_utf8);
        let length = rest[first..].find(known).map_or(rest.len(), |end| end + first);
        self.position += length;
        self.diagnostics.push(
            Diagnostic::error("eql::unknown-character", "this means nothing in EQL")
                .at(Span::new(start, self.position))
                .label("not part of the language")
                .help("take it out; a text stands in double quotes, a field name with such characters in backquotes"),
        );
    }

    fn unclosed(&mut self, span: Span, help: &'static str) {
        self.diagnostics.push(
            Diagnostic::error("eql::unclosed-quote", "this quotation mark is never closed")
                .at(span)
                .label("opened here")
                .help(help),
        );
    }

    fn bad_escape(&mut self, span: Span, label: &'static str, help: &'static str) {
        self.diagnostics.push(
            Diagnostic::error("eql::bad-escape", "this backslash starts no escape")
                .at(span)
                .label(label)
                .help(help),
        );
    }
}
