//! Numbers of EQL and ES|QL: `1`, `1.5`, `.5`, `1.`, `1e-3`.

use super::Language;
use crate::Diagnostic;
use crate::cursor::Cursor;

/// A number as written, without a sign.
pub(crate) struct Number<'a> {
    pub(crate) text: &'a str,
    /// True when it has digits only.
    pub(crate) is_whole: bool,
    start: usize,
}

/// Takes a number, at its first digit or its dot.
pub(crate) fn take_number<'a>(cursor: &mut Cursor<'a>) -> Number<'a> {
    let is_digit = |next: char| next.is_ascii_digit();
    let start = cursor.position();
    cursor.take_while(is_digit);
    let mut is_whole = true;
    if cursor.take('.') {
        is_whole = false;
        cursor.take_while(is_digit);
    }
    let rest = cursor.rest();
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.starts_with(is_digit) {
            is_whole = false;
            cursor.advance(rest.len() - digits.len());
            cursor.take_while(is_digit);
        }
    }
    Number { text: cursor.text_from(start), is_whole, start }
}

impl Number<'_> {
    /// The nearest double; 0, with a fault, when none is near.
    pub(crate) fn double(&self, language: &Language, diagnostics: &mut Vec<Diagnostic>) -> f64 {
        let value = self.text.parse::<f64>().ok().filter(|value| value.is_finite());
        if value.is_none() {
            diagnostics.push(
                Diagnostic::error(language.number_too_large, "this number is too large")
                    .at(crate::Span::new(self.start, self.start + self.text.len()))
                    .label("more than a double can hold")
                    .help("write a number below 1.8e308"),
            );
        }
        value.unwrap_or_default()
    }
}
