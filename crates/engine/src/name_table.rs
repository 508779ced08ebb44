//! Short names that repeat, kept once.

use std::num::NonZeroU32;

use foldhash::HashMap;

/// Gives each distinct name a number, from one on, in order of first use.
#[derive(Debug, Default)]
pub struct NameTable {
    numbers: HashMap<Box<str>, NonZeroU32>,
    names: Vec<Box<str>>,
    /// The last name asked for: neighbours in a file mostly share theirs.
    last: Option<NonZeroU32>,
}

impl NameTable {
    /// The number of a name.
    pub fn number(&mut self, name: &str) -> NonZeroU32 {
        if let Some(last) = self.last
            && self.name(last) == Some(name)
        {
            return last;
        }
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None => {
                self.names.push(name.into());
                let number = NonZeroU32::MIN.saturating_add(self.names.len() as u32 - 1);
                self.numbers.insert(name.into(), number);
                number
            }
        };
        self.last = Some(number);
        number
    }

    /// The name of a number that this table gave out.
    pub fn name(&self, number: NonZeroU32) -> Option<&str> {
        self.names.get(number.get() as usize - 1).map(|n| &**n)
    }

    /// Each name with its count, for counts kept by number less one; those that are not there are 0.
    pub fn counted<'t>(&'t self, counts: &'t [u64]) -> impl Iterator<Item = (&'t str, u64)> {
        self.names.iter().map(|name| &**name).zip(counts.iter().copied().chain(std::iter::repeat(0)))
    }

    /// How many different names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True when no name was met.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
