//! Lucene's regular expressions: RLIKE of ES|QL, `regex` and `regex~` of EQL, `/…/` in Lucene queries.
//!
//! The whole value must match; `.` is any character, line breaks too; `^` and `$` are ordinary characters. `@` is any
//! text, `#` no text at all, `"…"` literal text, `()` the empty text, `<1-31>` a whole number in that interval. `a&b` is
//! what matches both and `~a` what does not match; `~` binds closer than a repetition, `&` closer than `|`.
//! `\d \s \w` and their negations are of ASCII; any other letter behind a backslash is refused. There are no options:
//! `(?i)` is literal text in a group. Named automata `<name>` are refused, as there are none.
//!
//! Source: apache/lucene, `org.apache.lucene.util.automaton.RegExp` of Lucene 10, with all its syntax and its
//! `DEPRECATED_COMPLEMENT`: so read ES|QL (`RLikePattern`) and Elasticsearch's regexp queries (`RegexpFlag.ALL`), which
//! EQL makes. Unlike there, ranges in classes fold too where case does not count.

mod alphabet;
mod automaton;
mod derivative;
mod interval;
mod syntax;
#[cfg(test)]
mod tests;
mod translation;

use std::sync::Arc;

use regex::Regex;

use self::automaton::Automaton;
use self::syntax::Tree;
use crate::ResolveError;

/// What may be done to work out an automaton, in derivatives and the size of their expressions.
const MOST_WORK: usize = 1_000_000;
/// What may be done to find the intersections of a pattern that match nothing.
const MOST_WORK_ON_INTERSECTIONS: usize = 100_000;

/// A compiled regular expression; cheap to clone.
#[derive(Debug, Clone)]
pub struct LuceneRegex(Matcher);

#[derive(Debug, Clone)]
enum Matcher {
    Translated(Regex),
    /// For intersections and complements, which the `regex` crate does not know.
    Automaton(Arc<Automaton>),
}

impl LuceneRegex {
    /// True when the whole text fits.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match &self.0 {
            Matcher::Translated(regex) => regex.is_match(text),
            Matcher::Automaton(automaton) => automaton.is_match(text),
        }
    }
}

/// Compiles a Lucene regular expression; `caseless` folds by Unicode simple case folding.
///
/// # Errors
/// When the text is no regular expression, nests too deep, or is too large when compiled: all states of an expression
/// with an intersection or a complement are worked out here, so that a match takes time in proportion to the text.
pub fn compile(pattern: &str, caseless: bool) -> Result<LuceneRegex, ResolveError> {
    let fail = |reason: String| ResolveError::Regex { pattern: pattern.to_owned(), reason };
    let too_large = || fail("too large when compiled".to_owned());
    let mut tree = syntax::parse(pattern, caseless).map_err(fail)?;
    if tree.is_extended() {
        tree = without_empty_intersections(tree, &mut { MOST_WORK_ON_INTERSECTIONS });
    }
    let matcher = match translation::translate(&tree) {
        Some(Ok(regex)) => Matcher::Translated(regex),
        Some(Err(regex::Error::CompiledTooBig(_))) => return Err(too_large()),
        Some(Err(other)) => {
            let reason = other.to_string();
            return Err(fail(reason.lines().last().unwrap_or("not a regular expression").trim().to_owned()));
        }
        None => {
            let automaton = Automaton::new(&tree, &mut { MOST_WORK }).map_err(|_| too_large())?;
            Matcher::Automaton(Arc::new(automaton))
        }
    };
    Ok(LuceneRegex(matcher))
}

/// Drops branches with an intersection that nothing fits, such as the one that an unescaped `>&1` makes. What remains is
/// often free of intersections.
fn without_empty_intersections(tree: Tree, work: &mut usize) -> Tree {
    let mut each = |trees: Vec<Tree>| -> Vec<Tree> {
        trees.into_iter().map(|tree| without_empty_intersections(tree, work)).collect()
    };
    match tree {
        Tree::Concat(parts) => Tree::concat(each(parts)),
        Tree::Union(branches) => Tree::union(each(branches)),
        Tree::Inter(operands) => {
            let tree = Tree::Inter(each(operands));
            match Automaton::new(&tree, work) {
                Ok(automaton) if automaton.is_empty() => Tree::Nothing,
                _ => tree,
            }
        }
        Tree::Not(of) => Tree::Not(Box::new(without_empty_intersections(*of, work))),
        Tree::Repeat { of, min, max } => without_empty_intersections(*of, work).repeat(min, max),
        Tree::Nothing | Tree::Empty | Tree::Class(_) => tree,
    }
}
