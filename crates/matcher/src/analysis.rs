//! Analysed text: how a value of a text field falls into tokens, and how tokens are looked for.
//!
//! Follows Lucene's standard analyser: words by UAX #29, lower-cased, cut at 255 characters, no stop words.
//! Source: elasticsearch docs, "Standard analyzer".

use foldhash::HashMap;
use unicode_segmentation::UnicodeSegmentation;

use crate::glob::Glob;

const LONGEST_TOKEN: usize = 255;

/// The tokens of a text, in order.
pub fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for word in text.unicode_words() {
        let lower = word.to_lowercase();
        let mut rest = lower.as_str();
        while let Some((at, _)) = rest.char_indices().nth(LONGEST_TOKEN) {
            out.push(rest[..at].to_owned());
            rest = &rest[at..];
        }
        out.push(rest.to_owned());
    }
    out
}

/// Does the text hold any of the tokens?
pub fn has_any(text: &str, wanted: &[String]) -> bool {
    tokens(text).iter().any(|token| wanted.contains(token))
}

/// Does the text hold the tokens as a phrase? With `slop`, tokens may lie that many positions off in all: two words that
/// changed places are two off.
///
/// Source: apache/lucene `org.apache.lucene.search.SloppyPhraseMatcher`.
pub fn has_phrase(text: &str, wanted: &[String], slop: u32) -> bool {
    let found = tokens(text);
    if wanted.is_empty() || slop == 0 {
        return !wanted.is_empty() && found.windows(wanted.len()).any(|window| window == wanted);
    }
    let (words, slop) = (positions(&found), slop as usize);
    // How far a token lies behind its place in the phrase; shifted so that none is negative.
    let mut shifts: Vec<usize> = Vec::new();
    for (place, token) in wanted.iter().enumerate() {
        let Some(at) = words.get(token.as_str()) else { return false };
        shifts.extend(at.iter().map(|at| at + wanted.len() - place));
    }
    shifts.into_iter().any(|least| fits(&words, wanted, least, slop))
}

/// Can every token of the phrase be given a position of its own, each shifted by `least` to `least + slop`?
fn fits(words: &HashMap<&str, Vec<usize>>, wanted: &[String], least: usize, slop: usize) -> bool {
    let mut taken: HashMap<&str, usize> = HashMap::default();
    wanted.iter().enumerate().all(|(place, token)| {
        let first = (least + place).saturating_sub(wanted.len());
        let Some(last) = (least + place + slop).checked_sub(wanted.len()) else { return false };
        let first = taken.get(token.as_str()).map_or(first, |before| first.max(before + 1));
        let at = words.get(token.as_str()).map_or(&[][..], Vec::as_slice);
        let found = at.iter().find(|at| (first..=last).contains(at));
        found.is_some_and(|at| {
            taken.insert(token, *at);
            true
        })
    })
}

fn positions(tokens: &[String]) -> HashMap<&str, Vec<usize>> {
    let mut words: HashMap<&str, Vec<usize>> = HashMap::default();
    for (at, token) in tokens.iter().enumerate() {
        words.entry(token).or_default().push(at);
    }
    words
}

/// Does any token match the pattern, which must be folded already?
pub fn has_glob(text: &str, wanted: &Glob) -> bool {
    tokens(text).iter().any(|token| wanted.matches(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_falls_into_lower_case_words() {
        assert_eq!(
            tokens("Invoke-Mimikatz -Dump_Creds v1.2 C:\\Temp"),
            ["invoke", "mimikatz", "dump_creds", "v1.2", "c", "temp"]
        );
        assert_eq!(tokens(" -- "), [""; 0]);
        assert_eq!(tokens(&"a".repeat(300)).iter().map(String::len).collect::<Vec<_>>(), [255, 45]);
    }

    #[test]
    fn a_phrase_needs_order_and_nearness() {
        let words = |text: &str| tokens(text);
        for (text, phrase, slop, expected) in [
            ("the quick brown fox", "quick brown", 0, true),
            ("the quick brown fox", "quick fox", 0, false),
            ("the quick brown fox", "quick fox", 1, true),
            ("the quick brown fox", "brown quick", 0, false),
            ("the quick brown fox", "brown quick", 1, false),
            ("the quick brown fox", "brown quick", 2, true),
            ("the quick brown fox", "fox the", 3, false),
            ("the quick brown fox", "fox the", 4, true),
            ("quick the fox", "quick quick", 9, false),
            ("quick the quick", "quick quick", 1, true),
            ("a b x x x x a c", "a b c", 4, false),
            ("a b x x x x a c", "a b c", 5, true),
            ("a a b", "a b", 0, true),
            ("the quick", "", 0, false),
        ] {
            assert_eq!(has_phrase(text, &words(phrase), slop), expected, "{text} / {phrase}");
        }
    }
}
