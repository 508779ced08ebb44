//! Analysed text: how a value of a text field falls into tokens, and how tokens are looked for.
//!
//! Follows Lucene's standard analyser: words by UAX #29, lower-cased, cut at 255 characters, no stop words.
//! Source: elasticsearch docs, "Standard analyzer".

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

/// Does the text hold the tokens in this order, with at most `slop` other positions between them in all?
pub fn has_phrase(text: &str, wanted: &[String], slop: u32) -> bool {
    let found = tokens(text);
    let Some(first) = wanted.first() else { return false };
    let starts = found.iter().enumerate().filter(|(_, token)| *token == first).map(|(at, _)| at);
    starts.into_iter().any(|start| {
        let mut at = start;
        let mut spare = slop as usize;
        wanted[1..].iter().all(|token| {
            let next = found[at + 1..].iter().take(spare + 1).position(|t| t == token);
            next.is_some_and(|skipped| {
                at += skipped + 1;
                spare -= skipped;
                true
            })
        })
    })
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
            ("a a b", "a b", 0, true),
            ("the quick", "", 0, false),
        ] {
            assert_eq!(has_phrase(text, &words(phrase), slop), expected, "{text} / {phrase}");
        }
    }
}
