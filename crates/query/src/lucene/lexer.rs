//! A Lucene query string to tokens.
//!
//! Follows the token definitions of Lucene's classic parser (apache/lucene, queryparser/classic/QueryParser.jj).

use super::ast::WildcardPart;
use crate::code_units::{CodeUnits, four_hex_digits, lone_half};
use crate::cursor::Cursor;
use crate::{Diagnostic, Span};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// Never without a part. A word without wildcards has exactly one part.
    Word(Vec<WildcardPart>),
    Quoted(String),
    Regex(String),
    Range(RangeToken),
    And,
    Or,
    Not,
    Plus,
    Minus,
    LeftParenthesis,
    RightParenthesis,
    Colon,
    /// `^n`; `None` when there is no usable number.
    Boost(Option<f64>),
    /// `~` and what touches it.
    Tilde(String),
    /// A closing bracket or brace that nothing opened.
    Stray,
}

pub(super) type Token = crate::tokens::Token<TokenKind>;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct RangeToken {
    pub(super) lower_inclusive: bool,
    pub(super) items: Vec<RangeItem>,
    /// Whether the upper end is inclusive; `None` when the range is never closed.
    pub(super) close: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct RangeItem {
    pub(super) text: String,
    pub(super) is_quoted: bool,
    pub(super) span: Span,
}

/// A range has three items; a few more are read in the hope of its end.
const MOST_RANGE_ITEMS: usize = 8;

pub(super) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{3000}')
}

/// Characters that end a word wherever they stand; `+` and `-` only keep it from starting.
pub(super) fn ends_word(character: char) -> bool {
    is_space(character)
        || matches!(character, '!' | '(' | ')' | ':' | '^' | '[' | ']' | '"' | '{' | '}' | '~' | '/')
}

/// All tokens of the text; faults go to `diagnostics`.
pub(super) fn tokenise(source: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut lexer = Lexer { cursor: Cursor::new(source), diagnostics };
    std::iter::from_fn(|| lexer.next_token()).collect()
}

struct Lexer<'a> {
    cursor: Cursor<'a>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Lexer<'_> {
    fn next_token(&mut self) -> Option<Token> {
        self.cursor.take_while(is_space);
        let start = self.cursor.position();
        let kind = match self.cursor.peek()? {
            '(' => self.symbol(TokenKind::LeftParenthesis),
            ')' => self.symbol(TokenKind::RightParenthesis),
            ':' => self.symbol(TokenKind::Colon),
            ']' | '}' => self.symbol(TokenKind::Stray),
            '+' => self.sign(TokenKind::Plus),
            '-' => self.sign(TokenKind::Minus),
            '!' => self.sign(TokenKind::Not),
            '"' => self.quoted(),
            '/' => self.regex(),
            '[' => self.range(true),
            '{' => self.range(false),
            '^' => self.boost(),
            '~' => {
                self.cursor.advance(1);
                let length =
                    self.cursor.rest().find(|next| ends_word(next) || matches!(next, '*' | '?' | '\\'));
                let text = &self.cursor.rest()[..length.unwrap_or(self.cursor.rest().len())];
                self.cursor.advance(text.len());
                TokenKind::Tilde(text.to_owned())
            }
            _ => self.word(),
        };
        Some(Token { kind, span: self.cursor.span_from(start) })
    }

    fn symbol(&mut self, kind: TokenKind) -> TokenKind {
        self.cursor.advance(1);
        kind
    }

    /// `+`, `-` and `!` belong to what touches them; before white space Lucene searches for the sign itself.
    fn sign(&mut self, kind: TokenKind) -> TokenKind {
        let span = Span::new(self.cursor.position(), self.cursor.position() + 1);
        self.cursor.advance(1);
        if self.cursor.peek().is_some_and(is_space) {
            self.diagnostics.push(
                Diagnostic::error("lucene::detached-sign", "white space after this sign makes it plain text")
                    .at(span)
                    .label("not an operator here")
                    .help(
                        "put it directly before the clause, or write a backslash before it to search for it",
                    ),
            );
        }
        kind
    }

    fn word(&mut self) -> TokenKind {
        let start = self.cursor.position();
        let mut parts = Vec::new();
        let mut text = CodeUnits::default();
        let mut is_pending = false;
        let mut has_lone_half = false;
        while let Some(character) = self.cursor.peek().filter(|character| !ends_word(*character)) {
            let wildcard = match character {
                '*' => Some(WildcardPart::Any),
                '?' => Some(WildcardPart::One),
                _ => None,
            };
            match wildcard {
                Some(wildcard) => {
                    if std::mem::take(&mut is_pending) {
                        let (literal, lone) = std::mem::take(&mut text).finish();
                        has_lone_half |= lone;
                        parts.push(WildcardPart::Text(literal));
                    }
                    parts.push(wildcard);
                    self.cursor.advance(1);
                }
                None => {
                    is_pending = true;
                    self.character(character, &mut text);
                }
            }
        }
        let (literal, lone) = text.finish();
        if is_pending {
            parts.push(WildcardPart::Text(literal));
        }
        let span = self.cursor.span_from(start);
        self.check_halves(has_lone_half || lone, span);
        match self.cursor.text_from(start) {
            "AND" | "&&" => TokenKind::And,
            "OR" | "||" => TokenKind::Or,
            "NOT" => TokenKind::Not,
            _ => TokenKind::Word(parts),
        }
    }

    /// Takes one character, or the one that an escape stands for.
    fn character(&mut self, character: char, text: &mut CodeUnits) {
        let start = self.cursor.position();
        self.cursor.advance(character.len_utf8());
        if character != '\\' {
            text.push(character);
            return;
        }
        let Some(next) = self.cursor.peek() else {
            self.diagnostics.push(
                Diagnostic::error(
                    "lucene::trailing-backslash",
                    "there is nothing after this backslash to escape",
                )
                .at(self.cursor.span_from(start))
                .label("escapes nothing")
                .help("write `\\\\` for a backslash"),
            );
            text.push('\\');
            return;
        };
        if next != 'u' {
            self.cursor.advance(next.len_utf8());
            text.push(next);
            return;
        }
        self.cursor.advance(1);
        match four_hex_digits(self.cursor.rest()) {
            Some(unit) => {
                self.cursor.advance(4);
                text.push_unit(unit);
            }
            None => {
                self.diagnostics.push(
                    Diagnostic::error(
                        "lucene::bad-unicode-escape",
                        "`\\u` needs four hexadecimal digits after it",
                    )
                    .at(self.cursor.span_from(start))
                    .label("not followed by four digits")
                    .help("write `\\\\u` for a backslash and the letter"),
                );
                text.push('u');
            }
        }
    }

    fn quoted(&mut self) -> TokenKind {
        let start = self.cursor.position();
        self.cursor.advance(1);
        TokenKind::Quoted(self.until_quote(start))
    }

    /// The text up to the closing quotation mark, which is taken too.
    fn until_quote(&mut self, start: usize) -> String {
        let mut text = CodeUnits::default();
        loop {
            match self.cursor.peek() {
                Some('"') => {
                    self.cursor.advance(1);
                    break;
                }
                Some(character) => self.character(character, &mut text),
                None => {
                    self.diagnostics.push(
                        Diagnostic::error("lucene::unclosed-quote", "this quotation mark is never closed")
                            .at(Span::new(start, start + 1))
                            .label("opened here")
                            .help("add the closing `\"`; inside quotes a quotation mark is written `\\\"`"),
                    );
                    break;
                }
            }
        }
        let (text, has_lone_half) = text.finish();
        self.check_halves(has_lone_half, self.cursor.span_from(start));
        text
    }

    /// Escapes stay: they belong to the regular expression.
    fn regex(&mut self) -> TokenKind {
        let start = self.cursor.position();
        let before = self.cursor.before();
        let body = &self.cursor.rest()[1..];
        let mut characters = body.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => drop(characters.next()),
                '/' => {
                    self.cursor.advance(1 + at + 1);
                    self.check_beside_regex(start, before);
                    return TokenKind::Regex(body[..at].to_owned());
                }
                _ => {}
            }
        }
        self.diagnostics.push(
            Diagnostic::error(
                "lucene::unclosed-regex",
                "this slash starts a regular expression that never ends",
            )
            .at(Span::new(start, start + 1))
            .label("opened here")
            .help("add the closing `/`; for a plain slash write `\\/` or quote the value"),
        );
        let length = body.find(ends_word).unwrap_or(body.len());
        self.cursor.advance(1 + length);
        TokenKind::Regex(body[..length].to_owned())
    }

    /// `/usr/bin` is the expression `usr` and the word `bin`.
    fn check_beside_regex(&mut self, start: usize, before: &str) {
        let touches_next = self.cursor.peek().is_some_and(|next| !ends_word(next) || next == '/');
        let touches_last =
            before.chars().next_back().is_some_and(|last| !ends_word(last) && !matches!(last, '+' | '-'));
        if touches_next || touches_last {
            self.diagnostics.push(
                Diagnostic::warning(
                    "lucene::slash-in-word",
                    "the text between these slashes is a regular expression",
                )
                .at(self.cursor.span_from(start))
                .label("not part of the word beside it")
                .help("for plain slashes write `\\/` or quote the value"),
            );
        }
    }

    fn range(&mut self, lower_inclusive: bool) -> TokenKind {
        self.cursor.advance(1);
        let mut items: Vec<RangeItem> = Vec::new();
        let mut faults_of_three = self.diagnostics.len();
        let close = loop {
            if items.len() <= 3 {
                faults_of_three = self.diagnostics.len();
            }
            self.cursor.take_while(is_space);
            let start = self.cursor.position();
            match self.cursor.peek() {
                Some(end @ (']' | '}')) => {
                    self.cursor.advance(1);
                    break Some(end == ']');
                }
                None => break None,
                Some(_) if items.len() == MOST_RANGE_ITEMS => break None,
                Some('"') => {
                    self.cursor.advance(1);
                    let text = self.until_quote(start);
                    items.push(RangeItem { text, is_quoted: true, span: self.cursor.span_from(start) });
                }
                Some(_) => {
                    let mut text = CodeUnits::default();
                    while let Some(character) =
                        self.cursor.peek().filter(|next| !is_space(*next) && !matches!(next, ']' | '}'))
                    {
                        // An escape does not protect the end of a bound.
                        let is_escape_of_end = character == '\\'
                            && self.cursor.rest()[1..]
                                .starts_with(|next| is_space(next) || matches!(next, ']' | '}'));
                        if is_escape_of_end {
                            self.cursor.advance(1);
                            text.push('\\');
                        } else {
                            self.character(character, &mut text);
                        }
                    }
                    let (text, has_lone_half) = text.finish();
                    let span = self.cursor.span_from(start);
                    self.check_halves(has_lone_half, span);
                    items.push(RangeItem { text, is_quoted: false, span });
                }
            }
        };
        if close.is_none() {
            // What comes after them is read again, as something else.
            items.truncate(3);
            self.diagnostics.truncate(faults_of_three);
            if let Some(last) = items.last() {
                self.cursor.go_to(last.span.end);
            }
        }
        TokenKind::Range(RangeToken { lower_inclusive, items, close })
    }

    fn boost(&mut self) -> TokenKind {
        let start = self.cursor.position();
        self.cursor.advance(1);
        let digits = |text: &str| text.find(|next: char| !next.is_ascii_digit()).unwrap_or(text.len());
        let whole = digits(self.cursor.rest());
        let mut length = whole;
        if let Some(fraction) =
            self.cursor.rest()[whole..].strip_prefix('.').map(digits).filter(|fraction| *fraction > 0)
        {
            length += 1 + fraction;
        }
        let number =
            self.cursor.rest()[..length].parse().ok().filter(|number: &f64| whole > 0 && number.is_finite());
        self.cursor.advance(length);
        if number.is_none() {
            self.diagnostics.push(
                Diagnostic::error("lucene::bad-boost", "`^` needs a number directly after it")
                    .at(self.cursor.span_from(start))
                    .label("no usable number")
                    .help("write `^2` or `^0.5`; for a plain `^` write `\\^`"),
            );
        }
        TokenKind::Boost(number)
    }

    fn check_halves(&mut self, has_lone_half: bool, span: Span) {
        if has_lone_half {
            self.diagnostics.push(lone_half("lucene::lone-surrogate", span));
        }
    }
}
