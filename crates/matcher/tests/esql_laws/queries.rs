//! Queries and events of any kind.

use ecs::Document;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Columns of text; `x` and `y` are there when the query makes them.
const TEXTS: [&str; 6] = ["kw", "kw", "kws", "text", "x", "y"];
const NUMBERS: [&str; 3] = ["num", "nums", "real"];
const ADDRESSES: [&str; 2] = ["addr", "addrs"];
const WORDS: [&str; 7] = ["a", "A", "ab", "aB", "b c", "", "é"];

fn word() -> impl Strategy<Value = String> {
    select(&WORDS[..]).prop_map(|word| format!("\"{word}\""))
}

fn text() -> impl Strategy<Value = String> {
    let column = || select(&TEXTS[..]).prop_map(str::to_owned);
    prop_oneof![
        8 => column(),
        3 => column().prop_map(|column| format!("TO_LOWER({column})")),
        1 => column().prop_map(|column| format!("{column}::keyword")),
        1 => column().prop_map(|column| format!("TO_UPPER({column})")),
        1 => (column(), column(), word()).prop_map(|(a, b, word)| format!("COALESCE({a}, {b}, {word})")),
        1 => (column(), column(), word(), word())
            .prop_map(|(a, b, v, w)| format!("CASE({a} == {v}, {b}, {w})")),
        1 => (column(), word()).prop_map(|(a, b)| format!("TO_LOWER(CONCAT({a}, {b}))")),
    ]
}

fn operator() -> impl Strategy<Value = &'static str> {
    select(&["==", "==", "!=", "<", "<=", ">", ">="][..])
}

fn leaf() -> impl Strategy<Value = String> {
    let like = select(&["a*", "*B", "?", "a?", "*", "*a*", "A*", r"\\*", "ab"][..]);
    let regex = select(&["a.*", "[ab]+", ".*", "A|b.c", "é?", ".{2}"][..]);
    let not = || select(&["", "NOT "][..]);
    let address = || select(&["10.0.0.1", "::ffff:10.0.0.1", "::1"][..]);
    let network = || select(&["10.0.0.0/8", "::/0", "::1/128", "10.0.0.1/32"][..]);
    prop_oneof![
        4 => (text(), operator(), word()).prop_map(|(f, op, w)| format!("{f} {op} {w}")),
        1 => (text(), operator(), word()).prop_map(|(f, op, w)| format!("{w} {op} {f}")),
        1 => (text(), operator(), text()).prop_map(|(f, op, w)| format!("{w} {op} {f}")),
        3 => (text(), not(), like).prop_map(|(f, not, p)| format!("{f} {not}LIKE \"{p}\"")),
        2 => (text(), not(), regex).prop_map(|(f, not, p)| format!("{f} {not}RLIKE \"{p}\"")),
        3 => (text(), not(), word(), prop_oneof![3 => word(), 1 => Just("null".to_owned()), 1 => text()])
            .prop_map(|(f, not, v, w)| format!("{f} {not}IN ({v}, {w})")),
        2 => (select(&["kw", "kws", "text", "num", "addr", "flag", "x"][..]), select(&["", "NOT "][..]))
            .prop_map(|(f, not)| format!("{f} IS {not}NULL")),
        2 => (select(&["STARTS_WITH", "ENDS_WITH", "CONTAINS"][..]), text(), word())
            .prop_map(|(function, f, w)| format!("{function}({f}, {w})")),
        3 => (select(&NUMBERS[..]), operator(), select(&["2", "-3", "2.5", "9007199254740993", "0"][..]))
            .prop_map(|(f, op, n)| format!("{f} {op} {n}")),
        1 => (select(&NUMBERS[..]), operator(), select(&NUMBERS[..]))
            .prop_map(|(f, op, g)| format!("{f} + {g} {op} 4")),
        1 => (text(), operator()).prop_map(|(f, op)| format!("LENGTH({f}) {op} 1")),
        1 => Just("flag".to_owned()),
        1 => (operator(), select(&["true", "false", "\"true\""][..]))
            .prop_map(|(op, b)| format!("flag {} {b}", if op == "!=" { "!=" } else { "==" })),
        2 => (select(&ADDRESSES[..]), operator(), address())
            .prop_map(|(f, op, a)| format!("{f} {} \"{a}\"", if op == "!=" { "!=" } else { "==" })),
        2 => (select(&ADDRESSES[..]), network(), network())
            .prop_map(|(f, a, b)| format!("CIDR_MATCH({f}, \"{a}\", \"{b}\")")),
        1 => (select(&TEXTS[..]), network()).prop_map(|(f, a)| format!("CIDR_MATCH(TO_IP({f}), \"{a}\")")),
        1 => Just("made".to_owned()),
        1 => (word(), word()).prop_map(|(a, b)| format!("{a} == {b}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            3 => vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" AND "))),
            3 => vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            3 => inner.clone().prop_map(|part| format!("NOT ({part})")),
            1 => (inner.clone(), any::<bool>()).prop_map(|(part, b)| format!("({part}) == {b}")),
            1 => (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("CASE({a}, {b}, {c})")),
        ]
    })
}

fn command() -> impl Strategy<Value = String> {
    let column = || select(&["x", "y", "kw", "text"][..]);
    prop_oneof![
        4 => condition().prop_map(|condition| format!("WHERE {condition}")),
        3 => (column(), text()).prop_map(|(column, text)| format!("EVAL {column} = {text}")),
        2 => condition().prop_map(|condition| format!("EVAL made = {condition}")),
        1 => (column(), word()).prop_map(|(column, text)| format!("EVAL {column} = {text}")),
        1 => (select(&["kw", "kws", "text"][..]), column())
            .prop_map(|(old, new)| format!("RENAME {old} AS {new}")),
        1 => Just("RENAME kw AS text, text AS x".to_owned()),
        1 => select(&["KEEP *s, f*, kw, num, text, x", "KEEP k*, t*, n*, a*, x, y, made", "KEEP *", "DROP text", "DROP y, real"][..])
            .prop_map(str::to_owned),
        2 => select(&["kw", "kws", "nums", "addrs", "x"][..]).prop_map(|name| format!("MV_EXPAND {name}")),
        1 => select(&["SORT kw", "DISSECT text \"%{x} %{y}\"", "DISSECT kws \"%{kw} %{}\""][..])
            .prop_map(str::to_owned),
    ]
}

/// A query that ends in a condition, after the columns that conditions name are made.
pub(crate) fn query() -> impl Strategy<Value = String> {
    let made = select(
        &["x = kw, y = TO_LOWER(kws)", "x = TO_LOWER(text), y = CONCAT(kw, x)", "x = \"a\", y = kws"][..],
    );
    (made, vec(command(), 0..3), condition()).prop_map(|(made, commands, condition)| {
        let commands: String = commands.iter().map(|command| format!(" | {command}")).collect();
        format!("FROM events | EVAL {made}, made = flag{commands} | WHERE {condition}")
    })
}

/// An event with fields missing, single and multiple, some of them not to be read.
pub(crate) fn document() -> impl Strategy<Value = Document> {
    let value = || {
        prop_oneof![
            6 => select(&WORDS[..]).prop_map(serde_json::Value::from),
            2 => select(&["10.0.0.1", "::ffff:10.0.0.1", "::1", "172.16.0.1"][..]).prop_map(Into::into),
            2 => (-4..5i64).prop_map(Into::into),
            1 => select(&[1.5, 2.5, 2.0, -3.7, 9007199254740992.0]).prop_map(Into::into),
            1 => Just(serde_json::Value::from(9_007_199_254_740_993i64)),
            1 => any::<bool>().prop_map(Into::into),
            1 => Just(serde_json::Value::Null),
        ]
    };
    let typed = |name: &'static str| {
        let own = match name {
            "num" | "nums" => {
                prop_oneof![(-4..5i64).prop_map(serde_json::Value::from), Just(2.6.into())].boxed()
            }
            "real" => select(&[2.0, 2.5, -3.0]).prop_map(serde_json::Value::from).boxed(),
            "flag" => {
                prop_oneof![any::<bool>().prop_map(serde_json::Value::from), Just("true".into())].boxed()
            }
            "addr" | "addrs" => select(&["10.0.0.1", "::ffff:10.0.0.1", "::1", "172.16.0.1"][..])
                .prop_map(serde_json::Value::from)
                .boxed(),
            _ => select(&WORDS[..]).prop_map(serde_json::Value::from).boxed(),
        };
        let own = prop_oneof![5 => own, 1 => value()];
        vec(own, 0..4).prop_map(move |values| (name, values))
    };
    let fields = ["kw", "kws", "text", "num", "nums", "real", "flag", "addr", "addrs"].map(typed);
    let fields: Vec<_> = fields.into_iter().map(|field| proptest::option::weighted(0.7, field)).collect();
    fields.prop_map(|fields| {
        let mut document = Document::new();
        for (name, mut values) in fields.into_iter().flatten() {
            // Most values stand by themselves.
            if values.len() > 1 && !name.ends_with('s') {
                values.truncate(1);
            }
            match <[serde_json::Value; 1]>::try_from(values) {
                Ok([one]) => document.set(name, one),
                Err(several) => document.set(name, several),
            }
        }
        document
    })
}
