//! A text 64 bytes at a time: where its strings and containers end, each byte looked at once.
//!
//! Each block becomes four bit masks (quotes, backslashes, opening and closing brackets). Which quotes are escaped
//! and which bytes lie inside strings then follows by arithmetic on whole masks, as Langdale and Lemire describe in
//! "Parsing gigabytes of JSON per second" (2019).
//!
//! Whoever uses [`Blocks`] does so within [`dispatch!`](fearless_simd::dispatch), which takes the widest instructions
//! of the machine at hand. For that to reach everything inside, all of it must be inlined.

use std::sync::LazyLock;

use fearless_simd::{Level, Simd, SimdBase, SimdInt, SimdMask, u8x64};

use super::scan::{Container, Unbalanced};

/// What the machine can do, asked once.
pub(super) static LEVEL: LazyLock<Level> = LazyLock::new(Level::new);

const BLOCK: usize = 64;

/// A place in a text that moves forward only. Where it begins lies outside of strings.
pub(super) struct Blocks<'t, S> {
    simd: S,
    bytes: &'t [u8],
    /// Where the present block begins. In the masks bit `i` stands for the byte `i` behind it.
    base: usize,
    /// Quotes that begin or end a string.
    quotes: u64,
    backslashes: u64,
    /// Brackets outside of strings.
    open: u64,
    close: u64,
    /// 1 when the block ends in an open escape.
    escape_carry: u64,
    /// All ones when the block ends inside a string.
    string_carry: u64,
    /// Whether a `\ud…` escape may have been met so far.
    surrogates: bool,
}

impl<'t, S: Simd> Blocks<'t, S> {
    #[inline(always)]
    pub(super) fn new(simd: S, bytes: &'t [u8], start: usize) -> Self {
        let mut blocks = Self {
            simd,
            bytes,
            base: start,
            quotes: 0,
            backslashes: 0,
            open: 0,
            close: 0,
            escape_carry: 0,
            string_carry: 0,
            surrogates: false,
        };
        blocks.load();
        blocks
    }

    /// Whether what was passed so far may have a `\ud…` escape: look closer.
    #[inline(always)]
    pub(super) fn surrogates(&self) -> bool {
        self.surrogates
    }

    /// One past the closing quote of the string whose opening quote is at `start`, and whether it has escapes.
    #[inline(always)]
    pub(super) fn string_end(&mut self, start: usize) -> Option<(usize, bool)> {
        let offset = self.seek(start)?;
        let mut behind = u64::MAX << offset << 1;
        let mut escapes = false;
        loop {
            let ends = self.quotes & behind;
            if ends != 0 {
                let end = ends.trailing_zeros();
                escapes |= self.backslashes & behind & ((1 << end) - 1) != 0;
                return Some((self.base + end as usize + 1, escapes));
            }
            escapes |= self.backslashes & behind != 0;
            if !self.advance() {
                return None;
            }
            behind = u64::MAX;
        }
    }

    /// The end of the object or array whose bracket is at `start`. Brackets inside are counted, not paired by kind.
    #[inline(always)]
    pub(super) fn container_end(&mut self, start: usize, depth_cap: u32) -> Result<Container, Unbalanced> {
        let mut depth = 0u32;
        let mut too_deep = false;
        let Some(offset) = self.seek(start) else { return Err(Unbalanced::Unclosed { too_deep }) };
        let mut from = u64::MAX << offset;
        loop {
            let mut brackets = (self.open | self.close) & from;
            while brackets != 0 {
                let bit = brackets.trailing_zeros();
                brackets &= brackets - 1;
                if self.open >> bit & 1 == 1 {
                    depth = depth.saturating_add(1);
                    too_deep |= depth > depth_cap;
                } else if depth > 1 {
                    depth -= 1;
                } else {
                    let last = self.base + bit as usize;
                    // `{` and `}`, `[` and `]` are two apart.
                    return if self.bytes[start].wrapping_add(2) == self.bytes[last] {
                        Ok(Container { end: last + 1, too_deep, surrogates: self.surrogates })
                    } else {
                        Err(Unbalanced::Mismatched)
                    };
                }
            }
            if !self.advance() {
                return Err(Unbalanced::Unclosed { too_deep });
            }
            from = u64::MAX;
        }
    }

    /// Moves to the block in which `at` lies, and says where in it; `None` behind the end of the text.
    #[inline(always)]
    fn seek(&mut self, at: usize) -> Option<usize> {
        while at - self.base >= BLOCK {
            if !self.advance() {
                return None;
            }
        }
        Some(at - self.base)
    }

    #[inline(always)]
    fn advance(&mut self) -> bool {
        if self.bytes.len() - self.base <= BLOCK {
            return false;
        }
        self.base += BLOCK;
        self.load();
        true
    }

    #[inline(always)]
    fn load(&mut self) {
        let rest = self.bytes.get(self.base..).unwrap_or_default();
        let masks = match rest.first_chunk::<BLOCK>() {
            Some(block) => Masks::of(self.simd, block),
            None => {
                let mut block = [b' '; BLOCK];
                block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                Masks::of(self.simd, &block)
            }
        };
        let escaped = escaped(masks.backslash, &mut self.escape_carry);
        if escaped != 0 && !self.surrogates {
            self.surrogates = has_surrogate_escape(self.bytes, self.base, escaped);
        }
        self.quotes = masks.quote & !escaped;
        self.backslashes = masks.backslash;
        let inside = prefix_xor(self.quotes) ^ self.string_carry;
        self.string_carry = if inside >> 63 == 1 { u64::MAX } else { 0 };
        self.open = masks.open & !inside;
        self.close = masks.close & !inside;
    }
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
    fn of<S: Simd>(simd: S, block: &[u8; BLOCK]) -> Self {
        let bytes = simd.load_array_ref_u8x64(block);
        // 0x20 turns `[` into `{` and `]` into `}` and no other byte into either.
        let folded = bytes | u8x64::splat(simd, 0x20);
        Self {
            quote: equal(bytes, b'"'),
            backslash: equal(bytes, b'\\'),
            open: equal(folded, b'{'),
            close: equal(folded, b'}'),
        }
    }
}

/// Bit `i` of the answer tells whether byte `i` is `byte`.
#[inline(always)]
fn equal<S: Simd>(bytes: u8x64<S>, byte: u8) -> u64 {
    bytes.simd_eq(byte).to_bitmask()
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
