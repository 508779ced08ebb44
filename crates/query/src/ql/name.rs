//! Names of EQL and ES|QL: bare, in backquotes, and with dots.

use std::fmt::{Formatter, Result, Write};

use super::Language;
use super::text::unclosed;
use crate::Diagnostic;
use crate::cursor::Cursor;

pub(crate) fn begins_name(character: char) -> bool {
    character.is_ascii_alphabetic() || matches!(character, '_' | '@')
}

pub(crate) fn continues_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// True when the text is one bare word; it may be reserved.
pub(crate) fn has_name_shape(text: &str) -> bool {
    text.starts_with(begins_name) && text.chars().skip(1).all(continues_name)
}

/// Takes a bare word, whose first character is known to begin a name.
pub(crate) fn take_word<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    let start = cursor.position();
    cursor.advance(1);
    cursor.take_while(continues_name);
    cursor.text_from(start)
}

/// Takes a name in backquotes, at the first of them; `None` when there is nothing between them.
pub(crate) fn take_backquoted(
    cursor: &mut Cursor<'_>,
    language: &Language,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<String> {
    let start = cursor.position();
    let mut name = String::new();
    cursor.advance(1);
    loop {
        name.push_str(cursor.take_while(|next| next != '`'));
        if !cursor.take('`') {
            diagnostics.push(unclosed(
                language,
                start,
                1,
                "add the closing backquote; inside, a backquote is written twice",
            ));
            break;
        }
        if !cursor.take('`') {
            break;
        }
        name.push('`');
    }
    if name.is_empty() {
        diagnostics.push(
            Diagnostic::error(language.empty_name, "there is no name between these backquotes")
                .at(cursor.span_from(start))
                .label("empty")
                .help(format!("write the name of a {}", language.named)),
        );
        return None;
    }
    Some(name)
}

/// The name in backquotes.
pub(crate) fn backquoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Writes a name with each of its parts in backquotes where it must be. `is_plain` tells whether a part needs none,
/// and is told whether a dot stands before it.
pub(crate) fn write_dotted(
    f: &mut Formatter<'_>,
    name: &str,
    is_plain: impl Fn(&str, bool) -> bool,
) -> Result {
    if name.split('.').any(str::is_empty) {
        return f.write_str(&backquoted(name));
    }
    for (index, part) in name.split('.').enumerate() {
        if index > 0 {
            f.write_char('.')?;
        }
        if is_plain(part, index > 0) { f.write_str(part)? } else { f.write_str(&backquoted(part))? }
    }
    Ok(())
}
