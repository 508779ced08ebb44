//! Tests of the tree of regular expressions: what is read, refused and written.

use proptest::prelude::*;

use super::{Dialect, Engine, Parser, Shared};

fn compile(dialect: Dialect, pattern: &str) -> Result<Engine, query::Diagnostic> {
    compile_with_groups(dialect, pattern).map(|(engine, _)| engine)
}

/// Also how many groups there are.
fn compile_with_groups(dialect: Dialect, pattern: &str) -> Result<(Engine, usize), query::Diagnostic> {
    let mut shared = Shared::default();
    let node = Parser::new(dialect, pattern, &mut shared).parse()?;
    Ok((Engine::new(&node, pattern.len())?, shared.groups.len()))
}

/// The first match, in place of brackets: `a[bc]d`; `-` when there is none.
fn found(dialect: Dialect, pattern: &str, text: &str) -> String {
    let engine = compile(dialect, pattern).unwrap_or_else(|fault| panic!("{pattern}: {}", fault.message));
    match engine.captures_at(text, 0).expect(pattern).and_then(|groups| groups[0]) {
        None => "-".to_owned(),
        Some((start, end)) => format!("{}[{}]{}", &text[..start], &text[start..end], &text[end..]),
    }
}

fn check(dialect: Dialect, cases: &[(&str, &str, &str)]) {
    for (pattern, text, expected) in cases {
        assert_eq!(found(dialect, pattern, text), *expected, "{pattern} on {text:?}");
    }
}

#[test]
fn both_dialects_agree_on_the_common_part() {
    for dialect in [Dialect::Java, Dialect::Oniguruma] {
        check(
            dialect,
            &[
                ("b", "abc", "a[b]c"),
                ("", "abc", "[]abc"),
                ("a|b|", "cb", "[]cb"),
                ("a.c", "a\nc", "-"),
                ("a+?", "aaa", "[a]aa"),
                ("a{2,3}", "aaaa", "[aaa]a"),
                ("a{2,3}?", "aaaa", "[aa]aa"),
                ("(?:ab){2}", "ababab", "[abab]ab"),
                ("[a-c]+", "xabcd", "x[abc]d"),
                ("[^a-c]+", "abcd", "abc[d]"),
                ("[]a]+", "x]a]", "x[]a]]"),
                ("[a-]+", "b-a-b", "b[-a-]b"),
                ("[a\\-z]+", "b-az", "b[-az]"),
                ("[\\w&&[^d]]+", "dabc", "d[abc]"),
                ("[a-z&&[^m-p]]+", "mabz", "m[abz]"),
                ("[a-c[x-z]]+", "ayb-", "[ayb]-"),
                ("\\d+", "a٣12", "a٣[12]"),
                ("\\w+", "éa_1é", "é[a_1]é"),
                ("\\s", "a\u{A0}\t", "a\u{A0}[\t]"),
                ("\\x41\\x{1F525}", "A🔥", "[A🔥]"),
                ("\\.\\*\\?\\\\", ".*?\\", "[.*?\\]"),
                ("(?i)Straße", "STRAßE", "[STRAßE]"),
                ("(?i)[a-c]+", "ABC", "[ABC]"),
                ("a(?i:b)c", "aBc", "[aBc]"),
                ("a(?i:b)c", "aBC", "-"),
                ("(?i)a(?-i)b", "Ab", "[Ab]"),
                ("(?i)a(?-i)b", "AB", "-"),
                ("(?x) a b # comment\n c", "abc", "[abc]"),
                ("foo(?=bar)", "foobaz foobar", "foobaz [foo]bar"),
                ("foo(?!bar)", "foobar foobaz", "foobar [foo]baz"),
                ("(?<=\\$)\\d+", "1 $23", "1 $[23]"),
                ("(?<!\\$)\\d+", "$2 3", "$2 [3]"),
                ("(?<!\\$|\\d)\\d+", "$23 4", "$23 [4]"),
                ("(?>a+)ab", "aaab", "-"),
                ("a++ab", "aaab", "-"),
                ("a*+b", "caab", "c[aab]"),
                ("a?+a", "a", "-"),
                ("(?<x>a|b)\\k<x>", "abb", "a[bb]"),
                ("(?:(?=a))*a", "a", "[a]"),
                ("(?:^)*a", "ba", "b[a]"),
                ("\\Aa", "ba", "-"),
                ("a\\z", "a\n", "-"),
                ("a\\Z", "a\n", "[a]\n"),
                ("\\bfoo\\b", "xfoo foo.", "xfoo [foo]."),
                ("\\Bo", "oo", "o[o]"),
                ("a\\Rb", "a\r\nb", "[a\r\nb]"),
                ("\\p{Alpha}+", "12ab", "12[ab]"),
                ("\\p{Lu}", "aÉ", "a[É]"),
                ("\\P{L}+", "ab12", "ab[12]"),
            ],
        );
    }
}

#[test]
fn java_means_what_java_means() {
    check(
        Dialect::Java,
        &[
            // Lines.
            ("a$", "a\n", "[a]\n"),
            ("a$", "a\r\n", "[a]\r\n"),
            ("a\r$", "a\r\n", "-"),
            ("a$", "a\nb", "-"),
            ("a$", "a\n\n", "-"),
            ("$", "a\r\n", "a[]\r\n"),
            ("^b", "a\nb", "-"),
            ("(?m)^b$", "a\nb\nc", "a\n[b]\nc"),
            ("(?m)^b$", "a\r\nb\r\nc", "a\r\n[b]\r\nc"),
            ("(?md)^b$", "a\rb\rc", "-"),
            ("a.b", "a\u{2028}b", "-"),
            ("a.b", "a\rb", "-"),
            ("(?d)a.b", "a\rb", "[a\rb]"),
            ("(?s)a.b", "a\nb", "[a\nb]"),
            // Case.
            ("(?i)é", "É", "-"),
            ("(?iu)é", "É", "[É]"),
            ("(?i)k", "\u{212A}", "-"),
            ("(?i)[^a]", "Ab", "A[b]"),
            // Flags hold up to the end of the group, over one alternative after the other.
            ("a(?i)b|c", "C", "[C]"),
            ("(?:(?i)a)b", "AB", "-"),
            // Classes.
            ("\\h", "a\u{3000}", "a[\u{3000}]"),
            ("\\v", "a\x0B", "a[\x0B]"),
            ("\\p{Alpha}", "é", "-"),
            ("(?U)\\p{Alpha}", "é", "[é]"),
            ("(?U)\\w", "é", "[é]"),
            ("\\p{IsAlphabetic}", "é", "[é]"),
            ("\\p{IsLatin}\\p{IsGreek}", "aα", "[aα]"),
            ("\\p{script=Greek}\\p{sc=Latin}\\p{gc=Nd}", "αa1", "[αa1]"),
            ("\\pL\\PL", "é1", "[é1]"),
            ("\\p{javaLowerCase}", "Aé", "A[é]"),
            ("\\p{Punct}+", "a!~$b", "a[!~$]b"),
            ("\\bé", " é", "-"),
            ("[a-z&&def]+", "abdef", "ab[def]"),
            ("[^a-c&&b]+", "ab", "[a]b"),
            ("[a[^b]]+", "bac", "b[ac]"),
            ("[&&a]", "a", "[a]"),
            // Quoting.
            ("\\Qa.b\\E+", "a.bb", "[a.bb]"),
            ("\\Q(", "(", "[(]"),
            ("[\\Q^-]\\E]+", "a]^-", "a[]^-]"),
            // Characters by number.
            ("\\u0041\\ud83d\\udd25", "A🔥", "[A🔥]"),
            ("\\0101\\cA\\e\\a", "A\x01\x1B\x07", "[A\x01\x1B\x07]"),
            // Groups by number.
            ("(a)(b)\\2\\1", "abba", "[abba]"),
            ("(a)\\10", "aa0", "[aa0]"),
            ("(?i)(a)\\1", "aA", "[aA]"),
            // Repetitions.
            ("a{2,}+a", "aaa", "-"),
            ("a{2}+", "aaa", "[aa]a"),
            ("}", "}", "[}]"),
            ("]", "]", "[]]"),
            ("(?x)[a b]+", "a b", "[a] b"),
        ],
    );
}

#[test]
fn oniguruma_means_what_ruby_means() {
    check(
        Dialect::Oniguruma,
        &[
            ("^b$", "a\nb\nc", "a\n[b]\nc"),
            ("(?m)a.b", "a\nb", "[a\nb]"),
            ("a.b", "a\rb", "[a\rb]"),
            ("(?i)é", "É", "[É]"),
            ("a(?i)b|c", "aC", "[aC]"),
            ("\\h+", "xyzBeef", "xyz[Beef]"),
            ("\\H", "a-", "a[-]"),
            ("[[:alnum:]_]+", "-é_1", "-[é_1]"),
            ("[[:^alpha:]]+", "a12", "a[12]"),
            ("\\p{^Alpha}", "é1", "é[1]"),
            ("(?u)\\w+", "é", "[é]"),
            ("\\bfoo", "éfoo foo", "éfoo [foo]"),
            ("a{,2}", "aaa", "[aa]a"),
            ("a{2}?", "aaa", "[aa]a"),
            ("a{2}?b", "b", "[b]"),
            ("a{1,2}+b", "aaab", "[aaab]"),
            ("a{x}", "a{x}", "[a{x}]"),
            ("{", "{", "[{]"),
            ("a**", "aa", "[aa]"),
            ("(a)(b)", "ab", "[ab]"),
            ("a(?#comment)b", "ab", "[ab]"),
            ("(?'n'a)\\k<n>", "aa", "[aa]"),
            ("\\i\\/\\-", "i/-", "[i/-]"),
            ("\\x41\\C", "AC", "[AC]"),
            ("[\\b]", "\x08", "[\x08]"),
            ("[a-\\d]+", "-a1", "[-a1]"),
            ("foo\\Kbar", "foobar", "[foobar]"),
        ],
    );
}

#[test]
fn faults_say_what_and_where() {
    let java = [
        ("a(b", "esql::regex-group", "("),
        ("a)b", "esql::regex-group", ")"),
        ("[a", "esql::regex-class", "["),
        ("[b-a]", "esql::regex-class", "b-a"),
        ("*a", "esql::regex-repeat", "*"),
        ("a**", "esql::regex-repeat", "*"),
        ("a{", "esql::regex-repeat", "{"),
        ("a{2,1}", "esql::regex-repeat", "{2,1}"),
        ("a{999999999999}", "esql::regex-repeat", "{999999999999}"),
        ("{2}", "esql::regex-repeat", "{"),
        ("\\", "esql::regex-escape", "\\"),
        ("a\\y", "esql::regex-escape", "\\y"),
        ("\\p{Nope}", "esql::regex-escape", "\\p{Nope}"),
        ("\\p{InGreek}", "esql::regex-escape", "\\p{InGreek}"),
        ("\\u12", "esql::regex-escape", "\\u"),
        ("[\\b]", "esql::regex-escape", "\\b"),
        ("(?<1a>b)", "esql::regex-group-name", "1a>"),
        ("(?<a>b)(?<a>c)", "esql::regex-group-name", "a>"),
        ("(?q)a", "esql::regex-flag", "q"),
        ("(a)\\2", "esql::regex-reference", "\\2"),
        ("\\k<a>", "esql::regex-reference", "\\k<a>"),
        ("(?<=a+)b", "esql::regex-look-behind", "(?<=a+)"),
        ("\\X", "esql::regex-not-supported", "\\X"),
        ("(?:a{1000}){1000}", "esql::regex-size", "(?:a{1000}){1000}"),
        ("(?=(?:a{1000}){1000})", "esql::regex-size", "(?=(?:a{1000}){1000})"),
    ];
    let oniguruma = [
        ("(?<n>a)\\1", "esql::regex-reference", "\\1"),
        ("\\g<n>", "esql::regex-not-supported", "\\g"),
        ("(?~a)", "esql::regex-not-supported", "(?~"),
        ("\\xC3", "esql::regex-escape", "\\xC3"),
        ("(?<>a)", "esql::regex-group-name", ">"),
        ("[]", "esql::regex-class", "[]"),
        ("[[:nope:]]", "esql::regex-class", "[:nope:]"),
    ];
    let cases = java
        .map(|case| (Dialect::Java, case))
        .into_iter()
        .chain(oniguruma.map(|case| (Dialect::Oniguruma, case)));
    for (dialect, (pattern, code, at)) in cases {
        let fault = compile(dialect, pattern).expect_err(pattern);
        let span = fault.span.expect(pattern);
        assert_eq!((fault.code, &pattern[span.start..span.end]), (code, at), "{pattern}: {}", fault.message);
    }
}

#[test]
fn what_can_be_linear_is_linear() {
    for (pattern, linear) in
        [(":[0-9]+$", true), ("(?i)a|b", true), ("a++", false), ("\\ba", true), ("(?m)^a", false)]
    {
        assert_eq!(compile(Dialect::Java, pattern).expect(pattern).is_linear(), linear, "{pattern}");
    }
}

#[test]
fn trying_has_a_limit() {
    let engine = compile(Dialect::Java, "(a|a)*(?=b)c").expect("an expression");
    // Without `c` the linear part knows that there is no match.
    assert_eq!(engine.captures_at(&"a".repeat(5000), 0), Ok(None));
    let engine = compile(Dialect::Java, "(a|aa)*(?!c)c").expect("an expression");
    assert_eq!(engine.captures_at(&format!("{}c", "a".repeat(5000)), 0), Err(super::MatchFailure));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(
        pattern in "(\\(|\\)|\\[|\\]|\\(\\?[:=!<>i#]|\\\\[wdsbBAzZRQEpkx1]|[a-c&^$.|*+?{},0-9:-]){0,14}",
        text in "[a-c0-9 \n\rü]{0,12}",
    ) {
        for dialect in [Dialect::Java, Dialect::Oniguruma] {
            match compile_with_groups(dialect, &pattern) {
                Ok((engine, count)) => {
                    if let Ok(Some(groups)) = engine.captures_at(&text, 0) {
                        prop_assert_eq!(groups.len(), count + 1, "{}", pattern);
                        for (start, end) in groups.into_iter().flatten() {
                            prop_assert!(text.get(start..end).is_some());
                        }
                    }
                }
                Err(fault) => {
                    let span = fault.span.expect("a place");
                    prop_assert!(pattern.get(span.start..span.end).is_some(), "{} {:?}", pattern, span);
                }
            }
        }
    }

    /// What both can do, the engine that tries finds as the linear one does.
    #[test]
    fn engines_agree(
        pattern in "([ab.]|\\[ab\\]|[ab][*+?]|\\(a\\|b\\)[*?]?|\\(ab\\|a\\)|\\|){1,6}",
        text in "[abc]{0,8}",
    ) {
        let Ok(linear) = compile(Dialect::Java, &pattern) else { return Ok(()) };
        // A look-around that always holds.
        let Ok(trying) = compile(Dialect::Java, &format!("(?=)(?:{pattern})")) else { return Ok(()) };
        prop_assert!(linear.is_linear() && !trying.is_linear());
        prop_assert_eq!(linear.captures_at(&text, 0), trying.captures_at(&text, 0), "{}", pattern);
    }
}
