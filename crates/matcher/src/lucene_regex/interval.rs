//! Intervals of whole numbers, `<1-9>`: the texts of digits whose number lies between two others, both included.

use super::syntax::Tree;

/// Reads what stands between the angle brackets.
///
/// Bounds of the same length ask for texts of that length, with leading zeros; others allow any number of them. The
/// bounds may come in either order, and reach to 2147483647.
pub(super) fn parse(text: &str) -> Result<Tree, String> {
    let malformed = || format!("`<{text}>` is no interval like `<1-9>`; write `\\<` for a less-than sign");
    let (first, last) = text.split_once('-').ok_or_else(malformed)?;
    let number = |digits: &str| digits.parse::<i32>().ok().filter(|number| *number >= 0);
    let (Some(one), Some(other)) = (number(first), number(last)) else { return Err(malformed()) };
    let (min, max) = (one.min(other).to_string(), one.max(other).to_string());
    Ok(if first.len() == last.len() { of_length(first.len(), &min, &max) } else { of_any_length(&min, &max) })
}

fn of_length(length: usize, min: &str, max: &str) -> Tree {
    let padding = u32::try_from(length.saturating_sub(max.len())).unwrap_or(u32::MAX);
    let min = format!("{min:0>width$}", width = max.len());
    Tree::concat(vec![Tree::character('0').repeat(padding, Some(padding)), between(&min, max)])
}

fn of_any_length(min: &str, max: &str) -> Tree {
    let numbers = (min.len()..=max.len()).map(|length| {
        let least = if length == min.len() { min.to_owned() } else { format!("1{}", "0".repeat(length - 1)) };
        let greatest = if length == max.len() { max.to_owned() } else { "9".repeat(length) };
        between(&least, &greatest)
    });
    Tree::concat(vec![Tree::character('0').repeat(0, None), Tree::union(numbers.collect())])
}

/// Texts of the length of both bounds, from the one to the other.
fn between(min: &str, max: &str) -> Tree {
    let (Some((low, least)), Some((high, greatest))) = (split(min), split(max)) else { return Tree::Empty };
    if low == high {
        return Tree::concat(vec![Tree::character(low), between(least, greatest)]);
    }
    let further = u32::try_from(least.len()).unwrap_or(u32::MAX);
    let inner = match (next(low), previous(high)) {
        (from, to) if from <= to => {
            Tree::concat(vec![Tree::range(from, to), Tree::range('0', '9').repeat(further, Some(further))])
        }
        _ => Tree::Nothing,
    };
    Tree::union(vec![
        Tree::concat(vec![Tree::character(low), between(least, &"9".repeat(least.len()))]),
        inner,
        Tree::concat(vec![Tree::character(high), between(&"0".repeat(greatest.len()), greatest)]),
    ])
}

fn split(digits: &str) -> Option<(char, &str)> {
    let mut chars = digits.chars();
    Some((chars.next()?, chars.as_str()))
}

fn next(digit: char) -> char {
    char::from_u32(u32::from(digit) + 1).unwrap_or(digit)
}

fn previous(digit: char) -> char {
    char::from_u32(u32::from(digit) - 1).unwrap_or(digit)
}
