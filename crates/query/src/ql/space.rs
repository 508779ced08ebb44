//! What EQL and ES|QL allow between two tokens: white space, and comments, which nest.

use super::Language;
use crate::cursor::Cursor;
use crate::{Diagnostic, Span};

pub(crate) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

pub(crate) fn is_line_break(character: char) -> bool {
    matches!(character, '\r' | '\n')
}

/// Goes to the next token or the end.
pub(crate) fn skip_space_and_comments(
    cursor: &mut Cursor<'_>,
    language: &Language,
    diagnostics: &mut Vec<Diagnostic>,
) {
    loop {
        cursor.take_while(is_space);
        if cursor.rest().starts_with("//") {
            cursor.take_while(|next| !is_line_break(next));
        } else if cursor.rest().starts_with("/*") {
            comment(cursor, language, diagnostics);
        } else {
            return;
        }
    }
}

/// `/* … */`, which may hold others. When an inner one is never closed, its opening is text like any other, and the
/// comment reaches to the last `*/` there is, as in Elasticsearch.
fn comment(cursor: &mut Cursor<'_>, language: &Language, diagnostics: &mut Vec<Diagnostic>) {
    let start = cursor.position();
    let text = cursor.rest();
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
                cursor.advance(at);
                return;
            }
        } else {
            at = next + 1;
        }
    }
    match (text[2..].rfind("*/"), inner) {
        (Some(last), Some(inner)) => {
            cursor.advance(2 + last + 2);
            if let Some(code) = language.nested_comment {
                diagnostics.push(
                    Diagnostic::warning(code, "a second comment starts inside this one and is never closed")
                        .at(Span::new(start + inner, start + inner + 2))
                        .label("starts a comment in the comment")
                        .help("comments nest: this one reaches to the last `*/` of the query; write it with `//`, or put a space between `/` and `*`"),
                );
            }
        }
        _ => {
            cursor.take_rest();
            diagnostics.push(
                Diagnostic::error(language.unclosed_comment, "this comment is never closed")
                    .at(Span::new(start, start + 2))
                    .label("opened here")
                    .help("add the closing `*/`"),
            );
        }
    }
}
