//! STATS, INLINE STATS and aggregates: queries over a few events, and the rows that they must give.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use bartizan_esql::{DataType, Event, Fields, Plan, Value};
use ecs::Document;
use ecs::time::Timestamp;
use serde_json::{Value as Json, json};

fn fields() -> BTreeMap<String, DataType> {
    [
        ("@timestamp", DataType::Date),
        ("user", DataType::Keyword),
        ("tags", DataType::Keyword),
        ("message", DataType::Text),
        ("n", DataType::Long),
        ("i", DataType::Integer),
        ("x", DataType::Double),
        ("u", DataType::UnsignedLong),
        ("ip", DataType::Ip),
        ("v", DataType::Version),
        ("ok", DataType::Boolean),
        ("never", DataType::Keyword),
    ]
    .map(|(name, data_type)| (name.to_owned(), data_type))
    .into()
}

fn events() -> Vec<Json> {
    vec![
        json!({"@timestamp": "2024-01-01T00:00:00Z", "user": "ann", "tags": ["b", "a"], "n": 1, "i": 2, "x": 1.5,
            "ip": "10.0.0.2", "v": "1.10.0", "ok": true, "message": "m1", "u": 18_446_744_073_709_551_615_u64}),
        json!({"@timestamp": "2024-01-01T00:01:00Z", "user": "bob", "tags": "a", "n": 2, "i": 4, "x": -2,
            "ip": ["10.0.0.10", "::1"], "v": "1.9.0", "ok": false, "message": "m2"}),
        json!({"@timestamp": "2024-01-01T01:02:00Z", "user": "ann", "n": [3, 4, 4], "i": 8, "v": "1.9.0", "message": "m1"}),
        json!({"@timestamp": "2024-01-02T00:03:00Z", "tags": ["a", "a", "c"], "n": 9_223_372_036_854_775_807_i64}),
    ]
}

fn run_over(query: &str, events: Vec<Json>) -> Vec<String> {
    let events: Vec<Document> = events
        .into_iter()
        .map(|event| match event {
            Json::Object(map) => Document::from_map(map),
            _ => Document::new(),
        })
        .collect();
    let fields = fields();
    let planned = Plan::of(query, &Fields::Exactly(&fields));
    let Some(mut plan) = planned.plan else {
        let line = |diagnostic: &query::Diagnostic| format!("{}: {}", diagnostic.code, diagnostic.message);
        return planned.diagnostics.iter().map(line).collect();
    };
    let events: Vec<Event<'_>> = events
        .iter()
        .enumerate()
        .map(|(number, document)| Event { number: number as u64, document, id: "id", index: "logs" })
        .collect();
    let first = plan.run(&events, Timestamp::UNIX_EPOCH).unwrap();
    let answer = plan.run(&events, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(first, answer, "a plan runs again and again");
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => other.json().to_string(),
    };
    let names: Vec<&str> = answer.table.columns.iter().map(|column| column.name.as_str()).collect();
    let mut lines = vec![names.join("|")];
    lines.extend(answer.table.rows.iter().map(|row| {
        let values: Vec<String> =
            row.values.iter().map(|values| values.iter().map(text).collect::<Vec<_>>().join(",")).collect();
        format!("{} {:?}", values.join("|"), row.events)
    }));
    lines.extend(answer.warnings.iter().map(|warning| {
        format!("{} x {}: {}", warning.count, &query[warning.span.start..warning.span.end], warning.reason)
    }));
    lines
}

/// One row over all events: the values of its one column.
fn one(aggregate: &str) -> String {
    let lines = run_over(&format!("FROM logs | STATS it = {aggregate}"), events());
    let mut lines = lines.into_iter().skip(1);
    let row = lines.next().unwrap_or_default();
    let values = row.rsplit_once(" [").map_or(row.as_str(), |(values, _)| values);
    std::iter::once(values.to_owned()).chain(lines).collect::<Vec<_>>().join("; ")
}

#[test]
fn aggregates_of_all_events() {
    let table = [
        ("COUNT(*)", "4"),
        ("COUNT()", "4"),
        ("COUNT(1)", "4"),
        ("COUNT([1, 2])", "8"),
        ("COUNT(null)", "0"),
        ("COUNT(n)", "6"),
        ("COUNT(never)", "0"),
        ("COUNT(tags) WHERE user == \"ann\"", "2"),
        ("COUNT_DISTINCT(tags)", "3"),
        ("COUNT_DISTINCT(n, 100)", "5"),
        ("COUNT_DISTINCT(never)", "0"),
        ("VALUES(tags)", "a,b,c"),
        ("VALUES(message)", "m1,m2"),
        ("VALUES(ip)", "::1,10.0.0.2,10.0.0.10"),
        ("VALUES(v)", "1.9.0,1.10.0"),
        ("VALUES(x)", "-2.0,1.5"),
        ("VALUES(ok)", "false,true"),
        ("VALUES(never)", ""),
        ("MIN(n)", "1"),
        ("MAX(n)", "9223372036854775807"),
        ("MAX(u)", "18446744073709551615"),
        ("MIN(tags)", "a"),
        ("MAX(message)", "m2"),
        ("MAX(ip)", "10.0.0.10"),
        ("MAX(v)", "1.10.0"),
        ("MIN(ok)", "false"),
        ("MIN(x)", "-2.0"),
        ("MAX(@timestamp)", "2024-01-02T00:03:00.000Z"),
        ("MAX(never)", ""),
        ("SUM(i)", "14"),
        ("SUM(x)", "-0.5"),
        ("SUM(n) WHERE user IS NOT NULL", "14"),
        ("SUM(n)", "; 1 x SUM(n): long overflow"),
        ("SUM(never)", "esql::argument-type: SUM takes numbers, and this is keyword"),
        ("SUM(1)", "4"),
        ("SUM(1) WHERE user == \"nobody\"", "0"),
        ("SUM(2.5)", "10.0"),
        ("SUM(null)", ""),
        ("SUM(CASE(user == \"ann\", 1, 0))", "2"),
        ("AVG(i)", "4.666666666666667"),
        ("AVG(n)", "; 1 x AVG(n): long overflow"),
        ("AVG(never::double)", ""),
        ("MEDIAN(i)", "4.0"),
        ("MEDIAN(x)", "-0.25"),
        ("PERCENTILE(i, 25)", "3.0"),
        ("PERCENTILE(i, 99.5)", "7.96"),
        ("PERCENTILE(i, 101)", ""),
        ("PERCENTILE(i, i)", "esql::argument-type: PERCENTILE takes a constant here, and this is integer"),
        ("MEDIAN_ABSOLUTE_DEVIATION(i)", "2.0"),
        ("VARIANCE(x)", "3.0625"),
        ("STD_DEV(x)", "1.75"),
        ("STD_DEV(n) WHERE user == \"nobody\"", ""),
        ("WEIGHTED_AVG(x, i)", "-0.35714285714285715"),
        ("WEIGHTED_AVG(i, 3)", "4.666666666666667"),
        (
            "WEIGHTED_AVG(i, 0)",
            "esql::argument-type: WEIGHTED_AVG takes a weight other than null and 0, and this is integer",
        ),
        ("FIRST(user, @timestamp)", "ann"),
        ("LAST(user, @timestamp)", ""),
        ("LAST(user, @timestamp) WHERE user IS NOT NULL", "ann"),
        ("FIRST(tags, @timestamp)", "b,a"),
        ("FIRST(user, n)", "ann"),
        ("LAST(message, i)", "m1"),
        ("TOP(n, 2, \"desc\")", "9223372036854775807,4"),
        ("TOP(n, 3)", "1,2,3"),
        ("TOP(tags, 3, \"ASC\")", "a,a,a"),
        ("TOP(i, 2, \"desc\", user)", "ann,bob"),
        ("TOP(i, 0)", "esql::argument-type: TOP takes a limit above 0, and this is integer"),
        ("PRESENT(never)", "false"),
        ("ABSENT(never)", "true"),
        ("PRESENT(tags)", "true"),
        ("SAMPLE(user, 2)", "esql::not-supported: SAMPLE is not supported"),
        ("MAX(n) - MIN(n)", "9223372036854775806"),
        ("ROUND(AVG(i), 1)", "4.7"),
        ("MV_SLICE(MV_SORT(VALUES(tags)), 0, 1)", "a,b"),
        ("MV_COUNT(VALUES(tags)) + COUNT(*)", "7"),
        ("MAX(MAX(n))", "esql::aggregate-outside-stats: MAX counts over groups of rows"),
        ("n", "esql::unknown-column: there is no column n here"),
    ];
    for (aggregate, expected) in table {
        if expected.starts_with("esql::") {
            // A refusal is not a row.
            let lines = run_over(&format!("FROM logs | STATS it = {aggregate}"), events());
            assert_eq!(lines, [expected], "{aggregate}");
            continue;
        }
        let found = one(aggregate);
        assert_eq!(found, expected, "{aggregate}");
    }
}

#[test]
fn groups() {
    let table: [(&str, &[&str]); 18] = [
        (
            "STATS c = COUNT(*), t = COUNT(tags) BY tags | SORT tags",
            &["c|t|tags", "3|6|a [0, 1, 3]", "1|2|b [0]", "1|3|c [3]", "1|0| [2]"],
        ),
        ("STATS BY user | SORT user", &["user", "ann [0, 2]", "bob [1]", " [3]"]),
        (
            "STATS c = COUNT(*) BY user, tags | SORT user, tags",
            &[
                "c|user|tags",
                "1|ann|a [0]",
                "1|ann|b [0]",
                "1|ann| [2]",
                "1|bob|a [1]",
                "1||a [3]",
                "1||c [3]",
            ],
        ),
        (
            "STATS c = COUNT(t), t2 = COUNT(tags) BY t = tags | SORT t | LIMIT 1",
            &["c|t2|t", "6|6|a [0, 1, 3]"],
        ),
        (
            "STATS c = COUNT(*) BY even = i % 4 == 0 | SORT even",
            &["c|even", "1|false [0]", "2|true [1, 2]", "1| [3]"],
        ),
        ("STATS c = COUNT(*), c = SUM(i)", &["c", "14 [0, 1, 2, 3]"]),
        ("STATS user = COUNT(*) BY user | SORT user | LIMIT 1", &["user", "ann [0, 2]"]),
        ("STATS i = COUNT(*), j = MAX(i)", &["i|j", "4|8 [0, 1, 2, 3]"]),
        (
            "STATS COUNT(*) WHERE i > 2, SUM(i) BY user | SORT user | LIMIT 1",
            &["COUNT(*) WHERE i > 2|SUM(i)|user", "1|10|ann [0, 2]"],
        ),
        (
            "STATS m = MAX(i) + 1, l = LENGTH(user) BY user | SORT user | LIMIT 1",
            &["m|l|user", "9|3|ann [0, 2]"],
        ),
        ("STATS c = COUNT(*) BY k = null", &["c|k", "4| [0, 1, 2, 3]"]),
        ("STATS c = COUNT(*) BY k = 1", &["c|k", "4|1 [0, 1, 2, 3]"]),
        ("STATS c = COUNT(*) BY never", &["c|never", "4| [0, 1, 2, 3]"]),
        (
            "WHERE user == \"x\" | STATS c = COUNT(*), s = SUM(i), v = VALUES(user), p = PRESENT(i)",
            &["c|s|v|p", "0|||false []"],
        ),
        ("WHERE user == \"x\" | STATS c = COUNT(*) BY tags", &["c|tags"]),
        (
            "STATS c = COUNT(*) BY user | STATS most = MAX(c), groups = COUNT(*)",
            &["most|groups", "2|3 [0, 1, 2, 3]"],
        ),
        (
            "STATS c = COUNT(*) BY h = BUCKET(@timestamp, 1 hour) | SORT h",
            &[
                "c|h",
                "2|2024-01-01T00:00:00.000Z [0, 1]",
                "1|2024-01-01T01:00:00.000Z [2]",
                "1|2024-01-02T00:00:00.000Z [3]",
            ],
        ),
        ("STATS c = COUNT(*) BY b = BUCKET(i, 5) | SORT b", &["c|b", "2|0.0 [0, 1]", "1|5.0 [2]", "1| [3]"]),
    ];
    for (query, expected) in table {
        assert_eq!(run_over(&format!("FROM logs | {query}"), events()), expected, "{query}");
    }
}

#[test]
fn inline_stats() {
    let table: [(&str, &[&str]); 16] = [
        (
            "KEEP user, i | INLINE STATS c = COUNT(*), m = MAX(i)",
            &["user|i|c|m", "ann|2|4|8 [0]", "bob|4|4|8 [1]", "ann|8|4|8 [2]", "||4|8 [3]"],
        ),
        (
            "KEEP user, i | INLINE STATS s = SUM(i) BY user",
            &["i|s|user", "2|10|ann [0]", "4|4|bob [1]", "8|10|ann [2]", "|| [3]"],
        ),
        (
            "KEEP i, tags | INLINESTATS c = COUNT(*) BY tags",
            &["i|c|tags", "2|3,1|b,a [0]", "4|3|a [1]", "8|1| [2]", "|3,1|a,a,c [3]"],
        ),
        (
            "KEEP i, tags, user | INLINE STATS c = COUNT(*), v = VALUES(i) BY tags, user | KEEP c, v",
            &["c|v", "1,1|2,2 [0]", "1|4 [1]", "1|8 [2]", "1,1| [3]"],
        ),
        (
            "KEEP i, tags | INLINE STATS a = ROUND(AVG(i), 1) BY tags | KEEP a",
            &["a", "3.0,2.0 [0]", "3.0 [1]", "8.0 [2]", "3.0 [3]"],
        ),
        ("KEEP user | INLINE STATS user = COUNT(*)", &["user", "4 [0]", "4 [1]", "4 [2]", "4 [3]"]),
        ("KEEP user, i | INLINE STATS i = MAX(i), user = MAX(i) BY user | LIMIT 1", &["i|user", "8|ann [0]"]),
        (
            "KEEP i | INLINE STATS c = COUNT(*) BY big = i > 2 | SORT i",
            &["i|c|big", "2|1|false [0]", "4|2|true [1]", "8|2|true [2]", "|1| [3]"],
        ),
        (
            "KEEP @timestamp, i | INLINE STATS c = COUNT(*) BY d = DATE_TRUNC(1 day, @timestamp) | KEEP i, c, d | LIMIT 1",
            &["i|c|d", "2|3|2024-01-01T00:00:00.000Z [0]"],
        ),
        (
            "KEEP user, i | INLINE STATS bad = COUNT(*) WHERE i > 2, all = COUNT(*) BY user | KEEP bad, all",
            &["bad|all", "1|2 [0]", "1|1 [1]", "1|2 [2]", "0|1 [3]"],
        ),
        (
            "KEEP user, i | INLINE STATS m = MAX(i) BY user | WHERE i == m | KEEP user, m",
            &["user|m", "bob|4 [1]", "ann|8 [2]"],
        ),
        (
            "KEEP user | INLINE STATS f = FIRST(user, k), t = VALUES(k) BY k = LENGTH(user) | KEEP f, t, k",
            &["f|t|k", "ann|3|3 [0]", "ann|3|3 [1]", "ann|3|3 [2]", "|| [3]"],
        ),
        ("WHERE user == \"x\" | KEEP user | INLINE STATS c = COUNT(*) BY user", &["c|user"]),
        ("WHERE user == \"x\" | KEEP user | INLINE STATS c = COUNT(*)", &["user|c"]),
        (
            "STATS c = COUNT(*) BY user | INLINE STATS m = MAX(c) | SORT user",
            &["c|user|m", "2|ann|2 [0, 2]", "1|bob|2 [1]", "1||2 [3]"],
        ),
        (
            "KEEP user | INLINE STATS a = COUNT(*) BY user | INLINE STATS b = SUM(a) | KEEP user, a, b | LIMIT 2",
            &["user|a|b", "ann|2|6 [0]", "bob|1|6 [1]"],
        ),
    ];
    for (query, expected) in table {
        assert_eq!(run_over(&format!("FROM logs | {query}"), events()), expected, "{query}");
    }
}

#[test]
fn what_cannot_be_grouped_by_is_said() {
    let table = [
        ("STATS COUNT(*) BY CATEGORIZE(user)", "esql::not-supported: CATEGORIZE is not supported"),
        ("STATS COUNT(*) BY TBUCKET(1 hour)", "esql::not-supported: TBUCKET is not supported"),
        ("EVAL a = COUNT(*)", "esql::aggregate-outside-stats: COUNT counts over groups of rows"),
        ("STATS FIRST(user)", "esql::argument-count: FIRST takes 2 arguments, not 1"),
        ("STATS VALUES(user, user)", "esql::argument-count: VALUES takes one argument, not 2"),
    ];
    for (query, expected) in table {
        assert_eq!(run_over(&format!("FROM logs | {query}"), events()), [expected], "{query}");
    }
}

#[test]
fn many_groups_and_rows_take_linear_time() {
    let event = |at: usize| {
        let user = format!("user{}", at % 3000);
        json!({"@timestamp": "2024-01-01T00:00:00Z", "user": [user, "all"], "i": at, "tags": format!("t{}", at % 7)})
    };
    let events: Vec<Json> = (0..12_000).map(event).collect();
    let lines = run_over(
        "FROM logs | INLINE STATS c = COUNT(*), v = VALUES(tags) BY user | WHERE i < 2 | KEEP i, c, v | SORT i",
        events,
    );
    assert_eq!(
        lines[1..],
        ["0|12000,4|t0,t1,t2,t3,t4,t5,t6,t0,t1,t4,t5 [0]", "1|12000,4|t0,t1,t2,t3,t4,t5,t6,t1,t2,t5,t6 [1]"]
    );
}

#[test]
fn lists_of_many_groups_take_linear_time() {
    let event = |at: usize| json!({"user": format!("user{}", at % 4000), "i": [at, at + 1], "n": at});
    let events: Vec<Json> = (0..12_000).map(event).collect();
    let lines = run_over(
        "FROM logs | STATS t = TOP(i, 2, \"desc\", n), a = MV_CONTAINS(VALUES(i), 4001) BY user | WHERE a | SORT user",
        events,
    );
    assert_eq!(
        lines,
        ["t|a|user", "8000,8000|true|user0 [0, 4000, 8000]", "8001,8001|true|user1 [1, 4001, 8001]"]
    );
}

#[test]
fn fields_of_unknown_type_are_read_as_what_is_needed() {
    let catalog = ecs::Catalog::builtin();
    let fields = Fields::Catalog { catalog: &catalog, closed: false };
    let query = "FROM logs | STATS s = SUM(acme.size), v = VALUES(acme.size), m = MV_SUM(VALUES(acme.size)), \
                 f = FIRST(acme.size, @timestamp) | WHERE f > 5 AND MV_MAX(v) < 10";
    let planned = Plan::of(query, &fields);
    let Some(mut plan) = planned.plan else { panic!("{:?}", planned.diagnostics) };
    let documents = [7, 9].map(|size| match json!({"acme": {"size": size}}) {
        Json::Object(map) => Document::from_map(map),
        _ => Document::new(),
    });
    let event = |document| Event { number: 0, document, id: "id", index: "logs" };
    let answer = plan.run(&documents.each_ref().map(event), Timestamp::UNIX_EPOCH).unwrap();
    let texts =
        |values: &[&str]| values.iter().map(|text| Value::Text((*text).to_owned())).collect::<Vec<_>>();
    let expected = [vec![Value::Double(16.0)], texts(&["7", "9"]), vec![Value::Double(16.0)], texts(&["7"])];
    assert_eq!(answer.table.rows[0].values, expected);
}
