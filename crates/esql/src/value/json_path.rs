//! Values out of JSON texts by a path: `JSON_EXTRACT`.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/function/
//! scalar/string/{JsonExtract,JsonPath}.java.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::{Outcome, Refusal};

/// A path that cannot be read.
pub const BAD_PATH: Refusal = Refusal("text is no path into JSON");
/// A text that is no JSON.
pub const NOT_JSON: Refusal = Refusal("text is no JSON");
/// A path that leads nowhere: no such key, no such element, or a step into a value that holds none.
pub const NOTHING_THERE: Refusal = Refusal("the path does not exist in the JSON");

/// A path of keys and places in arrays: `user.address[0].city`, `$['user.name']["x"]`. Dots always part keys; a key
/// with dots stands in brackets and quotes, where a backslash takes the next character as it is. Places count from 0.
/// `$` before `.` or `[`, or alone, is the whole. There are no wildcards, slices or filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Place(usize),
}

impl JsonPath {
    /// Reads a path.
    pub fn new(path: &str) -> Outcome<Self> {
        let mut rest = match path.strip_prefix('$') {
            None => path,
            Some("" | ".") => "",
            Some(after) if after.starts_with('[') => after,
            Some(after) => after.strip_prefix('.').ok_or(BAD_PATH)?,
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (step, after) = bracket(inside).ok_or(BAD_PATH)?;
                steps.push(step);
                rest = after;
                continue;
            }
            let key = match (rest.strip_prefix('.'), steps.is_empty()) {
                (Some(key), false) => key,
                (None, true) => rest,
                _ => return Err(BAD_PATH),
            };
            let length = key.find(['.', '[', ']']).unwrap_or(key.len());
            if length == 0 {
                return Err(BAD_PATH);
            }
            let (name, after) = key.split_at(length);
            steps.push(Step::Key(name.to_owned()));
            rest = after;
        }
        Ok(Self(steps))
    }

    /// The value at the path: a text without its quotes, any other as it is written in the JSON; nothing for the JSON
    /// null. Of two keys of one name the first counts. What follows the value is not looked at.
    pub fn extract<'a>(&self, json: &'a str) -> Outcome<Option<Cow<'a, str>>> {
        let mut rest = json.trim_start_matches(BLANK);
        for step in &self.0 {
            rest = match (step, rest.as_bytes().first()) {
                (Step::Key(key), Some(b'{')) => member(&rest[1..], key)?,
                (Step::Place(place), Some(b'[')) => element(&rest[1..], *place)?,
                _ => {
                    take_value(&mut rest)?;
                    return Err(NOTHING_THERE);
                }
            };
        }
        let value = take_value(&mut rest)?;
        match value.as_bytes().first() {
            Some(b'"') => Ok(Some(unquoted(value)?)),
            _ if value == "null" => Ok(None),
            _ => Ok(Some(Cow::Borrowed(value))),
        }
    }
}

/// What JSON takes for blanks; paths too, within brackets.
const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];

/// From the value of a key on, of an object whose `{` has been taken.
fn member<'a>(mut rest: &'a str, key: &str) -> Outcome<&'a str> {
    rest = rest.trim_start_matches(BLANK);
    if rest.starts_with('}') {
        return Err(NOTHING_THERE);
    }
    loop {
        if !rest.starts_with('"') {
            return Err(NOT_JSON);
        }
        let name = unquoted(take_value(&mut rest)?)?;
        rest = rest.strip_prefix(':').ok_or(NOT_JSON)?.trim_start_matches(BLANK);
        if name == key {
            return Ok(rest);
        }
        take_value(&mut rest)?;
        rest = after_comma(rest, '}')?;
    }
}

/// From an element on, of an array whose `[` has been taken.
fn element(mut rest: &str, place: usize) -> Outcome<&str> {
    rest = rest.trim_start_matches(BLANK);
    if rest.starts_with(']') {
        return Err(NOTHING_THERE);
    }
    for _ in 0..place {
        take_value(&mut rest)?;
        rest = after_comma(rest, ']')?;
    }
    Ok(rest)
}

fn after_comma(rest: &str, end: char) -> Outcome<&str> {
    match rest.strip_prefix(',') {
        Some(rest) => Ok(rest.trim_start_matches(BLANK)),
        None => Err(if rest.starts_with(end) { NOTHING_THERE } else { NOT_JSON }),
    }
}

/// Takes a value and the blanks after it; gives the value as it is written. Values of any depth take no stack.
fn take_value<'a>(rest: &mut &'a str) -> Outcome<&'a str> {
    let mut values = Deserializer::from_str(rest).into_iter::<IgnoredAny>();
    let Some(Ok(_)) = values.next() else { return Err(NOT_JSON) };
    let (value, after) = rest.split_at(values.byte_offset());
    *rest = after.trim_start_matches(BLANK);
    Ok(value)
}

/// A text without its quotes and escapes.
fn unquoted(value: &str) -> Outcome<Cow<'_, str>> {
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        _ => serde_json::from_str(value).map(Cow::Owned).map_err(|_| NOT_JSON),
    }
}

/// What stands after `[`: a step, and the rest after `]`.
fn bracket(inside: &str) -> Option<(Step, &str)> {
    let inside = inside.trim_start_matches(BLANK);
    let quote = inside.chars().next()?;
    if quote != '"' && quote != '\'' {
        let (place, after) = inside.split_once(']')?;
        let place = place.trim_end_matches(BLANK);
        let digits =
            place.bytes().all(|byte| byte.is_ascii_digit()) && (place == "0" || !place.starts_with('0'));
        let place: i32 = digits.then(|| place.parse().ok()).flatten()?;
        return Some((Step::Place(usize::try_from(place).ok()?), after));
    }
    let mut key = String::new();
    let mut letters = inside[1..].char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => key.push(letters.next().map_or('\\', |(_, literal)| literal)),
            letter if letter == quote => {
                let after = inside[1 + at + 1..].trim_start_matches(BLANK).strip_prefix(']')?;
                return Some((Step::Key(key), after));
            }
            letter => key.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JSON: &str = r#"{ "a": {"b": [10, {"c": "x\ny\u00e9"}, null, true, 1.50e3]}, "user.name": "n", "": "empty",
        "it's": 1, "e": {}, "l": [ [1, 2], [3] ], "o": { "k" : "v" } }"#;

    #[test]
    fn values_are_found() {
        let table = [
            ("a.b[0]", Some("10")),
            ("$.a.b[0]", Some("10")),
            ("a['b'][ 1 ].c", Some("x\nyé")),
            ("$['a'][\"b\"][1]['c']", Some("x\nyé")),
            ("a.b[2]", None),
            ("a.b[3]", Some("true")),
            ("a.b[4]", Some("1.50e3")),
            ("a.b", Some(r#"[10, {"c": "x\ny\u00e9"}, null, true, 1.50e3]"#)),
            ("['user.name']", Some("n")),
            ("['']", Some("empty")),
            (r"['it\'s']", Some("1")),
            ("[\"it's\"]", Some("1")),
            ("e", Some("{}")),
            ("l[0][1]", Some("2")),
            ("o", Some(r#"{ "k" : "v" }"#)),
        ];
        for (path, value) in table {
            let path = JsonPath::new(path).unwrap();
            assert_eq!(path.extract(JSON).unwrap().as_deref(), value, "{path:?}");
        }
    }

    #[test]
    fn the_whole_is_found() {
        for path in ["", "$", "$."] {
            let path = JsonPath::new(path).unwrap();
            assert_eq!(path.extract("[1, 2]").unwrap().as_deref(), Some("[1, 2]"));
            assert_eq!(path.extract(r#""x""#).unwrap().as_deref(), Some("x"));
            assert_eq!(path.extract(""), Err(NOT_JSON));
            assert_eq!(path.extract("nothing"), Err(NOT_JSON));
        }
        assert_eq!(JsonPath::new("$[1]").unwrap().extract("[1, 2]").unwrap().as_deref(), Some("2"));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for path in
            ["b", "a.c", "a.b[5]", "a[0]", "a.b.c", "user.name", "e.x", "['it']", "l['0']", "['user.name'].x"]
        {
            assert_eq!(JsonPath::new(path).unwrap().extract(JSON), Err(NOTHING_THERE), "{path}");
        }
        for json in ["{", r#"{"b": 1"#, r#"{"x" 1, "b": 2}"#, "", "b", r#"{"x": tru, "b": 2}"#] {
            assert_eq!(
                JsonPath::new("b").unwrap().extract(json).is_ok(),
                json.contains("\"b\": 1"),
                "{json}"
            );
        }
    }

    #[test]
    fn bad_paths_are_refused() {
        let table = [
            ".a",
            "a.",
            "a..b",
            "$a",
            "$..a",
            "a[",
            "a[]",
            "a[0",
            "a[-1]",
            "a[01]",
            "a[x]",
            "a[0:2]",
            "a[*]",
            "a]",
            "a['b",
            "a['b'",
            "a['b'x]",
            "a[0]b",
            "a[99999999999]",
            "[?(@.a)]",
            "a[+1]",
        ];
        for path in table {
            assert_eq!(JsonPath::new(path), Err(BAD_PATH), "{path}");
        }
    }

    #[test]
    fn deep_json_is_answered() {
        let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let deep = format!("{{\"x\": {nested}, \"b\": 2}}");
        assert_eq!(JsonPath::new("b").unwrap().extract(&deep).unwrap().as_deref(), Some("2"));
        assert_eq!(JsonPath::new("x").unwrap().extract(&deep).unwrap().as_deref(), Some(nested.as_str()));
        let into = JsonPath::new(&"[0]".repeat(1000)).unwrap();
        assert_eq!(into.extract(&nested).unwrap().map(|value| value.len()), Some(200_001 - 2000));
    }

    proptest! {
        #[test]
        fn any_path_and_text_are_answered(path in ".{0,12}", json in r#"[\[\]{}:," a1]{0,24}"#) {
            if let Ok(path) = JsonPath::new(&path) {
                let _ = path.extract(&json);
            }
            let _ = JsonPath::new("a[1]").unwrap().extract(&json);
        }
    }
}
