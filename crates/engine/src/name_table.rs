//! Short names that repeat, kept once.

use foldhash::HashMap;

/// Gives each distinct name a small number, in order of first use.
#[derive(Debug, Default)]
pub struct NameTable {
    numbers: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
    /// The last name asked for: neighbours in a file mostly share theirs.
    last: Option<u32>,
}

impl NameTable {
    /// The number of a name.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(last) = self.last
            && self.names.get(last as usize).is_some_and(|n| **n == *name)
        {
            return last;
        }
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None => {
                let number = self.names.len() as u32;
                self.names.push(name.into());
                self.numbers.insert(name.into(), number);
                number
            }
        };
        self.last = Some(number);
        number
    }

    /// How many different names there are; numbers are below it.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True when no name was met.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of a number that this table gave out.
    pub fn name(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(|n| &**n)
    }
}
