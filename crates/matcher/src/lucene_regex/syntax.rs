//! The syntax tree of a Lucene regular expression, and how it is read.
//!
//! The grammar is that of `org.apache.lucene.util.automaton.RegExp` in Lucene 10. An element is read whatever comes, at
//! the beginning of a branch, a group or an operand: `*a`, `(|a)` and `a&|b` begin with literal text.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::interval;

/// How deep groups, complements and repetitions may nest.
const DEEPEST: usize = 100;

/// A regular expression; each stands for the set of texts that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    /// No text at all.
    Nothing,
    /// The empty text.
    Empty,
    /// One character of these.
    Class(ClassUnicode),
    /// One after another.
    Concat(Vec<Tree>),
    /// Any of them.
    Union(Vec<Tree>),
    /// All of them.
    Inter(Vec<Tree>),
    /// Every text that this does not match.
    Not(Box<Tree>),
    /// So many times; without end when there is no `max`.
    Repeat { of: Box<Tree>, min: u32, max: Option<u32> },
}

impl Tree {
    pub(super) fn any_character() -> Self {
        Self::Class(ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]))
    }

    pub(super) fn any_text() -> Self {
        Self::any_character().repeat(0, None)
    }

    pub(super) fn character(c: char) -> Self {
        Self::range(c, c)
    }

    pub(super) fn range(from: char, to: char) -> Self {
        Self::Class(ClassUnicode::new([ClassUnicodeRange::new(from, to)]))
    }

    pub(super) fn repeat(self, min: u32, max: Option<u32>) -> Self {
        Self::Repeat { of: Box::new(self), min, max }
    }

    pub(super) fn concat(mut parts: Vec<Self>) -> Self {
        if parts.contains(&Self::Nothing) {
            return Self::Nothing;
        }
        parts.retain(|part| *part != Self::Empty);
        alone(parts, Self::Empty, Self::Concat)
    }

    pub(super) fn union(mut branches: Vec<Self>) -> Self {
        branches.retain(|branch| *branch != Self::Nothing);
        alone(branches, Self::Nothing, Self::Union)
    }

    /// True when it has an intersection or a complement.
    pub(super) fn is_extended(&self) -> bool {
        match self {
            Self::Inter(_) | Self::Not(_) => true,
            Self::Concat(parts) | Self::Union(parts) => parts.iter().any(Self::is_extended),
            Self::Repeat { of, .. } => of.is_extended(),
            Self::Nothing | Self::Empty | Self::Class(_) => false,
        }
    }
}

fn alone(mut trees: Vec<Tree>, none: Tree, several: fn(Vec<Tree>) -> Tree) -> Tree {
    match trees.len() {
        0 => none,
        1 => trees.pop().unwrap_or(none),
        _ => several(trees),
    }
}

/// Reads a pattern; where case does not count, characters and classes hold all their forms.
pub(super) fn parse(pattern: &str, caseless: bool) -> Result<Tree, String> {
    if pattern.is_empty() {
        return Ok(Tree::Empty);
    }
    let mut parser = Parser { rest: pattern, caseless, depth: 0, stacked: 0 };
    let tree = parser.union()?;
    if parser.rest.is_empty() { Ok(tree) } else { Err("a group is closed that was not opened".to_owned()) }
}

struct Parser<'p> {
    rest: &'p str,
    caseless: bool,
    /// How deep the place read stands in groups and complements.
    depth: usize,
    /// How many repetitions of the whole pattern repeat a repetition.
    stacked: usize,
}

impl<'p> Parser<'p> {
    fn union(&mut self) -> Result<Tree, String> {
        let mut branches = vec![self.intersection()?];
        while self.take('|') {
            branches.push(self.intersection()?);
        }
        Ok(Tree::union(branches))
    }

    fn intersection(&mut self) -> Result<Tree, String> {
        let mut operands = vec![self.concatenation()?];
        while self.take('&') {
            operands.push(self.concatenation()?);
        }
        Ok(alone(operands, Tree::Nothing, Tree::Inter))
    }

    fn concatenation(&mut self) -> Result<Tree, String> {
        let mut parts = vec![self.repetition()?];
        while self.peek().is_some_and(|c| !matches!(c, ')' | '|' | '&')) {
            parts.push(self.repetition()?);
        }
        Ok(Tree::concat(parts))
    }

    fn repetition(&mut self) -> Result<Tree, String> {
        let mut tree = self.complement()?;
        let mut repeated = false;
        loop {
            let (min, max) = match self.peek() {
                Some('?') => (0, Some(1)),
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('{') => {
                    self.next()?;
                    self.bounds()?
                }
                _ => return Ok(tree),
            };
            self.next()?;
            self.stacked += usize::from(repeated);
            if self.stacked > DEEPEST {
                return Err(too_deep());
            }
            repeated = true;
            tree = tree.repeat(min, max);
        }
    }

    /// Reads the inside of `{n,m}`, up to the closing brace.
    fn bounds(&mut self) -> Result<(u32, Option<u32>), String> {
        let malformed = || "a repetition `{n,m}` is not well formed".to_owned();
        let min = self.count()?.ok_or_else(malformed)?;
        let max = if self.take(',') { self.count()? } else { Some(min) };
        if self.peek() != Some('}') {
            return Err(malformed());
        }
        if max.is_some_and(|max| min > max) {
            return Err("a repetition `{n,m}` has its bounds in the wrong order".to_owned());
        }
        Ok((min, max))
    }

    fn count(&mut self) -> Result<Option<u32>, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        if digits.is_empty() {
            return Ok(None);
        }
        let count = digits.parse::<i32>().ok().and_then(|count| u32::try_from(count).ok());
        count.map(Some).ok_or_else(|| format!("the number {digits} is too large"))
    }

    fn complement(&mut self) -> Result<Tree, String> {
        if !self.take('~') {
            return self.element();
        }
        let operand = self.nested(Self::complement)?;
        Ok(Tree::Not(Box::new(operand)))
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Tree, String>) -> Result<Tree, String> {
        if self.depth >= DEEPEST {
            return Err(too_deep());
        }
        self.depth += 1;
        let tree = read(self);
        self.depth -= 1;
        tree
    }

    fn element(&mut self) -> Result<Tree, String> {
        match self.next()? {
            '[' => self.class(),
            '.' => Ok(Tree::any_character()),
            '#' => Ok(Tree::Nothing),
            '@' => Ok(Tree::any_text()),
            '"' => {
                let quoted = self.until('"').ok_or("a quoted text is not closed")?;
                Ok(Tree::concat(quoted.chars().map(|c| self.character(c)).collect()))
            }
            '(' if self.take(')') => Ok(Tree::Empty),
            '(' => {
                let group = self.nested(Self::union)?;
                if self.take(')') { Ok(group) } else { Err("a group `(` is not closed".to_owned()) }
            }
            '<' => interval::parse(self.until('>').ok_or("an interval `<1-9>` is not closed")?),
            '\\' => Ok(match self.escaped()? {
                Escaped::Class(class) => Tree::Class(class),
                Escaped::Character(c) => self.character(c),
            }),
            other => Ok(self.character(other)),
        }
    }

    /// Reads a class behind its opening bracket; its first character may be the closing one.
    fn class(&mut self) -> Result<Tree, String> {
        let negated = self.take('^');
        let mut class = ClassUnicode::empty();
        loop {
            match self.next()? {
                // An escaped character does not begin a range, but may end one.
                '\\' => match self.escaped()? {
                    Escaped::Class(other) => class.union(&other),
                    Escaped::Character(c) => class.union(&self.folded(c, c)),
                },
                from if self.take('-') => {
                    self.take('\\');
                    let to = self.next()?;
                    if from > to {
                        return Err(format!("the range {from}-{to} is in the wrong order"));
                    }
                    class.union(&self.folded(from, to));
                }
                c => class.union(&self.folded(c, c)),
            }
            match self.peek() {
                Some(']') => break,
                Some(_) => {}
                None => return Err("a character class `[` is not closed".to_owned()),
            }
        }
        self.next()?;
        if negated {
            class.negate();
        }
        Ok(if class.ranges().is_empty() { Tree::Nothing } else { Tree::Class(class) })
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Result<Escaped, String> {
        let c = self.next()?;
        let ranges: &[(char, char)] = match c.to_ascii_lowercase() {
            'd' => &[('0', '9')],
            's' => &[('\t', '\n'), ('\r', '\r'), (' ', ' ')],
            'w' => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
            letter if letter.is_ascii_alphabetic() => {
                return Err(format!("`\\{c}` has no meaning; write `{c}` for the letter"));
            }
            _ => return Ok(Escaped::Character(c)),
        };
        let mut class = ClassUnicode::new(ranges.iter().map(|&(from, to)| ClassUnicodeRange::new(from, to)));
        if c.is_ascii_uppercase() {
            class.negate();
        }
        Ok(Escaped::Class(class))
    }

    fn character(&self, c: char) -> Tree {
        Tree::Class(self.folded(c, c))
    }

    fn folded(&self, from: char, to: char) -> ClassUnicode {
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(from, to)]);
        if self.caseless {
            // Fails only where the tables of Unicode are left out of the build.
            let _ = class.try_case_fold_simple();
        }
        class
    }

    /// Takes the text up to a character, and that.
    fn until(&mut self, end: char) -> Option<&'p str> {
        let (text, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(text)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self, c: char) -> bool {
        self.rest.strip_prefix(c).map(|rest| self.rest = rest).is_some()
    }

    fn next(&mut self) -> Result<char, String> {
        let mut chars = self.rest.chars();
        let c = chars.next().ok_or("ends where more has to follow")?;
        self.rest = chars.as_str();
        Ok(c)
    }
}

enum Escaped {
    Class(ClassUnicode),
    Character(char),
}

fn too_deep() -> String {
    format!("groups or repetitions nest deeper than {DEEPEST}")
}
