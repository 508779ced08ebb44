//! Every KQL and EQL query of a checkout of public detection rules parses, prints and parses back.
//!
//! Runs when `BARTIZAN_SHARED` names a folder with `data/rules/**/*.toml`.

use std::fmt::Display;
use std::path::Path;

use bartizan_query::{Diagnostic, Parsed, Severity, eql, kql};
use walkdir::WalkDir;

struct Reading {
    diagnostics: Vec<Diagnostic>,
    printed: String,
    /// Parsed without an error, and the printed text to an equal tree.
    holds: bool,
}

fn read<T: Display + PartialEq>(parse: fn(&str) -> Parsed<T>, text: &str) -> Reading {
    let parsed = parse(text);
    let printed = parsed.tree.to_string();
    let again = parse(&printed);
    let holds = parsed.is_ok() && again.is_ok() && again.tree == parsed.tree;
    Reading { diagnostics: parsed.diagnostics, printed, holds }
}

#[test]
fn public_rules_parse() {
    let Some(shared) = std::env::var_os("BARTIZAN_SHARED") else {
        println!("did not run: BARTIZAN_SHARED is not set, so there are no rules to read");
        return;
    };
    let mut kql_queries = 0;
    let mut eql_queries = 0;
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
        let query_in = |language: &str| text_of("query").filter(|_| text_of("language") == Some(language));
        let threat_query = text_of("threat_query")
            .filter(|_| text_of("threat_language").is_none_or(|language| language == "kuery"));
        let mut readings = Vec::new();
        for text in query_in("kuery").into_iter().chain(threat_query) {
            kql_queries += 1;
            readings.push(read(kql::parse, text));
        }
        if let Some(text) = query_in("eql") {
            eql_queries += 1;
            readings.push(read(eql::parse, text));
        }
        for Reading { diagnostics, printed, holds } in readings {
            if diagnostics.iter().any(|finding| finding.severity == Severity::Warning) {
                println!("{}: {diagnostics:?}", path.display());
            }
            if !holds {
                faults.push(format!("{}: {diagnostics:?}\n{printed}", path.display()));
            }
        }
    }
    let queries = kql_queries + eql_queries;
    println!("{kql_queries} KQL and {eql_queries} EQL queries read");
    assert!(kql_queries > 0, "no KQL query found under data/rules");
    assert!(eql_queries > 0, "no EQL query found under data/rules");
    assert!(faults.is_empty(), "{} of {queries} queries:\n{}", faults.len(), faults.join("\n"));
}
