//! Texts kept once each, under small numbers.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Texts under the numbers 0, 1, 2, … in the order of their first coming.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    bytes: String,
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: RandomState,
    /// Those asked for last, each in the one place that it can have: to look there costs less than to hash a text.
    recent: Vec<u32>,
}

/// A power of two.
const RECENT: usize = 4_096;

/// Stands where nothing is recent.
const NONE: u32 = u32::MAX;

/// Texts that follow others, each at its end the next.
#[derive(Debug, Clone)]
pub(super) struct NewTexts {
    /// The number of the first.
    pub(super) first: usize,
    bytes: String,
    ends: Vec<usize>,
}

impl NewTexts {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|at| text_at(&self.bytes, &self.ends, at as u32))
    }
}

impl Texts {
    /// Those that came since so many, which becomes how many there are.
    pub(super) fn since(&self, told: &mut usize) -> NewTexts {
        let first = std::mem::replace(told, self.ends.len());
        let start = first.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let ends = self.ends.get(first..).unwrap_or_default().iter().map(|end| end - start).collect();
        NewTexts { first, bytes: self.bytes.get(start..).unwrap_or_default().to_owned(), ends }
    }

    pub(super) fn intern(&mut self, text: &str) -> u32 {
        let Self { bytes, ends, table, hasher, recent } = self;
        let place = place_of(text);
        match recent.get(place) {
            Some(&number) if number != NONE && text_at(bytes, ends, number) == text => return number,
            Some(_) => {}
            None => *recent = vec![NONE; RECENT],
        }
        let mut remember = |number: u32| {
            if let Some(recent) = recent.get_mut(place) {
                *recent = number;
            }
        };
        let hash = hash_of(hasher, text);
        if let Some(&found) = table.find(hash, |&at| text_at(bytes, ends, at) == text) {
            remember(found);
            return found;
        }
        let number = u32::try_from(ends.len()).unwrap_or(NONE);
        remember(number);
        bytes.push_str(text);
        ends.push(bytes.len());
        table.insert_unique(hash, number, |&at| hash_of(hasher, text_at(bytes, ends, at)));
        number
    }

    pub(super) fn find(&self, text: &str) -> Option<u32> {
        let hash = hash_of(&self.hasher, text);
        self.table.find(hash, |&at| self.get(at) == text).copied()
    }

    pub(super) fn get(&self, number: u32) -> &str {
        text_at(&self.bytes, &self.ends, number)
    }

    /// Bytes of all texts.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }
}

fn text_at<'a>(bytes: &'a str, ends: &[usize], number: u32) -> &'a str {
    let at = number as usize;
    let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    ends.get(at).and_then(|&end| bytes.get(start..end)).unwrap_or_default()
}

pub(super) fn hash_of(hasher: &RandomState, text: &str) -> u64 {
    let mut state = hasher.build_hasher();
    state.write(text.as_bytes());
    state.finish()
}

/// Where a text would be among the recent ones: by its length, and by the ends of it, which tell most.
fn place_of(text: &str) -> usize {
    let bytes = text.as_bytes();
    let word = |part: Option<&[u8; 8]>| part.map_or(0, |part| u64::from_le_bytes(*part));
    let (head, tail) = (word(bytes.first_chunk()), word(bytes.last_chunk()));
    let short =
        if bytes.len() < 8 { bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)) } else { 0 };
    // Odd numbers without meaning.
    let mixed = (bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ head.wrapping_mul(0xff51_afd7_ed55_8ccd)
        ^ tail.wrapping_mul(0xc4ce_b9fe_1a85_ec53)
        ^ short;
    (mixed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 52) as usize % RECENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_in_order_and_kept() {
        let mut texts = Texts::default();
        let all: Vec<String> = (0..3 * RECENT).map(|number| format!("text {}", number * 7)).collect();
        let mut all: Vec<&str> = all.iter().map(String::as_str).collect();
        all.extend(["", "a", "é"]);
        for _ in 0..2 {
            for (number, text) in (0_u32..).zip(&all) {
                assert_eq!(
                    (texts.intern(text), texts.get(number), texts.find(text)),
                    (number, *text, Some(number))
                );
            }
        }
        assert_eq!(texts.find("b"), None);
    }
}
