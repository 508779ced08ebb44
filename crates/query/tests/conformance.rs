//! Every KQL query of a checkout of public detection rules parses, prints and parses back.
//!
//! Runs when `BARTIZAN_SHARED` names a folder with `data/rules/**/*.toml`.

use std::path::Path;

use bartizan_query::{Severity, kql};
use walkdir::WalkDir;

#[test]
fn public_rules_parse() {
    let Some(shared) = std::env::var_os("BARTIZAN_SHARED") else {
        println!("did not run: BARTIZAN_SHARED is not set, so there are no rules to read");
        return;
    };
    let mut queries = 0;
    let mut faults = Vec::new();
    for entry in WalkDir::new(Path::new(&shared).join("data/rules")).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let file: toml::Table = text.parse().unwrap();
        let rule = &file["rule"];
        let text_of = |key: &str| rule.get(key).and_then(toml::Value::as_str);
        let query = text_of("query").filter(|_| text_of("language") == Some("kuery"));
        let threat_query = text_of("threat_query")
            .filter(|_| text_of("threat_language").is_none_or(|language| language == "kuery"));
        for text in query.into_iter().chain(threat_query) {
            queries += 1;
            let parsed = kql::parse(text);
            let printed = parsed.tree.to_string();
            let again = kql::parse(&printed);
            if parsed.diagnostics.iter().any(|finding| finding.severity == Severity::Warning) {
                println!("{}: {:?}", path.display(), parsed.diagnostics);
            }
            if !parsed.is_ok() || again.tree != parsed.tree || !again.is_ok() {
                faults.push(format!("{}: {:?}\n{printed}", path.display(), parsed.diagnostics));
            }
        }
    }
    println!("{queries} queries read");
    assert!(queries > 0, "no KQL query found under data/rules");
    assert!(faults.is_empty(), "{} of {queries} queries:\n{}", faults.len(), faults.join("\n"));
}
