//! Which characters a regular expression cannot tell apart.

use foldhash::{HashMap, HashMapExt};
use regex_syntax::hir::ClassUnicode;

/// The most memberships of stretches of characters in classes that are worked out.
const LARGEST: usize = 1 << 24;

/// The characters, in groups that stand in the same classes of the pattern.
#[derive(Clone)]
pub(super) struct Alphabet {
    ascii: [u32; 128],
    /// Where each stretch of characters begins, ascending; the first at zero.
    starts: Vec<u32>,
    /// The group of each stretch.
    group_of: Vec<u32>,
    groups: u32,
}

impl Alphabet {
    /// The groups, and for each of them which of the classes it belongs to; `None` when there are too many.
    pub(super) fn new(classes: &[&ClassUnicode]) -> Option<(Self, Vec<Vec<bool>>)> {
        let mut starts = vec![0];
        for range in classes.iter().flat_map(|class| class.ranges()) {
            starts.push(u32::from(range.start()));
            starts.extend(after(range.end()));
        }
        starts.sort_unstable();
        starts.dedup();
        if starts.len().saturating_mul(classes.len()) > LARGEST {
            return None;
        }
        let mut memberships = vec![vec![false; classes.len()]; starts.len()];
        for (index, class) in classes.iter().enumerate() {
            for range in class.ranges() {
                let first = starts.partition_point(|start| *start < u32::from(range.start()));
                let last = starts.partition_point(|start| *start <= u32::from(range.end()));
                for membership in &mut memberships[first..last] {
                    membership[index] = true;
                }
            }
        }
        let mut groups = HashMap::new();
        let mut members: Vec<Vec<bool>> = Vec::new();
        let mut group_of = Vec::with_capacity(starts.len());
        for membership in memberships {
            let next = u32::try_from(members.len()).ok()?;
            group_of.push(*groups.entry(membership.clone()).or_insert_with(|| {
                members.push(membership);
                next
            }));
        }
        let groups = u32::try_from(members.len()).ok()?;
        let mut alphabet = Self { ascii: [0; 128], starts, group_of, groups };
        for c in '\0'..='\x7f' {
            alphabet.ascii[c as usize] = alphabet.look_up(c);
        }
        Some((alphabet, members))
    }

    pub(super) fn groups(&self) -> u32 {
        self.groups
    }

    pub(super) fn group(&self, c: char) -> u32 {
        self.ascii.get(c as usize).copied().unwrap_or_else(|| self.look_up(c))
    }

    fn look_up(&self, c: char) -> u32 {
        let stretch = self.starts.partition_point(|start| *start <= u32::from(c)).saturating_sub(1);
        self.group_of[stretch]
    }
}

/// The character that follows: there is none in the gap of the surrogates, nor behind the last.
fn after(c: char) -> Option<u32> {
    match c {
        char::MAX => None,
        '\u{D7FF}' => Some(0xE000),
        c => Some(u32::from(c) + 1),
    }
}
