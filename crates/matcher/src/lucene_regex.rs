//! Lucene's regular expressions, translated to those of the `regex` crate.
//!
//! The whole value must match; `.` is any character, line breaks too; `^` and `$` are ordinary characters.
//! `@` is any text, `#` nothing at all, `"…"` literal text. `\d \s \w` and their negations are accepted, as
//! newer Lucene does. Complement `~`, intersection `&` and intervals `<1-9>` have no counterpart and are refused.
//! Source: apache/lucene `org.apache.lucene.util.automaton.RegExp`.

use regex::{Regex, RegexBuilder};

use crate::ResolveError;

/// Compiles a Lucene regular expression; `caseless` folds by Unicode simple case folding.
///
/// # Errors
/// When the text is no regular expression, or uses an operator without counterpart.
pub fn compile(pattern: &str, caseless: bool) -> Result<Regex, ResolveError> {
    let fail = |reason: &str| ResolveError::Regex { pattern: pattern.to_owned(), reason: reason.to_owned() };
    let translated = translate(pattern).map_err(fail)?;
    RegexBuilder::new(&format!(r"\A(?:{translated})\z"))
        .case_insensitive(caseless)
        .dot_matches_new_line(true)
        .size_limit(8 << 20)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => fail("too large when compiled"),
            other => fail(other.to_string().lines().last().unwrap_or("not a regular expression").trim()),
        })
}

fn translate(pattern: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    let mut open_groups = Vec::new();
    // Where the unit begins that a repetition would apply to, and whether one was applied already.
    let (mut unit, mut repeated) = (0, false);
    while let Some(c) = chars.next() {
        if let '*' | '+' | '?' | '{' = c {
            // A second operator repeats the repetition; here, unlike there, it must not make it lazy.
            if repeated {
                out.insert_str(unit, "(?:");
                out.push(')');
            }
            out.push(c);
            if c == '{' {
                bounds(&mut chars, &mut out)?;
            }
            repeated = true;
            continue;
        }
        repeated = false;
        let start = out.len();
        match c {
            '\\' => match chars.next() {
                Some(class @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => out.push_str(ascii_class(class)),
                Some(other) => push_literal(&mut out, other),
                None => return Err("ends in a lone backslash"),
            },
            '"' => {
                out.push_str("(?:");
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some(other) => push_literal(&mut out, other),
                        None => return Err("a quoted text is not closed"),
                    }
                }
                out.push(')');
            }
            '@' => out.push_str("(?:.*)"),
            '#' => out.push_str(r"[^\x00-\x{10FFFF}]"),
            '~' => return Err("the complement operator `~` is not supported; write `\\~` for a tilde"),
            '&' => {
                return Err("the intersection operator `&` is not supported; write `\\&` for an ampersand");
            }
            '<' => return Err("intervals `<1-9>` are not supported; write `\\<` for a less-than sign"),
            '[' => class(&mut chars, &mut out)?,
            // No groups with options in this dialect: `(?` is a group that begins with a misplaced `?`.
            '(' if chars.peek() == Some(&'?') => return Err("`(?` is not allowed"),
            '(' => {
                open_groups.push(start);
                out.push_str("(?:");
            }
            ')' => {
                unit = open_groups.pop().ok_or("a group is closed that was not opened")?;
                out.push(')');
                continue;
            }
            '.' | '|' => out.push(c),
            other => push_literal(&mut out, other),
        }
        unit = start;
    }
    Ok(out)
}

/// Copies the rest of `{n,m}`.
fn bounds(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    out: &mut String,
) -> Result<(), &'static str> {
    loop {
        match chars.next() {
            Some('}') => break,
            Some(c) if c.is_ascii_digit() || c == ',' => out.push(c),
            _ => return Err("a repetition `{n,m}` is not well formed"),
        }
    }
    out.push('}');
    Ok(())
}

fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Result<(), &'static str> {
    out.push('[');
    if chars.peek() == Some(&'^') {
        chars.next();
        out.push('^');
    }
    let mut first = true;
    loop {
        match chars.next() {
            Some(']') if !first => break,
            Some('\\') => match chars.next() {
                Some(class @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => out.push_str(ascii_class(class)),
                Some(other) => push_class_literal(out, other),
                None => return Err("ends in a lone backslash"),
            },
            Some('-') if !first && !matches!(chars.peek(), Some(']') | None) => out.push('-'),
            Some(c) => push_class_literal(out, c),
            None => return Err("a character class `[` is not closed"),
        }
        first = false;
    }
    out.push(']');
    Ok(())
}

fn ascii_class(class: char) -> &'static str {
    match class {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => "[ \\t\\n\\r]",
        'S' => "[^ \\t\\n\\r]",
        'w' => "[0-9A-Za-z_]",
        _ => "[^0-9A-Za-z_]",
    }
}

fn push_literal(out: &mut String, c: char) {
    let mut buffer = [0; 4];
    out.push_str(&regex::escape(c.encode_utf8(&mut buffer)));
}

fn push_class_literal(out: &mut String, c: char) {
    if matches!(c, '[' | ']' | '\\' | '^' | '-' | '&' | '~') {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect() {
        for (pattern, value, expected) in [
            ("abc", "abc", true),
            ("ab", "abc", false),
            ("a.c", "a\nc", true),
            ("a|bc", "bc", true),
            ("(a|b)+c", "abac", true),
            ("[a-c]{2,3}", "abc", true),
            ("[^a-c]", "d", true),
            ("[a\\-c]", "-", true),
            ("[.]", "x", false),
            ("^a$", "^a$", true),
            ("\\d+\\s\\w*", "12 ab_", true),
            ("a@", "anything", true),
            ("\"a.c\"", "a.c", true),
            ("\"a.c\"", "abc", false),
            ("a\\.b", "a.b", true),
            ("(ab){2}?", "abab", true),
            ("a+?b", "aab", true),
            ("a{2}*", "aaaa", true),
            ("a{2}*", "aaa", false),
            ("/path", "/path", true),
            ("#", "", false),
            ("é+", "éé", true),
        ] {
            assert_eq!(compile(pattern, false).unwrap().is_match(value), expected, "{pattern} {value:?}");
        }
        assert!(compile("ABC.*", true).unwrap().is_match("abcd"));
    }

    #[test]
    fn what_has_no_counterpart_is_refused_with_the_reason() {
        for pattern in ["~a", "a&b", "<1-9>", "(a", "[a", "a\\", "(?i)a", "a{x}", "\"a", "*"] {
            assert!(compile(pattern, false).is_err(), "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_compiled_or_refused(pattern in ".{0,20}") {
            let _ = compile(&pattern, false);
        }
    }
}
