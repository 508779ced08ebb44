//! Texts: parts of them, where one stands in another, and what is made of them. Places and lengths count code points.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/function/
//! scalar/string/{Substring,Left,Right,Locate,Repeat,Space,Reverse,Trim,LTrim,RTrim,Split,Concat,ChangeCase}.java.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::{Outcome, Refusal};

/// A length or a number of times below zero.
pub const NEGATIVE: Refusal = Refusal("a length must not be negative");
/// A text that would be longer than a megabyte.
pub const TOO_LONG: Refusal = Refusal("text would be longer than 1048576 bytes");
/// A delimiter of `SPLIT` that is not one byte.
pub const DELIMITER: Refusal = Refusal("a delimiter must be one byte");

/// The longest text that `CONCAT`, `REPEAT` and `SPACE` make, in bytes.
pub const LONGEST: usize = 1 << 20;

/// `LENGTH`
pub fn length(text: &str) -> i32 {
    as_integer(text.chars().count())
}

/// `BYTE_LENGTH`
pub fn byte_length(text: &str) -> i32 {
    as_integer(text.len())
}

/// `BIT_LENGTH`
pub fn bit_length(text: &str) -> i32 {
    as_integer(text.len().saturating_mul(8))
}

/// `SUBSTRING`: from a place that counts from 1, or from the end when negative (0 is as 1), to the end or for so many
/// code points.
pub fn substring(text: &str, start: i32, length: Option<i32>) -> Outcome<&str> {
    if length.is_some_and(|length| length < 0) {
        return Err(NEGATIVE);
    }
    let rest = &text[place(text, start)..];
    Ok(length.map_or(rest, |length| left(rest, length)))
}

/// `LEFT`: the first code points; none when the length is negative.
pub fn left(text: &str, length: i32) -> &str {
    let length = usize::try_from(length).unwrap_or(0);
    let end = text.char_indices().nth(length).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// `RIGHT`: the last code points; none when the length is negative.
pub fn right(text: &str, length: i32) -> &str {
    let length = usize::try_from(length).unwrap_or(0);
    let Some(before) = length.checked_sub(1) else { return "" };
    let start = text.char_indices().rev().nth(before).map_or(0, |(at, _)| at);
    &text[start..]
}

/// `LOCATE`: the place of the first occurrence, counted from 1; 0 when there is none. The search begins at a place as
/// [`substring`] counts it.
pub fn locate(text: &str, wanted: &str, start: Option<i32>) -> i32 {
    let from = place(text, start.unwrap_or(0));
    // An empty text is not found in an empty one that begins after it, as upstream has it only by length.
    if text.len() < wanted.len() {
        return 0;
    }
    text[from..].find(wanted).map_or(0, |at| length(&text[..from + at]).saturating_add(1))
}

/// The byte at which a place lies.
fn place(text: &str, start: i32) -> usize {
    match start {
        1.. => text.char_indices().nth(start.unsigned_abs() as usize - 1).map_or(text.len(), |(at, _)| at),
        0 => 0,
        _ => text.char_indices().rev().nth(start.unsigned_abs() as usize - 1).map_or(0, |(at, _)| at),
    }
}

/// `CONCAT`
pub fn concat<'a>(texts: impl IntoIterator<Item = &'a str>) -> Outcome<String> {
    let mut whole = String::new();
    for text in texts {
        if whole.len() + text.len() > LONGEST {
            return Err(TOO_LONG);
        }
        whole.push_str(text);
    }
    Ok(whole)
}

/// `REPEAT`
pub fn repeat(text: &str, times: i32) -> Outcome<String> {
    let times = usize::try_from(times).map_err(|_| NEGATIVE)?;
    if text.len().checked_mul(times).is_none_or(|length| length > LONGEST) {
        return Err(TOO_LONG);
    }
    Ok(text.repeat(times))
}

/// `SPACE`
pub fn space(count: i32) -> Outcome<String> {
    repeat(" ", count)
}

/// `REVERSE`: what a reader takes for one character stays together.
pub fn reverse(text: &str) -> String {
    if text.is_ascii() {
        // A line end of two bytes is turned around too, as upstream does.
        return text.chars().rev().collect();
    }
    text.graphemes(true).rev().collect()
}

/// `TRIM`: without the white space of Java at both ends, which leaves no-break spaces.
pub fn trim(text: &str) -> &str {
    text.trim_matches(is_white_space)
}

/// `LTRIM`
pub fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_white_space)
}

/// `RTRIM`
pub fn trim_end(text: &str) -> &str {
    text.trim_end_matches(is_white_space)
}

/// As `java.lang.Character.isWhitespace` has it.
fn is_white_space(letter: char) -> bool {
    matches!(
        letter,
        '\t'..='\r'
            | '\u{1c}'..='\u{20}'
            | '\u{1680}'
            | '\u{2000}'..='\u{2006}'
            | '\u{2008}'..='\u{200a}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{205f}'
            | '\u{3000}'
    )
}

/// `TO_LOWER`, by the rules of no language in particular.
pub fn to_lower(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.to_lowercase())
}

/// `TO_UPPER`, by the rules of no language in particular.
pub fn to_upper(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.to_uppercase())
}

/// `SPLIT` by a delimiter of one byte; parts may be empty.
pub fn split<'a>(text: &'a str, delimiter: &str) -> Outcome<impl Iterator<Item = &'a str>> {
    match *delimiter.as_bytes() {
        [delimiter] => Ok(text.split(char::from(delimiter))),
        _ => Err(DELIMITER),
    }
}

fn as_integer(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths() {
        for (text, points, bytes) in
            [("", 0, 0), ("abc", 3, 3), ("é", 1, 2), ("🐱x", 2, 5), ("e\u{301}", 2, 3)]
        {
            assert_eq!(
                (length(text), byte_length(text), bit_length(text)),
                (points, bytes, bytes * 8),
                "{text}"
            );
        }
    }

    #[test]
    fn parts() {
        let table = [
            ("abcdef", 1, None, "abcdef"),
            ("abcdef", 0, None, "abcdef"),
            ("abcdef", 3, None, "cdef"),
            ("abcdef", -2, None, "ef"),
            ("abcdef", -20, None, "abcdef"),
            ("abcdef", 7, None, ""),
            ("abcdef", 100, Some(2), ""),
            ("abcdef", 2, Some(3), "bcd"),
            ("abcdef", -3, Some(2), "de"),
            ("abcdef", 2, Some(0), ""),
            ("abcdef", 2, Some(i32::MAX), "bcdef"),
            ("abcdef", i32::MIN, Some(1), "a"),
            ("a🐱é!", 2, Some(2), "🐱é"),
            ("", 1, Some(1), ""),
        ];
        for (text, start, length, part) in table {
            assert_eq!(substring(text, start, length), Ok(part), "{text} {start} {length:?}");
        }
        assert_eq!(substring("", 1, Some(-1)), Err(NEGATIVE));
        for (length, first, last) in
            [(0, "", ""), (-1, "", ""), (2, "a🐱", "é!"), (4, "a🐱é!", "a🐱é!"), (9, "a🐱é!", "a🐱é!")]
        {
            assert_eq!((left("a🐱é!", length), right("a🐱é!", length)), (first, last), "{length}");
        }
    }

    #[test]
    fn places() {
        let table = [
            ("hello", "l", None, 3),
            ("hello", "l", Some(4), 4),
            ("hello", "l", Some(5), 0),
            ("hello", "l", Some(-2), 4),
            ("hello", "x", None, 0),
            ("hello", "", None, 1),
            ("a🐱🐱é", "é", None, 4),
            ("a🐱🐱é", "🐱", Some(3), 3),
            ("hi", "hi!", None, 0),
            ("hello", "h", Some(0), 1),
        ];
        for (text, wanted, start, at) in table {
            assert_eq!(locate(text, wanted, start), at, "{text} {wanted} {start:?}");
        }
    }

    #[test]
    fn texts_are_made() {
        assert_eq!(concat(["a", "", "b"]).as_deref(), Ok("ab"));
        assert_eq!(repeat("ab", 3).as_deref(), Ok("ababab"));
        assert_eq!(repeat("ab", 0).as_deref(), Ok(""));
        assert_eq!(repeat("ab", -1), Err(NEGATIVE));
        assert_eq!(repeat("ab", LONGEST as i32 / 2).map(|text| text.len()), Ok(LONGEST));
        assert_eq!(repeat("ab", LONGEST as i32 / 2 + 1), Err(TOO_LONG));
        assert_eq!(repeat("ab", i32::MAX), Err(TOO_LONG));
        assert_eq!(space(3).as_deref(), Ok("   "));
        let long = "x".repeat(LONGEST);
        assert!(concat([long.as_str()]).is_ok());
        assert_eq!(concat([long.as_str(), "x"]), Err(TOO_LONG));
    }

    #[test]
    fn texts_are_changed() {
        for (text, turned) in [("abc", "cba"), ("", ""), ("a👨‍👩‍👧e\u{301}", "e\u{301}👨‍👩‍👧a"), ("a\r\nb", "b\n\ra")]
        {
            assert_eq!(reverse(text), turned);
        }
        for (text, inner) in [(" \t\n a b \u{3000}", "a b"), ("\u{a0}a\u{a0}", "\u{a0}a\u{a0}"), ("   ", "")]
        {
            assert_eq!(trim(text), inner);
        }
        assert_eq!((trim_start("  a "), trim_end(" a  ")), ("a ", " a"));
        assert_eq!(to_lower("ÀB1ΑΣ"), "àb1ας");
        assert_eq!(to_upper("straße ﬁ"), "STRASSE FI");
        assert!(matches!(to_lower("already low"), Cow::Borrowed(_)));
        assert!(matches!(to_upper("HIGH"), Cow::Borrowed(_)));
    }

    #[test]
    fn texts_are_parted() {
        let table: [(&str, &str, &[&str]); 5] = [
            ("a;b;c", ";", &["a", "b", "c"]),
            (";a;", ";", &["", "a", ""]),
            ("abc", ";", &["abc"]),
            ("", ";", &[""]),
            ("é b", " ", &["é", "b"]),
        ];
        for (text, delimiter, parts) in table {
            assert_eq!(split(text, delimiter).unwrap().collect::<Vec<_>>(), parts);
        }
        for delimiter in ["", "ab", "é"] {
            assert!(split("a", delimiter).is_err());
        }
    }

    proptest! {
        #[test]
        fn left_and_right_make_the_whole(text in "\\PC{0,12}", length in 0_i32..14) {
            let rest = self::length(&text) - length;
            prop_assert_eq!(format!("{}{}", left(&text, length), right(&text, rest)), text.clone());
            prop_assert_eq!(left(&text, length), substring(&text, 1, Some(length)).unwrap());
        }

        #[test]
        fn a_part_is_located_at_or_before_its_place(text in "\\PC{1,12}", start in 1_i32..12, length in 1_i32..6) {
            let part = substring(&text, start, Some(length)).unwrap();
            prop_assume!(!part.is_empty());
            prop_assert!((1..=start).contains(&locate(&text, part, None)));
            prop_assert_eq!(locate(&text, part, Some(start)), start);
        }
    }
}
