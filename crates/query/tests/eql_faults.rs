//! Faulty EQL queries, what is found wrong with them, and where.

use bartizan_query::Diagnostic;
use bartizan_query::eql::parse;

/// Each finding as `code@text`, the text being what its span covers.
fn shown(text: &str, diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|finding| {
            assert!(finding.label.is_some() && finding.help.is_some(), "{finding:?} lacks a label or help");
            let code = finding.code.strip_prefix("eql::").unwrap_or("foreign");
            let place = finding.span.and_then(|span| text.get(span.start..span.end));
            format!("{code}@{}", place.unwrap_or("nowhere"))
        })
        .collect()
}

/// Condition, findings. All are errors.
const CONDITIONS: &[(&str, &[&str])] = &[
    // Texts, names and numbers.
    (r#"a == "b"#, &["unclosed-quote@\""]),
    ("a == \"b\nand c == 1", &["unclosed-quote@\""]),
    (r#"a == """b"#, &["unclosed-quote@\"\"\""]),
    ("a == \"\"\"b\nc\"\"\"", &["raw-text-lines@\"\"\"b\nc\"\"\""]),
    ("`a == 1", &["unclosed-quote@`"]),
    ("`` == 1", &["empty-name@``", "stray-operator@=="]),
    (r#"a == "C:\Windows""#, &[r"bad-escape@\"]),
    (r#"a == "\u0041""#, &[r"bad-escape@\"]),
    (r#"a == "\u{4}" and b == "\u{d800}""#, &[r"bad-escape@\u{4}", r"bad-escape@\u{d800}"]),
    (r#"a == "\u{110000}" or b == "\u{41""#, &[r"bad-escape@\u{110000}", r"bad-escape@\u{41"]),
    ("a == 'b'", &["single-quote@'b'"]),
    ("a == 'b\\'c' and d == 'e", &["single-quote@'b\\'c'", "single-quote@'"]),
    (r#"a == ?"b\c""#, &[r#"raw-quote@?"b\c""#]),
    ("a == ?'b'", &["raw-quote@?'b'"]),
    ("a == 1e999", &["number-too-large@1e999"]),
    ("a == 1 /* b", &["unclosed-comment@/*"]),
    ("a == 1 § ß and b", &["unknown-character@§", "unknown-character@ß"]),
    ("a == $b", &["unknown-character@$"]),
    // Operators of other languages.
    ("a = 1", &["single-equals@="]),
    ("a = 1 and b = 2", &["single-equals@=", "single-equals@="]),
    ("a == 1 && b == 1 || c <> 1", &["unknown-operator@&&", "unknown-operator@||", "unknown-operator@<>"]),
    ("!a", &["unknown-operator@!"]),
    ("a !: 1", &["unknown-operator@!:"]),
    (r#"a =~ "b""#, &["unknown-operator@=~"]),
    ("a == 1 AND b == 1", &["keyword-case@AND"]),
    ("a == 1 Or NOT b == 1", &["keyword-case@Or", "keyword-case@NOT"]),
    (r#"a IN ("b") and a Like "c""#, &["keyword-case@IN", "keyword-case@Like"]),
    (r#"a not IN~ ("b")"#, &["keyword-case@IN~"]),
    ("TRUE", &["keyword-case@TRUE"]),
    ("a == False or b == NULL", &["keyword-case@False", "keyword-case@NULL"]),
    ("a in (Null) and not True == b", &["keyword-case@Null", "keyword-case@True"]),
    // Operands.
    ("", &["missing-operand@where"]),
    ("a ==", &["missing-operand@=="]),
    ("a == 1 and", &["missing-operand@and"]),
    ("not", &["missing-operand@not"]),
    ("a == and b == 1", &["missing-operand@=="]),
    ("and a == 1", &["stray-operator@and"]),
    ("a == 1 and or b == 1", &["stray-operator@or"]),
    ("== 1", &["stray-operator@=="]),
    ("a == 1 b == 1", &["missing-operator@b"]),
    ("a b.c d", &["missing-operator@b.c", "missing-operator@d"]),
    ("a == 1 == 2", &["chained-comparison@=="]),
    ("1 < a < 2", &["chained-comparison@<"]),
    (r#"a : "b" : "c""#, &["chained-comparison@:"]),
    ("a == not 1", &["not-before-value@not"]),
    (r#"a not : "b""#, &["not-before-operator@not"]),
    (r#"a not like "b""#, &["not-before-operator@not"]),
    ("a == 1, b == 2", &["stray-comma@,"]),
    ("(a, b)", &["stray-comma@,"]),
    ("a = = 1", &["single-equals@=", "stray-operator@="]),
    ("a == 1 of", &["unexpected@of"]),
    // Parentheses and brackets.
    ("(a == 1", &["unclosed-parenthesis@("]),
    ("((a) and (b", &["unclosed-parenthesis@(", "unclosed-parenthesis@("]),
    ("a == 1)", &["unopened-parenthesis@)"]),
    ("a == 1] and b", &["unopened-bracket@]"]),
    ("()", &["empty-group@()"]),
    ("length(a == 1", &["not-a-condition@length(a == 1", "unclosed-parenthesis@("]),
    // Names.
    ("a. == 1", &["missing-name@."]),
    (".a == 1", &["missing-operand@where", "unexpected@.", "missing-operator@a"]),
    ("a.1b == 1", &["digit-in-name@.1b"]),
    ("a.1.2 == 1", &["digit-in-name@.1", "digit-in-name@.2"]),
    ("a.by == 1", &["reserved-word@by"]),
    ("any.b == 1", &["reserved-word@any"]),
    ("like == 1", &["reserved-word@like"]),
    ("sequence == 1", &["reserved-word@sequence"]),
    ("? == 1", &["missing-field@?"]),
    ("a[0] == 1", &["array-index@[0]"]),
    ("a[0].b == 1", &["array-index@[0]"]),
    // Lists and patterns.
    ("a in ()", &["empty-list@()"]),
    (r#"a in "b""#, &[r#"list-without-parentheses@"b""#]),
    ("a in", &["missing-operand@in"]),
    ("a : 1", &["pattern-not-text@1"]),
    ("a : (1, true, null)", &["pattern-not-text@1", "pattern-not-text@true", "pattern-not-text@null"]),
    ("a : b", &["pattern-not-constant@b"]),
    (r#"a like ("b", c.d, length(e))"#, &["pattern-not-constant@c.d", "pattern-not-constant@length(e)"]),
    ("a : -1", &["pattern-not-constant@-1"]),
    ("a : ()", &["empty-list@()"]),
    // Functions.
    ("startWith(a, b)", &["unknown-function@startWith"]),
    ("wildcard(a, b)", &["unknown-function@wildcard"]),
    ("a.length(b) == 1", &["unknown-function@a.length"]),
    ("length~(a) == 1", &["no-fold@length~"]),
    ("cidrMatch~(a, b)", &["no-fold@cidrMatch~"]),
    ("length() == 1", &["argument-count@length()"]),
    ("length(a, b) == 1", &["argument-count@length(a, b)"]),
    ("between(a, b) == 1", &["argument-count@between(a, b)"]),
    ("between(a, b, c, d, e) == 1", &["argument-count@between(a, b, c, d, e)"]),
    ("cidrMatch(a)", &["argument-count@cidrMatch(a)"]),
    ("concat() == 1", &["argument-count@concat()"]),
    ("substring(a, 1, 2, 3) == 1", &["argument-count@substring(a, 1, 2, 3)"]),
    ("a~ == 1", &["stray-tilde@a~"]),
    // Values where conditions belong, and the other way round.
    ("1", &["not-a-condition@1"]),
    ("\"a\"", &["not-a-condition@\"a\""]),
    ("length(a)", &["not-a-condition@length(a)"]),
    (r#"a : "b" or "c""#, &[r#"not-a-condition@"c""#]),
    ("not -a", &["not-a-condition@-a"]),
    ("(a or 1) == true", &["not-a-condition@1"]),
    (r#"a + "b" == 1"#, &[r#"not-a-number@"b""#]),
    ("a * (b == 1) == 1", &["not-a-number@b == 1"]),
    ("-true == 1", &["not-a-number@true"]),
    ("a + b in (1)", &["not-a-condition@a + b in (1)", "not-a-number@b in (1)"]),
    (r#"length(a) : "5""#, &["not-a-text@length(a)"]),
    // Older dialects.
    ("child of [process where a == 1]", &["process-relation@child of"]),
    ("a and not descendant of [file where b = 1]", &["process-relation@descendant of", "single-equals@="]),
    // All of them at once.
    (
        "a = 'b' and (c : 1 or lenght(d) == \"e",
        &[
            "single-equals@=",
            "single-quote@'b'",
            "unclosed-parenthesis@(",
            "pattern-not-text@1",
            "unknown-function@lenght",
            "unclosed-quote@\"",
        ],
    ),
];

/// Query, findings. All are errors.
const QUERIES: &[(&str, &[&str])] = &[
    ("", &["empty-query@"]),
    (" // nothing\n", &["empty-query@ // nothing\n"]),
    ("where a", &["missing-category@where"]),
    ("a.b == 1", &["missing-where@a.b"]),
    ("?a.`b c`.d == 1", &["missing-where@?a.`b c`.d"]),
    ("process a.b == 1", &["missing-where@a.b"]),
    ("process", &["missing-where@process"]),
    ("process WHERE true", &["keyword-case@WHERE"]),
    ("`process` where true", &["backquoted-category@`process`"]),
    ("by where true", &["reserved-word@by"]),
    ("process where a where b", &["unexpected@where"]),
    ("process where a by b", &["unexpected@by"]),
    ("process where a [file where b]", &["unexpected@["]),
    ("join [file where true] [file where true]", &["join@join"]),
    ("join by a [file where b = 1] [file where true]", &["join@join", "single-equals@="]),
    // Pipes.
    ("any where true | unique a", &["unsupported-pipe@unique"]),
    (
        "any where true | count | filter a == 1 | sort b, c | unique_count d",
        &[
            "unsupported-pipe@count",
            "unsupported-pipe@filter",
            "unsupported-pipe@sort",
            "unsupported-pipe@unique_count",
        ],
    ),
    ("any where true | heed 1", &["unknown-pipe@heed"]),
    ("any where true | Head 1", &["unknown-pipe@Head"]),
    ("any where true |", &["missing-pipe@|"]),
    ("any where true | | head 1", &["missing-pipe@|"]),
    ("any where true | head", &["pipe-argument@head"]),
    ("any where true | head 1, 2", &["pipe-argument@1, 2"]),
    ("any where true | head 1 2", &["pipe-argument@1 2"]),
    ("any where true | tail -1", &["pipe-argument@-1"]),
    ("any where true | tail 1.5", &["pipe-argument@1.5"]),
    ("any where true | head 2147483648", &["pipe-argument@2147483648"]),
    ("any where true | head a", &["pipe-argument@a"]),
    // Sequences: what comes before the stages.
    ("sequence", &["missing-stage@sequence"]),
    ("sequence by a", &["missing-stage@sequence"]),
    ("sequence by a until [any where b]", &["missing-stage@sequence"]),
    ("Sequence by a [any where true] [any where true]", &["keyword-case@Sequence"]),
    ("sequence BY a [any where true] [any where true]", &["keyword-case@BY"]),
    ("sequence with maxspan=1m by a [any where true] [any where true]", &["by-after-with@by"]),
    (
        "sequence by a + 1, length(b) [any where true] [any where true]",
        &["bad-join-key@a + 1", "bad-join-key@length(b)"],
    ),
    ("sequence by [any where true] [any where true]", &["missing-operand@by"]),
    (
        "sequence by a b.c and d [any where true] [any where true]",
        &["missing-comma@b.c", "missing-comma@and"],
    ),
    ("[any where true] [any where a = 1]", &["missing-sequence@[", "single-equals@="]),
    ("![any where true]", &["missing-sequence@!["]),
    ("sequence by \"a\" [any where true] [any where true]", &["bad-join-key@\"a\""]),
    ("sequence with maxspan [any where true] [any where true]", &["missing-equals@[", "missing-maxspan@["]),
    ("sequence with maxspan == 1m [any where true] [any where true]", &["missing-equals@=="]),
    ("sequence with maxspan= [any where true] [any where true]", &["missing-maxspan@["]),
    ("sequence with maxspan=5 [any where true] [any where true]", &["missing-unit@5"]),
    ("sequence with maxspan=1.5h [any where true] [any where true]", &["bad-maxspan@1.5"]),
    ("sequence with maxspan=0s [any where true] [any where true]", &["bad-maxspan@0"]),
    ("sequence with maxspan=-1s [any where true] [any where true]", &["bad-maxspan@-1"]),
    ("sequence with maxspan=5min [any where true] [any where true]", &["unknown-unit@min"]),
    ("sequence with maxspan=5us [any where true] [any where true]", &["unknown-unit@us"]),
    ("sequence with runs=3 [any where true] [any where true]", &["unknown-option@runs"]),
    ("sequence with [any where true] [any where true]", &["unknown-option@["]),
    // Sequences: stages.
    ("sequence [any where true]", &["single-stage@[any where true]"]),
    ("sequence [any where true] with runs=1", &["single-stage@[any where true] with runs=1"]),
    ("sequence [any where a = 1] [where true]", &["single-equals@=", "missing-category@where"]),
    ("sequence [any where true [any where true]", &["unclosed-bracket@["]),
    ("sequence [any where true] [any where true", &["unclosed-bracket@["]),
    ("sequence [any where (true] [any where true]", &["unclosed-parenthesis@("]),
    ("sequence [any where true by a] [any where true]", &["unexpected@by"]),
    ("sequence [any where true] and [any where true]", &["not-a-stage@and"]),
    ("sequence any where true [any where true]", &["not-a-stage@any", "single-stage@[any where true]"]),
    ("sequence [] [any where true]", &["missing-where@]"]),
    ("sequence [any where true] by a [any where true]", &["key-count@[any where true]"]),
    ("sequence by x [any where true] by a [any where true] by a, b", &["key-count@a, b"]),
    (
        "sequence [any where true] by a [any where true] by a until [any where true]",
        &["key-count@[any where true]"],
    ),
    ("sequence [any where true] with runs=0 [any where true]", &["bad-runs@0"]),
    ("sequence [any where true] with runs=101 [any where true]", &["bad-runs@101"]),
    ("sequence [any where true] with runs=-2 [any where true]", &["bad-runs@-2"]),
    ("sequence [any where true] with runs=2.5 [any where true]", &["bad-runs@2.5"]),
    ("sequence [any where true] with runs= [any where true]", &["bad-runs@["]),
    ("sequence [any where true] with Runs=2 [any where true]", &["keyword-case@Runs"]),
    ("sequence [any where true] with maxspan=1m [any where true]", &["unknown-option@maxspan"]),
    ("sequence [any where true] with times=2 [any where true]", &["unknown-option@times"]),
    ("sequence [any where true] with runs=2 by a [any where true] by b", &["by-after-with@by"]),
    // Missing events and `until`.
    ("sequence [any where true] ![any where true]", &["missing-event-without-maxspan@!["]),
    ("sequence with maxspan=1m ![any where true] ![any where true]", &["only-missing-events@!["]),
    ("sequence [any where true] [any where true] until ![any where true]", &["missing-until@!["]),
    ("sequence [any where true] [any where true] until [any where true] with runs=2", &["repeated-until@2"]),
    ("sequence [any where true] [any where true] until", &["missing-stage@until"]),
    (
        "sequence [any where true] [any where true] until [any where a] [any where b]",
        &["stage-after-until@[any where b]"],
    ),
    ("sequence [any where true] until [any where a] [any where b]", &["stage-after-until@[any where b]"]),
    (
        "sequence [any where true] [any where true] until [any where a] until [any where b]",
        &["second-until@until"],
    ),
    // Samples.
    ("sample [any where true] [any where true]", &["sample-without-keys@[any where true]"]),
    ("sample by a [any where true]", &["single-stage@[any where true]"]),
    ("sample by a", &["missing-stage@sample"]),
    ("sample by a with maxspan=1m [any where true] [any where true]", &["not-in-sample@with"]),
    ("sample by a [any where true] ![any where true]", &["not-in-sample@!["]),
    ("sample by a [any where true] with runs=2 [any where true]", &["not-in-sample@with"]),
    ("sample by a [any where true] [any where true] until [any where true]", &["not-in-sample@until"]),
    ("sample by a [any where true] by b [any where true]", &["key-count@[any where true]"]),
];

/// Query, findings. None is an error.
const WARNINGS: &[(&str, &[&str])] = &[
    ("Process where true", &["unknown-category@Process"]),
    ("\"netwrok\" where true", &["unknown-category@\"netwrok\""]),
    ("ANY where true", &["unknown-category@ANY"]),
    ("sequence [flie where true] [file where true]", &["unknown-category@flie"]),
    ("any where user-agent == 1", &["hyphen@-"]),
    ("any where a /* b /* c */ == 1", &["nested-comment@/*"]),
    (
        "sample by a [any where b] [any where b] [any where b] [any where b] [any where b] [any where c]",
        &["long-sample@[any where c]"],
    ),
    ("sample by a [any where true] [any where true] | head 1", &["sample-pipe@head 1"]),
];

/// Nothing is said of these.
const CLEAN: &[&str] = &[
    "registry where true",
    "info where true",
    "my_own_category where true",
    "dns where true",
    "any where user - agent == 1",
    "any where user-1 == 1",
];

/// Condition, and what the help of its only finding must hold.
const HELP: &[(&str, &str)] = &[
    ("startWith(a, b)", "did you mean `startsWith`?"),
    ("CidrMtch(a, b)", "did you mean `cidrMatch`?"),
    ("wildcard(a, b)", "like~"),
    ("a.1b == 1", ".`1b`"),
    ("a == 1 AND b == 1", "`and`"),
    ("a.by == 1", "`by`"),
    ("a = 1", "`==`"),
    ("a == 'b'", "\"…\""),
];

#[test]
fn faults_in_conditions_are_found() {
    for (condition, findings) in CONDITIONS {
        let text = format!("any where {condition}");
        let parsed = parse(&text);
        assert_eq!(shown(&text, &parsed.diagnostics), *findings, "{text:?} {:?}", parsed.tree);
        assert!(parsed.diagnostics.iter().all(Diagnostic::is_error), "{text:?}");
    }
}

#[test]
fn faults_in_queries_are_found() {
    for (text, findings) in QUERIES {
        let parsed = parse(text);
        assert_eq!(shown(text, &parsed.diagnostics), *findings, "{text:?} {:?}", parsed.tree);
        assert!(parsed.diagnostics.iter().all(Diagnostic::is_error), "{text:?}");
    }
}

#[test]
fn doubts_are_voiced() {
    for (text, findings) in WARNINGS {
        let parsed = parse(text);
        assert_eq!(shown(text, &parsed.diagnostics), *findings, "{text:?} {:?}", parsed.tree);
        assert!(parsed.is_ok(), "{text:?}");
        assert_eq!(parse(&parsed.tree.to_string()).tree, parsed.tree, "{text:?}");
    }
    for text in CLEAN {
        assert_eq!(parse(text).diagnostics, [], "{text:?}");
    }
}

#[test]
fn help_names_the_way_out() {
    for (condition, help) in HELP {
        let parsed = parse(&format!("any where {condition}"));
        let [finding] = parsed.diagnostics.as_slice() else { panic!("{condition:?} {parsed:?}") };
        assert!(finding.help.as_deref().is_some_and(|text| text.contains(help)), "{finding:?}");
    }
    for (category, help) in [("Process", "did you mean `process`?"), ("regsitry", "did you mean `registry`?")]
    {
        let parsed = parse(&format!("{category} where true"));
        assert_eq!(parsed.diagnostics[0].help.as_deref(), Some(help));
    }
}
