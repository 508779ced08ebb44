//! Which events a query cannot do without, and which may be dropped before anything else.

use crate::asking::*;

#[test]
fn text() {
    check_kept(&[
        (r#"WHERE kw == "a""#, r#"{"kw":"a"}"#, true),
        (r#"WHERE kw == "a""#, r#"{"kw":"A"}"#, false),
        (r#"WHERE kw == "a""#, r#"{}"#, false),
        (r#"WHERE "a" == kw"#, r#"{"kw":"b"}"#, false),
        (r#"WHERE kws == "a""#, r#"{"kws":["b","c"]}"#, false),
        // Null of several values; but that is for the query itself to find out.
        (r#"WHERE kws == "a""#, r#"{"kws":["a","b"]}"#, true),
        (r#"WHERE kw != "a""#, r#"{"kw":"b"}"#, true),
        (r#"WHERE kw != "a""#, r#"{"kw":"a"}"#, false),
        (r#"WHERE kw != "a""#, r#"{}"#, false),
        (r#"WHERE kws != "a""#, r#"{"kws":["a","b"]}"#, false),
        (r#"WHERE NOT kw == "a""#, r#"{}"#, false),
        (r#"WHERE NOT kw == "a" OR kw IS NULL"#, r#"{}"#, true),
        (r#"WHERE NOT kw == "a" OR kw IS NULL"#, r#"{"kw":"a"}"#, false),
        (r#"WHERE kw IN ("a", "b")"#, r#"{"kw":"b"}"#, true),
        (r#"WHERE kw IN ("a", "b")"#, r#"{"kw":"c"}"#, false),
        (r#"WHERE kw IN ("a", null)"#, r#"{"kw":"c"}"#, false),
        (r#"WHERE "a" IN (kw, text)"#, r#"{"text":"a"}"#, true),
        (r#"WHERE "a" IN (kw, text)"#, r#"{"text":"b"}"#, false),
        (r#"WHERE kw NOT IN ("a", "b")"#, r#"{"kw":"c"}"#, true),
        (r#"WHERE kw NOT IN ("a", "b")"#, r#"{"kw":"b"}"#, false),
        (r#"WHERE kw NOT IN ("a", null)"#, r#"{"kw":"c"}"#, false),
        (r#"WHERE kw > "b""#, r#"{"kw":"c"}"#, true),
        (r#"WHERE kw > "b""#, r#"{"kw":"b"}"#, false),
        (r#"WHERE NOT kw > "b""#, r#"{"kw":"c"}"#, false),
        (r#"WHERE kw == null"#, r#"{"kw":"a"}"#, false),
        // Analysed text is compared whole.
        (r#"WHERE text == "a b""#, r#"{"text":"a b"}"#, true),
        (r#"WHERE text == "a""#, r#"{"text":"a b"}"#, false),
        // A field that nobody knows is a keyword.
        (r#"WHERE new.field == "a""#, r#"{"new":{"field":"a"}}"#, true),
        (r#"WHERE new.field == "a""#, r#"{"new":{"field":"b"}}"#, false),
        (r#"WHERE flat.key == "a""#, r#"{"flat":{"key":"b"}}"#, false),
    ]);
}

#[test]
fn patterns() {
    check_kept(&[
        (r#"WHERE kw LIKE "a*""#, r#"{"kw":"ab"}"#, true),
        (r#"WHERE kw LIKE "a*""#, r#"{"kw":"Ab"}"#, false),
        (r#"WHERE kw LIKE "a?""#, r#"{"kw":"a"}"#, false),
        (r#"WHERE kw LIKE """a\*""""#, r#"{"kw":"ab"}"#, false),
        (r#"WHERE kw LIKE """a\*""""#, r#"{"kw":"a*"}"#, true),
        (r#"WHERE kw LIKE ("x*", "*b")"#, r#"{"kw":"ab"}"#, true),
        (r#"WHERE kw NOT LIKE "a*""#, r#"{"kw":"ab"}"#, false),
        (r#"WHERE kw NOT LIKE "a*""#, r#"{"kw":"b"}"#, true),
        (r#"WHERE kw NOT LIKE "a*""#, r#"{}"#, false),
        // Planned as `IS NULL`.
        (r#"WHERE kw NOT LIKE "*""#, r#"{}"#, true),
        (r#"WHERE kw LIKE "*""#, r#"{}"#, false),
        (r#"WHERE kw RLIKE "a.c""#, r#"{"kw":"abc"}"#, true),
        (r#"WHERE kw RLIKE "a.c""#, r#"{"kw":"abcd"}"#, false),
        (r#"WHERE NOT kw RLIKE "a.c""#, r#"{"kw":"abc"}"#, false),
        (r#"WHERE kw RLIKE "<n>""#, r#"{"kw":"abc"}"#, true),
        (r#"WHERE NOT kw RLIKE "<n>""#, r#"{"kw":"abc"}"#, true),
        (r#"WHERE STARTS_WITH(kw, "a")"#, r#"{"kw":"ab"}"#, true),
        (r#"WHERE starts_with(kw, "b")"#, r#"{"kw":"ab"}"#, false),
        (r#"WHERE NOT ENDS_WITH(kw, "b")"#, r#"{"kw":"ab"}"#, false),
        (r#"WHERE ENDS_WITH(kw, "b") == false"#, r#"{"kw":"ab"}"#, false),
        (r#"WHERE CONTAINS(kw, "b")"#, r#"{"kw":"ac"}"#, false),
        (r#"WHERE STARTS_WITH(kw, text)"#, r#"{"kw":"ac"}"#, true),
        (r#"WHERE TO_LOWER(kw) == "a""#, r#"{"kw":"A"}"#, true),
        (r#"WHERE TO_LOWER(kw) == "a""#, r#"{"kw":"B"}"#, false),
        (r#"WHERE TO_LOWER(kw) IN ("a", "b")"#, r#"{"kw":"B"}"#, true),
        (r#"WHERE TO_LOWER(kw) LIKE "a*""#, r#"{"kw":"AB"}"#, true),
        (r#"WHERE TO_LOWER(kw) LIKE "a*""#, r#"{"kw":"BA"}"#, false),
        (r#"WHERE NOT TO_LOWER(kw) LIKE "a*""#, r#"{"kw":"AB"}"#, false),
        // Nothing is equal to it, so everything is not.
        (r#"WHERE NOT TO_LOWER(kw) == "A""#, r#"{"kw":"a"}"#, true),
        (r#"WHERE TO_UPPER(kw) == "A""#, r#"{"kw":"b"}"#, true),
        (r#"WHERE TO_UPPER(kw) == "A""#, r#"{}"#, false),
    ]);
}

#[test]
fn other_types() {
    check_kept(&[
        (r#"WHERE num == 5"#, r#"{"num":5}"#, true),
        (r#"WHERE num == 5"#, r#"{"num":8}"#, false),
        (r#"WHERE num == 5"#, r#"{"num":"5"}"#, true),
        // Rounded when it is read.
        (r#"WHERE num == 5"#, r#"{"num":5.7}"#, true),
        (r#"WHERE num == -3"#, r#"{"num":-3.7}"#, true),
        (r#"WHERE num >= -3"#, r#"{"num":-3.7}"#, true),
        (r#"WHERE num != 5"#, r#"{"num":5}"#, false),
        (r#"WHERE num > 5"#, r#"{"num":2}"#, false),
        (r#"WHERE num > 5"#, r#"{"num":[2,9]}"#, true),
        (r#"WHERE 5 < num"#, r#"{"num":2}"#, false),
        (r#"WHERE real >= 1.5"#, r#"{"real":1.5}"#, true),
        (r#"WHERE real > 1.5"#, r#"{"real":1.5}"#, false),
        (r#"WHERE num == 9223372036854775807"#, r#"{"num":1}"#, true),
        (r#"WHERE flag"#, r#"{"flag":true}"#, true),
        (r#"WHERE flag"#, r#"{"flag":false}"#, false),
        (r#"WHERE NOT flag"#, r#"{"flag":true}"#, false),
        (r#"WHERE NOT flag"#, r#"{}"#, false),
        (r#"WHERE flag == "true""#, r#"{"flag":false}"#, false),
        (r#"WHERE addr == "10.0.0.1""#, r#"{"addr":"10.0.0.1"}"#, true),
        (r#"WHERE addr == "10.0.0.1""#, r#"{"addr":"::ffff:10.0.0.1"}"#, true),
        (r#"WHERE addr == "10.0.0.1""#, r#"{"addr":"10.0.0.2"}"#, false),
        (r#"WHERE addr != "10.0.0.1""#, r#"{"addr":"10.0.0.1"}"#, false),
        (r#"WHERE CIDR_MATCH(addr, "10.0.0.0/8", "::1/128")"#, r#"{"addr":"10.9.9.9"}"#, true),
        (r#"WHERE CIDR_MATCH(addr, "10.0.0.0/8", "::1/128")"#, r#"{"addr":"11.9.9.9"}"#, false),
        (r#"WHERE NOT CIDR_MATCH(addr, "10.0.0.0/8")"#, r#"{"addr":"10.9.9.9"}"#, false),
        (r#"WHERE NOT CIDR_MATCH(addr, "10.0.0.0/8")"#, r#"{}"#, false),
        (r#"WHERE CIDR_MATCH(TO_IP(kw), "10.0.0.0/8")"#, r#"{"kw":"11.0.0.1"}"#, false),
        (r#"WHERE NOT CIDR_MATCH(addr, "no network", "10.0.0.0/8")"#, r#"{"addr":"10.0.0.1"}"#, false),
        (r#"WHERE at > NOW() - 1 day"#, r#"{"at":"1999-01-01"}"#, true),
        (r#"WHERE at > NOW() - 1 day"#, r#"{}"#, false),
        (r#"WHERE ver == "1.2""#, r#"{"ver":"1.2.0"}"#, true),
        (r#"WHERE kw IS NOT NULL"#, r#"{"kw":null}"#, false),
        (r#"WHERE kw IS NULL"#, r#"{"kw":"a"}"#, false),
        (r#"WHERE NOT kw IS NOT NULL"#, r#"{"kw":"a"}"#, false),
        // It may be a value that cannot be read.
        (r#"WHERE num IS NULL"#, r#"{"num":"x"}"#, true),
        (r#"WHERE nest.inner IS NULL"#, r#"{"nest":[{"inner":"a"}]}"#, true),
    ]);
}

#[test]
fn conditions_beside_each_other() {
    check_kept(&[
        (r#"WHERE kw == "a" AND num > 5"#, r#"{"kw":"a","num":1}"#, false),
        (r#"WHERE kw == "a" OR num > 5"#, r#"{"kw":"a","num":1}"#, true),
        (r#"WHERE NOT (kw == "a" OR num > 5)"#, r#"{"kw":"b","num":9}"#, false),
        (r#"WHERE NOT (kw == "a" AND num > 5)"#, r#"{"kw":"b","num":9}"#, true),
        (r#"WHERE NOT (kw == "a" AND num > 5)"#, r#"{"kw":"a","num":9}"#, false),
        (r#"WHERE kw == "a" AND COALESCE(text, "x") == "x""#, r#"{"kw":"b"}"#, false),
        (r#"WHERE kw == "a" AND MV_COUNT(text) == 1"#, r#"{"kw":"a","text":"y"}"#, true),
        (r#"WHERE NOT (kw == "a" AND MV_CONTAINS(text, "x"))"#, r#"{"kw":"a"}"#, true),
        (r#"WHERE COALESCE(kw, text) == "x""#, r#"{"kw":"a","text":"y"}"#, false),
        (r#"WHERE COALESCE(kw, text) == "x""#, r#"{"text":"x"}"#, true),
        (r#"WHERE COALESCE(kw, "x") == "y""#, r#"{"kw":"x"}"#, false),
        (r#"WHERE TO_LOWER(COALESCE(kw, text)) LIKE "x*""#, r#"{"text":"XY"}"#, true),
        (r#"WHERE TO_LOWER(COALESCE(kw, text)) LIKE "x*""#, r#"{"text":"YX"}"#, false),
        (r#"WHERE CASE(kw == "a", text, wild) == "x""#, r#"{"kw":"b","text":"x"}"#, false),
        (r#"WHERE CASE(kw == "a", text, wild) == "x""#, r#"{"kw":"b","wild":"x"}"#, true),
        (r#"WHERE CASE(kw == "a", true, null)"#, r#"{"kw":"b"}"#, false),
        (r#"WHERE CASE(kw == "a", "one", text == "b", "two") IS NOT NULL"#, r#"{"kw":"c"}"#, false),
        (r#"WHERE CASE(kw == "a", "one", text == "b", "two") IS NOT NULL"#, r#"{"text":"b"}"#, true),
        (r#"WHERE LENGTH(kw) > 3"#, r#"{"kw":"a"}"#, true),
        (r#"WHERE LENGTH(kw) > 3"#, r#"{}"#, false),
        (r#"WHERE NOT LENGTH(kw) > 3"#, r#"{}"#, false),
        (r#"WHERE CONCAT(kw, text) == "ab""#, r#"{"kw":"a"}"#, false),
        (r#"WHERE num + nums == 3"#, r#"{"num":1}"#, false),
        (r#"WHERE kw == text"#, r#"{"kw":"a"}"#, false),
        (r#"WHERE (kw == "a") == false"#, r#"{"kw":"a"}"#, false),
        (r#"WHERE true"#, r#"{}"#, true),
        (r#"WHERE false"#, r#"{}"#, false),
        (r#"WHERE kw == ?name"#, r#"{"kw":"a"}"#, true),
    ]);
}

#[test]
fn searches_are_exact() {
    check_kept(&[
        (r#"WHERE KQL("kw:a")"#, r#"{"kw":["a","b"]}"#, true),
        (r#"WHERE KQL("kw:a")"#, r#"{"kw":"b"}"#, false),
        (r#"WHERE NOT KQL("kw:a")"#, r#"{"kw":["a","b"]}"#, false),
        (r#"WHERE NOT KQL("kw:a")"#, r#"{}"#, true),
        (r#"WHERE kw : "a""#, r#"{"kw":"b"}"#, false),
        (r#"WHERE NOT kw : "a""#, r#"{}"#, true),
        (r#"WHERE KQL("kw:(")"#, r#"{}"#, true),
        (r#"WHERE NOT KQL("kw:(")"#, r#"{}"#, true),
    ]);
}

#[test]
fn commands_before_a_condition() {
    check_kept(&[
        (r#"EVAL a = 1 | WHERE kw == "a""#, r#"{"kw":"b"}"#, false),
        (r#"EVAL kw = "a" | WHERE kw == "a""#, r#"{"kw":"b"}"#, true),
        (r#"EVAL k = kw, l = k | WHERE l == "a""#, r#"{"kw":"b"}"#, false),
        (r#"EVAL k = TO_LOWER(kw) | WHERE k == "a""#, r#"{"kw":"B"}"#, false),
        (r#"EVAL k = TO_LOWER(kw) | WHERE k == "a""#, r#"{"kw":"A"}"#, true),
        // The definition is that of before.
        (r#"EVAL k = TO_LOWER(kw), kw = "x" | WHERE k == "a" AND kw == "x""#, r#"{"kw":"A"}"#, true),
        (r#"EVAL k = TO_LOWER(kw), kw = "x" | WHERE k == "a""#, r#"{"kw":"B"}"#, false),
        (r#"EVAL is_a = kw == "a", is_b = NOT is_a | WHERE is_b"#, r#"{"kw":"a"}"#, false),
        (r#"EVAL is_a = kw == "a" | WHERE is_a == false"#, r#"{"kw":"a"}"#, false),
        (r#"EVAL t = "a" | WHERE kw == t"#, r#"{"kw":"b"}"#, false),
        (r#"EVAL k = TO_LOWER(kws) | MV_EXPAND k | WHERE k != "a""#, r#"{"kws":["a","b"]}"#, true),
        (r#"RENAME kw AS k | WHERE k == "a""#, r#"{"kw":"b"}"#, false),
        (r#"RENAME kw AS k | WHERE k == "a""#, r#"{"kw":"a"}"#, true),
        (r#"RENAME kw AS text, text AS kw | WHERE kw == "a""#, r#"{"kw":"b"}"#, true),
        (r#"KEEP k* | WHERE kw == "a""#, r#"{"kw":"b"}"#, false),
        (r#"KEEP num | EVAL kw = "a" | WHERE kw == "a""#, r#"{"kw":"b"}"#, true),
        (r#"DROP num | WHERE kw == "a""#, r#"{"kw":"b"}"#, false),
        (r#"SORT num | WHERE kw == "a""#, r#"{"kw":"b"}"#, false),
        (r#"DISSECT text "%{x} %{y}" | WHERE kw == "a""#, r#"{"kw":"b"}"#, false),
        (r#"DISSECT text "%{x} %{+kw}" | WHERE kw == "a""#, r#"{"kw":"b"}"#, true),
        (r#"GROK text "%{WORD:x}" | WHERE kw == "a""#, r#"{"kw":"b"}"#, false),
        (r#"GROK text "(?<kw>b)" | WHERE kw == "a""#, r#"{"kw":"b"}"#, true),
        (r#"GROK text "%{SYSLOGBASE}" | WHERE kw == "a""#, r#"{"kw":"b"}"#, true),
        (r#"MV_EXPAND kws | WHERE kws == "a""#, r#"{"kws":["a","b"]}"#, true),
        (r#"MV_EXPAND kws | WHERE kws == "a""#, r#"{"kws":["c","b"]}"#, false),
        // The other value passes.
        (r#"MV_EXPAND kws | WHERE kws != "a""#, r#"{"kws":["a","b"]}"#, true),
        (r#"MV_EXPAND kws | WHERE kws != "a""#, r#"{}"#, false),
        (r#"WHERE num > 1 | LIMIT 5 | WHERE kw == "a""#, r#"{"num":2,"kw":"b"}"#, true),
        (r#"WHERE num > 1 | LIMIT 5 | WHERE kw == "a""#, r#"{"num":0,"kw":"a"}"#, false),
        (r#"STATS c = COUNT(*) BY kw | WHERE kw == "a""#, r#"{"kw":"b"}"#, true),
        (r#"INLINE STATS c = COUNT(*) BY kw | WHERE kw == "a""#, r#"{"kw":"b"}"#, true),
        (r#"WHERE _id == "a""#, r#"{"_id":"b"}"#, true),
        (r#"WHERE kw == "a" | WHERE num == 1"#, r#"{"kw":"a","num":7}"#, false),
    ]);
    assert!(keeps(r#"ROW kw = "a" | WHERE kw == "a""#, "{}"));
    assert!(keeps(r#"FROM (FROM x | EVAL kw = "a") | WHERE kw == "a""#, "{}"));
}
