//! A regular expression as a tree without dialect: sets of characters, and how they follow each other.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// Part of an expression.
#[derive(Debug, Clone)]
pub(in crate::pattern) enum Node {
    /// The empty text.
    Empty,
    /// One character of a set.
    One(ClassUnicode),
    Anchor(Anchor),
    Concat(Vec<Node>),
    /// The first that leads to a match wins.
    Either(Vec<Node>),
    /// A group whose place is remembered; groups are numbered from 1 in the order in which they begin. None may be
    /// left out, or the numbers of the others change.
    Capture(Box<Node>),
    Repeat(Box<Node>, Repeat),
    Look {
        behind: bool,
        negated: bool,
        inner: Box<Node>,
    },
    /// Once matched, it is not tried in another way.
    Atomic(Box<Node>),
    /// The text that one of these groups took, the last one that took part.
    SameAs {
        groups: Vec<usize>,
        caseless: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pattern) struct Repeat {
    pub(super) least: u32,
    /// No limit when `None`.
    pub(super) most: Option<u32>,
    pub(super) greed: Greed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greed {
    Most,
    Least,
    /// As many as there are, and never fewer.
    Possessive,
}

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pattern) enum Anchor {
    TextStart,
    TextEnd,
    /// The end of the text, or before a line break that ends it.
    FinalLineEnd(LineBreaks),
    LineStart(LineBreaks),
    LineEnd(LineBreaks),
    WordBorder {
        unicode: bool,
        negated: bool,
    },
}

/// Which characters end a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pattern) enum LineBreaks {
    /// `\n` alone.
    Newline,
    /// Java's: `\n`, `\r`, `\r\n`, U+0085, U+2028 and U+2029.
    Any,
}

/// Characters that end a line in Java.
pub(super) const LINE_BREAKS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

impl Node {
    pub(super) fn concat(mut nodes: Vec<Self>) -> Self {
        nodes.retain(|node| !matches!(node, Self::Empty));
        match nodes.len() {
            0 => Self::Empty,
            1 => nodes.remove(0),
            _ => Self::Concat(nodes),
        }
    }

    pub(super) fn either(mut nodes: Vec<Self>) -> Self {
        if nodes.len() == 1 { nodes.remove(0) } else { Self::Either(nodes) }
    }

    /// Repeating a place does not move it: engines differ on that, so it becomes once, or perhaps.
    pub(super) fn repeat(self, repeat: Repeat) -> Self {
        match &self {
            Self::Empty => Self::Empty,
            Self::Anchor(_) | Self::Look { .. } => match repeat {
                Repeat { least: 0, greed: Greed::Least, .. } | Repeat { most: Some(0), .. } => {
                    Self::Either(vec![Self::Empty, self])
                }
                Repeat { least: 0, .. } => Self::Either(vec![self, Self::Empty]),
                _ => self,
            },
            _ => Self::Repeat(Box::new(self), repeat),
        }
    }

    /// The longest text that it can match, in characters; `None` when there is no limit.
    pub(super) fn longest(&self) -> Option<u64> {
        match self {
            Self::Empty | Self::Anchor(_) | Self::Look { .. } => Some(0),
            Self::One(_) => Some(1),
            Self::Concat(nodes) => nodes.iter().try_fold(0u64, |sum, node| sum.checked_add(node.longest()?)),
            Self::Either(nodes) => nodes.iter().try_fold(0u64, |most, node| Some(most.max(node.longest()?))),
            Self::Capture(inner) | Self::Atomic(inner) => inner.longest(),
            Self::Repeat(inner, repeat) => inner.longest()?.checked_mul(u64::from(repeat.most?)),
            Self::SameAs { .. } => None,
        }
    }
}

/// The set of one range.
pub(super) fn range(first: char, last: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(first, last)])
}

/// The set of these characters.
pub(super) fn set(characters: impl IntoIterator<Item = char>) -> ClassUnicode {
    ClassUnicode::new(characters.into_iter().map(|c| ClassUnicodeRange::new(c, c)))
}

/// All characters but those.
pub(super) fn all_but(mut class: ClassUnicode) -> ClassUnicode {
    class.negate();
    class
}
