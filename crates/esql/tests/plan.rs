//! Whole queries over a few events: names, types, null and several values, groups and the evidence of rows.

use std::collections::BTreeMap;

use bartizan_esql::{DataType, Event, Fields, Plan, Value};
use ecs::Document;
use ecs::time::Timestamp;
use serde_json::json;

fn fields() -> BTreeMap<String, DataType> {
    [
        ("@timestamp", DataType::Date),
        ("user", DataType::Keyword),
        ("tags", DataType::Keyword),
        ("count", DataType::Long),
        ("ip", DataType::Ip),
        ("ok", DataType::Boolean),
    ]
    .map(|(name, data_type)| (name.to_owned(), data_type))
    .into()
}

/// Rows as lines: values of a row joined by `|`, several values by `,`, null as nothing, and the events.
fn run(query: &str) -> Vec<String> {
    let events = [
        json!({"@timestamp": "2024-01-01T00:00:00Z", "user": "ann", "tags": ["a", "b"], "count": 1, "ip": "10.0.0.1", "ok": true}),
        json!({"@timestamp": "2024-01-01T00:01:00Z", "user": "bob", "tags": "a", "count": 2}),
        json!({"@timestamp": "2024-01-01T00:02:00Z", "user": "ann", "count": [3, 4], "ip": "10.0.0.2", "ok": false}),
    ]
    .map(|event| match event {
        serde_json::Value::Object(map) => Document::from_map(map),
        _ => Document::new(),
    });
    let fields = fields();
    let planned = Plan::of(query, &Fields::Exactly(&fields));
    let Some(mut plan) = planned.plan else {
        return planned
            .diagnostics
            .iter()
            .map(|diagnostic| format!("{}: {}", diagnostic.code, diagnostic.message))
            .collect();
    };
    let events: Vec<Event<'_>> = events
        .iter()
        .enumerate()
        .map(|(number, document)| Event { number: number as u64, document, id: "id", index: "logs" })
        .collect();
    let answer = match plan.run(&events, Timestamp::UNIX_EPOCH) {
        Ok(answer) => answer,
        Err(error) => return vec![error.to_string()],
    };
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
    lines
}

#[test]
fn several_values_are_null_where_one_is_needed() {
    assert_eq!(run("FROM logs | WHERE tags == \"a\" | KEEP user"), ["user", "bob [1]"]);
    assert_eq!(run("FROM logs | WHERE NOT tags == \"a\" | KEEP user"), ["user"]);
    assert_eq!(run("FROM logs | WHERE tags IS NULL | KEEP user, count"), ["user|count", "ann|3,4 [2]"]);
    assert_eq!(run("FROM logs | EVAL x = count + 1 | KEEP x"), ["x", "2 [0]", "3 [1]", " [2]"]);
}

#[test]
fn constants_of_text_are_read_as_what_stands_beside_them() {
    assert_eq!(run("FROM logs | WHERE ip == \"10.0.0.2\" | KEEP user"), ["user", "ann [2]"]);
    assert_eq!(
        run("FROM logs | WHERE @timestamp > \"2024-01-01T00:00:30Z\" | KEEP user"),
        ["user", "bob [1]", "ann [2]"]
    );
}

#[test]
fn a_row_stands_in_the_group_of_each_of_its_values() {
    assert_eq!(
        run("FROM logs | STATS n = COUNT(*), c = COUNT(count) WHERE user == \"ann\" BY tags | SORT tags"),
        ["n|c|tags", "2|1|a [0, 1]", "1|1|b [0]", "1|2| [2]"]
    );
    assert_eq!(run("FROM logs | STATS n = COUNT(*) * 2"), ["n", "6 [0, 1, 2]"]);
    assert_eq!(run("FROM logs | WHERE user == \"x\" | STATS COUNT(*)"), ["COUNT(*)", "0 []"]);
    assert_eq!(run("FROM logs | WHERE user == \"x\" | STATS COUNT(*) BY user"), ["COUNT(*)|user"]);
}

#[test]
fn columns_stand_where_the_query_puts_them() {
    assert_eq!(
        run("FROM logs | EVAL user = \"x\", z = user | RENAME z AS y | DROP c*, @*, ok | LIMIT 1"),
        ["ip|tags|user|y", "10.0.0.1|a,b|x|x [0]"]
    );
    assert_eq!(
        run("FROM logs | MV_EXPAND tags | SORT tags DESC, user | KEEP tags, u*"),
        ["tags|user", "|ann [2]", "b|ann [0]", "a|ann [0]", "a|bob [1]"]
    );
    assert_eq!(run("ROW a = 1, b = [1, 2], c = null"), ["a|b|c", "1|1,2| [0]"]);
}

#[test]
fn texts_are_taken_apart() {
    assert_eq!(
        run(
            "ROW a = \"x=1 y=2\" | DISSECT a \"x=%{x} y=%{y}\" | GROK y \"%{INT:n:int}\" | KEEP x, y, n | EVAL z = n + 1"
        ),
        ["x|y|n|z", "1|2|2|3 [0]"]
    );
    assert_eq!(
        run("ROW a = [\"1-2\", \"3-4\", \"x\"] | DISSECT a \"%{l}-%{r}\" | KEEP l, r"),
        ["l|r", "1,3|2,4 [0]"]
    );
    assert_eq!(run("ROW a = \"x\" | DISSECT a \"%{l}-%{r}\""), ["a|l|r", "x|| [0]"]);
    assert_eq!(
        run("ROW a = \"x\" | GROK a \"%{NOPE:x}\""),
        ["esql::grok-unknown-pattern: there is no pattern named `NOPE`"]
    );
}

#[test]
fn searches_look_into_events() {
    assert_eq!(
        run("FROM logs | WHERE KQL(\"tags : b or count >= 4\") | KEEP user, @timestamp | KEEP user"),
        ["user", "ann [0]", "ann [2]"]
    );
    assert_eq!(
        run("FROM logs | EVAL x = 1 | RENAME tags AS t | WHERE NOT t : \"b\" | STATS COUNT(*)"),
        ["COUNT(*)", "2 [1, 2]"]
    );
    assert_eq!(run("FROM logs | STATS n = COUNT(*) WHERE MATCH(tags, \"a\")"), ["n", "2 [0, 1, 2]"]);
    assert_eq!(
        run("FROM logs | LIMIT 1 | WHERE KQL(\"a\")"),
        ["esql::search-too-late: a search looks into events, and these are none"]
    );
}

#[test]
fn what_is_wrong_is_said() {
    assert_eq!(
        run("FROM logs | WHERE usr == 1 AND COUNT(*) > 2 AND count LIKE \"a\""),
        [
            "esql::unknown-column: there is no column usr here",
            "esql::aggregate-outside-stats: COUNT counts over groups of rows",
            "esql::not-text: LIKE compares text, and this is long"
        ]
    );
}

/// Parts of events that were loaded once give what the same events give that are read anew.
#[test]
fn events_that_were_loaded_are_queried_again_and_again() {
    let documents: Vec<Document> = (0..7)
        .map(|at| match json!({"user": format!("u{}", at % 2), "tags": ["a", format!("t{at}")], "count": at, "ip": "x"}) {
            serde_json::Value::Object(map) => Document::from_map(map),
            _ => Document::new(),
        })
        .collect();
    let fields = fields();
    let query = "FROM logs | STATS n = COUNT(*), tags = VALUES(tags), sum = SUM(count), ip = VALUES(ip) BY user | SORT user";
    let mut plan = Plan::of(query, &Fields::Exactly(&fields)).plan.unwrap();
    let event = |at: usize| Event { number: at as u64, document: &documents[at], id: "id", index: "logs" };
    let all: Vec<Event<'_>> = (0..7).map(event).collect();
    let loaded = plan.load(&all).unwrap();
    assert_eq!((loaded.len(), loaded.clashes.len(), loaded.clashes[0].count), (7, 1, 7));
    for from in 0..7 {
        for to in from..=7 {
            let expected = plan.run(&all[from..to], Timestamp::UNIX_EPOCH).unwrap();
            let middle = (from + to) / 2;
            let parts = vec![loaded.part(from..middle).unwrap(), loaded.part(middle..to).unwrap()];
            let answer = plan.run_loaded(parts, Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!(answer.table, expected.table, "{from}..{to}");
            assert_eq!(loaded.part(from..to + 9).unwrap().len(), 7 - from);
        }
    }
}
