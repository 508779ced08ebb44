//! Which texts a regular expression cannot match without, read off its syntax without compiling it.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_syntax::ast::{Ast, RepetitionKind, RepetitionRange, parse::Parser};

/// Which of many expressions may match a text, found in one pass over it.
pub(super) struct RequiredTexts {
    /// Finds the required texts of all expressions; `None` when it cannot be made.
    automaton: Option<AhoCorasick>,
    /// For each required text the expression that requires it.
    owners: Vec<usize>,
    /// Expressions of which nothing is known.
    others: Vec<usize>,
    expressions: usize,
}

impl RequiredTexts {
    pub(super) fn of<'e>(expressions: impl ExactSizeIterator<Item = &'e str>) -> Self {
        let mut made =
            Self { automaton: None, owners: Vec::new(), others: Vec::new(), expressions: expressions.len() };
        let mut texts = Vec::new();
        for (number, expression) in expressions.enumerate() {
            match required_by(expression) {
                Some(required) => {
                    made.owners.extend(required.iter().map(|_| number));
                    texts.extend(required);
                }
                None => made.others.push(number),
            }
        }
        let mut builder = AhoCorasick::builder();
        // Built for each run anew, and used for few agents.
        builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::NoncontiguousNFA));
        made.automaton = builder.build(texts).ok();
        made
    }

    /// The numbers of the expressions that may match a text, in order. The others cannot.
    pub(super) fn may_match(&self, text: &str) -> Vec<usize> {
        // Expressions that ignore case take some letters beyond ASCII for `k` and `s`.
        let Some(automaton) = self.automaton.as_ref().filter(|_| text.is_ascii()) else {
            return (0..self.expressions).collect();
        };
        let found =
            automaton.find_overlapping_iter(text).map(|found| self.owners[found.pattern().as_usize()]);
        let mut numbers: Vec<usize> = found.chain(self.others.iter().copied()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// Texts of which every match of an expression has at least one, in lower case; `None` when nothing is known of it.
fn required_by(expression: &str) -> Option<Vec<String>> {
    required(&Parser::new().parse(expression).ok()?)
}

fn required(ast: &Ast) -> Option<Vec<String>> {
    match ast {
        Ast::Literal(_) => required_of_all(std::slice::from_ref(ast)),
        Ast::Group(group) => required(&group.ast),
        Ast::Concat(concat) => required_of_all(&concat.asts),
        Ast::Alternation(either) => {
            let branches: Option<Vec<_>> = either.asts.iter().map(required).collect();
            Some(branches?.concat())
        }
        Ast::Repetition(repetition) => match repetition.op.kind {
            RepetitionKind::OneOrMore
            | RepetitionKind::Range(
                RepetitionRange::Exactly(1..)
                | RepetitionRange::AtLeast(1..)
                | RepetitionRange::Bounded(1.., _),
            ) => required(&repetition.ast),
            RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore | RepetitionKind::Range(_) => None,
        },
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => None,
    }
}

/// Of parts that follow one another: what the most telling of them requires. Literals in a row are one part.
fn required_of_all(parts: &[Ast]) -> Option<Vec<String>> {
    let mut best: Option<Vec<String>> = None;
    let mut offer = |texts: Vec<String>| {
        if telling(&texts) > best.as_deref().map_or(0, telling) {
            best = Some(texts);
        }
    };
    let mut row = String::new();
    for part in parts {
        match part {
            Ast::Literal(literal) if literal.c.is_ascii() => row.push(literal.c.to_ascii_lowercase()),
            // Nothing stands between what is before and behind these.
            Ast::Assertion(_) | Ast::Flags(_) | Ast::Empty(_) => {}
            part => {
                offer(vec![std::mem::take(&mut row)]);
                if !matches!(part, Ast::Literal(_)) {
                    required(part).into_iter().for_each(&mut offer);
                }
            }
        }
    }
    offer(vec![row]);
    best
}

/// How well one of several texts tells a match from other texts: as well as the shortest of them.
fn telling(texts: &[String]) -> usize {
    texts.iter().map(String::len).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_match_can_do_without_is_found() {
        for (expression, expected) in [
            ("(GeoEvent Server) (\\d+)", Some(vec!["geoevent server"])),
            ("a\\.bc[de]", Some(vec!["a.bc"])),
            ("(?:ab|cd)x*", Some(vec!["ab", "cd"])),
            ("(?i)^AB\\bC$", Some(vec!["abc"])),
            ("(ab)?c", Some(vec!["c"])),
            ("(ab){0,3}(cd){2}", Some(vec!["cd"])),
            ("abc?d+", Some(vec!["ab"])),
            ("\u{e9}ab\u{e9}c", Some(vec!["ab"])),
            ("(?:ab|)", None),
            ("[ab]\\w.", None),
            ("", None),
            ("(", None),
        ] {
            let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(required_by(expression), expected, "{expression}");
        }
    }

    #[test]
    fn expressions_without_their_texts_are_left_out() {
        let texts = RequiredTexts::of(["abc", "(bc|xy)d?", "\\d+", "zz"].into_iter());
        assert_eq!(texts.may_match("..ABC.."), [0, 1, 2]);
        assert_eq!(texts.may_match("xYzZ"), [1, 2, 3]);
        assert_eq!(texts.may_match(""), [2]);
        assert_eq!(texts.may_match("\u{e9}"), [0, 1, 2, 3]);
    }
}
