//! Small pieces of text: numbers, moments, codes, what is too long.

use maud::{Markup, html};

use crate::time;
use crate::visible::visible;

/// `1,204`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 alert`, `1,204 alerts`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// A moment, for people and for programs.
pub(super) fn moment(text: &str) -> Markup {
    let readable = time::readable(text);
    html! {
        @if readable == text { (text) } @else { time datetime=(text) { (readable) } }
    }
}

/// Characters of a value that are shown at once.
const AT_ONCE: usize = 400;

/// A value from a log. A very long one is folded after its beginning; nothing is left out.
pub(super) fn value(text: &str) -> Markup {
    html! {
        @match text.char_indices().nth(AT_ONCE) {
            None => { (text) }
            Some((at, _)) => {
                (text[..at])
                details {
                    summary { "and " (thousands(text[at..].chars().count() as u64)) " more characters" }
                    (text[at..])
                }
            }
        }
    }
}

/// A value in the type of code.
pub(super) fn code(text: &str) -> Markup {
    html! {
        @if text.len() > AT_ONCE { div.mono { (value(text)) } } @else { span.mono { (text) } }
    }
}

/// At most so many columns of text: the beginning.
pub(super) fn clip(text: &str, columns: usize) -> String {
    // Visible first: an escape is longer than what it stands for.
    let text = visible(text.to_owned());
    if width(&text) <= columns {
        return text;
    }
    within(text.chars(), columns.saturating_sub(1)).into_iter().chain(['…']).collect()
}

/// At most so many columns of text: the beginning and the end, where names of resources differ.
pub(super) fn clip_middle(text: &str, columns: usize) -> String {
    let text = visible(text.to_owned());
    if width(&text) <= columns {
        return text;
    }
    let head = columns.saturating_sub(1) / 3;
    let mut tail = within(text.chars().rev(), columns.saturating_sub(1 + head));
    tail.reverse();
    within(text.chars(), head).into_iter().chain(['…']).chain(tail).collect()
}

/// Room in a line of Latin letters; whatever may be wider counts twice.
fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(c: char) -> usize {
    if c < '\u{300}' || c == '…' { 1 } else { 2 }
}

fn within(characters: impl Iterator<Item = char>, columns: usize) -> Vec<char> {
    let mut used = 0;
    characters
        .take_while(|c| {
            used += columns_of(*c);
            used <= columns
        })
        .collect()
}

/// Says how many were left out of a list, and where they are; nothing when none were.
pub(super) fn and_more(more: usize, what: &str, rest_is: &str) -> Markup {
    html! {
        @if more > 0 {
            p.soft.small { "And " (thousands(more as u64)) " more " (what) ", not shown here: " (rest_is) "." }
        }
    }
}

/// A sentence of ours, in which names stand between backticks; those are shown as code. What names hold is only text.
pub(super) fn prose(text: &str) -> Markup {
    if text.len() > AT_ONCE || !text.matches('`').count().is_multiple_of(2) {
        return value(text);
    }
    html! {
        @for (number, part) in text.split('`').enumerate() {
            @if number % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

/// Whole sentences as a list, or as a paragraph when there is one.
pub(super) fn sentences(texts: &[String]) -> Markup {
    html! {
        @match texts {
            [] => {}
            [one] => { div.p { (prose(one)) } }
            many => { ul { @for one in many { li { (prose(one)) } } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_clips() {
        assert_eq!(
            [thousands(0), thousands(999), thousands(1000), thousands(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(clip("héllo", 4), "hél…");
        assert_eq!(clip_middle("arn:aws:kms:eu-west-1:key/abcdef", 13), "arn:…y/abcdef");
        assert_eq!(clip_middle("short", 13), "short");
        assert_eq!(clip("漢字漢字", 5), "漢字…");
        assert_eq!(clip("a\u{202e}b", 6), "a\\u{2…");
    }
}
