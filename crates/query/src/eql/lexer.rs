//! EQL text to tokens.
//!
//! Follows Elasticsearch's lexer (elastic/elasticsearch, x-pack/plugin/eql, EqlBase.g4). Forms that only other
//! dialects of EQL have become the token they stand for, and a fault.

use super::ast::{CompareOp, Literal, MatchOp};
use super::token::{Keyword, Token, TokenKind, reserved};
use crate::cursor::Cursor;
use crate::ql::Language;
use crate::ql::name::{begins_name, take_backquoted, take_word};
use crate::ql::number::take_number;
use crate::ql::space::{is_line_break, skip_space_and_comments};
use crate::ql::text::{bad_escape, take_text};
use crate::ql::unknown::{take_foreign_operator, take_unknown_characters};
use crate::{Diagnostic, Span};

const EQL: Language = Language {
    name: "EQL",
    named: "field",
    bad_escape: "eql::bad-escape",
    empty_name: "eql::empty-name",
    nested_comment: Some("eql::nested-comment"),
    number_too_large: "eql::number-too-large",
    raw_text_lines: "eql::raw-text-lines",
    unclosed_comment: "eql::unclosed-comment",
    unclosed_quote: "eql::unclosed-quote",
    unknown_character: "eql::unknown-character",
    unknown_operator: "eql::unknown-operator",
};

/// What tokens begin with besides letters and digits.
const SIGNS: &str = "\"'`?=!<>:+-*/%.,()[]|_@";

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
        loop {
            skip_space_and_comments(&mut self.cursor, &EQL, self.diagnostics);
            let start = self.cursor.position();
            let first = self.cursor.peek()?;
            if let Some(kind) = self.token(first) {
                return Some(Token { kind, span: self.cursor.span_from(start) });
            }
        }
    }

    /// The token from here on; `None` when what stands here is none, and has been reported.
    fn token(&mut self, first: char) -> Option<TokenKind> {
        use TokenKind as T;
        let rest = self.cursor.rest();
        let next = rest[first.len_utf8()..].chars().next();
        let (length, kind) = match first {
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
                take_unknown_characters(&mut self.cursor, SIGNS, &EQL, self.diagnostics);
                return None;
            }
        };
        self.cursor.advance(length);
        Some(kind)
    }

    fn word(&mut self) -> TokenKind {
        let start = self.cursor.position();
        let word = take_word(&mut self.cursor);
        if word.starts_with(|first: char| first.is_ascii_alphabetic()) && self.cursor.take('~') {
            return reserved(self.cursor.text_from(start))
                .unwrap_or_else(|| TokenKind::TildeName(word.to_owned()));
        }
        reserved(word).unwrap_or_else(|| TokenKind::Name(word.to_owned()))
    }

    fn quoted_name(&mut self) -> Option<TokenKind> {
        take_backquoted(&mut self.cursor, &EQL, self.diagnostics).map(TokenKind::QuotedName)
    }

    fn number(&mut self) -> TokenKind {
        let number = take_number(&mut self.cursor);
        let whole = number.text.parse().ok().filter(|_| number.is_whole);
        TokenKind::Number(match whole {
            Some(value) => Literal::Int(value),
            None => Literal::Float(number.double(&EQL, self.diagnostics)),
        })
    }

    fn text(&mut self) -> TokenKind {
        TokenKind::Text(take_text(&mut self.cursor, &EQL, self.diagnostics, take_own_escape))
    }

    /// `'…'`, `?"…"` and `?'…'`, which older dialects have.
    fn foreign_text(&mut self, opening: usize) -> TokenKind {
        let start = self.cursor.position();
        let quote = self.cursor.rest()[opening - 1..].chars().next().unwrap_or('"');
        let is_raw = opening == 2;
        let mut text = String::new();
        self.cursor.advance(opening);
        let mut closed = false;
        while let Some(character) = self.cursor.peek().filter(|next| !is_line_break(*next)) {
            self.cursor.advance(character.len_utf8());
            if character == quote {
                closed = true;
                break;
            }
            text.push(character);
            if character == '\\'
                && let Some(next) =
                    self.cursor.peek().filter(|next| *next == quote || (!is_raw && *next == '\\'))
            {
                text.pop();
                text.push(next);
                self.cursor.advance(1);
            }
        }
        let span = Span::new(start, if closed { self.cursor.position() } else { start + opening });
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
        take_foreign_operator(&mut self.cursor, length, &EQL, help, self.diagnostics);
        Some(meaning.unwrap_or(TokenKind::Match(MatchOp::LikeFold)))
    }
}

/// The escapes that ES|QL does not have: `\b`, `\f`, `\'` and `\u{…}`; after the backslash.
fn take_own_escape(cursor: &mut Cursor<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<char> {
    let escaped = match cursor.peek()? {
        'b' => '\u{8}',
        'f' => '\u{C}',
        '\'' => '\'',
        'u' if cursor.rest().starts_with("u{") => return Some(take_code_point(cursor, diagnostics)),
        _ => return None,
    };
    cursor.advance(1);
    Some(escaped)
}

/// `u{…}`, after the backslash; a replacement character, with a fault, when it names none.
fn take_code_point(cursor: &mut Cursor<'_>, diagnostics: &mut Vec<Diagnostic>) -> char {
    let backslash = cursor.position() - 1;
    cursor.advance("u{".len());
    let digits = cursor.take_while(|next| next.is_ascii_hexdigit());
    let is_usable = cursor.take('}') && (2..=8).contains(&digits.len());
    let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_usable);
    code.and_then(char::from_u32).unwrap_or_else(|| {
        diagnostics.push(bad_escape(
            &EQL,
            cursor.span_from(backslash),
            "names no character",
            "write the character itself, or its code in two to eight hexadecimal digits: `\\u{00e9}`",
        ));
        char::REPLACEMENT_CHARACTER
    })
}
