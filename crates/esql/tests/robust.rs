//! Whatever is asked of whatever events: a query is planned or refused with a reason, and one that was planned runs.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bartizan_esql::{DataType, Event, Fields, Plan};
use ecs::Document;
use ecs::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// One column of each type, and the words that queries of all kinds are made of.
const COLUMNS: &[(&str, DataType)] = &[
    ("k", DataType::Keyword),
    ("l", DataType::Long),
    ("i", DataType::Integer),
    ("d", DataType::Double),
    ("u", DataType::UnsignedLong),
    ("b", DataType::Boolean),
    ("t", DataType::Text),
    ("ip", DataType::Ip),
    ("v", DataType::Version),
    ("@timestamp", DataType::Date),
    ("n", DataType::DateNanos),
    ("g", DataType::GeoPoint),
    ("x", DataType::Unsupported),
    ("z", DataType::Null),
];

const CONSTANTS: &[&str] = &[
    "1",
    "null",
    "\"a\"",
    "0",
    "-1",
    "2.5",
    "true",
    "3000000000",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "1e308",
    "2147483647",
    "-2147483648",
    "\"\"",
    "\"10.0.0.1\"",
    "\"10.0.0.0/8\"",
    "\"1.2.3\"",
    "\"2024-02-29T12:00:00.123Z\"",
    "\"true\"",
    "\"yyyy-MM-dd\"",
    "\"day\"",
    "\"asc\"",
    "\"md5\"",
    "\"POINT (1 2)\"",
    "\"{\\\"a\\\": 1}\"",
    "\"(a)|$1\"",
    "\"ß𝄞é\"",
    "[1, 2]",
    "[\"a\", \"b\", \"a\"]",
    "[1.5, 2]",
    "[true, false]",
    "1 day",
    "5 minutes",
    "-3 months",
    "\"1 week\"",
];

const TYPES: &[&str] = &[
    "keyword",
    "long",
    "integer",
    "double",
    "unsigned_long",
    "boolean",
    "text",
    "ip",
    "version",
    "date",
    "date_nanos",
    "geo_point",
    "date_period",
    "time_duration",
    "null",
    "unsupported",
];

/// What gives a value of each type: `k` text, `l` long, `i` integer, `d` double, `u` unsigned long, `b` boolean, `p`
/// address, `v` version, `s` date, `n` date with nanoseconds, `g` point. In capitals a value of any type (`A`), of any
/// with an order (`O`) or of any number (`N`), the same one everywhere: these give what they take.
const FORMS: &[(&str, &str)] = &[
    (
        "N",
        "({N} + {N})|({N} - {N})|({N} * {N})|({N} / {N})|({N} % {N})|ABS({N})|CEIL({N})|FLOOR({N})|ROUND({N})",
    ),
    (
        "N",
        "ROUND({N}, {i})|MV_SUM({N})|MV_MEDIAN({N})|MV_MEDIAN_ABSOLUTE_DEVIATION({N})|MV_PERCENTILE({N}, {d})|-({N})",
    ),
    (
        "O",
        "GREATEST({O}, {O}, {O})|LEAST({O}, {O})|MV_MAX({O})|MV_MIN({O})|MV_SORT({O}, \"desc\")|CLAMP({O}, {O}, {O})",
    ),
    (
        "A",
        "CASE({b}, {A}, {A})|CASE({b}, {A})|CASE({b}, {A}, {b}, {A}, {A})|COALESCE({A}, {A})|COALESCE(null, {A}, {A})",
    ),
    (
        "A",
        "MV_APPEND({A}, {A})|MV_DEDUPE({A})|MV_FIRST({A})|MV_LAST({A})|MV_SLICE({A}, {i})|MV_SLICE({A}, {i}, {i})",
    ),
    ("A", "MV_UNION({A}, {A})|MV_INTERSECTION({A}, {A})|MV_DIFFERENCE({A}, {A})|(({A})::keyword)::{A:}"),
    (
        "k",
        "CONCAT({k}, {k}, {k})|LEFT({k}, {i})|RIGHT({k}, {i})|SUBSTRING({k}, {i})|SUBSTRING({k}, {i}, {i})|TRIM({k})",
    ),
    (
        "k",
        "LTRIM({k})|RTRIM({k})|REVERSE({k})|TO_LOWER({k})|TO_UPPER({k})|REPEAT({k}, {i})|REPLACE({k}, {k}, {k})",
    ),
    (
        "k",
        "REPLACE({k}, \"(a)|b\", \"$1\")|SPACE({i})|SPLIT({k}, \"-\")|SPLIT({k}, {k})|MD5({k})|HASH({k}, {k})|SHA1({k})",
    ),
    (
        "k",
        "TO_BASE64({k})|FROM_BASE64({k})|URL_ENCODE({k})|URL_DECODE({k})|DATE_FORMAT({s})|DATE_FORMAT({k}, {n})",
    ),
    (
        "k",
        "MONTH_NAME({s})|DAY_NAME({n})|MV_CONCAT({k}, {k})|MV_ZIP({k}, {k}, {k})|JSON_EXTRACT({k}, {k})|TO_STRING({A})",
    ),
    ("k", "JSON_EXTRACT({k}, \"a\")|({A})::keyword"),
    (
        "b",
        "({O} == {O})|({O} != {O})|({N} < {N})|({s} >= {n})|({k} <= {k})|({A} IN ({A}, {A}))|({A} NOT IN ({A}, null))",
    ),
    (
        "b",
        "({k} LIKE \"a*\")|({k} NOT LIKE \"*\")|({k} RLIKE \"[ab].*\")|({k} LIKE (\"a\", \"?\"))|({A} IS NULL)|NOT ({b})",
    ),
    (
        "b",
        "({b} AND {b})|({b} OR {b})|STARTS_WITH({k}, {k})|ENDS_WITH({k}, {k})|CONTAINS({k}, {k})|TO_BOOLEAN({N})",
    ),
    (
        "b",
        "CIDR_MATCH({p}, \"10.0.0.0/8\", {k})|MV_CONTAINS({A}, {A})|MV_INTERSECTS({A}, {A})|TO_BOOLEAN({k})|IN_RANGE({s})",
    ),
    (
        "i",
        "LENGTH({k})|BYTE_LENGTH({k})|BIT_LENGTH({k})|LOCATE({k}, {k})|LOCATE({k}, {k}, {i})|MV_COUNT({A})|({N})::integer",
    ),
    ("i", "DATE_DIFF(\"day\", {s}, {n})|DATE_DIFF({k}, {s}, {s})|TO_INTEGER({k})|ROUND_TO({i}, 1, 5, 10)"),
    (
        "l",
        "TO_LONG({N})|TO_LONG({k})|TO_LONG({s})|DATE_EXTRACT(\"year\", {s})|DATE_EXTRACT({k}, {n})|({l} + {i})|({b})::long",
    ),
    (
        "d",
        "TO_DOUBLE({N})|TO_DOUBLE({k})|SQRT({N})|LOG({N})|LOG({N}, {d})|EXP({N})|POW({N}, {N})|SIN({N})|ACOS({N})|MV_AVG({N})",
    ),
    (
        "d",
        "ATAN2({N}, {d})|HYPOT({N}, {N})|SIGNUM({N})|SCALB({d}, {i})|TO_DEGREES({N})|BUCKET({N}, 5)|BUCKET({l}, 4, 0, 9)|PI()",
    ),
    (
        "d",
        "ST_X({g})|ST_DISTANCE({g}, {g})|MV_PSERIES_WEIGHTED_SUM({d}, 1.5)|ROUND_TO({d}, 0.5, 1)|({l} + {u})|COPY_SIGN({d}, {d})",
    ),
    ("u", "TO_UNSIGNED_LONG({N})|TO_UNSIGNED_LONG({k})"),
    (
        "s",
        "NOW()|TO_DATETIME({k})|TO_DATETIME({l})|TO_DATETIME({n})|({s} + 1 day)|({s} - 3 months)|DATE_TRUNC(1 month, {s})",
    ),
    (
        "s",
        "DATE_PARSE(\"yyyy-MM-dd\", {k})|DATE_PARSE({k}, {k})|DATE_PARSE({k})|BUCKET({s}, 1 hour)|DATE_TRUNC(7 minutes, {s})",
    ),
    (
        "s",
        "BUCKET({s}, 10, \"2024-01-01\", \"2024-12-31\")|({s} + 999999999 years)|ROUND_TO({s}, \"2024-01-01\")",
    ),
    (
        "n",
        "TO_DATE_NANOS({k})|TO_DATE_NANOS({s})|TO_DATE_NANOS({l})|({n} + 5 minutes)|DATE_TRUNC(1 week, {n})|BUCKET({n}, 3 days)",
    ),
    ("p", "TO_IP({k})|IP_PREFIX({p}, {i}, {i})|IP_PREFIX({p}, 24, 0)"),
    ("v", "TO_VERSION({k})"),
    ("g", "TO_GEOPOINT({k})"),
];

/// Aggregates: `A` any type, `O` any with an order, `N` any number.
const AGGREGATES: &str = "COUNT(*)|COUNT({A})|SUM({N})|AVG({N})|MIN({O})|MAX({O})|VALUES({A})|COUNT_DISTINCT({A})|\
    MEDIAN({N})|MEDIAN_ABSOLUTE_DEVIATION({N})|STD_DEV({N})|VARIANCE({N})|PRESENT({A})|ABSENT({A})|PERCENTILE({N}, 90)|\
    TOP({O}, 2)|TOP({O}, 3, \"desc\")|TOP({s}, 2, \"asc\", {k})|FIRST({A}, {s})|LAST({A}, {O})|WEIGHTED_AVG({N}, {d})|\
    COUNT({b} OR null)|SUM({N}) / COUNT(*)|ROUND(AVG({N}), 2)|MAX({N}) - MIN({N})|COUNT(*) > 1|MV_COUNT(VALUES({k}))|\
    MV_CONCAT(VALUES({k}), \",\")|COUNT_DISTINCT({k}, 100)";

/// Decisions, one after the other; the first choice once they are used up.
struct Choices(std::vec::IntoIter<u16>);

impl Choices {
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % end
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn column(&mut self) -> String {
        let (name, _) = COLUMNS[self.below(COLUMNS.len())];
        match self.below(12) {
            11 => "a".to_owned(),
            10 => "y".to_owned(),
            _ => name.to_owned(),
        }
    }

    /// A form with values in the places of its types.
    fn filled(&mut self, form: &str, any: char, depth: usize) -> String {
        let [number, ordered] = [["l", "i", "d", "u"], ["k", "s", "v", "l"]].map(|types| self.of(&types));
        let mut text = String::new();
        let mut rest = form;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').unwrap_or((after, ""));
            let wanted = match place.chars().next().unwrap_or('A') {
                'A' | 'O' | 'N' if any != '*' => any,
                'N' => number.chars().next().unwrap_or('l'),
                'O' => ordered.chars().next().unwrap_or('k'),
                'A' => ['k', 'l', 'b', 'p', 's', 'n', 'g', 'd'][self.below(8)],
                other => other,
            };
            text.push_str(before);
            if place.ends_with(':') {
                text.push_str(name_of(wanted));
            } else {
                text.push_str(&self.typed(wanted, depth));
            }
            rest = after;
        }
        text + rest
    }

    /// A value of a type, or now and then of any other.
    fn typed(&mut self, wanted: char, depth: usize) -> String {
        if self.below(24) == 23 {
            return if self.below(2) == 0 { self.column() } else { self.of(CONSTANTS).to_owned() };
        }
        if depth == 0 || self.below(4) == 0 {
            return self.leaf(wanted);
        }
        let of_type = |(given, _): &&(&str, &str)| match *given {
            "A" => true,
            "O" => wanted != 'g',
            "N" => matches!(wanted, 'l' | 'i' | 'd' | 'u'),
            given => given.starts_with(wanted),
        };
        let families: Vec<_> = FORMS.iter().filter(of_type).collect();
        let (given, forms) = families[self.below(families.len())];
        let forms: Vec<&str> = forms.split('|').collect();
        // Within a pattern a `|` is no end of a form.
        let forms: Vec<&str> = forms.into_iter().filter(|form| form.matches('"').count() % 2 == 0).collect();
        let form = self.of(&forms);
        let any = if matches!(*given, "A" | "O" | "N") { wanted } else { '*' };
        self.filled(form, any, depth - 1)
    }

    fn leaf(&mut self, wanted: char) -> String {
        let (column, constants): (&str, &[&str]) = match wanted {
            'k' => ("k", &["t", "\"a\"", "\"\"", "\"1\"", "[\"a\", \"b\"]", "\"%\"", "\"$0 (\""]),
            'l' => ("l", &["3000000000", "9223372036854775807", "-9223372036854775808", "l", "7::long"]),
            'i' => ("i", &["0", "1", "-1", "2147483647", "-2147483648", "[1, 2]", "3"]),
            'd' => ("d", &["0.0", "1.5", "-0.5", "1e308", "-1e308", "100.0", "[1.5, 2.5]"]),
            'u' => ("u", &["18446744073709551615", "u", "9223372036854775808"]),
            'b' => ("b", &["true", "false", "[true, false]", "null"]),
            'p' => ("ip", &["\"10.0.0.1\"::ip", "\"::1\"::ip"]),
            'v' => ("v", &["\"1.2.3\"::version", "\"x\"::version"]),
            's' => ("@timestamp", &["\"2024-02-29\"::date", "0::date", "@timestamp"]),
            'n' => ("n", &["\"2024-02-29T00:00:00.000000001Z\"::date_nanos", "n"]),
            _ => ("g", &["\"POINT (1 2)\"::geo_point", "g"]),
        };
        match self.below(8) {
            7 => "null".to_owned(),
            0..=3 => column.to_owned(),
            _ => self.of(constants).to_owned(),
        }
    }

    fn value(&mut self, depth: usize) -> String {
        let wanted = ['k', 'l', 'i', 'd', 'b', 's', 'n', 'u', 'p', 'v', 'g'][self.below(11)];
        match self.below(10) {
            9 => format!("({})::{}", self.typed(wanted, depth), self.of(TYPES)),
            _ => self.typed(wanted, depth),
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        self.typed('b', depth)
    }

    fn aggregate(&mut self, depth: usize) -> String {
        let aggregates: Vec<&str> = AGGREGATES.split('|').collect();
        let aggregate = self.of(&aggregates);
        let any = ['*', '*', '*', 'l', 'd', 'i', 'u'][self.below(7)];
        let value = self.filled(aggregate, any, depth);
        let name = self.of(&["a = ", "y = ", "", "k = "]);
        match self.below(4) {
            3 => format!("{name}{value} WHERE {}", self.condition(depth)),
            _ => format!("{name}{value}"),
        }
    }

    fn stats(&mut self) -> String {
        let count = 1 + self.below(3);
        let mut text = (0..count).map(|_| self.aggregate(1)).collect::<Vec<_>>().join(", ");
        match self.below(4) {
            0 => {}
            1 => write!(text, " BY {}", self.column()).unwrap(),
            2 => write!(text, " BY {}, y = {}", self.column(), self.value(1)).unwrap(),
            _ => write!(text, " BY a = {}", self.value(2)).unwrap(),
        }
        text
    }

    fn command(&mut self) -> String {
        match self.below(14) {
            0 | 1 => format!("WHERE {}", self.condition(2)),
            2..=5 => format!("EVAL {} = {}", self.of(&["a", "y", "k", "l"]), self.value(3)),
            6 => format!("STATS {}", self.stats()),
            7 => format!("INLINE STATS {}", self.stats()),
            8 => {
                let order = self.of(&["", " DESC", " NULLS FIRST", " ASC NULLS LAST", " DESC NULLS LAST"]);
                format!("SORT {}{order}, {}", self.value(1), self.column())
            }
            9 => format!("LIMIT {}", self.below(4)),
            10 => format!("MV_EXPAND {}", self.column()),
            11 => {
                let pattern =
                    self.of(&["%{a} %{y}", "%{a}-%{?b}-%{k}", "a%{y}", "%{+a} %{+a}", "%{*a}=%{&a}"]);
                format!("DISSECT {} \"{pattern}\"", self.leaf('k'))
            }
            12 => {
                let pattern =
                    self.of(&["%{WORD:a}", "%{INT:y:int}", "(?<a>.)(?<k>.)?", "%{NUMBER:a:float}|%{IP:a}"]);
                format!("GROK {} \"{pattern}\"", self.leaf('k'))
            }
            _ => match self.below(4) {
                0 => format!("KEEP {}, *", self.column()),
                1 => format!("DROP {}", self.column()),
                2 => format!("RENAME {} AS {}", self.column(), self.column()),
                _ => format!("KEEP {}, {}", self.column(), self.column()),
            },
        }
    }

    fn query(&mut self) -> String {
        let mut text =
            self.of(&["FROM logs", "FROM logs METADATA _id", "ROW a = 1, k = [\"a\", \"b\"]"]).to_owned();
        for _ in 0..=self.below(5) {
            write!(text, " | {}", self.command()).unwrap();
        }
        text
    }

    /// A value such as the field might have, or another one.
    fn json(&mut self, data_type: DataType) -> Json {
        if self.below(6) == 5 {
            return match self.below(8) {
                0 => json!({"a": {"b": 1}}),
                1 => json!([]),
                2 => json!([[1, 2], ["a"], null]),
                3 => json!("x"),
                4 => json!(1.5e300),
                5 => json!(true),
                6 => json!(u64::MAX),
                _ => Json::Null,
            };
        }
        let whole = [0, 1, -1, i64::MAX, i64::MIN, 3_000_000_000, 7, -7][self.below(8)];
        match data_type {
            DataType::Long => json!(whole),
            DataType::Integer => json!(whole as i32),
            DataType::UnsignedLong => json!(whole as u64),
            DataType::Double => json!([0.0, -0.0, 1.5, -2.25, 1e308, -1e308, 1e-320, 3.0][self.below(8)]),
            DataType::Boolean => json!(self.below(2) == 0),
            DataType::Ip => json!(self.of(&["10.0.0.1", "::1", "255.255.255.255", "fe80::1%3", "1.2.3"])),
            DataType::Version => json!(self.of(&["1.2.3", "1.10", "1.2.3-rc1", "bad!", ""])),
            DataType::Date | DataType::DateNanos => match self.below(6) {
                0 => json!("2024-01-31T23:59:59.999Z"),
                1 => json!("1969-12-31T23:59:59.999999999Z"),
                2 => json!(whole),
                3 => json!("2262-04-11T23:47:16Z"),
                4 => json!("0001-01-01T00:00:00Z"),
                _ => json!("9999-12-31T23:59:59Z"),
            },
            DataType::GeoPoint => json!(self.of(&["POINT (1 2)", "1,2", "POINT (999 999)", "u4pruydqqvj"])),
            _ => json!(self.of(&["a", "", "a b", "1", "a-b-c", "ß𝄞é", "10.0.0.1", "k1=v1"])),
        }
    }

    fn event(&mut self) -> Document {
        let mut map = serde_json::Map::new();
        for (name, data_type) in COLUMNS {
            let value = match self.below(5) {
                0 => continue,
                1 | 2 => self.json(*data_type),
                count => (0..count - 1).map(|_| self.json(*data_type)).collect(),
            };
            map.insert((*name).to_owned(), value);
        }
        Document::from_map(map)
    }
}

fn name_of(wanted: char) -> &'static str {
    match wanted {
        'l' => "long",
        'i' => "integer",
        'd' => "double",
        'u' => "unsigned_long",
        'b' => "boolean",
        'p' => "ip",
        'v' => "version",
        's' => "date",
        'n' => "date_nanos",
        'g' => "geo_point",
        _ => "keyword",
    }
}

/// What is wrong with it, when something is; and whether it was planned.
fn check(query: &str, events: &[Document]) -> Result<bool, String> {
    let fields: BTreeMap<String, DataType> =
        COLUMNS.iter().map(|(name, data_type)| ((*name).to_owned(), *data_type)).collect();
    let planned = Plan::of(query, &Fields::Exactly(&fields));
    if let Some(fault) = planned.diagnostics.iter().find(|fault| fault.code == "esql::not-planned") {
        return Err(format!("{query}\nis not planned: {}", fault.message));
    }
    let Some(mut plan) = planned.plan else {
        let is_told = planned.diagnostics.iter().any(query::Diagnostic::is_error);
        return if is_told { Ok(false) } else { Err(format!("{query}\nis refused without a reason")) };
    };
    let rows: Vec<Event<'_>> = events
        .iter()
        .enumerate()
        .map(|(number, document)| Event { number: number as u64, document, id: "id", index: "logs" })
        .collect();
    let mut run = |rows: &[Event<'_>]| {
        plan.run(rows, Timestamp::UNIX_EPOCH).map_err(|error| format!("{query}\nfails: {error:?}"))
    };
    let first = run(&rows)?;
    run(&[])?;
    let again = run(&rows)?;
    // What is not a number is not even itself.
    if format!("{:?}", first.table) != format!("{:?}", again.table) {
        return Err(format!("{query}\ngives other rows when it is run again"));
    }
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_planned_runs(
        query in proptest::collection::vec(any::<u16>(), 20..300),
        events in proptest::collection::vec(proptest::collection::vec(any::<u16>(), 0..80), 0..4),
    ) {
        let query = Choices(query.into_iter()).query();
        let events: Vec<Document> = events.into_iter().map(|event| Choices(event.into_iter()).event()).collect();
        if let Err(fault) = check(&query, &events) {
            panic!("{fault}\n{events:?}");
        }
    }

    #[test]
    fn any_text_is_planned_or_refused(text in "(FROM|ROW|WHERE|EVAL|STATS|[a-z@]|[0-9]|[ |=,()\"*%{}.<>:-]){0,40}") {
        if let Err(fault) = check(&text, &[]) {
            panic!("{fault}");
        }
    }
}
