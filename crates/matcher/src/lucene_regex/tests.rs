//! Tests of Lucene's regular expressions: what is read and what matches.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn the_dialect() {
    for (pattern, value, expected) in [
        ("", "", true),
        ("", "a", false),
        ("abc", "abc", true),
        ("ab", "abc", false),
        ("a.c", "a\nc", true),
        ("a|bc", "bc", true),
        ("(a|b)+c", "abac", true),
        ("[a-c]{2,3}", "abc", true),
        ("[^a-c]", "d", true),
        ("[a\\-c]", "-", true),
        ("[-a]", "-", true),
        ("[]a]", "]", true),
        ("[.]", "x", false),
        ("[9-\\]]", "A", true),
        ("[\\]-c]", "-", true),
        ("[\\]-c]", "a", false),
        ("[\\d_]", "7", true),
        ("[^\\d\\D]", "7", false),
        ("^a$", "^a$", true),
        ("\\d+\\s\\w*", "12 ab_", true),
        ("\\D\\S\\W", "ab-", true),
        ("a@", "anything", true),
        ("\"a.c\"", "a.c", true),
        ("\"a.c\"", "abc", false),
        ("a\"\"b", "ab", true),
        ("a()b", "ab", true),
        ("()", "", true),
        ("a\\.b", "a.b", true),
        ("(ab){2}?", "abab", true),
        ("a+?b", "aab", true),
        ("a{2}*", "aaaa", true),
        ("a{2}*", "aaa", false),
        ("a{0}", "", true),
        ("a{2,}", "aaa", true),
        ("/path", "/path", true),
        ("#", "", false),
        ("#|a", "a", true),
        ("#*", "", true),
        ("é+", "éé", true),
        // The first element is read whatever it is.
        ("*", "*", true),
        ("|a", "|a", true),
        ("a||b", "|b", true),
        ("a||b", "b", false),
        ("(?i)a", "?ia", true),
        ("(?i)a", "A", false),
        ("(|a)", "|a", true),
        (")", ")", true),
        ("a|)", ")", true),
        ("&a", "&a", true),
        ("]}", "]}", true),
        // Intersection.
        ("a.&.b", "ab", true),
        ("a.&.b", "aa", false),
        (".*a.*&.*b.*", "xbya", true),
        (".*a.*&.*b.*", "xbyb", false),
        ("a&a|b", "b", true),
        ("a&b|b", "b", true),
        ("a&b|b", "a", false),
        ("a&&b", "a", false),
        ("&a&&a", "&a", true),
        (".+&|a", "|a", true),
        ("x(..&.a){2}", "xbaca", true),
        ("\\&", "&", true),
        ("[&~<]", "~", true),
        // Complement.
        ("~a", "a", false),
        ("~a", "", true),
        ("~a", "aa", true),
        ("~~a", "a", true),
        ("~~a", "b", false),
        ("~ab", "ab", false),
        ("~ab", "abb", true),
        ("~a*", "a", false),
        ("~(a*)", "aa", false),
        ("~(.*evil.*)", "good", true),
        ("~(.*evil.*)", "an evil one", false),
        ("~(.*evil.*)&.*\\.exe", "good.exe", true),
        ("~(.*evil.*)&.*\\.exe", "evil.exe", false),
        ("~#", "anything", true),
        ("~@", "", false),
        ("~[^a]", "a", true),
        // Intervals.
        ("<1-9>", "5", true),
        ("<1-9>", "0", false),
        ("<1-9>", "05", false),
        ("<9-1>", "5", true),
        ("<1-12>", "12", true),
        ("<1-12>", "13", false),
        ("<1-12>", "0007", true),
        ("<0-12>", "", false),
        ("<0-12>", "000", true),
        ("<01-12>", "7", false),
        ("<01-12>", "07", true),
        ("<0001-0012>", "0012", true),
        ("<0001-0012>", "012", false),
        ("10\\.<0-255>\\.<0-255>\\.<0-255>", "10.0.255.31", true),
        ("10\\.<0-255>\\.<0-255>\\.<0-255>", "10.0.256.31", false),
        ("<0-2147483647>", "2147483647", true),
        ("<0-2147483647>", "2147483648", false),
    ] {
        assert_eq!(compile(pattern, false).unwrap().is_match(value), expected, "{pattern} {value:?}");
    }
}

#[test]
fn case_that_does_not_count() {
    for (pattern, value, expected) in [
        ("ABC.*", "abcd", true),
        ("[A-C]", "b", true),
        ("[^a]", "A", false),
        ("\"Éa\"", "éA", true),
        ("~a", "A", false),
        ("A.&.b", "aB", true),
        ("\\w", "\u{17f}", false),
    ] {
        assert_eq!(compile(pattern, true).unwrap().is_match(value), expected, "{pattern} {value:?}");
    }
}

#[test]
fn what_is_no_regular_expression_is_refused_with_the_reason() {
    for (pattern, part) in [
        ("(a", "not closed"),
        ("a)", "not opened"),
        ("(a|)", "not closed"),
        ("[a", "not closed"),
        ("[]", "not closed"),
        ("[a-]", "wrong order"),
        ("[b-a]", "wrong order"),
        ("a\\", "more has to follow"),
        ("a|", "more has to follow"),
        ("a&", "more has to follow"),
        ("~", "more has to follow"),
        ("\\b", "no meaning"),
        ("[\\n]", "no meaning"),
        ("a{x}", "not well formed"),
        ("a{1", "not well formed"),
        ("a{,2}", "not well formed"),
        ("a{2,1}", "wrong order"),
        ("a{2147483648}", "too large"),
        ("\"a", "not closed"),
        ("<1-9", "not closed"),
        ("<name>", "no interval"),
        ("<1-2-3>", "no interval"),
        ("<-9>", "no interval"),
        ("<1-2147483648>", "no interval"),
        ("a{2147483647}", "too large when compiled"),
        ("~(.*a.{18})", "too large when compiled"),
    ] {
        let error = compile(pattern, false).unwrap_err().to_string();
        assert!(error.contains(part), "{pattern}: {error}");
    }
}

#[test]
fn nesting_ends_in_an_error() {
    for (begin, end) in [("(", ")"), ("~", ""), ("(~(b|c", ")*&d)"), ("", "*")] {
        for depth in [20, 99, 10_000] {
            let pattern = format!("{}a{}", begin.repeat(depth), end.repeat(depth));
            match compile(&pattern, false) {
                Ok(regex) => {
                    assert_eq!(regex.is_match("x"), begin == "~" && depth % 2 == 1, "{begin} {depth}")
                }
                Err(error) => assert!(depth > 20, "{begin} {depth}: {error}"),
            }
        }
    }
}

#[test]
fn an_intersection_that_nothing_fits_leaves_the_rest_to_the_regex_crate() {
    let regex = compile(".*(nc\\s+-e|sh\\s+>&|0>&1|>&\\s*/dev).*", false).unwrap();
    assert!(matches!(regex.0, Matcher::Translated(_)));
    assert!(regex.is_match("run nc  -e now"));
    assert!(!regex.is_match("sh >&0>&1"));
    assert!(matches!(compile("a.&.b", false).unwrap().0, Matcher::Automaton(_)));
}

proptest! {
    #[test]
    fn any_text_is_compiled_or_refused(pattern in ".{0,20}", signs in r#"[ab&|~()\[\]{}<>\-0-9"\\^*+?.,#@]{0,20}"#) {
        for pattern in [pattern, signs] {
            if let Ok(regex) = compile(&pattern, true) {
                let _ = regex.is_match(&pattern);
            }
        }
    }

    #[test]
    fn a_pattern_matches_what_its_tree_means(tree in tree(), texts in texts()) {
        let pattern = written(&tree);
        let regex = compile(&pattern, false).unwrap();
        for text in &texts {
            prop_assert_eq!(regex.is_match(text), means(&tree, text), "{} {:?}", pattern, text);
        }
    }

    #[test]
    fn automaton_and_translation_agree(tree in plain_tree(), texts in texts()) {
        let automaton = Automaton::new(&tree, &mut { MOST_WORK }).unwrap();
        let regex = translation::translate(&tree).unwrap().unwrap();
        for text in &texts {
            prop_assert_eq!(automaton.is_match(text), regex.is_match(text), "{:?}", text);
            prop_assert_eq!(automaton.is_match(text), means(&tree, text), "{:?}", text);
        }
    }

    #[test]
    fn automata_of_any_tree_match_what_it_means(tree in tree(), texts in texts()) {
        let automaton = Automaton::new(&tree, &mut { MOST_WORK }).unwrap();
        for text in &texts {
            prop_assert_eq!(automaton.is_match(text), means(&tree, text), "{:?}", text);
        }
        prop_assert!(!automaton.is_empty() || !texts.iter().any(|text| means(&tree, text)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn intervals_hold_the_numbers_between_their_bounds(one in number(), other in number(), value in number(), zeros in 0..3usize) {
        let text = format!("{}{value}", "0".repeat(zeros));
        let regex = compile(&format!("<{one}-{other}>"), false).unwrap();
        let bounds = [one.to_string(), other.to_string()];
        let is_within = (one.min(other)..=one.max(other)).contains(&value);
        let fits = bounds[0].len() != bounds[1].len() || text.len() == bounds[0].len();
        prop_assert_eq!(regex.is_match(&text), is_within && fits);
    }
}

fn number() -> impl Strategy<Value = i32> {
    prop_oneof![0..30, 80..130, 0..=i32::MAX]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[abcé]{0,6}", 1..20)
}

fn tree() -> impl Strategy<Value = Tree> {
    leaf().prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            3 => plain(inner.clone()),
            1 => proptest::collection::vec(inner.clone(), 2..4).prop_map(Tree::Inter),
            1 => inner.prop_map(|of| Tree::Not(Box::new(of))),
        ]
    })
}

fn plain_tree() -> impl Strategy<Value = Tree> {
    leaf().prop_recursive(4, 16, 3, plain)
}

fn leaf() -> impl Strategy<Value = Tree> {
    prop_oneof![
        1 => Just(Tree::Nothing),
        1 => Just(Tree::Empty),
        1 => Just(Tree::any_character()),
        1 => Just(Tree::any_text()),
        4 => proptest::sample::select(vec!['a', 'b', 'c', 'é']).prop_map(Tree::character),
        1 => Just(Tree::range('b', 'z')),
    ]
}

fn plain(inner: impl Strategy<Value = Tree> + Clone) -> impl Strategy<Value = Tree> {
    let several = proptest::collection::vec(inner.clone(), 2..4);
    prop_oneof![
        several.clone().prop_map(Tree::Concat),
        several.prop_map(Tree::Union),
        (inner, 0..3u32, proptest::option::of(0..3u32))
            .prop_map(|(of, min, more)| of.repeat(min, more.map(|more| min + more))),
    ]
}

fn written(tree: &Tree) -> String {
    let joined = |trees: &[Tree], sign: &str| {
        format!("({})", trees.iter().map(written).collect::<Vec<_>>().join(sign))
    };
    match tree {
        Tree::Nothing => "#".to_owned(),
        Tree::Empty => "()".to_owned(),
        Tree::Class(class) => {
            let range = class.ranges()[0];
            match (range.start(), range.end()) {
                ('\0', _) => ".".to_owned(),
                (from, to) if from == to => from.to_string(),
                (from, to) => format!("[{from}-{to}]"),
            }
        }
        Tree::Concat(parts) => joined(parts, ""),
        Tree::Union(branches) => joined(branches, "|"),
        Tree::Inter(operands) => joined(operands, "&"),
        Tree::Not(of) => format!("~{}", written(of)),
        Tree::Repeat { of, min, max } => match max {
            Some(max) => format!("({}{{{min},{max}}})", written(of)),
            None => format!("({}{{{min},}})", written(of)),
        },
    }
}

/// What a tree means, straight from its definition.
fn means(tree: &Tree, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    ends(tree, &text, 0).contains(&text.len())
}

/// Where a match that starts at a place can end.
fn ends(tree: &Tree, text: &[char], start: usize) -> BTreeSet<usize> {
    let follow = |tree: &Tree, starts: &BTreeSet<usize>| -> BTreeSet<usize> {
        starts.iter().flat_map(|start| ends(tree, text, *start)).collect()
    };
    let here = BTreeSet::from([start]);
    match tree {
        Tree::Nothing => BTreeSet::new(),
        Tree::Empty => here,
        Tree::Class(class) => {
            let holds =
                |c: &char| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(c));
            text.get(start).filter(|c| holds(c)).map(|_| start + 1).into_iter().collect()
        }
        Tree::Concat(parts) => parts.iter().fold(here, |starts, part| follow(part, &starts)),
        Tree::Union(branches) => branches.iter().flat_map(|branch| ends(branch, text, start)).collect(),
        Tree::Inter(operands) => {
            let all = (start..=text.len()).collect();
            operands.iter().fold(all, |all: BTreeSet<_>, operand| &all & &ends(operand, text, start))
        }
        Tree::Not(of) => {
            let not = ends(of, text, start);
            (start..=text.len()).filter(|end| !not.contains(end)).collect()
        }
        Tree::Repeat { of, min, max } => {
            let mut found = BTreeSet::new();
            let mut reached = here;
            // One more than there are places suffices where the number of repetitions is open.
            for count in 0..=max.unwrap_or(min + text.len() as u32 + 1) {
                if count >= *min {
                    found.extend(&reached);
                }
                reached = follow(of, &reached);
            }
            found
        }
    }
}
