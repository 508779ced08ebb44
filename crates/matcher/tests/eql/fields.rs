//! A field against constants: what an index answers.

use crate::asking::*;

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
