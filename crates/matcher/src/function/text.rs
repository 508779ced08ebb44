//! Functions over text. Positions and lengths count UTF-16 code units, as those of Java do.
//!
//! The forms that ignore case lower-case each character by Unicode. A position that lies within a character outside
//! the basic plane counts as one after it: text never holds half a character here.

use std::borrow::Cow;

use crate::computed::Value;

/// The text after the first `left` up to the first `right` that follows, or up to the last one when `greedy`; empty
/// when either is not there, and the whole text when either is empty.
pub(super) fn between<'a>(
    source: &'a Value<'_>,
    left: &Value<'_>,
    right: &Value<'_>,
    greedy: Option<&Value<'_>>,
    fold: bool,
) -> Option<Value<'a>> {
    let (source, left, right) = (source.as_text()?, left.as_text()?, right.as_text()?);
    let greedy = match greedy {
        None | Some(Value::Null) => false,
        Some(value) => value.truth()?,
    };
    if source.is_empty() || left.is_empty() || right.is_empty() {
        return Some(Value::Text(source.into()));
    }
    let searched = Folded::new(source, fold);
    let (left, right) = (folded(left, fold), folded(right, fold));
    let found = searched.text.find(&*left).and_then(|at| {
        let start = at + left.len();
        let rest = searched.text.get(start..)?;
        let length = if greedy { rest.rfind(&*right) } else { rest.find(&*right) }?;
        source.get(searched.origin(start)..searched.origin(start + length))
    });
    Some(Value::Text(found.unwrap_or_default().into()))
}

/// All values as one text; null when one is null.
pub(super) fn concat<'a>(values: &[Value<'_>]) -> Option<Value<'a>> {
    let mut out = String::new();
    for value in values {
        out.push_str(&value.to_text()?);
    }
    Some(Value::Text(out.into()))
}

/// How long the text is.
pub(super) fn length<'a>(source: &Value<'_>) -> Option<Value<'a>> {
    Some(Value::Int(units(source.as_text()?) as i64))
}

/// The text from `start` up to, not including, `end`. Negative positions count from the end; those beyond an end stand
/// for that end.
pub(super) fn substring<'a>(
    source: &'a Value<'_>,
    start: &Value<'_>,
    end: Option<&Value<'_>>,
) -> Option<Value<'a>> {
    let text = source.as_text()?;
    if *start == Value::Null {
        return Some(Value::Text(text.into()));
    }
    let length = units(text) as i64;
    let position = |value: &Value<'_>| {
        let at = value.as_whole()?;
        Some(if at < 0 { at.saturating_add(length) } else { at }.clamp(0, length))
    };
    let start = position(start)?;
    let end = match end {
        None | Some(Value::Null) => length,
        Some(end) => position(end)?,
    };
    let part = if start < end {
        text.get(byte_of_unit(text, start as usize)..byte_of_unit(text, end as usize)).unwrap_or_default()
    } else {
        ""
    };
    Some(Value::Text(part.into()))
}

/// Where the first `part` begins at or after `start`; null when there is none.
pub(super) fn index_of<'a>(
    source: &Value<'_>,
    part: &Value<'_>,
    start: Option<&Value<'_>>,
    fold: bool,
) -> Option<Value<'a>> {
    let (text, part) = (folded(source.as_text()?, fold), folded(part.as_text()?, fold));
    let start = match start {
        None | Some(Value::Null) => 0,
        Some(start) => start.as_whole()?.max(0),
    };
    let from = byte_of_unit(&text, usize::try_from(start).unwrap_or(usize::MAX));
    let at = from + text.get(from..)?.find(&*part)?;
    Some(Value::Int(units(text.get(..at)?) as i64))
}

/// Does the text begin so? Always with nothing.
pub(super) fn starts_with(source: &Value<'_>, start: &Value<'_>, fold: bool) -> Option<bool> {
    Some(folded(source.as_text()?, fold).starts_with(&*folded(start.as_text()?, fold)))
}

/// Does the text end so? Always with nothing.
pub(super) fn ends_with(source: &Value<'_>, end: &Value<'_>, fold: bool) -> Option<bool> {
    Some(folded(source.as_text()?, fold).ends_with(&*folded(end.as_text()?, fold)))
}

/// Does the text hold the part? Never nothing.
pub(super) fn string_contains(source: &Value<'_>, part: &Value<'_>, fold: bool) -> Option<bool> {
    let (source, part) = (source.as_text()?, part.as_text()?);
    Some(!part.is_empty() && folded(source, fold).contains(&*folded(part, fold)))
}

fn units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// The byte at which a code unit begins; the end of the text for one beyond it.
fn byte_of_unit(text: &str, unit: usize) -> usize {
    if text.is_ascii() {
        return unit.min(text.len());
    }
    let mut at = 0;
    for (byte, c) in text.char_indices() {
        if at >= unit {
            return byte;
        }
        at += c.len_utf16();
    }
    text.len()
}

fn folded(text: &str, fold: bool) -> Cow<'_, str> {
    if fold { text.chars().flat_map(char::to_lowercase).collect::<String>().into() } else { text.into() }
}

/// A text without case that knows where in the written text each byte comes from.
struct Folded<'a> {
    text: Cow<'a, str>,
    /// For each byte of the folded text, and its end, the byte of the written one; `None` when they are the same.
    origins: Option<Vec<usize>>,
}

impl<'a> Folded<'a> {
    fn new(text: &'a str, fold: bool) -> Self {
        if !fold {
            return Self { text: text.into(), origins: None };
        }
        if text.is_ascii() {
            return Self { text: text.to_ascii_lowercase().into(), origins: None };
        }
        let mut lower = String::with_capacity(text.len());
        let mut origins = Vec::with_capacity(text.len() + 1);
        for (at, c) in text.char_indices() {
            lower.extend(c.to_lowercase());
            origins.resize(lower.len(), at);
        }
        origins.push(text.len());
        Self { text: lower.into(), origins: Some(origins) }
    }

    fn origin(&self, at: usize) -> usize {
        match &self.origins {
            None => at,
            Some(origins) => origins.get(at).copied().unwrap_or(usize::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use query::eql::ast::Function;

    use super::super::call;
    use super::*;

    fn v(value: impl Into<Given>) -> Value<'static> {
        value.into().0
    }

    struct Given(Value<'static>);

    impl From<&'static str> for Given {
        fn from(text: &'static str) -> Self {
            Self(Value::Text(text.into()))
        }
    }

    impl From<i64> for Given {
        fn from(i: i64) -> Self {
            Self(Value::Int(i))
        }
    }

    impl From<f64> for Given {
        fn from(f: f64) -> Self {
            Self(Value::Float(f))
        }
    }

    impl From<bool> for Given {
        fn from(b: bool) -> Self {
            Self(Value::Bool(b))
        }
    }

    impl From<Value<'static>> for Given {
        fn from(value: Value<'static>) -> Self {
            Self(value)
        }
    }

    macro_rules! table {
        ($($function:ident $fold:literal ($($arg:expr),*) => $expected:expr;)*) => {
            $(
                let args = [$(v($arg)),*];
                let expected = v($expected);
                assert_eq!(call(Function::$function, $fold, &args), expected, "{} {args:?}", stringify!($function));
            )*
        };
    }

    const NULL: Value<'static> = Value::Null;

    #[test]
    fn every_function_has_its_cases() {
        table! {
            Between false ("welcome to the event log", " ", " ") => "to";
            Between false ("welcome to the event log", " ", " ", true) => "to the event";
            Between false ("welcome", "x", "e") => "";
            Between false ("welcome", "w", "x") => "";
            Between false ("welcome", "W", "e") => "";
            Between true ("WELcome", "w", "C") => "EL";
            Between true ("İx[ä]İ", "X[", "]i\u{307}") => "ä";
            Between false ("abba", "abb", "b", true) => "";
            Between false ("welcome", "", "e") => "welcome";
            Between false ("", "a", "e") => "";
            Between false ("a-b-c", "-", "-", NULL) => "b";
            Between false (NULL, "a", "b") => NULL;
            Between false ("abc", NULL, "b") => NULL;
            Between false ("abc", "a", "c", 1) => NULL;
            Between false (5, "a", "c") => NULL;
            Concat false ("a", 5, 1.0, true) => "a51.0true";
            Concat false ("a", NULL) => NULL;
            Concat false ("a") => "a";
            String false (5) => "5";
            String false (2.5) => "2.5";
            String false (false) => "false";
            String false (NULL) => NULL;
            Length false ("") => 0;
            Length false ("aé😀") => 4;
            Length false (NULL) => NULL;
            Length false (5) => NULL;
            Substring false ("hello", 1) => "ello";
            Substring false ("hello", 1, 3) => "el";
            Substring false ("hello", -4) => "ello";
            Substring false ("hello", -4, -1) => "ell";
            Substring false ("hello", 3, 1) => "";
            Substring false ("hello", 9) => "";
            Substring false ("hello", -9, 99) => "hello";
            Substring false ("hello", i64::MIN, i64::MAX) => "hello";
            Substring false ("hello", NULL) => "hello";
            Substring false ("hello", 1, NULL) => "ello";
            Substring false ("hello", 1.9) => "ello";
            Substring false ("hello", "1") => NULL;
            Substring false (NULL, 1) => NULL;
            Substring false ("é😀x", 1, 3) => "😀";
            Substring false ("é😀x", 2) => "x";
            Substring false ("é😀x", -1) => "x";
            IndexOf false ("a.b.c", ".") => 1;
            IndexOf false ("a.b.c", ".", 2) => 3;
            IndexOf false ("a.b.c", ".", -5) => 1;
            IndexOf false ("a.b.c", ".", 9) => NULL;
            IndexOf false ("a.b.c", "B") => NULL;
            IndexOf true ("a.b.c", "B") => 2;
            IndexOf true ("é😀X", "x") => 3;
            IndexOf false ("abc", "", 2) => 2;
            IndexOf false ("abc", "", 9) => 3;
            IndexOf false ("abc", "c", NULL) => 2;
            IndexOf false (NULL, "c") => NULL;
            IndexOf false ("abc", NULL) => NULL;
            StartsWith false ("abc", "ab") => true;
            StartsWith false ("abc", "AB") => false;
            StartsWith true ("Éa", "é") => true;
            StartsWith false ("abc", "") => true;
            StartsWith false ("abc", NULL) => NULL;
            StartsWith false (NULL, "a") => NULL;
            EndsWith false ("abc", "bc") => true;
            EndsWith false ("abc", "BC") => false;
            EndsWith true ("aÉ", "é") => true;
            EndsWith false ("abc", "") => true;
            EndsWith false (5, "5") => NULL;
            StringContains false ("abc", "b") => true;
            StringContains false ("a*c", "*") => true;
            StringContains false ("abc", "*") => false;
            StringContains false ("abc", "B") => false;
            StringContains true ("aÉc", "éC") => true;
            StringContains false ("abc", "") => false;
            StringContains false (NULL, "") => NULL;
            CidrMatch false ("10.1.2.3", "192.168.0.0/16", "10.0.0.0/8") => true;
            CidrMatch false ("11.1.2.3", "10.0.0.0/8") => false;
            CidrMatch false ("::1", "::1/128") => true;
            CidrMatch false ("n/a", "10.0.0.0/8") => NULL;
            CidrMatch false (NULL, "10.0.0.0/8") => NULL;
            Add false (1, 2) => 3;
            Subtract false (1, 2.5) => -1.5;
            Multiply false (2, 3) => 6;
            Divide false (7, 2) => 3;
            Modulo false (-7, 2) => -1;
            Number false ("0x10") => 16;
            Number false ("10", 2) => 2;
            Number false ("ten") => NULL;
            Number false (NULL) => NULL;
        }
    }
}
