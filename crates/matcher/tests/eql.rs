//! What EQL conditions mean: one row a condition and a document.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bartizan_matcher as matcher;
use ecs::{Catalog, Document, FieldTable, Known, Timestamp};
use matcher::join_key::{KeyNumber, KeyValue};
use matcher::{Predicate, Resolved, Resolver, Schema};
use query::eql::ast::{Body, EventFilter, FieldRef};
use query::{Severity, Span, Spanned};

/// One field of every type, each also as a list.
const FIELDS: &str = "
-  keyword         kw kws*
-  wildcard        wild
-  text            text
-  match_only_text note
-  ip              addr addrs*
-  date            at
-  long            num nums*
-  double          real
-  boolean         flag
-  version         ver
-  flattened       flat
-  nested          nest
nest keyword       inner
event keyword      category*
";

fn catalog() -> Catalog {
    Catalog::parse([FIELDS]).unwrap()
}

fn document(json: &str) -> Document {
    match serde_json::from_str(json).unwrap() {
        serde_json::Value::Object(map) => Document::from_map(map),
        other => panic!("not an object: {other}"),
    }
}

fn filter(query: &str) -> EventFilter {
    let parsed = query::eql::parse(query);
    assert!(parsed.is_ok(), "{query}: {:?}", parsed.diagnostics);
    match parsed.tree.body {
        Body::Event(filter) => filter,
        other => panic!("{query}: {other:?}"),
    }
}

fn resolve(query: &str, schema: Schema, table: &mut FieldTable) -> Resolved {
    let catalog = catalog();
    Resolver::new(&catalog, table, Timestamp::UNIX_EPOCH).eql_filter(&filter(query), "event.category", schema)
}

fn passes(condition: &str, schema: Schema, json: &str) -> bool {
    let mut table = FieldTable::new();
    let resolved = resolve(&format!("any where {condition}"), schema, &mut table);
    assert!(resolved.is_ok(), "{condition}: {:?}", resolved.diagnostics);
    let known = resolved.predicate.eval(&document(json).view(&table));
    assert_ne!(known, Known::Unknown, "{condition} {json}");
    known == Known::Yes
}

fn check(schema: Schema, rows: &[(&str, &str, bool)]) {
    for (condition, json, expected) in rows {
        assert_eq!(passes(condition, schema, json), *expected, "{condition}   {json}");
    }
}

fn check_open(rows: &[(&str, &str, bool)]) {
    check(Schema::Open, rows);
}

fn codes(condition: &str, schema: Schema) -> Vec<(&'static str, Severity)> {
    let resolved = resolve(&format!("any where {condition}"), schema, &mut FieldTable::new());
    resolved.diagnostics.iter().map(|d| (d.code, d.severity)).collect()
}

#[test]
fn exact_text() {
    check_open(&[
        (r#"kw == "ab""#, r#"{"kw":"ab"}"#, true),
        (r#"kw == "ab""#, r#"{"kw":"AB"}"#, false),
        (r#""ab" == kw"#, r#"{"kw":"ab"}"#, true),
        (r#"kw == "a*""#, r#"{"kw":"ab"}"#, false),
        (r#"kw == "a*""#, r#"{"kw":"a*"}"#, true),
        (r#"kw == "ab""#, r#"{}"#, false),
        (r#"kw != "ab""#, r#"{}"#, true),
        (r#"kw != "ab""#, r#"{"kw":["ab","c"]}"#, false),
        (r#"kw != "ab""#, r#"{"kw":["c"]}"#, true),
        (r#"kw == "ab""#, r#"{"kw":["x","ab"]}"#, true),
        (r#"not kw == "ab""#, r#"{}"#, true),
        (r#"kw == "5""#, r#"{"kw":5}"#, true),
        (r#"kw == 5"#, r#"{"kw":"5"}"#, true),
        (r#"kw == """#, r#"{"kw":""}"#, true),
        (r#"wild == "a b""#, r#"{"wild":"a b"}"#, true),
        (r#"text == "a b""#, r#"{"text":"a b"}"#, true),
        (r#"text == "a""#, r#"{"text":"a b"}"#, false),
        (r#"text == "A b""#, r#"{"text":"a b"}"#, false),
        (r#"note : "A B""#, r#"{"note":"a b"}"#, true),
        (r#"note : "b""#, r#"{"note":"a b"}"#, false),
        (r#"flat.key == "22""#, r#"{"flat":{"key":22}}"#, true),
        (r#"flat.key == true"#, r#"{"flat":{"key":true}}"#, true),
        (r#"flat.key == "x""#, r#"{"flat":{"other":"x"}}"#, false),
    ]);
}

#[test]
fn text_without_case() {
    check_open(&[
        (r#"kw : "AB""#, r#"{"kw":"ab"}"#, true),
        (r#"kw : "É""#, r#"{"kw":"é"}"#, false),
        (r#"kw : ("x", "A*")"#, r#"{"kw":"ab"}"#, true),
        (r#"kw : ("x", "y")"#, r#"{"kw":"ab"}"#, false),
        (r#"not kw : "a*""#, r#"{}"#, true),
        (r#"kw : "a?c""#, r#"{"kw":"ABC"}"#, true),
        (r#"kw : "a?c""#, r#"{"kw":"ac"}"#, false),
        (r#"kw : "*""#, r#"{"kw":""}"#, true),
        (r#"kw : "*""#, r#"{}"#, false),
        // A backslash is a character like others.
        (r#"kw : """c:\*.exe""""#, r#"{"kw":"C:\\a.exe"}"#, true),
        (r#"kw : """c:\*.exe""""#, r#"{"kw":"C:*.exe"}"#, false),
        (r#"kw : """c:\dir""""#, r#"{"kw":"C:\\DIR"}"#, true),
        (r#"kw like "A*""#, r#"{"kw":"ab"}"#, false),
        (r#"kw like "a*""#, r#"{"kw":"ab\nc"}"#, true),
        (r#"kw like ("x*", "a?")"#, r#"{"kw":"ab"}"#, true),
        (r#"kw like~ "A*""#, r#"{"kw":"ab"}"#, true),
        (r#"kw like """a\*""""#, r#"{"kw":"a\\b"}"#, true),
        (r#"kw in ("ab", "c")"#, r#"{"kw":"c"}"#, true),
        (r#"kw in ("AB", "C")"#, r#"{"kw":"c"}"#, false),
        (r#"kw in~ ("AB", "C")"#, r#"{"kw":"c"}"#, true),
        (r#"kw in ("a*")"#, r#"{"kw":"ab"}"#, false),
        (r#"kw in~ ("a*")"#, r#"{"kw":"ab"}"#, false),
        (r#"kw in ("ab", null)"#, r#"{"kw":"ab"}"#, true),
        (r#"kw in ("ab", null)"#, r#"{}"#, false),
        (r#"kw not in ("ab", "c")"#, r#"{}"#, true),
        (r#"kw not in ("ab", "c")"#, r#"{"kw":["x","c"]}"#, false),
        (r#"kw not in~ ("AB")"#, r#"{"kw":"ab"}"#, false),
        (r#"text : "*b*""#, r#"{"text":"a B c"}"#, true),
        (r#"text like "b*""#, r#"{"text":"a b c"}"#, false),
        (r#"note in~ ("A b")"#, r#"{"note":"a b"}"#, true),
    ]);
}

#[test]
fn regular_expressions_match_the_whole() {
    check_open(&[
        (r#"kw regex "a.c""#, r#"{"kw":"abc"}"#, true),
        (r#"kw regex "b""#, r#"{"kw":"abc"}"#, false),
        (r#"kw regex "A.C""#, r#"{"kw":"abc"}"#, false),
        (r#"kw regex~ "A.C""#, r#"{"kw":"abc"}"#, true),
        (r#"kw regex ("x", "a.*")"#, r#"{"kw":"abc"}"#, true),
        (r#"kw regex """\w+\s\d{2}""""#, r#"{"kw":"abc 12"}"#, true),
        (r#"not kw regex "a.*""#, r#"{}"#, true),
        (r#"text regex "a b""#, r#"{"text":"a b"}"#, true),
        (r#"text regex "a""#, r#"{"text":"a b"}"#, false),
        (r#"other regex "[0-9]+""#, r#"{"other":42}"#, true),
    ]);
}

#[test]
fn orders() {
    check_open(&[
        (r#"num > 5"#, r#"{"num":6}"#, true),
        (r#"5 < num"#, r#"{"num":6}"#, true),
        (r#"num > 5"#, r#"{"num":5}"#, false),
        (r#"num >= 5 and num <= 5"#, r#"{"num":5}"#, true),
        (r#"num < 5.5"#, r#"{"num":5}"#, true),
        (r#"num > 5"#, r#"{"num":"6"}"#, true),
        (r#"num > 5"#, r#"{"num":[1,6]}"#, true),
        (r#"not num > 5"#, r#"{}"#, true),
        (r#"num == 5.0"#, r#"{"num":5}"#, true),
        (r#"num in (4, 5)"#, r#"{"num":[1,5]}"#, true),
        (r#"num == -1"#, r#"{"num":-1}"#, true),
        (r#"real >= 2.5"#, r#"{"real":2.5}"#, true),
        (r#"kw > "a""#, r#"{"kw":"b"}"#, true),
        (r#"kw > "a""#, r#"{"kw":"B"}"#, false),
        (r#"kw >= "a" and kw < "b""#, r#"{"kw":"ab"}"#, true),
        // Code points: U+FFFF comes before the emoji.
        (r#"kw > "\u{FFFF}""#, r#"{"kw":"😀"}"#, true),
        // A number beside a field of text is text.
        (r#"kw > 9"#, r#"{"kw":"10"}"#, false),
        (r#"kw > 10"#, r#"{"kw":9}"#, true),
        (r#"kw >= 1.0"#, r#"{"kw":"1"}"#, false),
        (r#"kw == 9"#, r#"{"kw":"9"}"#, true),
        (r#"number(kw) > 9"#, r#"{"kw":"10"}"#, true),
        (r#"text < 9"#, r#"{"text":"10 a"}"#, true),
        (r#"flat.key < 9"#, r#"{"flat":{"key":10}}"#, true),
        (r#"ver > 9"#, r#"{"ver":"10"}"#, true),
        (r#"text >= "b""#, r#"{"text":"a b"}"#, false),
        (r#"at > "2024-05-01T00:00:00Z""#, r#"{"at":"2024-05-02T00:00:00Z"}"#, true),
        (r#"at == "2024-05-02T00:00:00Z""#, r#"{"at":1714608000000}"#, true),
        (r#"addr > "10.0.0.9""#, r#"{"addr":"10.0.0.10"}"#, true),
        (r#"addr == "10.0.0.0/8""#, r#"{"addr":"10.1.1.1"}"#, true),
        (r#"addr == "::/0""#, r#"{"addr":"10.1.1.1"}"#, true),
        (r#"cidrMatch(addr, "::/0")"#, r#"{"addr":"10.1.1.1"}"#, true),
        (r#"cidrMatch(concat(addr), "::ffff:0:0/96")"#, r#"{"addr":"10.1.1.1"}"#, true),
        (r#"cidrMatch(addr, "0.0.0.0/0")"#, r#"{"addr":"::1"}"#, false),
        (r#"addr == "::1""#, r#"{"addr":"0:0:0:0:0:0:0:1"}"#, true),
        (r#"addr != "10.0.0.1""#, r#"{}"#, true),
        (r#"ver > "1.9.0""#, r#"{"ver":"1.10.0"}"#, true),
        (r#"ver < "2.0.0""#, r#"{"ver":"2.0.0-rc.1"}"#, true),
        (r#"ver == "1.10.0""#, r#"{"ver":"1.10.0"}"#, true),
        (r#"ver : "1.*""#, r#"{"ver":"1.10.0"}"#, true),
        (r#"other > 9"#, r#"{"other":10}"#, true),
        (r#"other > 9"#, r#"{"other":"10"}"#, true),
        (r#"other > "9""#, r#"{"other":"10"}"#, false),
        (r#"other == 22"#, r#"{"other":22.0}"#, true),
        (r#"other == "22""#, r#"{"other":22}"#, true),
        (r#"other == "10.0.0.0/8""#, r#"{"other":"10.1.1.1"}"#, true),
    ]);
}

#[test]
fn truth_values_and_existence() {
    check_open(&[
        ("true", "{}", true),
        ("false", "{}", false),
        ("not false", "{}", true),
        ("flag", r#"{"flag":true}"#, true),
        ("flag", r#"{"flag":false}"#, false),
        ("flag", "{}", false),
        ("not flag", "{}", true),
        ("flag == false", r#"{"flag":false}"#, true),
        ("flag == false", "{}", false),
        ("flag != true", "{}", true),
        ("other", r#"{"other":true}"#, true),
        ("other == true", r#"{"other":"true"}"#, true),
        ("flag in (true, false)", r#"{"flag":false}"#, true),
        ("kw == null", "{}", true),
        ("kw == null", r#"{"kw":null}"#, true),
        ("kw == null", r#"{"kw":[]}"#, true),
        ("kw == null", r#"{"kw":""}"#, false),
        ("kw != null", r#"{"kw":"a"}"#, true),
        ("null == kw", "{}", true),
        ("null != kw", r#"{"kw":"a"}"#, true),
        ("addr != null", r#"{"addr":"n/a"}"#, false),
        ("num != null", r#"{"num":5}"#, true),
        ("?kw == null", "{}", true),
        ("other != null", r#"{"other":{"a":1}}"#, true),
        ("flat.key != null", r#"{"flat":{"key":"x"}}"#, true),
        ("kw > null", r#"{"kw":"a"}"#, false),
        ("not kw > null", r#"{"kw":"a"}"#, false),
    ]);
}

#[test]
fn functions_that_an_index_answers() {
    check_open(&[
        (r#"cidrMatch(addr, "10.0.0.0/8", "192.168.0.0/16")"#, r#"{"addr":"192.168.1.1"}"#, true),
        (r#"cidrMatch(addr, "10.6.48.157/8")"#, r#"{"addr":"10.1.1.1"}"#, true),
        (r#"cidrMatch(addr, "10.0.0.0/8")"#, r#"{"addr":["8.8.8.8","10.1.1.1"]}"#, true),
        (r#"cidrMatch(addr, "fe80::/10")"#, r#"{"addr":"fe80::1"}"#, true),
        (r#"cidrMatch(addr, "10.0.0.0/8")"#, "{}", false),
        (r#"not cidrMatch(addr, "10.0.0.0/8")"#, "{}", true),
        (r#"cidrMatch(addr, "10.0.0.0/8") == true"#, r#"{"addr":"10.1.1.1"}"#, true),
        (r#"cidrMatch(addr, "10.0.0.0/8") == false"#, r#"{"addr":"8.8.8.8"}"#, true),
        (r#"cidrMatch(addr, "10.0.0.0/8") != true"#, r#"{"addr":"10.1.1.1"}"#, false),
        (r#"cidrMatch(other, "10.0.0.0/8")"#, r#"{"other":"10.1.1.1"}"#, true),
        (r#"startsWith(kw, "a")"#, r#"{"kw":"ab"}"#, true),
        (r#"startsWith(kw, "A")"#, r#"{"kw":"ab"}"#, false),
        (r#"startsWith~(kw, "A")"#, r#"{"kw":"ab"}"#, true),
        (r#"startsWith(kw, "a*")"#, r#"{"kw":"ab"}"#, false),
        (r#"startsWith(kw, "a*")"#, r#"{"kw":"a*b"}"#, true),
        (r#"not startsWith(kw, "a")"#, "{}", true),
        (r#"startsWith(kw, "b")"#, r#"{"kw":["ab","ba"]}"#, true),
        (r#"endsWith(kw, "b")"#, r#"{"kw":"ab"}"#, true),
        (r#"endsWith(kw, "B")"#, r#"{"kw":"ab"}"#, false),
        (r#"endsWith~(kw, "B")"#, r#"{"kw":"ab"}"#, true),
        (r#"endsWith(kw, "a?c")"#, r#"{"kw":"xabc"}"#, true),
        (r#"not endsWith(kw, "b")"#, "{}", true),
        (r#"stringContains(kw, "b")"#, r#"{"kw":"abc"}"#, true),
        (r#"stringContains(kw, "B")"#, r#"{"kw":"abc"}"#, false),
        (r#"stringContains~(kw, "B")"#, r#"{"kw":"abc"}"#, true),
        (r#"stringContains(kw, "a*c")"#, r#"{"kw":"xabbcx"}"#, true),
        (r#"stringContains(kw, "v=\\*")"#, r#"{"kw":"x v=* y"}"#, true),
        (r#"stringContains(kw, "v=\\*")"#, r#"{"kw":"x v=a y"}"#, false),
        (r#"stringContains(kw, "[*]")"#, r#"{"kw":"{v=[all]}"}"#, true),
        (r#"stringContains(kw, "")"#, r#"{"kw":"abc"}"#, true),
        (r#"stringContains(kw, "")"#, "{}", false),
        (r#"not stringContains(kw, "b")"#, "{}", true),
        (r#"stringContains(text, "a b")"#, r#"{"text":"x a b y"}"#, true),
        (r#"endsWith(flat.key, "x")"#, r#"{"flat":{"key":"ax"}}"#, true),
    ]);
}

#[test]
fn null_runs_through_what_is_computed() {
    check_open(&[
        ("length(kw) > 3", r#"{"kw":"abcd"}"#, true),
        ("length(kw) > 3", r#"{"kw":"abc"}"#, false),
        ("length(kw) > 3", "{}", false),
        ("3 < length(kw)", r#"{"kw":"abcd"}"#, true),
        // A direct negation keeps the null; that of a group does not.
        ("not length(kw) > 3", r#"{"kw":"abc"}"#, true),
        ("not length(kw) > 3", "{}", false),
        ("not (length(kw) > 3)", "{}", false),
        ("not not length(kw) > 3", r#"{"kw":"abcd"}"#, true),
        ("not not length(kw) > 3", "{}", false),
        ("not (length(kw) > 3 and num == 1)", "{}", true),
        // A constant beside it changes nothing.
        ("not (length(kw) > 3 and true)", "{}", false),
        ("not (length(kw) > 3 or 1 == 2)", "{}", false),
        ("not (length(kw) > 3 and false)", "{}", true),
        ("not (length(kw) > 3 or true)", r#"{"kw":"abcd"}"#, false),
        ("not (length(kw) > 3 or num == 1)", "{}", true),
        ("not (length(kw) > 3 or length(text) > 3)", "{}", true),
        ("length(kw) != 3", "{}", false),
        ("length(kw) != 3", r#"{"kw":"abcd"}"#, true),
        ("length(kw) == 3 or length(kw) == 4", r#"{"kw":"abcd"}"#, true),
        // Equalities of one thing are one leaf.
        ("not (length(kw) == 3 or length(kw) == 4)", "{}", false),
        ("not (length(kw) == 3 or length(kw) == 4)", r#"{"kw":"a"}"#, true),
        ("not (length(kw) in (3, 4))", "{}", false),
        ("length(kw) not in (3, 4)", r#"{"kw":"a"}"#, true),
        ("length(kw) not in (3, 4)", "{}", false),
        ("length(kw) == null", "{}", true),
        ("length(kw) == null", r#"{"kw":"a"}"#, false),
        ("length(kw) != null", r#"{"kw":"a"}"#, true),
        ("null == (num > 3)", "{}", true),
        ("null == (num > 3)", r#"{"num":1}"#, false),
        ("concat(kw, text) == null", r#"{"kw":"a"}"#, true),
        ("concat(kw, null) == null", r#"{"kw":"a"}"#, true),
        ("(length(kw) > 3) == true", r#"{"kw":"abcd"}"#, true),
        ("(length(kw) > 3) == false", r#"{"kw":"abc"}"#, true),
        ("(length(kw) > 3) == false", "{}", false),
        ("(length(kw) > 3) != false", r#"{"kw":"abcd"}"#, true),
        // Ordinary three-valued logic inside one leaf.
        ("(num > 3 and kw == \"a\") == null", r#"{"num":5}"#, true),
        ("(num > 3 and kw == \"a\") == null", r#"{"num":1}"#, false),
        ("(num > 3 or kw == \"a\") == null", r#"{"num":5}"#, false),
    ]);
}

#[test]
fn what_is_computed_sees_every_value() {
    check_open(&[
        ("length(kws) == 2", r#"{"kws":["a","ab"]}"#, true),
        ("length(kws) == 3", r#"{"kws":["a","ab"]}"#, false),
        ("not length(kws) == 2", r#"{"kws":["a","ab"]}"#, true),
        ("not length(kws) == 2", r#"{"kws":["bc","ab"]}"#, false),
        ("not length(kws) == 2", r#"{"kws":[]}"#, false),
        // Every mention varies by itself.
        (r#"concat(kws, kws) == "ab""#, r#"{"kws":["a","b"]}"#, true),
        (r#"concat(kws, num) == "b2""#, r#"{"kws":["a","b"],"num":[1,2]}"#, true),
        (r#"concat(kws, num) == "b3""#, r#"{"kws":["a","b"],"num":[1,2]}"#, false),
        (r#"add(nums, nums) == 5"#, r#"{"nums":[2,3]}"#, true),
    ]);
}

#[test]
fn computed_values_have_types() {
    check_open(&[
        (
            r#"concat(num, "::", kw, real, flag) == "5::a1.0true""#,
            r#"{"num":5,"kw":"a","real":1,"flag":true}"#,
            true,
        ),
        (r#"concat(kw, "x") : "AX""#, r#"{"kw":"a"}"#, true),
        (r#"concat(kw, "x") : "ÉX""#, r#"{"kw":"é"}"#, true),
        (r#"concat(kw, "x") : ("b*", "A?")"#, r#"{"kw":"a"}"#, true),
        (r#"concat(kw, "x") like "A*""#, r#"{"kw":"a"}"#, false),
        (r#"concat(kw, "x") like~ "A*""#, r#"{"kw":"a"}"#, true),
        (r#"concat(kw, "x") regex "[a-c]x""#, r#"{"kw":"a"}"#, true),
        (r#"concat(kw, "x") regex~ ("n", "[A-C]x")"#, r#"{"kw":"a"}"#, true),
        (r#"concat(kw, "x") in ("ax", "bx")"#, r#"{"kw":"a"}"#, true),
        (r#"concat(kw, "x") in~ ("AX", "bx")"#, r#"{"kw":"a"}"#, true),
        // A list for `:` is a group of leaves.
        (r#"not concat(kw, "x") : ("b", "c")"#, "{}", true),
        (r#"not concat(kw, "x") : "b""#, "{}", false),
        ("num + 1 == 3", r#"{"num":2}"#, true),
        ("num / 2 == 2", r#"{"num":5}"#, true),
        ("num / 2.0 == 2.5", r#"{"num":5}"#, true),
        ("num % 3 == -2", r#"{"num":-5}"#, true),
        ("num / 0 == null", r#"{"num":5}"#, true),
        ("-num == 5", r#"{"num":-5}"#, true),
        ("divide(num, 2) == 2", r#"{"num":5}"#, true),
        ("2 * num > 9", r#"{"num":5}"#, true),
        ("other + 1 == 3", r#"{"other":"2"}"#, false),
        ("other + 1 == 3", r#"{"other":2}"#, true),
        ("length(other) == 1", r#"{"other":2}"#, false),
        (r#"string(num) == "5""#, r#"{"num":5}"#, true),
        (r#"string(addr) == "10.0.0.1""#, r#"{"addr":"::ffff:10.0.0.1"}"#, true),
        (r#"string(at) == "2024-05-02T00:00Z""#, r#"{"at":1714608000000}"#, true),
        (r#"number(kw) == 5"#, r#"{"kw":"5"}"#, true),
        (r#"number(kw, 16) == 255"#, r#"{"kw":"ff"}"#, true),
        (r#"number(kw) == 5"#, r#"{"kw":"five"}"#, false),
        (r#"indexOf(kw, "b") == 1"#, r#"{"kw":"abc"}"#, true),
        (r#"indexOf(kw, "x") == null"#, r#"{"kw":"abc"}"#, true),
        (r#"substring(kw, -4) : ".EXE""#, r#"{"kw":"a.exe"}"#, true),
        (r#"between(kw, "(", ")") == "x""#, r#"{"kw":"f(x)"}"#, true),
        (r#"length(between~(kw, "S", "E", true)) > 1"#, r#"{"kw":"some sense"}"#, true),
        (r#"startsWith(kw, text)"#, r#"{"kw":"abc","text":"ab"}"#, true),
        (r#"not startsWith(kw, text)"#, r#"{"kw":"abc"}"#, false),
        (r#"stringContains~(kw, text)"#, r#"{"kw":"abC","text":"Bc"}"#, true),
        (r#"stringContains(kw, text)"#, r#"{"kw":"abc","text":"*"}"#, false),
        (r#"endsWith~(substring(kw, 0, 2), "B")"#, r#"{"kw":"abc"}"#, true),
        (r#"cidrMatch(substring(kw, 0, 8), "10.0.0.0/8")"#, r#"{"kw":"10.1.1.1x"}"#, true),
        (r#"stringContains("abc", kw)"#, r#"{"kw":"b"}"#, true),
    ]);
}

#[test]
fn arithmetic_on_whole_numbers_is_answered_by_the_index() {
    check_open(&[
        ("num + 1 != 3", "{}", true),
        ("num + 1 != 3", r#"{"num":2}"#, false),
        ("1 + num == 3", r#"{"num":2}"#, true),
        ("not (num - 1 == 3)", "{}", true),
        ("5 - num > 3", r#"{"num":1}"#, true),
        ("5 - num > 3", r#"{"num":2}"#, false),
        ("-num < -3", r#"{"num":4}"#, true),
        ("-num < -3", r#"{"num":3}"#, false),
        ("not -num == 3", "{}", true),
        ("num * -2 >= 8", r#"{"num":-4}"#, true),
        ("num * -2 >= 8", r#"{"num":4}"#, false),
        ("not (num * 2 == 8)", "{}", true),
        ("(num + 2) * 3 > 12", r#"{"num":3}"#, true),
        ("add(num, 1) != 3", "{}", true),
        // What leaves something over stays computed, and so does what holds no whole numbers.
        ("num * 2 != 7", "{}", false),
        ("num / 2 != 7", "{}", false),
        ("num % 2 != 7", "{}", false),
        ("real + 1 != 7", "{}", false),
        ("other + 1 != 7", "{}", false),
        ("num + 1.5 != 7", "{}", false),
        ("num + 1 != 7.5", "{}", false),
        ("num + 9223372036854775807 < -9223372036854775807", r#"{"num":1}"#, false),
    ]);
}

#[test]
fn what_looks_computed_may_be_asked_of_an_index() {
    check_open(&[
        (r#"concat(kw, "x") : "*""#, r#"{"kw":"a"}"#, true),
        (r#"not concat(kw, "x") : "*""#, "{}", true),
        (r#"not concat(kw, "x") regex ".*""#, "{}", true),
        (r#"not concat(kw, "x") : "?*""#, "{}", false),
        (r#"num : "*""#, r#"{"num":5}"#, true),
        // The text of text is no computation.
        (r#"not string(kw) : "a""#, "{}", true),
        (r#"not string(num) : "a""#, "{}", false),
        (r#"kw regex ".*""#, r#"{"kw":"a"}"#, true),
        // Patterns without wildcards are equalities, and those of one thing are one leaf.
        (r#"not concat(kw, "x") like ("ax", "bx")"#, "{}", false),
        (r#"not concat(kw, "x") like ("ax", "b?")"#, "{}", true),
        (r#"concat(kw, "x") like ("ax", "b?")"#, r#"{"kw":"a"}"#, true),
    ]);
}

#[test]
fn constants_fold() {
    check_open(&[
        ("1 + 1 == 2", "{}", true),
        (r#"length("abc") == 3"#, "{}", true),
        ("num == 1 + 2", r#"{"num":3}"#, true),
        (r#"kw == concat("a", 1)"#, r#"{"kw":"a1"}"#, true),
        (r#""a" : "A""#, "{}", true),
        (r#""a" in ("a", "b")"#, "{}", true),
        ("null == null", "{}", true),
        ("null != null", "{}", false),
        ("null > 1", "{}", false),
        ("not null > 1", "{}", false),
        ("not (null > 1 and true)", "{}", false),
        ("not (null > 1 and false)", "{}", true),
        ("null > 1 or true", "{}", true),
        // Beside what is no constant a null is left out of `or`, and is all that is left of `and`.
        ("null > 1 or kw == \"a\"", r#"{"kw":"a"}"#, true),
        ("not (null > 1 or kw == \"a\")", "{}", true),
        ("not (null > 1 or kw == \"a\")", r#"{"kw":"a"}"#, false),
        ("not (null > 1 and kw == \"a\")", "{}", false),
        ("not (null > 1 and kw == \"a\" and false)", "{}", true),
    ]);
    let folded = |condition: &str, schema| {
        resolve(&format!("any where {condition}"), schema, &mut FieldTable::new()).predicate
    };
    assert!(matches!(folded("1 == 2", Schema::Open), Predicate::Const(false)));
    assert!(matches!(folded("kw == \"a\" and ?gone == \"b\"", Schema::Closed), Predicate::Const(false)));
    assert!(matches!(folded("?gone == null", Schema::Closed), Predicate::Const(true)));
}

#[test]
fn optional_fields() {
    // A closed schema folds what it does not know to null.
    check(
        Schema::Closed,
        &[
            ("?gone == null", r#"{"gone":1}"#, true),
            ("?gone != null", r#"{"gone":1}"#, false),
            (r#"?gone == "a""#, r#"{"gone":"a"}"#, false),
            // Null is not equal to "a"; whether it is like "a" is null.
            (r#"not ?gone == "a""#, "{}", true),
            (r#"?gone != "a""#, "{}", true),
            (r#"not ?gone in ("a", "b")"#, "{}", false),
            (r#"?gone : ("a", "b*")"#, "{}", false),
            (r#"not ?gone : ("a", "b*")"#, "{}", false),
            (r#"not (?gone : "a" or kw == "b")"#, "{}", true),
            (r#"?gone : "a" or kw == "b""#, r#"{"kw":"b"}"#, true),
            (r#"not (?gone : "a" and kw == "b")"#, "{}", false),
            ("?gone == ?lost", "{}", true),
            ("?gone != ?lost", "{}", false),
            ("?gone > ?lost", "{}", false),
            ("?gone", "{}", false),
            ("not ?gone", "{}", false),
            ("length(?gone) > 1", "{}", false),
            ("length(?gone) == null", "{}", true),
            (r#"?kw != "a""#, "{}", true),
            ("?gone == ?kw", "{}", true),
            ("?gone == ?kw", r#"{"kw":"a"}"#, false),
        ],
    );
    // An open one takes every field as it comes.
    check_open(&[
        ("?gone == null", r#"{"gone":1}"#, false),
        (r#"?gone == "a""#, r#"{"gone":"a"}"#, true),
        (r#"not ?gone == "a""#, "{}", true),
        (r#"?gone != "a""#, "{}", true),
        ("?gone == ?lost", "{}", true),
        ("?gone == ?lost", r#"{"gone":1}"#, false),
        ("not ?gone == ?lost", r#"{"gone":1}"#, false),
        ("?gone == ?lost", r#"{"gone":1,"lost":1.0}"#, true),
        ("?gone == ?lost", r#"{"gone":1,"lost":[2,1]}"#, true),
        ("?gone != ?lost", r#"{"gone":1,"lost":2}"#, true),
        ("?gone != ?lost", "{}", false),
        ("?gone == kw", "{}", false),
        ("?addr == ?addrs", r#"{"addr":"::ffff:10.0.0.1","addrs":["10.0.0.1"]}"#, true),
    ]);
}

#[test]
fn categories() {
    for (query, json, expected) in [
        ("process where true", r#"{"event":{"category":"process"}}"#, true),
        ("process where true", r#"{"event":{"category":["file","process"]}}"#, true),
        ("process where true", r#"{"event":{"category":"Process"}}"#, false),
        ("process where true", "{}", false),
        (r#""pro*" where true"#, r#"{"event":{"category":"process"}}"#, false),
        ("any where true", "{}", true),
        (r#"process where kw == "a""#, r#"{"event":{"category":"process"},"kw":"b"}"#, false),
    ] {
        let mut table = FieldTable::new();
        let resolved = resolve(query, Schema::Open, &mut table);
        let known = resolved.predicate.eval(&document(json).view(&table));
        assert_eq!(known, expected.into(), "{query} {json}");
    }
    let catalog = catalog();
    let mut table = FieldTable::new();
    let resolved = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH).eql_filter(
        &filter("info where true"),
        "event.type",
        Schema::Open,
    );
    let event = document(r#"{"event":{"type":["info"]}}"#);
    assert_eq!(resolved.predicate.eval(&event.view(&table)), Known::Yes);
}

#[test]
fn mistakes_are_named() {
    use Severity::{Error, Warning};
    for (condition, schema, expected) in [
        (r#"kw == "a""#, Schema::Closed, vec![]),
        ("gone == 1", Schema::Closed, vec![("eql::unknown-field", Error)]),
        ("?gone == 1", Schema::Closed, vec![]),
        ("gone == 1", Schema::Open, vec![]),
        (r#"event.categroy == "a""#, Schema::Open, vec![("eql::unknown-field", Warning)]),
        (r#"?event.categroy == "a""#, Schema::Open, vec![]),
        ("kw == text", Schema::Open, vec![("eql::field-comparison", Error)]),
        ("length(kw) > length(text)", Schema::Open, vec![("eql::field-comparison", Error)]),
        ("kw in (text)", Schema::Open, vec![("eql::field-comparison", Error)]),
        ("kw == ?text", Schema::Open, vec![]),
        ("length(5) == 1", Schema::Open, vec![("eql::type", Error)]),
        ("length(length(kw)) == 1", Schema::Open, vec![("eql::type", Error)]),
        ("length(num) == 1", Schema::Open, vec![("eql::type", Warning)]),
        ("length(other) == 1", Schema::Open, vec![]),
        (r#"length(kw) == "a""#, Schema::Open, vec![("eql::type", Error)]),
        (r#"length(kw) in (1, "a")"#, Schema::Open, vec![("eql::type", Error)]),
        (r#"substring(kw, "a") == "b""#, Schema::Open, vec![("eql::type", Error)]),
        (r#"between(kw, "a", "b", "c") == "b""#, Schema::Open, vec![("eql::type", Error)]),
        (r#"cidrMatch(addr, "10.0.0.0/99")"#, Schema::Open, vec![("eql::cidr", Error)]),
        (r#"cidrMatch(addr, kw)"#, Schema::Open, vec![("eql::type", Error)]),
        (r#"num == "abc""#, Schema::Open, vec![("query::literal", Warning)]),
        (r#"num : "5*""#, Schema::Open, vec![("query::literal", Warning)]),
        (r#"addr regex "10.*""#, Schema::Open, vec![("query::literal", Warning)]),
        (r#"addr == "here""#, Schema::Open, vec![("query::literal", Warning)]),
        (r#"kw regex "(a""#, Schema::Open, vec![("query::regex", Error)]),
        ("kw", Schema::Open, vec![("eql::type", Warning)]),
        ("not kw", Schema::Open, vec![("eql::type", Warning)]),
        ("kw > 9", Schema::Open, vec![("eql::text-order", Warning)]),
        ("other > 9 or num > 9 or kw == 9", Schema::Open, vec![]),
        ("num == 1 / 0", Schema::Open, vec![("eql::arithmetic", Error)]),
        ("num == 1 % (2 - 2) + 1", Schema::Open, vec![("eql::arithmetic", Error)]),
        ("num == divide(1.0, 0)", Schema::Open, vec![("eql::arithmetic", Error)]),
        ("num == 9223372036854775807 + 1", Schema::Open, vec![("eql::arithmetic", Error)]),
        ("num == 1e308 * 1e10", Schema::Open, vec![("eql::arithmetic", Error)]),
        ("num == 1 + null or num / 0 == 1", Schema::Open, vec![]),
        (r#"nest.inner == "a""#, Schema::Open, vec![("eql::nested-field", Warning)]),
        (r#"nest.inner == "a""#, Schema::Closed, vec![("eql::nested-field", Warning)]),
        ("nest == null", Schema::Open, vec![("eql::nested-field", Warning)]),
        ("event != null", Schema::Open, vec![("eql::object-field", Warning)]),
        ("?event != null", Schema::Open, vec![("eql::object-field", Warning)]),
        ("event != null", Schema::Closed, vec![("eql::object-field", Error)]),
        ("even != null", Schema::Open, vec![]),
    ] {
        assert_eq!(codes(condition, schema), expected, "{condition} {schema:?}");
    }
    let resolved = resolve(r#"any where event.categroy == "a""#, Schema::Closed, &mut FieldTable::new());
    let help = resolved.diagnostics[0].help.as_deref().unwrap();
    assert!(help.contains("did you mean `event.category`?"), "{help}");
    assert!(help.contains("`?event.categroy`"), "{help}");
    assert_eq!(resolved.diagnostics[0].span, Some(Span::new(10, 24)));
}

#[test]
fn nested_fields_are_fields_like_others() {
    let two = r#"{"nest":[{"inner":"a"},{"inner":"b"}]}"#;
    check_open(&[
        (r#"nest.inner == "b""#, two, true),
        (r#"nest.inner : "B*""#, two, true),
        (r#"nest.inner == "a" and nest.inner == "b""#, two, true),
        (r#"not nest.inner == "b""#, two, false),
        (r#"not nest.inner == "c""#, two, true),
        ("nest.inner != null", two, true),
        ("nest.inner != null", "{}", false),
        ("nest != null", two, true),
        ("length(nest.inner) == 1", two, true),
        ("event != null", r#"{"event":{"category":"x"}}"#, true),
        ("event != null", r#"{"event":{}}"#, false),
    ]);
}

#[test]
fn what_is_written_twice_is_there_once() {
    check_open(&[
        ("not (length(kw) == 1 and length(kw) == 1)", "{}", false),
        ("not (length(kw) == 1 or length(kw) == 1)", "{}", false),
        ("not (length(kw) == 1 and (length(kw) == 1 and length(kw) == 1))", "{}", false),
        ("not (length(kw) == 1 and (num == 1 or length(kw) == 1))", "{}", false),
        ("not ((num == 1 or length(kw) == 1) and length(kw) == 1)", "{}", false),
        ("not (length(kw) == 1 or (num == 1 and length(kw) == 1))", "{}", false),
        ("not (length(kw) == 1 and length(kw) == 2)", "{}", true),
        ("not (length(kw) == 1 and length(kw) == 1 and num == 1)", "{}", true),
        ("num == 1 or (not kw) == true", "{}", true),
        // A comparison that nothing passes is no constant.
        (r#"not (length(kw) == 1 or num == "many")"#, "{}", true),
    ]);
}

#[test]
fn the_nearest_field_is_suggested() {
    const NEAR: &str = "
-    keyword  aserr users
host keyword  name
user keyword  name names
";
    let catalog = Catalog::parse([NEAR]).unwrap();
    let mut table = FieldTable::new();
    let mut resolver = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH);
    for (query, expected) in [
        // One edit before two, also where the other comes first.
        ("user.namese", Some("user.names")),
        // Of equals the one with the longest beginning in common.
        ("userr", Some("users")),
        ("user.nam", Some("user.name")),
        ("host.nme", Some("host.name")),
        ("user.nothing", None),
    ] {
        let filter = filter(&format!("any where {query} == 1"));
        let resolved = resolver.eql_filter(&filter, "event.category", Schema::Open);
        let help = resolved.diagnostics.first().and_then(|d| d.help.clone());
        assert_eq!(
            help.as_deref(),
            expected.map(|near| format!("did you mean `{near}`?")).as_deref(),
            "{query}"
        );
    }
}

#[test]
fn join_keys() {
    let text = |t: &str| KeyValue::Text(t.into());
    let number = |n: f64| KeyValue::Number(KeyNumber::from(n));
    let ip = |a: &str| KeyValue::Ip(a.parse().unwrap());
    for (name, schema, json, expected) in [
        ("kw", Schema::Open, r#"{"kw":"b"}"#, vec![text("b")]),
        ("kw", Schema::Open, r#"{"kw":["b",null,"a","b"]}"#, vec![text("a"), text("b")]),
        ("kw", Schema::Open, "{}", vec![]),
        ("kw", Schema::Open, r#"{"kw":[null]}"#, vec![]),
        ("?kw", Schema::Open, r#"{"kw":[null]}"#, vec![KeyValue::Null]),
        ("?kw", Schema::Open, "{}", vec![KeyValue::Null]),
        ("?kw", Schema::Open, r#"{"kw":["a",null]}"#, vec![text("a")]),
        ("?gone", Schema::Closed, r#"{"gone":1}"#, vec![KeyValue::Null]),
        ("?gone", Schema::Open, r#"{"gone":1}"#, vec![number(1.0)]),
        ("num", Schema::Open, r#"{"num":["5",5,5.7]}"#, vec![number(5.0)]),
        ("real", Schema::Open, r#"{"real":[5,5.0,2.5]}"#, vec![number(2.5), number(5.0)]),
        (
            "other",
            Schema::Open,
            r#"{"other":[1,1.0,"1",true]}"#,
            vec![KeyValue::Bool(true), number(1.0), text("1")],
        ),
        ("flag", Schema::Open, r#"{"flag":"true"}"#, vec![KeyValue::Bool(true)]),
        ("addr", Schema::Open, r#"{"addr":["10.0.0.1","::ffff:10.0.0.1","n/a"]}"#, vec![ip("10.0.0.1")]),
        ("addr", Schema::Open, r#"{"addr":"n/a"}"#, vec![]),
        ("at", Schema::Open, r#"{"at":["1970-01-01T00:00:01Z",1000]}"#, vec![KeyValue::Date(1000)]),
        ("text", Schema::Open, r#"{"text":"a b"}"#, vec![text("a b")]),
    ] {
        let catalog = catalog();
        let mut table = FieldTable::new();
        let field =
            FieldRef { name: name.trim_start_matches('?').to_owned(), optional: name.starts_with('?') };
        let resolved = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH)
            .join_key(&Spanned::new(field, Span::new(0, 1)), schema);
        assert!(resolved.diagnostics.is_empty(), "{name}");
        assert_eq!(resolved.key.values(&document(json).view(&table)), expected, "{name} {json}");
    }
    let catalog = catalog();
    let field = Spanned::new(FieldRef { name: "gone".into(), optional: false }, Span::new(3, 7));
    let resolved = Resolver::new(&catalog, &mut FieldTable::new(), Timestamp::UNIX_EPOCH)
        .join_key(&field, Schema::Closed);
    assert_eq!(resolved.diagnostics[0].code, "eql::unknown-field");
    assert_eq!(resolved.diagnostics[0].span, Some(Span::new(3, 7)));
}

#[test]
fn a_computed_leaf_is_explained_with_the_values_it_saw() {
    let mut table = FieldTable::new();
    let resolved = resolve(
        r#"any where length(kw) > 3 and not concat(?text, "x", num) : "ab*""#,
        Schema::Open,
        &mut table,
    );
    let event = document(r#"{"kw":"abc","num":[1,2]}"#);
    let explanation = matcher::explain(&resolved.predicate, &event.view(&table), &table);
    assert_eq!(
        explanation.to_string(),
        "no   all of\n\
         no     length(kw) > 3   (seen: abc)\n\
         no     not (concat(?text, \"x\", num) like~ \"ab*\")   (seen: num=1, num=2)\n"
    );
    let names: Vec<&str> = resolved.predicate.fields().into_iter().map(|id| &*table.entry(id).name).collect();
    assert_eq!(names, ["kw", "text", "num"]);
    assert!(!resolved.predicate.reads_every_field());
}
