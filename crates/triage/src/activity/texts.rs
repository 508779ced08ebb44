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
}

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
        let Self { bytes, ends, table, hasher } = self;
        let hash = hash_of(hasher, text);
        if let Some(&found) = table.find(hash, |&at| text_at(bytes, ends, at) == text) {
            return found;
        }
        let number = u32::try_from(ends.len()).unwrap_or(u32::MAX);
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
