//! Finds the end of a JSON string or container in a text, 64 bytes at a time, without reading what is in it.
//!
//! Each block becomes four bit masks (quotes, backslashes, opening and closing brackets). Which quotes are escaped
//! and which bytes lie inside strings then follows by arithmetic on whole masks, as Langdale and Lemire describe in
//! "Parsing gigabytes of JSON per second" (2019).

use memchr::memchr2;
use wide::u8x16;

const BLOCK: usize = 64;

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
    let mut depth = 0u32;
    let mut too_deep = false;
    let mut surrogates = false;
    let mut escape_carry = 0u64;
    let mut string_carry = 0u64;
    let mut at = start;
    let mut rest = bytes.get(start..).unwrap_or_default();
    while !rest.is_empty() {
        let masks = match rest.split_first_chunk::<BLOCK>() {
            Some((block, tail)) => {
                rest = tail;
                Masks::of(block)
            }
            None => {
                let mut block = [b' '; BLOCK];
                block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                rest = &[];
                Masks::of(&block)
            }
        };
        let escaped = escaped(masks.backslash, &mut escape_carry);
        if escaped != 0 && !surrogates {
            surrogates = has_surrogate_escape(bytes, at, escaped);
        }
        let inside = prefix_xor(masks.quote & !escaped) ^ string_carry;
        string_carry = if inside >> 63 == 1 { u64::MAX } else { 0 };
        let open = masks.open & !inside;
        let close = masks.close & !inside;
        let (opened, closed) = (open.count_ones(), close.count_ones());
        if depth > closed && depth.saturating_add(opened) <= depth_cap {
            depth = depth + opened - closed;
        } else {
            let mut brackets = open | close;
            while brackets != 0 {
                let bit = brackets.trailing_zeros();
                brackets &= brackets - 1;
                if open >> bit & 1 == 1 {
                    depth = depth.saturating_add(1);
                    too_deep |= depth > depth_cap;
                } else if depth > 1 {
                    depth -= 1;
                } else {
                    let last = at + bit as usize;
                    // `{` and `}`, `[` and `]` are two apart.
                    let paired = bytes[start].wrapping_add(2) == bytes[last];
                    return if paired {
                        Ok(Container { end: last + 1, too_deep, surrogates })
                    } else {
                        Err(Unbalanced::Mismatched)
                    };
                }
            }
        }
        at += BLOCK;
    }
    Err(Unbalanced::Unclosed { too_deep })
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

/// Where the bytes of interest are: bit `i` stands for byte `i` of the block.
struct Masks {
    quote: u64,
    backslash: u64,
    open: u64,
    close: u64,
}

impl Masks {
    #[inline(always)]
    fn of(block: &[u8; BLOCK]) -> Self {
        let mut masks = Self { quote: 0, backslash: 0, open: 0, close: 0 };
        let (lanes, _) = block.as_chunks::<16>();
        for (lane, bytes) in lanes.iter().enumerate() {
            let bytes = u8x16::new(*bytes);
            let mask = |byte: u8, of: u8x16| {
                (of.cmp_eq(u8x16::splat(byte)).move_mask() as u32 as u64 & 0xffff) << (16 * lane)
            };
            masks.quote |= mask(b'"', bytes);
            masks.backslash |= mask(b'\\', bytes);
            // 0x20 turns `[` into `{` and `]` into `}` and no other byte into either.
            let folded = bytes | u8x16::splat(0x20);
            masks.open |= mask(b'{', folded);
            masks.close |= mask(b'}', folded);
        }
        masks
    }
}

/// Bit `i` of the answer is the parity of bits `0..=i`.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ bits << 32
}

/// The bytes that a backslash escapes. `carry` is 1 when the block before ended in an open escape.
#[inline(always)]
fn escaped(backslash: u64, carry: &mut u64) -> u64 {
    if backslash == 0 {
        return std::mem::take(carry);
    }
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let starts = backslash & !*carry;
    let follows = starts << 1 | *carry;
    // Adding the backslashes to the odd starts of their runs carries each run to its end; where run starts and run
    // ends differ in parity, the byte after the run is escaped.
    let odd_starts = starts & ODD & !follows;
    let (run_ends, overflow) = odd_starts.overflowing_add(starts);
    *carry = u64::from(overflow);
    (!ODD ^ run_ends << 1) & follows
}

/// Whether one of the escaped bytes begins `ud8…` to `udf…`.
fn has_surrogate_escape(bytes: &[u8], at: usize, mut escaped: u64) -> bool {
    while escaped != 0 {
        let position = at + escaped.trailing_zeros() as usize;
        escaped &= escaped - 1;
        if let Some([b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F']) =
            bytes.get(position..position + 3)
        {
            return true;
        }
    }
    false
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
