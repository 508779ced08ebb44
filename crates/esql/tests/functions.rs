//! Functions by what they give: expressions and their values, with the warnings they count.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use bartizan_esql::{Event, Fields, Plan, Value};
use ecs::Document;
use ecs::time::Timestamp;

/// What an expression gives over a row of the columns `m` (several texts), `n` (null), `t` (a text), `i` (a number) and
/// `d` (a date): values joined by `,`, nothing for null, the reasons of warnings after `!`; or the diagnostics,
/// `code: message`. The query runs at the date `d`.
fn value_of(expression: &str) -> String {
    let fields = BTreeMap::new();
    let query = format!(
        "ROW m = [\"a\", \"B\"], n = null, t = \"text\", i = 7, d = TO_DATETIME(\"2024-05-15T13:47:31.123Z\") \
         | EVAL x = {expression} | KEEP x"
    );
    let planned = Plan::of(&query, &Fields::Exactly(&fields));
    let Some(mut plan) = planned.plan else {
        let lines: Vec<_> = planned
            .diagnostics
            .iter()
            .map(|finding| format!("{}: {}", finding.code, finding.message))
            .collect();
        return lines.join("; ");
    };
    let document = Document::new();
    let events = [Event { number: 0, document: &document, id: "id", index: "logs" }];
    let now = Timestamp::from_millisecond(1_715_780_851_123).unwrap();
    let answer = plan.run(&events, now).unwrap();
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => other.json().to_string(),
    };
    let values: Vec<String> = answer.table.rows[0].values[0].iter().map(text).collect();
    let mut said = values.join(",");
    for warning in answer.warnings {
        said.push('!');
        said.push_str(warning.reason);
    }
    said
}

fn check(table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (expression, expected) in table {
        let value = value_of(expression);
        if value != *expected {
            wrong.push(format!("{expression}\n  gives    {value}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

const SEVERAL: &str = "!several values where one is needed";

#[test]
fn texts() {
    check(&[
        ("CONCAT(\"a\", t, \"é\")", "atexté"),
        ("CONCAT(\"a\", n)", ""),
        ("CONCAT(\"a\", m)", SEVERAL),
        ("LENGTH(\"né🐱\")", "3"),
        ("LENGTH(n)", ""),
        ("BYTE_LENGTH(\"né\")", "3"),
        ("BIT_LENGTH(\"né\")", "24"),
        ("SUBSTRING(\"abcdef\", 2, 3)", "bcd"),
        ("SUBSTRING(\"abcdef\", -2)", "ef"),
        ("SUBSTRING(\"abcdef\", 2, -1)", "!a length must not be negative"),
        ("LEFT(\"abc\", 2)", "ab"),
        ("RIGHT(\"abc\", 2)", "bc"),
        ("LOCATE(\"hello\", \"l\")", "3"),
        ("LOCATE(\"hello\", \"l\", 4)", "4"),
        ("LOCATE(\"hello\", \"x\")", "0"),
        ("LOCATE(\"a\", SPACE(100))", "0"),
        ("REPEAT(\"ab\", 3)", "ababab"),
        ("CONCAT(\"[\", SPACE(3), \"]\")", "[   ]"),
        ("REVERSE(\"abc\")", "cba"),
        ("CONCAT(\"[\", TRIM(\"  a \"), \"]\")", "[a]"),
        ("CONCAT(\"[\", LTRIM(\"  a \"), \"]\")", "[a ]"),
        ("CONCAT(\"[\", RTRIM(\"  a \"), \"]\")", "[  a]"),
        ("TO_LOWER(\"ÀB\")", "àb"),
        ("TO_UPPER(m)", "A,B"),
        ("TO_LOWER(m)", "a,b"),
        ("STARTS_WITH(\"abc\", \"ab\")", "true"),
        ("ENDS_WITH(\"abc\", \"ab\")", "false"),
        ("CONTAINS(\"abc\", \"b\")", "true"),
        ("STARTS_WITH(m, \"a\")", SEVERAL),
        ("SPLIT(\"a/b//c\", \"/\")", "a,b,,c"),
        ("SPLIT(m, \"/\")", SEVERAL),
        ("SPLIT(n, \"/\")", ""),
        ("REPLACE(\"host:8080\", \":[0-9]+$\", \"\")", "host"),
        ("REPLACE(\"Bearer abc\", \"(?i)(bearer +)[^ ]+\", \"$1<X>\")", "Bearer <X>"),
        ("REPLACE(t, CONCAT(\"(\", \"t)\"), \"<$1>\")", "<t>ex<t>"),
        ("REPLACE(t, CONCAT(\"(\", \"t\"), \"\")", "!text is no regular expression of Java"),
    ]);
}

#[test]
fn encoded_texts() {
    check(&[
        ("TO_BASE64(\"bartizan\")", "YmFydGl6YW4="),
        ("FROM_BASE64(\"YmFydGl6YW4=\")", "bartizan"),
        ("FROM_BASE64(\"###\")", "!text is no Base64"),
        ("URL_ENCODE(\"a b/c\")", "a+b%2Fc"),
        ("URL_ENCODE_COMPONENT(\"a b/c\")", "a%20b%2Fc"),
        ("URL_DECODE(\"a+b%2Fc\")", "a b/c"),
        ("URL_DECODE(\"100%\")", "!text is not URL-encoded"),
        ("URL_DECODE(m)", SEVERAL),
        ("MD5(\"abc\")", "900150983cd24fb0d6963f7d28e17f72"),
        ("SHA1(\"abc\")", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("HASH(\"md5\", \"abc\")", "900150983cd24fb0d6963f7d28e17f72"),
        ("HASH(CONCAT(\"sha\", \"1\"), \"abc\")", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("HASH(t, \"abc\")", "!text is no supported hash algorithm"),
        ("LENGTH(SHA256(\"abc\"))", "64"),
    ]);
}

#[test]
fn json() {
    check(&[
        (r#"JSON_EXTRACT("{\"a\": {\"b\": [1, \"x\"]}}", "a.b[1]")"#, "x"),
        (r#"JSON_EXTRACT("{\"a\": {\"b\": [1, \"x\"]}}", "$.a.b")"#, r#"[1, "x"]"#),
        (r#"JSON_EXTRACT("{\"a\": 5}", CONCAT("a", ""))"#, "5"),
        (r#"JSON_EXTRACT("{\"a\": null}", "a")"#, ""),
        (r#"JSON_EXTRACT("{}", "a")"#, "!the path does not exist in the JSON"),
        (r#"JSON_EXTRACT("nothing", "a")"#, "!text is no JSON"),
        (
            r#"JSON_EXTRACT("{}", "a..b")"#,
            "esql::constant: \"a..b\" cannot stand here: text is no path into JSON",
        ),
        (r#"JSON_EXTRACT("{}", CONCAT("a.", ".b"))"#, "!text is no path into JSON"),
    ]);
}

#[test]
fn dates() {
    check(&[
        ("NOW()", "2024-05-15T13:47:31.123Z"),
        ("NOW() - 7 days", "2024-05-08T13:47:31.123Z"),
        ("d + 1 month", "2024-06-15T13:47:31.123Z"),
        ("1 hour + d", "2024-05-15T14:47:31.123Z"),
        ("d - (1 hour + 30 minutes)", "2024-05-15T12:17:31.123Z"),
        ("d - -1 day", "2024-05-16T13:47:31.123Z"),
        ("TO_DATE_NANOS(\"2024-01-31T00:00:00.000000001Z\") + 1 month", "2024-02-29T00:00:00.000000001Z"),
        ("d + 20000 years", "!date is out of range"),
        ("d + null", ""),
        ("d * 2", "esql::date-arithmetic: there is no date * integer"),
        ("d - d", "esql::date-arithmetic: there is no date - date"),
        ("d > NOW() - 1 minute", "true"),
        ("DATE_TRUNC(5 minutes, d)", "2024-05-15T13:45:00.000Z"),
        ("DATE_TRUNC(1 week, d)", "2024-05-13T00:00:00.000Z"),
        ("DATE_TRUNC(\"1 hour\", \"2024-05-15T13:47:31Z\")", "2024-05-15T13:00:00.000Z"),
        ("DATE_TRUNC(1 day, n)", ""),
        ("DATE_TRUNC(0 days, d)", "esql::constant: a span of time to round to must be more than nothing"),
        ("DATE_TRUNC(1 day, TO_DATE_NANOS(d))", "2024-05-15T00:00:00.000Z"),
        ("DATE_DIFF(\"minute\", d, NOW())", "0"),
        ("DATE_DIFF(\"minute\", \"2024-05-15T13:40:00Z\", d)", "7"),
        ("DATE_DIFF(\"days\", d, TO_DATE_NANOS(\"2024-05-18\"))", "2"),
        ("DATE_DIFF(t, d, d)", "!text is no unit of time"),
        ("DATE_DIFF(\"ms\", \"2000-01-01\", d)", "!integer overflow"),
        ("DATE_DIFF(\"eon\", d, d)", "esql::constant: \"eon\" cannot stand here: text is no unit of time"),
        ("DATE_EXTRACT(\"hour_of_day\", d)", "13"),
        ("DATE_EXTRACT(\"day_of_week\", d)", "3"),
        ("DATE_FORMAT(\"yyyy-MM-dd\", d)", "2024-05-15"),
        ("DATE_FORMAT(d)", "2024-05-15T13:47:31.123Z"),
        ("DATE_FORMAT(CONCAT(\"yy\", \"yy\"), d)", "2024"),
        ("DATE_PARSE(\"dd/MM/yyyy HH:mm\", \"15/05/2024 13:47\")", "2024-05-15T13:47:00.000Z"),
        ("DATE_PARSE(\"yyyy-MM-dd\", \"2024-05\")", "!text is no date"),
        ("DATE_PARSE(\"2024-05\")", "2024-05-01T00:00:00.000Z"),
        ("DAY_NAME(d)", "Wednesday"),
        ("MONTH_NAME(d)", "May"),
    ]);
}

#[test]
fn addresses() {
    check(&[
        ("CIDR_MATCH(TO_IP(\"10.1.2.3\"), \"192.168.0.0/16\", \"10.0.0.0/8\")", "true"),
        ("CIDR_MATCH(\"10.1.2.3\", \"192.168.0.0/16\")", "false"),
        ("CIDR_MATCH(TO_IP(\"10.1.2.3\"), CONCAT(\"10.0.0.0\", \"/8\"))", "true"),
        ("CIDR_MATCH(TO_IP(\"10.1.2.3\"), t)", "!text is no block of IP addresses"),
        ("CIDR_MATCH(TO_IP(\"10.1.2.3\"), \"10.0.0.0/8\", n)", ""),
        ("CIDR_MATCH(n, \"10.0.0.0/8\")", ""),
        (
            "CIDR_MATCH(TO_IP(\"10.1.2.3\"), \"10.0.0.0/99\")",
            "esql::constant: \"10.0.0.0/99\" cannot stand here: text is no block of IP addresses",
        ),
        (
            "CIDR_MATCH(t, \"10.0.0.0/8\")",
            "esql::argument-type: the first argument of cidr_match must be ip, and this is keyword",
        ),
        ("IP_PREFIX(TO_IP(\"10.1.2.3\"), 16, 0)", "10.1.0.0"),
        ("IP_PREFIX(TO_IP(\"2001:db8:1::1\"), 0, 32)", "2001:db8::"),
        (
            "IP_PREFIX(TO_IP(\"10.1.2.3\"), 33, 0)",
            "esql::constant: the length of the prefix is out of range: 0 to 32",
        ),
        ("TO_IP([\"10.0.0.1\", \"x\", \"::1\"])", "10.0.0.1,::1!text is no IP address"),
        ("TO_IP(\"010.0.0.1\", {\"leading_zeros\": \"octal\"})", "8.0.0.1"),
        ("TO_STRING(TO_IP(\"::ffff:1.2.3.4\"))", "1.2.3.4"),
    ]);
}

#[test]
fn numbers() {
    check(&[
        ("ABS(-3)", "3"),
        ("ABS(-3.5)", "3.5"),
        ("ABS(-2147483648)", "!integer overflow"),
        ("CEIL(1.2)", "2.0"),
        ("FLOOR(-1.2)", "-2.0"),
        ("CEIL(i)", "7"),
        ("ROUND(2.5)", "3.0"),
        ("ROUND(2.345, 2)", "2.35"),
        ("ROUND(1250, -2)", "1300"),
        ("ROUND(n)", ""),
        ("ROUND(2.345, n)", ""),
        ("SQRT(16)", "4.0"),
        ("SQRT(-1)", "!square root of a negative number"),
        ("POW(2, 10)", "1024.0"),
        ("POW(10, 400)", "!not a finite number"),
        ("LOG10(1000)", "3.0"),
        ("LOG(0)", "!logarithm of a number that is not positive"),
        ("ROUND(LOG(2, 8), 6)", "3.0"),
        ("EXP(0)", "1.0"),
        ("SIGNUM(-7)", "-1.0"),
        ("HYPOT(3, 4)", "5.0"),
        ("CBRT(27)", "3.0"),
        ("ROUND(PI(), 4)", "3.1416"),
        ("ROUND(TAU() / PI())", "2.0"),
        ("ROUND(E(), 3)", "2.718"),
        ("ACOS(2)", "!argument is out of the domain of the function"),
        ("ROUND(TO_DEGREES(PI()))", "180.0"),
        ("ROUND(TO_RADIANS(180), 4)", "3.1416"),
        ("SCALB(3, 2)", "12.0"),
        ("ATAN2(0, 1)", "0.0"),
        ("ROUND_TO(25, 10, 30, 20)", "20"),
        ("ROUND_TO(5, 10, 20)", "10"),
        ("ROUND_TO(25.5, 10, 20)", "20.0"),
        ("ROUND_TO(d, \"2024-01-01\", \"2024-05-01\", \"2024-06-01\")", "2024-05-01T00:00:00.000Z"),
        ("SQRT(t)", "esql::argument-type: the first argument of sqrt must be double, and this is keyword"),
    ]);
}

#[test]
fn conversions() {
    check(&[
        ("TO_INTEGER(\"12.5\")", "13"),
        ("TO_INTEGER(\"x\")", "!text is no number"),
        ("TO_INTEGER(3000000000)", "!number is out of the range of [integer]"),
        ("TO_LONG([\"1\", \"x\", \"2\"])", "1,2!text is no number"),
        ("TO_LONG(d)", "1715780851123"),
        ("TO_LONG(true)", "1"),
        ("TO_DOUBLE(\"1e3\")", "1000.0"),
        ("TO_DOUBLE(7)", "7.0"),
        ("TO_UNSIGNED_LONG(\"18446744073709551615\")", "18446744073709551615"),
        ("TO_UNSIGNED_LONG(-1)", "!number is out of the range of [unsigned_long]"),
        ("TO_BOOLEAN(\"TRUE\")", "true"),
        ("TO_BOOLEAN(0)", "false"),
        ("TO_STRING(1.0)", "1.0"),
        ("TO_STRING(10000000.0)", "1.0E7"),
        ("TO_STRING([1, 2])", "1,2"),
        ("TO_STRING(d)", "2024-05-15T13:47:31.123Z"),
        ("TO_STRING(true)", "true"),
        ("TO_STRING(n)", ""),
        ("TO_DATETIME(\"2024-05-15\")", "2024-05-15T00:00:00.000Z"),
        ("TO_DATETIME(0)", "1970-01-01T00:00:00.000Z"),
        ("TO_DATETIME(\"tomorrow\")", "!text is no date"),
        ("TO_DATE_NANOS(TO_LONG(1))", "1970-01-01T00:00:00.000000001Z"),
        ("TO_DATETIME(TO_DATE_NANOS(TO_LONG(1999999)))", "1970-01-01T00:00:00.001Z"),
        ("TO_VERSION(\"1.10\") > TO_VERSION(\"1.9\")", "true"),
        ("TO_STRING(TO_VERSION(\"1.2.3-rc.1\"))", "1.2.3-rc.1"),
        ("\"12\"::integer + 1", "13"),
        ("\"10.0.0.1\"::ip", "10.0.0.1"),
        ("i::string", "7"),
        ("i::double / 2", "3.5"),
        ("d + \"1 day\"::date_period", "2024-05-16T13:47:31.123Z"),
        ("d + TO_TIMEDURATION(\"1 hour\")", "2024-05-15T14:47:31.123Z"),
        ("d + \"1 hour\"::date_period", "esql::constant: \"1 hour\" cannot be read as date_period"),
        ("true::ip", "esql::no-conversion: there is no conversion from boolean to ip"),
        ("TO_STR(1)", "1"),
        ("TO_DT(0)::long", "0"),
    ]);
}

#[test]
fn buckets() {
    check(&[
        ("BUCKET(d, 1 week)", "2024-05-13T00:00:00.000Z"),
        ("BUCKET(d, 12, \"2024-01-01\", \"2025-01-01\")", "2024-05-01T00:00:00.000Z"),
        ("BUCKET(i, 5)", "5.0"),
        ("BUCKET(i, 5, 0, 20)", "5.0"),
        ("BUCKET(TO_DATE_NANOS(d), 1 hour)", "2024-05-15T13:00:00.000Z"),
        ("BUCKET(n, 1 hour)", ""),
        ("BUCKET(i, 0)", "esql::constant: the size of a bucket must be more than nothing"),
        ("BUCKET(d, 12, 0)", "esql::argument-count: bucket takes 2 or 4 arguments, not 3"),
    ]);
}

#[test]
fn points() {
    check(&[
        ("TO_GEOPOINT(\"POINT(12.5 41.9)\")", "POINT (12.5 41.9)"),
        (
            "TO_GEOPOINT(CONCAT(\"POINT(\", TO_STRING(12.5), \" \", TO_STRING(41.9), \")\"))",
            "POINT (12.5 41.9)",
        ),
        ("ST_X(TO_GEOPOINT(\"POINT(12.5 41.9)\"))", "12.5"),
        ("ST_Y(TO_GEOPOINT(\"POINT(12.5 41.9)\"))", "41.9"),
        (
            "ROUND(ST_DISTANCE(TO_GEOPOINT(\"POINT(0 0)\"), TO_GEOPOINT(\"POINT(90 0)\")) / 1000.0, 0)",
            "10008.0",
        ),
        ("TO_GEOPOINT(t)", "!text is no point such as POINT(longitude latitude)"),
    ]);
}

#[test]
fn arguments_are_counted() {
    check(&[
        ("LENGTH()", "esql::argument-count: length takes one argument, not 0"),
        ("SUBSTRING(t)", "esql::argument-count: substring takes 2 to 3 arguments, not 1"),
        (
            "SUBSTRING(t, \"x\")",
            "esql::argument-type: the second argument of substring must be integer, and this is keyword",
        ),
        (
            "LENGTH(7)",
            "esql::argument-type: the first argument of length must be keyword, and this is integer",
        ),
        ("SPLIT(t, \"--\")", "esql::constant: \"--\" cannot stand here: a delimiter must be one byte"),
        (
            "HASH(\"crc32\", t)",
            "esql::constant: \"crc32\" cannot stand here: text is no supported hash algorithm",
        ),
    ]);
}
