//! The tokens of ES|QL: what there are, which words are reserved, and what needs no quotes.

use super::ast::{CompareOp, LikeOp, Literal, NamePart};
use crate::ql::name::{begins_name, continues_name, has_name_shape};
use crate::ql::space::is_space;

pub(super) type Token = crate::tokens::Token<TokenKind>;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// The first word of a command, as written.
    Command(String),
    /// Everything after the first word of a command that is not read any further; trimmed, without comments.
    Raw(String),
    /// A piece of an index pattern or of a policy's name.
    Source(String),
    /// One part of a name that may hold wildcards.
    Pattern(Vec<NamePart>),
    /// A bare word that is not reserved.
    Name(String),
    /// A word in backquotes.
    QuotedName(String),
    Keyword(Keyword),
    /// A number; never negative.
    Number(Literal),
    Text(String),
    /// `?`, `?name`, `?1`; without the `?`.
    Parameter(String),
    /// `=`
    Assign,
    Compare(CompareOp),
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Dot,
    Comma,
    Colon,
    /// `::`
    Cast,
    Semicolon,
    LeftParenthesis,
    RightParenthesis,
    /// `(` before commands.
    OpenPipeline,
    /// `)` after commands.
    ClosePipeline,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    Pipe,
}

/// A reserved word; case does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    As,
    Asc,
    By,
    Desc,
    False,
    First,
    In,
    Is,
    Last,
    Like(LikeOp),
    Not,
    Null,
    Nulls,
    On,
    Or,
    True,
    Where,
    With,
}

/// What a reserved word stands for; `None` for any other word.
pub(super) fn reserved(word: &str) -> Option<Keyword> {
    const WORDS: &[(&str, Keyword)] = &[
        ("and", Keyword::And),
        ("as", Keyword::As),
        ("asc", Keyword::Asc),
        ("by", Keyword::By),
        ("desc", Keyword::Desc),
        ("false", Keyword::False),
        ("first", Keyword::First),
        ("in", Keyword::In),
        ("is", Keyword::Is),
        ("last", Keyword::Last),
        ("like", Keyword::Like(LikeOp::Like)),
        ("not", Keyword::Not),
        ("null", Keyword::Null),
        ("nulls", Keyword::Nulls),
        ("on", Keyword::On),
        ("or", Keyword::Or),
        ("rlike", Keyword::Like(LikeOp::Rlike)),
        ("true", Keyword::True),
        ("where", Keyword::Where),
        ("with", Keyword::With),
    ];
    WORDS.iter().find(|(reserved, _)| reserved.eq_ignore_ascii_case(word)).map(|(_, keyword)| *keyword)
}

/// The same in expressions, where `source.as.number` needs no backquotes.
pub(super) fn reserved_in_expressions(word: &str) -> Option<Keyword> {
    reserved(word).filter(|keyword| *keyword != Keyword::As)
}

/// True when the text can stand for itself as a name, without backquotes. `as` can do so after a dot only.
pub(super) fn is_plain_name(text: &str, is_after_dot: bool) -> bool {
    let reserved = if is_after_dot { reserved_in_expressions(text) } else { reserved(text) };
    has_name_shape(text) && !is_name_start_alone(text) && reserved.is_none()
}

/// True when the text, in which `*` may stand, is one unquoted part of a name.
pub(super) fn is_plain_pattern(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    (begins_name(first) || first == '*')
        && text.chars().skip(1).all(|next| continues_name(next) || next == '*')
        && !is_name_start_alone(text)
        && reserved(text).is_none()
}

/// `_` and `@` begin a name, and are none.
fn is_name_start_alone(text: &str) -> bool {
    matches!(text, "_" | "@")
}

/// True when the text is one piece of an index pattern, without quotes.
pub(super) fn is_plain_source(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(continues_source)
        && !text.contains("//")
        && !text.contains("/*")
        && !text.ends_with('/')
        && !["metadata", "on", "with", "join"].iter().any(|word| word.eq_ignore_ascii_case(text))
}

pub(super) fn continues_source(character: char) -> bool {
    !is_space(character) && !":\"=|,[]()".contains(character)
}

/// Adds text at the end, as one piece with text that stands there.
pub(super) fn append(parts: &mut Vec<NamePart>, text: &str) {
    match parts.last_mut() {
        Some(NamePart::Text(before)) => before.push_str(text),
        _ => parts.push(NamePart::Text(text.to_owned())),
    }
}
