//! What stands in the place of a match: literal text and references to groups, as `Matcher.appendReplacement` reads it.

use query::{Diagnostic, Span};

/// Part of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Text for itself.
    Text(String),
    /// What a group took; 0 is the whole match.
    Group(usize),
}

/// Reads a replacement for an expression with these groups.
pub(super) fn parse(replacement: &str, groups: &[Option<String>]) -> Result<Vec<Part>, Diagnostic> {
    let fault = |message: String, start: usize, end: usize| {
        Diagnostic::error("esql::regex-replacement", message)
            .at(Span::new(start, end))
            .help("`$1` and `${name}` are groups; write `\\$` and `\\\\` for the signs themselves")
    };
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = replacement;
    let mut at = 0;
    while let Some(c) = rest.chars().next() {
        let start = at;
        match c {
            '\\' => {
                let Some(literal) = rest[1..].chars().next() else {
                    return Err(fault("nothing stands behind this backslash".to_owned(), start, start + 1));
                };
                text.push(literal);
                at += 1 + literal.len_utf8();
            }
            '$' => {
                let behind = &rest[1..];
                let (number, length) = if let Some(behind) = behind.strip_prefix('{') {
                    let Some((name, _)) = behind.split_once('}') else {
                        return Err(fault(
                            "the name of this group is not closed".to_owned(),
                            start,
                            replacement.len(),
                        ));
                    };
                    let length = name.len() + "${}".len();
                    let number = groups.iter().position(|group| group.as_deref() == Some(name));
                    match number {
                        Some(index) => (index + 1, length),
                        None => {
                            return Err(fault(
                                format!("there is no group named `{name}`"),
                                start,
                                start + length,
                            ));
                        }
                    }
                } else {
                    group_number(behind, groups.len())
                        .ok_or_else(|| fault("`$` is not followed by a group".to_owned(), start, start + 1))?
                };
                if number > groups.len() {
                    return Err(fault(format!("there is no group {number}"), start, start + length));
                }
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Group(number));
                at += length;
            }
            other => {
                text.push(other);
                at += other.len_utf8();
            }
        }
        rest = &replacement[at..];
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

/// The number in front of `text`, with as many digits as there are groups for, and its length with the `$`.
fn group_number(text: &str, groups: usize) -> Option<(usize, usize)> {
    let mut digits = text.chars().map_while(|c| c.to_digit(10));
    let mut number = digits.next()? as usize;
    let mut length = "$1".len();
    for digit in digits {
        let longer = number.saturating_mul(10).saturating_add(digit as usize);
        if longer > groups {
            break;
        }
        number = longer;
        length += 1;
    }
    Some((number, length))
}
