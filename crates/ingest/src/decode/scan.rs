//! Finds the end of a JSON string, container or scalar in a text, without reading what is in it.
//!
//! Each call starts anew. Whoever goes through a text from end to end does so by its [`Blocks`].

use fearless_simd::dispatch;
use memchr::memchr2;
use wide::u8x16;

use super::blocks::{Blocks, LEVEL};

/// A value, mostly a container, whose end was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Container {
    /// One past its last byte.
    pub(super) end: usize,
    /// It nests deeper than allowed.
    pub(super) too_deep: bool,
    /// It may have a `\ud…` escape: look closer.
    pub(super) surrogates: bool,
}

/// Why the end of a container was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unbalanced {
    /// The text ends first.
    Unclosed {
        /// It nests deeper than allowed.
        too_deep: bool,
    },
    /// The outermost bracket is closed by one of the other kind.
    Mismatched,
}

/// The end of the object or array whose bracket is at `start`. Brackets inside are counted, not paired by kind.
pub(super) fn container(bytes: &[u8], start: usize, depth_cap: u32) -> Result<Container, Unbalanced> {
    dispatch!(*LEVEL, simd => Blocks::new(simd, bytes, start).container_end(start, depth_cap))
}

/// One past the closing quote of the string whose opening quote is at `start`, and whether it has escapes.
pub(super) fn string(bytes: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut at = start + 1;
    let mut escapes = false;
    loop {
        let found = at + quote_or_backslash(bytes.get(at..)?)?;
        if bytes[found] == b'"' {
            return Some((found + 1, escapes));
        }
        escapes = true;
        at = found + 2;
    }
}

/// The first quote or backslash. Most strings of a log are short: a look at 16 bytes costs less than the call of a
/// general search.
#[inline(always)]
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    match bytes.first_chunk::<16>() {
        Some(lane) => {
            let lane = u8x16::new(*lane);
            let hits = lane.cmp_eq(u8x16::splat(b'"')) | lane.cmp_eq(u8x16::splat(b'\\'));
            match hits.move_mask() as u32 & 0xffff {
                0 => Some(16 + memchr2(b'"', b'\\', &bytes[16..])?),
                mask => Some(mask.trailing_zeros() as usize),
            }
        }
        None => memchr2(b'"', b'\\', bytes),
    }
}

/// The first position from `at` on that is not JSON white space.
pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// One past the last byte of the number or literal at `at`.
pub(super) fn scalar(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let length = rest.iter().position(|b| {
        matches!(b, b',' | b']' | b'}' | b':' | b'"' | b'{' | b'[' | b' ' | b'\t' | b'\n' | b'\r')
    });
    at + length.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same question answered a byte at a time.
    fn container_slowly(bytes: &[u8], start: usize) -> Result<usize, Unbalanced> {
        let (mut depth, mut inside, mut escaped) = (0, false, false);
        for (at, &byte) in bytes.iter().enumerate().skip(start) {
            if std::mem::take(&mut escaped) && (byte == b'"' || byte == b'\\' || inside) {
                continue;
            }
            match byte {
                b'\\' => escaped = true,
                b'"' => inside = !inside,
                b'{' | b'[' if !inside => depth += 1,
                b'}' | b']' if !inside && depth > 1 => depth -= 1,
                b'}' | b']' if !inside => {
                    let paired = matches!((bytes[start], byte), (b'{', b'}') | (b'[', b']'));
                    return if paired { Ok(at + 1) } else { Err(Unbalanced::Mismatched) };
                }
                _ => {}
            }
        }
        Err(Unbalanced::Unclosed { too_deep: false })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn blocks_and_bytes_agree(tail in r#"([{}"\[\]\\a:,u]|\\\\|\\"|aaaaaaaaaaaaa){0,120}"#) {
            let text = format!("{{{tail}");
            let fast = container(text.as_bytes(), 0, 1000).map(|found| found.end);
            prop_assert_eq!(fast, container_slowly(text.as_bytes(), 0));
        }

        #[test]
        fn strings_end_where_their_blocks_say(head in "[ :]{0,70}", tail in r#"([{"\\a:u]|\\\\|\\"|aaaaaaaaaaaaa){0,40}"#) {
            let text = format!("{head}\"{tail}");
            let end = dispatch!(*LEVEL, simd => Blocks::new(simd, text.as_bytes(), 0).string_end(head.len()));
            prop_assert_eq!(end, string(text.as_bytes(), head.len()));
        }

        #[test]
        fn depth_is_exact(depth in 1u32..300, cap in 1u32..300, padding in 0usize..70) {
            let pad = " ".repeat(padding);
            let text = format!("{}{pad}{}", "[".repeat(depth as usize), "]".repeat(depth as usize));
            let found = container(text.as_bytes(), 0, cap).unwrap();
            prop_assert_eq!(found.end, text.len());
            prop_assert_eq!(found.too_deep, depth > cap);
        }
    }

    #[test]
    fn surrogate_escapes_are_noticed_and_their_look_alikes_are_not() {
        let seen = |text: &str| container(text.as_bytes(), 0, 9).unwrap().surrogates;
        assert!(seen(r#"{"a":"\ud800"}"#));
        assert!(seen(r#"{"a":"\\\uDFFF"}"#));
        assert!(!seen(r#"{"a":"\\ud800"}"#));
        assert!(!seen(r#"{"a":"\ud7ff"}"#));
        for padding in 40..80 {
            assert!(seen(&format!(r#"{{"{}":"\udabc"}}"#, "x".repeat(padding))), "{padding}");
        }
    }

    #[test]
    fn strings_end_at_the_first_quote_that_is_not_escaped() {
        assert_eq!(string(br#""abc" "#, 0), Some((5, false)));
        assert_eq!(string(br#""a\"c" "#, 0), Some((6, true)));
        assert_eq!(string(br#""a\\" "#, 0), Some((5, true)));
        assert_eq!(string(br#""a\"#, 0), None);
        assert_eq!(string(br#"""#, 0), None);
    }
}
