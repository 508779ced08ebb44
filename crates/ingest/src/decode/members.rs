//! The members of a JSON object one by one, without reading what is in their values.
//!
//! Start at [`outline`], which finds the end of a record and its members in one pass over its bytes.

use std::ops::Range;

use fearless_simd::{Simd, dispatch};

use super::blocks::{Blocks, LEVEL};
use super::scan::{self, Container};

/// A member, as places in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// The key, without its quotes.
    pub(crate) key: Range<usize>,
    /// The value as written.
    pub(crate) value: Range<usize>,
    /// True for text with escapes in it.
    pub(crate) escapes: bool,
}

/// Finds the members of the object whose brace is at `start` of `bytes`, and its end. Places count from `start`.
///
/// What is checked is the outline at this level: keys are strings, members are parted by single commas, strings
/// and containers have an end, other values are numbers or literals of JSON.
///
/// # Errors
/// How far it came, where that is not so, and at a key with an escape in it, which might spell any name.
pub(super) fn outline(
    bytes: &[u8],
    start: usize,
    depth_cap: u32,
    found: &mut Vec<Member>,
) -> Result<Container, usize> {
    found.clear();
    dispatch!(*LEVEL, simd => {
        each_member(Blocks::new(simd, bytes, start), bytes, start, depth_cap, |member| found.push(member))
    })
}

/// As [`outline`]: hands over each member as soon as it was found.
#[inline(always)]
fn each_member<S: Simd>(
    mut blocks: Blocks<'_, S>,
    bytes: &[u8],
    start: usize,
    depth_cap: u32,
    mut found: impl FnMut(Member),
) -> Result<Container, usize> {
    let mut too_deep = depth_cap == 0;
    let mut at = scan::skip_space(bytes, start + 1);
    if bytes.get(at) == Some(&b'}') {
        return Ok(Container { end: at + 1, too_deep, surrogates: false });
    }
    loop {
        let (key_end, escapes) = match bytes.get(at) {
            Some(b'"') => blocks.string_end(at).ok_or(bytes.len())?,
            _ => return Err(at),
        };
        let colon = scan::skip_space(bytes, key_end);
        if escapes || bytes.get(colon) != Some(&b':') {
            return Err(colon);
        }
        let value = scan::skip_space(bytes, colon + 1);
        let (end, escapes) = match bytes.get(value) {
            Some(b'"') => blocks.string_end(value).ok_or(bytes.len())?,
            Some(b'{' | b'[') => {
                let inner = blocks.container_end(value, depth_cap.saturating_sub(1));
                let inner = inner.map_err(|_| bytes.len())?;
                too_deep |= inner.too_deep;
                (inner.end, false)
            }
            Some(_) => {
                let end = scan::scalar(bytes, value);
                (is_scalar(&bytes[value..end]).then_some(end).ok_or(value)?, false)
            }
            None => return Err(bytes.len()),
        };
        found(Member {
            key: at + 1 - start..key_end - 1 - start,
            value: value - start..end - start,
            escapes,
        });
        at = scan::skip_space(bytes, end);
        match bytes.get(at) {
            Some(b',') => at = scan::skip_space(bytes, at + 1),
            Some(b'}') => return Ok(Container { end: at + 1, too_deep, surrogates: blocks.surrogates() }),
            _ => return Err(at),
        }
    }
}

/// A member's key and value as written, and whether the value is text with escapes in it.
pub(crate) type Written<'a> = (&'a str, &'a str, bool);

impl Member {
    /// The member as written in `text`, in which it was found.
    pub(crate) fn of<'a>(&self, text: &'a str) -> Option<Written<'a>> {
        Some((text.get(self.key.clone())?, text.get(self.value.clone())?, self.escapes))
    }
}

/// One function for all that take members: it is inlined three times over, for three kinds of machine.
fn whole(bytes: &[u8], start: usize, found: &mut dyn FnMut(Member)) -> Result<Container, usize> {
    dispatch!(*LEVEL, simd => each_member(Blocks::new(simd, bytes, start), bytes, start, u32::MAX, found))
}

/// Hands the members of the object that `text` is to `take`, one by one. `None` as for [`outline`], when something
/// stands behind the object, and as soon as `take` gives it; some members may have been taken by then.
pub(crate) fn members<'a>(text: &'a str, mut take: impl FnMut(Written<'a>) -> Option<()>) -> Option<()> {
    let start = scan::skip_space(text.as_bytes(), 0);
    if text.as_bytes().get(start) != Some(&b'{') {
        return None;
    }
    let object = text.get(start..)?;
    let mut taken = Some(());
    let mut found = |member: Member| {
        if taken.is_some() {
            taken = member.of(object).and_then(&mut take);
        }
    };
    let whole = whole(text.as_bytes(), start, &mut found);
    taken.filter(|()| whole.is_ok_and(|whole| scan::skip_space(text.as_bytes(), whole.end) == text.len()))
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

    fn read(text: &str) -> Option<Vec<(&str, &str)>> {
        let mut found = Vec::new();
        members(text, |(key, value, _)| {
            found.push((key, value));
            Some(())
        })?;
        Some(found)
    }

    #[test]
    fn members_come_as_written() {
        let text = r#" { "a" : "x\"}" , "b":{"c":[1,"}"]},"d":-1.5e+3, "e":null,"a":[] } "#;
        let expected =
            vec![("a", r#""x\"}""#), ("b", r#"{"c":[1,"}"]}"#), ("d", "-1.5e+3"), ("e", "null"), ("a", "[]")];
        assert_eq!(read(text), Some(expected));
        assert_eq!(read("{}"), Some(vec![]));
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
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn an_outline_says_what_a_record_is_capped_for() {
        let mut found = Vec::new();
        let text = br#"x{"a":[[1]],"b":"\ud800"},"#;
        let record = outline(text, 1, 3, &mut found).unwrap();
        assert_eq!((record.end, record.too_deep, record.surrogates), (text.len() - 1, false, true));
        assert_eq!(found[0], Member { key: 2..3, value: 5..10, escapes: false });
        assert!(outline(text, 1, 2, &mut found).unwrap().too_deep);
    }

    proptest! {
        #[test]
        fn what_json_allows_is_whole(text in r#"\{("a":(1|-0\.5|"x"|null|\[1,\{\}\]|\{"b":2\})(,"c":(true|"\\n"|1e9))?)?\}"#) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            prop_assert!(read(&text).is_some());
        }

        #[test]
        fn at_the_top_the_outline_is_as_strict_as_json(text in r#"[{}"a:,1.eE+\[\]tx -]{0,14}"#) {
            let flat = |found: Vec<(&str, &str)>| found.iter().all(|(_, value)| !value.starts_with(['{', '[']));
            if read(&text).is_some_and(flat) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }
    }
}
