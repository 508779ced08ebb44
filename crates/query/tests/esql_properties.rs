//! What holds for every text and every tree of ES|QL.

use bartizan_query::esql::ast::{
    Aggregate, ArithmeticOp, Command, CompareOp, EnrichField, Expr, Field, From, FromItem, IndexPattern,
    LikeOp, Literal, NamePart, NamePattern, NullsOrder, OptionEntry, OptionValue, OtherCommand, Query,
    Renaming, Setting, SortKey, SortOrder, Source, Stats, TimeSpan, TimeUnit,
};
use bartizan_query::{Span, Spanned, esql};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

fn nowhere<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Span::default())
}

/// Texts made of what ES|QL cares about, whole phrases among them, so that many of them nearly parse.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => select(vec![
            "FROM a ", "from logs-*, b:c::data ", "METADATA _id, _index ", "ROW a = 1 ", "SHOW INFO ", "TS m ", "SET a = 1; ",
            "| ", "| ", "| WHERE ", "| EVAL ", "| STATS ", "| INLINE STATS ", "| inlinestats ", "| KEEP ", "| DROP ",
            "| RENAME ", "| SORT ", "| LIMIT ", "| DISSECT a \"%{b}\" ", "| GROK a \"x\" ", "| MV_EXPAND ", "| ENRICH p ",
            "| LOOKUP JOIN l ON ", "| CHANGE_POINT ", "| COMPLETION a = ", "| RERANK \"q\" ON ", "| FORK (WHERE a) (",
            "| FUSE ", "| SAMPLE 0.5 ", "| MMR x ", "PROMQL ", "APPEND_SEPARATOR = ", "WITH { \"k\": 1 } ", "{", "}",
            "BY ", "AS ", "ON ", "ASC ", "DESC ", "NULLS FIRST ", "LAST ", "first(", "and ", "OR ", "not ", "IN ", "IN (",
            "LIKE ", "rlike ", "IS NULL ", "is not null ", "null ", "TRUE ", "SCORE ", "KEY ", "a", "b.c", "`d e`", "`", "``",
            "@timestamp", "_", "a*", "*", ".5", "1e3", "1.", "99999999999999999999", "9223372036854775808", "5", "hours ",
            "?", "?x", "??y", "?1", ".", ",", ", ", "(", ")", "[", "]", "[1, 2]", "count(*)", "f(", "\"", "\"t\"", "'",
            "\"\"\"", "\\", "\\n", "\n", "\r", "\t", " ", " ", "==", "!=", "<", "<=", ">", "=~", "=", ":", "::", "::ip", ";",
            "!", "+", "-", "- ", "/", "%", "//", "/*", "*/", "|", "||", "é", "😀", "\u{A0}",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    (select(vec!["", "FROM a | WHERE ", "FROM a | EVAL x = ", "ROW "]), vec(piece, 0..30))
        .prop_map(|(start, pieces)| start.to_owned() + &pieces.concat())
}

fn name() -> impl Strategy<Value = Spanned<String>> {
    let part = select(vec![
        "a",
        "b_1",
        "@timestamp",
        "_id",
        "and",
        "as",
        "by",
        "first",
        "where",
        "metadata",
        "on",
        "with",
        "hour",
        "score",
        "key",
        "from",
        "6x",
        "x y",
        "x-y",
        "a*",
        "*",
        "`",
        "``",
        "é",
        "\n",
        "",
        "(",
        "_",
        "@",
    ]);
    vec(part, 1..4)
        .prop_map(|parts| parts.join("."))
        .prop_filter("no name", |name| !name.is_empty())
        .prop_map(nowhere)
}

fn word() -> impl Strategy<Value = Spanned<String>> {
    select(vec!["f", "to_ip", "COUNT", "First", "last", "a.b", "x y", "and", "as", "`"])
        .prop_map(|word| nowhere(word.to_owned()))
}

fn name_pattern() -> impl Strategy<Value = Spanned<NamePattern>> {
    let text = || select(vec!["a", "a.b", ".", "x y", ".a", "a.", "*", "as", "on", "b`", "6", "_", "é"]);
    (option::of(text()), any::<bool>(), option::of(text()), any::<bool>()).prop_map(
        |(first, star, second, end)| {
            let mut parts: Vec<NamePart> =
                first.map(|text| NamePart::Text(text.to_owned())).into_iter().collect();
            if star || parts.is_empty() {
                parts.push(NamePart::Any);
                parts.extend(second.map(|text| NamePart::Text(text.to_owned())));
                if end && second.is_some() {
                    parts.push(NamePart::Any);
                }
            }
            nowhere(NamePattern { parts })
        },
    )
}

fn text() -> impl Strategy<Value = Spanned<String>> {
    prop_oneof![
        select(vec!["", "a*", "%{b} \"c\"", "\\d", "\n\t\r"]).prop_map(str::to_owned),
        any::<String>()
    ]
    .prop_map(nowhere)
}

fn number() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<i64>().prop_map(Literal::Integer),
        Just(Literal::Integer(i64::MIN)),
        (i64::MAX.unsigned_abs() + 2..).prop_map(Literal::UnsignedLong),
        Just(Literal::UnsignedLong(1 << 63)),
        any::<f64>().prop_filter("not finite", |value| value.is_finite()).prop_map(Literal::Double),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    let unit = select(vec![
        TimeUnit::Millisecond,
        TimeUnit::Second,
        TimeUnit::Minute,
        TimeUnit::Hour,
        TimeUnit::Day,
        TimeUnit::Week,
        TimeUnit::Month,
        TimeUnit::Quarter,
        TimeUnit::Year,
    ]);
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        number(),
        text().prop_map(|text| Literal::Text(text.value)),
        (any::<i64>(), unit).prop_map(|(count, unit)| Literal::TimeSpan(TimeSpan { count, unit })),
        vec(number().prop_map(nowhere), 1..3).prop_map(Literal::List),
        vec(text().prop_map(|text| nowhere(Literal::Text(text.value))), 1..3).prop_map(Literal::List),
        vec(any::<bool>().prop_map(|value| nowhere(Literal::Bool(value))), 1..3).prop_map(Literal::List),
    ]
}

fn options() -> impl Strategy<Value = Vec<OptionEntry>> {
    let entry = |value: BoxedStrategy<OptionValue>| {
        (text(), value).prop_map(|(key, value)| OptionEntry { key, value: nowhere(value) })
    };
    let flat = literal().prop_map(OptionValue::Literal).boxed();
    let nested = vec(entry(flat.clone()), 0..2).prop_map(OptionValue::Map).boxed();
    vec(prop_oneof![entry(flat), entry(nested)], 0..3)
}

fn expression() -> impl Strategy<Value = Spanned<Expr>> {
    let leaf = prop_oneof![
        3 => name().prop_map(|name| Expr::Column(name.value)),
        2 => literal().prop_map(Expr::Literal),
        1 => select(vec!["", "x", "_y", "12"]).prop_map(|name| Expr::Parameter(name.to_owned())),
        1 => word().prop_map(|function| Expr::Call { function, args: vec![nowhere(Expr::Star)], options: None }),
        1 => (name(), option::of(word()), literal())
            .prop_map(|(field, cast, query)| Expr::Match { field, cast, query: nowhere(query) }),
    ];
    let compare = select(vec![
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Lt,
        CompareOp::Lte,
        CompareOp::Gt,
        CompareOp::Gte,
    ]);
    let arithmetic = select(vec![
        ArithmeticOp::Add,
        ArithmeticOp::Subtract,
        ArithmeticOp::Multiply,
        ArithmeticOp::Divide,
        ArithmeticOp::Modulo,
    ]);
    let like = select(vec![LikeOp::Like, LikeOp::Rlike]);
    leaf.prop_recursive(5, 32, 4, move |inner| {
        let node = || inner.clone().prop_map(nowhere);
        let boxed = || inner.clone().prop_map(|inner| Box::new(nowhere(inner)));
        prop_oneof![
            vec(node(), 2..4).prop_map(Expr::And),
            vec(node(), 2..4).prop_map(Expr::Or),
            boxed().prop_map(Expr::Not),
            boxed().prop_map(Expr::Negate),
            (compare.clone(), boxed(), boxed()).prop_map(|(op, left, right)| Expr::Compare {
                op,
                left,
                right
            }),
            (arithmetic.clone(), boxed(), boxed()).prop_map(|(op, left, right)| Expr::Arithmetic {
                op,
                left,
                right
            }),
            (like.clone(), boxed(), vec(text(), 1..3), any::<bool>())
                .prop_map(|(op, value, patterns, negated)| Expr::Like { op, value, patterns, negated }),
            (boxed(), vec(node(), 1..3), any::<bool>()).prop_map(|(value, list, negated)| Expr::In {
                value,
                list,
                negated
            }),
            (boxed(), any::<bool>()).prop_map(|(value, negated)| Expr::IsNull { value, negated }),
            (boxed(), word()).prop_map(|(value, to)| Expr::Cast { value, to }),
            (word(), vec(node(), 1..3), option::of(options()))
                .prop_map(|(function, args, options)| Expr::Call { function, args, options }),
            word().prop_map(|function| Expr::Call { function, args: Vec::new(), options: None }),
        ]
    })
    .prop_map(nowhere)
}

fn fields() -> impl Strategy<Value = Vec<Field>> {
    vec((option::of(name()), expression()).prop_map(|(name, value)| Field { name, value }), 1..3)
}

fn stats() -> impl Strategy<Value = Stats> {
    let field = (option::of(name()), expression()).prop_map(|(name, value)| Field { name, value });
    let aggregate = (field, option::of(expression())).prop_map(|(field, filter)| Aggregate { field, filter });
    (vec(aggregate, 1..3), option::of(fields()))
        .prop_map(|(aggregates, by)| Stats { aggregates, by: by.unwrap_or_default() })
}

fn index_pattern() -> impl Strategy<Value = IndexPattern> {
    let part = || {
        select(vec![
            "a",
            "logs-*",
            "-x",
            "<logs-{now/d}>",
            "metadata",
            "on",
            "join",
            "a b",
            "a\"",
            "a//b",
            "é",
            "a/",
        ])
    };
    (option::of(part()), part(), option::of(part())).prop_map(|(cluster, index, selector)| IndexPattern {
        cluster: cluster.map(str::to_owned),
        index: index.to_owned(),
        selector: selector.map(str::to_owned),
    })
}

fn from(query: BoxedStrategy<Option<Query>>) -> impl Strategy<Value = From> {
    let pattern = index_pattern().prop_map(FromItem::Pattern);
    let metadata = select(vec![vec![], vec!["_id"], vec!["_id", "_version", "_index"]]);
    (vec(pattern, 1..3), query, metadata).prop_map(|(mut items, query, metadata)| {
        items.extend(query.map(|query| FromItem::Subquery(Box::new(query))));
        let metadata = metadata.into_iter().map(|name| nowhere(name.to_owned())).collect();
        From { items: items.into_iter().map(nowhere).collect(), metadata }
    })
}

fn source(query: BoxedStrategy<Option<Query>>) -> impl Strategy<Value = Source> {
    prop_oneof![
        4 => from(query.clone()).prop_map(Source::From),
        1 => from(query).prop_map(Source::TimeSeries),
        2 => fields().prop_map(Source::Row),
        1 => Just(Source::Show(nowhere("INFO".to_owned()))),
        1 => Just(Source::Other(OtherCommand { name: "PROMQL", text: "rate(x{y=\"|\"}[5m])".to_owned() })),
    ]
}

fn command(
    branches: BoxedStrategy<Option<Vec<Vec<Spanned<Command>>>>>,
) -> impl Strategy<Value = Spanned<Command>> {
    let order = select(vec![SortOrder::Ascending, SortOrder::Descending]);
    let nulls = select(vec![NullsOrder::First, NullsOrder::Last]);
    let key = (expression(), order, nulls).prop_map(|(value, order, nulls)| SortKey { value, order, nulls });
    let enriched = (option::of(name()), name()).prop_map(|(name, field)| EnrichField { name, field });
    let policy = select(vec!["p", "_remote:p-1", "on", "with", "a b", "a:b:c"]);
    let rows = prop_oneof![
        expression().prop_map(Command::Where),
        fields().prop_map(Command::Eval),
        stats().prop_map(Command::Stats),
        fields().prop_map(|by| Command::Stats(Stats { aggregates: Vec::new(), by })),
        stats().prop_map(Command::InlineStats),
        vec(key, 1..3).prop_map(Command::Sort),
        (0..=2_147_483_647_u64).prop_map(|count| Command::Limit(nowhere(count))),
        (expression(), text(), option::of(text())).prop_map(|(input, pattern, append_separator)| {
            Command::Dissect { input, pattern, append_separator }
        }),
        (expression(), vec(text(), 1..3)).prop_map(|(input, patterns)| Command::Grok { input, patterns }),
    ];
    let columns = prop_oneof![
        vec(name_pattern(), 1..4).prop_map(Command::Keep),
        vec(name_pattern().prop_filter("everything", |pattern| !pattern.value.is_everything()), 1..4)
            .prop_map(Command::Drop),
        vec((name(), name()).prop_map(|(old, new)| Renaming { old, new }), 1..3).prop_map(Command::Rename),
        name().prop_map(Command::MvExpand),
        (policy, option::of(name()), vec(enriched, 0..3)).prop_map(|(policy, on, with)| Command::Enrich {
            policy: nowhere(policy.to_owned()),
            on,
            with
        }),
        (index_pattern(), vec(expression(), 1..3))
            .prop_map(|(index, on)| Command::LookupJoin { index: nowhere(index), on }),
    ];
    let rare = prop_oneof![
        (name(), option::of(name()), option::of((name(), name())))
            .prop_map(|(value, on, outputs)| Command::ChangePoint { value, on, outputs }),
        (option::of(name()), expression(), options())
            .prop_map(|(target, prompt, options)| Command::Completion { target, prompt, options }),
        (option::of(name()), literal(), fields(), options()).prop_map(|(target, query, on, options)| {
            Command::Rerank { target, query: nowhere(query), on, options }
        }),
        (option::of(word()), option::of(name()), option::of(name()), vec(name(), 0..3), options()).prop_map(
            |(method, score_by, group_by, key_by, options)| Command::Fuse {
                method,
                score_by,
                group_by,
                key_by,
                options
            }
        ),
        (1..999_u32).prop_map(|share| Command::Sample(nowhere(Literal::Double(f64::from(share) / 1000.0)))),
        select(vec!["", "x ON y LIMIT 5", "\"a | b\" (c)"])
            .prop_map(|text| Command::Other(OtherCommand { name: "MMR", text: text.to_owned() })),
    ];
    let fork = branches.prop_map(|branches| match branches {
        Some(branches) => Command::Fork(branches),
        None => Command::Limit(nowhere(1)),
    });
    prop_oneof![4 => rows, 3 => columns, 2 => rare, 1 => fork].prop_map(nowhere)
}

fn flat_query() -> impl Strategy<Value = Query> {
    let setting = (word(), literal())
        .prop_map(|(name, value)| Setting { name, value: nowhere(OptionValue::Literal(value)) });
    let flat = || command(Just(None).boxed());
    let inner = (from(Just(None).boxed()), vec(flat(), 0..2)).prop_map(|(from, commands)| Query {
        settings: Vec::new(),
        source: nowhere(Source::From(from)),
        commands,
    });
    let branches = vec(vec(flat(), 1..3), 1..3);
    let commands = vec(command(option::of(branches).boxed()), 0..4);
    (vec(setting, 0..2), source(option::of(inner).boxed()), commands)
        .prop_map(|(settings, source, commands)| Query { settings, source: nowhere(source), commands })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_handled(text in prop_oneof![4 => pieces(), 1 => any::<String>()]) {
        let parsed = esql::parse(&text);
        let mut last = 0;
        for finding in &parsed.diagnostics {
            let Some(span) = finding.span else { continue };
            prop_assert!(text.get(span.start..span.end).is_some(), "{finding:?} in {text:?}");
            prop_assert!(span.start >= last, "out of order: {finding:?} in {text:?}");
            last = span.start;
        }
        let printed = parsed.tree.to_string();
        if parsed.is_ok() {
            let again = esql::parse(&printed);
            prop_assert!(again.is_ok(), "{text:?} printed as {printed:?}: {:?}", again.diagnostics);
            prop_assert_eq!(&again.tree, &parsed.tree, "{:?} printed as {:?}", text, printed);
            prop_assert_eq!(again.tree.to_string(), printed);
            prop_assert!(!format!("{:?}", parsed.tree).contains("Invalid"), "{text:?} gives {:?}", parsed.tree);
        }
    }

    #[test]
    fn expressions_survive_printing(tree in expression()) {
        let printed = format!("FROM a | WHERE {}", tree.value);
        let parsed = esql::parse(&printed);
        prop_assert!(parsed.is_ok(), "{printed:?}: {:?}", parsed.diagnostics);
        let condition = match parsed.tree.commands.first().map(|command| &command.value) {
            Some(Command::Where(condition)) => Some(&condition.value),
            _ => None,
        };
        prop_assert_eq!(condition, Some(&tree.value), "printed as {:?}", printed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn queries_survive_printing(tree in flat_query()) {
        let printed = tree.to_string();
        let parsed = esql::parse(&printed);
        prop_assert!(parsed.is_ok(), "{printed:?}: {:?}", parsed.diagnostics);
        prop_assert_eq!(parsed.tree, tree, "printed as {:?}", printed);
    }
}
