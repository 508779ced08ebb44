//! Lucene query strings and the trees they stand for.

use bartizan_query::lucene::ast::{Bound, Clause, FieldPattern, Occur, Query, Term, WildcardPart};
use bartizan_query::lucene::{MAX_DEPTH, parse};

/// Clauses with their mark (`+`, `-`, none); `'word'`, `~wild⋆card~`, `"phrase"`, `/regex/`; live stars are `⋆`.
fn shown(query: &Query) -> String {
    query.clauses.iter().map(clause_shown).collect::<Vec<_>>().join(" ")
}

fn clause_shown(clause: &Clause) -> String {
    let mark = match clause.occur {
        Occur::Must => "+",
        Occur::Should => "",
        Occur::MustNot => "-",
    };
    let field =
        clause.field.as_ref().map(|field| format!("[{}]", field_shown(&field.value))).unwrap_or_default();
    let boost = clause.boost.map(|boost| format!("^{boost}")).unwrap_or_default();
    format!("{mark}{field}{}{boost}", term_shown(&clause.term.value))
}

fn field_shown(field: &FieldPattern) -> String {
    field.parts.join("⋆")
}

fn term_shown(term: &Term) -> String {
    let bound = |bound: &Option<Bound>| match bound {
        None => "∞".to_owned(),
        Some(bound) => format!("{}{}", if bound.inclusive { "=" } else { "" }, bound.text),
    };
    match term {
        Term::Word(text) => format!("'{text}'"),
        Term::Wildcard(parts) => {
            let part = |part: &WildcardPart| match part {
                WildcardPart::Text(text) => text.clone(),
                WildcardPart::Any => "⋆".into(),
                WildcardPart::One => "⋄".into(),
            };
            format!("~{}~", parts.iter().map(part).collect::<String>())
        }
        Term::Phrase { text, slop } => format!("{text:?}{slop}"),
        Term::Fuzzy { text, edits } => format!("fuzzy'{text}'{edits:?}"),
        Term::Regex(text) => format!("/{text}/"),
        Term::Range { lower, upper } => format!("<{} {}>", bound(lower), bound(upper)),
        Term::Group(query) => format!("({})", shown(query)),
        Term::Exists => "exists".into(),
        Term::All => "all".into(),
        Term::Invalid => "INVALID".into(),
    }
}

/// Text, tree. Every one parses without any diagnostic.
const TREES: &[(&str, &str)] = &[
    ("", ""),
    ("  \u{3000}\n", ""),
    ("*", "all"),
    ("*:*", "all"),
    (r"\*:*", "all"),
    ("+*:* -a:b", "+all -[a]'b'"),
    // Words.
    ("foo", "'foo'"),
    ("foo bar", "'foo bar'"),
    ("foo   bar\tbaz", "'foo bar baz'"),
    (r"foo\ bar", "'foo bar'"),
    ("foo OR bar", "'foo' 'bar'"),
    ("foo-bar+baz", "'foo-bar+baz'"),
    ("a&b a|b a=b", "'a&b a|b a=b'"),
    ("a&&b", "'a&&b'"),
    ("ANDy", "'ANDy'"),
    (r"\AND", "'AND'"),
    (r"a\:b\(\)\/\\\!\+", r"'a:b()/\!+'"),
    (r"\-5", "'-5'"),
    (r"\u0041b", "'Ab'"),
    (r"\ud83d\ude00", "'😀'"),
    // Operators mark clauses; they have no precedence.
    ("a AND b", "+'a' +'b'"),
    ("a && b", "+'a' +'b'"),
    ("a OR b AND c", "'a' +'b' +'c'"),
    ("a AND b OR c", "+'a' +'b' 'c'"),
    ("a || b", "'a' 'b'"),
    ("NOT a", "-'a'"),
    ("a NOT b", "'a' -'b'"),
    ("a AND NOT b", "+'a' -'b'"),
    ("NOT a AND b", "-'a' +'b'"),
    ("-a AND b", "-'a' +'b'"),
    ("a OR NOT b", "'a' -'b'"),
    ("!a b", "-'a' 'b'"),
    ("+a -b c", "+'a' -'b' 'c'"),
    ("+a OR b", "+'a' 'b'"),
    ("a !b", "'a' -'b'"),
    // Which words go together.
    ("foo bar AND baz", "'foo' +'bar' +'baz'"),
    ("one two three AND four", "'one two' +'three' +'four'"),
    ("foo bar~", "'foo' fuzzy'bar'None"),
    ("foo bar^2", "'foo' 'bar'^2"),
    ("foo bar:baz", "'foo' [bar]'baz'"),
    ("a:b c d", "[a]'b' 'c d'"),
    ("+a b c", "+'a' 'b c'"),
    ("foo bar *", "'foo' 'bar' all"),
    ("foo bar*", "'foo' ~bar⋆~"),
    // Fields.
    ("a:b", "[a]'b'"),
    ("a : b", "[a]'b'"),
    (r"my\ field:b", "[my field]'b'"),
    (r"a.\*:b", "[a.⋆]'b'"),
    ("*:foo", "[⋆]'foo'"),
    ("a:(b c)", "[a]('b c')"),
    ("a:(b OR c) AND d:e", "+[a]('b' 'c') +[d]'e'"),
    ("a:(+b -\"c d\")", "[a](+'b' -\"c d\"0)"),
    ("a:(b:c)", "[a]([b]'c')"),
    ("a:*", "[a]exists"),
    ("a:(*)", "[a](exists)"),
    ("_exists_:a.b", "[a.b]exists"),
    (r"_exists_:a.\*", "[a.⋆]exists"),
    ("_exists_:\"a b\"", "[a b]exists"),
    ("_exists_:(a OR b)", "([a]exists [b]exists)"),
    ("-_exists_:a", "-[a]exists"),
    ("_exists_:_exists_", "[_exists_]exists"),
    (r"_exists_:\*", "[⋆]exists"),
    // Wildcards, phrases, fuzzy words, boosts, regular expressions.
    ("f?o*", "~f⋄o⋆~"),
    (r"a\*b*", "~a*b⋆~"),
    ("**", "~⋆⋆~"),
    ("?", "~⋄~"),
    ("\"a b\"", "\"a b\"0"),
    ("\"a b\"~3", "\"a b\"3"),
    ("\"a b\"~", "\"a b\"0"),
    ("\"a b\" ~3", "\"a b\"3"),
    (r#""q\"q\\""#, r#""q\"q\\"0"#),
    (r#""""#, r#"""0"#),
    ("foo~", "fuzzy'foo'None"),
    ("foo~0 foo~1 foo~2", "fuzzy'foo'Some(0) fuzzy'foo'Some(1) fuzzy'foo'Some(2)"),
    ("foo~1^2.5", "fuzzy'foo'Some(1)^2.5"),
    ("foo^2.5~1", "fuzzy'foo'Some(1)^2.5"),
    ("(a OR b)^2 c", "('a' 'b')^2 'c'"),
    ("/ab+c/", "/ab+c/"),
    (r"a:/b\/c/", r"[a]/b\/c/"),
    (r"/b\\/ x", r"/b\\/ 'x'"),
    ("//", "//"),
    // Ranges.
    ("[1 TO 5]", "<=1 =5>"),
    ("a:{1 TO 5}", "[a]<1 5>"),
    ("a:[1 TO 5}", "[a]<=1 5>"),
    ("a:{1 TO 5]^3", "[a]<1 =5>^3"),
    ("a:[* TO 5]", "[a]<∞ =5>"),
    ("a:[1 TO *}", "[a]<=1 ∞>"),
    ("a:[* TO *]", "[a]<∞ ∞>"),
    ("a:[\"x y\" TO \"\\\"\"]", "[a]<=x y =\">"),
    ("a:[ now-1d/d  TO\tnow ]", "[a]<=now-1d/d =now>"),
    ("a:[TO TO TO]", "[a]<=TO =TO>"),
    ("a:[2012-01-01T00:00:00.000Z TO 2012-12-31]", "[a]<=2012-01-01T00:00:00.000Z =2012-12-31>"),
    ("a:>5", "[a]<5 ∞>"),
    ("a:>=5", "[a]<=5 ∞>"),
    ("a:<5", "[a]<∞ 5>"),
    ("a:<=-5", "[a]<∞ =-5>"),
    ("a:(>=1 AND <5)", "[a](+<=1 ∞> +<∞ 5>)"),
    ("a:(+>=1 +<5)", "[a](+<=1 ∞> +<∞ 5>)"),
];

#[test]
fn texts_have_their_trees() {
    for (text, tree) in TREES {
        let parsed = parse(text);
        assert_eq!(parsed.diagnostics, [], "{text:?}");
        assert_eq!(shown(&parsed.tree), *tree, "{text:?}");
    }
}

#[test]
fn printed_trees_parse_back() {
    for (text, _) in TREES {
        let tree = parse(text).tree;
        let again = parse(&tree.to_string());
        assert_eq!(again.diagnostics, [], "{text:?} printed as {tree}");
        assert_eq!(again.tree, tree, "{text:?} printed as {tree}");
    }
}

/// Text, printed.
const PRINTED: &[(&str, &str)] = &[
    ("a AND NOT b:(c || d)", "+a -b:(c OR d)"),
    ("_exists_:a.b", "a.b:*"),
    ("a:>5", "a:{5 TO *]"),
    ("foo bar", r"foo\ bar"),
    (r#"a:"C:\\x""#, r#"a:"C:\\x""#),
    ("a:[\"x y\" TO \"TO\"}", "a:[\"x y\" TO \"TO\"}"),
];

#[test]
fn printing_says_the_same_plainly() {
    for (text, printed) in PRINTED {
        assert_eq!(parse(text).tree.to_string(), *printed, "{text:?}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let text = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&text(MAX_DEPTH)).is_ok());
    for text in [text(MAX_DEPTH + 1), text(100_000), "a:(".repeat(100_000)] {
        let codes: Vec<_> = parse(&text).diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, ["lucene::too-deep"]);
    }
}
