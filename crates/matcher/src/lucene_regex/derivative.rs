//! Derivatives of regular expressions: what has to follow once a text has begun with a character.
//!
//! The method is Brzozowski's ("Derivatives of Regular Expressions", 1964). Equal expressions are one node, and unions
//! and intersections forget order and repeats of their operands, so that there are finitely many.

use foldhash::{HashMap, HashMapExt};
use regex_syntax::hir::ClassUnicode;

use super::alphabet::Alphabet;
use super::syntax::Tree;

/// There would be more to do than was allowed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// The number of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Node(u32);

/// Matches no text.
const NOTHING: Node = Node(0);
/// Matches the empty text.
const EMPTY: Node = Node(1);
/// Matches every text.
const ANYTHING: Node = Node(2);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Shape {
    Nothing,
    Empty,
    Class(usize),
    Concat(Node, Node),
    Union(Box<[Node]>),
    Inter(Box<[Node]>),
    Not(Node),
    Repeat { of: Node, min: u32, max: Option<u32> },
}

/// All expressions met so far.
pub(super) struct Derivatives {
    shapes: Vec<Shape>,
    /// Whether each matches the empty text.
    nullable: Vec<bool>,
    nodes: HashMap<Shape, Node>,
    known: HashMap<(Node, u32), Node>,
    /// For each group of characters, which classes it belongs to.
    members: Vec<Vec<bool>>,
}

impl Derivatives {
    /// Begins with a tree; `work` is what may be done, and less of it remains.
    pub(super) fn new(tree: &Tree, work: &mut usize) -> Result<(Self, Alphabet, Node), TooLarge> {
        let mut classes = Vec::new();
        let mut numbers = HashMap::new();
        collect_classes(tree, &mut classes, &mut numbers);
        let (alphabet, members) = Alphabet::new(&classes).ok_or(TooLarge)?;
        let mut derivatives = Self {
            shapes: Vec::new(),
            nullable: Vec::new(),
            nodes: HashMap::new(),
            known: HashMap::new(),
            members,
        };
        for shape in [Shape::Nothing, Shape::Empty, Shape::Not(NOTHING)] {
            derivatives.node(shape, work)?;
        }
        let start = derivatives.add(tree, &numbers, work)?;
        Ok((derivatives, alphabet, start))
    }

    /// Whether the empty text is matched.
    pub(super) fn is_nullable(&self, node: Node) -> bool {
        self.nullable[node.0 as usize]
    }

    /// What the rest of a text has to match after a character of a group.
    pub(super) fn derive(&mut self, node: Node, group: u32, work: &mut usize) -> Result<Node, TooLarge> {
        if let Some(known) = self.known.get(&(node, group)) {
            return Ok(*known);
        }
        spend(work, 1)?;
        let derived = match self.shapes[node.0 as usize].clone() {
            Shape::Nothing | Shape::Empty => NOTHING,
            Shape::Class(class) => {
                let is_member = self.members[group as usize].get(class).copied().unwrap_or(false);
                if is_member { EMPTY } else { NOTHING }
            }
            Shape::Concat(first, rest) => self.derive_concat(first, rest, group, work)?,
            Shape::Union(operands) => {
                let operands = self.derive_each(&operands, group, work)?;
                self.union(operands, work)?
            }
            Shape::Inter(operands) => {
                let operands = self.derive_each(&operands, group, work)?;
                self.inter(operands, work)?
            }
            Shape::Not(operand) => {
                let derived = self.derive(operand, group, work)?;
                self.not(derived, work)?
            }
            Shape::Repeat { of, min, max } => {
                let first = self.derive(of, group, work)?;
                let rest =
                    self.repeat(of, min.saturating_sub(1), max.map(|max| max.saturating_sub(1)), work)?;
                self.concat(first, rest, work)?
            }
        };
        self.known.insert((node, group), derived);
        Ok(derived)
    }

    /// Loops over the parts, of which there may be many, where one after another may be empty.
    fn derive_concat(
        &mut self,
        first: Node,
        rest: Node,
        group: u32,
        work: &mut usize,
    ) -> Result<Node, TooLarge> {
        let (mut first, mut rest) = (first, rest);
        let mut branches = Vec::new();
        loop {
            spend(work, 1)?;
            let derived = self.derive(first, group, work)?;
            branches.push(self.concat(derived, rest, work)?);
            if !self.is_nullable(first) {
                break;
            }
            if let Shape::Concat(next, after) = self.shapes[rest.0 as usize] {
                (first, rest) = (next, after);
            } else {
                branches.push(self.derive(rest, group, work)?);
                break;
            }
        }
        self.union(branches, work)
    }

    fn derive_each(
        &mut self,
        operands: &[Node],
        group: u32,
        work: &mut usize,
    ) -> Result<Vec<Node>, TooLarge> {
        spend(work, operands.len())?;
        operands.iter().map(|operand| self.derive(*operand, group, work)).collect()
    }

    fn add(
        &mut self,
        tree: &Tree,
        numbers: &HashMap<Box<[(char, char)]>, usize>,
        work: &mut usize,
    ) -> Result<Node, TooLarge> {
        match tree {
            Tree::Nothing => Ok(NOTHING),
            Tree::Empty => Ok(EMPTY),
            Tree::Class(class) => {
                let number = numbers.get(&key(class)).copied().ok_or(TooLarge)?;
                self.node(Shape::Class(number), work)
            }
            Tree::Concat(parts) => parts.iter().rev().try_fold(EMPTY, |rest, part| {
                let part = self.add(part, numbers, work)?;
                self.concat(part, rest, work)
            }),
            Tree::Union(branches) => {
                let branches = branches
                    .iter()
                    .map(|branch| self.add(branch, numbers, work))
                    .collect::<Result<_, _>>()?;
                self.union(branches, work)
            }
            Tree::Inter(operands) => {
                let operands = operands
                    .iter()
                    .map(|operand| self.add(operand, numbers, work))
                    .collect::<Result<_, _>>()?;
                self.inter(operands, work)
            }
            Tree::Not(operand) => {
                let operand = self.add(operand, numbers, work)?;
                self.not(operand, work)
            }
            Tree::Repeat { of, min, max } => {
                let of = self.add(of, numbers, work)?;
                self.repeat(of, *min, *max, work)
            }
        }
    }

    fn concat(&mut self, first: Node, rest: Node, work: &mut usize) -> Result<Node, TooLarge> {
        match (first, rest) {
            (NOTHING, _) | (_, NOTHING) => Ok(NOTHING),
            (EMPTY, node) | (node, EMPTY) => Ok(node),
            (ANYTHING, ANYTHING) => Ok(ANYTHING),
            _ => self.node(Shape::Concat(first, rest), work),
        }
    }

    fn union(&mut self, operands: Vec<Node>, work: &mut usize) -> Result<Node, TooLarge> {
        let mut operands = self.flat(operands, |shape| match shape {
            Shape::Union(inner) => Some(inner),
            _ => None,
        });
        operands.retain(|operand| *operand != NOTHING);
        match operands[..] {
            [] => Ok(NOTHING),
            [operand] => Ok(operand),
            _ if operands.contains(&ANYTHING) => Ok(ANYTHING),
            _ => self.node(Shape::Union(operands.into()), work),
        }
    }

    fn inter(&mut self, operands: Vec<Node>, work: &mut usize) -> Result<Node, TooLarge> {
        let mut operands = self.flat(operands, |shape| match shape {
            Shape::Inter(inner) => Some(inner),
            _ => None,
        });
        operands.retain(|operand| *operand != ANYTHING);
        match operands[..] {
            [] => Ok(ANYTHING),
            [operand] => Ok(operand),
            _ if operands.contains(&NOTHING) => Ok(NOTHING),
            _ => self.node(Shape::Inter(operands.into()), work),
        }
    }

    /// The operands, with those of operands of the same kind, sorted, each once.
    fn flat(&self, operands: Vec<Node>, same: fn(&Shape) -> Option<&Box<[Node]>>) -> Vec<Node> {
        let mut all = Vec::with_capacity(operands.len());
        for operand in operands {
            match same(&self.shapes[operand.0 as usize]) {
                Some(inner) => all.extend_from_slice(inner),
                None => all.push(operand),
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn not(&mut self, operand: Node, work: &mut usize) -> Result<Node, TooLarge> {
        match self.shapes[operand.0 as usize] {
            Shape::Not(inner) => Ok(inner),
            _ => self.node(Shape::Not(operand), work),
        }
    }

    fn repeat(&mut self, of: Node, min: u32, max: Option<u32>, work: &mut usize) -> Result<Node, TooLarge> {
        if max == Some(0) || of == EMPTY || of == NOTHING && min == 0 {
            return Ok(EMPTY);
        }
        if of == NOTHING || of == ANYTHING || (min, max) == (1, Some(1)) {
            return Ok(of);
        }
        match self.shapes[of.0 as usize] {
            Shape::Repeat { min: 0, max: None, .. } => Ok(of),
            Shape::Class(class)
                if (min, max) == (0, None) && self.members.iter().all(|member| member[class]) =>
            {
                Ok(ANYTHING)
            }
            _ => self.node(Shape::Repeat { of, min, max }, work),
        }
    }

    fn node(&mut self, shape: Shape, work: &mut usize) -> Result<Node, TooLarge> {
        if let Some(node) = self.nodes.get(&shape) {
            return Ok(*node);
        }
        let nullable = |node: &Node| self.nullable[node.0 as usize];
        let (is_nullable, size) = match &shape {
            Shape::Nothing | Shape::Class(_) => (false, 1),
            Shape::Empty => (true, 1),
            Shape::Concat(first, rest) => (nullable(first) && nullable(rest), 2),
            Shape::Union(operands) => (operands.iter().any(nullable), operands.len()),
            Shape::Inter(operands) => (operands.iter().all(nullable), operands.len()),
            Shape::Not(operand) => (!nullable(operand), 1),
            Shape::Repeat { of, min, .. } => (*min == 0 || nullable(of), 1),
        };
        spend(work, size)?;
        let node = Node(u32::try_from(self.shapes.len()).map_err(|_| TooLarge)?);
        self.shapes.push(shape.clone());
        self.nullable.push(is_nullable);
        self.nodes.insert(shape, node);
        Ok(node)
    }
}

fn spend(work: &mut usize, amount: usize) -> Result<(), TooLarge> {
    *work = work.checked_sub(amount).ok_or(TooLarge)?;
    Ok(())
}

fn collect_classes<'t>(
    tree: &'t Tree,
    classes: &mut Vec<&'t ClassUnicode>,
    numbers: &mut HashMap<Box<[(char, char)]>, usize>,
) {
    match tree {
        Tree::Class(class) => {
            numbers.entry(key(class)).or_insert_with(|| {
                classes.push(class);
                classes.len() - 1
            });
        }
        Tree::Concat(trees) | Tree::Union(trees) | Tree::Inter(trees) => {
            trees.iter().for_each(|tree| collect_classes(tree, classes, numbers));
        }
        Tree::Not(of) | Tree::Repeat { of, .. } => collect_classes(of, classes, numbers),
        Tree::Nothing | Tree::Empty => {}
    }
}

fn key(class: &ClassUnicode) -> Box<[(char, char)]> {
    class.ranges().iter().map(|range| (range.start(), range.end())).collect()
}
