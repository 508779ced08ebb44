//! The members of a JSON object one by one, without reading what is in their values.

use super::scan;

/// Iterates over the members of an object as (key, value), both as written.
///
/// Keys come without their quotes. What is checked is the outline at this level: keys are strings, members are
/// parted by commas, strings and containers have an end, other values are numbers or literals of JSON. The
/// iterator ends at the first thing that is otherwise, and [`Members::is_whole`] then says so. A key with an escape
/// in it counts as such a thing: it might spell any name.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    text: &'a str,
    at: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Next,
    Whole,
    Broken,
}

/// The members of the object that `text` is.
pub(crate) fn members(text: &str) -> Members<'_> {
    let at = scan::skip_space(text.as_bytes(), 0);
    let state = if text.as_bytes().get(at) == Some(&b'{') { State::First } else { State::Broken };
    Members { text, at: at + 1, state }
}

impl<'a> Members<'a> {
    /// After the last member: was the object read to its end, with nothing behind it?
    pub(crate) fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// `None` where the outline is broken.
    fn step(&mut self) -> Option<Option<(&'a str, &'a str)>> {
        let bytes = self.text.as_bytes();
        let mut at = scan::skip_space(bytes, self.at);
        match (bytes.get(at)?, self.state) {
            (b'}', _) => {
                self.state = State::Whole;
                return (scan::skip_space(bytes, at + 1) == bytes.len()).then_some(None);
            }
            (b',', State::Next) => at = scan::skip_space(bytes, at + 1),
            (_, State::First) => {}
            _ => return None,
        }
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let (key_end, escapes) = scan::string(bytes, at)?;
        let key = self.text.get(at + 1..key_end - 1).filter(|_| !escapes)?;
        let colon = scan::skip_space(bytes, key_end);
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        let start = scan::skip_space(bytes, colon + 1);
        let end = match bytes.get(start)? {
            b'"' => scan::string(bytes, start)?.0,
            b'{' | b'[' => scan::container(bytes, start, u32::MAX).ok()?.end,
            _ => {
                let end = scan::scalar(bytes, start);
                is_scalar(&bytes[start..end]).then_some(end)?
            }
        };
        self.at = end;
        self.state = State::Next;
        Some(Some((key, self.text.get(start..end)?)))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.state, State::Whole | State::Broken) {
            return None;
        }
        let step = self.step();
        if step.is_none() {
            self.state = State::Broken;
        }
        step.flatten()
    }
}

/// A literal or a number of JSON.
fn is_scalar(text: &[u8]) -> bool {
    if matches!(text, b"true" | b"false" | b"null") {
        return true;
    }
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent =
            exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let length = digits(exponent);
        return length > 0 && length == exponent.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (Vec<(&str, &str)>, bool) {
        let mut members = members(text);
        let found = members.by_ref().collect();
        (found, members.is_whole())
    }

    #[test]
    fn members_come_as_written() {
        let text = r#" { "a" : "x\"}" , "b":{"c":[1,"}"]},"d":-1.5e+3, "e":null,"a":[] } "#;
        let expected =
            vec![("a", r#""x\"}""#), ("b", r#"{"c":[1,"}"]}"#), ("d", "-1.5e+3"), ("e", "null"), ("a", "[]")];
        assert_eq!(read(text), (expected, true));
        assert_eq!(read("{}"), (vec![], true));
    }

    #[test]
    fn a_broken_outline_is_noticed() {
        for text in [
            "",
            "[]",
            "{",
            r#"{"a""#,
            r#"{"a":"#,
            r#"{"a":1"#,
            r#"{"a":1,}"#,
            r#"{"a":1 "b":2}"#,
            r#"{"a":tru}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":+1}"#,
            r#"{a:1}"#,
            r#"{"\u0061":1}"#,
            r#"{"a":1}x"#,
            r#"{"a":"x}"#,
            r#"{"a":[}"#,
            r#"{,"a":1}"#,
        ] {
            assert!(!read(text).1, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_json_allows_is_whole(text in r#"\{("a":(1|-0\.5|"x"|null|\[1,\{\}\]|\{"b":2\})(,"c":(true|"\\n"|1e9))?)?\}"#) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            prop_assert!(read(&text).1);
        }

        #[test]
        fn at_the_top_the_outline_is_as_strict_as_json(text in r#"[{}"a:,1.eE+\[\]tx -]{0,14}"#) {
            let (found, whole) = read(&text);
            let flat = found.iter().all(|(_, value)| !value.starts_with(['{', '[']));
            if whole && flat {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }
    }
}
