//! Text built from characters and `\uXXXX` escapes, which name UTF-16 code units.

use crate::{Diagnostic, Span};

/// A text under construction. Two escapes that form a surrogate pair become one character; half a pair, which is
/// no character at all, becomes U+FFFD and is remembered.
#[derive(Debug, Default)]
pub(crate) struct CodeUnits {
    text: String,
    high: Option<u16>,
    has_lone_half: bool,
}

impl CodeUnits {
    pub(crate) fn push(&mut self, character: char) {
        self.settle();
        self.text.push(character);
    }

    pub(crate) fn push_unit(&mut self, unit: u16) {
        match (self.high.take(), unit) {
            (None, 0xD800..=0xDBFF) => self.high = Some(unit),
            (Some(high), 0xDC00..=0xDFFF) => {
                self.text.extend(
                    char::decode_utf16([high, unit]).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)),
                );
            }
            (pending, _) => {
                self.high = pending;
                self.settle();
                match char::from_u32(u32::from(unit)) {
                    Some(character) => self.text.push(character),
                    None if (0xD800..=0xDBFF).contains(&unit) => self.high = Some(unit),
                    None => self.push_lone_half(),
                }
            }
        }
    }

    /// The text, and whether half a surrogate pair stood in it.
    pub(crate) fn finish(mut self) -> (String, bool) {
        self.settle();
        (self.text, self.has_lone_half)
    }

    fn settle(&mut self) {
        if self.high.take().is_some() {
            self.push_lone_half();
        }
    }

    fn push_lone_half(&mut self) {
        self.text.push(char::REPLACEMENT_CHARACTER);
        self.has_lone_half = true;
    }
}

/// That half a surrogate pair stood in a text.
pub(crate) fn lone_half(code: &'static str, place: Span) -> Diagnostic {
    Diagnostic::error(code, "this text names half a surrogate pair, which is no character")
        .at(place)
        .label("has a `\\u` escape from D800 to DFFF without its partner")
        .help("write the character itself, or both halves one after the other")
}

/// The code unit that four hexadecimal digits at the start of `text` name.
pub(crate) fn four_hex_digits(text: &str) -> Option<u16> {
    let digits = text.get(..4)?;
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        u16::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::CodeUnits;

    fn built(units: &[u16]) -> (String, bool) {
        let mut text = CodeUnits::default();
        units.iter().for_each(|unit| text.push_unit(*unit));
        text.finish()
    }

    #[test]
    fn pairs_join_and_halves_are_remembered() {
        assert_eq!(built(&[0x41]), ("A".into(), false));
        assert_eq!(built(&[0xD83D, 0xDE00]), ("😀".into(), false));
        assert_eq!(built(&[0xD83D]), ("\u{FFFD}".into(), true));
        assert_eq!(built(&[0xDE00, 0x41]), ("\u{FFFD}A".into(), true));
        assert_eq!(built(&[0xD83D, 0xD83D, 0xDE00]), ("\u{FFFD}😀".into(), true));
    }
}
