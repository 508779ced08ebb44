//! Translates any text as a Lucene regular expression; it compiles or is refused.

#![no_main]

libfuzzer_sys::fuzz_target!(|pattern: &str| {
    let _ = matcher::lucene_regex::compile(pattern, false);
});
