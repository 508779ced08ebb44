//! Tests of regular expressions as Java reads them.

use proptest::prelude::*;

use super::{JavaRegex, ReplaceFailure};

fn replaced(pattern: &str, text: &str, replacement: &str) -> String {
    let regex = JavaRegex::parse(pattern).unwrap_or_else(|fault| panic!("{pattern}: {}", fault.message));
    regex.replace_all(text, replacement).unwrap_or_else(|failure| panic!("{pattern}: {failure}")).into_owned()
}

#[test]
fn matches_are_replaced() {
    let cases = [
        ("b", "abcb", "x", "axcx"),
        ("b", "ac", "x", "ac"),
        ("", "ab", "-", "-a-b-"),
        ("", "", "-", "-"),
        // After a match that is not empty, an empty one may follow at once.
        ("a*", "baaac", "X", "XbXXcX"),
        ("a*?", "aa", "X", "XaXaX"),
        ("", "é🔥", ".", ".é.🔥."),
        ("$", "a\n", "!", "a!\n!"),
        ("(a)(b)?", "ac", "<$1$2>", "<a>c"),
        ("(?<one>a)(?<two>b)", "ab", "${two}${one}", "ba"),
        ("(a)", "a", "$10", "a0"),
        ("a", "a", "$0$0", "aa"),
        ("a", "a", "\\$0\\\\", "$0\\"),
        ("a", "a", "\\n", "n"),
        ("a", "aba", "", "b"),
        ("(?<=a)b", "abab", "x", "axax"),
        ("\\bab", "ab ab", "x", "x x"),
        ("^a", "aaa", "x", "xaa"),
    ];
    for (pattern, text, replacement, expected) in cases {
        assert_eq!(replaced(pattern, text, replacement), expected, "{pattern} on {text}");
    }
}

#[test]
fn replacements_are_checked() {
    let regex = JavaRegex::parse("(a)(?<n>b)").expect("an expression");
    for (replacement, at) in [
        ("$", "$"),
        ("x$y", "$"),
        ("a$3", "$3"),
        ("${m}", "${m}"),
        ("é${n", "${n"),
        ("a\\", "\\"),
        ("$9$1", "$9"),
    ] {
        let fault = regex.check_replacement(replacement).expect_err(replacement);
        let span = fault.span.expect(replacement);
        assert_eq!((fault.code, &replacement[span.start..span.end]), ("esql::regex-replacement", at));
        assert!(matches!(regex.replace_all("ab", replacement), Err(ReplaceFailure::Replacement(_))));
        // Java reads it only when there is something to replace.
        assert_eq!(regex.replace_all("ba", replacement).expect("nothing to replace"), "ba");
    }
    for replacement in ["", "$2", "${n}", "\\${m}", "$23"] {
        regex.check_replacement(replacement).expect(replacement);
    }
}

/// Expressions of the kinds that rules use, on texts of our own.
#[test]
fn rules_expressions_replace() {
    let cases = [
        (
            r"(?i)(bearer +)[^'\x22 ]+",
            "curl -H 'Authorization: Bearer abc.def'",
            "$1<REDACTED>",
            "curl -H 'Authorization: Bearer <REDACTED>'",
        ),
        (
            "(?i)((x-api-key|api-key|private-token) *[:=] *)[^'\" ]+",
            "-H \"X-Api-Key: 12345\" api-key=6",
            "$1<REDACTED>",
            "-H \"X-Api-Key: <REDACTED>\" api-key=<REDACTED>",
        ),
        (
            "(?i)(--(http-|proxy-)?(user|password)[ =]|-u +)[^'\" ]+",
            "wget --http-password=hunter2 -u  root",
            "$1<REDACTED>",
            "wget --http-password=<REDACTED> -u  <REDACTED>",
        ),
        (
            "(?i)([?&][a-z0-9_.-]*(?:token|key|secret|sig)[a-z0-9_.-]*=)[^&'\" ]+",
            "https://example.org/?a=1&Access_Token=zzz&b=2",
            "$1<REDACTED>",
            "https://example.org/?a=1&Access_Token=<REDACTED>&b=2",
        ),
        (
            "(?i)(://)[^/@ ]+@",
            "git clone https://me:pw@example.org/x",
            "$1<REDACTED>@",
            "git clone https://<REDACTED>@example.org/x",
        ),
        (
            "eyJ[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]+",
            "token eyJhbGci.eyJzdWIi.c2ln end",
            "<REDACTED-JWT>",
            "token <REDACTED-JWT> end",
        ),
        (":[0-9]+$", "host.example:8443", "", "host.example"),
        (":[0-9]+$", "host.example:8443\n", "", "host.example\n"),
        ("\\+", "ls+-la", " ", "ls -la"),
        ("&", "a&b", " ", "a b"),
        ("\\\\", r#"[\"a\"]"#, "", r#"["a"]"#),
        (
            r"([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|7z[A-Z0-9]{3,5}\.tmp|[0-9\.\-\_]{3,})",
            r"C:\Users\u\7zAB12.tmp\setup_1.2.3.exe",
            "",
            r"C:\Users\u\\setupexe",
        ),
        (r"[^0-9A-Za-z\s#=-]", "a{b}=c;é", "🔥", "a🔥b🔥=c🔥🔥"),
        (r"\$\{(\w++`){2,}\w++\}", "x ${e`x`e} ${a`b} ${i`e`x`q}", "🔥", "x 🔥 ${a`b} 🔥"),
        (r"\n\s+", "a\n \t b\r\n\n c", "\n ", "a\n b\r\n c"),
        (
            r"['\x22][A-Za-z0-9.]+['\x22](\s?\+\s?['\x22][A-Za-z0-9.,\-\s]+['\x22]){2,}",
            "$a = 'In'+\"voke\" + '-Exp'",
            "🔥",
            "$a = 🔥",
        ),
        (
            r"(?i)(rahc|eman\.|:vne$|_23niw)",
            "$EMAN.x = 'ENV' + _23NIW; :vne\n",
            "🔥",
            "$🔥x = 'ENV' + 🔥; 🔥\n",
        ),
        (r"\$\w+\[\-\s?1\.\.", "$x[-1..-5] $y[- 1..2]", "🔥", "🔥-5] 🔥2]"),
        (r#"[\s\$\{\}\+\@\=\(\)\^\\\"~\[\]\?\./%#\`\'\;\-\!\*]"#, "a $b=[c]; d", "_", "a__b__c___d"),
        (r"(?i)(token=)(?!null)[^ ]+", "token=null Token=abc", "$1*", "token=null Token=*"),
    ];
    for (pattern, text, replacement, expected) in cases {
        assert_eq!(replaced(pattern, text, replacement), expected, "{pattern} on {text}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(
        pattern in "[ab(|)*?]{0,6}", text in "[abü]{0,8}", replacement in "([ab$0-9\\\\ü]|\\$\\{a\\}){0,6}",
    ) {
        if let Ok(regex) = JavaRegex::parse(&pattern) {
            let checked = regex.check_replacement(&replacement);
            match regex.replace_all(&text, &replacement) {
                Ok(_) => prop_assert!(checked.is_ok() || !regex.is_match(&text).expect("linear")),
                Err(_) => prop_assert!(checked.is_err()),
            }
        }
    }

    #[test]
    fn replacing_by_the_match_changes_nothing(pattern in "([abc.]|[ab]\\*|\\(a\\|b\\)){0,4}", text in "[abcü\n]{0,10}") {
        let regex = JavaRegex::parse(&pattern).expect("an expression");
        prop_assert_eq!(regex.replace_all(&text, "$0").expect("a text"), text.as_str());
    }
}
