//! Reads any text as a Kibana export; what passes is written back, and reads as the same rules.

#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let path = Path::new("rules.ndjson");
    let loaded = rule::format::ndjson::read(text, path);
    let again = rule::format::ndjson::read(&rule::format::ndjson::write(&loaded), path);
    let ids = |loaded: &rule::Loaded| loaded.rules.iter().map(|rule| rule.rule_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&loaded));
});
