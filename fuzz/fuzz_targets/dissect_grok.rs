//! Reads any text as a pattern of DISSECT, of GROK and of Java, and takes the rest of the input apart with it.

#![no_main]

use esql::pattern::{Dissect, Grok, JavaRegex};
use query::Diagnostic;

// The first line is the pattern, the second stands for matches, the rest is the text.
libfuzzer_sys::fuzz_target!(|input: &str| {
    let (pattern, rest) = input.split_once('\n').unwrap_or((input, ""));
    let (replacement, text) = rest.split_once('\n').unwrap_or(("", rest));
    match Dissect::parse(pattern, replacement) {
        Ok(dissect) => {
            let values = dissect.apply(text);
            assert!(values.is_none_or(|values| values.len() == dissect.keys().len()));
        }
        Err(fault) => placed(&fault, pattern),
    }
    match Grok::parse(&[pattern, "%{WORD:word}"]) {
        Ok(grok) => {
            if let Ok(Some(values)) = grok.apply(text) {
                assert_eq!(values.len(), grok.fields().len());
            }
        }
        Err(fault) => placed(&fault.diagnostic, pattern),
    }
    match JavaRegex::parse(pattern) {
        Ok(regex) => {
            if let Err(fault) = regex.check_replacement(replacement) {
                placed(&fault, replacement);
            }
            if let Ok(false) = regex.is_match(text) {
                assert_eq!(regex.replace_all(text, replacement).as_deref(), Ok(text));
            }
            let _ = regex.replace_all(text, replacement);
        }
        Err(fault) => placed(&fault, pattern),
    }
});

fn placed(fault: &Diagnostic, pattern: &str) {
    if let Some(span) = fault.span {
        assert!(pattern.get(span.start..span.end).is_some(), "{span:?} is not a place in {pattern:?}");
    }
}
