//! Reads any text as a rule file; what passes is written back, and reads as the same rule.

#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let path = Path::new("rule.toml");
    let loaded = rule::format::toml::read(text, path);
    assert!(!loaded.rules.is_empty() || !loaded.diagnostics.is_empty() || text.trim().is_empty());
    for rule in &loaded.rules {
        if let Ok(written) = rule::format::toml::write(rule) {
            let again = rule::format::toml::read(&written, path);
            let again = again.rules.first().expect("what was written reads");
            assert_eq!((&again.rule_id, &again.rule_type), (&rule.rule_id, &rule.rule_type));
        }
    }
});
