//! Functions of several values: expressions over one row, and what they must give.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use bartizan_esql::{Fields, Plan, Value};
use ecs::time::Timestamp;

/// The values of an expression, joined by `,`; warnings after `;`. What is refused is a code.
fn value_of(expression: &str) -> String {
    let query = format!(
        "ROW l = [3, 1, 2, 1], d = [1.5, -2.0], t = [\"b\", \"a\", \"b\"], big = [9223372036854775807, 1], \
         ip = TO_IP([\"10.0.0.2\", \"10.0.0.10\"]), one = 5, text = \"x\", null_long = null::long, \
         null_text = null::keyword, yes = [true, false], at = TO_DATETIME([\"2024-01-02\", \"2024-01-01\"]) \
         | EVAL it = {expression} | KEEP it"
    );
    let fields = BTreeMap::new();
    let planned = Plan::of(&query, &Fields::Exactly(&fields));
    let Some(mut plan) = planned.plan else {
        return planned.diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>().join(";");
    };
    let event = ecs::Document::new();
    let event = bartizan_esql::Event { number: 0, document: &event, id: "id", index: "logs" };
    let answer = plan.run(&[event], Timestamp::UNIX_EPOCH).unwrap();
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => other.json().to_string(),
    };
    let mut found = answer.table.rows[0].values[0].iter().map(text).collect::<Vec<_>>().join(",");
    for warning in answer.warnings {
        found += &format!("; {}", warning.reason);
    }
    found
}

/// Each line: an expression, and what it gives.
const TABLE: &str = r#"
MV_COUNT(l)                             -> 4
MV_COUNT(one)                           -> 1
MV_COUNT(null_long)                     ->
MV_COUNT(null)                          ->
MV_FIRST(l)                             -> 3
MV_LAST(l)                              -> 1
MV_FIRST(one)                           -> 5
MV_LAST(null_text)                      ->
MV_MIN(l)                               -> 1
MV_MAX(l)                               -> 3
MV_MAX(t)                               -> b
MV_MIN(ip)                              -> 10.0.0.2
MV_MAX(ip)                              -> 10.0.0.10
MV_MAX(at)                              -> 2024-01-02T00:00:00.000Z
MV_MIN(yes)                             -> false
MV_MIN(one)                             -> 5
MV_SUM(l)                               -> 7
MV_SUM(d)                               -> -0.5
MV_SUM(one)                             -> 5
MV_SUM([2147483647, 1])                 -> ; integer overflow
MV_SUM(big)                             -> ; long overflow
MV_SUM(t)                               -> esql::argument-type
MV_SUM(null)                            ->
MV_AVG(l)                               -> 1.75
MV_AVG(d)                               -> -0.25
MV_AVG(null_long)                       ->
MV_MEDIAN(l)                            -> 1
MV_MEDIAN([3, 8])                       -> 5
MV_MEDIAN([-3, -8])                     -> -6
MV_MEDIAN([1, 9, 4])                    -> 4
MV_MEDIAN(d)                            -> -0.25
MV_MEDIAN(big)                          -> 4611686018427387904
MV_PERCENTILE(l, 0)                     -> 1
MV_PERCENTILE(l, 100)                   -> 3
MV_PERCENTILE([5, 5, 10, 12, 5000], 50) -> 10
MV_PERCENTILE([1, 4], 50)               -> 2
MV_PERCENTILE([-4, -1], 50)             -> -3
MV_PERCENTILE(d, 75)                    -> 0.625
MV_PERCENTILE(l, 101)                   -> ; a percentile lies between 0 and 100
MV_PERCENTILE(l, null)                  ->
MV_MEDIAN_ABSOLUTE_DEVIATION([0, 2, 5, 6]) -> 2
MV_MEDIAN_ABSOLUTE_DEVIATION(d)         -> 1.75
MV_MEDIAN_ABSOLUTE_DEVIATION(one)       -> 0
MV_PSERIES_WEIGHTED_SUM([70.0, 45.0, 21.0, 21.0, 21.0], 1.5) -> 94.45465156212452
MV_PSERIES_WEIGHTED_SUM(l, 1.5)         -> esql::argument-type
MV_CONCAT(t, ", ")                      -> b, a, b
MV_CONCAT(text, "-")                    -> x
MV_CONCAT(null_text, "-")               ->
MV_CONCAT(t, null_text)                 ->
MV_CONCAT(l, "-")                       -> esql::argument-type
MV_CONCAT(TO_STRING(l), "-")            -> 3-1-2-1
MV_DEDUPE(t)                            -> b,a
MV_DEDUPE(l)                            -> 3,1,2
MV_DEDUPE(one)                          -> 5
MV_SORT(l)                              -> 1,1,2,3
MV_SORT(l, "DESC")                      -> 3,2,1,1
MV_SORT(t, "asc")                       -> a,b,b
MV_SORT(t, "up")                        -> esql::constant
MV_SORT(one)                            -> 5
MV_SLICE(l, 1)                          -> 1
MV_SLICE(l, 1, 2)                       -> 1,2
MV_SLICE(l, -2, -1)                     -> 2,1
MV_SLICE(l, -9, -3)                     -> 3,1
MV_SLICE(l, 2, 9)                       -> 2,1
MV_SLICE(l, 4, 9)                       ->
MV_SLICE(l, -9, -8)                     ->
MV_SLICE(l, 2, 1)                       -> ; the start of a slice lies after its end
MV_SLICE(l, -2, 1)                      -> ; start and end of a slice are counted from different ends
MV_SLICE(text, 0)                       -> x
MV_SLICE(text, 1)                       ->
MV_SLICE(l, MV_MIN(l), one)             -> 1,2,1
MV_SLICE(null_text, 0, 1)               ->
MV_APPEND(l, one)                       -> 3,1,2,1,5
MV_APPEND(text, t)                      -> x,b,a,b
MV_APPEND(l, null_long)                 ->
MV_APPEND(l, t)                         -> esql::mixed-types
MV_ZIP(t, text, "-")                    -> b-x,a,b
MV_ZIP(text, t)                         -> x,b,a,b
MV_ZIP(null_text, t, "-")               -> b,a,b
MV_ZIP(null_text, null_text)            ->
MV_CONTAINS(l, [1, 3])                  -> true
MV_CONTAINS(l, [1, 4])                  -> false
MV_CONTAINS(l, null_long)               -> true
MV_CONTAINS(null_long, l)               -> false
MV_CONTAINS(t, "a")                     -> true
MV_CONTAINS(ip, "10.0.0.2")             -> true
MV_INTERSECTS(l, [4, 3])                -> true
MV_INTERSECTS(l, 4)                     -> false
MV_INTERSECTS(l, null_long)             -> false
MV_INTERSECTION(l, [1, 3, 9])           -> 3,1
MV_INTERSECTION(t, ["z"])               ->
MV_INTERSECTION(t, null_text)           ->
MV_UNION(l, [4, 3])                     -> 3,1,2,4
MV_UNION(l, null_long)                  ->
MV_DIFFERENCE(l, [3])                   -> 1,2,1
MV_DIFFERENCE(l, null_long)             -> 3,1,2,1
MV_DIFFERENCE(t, t)                     ->
GREATEST(one, 7, 6)                     -> 7
GREATEST(l, 2)                          -> 3
LEAST(l, 2)                             -> 1
LEAST(one, 4.5)                         -> 4.5
GREATEST(t, "c")                        -> c
GREATEST(one, null_long)                ->
GREATEST(null_long, one)                ->
LEAST(one)                              -> 5
LEAST(yes, true)                        -> false
GREATEST(ip, "10.0.0.9")                -> 10.0.0.10
GREATEST(one, text)                     -> esql::mixed-types
GREATEST(one, "x")                      -> esql::literal-type
LENGTH(MV_CONCAT(VALUES, "-"))          -> esql::unknown-column
"#;

#[test]
fn functions_of_several_values() {
    let mut wrong = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty()) {
        let (expression, expected) = line.rsplit_once("->").unwrap();
        let (expression, expected) = (expression.trim(), expected.trim());
        let found = value_of(expression);
        if found != expected {
            wrong.push(format!("{expression}: {found} and not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
