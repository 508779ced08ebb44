//! EQL texts and the trees they stand for.

use bartizan_query::Spanned;
use bartizan_query::eql::ast::{Body, Category, EventFilter, Expr, FieldRef, Literal, Stage};
use bartizan_query::eql::{MAX_DEPTH, parse};

/// A tree in brackets: fields in `<…>`, texts in quotes, everything else in parentheses with its operator first.
fn shown(node: &Expr) -> String {
    let all =
        |nodes: &[Spanned<Expr>]| nodes.iter().map(|node| shown(&node.value)).collect::<Vec<_>>().join(" ");
    match node {
        Expr::And(nodes) => format!("(and {})", all(nodes)),
        Expr::Or(nodes) => format!("(or {})", all(nodes)),
        Expr::Not(inner) => format!("(not {})", shown(&inner.value)),
        Expr::Compare { op, left, right } => format!("({op} {} {})", shown(&left.value), shown(&right.value)),
        Expr::Match { op, value, patterns } => {
            let patterns: Vec<_> = patterns.iter().map(|pattern| literal_shown(&pattern.value)).collect();
            format!("({op} {} {})", shown(&value.value), patterns.join(" "))
        }
        Expr::In { value, list, fold, negated } => {
            let operator =
                format!("{}in{}", if *negated { "not-" } else { "" }, if *fold { "~" } else { "" });
            format!("({operator} {} {})", shown(&value.value), all(list))
        }
        Expr::Arithmetic { op, left, right } => {
            format!("({op} {} {})", shown(&left.value), shown(&right.value))
        }
        Expr::Negate(inner) => format!("(neg {})", shown(&inner.value)),
        Expr::Call { function, fold, args } => {
            format!("({}{} {})", function.value, if *fold { "~" } else { "" }, all(args))
        }
        Expr::Field(field) => field_shown(field),
        Expr::Literal(literal) => literal_shown(literal),
        Expr::Invalid => "INVALID".into(),
    }
}

fn literal_shown(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".into(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => format!("{value}i"),
        Literal::Float(value) => format!("{value:?}f"),
        Literal::Text(text) => format!("{text:?}"),
    }
}

fn field_shown(field: &FieldRef) -> String {
    format!("<{}{}>", if field.optional { "?" } else { "" }, field.name)
}

fn filter_shown(filter: &EventFilter) -> String {
    let category = match &filter.category.value {
        Category::Any => "any".to_owned(),
        Category::Named(name) => format!("{name:?}"),
    };
    format!("{category} {}", shown(&filter.condition.value))
}

fn keys_shown(keys: &[Spanned<FieldRef>]) -> String {
    keys.iter().map(|key| field_shown(&key.value)).collect()
}

fn stage_shown(stage: &Stage) -> String {
    let bracket = if stage.missing { "![" } else { "[" };
    format!("{bracket}{}]{}x{}", filter_shown(&stage.filter), keys_shown(&stage.by), stage.runs.value)
}

fn query_shown(text: &str) -> String {
    let parsed = parse(text);
    assert_eq!(parsed.diagnostics, [], "{text:?} gives {:?}", parsed.tree);
    let stages = |stages: &[Stage]| stages.iter().map(stage_shown).collect::<Vec<_>>().join(" ");
    let mut out = match &parsed.tree.body {
        Body::Event(filter) => filter_shown(filter),
        Body::Sequence(sequence) => {
            let maxspan = sequence.maxspan.map(|span| format!("/{}", span.value)).unwrap_or_default();
            let until = sequence.until.iter().map(|stage| format!(" until {}", stage_shown(stage)));
            let keys = keys_shown(&sequence.by);
            format!("sequence{keys}{maxspan} {}{}", stages(&sequence.stages), until.collect::<String>())
        }
        Body::Sample(sample) => format!("sample{} {}", keys_shown(&sample.by), stages(&sample.stages)),
        Body::Invalid => "INVALID".into(),
    };
    parsed.tree.pipes.iter().for_each(|pipe| out.push_str(&format!(" | {}", pipe.value)));
    let printed = parsed.tree.to_string();
    let again = parse(&printed);
    assert_eq!(again.diagnostics, [], "{text:?} printed as {printed:?}");
    assert_eq!(again.tree, parsed.tree, "{text:?} printed as {printed:?}");
    out
}

/// Condition, tree.
const CONDITIONS: &[(&str, &str)] = &[
    // Constants.
    ("true", "true"),
    ("false", "false"),
    ("null", "null"),
    ("a == 1", "(== <a> 1i)"),
    ("a == 9223372036854775807", "(== <a> 9223372036854775807i)"),
    ("a == 9223372036854775808", "(== <a> 9.223372036854776e18f)"),
    ("a == .5", "(== <a> 0.5f)"),
    ("a == 5.", "(== <a> 5.0f)"),
    ("a == 1e3", "(== <a> 1000.0f)"),
    ("a == 1.5E-3", "(== <a> 0.0015f)"),
    ("a == -1", "(== <a> (neg 1i))"),
    ("a == +1", "(== <a> 1i)"),
    ("a == - -1", "(== <a> (neg (neg 1i)))"),
    ("a == 007", "(== <a> 7i)"),
    // Texts.
    (r#"a == "b""#, r#"(== <a> "b")"#),
    (r#"a == """#, r#"(== <a> "")"#),
    (r#"a == "q\"q\\n\n\r\t\b\f\'""#, r#"(== <a> "q\"q\\n\n\r\t\u{8}\u{c}'")"#),
    (r#"a == "\u{41}\u{00e9}\u{0001F600}""#, r#"(== <a> "Aé😀")"#),
    (r#"a == "it's""#, r#"(== <a> "it's")"#),
    (r#"a == """C:\new\"x" y""""#, r#"(== <a> "C:\\new\\\"x\" y")"#),
    (r#"a == """""""#, r#"(== <a> "")"#),
    (r#"a == """x""""""#, r#"(== <a> "x\"\"")"#),
    ("a == \"// no /* comment\"", "(== <a> \"// no /* comment\")"),
    // Fields.
    ("a.b_c.D9 == 1", "(== <a.b_c.D9> 1i)"),
    ("@timestamp == 1", "(== <@timestamp> 1i)"),
    ("_id == 1", "(== <_id> 1i)"),
    ("a . b == 1", "(== <a.b> 1i)"),
    ("?a.b == 1", "(== <?a.b> 1i)"),
    ("? a == 1", "(== <?a> 1i)"),
    ("`a-b`.c == 1", "(== <a-b.c> 1i)"),
    ("`TRUE` and TRUE.a and a.Null == 1", "(and <TRUE> <TRUE.a> (== <a.Null> 1i))"),
    ("a.`6 b`.`c``d` == 1", "(== <a.6 b.c`d> 1i)"),
    ("`a.b` == 1", "(== <a.b> 1i)"),
    ("`and`.`any` == 1", "(== <and.any> 1i)"),
    ("`.a..` == 1", "(== <.a..> 1i)"),
    ("?`a b` == 1", "(== <?a b> 1i)"),
    ("AND2.Like2.android == 1", "(== <AND2.Like2.android> 1i)"),
    ("runs == head", "(== <runs> <head>)"),
    // Comparisons.
    ("a != 1", "(!= <a> 1i)"),
    ("a < 1 and a <= 1 and a > 1 and a >= 1", "(and (< <a> 1i) (<= <a> 1i) (> <a> 1i) (>= <a> 1i))"),
    ("1 == a", "(== 1i <a>)"),
    ("a==b", "(== <a> <b>)"),
    ("null != a", "(!= null <a>)"),
    // Patterns and lists.
    (r#"a : "b*""#, r#"(: <a> "b*")"#),
    (r#"a:"b""#, r#"(: <a> "b")"#),
    (r#"a : ("b", "c?")"#, r#"(: <a> "b" "c?")"#),
    (r#"a : ("b")"#, r#"(: <a> "b")"#),
    (r#"a like "b" or a like~ ("c", "d")"#, r#"(or (like <a> "b") (like~ <a> "c" "d"))"#),
    (r#"a regex "b.*" or a regex~ ("c", "d")"#, r#"(or (regex <a> "b.*") (regex~ <a> "c" "d"))"#),
    (r#"concat(a, "b") : "c""#, r#"(: (concat <a> "b") "c")"#),
    (r#"not a : "b""#, r#"(not (: <a> "b"))"#),
    (r#"a : "b" == true"#, r#"(== (: <a> "b") true)"#),
    (r#"a in ("b", 1, null)"#, r#"(in <a> "b" 1i null)"#),
    ("a in~ (1)", "(in~ <a> 1i)"),
    ("a not in (1, 2)", "(not-in <a> 1i 2i)"),
    ("a not in~ (1)", "(not-in~ <a> 1i)"),
    ("not a in (1)", "(not (in <a> 1i))"),
    ("not a not in (1)", "(not (not-in <a> 1i))"),
    ("a in (1 + 2, length(b))", "(in <a> (+ 1i 2i) (length <b>))"),
    // Precedence and chains.
    ("a and b or c", "(or (and <a> <b>) <c>)"),
    ("a or b and c", "(or <a> (and <b> <c>))"),
    ("a and b and c", "(and <a> <b> <c>)"),
    ("(a and b) and c", "(and (and <a> <b>) <c>)"),
    ("a or (b or c)", "(or <a> (or <b> <c>))"),
    ("((a))", "<a>"),
    ("not a and b", "(and (not <a>) <b>)"),
    ("not a == 1", "(not (== <a> 1i))"),
    ("not (a and b)", "(not (and <a> <b>))"),
    ("not not a", "(not (not <a>))"),
    ("(not a) == true", "(== (not <a>) true)"),
    ("(a == 1) == (b == 2)", "(== (== <a> 1i) (== <b> 2i))"),
    ("a + b * c == 1", "(== (+ <a> (* <b> <c>)) 1i)"),
    ("a * b + c == 1", "(== (+ (* <a> <b>) <c>) 1i)"),
    ("(a + b) * c == 1", "(== (* (+ <a> <b>) <c>) 1i)"),
    ("a - b - c == 1", "(== (- (- <a> <b>) <c>) 1i)"),
    ("a - (b - c) == 1", "(== (- <a> (- <b> <c>)) 1i)"),
    ("a / b % c * d == 1", "(== (* (% (/ <a> <b>) <c>) <d>) 1i)"),
    ("a / (b % c) == 1", "(== (/ <a> (% <b> <c>)) 1i)"),
    ("-a * b == 1", "(== (* (neg <a>) <b>) 1i)"),
    ("-(a * b) == 1", "(== (neg (* <a> <b>)) 1i)"),
    ("a - -b == 1", "(== (- <a> (neg <b>)) 1i)"),
    ("a -1 == 1", "(== (- <a> 1i) 1i)"),
    ("1 == a + 2", "(== 1i (+ <a> 2i))"),
    // Functions.
    ("LENGTH(a) > 1", "(> (length <a>) 1i)"),
    (r#"startswith~(a, "b")"#, r#"(startsWith~ <a> "b")"#),
    (r#"cidrMatch(a, "b", "c", "d")"#, r#"(cidrMatch <a> "b" "c" "d")"#),
    ("between(a, b, c, true) == d", "(== (between <a> <b> <c> true) <d>)"),
    ("endsWith(substring(a, -4), b)", "(endsWith (substring <a> (neg 4i)) <b>)"),
    ("stringContains (a, b)", "(stringContains <a> <b>)"),
    (
        "add(a, b) + divide(a, b) + modulo(a, b) == 1",
        "(== (+ (+ (add <a> <b>) (divide <a> <b>)) (modulo <a> <b>)) 1i)",
    ),
    ("multiply(a, b) - subtract(a, b) == 1", "(== (- (multiply <a> <b>) (subtract <a> <b>)) 1i)"),
    ("indexOf(a, b, 1) == number(c, 16)", "(== (indexOf <a> <b> 1i) (number <c> 16i))"),
    ("string(a == 1) == \"true\"", "(== (string (== <a> 1i)) \"true\")"),
    ("string == 1", "(== <string> 1i)"),
    // White space and comments.
    ("\t a\r\n==\n1 ", "(== <a> 1i)"),
    ("a // b\n == 1 // c", "(== <a> 1i)"),
    ("a /* b // c */ == /**/ 1", "(== <a> 1i)"),
    ("a /* b /* c */ d */ == 1", "(== <a> 1i)"),
    ("a == 4 / 2", "(== <a> (/ 4i 2i))"),
];

/// Query, tree.
const QUERIES: &[(&str, &str)] = &[
    ("process where true", r#""process" true"#),
    ("any where true", "any true"),
    (r#""any" where true"#, r#""any" true"#),
    (r#""my category" where true"#, r#""my category" true"#),
    (r#""""a\b""" where true"#, r#""a\\b" true"#),
    (r#""where" where true"#, r#""where" true"#),
    ("process where true | head 5", r#""process" true | head 5"#),
    ("process where a | head 5 | tail 2", r#""process" <a> | head 5 | tail 2"#),
    ("process where true | tail 0", r#""process" true | tail 0"#),
    // Sequences.
    ("sequence [file where true] [any where a]", r#"sequence ["file" true]x1 [any <a>]x1"#),
    (
        "sequence by a, ?b.c with maxspan=5m [any where true] [any where true]",
        "sequence<a><?b.c>/5m [any true]x1 [any true]x1",
    ),
    (
        "sequence with maxspan = 1 h [any where true] [any where true]",
        "sequence/1h [any true]x1 [any true]x1",
    ),
    (
        "sequence with maxspan=10ms [any where true] [any where true]",
        "sequence/10ms [any true]x1 [any true]x1",
    ),
    ("sequence with maxspan=2d [any where true] [any where true]", "sequence/2d [any true]x1 [any true]x1"),
    (
        "sequence [any where true] by a, b [any where true] by c, `d e`",
        "sequence [any true]<a><b>x1 [any true]<c><d e>x1",
    ),
    (
        "sequence by a [any where true] by b [any where true] by c",
        "sequence<a> [any true]<b>x1 [any true]<c>x1",
    ),
    ("sequence by a [any where true] with runs=3", "sequence<a> [any true]x3"),
    (
        "sequence [any where true] by a with runs=100 [any where true] by b",
        "sequence [any true]<a>x100 [any true]<b>x1",
    ),
    (
        "sequence [any where true] [any where true] until [any where a]",
        "sequence [any true]x1 [any true]x1 until [any <a>]x1",
    ),
    (
        "sequence [any where true] by a [any where true] by b until [any where a] by c | tail 1",
        "sequence [any true]<a>x1 [any true]<b>x1 until [any <a>]<c>x1 | tail 1",
    ),
    ("sequence with maxspan=1s ![any where true] [any where true]", "sequence/1s ![any true]x1 [any true]x1"),
    (
        "sequence with maxspan=1s [any where true] ![any where true] with runs=2 [any where true]",
        "sequence/1s [any true]x1 ![any true]x2 [any true]x1",
    ),
    // Samples.
    ("sample by a [any where true] [any where true]", "sample<a> [any true]x1 [any true]x1"),
    (
        "sample [any where true] by a, b [any where true] by c, ?d",
        "sample [any true]<a><b>x1 [any true]<c><?d>x1",
    ),
];

#[test]
fn conditions_are_read() {
    for (text, tree) in CONDITIONS {
        assert_eq!(query_shown(&format!("any where {text}")), format!("any {tree}"), "{text:?}");
    }
}

#[test]
fn queries_are_read() {
    for (text, tree) in QUERIES {
        assert_eq!(query_shown(text), *tree, "{text:?}");
    }
}

/// Printed as it stands, unless a second text says otherwise.
const PRINTED: &[(&str, Option<&str>)] = &[
    ("any where (a and (b or c)) or not d", Some("any where a and (b or c) or not d")),
    ("any where a == 1 and (b and c)", None),
    ("any where (a : \"x\") == true", Some("any where a : \"x\" == true")),
    ("any where (a + 1) : \"\"\"x\"\"\"", None),
    ("any where CIDRmatch( a,\"b\" )", Some("any where cidrMatch(a, \"b\")")),
    ("sequence by a with maxspan=60s [any where b] by c with runs=2", None),
];

#[test]
fn printing_takes_the_fewest_parentheses() {
    for (text, printed) in PRINTED {
        let parsed = parse(text);
        let expected = printed.map_or_else(|| text.replace("\"\"\"", "\""), str::to_owned);
        assert_eq!(parsed.tree.to_string(), expected);
    }
}

#[test]
fn spans_name_their_text() {
    let text = "sequence by ?a.b with maxspan=5 m [file where not (x == 1) and -y : \"p\"] by `k` with runs = 3 | head 7";
    let parsed = parse(text);
    let at = |span: bartizan_query::Span| &text[span.start..span.end];
    let Body::Sequence(sequence) = &parsed.tree.body else { panic!("{parsed:?}") };
    assert_eq!(at(sequence.by[0].span), "?a.b");
    assert_eq!(at(sequence.maxspan.unwrap().span), "5 m");
    let stage = &sequence.stages[0];
    assert_eq!(at(stage.span), "[file where not (x == 1) and -y : \"p\"] by `k` with runs = 3");
    assert_eq!(at(stage.by[0].span), "`k`");
    assert_eq!(at(stage.runs.span), "3");
    assert_eq!(at(stage.filter.category.span), "file");
    assert_eq!(at(parsed.tree.pipes[0].span), "head 7");
    let Expr::And(all) = &stage.filter.condition.value else { panic!("{parsed:?}") };
    assert_eq!(at(all[1].span), "-y : \"p\"");
    let Expr::Not(inner) = &all[0].value else { panic!("{parsed:?}") };
    assert_eq!(at(inner.span), "x == 1");
    let Expr::Negate(inner) = &all[1].value else { panic!("{parsed:?}") };
    let Expr::Match { patterns, .. } = &inner.value else { panic!("{parsed:?}") };
    assert_eq!(at(patterns[0].span), "\"p\"");
}

#[test]
fn a_length_of_time_is_in_milliseconds() {
    for (text, milliseconds) in
        [("7ms", 7), ("2s", 2_000), ("3m", 180_000), ("1h", 3_600_000), ("1d", 86_400_000)]
    {
        let parsed = parse(&format!("sequence with maxspan={text} [any where true] [any where true]"));
        let Body::Sequence(sequence) = parsed.tree.body else { panic!("{text}") };
        assert_eq!(sequence.maxspan.unwrap().value.milliseconds(), milliseconds);
    }
}

/// What nests, as opening and closing text around `x`.
const NESTING: &[(&str, &str)] = &[
    ("(", ")"),
    ("not ", ""),
    ("-", ""),
    ("length(", ")"),
    ("1 in (", ")"),
    ("not (a or (b and ", "))"),
    ("(a == b + c * ", ")"),
    ("child of [any where ", "]"),
];

#[test]
fn depth_is_bounded() {
    for (open, close) in NESTING {
        let nested = |depth: usize| format!("any where {}x{}", open.repeat(depth), close.repeat(depth));
        let levels =
            open.matches(['(', '[']).count() + open.matches("not").count() + open.matches('-').count();
        let too_deep = |depth: usize| {
            let parsed = parse(&nested(depth));
            let _ = parsed.tree.to_string();
            parsed.diagnostics.iter().any(|finding| finding.code == "eql::too-deep")
        };
        assert!(!too_deep(MAX_DEPTH / levels), "{open}");
        assert!(too_deep(MAX_DEPTH / levels + 1), "{open}");
        assert!(too_deep(20_000), "{open}");
    }
    for operator in ["+", "*"] {
        let chain =
            |length: usize| parse(&format!("any where 1 == 1{}", format!("{operator} 1").repeat(length)));
        assert!(chain(1000).is_ok());
        assert_eq!(chain(20_000).diagnostics.len(), 1);
    }
}
