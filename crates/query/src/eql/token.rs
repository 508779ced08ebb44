//! The tokens of EQL: what there are, and which words are reserved.

use super::ast::{CompareOp, Literal, MatchOp};
use crate::ql::name::has_name_shape;

pub(super) type Token = crate::tokens::Token<TokenKind>;

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
    has_name_shape(text) && reserved(text).is_none() && !is_constant
}
