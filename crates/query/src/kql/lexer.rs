//! KQL text to tokens.
//!
//! Words and white space follow Kibana (elastic/kibana, packages/kbn-es-query grammar.peggy): `and` and `or` are
//! operators only with white space on both sides, `not` only with white space after it, and an unquoted literal runs
//! on through inner spaces until a special character or an operator.

use super::ast::{Literal, Pattern, RangeOp};
use crate::code_units::{CodeUnits, four_hex_digits, lone_half};
use crate::cursor::Cursor;
use crate::{Diagnostic, Span};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// An unquoted literal; always a bare pattern, `true` and `null` are told apart by [`unquoted_literal`].
    Text(Pattern),
    Quoted(String),
    LeftParenthesis,
    RightParenthesis,
    LeftBrace,
    RightBrace,
    Colon,
    Comparison(RangeOp),
    And,
    Or,
    Not,
}

pub(super) type Token = crate::tokens::Token<TokenKind>;

pub(super) const AND: &str = "and";
pub(super) const OR: &str = "or";
pub(super) const NOT: &str = "not";

/// White space of the grammar; other Unicode white space is ordinary text.
pub(super) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n' | '\u{A0}')
}

pub(super) fn is_special(character: char) -> bool {
    matches!(character, '\\' | '(' | ')' | ':' | '<' | '>' | '"' | '*' | '{' | '}')
}

/// White space that Kibana trims from unquoted literals (JavaScript's `trim`), escaped or not.
pub(super) fn is_trimmed(character: char) -> bool {
    (character.is_whitespace() && character != '\u{85}') || character == '\u{FEFF}'
}

/// True when `text` begins with the word, in any case.
pub(super) fn begins_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// The `and` or `or` that `text` begins with, when white space follows it.
pub(super) fn leading_operator(text: &str) -> Option<&'static str> {
    [AND, OR].into_iter().find(|word| begins_with(text, word) && text[word.len()..].starts_with(is_space))
}

/// The literal that an unquoted text stands for.
pub(super) fn unquoted_literal(pattern: Pattern) -> Literal {
    match pattern.as_literal() {
        None => Literal::Wildcard(pattern),
        Some("true") => Literal::Bool(true),
        Some("false") => Literal::Bool(false),
        Some("null") => Literal::Null,
        Some(text) => Literal::Unquoted(text.to_owned()),
    }
}

/// All tokens of the text; faults go to `diagnostics`.
pub(super) fn tokenise(source: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut lexer = Lexer { cursor: Cursor::new(source), diagnostics };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token(tokens.last()) {
        tokens.push(token);
    }
    tokens
}

/// Splits an unquoted literal at its last inner white space, so that the second half can be read as a field.
pub(super) fn split_at_last_space(source: &str, span: Span) -> Option<(Token, Token)> {
    let text = &source[span.start..span.end];
    let space = text.rfind(is_space)?;
    let tail = text[space..].find(|character| !is_space(character))? + space;
    let head = text[..space].trim_end_matches(is_space).len();
    let part = |start: usize, end: usize| {
        let mut known = Vec::new();
        let mut cursor = Cursor::new(&source[..span.start + end]);
        cursor.go_to(span.start + start);
        let mut lexer = Lexer { cursor, diagnostics: &mut known };
        lexer.text()
    };
    Some((part(0, head), part(tail, text.len())))
}

struct Lexer<'a> {
    cursor: Cursor<'a>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Lexer<'_> {
    /// `previous` decides whether `or` at this place can be an operator: only after an operand.
    fn next_token(&mut self, previous: Option<&Token>) -> Option<Token> {
        self.cursor.take_while(is_space);
        let start = self.cursor.position();
        let kind = match self.cursor.peek()? {
            '(' => self.symbol(1, TokenKind::LeftParenthesis),
            ')' => self.symbol(1, TokenKind::RightParenthesis),
            '{' => self.symbol(1, TokenKind::LeftBrace),
            '}' => self.symbol(1, TokenKind::RightBrace),
            ':' => self.symbol(1, TokenKind::Colon),
            '<' if self.cursor.rest().starts_with("<=") => {
                self.symbol(2, TokenKind::Comparison(RangeOp::Lte))
            }
            '>' if self.cursor.rest().starts_with(">=") => {
                self.symbol(2, TokenKind::Comparison(RangeOp::Gte))
            }
            '<' => self.symbol(1, TokenKind::Comparison(RangeOp::Lt)),
            '>' => self.symbol(1, TokenKind::Comparison(RangeOp::Gt)),
            '"' => self.quoted(),
            _ => match self.operator(previous) {
                Some(kind) => kind,
                None => return Some(self.text()),
            },
        };
        Some(Token { kind, span: self.cursor.span_from(start) })
    }

    fn symbol(&mut self, length: usize, kind: TokenKind) -> TokenKind {
        self.cursor.advance(length);
        kind
    }

    fn operator(&mut self, previous: Option<&Token>) -> Option<TokenKind> {
        use TokenKind::{And, Not, Or, Quoted, RightBrace, RightParenthesis, Text};
        let after_operand = previous
            .is_some_and(|token| matches!(token.kind, Text(_) | Quoted(_) | RightParenthesis | RightBrace));
        let words: &[(&str, TokenKind)] =
            if after_operand { &[(AND, And), (OR, Or), (NOT, Not)] } else { &[(NOT, Not)] };
        let (word, kind) = words.iter().find(|(word, kind)| {
            begins_with(self.cursor.rest(), word)
                && match self.cursor.rest()[word.len()..].chars().next() {
                    Some(next) => is_space(next) || opens_operand(next) || (*kind != Not && closes(next)),
                    None => *kind != Not,
                }
        })?;
        let span = Span::new(self.cursor.position(), self.cursor.position() + word.len());
        let touches_before = *kind != Not && !self.cursor.before().ends_with(is_space);
        self.cursor.advance(word.len());
        if touches_before || self.cursor.peek().is_some_and(opens_operand) {
            self.diagnostics.push(
                Diagnostic::error(
                    "kql::operator-needs-space",
                    format!("`{word}` needs white space around it"),
                )
                .at(span)
                .label("touches its neighbour")
                .help("put a space between the operator and what stands beside it"),
            );
        }
        Some(kind.clone())
    }

    fn quoted(&mut self) -> TokenKind {
        let start = self.cursor.position();
        self.cursor.advance(1);
        let mut text = CodeUnits::default();
        let mut control = None;
        let mut has_plain_backslash = false;
        loop {
            let Some(character) = self.cursor.peek() else {
                self.diagnostics.push(
                    Diagnostic::error("kql::unclosed-quote", "this quotation mark is never closed")
                        .at(Span::new(start, start + 1))
                        .label("opened here")
                        .help("add the closing `\"`; inside quotes a quotation mark is written `\\\"`, and a backslash before the closing one `\\\\`"),
                );
                break;
            };
            let at = self.cursor.position();
            self.cursor.advance(character.len_utf8());
            match character {
                '"' => break,
                '\\' => match self.cursor.peek() {
                    Some(next @ ('"' | '\\')) => {
                        self.cursor.advance(1);
                        text.push(next);
                    }
                    Some(next @ ('t' | 'r' | 'n')) => {
                        self.cursor.advance(1);
                        text.push(control_character(next));
                        control = control.or(Some(Span::new(at, self.cursor.position())));
                    }
                    Some('u') => match four_hex_digits(&self.cursor.rest()[1..]) {
                        Some(unit) => {
                            self.cursor.advance(5);
                            text.push_unit(unit);
                        }
                        None => {
                            has_plain_backslash = true;
                            text.push('\\');
                        }
                    },
                    _ => {
                        has_plain_backslash = true;
                        text.push('\\');
                    }
                },
                _ => text.push(character),
            }
        }
        let (text, has_lone_half) = text.finish();
        self.check_halves(has_lone_half, self.cursor.span_from(start));
        if let Some(span) = control.filter(|_| has_plain_backslash) {
            self.diagnostics.push(
                Diagnostic::warning(
                    "kql::control-escape",
                    "this escape is a control character, in a text with plain backslashes",
                )
                .at(span)
                .label("tab, carriage return or line feed")
                .help("in a path write every backslash twice: `\\\\`"),
            );
        }
        TokenKind::Quoted(text)
    }

    /// An unquoted literal from here on; there is at least one character of it.
    fn text(&mut self) -> Token {
        let start = self.cursor.position();
        let mut end = start;
        let mut parts = vec![CodeUnits::default()];
        let last = |parts: &mut Vec<CodeUnits>, character| {
            if let Some(part) = parts.last_mut() {
                part.push(character);
            }
        };
        while let Some(character) = self.cursor.peek() {
            if is_space(character) {
                let run = self.cursor.rest().len() - self.cursor.rest().trim_start_matches(is_space).len();
                let after = &self.cursor.rest()[run..];
                if stops_at_operator(after) {
                    break;
                }
                self.cursor.rest()[..run].chars().for_each(|space| last(&mut parts, space));
                self.cursor.advance(run);
                continue;
            }
            match character {
                '*' => {
                    parts.push(CodeUnits::default());
                    self.cursor.advance(1);
                }
                '\\' => {
                    if let Some(part) = parts.last_mut() {
                        self.escape(part);
                    }
                }
                _ if is_special(character) => break,
                _ => {
                    if self.cursor.position() > start {
                        self.check_not_inside();
                    }
                    last(&mut parts, character);
                    self.cursor.advance(character.len_utf8());
                }
            }
            end = self.cursor.position();
        }
        let span = Span::new(start, end);
        let mut has_lone_half = false;
        let mut parts: Vec<String> = parts
            .into_iter()
            .map(|part| {
                let (text, lone) = part.finish();
                has_lone_half |= lone;
                text
            })
            .collect();
        self.check_halves(has_lone_half, span);
        if let Some(first) = parts.first_mut() {
            *first = first.trim_start_matches(is_trimmed).to_owned();
        }
        if let Some(last) = parts.last_mut() {
            *last = last.trim_end_matches(is_trimmed).to_owned();
        }
        Token { kind: TokenKind::Text(Pattern { parts }), span }
    }

    fn escape(&mut self, part: &mut CodeUnits) {
        let start = self.cursor.position();
        self.cursor.advance(1);
        let rest = self.cursor.rest();
        let next = rest.chars().next();
        // Kibana's grammar reads the `\n` of `\not` as a line feed; its own printer writes `\not` for the word.
        let keyword = [NOT, AND, OR].into_iter().find(|word| {
            begins_with(rest, word)
                && (*word != NOT
                    || !rest.starts_with('n')
                    || rest[word.len()..]
                        .chars()
                        .next()
                        .is_none_or(|after| is_space(after) || is_special(after)))
        });
        let unit = rest.strip_prefix('u').and_then(four_hex_digits);
        if let Some(word) = keyword {
            rest[..word.len()].chars().for_each(|character| part.push(character));
            self.cursor.advance(word.len());
        } else if let Some(next @ ('t' | 'r' | 'n')) = next {
            part.push(control_character(next));
            self.cursor.advance(1);
        } else if let Some(next) = next.filter(|next| is_special(*next)) {
            part.push(next);
            self.cursor.advance(1);
        } else if let Some(unit) = unit {
            part.push_unit(unit);
            self.cursor.advance(5);
        } else {
            part.push('\\');
            self.diagnostics.push(
                Diagnostic::error("kql::bad-escape", "this backslash escapes nothing")
                    .at(self.cursor.span_from(start))
                    .label("not an escape")
                    .help("write `\\\\` for a backslash, or put the value in quotes"),
            );
        }
    }

    /// `cannot open`: Kibana reads the `not ` inside the word as the operator and gives up.
    fn check_not_inside(&mut self) {
        let rest = self.cursor.rest();
        let before = self.cursor.before().chars().next_back();
        if begins_with(rest, NOT) && rest[NOT.len()..].starts_with(is_space) && !before.is_some_and(is_space)
        {
            let span = Span::new(self.cursor.position(), self.cursor.position() + NOT.len());
            self.diagnostics.push(
                Diagnostic::error(
                    "kql::not-inside-word",
                    "an unquoted word before a space cannot end in `not`",
                )
                .at(span)
                .label("read as the operator `not`")
                .help("put the value in quotes"),
            );
        }
    }

    fn check_halves(&mut self, has_lone_half: bool, span: Span) {
        if has_lone_half {
            self.diagnostics.push(lone_half("kql::lone-surrogate", span));
        }
    }
}

fn stops_at_operator(text: &str) -> bool {
    let binary = [AND, OR].into_iter().any(|word| {
        begins_with(text, word)
            && text[word.len()..].starts_with(|next| is_space(next) || opens_operand(next))
    });
    binary
        || (begins_with(text, NOT)
            && text[NOT.len()..].starts_with(|next| is_space(next) || opens_operand(next)))
}

fn opens_operand(character: char) -> bool {
    matches!(character, '(' | '"' | '{')
}

fn closes(character: char) -> bool {
    matches!(character, ')' | '}')
}

fn control_character(letter: char) -> char {
    match letter {
        't' => '\t',
        'r' => '\r',
        _ => '\n',
    }
}
