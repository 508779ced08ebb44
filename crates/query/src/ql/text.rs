//! Texts of EQL and ES|QL: `"…"` with escapes and `"""…"""` without, each on one line.

use std::fmt::{Formatter, Result, Write};

use super::Language;
use super::space::is_line_break;
use crate::cursor::Cursor;
use crate::{Diagnostic, Span};

const RAW_QUOTE: &str = "\"\"\"";

/// Takes a text of either form, at its first quotation mark.
///
/// `own_escape` takes the escapes that only this language has, after their backslash; `None` when there is none.
pub(crate) fn take_text(
    cursor: &mut Cursor<'_>,
    language: &Language,
    diagnostics: &mut Vec<Diagnostic>,
    own_escape: impl Fn(&mut Cursor<'_>, &mut Vec<Diagnostic>) -> Option<char>,
) -> String {
    if cursor.rest().starts_with(RAW_QUOTE) {
        return take_raw_text(cursor, language, diagnostics);
    }
    let start = cursor.position();
    let mut text = String::new();
    cursor.advance(1);
    loop {
        let Some(character) = cursor.peek().filter(|next| !is_line_break(*next)) else {
            diagnostics.push(unclosed(language, start, 1, "add the closing `\"` on the same line; inside, a quotation mark is written `\\\"`, a backslash `\\\\`, a line break `\\n`"));
            break;
        };
        let place = cursor.position();
        cursor.advance(character.len_utf8());
        match character {
            '"' => break,
            '\\' => match take_shared_escape(cursor).or_else(|| own_escape(cursor, diagnostics)) {
                Some(escaped) => text.push(escaped),
                None => {
                    text.push('\\');
                    diagnostics.push(bad_escape(
                        language,
                        cursor.span_from(place),
                        "not an escape",
                        "write `\\\\` for a backslash, or put the text in `\"\"\"…\"\"\"`, which has no escapes",
                    ));
                }
            },
            _ => text.push(character),
        }
    }
    text
}

fn take_shared_escape(cursor: &mut Cursor<'_>) -> Option<char> {
    let escaped = match cursor.peek()? {
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        quoted @ ('"' | '\\') => quoted,
        _ => return None,
    };
    cursor.advance(1);
    Some(escaped)
}

/// The text may end in one or two quotation marks of its own.
fn take_raw_text(cursor: &mut Cursor<'_>, language: &Language, diagnostics: &mut Vec<Diagnostic>) -> String {
    let start = cursor.position();
    cursor.advance(RAW_QUOTE.len());
    let inside = cursor.rest();
    let Some(mut end) = inside.find(RAW_QUOTE) else {
        diagnostics.push(unclosed(language, start, RAW_QUOTE.len(), "add the closing `\"\"\"`"));
        return cursor.take_while(|next| !is_line_break(next)).to_owned();
    };
    end += inside[end + RAW_QUOTE.len()..].bytes().take(2).take_while(|byte| *byte == b'"').count();
    cursor.advance(end + RAW_QUOTE.len());
    let text = &inside[..end];
    if text.contains(is_line_break) {
        diagnostics.push(
            Diagnostic::error(language.raw_text_lines, "a raw text stays on one line")
                .at(cursor.span_from(start))
                .label("holds a line break")
                .help("write `\"…\"` with `\\n` for a line break"),
        );
    }
    text.to_owned()
}

/// That the quotation mark at `start`, so many bytes long, is never closed.
pub(crate) fn unclosed(language: &Language, start: usize, length: usize, help: &'static str) -> Diagnostic {
    Diagnostic::error(language.unclosed_quote, "this quotation mark is never closed")
        .at(Span::new(start, start + length))
        .label("opened here")
        .help(help)
}

/// That a backslash stands before something that is no escape.
pub(crate) fn bad_escape(
    language: &Language,
    place: Span,
    label: &'static str,
    help: &'static str,
) -> Diagnostic {
    Diagnostic::error(language.bad_escape, "this backslash starts no escape")
        .at(place)
        .label(label)
        .help(help)
}

/// Writes `"…"`; `write_other` writes the characters that need no escape in either language.
pub(crate) fn write_text(
    f: &mut Formatter<'_>,
    text: &str,
    write_other: impl Fn(&mut Formatter<'_>, char) -> Result,
) -> Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            _ => write_other(f, character)?,
        }
    }
    f.write_char('"')
}
