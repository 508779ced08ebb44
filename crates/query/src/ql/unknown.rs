//! What EQL and ES|QL do not have: operators of other languages, and characters that no token begins with.

use super::Language;
use super::space::is_space;
use crate::Diagnostic;
use crate::cursor::Cursor;

/// Takes an operator of another language, `length` bytes long.
pub(crate) fn take_foreign_operator(
    cursor: &mut Cursor<'_>,
    length: usize,
    language: &Language,
    help: &'static str,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let start = cursor.position();
    cursor.advance(length);
    let sign = cursor.text_from(start);
    diagnostics.push(
        Diagnostic::error(language.unknown_operator, format!("{} has no operator `{sign}`", language.name))
            .at(cursor.span_from(start))
            .label("unknown operator")
            .help(help),
    );
}

/// Takes the next character, which no token begins with, and all after it that are like it. `signs`: what tokens
/// begin with besides letters and digits.
pub(crate) fn take_unknown_characters(
    cursor: &mut Cursor<'_>,
    signs: &str,
    language: &Language,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let start = cursor.position();
    cursor.advance(cursor.peek().map_or(0, char::len_utf8));
    cursor.take_while(|next| !next.is_ascii_alphanumeric() && !is_space(next) && !signs.contains(next));
    diagnostics.push(
        Diagnostic::error(language.unknown_character, format!("this means nothing in {}", language.name))
            .at(cursor.span_from(start))
            .label("not part of the language")
            .help(format!(
                "take it out; a text stands in double quotes, a {} name with such characters in backquotes",
                language.named
            )),
    );
}
