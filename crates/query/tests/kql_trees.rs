//! KQL texts and the trees they stand for.

use bartizan_query::kql::ast::{Expr, Literal, Pattern, Values};
use bartizan_query::kql::{MAX_DEPTH, parse};

/// A tree in brackets: `a:"x"` quoted, `'x'` unquoted, `~x*~` wildcard.
fn shown(node: &Expr) -> String {
    let all = |nodes: &[Expr]| nodes.iter().map(shown).collect::<Vec<_>>().join(" ");
    match node {
        Expr::All => "(all)".into(),
        Expr::And(nodes) => format!("(and {})", all(nodes)),
        Expr::Or(nodes) => format!("(or {})", all(nodes)),
        Expr::Not(inner) => format!("(not {})", shown(inner)),
        Expr::Is { field, values } => format!("[{}]={}", field_shown(&field.value), values_shown(values)),
        Expr::Range { field, op, bound } => {
            format!("[{}]{op}{}", field_shown(&field.value), literal_shown(&bound.value))
        }
        Expr::Nested { path, query } => format!("[{}]{{{}}}", field_shown(&path.value), shown(query)),
        Expr::Bare(literal) => literal_shown(&literal.value),
        Expr::Invalid => "INVALID".into(),
    }
}

fn values_shown(node: &Values) -> String {
    let all = |nodes: &[Values]| nodes.iter().map(values_shown).collect::<Vec<_>>().join(" ");
    match node {
        Values::One(literal) => literal_shown(&literal.value),
        Values::And(nodes) => format!("(and {})", all(nodes)),
        Values::Or(nodes) => format!("(or {})", all(nodes)),
        Values::Not(inner) => format!("(not {})", values_shown(inner)),
        Values::Invalid => "INVALID".into(),
    }
}

fn literal_shown(literal: &Literal) -> String {
    match literal {
        Literal::Quoted(text) => format!("{text:?}"),
        Literal::Unquoted(text) => format!("'{}'", text.escape_debug()),
        Literal::Wildcard(pattern) => format!("~{}~", field_shown(pattern)),
        Literal::Bool(value) => value.to_string(),
        Literal::Null => "null".into(),
    }
}

/// Live stars are `⋆`.
fn field_shown(pattern: &Pattern) -> String {
    pattern.parts.join("⋆").escape_debug().to_string()
}

/// Text, tree. Every one parses without any diagnostic.
const TREES: &[(&str, &str)] = &[
    ("", "(all)"),
    (" \t\r\n\u{A0}", "(all)"),
    // Fields, values, white space.
    ("a:b", "[a]='b'"),
    ("  a : b  ", "[a]='b'"),
    ("a\u{A0}:\u{A0}b\u{A0}", "[a]='b'"),
    ("a.b-c_d@e:1,2;3", "[a.b-c_d@e]='1,2;3'"),
    ("a: foo bar", "[a]='foo bar'"),
    ("a: foo  \n bar", "[a]='foo  \\n bar'"),
    ("foo bar", "'foo bar'"),
    ("\"foo bar\"", "\"foo bar\""),
    ("my field: x", "[my field]='x'"),
    ("\"my:field\": x", "[my:field]='x'"),
    (r"my\:field: x", "[my:field]='x'"),
    ("file.hash.*: x", "[file.hash.⋆]='x'"),
    ("\"file.*\": x", "[file.*]='x'"),
    ("a:10.0.0.0/8", "[a]='10.0.0.0/8'"),
    ("a:what?", "[a]='what?'"),
    ("a:\u{3000}b", "[a]='b'"),
    // Precedence and chains.
    ("a:1 and b:2 or c:3", "(or (and [a]='1' [b]='2') [c]='3')"),
    ("a:1 or b:2 and c:3", "(or [a]='1' (and [b]='2' [c]='3'))"),
    ("not a:1 and b:2", "(and (not [a]='1') [b]='2')"),
    ("not (a:1 or b:2)", "(not (or [a]='1' [b]='2'))"),
    ("a:1 and b:2 and c:3", "(and [a]='1' [b]='2' [c]='3')"),
    ("(a:1 and b:2) and c:3", "(and (and [a]='1' [b]='2') [c]='3')"),
    ("((a:1))", "[a]='1'"),
    ("a:1 AND b:2 Or NOT c:3", "(or (and [a]='1' [b]='2') (not [c]='3'))"),
    ("a:1\nand\u{A0}b:2", "(and [a]='1' [b]='2')"),
    ("not (not a:1)", "(not (not [a]='1'))"),
    // Words that only look like operators.
    ("a:andy and orb:not1", "(and [a]='andy' [orb]='not1')"),
    ("a:sand or b:floor", "(or [a]='sand' [b]='floor')"),
    ("nothing:x", "[nothing]='x'"),
    ("not:x", "[not]='x'"),
    ("a:rock and-roll", "[a]='rock and-roll'"),
    ("a:knot", "[a]='knot'"),
    ("a:(OR)", "[a]='OR'"),
    ("a:(CA or OR or WA)", "[a]=(or 'CA' 'OR' 'WA')"),
    // Value lists.
    ("a:(1 or 2)", "[a]=(or '1' '2')"),
    ("a:(1 or 2 and not 3)", "[a]=(or '1' (and '2' (not '3')))"),
    ("a:((1 or 2) and not (3 or \"4\"))", "[a]=(and (or '1' '2') (not (or '3' \"4\")))"),
    ("a:(x)", "[a]='x'"),
    ("a:(foo bar or baz)", "[a]=(or 'foo bar' 'baz')"),
    ("a:(1 and 2 and 3)", "[a]=(and '1' '2' '3')"),
    ("a:(1 and (2 and 3))", "[a]=(and '1' (and '2' '3'))"),
    // true, false and null are themselves only in lower case and without quotes.
    ("a:true and b:false and c:null", "(and [a]=true [b]=false [c]=null)"),
    ("a:\"true\" and b:TRUE", "(and [a]=\"true\" [b]='TRUE')"),
    ("null", "null"),
    ("a:truer", "[a]='truer'"),
    // Escapes in quotes: a backslash that escapes nothing stays.
    (r#"a:"q\"q""#, r#"[a]="q\"q""#),
    (r#"a:"C:\Program Files""#, r#"[a]="C:\\Program Files""#),
    (r#"a:"x\\y""#, r#"[a]="x\\y""#),
    (r#"a:"\t\r\n""#, r#"[a]="\t\r\n""#),
    (r#"a:"\u0041\u00e9\u0000""#, "[a]=\"Aé\\0\""),
    (r#"a:"\u12""#, r#"[a]="\\u12""#),
    (r#"a:"\ud83d\ude00""#, "[a]=\"😀\""),
    (r#"a:"1*2?(3)""#, r#"[a]="1*2?(3)""#),
    (r#"a:"and or not""#, r#"[a]="and or not""#),
    (r#"a:"""#, r#"[a]="""#),
    ("a:\"two\nlines\"", "[a]=\"two\\nlines\""),
    // Escapes without quotes.
    (r#"a:\\\(\)\:\<\>\"\*\{\}"#, r#"[a]='\\():<>\"*{}'"#),
    (r"a:\:\:1", "[a]='::1'"),
    (r"a:x \and y", "[a]='x and y'"),
    (r"a:x \OR y", "[a]='x OR y'"),
    (r"a:x \not y", "[a]='x not y'"),
    (r"a:can\not y", "[a]='cannot y'"),
    (r"a:x\notnot", "[a]='x\\notnot'"),
    (r"a:x\notepad", "[a]='x\\notepad'"),
    (r"a:\u0041b", "[a]='Ab'"),
    (r"a:x\ty", "[a]='x\\ty'"),
    (r"a:x\t", "[a]='x'"),
    (r"a:\t", "[a]=''"),
    // Wildcards.
    ("a:*", "[a]=~⋆~"),
    ("*:*", "[⋆]=~⋆~"),
    ("*", "~⋆~"),
    ("a:foo*bar", "[a]=~foo⋆bar~"),
    ("a:*foo bar*", "[a]=~⋆foo bar⋆~"),
    (r"a:x\**", "[a]=~x*⋆~"),
    ("a:**", "[a]=~⋆⋆~"),
    ("a:(x* or *y)", "[a]=(or ~x⋆~ ~⋆y~)"),
    ("a:* and b:*", "(and [a]=~⋆~ [b]=~⋆~)"),
    // Ranges.
    ("a > 1", "[a]>'1'"),
    ("a>=1 and a<=2 and a<3", "(and [a]>='1' [a]<='2' [a]<'3')"),
    ("a < \"2020-01-01\"", "[a]<\"2020-01-01\""),
    ("@timestamp >= now-30d/d", "[@timestamp]>='now-30d/d'"),
    ("a* > 1", "[a⋆]>'1'"),
    // Nested.
    ("p:{a:1 and b:2}", "[p]{(and [a]='1' [b]='2')}"),
    ("p : { q:{ a:1 } or b > 2 }", "[p]{(or [q]{[a]='1'} [b]>'2')}"),
    ("not p:{not a:(1 or 2)}", "(not [p]{(not [a]=(or '1' '2'))})"),
    ("p:{(a:1 or b:2) and c:3}", "[p]{(and (or [a]='1' [b]='2') [c]='3')}"),
    ("(p:{a:1}) and x", "(and [p]{[a]='1'} 'x')"),
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
    ("((a : 1) or (b : 2 and ((c : 3))))", "a:1 or b:2 and c:3"),
    ("(a:1 or b:2) and (not (c:3))", "(a:1 or b:2) and not c:3"),
    ("(a:1 and b:2) and c:3", "(a:1 and b:2) and c:3"),
    ("NOT (a:1 OR b:2)", "not (a:1 or b:2)"),
    ("a:((1) or ((2 and 3)))", "a:(1 or 2 and 3)"),
    ("a:(((1)))", "a:1"),
    ("a>=1", "a >= 1"),
    ("p:{a:1}", "p:{ a:1 }"),
    (r#"a:"C:\Program Files\*""#, r#"a:"C:\\Program Files\\*""#),
    (r"a:x \and \(y\)*", r"a:x \and \(y\)*"),
    ("\" a\":x", "\" a\":x"),
    ("", ""),
];

#[test]
fn printing_is_minimal() {
    for (text, printed) in PRINTED {
        assert_eq!(parse(text).tree.to_string(), *printed, "{text:?}");
    }
}

#[test]
fn literals_know_their_places() {
    let Expr::Is { field, values: Values::One(value) } = parse(" é:  \"ß\" ").tree else {
        panic!("not a field and a value")
    };
    assert_eq!((field.span.start, field.span.end), (1, 3));
    assert_eq!((value.span.start, value.span.end), (6, 10));
}

#[test]
fn nesting_has_a_limit() {
    let text = |depth: usize| format!("{}a:1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&text(MAX_DEPTH)).is_ok());
    for text in [text(MAX_DEPTH + 1), text(100_000), "a:(".repeat(100_000), "p:{".repeat(100_000)] {
        let codes: Vec<_> = parse(&text).diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes.last(), Some(&"kql::too-deep"), "{codes:?}");
        assert_eq!(codes.iter().filter(|code| **code == "kql::too-deep").count(), 1);
    }
    let nots = parse(&format!("{}a:1", "not ".repeat(100_000)));
    assert_eq!(shown(&nots.tree), "(not [a]='1')");
    assert_eq!(nots.diagnostics.len(), 99_999);
}
