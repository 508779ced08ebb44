//! Faulty ES|QL queries, what is found wrong with them, and where.

use bartizan_query::Diagnostic;
use bartizan_query::esql::parse;

/// Each finding as `code@text`, the text being what its span covers.
fn shown(text: &str, diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|finding| {
            assert!(finding.label.is_some() && finding.help.is_some(), "{finding:?} lacks a label or help");
            let code = finding.code.strip_prefix("esql::").unwrap_or("foreign");
            let place = finding.span.and_then(|span| text.get(span.start..span.end));
            format!("{code}@{}", place.unwrap_or("nowhere"))
        })
        .collect()
}

/// Compares what is found with what is expected, for all texts at once.
fn check(cases: impl Iterator<Item = (String, &'static [&'static str])>) {
    let mut differences = Vec::new();
    for (text, findings) in cases {
        let parsed = parse(&text);
        let found = shown(&text, &parsed.diagnostics);
        if found != findings || parsed.is_ok() {
            differences.push(format!("{text}\n  found {found:?}\n  meant {findings:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Condition, findings. All are errors.
const CONDITIONS: &[(&str, &[&str])] = &[
    (r#"a == "b"#, &["unclosed-quote@\""]),
    (r#"a == """b"#, &["unclosed-quote@\"\"\""]),
    ("a == \"\"\"b\nc\"\"\"", &["raw-text-lines@\"\"\"b\nc\"\"\""]),
    ("`a == 1", &["unclosed-quote@`"]),
    ("`` == 1", &["empty-name@``", "stray-operator@=="]),
    (r#"a == "C:\Windows""#, &[r"bad-escape@\"]),
    ("a == 'b'", &["single-quote@'b'"]),
    ("a == 1 /* b", &["unclosed-comment@/*"]),
    ("a # b", &["unknown-character@#", "unexpected@b"]),
    ("a == 1e999", &["number-too-large@1e999"]),
    ("a = 1", &["single-equals@="]),
    ("a =~ \"b\"", &["unknown-operator@=~"]),
    (
        "a <> 1 || b && !c",
        &["unknown-operator@<>", "unknown-operator@||", "unknown-operator@&&", "unknown-operator@!"],
    ),
    ("a == b == c", &["chained-comparison@=="]),
    ("a IN (1) IN (2)", &["chained-comparison@IN"]),
    ("a LIKE \"b\" == true", &["chained-comparison@=="]),
    ("a == NOT b", &["not-before-value@NOT"]),
    ("a NOT b", &["unexpected@NOT"]),
    ("a b", &["unexpected@b"]),
    ("a ==", &["missing-operand@=="]),
    ("a AND", &["missing-operand@AND"]),
    ("", &["missing-operand@WHERE"]),
    ("== 1", &["stray-operator@=="]),
    ("(a", &["unclosed-parenthesis@("]),
    ("a)", &["unopened-parenthesis@)"]),
    ("()", &["empty-list@()"]),
    ("a IN ()", &["empty-list@()"]),
    ("a IN 1", &["list-without-parentheses@1"]),
    ("a IN (1, 2", &["unclosed-parenthesis@("]),
    ("a IN (1 2, == 3)", &["unexpected@2", "stray-operator@=="]),
    ("a IN (FROM b | KEEP c)", &["in-subquery@(FROM b | KEEP c)"]),
    ("a LIKE b", &["pattern-not-text@b"]),
    ("a LIKE (\"b\", 1)", &["pattern-not-text@1"]),
    ("a RLIKE", &["incomplete@RLIKE"]),
    ("a IS 1", &["incomplete@1", "unexpected@1"]),
    ("a + 1 : \"b\"", &["match-field@a + 1"]),
    ("a : b", &["incomplete@b", "unexpected@b"]),
    ("a::", &["incomplete@::"]),
    ("a == 5 apples", &["unknown-unit@apples"]),
    ("a == 5 minuts", &["unknown-unit@minuts"]),
    ("a == 1.5 hours", &["time-span@1.5"]),
    ("desc == 1", &["reserved-word@desc"]),
    ("a.by == 1", &["reserved-word@by"]),
    ("a. == 1", &["missing-name@."]),
    ("a.6x == 1", &["digit-in-name@.6x"]),
    ("a.f(1)", &["function-name@a.f"]),
    ("f(1 2, 3)", &["unexpected@2"]),
    ("f(1,)", &["missing-operand@,"]),
    ("f(*, 1)", &["stray-operator@*"]),
    ("f(a, {\"b\": c})", &["incomplete@c", "unexpected@c"]),
    ("[1, \"a\"]", &["mixed-list@\"a\""]),
    ("[]", &["empty-list@[]"]),
    ("[1, 2", &["unclosed-bracket@["]),
    ("??a == 1", &["name-parameter@??a"]),
    // Each fault is found.
    (
        "a = 1 AND b == 'c' OR d IN () AND e ==",
        &["single-equals@=", "single-quote@'c'", "empty-list@()", "missing-operand@=="],
    ),
];

#[test]
fn faults_of_conditions_are_found_where_they_stand() {
    let texts = CONDITIONS.iter().map(|(condition, _)| format!("FROM x | WHERE {condition}"));
    check(texts.zip(CONDITIONS.iter().map(|(_, findings)| *findings)));
}

/// Query, findings. All are errors.
const QUERIES: &[(&str, &[&str])] = &[
    ("", &["empty-query@"]),
    (" // a\n", &["empty-query@ // a\n"]),
    ("| LIMIT 1", &["missing-command@|"]),
    ("WHERE a", &["unknown-source@WHERE"]),
    ("FORM logs-*", &["unknown-source@FORM"]),
    ("FROM", &["incomplete@FROM"]),
    ("FROM METADATA _id", &["incomplete@METADATA"]),
    ("FROM a,", &["incomplete@,"]),
    ("FROM a b", &["unexpected@b"]),
    ("FROM \"a,\"", &["bad-index-pattern@\"a,\""]),
    ("FROM \"a:b:c\"", &["bad-index-pattern@\"a:b:c\""]),
    ("FROM a METADATA", &["incomplete@METADATA"]),
    ("FROM a METADATA _idx, _id, _id", &["unknown-metadata@_idx", "repeated-metadata@_id"]),
    ("FROM a [METADATA _id]", &["metadata-brackets@["]),
    ("FROM a |", &["missing-command@|"]),
    ("FROM a | | LIMIT 1", &["missing-command@|"]),
    ("FROM a | WEHRE b", &["unknown-command@WEHRE"]),
    ("FROM a | FROM b", &["misplaced-source@FROM"]),
    ("FROM a WHERE b", &["unexpected@WHERE"]),
    ("FROM a | EVAL", &["incomplete@EVAL"]),
    ("FROM a | EVAL b = 1 c = 2, d = 'e'", &["unexpected@c", "single-quote@'e'"]),
    ("FROM a | EVAL b = 1,", &["missing-operand@,"]),
    ("FROM a | STATS", &["empty-stats@STATS"]),
    ("FROM a | INLINE STATS BY b", &["empty-stats@INLINE"]),
    ("FROM a | INLINE b", &["incomplete@b"]),
    ("FROM a | STATS count(*) BY", &["incomplete@BY"]),
    ("FROM a | KEEP", &["incomplete@KEEP"]),
    ("FROM a | KEEP b, , c.", &["incomplete@,", "missing-name@."]),
    ("FROM a | DROP *", &["drop-everything@*"]),
    ("FROM a | RENAME b TO c", &["incomplete@TO", "unexpected@TO"]),
    ("FROM a | RENAME b* AS c", &["wildcard@b*"]),
    ("FROM a | SORT b NULLS", &["incomplete@NULLS"]),
    ("FROM a | SORT b DESC ASC", &["unexpected@ASC"]),
    ("FROM a | LIMIT -1", &["limit-count@-1"]),
    ("FROM a | LIMIT 2147483648", &["limit-count@2147483648"]),
    ("FROM a | LIMIT ten", &["limit-count@ten"]),
    ("FROM a | LIMIT 1 BY b", &["limit-by@BY"]),
    ("FROM a | DISSECT b", &["pattern-not-text@b"]),
    ("FROM a | DISSECT b \"%{c}\" separator = \"d\"", &["dissect-option@separator"]),
    ("FROM a | GROK b c", &["pattern-not-text@c"]),
    ("FROM a | MV_EXPAND", &["incomplete@MV_EXPAND"]),
    ("FROM a | MV_EXPAND b*", &["wildcard@b*"]),
    ("FROM a | ENRICH", &["incomplete@ENRICH"]),
    ("FROM a | LOOKUP l ON b", &["incomplete@l"]),
    ("FROM a | LOOKUP JOIN l", &["incomplete@l"]),
    ("FROM a | FORK", &["empty-fork@FORK"]),
    ("FROM a | FORK (WHERE b", &["unclosed-parenthesis@("]),
    ("FROM a | FORK (WHERE b = 1) (LIMIT c)", &["single-equals@=", "limit-count@c"]),
    ("FROM a | FUSE x y", &["incomplete@y"]),
    ("FROM a | SAMPLE 2", &["sample-share@2"]),
    ("FROM a | COMPLETION b = c WITH d", &["incomplete@d", "unexpected@d"]),
    ("SET a = 1 FROM b", &["missing-semicolon@1"]),
    ("SET a; FROM b | LIMIT c", &["incomplete@;", "limit-count@c"]),
    ("SHOW functions", &["incomplete@functions"]),
    ("FROM a | WHERE b c IN (FROM d | KEEP e) | LIMIT f", &["unexpected@c", "limit-count@f"]),
    // One fault hides no other.
    (
        "FROM a METADATA _x | WEHRE b | EVAL c = | KEEP d* e | LIMIT f",
        &[
            "unknown-metadata@_x",
            "unknown-command@WEHRE",
            "missing-operand@=",
            "unexpected@e",
            "limit-count@f",
        ],
    ),
];

#[test]
fn faults_of_queries_are_found_where_they_stand() {
    check(QUERIES.iter().map(|(text, findings)| ((*text).to_owned(), *findings)));
}

#[test]
fn misspelt_words_get_the_nearest_one() {
    for (text, near) in [
        ("FORM a", "`FROM`"),
        ("FROM a | STAT count(*)", "`STATS`"),
        ("FROM a | mv_expnd b", "`MV_EXPAND`"),
        ("FROM a | INLIN STATS b", "`INLINE STATS`"),
        ("FROM a | LOKUP JOIN b ON c", "`LOOKUP JOIN`"),
        ("FROM a METADATA _idx", "`_id`"),
        ("FROM a | WHERE b > 5 minuts", "`minut"),
    ] {
        let help =
            parse(text).diagnostics.first().and_then(|finding| finding.help.clone()).unwrap_or_default();
        assert!(help.contains("did you mean") && help.contains(near), "{text}: {help}");
    }
}

#[test]
fn a_hyphen_between_names_is_a_warning() {
    let text = "FROM a | WHERE user-agent.name == 1";
    let parsed = parse(text);
    assert!(parsed.is_ok());
    assert_eq!(shown(text, &parsed.diagnostics), ["hyphen@-"]);
    assert!(parse("FROM a | WHERE b - c == 1").diagnostics.is_empty());
}
