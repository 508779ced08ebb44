//! What has to be computed: three answers, several values, constants.

use crate::asking::*;

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
