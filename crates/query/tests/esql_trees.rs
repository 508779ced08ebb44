//! ES|QL texts and the trees they stand for.

use bartizan_query::esql::ast::{Command, Expr, Literal, NamePart, NamePattern, Source};
use bartizan_query::esql::{MAX_DEPTH, parse};
use bartizan_query::{Diagnostic, Spanned};

/// A tree in brackets: columns in `<…>`, texts in quotes, everything else in parentheses with its operator first.
fn shown(node: &Expr) -> String {
    let all =
        |nodes: &[Spanned<Expr>]| nodes.iter().map(|node| shown(&node.value)).collect::<Vec<_>>().join(" ");
    let not = |negated: bool| if negated { "not-" } else { "" };
    match node {
        Expr::And(nodes) => format!("(and {})", all(nodes)),
        Expr::Or(nodes) => format!("(or {})", all(nodes)),
        Expr::Not(inner) => format!("(not {})", shown(&inner.value)),
        Expr::Compare { op, left, right } => format!("({op} {} {})", shown(&left.value), shown(&right.value)),
        Expr::Like { op, value, patterns, negated } => {
            let patterns: Vec<_> = patterns.iter().map(|pattern| format!("{:?}", pattern.value)).collect();
            format!("({}{op} {} {})", not(*negated), shown(&value.value), patterns.join(" "))
        }
        Expr::In { value, list, negated } => {
            format!("({}in {} {})", not(*negated), shown(&value.value), all(list))
        }
        Expr::IsNull { value, negated } => format!("({}null {})", not(*negated), shown(&value.value)),
        Expr::Match { field, cast, query } => {
            let cast = cast.as_ref().map(|cast| format!("::{}", cast.value)).unwrap_or_default();
            format!("(: <{}>{cast} {})", field.value, literal_shown(&query.value))
        }
        Expr::Arithmetic { op, left, right } => {
            format!("({op} {} {})", shown(&left.value), shown(&right.value))
        }
        Expr::Negate(inner) => format!("(neg {})", shown(&inner.value)),
        Expr::Cast { value, to } => format!("(:: {} {})", shown(&value.value), to.value),
        Expr::Call { function, args, options } => {
            let keys: Vec<_> =
                options.iter().flatten().map(|entry| format!(" {:?}", entry.key.value)).collect();
            format!("({} {}{})", function.value, all(args), keys.concat())
        }
        Expr::Column(name) => format!("<{name}>"),
        Expr::Literal(literal) => literal_shown(literal),
        Expr::Parameter(name) => format!("?{name}"),
        Expr::Star => "*".into(),
        Expr::Invalid => "INVALID".into(),
    }
}

fn literal_shown(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".into(),
        Literal::Bool(value) => value.to_string(),
        Literal::Integer(value) => format!("{value}i"),
        Literal::UnsignedLong(value) => format!("{value}u"),
        Literal::Double(value) => format!("{value:?}d"),
        Literal::Text(text) => format!("{text:?}"),
        Literal::TimeSpan(span) => format!("{}x{:?}", span.count, span.unit),
        Literal::List(items) => {
            let items: Vec<_> = items.iter().map(|item| literal_shown(&item.value)).collect();
            format!("[{}]", items.join(" "))
        }
    }
}

fn codes(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    diagnostics.iter().map(|finding| finding.code).collect()
}

/// Condition, its tree.
const EXPRESSIONS: &[(&str, &str)] = &[
    // What holds tighter than what.
    ("a OR b AND c", "(or <a> (and <b> <c>))"),
    ("(a or b) and c and d", "(and (or <a> <b>) <c> <d>)"),
    ("(a AND b) AND c", "(and (and <a> <b>) <c>)"),
    ("NOT a AND b", "(and (not <a>) <b>)"),
    ("not not a == 1", "(not (not (== <a> 1i)))"),
    ("NOT a IN (1)", "(not (in <a> 1i))"),
    ("a + b * c - d", "(- (+ <a> (* <b> <c>)) <d>)"),
    ("a % b / c", "(/ (% <a> <b>) <c>)"),
    ("a + 1 > b * 2", "(> (+ <a> 1i) (* <b> 2i))"),
    ("a == b IS NULL", "(null (== <a> <b>))"),
    ("a > 1 NOT IN (true, b == c)", "(not-in (> <a> 1i) true (== <b> <c>))"),
    // Signs.
    ("-a * b", "(* (neg <a>) <b>)"),
    ("-1 * a", "(* -1i <a>)"),
    ("- 1::long", "(:: -1i long)"),
    ("-a::long", "(neg (:: <a> long))"),
    ("a - -1", "(- <a> -1i)"),
    ("a -1", "(- <a> 1i)"),
    ("--1", "(neg -1i)"),
    ("-(1)", "(neg 1i)"),
    ("+a + +1", "(+ <a> 1i)"),
    // Numbers.
    ("2147483648", "2147483648i"),
    ("-9223372036854775808", "-9223372036854775808i"),
    ("9223372036854775808", "9223372036854775808u"),
    ("18446744073709551616", "1.8446744073709552e19d"),
    ("[1., .5, 1E-2, 1e3]", "[1.0d 0.5d 0.01d 1000.0d]"),
    // Other constants.
    ("[-1, +2]", "[-1i 2i]"),
    ("[\"a\", \"b\"]", "[\"a\" \"b\"]"),
    ("[TRUE, false]", "[true false]"),
    ("Null", "null"),
    ("5 minutes", "5xMinute"),
    ("-1h", "-1xHour"),
    ("NOW() - 7 DAYS", "(- (NOW ) 7xDay)"),
    ("1 mo + 1 q + 1 yr + 1 ms", "(+ (+ (+ 1xMonth 1xQuarter) 1xYear) 1xMillisecond)"),
    (r#""a\t\"\\""#, r#""a\t\"\\""#),
    (r#""""a\b"c"""""#, r#""a\\b\"c\"""#),
    ("?", "?"),
    ("?1 + ?name", "(+ ?1 ?name)"),
    // Names.
    ("a.`b c`.`d``e`", "<a.b c.d`e>"),
    ("@timestamp > _id", "(> <@timestamp> <_id>)"),
    ("source.as.number", "<source.as.number>"),
    ("from IN (from, hour)", "(in <from> <from> <hour>)"),
    // Predicates.
    ("a NOT LIKE \"x*\"", "(not-LIKE <a> \"x*\")"),
    ("a rlike (\"x\", \"\"\"\\d\"\"\")", "(RLIKE <a> \"x\" \"\\\\d\")"),
    ("concat(a, \"b\") LIKE \"x\"", "(LIKE (concat <a> \"b\") \"x\")"),
    ("a IS NOT NULL or b is null", "(or (not-null <a>) (null <b>))"),
    ("a.b : \"x\" AND c::keyword : 5", "(and (: <a.b> \"x\") (: <c>::keyword 5i))"),
    // Calls and casts.
    ("count(*)", "(count *)"),
    ("now()", "(now )"),
    ("f(a, NOT b, c == 1)", "(f <a> (not <b>) (== <c> 1i))"),
    ("match(a, \"b\", {\"operator\": \"and\", \"x\": {\"y\": 1}})", "(match <a> \"b\" \"operator\" \"x\")"),
    ("first(a, @timestamp) == LAST(a, b)", "(== (first <a> <@timestamp>) (LAST <a> <b>))"),
    ("a::ip::string", "(:: (:: <a> ip) string)"),
    ("(a + b)::long", "(:: (+ <a> <b>) long)"),
    // Comments.
    ("a // b\n AND /* c /* d */ e */ f", "(and <a> <f>)"),
];

#[test]
fn expressions_read_as_meant() {
    for (text, tree) in EXPRESSIONS {
        let text = format!("FROM x | WHERE {text}");
        let parsed = parse(&text);
        assert_eq!(codes(&parsed.diagnostics), Vec::<&str>::new(), "{text}");
        let Some(Command::Where(condition)) = parsed.tree.commands.first().map(|command| &command.value)
        else {
            panic!("{text}: {:?}", parsed.tree)
        };
        assert_eq!(shown(&condition.value), *tree, "{text}");
    }
}

/// Query, the same query as printed.
const QUERIES: &[(&str, &str)] = &[
    ("from a", "FROM a"),
    (
        "FROM logs-*,-logs-x*,.alerts-* metadata _id,_index",
        "FROM logs-*, -logs-x*, .alerts-* METADATA _id, _index",
    ),
    ("FROM \"a, b:c::data\", <x-{now/d}>", "FROM a, b:c::data, <x-{now/d}>"),
    ("FROM c:a::failures, \"with space\"", "FROM c:a::failures, \"with space\""),
    ("from a, (from b | where c) | keep *", "FROM a, (FROM b | WHERE c) | KEEP *"),
    ("TS m", "TS m"),
    ("row a = 1, \"b\"", "ROW a = 1, \"b\""),
    ("show info", "SHOW INFO"),
    ("SET x = true; set y = {\"a\": 1}; FROM a", "SET x = TRUE; SET y = {\"a\": 1}; FROM a"),
    ("PROMQL rate(a{b=\"|\"}[5m]) /* x */ | limit 1", "PROMQL rate(a{b=\"|\"}[5m]) | LIMIT 1"),
    ("FROM a|eval b=1,c=b+1,d.e=f(c),g", "FROM a | EVAL b = 1, c = b + 1, d.e = f(c), g"),
    (
        "FROM a | STATS count(*) WHERE b, c = MAX(d) BY e, f = g + 1, h(i)",
        "FROM a | STATS count(*) WHERE b, c = MAX(d) BY e, f = g + 1, h(i)",
    ),
    ("FROM a | stats by b", "FROM a | STATS BY b"),
    (
        "FROM a | INLINESTATS b = max(c) | inline stats max(d) by e",
        "FROM a | INLINE STATS b = max(c) | INLINE STATS max(d) BY e",
    ),
    (
        "FROM a | KEEP a.b*, *.c, `d*`, as, b* | drop x*y, on",
        "FROM a | KEEP a.b*, *.c, `d*`, `as`, b* | DROP x*y, `on`",
    ),
    (
        "FROM a | RENAME b AS c, d = e, source.as.number as `as`",
        "FROM a | RENAME b AS c, e AS d, source.as.number AS `as`",
    ),
    (
        "FROM a | SORT b, c desc, d ASC NULLS LAST, e asc nulls first, f(g) DESC NULLS LAST",
        "FROM a | SORT b, c DESC, d, e NULLS FIRST, f(g) DESC NULLS LAST",
    ),
    ("FROM a | LIMIT 0", "FROM a | LIMIT 0"),
    (
        "FROM a | DISSECT b \"%{c} %{d}\" append_separator=\",\"",
        "FROM a | DISSECT b \"%{c} %{d}\" APPEND_SEPARATOR = \",\"",
    ),
    ("FROM a | GROK f(b) \"%{WORD:c}\", \"\"\"\\d\"\"\"", "FROM a | GROK f(b) \"%{WORD:c}\", \"\\\\d\""),
    ("FROM a | mv_expand b.c", "FROM a | MV_EXPAND b.c"),
    ("FROM a | ENRICH _any:p on b.c with d = e.f, g", "FROM a | ENRICH _any:p ON b.c WITH d = e.f, g"),
    ("FROM a | LOOKUP JOIN l ON b, c == d", "FROM a | LOOKUP JOIN l ON b, c == d"),
    ("FROM a | CHANGE_POINT b ON c AS d, e", "FROM a | CHANGE_POINT b ON c AS d, e"),
    (
        "FROM a | COMPLETION b = concat(c, \"d\") WITH { \"inference_id\" : \"e\" }",
        "FROM a | COMPLETION b = concat(c, \"d\") WITH {\"inference_id\": \"e\"}",
    ),
    (
        "FROM a | RERANK b = \"q\" ON c, d = f(e) WITH {\"x\": 1}",
        "FROM a | RERANK b = \"q\" ON c, d = f(e) WITH {\"x\": 1}",
    ),
    (
        "FROM a | FORK (WHERE b | LIMIT 1) (SORT c | keep d) | fuse",
        "FROM a | FORK (WHERE b | LIMIT 1) (SORT c | KEEP d) | FUSE",
    ),
    (
        "FROM a | FUSE linear KEY BY b, c SCORE BY d WITH {\"x\": 1}",
        "FROM a | FUSE linear SCORE BY d KEY BY b, c WITH {\"x\": 1}",
    ),
    ("FROM a | SAMPLE .25", "FROM a | SAMPLE 0.25"),
    ("FROM a | mmr [1, 2] ON b LIMIT 5", "FROM a | MMR [1, 2] ON b LIMIT 5"),
    ("// c\nFROM a /* d */ METADATA _id // e\n| LIMIT 1 // f", "FROM a METADATA _id | LIMIT 1"),
];

#[test]
fn queries_read_as_meant() {
    for (text, printed) in QUERIES {
        let parsed = parse(text);
        assert_eq!(codes(&parsed.diagnostics), Vec::<&str>::new(), "{text}");
        assert_eq!(parsed.tree.to_string(), *printed, "{text}");
        assert_eq!(parse(printed).tree, parsed.tree, "{text}");
    }
}

#[test]
fn spans_cover_what_is_meant() {
    let text = "FROM a | STATS (b + 1) * c WHERE d, e = max(f) BY `g h`, (i)";
    let parsed = parse(text);
    let written = |span: bartizan_query::Span| &text[span.start..span.end];
    let command = &parsed.tree.commands[0];
    assert_eq!(written(command.span), "STATS (b + 1) * c WHERE d, e = max(f) BY `g h`, (i)");
    let Command::Stats(stats) = &command.value else { panic!("{command:?}") };
    let Expr::Arithmetic { left, .. } = &stats.aggregates[0].field.value.value else { panic!("{stats:?}") };
    assert_eq!(written(left.span), "(b + 1)");
    let Expr::Call { function, .. } = &stats.aggregates[1].field.value.value else { panic!("{stats:?}") };
    assert_eq!(written(function.span), "max");
    let names: Vec<_> = stats.aggregates.iter().map(|aggregate| aggregate.column_name(text)).collect();
    assert_eq!(names, ["(b + 1) * c WHERE d", "e"]);
    let keys: Vec<_> = stats.by.iter().map(|key| key.column_name(text)).collect();
    assert_eq!(keys, ["g h", "i"]);
}

#[test]
fn quoted_patterns_have_the_span_of_the_text() {
    let text = "FROM \"a,b\", c:d";
    let Source::From(from) = parse(text).tree.source.value else { panic!("{text}") };
    let spans: Vec<_> = from.items.iter().map(|item| &text[item.span.start..item.span.end]).collect();
    assert_eq!(spans, ["\"a,b\"", "\"a,b\"", "c:d"]);
}

#[test]
fn patterns_of_names_match_whole_names() {
    let pattern = |text: &str| {
        let query = format!("FROM x | KEEP {text}");
        match parse(&query).tree.commands.remove(0).value {
            Command::Keep(mut patterns) => patterns.remove(0).value,
            other => panic!("{query}: {other:?}"),
        }
    };
    for (text, name, matches) in [
        ("a", "a", true),
        ("a", "A", false),
        ("a*", "a", true),
        ("a*", "ab.c", true),
        ("a*", "ba", false),
        ("*a", "ba", true),
        ("*a", "ab", false),
        ("*", "", true),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "acb", false),
        ("a*a", "a", false),
        ("*a*a*", "xaya", true),
        ("*ab*b", "ab", false),
        ("`a*`", "ab", false),
        ("`a*`", "a*", true),
    ] {
        assert_eq!(pattern(text).matches(name), matches, "{text} on {name}");
    }
    assert_eq!(pattern("a.**"), NamePattern { parts: vec![NamePart::Text("a.".into()), NamePart::Any] });
    assert!(pattern("*").is_everything());
    assert_eq!(pattern("a.b").name(), Some("a.b"));
}

#[test]
fn depth_is_limited_and_said() {
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("FROM a | WHERE {}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in
        [("(", ")"), ("NOT ", ""), ("-", ""), ("f(", ")"), ("a IN (f(", "))"), ("(NOT (-", "))")]
    {
        let levels = if open.len() > 4 { if open.contains("NOT") { 4 } else { 2 } } else { 1 };
        let most = nested(open, "a", close, MAX_DEPTH / levels);
        assert!(parse(&most).is_ok(), "{open}: {:?}", parse(&most).diagnostics);
        let more = parse(&nested(open, "a", close, MAX_DEPTH + 1));
        assert_eq!(codes(&more.diagnostics), ["esql::too-deep"], "{open}");
        assert!(!parse(&nested(open, "a", close, 100_000)).is_ok());
    }
    for chain in [" + a", "::ip", " AND a", " OR a", " == a"] {
        let parsed = parse(&format!("FROM a | WHERE a{}", chain.repeat(100_000)));
        assert_eq!(parsed.is_ok(), chain.contains("AND") || chain.contains("OR"), "{chain}");
    }
    let fork = format!("FROM a | {}LIMIT 1{}", "FORK (".repeat(10_000), ")".repeat(10_000));
    assert_eq!(codes(&parse(&fork).diagnostics), ["esql::too-deep"]);
    let from = format!("{}FROM a{}", "FROM (".repeat(10_000), ")".repeat(10_000));
    assert_eq!(codes(&parse(&from).diagnostics), ["esql::too-deep"]);
    let map = format!("FROM a | WHERE f(a, {}1", "{\"k\": ".repeat(10_000));
    assert_eq!(codes(&parse(&map).diagnostics), ["esql::too-deep"]);
    assert!(parse(&format!("FROM a{}", " | LIMIT 1".repeat(10_000))).is_ok());
}
