//! Repairs `\ud800`-like escapes, for which no character exists and which JSON parsers therefore refuse.

use std::borrow::Cow;

use memchr::memchr;

/// Every `\ud…` escape without its partner becomes `\ufffd`; says whether there was one.
pub(super) fn repair(text: &str) -> (Cow<'_, str>, bool) {
    let bytes = text.as_bytes();
    let mut repaired = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr(b'\\', rest)) {
        at += found;
        let end = match escaped_unit(bytes, at) {
            Some(0xd800..=0xdbff) if matches!(escaped_unit(bytes, at + 6), Some(0xdc00..=0xdfff)) => at + 12,
            Some(0xd800..=0xdfff) => {
                repaired.push_str(&text[copied..at]);
                repaired.push_str("\\ufffd");
                copied = at + 6;
                at + 6
            }
            _ => at + 2,
        };
        at = end;
    }
    if copied == 0 {
        return (Cow::Borrowed(text), false);
    }
    repaired.push_str(&text[copied..]);
    (Cow::Owned(repaired), true)
}

/// The code unit of the `\uXXXX` at `at`.
fn escaped_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}
