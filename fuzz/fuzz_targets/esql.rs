//! Reads any text as ES|QL; what parses must print and parse back to an equal tree.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let parsed = query::esql::parse(text);
    for span in parsed.diagnostics.iter().filter_map(|finding| finding.span) {
        assert!(text.get(span.start..span.end).is_some(), "{span:?} is not a place in {text:?}");
    }
    if parsed.is_ok() {
        let printed = parsed.tree.to_string();
        let again = query::esql::parse(&printed);
        assert!(again.is_ok(), "{printed:?} does not parse: {:?}", again.diagnostics);
        assert_eq!(again.tree, parsed.tree, "printed as {printed:?}");
    }
});
