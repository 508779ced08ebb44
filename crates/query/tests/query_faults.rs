//! Faulty KQL and Lucene queries, what is found wrong with them, and where.

use bartizan_query::{Diagnostic, kql, lucene};

/// Each finding as `code@text`, the text being what its span covers.
fn shown(text: &str, diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|finding| {
            assert!(finding.label.is_some() && finding.help.is_some(), "{finding:?} lacks a label or help");
            let code = finding.code.trim_start_matches("kql::").trim_start_matches("lucene::");
            let place = finding.span.and_then(|span| text.get(span.start..span.end));
            format!("{code}@{}", place.unwrap_or("nowhere"))
        })
        .collect()
}

/// Text, findings. All are errors.
const KQL: &[(&str, &[&str])] = &[
    // Quotes and escapes.
    ("a:\"b", &["unclosed-quote@\""]),
    ("a:\"b\\\"", &["unclosed-quote@\""]),
    ("\"a\" and b:\"c", &["unclosed-quote@\""]),
    (r"a:C:\x", &["unescaped-special@:", "bad-escape@\\"]),
    (r"a:\x and b:\y", &["bad-escape@\\", "bad-escape@\\"]),
    (r"a:b\", &["bad-escape@\\"]),
    (r"a:\u12", &["bad-escape@\\"]),
    (r#"a:"\ud83d""#, &[r#"lone-surrogate@"\ud83d""#]),
    // Parentheses and braces.
    ("(a:1", &["unclosed-parenthesis@("]),
    ("((a:1) and (b:2", &["unclosed-parenthesis@(", "unclosed-parenthesis@("]),
    ("a:1)", &["unopened-parenthesis@)"]),
    (")", &["unopened-parenthesis@)"]),
    ("a:1) and b:2) or c:3", &["unopened-parenthesis@)", "unopened-parenthesis@)"]),
    ("a:(1 or 2", &["unclosed-parenthesis@("]),
    ("()", &["empty-group@()"]),
    ("a:( )", &["empty-group@( )"]),
    ("p:{a:1", &["unclosed-brace@{"]),
    ("p:{}", &["empty-group@{}"]),
    ("a:1}", &["unopened-brace@}"]),
    ("p:{(a:1}", &["unclosed-parenthesis@("]),
    ("(p:{a:1)", &["unclosed-parenthesis@(", "unclosed-brace@{", "unopened-parenthesis@)"]),
    ("{a:1}", &["missing-field@{"]),
    // Operators.
    ("a:\"1\" b:2", &["missing-operator@b"]),
    ("(a:1) (b:2)", &["missing-operator@("]),
    ("a:1 b:2", &["missing-operator@b"]),
    ("a:foo bar baz:2 qux:3", &["missing-operator@baz", "missing-operator@qux"]),
    ("a > 1 b:2", &["missing-operator@b"]),
    ("a:x not b:y", &["missing-operator@not"]),
    ("a:\"1\" and", &["missing-operand@and"]),
    ("(a:\"1\" or) and b:2", &["missing-operand@or"]),
    ("a:1 and and b:2", &["stray-operator@and"]),
    ("and a:1", &["stray-operator@and"]),
    ("and", &["stray-operator@and"]),
    ("foo or", &["missing-operand@or"]),
    ("not", &["missing-operand@not"]),
    ("not ", &["missing-operand@not"]),
    ("\"a\" or or \"b\"", &["stray-operator@or"]),
    ("or (a:1)", &["stray-operator@or"]),
    ("not not a:1", &["double-not@not"]),
    ("not(a:1)", &["operator-needs-space@not"]),
    ("(a:1)and(b:2)", &["operator-needs-space@and"]),
    ("a:x and(b:2)", &["operator-needs-space@and"]),
    ("a:cannot open", &["not-inside-word@not"]),
    // Fields and values.
    ("a:", &["missing-value@a:"]),
    ("a:) or b:2", &["missing-value@a:", "unopened-parenthesis@)"]),
    ("(a:) or b:2", &["missing-value@a:"]),
    ("a: not b", &["not-before-value@not"]),
    ("a:http://b", &["unescaped-special@:"]),
    ("a:b:c:d and e:f:g", &["unescaped-special@:", "unescaped-special@:", "unescaped-special@:"]),
    ("a:(b:1 or c)", &["unescaped-special@:"]),
    ("a::b", &["unescaped-special@:"]),
    ("a:b{1}", &["unescaped-special@{"]),
    (":b", &["missing-field@:"]),
    ("a:1 and :b", &["missing-field@:"]),
    ("> 5 and b:\"", &["missing-field@>", "unclosed-quote@\""]),
    // Ranges.
    ("a >", &["missing-value@a >"]),
    ("a > )", &["missing-value@a >", "unopened-parenthesis@)"]),
    ("a:>5", &["colon-before-comparison@:>"]),
    ("a > 5*", &["bad-bound@5*"]),
    ("a > null", &["bad-bound@null"]),
    ("a > (1 or 2)", &["bad-bound@("]),
    ("1 < a < 2", &["unescaped-special@<"]),
    ("a >> 1", &["missing-value@a >"]),
    // All of them at once.
    ("a:(1 or 2 and b:x and \"c", &["unclosed-parenthesis@(", "unescaped-special@:", "unclosed-quote@\""]),
];

/// Text, findings. None is an error.
const KQL_WARNINGS: &[(&str, &[&str])] = &[
    ("a:or", &["operator-as-text@or"]),
    ("a:foo and", &["operator-as-text@and"]),
    ("a:(or b)", &["operator-as-text@or"]),
    ("a: and b", &["operator-as-text@and"]),
    ("a:not", &["operator-as-text@not"]),
    ("a:1 and b = 2", &["equals-sign@b = 2"]),
    (r#"a:"C:\Users\temp""#, &[r"control-escape@\t"]),
];

/// Text, findings. All are errors.
const LUCENE: &[(&str, &[&str])] = &[
    ("\"a", &["unclosed-quote@\""]),
    ("a\\", &["trailing-backslash@\\"]),
    (r"a:C\users", &[r"bad-unicode-escape@\u"]),
    (r"\ud83d", &[r"lone-surrogate@\ud83d"]),
    ("/a", &["unclosed-regex@/"]),
    ("a:/b OR c", &["unclosed-regex@/"]),
    ("(a", &["unclosed-parenthesis@("]),
    ("(a (b", &["unclosed-parenthesis@(", "unclosed-parenthesis@("]),
    ("a) b)", &["unopened-parenthesis@)", "unopened-parenthesis@)"]),
    ("()", &["empty-group@()"]),
    ("a:()", &["empty-group@()"]),
    ("a]", &["unescaped-special@]"]),
    // Operators.
    ("AND a", &["stray-operator@AND"]),
    ("a OR OR b", &["stray-operator@OR"]),
    ("a AND", &["missing-clause@AND"]),
    ("(a OR) b", &["missing-clause@OR"]),
    ("a NOT", &["missing-clause@NOT"]),
    ("+", &["missing-clause@+"]),
    ("+-a", &["stacked-operators@-"]),
    ("NOT NOT a", &["stacked-operators@NOT"]),
    ("a - b", &["detached-sign@-"]),
    ("! a", &["detached-sign@!"]),
    // Fields and values.
    ("a:", &["missing-value@a:"]),
    ("a: AND b:c", &["missing-value@a:"]),
    (":a", &["unescaped-special@:"]),
    ("a:b:c", &["unescaped-special@:"]),
    ("a:-5", &["sign-before-value@-"]),
    ("a*:b", &["wildcard-in-field@a*"]),
    ("\"a\":b", &["quoted-field@\"a\""]),
    ("_exists_:a*", &["bad-exists@a*"]),
    ("_exists_:[a TO b]", &["bad-exists@[a TO b]"]),
    // Ranges and what hangs on terms.
    ("a:[1 TO 5", &["unclosed-range@["]),
    ("a:[1 TO 5 b \"c", &["unclosed-range@[", "unclosed-quote@\""]),
    ("a:[1 to 5]", &["bad-range@[1 to 5]"]),
    ("a:[1]", &["bad-range@[1]"]),
    ("a:{}", &["bad-range@{}"]),
    ("a:[\"\" TO 5]", &["bad-range@\"\""]),
    ("a:>", &["missing-bound@>"]),
    ("a:>=", &["missing-bound@>="]),
    ("a:(>1 b c)", &["comparison-among-words@>1"]),
    ("a:(>1 <5)", &["comparison-among-words@>1", "comparison-among-words@<5"]),
    ("a~3", &["bad-fuzziness@~3"]),
    ("a~0.5", &["bad-fuzziness@~0.5"]),
    ("\"a\"~x", &["bad-slop@~x"]),
    ("a^", &["bad-boost@^"]),
    ("a^x", &["bad-boost@^"]),
    ("[1 TO 2]~", &["unescaped-special@~"]),
    ("~", &["unescaped-special@~"]),
    // All of them at once.
    (
        "a: AND (b~9 OR \"c",
        &["missing-value@a:", "unclosed-parenthesis@(", "bad-fuzziness@~9", "unclosed-quote@\""],
    ),
];

/// Text, findings. None is an error.
const LUCENE_WARNINGS: &[(&str, &[&str])] = &[
    ("a and b", &["lower-case-operator@and"]),
    ("a:/usr/bin", &["slash-in-word@/usr/"]),
    ("fo*~", &["pattern-not-fuzzy@~"]),
    (">5", &["comparison-without-field@>5"]),
];

#[test]
fn kql_faults_are_found() {
    for (text, findings) in KQL {
        let parsed = kql::parse(text);
        assert_eq!(shown(text, &parsed.diagnostics), *findings, "{text:?} {:?}", parsed.tree);
        assert!(parsed.diagnostics.iter().all(Diagnostic::is_error), "{text:?}");
    }
}

#[test]
fn kql_doubts_are_voiced() {
    for (text, findings) in KQL_WARNINGS {
        let parsed = kql::parse(text);
        assert_eq!(shown(text, &parsed.diagnostics), *findings, "{text:?} {:?}", parsed.tree);
        assert!(parsed.is_ok(), "{text:?}");
        assert_eq!(kql::parse(&parsed.tree.to_string()).tree, parsed.tree, "{text:?}");
    }
}

#[test]
fn lucene_faults_are_found() {
    for (text, findings) in LUCENE {
        let parsed = lucene::parse(text);
        assert_eq!(shown(text, &parsed.diagnostics), *findings, "{text:?} {:?}", parsed.tree);
        assert!(parsed.diagnostics.iter().all(Diagnostic::is_error), "{text:?}");
    }
}

#[test]
fn lucene_doubts_are_voiced() {
    for (text, findings) in LUCENE_WARNINGS {
        let parsed = lucene::parse(text);
        assert_eq!(shown(text, &parsed.diagnostics), *findings, "{text:?} {:?}", parsed.tree);
        assert!(parsed.is_ok(), "{text:?}");
        assert_eq!(lucene::parse(&parsed.tree.to_string()).tree, parsed.tree, "{text:?}");
    }
}
