//! Which texts a regular expression cannot match without, read off its syntax without compiling it.

use regex_syntax::ast::{Ast, RepetitionKind, RepetitionRange, parse::Parser};

/// Texts of which every match of an expression has at least one, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequiredText(Vec<String>);

impl RequiredText {
    /// `None` when nothing is known of an expression.
    pub(super) fn of(expression: &str) -> Option<Self> {
        Some(Self(required(&Parser::new().parse(expression).ok()?)?))
    }

    /// False when the expression cannot match a text. `lower` is the text with its ASCII letters in lower case.
    ///
    /// Only for texts in ASCII: expressions that ignore case take some letters beyond ASCII for `k` and `s`.
    pub(super) fn may_match(&self, lower: &str) -> bool {
        self.0.iter().any(|text| memchr::memmem::find(lower.as_bytes(), text.as_bytes()).is_some())
    }
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
            let found = RequiredText::of(expression);
            let expected = expected.map(|texts| RequiredText(texts.into_iter().map(str::to_owned).collect()));
            assert_eq!(found, expected, "{expression}");
        }
    }
}
