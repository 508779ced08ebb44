//! What holds for every text and every tree, in all languages.

use bartizan_query::eql::ast as eql_ast;
use bartizan_query::kql::ast::{Expr, Literal, Pattern, RangeOp, Values};
use bartizan_query::lucene::ast::{Bound, Clause, FieldPattern, Occur, Query, Term, WildcardPart};
use bartizan_query::{Diagnostic, Span, Spanned, eql, kql, lucene};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn nowhere<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Span::default())
}

/// Texts made of what the languages care about, more likely to reach the far corners than random characters.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![
            "a", "bc", "not", "and", "or", "AND", "OR", "NOT", "TO", "null", "true", "_exists_", "cannot", "\\not",
            " ", " ", " ", "\n", "\t", "\u{A0}", "\u{3000}", "(", ")", "{", "}", "[", "]", ":", "<", "<=", ">", ">=",
            "\"", "\\", "\\\"", "\\\\", "*", "?", "~", "~1", "^", "^2", "+", "-", "!", "&&", "||", "/", "\\u0041",
            "\\ud83d", "\\ude00", "\\u12", "\\t", "\\n", "1", "0.5", ".", "é", "😀",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a",
        "b.c",
        "and",
        "or",
        "not",
        "Or",
        "AND",
        "NOT",
        "OR",
        "TO",
        "cannot",
        "notepad.exe",
        "true",
        "null",
        " ",
        " ",
        "\t",
        "\n",
        "\u{A0}",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ":",
        "<",
        ">",
        "=",
        "\"",
        "\\",
        "?",
        "~",
        "^",
        "+",
        "-",
        "!",
        "&&",
        "||",
        "/",
        "u0041",
        "é",
        "😀",
        "\u{0}",
        "\u{85}",
        "\u{FEFF}",
    ]);
    vec(word, 1..6).prop_map(|words| words.concat())
}

/// Text as it can stand without quotes.
fn trimmed() -> impl Strategy<Value = String> {
    words().prop_map(|text| text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}').to_owned())
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        3 => words().prop_map(|text| Pattern { parts: vec![text] }),
        1 => wild_pattern(),
    ]
}

fn wild_pattern() -> impl Strategy<Value = Pattern> {
    vec(prop_oneof![Just(String::new()), words()], 2..4).prop_map(|mut parts| {
        let last = parts.len() - 1;
        let trimmed = |c: char| c.is_whitespace() || c == '\u{FEFF}';
        parts[0] = parts[0].trim_start_matches(trimmed).to_owned();
        parts[last] = parts[last].trim_end_matches(trimmed).to_owned();
        Pattern { parts }
    })
}

fn bound_literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        words().prop_map(Literal::Quoted),
        trimmed()
            .prop_filter("reads as something else", |text| !matches!(text.as_str(), "true" | "null"))
            .prop_map(Literal::Unquoted),
        any::<bool>().prop_map(Literal::Bool),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![4 => bound_literal(), 2 => wild_pattern().prop_map(Literal::Wildcard), 1 => Just(Literal::Null)]
}

fn values() -> impl Strategy<Value = Values> {
    literal().prop_map(|literal| Values::One(nowhere(literal))).prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Values::And),
            vec(inner.clone(), 2..4).prop_map(Values::Or),
            inner.prop_map(|inner| Values::Not(Box::new(inner))),
        ]
    })
}

fn expression() -> impl Strategy<Value = Expr> {
    let op = prop::sample::select(vec![RangeOp::Lt, RangeOp::Lte, RangeOp::Gt, RangeOp::Gte]);
    let leaf = prop_oneof![
        (pattern(), values()).prop_map(|(field, values)| Expr::Is { field: nowhere(field), values }),
        (pattern(), op, bound_literal()).prop_map(|(field, op, bound)| Expr::Range {
            field: nowhere(field),
            op,
            bound: nowhere(bound)
        }),
        literal().prop_map(|literal| Expr::Bare(nowhere(literal))),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Expr::And),
            vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.clone().prop_map(|inner| Expr::Not(Box::new(inner))),
            (pattern(), inner)
                .prop_map(|(path, query)| Expr::Nested { path: nowhere(path), query: Box::new(query) }),
        ]
    })
}

fn is_whole(node: &Expr) -> bool {
    match node {
        Expr::And(nodes) | Expr::Or(nodes) => nodes.len() > 1 && nodes.iter().all(is_whole),
        Expr::Not(inner) => is_whole(inner),
        Expr::Is { values, .. } => are_whole(values),
        Expr::Nested { query, .. } => is_whole(query),
        Expr::All | Expr::Range { .. } | Expr::Bare(_) => true,
        Expr::Invalid => false,
    }
}

fn are_whole(node: &Values) -> bool {
    match node {
        Values::One(_) => true,
        Values::And(nodes) | Values::Or(nodes) => nodes.len() > 1 && nodes.iter().all(are_whole),
        Values::Not(inner) => are_whole(inner),
        Values::Invalid => false,
    }
}

/// A word of Lucene: not empty, and not a comparison.
fn lucene_word() -> impl Strategy<Value = String> {
    words().prop_map(|text| if text.starts_with(['<', '>']) { format!("x{text}") } else { text })
}

fn field_pattern() -> impl Strategy<Value = FieldPattern> {
    prop_oneof![
        3 => words().prop_map(|text| FieldPattern { parts: vec![text] }),
        1 => vec(prop_oneof![Just(String::new()), words()], 2..4).prop_map(|parts| FieldPattern { parts }),
    ]
}

/// `a`, `a*`, `*b?c`: never a star alone, and no two literal texts in a row.
fn wildcard() -> impl Strategy<Value = Vec<WildcardPart>> {
    let live = prop::sample::select(vec![WildcardPart::Any, WildcardPart::One]);
    (option::of(words()), live, option::of(words()), prop::bool::ANY).prop_map(
        |(before, live, after, again)| {
            let text = |text: Option<String>| text.map(WildcardPart::Text);
            let mut parts: Vec<_> = text(before)
                .into_iter()
                .chain([live])
                .chain(text(after))
                .chain(again.then_some(WildcardPart::One))
                .collect();
            if parts == [WildcardPart::Any] {
                parts.push(WildcardPart::Any);
            }
            parts
        },
    )
}

fn bound() -> impl Strategy<Value = Option<Bound>> {
    option::of((words(), any::<bool>()).prop_map(|(text, inclusive)| Bound { text, inclusive }))
}

fn simple_term() -> impl Strategy<Value = Term> {
    prop_oneof![
        lucene_word().prop_map(Term::Word),
        wildcard().prop_map(Term::Wildcard),
        (prop_oneof![Just(String::new()), words()], 0..9_u32)
            .prop_map(|(text, slop)| Term::Phrase { text, slop }),
        (words(), option::of(0..3_u8)).prop_map(|(text, edits)| Term::Fuzzy { text, edits }),
        prop::sample::select(vec!["", "a.c", r"\/x", r"\\", "a b*"])
            .prop_map(|text| Term::Regex(text.into())),
        (bound(), bound()).prop_map(|(lower, upper)| Term::Range { lower, upper }),
    ]
}

fn clause(term: impl Strategy<Value = Term> + 'static) -> impl Strategy<Value = Clause> {
    let occur = prop::sample::select(vec![Occur::Must, Occur::Should, Occur::MustNot]);
    let boost = option::weighted(0.2, (0..40_u32).prop_map(|boost| f64::from(boost) / 8.0));
    (occur, option::of(field_pattern()), term, boost).prop_map(|(occur, field, term, boost)| Clause {
        occur,
        field: field.map(nowhere),
        term: nowhere(term),
        boost,
    })
}

fn special_clause() -> impl Strategy<Value = Clause> {
    (field_pattern(), any::<bool>()).prop_map(|(field, all)| Clause {
        occur: Occur::Should,
        field: (!all).then(|| nowhere(field)),
        term: nowhere(if all { Term::All } else { Term::Exists }),
        boost: None,
    })
}

fn lucene_query() -> impl Strategy<Value = Query> {
    let flat = vec(prop_oneof![5 => clause(simple_term()), 1 => special_clause()], 1..4);
    flat.prop_map(|clauses| Query { clauses }).prop_recursive(4, 24, 3, |inner| {
        let group = clause(inner.prop_map(Term::Group));
        vec(prop_oneof![2 => clause(simple_term()), 1 => special_clause(), 2 => group], 1..4)
            .prop_map(|clauses| Query { clauses })
    })
}

fn query_is_whole(query: &Query) -> bool {
    query.clauses.iter().all(|clause| match &clause.term.value {
        Term::Invalid => false,
        Term::Group(inner) => !inner.clauses.is_empty() && query_is_whole(inner),
        _ => true,
    })
}

/// Texts made of what EQL cares about, whole phrases among them, so that many of them nearly parse.
fn eql_pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![
            "any where ", "process where ", "sequence ", "sample ", "join ", "by ", "with maxspan=1m ", "with runs=2 ",
            "until ", "[any where a]", "[any where ", "![", "]", "where", "maxspan", "=", "1", "5m", ".5", "1e3", "1.",
            "99999999999999999999", "a", "b.c", "`d e`", "`", "``", "?", "@timestamp", ".", ",", "(", ")", "and ", "or ",
            "not ", "in ", "in~ ", "like ", "regex~ ", "null ", "true ", "false ", "of ", "AND ", "length(", "startsWith~(",
            "x(", "y~", "\"", "\"t\"", "'", "?\"", "\"\"\"", "\\", "\\n", "\\u{41}", "\\u{d800}", "\n", "\r", "\t", " ", " ",
            "==", "!=", "<", "<=", ">", ">=", ":", "!:", "!", "+", "-", "*", "/", "%", "//", "/*", "*/", "|", "| head 1",
            "| tail ", "child of [", "[0]", "é", "😀", "\u{A0}",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    (prop::sample::select(vec!["", "any where ", "sequence by a ", "sample by a "]), vec(piece, 0..30))
        .prop_map(|(start, pieces)| start.to_owned() + &pieces.concat())
}

fn eql_field() -> impl Strategy<Value = eql_ast::FieldRef> {
    let part = prop::sample::select(vec![
        "a",
        "b_1",
        "@timestamp",
        "_id",
        "and",
        "any",
        "like",
        "in",
        "where",
        "6x",
        "x y",
        "x-y",
        "`",
        "``",
        "é",
        "\n",
        "'",
        "in~",
        "",
        "(",
    ]);
    (vec(part, 1..4), any::<bool>())
        .prop_map(|(parts, optional)| eql_ast::FieldRef { name: parts.join("."), optional })
        .prop_filter("no name", |field| !field.name.is_empty())
}

fn eql_text() -> impl Strategy<Value = eql_ast::Literal> {
    prop_oneof![Just(String::new()), words(), any::<String>()].prop_map(eql_ast::Literal::Text)
}

fn eql_literal() -> impl Strategy<Value = eql_ast::Literal> {
    prop_oneof![
        eql_text(),
        Just(eql_ast::Literal::Null),
        any::<bool>().prop_map(eql_ast::Literal::Bool),
        (0..=i64::MAX).prop_map(eql_ast::Literal::Int),
        prop::num::f64::POSITIVE
            .prop_filter("not finite", |value| value.is_finite())
            .prop_map(eql_ast::Literal::Float),
    ]
}

fn eql_number() -> impl Strategy<Value = eql_ast::Expr> {
    use eql_ast::{ArithmeticOp, Expr, Function, Literal};
    let leaf = prop_oneof![
        eql_field().prop_map(Expr::Field),
        (0..=i64::MAX).prop_map(|value| Expr::Literal(Literal::Int(value))),
        Just(Expr::Literal(Literal::Null)),
    ];
    let op = prop::sample::select(vec![
        ArithmeticOp::Add,
        ArithmeticOp::Subtract,
        ArithmeticOp::Multiply,
        ArithmeticOp::Divide,
        ArithmeticOp::Modulo,
    ]);
    leaf.prop_recursive(4, 12, 2, move |inner| {
        prop_oneof![
            (op.clone(), inner.clone(), inner.clone()).prop_map(|(op, left, right)| Expr::Arithmetic {
                op,
                left: Box::new(nowhere(left)),
                right: Box::new(nowhere(right))
            }),
            inner.clone().prop_map(|inner| Expr::Negate(Box::new(nowhere(inner)))),
            inner.prop_map(|inner| Expr::Call {
                function: nowhere(Function::Length),
                fold: false,
                args: vec![nowhere(inner)]
            }),
        ]
    })
}

fn eql_condition() -> impl Strategy<Value = eql_ast::Expr> {
    use eql_ast::{CompareOp, Expr, Function, MatchOp};
    let compare = prop::sample::select(vec![
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Lt,
        CompareOp::Lte,
        CompareOp::Gt,
        CompareOp::Gte,
    ]);
    let pattern = prop::sample::select(vec![
        MatchOp::Colon,
        MatchOp::Like,
        MatchOp::LikeFold,
        MatchOp::Regex,
        MatchOp::RegexFold,
    ]);
    let field = || eql_field().prop_map(|field| Box::new(nowhere(Expr::Field(field))));
    let leaf = prop_oneof![
        any::<bool>().prop_map(|value| Expr::Literal(eql_ast::Literal::Bool(value))),
        (compare.clone(), eql_number(), eql_literal()).prop_map(|(op, left, right)| Expr::Compare {
            op,
            left: Box::new(nowhere(left)),
            right: Box::new(nowhere(Expr::Literal(right)))
        }),
        (pattern, field(), vec(eql_text().prop_map(nowhere), 1..4))
            .prop_map(|(op, value, patterns)| Expr::Match { op, value, patterns }),
        (field(), any::<bool>()).prop_map(|(value, fold)| Expr::Call {
            function: nowhere(Function::EndsWith),
            fold,
            args: vec![*value.clone(), *value]
        }),
    ];
    leaf.prop_recursive(5, 32, 4, move |inner| {
        let nodes = || vec(inner.clone().prop_map(nowhere), 2..4);
        prop_oneof![
            nodes().prop_map(Expr::And),
            nodes().prop_map(Expr::Or),
            inner.clone().prop_map(|inner| Expr::Not(Box::new(nowhere(inner)))),
            (compare.clone(), inner.clone(), inner.clone()).prop_map(|(op, left, right)| Expr::Compare {
                op,
                left: Box::new(nowhere(left)),
                right: Box::new(nowhere(right))
            }),
            (inner.clone(), nodes(), any::<bool>(), any::<bool>()).prop_map(
                |(value, list, fold, negated)| {
                    Expr::In { value: Box::new(nowhere(value)), list, fold, negated }
                }
            ),
        ]
    })
}

fn eql_filter() -> impl Strategy<Value = eql_ast::EventFilter> {
    let category = prop_oneof![
        Just(eql_ast::Category::Any),
        prop::sample::select(vec!["process", "any", "where", "a b", "é\"", ""])
            .prop_map(|name| eql_ast::Category::Named(name.to_owned())),
    ];
    (category, eql_condition()).prop_map(|(category, condition)| eql_ast::EventFilter {
        category: nowhere(category),
        condition: nowhere(condition),
    })
}

/// Stages with this many keys each; the first never missing.
fn eql_stages(keys: usize, whole: bool) -> impl Strategy<Value = Vec<eql_ast::Stage>> {
    let runs = if whole { 1..=100_u32 } else { 1..=1 };
    let by = vec(eql_field().prop_map(nowhere), keys..=keys);
    let stage = (eql_filter(), by, runs, any::<bool>());
    vec(stage, 2..4).prop_map(move |stages| {
        let stage = |(at, (filter, by, runs, missing)): (usize, (_, _, u32, bool))| eql_ast::Stage {
            filter,
            by,
            runs: nowhere(runs),
            missing: missing && whole && at > 0,
            span: Span::default(),
        };
        stages.into_iter().enumerate().map(stage).collect()
    })
}

fn eql_query() -> impl Strategy<Value = eql::Query> {
    use eql_ast::{Body, Pipe, Sample, Sequence, TimeSpan, TimeUnit};
    let unit = prop::sample::select(vec![
        TimeUnit::Milliseconds,
        TimeUnit::Seconds,
        TimeUnit::Minutes,
        TimeUnit::Hours,
        TimeUnit::Days,
    ]);
    let maxspan = (1..1000_u64, unit).prop_map(|(count, unit)| Some(nowhere(TimeSpan { count, unit })));
    let by = |least: usize| vec(eql_field().prop_map(nowhere), least..3);
    let until =
        (0..3_usize).prop_flat_map(|keys| (eql_stages(keys, true), eql_stages(keys, false), any::<bool>()));
    let sequence = (by(0), maxspan, until).prop_map(|(by, maxspan, (stages, mut until, ends))| {
        let until = until.pop().filter(|_| ends).map(Box::new);
        Body::Sequence(Sequence { by, maxspan, stages, until })
    });
    let sample = (by(1), (0..3_usize).prop_flat_map(|keys| eql_stages(keys, false)))
        .prop_map(|(by, stages)| Body::Sample(Sample { by, stages }));
    let body = prop_oneof![3 => eql_filter().prop_map(Body::Event), 2 => sequence, 1 => sample];
    let pipe = prop_oneof![(0..99_u64).prop_map(Pipe::Head), (0..99_u64).prop_map(Pipe::Tail)];
    (body, vec(pipe.prop_map(nowhere), 0..3)).prop_map(|(body, pipes)| eql::Query { body, pipes })
}

fn check_spans(text: &str, diagnostics: &[Diagnostic]) -> Result<(), TestCaseError> {
    let mut last = 0;
    for finding in diagnostics {
        let Some(span) = finding.span else { continue };
        prop_assert!(text.get(span.start..span.end).is_some(), "{finding:?} in {text:?}");
        prop_assert!(span.start >= last, "out of order: {finding:?} in {text:?}");
        last = span.start;
    }
    Ok(())
}

fn check_kql(text: &str) -> Result<(), TestCaseError> {
    let parsed = kql::parse(text);
    check_spans(text, &parsed.diagnostics)?;
    prop_assert!(!parsed.is_ok() || is_whole(&parsed.tree), "{:?}", parsed);
    if parsed.is_ok() {
        let printed = parsed.tree.to_string();
        let again = kql::parse(&printed);
        prop_assert!(again.is_ok(), "{text:?} printed as {printed:?}: {:?}", again.diagnostics);
        prop_assert_eq!(&again.tree, &parsed.tree, "{:?} printed as {:?}", text, printed);
        prop_assert_eq!(again.tree.to_string(), printed);
    }
    Ok(())
}

fn check_lucene(text: &str) -> Result<(), TestCaseError> {
    let parsed = lucene::parse(text);
    check_spans(text, &parsed.diagnostics)?;
    prop_assert!(!parsed.is_ok() || query_is_whole(&parsed.tree), "{:?}", parsed);
    if parsed.is_ok() {
        let printed = parsed.tree.to_string();
        let again = lucene::parse(&printed);
        prop_assert!(again.is_ok(), "{text:?} printed as {printed:?}: {:?}", again.diagnostics);
        prop_assert_eq!(&again.tree, &parsed.tree, "{:?} printed as {:?}", text, printed);
        prop_assert_eq!(again.tree.to_string(), printed);
    }
    Ok(())
}

fn check_eql(text: &str) -> Result<(), TestCaseError> {
    let parsed = eql::parse(text);
    check_spans(text, &parsed.diagnostics)?;
    let printed = parsed.tree.to_string();
    if parsed.is_ok() {
        let again = eql::parse(&printed);
        prop_assert!(again.is_ok(), "{text:?} printed as {printed:?}: {:?}", again.diagnostics);
        prop_assert_eq!(&again.tree, &parsed.tree, "{:?} printed as {:?}", text, printed);
        prop_assert_eq!(again.tree.to_string(), printed);
        prop_assert!(!format!("{:?}", parsed.tree).contains("Invalid"), "{text:?} gives {:?}", parsed.tree);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_kql_text_is_handled(text in prop_oneof![pieces(), any::<String>()]) {
        check_kql(&text)?;
    }

    #[test]
    fn any_lucene_text_is_handled(text in prop_oneof![pieces(), any::<String>()]) {
        check_lucene(&text)?;
    }

    #[test]
    fn any_eql_text_is_handled(text in prop_oneof![3 => eql_pieces(), 1 => pieces(), 1 => any::<String>()]) {
        check_eql(&text)?;
    }

    #[test]
    fn kql_trees_survive_printing(tree in expression()) {
        let printed = tree.to_string();
        let parsed = kql::parse(&printed);
        prop_assert!(parsed.is_ok(), "{printed:?}: {:?}", parsed.diagnostics);
        prop_assert_eq!(parsed.tree, tree, "printed as {:?}", printed);
    }

    #[test]
    fn lucene_trees_survive_printing(tree in lucene_query()) {
        let printed = tree.to_string();
        let parsed = lucene::parse(&printed);
        prop_assert!(parsed.is_ok(), "{printed:?}: {:?}", parsed.diagnostics);
        prop_assert_eq!(parsed.tree, tree, "printed as {:?}", printed);
    }

    #[test]
    fn eql_trees_survive_printing(tree in eql_query()) {
        let printed = tree.to_string();
        let parsed = eql::parse(&printed);
        prop_assert!(parsed.is_ok(), "{printed:?}: {:?}", parsed.diagnostics);
        prop_assert_eq!(parsed.tree, tree, "printed as {:?}", printed);
    }
}
